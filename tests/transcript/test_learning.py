"""Learning levels: the article read literally and slowly as the second opinion; corners of the adjustment."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.pack import RuleSet, default_pack
from conformance.transcript.learning import Entry, Reading, likely_mistake, rate
from conformance.transcript.model import Level, Outcome, Result

TT22, TT43 = (default_pack().rules[name] for name in ("tt22-2021", "tt43-2021"))
GOOD, FAIR, SATISFACTORY, UNSATISFACTORY = Level
CORNERS = ("0", "3.4", "3.5", "4.9", "5", "6.4", "6.5", "7.9", "8", "8.9", "9", "10")
RESULTS = st.one_of(
    st.sampled_from(CORNERS).map(Decimal), st.sampled_from([Outcome.PASSED, Outcome.FAILED, Outcome.EXEMPT])
)


def entries(marks: str, comments: str = "", optional: str = "") -> list[Entry]:
    """``"8 8 6.5"``; comment-only results as ``P`` passed, ``F`` failed, ``M`` exempt."""
    words = {"P": Outcome.PASSED, "F": Outcome.FAILED, "M": Outcome.EXEMPT}
    found = [Entry(f"m{at}", words.get(one) or Decimal(one)) for at, one in enumerate(marks.split())]
    found += [Entry(f"c{at}", words[one]) for at, one in enumerate(comments)]
    return found + [Entry(f"o{at}", Decimal(one), optional=True) for at, one in enumerate(optional.split())]


def literal(results: Sequence[Result], need: int) -> Level:
    """Art. 9 k.2, word by word."""
    marks = [one for one in results if isinstance(one, Decimal)]
    failed = len([one for one in results if one is Outcome.FAILED])

    def at_least(limit: str) -> int:
        return len([mark for mark in marks if mark >= Decimal(limit)])

    everyone = len(marks)
    if failed == 0 and at_least("6.5") == everyone and at_least("8.0") >= need:
        return GOOD
    if failed == 0 and at_least("5.0") == everyone and at_least("6.5") >= need:
        return FAIR
    if failed <= (1 if need == 6 else 0) and at_least("5.0") >= need and at_least("3.5") == everyone:
        return SATISFACTORY
    return UNSATISFACTORY


def adjusted(results: Sequence[Result], need: int, *, remove: bool) -> Level:
    """Art. 9 k.3, word by word: would one subject's absence (or passing) give Tốt or Khá, two levels or more up?"""
    order = [UNSATISFACTORY, SATISFACTORY, FAIR, GOOD]
    level = literal(results, need)
    for at, one in enumerate(results):
        rest = [other for place, other in enumerate(results) if place != at]
        if not remove:
            rest.append(Decimal(10) if isinstance(one, Decimal) else Outcome.PASSED)
        would = literal(rest, need)
        if would in (GOOD, FAIR) and order.index(would) - order.index(level) >= 2:
            return order[order.index(level) + 1]
    return level


@given(st.lists(RESULTS, max_size=14), st.sampled_from([(TT22, 6), (TT43, 5)]))
def test_thresholds_and_adjustment_as_the_article_says(results: list[Result], case: tuple[RuleSet, int]) -> None:
    rules, need = case
    counted = [one for one in results if one is not Outcome.EXEMPT]
    rating = rate([Entry(str(at), one) for at, one in enumerate(results)], rules)
    assert rating.base is literal(counted, need)
    assert rating.by_reading[Reading()] is adjusted(counted, need, remove=False)
    assert rating.by_reading[Reading(replace=False)] is adjusted(counted, need, remove=True)


@given(st.lists(RESULTS, min_size=1, max_size=12), st.data())
def test_a_better_mark_never_lowers_the_level_by_the_thresholds(results: list[Result], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(results) - 1))
    better = results[at] if not isinstance(results[at], Decimal) else Decimal(10)
    before = rate([Entry(str(n), one) for n, one in enumerate(results)], TT22).base
    after = rate([Entry(str(n), better if n == at else one) for n, one in enumerate(results)], TT22).base
    assert after.rank >= before.rank


@given(st.lists(RESULTS, min_size=1, max_size=10), st.lists(st.sampled_from(CORNERS).map(Decimal), max_size=2))
def test_differences_say_the_same_as_all_readings(results: list[Result], optional: list[Decimal]) -> None:
    rows = [Entry(str(at), one) for at, one in enumerate(results)]
    rows += [Entry(f"o{at}", one, optional=True) for at, one in enumerate(optional)]
    rating = rate(rows, TT22, again=True)
    assert set(rating.differences.values()) == set(rating.levels)
    for reading, level in rating.by_reading.items():
        named = [one for parts, one in rating.differences.items() if set(parts) <= set(reading.parts)]
        assert named == [level]
    assert (rating.certain is None) == (len(rating.differences) > 1)


