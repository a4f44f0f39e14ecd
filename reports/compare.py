"""Two results side by side: what got better, what got worse, what else differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conformance.events import Result
from conformance.pack import Pack
from conformance.verdict import Outcome, RequirementOutcome, Verdict
from reports.files import verdict_of

Kind = Literal["worse", "better", "changed"]

_RANK = {
    Outcome.PASS: 0,
    Outcome.ATTESTED: 1,
    Outcome.WARN: 2,
    Outcome.NOT_EXERCISED: 3,
    Outcome.NOT_APPLICABLE: 3,
    Outcome.NOT_SCORED: 3,
    Outcome.KNOWN_FAILURE: 4,
    Outcome.INSUFFICIENT: 5,
    Outcome.NOT_TESTABLE: 6,
    Outcome.ABSENT: 7,
    Outcome.HARNESS_ERROR: 8,
    Outcome.FAIL: 9,
}
"""How far an outcome is from a pass; what says nothing either way stands between a warning and what blocks."""

DESCRIBED = (
    "pack",
    "pack_digest",
    "revision",
    "door",
    "programmes",
    "declined",
    "seed",
    "target",
    "tool_version",
    "trust",
)
"""What of two runs must be equal for a difference to be the software's own."""


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement of one programme that is not as it was."""

    requirement: str
    programme: str
    before: str
    """Outcome, or empty where that run did not judge it."""
    after: str
    kind: Kind
    appeared: tuple[str, ...]
    """Root cause codes that were not there before."""
    gone: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "requirement": self.requirement,
            "programme": self.programme,
            "before": self.before or None,
            "after": self.after or None,
            "change": self.kind,
            "appeared": list(self.appeared),
            "gone": list(self.gone),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two results."""

    changes: tuple[Change, ...]
    lines: tuple[tuple[str, str, str, str, str], ...]
    """Programme, part, line, answer before, answer after: of every line that differs."""
    circumstances: Mapping[str, tuple[Any, Any]]
    """What of the runs themselves differs: not the software's doing."""
    equal: int
    """Requirements times programmes that are as they were."""
    vanished: tuple[str, ...] = ()
    """Programmes that the run before claimed and the run after does not: each of their requirements got worse."""

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(one for one in self.changes if one.kind == kind)

    @property
    def exit_code(self) -> int:
        """0 nothing got worse, 1 something did, or a programme is claimed no more."""
        return 1 if self.vanished or self.of("worse") else 0

    def data(self) -> dict[str, Any]:
        """As JSON data."""
        names = ("programme", "part", "line", "before", "after")
        return {
            "format": "hocba-comparison/1",
            "changes": [one.data() for one in self.changes],
            "lines": [dict(zip(names, one, strict=True)) for one in self.lines],
            "circumstances": {key: {"before": a, "after": b} for key, (a, b) in self.circumstances.items()},
            "equal": self.equal,
            "vanished": list(self.vanished),
            "exitCode": self.exit_code,
        }


def compare(before: Result, after: Result, pack: Pack) -> Comparison:
    """What differs from ``before`` to ``after``, by their stored verdicts."""
    first, second = verdict_of(before, pack), verdict_of(after, pack)
    one, two = _outcomes(before, first), _outcomes(after, second)
    changes: list[Change] = []
    equal = 0
    for key in dict.fromkeys((*one, *two)):
        change = _change(key, one.get(key), two.get(key), claimed=key[1] in after.run.programmes)
        if change is None:
            equal += 1
        else:
            changes.append(change)
    changes.sort(key=lambda change: (("worse", "better", "changed").index(change.kind), change.requirement))
    vanished = tuple(one for one in before.run.programmes if one not in after.run.programmes)
    return Comparison(tuple(changes), tuple(_lines(first, second)), _circumstances(before, after), equal, vanished)


_Seen = tuple[RequirementOutcome, frozenset[str]]


def _outcomes(result: Result, verdict: Verdict) -> dict[tuple[str, str], _Seen]:
    findings = {item.id: item.findings for item in result.items}
    return {
        (one.requirement, one.programme): (
            one,
            frozenset(
                findings[at.item][at.index].code for at in one.roots if at.index < len(findings.get(at.item, ()))
            ),
        )
        for one in verdict.outcomes
    }


def _change(key: tuple[str, str], before: _Seen | None, after: _Seen | None, *, claimed: bool) -> Change | None:
    old, old_causes = before or (None, frozenset())
    new, new_causes = after or (None, frozenset())
    appeared, gone = tuple(sorted(new_causes - old_causes)), tuple(sorted(old_causes - new_causes))
    kind: Kind
    if old is None or new is None:
        # a programme that is claimed no more: what was shown of it is shown no more
        kind = "changed" if claimed else "worse"
    elif old.outcome is new.outcome:
        if not appeared and not gone:
            return None
        kind = "worse" if appeared else "better"
    else:
        step = _RANK[new.outcome] - _RANK[old.outcome]
        kind = "worse" if step > 0 else "better" if step < 0 else "changed"
    return Change(*key, str(old.outcome) if old else "", str(new.outcome) if new else "", kind, appeared, gone)


def _lines(before: Verdict, after: Verdict) -> Iterator[tuple[str, str, str, str, str]]:
    old = {(one.programme, one.part, one.line): str(one.verdict) for one in before.lines}
    new = {(one.programme, one.part, one.line): str(one.verdict) for one in after.lines}
    for programme, part, line in dict.fromkeys((*old, *new)):
        key = (programme, part, line)
        if old.get(key) != new.get(key):
            yield programme, part, line, old.get(key, ""), new.get(key, "")


def _circumstances(before: Result, after: Result) -> dict[str, tuple[Any, Any]]:
    one, two = before.run.model_dump(mode="json"), after.run.model_dump(mode="json")
    found = {key: (one[key], two[key]) for key in DESCRIBED if one[key] != two[key]}
    for key in ("product", "version", "buildHash"):
        old, new = before.run.vendor.get(key), after.run.vendor.get(key)
        if old != new:
            found[key] = (old, new)
    return found
