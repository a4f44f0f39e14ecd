"""Processes of one run take turns at the software under test: its concurrency is one unless it declares more."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

TURN_LIMIT = 900.0
"""Seconds a process waits for its turn: longer than any single item may take."""


@contextlib.contextmanager
def turn(path: str) -> Iterator[None]:
    """Hold the run's turn. An exclusive SQLite transaction: it works everywhere, and ends with its process."""
    if not path:
        yield
        return
    connection = sqlite3.connect(path, timeout=TURN_LIMIT, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()
