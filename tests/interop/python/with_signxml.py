"""Signs a transcript with signxml (XAdES): with_signxml.py portable IN PLAN OUT

The plan's lines, tab-separated: see ../README.md. Three things that signxml leaves to its user stand in the subclass.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.xades.xades import XAdESSigner

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0


class Signer(XAdESSigner):
    def __init__(self, identifier: str, time: str) -> None:
        super().__init__(method=SignatureConstructionMethod.detached, c14n_algorithm=EXCLUSIVE)
        self.identifier, self.time = identifier, time

    def _unpack(self, data: Any, references: Any) -> Any:
        root, *others = super()._unpack(data, references)
        root.set("Id", self.identifier)  # one's own; else signxml draws one
        return root, *others

    def _add_reference_to_signed_info(self, sig_root: Any, node_to_reference: Any, **attrs: str) -> None:
        """Name the transform: without one a verifier takes inclusive C14N, and the digest does not fit."""
        super()._add_reference_to_signed_info(sig_root, node_to_reference, **attrs)  # type: ignore[no-untyped-call]  # it has no types
        reference = sig_root.find(f"{DS}SignedInfo")[-1]
        transforms = etree.Element(f"{DS}Transforms")
        etree.SubElement(transforms, f"{DS}Transform", Algorithm=self.c14n_alg.value)
        reference.insert(0, transforms)

    def add_signing_time(self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any) -> None:
        """The time with the zone of the school; signxml writes the machine's, in UTC."""
        etree.SubElement(signed_signature_properties, f"{XADES}SigningTime").text = self.time


def sign(_style: str, source: str, plan: str, target: str) -> None:
    root = etree.fromstring(Path(source).read_bytes())
    (namespace, box, id_, role), *lines = (
        line.split("\t") for line in Path(plan).read_text(encoding="utf-8").splitlines()
    )
    for slot, box_id, role_value, identifier, time, key, uris in lines:
        group = root.find(f".//*[@Id='{slot}']")
        assert group is not None
        place = etree.SubElement(group, f"{{{namespace}}}{box}")
        place.set(id_, box_id)
        place.set(role, role_value)
        certificates = Path(f"{key}.cert.pem").read_bytes() + Path(f"{key}.chain.pem").read_bytes()
        signature = Signer(identifier, time).sign(
            root,
            key=Path(f"{key}.key.pem").read_bytes(),
            cert=x509.load_pem_x509_certificates(certificates),  # the signer's first
            reference_uri=uris.split(),
            always_add_key_value=False,
        )
        place.append(signature)
    Path(target).write_bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


if __name__ == "__main__":
    sign(*sys.argv[2:])
