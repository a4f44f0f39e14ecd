"""Work that comes from many threads at once and is done together: whoever is next does all that waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 16
"""Pieces that are done together: the first one waits for all of them."""


@dataclass(slots=True, eq=False)
class _Piece(Generic[T]):
    what: T
    done: bool = False
    error: BaseException | None = None


@dataclass(slots=True)
class Gathering(Generic[T]):
    """Pieces of work that wait for each other. Nobody goes on before his own piece is done."""

    _turn: Lock = field(default_factory=Lock)
    _counting: Lock = field(default_factory=Lock)
    _waiting: deque[_Piece[T]] = field(default_factory=deque)

    def do(self, what: T, work: Callable[[list[T]], None]) -> None:
        """Have ``work`` done for ``what``, together with others that wait (each of them says the same ``work``).

        ``work`` keeps everything or nothing. When it fails for several, it is done for each alone, so that nobody gets
        another's error.

        Raises:
            Exception: what ``work`` raised for ``what`` alone.
        """
        piece = _Piece(what)
        with self._counting:
            self._waiting.append(piece)
        with self._turn:
            while not piece.done:  # nobody was here before, or there were too many to take this one along
                with self._counting:
                    some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                _together(some, work)
        if piece.error is not None:
            raise piece.error


def _together(some: list[_Piece[T]], work: Callable[[list[T]], None]) -> None:
    try:
        work([one.what for one in some])
    except BaseException as error:
        if len(some) > 1 and isinstance(error, Exception):
            for one in some:
                _together([one], work)
            return
        for one in some:
            one.error = error
    for one in some:
        one.done = True


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
