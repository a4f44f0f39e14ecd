"""Sound transcripts as plain wire values, those of the golden corpus: what tests change one thing of."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import Any

from conformance.document import Document, read, write
from conformance.fixtures import load_definitions
from conformance.pack import Pack, default_pack

VIETNAM = timezone(timedelta(hours=7))
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=VIETNAM)
"""When the documents of the tests are signed and judged."""

_VALUES = load_definitions(default_pack()).values
"""The base documents of the golden corpus."""
TEACHERS = {
    one["code"]: (one["teachers"][0]["name"], one["teachers"][0]["national_id"])
    for programme in _VALUES.values()
    for one in programme["subjects"]
}
HOMEROOM = ("Trần Văn Hòa", "001080990201")
LEADER = ("Lê Thị Hạnh", "001175990301")


def valid_values(programme: str = "THCS") -> dict[str, Any]:
    """Nested wire values by model name of a sound version 1: all good, promoted, title earned and given."""
    return copy.deepcopy(dict(_VALUES[programme]))


def subject(values: dict[str, Any], code: str) -> dict[str, Any]:
    """One subject of the values."""
    found: dict[str, Any] = next(one for one in values["subjects"] if one["code"] == code)
    return found


def document_of(values: dict[str, Any], pack: Pack | None = None) -> Document:
    """The values written and read again."""
    pack = pack or default_pack()
    document = read(write(values, pack), pack).document
    assert document is not None
    return document
