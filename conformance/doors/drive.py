"""The drive door: the suite acts through the test interface, and records what happens.

``Driver`` takes one case from entry to the final outcome at the mock Ministry (:meth:`Driver.case`), makes the attempts
that must be refused (:mod:`conformance.doors.probes`) and is what the exchange player works with. It records; it never
judges.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from conformance.cases import Case, Roster
from conformance.checks.exchange import SENDING, Call, Sample
from conformance.checks.management import Attempt, Signer
from conformance.doors.http import ANSWER_LIMIT, PATIENCE, Answer, BadAnswer, DoorError
from conformance.doors.ministry import Ministry
from conformance.doors.vendor import Clock, Vendor, reasons_of
from conformance.doors.wire import call_of
from conformance.pack import Pack

T = TypeVar("T")

FINAL = ("delivered", "refused", "gave-up", "revoked")
NO_SUCH_CALL = (404, 405, 501)
"""How software says that it does not have a call (docs/test-interface.md)."""
FEWEST_LOOKS = 25
"""Times that a state is read before time counts at all: a machine under load is slow, and that is nobody's mistake."""
LATE, LATE_WAIT = 10, 0.1
"""Times that the journal is read again, and seconds in between, for an answer that it does not hold yet."""
MOST_SHOWN, LONGEST_SHOWN = 500, 4000
"""Messages of one look at what the operator is shown, and characters of each: it is looked at many times."""
MOST_WAIT = 300.0
"""Seconds: nothing waits longer for a final state, whatever intervals the software declares."""
SLOW, SLOW_WAIT = 60.0, 3600.0
"""Seconds: software whose background work runs so rarely is given so long; its slowness is no mistake."""


class Meter:
    """Seconds that the software has had: its own answers, and rests as long as they were meant to be."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.spent = 0.0

    def theirs(self, call: Callable[[], T]) -> T:
        """A call of the software."""
        began = self._clock.monotonic()
        try:
            return call()
        finally:
            self.spent += min(self._clock.monotonic() - began, PATIENCE)

    def rest(self, seconds: float) -> None:
        """Let it work; a machine that sleeps longer does not shorten its time."""
        self._clock.sleep(seconds)
        self.spent += seconds


@dataclass(frozen=True, slots=True)
class Intervals:
    """The software's declared background intervals, in seconds: all waiting is measured in them."""

    outbox: float = 5.0
    poll: float = 5.0
    first_retry: float = 5.0
    longest_retry: float = 60.0
    attempts: int = 5
    request_timeout: float = 30.0
    signing: float = 120.0
    """For one list of signers, people included."""
    restart: float = 60.0

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> Intervals:
        """From ``GET /``; what is not declared has generous defaults.

        Raises:
            BadAnswer: not positive numbers.
        """

        def number(name: str, default: float) -> float:
            value = declared.get(name, default)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:
                raise BadAnswer(
                    f"intervals.{name}: cần số giây từ 0 đến 86400 / wants seconds, 0 to 86400: {value!r:.50}"
                )
            return float(value)

        base = cls()
        return cls(
            number("outboxInterval", base.outbox),
            number("pollInterval", base.poll),
            number("firstRetry", base.first_retry),
            number("longestRetry", base.longest_retry),
            max(1, int(number("attempts", base.attempts))),
            number("requestTimeout", base.request_timeout),
            number("signingTime", base.signing),
            number("restartTime", base.restart),
        )

    def limit(self, failures: int, extra: float = 0.0) -> float:
        """Seconds within which a submission with so many failed tries must have come to its end."""
        waits, wait = 0.0, self.first_retry
        for _ in range(failures):
            waits += wait + self.request_timeout + self.outbox
            wait = min(wait * 2, self.longest_retry)
        return min(self._most, 10.0 + 4 * (self.outbox + self.poll) + 1.5 * waits + extra)

    def beyond(self, failures: int) -> bool:
        """Whether the declared waits of so many failed tries alone are longer than anybody is watched."""
        waits = sum(min(self.first_retry * 2.0**nth, self.longest_retry) for nth in range(min(failures, 64)))
        return waits > self._most

    @property
    def _most(self) -> float:
        return MOST_WAIT if self.outbox + self.poll < SLOW else SLOW_WAIT


@dataclass(slots=True)
class Episode:
    """One case driven through the software: everything that was seen."""

    case: Case
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """(call, answer) in order."""
    local: str = ""
    document: bytes | None = None
    rendition: Answer | None = None
    """The printed rendition of the issued document, where the software offers one."""
    printed: str = ""
    """The rendition's text, once it was read."""
    received_at: datetime | None = None
    attempts: list[Attempt] = field(default_factory=list)
    calls: tuple[Call, ...] = ()
    samples: tuple[Sample, ...] = ()
    receipts: tuple[str, ...] = ()
    journal: tuple[dict[str, Any], ...] = ()
    ended: str = ""
    stopped: str = ""
    """Not empty: the call at which the lawful case could not go on."""
    trouble: str = ""
    """Not empty: no answer at all; nothing can be said."""

    def note(self, call: str, answer: Answer) -> Answer:
        """Keep an answer."""
        self.answers.append((call, answer))
        return answer

    @property
    def last(self) -> Answer | None:
        """The newest answer."""
        return self.answers[-1][1] if self.answers else None


