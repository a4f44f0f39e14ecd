"""Who judges submissions: the calling thread, a thread in the background, or a pool of processes."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import queue
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from conformance.checking.runners import collect_seldom
from conformance.checks.judge import judge_document
from conformance.pack import Pack, load_pack
from conformance.signature.trust import TrustStore
from mock_moet.gathering import apart
from mock_moet.judging import JudgeFunction, Opinion, judge, judge_revocation, leader_of, own_finding, trust_of
from mock_moet.rules import PENDING, Event, State, settle
from mock_moet.store import STORAGE_ERRORS
from mock_moet.transaction import Fresh, Stored, Transaction

if TYPE_CHECKING:
    from mock_moet.ministry import Ministry

_log = logging.getLogger("mock_moet")

_AHEAD = 2
"""Parcels of cases for each judging process, the one it works on and the next: it is never idle, memory stays flat."""
_TOGETHER = 8
"""Cases that are sent to a process at once where many wait: some tenths of a second of work."""
_TOGETHER_BYTES = 1 << 20
"""Bytes of content after which no more cases are sent with them."""
_HANDED_BYTES = 16 << 20
"""Bytes of content that wait in memory to be judged; what comes beyond that is read from the store in its turn."""
_AGAIN = 1.0
"""Seconds until a submission is tried again that the store could not give or take."""
_DEATHS = 3
"""Judging processes that may die over one submission before it counts as an error of ours."""
_NICENESS = 10
"""Answers go before judging."""
_SETTINGS = ("judging", "leaders", "acceptUnreserved", "trustPem", "crlsPem")


@dataclass(frozen=True, slots=True)
class Case:
    """A submission to be judged and all that it is judged with; it can be sent to another process."""

    space: str
    receipt: str
    record: str
    event: Event
    plan: dict[str, Any]
    content: bytes
    previous: bytes | None
    """The accepted bytes of the version that it amends or revokes."""
    settings: dict[str, Any]
    judged_at: datetime
    received_at: datetime


@lru_cache(maxsize=64)
def _trust(key: tuple[str, str], pem: str, crls: str) -> TrustStore | None:
    return trust_of({"trustPem": pem, "crlsPem": crls}, key[0])


def trust_for(space: str, settings: dict[str, Any]) -> TrustStore | None:
    """The trust of a space; never another's, whatever their anchors are."""
    pem, crls = settings.get("trustPem") or "", settings.get("crlsPem") or ""
    return _trust((space, hashlib.sha256(f"{pem}\0{crls}".encode()).hexdigest()), pem, crls)


def opinion_of(case: Case, pack: Pack, function: JudgeFunction = judge_document) -> Opinion:
    """What becomes of a case: as it was planned, else by judging it."""
    outcome = case.plan.get("outcome", "judge")
    if outcome == "accept":
        return Opinion(good=True)
    if outcome == "refuse":
        rows = case.plan.get("findings", [])
        return Opinion(good=False, findings=tuple(_scripted(row) for row in rows))
    trust = trust_for(case.space, case.settings)
    times = {"judged_at": case.judged_at, "received_at": case.received_at}
    if case.event is Event.CANCEL:
        form = pack.revocation
        assert form is not None  # the door takes no statement without it
        leader = leader_of(case.previous, pack) if case.previous is not None else ""
        return judge_revocation(case.content, form, case.settings, trust, leader=leader, **times)
    return judge(
        case.content, pack, case.settings, trust, previous=case.previous if case.event is Event.UPDATE else None,
        function=function, **times,
    )  # fmt: skip


def _scripted(row: dict[str, str]) -> dict[str, str]:
    return {
        "code": row["code"],
        "requirement": row["requirement"],
        "place": row["place"],
        "vi": row["text"],
        "en": row["text"],
    }


# ----------------------------------------------------------------------------------------------- in a judging process

_pack: Pack | None = None


def _begin(folder: Path) -> None:
    global _pack
    _pack = load_pack(folder)
    collect_seldom()
    with suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # a service that was killed leaves no judges behind
        Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(0)


@dataclass(frozen=True, slots=True)
class Failure:
    """A check failed unexpectedly: a defect of ours, with its traceback."""

    text: str
    trace: str


