"""Second opinions on signatures: our verifier's and other libraries' word on each signature of a document.

``True``: digests and value verify under the certificate that came with the signature. Trust, time, roles and what must
be covered are not asked here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from lxml import etree
from signxml.exceptions import InvalidDigest, InvalidInput, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from conformance.document import read
from conformance.pack import default_pack
from conformance.signature.canonical import DS
from conformance.signature.verify import Signature, verify_document

PACK = default_pack()
ID = PACK.binding.id_attribute
SIGNATURE = f"{{{DS}}}Signature"

Opinion = dict[str, bool]
"""Signature's ``Id`` → whether it verifies."""
View = dict[str, tuple[bool, str, Signature | None]]
"""Signature's ``Id`` → whether it verifies for us, the first reason against it, the facts."""


def ours(data: bytes) -> View | None:
    """What we see; ``None``: the bytes are no document for us."""
    document = read(data, PACK).document
    if document is None:
        return None
    found = verify_document(document, PACK)
    said: View = {}
    for one in found.signatures:
        said[one.node.get("Id") or ""] = (_good(one), _reason(one), one)
    for stray in found.strays:
        said.setdefault(stray.get("Id") or "", (False, "place.stray", None))
    return said


def _good(one: Signature) -> bool:
    whole = bool(one.references) and all(each.good for each in one.references)
    return bool(one.value_good) and whole and not one.parsed.troubles


def _reason(one: Signature) -> str:
    if one.parsed.troubles:
        return one.parsed.troubles[0].kind
    if one.leaf is None:
        return "no certificate"
    if not all(each.good for each in one.references):
        return "digest"
    return "" if one.value_good else "value"


def _certificate(node: etree._Element) -> bytes | None:
    """The first certificate that came with the signature: what the other libraries are given as the key."""
    text = node.findtext(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")
    try:
        return base64.b64decode("".join((text or "").split()), validate=True) or None
    except ValueError:
        return None


def _each(data: bytes, judge: Callable[[etree._Element, bytes], bool]) -> Opinion:
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    said: Opinion = {}
    for node in root.iter(SIGNATURE):
        certificate = _certificate(node)
        said[node.get("Id") or ""] = certificate is not None and judge(node, certificate)
    return said


def _way(node: etree._Element) -> str:
    """The way from the root to the element that holds ``node``, by position: identifiers may have been changed."""
    steps = [
        f"{one.tag}[{sum(1 for _ in one.itersiblings(str(one.tag), preceding=True)) + 1}]/"
        for one in node.iterancestors()
        if one.getparent() is not None
    ]
    return "./" + "".join(reversed(steps))


def signxml(data: bytes) -> Opinion:
    """signxml, each signature with its own certificate, which alone is trusted."""

    def judge(node: etree._Element, certificate: bytes) -> bool:
        body = base64.encodebytes(certificate).decode()
        config = SignatureConfiguration(
            require_x509=True,
            expect_references=len(node.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")),
            location=_way(node),
        )
        pem = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
        try:
            XMLVerifier().verify(data, x509_cert=pem, id_attribute=ID, expect_config=config)
        except (InvalidDigest, InvalidSignature, InvalidInput, etree.LxmlError, ValueError, KeyError, AttributeError):
            return False
        return True

    return _each(data, judge)


def python_xmlsec(data: bytes) -> Opinion:
    """python-xmlsec (the C library); raises ImportError where it does not fit the lxml that is installed."""
    import xmlsec

    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    said: Opinion = {}
    try:
        xmlsec.tree.add_ids(root, [ID])
    except xmlsec.Error:  # an identifier that occurs twice
        return {node.get("Id") or "": False for node in root.iter(SIGNATURE)}
    for node in root.iter(SIGNATURE):
        certificate = _certificate(node)
        try:
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_memory(certificate or b"", xmlsec.constants.KeyDataFormatCertDer)
            context.verify(node)
        except (xmlsec.Error, TypeError, ValueError):
            said[node.get("Id") or ""] = False
        else:
            said[node.get("Id") or ""] = True
    return said
