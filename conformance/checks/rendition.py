"""IN: the printed rendition against the signed XML (PL1-IN-001): every listed value stands in the rendition's text.

The text comes in reading order, without layout: values are found by their own spelling; marks behind their subject's
name; levels behind their label, in either arrangement of the table (rows of learning and conduct, or of periods).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from conformance.document import Document
from conformance.document.form import PERIODS, Row, level_name, sections_of
from conformance.finding import Place, Recorder
from conformance.transcript.model import Level, Outcome, Subject, Value

RULE = "PL1-IN-001"
STRETCH = 8
"""Foreign words that may stand inside a name, or between a name and its marks: a table's cells in reading order."""
OVER_PAGE = 40
"""The same where a page ends in between."""
PAGE = "\u2042"
"""Stands between pages in the text that the door reads."""
CHUNK = 6
"""Words of a long text that must stand together: headers and footers of pages may come between."""
LEVEL_WINDOW = 40
KINDS = ("learning", "conduct")
_WORD = re.compile(r"[^\s|]+")


@dataclass(frozen=True, slots=True)
class _Text:
    words: tuple[str, ...]
    joined: str

    @classmethod
    def of(cls, text: str) -> _Text:
        words = tuple(_fold(text))
        return cls(words, "".join(words))

    def has(self, spelling: str) -> bool:
        """Whether it stands there; a long text in pieces, in order of pages."""
        words = _fold(spelling)
        if "".join(words) in self.joined:
            return True
        pieces = [words[at : at + CHUNK] for at in range(0, len(words), CHUNK)]
        return bool(words) and all(self._piece(piece) for piece in pieces)

    def _piece(self, words: Sequence[str]) -> bool:
        return "".join(words) in self.joined or next(_behind(self.words, words), None) is not None


