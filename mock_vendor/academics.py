"""The vendor's own formulas, written from the circulars and not from the harness's: a second opinion on the rules.

Results are a :class:`~decimal.Decimal` mark, one of ``passed``, ``failed``, ``exempt``, or ``None`` when a period has
none.
Thresholds, tables and weights are the pack's; levels are named as in the test interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from conformance.pack import RuleSet

LEVELS = ("good", "fair", "satisfactory", "unsatisfactory")
"""Best first."""

Result = Decimal | str | None


def worse(level: str, than: str) -> int:
    """How many levels ``level`` lies below ``than`` (negative: above)."""
    return LEVELS.index(level) - LEVELS.index(than)


class Academics:
    """Averages, levels, promotion, titles. Each method is a seam that a named defect may replace."""

    def rounded(self, value: Decimal, digits: int) -> Decimal:
        """Half up, in decimal arithmetic (TT 22/2021 art. 5)."""
        return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)

    def semester_average(self, components: Mapping[str, Any], rules: RuleSet) -> Decimal:
        """Average of regular, mid-term and final marks by their weights (art. 9)."""
        weight = rules.component_weights
        weighed = [(Decimal(str(mark)), weight["regular"]) for mark in components["regular"]]
        weighed += [(Decimal(str(components[one])), weight[one]) for one in ("midterm", "final")]
        total = sum((mark * times for mark, times in weighed), Decimal(0))
        return self.rounded(total / sum(times for _, times in weighed), rules.rounding_digits)

    def semester_result(self, entered: Mapping[str, Any] | None, rules: RuleSet) -> Result:
        """What was entered for a period as one result."""
        if not entered:
            return None
        if "outcome" in entered:
            return str(entered["outcome"])
        if "components" in entered:
            return self.semester_average(entered["components"], rules)
        return Decimal(str(entered["average"]))

    def year_mark(self, first: Decimal, second: Decimal, rules: RuleSet) -> Decimal:
        """(HK I + 2 × HK II) / 3, rounded (art. 9)."""
        one, two = rules.year_weights
        return self.rounded((first * one + second * two) / (one + two), rules.rounding_digits)

    def year_result(self, scoring: str, first: Result, second: Result, rules: RuleSet) -> Result:
        """A subject's result of the year; none where a semester's is missing."""
        if scoring == "comment":
            return second
        if isinstance(first, Decimal) and isinstance(second, Decimal):
            return self.year_mark(first, second, rules)
        return first if first == second else None

    def plain_level(self, results: Sequence[Result], rules: RuleSet) -> str:
        """The level by the thresholds alone (art. 9 k.2); exempt subjects do not count."""
        marks = [one for one in results if isinstance(one, Decimal)]
        failures = sum(1 for one in results if one == "failed")
        for step in rules.thresholds:
            high = sum(1 for one in marks if one >= step.counted)
            if high >= step.count and failures <= step.comment_failures and all(one >= step.every for one in marks):
                return step.level
        return LEVELS[-1]

    def raised_level(self, results: Sequence[Result], level: str, rules: RuleSet) -> str:
        """One step up when one subject alone pulled the result two or more levels down (art. 9 k.3).

        "Alone" is read as: had that one subject been passed with the best result, the level would be the higher one.
        """
        for index, result in enumerate(results):
            if result == "exempt":
                continue
            best: Result = rules.mark_maximum if isinstance(result, Decimal) else "passed"
            would = self.plain_level([*results[:index], best, *results[index + 1 :]], rules)
            if would in rules.adjustable and worse(level, would) >= rules.adjustment_levels:
                return LEVELS[LEVELS.index(level) - 1]
        return level

    def learning(self, results: Sequence[Result], rules: RuleSet) -> str | None:
        """Level of a semester or of the year; none while a subject's result is missing."""
        if not results or any(one is None for one in results):
            return None
        return self.raised_level(results, self.plain_level(results, rules), rules)

    def conduct_year(self, first: str, second: str, rules: RuleSet) -> str:
        """Conduct of the year by the circular's table (art. 8)."""
        return rules.conduct[second][first]

    def promoted(self, conduct: str, learning: str, absences: int, rules: RuleSet) -> bool:
        """Whether the learner moves up (art. 12)."""
        return (
            worse(conduct, rules.promotion_conduct) <= 0
            and worse(learning, rules.promotion_learning) <= 0
            and absences <= rules.promotion_absences
        )

    def completed(self, conduct: str, learning: str, absences: int, results: Sequence[Result], rules: RuleSet) -> bool:
        """Whether the last grade of a level is completed: as promotion, and no subject failed."""
        return self.promoted(conduct, learning, absences, rules) and "failed" not in results

    def title(self, conduct: str, learning: str, results: Sequence[Result], rules: RuleSet, on: date) -> str | None:
        """The best title earned for the year (art. 15), by the rules in force ``on`` that day."""
        for rule in rules.titles:
            if (rule.valid_from and on < rule.valid_from) or (rule.valid_to and on > rule.valid_to):
                continue
            floor = rules.mark_minimum if rule.counted is None else rule.counted
            high = sum(1 for one in results if isinstance(one, Decimal) and one >= floor)
            if conduct == rule.conduct and learning == rule.learning and high >= rule.count:
                return rule.title
        return None
