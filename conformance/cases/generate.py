"""Live generation: Hypothesis draws short lists of edits around the pack's corpus."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from conformance.cases.case import base_plan, frozen_cases
from conformance.cases.components import plain, step_of
from conformance.cases.edits import Edit
from conformance.cases.people import People, case_data
from conformance.cases.plan import Plan, PlanError
from conformance.cases.roster import Roster
from conformance.pack import Pack, RuleSet

Edits = tuple[Edit, ...]
_LEVELS = ("good", "fair", "satisfactory", "unsatisfactory")
_OTHERS = " " * 20 + "0123456789bcdghklmnpqrstvx.,;:!?-()<>&\"'/%=+[]"
_GRADE_BOUND = frozenset({"history", "grade"})


def strategy(pack: Pack, programme: str, roster: Roster, seed: object) -> st.SearchStrategy[Edits]:
    """Edits on the programme's base that fit each other; shrinks towards the base.

    Academic edits are either those of a frozen case (whose decisions of people are lawful by construction) or freely
    drawn marks, results, conduct and absences; neutral edits are mixed in from the corpus, names and texts drawn.

    Args:
        pack: corpus, subjects and lists.
        programme: name of the programme.
        roster: the run's schools (the generated edits name posts there).
        seed: of the run; varies the names on offer.
    """
    cases = frozen_cases(pack, programme)
    frozen = [tuple(edit for edit in one.edits if edit.academic) for one in cases]
    posts = {one["id"].rpartition("/")[2] for one in roster.data["teachers"]}
    neutral = [
        edit
        for one in cases
        for edit in one.edits
        if not edit.academic and edit.name not in _GRADE_BOUND and set(edit.params.get("posts", ())) <= posts
    ]
    plan = base_plan(pack, programme)
    rules = pack.rules[pack.programmes[programme].rules]
    academic = st.one_of(
        st.just(()),
        st.sampled_from(frozen),
        _free(plan, rules, pack.programmes[programme].grades),
    )
    mixed: st.SearchStrategy[list[Edit]] = (
        st.lists(st.one_of(st.sampled_from(neutral), _persons(pack, seed), _texts(pack, plan)), max_size=4)
        if neutral
        else st.lists(st.one_of(_persons(pack, seed), _texts(pack, plan)), max_size=4)
    )

    def fit(drawn: tuple[Sequence[Edit], Sequence[Edit]]) -> Edits:
        return _fitting(base_plan(pack, programme), (*drawn[0], *drawn[1]))

    return st.tuples(academic, mixed).map(fit)


def _fitting(plan: Plan, edits: Sequence[Edit]) -> Edits:
    """The edits that can be made one after the other; of neutral ones of a kind, the first."""
    kept: list[Edit] = []
    seen: set[tuple[str, object]] = set()
    for edit in edits:
        key = (edit.name, edit.params.get("subject", edit.params.get("which", edit.params.get("role"))))
        if not edit.academic and key in seen:
            continue
        try:
            edit.apply(plan)
        except PlanError:
            continue
        seen.add(key)
        kept.append(edit)
    return tuple(kept)


def _free(plan: Plan, rules: RuleSet, grades: Sequence[int]) -> st.SearchStrategy[tuple[Edit, ...]]:
    marks = _marks(rules)
    scored = list(plan.scored())
    others = [code for code in plan.subjects if code not in scored]
    mark = st.builds(
        lambda subject, one, two: Edit("mark", {"subjects": [subject], "semester1": one, "semester2": two}),
        st.sampled_from(scored),
        marks,
        marks,
    )
    band = st.builds(lambda name: Edit("band", {"band": name}), st.sampled_from(sorted(plan.bands)))
    conduct = st.builds(
        lambda one, two: Edit("conduct", {"semester1": one, "semester2": two}),
        st.sampled_from(_LEVELS),
        st.sampled_from(_LEVELS),
    )
    limit = rules.promotion_absences
    absences = st.builds(
        lambda count: Edit("absences", {"sessions": count}),
        st.one_of(st.sampled_from([1, limit - 1, limit, limit + 1]), st.integers(1, 3 * limit)),
    )
    grade = st.builds(lambda number: Edit("grade", {"grade": number}), st.sampled_from(list(grades)))
    parts: list[st.SearchStrategy[Any]] = [
        st.lists(grade, max_size=1),
        st.lists(band, max_size=1),
        st.lists(mark, max_size=4, unique_by=lambda one: one.params["subjects"][0]),
        st.lists(conduct, max_size=1),
        st.lists(absences, max_size=1),
    ]
    if others and rules.comment_only:  # whether such results count is open where the rules know none
        outcome = st.builds(
            lambda subject, one, two: Edit("outcome", {"subjects": [subject], "semester1": one, "semester2": two}),
            st.sampled_from(others),
            st.sampled_from(["passed", "failed"]),
            st.sampled_from(["passed", "failed"]),
        )
        parts.insert(3, st.lists(outcome, max_size=2, unique_by=lambda one: one.params["subjects"][0]))
    return st.tuples(*parts).map(lambda groups: tuple(edit for group in groups for edit in group))


def _marks(rules: RuleSet) -> st.SearchStrategy[str]:
    """Marks, with the thresholds and their neighbours often among them."""
    corners = {rules.mark_minimum, rules.mark_maximum, rules.reassessment_below}
    corners |= {one for level in rules.thresholds for one in (level.every, level.counted)}
    corners |= {title.counted for title in rules.titles if title.counted is not None}
    step = step_of(rules)
    near = sorted(
        {
            plain(one)
            for corner in corners
            for one in (corner, corner - step)
            if rules.mark_minimum <= one <= rules.mark_maximum
        }
    )
    low, high = int(rules.mark_minimum / step), int(rules.mark_maximum / step)
    return st.one_of(st.sampled_from(near), st.integers(low, high).map(lambda steps: plain(Decimal(steps) * step)))


def _persons(pack: Pack, seed: object) -> st.SearchStrategy[Edit]:
    people = People(pack)

    def name(number: int) -> Edit:
        draw = random.Random(f"{seed}:name:{number}")  # noqa: S311  # synthetic data, repeatable on purpose
        gender = people.gender(draw)
        return Edit("name", {"name": people.name(draw, gender), "gender": gender})

    return st.integers(0, 10_000).map(name)


def _texts(pack: Pack, plan: Plan) -> st.SearchStrategy[Edit]:
    letters = st.sampled_from(case_data(pack, "people")["letters"].replace(" ", "") + _OTHERS)

    def tidy(text: str) -> str:
        return " ".join(unicodedata.normalize("NFC", text).split())

    text = st.text(letters, min_size=1, max_size=200).map(tidy).filter(bool)
    comment = st.builds(
        lambda subject, said: Edit("comment", {"subject": subject, "text": said}),
        st.sampled_from(list(plan.subjects)),
        text,
    )
    return st.one_of(comment, text.map(lambda said: Edit("homeroom-comment", {"text": said})))
