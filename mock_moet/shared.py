"""Faults, scripted outcomes and journal of a space in the database: where several workers share them.

The same books as in memory (:mod:`mock_moet.faults`, :mod:`mock_moet.journal`), read before and kept after each use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mock_moet.faults import Entry, Fault, FaultBook, Mix, Outcome, OutcomeBook
from mock_moet.journal import Journal
from mock_moet.store import Store
from mock_moet.transaction import Transaction

_FAULTS, _OUTCOMES = "faults", "outcomes"


class SharedFaults(FaultBook):
    """The faults of one space, kept in the store: what goes for all of them, then one row a fault.

    ``remake``: the mix of a profile by its name and seed, which a worker that did not begin it makes again.
    """

    def __init__(self, store: Store, space: str, remake: Callable[[str, int], Mix | None]) -> None:
        super().__init__()
        self._store, self._space, self._remake = store, space, remake
        self._playing: tuple[str, int] | None = None

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock, self._store.book(self._space, _FAULTS) as content:
            head, *rows = content or [{}]
            self._last, self.mixed = head.get("last", 0), head.get("mixed", 0)
            self._drawn = head.get("drawn", {})
            playing = head.get("playing")
            self._set(None if playing is None else (playing[0], playing[1]))
            self._entries = [Entry(Fault.model_validate(fault), *counts) for fault, *counts in rows]
            yield
            content[:] = [
                {
                    "last": self._last,
                    "mixed": self.mixed,
                    "drawn": self._drawn,
                    "playing": self._playing and [*self._playing],
                },
                *(
                    [
                        one.fault.model_dump(mode="json", by_alias=True, exclude_unset=True),
                        one.number,
                        one.seen,
                        one.fired,
                    ]
                    for one in self._entries
                ),
            ]

    def _set(self, playing: tuple[str, int] | None) -> None:
        if playing != self._playing:
            self._playing, self._sequences = playing, {}
            self._mix = None if playing is None else self._remake(*playing)

    def mix(self, mix: Mix | None, name: str = "", seed: int = 0) -> None:
        """As in memory; the profile's name and seed are kept."""
        with self._open():
            self._set(None if mix is None else (name, seed))
            self.mixed, self._drawn = 0, {}

    def _take(self, operation: str, matches: Callable[[Fault], bool]) -> Fault | None:
        # most calls meet no faults and lock nothing
        content = self._store.peek(self._space, _FAULTS)
        return super()._take(operation, matches) if len(content) > 1 or (content and content[0]["playing"]) else None


class SharedOutcomes(OutcomeBook):
    """The scripted outcomes of one space, kept in the store."""

    def __init__(self, store: Store, space: str) -> None:
        super().__init__()
        self._store, self._space = store, space

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock, self._store.book(self._space, _OUTCOMES) as content, self._held(content):
            yield

    @contextmanager
    def _held(self, content: list[Any]) -> Iterator[None]:
        self._entries = [(Outcome.model_validate(one), list(counts)) for one, counts in content]
        yield
        content[:] = [
            [one.model_dump(mode="json", by_alias=True, exclude_unset=True), counts] for one, counts in self._entries
        ]

    def take(self, record: str, transaction: Transaction, content: bytes = b"") -> dict[str, Any]:
        """As in memory, in the transaction that keeps the submission."""
        # no lock of this process inside a transaction: another thread may hold it and wait for the transaction
        with transaction.book(_OUTCOMES) as kept:
            if not kept:
                return {}
            held = SharedOutcomes(self._store, self._space)
            with held._held(kept):
                return held._planned(record, content)


class SharedJournal(Journal):
    """The journal of one space, kept in the store."""

    def __init__(self, store: Store, space: str, limit: int) -> None:
        super().__init__(limit)
        self._store, self._space = store, space

    def enter(self, **entry: Any) -> dict[str, Any]:
        """Note the arrival of a call."""
        made = self.blank(**entry)
        return {**made, "n": self._store.note(self._space, made, self.limit)}

    def complete(self, entry: dict[str, Any], **values: Any) -> None:
        """Add to an entry what became known later."""
        entry.update(values)
        self._store.rewrite(self._space, entry["n"], entry)

    def after(self, number: int) -> tuple[list[dict[str, Any]], int]:
        """Entries with a higher number, and the last number given."""
        return self._store.noted(self._space, number)
