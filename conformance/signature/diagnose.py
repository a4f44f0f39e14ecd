"""Why a digest does not fit: tries what is known to happen to XML after signing, and says which one fits."""

from __future__ import annotations

import copy
import hmac
import unicodedata
from collections.abc import Callable, Iterator

from lxml import etree

from conformance.pack import Pack
from conformance.signature.algorithms import digest
from conformance.signature.canonical import canonical, rerooted
from conformance.signature.parse import Step

_LARGEST = 512 * 1024
"""Octets of a part that is tried in all its variants."""
_INDENTS = ("  ", "    ", "\t", " ")


def _texts(root: etree._Element, change: Callable[[str], str]) -> None:
    for element in root.iter():
        if element.text:
            element.text = change(element.text)
        if element.tail and element is not root:
            element.tail = change(element.tail)


def _compact(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        if len(element):
            if element.text and not element.text.strip():
                element.text = None
            for child in element:
                if child.tail and not child.tail.strip():
                    child.tail = None


def _strip(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        if element.text:
            element.text = element.text.strip()


def _variants(element: etree._Element) -> Iterator[tuple[str, Callable[[etree._Element], None]]]:
    yield "reindented", _compact
    yield "nfd", lambda root: _texts(root, lambda text: unicodedata.normalize("NFC", text))
    yield "nfc", lambda root: _texts(root, lambda text: unicodedata.normalize("NFD", text))
    if any("\r" in (one.text or "") or "\r" in (one.tail or "") for one in element.iter(etree.Element)):
        yield "crlf", lambda root: _texts(root, lambda text: text.replace("\r\n", "\n").replace("\r", "\n"))
    yield "crlf", lambda root: _texts(root, lambda text: text.replace("\n", "\r\n"))
    yield "whitespace", _strip
    for indent in _INDENTS:
        for depth in (0, 1, 2, 3):
            yield "compacted", lambda root, indent=indent, depth=depth: etree.indent(root, indent, level=depth)  # type: ignore[misc]


def why(element: etree._Element, step: Step, name: str, wanted: bytes, pack: Pack) -> str:
    """The cause that explains the digest ``wanted`` of ``element``; ``value-changed`` when nothing known does."""

    def fits(octets: bytes) -> bool:
        return hmac.compare_digest(digest(name, octets), wanted)

    octets = canonical(element, step.method, step.prefixes)
    if len(octets) > _LARGEST:
        return "value-changed"
    for method in dict.fromkeys(one.method for one in pack.signature.canonicalization.values()):
        if method != step.method and fits(canonical(element, method)):
            return "c14n-variant"
    if fits(canonical(element, step.method, step.prefixes, comments=True)):
        return "comment"
    # what lxml and libxml2 write for a part of a tree: a spurious xmlns="" among other things
    if fits(etree.tostring(element, method="c14n", with_tail=False)):
        return "c14n-variant"
    for cause, change in _variants(element):
        tried = rerooted(element)
        change(tried)
        for tried_method in dict.fromkeys((str(step.method), "exclusive", "inclusive")):
            if fits(canonical(tried, tried_method, step.prefixes if tried_method == "exclusive" else ())):
                return cause
    if fits(_bare(element)):
        return "namespace"
    for raw in (etree.tostring(element, with_tail=False, encoding="utf-8"), octets.decode().encode("utf-16-le")):
        if fits(raw):
            return "not-canonical"
    for other in dict.fromkeys((*pack.signature.digests.values(), "sha1")):
        if other != name and hmac.compare_digest(digest(other, octets), wanted):
            return "digest-method"
    return "value-changed"


def _bare(element: etree._Element) -> bytes:
    """The part as it was before it was put under its namespaces: a signer that digests a detached fragment."""
    root = copy.deepcopy(element)
    for one in root.iter(etree.Element):
        one.tag = etree.QName(one).localname
    etree.cleanup_namespaces(root)
    return canonical(root)
