"""The observe door: an operator acts, the suite watches what arrives at the mock Ministry. It records; it never judges.

What arrives is told apart by the learner's code in the document: the operator need not know an identifier beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.checks.exchange import Call
from conformance.document import read
from conformance.doors.ministry import Ministry
from conformance.doors.vendor import Clock
from conformance.doors.wire import call_of
from conformance.pack import Pack
from conformance.pack.pointer import get

PAUSE = 1.0
"""Seconds between two looks."""
REST = 3.0
"""Seconds without a call after which a learner's business counts as done."""
SETTLED = frozenset({"accepted", "refused", "superseded", "revoked"})
"""States of a submission (the pack's keys) that judging does not change any more."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One submission that got a receipt. ``state`` and ``event`` are the pack's keys."""

    receipt: str
    record: str
    version: int
    event: str
    state: str
    digest: str
    content: bytes
    learner: str
    received_at: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything seen of one learner so far."""

    learner: str
    arrived: tuple[Arrived, ...] = ()
    entries: tuple[Mapping[str, Any], ...] = ()
    """Journal entries about this learner's records, with the token calls in between."""
    calls: tuple[Call, ...] = ()

    @property
    def hit(self) -> int:
        """How many of the calls met a fault."""
        return sum(call.fault for call in self.calls)

    @property
    def last_at(self) -> float:
        """When the last call came, on the service's clock; 0 without any."""
        return max((call.at for call in self.calls), default=0.0)


class Watcher:
    """Looks at one space of the mock Ministry again and again."""

    def __init__(self, ministry: Ministry, pack: Pack, clock: Clock) -> None:
        self.ministry = ministry
        self.pack = pack
        self.clock = clock
        self._rows: list[dict[str, Any]] = []
        self._contents: dict[str, tuple[bytes, str]] = {}
        self._entries: dict[int, dict[str, Any]] = {}

    def look(self) -> None:
        """See what is new.

        Raises:
            DoorError: the mock Ministry does not answer.
        """
        self._rows = self.ministry.submissions()
        for row in self._rows:
            receipt = str(row["receipt"])
            if receipt not in self._contents:
                content = self.ministry.content(receipt)
                self._contents[receipt] = content, learner_of(content, self.pack)
        # an entry that had no answer yet is looked at again
        open_ = [number for number, entry in self._entries.items() if entry.get("seconds") is None]
        after = min(open_, default=max(self._entries, default=0) + 1) - 1
        for entry in self.ministry.journal(after):
            self._entries[int(entry["n"])] = entry

    def of(self, learner: str) -> Sight:
        """What was seen of a learner."""
        arrived = tuple(
            Arrived(
                str(row["receipt"]), str(row["record"]), int(row["version"]), str(row["event"]), str(row["state"]),
                str(row["digest"]), self._contents[str(row["receipt"])][0], learner, str(row["receivedAt"]),
            )
            for row in self._rows
            if self._contents.get(str(row["receipt"]), (b"", ""))[1] == learner
        )  # fmt: skip
        entries = self._about(learner, arrived)
        return Sight(learner, arrived, entries, tuple(call_of(entry, self.pack) for entry in entries))

    def _about(self, learner: str, arrived: Iterable[Arrived]) -> tuple[Mapping[str, Any], ...]:
        records, receipts = {one.record for one in arrived}, {one.receipt for one in arrived}
        digests = {one.digest for one in arrived}
        pointer = self.pack.messages["submission"]["record"]

        def named(entry: Mapping[str, Any]) -> str:
            envelope = (entry.get("request") or {}).get("envelope") or {}
            return str(get(envelope, pointer) or "")

        everything = [self._entries[number] for number in sorted(self._entries)]
        # a fault that was set for this learner tells the record before it is received
        records |= {named(one) for one in everything if ((one.get("fault") or {}).get("learner")) == learner} - {""}
        mine = [
            one
            for one in everything
            if named(one) in records
            or str((one.get("facts") or {}).get("record") or "") in records
            # the same document under another identifier is this learner's all the same
            or str((one.get("request") or {}).get("contentSha256") or "") in digests
            or any(receipt in str(one.get("path")) for receipt in receipts)
        ]
        if not mine:
            return ()
        first, last = int(mine[0]["n"]), int(mine[-1]["n"])
        numbers = {int(one["n"]) for one in mine}
        return tuple(
            one
            for one in everything
            if int(one["n"]) in numbers or (one.get("operation") == "token" and first <= int(one["n"]) <= last)
        )

    def strangers(self, learners: Iterable[str]) -> tuple[str, ...]:
        """Codes of learners that arrived and are in no case; empty text for documents without one."""
        known = set(learners)
        return tuple(sorted({code for _, code in self._contents.values()} - known))

    def wait(
        self,
        learner: str,
        done: Callable[[Sight], bool],
        *,
        until: Callable[[], bool],
        patience: float,
        say: Callable[[Sight], None],
    ) -> Sight:
        """Look until ``done``, or until nothing more is to be waited for.

        Args:
            learner: whose business is watched.
            done: whether everything that was to come has come.
            until: whether the time is over.
            patience: seconds without a call of a learner who has arrived, after which no further is expected.
            say: told after every look.
        """
        changed, seen_at = self.clock.monotonic(), -1
        while True:
            self.look()
            sight = self.of(learner)
            say(sight)
            if len(sight.entries) != seen_at:
                changed, seen_at = self.clock.monotonic(), len(sight.entries)
            quiet = self.clock.monotonic() - changed
            if until() or (sight.calls and ((done(sight) and quiet >= REST) or quiet >= patience)):
                return sight
            self.clock.sleep(PAUSE)


def learner_of(content: bytes, pack: Pack) -> str:
    """The learner's code in a document; empty where none can be read."""
    document = read(content, pack).document
    code = document.transcript.learner.code if document is not None else None
    return code.raw.strip() if code is not None else ""
