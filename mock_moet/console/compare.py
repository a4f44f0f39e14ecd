"""Several runs side by side: for each the submissions by state, and how often each requirement was found broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from starlette.responses import Response

from conformance.pack import Requirement
from mock_moet.console.runs import SHOWN, label_of
from mock_moet.console.visit import Visit, page
from mock_moet.rules import State
from mock_moet.store import SpaceRow

MOST = 8
"""Runs beside each other: more do not fit a page."""


@dataclass(frozen=True, slots=True)
class Column:
    """One run: submissions by state, and by requirement how many have a finding of it and which is the newest."""

    row: SpaceRow
    label: str
    states: Counter[str]
    broken: Counter[str]
    example: dict[str, str]
    """Requirement or code → receipt of the newest submission with such a finding."""

    @property
    def total(self) -> int:
        """All its submissions."""
        return self.states.total()


def column(visit: Visit, row: SpaceRow) -> Column:
    """Count one run."""
    with visit.ministry.store.read(row.name) as transaction:
        stored = transaction.everything()
    states: Counter[str] = Counter(one.known.state.value for one in stored)
    broken: Counter[str] = Counter()
    example: dict[str, str] = {}
    for one in stored:
        for name in {str(finding["requirement"] or finding["code"]) for finding in one.findings}:
            broken[name] += 1
            example[name] = one.known.receipt
    return Column(row, label_of(row), states, broken, example)


def compare(visit: Visit) -> Response:
    """The runs that were chosen, in the order of choice; without a choice the form that chooses."""
    rows = visit.ministry.store.spaces()
    names = list(dict.fromkeys(visit.all_asked("run")))
    known = {row.name: row for row in rows}
    columns = [column(visit, known[name]) for name in names[:MOST] if name in known]
    found = sorted({name for one in columns for name in one.broken})
    pack = visit.ministry.pack
    broken: list[tuple[str, Requirement | None]] = [(name, pack.requirements.get(name)) for name in found]
    return page(
        visit, "compare.html.j2", columns=columns, broken=broken, states=[one.value for one in State],
        runs=[(row, label_of(row)) for row in rows[:SHOWN]], names=names, most=MOST,
    )  # fmt: skip
