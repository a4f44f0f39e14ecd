"""Averages, year marks, conduct, promotion in decimal arithmetic; every result says by which article it follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import Generic, TypeVar

from conformance.finding import Message
from conformance.pack import RuleSet
from conformance.transcript.model import Level, Outcome

T = TypeVar("T")
_REMEMBERED = 16_384
"""Results that are kept: there are some ten thousand pairs of marks, and a register has them again and again."""


@dataclass(frozen=True, slots=True)
class Derived(Generic[T]):
    """A value that follows from others: the value, the article it follows by, and the steps in words."""

    value: T
    article: str
    steps: tuple[Message, ...] = ()


def rounded(value: Decimal, rules: RuleSet) -> Decimal:
    """To the rule set's digits, half up."""
    return value.quantize(_unit(rules.rounding_digits), ROUND_HALF_UP)


@cache
def _unit(digits: int) -> Decimal:
    return Decimal(1).scaleb(-digits)


def cut_off(value: Decimal, rules: RuleSet) -> Decimal:
    """The usual mistake: cut off instead of rounded."""
    return value.quantize(Decimal(1).scaleb(-rules.rounding_digits), ROUND_DOWN)


def shown(value: Decimal) -> str:
    """A mark as people write it: ``8``, ``7.9``; long fractions with three digits and an ellipsis."""
    if value == value.to_integral_value():
        return str(value.quantize(Decimal(1)))
    text = format(value.normalize(), "f")
    return text if len(text) <= 5 else f"{value.quantize(Decimal('0.001'), ROUND_DOWN)}…"


def semester_average(regular: Sequence[Decimal], midterm: Decimal, final: Decimal, rules: RuleSet) -> Derived[Decimal]:
    """ĐTBmhk = (Σ regular + 2 × mid-term + 3 × final) / (number of regular + 5), rounded to one decimal.

    Args:
        regular: regular marks, 0-10, at least one.
        midterm: mid-term mark.
        final: final mark.
        rules: weights and rounding.
    """
    weights = rules.component_weights
    total = sum(regular, Decimal(0)) * weights["regular"] + midterm * weights["midterm"] + final * weights["final"]
    divisor = len(regular) * weights["regular"] + weights["midterm"] + weights["final"]
    exact = total / divisor
    value = rounded(exact, rules)
    article = rules.articles["semester-average"]
    step = Message(
        "academics.semester-average",
        {
            "regular": ", ".join(shown(one) for one in regular),
            "midterm": shown(midterm),
            "final": shown(final),
            "total": shown(total),
            "divisor": str(divisor),
            "exact": shown(exact),
            "value": shown(value),
            "article": article,
        },
    )
    return Derived(value, article, (step,))


@lru_cache(maxsize=_REMEMBERED)
def year_mark(semester1: Decimal, semester2: Decimal, rules: RuleSet) -> Derived[Decimal]:
    """ĐTBmcn = (HK I + 2 × HK II) / 3, rounded to one decimal; with one-decimal inputs no tie can occur."""
    first, second = rules.year_weights
    exact = (semester1 * first + semester2 * second) / (first + second)
    value = rounded(exact, rules)
    article = rules.articles["year-mark"]
    step = Message(
        "academics.year-mark",
        {
            "semester1": shown(semester1),
            "semester2": shown(semester2),
            "weight1": str(first),
            "weight2": str(second),
            "divisor": str(first + second),
            "exact": shown(exact),
            "value": shown(value),
            "article": article,
        },
    )
    return Derived(value, article, (step,))


def year_mark_mistakes(semester1: Decimal, semester2: Decimal, seen: Decimal, rules: RuleSet) -> tuple[str, ...]:
    """The likely mistakes that give ``seen`` instead of the year mark, likeliest first: cause codes of PL1-MON-008.

    Empty when no known mistake gives it.
    """
    first, second = rules.year_weights
    exact = (semester1 * first + semester2 * second) / (first + second)
    swapped = (semester1 * second + semester2 * first) / (first + second)
    # each semester average may stand for any value that rounds to it
    half = Decimal(1).scaleb(-rules.rounding_digits) / 2
    given = {
        "cut-off": seen == cut_off(exact, rules),
        "plain-mean": seen == rounded((semester1 + semester2) / 2, rules),
        "weights-swapped": seen == rounded(swapped, rules),
        "semester2-copied": seen == semester2,
        "semester1-copied": seen == semester1,
        "from-unrounded": abs(seen - exact) <= half * 2,
    }
    return tuple(cause for cause, fits in given.items() if fits)


def common_mistake(mistakes: Sequence[Sequence[str]]) -> str:
    """The one mistake that explains every wrong value of a document; empty when none explains them all.

    Args:
        mistakes: for each wrong value its likely mistakes, likeliest first; at least one value.
    """
    return next((one for one in mistakes[0] if all(one in others for others in mistakes)), "")


@lru_cache(maxsize=_REMEMBERED)
def comment_year(semester2: Outcome, rules: RuleSet) -> Derived[Outcome]:
    """A comment-only subject's year result is that of semester II (art. 9)."""
    article = rules.articles["comment-year"]
    return Derived(semester2, article, (Message("academics.comment-year", {"article": article}),))


@lru_cache(maxsize=_REMEMBERED)
def conduct_of_year(semester1: Level, semester2: Level, rules: RuleSet) -> Derived[Level]:
    """The conduct of the year from its two semesters (TT 22/2021 art. 8): 16 cases."""
    article = rules.articles["conduct"]
    value = Level(rules.conduct[semester2.value][semester1.value])
    step = Message(
        "academics.conduct",
        {
            "semester1": f"{{level.{semester1.value}}}",
            "semester2": f"{{level.{semester2.value}}}",
            "value": f"{{level.{value.value}}}",
            "article": article,
        },
    )
    return Derived(value, article, (step,))


def conduct_mistake(semester1: Level, semester2: Level, seen: Level, rules: RuleSet) -> str:
    """Which likely mistake gives ``seen`` instead of the conduct of the year: a cause code of PL1-RL-001."""
    if seen.rank == (semester1.rank + semester2.rank + 1) // 2:
        return "plain-mean"
    if seen.value == rules.conduct[semester1.value][semester2.value]:
        return "semesters-swapped"
    if seen is semester2:
        return "semester2-copied"
    return "semester1-copied" if seen is semester1 else "wrong"


@lru_cache(maxsize=_REMEMBERED)
def may_be_promoted(conduct: Level, learning: Level, absences: Decimal, rules: RuleSet) -> Derived[bool]:
    """Promotion, or completion, from final conduct, final learning and absences (TT 22/2021 art. 12)."""
    article = rules.articles["promotion"]
    held = (
        conduct.rank >= Level(rules.promotion_conduct).rank
        and learning.rank >= Level(rules.promotion_learning).rank
        and absences <= rules.promotion_absences
    )
    step = Message(
        "academics.promotion",
        {
            "conduct": f"{{level.{conduct.value}}}",
            "learning": f"{{level.{learning.value}}}",
            "absences": shown(absences),
            "limit": str(rules.promotion_absences),
            "article": article,
        },
    )
    return Derived(held, article, (step,))
