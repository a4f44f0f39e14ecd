"""What the twins of form, structure and codes share: sound bytes, and judging by these three alone."""

from __future__ import annotations

from typing import Any

from conformance.checks import codes, form, structure
from conformance.checks.context import Context
from conformance.checks.judge import settle
from conformance.document import read, write
from conformance.finding import Recorder
from conformance.pack import Pack, default_pack
from tests.builders import NOW, valid_values


def sound(programme: str = "THCS") -> bytes:
    """The bytes of a sound document."""
    return write(valid_values(programme), default_pack())


def replaced(old: str, new: str, *, count: int = 1) -> bytes:
    """The sound bytes with ``old`` replaced; it must be there."""
    data = sound().decode()
    assert old in data
    return data.replace(old, new, count).encode()


def judged(given: bytes | dict[str, Any], pack: Pack | None = None, **context: Any) -> Recorder:
    """Bytes, or values to be written, as form, structure and codes see them."""
    used = pack or default_pack()
    data = write(given, used) if isinstance(given, dict) else given
    found = Recorder()
    reading = read(data, used)
    form.check(reading, found)
    if reading.document is not None:
        circumstances = Context(used, None, **{"judged_at": NOW, **context})
        structure.check(reading.document, circumstances, found)
        codes.check(reading.document, circumstances, found)
        settle(found, reading.document)
    return found