@pytest.mark.parametrize(
    ("rows", "level", "raised"),
    [
        (entries("8 8 8 8 8 8 6.5 6.5", "PPPP"), GOOD, False),
        (entries("8 8 8 8 8 7.9 6.5 6.5", "PPPP"), FAIR, False),
        (entries("8 8 8 8 8 8 8 6.4", "PPPP"), FAIR, False),
        (entries("6.5 6.5 6.5 6.5 6.5 6.5 5 5", "PPPP"), FAIR, False),
        (entries("5 5 5 5 5 5 3.5 4.9", "PPPF"), SATISFACTORY, False),
        (entries("5 5 5 5 5 5 3.5 4.9", "PPFF"), UNSATISFACTORY, False),
        (entries("5 5 5 5 5 5 5 3.4", "PPPP"), UNSATISFACTORY, False),
        # would be Tốt, pulled to Đạt by one subject: one step up only
        (entries("8 8 8 8 8 8 8 4.9", "PPPP"), FAIR, True),
        (entries("8 8 8 8 8 8 8 3.5", "PPPP"), FAIR, True),
        # would be Tốt, or Khá, pulled to Chưa đạt: Đạt
        (entries("8 8 8 8 8 8 8 3.4", "PPPP"), SATISFACTORY, True),
        (entries("7 7 7 7 7 7 7 3.4", "PPPP"), SATISFACTORY, True),
        # would be Khá, pulled to Đạt: one level, no rise
        (entries("7 7 7 7 7 7 7 4.9", "PPPP"), SATISFACTORY, False),
        # two subjects pull: no rise
        (entries("8 8 8 8 8 8 3 3", "PPPP"), UNSATISFACTORY, False),
        # exempt subjects count for nothing
        (entries("8 8 8 8 8 8 M 6.5", "MPPP"), GOOD, False),
    ],
)
def test_corners_on_which_the_readings_agree(rows: list[Entry], level: Level, raised: bool) -> None:
    rating = rate(rows, TT22)
    assert (rating.certain, rating.raised) == (level, raised)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        # domain.md: five at 8.0, one at 4.0, the rest from 6.5: base Đạt; replaced Khá, removed Đạt
        (entries("8 8 8 8 8 4 7 7", "PPPP"), {("replace",): FAIR, ("remove",): SATISFACTORY}),
        # a failed comment-only subject
        (entries("8 8 8 8 8 8 8 8", "PPPF"), {("comments",): FAIR, ("scored-only",): SATISFACTORY}),
        # a weak optional subject
        (entries("8 8 8 8 8 8 8", "PP", "6"), {("optional",): FAIR, ("without-optional",): GOOD}),
        # five scored subjects left after exemption
        (entries("8 8 8 8 8 M", "PP"), {("full-count",): UNSATISFACTORY, ("reduced",): GOOD}),
    ],
)
def test_readings_that_differ_are_told_by_what_matters(rows: list[Entry], wanted: dict[tuple[str], Level]) -> None:
    rating = rate(rows, TT22)
    assert rating.certain is None
    assert rating.differences == wanted


def test_after_re_assessment_the_adjustment_itself_is_open() -> None:
    rows = entries("8 8 8 8 8 8 8 4.9", "PPPP")
    assert rate(rows, TT22).certain is FAIR
    assert rate(rows, TT22, again=True).differences == {("adjusted",): FAIR, ("unadjusted",): SATISFACTORY}


def test_continuing_education_counts_five() -> None:
    assert rate(entries("8 8 8 8 8"), TT43).certain is GOOD
    assert rate(entries("8 8 8 8 7.9"), TT43).certain is FAIR
    assert rate(entries("5 5 5 5 4.9"), TT43).certain is UNSATISFACTORY


@pytest.mark.parametrize(
    ("rows", "seen", "cause"),
    [
        (entries("8 8 8 8 8 8 8 8", "PPFF"), GOOD, "comments-ignored"),
        (entries("7 7 7 7 7 7 7 7"), GOOD, "count-ignored"),
        (entries("8 8 8 8 8 8 7 7"), FAIR, "limit-excluded"),
        (entries("8 8 8 8 8 8 8 6.4"), GOOD, "raised-without-ground"),
        (entries("6 6 6 6 6 6 6 6"), GOOD, ""),
    ],
)
def test_the_likely_mistake_is_named(rows: list[Entry], seen: Level, cause: str) -> None:
    assert likely_mistake(rows, seen, TT22) == cause


def test_a_rating_says_from_what_it_follows() -> None:
    (step, rise) = rate(entries("8 8 8 8 8 8 8 4.9", "PPP"), TT22).steps
    assert step.params["lowest"] == "4.9"
    assert step.params["subject"] == "m7"
    assert step.params["counts"] == "≥ 8: 7, ≥ 6.5: 7, ≥ 5: 7"
    assert step.params["level"] == "{level.satisfactory}"
    assert rise.params["article"] == TT22.articles["adjustment"]
    texts = default_pack().texts
    assert {step.key, rise.key} <= set(texts)
