"""Where items are judged: here, in processes, or on a cluster. Same results, same order, few at a time."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from conformance.checking.cluster import on_cluster
from conformance.checking.judging import AHEAD, Checked, Plan, batches, context_of, judge_all, judge_one, lost
from conformance.checking.related import related
from conformance.checking.sources import Item


def run(plan: Plan, items: Iterable[Item], *, jobs: int = 1, dask: str = "") -> Iterator[Checked]:
    """Judge all items, each alone and against those before it; results in the order of the items.

    Args:
        plan: how to judge.
        items: what to judge; taken as they are needed.
        jobs: processes of this machine; 1: this process.
        dask: ``local``, or the address of a scheduler (``tcp://host:port``); then ``jobs`` is the number of local
            workers.

    Raises:
        CheckingProblem: the cluster cannot be used.
    """
    if dask:
        alone = on_cluster(plan, items, address=dask, workers=jobs)
    else:
        alone = _here(plan, items) if jobs <= 1 else in_processes(plan, items, jobs)
    return related(alone, together=plan.together)


_YOUNG = 20_000
"""New containers before the collector looks at them: several documents' worth, hardly one of them in a cycle."""


def collect_seldom() -> None:
    """Pack and modules live for ever: the collector need not look at them, nor so often at a document's own objects."""
    gc.freeze()
    gc.set_threshold(_YOUNG)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """As :func:`collect_seldom`, for a while."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _here(plan: Plan, items: Iterable[Item]) -> Iterator[Checked]:
    context_of(plan)
    with seldom_collected():
        for item in items:
            yield judge_one(item, plan)


# --------------------------------------------------------------------------------------------------- processes

_plan: Plan | None = None


def _start(plan: Plan) -> None:
    """In a new worker process: the plan; an interruption from the keyboard is the parent's business."""
    global _plan
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _plan = plan
    context_of(plan)
    collect_seldom()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """What is started meanwhile never hears the keyboard's interruption; we hear it afterwards."""
    mask = getattr(signal, "pthread_sigmask", None)
    before = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask else None
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_SETMASK, before)


def _work(batch: Sequence[Item]) -> list[Checked]:
    assert _plan is not None
    return judge_all(_plan, batch)


def in_processes(
    plan: Plan, items: Iterable[Item], jobs: int, work: Callable[[Sequence[Item]], list[Checked]] = _work
) -> Iterator[Checked]:
    """Judge in ``jobs`` processes. A file on which a process dies is an error of that file; all others are judged."""

    def pool(processes: int) -> ProcessPoolExecutor:
        # started afresh, not forked: the same on every system, and no lock of ours is copied half-held
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(plan,))

    def sent(pool: ProcessPoolExecutor, batch: Sequence[Item]) -> Future[list[Checked]]:
        with _undisturbed():  # processes are started when there is something to do
            return pool.submit(work, batch)

    def singly(batch: Sequence[Item]) -> Iterator[Checked]:
        """Each item in a process that nothing else depends on."""
        careful = pool(1)
        for item in batch:
            try:
                yield from sent(careful, (item,)).result()
            except BrokenProcessPool:
                careful.shutdown()
                careful = pool(1)
                yield lost(item)
        careful.shutdown()

    executor = pool(jobs)
    flight: deque[tuple[Sequence[Item], Future[list[Checked]]]] = deque()

    def landed() -> Iterator[Checked]:
        """The results of the oldest batch; the others in flight are sent anew when a process has died."""
        nonlocal executor
        batch, future = flight.popleft()
        try:
            yield from future.result()
        except BrokenProcessPool:
            executor.shutdown()
            executor = pool(jobs)
            yield from singly(batch)
            for at, (other, pending) in enumerate(flight):
                if pending.cancelled() or not pending.done() or pending.exception() is not None:
                    flight[at] = (other, sent(executor, other))

    try:
        for batch in batches(items):
            try:
                flight.append((batch, sent(executor, batch)))
            except BrokenProcessPool as broken:  # it died while nobody waited: told when the batch's turn comes
                future: Future[list[Checked]] = Future()
                future.set_exception(broken)
                flight.append((batch, future))
            if len(flight) >= jobs * AHEAD:
                yield from landed()
        while flight:
            yield from landed()
    finally:
        executor.shutdown(cancel_futures=True)
