"""The learning level (TT 22/2021 art. 9; TT 43/2021 art. 9): thresholds, the one-step adjustment, and its readings.

The article is read in more than one way where a single subject pulls a result down. All readings are computed; where
they agree the level is certain, where they differ it is not ours to decide (PL1-HT-003).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from conformance.finding import Message
from conformance.pack import RuleSet
from conformance.pack.model import Threshold
from conformance.transcript.academics import shown
from conformance.transcript.model import Level, Outcome, Result

_LEVELS = {level.value: level for level in Level}


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject's result in the period that is rated."""

    name: str
    """The subject's code or name: names it in derivations, and is unique in the period."""
    result: Result
    optional: bool = False

    @property
    def scored(self) -> bool:
        """Whether it carries a mark."""
        return isinstance(self.result, Decimal)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the article."""

    replace: bool = True
    """The one subject is thought replaced by a good result (else: removed)."""
    comments: bool = True
    """A comment-only subject can be the one subject."""
    optional: bool = True
    """Optional subjects count."""
    reduced: bool = False
    """With fewer scored subjects than the count asks for, the count is what there is."""
    adjusted: bool = True
    """The adjustment applies; open only after re-assessment."""

    @property
    def parts(self) -> tuple[str, ...]:
        """A short stable name for each choice; the texts ``reading.<name>`` are the pack's."""
        return (
            "replace" if self.replace else "remove",
            "comments" if self.comments else "scored-only",
            "optional" if self.optional else "without-optional",
            "reduced" if self.reduced else "full-count",
            "adjusted" if self.adjusted else "unadjusted",
        )


@dataclass(frozen=True, slots=True)
class Rating:
    """The level by every reading. ``base``: by the thresholds alone, all subjects counted."""

    base: Level
    readings: tuple[tuple[Reading, Level], ...]
    levels: tuple[Level, ...]
    """The levels that some reading gives, best first."""
    raised: bool
    """Whether the adjustment applies in some reading."""
    article: str
    counted: tuple[Entry, ...]
    rules: RuleSet

    @property
    def by_reading(self) -> Mapping[Reading, Level]:
        """The level that each reading gives."""
        return dict(self.readings)

    @property
    def steps(self) -> tuple[Message, ...]:
        """How the level follows; worked out when a finding asks for it."""
        return _steps(self.counted, self.rules, self.base, self.raised)

    @property
    def certain(self) -> Level | None:
        """The level when all readings agree."""
        return self.levels[0] if len(self.levels) == 1 else None

    @property
    def differences(self) -> Mapping[tuple[str, ...], Level]:
        """The readings by the choices that matter here only, with the level each gives."""
        ways = {reading.parts: level for reading, level in self.readings}
        matters = [
            at
            for at in range(len(next(iter(ways))))
            if any(
                ways[one] is not ways[other]
                for one, other in itertools.combinations(ways, 2)
                if [*one[:at], *one[at + 1 :]] == [*other[:at], *other[at + 1 :]]
            )
        ]
        return {tuple(parts[at] for at in matters): level for parts, level in ways.items()}


def rate(entries: Iterable[Entry], rules: RuleSet, *, again: bool = False) -> Rating:
    """Rate one period.

    Args:
        entries: all subjects with a result in the period; exempt ones are left out by the rule itself.
        rules: thresholds and the adjustment's distance.
        again: whether this rates again after re-assessment; whether the adjustment then applies is open.
    """
    counted = [one for one in entries if one.result is not Outcome.EXEMPT]
    everything = _plain(counted, rules, Reading())
    base = everything.base
    by_reading: list[tuple[Reading, Level]] = []
    raised = False
    plain = {(True, False): everything}
    for reading in _readings(counted, rules, again=again):
        choice = reading.optional, reading.reduced
        if choice not in plain:
            plain[choice] = _plain(counted, rules, reading)
        level, moved = _adjusted(plain[choice], rules, reading)
        by_reading.append((reading, level))
        raised = raised or moved
    given = {level for _, level in by_reading}
    return Rating(
        base,
        tuple(by_reading),
        tuple(level for level in Level if level in given),
        raised,
        rules.articles["adjustment" if raised else "learning"],
        tuple(counted),
        rules,
    )


def likely_mistake(entries: Iterable[Entry], seen: Level, rules: RuleSet) -> str:
    """Which likely mistake gives ``seen`` instead of the level by the thresholds: a cause code of PL1-HT-001.

    Empty when no known mistake gives it.
    """
    counted = [one for one in entries if one.result is not Outcome.EXEMPT]
    scored = [one for one in counted if one.scored]
    base = _thresholds(counted, rules, reduced=False)
    if len(scored) < len(counted) and _thresholds(scored, rules, reduced=False) is seen:
        return "comments-ignored"
    if _thresholds(counted, _without_counts(rules), reduced=False) is seen:
        return "count-ignored"
    if _thresholds(counted, rules, reduced=False, strictly=True) is seen:
        return "limit-excluded"
    if seen.rank == base.rank + 1 and any(
        _thresholds([*counted[:at], *counted[at + 1 :]], rules, reduced=False).rank >= seen.rank
        for at in range(len(counted))
    ):
        return "raised-without-ground"
    return ""


