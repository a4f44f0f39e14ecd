"""Signs with signxml: XAdES baseline B, exclusive C14N, detached references to ``#Id``.

signxml's own ``XAdESSigner`` leaves out the transform of the reference to the signed properties, stamps the machine's
time, and copies the document for every reference; the subclass mends that. The signature is made as text and stands in
a document that is parsed anew for the next signer, never moved as a node.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.signer import SignatureReference
from signxml.xades.xades import XAdESSigner

from conformance.pack import SignaturePolicy
from mock_vendor.contents import Contents
from mock_vendor.register import TEACHER, Wanted
from mock_vendor.writing import Signature, Writing

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0


class SigningKey(Protocol):
    """What signs: a private key of ``cryptography``, or one that is elsewhere."""

    @property
    def sign(self) -> Callable[..., bytes]:
        """Sign as such a key of its kind does."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A signer's key and certificates, leaf first."""

    key: SigningKey
    chain: tuple[x509.Certificate, ...]

    @property
    def kind(self) -> str:
        """``rsa`` or ``ec``."""
        return "rsa" if isinstance(self.chain[0].public_key(), rsa.RSAPublicKey) else "ec"

    @classmethod
    def load(cls, packed: bytes, password: str) -> Credential:
        """From PKCS#12.

        Raises:
            ValueError: not PKCS#12, wrong password, no certificate, or a key this software cannot sign with.
        """
        key, certificate, more = pkcs12.load_key_and_certificates(packed, password.encode() or None)
        if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("PKCS#12: cần khóa RSA hoặc EC và chứng thư / wants an RSA or EC key and a certificate")
        # a root in the file is nothing a verifier may trust: it has its own
        return cls(key, (certificate, *(one for one in more if one.subject != one.issuer)))


@dataclass(slots=True)
class Sheet:
    """A parsed text to sign on: its elements by ``Id``; canonical bytes are made once for all who sign on it."""

    elements: Mapping[str, etree._Element]
    id_attribute: str
    """How the document spells its identifiers; those inside a signature are always ``Id``, as XML-DSig has them."""
    canonical: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, id_attribute: str) -> Sheet:
        """Parse ``text``."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(text.encode(), parser)
        return cls({str(one.get(id_attribute)): one for one in root.iter() if one.get(id_attribute)}, id_attribute)


class _Signer(XAdESSigner):
    def __init__(
        self, sheet: Sheet, at: datetime, digest: DigestAlgorithm, method: SignatureMethod, policy: SignaturePolicy
    ) -> None:
        self._sheet = sheet
        self._at = at
        self._certificate_digest = DigestAlgorithm(_choice(DigestAlgorithm.SHA256.value, policy.digests))
        super().__init__(
            method=SignatureConstructionMethod.detached,
            signature_algorithm=method,
            digest_algorithm=digest,
            c14n_algorithm=EXCLUSIVE,
        )
        self.construction_method = SignatureConstructionMethod.detached
        self.namespaces = {
            policy.prefixes.get(one, one): uri for one, uri in (("ds", DS[1:-1]), ("xades", XADES[1:-1]))
        }

    def check_deprecated_methods(self) -> None:
        """Whoever calls decides; only a named defect asks for something weak."""

    def _get_token(self, length: int = 4) -> str:  # noqa: ARG002  # signxml's signature
        return uuid.uuid4().hex

    def _unpack(self, data: Any, references: Sequence[SignatureReference]) -> Any:
        root = etree.Element(f"{DS}Signature", nsmap=self.namespaces)
        inputs = [self._sheet.elements[one.URI.removeprefix("#")] for one in references]
        return root, data, inputs, list(references)

    def _c14n(self, nodes: Any, algorithm: Any, inclusive_ns_prefixes: Any = None) -> bytes:
        id_ = nodes.get(self._sheet.id_attribute) if isinstance(nodes, etree._Element) else None
        if id_ is None or self._sheet.elements.get(id_) is not nodes:
            return bytes(super()._c14n(nodes, algorithm=algorithm, inclusive_ns_prefixes=inclusive_ns_prefixes))
        if id_ not in self._sheet.canonical:
            self._sheet.canonical[id_] = bytes(super()._c14n(nodes, algorithm=algorithm))
        return self._sheet.canonical[id_]

    def _add_reference_to_signed_info(self, sig_root: Any, node_to_reference: Any, **attrs: str) -> None:
        if "Type" not in attrs:  # KeyInfo: the certificate is bound by the signed properties already
            return
        info = sig_root.find(f"{DS}SignedInfo")
        reference = etree.SubElement(info, f"{DS}Reference", {"URI": f"#{node_to_reference.get('Id')}", **attrs})
        transforms = etree.SubElement(reference, f"{DS}Transforms")
        etree.SubElement(transforms, f"{DS}Transform", Algorithm=self.c14n_alg.value)
        etree.SubElement(reference, f"{DS}DigestMethod", Algorithm=self.digest_alg.value)
        digest = self._get_digest(self._c14n(node_to_reference, algorithm=self.c14n_alg), algorithm=self.digest_alg)
        etree.SubElement(reference, f"{DS}DigestValue").text = base64.b64encode(digest).decode()

    def add_signing_time(self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any) -> None:  # noqa: ARG002
        """The software's time, with its zone."""
        time = etree.SubElement(signed_signature_properties, f"{XADES}SigningTime")
        time.text = self._at.isoformat(timespec="seconds")

    def add_signing_certificate(self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any) -> None:
        """The certificates' digests: by a lawful algorithm, whatever the rest is digested with."""
        chosen, self.digest_alg = self.digest_alg, self._certificate_digest
        super().add_signing_certificate(signed_signature_properties, sig_root, signing_settings)
        self.digest_alg = chosen

    def add_data_object_format(
        self,
        signed_data_object_properties: Any,
        sig_root: Any,
        signing_settings: Any,  # noqa: ARG002
    ) -> None:
        """One format a signed part, as the baseline asks."""
        for reference in sig_root.iterfind(f"{DS}SignedInfo/{DS}Reference"):
            reference.set("Id", f"ref-{self._get_token()}")
            one = etree.SubElement(
                signed_data_object_properties, f"{XADES}DataObjectFormat", ObjectReference=f"#{reference.get('Id')}"
            )
            etree.SubElement(one, f"{XADES}MimeType").text = "application/xml"


