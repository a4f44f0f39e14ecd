"""The learning level (TT 22/2021 art. 9; TT 43/2021 art. 9): thresholds, the one-step adjustment, and its readings.

The article is read in more than one way where a single subject pulls a result down. All readings are computed; where
they agree the level is certain, where they differ it is not ours to decide (PL1-HT-003).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from conformance.finding import Message
from conformance.pack import RuleSet
from conformance.pack.model import Threshold
from conformance.transcript.academics import shown
from conformance.transcript.model import Level, Outcome, Result


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject's result in the period that is rated."""

    name: str
    result: Result
    optional: bool = False

    @property
    def scored(self) -> bool:
        """Whether it carries a mark."""
        return isinstance(self.result, Decimal)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the article."""

    replace: bool
    """The one subject is thought replaced by a good result (else: removed)."""
    comments: bool
    """A comment-only subject can be the one subject."""
    optional: bool
    """Optional subjects count."""
    reduced: bool
    """With fewer scored subjects than the count asks for, the count is what there is."""

    @property
    def name(self) -> str:
        """A short stable name, its text is the pack's."""
        parts = ["replace" if self.replace else "remove"]
        parts += [] if self.comments else ["scored-only"]
        parts += [] if self.optional else ["without-optional"]
        parts += ["reduced"] if self.reduced else []
        return "+".join(parts)


@dataclass(frozen=True, slots=True)
class Rating:
    """The level by every reading. ``base``: by the thresholds alone, all subjects counted."""

    base: Level
    by_reading: Mapping[str, Level]
    raised: bool
    """Whether the adjustment applies in some reading."""
    article: str
    steps: tuple[Message, ...]

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that some reading gives, best first."""
        return tuple(level for level in Level if level in self.by_reading.values())

    @property
    def certain(self) -> Level | None:
        """The level when all readings agree."""
        return self.levels[0] if len(self.levels) == 1 else None


def rate(entries: Iterable[Entry], rules: RuleSet) -> Rating:
    """Rate one period.

    Args:
        entries: all subjects with a result in the period; exempt ones are left out by the rule itself.
        rules: thresholds and the adjustment's distance.
    """
    counted = [one for one in entries if one.result is not Outcome.EXEMPT]
    base = _thresholds(counted, rules, reduced=False)
    by_reading: dict[str, Level] = {}
    raised = False
    for reading in _readings(counted, rules):
        level, moved = _adjusted(counted, rules, reading)
        by_reading[reading.name] = level
        raised = raised or moved
    return Rating(
        base,
        by_reading,
        raised,
        rules.articles["adjustment" if raised else "learning"],
        _steps(counted, rules, base, raised),
    )


def _readings(entries: Sequence[Entry], rules: RuleSet) -> list[Reading]:
    """Only the readings that can differ for these subjects."""
    comments = (True, False) if any(not one.scored for one in entries) else (True,)
    optional = (True, False) if any(one.optional for one in entries) else (True,)
    fewest = max(threshold.count for threshold in rules.thresholds)
    few = sum(one.scored for one in entries) < fewest
    reduced = (False, True) if few else (False,)
    return [Reading(*one) for one in itertools.product((True, False), comments, optional, reduced)]


def _adjusted(entries: Sequence[Entry], rules: RuleSet, reading: Reading) -> tuple[Level, bool]:
    """The level by one reading, and whether the adjustment raised it."""
    taken = [one for one in entries if reading.optional or not one.optional]
    base = _thresholds(taken, rules, reduced=reading.reduced)
    best = base
    for position, one in enumerate(taken):
        if not one.scored and not reading.comments:
            continue
        rest = [*taken[:position], *taken[position + 1 :]]
        if reading.replace:
            better: Result = rules.mark_maximum if one.scored else Outcome.PASSED
            rest.insert(position, Entry(one.name, better, one.optional))
        without = _thresholds(rest, rules, reduced=reading.reduced)
        if without.value in rules.adjustable and without.rank > best.rank:
            best = without
    if best.rank - base.rank >= rules.adjustment_levels:
        return next(level for level in Level if level.rank == base.rank + 1), True
    return base, False


def _thresholds(entries: Sequence[Entry], rules: RuleSet, *, reduced: bool) -> Level:
    for threshold in rules.thresholds:
        if _reaches(entries, threshold, reduced=reduced):
            return Level(threshold.level)
    return Level.UNSATISFACTORY


def _reaches(entries: Sequence[Entry], threshold: Threshold, *, reduced: bool) -> bool:
    marks = [one.result for one in entries if isinstance(one.result, Decimal)]
    failures = sum(one.result is Outcome.FAILED for one in entries)
    count = min(threshold.count, len(marks)) if reduced else threshold.count
    return (
        failures <= threshold.comment_failures
        and all(mark >= threshold.every for mark in marks)
        and sum(mark >= threshold.counted for mark in marks) >= count
    )


def _steps(entries: Sequence[Entry], rules: RuleSet, base: Level, raised: bool) -> tuple[Message, ...]:
    marks = [one for one in entries if isinstance(one.result, Decimal)]
    lowest = min(marks, key=lambda one: one.result if isinstance(one.result, Decimal) else Decimal(0), default=None)
    failed = [one.name for one in entries if one.result is Outcome.FAILED]
    steps = [
        Message(
            "academics.learning",
            {
                "lowest": shown(lowest.result) if lowest and isinstance(lowest.result, Decimal) else "–",
                "subject": lowest.name if lowest else "–",
                "counts": ", ".join(
                    f"≥ {shown(threshold.counted)}: {sum(one.result >= threshold.counted for one in marks if isinstance(one.result, Decimal))}"
                    for threshold in rules.thresholds
                ),
                "failed": ", ".join(failed) or "0",
                "level": f"{{level.{base.value}}}",
                "article": rules.articles["learning"],
            },
        )
    ]
    if raised:
        steps.append(Message("academics.adjustment", {"article": rules.articles["adjustment"]}))
    return tuple(steps)
