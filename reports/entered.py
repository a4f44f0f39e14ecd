"""A case as it was entered, laid out for a reader: labels and values, and a table for each list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.events import FormTable
from reports.plain import short
from reports.wording import WORDS, word

MOST_ROWS, MOST_COLUMNS = 60, 14
_HIDDEN = frozenset(("caseId", "label", "scoring", "teachers"))
"""Said elsewhere, or of no use beside a code's label."""


def case_tables(case: Any, language: str) -> tuple[FormTable, ...]:
    """Tables of a case's data (test interface, ``POST /transcripts``); anything else of JSON comes out readable too."""
    if not isinstance(case, Mapping):
        return (FormTable(title="", rows=((short(case, 2000),),)),) if case else ()
    plain: list[tuple[str, ...]] = []
    tables: list[FormTable] = []
    for name, value in case.items():
        if name in _HIDDEN or value in (None, "", [], {}):
            continue
        label = _label(str(name), language)
        if isinstance(value, Mapping) and not _coded(value):
            tables.append(FormTable(title=label, rows=tuple(_rows(value, language))[:MOST_ROWS]))
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            tables.append(_table(label, [one for one in value if isinstance(one, Mapping)], language))
        else:
            plain.append((label, _text(value, language)))
    return (FormTable(title="", rows=tuple(plain)), *tables) if plain else tuple(tables)


def _coded(value: Mapping[str, Any]) -> bool:
    return "code" in value and set(value) <= {"code", "label"}


def _text(value: Any, language: str) -> str:
    if isinstance(value, Mapping) and _coded(value):
        return f"{short(value['code'])} – {short(value['label'])}" if value.get("label") else short(value["code"])
    if isinstance(value, list | tuple):
        return "; ".join(_text(one, language) for one in value)
    said = f"case.value.{value}"
    return word(said, language) if isinstance(value, str) and said in WORDS else short(value, 2000)


def _label(name: str, language: str) -> str:
    key = f"case.{name}"
    return word(key, language) if key in WORDS else name


def _heading(path: tuple[str, ...], language: str) -> str:
    """The labels of a path, beginning with a capital like every other heading."""
    text = " · ".join(_label(one, language) for one in path)
    return text[:1].upper() + text[1:]


def _leaves(
    value: Mapping[str, Any], language: str, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, one in value.items():
        if isinstance(one, Mapping) and not _coded(one):
            # components say nothing that their names do not
            yield from _leaves(one, language, path if name == "components" else (*path, str(name)))
        elif one not in (None, "", [], {}):
            yield (*path, str(name)), _text(one, language)


def _rows(value: Mapping[str, Any], language: str) -> Iterator[tuple[str, ...]]:
    for path, text in _leaves(value, language):
        yield _heading(path, language), text


def _table(title: str, rows: list[Mapping[str, Any]], language: str) -> FormTable:
    flat = []
    for one in rows[:MOST_ROWS]:
        cells = {path: text for path, text in _leaves(one, language) if path[-1] not in _HIDDEN}
        if one.get("label") and ("code",) in cells:
            cells["code",] = f"{short(one['label'])} ({cells['code',]})"
        flat.append(cells)
    columns = list(dict.fromkeys(path for cells in flat for path in cells))
    columns.sort(key=lambda path: path[-1] == "comment")  # the longest text last
    columns = columns[:MOST_COLUMNS]
    heads = tuple(_heading(path, language) for path in columns)
    return FormTable(
        title=title, columns=heads, rows=tuple(tuple(cells.get(path, "") for path in columns) for cells in flat)
    )
