"""Converters by name: what a text in the document means. ``None``: it cannot be read as that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from conformance.pack import Pack
from conformance.transcript.model import Level, Outcome, Result, Scoring

Converter = Callable[[str], Any]

_YEARS = re.compile(r"([0-9]{4})-([0-9]{4})")
_NUMBER = re.compile(r"[0-9]{1,9}")
_MARK = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


_ETH = str.maketrans({"\u00d0": "\u0110", "\u00f0": "\u0111"})


def nfc(text: str) -> str:
    """What codes and names are compared in: the canonical composed form, with D-stroke written as D-stroke.

    Combining forms and the Icelandic eth in its place are PL1-DOC-005's to report; they are understood, so that one
    mistake is found once.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_ETH)


def text(raw: str) -> str | None:
    """The text in NFC; ``None`` when there is none."""
    return nfc(raw) or None


def whole_number(raw: str) -> int | None:
    """A whole number of plain digits."""
    return int(raw) if _NUMBER.fullmatch(raw) else None


def school_year(raw: str) -> int | None:
    """``2024-2025`` → 2024; the years must follow each other."""
    found = _YEARS.fullmatch(raw)
    return int(found[1]) if found and int(found[2]) == int(found[1]) + 1 else None


def mark(raw: str) -> Decimal | None:
    """A mark, in any readable spelling with a point (``8``, ``8.0``, ``08``); its range is not looked at."""
    return Decimal(raw) if _MARK.fullmatch(raw) else None


def day(raw: str) -> date | None:
    """``YYYY-MM-DD``, a day that exists."""
    found = _DATE.fullmatch(raw)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def partial_date(raw: str) -> tuple[int, int | None, int | None] | None:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""
    found = _PARTIAL.fullmatch(raw)
    if not found:
        return None
    year, month, number = int(found[1]), found[2], found[3]
    try:
        date(year, int(month or 1), int(number or 1))
    except ValueError:
        return None
    return year, int(month) if month else None, int(number) if number else None


def _listed(values: Mapping[str, Any], kind: Callable[[Any], Any]) -> Converter:
    table = {nfc(str(wire)): kind(meaning) for wire, meaning in values.items()}

    def convert(raw: str) -> Any:
        return table.get(nfc(raw))

    return convert


def converters(pack: Pack) -> Mapping[str, Converter]:
    """All converters, with the pack's wire values."""
    values = pack.binding.values
    outcome = _listed(values["outcome"], Outcome)

    def result(raw: str) -> Result | None:
        found = mark(raw)
        return found if found is not None else outcome(raw)

    return {
        "text": text,
        "flag": _listed(values["flag"], bool),
        "level": _listed(values["level"], Level),
        "scoring": _listed(values["scoring"], Scoring),
        "result": result,
        "whole-number": whole_number,
        "grade": whole_number,
        "count": mark,
        "school-year": school_year,
        "date": day,
        "partial-date": partial_date,
    }
