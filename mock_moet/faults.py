"""Faults on purpose: kind, phase, selector, bound (appendix2.md §4). Every one clears by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from mock_moet.certificates import Variant
from mock_moet.transaction import Transaction

Kind = Literal[
    "status", "delay", "garbage", "redirect", "merge", "omit",
    "drip", "drip-headers", "truncate", "cut-headers", "bad-chunk", "endless", "large-headers", "noise", "empty",
    "reset", "reset-body", "refuse", "tls",
]  # fmt: skip

SPREAD = frozenset({"drip", "drip-headers", "endless", "refuse"})
"""Kinds whose ``seconds`` are no wait before the answer."""
PARTIAL = frozenset({"truncate", "reset-body", "cut-headers", "bad-chunk"})
"""Kinds that send a part of an answer, and need one to be parted."""
INSTEAD = PARTIAL | {"status", "garbage", "redirect", "noise", "empty", "endless", "reset", "refuse"}
"""Kinds that, before the commit, stand in for the service."""
WHOLE = frozenset({"delay", "drip", "drip-headers", "large-headers", "merge", "omit"})
"""Kinds that leave the answer whole and as the service meant it."""
BELOW = frozenset({"tls", "refuse"})
"""Kinds that concern a port and not a call: they need a port of the space's own."""


class Model(BaseModel):
    """Data of the control interface: camelCase on the wire, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Fault(Model):
    """One fault; see docs/control-api.md for what each kind uses."""

    kind: Kind
    operation: str = "*"
    record: str | None = None
    learner: str | None = Field(None, min_length=4, max_length=40)
    """A code that the document holds: for a record whose identifier nobody knows beforehand."""
    nth: int = Field(1, ge=1)
    times: int = Field(1, ge=1, le=1000)
    phase: Literal["before", "after"] = "before"
    status: int = Field(503, ge=200, le=599)
    error: str = ""
    retry_after: int | None = Field(None, ge=0, le=3600)
    retry_after_date: bool = False
    seconds: float = Field(0.0, ge=0, le=300)
    body: str | None = None
    content_type: str = "application/json"
    location: str = ""
    extra: dict[str, Any] = Field(default_factory=dict)
    omit: tuple[Annotated[str, Field(pattern=r"^(/[^/]+)+$", max_length=200)], ...] = Field((), max_length=100)
    """JSON pointers into the answer, taken away in this order."""
    size: int = Field(0, ge=0, le=64 * 1024 * 1024)
    variant: Variant | None = None
    name: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Fault:
        if self.kind == "redirect" and not self.location:
            raise ValueError("redirect: thiếu location / location is missing")
        if self.kind == "omit" and not self.omit:
            raise ValueError("omit: thiếu omit / omit is missing")
        if self.kind == "refuse" and not self.seconds:
            raise ValueError("refuse: thiếu seconds / seconds is missing")
        if self.kind == "large-headers" and self.size > 1024 * 1024:
            raise ValueError("large-headers: size: nhiều nhất / at most 1048576")
        if self.kind == "tls":
            if self.variant is None:
                raise ValueError("tls: thiếu variant / variant is missing")
            if self.operation != "*" or (self.record or self.learner) is not None or self.phase != "before":
                # which call will come is not known when a connection begins
                raise ValueError("tls: chỉ chọn được theo kết nối / selects connections, not calls")
        return self


@dataclass
class Entry:
    """A fault with how often a call matched it and how often it was applied."""

    fault: Fault
    number: int
    seen: int = 0
    fired: int = 0


CONNECTION = "connection"
"""Stands for an operation where a fault hits connections."""

Mix = Callable[[str], Sequence[Fault | None]]
"""What happens to the calls of an operation in order, or to connections (:data:`CONNECTION`); then nothing any more."""


class Learners:
    """Which records hold which learner's code: a submission tells, and later calls name the record only."""

    def __init__(self) -> None:
        self._records: dict[str, set[str]] = {}

    def matches(self, learner: str | None, record: str | None, content: bytes) -> bool:
        """Whether a call is about this learner; ``None`` asks for nobody in particular."""
        if learner is None:
            return True
        known = self._records.setdefault(learner, set())
        if record is not None and learner.encode() in content:
            known.add(record)
        return record in known


