"""A displayed copy of a document's part with the place marked: what reports show instead of one endless line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from lxml import etree

from conformance.finding import Place

AROUND = 4
"""Lines shown before and after the marked one."""
WIDTH = 160
"""Characters of a line that are shown."""

_STEP = re.compile(r"^(?:@(?P<attribute>[^\[\]]+)|(?P<name>[^\[\]@]+)(?:\[(?P<position>[0-9]+)\])?)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the copy: its number in the copy, the text, whether it holds the place."""

    number: int
    text: str
    marked: bool


def excerpt(data: bytes, place: Place) -> tuple[Line, ...]:
    """The lines around ``place`` in an indented copy of ``data``; the raw line when the bytes cannot be parsed."""
    if place.xpath:
        copy = _copy(data)
        if copy is not None:
            lines, root = copy
            return _cut(list(lines), _line_of(root, place.xpath))
    if place.line is not None:
        return _cut(data.decode("utf-8", "replace").split("\n"), place.line, column=place.column or 1)
    return ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole indented copy: its lines, and for each place asked for the number of its line (``None``: not found)."""

    lines: tuple[str, ...]
    places: tuple[int | None, ...]


def marked_copy(data: bytes, places: Sequence[Place]) -> Copy:
    """The indented copy of ``data`` with the lines of ``places``; the raw lines when the bytes cannot be parsed."""
    copy = _copy(data)
    if copy is None:
        return Copy(tuple(data.decode("utf-8", "replace").split("\n")), tuple(one.line for one in places))
    lines, root = copy
    return Copy(lines, tuple(_line_of(root, one.xpath) if one.xpath else None for one in places))


def _parse(data: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


@lru_cache(maxsize=2)
def _copy(data: bytes) -> tuple[tuple[str, ...], etree._Element] | None:
    """The indented copy's lines and its tree; kept, as a document with one finding often has more."""
    root = _parse(data)
    if root is None:
        return None
    etree.indent(root)
    text = etree.tostring(root, encoding="unicode")
    again = _parse(text.encode())
    return None if again is None else (tuple(text.split("\n")), again)


def _line_of(root: etree._Element, xpath: str) -> int:
    node = root
    for text in xpath.strip("/").split("/")[1:]:
        step = _STEP.match(text)
        if step is None or step["attribute"] is not None:
            break
        same = node.iterchildren(f"{{*}}{step['name']}")
        child = next(islice(same, int(step["position"] or 1) - 1, None), None)
        if child is None:
            break
        node = child
    line: int | None = getattr(node, "sourceline", None)
    return line or 1


def _cut(lines: list[str], marked: int, *, column: int = 1) -> tuple[Line, ...]:
    first = max(1, marked - AROUND)
    last = min(len(lines), marked + AROUND)
    shown = []
    for number in range(first, last + 1):
        text = lines[number - 1]
        start = max(0, column - WIDTH // 2) if number == marked and len(text) > WIDTH and column > 1 else 0
        cut = text[start : start + WIDTH]
        shown.append(
            Line(number, ("…" if start else "") + cut + ("…" if start + WIDTH < len(text) else ""), number == marked)
        )
    return tuple(shown)