def _without_counts(rules: RuleSet) -> RuleSet:
    thresholds = tuple(one.model_copy(update={"count": 0}) for one in rules.thresholds)
    return rules.model_copy(update={"thresholds": thresholds})


def _readings(entries: Sequence[Entry], rules: RuleSet, *, again: bool) -> tuple[Reading, ...]:
    """Only the readings that can differ for these subjects."""
    fewest = max(threshold.count for threshold in rules.thresholds)
    marks = sum([isinstance(one.result, Decimal) for one in entries])
    return _choices(marks < len(entries), any(one.optional for one in entries), marks < fewest, again)


@cache
def _choices(comments: bool, optional: bool, few: bool, again: bool) -> tuple[Reading, ...]:
    both, first = (True, False), (True,)
    return tuple(
        Reading(*one)
        for one in itertools.product(
            both, both if comments else first, both if optional else first, (False, True) if few else (False,),
            both if again else first,
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plain:
    """What the adjustment starts from: marks, failed comment-only subjects, the level by the thresholds."""

    marks: list[Decimal]
    failures: int
    base: Level
    adjustable: bool
    """Whether any level that the adjustment asks for lies far enough above."""


def _plain(entries: Sequence[Entry], rules: RuleSet, reading: Reading) -> _Plain:
    marks, failures = _counted([one for one in entries if reading.optional or not one.optional])
    base = _level(marks, failures, rules, reduced=reading.reduced)
    return _Plain(marks, failures, base, _highest(rules) - base.rank >= rules.adjustment_levels)


@lru_cache(maxsize=64)
def _highest(rules: RuleSet) -> int:
    """The rank of the highest level that the adjustment asks for."""
    return max((Level(one).rank for one in rules.adjustable), default=0)


def _adjusted(plain: _Plain, rules: RuleSet, reading: Reading) -> tuple[Level, bool]:
    """The level by one reading, and whether the adjustment raised it."""
    marks, failures, base = plain.marks, plain.failures, plain.base
    if not reading.adjusted or not plain.adjustable:
        return base, False
    # without the one subject: the lowest mark (what is reached without another one is reached without it too), then a
    # failed comment-only one (a passed one hinders nothing)
    replacement = [rules.mark_maximum] if reading.replace else []
    tries = [([*sorted(marks)[1:], *replacement], failures)] if marks else []
    if failures and reading.comments:
        tries.append((marks, failures - 1))
    for tried in tries:
        without = _level(*tried, rules, reduced=reading.reduced)
        if without in rules.adjustable and without.rank - base.rank >= rules.adjustment_levels:
            return next(level for level in Level if level.rank == base.rank + 1), True
    return base, False


def _counted(entries: Iterable[Entry]) -> tuple[list[Decimal], int]:
    """What the thresholds look at: the marks, and how many comment-only subjects failed."""
    results = [one.result for one in entries]
    return [one for one in results if isinstance(one, Decimal)], sum([one is Outcome.FAILED for one in results])


def _thresholds(entries: Iterable[Entry], rules: RuleSet, *, reduced: bool, strictly: bool = False) -> Level:
    return _level(*_counted(entries), rules, reduced=reduced, strictly=strictly)


def _level(
    marks: Sequence[Decimal], failures: int, rules: RuleSet, *, reduced: bool, strictly: bool = False
) -> Level:  # fmt: skip
    """The best level whose threshold is reached."""
    for threshold in rules.thresholds:
        if _reaches(marks, failures, threshold, reduced=reduced, strictly=strictly):
            return _LEVELS[threshold.level]
    return Level.UNSATISFACTORY


def _reaches(marks: Sequence[Decimal], failures: int, threshold: Threshold, *, reduced: bool, strictly: bool) -> bool:
    """Whether a threshold is reached; ``strictly``: with > for ≥, as a mistaken program has it."""
    if failures > threshold.comment_failures:
        return False
    every, counted = threshold.every, threshold.counted
    if strictly:
        lowest, reached = not marks or min(marks) > every, sum([mark > counted for mark in marks])
    else:
        lowest, reached = not marks or min(marks) >= every, sum([mark >= counted for mark in marks])
    return lowest and reached >= (min(threshold.count, len(marks)) if reduced else threshold.count)


def _steps(entries: Sequence[Entry], rules: RuleSet, base: Level, raised: bool) -> tuple[Message, ...]:
    marks = [(one.result, one.name) for one in entries if isinstance(one.result, Decimal)]
    lowest = min(marks, default=None)
    failed = [one.name for one in entries if one.result is Outcome.FAILED]
    counts = (
        f"≥ {shown(threshold.counted)}: {sum(mark >= threshold.counted for mark, _ in marks)}"
        for threshold in rules.thresholds
    )
    steps = [
        Message(
            "academics.learning",
            {
                "lowest": shown(lowest[0]) if lowest else "–",
                "subject": lowest[1] if lowest else "–",
                "counts": ", ".join(counts),
                "failed": ", ".join(failed) or "0",
                "level": f"{{level.{base.value}}}",
                "article": rules.articles["learning"],
            },
        )
    ]
    if raised:
        steps.append(Message("academics.adjustment", {"article": rules.articles["adjustment"]}))
    return tuple(steps)
