"""Who judges submissions: the calling thread, a thread in the background, or a pool of processes."""

from __future__ import annotations

import gc
import hashlib
import logging
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable
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

from conformance.checks.judge import judge_document
from conformance.pack import Pack, load_pack
from conformance.signature.trust import TrustStore
from mock_moet.judging import JudgeFunction, Opinion, judge, judge_revocation, leader_of, own_finding, trust_of
from mock_moet.rules import PENDING, Event, State, settle
from mock_moet.store import STORAGE_ERRORS
from mock_moet.transaction import Transaction

if TYPE_CHECKING:
    from mock_moet.ministry import Ministry

_log = logging.getLogger("mock_moet")

_AHEAD = 3
"""Cases a judging process has waiting: enough that it is never idle, few enough that memory stays flat."""
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
    gc.freeze()  # pack and modules live for ever: the collector need not look at them again and again
    with suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # a service that was killed leaves no judges behind
        Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(0)


def _judged(case: Case) -> Opinion:
    assert _pack is not None
    return opinion_of(case, _pack)


# ------------------------------------------------------------------------------------------------------ in the service


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
        self._room = threading.Semaphore(max(1, processes) * _AHEAD)
        self._waiting: queue.Queue[tuple[str, str]] = queue.Queue()
        self._deaths: dict[str, int] = {}
        self._opinions: list[tuple[Case, Opinion]] = []
        """Not yet kept; only the thread that works in the background touches it."""
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

    def expect(self, space: str, receipt: str) -> None:
        """Judge a submission in the background."""
        self._later(lambda: self._take(space, receipt))

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

    def _take(self, space: str, receipt: str) -> None:
        try:
            if not self._processes:
                self.judge(space, receipt)
                return
            if not self._room.acquire(blocking=False):
                self._waiting.put((space, receipt))
                return
            case = self._case(space, receipt)
        except STORAGE_ERRORS:
            self._again(space, receipt)
            return
        if case is None:
            self._left()
            return
        pool: ProcessPoolExecutor | None = None
        try:
            pool = self._executor()
            future = pool.submit(_judged, case)
        except RuntimeError:  # broken, or closing
            self._died(case, pool)
            return
        future.add_done_callback(lambda done: self._later(lambda: self._done(case, done, pool)))

    def _left(self) -> None:
        """One place in the pool is free."""
        self._room.release()
        with suppress(queue.Empty):
            self.expect(*self._waiting.get_nowait())

    def _executor(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise RuntimeError("closed")
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._processes, multiprocessing.get_context("spawn"), _begin, (self._ministry.pack.folder,)
                )
            return self._pool

    def _died(self, case: Case, pool: ProcessPoolExecutor | None) -> None:
        with self._lock:
            if self._pool is pool:  # the first to notice; the others meet its successor
                self._pool = None
        if pool is not None:
            pool.shutdown(wait=False)
        deaths = self._deaths[case.receipt] = self._deaths.get(case.receipt, 0) + 1
        self._left()
        if self._closed:
            return
        if deaths >= _DEATHS:
            self._failed(case, RuntimeError("a judging process died over this submission"))
        else:
            self.expect(case.space, case.receipt)

    def _done(self, case: Case, done: Future[Opinion], pool: ProcessPoolExecutor) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, BrokenProcessPool):
            self._died(case, pool)
            return
        self._left()
        if error is None:
            self._opinions.append((case, done.result()))
            # what else is done by then is settled with it
            self._later(self._settle_all)
            return
        try:
            self._failed(case, error)
        except STORAGE_ERRORS:
            self._again(case.space, case.receipt)

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
                for case, opinion in some:
                    self._settled(transaction, case, opinion)
        except STORAGE_ERRORS:
            for case, _ in some:
                self._again(case.space, case.receipt)
        except Exception:
            if len(some) == 1:
                raise
            for one in some:  # the others need not suffer from it
                self._later(partial(self._settle_together, space, [one]))

    # one submission

    def judge(self, space: str, receipt: str) -> None:
        """Judge a pending submission here and now. A failing check leaves it pending, with the error kept."""
        case = self._case(space, receipt)
        if case is None:
            return
        try:
            opinion = opinion_of(case, self._ministry.pack, self._ministry.settings.judge)
        except Exception as error:
            self._failed(case, error)
            return
        self._settle(case, opinion)

    def _case(self, name: str, receipt: str) -> Case | None:
        """A submission with what it is judged by; ``None``: there is nothing left to judge."""
        space = self._ministry.space(name)
        if space is None:
            return None
        with self._ministry.store.read(name) as transaction:
            found = transaction.whole(receipt)
            if found is None or found[0].known.state not in PENDING:
                return None
            one, content = found
            previous = None
            if one.known.event is not Event.NEW:
                accepted = (
                    other.known.receipt
                    for other in transaction.of_record(one.known.record)
                    if other.known.state is State.ACCEPTED and other.known.event is not Event.CANCEL
                )
                before = next(accepted, None)
                previous = transaction.content(before) if before else None
        return Case(
            space=name,
            receipt=receipt,
            record=one.known.record,
            event=one.known.event,
            plan=one.plan,
            content=content,
            previous=previous,
            settings={key: space.settings[key] for key in _SETTINGS if key in space.settings},
            judged_at=self._ministry.now(space),
            received_at=datetime.fromisoformat(one.received_at),
        )

    def _failed(self, case: Case, error: BaseException) -> None:
        _log.error("the harness failed on submission %s", case.receipt, exc_info=error)
        with self._ministry.store.write(case.space) as transaction:
            text = f"{type(error).__name__}: {error}"[:400]
            transaction.change(case.receipt, error=text, state=State.CHECKING)

    def _settle(self, case: Case, opinion: Opinion) -> None:
        with self._ministry.store.write(case.space) as transaction:
            self._settled(transaction, case, opinion)

    def _settled(self, transaction: Transaction, case: Case, opinion: Opinion) -> None:
        known = {other.known.receipt: other for other in transaction.of_record(case.record)}
        fresh = known.get(case.receipt)
        if fresh is None or fresh.known.state not in PENDING:
            return
        target = fresh.known
        settlement = settle(
            target,
            opinion.good,
            [other.known for other in known.values()],
            replaces=fresh.replaces,
            predecessor=self._ministry.pack.header.identifiers.digest(case.previous) if case.previous else "",
            rival=transaction.rival(target.learner, target.school_year, target.record),
        )
        rows = self._ministry.wire.messages["findings"]
        own = [own_finding(rows[key]) for key in settlement.findings]
        seen = {finding["requirement"] for finding in opinion.findings}
        if target.event is not Event.CANCEL:  # the checks may have said the same of the document
            own = [finding for finding in own if not finding["requirement"] or finding["requirement"] not in seen]
        findings = [*opinion.findings, *own]
        for changed, state in settlement.states.items():
            if changed == case.receipt:
                transaction.change(changed, state=state, findings=findings)
            else:
                transaction.change(changed, state=state)
