"""Live generation: freshly drawn edits on the base case, driven through the software; Hypothesis shrinks a failure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase

from conformance.cases import generated
from conformance.doors.drive import Episode
from conformance.finding import Recorder

if TYPE_CHECKING:
    from conformance.suite.bench import Bench


class _Fails(AssertionError):
    """The software failed on this case."""


def explore(bench: Bench, programme: str, examples: int) -> tuple[Recorder, list[Episode], dict[str, Any]]:
    """Drive ``examples`` drawn cases; on a failure, go on to the smallest case with the same causes.

    Returns what was observed (of the smallest failing case only, if there is one), its episode, and how to read it.
    """
    numbers = itertools.count()
    total = Recorder()
    failing: list[tuple[Recorder, Episode, dict[str, Any]]] = []
    wanted: set[str] = set()

    @hypothesis.seed(bench.setup.seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @hypothesis.given(bench.explored(programme))
    def attempt(edits: Any) -> None:
        case = bench.make(generated(bench.pack, programme, edits), f"{next(numbers)}")
        found = Recorder()
        episode = bench.drive(case)
        bench.judge_case(episode, found)
        causes = bench.blocking(found)
        if causes and (not wanted or causes & wanted):
            wanted.update(causes if not wanted else ())
            failing.append((found, episode, bench.readable(case)))
            raise _Fails(", ".join(sorted(causes)))
        total.absorb(found)

    try:
        attempt()
    except _Fails:
        found, episode, readable = failing[-1]
        return found, [episode], readable
    return total, [], {}