class Driver:
    """Drives one software under test, bound to one space of the mock Ministry."""

    def __init__(
        self,
        pack: Pack,
        vendor: Vendor,
        ministry: Ministry,
        roster: Roster,
        intervals: Intervals,
        clock: Clock,
        now: Callable[[], datetime],
        *,
        ticks: bool = False,
        seal: bool = True,
        rendition: bool = False,
        creates: bool = True,
        offered: Iterable[str] = (),
        subject_map: Mapping[str, str] | None = None,
    ) -> None:
        self.pack = pack
        self.vendor = vendor
        self.ministry = ministry
        self.roster = roster
        self.intervals = intervals
        self.clock = clock
        self.now = now
        self.ticks = ticks
        self.seal = seal
        self.rendition = rendition
        self.creates = creates
        """Whether the software claims to take cases: if not, "no such call" is no refusal of what was entered."""
        self.offered = frozenset(offered)
        """The capabilities that the software declares."""
        self.subject_map = dict(subject_map or {})
        self.stalled = 0.0
        """Real seconds of the slowest answer of our own service since somebody last put this back: a service that
        stood still has seen nothing at its time."""
        self.begun: list[Episode] = []
        """Episodes since somebody last emptied this: what was seen before the software stopped answering."""

    def signings(self, case: Case) -> list[dict[str, Any]]:
        """Who signs, in order; the seal only where the software offers it."""
        return [one for one in case.signings(self.roster) if self.seal or one["role"] != "school-seal"]

    def lacks(self, answer: Answer) -> bool:
        """Whether an answer to a case that was entered says that the software does not take cases yet."""
        return not self.creates and answer.status in NO_SUCH_CALL

    def enter(self, case: Case) -> Episode:
        """Create the transcript. ``stopped`` when the software does not take the case."""
        episode = Episode(case)
        self.begun.append(episode)
        answer = episode.note("create", self.vendor.create(case.data))
        data = answer.json()
        if answer.status in (200, 201) and isinstance(data, dict) and data.get("id"):
            episode.local = str(data["id"])
        else:
            episode.stopped = "create"
        return episode

    def sign(self, episode: Episode, signings: Iterable[Mapping[str, Any]]) -> Answer:
        """Let signers sign, one list a call and role, so that every refusal has one cause."""
        return episode.note("sign", self.vendor.sign(episode.local, list(signings), limit=self.intervals.signing))

    def issue(self, episode: Episode) -> None:
        """Sign with everybody, issue, fetch the document. Sets ``stopped`` at the first call that is refused."""
        for group in by_role(self.signings(episode.case)):
            answer = self.sign(episode, group)
            if answer.status != 200:
                episode.stopped = "sign"
                where = f"{episode.case.id}#sign"
                episode.attempts.append(Attempt("issue-complete", answer.status, reasons_of(answer), pointer=where))
                return
        answer = episode.note("issue", self.vendor.issue(episode.local))
        episode.attempts.append(
            Attempt("issue-complete", answer.status, reasons_of(answer), pointer=f"{episode.case.id}#issue")
        )
        if answer.status != 200:
            episode.stopped = "issue"
            return
        self.fetch(episode)

    def fetch(self, episode: Episode) -> None:
        """Fetch the issued bytes; a second time, and compare."""
        answer = episode.note("document", self.vendor.document(episode.local))
        where = f"{episode.case.id}#document"
        if answer.status != 200 and episode.document is None:
            episode.stopped = "document"
            # issued, and nobody can have it: as if it had not been kept
            episode.attempts.append(Attempt("fetch-again", answer.status, reasons_of(answer), pointer=where))
            return
        if episode.document is None:
            episode.document, episode.received_at = answer.body, self.now()
            if len(answer.body) > ANSWER_LIMIT:
                episode.stopped = "document"  # only its beginning was read: nothing later can be compared with it
            return
        episode.attempts.append(
            Attempt(
                "fetch-again",
                answer.status,
                unchanged=answer.body == episode.document,
                pointer=where,
                facts={
                    "before": hashlib.sha256(episode.document).hexdigest(),
                    "after": hashlib.sha256(answer.body).hexdigest(),
                },
            )
        )

    def send(
        self, episode: Episode, *, until: tuple[str, ...] = FINAL, limit: float | None = None, linger: float = 0.0
    ) -> None:
        """Submit, and watch operator's view and journal until a final state, ``limit`` seconds at most."""
        start = self.mark()
        answer = episode.note("submit", self.vendor.submit(episode.local))
        if answer.status not in (200, 202):
            episode.stopped = "submit"
            where = f"{episode.case.id}#submit"
            episode.attempts.append(Attempt("submit-issued", answer.status, reasons_of(answer), pointer=where))
            return
        self.watch([episode], start, until=until, limit=limit, linger=linger)
        self.collect(episode, start)

    def watch(
        self,
        episodes: Iterable[Episode],
        start: int,
        *,
        until: tuple[str, ...] = FINAL,
        limit: float | None = None,
        linger: float = 0.0,
    ) -> float:
        """Read the operator's view of some transcripts until all are in a final state, ``limit`` seconds at most.

        Returns the seconds for which the software was watched. Only what the software takes, and what it is let rest,
        counts: the harness's own delays use up nobody's time.
        """
        watched = list(episodes)
        bound = self.intervals.limit(1) if limit is None else limit
        meter = Meter(self.clock)
        for one in watched:
            one.ended = "limit"
        open_, final_at, wait, looks = watched, 0.0, 0.02, 0
        while meter.spent <= bound or looks < FEWEST_LOOKS:
            looks += 1
            if self.ticks:
                meter.theirs(self.vendor.tick)
            states = [(one, meter.theirs(partial(self.vendor.state, one.local))) for one in open_]
            upto = self.mark(start)
            for one, state in states:
                one.samples = (*one.samples, self._sample(state, upto))
            rest = [one for one in watched if not one.samples or one.samples[-1].state not in until]
            if not rest:
                final_at = final_at or max(meter.spent, 1e-9)
                if meter.spent - final_at >= linger:
                    for one in watched:
                        one.ended = "final"
                    break
            open_ = watched if linger else rest
            meter.rest(wait)
            wait = min(wait * 1.6, max(0.05, self.intervals.poll))
        return meter.spent

    def collect(self, episode: Episode, start: int) -> None:
        """Take over the journal since ``start`` and the receipts."""
        episode.journal = self.journal(start)
        episode.calls = tuple(self.call(entry) for entry in episode.journal)
        sent = [item for call in episode.calls if call.operation in SENDING for item in call.items or (call,)]
        records = {one.record for one in sent}
        episode.receipts = tuple(
            str(one["receipt"])
            for one in self.ministry.submissions()
            if str(one.get("record")) in records and one.get("event") != "cancel"
        )

    def journal(self, start: int) -> tuple[dict[str, Any], ...]:
        """The journal since ``start``, with all answers that come within a while: one that is late proves nothing."""
        for _ in range(LATE):
            entries = self._read(start)
            if not any(call_of(one, self.pack).waiting for one in entries):
                break
            self.clock.sleep(LATE_WAIT)
        return tuple(entries)

    def call(self, entry: Mapping[str, Any]) -> Call:
        """A journal entry as the rules see it."""
        return call_of(entry, self.pack, self.intervals.request_timeout)

    def _read(self, after: int) -> list[dict[str, Any]]:
        began = time.monotonic()
        try:
            return self.ministry.journal(after)
        finally:
            self.stalled = max(self.stalled, time.monotonic() - began)

    def mark(self, after: int = 0) -> int:
        """The highest journal number there is."""
        entries = self._read(max(after, self._seen))
        if entries:
            self._seen = max(int(entry["n"]) for entry in entries)
        return max(self._seen, after)

    _seen = 0

    @staticmethod
    def _sample(state: Mapping[str, Any], upto: int) -> Sample:
        messages = state.get("operatorMessages")
        refusals = state.get("refusals")
        version = state.get("version")
        return Sample(
            upto,
            str(state.get("state", ""))[:LONGEST_SHOWN],
            str(state.get("receipt") or "")[:LONGEST_SHOWN],
            version if isinstance(version, int) else None,
            tuple(str(one)[:LONGEST_SHOWN] for one in messages[:MOST_SHOWN]) if isinstance(messages, list) else (),
            tuple(map(_short, (one for one in refusals[:MOST_SHOWN] if isinstance(one, dict))))
            if isinstance(refusals, list)
            else (),
        )

    def case(self, case: Case) -> Episode:
        """One lawful case all the way: enter, sign, issue, fetch, submit, follow, fetch again."""
        episode = Episode(case)
        try:
            episode = self.enter(case)
            if not episode.stopped:
                self.issue(episode)
            if not episode.stopped:
                self.send(episode)
            if episode.document is not None and episode.stopped != "document":
                if self.rendition:
                    episode.rendition = self.vendor.rendition(episode.local)
                self.fetch(episode)
        except DoorError as error:
            episode.trouble = str(error)
        return episode


def _short(refusal: Mapping[str, Any]) -> dict[str, Any]:
    """A refusal whose texts are bounded; what is no plain value is written out."""
    return {
        str(key)[:100]: value if value is None or isinstance(value, bool | int) else str(value)[:LONGEST_SHOWN]
        for key, value in list(refusal.items())[:30]
    }


def by_role(signings: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Consecutive signings of one role together: one call each."""
    groups: list[list[dict[str, Any]]] = []
    for one in signings:
        if groups and groups[-1][0]["role"] == one["role"]:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def signers_of(signings: Iterable[Mapping[str, Any]]) -> list[Signer]:
    """Every single signature as a :class:`Signer`."""
    return [
        Signer(str(one["role"]), str(one["signer"]), str(subject))
        for one in signings
        for subject in (one.get("subjects") or [""])
    ]
