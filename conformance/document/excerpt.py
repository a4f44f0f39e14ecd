"""A displayed copy of a document's part with the place marked: what reports show instead of one endless line."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
        root = _parse(data)
        if root is not None:
            etree.indent(root)
            copy = etree.tostring(root, encoding="unicode")
            lines = copy.splitlines()
            marked = _line_of(copy, place.xpath)
            return _cut(lines, marked)
    if place.line is not None:
        return _cut(data.decode("utf-8", "replace").split("\n"), place.line, column=place.column or 1)
    return ()


def _parse(data: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _line_of(copy: str, xpath: str) -> int:
    root = _parse(copy.encode())
    node = root
    steps = xpath.strip("/").split("/")
    for number, text in enumerate(steps):
        step = _STEP.match(text)
        if node is None or step is None or step["attribute"] is not None:
            break
        if number == 0:
            continue
        position = int(step["position"] or 1)
        children = [child for child in node if isinstance(child.tag, str) and _local(child) == step["name"]]
        if position > len(children):
            break
        node = children[position - 1]
    line = node.sourceline if node is not None else None
    return line if isinstance(line, int) else 1


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


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
