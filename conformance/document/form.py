"""The transcript as people read it: sections, rows and the table of subjects, worded by the pack's ``form.yaml``.

What this module makes is shown by ``hocba show`` and in reports, and is what a printed rendition is compared with
(PL1-IN-001). It never looks at a vendor's rendition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from conformance.document.read import Document
from conformance.events import FormData, FormTable
from conformance.pack import Pack, PackError, Text
from conformance.transcript.model import HistoryYear, Level, Subject, Summary, Value

PERIODS = ("semester1", "semester2", "year")
MOST_ROWS, LONGEST = 200, 2_000
"""Rows of a table and characters of a cell that are shown: no lawful transcript has more."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the form: a label and a value as people write it; empty where the document has none."""

    label: Text
    text: str
    value: Value[Any] | None
    listed: bool
    """Whether a printed rendition must carry it."""


@dataclass(frozen=True, slots=True)
class Section:
    """Some rows under a heading."""

    title: Text
    rows: tuple[Row, ...]


def sections_of(document: Document) -> tuple[Section, ...]:
    """The sections of labelled values, in the form's order.

    Raises:
        PackError: the pack describes no form, or names what the model does not have.
    """
    return tuple(
        Section(Text.model_validate(one["title"]), tuple(_rows(document, one["rows"])))
        for one in _said(document.pack)["sections"]
    )


def tables_of(document: Document, language: str) -> FormData:
    """The whole transcript as titled tables, in one language; labels and their order are the pack's.

    What is longer than any lawful transcript is cut, and says so.

    Raises:
        PackError: as :func:`sections_of`.
    """
    said, transcript = _said(document.pack), document.transcript
    parts = [
        FormTable(
            title=one.title.of(language), rows=tuple((row.label.of(language), row.text) for row in one.rows if row.text)
        )
        for one in sections_of(document)
    ]
    history = tuple(_year(one, document.pack) for one in transcript.history)
    certificates = tuple((_raw(one.name), _raw(one.kind)) for one in transcript.summary.certificates)
    more = [
        FormTable(title=said["history"][language], columns=_columns(said["history"], language), rows=history),
        _subjects(said["subjects"], transcript.subjects, language),
        _levels(said["levels"], transcript.summary, document.pack, language),
        FormTable(title=said["certificates"][language], rows=certificates),
    ]
    # as on paper: who, the years before, this year's table, then its results and issue
    ordered = [*parts[:2], *more, *parts[2:]]
    return FormData(title=said["title"][language], tables=tuple(_cut(one) for one in ordered if one.rows))


def _cut(table: FormTable) -> FormTable:
    rows = tuple(tuple(_short(cell) for cell in row) for row in table.rows[:MOST_ROWS])
    more = len(table.rows) - MOST_ROWS
    return table.model_copy(update={"rows": (*rows, (f"… (+{more})",)) if more > 0 else rows})


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … (+{len(text) - LONGEST})"


def _columns(said: Mapping[str, Any], language: str) -> tuple[str, ...]:
    return tuple(one[language] for one in said.get("columns", {}).values())


def _said(pack: Pack) -> Mapping[str, Any]:
    if not pack.form:
        raise PackError(f"{pack.name}: không có document/form.yaml / no document/form.yaml")
    return pack.form


def _rows(document: Document, rows: list[Mapping[str, Any]]) -> Iterator[Row]:
    for row in rows:
        value = at(document.transcript, str(row["value"]))
        text = shown(value, document.pack)
        if value is not None and "codes" in row:
            entry = document.pack.codes[str(row["codes"])].find(value.raw)
            text = f"{entry.name} ({value.raw})" if entry else text
        yield Row(Text.model_validate(row["label"]), text, value, bool(row.get("listed")))


def at(part: object, path: str) -> Value[Any] | None:
    """The value at a model path such as ``issue.leader.name``; ``None`` where the document has none.

    Raises:
        PackError: the model has no such path.
    """
    for name in path.split("."):
        if part is None:
            return None
        if not hasattr(part, name):
            raise PackError(f"form.yaml: {path}: mô hình không có / not in the model")
        part = getattr(part, name)
    return part if isinstance(part, Value) else None


def shown(value: Value[Any] | None, pack: Pack) -> str:
    """A value as people write it: dates by day, levels by name, everything else as it stands."""
    if value is None:
        return ""
    meaning = value.value
    if isinstance(meaning, date):
        return str(pack.form["spellings"]["date"]).format(day=meaning.day, month=meaning.month, year=meaning.year)
    if isinstance(meaning, tuple) and len(meaning) == 3:
        year, month, day = meaning
        if day is not None:
            return str(pack.form["spellings"]["date"]).format(day=day, month=month, year=year)
        return f"{month:02}/{year}" if month is not None else str(year)
    if isinstance(meaning, Level):
        return level_name(meaning, pack)
    return value.raw


def level_name(level: Level, pack: Pack) -> str:
    """The level's name as people write it: the last of its spellings."""
    return str(pack.form["spellings"]["levels"][level.value][-1])


def _raw(value: Value[Any] | None) -> str:
    return value.raw if value is not None else ""


def _year(one: HistoryYear, pack: Pack) -> tuple[str, ...]:
    texts = (_raw(one.school_year), _raw(one.class_name), _raw(one.school_name), _raw(one.province_name))
    return (*texts, shown(one.transferred_on, pack))


def _subjects(said: Mapping[str, Any], subjects: tuple[Subject, ...], language: str) -> FormTable:
    rows = tuple(
        (
            _raw(one.name),
            *(_raw(getattr(one, period)) for period in (*PERIODS, "reassessed")),
            _raw(one.comment),
            ", ".join(_raw(teacher.name) for teacher in one.teachers),
        )
        for one in subjects
    )
    names = ("subject", *PERIODS, "reassessed", "comment", "teachers")
    columns = tuple(said["columns"][name][language] for name in names)
    return FormTable(title=said["title"][language], columns=columns, rows=rows)


def _levels(said: Mapping[str, Any], summary: Summary, pack: Pack, language: str) -> FormTable:
    periods = (*PERIODS, "after_summer")
    return FormTable(
        title=said["title"][language],
        columns=("", *(said[period][language] for period in periods)),
        rows=tuple(
            (said[name][language], *(shown(getattr(levels, period), pack) for period in periods))
            for name, levels in (("learning", summary.learning), ("conduct", summary.conduct))
        ),
    )
