"""Canonical XML of parts of a document, as every engine of the field computes it.

lxml's inclusive canonicalization of a *sub-element* in a default namespace writes a spurious ``xmlns=""``; and
inherited ``xml:*`` attributes are lost. So a part is made a document of its own first, with what it inherits, and
then canonicalized.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin

from lxml import etree

XML = "http://www.w3.org/XML/1998/namespace"
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
_BASE = f"{{{XML}}}base"
_INHERITED_11 = (f"{{{XML}}}lang", f"{{{XML}}}space")
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False, collect_ids=False
)


def rerooted(element: etree._Element) -> etree._Element:
    """A copy of ``element`` as the root of its own document; the namespaces in scope stay in scope."""
    return etree.fromstring(etree.tostring(element, with_tail=False, encoding="utf-8"), _PARSER)


def _inherit(element: etree._Element, copy: etree._Element, method: str) -> None:
    bases: list[str] = []
    for ancestor in element.iterancestors(etree.Element):
        for name, value in ancestor.attrib.items():
            name = str(name)
            if not name.startswith(f"{{{XML}}}"):
                continue
            if method == "inclusive-1.1":
                if name == _BASE:
                    bases.append(str(value))
                if name not in _INHERITED_11:
                    continue
            if copy.get(name) is None:
                copy.set(name, str(value))
    if bases:
        own = copy.get(_BASE)
        joined = ""
        for base in reversed(bases if own is None else [own, *bases]):
            joined = urljoin(joined, base)
        copy.set(_BASE, joined)


def canonical(
    element: etree._Element, method: str = "exclusive", prefixes: Sequence[str] = (), *, comments: bool = False
) -> bytes:
    """The canonical octets of ``element`` with its descendants, without its tail.

    ``method``: ``exclusive``, ``inclusive`` or ``inclusive-1.1``; ``prefixes``: the InclusiveNamespaces prefix list of
    the exclusive method (``#default`` for the default namespace).
    """
    if method == "exclusive":
        if not prefixes:
            return etree.tostring(element, method="c14n", exclusive=True, with_comments=comments, with_tail=False)
        wanted = [prefix for prefix in prefixes if prefix != "#default"]
        # lxml's list knows no default namespace: render it where it is visibly used, which is all but always
        return etree.tostring(
            rerooted(element), method="c14n", exclusive=True, with_comments=comments, inclusive_ns_prefixes=wanted
        )
    copy = rerooted(element)
    _inherit(element, copy, method)
    return etree.tostring(copy, method="c14n", exclusive=False, with_comments=comments)


def reparsed(octets: bytes) -> etree._Element:
    """The node-set of octets between two transforms (XML-DSig §4.4.3.2)."""
    return etree.fromstring(octets, _PARSER)