@dataclass
class FaultBook:
    """The faults of one space, with their counts. In memory, unless several workers share them (``shared``).

    Faults that were set come first; a mix (:mod:`mock_moet.profiles`) decides on the calls that they leave alone.
    """

    _entries: list[Entry] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _last: int = 0
    """Highest number given to a fault."""
    _mix: Mix | None = None
    _sequences: dict[str, Sequence[Fault | None]] = field(default_factory=dict)
    _drawn: dict[str, int] = field(default_factory=dict)
    """Calls of each operation that the mix has decided on."""
    _learners: Learners = field(default_factory=Learners)
    mixed: int = 0
    """How often the mix has hit."""

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Hold the entries: what is done inside is seen whole by others."""
        with self._lock:
            yield

    def mix(self, mix: Mix | None, name: str = "", seed: int = 0) -> None:
        """Mix faults into the calls from now on, or no more; counting starts anew.

        ``name``, ``seed``: the profile's.
        """
        del name, seed  # for those who have to make it again
        with self._open():
            self._mix, self.mixed = mix, 0
            self._sequences, self._drawn = {}, {}

    def replace(self, faults: Iterable[Fault]) -> None:
        """Set these faults instead of all others; counting starts anew."""
        with self._open():
            self._entries = []
            self._append(faults)

    def add(self, faults: Iterable[Fault]) -> None:
        """Set these faults beside the others."""
        with self._open():
            self._append(faults)

    def _append(self, faults: Iterable[Fault]) -> None:
        for one in faults:
            self._last += 1
            self._entries.append(Entry(one, self._last))

    def remove(self, number: int) -> bool:
        """Take one fault back, by its number in the listing; whether there was one."""
        with self._open():
            left = [one for one in self._entries if one.number != number]
            found = len(left) < len(self._entries)
            self._entries = left
        return found

    def take(self, operation: str, record: str | None, content: bytes = b"") -> Fault | None:
        """The fault for this call, if any. Every fault that matches counts the call; the first due one is taken.

        ``content``: the document of a submission.
        """
        return self._take(
            operation,
            lambda one: (
                one.kind != "tls"
                and self._learners.matches(one.learner, record, content)
                and one.operation in ("*", operation)
                and one.record in (None, record)
            ),
        )

    def take_connection(self) -> Fault | None:
        """The fault for a connection that begins now, if any: counted and taken as :meth:`take` does with calls."""
        return self._take(CONNECTION, lambda one: one.kind == "tls")

    def below(self) -> bool:
        """Whether any fault concerns the space's port."""
        with self._open():
            return any(one.fault.kind in BELOW for one in self._entries)

    def _take(self, operation: str, matches: Callable[[Fault], bool]) -> Fault | None:
        taken: Fault | None = None
        with self._open():
            for entry in self._entries:
                fault = entry.fault
                if not matches(fault):
                    continue
                entry.seen += 1
                if taken is None and entry.seen >= fault.nth and entry.fired < fault.times:
                    entry.fired += 1
                    taken = fault
            if self._mix is not None:
                drawn = self._next(operation, self._mix)
                if taken is None and drawn is not None:
                    self.mixed += 1
                    taken = drawn
        return taken

    def _next(self, operation: str, mix: Mix) -> Fault | None:
        if operation not in self._sequences:
            self._sequences[operation] = mix(operation)
        sequence = self._sequences[operation]
        number = self._drawn.get(operation, 0)
        if number >= len(sequence):
            return None
        self._drawn[operation] = number + 1
        return sequence[number]

    def listing(self) -> list[dict[str, Any]]:
        """The faults with how often they were matched and fired."""
        with self._open():
            return [
                {
                    **one.fault.model_dump(by_alias=True, exclude_defaults=True),
                    "kind": one.fault.kind,
                    "number": one.number,
                    "seen": one.seen,
                    "fired": one.fired,
                }
                for one in self._entries
            ]


class ScriptedFinding(Model):
    """A finding that a scripted refusal shows."""

    code: str
    requirement: str = ""
    place: str = ""
    text: str = ""


class Outcome(Model):
    """A scripted outcome of judging; ``judge``: judged for real, after ``polls`` answers that it is being checked."""

    record: str | None = None
    learner: str | None = Field(None, min_length=4, max_length=40)
    nth: int | None = Field(None, ge=1)
    times: int = Field(1, ge=1, le=1000)
    polls: int = Field(0, ge=0, le=1000)
    outcome: Literal["accept", "refuse", "judge"] = "judge"
    findings: tuple[ScriptedFinding, ...] = Field((), max_length=1000)


@dataclass
class OutcomeBook:
    """The scripted outcomes of one space."""

    _entries: list[tuple[Outcome, list[int]]] = field(default_factory=list)
    _learners: Learners = field(default_factory=Learners)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            yield

    def replace(self, outcomes: Iterable[Outcome]) -> None:
        """Set these outcomes; counting starts anew."""
        with self._open():
            self._entries = [(one, [0, 0]) for one in outcomes]

    def take(self, record: str, transaction: Transaction, content: bytes = b"") -> dict[str, Any]:
        """The plan for a new submission; empty: judge for real at once. To be kept with the submission.

        ``transaction`` is the one that keeps the submission: what is kept in the store is taken and kept together.
        """
        del transaction
        with self._open():
            return self._planned(record, content)

    def _planned(self, record: str, content: bytes) -> dict[str, Any]:
        plan: dict[str, Any] = {}
        for outcome, counts in self._entries:
            if outcome.record not in (None, record):
                continue
            if not self._learners.matches(outcome.learner, record, content):
                continue
            counts[0] += 1
            if not plan and counts[0] >= (outcome.nth or 1) and counts[1] < outcome.times:
                counts[1] += 1
                plan = outcome.model_dump(include={"polls", "outcome", "findings"}, mode="json")
        return plan
