"""RSASSA-PSS whose hash, mask and salt stand beside the method (RFC 9231 §2.3.9), as the JDK and Santuario write it."""

from __future__ import annotations

from lxml import etree

from conformance.pack import Pack
from conformance.pack.model import SignatureAlgorithm
from conformance.signature import algorithms
from conformance.signature.canonical import DS

_MORE = "http://www.w3.org/2007/05/xmldsig-more#"
_PARAMETERS, _MASK, _SALT, _TRAILER = (
    f"{{{_MORE}}}{name}" for name in ("RSAPSSParams", "MaskGenerationFunction", "SaltLength", "TrailerField")
)
_DIGEST = f"{{{DS}}}DigestMethod"
_MGF1 = f"{_MORE}MGF1"
_DEFAULT_DIGEST = "http://www.w3.org/2001/04/xmlenc#sha256"
_DEFAULT_TRAILER = "1"


def with_parameters(method: etree._Element, pack: Pack) -> tuple[SignatureAlgorithm | None, str, str]:
    """The pack's algorithm that the parameters of a SignatureMethod amount to; else ``None``, with what they say and
    what was expected (or the URI of a digest that is not allowed, and nothing)."""
    inside = list(method.iterchildren(etree.Element))
    if [one.tag for one in inside] not in ([], [_PARAMETERS]):
        return None, ", ".join(etree.QName(one).localname for one in inside)[:80], "RSAPSSParams"
    said = {str(one.tag): one for holder in inside for one in holder.iterchildren(etree.Element)}
    uri = _digest(said.get(_DIGEST)) or _DEFAULT_DIGEST
    name = pack.signature.digests.get(uri)
    chosen = next(
        (one for one in pack.signature.signatures.values() if one.padding == "pss" and one.hash == name), None
    )
    if name is None or chosen is None:
        return None, uri, ""
    mask = said.get(_MASK)
    function, masked = _MGF1, name
    if mask is not None:
        function = mask.get("Algorithm") or _MGF1
        of_mask = _digest(mask.find(_DIGEST))
        masked = pack.signature.digests.get(of_mask, of_mask) if of_mask else name
    length = str(algorithms.hash_of(name).digest_size)
    texts = {tag: "".join((said[tag].text or "").split()) for tag in (_SALT, _TRAILER) if tag in said}
    seen = _spelled(name, function, masked, texts.get(_SALT, length), texts.get(_TRAILER, _DEFAULT_TRAILER))
    wanted = _spelled(name, _MGF1, name, length, _DEFAULT_TRAILER)
    known = set(said) <= {_DIGEST, _MASK, _SALT, _TRAILER}
    return (chosen, "", "") if seen == wanted and known else (None, seen, wanted)


def _digest(node: etree._Element | None) -> str:
    return "" if node is None else node.get("Algorithm") or ""


def _spelled(name: str, function: str, masked: str, salt: str, trailer: str) -> str:
    mask, hashed = function.rpartition("#")[2], masked.rpartition("#")[2]
    return f"{name}, {mask}({hashed}), SaltLength {salt}, TrailerField {trailer}"[:160]