def _fold(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


def check(document: Document, text: str, problem: str, found: Recorder, *, pointer: str = "") -> None:
    """Judge one rendition.

    Args:
        document: the signed XML.
        text: of the rendition, as the door read it.
        problem: why there is no text; empty when there is.
        found: takes the observations.
        pointer: names the rendition in places.
    """
    place = Place(pointer=pointer)
    if problem or not text.strip():
        found.violated(RULE, "no-text", place=place, seen=problem or "no-text")
        return
    printed = _Text.of(text)
    rows = [row for one in sections_of(document) for row in one.rows if row.listed]
    wrong = list(_wrong_rows(document, rows, printed))
    for subject in document.transcript.subjects:
        wrong.extend(_wrong_subject(document, subject, printed))
    wrong.extend(_wrong_levels(document, printed))
    for cause, what, expected, seen, value in wrong:
        found.violated(RULE, cause, place=document.place(value), expected=expected, seen=seen, what=what)
    if not wrong:
        found.held(RULE)


Wrong = tuple[str, str, str, str, object]


def _wrong_rows(document: Document, rows: Sequence[Row], printed: _Text) -> Iterator[Wrong]:
    for row in rows:
        if row.value is None or not row.value.raw.strip():
            continue
        if not any(printed.has(one) for one in _spellings(document, row.value, row.text)):
            yield "value-missing", row.label.vi, row.text, "", row.value


def _spellings(document: Document, value: Value[Any], text: str) -> list[str]:
    """How a value may be written."""
    said, meaning = document.pack.form["spellings"], value.value
    if isinstance(meaning, date):
        return [one.format(year=meaning.year, month=meaning.month, day=meaning.day) for one in said["dates"]]
    if isinstance(meaning, tuple) and len(meaning) == 3:
        year, month, day = meaning
        if day is not None:
            return [one.format(year=year, month=month, day=day) for one in said["dates"]]
        return [one.format(year=year, month=month) for one in said["months"]] if month is not None else [str(year)]
    return [value.raw, text]


# ------------------------------------------------------------------------------------------------------- subjects


def _wrong_subject(document: Document, subject: Subject, printed: _Text) -> Iterator[Wrong]:
    name = subject.name.raw if subject.name else ""
    if not name.strip():
        return
    stretches = list(_behind(printed.words, _fold(name)))
    if not stretches:
        yield "value-missing", name, name, "", subject.name
        return
    values = [value for one in (*PERIODS, "reassessed") if (value := getattr(subject, one)) is not None and value.raw]
    wanted = [[tuple(_fold(one)) for one in _results(document, value)] for value in values]
    if values and not any(_in_order(words, wanted) for words in stretches):
        shown = " ".join(value.raw for value in values)
        seen = " ".join(_looks_like_results(document, stretches[0]))
        yield ("value-differs" if seen else "value-missing"), name, shown, seen, values[0]
    for teacher in subject.teachers:
        if teacher.name is not None and teacher.name.raw and not printed.has(teacher.name.raw):
            yield "value-missing", name, teacher.name.raw, "", teacher.name
    if subject.comment is not None and subject.comment.raw and not printed.has(subject.comment.raw):
        yield "value-missing", name, subject.comment.raw, "", subject.comment


def _behind(words: Sequence[str], name: Sequence[str]) -> Iterator[list[str]]:
    """Where the name stands: the words that interrupt it and those behind it."""
    for start, word in enumerate(words):
        if word != name[0]:
            continue
        at, foreign = start, list[str]()
        most = OVER_PAGE if PAGE in words[start : start + OVER_PAGE] else STRETCH
        for part in name:
            while at < len(words) and words[at] != part and len(foreign) <= most:
                foreign.append(words[at])
                at += 1
            if at >= len(words) or words[at] != part:
                break
            at += 1
        else:
            yield [*foreign, *words[at : at + STRETCH + 4]]


def _results(document: Document, value: Value[Any]) -> list[str]:
    said, meaning = document.pack.form["spellings"], value.value
    if isinstance(meaning, Outcome):
        return list(said["results"][meaning.value])
    if meaning is None:
        return [value.raw]
    plain = format(meaning.normalize(), "f")
    written = {value.raw, plain, plain if "." in plain else f"{plain}.0"}
    return [one.replace(".", point) for one in sorted(written) for point in said["decimal"]]


def _in_order(words: Sequence[str], wanted: Sequence[Sequence[tuple[str, ...]]]) -> bool:
    """Whether the results stand one after the other, with nothing but empty cells between."""
    return any(_from(words, start, wanted) for start in range(len(words)))


def _from(words: Sequence[str], at: int, wanted: Sequence[Sequence[tuple[str, ...]]]) -> bool:
    if not wanted:
        return True
    for spelling in wanted[0]:
        if tuple(words[at : at + len(spelling)]) == spelling and _from(words, at + len(spelling), wanted[1:]):
            return True
    return False


def _looks_like_results(document: Document, words: Sequence[str]) -> list[str]:
    said = document.pack.form["spellings"]
    known = {"".join(_fold(one)) for spelled in said["results"].values() for one in spelled}
    return [one for one in words if one in known or re.fullmatch(r"[0-9]{1,3}([.,][0-9]+)?", one)][:4]


# --------------------------------------------------------------------------------------------------------- levels


def _wrong_levels(document: Document, printed: _Text) -> Iterator[Wrong]:
    """What the likelier of the two arrangements of the table leaves wrong."""
    summary = document.transcript.summary
    values: dict[tuple[str, str], Value[Level]] = {}
    for kind in KINDS:
        for period in PERIODS:
            value: Value[Level] | None = getattr(getattr(summary, kind), period)
            if value is not None and value.value is not None:
                values[kind, period] = value
    said = document.pack.form["spellings"]
    by_kind, by_period = _Runs(printed, said, KINDS), _Runs(printed, said, PERIODS)
    rows, columns = list[Wrong](), list[Wrong]()
    for (kind, period), value in values.items():
        periods = [one for one in PERIODS if (kind, one) in values]
        kinds = [one for one in KINDS if (one, period) in values]
        rows.extend(_level_at(document, kind, period, value, by_kind.at(kind, periods.index(period))))
        columns.extend(_level_at(document, kind, period, value, by_period.at(period, kinds.index(kind))))
    yield from min(rows, columns, key=lambda wrong: (len(wrong), sum(one[0] == "value-missing" for one in wrong)))


def _level_at(document: Document, kind: str, period: str, value: Value[Level], seen: Sequence[str]) -> Iterator[Wrong]:
    level = value.value
    if level is None or level.value in seen:
        return
    words = document.pack.form["levels"]
    shown = level_name(Level(seen[0]), document.pack) if seen else ""
    what = f"{words[kind]['vi']}, {words[period]['vi']}"
    yield "value-differs" if seen else "value-missing", what, level_name(level, document.pack), shown, value


class _Runs:
    """The levels that follow each label up to the next label of its kind."""

    def __init__(self, printed: _Text, said: Mapping[str, Any], names: Sequence[str]) -> None:
        words = [one.strip(":;,.()") for one in printed.words]
        labels = {name: [tuple(_fold(one)) for one in said[name]] for name in names}
        spelled = sorted(
            ((tuple(_fold(one)), level) for level, listed in said["levels"].items() for one in listed),
            key=lambda one: -len(one[0]),
        )
        self._found: dict[str, list[list[str]]] = {name: [] for name in names}
        run: list[str] | None = None
        at = since = 0
        while at < len(words):
            name, length = _label(words, at, labels)
            if name:
                run = []
                self._found[name].append(run)
                at, since = at + length, 0
                continue
            level = next(((one, len(w)) for w, one in spelled if tuple(words[at : at + len(w)]) == w), None)
            if level is not None and run is not None:
                run.append(level[0])
            since += 1
            if since > LEVEL_WINDOW:
                run = None
            at += level[1] if level is not None else 1

    def at(self, name: str, position: int) -> list[str]:
        """What stands at a position behind the label, wherever the label stands."""
        return [run[position] for run in self._found[name] if len(run) > position]


def _label(words: Sequence[str], at: int, labels: Mapping[str, Sequence[tuple[str, ...]]]) -> tuple[str, int]:
    """The longest label that stands here, and its length in words."""
    standing = [
        (len(one), name) for name, listed in labels.items() for one in listed if tuple(words[at : at + len(one)]) == one
    ]
    return (max(standing)[1], max(standing)[0]) if standing else ("", 0)