def _judged(cases: Sequence[Case]) -> list[Opinion | Failure]:
    """What is thought of each; a check that fails on one harms no other."""
    assert _pack is not None
    return [_opinion(case, _pack) for case in cases]


def _opinion(case: Case, pack: Pack, function: JudgeFunction = judge_document) -> Opinion | Failure:
    try:
        return opinion_of(case, pack, function)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}"[:400], traceback.format_exc())


# ------------------------------------------------------------------------------------------------------ in the service


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A submission that waits to be judged."""

    space: str
    receipt: str
    fresh: Fresh | None = None
    """What was just kept of it: it need not be read again."""

    @property
    def size(self) -> int:
        return 0 if self.fresh is None else len(self.fresh.content)


class Judges:
    """Judges pending submissions of a ministry and settles them.

    ``processes`` > 0: in a pool of so many; else in one thread, or in the calling one (:meth:`judge`).
    """

    def __init__(self, ministry: Ministry, processes: int = 0) -> None:
        self._ministry = ministry
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._lock = Lock()
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._worker: Thread | None = None
        self._waiting: deque[_Waiting] = deque()
        self._handed = 0
        """Bytes of content in ``_waiting``."""
        self._called = False
        """The background thread will look at ``_waiting``."""
        # the rest is touched by the thread in the background only
        self._flying = 0
        """Parcels of cases in the pool."""
        self._alone = False
        """What is in the pool is a suspect, and nothing goes with it."""
        self._suspects: deque[_Waiting] = deque()
        """What a judging process had in hand when one died: each is judged with nothing beside it."""
        self._deaths: dict[str, int] = {}
        self._opinions: list[tuple[Case, Opinion]] = []
        """Not yet kept."""
        self._closed = False
        self._timers: set[threading.Timer] = set()

    def start(self) -> None:
        """Take up what a killed service had acknowledged but not judged; have the processes ready."""
        for one in self._ministry.store.pending() if self._ministry.settings.take_up else ():
            if one.hold == 0:
                self.expect(one.space, one.known.receipt)
        if self._processes:
            self._executor().submit(int).result(timeout=120)

    def close(self) -> None:
        """Stop. Submissions not yet judged are judged after the next start."""
        with self._lock:
            self._closed = True
            worker, pool, timers = self._worker, self._pool, list(self._timers)
        for timer in timers:
            timer.cancel()
        if worker is not None:
            self._queue.put(None)
            worker.join(timeout=10)
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def expect(self, space: str, receipt: str, fresh: Fresh | None = None) -> None:
        """Judge a submission in the background. ``fresh``: what was just kept of it, if the caller has it at hand."""
        with self._lock:
            if fresh is not None and self._handed + len(fresh.content) > _HANDED_BYTES:
                fresh = None
            one = _Waiting(space, receipt, fresh)
            self._handed += one.size
            self._waiting.append(one)
            if self._called:
                return
            self._called = True
        self._later(self._look)

    def _later(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._worker is None and not self._closed:
                self._worker = Thread(target=self._work, name="mock-moet-judge", daemon=True)
                self._worker.start()
        self._queue.put(work)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except Exception:
                # the submission stays pending and is judged after the next start; the service goes on
                _log.exception("judging failed")

    def _again(self, space: str, receipt: str) -> None:
        _log.warning("the store failed; %s is judged again in %s s", receipt, _AGAIN)
        timer = threading.Timer(_AGAIN, self.expect, (space, receipt))
        timer.daemon = True
        with self._lock:
            if self._closed:
                return
            self._timers = {one for one in self._timers if one.is_alive()} | {timer}
        timer.start()

    def _look(self) -> None:
        """Judge what waits, or have it judged as far as the processes have room."""
        with self._lock:
            self._called = False
        if not self._processes:
            while one := self._next():
                try:
                    self.judge(one.space, one.receipt, one.fresh)
                except STORAGE_ERRORS:
                    self._again(one.space, one.receipt)
            return
        while self._flying < self._processes * _AHEAD:
            if self._flying and (self._alone or self._suspects):
                return
            self._alone = bool(self._suspects)
            cases = self._cases()
            if not cases:
                return
            self._send(cases)

    def _next(self) -> _Waiting | None:
        with self._lock:
            if self._closed or not self._waiting:
                return None
            one = self._waiting.popleft()
            self._handed -= one.size
            return one

    def _cases(self) -> list[Case]:
        """The next cases for one process: several where many wait, so that each process gets some."""
        cases: list[Case] = []
        most = 1 if self._alone else max(1, min(_TOGETHER, len(self._waiting) // self._processes))
        while len(cases) < most and sum(len(one.content) for one in cases) < _TOGETHER_BYTES:
            one = self._suspects.popleft() if self._suspects else self._next()
            if one is None:
                break
            try:
                case = self._case(one.space, one.receipt, one.fresh)
            except STORAGE_ERRORS:
                self._again(one.space, one.receipt)
                continue
            if case is not None:
                cases.append(case)
        return cases

    def _send(self, cases: list[Case]) -> None:
        pool: ProcessPoolExecutor | None = None
        self._flying += 1
        try:
            pool = self._executor()
            future = pool.submit(_judged, cases)
        except RuntimeError:  # broken, or closing
            self._died(cases, pool)
            return
        future.add_done_callback(lambda done: self._later(lambda: self._done(cases, done, pool)))

    def _executor(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise RuntimeError("closed")
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._processes, multiprocessing.get_context("spawn"), _begin, (self._ministry.pack.folder,)
                )
            return self._pool

    def _died(self, cases: list[Case], pool: ProcessPoolExecutor | None) -> None:
        self._flying -= 1
        with self._lock:
            if self._pool is pool:  # the first to notice; the others meet its successor
                self._pool = None
            closed = self._closed
        if pool is not None:
            pool.shutdown(wait=False)
        if closed:
            return
        for case in cases:
            deaths = self._deaths[case.receipt] = self._deaths.get(case.receipt, 0) + 1
            if deaths < _DEATHS:
                self._suspects.append(_Waiting(case.space, case.receipt))
                continue
            try:
                self._failed(case, Failure("RuntimeError: a judging process died over this submission", ""))
            except STORAGE_ERRORS:
                self._again(case.space, case.receipt)
        self._look()

    def _done(self, cases: list[Case], done: Future[list[Opinion | Failure]], pool: ProcessPoolExecutor) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            self._died(cases, pool)
            return
        self._flying -= 1
        self._look()
        failed = Failure(f"{type(error).__name__}: {error}"[:400], "")
        outcomes = done.result() if error is None else [failed] * len(cases)
        for case, outcome in zip(cases, outcomes, strict=True):
            self._deaths.pop(case.receipt, None)
            if isinstance(outcome, Opinion):
                self._opinions.append((case, outcome))
                continue
            try:
                self._failed(case, outcome)
            except STORAGE_ERRORS:
                self._again(case.space, case.receipt)
        # what else is done by then is settled with it
        self._later(self._settle_all)

    def _settle_all(self) -> None:
        by_space: dict[str, list[tuple[Case, Opinion]]] = {}
        for case, opinion in self._opinions:
            by_space.setdefault(case.space, []).append((case, opinion))
        self._opinions = []
        for space, some in by_space.items():
            self._settle_together(space, some)

    def _settle_together(self, space: str, some: list[tuple[Case, Opinion]]) -> None:
        try:
            with self._ministry.store.write(space) as transaction:
                self._settled(transaction, some)
        except STORAGE_ERRORS:
            for case, _ in some:
                self._again(case.space, case.receipt)
        except Exception:
            if len(some) == 1:
                raise
            for one in some:  # the others need not suffer from it
                self._later(partial(self._settle_together, space, [one]))

    # one submission

    def judge(self, space: str, receipt: str, fresh: Fresh | None = None) -> None:
        """Judge a pending submission here and now. A failing check leaves it pending, with the error kept.

        ``fresh``: what was just kept of it.
        """
        case = self._case(space, receipt, fresh)
        if case is None:
            return
        opinion = _opinion(case, self._ministry.pack, self._ministry.settings.judge)
        if isinstance(opinion, Failure):
            self._failed(case, opinion)
        else:
            self._settle(case, opinion)

    def _case(self, name: str, receipt: str, fresh: Fresh | None = None) -> Case | None:
        """A submission with what it is judged by; ``None``: there is nothing left to judge."""
        space = self._ministry.space(name)
        if space is None:
            return None
        previous = None
        if fresh is not None and fresh.known.event is Event.NEW:
            known, content, plan, received_at = fresh.known, fresh.content, fresh.plan, fresh.received_at
        else:
            with self._ministry.store.read(name) as transaction:
                found = transaction.whole(receipt)
                if found is None or found[0].known.state not in PENDING:
                    return None
                one, content = found
                known, plan, received_at = one.known, one.plan, one.received_at
                if known.event is not Event.NEW:
                    accepted = (
                        other.known.receipt
                        for other in transaction.of_record(known.record)
                        if other.known.state is State.ACCEPTED and other.known.event is not Event.CANCEL
                    )
                    before = next(accepted, None)
                    previous = transaction.content(before) if before else None
        return Case(
            space=name,
            receipt=receipt,
            record=known.record,
            event=known.event,
            plan=plan,
            content=content,
            previous=previous,
            settings={key: space.settings[key] for key in _SETTINGS if key in space.settings},
            judged_at=self._ministry.now(space),
            received_at=datetime.fromisoformat(received_at),
        )

    def _failed(self, case: Case, failure: Failure) -> None:
        _log.error("the harness failed on submission %s: %s\n%s", case.receipt, failure.text, failure.trace)
        with self._ministry.store.write(case.space) as transaction:
            transaction.change(case.receipt, error=failure.text, state=State.CHECKING)

    def _settle(self, case: Case, opinion: Opinion) -> None:
        with self._ministry.store.write(case.space) as transaction:
            self._settled(transaction, [(case, opinion)])

    def _settled(self, transaction: Transaction, some: Sequence[tuple[Case, Opinion]]) -> None:
        by_record: dict[str, dict[str, Stored]] = {}
        for one in transaction.of_records({case.record for case, _ in some}):
            by_record.setdefault(one.known.record, {})[one.known.receipt] = one

        def names(each: tuple[Case, Opinion]) -> Collection[Hashable]:
            case = each[0]
            fresh = by_record.get(case.record, {}).get(case.receipt)
            return (case.record,) if fresh is None else (case.record, (fresh.known.learner, fresh.known.school_year))

        # what one of them changes, another one's outcome may depend on
        for at, run in enumerate(apart(some, names)):
            if at:
                for one in transaction.of_records({case.record for case, _ in run}):
                    by_record[one.known.record][one.known.receipt] = one
            self._settle_run(transaction, run, by_record)

    def _settle_run(
        self,
        transaction: Transaction,
        run: Sequence[tuple[Case, Opinion]],
        by_record: Mapping[str, Mapping[str, Stored]],
    ) -> None:
        """Settle cases of which none concerns another."""
        pending: list[tuple[Case, Opinion, Stored]] = []
        for case, opinion in run:
            fresh = by_record.get(case.record, {}).get(case.receipt)
            if fresh is not None and fresh.known.state in PENDING:
                pending.append((case, opinion, fresh))
        rivals = transaction.rivals(
            {fresh.known.learner for _, _, fresh in pending if fresh.known.school_year is not None}
        )
        rows = self._ministry.wire.messages["findings"]
        states: dict[str, State] = {}
        findings: dict[str, list[dict[str, str]]] = {}
        for case, opinion, fresh in pending:
            target = fresh.known
            in_force: set[str] = set()
            if target.school_year is not None:
                in_force = rivals.get((target.learner, target.school_year), in_force)
            settlement = settle(
                target,
                opinion.good,
                [other.known for other in by_record[case.record].values()],
                replaces=fresh.replaces,
                predecessor=self._ministry.pack.header.identifiers.digest(case.previous) if case.previous else "",
                rival=bool(in_force - {target.record}),
            )
            own = [own_finding(rows[key]) for key in settlement.findings]
            seen = {finding["requirement"] for finding in opinion.findings}
            if target.event is not Event.CANCEL:  # the checks may have said the same of the document
                own = [finding for finding in own if not finding["requirement"] or finding["requirement"] not in seen]
            states |= settlement.states
            if opinion.findings or own:
                findings[case.receipt] = [*opinion.findings, *own]
        transaction.settle(states, findings)
