"""Exchanges beside each other: each lane has a copy of the software, a space of the service and an account of its own.

Exchanges mostly wait. Where a run has several copies of the software (of the reference vendor, which it starts
itself), lanes play exchanges while cases run on the first copy. What a lane finds is handed over when pytest comes to
the item, so results, evidence and their order are those of a run without lanes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from conformance.events import ItemResult
from conformance.evidence import Entry
from conformance.suite.bench import Bench
from conformance.suite.plan import Planned
from conformance.suite.settings import Setup

CLOSING = 5.0
"""Seconds that a lane is waited for in the end: what it is still at, nobody asks for any more."""
LOOK = 0.5
"""Seconds between two looks at whether the lane that has taken an item is still there."""


class Lanes:
    """Plays exchanges on the further copies of the software, the longest first."""

    def __init__(self, setup: Setup) -> None:
        self._benches = [Bench(setup.copy_at(number)) for number in range(1, setup.copies)]
        self._waiting: list[Planned] = []
        self._taken: dict[str, threading.Thread] = {}
        self._done: dict[str, tuple[ItemResult, list[Entry]]] = {}
        self._news = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def start(self, items: Iterable[Planned]) -> None:
        """Begin with these exchanges; once."""
        if self._threads:
            return
        self._waiting = sorted((one for one in items if one.kind == "exchange"), key=lambda one: -one.signatures)
        for bench in self._benches:
            thread = threading.Thread(target=self._work, args=[bench], name="exchanges", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self, bench: Bench) -> None:
        while True:
            with self._news:
                if self._closed or not self._waiting:
                    return
                item = self._waiting.pop(0)
                self._taken[item.id] = threading.current_thread()
            result = bench.run(item)
            entries, bench.entries = bench.entries, []
            with self._news:
                self._done[item.id] = (result, entries)
                self._news.notify_all()

    def result(self, item: Planned) -> tuple[ItemResult, list[Entry]] | None:
        """What a lane found, waited for where one is at it; ``None``: nobody has it, whoever asks must play it."""
        with self._news:
            self._waiting = [one for one in self._waiting if one.id != item.id]
            while (thread := self._taken.get(item.id)) is not None and item.id not in self._done:
                if not thread.is_alive():
                    return None
                self._news.wait(LOOK)
            return self._done.pop(item.id, None)

    def close(self) -> None:
        """Take nothing more, and close the lanes' connections."""
        with self._news:
            self._closed = True
        for thread in self._threads:
            thread.join(CLOSING)
        for bench in self._benches:
            bench.close()
