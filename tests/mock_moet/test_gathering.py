"""Work of several threads done together: in order, all or nothing, and nobody gets another's error."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_moet.gathering import MOST, Gathering, apart

PATIENCE = 120


class Desk:
    """What was done together; the first piece waits until it is told to go on."""

    def __init__(self) -> None:
        self.gathering: Gathering[int] = Gathering()
        self.begun, self.go = Event(), Event()
        self.done: list[list[int]] = []

    def work(self, some: list[int]) -> None:
        self.begun.set()
        assert self.go.wait(PATIENCE)
        if -1 in some:
            raise ValueError(f"{len(some)} at once")
        self.done.append(some)

    def ask(self, what: int) -> int:
        self.gathering.do(what, self.work)
        return what

    def queued(self, count: int) -> None:
        """Until so many wait behind the one that is worked on."""
        while len(self.gathering._waiting) < count:
            Event().wait(0.001)


def test_what_waits_is_done_together_and_a_bad_piece_harms_no_other() -> None:
    desk = Desk()
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(desk.ask, 0)
        assert desk.begun.wait(PATIENCE)
        others = [threads.submit(desk.ask, one) for one in (1, -1, 2)]
        desk.queued(3)
        desk.go.set()
        assert first.result(PATIENCE) == 0
        assert [others[at].result(PATIENCE) for at in (0, 2)] == [1, 2]
        with pytest.raises(ValueError, match="1 at once"):
            others[1].result(PATIENCE)
    assert desk.done[0] == [0]
    assert sorted(desk.done[1:]) == [[1], [2]]


def test_so_many_and_no_more_are_done_together() -> None:
    desk = Desk()
    with ThreadPoolExecutor(MOST + 4) as threads:
        first = threads.submit(desk.ask, 0)
        assert desk.begun.wait(PATIENCE)
        others = [threads.submit(desk.ask, one) for one in range(1, MOST + 4)]
        desk.queued(MOST + 3)
        desk.go.set()
        assert {one.result(PATIENCE) for one in (first, *others)} == set(range(MOST + 4))
    assert [len(some) for some in desk.done] == [1, MOST, 3]


@given(st.lists(st.frozensets(st.integers(0, 5), max_size=3)))
def test_runs_keep_the_order_and_share_no_name(some: list[frozenset[int]]) -> None:
    runs = list(apart(some, lambda one: one))
    assert [one for run in runs for one in run] == some
    for run in runs:
        assert run
        assert sum(map(len, run)) == len(frozenset().union(*run))
    for before, after in itertools.pairwise(runs):
        assert frozenset().union(*before) & after[0]
