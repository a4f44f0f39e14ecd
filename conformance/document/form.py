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
from conformance.pack import Pack, PackError, Text
from conformance.transcript.model import Level, Levels, Subject, Value

PERIODS = ("semester1", "semester2", "year")


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


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """One line of the table of subjects: texts by column of ``form.yaml``."""

    cells: Mapping[str, str]
    subject: Subject


@dataclass(frozen=True, slots=True)
class Form:
    """A whole transcript, ready to be shown."""

    title: Text
    sections: tuple[Section, ...]
    columns: Mapping[str, Text]
    subjects_title: Text
    subjects: tuple[SubjectRow, ...]
    levels: Mapping[str, Mapping[str, str]]
    """``learning``, ``conduct`` → period → the level's name."""
    levels_words: Mapping[str, Text]
    history_title: Text
    history: tuple[tuple[str, ...], ...]
    """School year, class, school, province, day of transfer."""
    certificates_title: Text
    certificates: tuple[str, ...]


def form_of(document: Document) -> Form:
    """The document as the form has it.

    Raises:
        PackError: the pack describes no form.
    """
    pack, transcript = document.pack, document.transcript
    said = pack.form
    if not said:
        raise PackError(f"{pack.name}: không có document/form.yaml / no document/form.yaml")
    words = {name: Text.model_validate(one) for name, one in said["levels"].items()}
    return Form(
        title=Text.model_validate(said["title"]),
        sections=tuple(
            Section(Text.model_validate(one["title"]), tuple(_rows(document, one["rows"]))) for one in said["sections"]
        ),
        columns={name: Text.model_validate(one) for name, one in said["subjects"]["columns"].items()},
        subjects_title=Text.model_validate(said["subjects"]["title"]),
        subjects=tuple(SubjectRow(_cells(one), one) for one in transcript.subjects),
        levels={
            name: _levels(getattr(transcript.summary, name), pack)
            for name in ("learning", "conduct")
        },
        levels_words=words,
        history_title=Text.model_validate(said["history"]),
        history=tuple(
            (
                _raw(one.school_year), _raw(one.class_name), _raw(one.school_name), _raw(one.province_name),
                shown(one.transferred_on, pack),
            )
            for one in transcript.history
        ),
        certificates_title=Text.model_validate(said["certificates"]),
        certificates=tuple(
            " – ".join(part for part in (_raw(one.name), _raw(one.kind)) if part)
            for one in transcript.summary.certificates
        ),
    )  # fmt: skip


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


def _cells(one: Subject) -> Mapping[str, str]:
    return {
        "subject": _raw(one.name),
        **{period: _raw(getattr(one, period)) for period in (*PERIODS, "reassessed")},
        "comment": _raw(one.comment),
        "teachers": ", ".join(_raw(teacher.name) for teacher in one.teachers),
    }


def _levels(levels: Levels, pack: Pack) -> Mapping[str, str]:
    return {period: shown(getattr(levels, period), pack) for period in (*PERIODS, "after_summer")}
