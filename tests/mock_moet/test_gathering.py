"""Work that waits is done together: in order, each piece with its own result, and nobody waits for ever."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_moet.gathering import MOST, Gathering, apart

PATIENCE = 120


class Desk:
    """What was done together; everything waits until it is told to go on."""

    def __init__(self) -> None:
        self.gathering: Gathering[int, int] = Gathering()
        self.threads = ThreadPoolExecutor(4)
        self.begun, self.go = Event(), Event()
        self.done: list[list[int]] = []

    def work(self, some: Sequence[int]) -> list[int]:
        self.begun.set()
        assert self.go.wait(PATIENCE)
        self.done.append(list(some))
        if -1 in some:
            raise ValueError(f"{len(some)} at once")
        return [one * 10 for one in some]

    def ask(self, what: int) -> Future[int]:
        return self.gathering.ask(what, self.work, self.threads)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk that is at work on 0."""
    made = Desk()
    with made.threads:
        first = made.ask(0)
        assert made.begun.wait(PATIENCE)
        yield made
        assert first.result(PATIENCE) == 0


def test_what_waits_is_done_together_and_each_gets_its_own_result(desk: Desk) -> None:
    others = [desk.ask(one) for one in (1, 3, 2)]
    desk.go.set()
    assert [one.result(PATIENCE) for one in others] == [10, 30, 20]
    assert desk.done == [[0], [1, 3, 2]]


def test_so_many_and_no_more_are_done_together(desk: Desk) -> None:
    others = [desk.ask(one) for one in range(1, MOST + 4)]
    desk.go.set()
    assert [one.result(PATIENCE) for one in others] == [one * 10 for one in range(1, MOST + 4)]
    assert [len(some) for some in desk.done] == [1, MOST, 3]


def test_what_goes_wrong_is_told_to_those_who_were_part_of_it_and_work_goes_on(desk: Desk) -> None:
    others = [desk.ask(one) for one in (1, -1)]
    desk.go.set()
    for one in others:
        with pytest.raises(ValueError, match="2 at once"):
            one.result(PATIENCE)
    assert desk.ask(4).result(PATIENCE) == 40


def test_who_has_gone_is_left_out(desk: Desk) -> None:
    gone, there = desk.ask(1), desk.ask(2)
    assert gone.cancel()
    desk.go.set()
    assert there.result(PATIENCE) == 20
    assert desk.done == [[0], [2]]


def test_nobody_waits_for_threads_that_are_closed(desk: Desk) -> None:
    desk.go.set()
    desk.threads.shutdown()
    assert desk.ask(1).cancelled()
    assert desk.ask(2).cancelled()


@given(st.lists(st.frozensets(st.integers(0, 5), max_size=3)))
def test_runs_keep_the_order_and_share_no_name(some: list[frozenset[int]]) -> None:
    runs = list(apart(some, lambda one: one))
    assert [one for run in runs for one in run] == some
    for run in runs:
        assert run
        assert sum(map(len, run)) == len(frozenset().union(*run))
    for before, after in itertools.pairwise(runs):
        assert frozenset().union(*before) & after[0]