def _choice(usual: str, allowed: Iterable[str]) -> str:
    """The usual algorithm where it is allowed, else the first that is."""
    listed = list(allowed)
    return usual if usual in listed else next(iter(listed), usual)


class Signing(Writing):
    """Makes signatures. Methods are seams that a named defect may replace."""

    def method(self, kind: str) -> SignatureMethod:
        """RSASSA-PSS for RSA, ECDSA for elliptic curves, with SHA-256 (TT 15/2025 App. I) where the pack allows it."""
        usual = SignatureMethod.SHA256_RSA_MGF1 if kind == "rsa" else SignatureMethod.ECDSA_SHA256
        allowed = [uri for uri, method in self.pack.signature.signatures.items() if method.key == kind]
        return SignatureMethod(_choice(usual.value, allowed))

    @property
    def prefix(self) -> str:
        """The prefix of XML-DSig elements."""
        return self.pack.signature.prefixes.get("ds", "ds")

    def digest(self) -> DigestAlgorithm:
        """How what is signed is digested."""
        return DigestAlgorithm(_choice(DigestAlgorithm.SHA256.value, self.pack.signature.digests))

    def signing_time(self, one: Wanted, now: datetime) -> datetime:
        """The time that a signature claims."""
        del one
        return now

    def covered(self, one: Wanted, ids: Mapping[str, str]) -> list[str]:
        """``Id`` values that the signature covers, in the order of the pack's policy."""
        slot = next(slot for slot in self.pack.signature.slots if slot.name == one.role)
        return [ids[f"subject:{one.subject}" if name == "subject" else name] for name in slot.covers]

    def credential_of(self, one: Wanted, find: Callable[[str], Credential]) -> Credential:
        """Whose key signs."""
        return find(one.signer)

    def sign(
        self,
        text: str,
        contents: Contents,
        wanted: Sequence[Wanted],
        find: Callable[[str], Credential],
        at: datetime,
    ) -> list[Signature]:
        """All of ``wanted`` sign on the same text.

        Args:
            text: the document as it stands.
            contents: what it was written from.
            wanted: who signs; nobody of them covers another's signature.
            find: a signer's key.
            at: the signing time, with zone.
        """
        sheet = Sheet.of(text, self.pack.binding.id_attribute)
        ids = self.ids(contents)
        return [self.signature(sheet, one, self.covered(one, ids), self.credential_of(one, find), at) for one in wanted]

    def signature(
        self, sheet: Sheet, one: Wanted, covered: Sequence[str], credential: Credential, at: datetime
    ) -> Signature:
        """One signature as text."""
        method = self.method(credential.kind)
        signer = _Signer(sheet, self.signing_time(one, at), self.digest(), method, self.pack.signature)
        made = signer.sign(
            None,
            key=credential.key,  # type: ignore[arg-type]  # signxml only calls its sign()
            cert=list(credential.chain),
            reference_uri=[SignatureReference(URI=f"#{id_}") for id_ in covered],
            always_add_key_value=False,
        )
        subject = one.subject if one.role == TEACHER else ""
        box = f"box-{hashlib.sha256(f'{one.role} {subject} {one.signer}'.encode()).hexdigest()[:16]}"
        return Signature(one.role, one.signer, subject, box, etree.tostring(made, encoding="unicode"))
