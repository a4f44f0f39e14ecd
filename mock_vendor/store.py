"""What survives a hard stop: session, transcripts, signing under way and outbox, in SQLite.

Everything is written before the software acts on it: a submission is on the disk before its first byte is on the wire.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FILE = "vendor.sqlite"
BUSY = 10.0
"""Seconds for which a process that is just dying may still hold the file."""


class Store:
    """Named documents by kind. Every :meth:`put` is on the disk when it returns."""

    def __init__(self, folder: Path | None) -> None:
        """Open the store in ``folder``, or one in memory: durable as long as the object is (tests in process)."""
        self._lock = threading.Lock()
        path = ":memory:"
        if folder is not None:
            # keys of the session's signers are in it
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = str(folder / FILE)
        self._db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS kept (kind TEXT, name TEXT, data TEXT, PRIMARY KEY (kind, name))")

    def put(self, kind: str, *rows: tuple[str, Any]) -> None:
        """Write documents of one kind: all or none."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (kind, name) DO update SET data = excluded.data",
                [(kind, name, json.dumps(data, ensure_ascii=False)) for name, data in rows],
            )

    def get(self, kind: str, name: str) -> Any:
        """One document, ``None`` when there is none."""
        with self._lock:
            row = self._db.execute("SELECT data FROM kept WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return None if row is None else json.loads(row[0])

    def all(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Every document of a kind, in the order in which they were first written."""
        with self._lock:
            rows = self._db.execute("SELECT name, data FROM kept WHERE kind = ? ORDER BY rowid", (kind,)).fetchall()
        return ((name, json.loads(data)) for name, data in rows)

    def drop(self, kind: str, names: Iterable[str]) -> None:
        """Forget documents."""
        with self._lock, self._db:
            self._db.executemany("DELETE FROM kept WHERE kind = ? AND name = ?", [(kind, name) for name in names])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._db.execute("DELETE FROM kept")

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._db.close()
