"""A part as it was before a library wrote its namespaces under other prefixes."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial

from lxml import etree

from conformance.signature.canonical import DS, XADES

DEFAULT = "(xmlns)"
"""How a default namespace is shown where a prefix would stand."""
_USUAL = ("", "ds", "dsig", "ns0", "ns1", "ns2", "xades", "xad", "etsi", "q1", "p", "hb")
_MOST_SPACES = 4
_TOGETHER = ("ds", "")
"""The prefix of signatures in documents all of whose namespaces were written under other prefixes."""


Tried = tuple[str, str, Callable[[], etree._Element | None]]
"""Prefix before, prefix now, and the part so written (``None``: a name is taken)."""


def under_other_prefixes(element: etree._Element, *, inclusive: bool) -> Iterator[Tried]:
    """The part with likely prefixes of before; ``inclusive``: its canonical form takes in declarations around it."""
    used = {one.nsmap[one.prefix]: one.prefix or "" for one in element.iter(etree.Element) if one.prefix in one.nsmap}
    around = {space: prefix or "" for prefix, space in element.nsmap.items() if space} if inclusive else {}
    spaces = dict(list({**around, **used}.items())[:_MOST_SPACES])
    document = etree.QName(element.getroottree().getroot()).namespace or ""
    keeps = [frozenset[str]()]
    if inclusive:  # all that is around, the document's own namespace alone, or nothing but what the part uses
        keeps = list(dict.fromkeys((frozenset(around), frozenset((document,)), frozenset[str]())))
    for changed in _changes(spaces, document):
        before = ", ".join(prefix or DEFAULT for prefix in changed.values())
        now = ", ".join(spaces[space] or DEFAULT for space in changed)
        for keep in keeps:
            yield before, now, partial(reprefixed, element, changed, keep)


def _changes(spaces: Mapping[str, str], document: str) -> Iterator[dict[str, str]]:
    """Likely prefixes of before, by namespace: all of them changed, then each alone."""
    for signatures in _TOGETHER:
        wanted = {document: "", DS: signatures, XADES: "xades"}
        changed = {space: wanted[space] for space, now in spaces.items() if wanted.get(space, now) != now}
        if len(changed) > 1:
            yield changed
    for space, now in spaces.items():
        for prefix in _USUAL:
            if prefix != now:
                yield {space: prefix}


def reprefixed(
    element: etree._Element, wanted: Mapping[str, str], keep: Container[str] = ()
) -> etree._Element | None:  # fmt: skip
    """``element`` with namespaces (keys) under other prefixes, as a document of its own; ``None`` when one is taken.

    ``keep``: namespaces whose declarations stay though nothing in the part may use them.
    """

    def needed(one: etree._Element) -> dict[str | None, str] | None:
        """The declarations that the element itself wants."""
        found: dict[str | None, str] = {}
        space = etree.QName(one).namespace
        if space:
            found[wanted.get(space, one.prefix or "") or None] = space
        elif None in one.nsmap:
            return None
        for name in map(str, one.attrib):
            other = etree.QName(name).namespace
            if not other or other.endswith("/XML/1998/namespace"):
                continue
            prefix = wanted.get(other) or next(
                (key for key, value in one.nsmap.items() if value == other and key), None
            )
            if prefix is None or found.setdefault(prefix, other) != other:
                return None
        return found

    def made(one: etree._Element, above: etree._Element | None) -> etree._Element | None:
        own = needed(one)
        if own is None:
            return None
        parent = one.getparent()
        outer = {} if above is None or parent is None else parent.nsmap
        fresh = {key: value for key, value in one.nsmap.items() if outer.get(key) != value and value in keep}
        own = {**{(wanted.get(value, key or "") or None): value for key, value in fresh.items()}, **own}
        attributes = {str(key): str(value) for key, value in one.attrib.items()}
        names: dict = own  # type: ignore[type-arg]  # lxml's own stubs allow no prefix that may be None
        new = (
            etree.Element(one.tag, attributes, nsmap=names)
            if above is None
            else etree.SubElement(above, one.tag, attributes, nsmap=names)
        )
        new.text = one.text
        for child in one.iterchildren(etree.Element):
            inner = made(child, new)
            if inner is None:
                return None
            inner.tail = child.tail
        return new

    return made(element, None)
