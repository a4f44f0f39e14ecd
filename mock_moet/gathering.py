"""Work that is asked for piece by piece and done together: one thread at a time does all that waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST = 16
"""Pieces that are done together: the first one waits for all of them."""


@dataclass(slots=True)
class Gathering(Generic[T, R]):
    """Pieces of work that wait while the ones before them are done. Callers may be threads or event loops."""

    _lock: Lock = field(default_factory=Lock)
    _waiting: deque[tuple[T, Future[R]]] = field(default_factory=deque)
    _busy: bool = False
    """Somebody is at work, or about to be."""

    def ask(self, what: T, work: Callable[[Sequence[T]], Sequence[R]], threads: Executor) -> Future[R]:
        """Have ``work`` done for ``what`` in one of ``threads``, together with what else waits by then.

        ``work`` gives a result for each piece, in their order; everybody asks for the same ``work``. What it raises is
        everybody's error who was part of it: what can go wrong with one piece belongs into that piece's result. The
        piece is cancelled when ``threads`` are closed.
        """
        made: Future[R] = Future()
        with self._lock:
            self._waiting.append((what, made))
            if self._busy:
                return made
            self._busy = True
        try:
            threads.submit(self._empty, work)
        except RuntimeError:  # they take nothing any more: whoever waits is not left waiting
            with self._lock:
                self._busy = False
                left, self._waiting = self._waiting, deque()
            for _, one in left:
                one.cancel()
        return made

    def _empty(self, work: Callable[[Sequence[T]], Sequence[R]]) -> None:
        while some := self._next():
            # whoever has gone meanwhile asks for nothing
            some = [(what, made) for what, made in some if made.set_running_or_notify_cancel()]
            try:
                results = work([what for what, _ in some])
                for (_, made), result in zip(some, results, strict=True):
                    made.set_result(result)
            except BaseException as error:
                for _, made in some:
                    if not made.done():
                        made.set_exception(error)

    def _next(self) -> list[tuple[T, Future[R]]]:
        with self._lock:
            some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            self._busy = bool(some)
        return some


def apart(some: Iterable[T], names: Callable[[T], Collection[Hashable]]) -> Iterator[list[T]]:
    """``some`` in runs, in their order, none of which has two with a name in common: such may depend on each other."""
    run: list[T] = []
    used: set[Hashable] = set()
    for one in some:
        its = names(one)
        if used.intersection(its):
            yield run
            run, used = [], set()
        run.append(one)
        used.update(its)
    if run:
        yield run
