"""DOC: the bytes and their text (PL1-DOC-001 … 006)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from conformance.checks.limited import Limited
from conformance.document import Document, Reading, text_of
from conformance.document.letters import is_composed, normalized
from conformance.finding import Message, Recorder
from conformance.transcript.model import Transcript

# kind of a reading problem → (requirement, cause)
_KINDS = {
    "not-well-formed": ("PL1-DOC-001", "not-well-formed"),
    "not-xml": ("PL1-DOC-001", "not-xml"),
    "version": ("PL1-DOC-001", "version"),
    "not-utf8": ("PL1-DOC-001", "not-utf8"),
    "invalid-utf8": ("PL1-DOC-001", "invalid-utf8"),
    "doctype": ("PL1-DOC-002", "doctype"),
    "comment": ("PL1-DOC-003", "comment"),
    "cdata": ("PL1-DOC-003", "cdata"),
    "instruction": ("PL1-DOC-003", "instruction"),
    "stylesheet": ("PL1-DOC-003", "stylesheet"),
    "bytes": ("PL1-DOC-004", "bytes"),
    "depth": ("PL1-DOC-004", "depth"),
    "attributes": ("PL1-DOC-004", "attributes"),
    "namespaces": ("PL1-DOC-004", "namespaces"),
    "nodes": ("PL1-DOC-004", "nodes"),
    "children": ("PL1-DOC-004", "children"),
    "bom": ("PL1-DOC-006", "bom"),
    "other-form": ("PL1-STR-001", "other-form"),
}
FATAL = ("PL1-DOC-001", "PL1-DOC-002", "PL1-DOC-003", "PL1-DOC-004")

_ETH = re.compile("[\u00d0\u00f0]")
_WORD = "[!-~\u00a1-\u00ac\u00ae-\u0188\u018a-\u024f\u0300-\u0333\u0339-\u034e\u0350-\u036f\u1e00-\u1eff]+"
_SOUND = re.compile(f"{_WORD}(?: {_WORD})*")
"""Words of Latin letters and printable signs with single spaces between: what the patterns below need not look at."""
_LONG = 100_000
"""Characters from which on the words of a text are not counted off: each costs memory until the last is matched."""
_TEXTS: Callable[[etree._Element], Any] = etree.XPath("descendant::text()", smart_strings=False)
_BETWEEN = "\x01"
"""Stands in no XML document."""
_ALL_SOUND = re.compile(f"{_WORD}(?:[ {_BETWEEN}]{_WORD})*")
_EDGE = re.compile(r"^\s|\s$|\s\s|[\t\r\n]")
_INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff"
    r"\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_LATIN = re.compile(r"[\u0000-\u0188\u018a-\u024f\u02b0-\u0333\u0339-\u036f\u1e00-\u1eff\u2010-\u2027\u2030-\u205e]+")
"""Letters and marks of names and codes. The African D (U+0189) and strokes laid over a letter (U+0334 …) are left out:
they look like a letter of ours."""

_WRITING = "LMN"
"""Unicode's classes of letters, marks and digits; what is none is a symbol, a private or a broken character."""


def check(reading: Reading, found: Recorder) -> None:
    """Judge the form: one finding per problem, each with its own cause."""
    seen: set[str] = set()
    for problem in reading.problems:
        requirement, cause = _KINDS[problem.kind]
        seen.add(requirement)
        why = (Message(f"doctype.{problem.sort}"),) if problem.sort else ()
        found.violated(requirement, cause, place=problem.place, seen=problem.detail[:300], derivation=why)
    if reading.document is None:
        return
    for requirement in FATAL:
        if requirement not in seen:
            found.held(requirement)
    _texts(reading.document, found, bom="PL1-DOC-006" in seen)


def _texts(document: Document, found: Recorder, *, bom: bool) -> None:
    limited = Limited(document, found)
    contents = [] if _all_sound(document) else list(_contents(document))
    prose = _prose(document.transcript) if contents else set()
    for element, text in contents:
        if text.isascii():
            pass
        elif not is_composed(text):
            expected = normalized("NFC", text)
            limited.violated("PL1-DOC-005", "not-nfc", element, expected=points(expected), seen=points(text))
        elif _ETH.search(text):
            limited.violated("PL1-DOC-005", "eth", element, expected="U+0110", seen=points(text))
        if (len(text) > _LONG or not _SOUND.fullmatch(text)) and element not in prose:
            _clean(element, text, limited)
    limited.hold_unless_violated("PL1-DOC-005")
    if not bom:
        limited.hold_unless_violated("PL1-DOC-006")


def _all_sound(document: Document) -> bool:
    """Whether nothing can be found in any text, looked at all at once; to be asked of sound documents only.

    Without comments, instructions and sections the text of an element is one node.
    """
    if not document.tags_only:
        return False
    texts: list[str] = []
    for anchor in document.anchors("content"):
        texts.extend([text for text in _TEXTS(anchor) if text.strip() or "\n" not in text])
    together = _BETWEEN.join(texts)
    return (
        len(together) <= _LONG
        and is_composed(together)
        and not _ETH.search(together)
        and _ALL_SOUND.fullmatch(together) is not None
    )


def _clean(element: etree._Element, text: str, limited: Limited) -> None:
    """PL1-DOC-006: names and codes only; prose may have lines, double spaces and a Greek letter."""
    invisible = _INVISIBLE.search(text)
    if invisible:
        limited.violated("PL1-DOC-006", "invisible", element, seen=_called(invisible[0]), text=text[:80])
        return
    foreign = None
    if not _LATIN.fullmatch(text):
        foreign = next((char for char in text if not _LATIN.fullmatch(char)), None)
    if foreign is not None:
        cause = _foreign(foreign, text)
        limited.violated("PL1-DOC-006", cause, element, seen=_called(foreign), text=text[:80])
    elif _EDGE.search(text):
        limited.violated("PL1-DOC-006", "spaces", element, seen=repr(text[:80]))


def _foreign(character: str, text: str) -> str:
    """The cause: a symbol, a name in another script, or a letter that passes for one of ours."""
    category = unicodedata.category(character)
    if category[0] not in _WRITING:
        return "symbol"
    # letters without case look like none of ours, and where there is no Latin letter nothing is disguised
    latin = any(one.isalpha() and _LATIN.fullmatch(one) for one in text)
    return "other-script" if category == "Lo" or (category[0] == "L" and not latin) else "look-alike"


def _called(character: str) -> str:
    """Code point and name of a character."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def _prose(transcript: Transcript) -> set[object]:
    """Elements of free text, which PL1-DOC-006 does not look at."""
    summary = transcript.summary
    values = [
        transcript.version.reason,
        transcript.profile.policy_category,
        summary.homeroom_comment,
        summary.competitions,
        summary.awards,
        summary.summer_training,
        *(subject.comment for subject in transcript.subjects),
    ]
    return {value.node for value in values if value is not None}


def points(text: str) -> str:
    """A text with the code points of its non-ASCII characters, so that look-alikes differ on paper."""
    shown = text[:40]
    return shown + " [" + " ".join(f"{ord(char):04X}" for char in shown if ord(char) > 126 or ord(char) < 32) + "]"


def _contents(document: Document) -> Iterator[tuple[etree._Element, str]]:
    """Texts of the content: leaves only, as white space between elements is not text."""
    for anchor in document.anchors("content"):
        for element in anchor.iter(etree.Element):
            # comments and instructions are children too
            if element.text and (not len(element) or next(element.iterchildren(etree.Element), None) is None):
                text = text_of(element)
                # an empty list of an indented document holds nothing but a line's end
                if text.strip() or "\n" not in text:
                    yield element, text
