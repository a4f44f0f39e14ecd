"""The journal as the rules see it."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.doors.wire import call_of
from conformance.pack import default_pack
from conformance.pack.pointer import put

PACK = default_pack()


def submitted(version: Any) -> dict[str, Any]:
    envelope: dict[str, Any] = {}
    put(envelope, PACK.messages["submission"]["version"], version)
    return {"n": 1, "monotonic": 1.0, "operation": "submit", "request": {"envelope": envelope}}


@pytest.mark.parametrize(
    ("sent", "seen"),
    # JSON Schema 2020-12 §6.1.1: a number without a fractional part is an integer, however it is written
    [(2, 2), (2.0, 2), (1e0, 1), (2.5, None), ("2", None), (True, None), (None, None), ([1], None)],
)
def test_a_version_is_a_whole_number_however_it_is_written(sent: Any, seen: int | None) -> None:
    assert call_of(submitted(sent), PACK).version == seen
