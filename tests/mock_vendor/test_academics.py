"""The vendor's own formulas against worked values of the public rules."""

from __future__ import annotations

from decimal import Decimal

import pytest

from conformance.pack import Pack, RuleSet
from mock_vendor.academics import Academics, Result


@pytest.fixture
def rules(pack: Pack) -> RuleSet:
    return pack.rules["tt22-2021"]


def marks(*values: str) -> list[Result]:
    return [Decimal(one) if one[0].isdigit() else one for one in values]


@pytest.mark.parametrize(
    ("regular", "midterm", "final", "average"),
    [
        (["8", "9"], "7", "8", "7.9"),
        (["8", "8", "8", "8"], "8", "8", "8.0"),
        (["7.2", "7.2", "7.4"], "7.0", "7.4", "7.3"),
        (["0", "0"], "0", "0", "0.0"),
    ],
)
def test_semester_average(regular: list[str], midterm: str, final: str, average: str, rules: RuleSet) -> None:
    components = {"regular": regular, "midterm": midterm, "final": final}
    assert Academics().semester_average(components, rules) == Decimal(average)


@pytest.mark.parametrize(
    ("first", "second", "year"), [("7.5", "8.0", "7.8"), ("7.9", "8.0", "8.0"), ("10", "10", "10"), ("0", "8.4", "5.6")]
)
def test_year_mark(first: str, second: str, year: str, rules: RuleSet) -> None:
    assert Academics().year_mark(Decimal(first), Decimal(second), rules) == Decimal(year)


def test_year_mark_needs_both_semesters(rules: RuleSet) -> None:
    sound = Academics()
    assert sound.year_result("marks", None, Decimal(8), rules) is None
    assert sound.year_result("marks", "exempt", "exempt", rules) == "exempt"
    assert sound.year_result("comment", "failed", "passed", rules) == "passed"


PASSED = ["passed"] * 4


@pytest.mark.parametrize(
    ("results", "level"),
    [
        (["8.0"] * 6 + ["6.5", "6.5", *PASSED], "good"),
        (["8.0"] * 5 + ["7.9", "6.5", "6.5", *PASSED], "fair"),
        (["8.0"] * 6 + ["6.4", "6.5", *PASSED], "fair"),
        (["6.5"] * 6 + ["5.0", "5.0", *PASSED], "fair"),
        (["6.5"] * 7 + ["4.9", *PASSED], "satisfactory"),
        (["5.0"] * 6 + ["3.5", "4.9", *PASSED], "satisfactory"),
        (["5.0"] * 5 + ["4.9", "4.9", "4.9", *PASSED], "unsatisfactory"),
        (["5.0"] * 6 + ["3.5", "4.9", "passed", "passed", "passed", "failed"], "satisfactory"),
        (["5.0"] * 6 + ["3.5", "4.9", "passed", "passed", "failed", "failed"], "unsatisfactory"),
    ],
)
def test_level_by_thresholds(results: list[str], level: str, rules: RuleSet) -> None:
    assert Academics().learning(marks(*results), rules) == level


@pytest.mark.parametrize(
    ("results", "level"),
    [
        (["8.0"] * 7 + ["4.9", *PASSED], "fair"),
        (["8.0"] * 7 + ["3.4", *PASSED], "satisfactory"),
        (["6.5"] * 7 + ["3.4", *PASSED], "satisfactory"),
        (["8.0"] * 6 + ["4.9", "4.9", *PASSED], "satisfactory"),
        (["8.0"] * 8 + ["passed", "passed", "passed", "failed"], "fair"),
        # five others reach 8.0: raised because replaced, and not removed, the one subject makes the sixth
        (["8.0"] * 5 + ["4.0", "7.0", "7.0", *PASSED], "fair"),
    ],
)
def test_level_raised_by_one_step(results: list[str], level: str, rules: RuleSet) -> None:
    assert Academics().learning(marks(*results), rules) == level


def test_no_level_while_a_result_is_missing(rules: RuleSet) -> None:
    assert Academics().learning([Decimal(8), None], rules) is None


def test_conduct_of_the_year(rules: RuleSet) -> None:
    expected = {
        ("good", "good"): "good", ("fair", "good"): "good", ("satisfactory", "good"): "fair",
        ("unsatisfactory", "good"): "fair", ("good", "fair"): "fair", ("unsatisfactory", "fair"): "satisfactory",
        ("good", "satisfactory"): "fair", ("fair", "satisfactory"): "satisfactory",
        ("good", "unsatisfactory"): "unsatisfactory", ("unsatisfactory", "unsatisfactory"): "unsatisfactory",
    }  # fmt: skip
    assert {pair: Academics().conduct_year(*pair, rules) for pair in expected} == expected


@pytest.mark.parametrize(
    ("conduct", "learning", "absences", "promoted"),
    [
        ("satisfactory", "satisfactory", 45, True),
        ("good", "good", 46, False),
        ("unsatisfactory", "good", 0, False),
        ("good", "unsatisfactory", 0, False),
    ],
)
def test_promotion(conduct: str, learning: str, absences: int, promoted: bool, rules: RuleSet) -> None:
    assert Academics().promoted(conduct, learning, absences, rules) is promoted


def test_titles(pack: Pack) -> None:
    from datetime import date

    rules, day, sound = pack.rules["tt22-2021"], date(2026, 3, 2), Academics()
    best, second = rules.titles[0].title, rules.titles[1].title
    assert sound.title("good", "good", marks(*["9.0"] * 6, "6.5"), rules, day) == best
    assert sound.title("good", "good", marks(*["9.0"] * 5, "8.9", "6.5"), rules, day) == second
    assert sound.title("fair", "good", marks(*["9.0"] * 8), rules, day) is None


def test_continuing_education_counts_five(pack: Pack) -> None:
    rules = pack.rules["tt43-2021"]
    assert Academics().learning(marks(*["8.0"] * 5, "6.5"), rules) == "good"
    assert Academics().learning(marks(*["8.0"] * 4, "7.9", "6.5"), rules) == "fair"
