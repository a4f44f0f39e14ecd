"""Reading schemas in several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Any

import pytest
from lxml import etree

from conformance.pack import default_pack, schemas

PATIENCE = 60.0


class Watched:
    """A lock that says when somebody has to wait for it."""

    def __init__(self, came: Event) -> None:
        self._lock, self._came = Lock(), came

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._came.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_no_two_threads_read_a_schema_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = default_pack()
    first, second = Event(), Event()
    inside, most = [], []
    original = etree.XMLSchema

    def slow(source: Any) -> etree.XMLSchema:
        inside.append(source)
        most.append(len(inside))
        if first.is_set():
            second.set()  # it was let in beside the first
        first.set()
        # held until the other thread has come, whether it waits outside or is in here
        assert second.wait(PATIENCE)
        made = original(source)
        inside.remove(source)
        return made

    monkeypatch.setattr(schemas, "READING", Watched(second))
    monkeypatch.setattr(etree, "XMLSchema", slow)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(schemas.read_schema, pack.schema)
        assert first.wait(PATIENCE)
        other = pool.submit(schemas.read_schema, pack.schema)
        assert one.result(PATIENCE) is not other.result(PATIENCE)
    assert most == [1, 1]
