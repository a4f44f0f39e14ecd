"""Converters by name: what a text in the document means. ``None``: it cannot be read as that."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from conformance.document.letters import normalized
from conformance.pack import Pack
from conformance.transcript.model import Level, Outcome, Result, Scoring

Converter = Callable[[str], Any]

_REMEMBERED = 4096
"""Texts whose meaning is kept: names, codes, marks and dates come again and again."""
_NUMBER = re.compile(r"[0-9]{1,9}")

_ETH = str.maketrans({"\u00d0": "\u0110", "\u00f0": "\u0111"})


@lru_cache(maxsize=_REMEMBERED)
def nfc(text: str) -> str:
    """What codes and names are compared in: the canonical composed form, with D-stroke written as D-stroke.

    Combining forms and the Icelandic eth in its place are PL1-DOC-005's to report; they are understood, so that one
    mistake is found once.
    """
    if text.isascii():
        return text
    composed = normalized("NFC", text)
    return composed.translate(_ETH) if "\u00d0" in composed or "\u00f0" in composed else composed


def text(raw: str) -> str | None:
    """The text in NFC; ``None`` when there is none."""
    return (raw if raw.isascii() else nfc(raw)) or None


def whole_number(raw: str) -> int | None:
    """A whole number of plain digits."""
    return int(raw) if _NUMBER.fullmatch(raw) else None


def _listed(values: Mapping[str, Any], kind: Callable[[Any], Any]) -> Converter:
    table = {nfc(str(wire)): kind(meaning) for wire, meaning in values.items()}

    def convert(raw: str) -> Any:
        return table.get(nfc(raw))

    return convert


def converters(pack: Pack) -> Mapping[str, Converter]:
    """All converters, with the pack's wire values."""
    values, formats = pack.binding.values, pack.binding.formats
    outcome = _listed(values["outcome"], Outcome)

    @lru_cache(maxsize=_REMEMBERED)
    def result(raw: str) -> Result | None:
        found = formats.read_mark(raw)
        return found if found is not None else outcome(raw)

    return {
        "text": text,
        "flag": _listed(values["flag"], bool),
        "level": _listed(values["level"], Level),
        "scoring": _listed(values["scoring"], Scoring),
        "result": result,
        "whole-number": whole_number,
        "grade": whole_number,
        "count": formats.read_mark,
        "school-year": lru_cache(maxsize=_REMEMBERED)(formats.read_school_year),
        "date": lru_cache(maxsize=_REMEMBERED)(formats.read_date),
        "partial-date": lru_cache(maxsize=_REMEMBERED)(formats.read_partial),
    }
