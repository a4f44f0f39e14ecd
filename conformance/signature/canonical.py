"""Canonical XML of parts of a document, as every engine of the field computes it.

lxml's inclusive canonicalization of a *sub-element* in a default namespace writes a spurious ``xmlns=""``; and
inherited ``xml:*`` attributes are lost. So a part is made a document of its own first, with what it inherits, and
then canonicalized.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urljoin
from xml.sax.saxutils import quoteattr

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
        copy = rerooted(element)
        default = copy.nsmap.get(None)
        if "#default" in prefixes and copy.prefix is not None and default:
            return _with_default(copy, default, wanted, comments)
        return etree.tostring(
            copy, method="c14n", exclusive=True, with_comments=comments, inclusive_ns_prefixes=wanted
        )  # fmt: skip
    copy = rerooted(element)
    _inherit(element, copy, method)
    return etree.tostring(copy, method="c14n", exclusive=False, with_comments=comments)


def _with_default(copy: etree._Element, default: str, prefixes: Sequence[str], comments: bool) -> bytes:
    """Exclusive form with the default namespace rendered on the apex: lxml passes ``#default`` over.

    Under a wrapper that uses the default namespace nothing below declares it again; then the apex declares it.
    """
    opening = f"<w xmlns={quoteattr(default)}>".encode()
    inner = etree.tostring(copy, encoding="utf-8")
    wrapped = etree.fromstring(opening + inner + b"</w>", _PARSER)
    octets = etree.tostring(
        wrapped, method="c14n", exclusive=True, with_comments=comments, inclusive_ns_prefixes=list(prefixes)
    )
    start = octets.index(b">") + 1
    declaration = octets[2 : start - 1]
    body = octets[start : -len(b"</w>")]
    name = re.match(rb"<[^\s>]+", body)
    assert name is not None
    return name[0] + declaration + body[name.end() :]


def reparsed(octets: bytes) -> etree._Element:
    """The node-set of octets between two transforms (XML-DSig §4.4.3.2)."""
    return etree.fromstring(octets, _PARSER)
