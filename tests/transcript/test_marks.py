"""Averages and year marks: worked values, and exact fractions as the second opinion."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.pack import RuleSet, default_pack
from conformance.transcript.academics import (
    common_mistake,
    conduct_of_year,
    may_be_promoted,
    semester_average,
    shown,
    year_mark,
    year_mark_mistakes,
)
from conformance.transcript.model import Level

RULES = [default_pack().rules[name] for name in ("tt22-2021", "tt43-2021")]
MARKS = st.integers(0, 100).map(lambda tenths: Decimal(tenths) / 10)


def tenths_half_up(exact: Fraction) -> Decimal:
    """To one decimal, half up, in whole numbers."""
    return Decimal((20 * exact.numerator + exact.denominator) // (2 * exact.denominator)) / 10


@pytest.mark.parametrize(
    ("regular", "midterm", "final", "wanted"),
    [
        (("8", "9"), "7", "8", "7.9"),
        (("8", "8", "8", "8"), "8", "8", "8.0"),
        (("7.2", "7.2", "7.4"), "7.0", "7.4", "7.3"),
        (("10", "0"), "0", "0", "1.4"),
    ],
)
def test_semester_averages_as_worked_out(regular: tuple[str, ...], midterm: str, final: str, wanted: str) -> None:
    derived = semester_average([Decimal(one) for one in regular], Decimal(midterm), Decimal(final), RULES[0])
    assert derived.value == Decimal(wanted)
    assert derived.article == RULES[0].articles["semester-average"]


def test_a_tie_is_rounded_up() -> None:
    tie = semester_average([Decimal("8"), Decimal("8"), Decimal("8.4")], Decimal("8"), Decimal("8"), RULES[0])
    # 64.4 / 8 = 8.05
    assert tie.steps[0].params["exact"] == "8.05"
    assert tie.value == Decimal("8.1")


@given(st.lists(MARKS, min_size=1, max_size=6), MARKS, MARKS, st.sampled_from(RULES))
def test_semester_averages_are_exact(regular: list[Decimal], midterm: Decimal, final: Decimal, rules: RuleSet) -> None:
    exact = (sum(map(Fraction, regular)) + 2 * Fraction(midterm) + 3 * Fraction(final)) / (len(regular) + 5)
    assert semester_average(regular, midterm, final, rules).value == tenths_half_up(Fraction(exact))


@given(MARKS, MARKS, st.sampled_from(RULES))
def test_year_marks_are_exact_and_never_tie(first: Decimal, second: Decimal, rules: RuleSet) -> None:
    exact = (Fraction(first) + 2 * Fraction(second)) / 3
    assert (exact * 20).denominator != 1 or (exact * 10).denominator == 1
    assert year_mark(first, second, rules).value == tenths_half_up(exact)


def test_the_public_example() -> None:
    derived = year_mark(Decimal("7.5"), Decimal("8.0"), RULES[0])
    assert derived.value == Decimal("7.8")
    assert derived.steps[0].params["exact"] == "7.833…"


@pytest.mark.parametrize(
    ("first", "second", "seen", "likeliest"),
    [
        ("7.4", "8.1", "7.8", "cut-off"),
        ("7", "9", "8", "plain-mean"),
        ("7", "9.1", "7.7", "weights-swapped"),
        ("7", "9.1", "9.1", "semester2-copied"),
        ("9.4", "8", "9.4", "semester1-copied"),
        ("8", "8.5", "8.4", "from-unrounded"),
    ],
)
def test_the_likely_mistake_is_named(first: str, second: str, seen: str, likeliest: str) -> None:
    assert year_mark_mistakes(Decimal(first), Decimal(second), Decimal(seen), RULES[0])[0] == likeliest


def test_no_mistake_is_made_up() -> None:
    assert year_mark_mistakes(Decimal(8), Decimal(8), Decimal("9.9"), RULES[0]) == ()


def test_the_mistake_that_explains_all_wrong_marks_is_the_one() -> None:
    mean = year_mark_mistakes(Decimal(7), Decimal(9), Decimal(8), RULES[0])
    assert common_mistake([("cut-off", "plain-mean"), mean]) == "plain-mean"
    assert common_mistake([("cut-off",), mean]) == ""


@given(MARKS)
def test_marks_are_shown_as_people_write_them(mark: Decimal) -> None:
    text = shown(mark)
    assert Decimal(text) == mark
    assert len(text) <= 3
    assert not text.endswith(".0")


TABLE = {  # domain.md §1.4: (semester I, semester II) -> year
    "TT": "T", "KT": "T", "ĐT": "K", "CT": "K",
    "TK": "K", "KK": "K", "ĐK": "K", "CK": "Đ",
    "TĐ": "K", "KĐ": "Đ", "ĐĐ": "Đ", "CĐ": "Đ",
    "TC": "C", "KC": "C", "ĐC": "C", "CC": "C",
}  # fmt: skip
LETTERS = dict(zip("TKĐC", Level, strict=True))


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: str(rules.id))
@pytest.mark.parametrize(("semesters", "year"), TABLE.items())
def test_conduct_by_the_sixteen_cases(semesters: str, year: str, rules: RuleSet) -> None:
    first, second = (LETTERS[one] for one in semesters)
    assert conduct_of_year(first, second, rules).value is LETTERS[year]


@given(st.sampled_from(Level), st.sampled_from(Level), st.integers(0, 300), st.sampled_from(RULES))
def test_promotion_needs_all_three(conduct: Level, learning: Level, absences: int, rules: RuleSet) -> None:
    wanted = Level.UNSATISFACTORY not in (conduct, learning) and absences <= 45
    derived = may_be_promoted(conduct, learning, Decimal(absences), rules)
    assert derived.value is wanted
    assert derived.steps[0].params["absences"] == str(absences)
