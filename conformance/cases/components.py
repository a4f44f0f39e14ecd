"""Component marks that give exactly a wanted semester average."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from conformance.pack import RuleSet
from conformance.transcript.academics import semester_average


def step_of(rules: RuleSet) -> Decimal:
    """The distance between two marks."""
    return Decimal(1).scaleb(-rules.rounding_digits)


def plain(mark: Decimal) -> str:
    """A mark in its plain spelling: ``8``, ``8.5``."""
    text = f"{mark:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def average(regular: Sequence[Decimal], midterm: Decimal, final: Decimal, rules: RuleSet) -> Decimal:
    """The semester average of component marks, rounded."""
    return semester_average(regular, midterm, final, rules).value


def regular_count(periods: int, rules: RuleSet) -> int:
    """How many regular marks a subject of so many periods a year has in a semester."""
    return next(count for limit, count in rules.regular_marks if periods <= limit)


def solve(wanted: Decimal, count: int, rules: RuleSet, draw: random.Random) -> tuple[list[Decimal], Decimal, Decimal]:
    """Component marks with ``wanted`` as their average.

    Args:
        wanted: the semester average, rounded.
        count: number of regular marks.
        rules: weights and limits of marks.
        draw: where the free marks come from.

    Returns:
        Regular marks, mid-term mark and final mark, each a mark of the scale and inside the limits.

    Raises:
        ValueError: ``wanted`` lies outside the limits of marks.
    """
    low, high = rules.mark_minimum, rules.mark_maximum
    if not low <= wanted <= high:
        raise ValueError(f"{wanted}: ngoài thang điểm / outside {low}-{high}")
    weights, step = rules.component_weights, step_of(rules)
    total = wanted * (count * weights["regular"] + weights["midterm"] + weights["final"])
    for spread in (Decimal("1.5"), Decimal("1"), Decimal("0.5"), Decimal("0.2"), Decimal(0)):
        for _ in range(4):
            regular = [_near(wanted, spread, step, low, high, draw) for _ in range(count)]
            midterm = _near(wanted, spread, step, low, high, draw)
            rest = total - sum(regular) * weights["regular"] - midterm * weights["midterm"]
            exact = rest / weights["final"]
            floor = exact.quantize(step, ROUND_FLOOR)
            # either neighbour may do: one makes averages that a cut-off would betray, the other not
            for final in draw.sample((floor, floor + step), 2):
                if low <= final <= high and average(regular, midterm, final, rules) == wanted:
                    return regular, midterm, final
    return [wanted] * count, wanted, wanted


def _near(wanted: Decimal, spread: Decimal, step: Decimal, low: Decimal, high: Decimal, draw: random.Random) -> Decimal:
    steps = int(spread / step)
    mark = wanted + step * draw.randint(-steps, steps)
    return min(max(mark, low), high)
