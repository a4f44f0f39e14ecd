"""DOC: the bytes and their text (PL1-DOC-001 … 006)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lxml import etree

from conformance.document import Document, Reading
from conformance.finding import Recorder

# kind of a reading problem → (requirement, cause)
_KINDS = {
    "not-well-formed": ("PL1-DOC-001", "not-well-formed"),
    "not-utf8": ("PL1-DOC-001", "not-utf8"),
    "invalid-utf8": ("PL1-DOC-001", "invalid-utf8"),
    "doctype": ("PL1-DOC-002", "doctype"),
    "comment": ("PL1-DOC-003", "comment"),
    "cdata": ("PL1-DOC-003", "cdata"),
    "instruction": ("PL1-DOC-003", "instruction"),
    "stylesheet": ("PL1-DOC-003", "stylesheet"),
    "entity": ("PL1-DOC-002", "entity"),
    "bytes": ("PL1-DOC-004", "bytes"),
    "depth": ("PL1-DOC-004", "depth"),
    "attributes": ("PL1-DOC-004", "attributes"),
    "namespaces": ("PL1-DOC-004", "namespaces"),
    "nodes": ("PL1-DOC-004", "nodes"),
    "bom": ("PL1-DOC-006", "bom"),
    "other-form": ("PL1-STR-001", "other-form"),
}
FATAL = ("PL1-DOC-001", "PL1-DOC-002", "PL1-DOC-003", "PL1-DOC-004")

_ETH = "\u00d0\u00f0"
_EDGE = re.compile(r"^\s|\s$|\s\s")
_INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]"
)
_FOREIGN = re.compile(r"[\u0370-\u03ff\u0400-\u04ff\uff00-\uffef]")


def check(reading: Reading, found: Recorder) -> None:
    """Judge the form: one finding per problem, each with its own cause."""
    seen: set[str] = set()
    for problem in reading.problems:
        requirement, cause = _KINDS[problem.kind]
        seen.add(requirement)
        found.violated(requirement, cause, place=problem.place, seen=problem.detail[:300])
    if reading.document is None:
        return
    for requirement in FATAL:
        if requirement not in seen:
            found.held(requirement)
    _texts(reading.document, found, bom="PL1-DOC-006" in seen)


def _texts(document: Document, found: Recorder, *, bom: bool) -> None:
    unclean = bom
    composed = True
    for element, text in _contents(document):
        if text.isascii() and text.isprintable():
            if _EDGE.search(text):
                unclean = True
                found.violated("PL1-DOC-006", "spaces", place=document.place(element), seen=repr(text[:80]))
            continue
        if not unicodedata.is_normalized("NFC", text):
            composed = False
            expected = unicodedata.normalize("NFC", text)
            found.violated(
                "PL1-DOC-005", "not-nfc", place=document.place(element), expected=points(expected), seen=points(text)
            )
        elif any(char in text for char in _ETH):
            composed = False
            found.violated("PL1-DOC-005", "eth", place=document.place(element), expected="U+0110", seen=points(text))
        for cause, pattern in (("invisible", _INVISIBLE), ("look-alike", _FOREIGN), ("spaces", _EDGE)):
            hit = pattern.search(text)
            if hit:
                unclean = True
                found.violated("PL1-DOC-006", cause, place=document.place(element), seen=points(hit[0]), text=text[:80])
                break
    if composed:
        found.held("PL1-DOC-005")
    if not unclean:
        found.held("PL1-DOC-006")


def points(text: str) -> str:
    """A text with the code points of its non-ASCII characters, so that look-alikes differ on paper."""
    shown = text[:40]
    return shown + " [" + " ".join(f"{ord(char):04X}" for char in shown if ord(char) > 126 or ord(char) < 32) + "]"


def _contents(document: Document) -> Iterator[tuple[etree._Element, str]]:
    """Texts of the signed content: leaves only, as structure between elements is not text."""
    for anchor in document.anchors("content"):
        for element in anchor.iter(etree.Element):
            if element.text and len(element) == 0:
                yield element, element.text
