"""Rosters, component marks, live generation, impossible input, shrinking."""

from __future__ import annotations

import random
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.cases import (
    Case,
    Edit,
    PlanError,
    build_roster,
    generated,
    negative_inputs,
    parse,
    realise,
    shrink,
)
from conformance.cases.components import average, solve
from conformance.cases.generate import strategy
from conformance.finding import State
from conformance.pack import PackError, default_pack
from tests.cases.issued import PROGRAMMES, SCHOOL_YEAR, case, judge, roster_of

PACK = default_pack()


def test_a_roster_is_valid_and_every_reference_meets_somebody() -> None:
    data = roster_of(1).data
    components = PACK.test_interface["components"]
    jsonschema.Draft202012Validator({"$ref": "#/components/schemas/Roster", "components": components}).validate(data)
    people = {one["id"] for one in data["teachers"]}
    rooms = {one["id"] for one in data["classes"]}
    assert {one["homeroomTeacher"] for one in data["classes"]} <= people
    assert {one["leader"] for one in data["schools"]} <= people
    assert {one["school"] for one in data["classes"]} == {one["code"] for one in data["schools"]}
    assert all(one["class"] in rooms and set(one["teachers"]) <= people for one in data["assignments"])
    for name in PROGRAMMES:
        grades = {int(one["grade"]) for one in data["classes"] if one["programme"] == name}
        assert grades == set(PACK.programmes[name].grades)


def test_every_subject_of_a_programme_has_a_teacher_in_every_class() -> None:
    roster = roster_of(1)
    for room in roster.data["classes"]:
        for entry in PACK.codes["subjects"]:
            if room["programme"] in entry.data["programmes"]:
                assert roster.assigned(room["id"], entry.code), (room["id"], entry.code)


def test_only_the_schools_of_the_programmes_asked_for() -> None:
    roster = build_roster(PACK, ["THPT"], "7", SCHOOL_YEAR, seals=False)
    assert {one["programme"] for one in roster.data["classes"]} == {"THPT"}
    assert all("seal" not in school for school in roster.data["schools"])
    assert not [one for one in roster.signers() if one["role"] == "seal"]
    with pytest.raises(PackError, match="no school"):
        build_roster(PACK, ["THPT", "TIEU-HOC"], "7", SCHOOL_YEAR)


def test_signers_are_everybody_with_role_and_identity() -> None:
    roster = roster_of(1)
    signers = roster.signers()
    roles = {one["role"] for one in signers}
    assert roles == {"teacher", "leader", "seal"}
    assert len({one["id"] for one in signers}) == len(signers)
    for one in signers:
        assert one["schoolCode"]
        if one["role"] != "seal":
            assert ("nationalId" in one) != ("passport" in one)
        assert ("title" in one) == (one["role"] == "leader")


def test_the_roster_has_namesakes_with_identifiers_of_their_own() -> None:
    people = roster_of(1).data["teachers"]
    toan = next(one for one in people if one["id"] == "thcs/toan")
    homonym = next(one for one in people if one["id"] == "thcs/homonym")
    assert toan["name"] == homonym["name"]
    assert toan["nationalId"] != homonym["nationalId"]


@given(st.integers(0, 100), st.integers(2, 4), st.integers())
def test_component_marks_give_exactly_the_average_wanted(tenths: int, count: int, seed: int) -> None:
    rules = PACK.rules["tt22-2021"]
    wanted = Decimal(tenths) / 10
    regular, midterm, final = solve(wanted, count, rules, random.Random(seed))
    assert len(regular) == count
    assert average(regular, midterm, final, rules) == wanted
    for mark in (*regular, midterm, final):
        assert 0 <= mark <= 10
        assert mark * 10 == int(mark * 10)


def test_an_average_outside_the_scale_has_no_components() -> None:
    with pytest.raises(ValueError, match="outside"):
        solve(Decimal("10.1"), 2, PACK.rules["tt22-2021"], random.Random(1))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
@pytest.mark.parametrize("programme", PROGRAMMES)
def test_drawn_cases_are_valid_and_their_sound_document_breaks_nothing(programme: str, data: st.DataObject) -> None:
    edits = data.draw(strategy(PACK, programme, roster_of(1), 1))
    one = realise(generated(PACK, programme, edits), roster_of(1), 1, "components")
    components = PACK.test_interface["components"]
    jsonschema.Draft202012Validator({"$ref": "#/components/schemas/Case", "components": components}).validate(one.data)
    found = judge(one, PACK)
    must = {
        fact.code for fact in found.violations if fact.is_root and PACK.requirements[fact.requirement].level == "MUST"
    }
    assert must == set(), (one.recipe(), found.violations)
    assert not [fact for fact in found.observations if fact.state is State.BLOCKED]


@pytest.mark.parametrize("takes", ["components", "averages"])
def test_impossible_input_differs_in_the_place_named(takes: str) -> None:
    sound = case("thcs-plain", takes)  # type: ignore[arg-type]
    probes = negative_inputs(PACK, "THCS", sound)
    assert {name for name, _, _ in probes} >= {"mark-above-ten", "subject-unknown", "teacher-missing"}
    codes = {data["learner"]["code"] for _, data, _ in probes}
    assert len(codes | {sound.data["learner"]["code"]}) == len(probes) + 1
    for name, data, pointer in probes:
        value: object = data
        for part in pointer.removeprefix("/").split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]  # type: ignore[index]
        if name == "mark-above-ten":
            assert value == "10.5"
        if name == "teacher-missing":
            assert value == []
    assert len({pointer for _, _, pointer in probes}) >= 6


def names(one: Case) -> list[str]:
    return [edit.name for edit in one.edits]


def test_shrinking_leaves_only_what_the_failure_needs() -> None:
    one = case("thcs-completion").with_edits(
        [
            *case("thcs-completion").edits,
            Edit("absences", {"sessions": 46}),
            Edit("name", {"name": "Nhàn"}),
            Edit("birth", {"precision": "year"}),
        ]
    )
    calls = 0

    def fails(smaller: Case) -> bool:
        nonlocal calls
        calls += 1
        return smaller.data.get("absences") == 46 and bool(smaller.data.get("certificates"))

    smallest = shrink(one, fails, 50)
    assert sorted(names(smallest)) == ["absences", "certificates"]
    assert calls <= 50
    assert smallest.data["learner"]["code"] == one.data["learner"]["code"]


def test_shrinking_keeps_to_its_budget_and_never_loses_the_failure() -> None:
    one = case("thcs-reassessed-passes")
    calls = 0

    def fails(_: Case) -> bool:
        nonlocal calls
        calls += 1
        return False

    assert shrink(one, fails, 3) is one
    assert calls == 3
    assert shrink(one, fails, 0) is one


def test_shrinking_skips_edits_that_rest_on_one_another() -> None:
    one = case("thcs-other-language").with_edits(
        [*case("thcs-other-language").edits, Edit("comment", {"subject": "DTS", "text": "Tốt."})]
    )
    smallest = shrink(one, lambda smaller: any(s.get("comment") == "Tốt." for s in smaller.data["subjects"]), 30)
    assert names(smallest) == ["subjects", "comment"]


@pytest.mark.parametrize(
    "written",
    [
        42,
        {"grade": {"grade": 6}, "absences": {"sessions": 1}},
        {"grade": 6},
        "no-such-edit",
        {"grade": {"level": 6}},
        {"outcome": {"subjects": ["ZZZ"], "semester1": "passed"}},
        {"subjects": {"take": ["ZZZ"]}},
        {"band": {"band": "unheard-of"}},
        {"teachers": {"subject": "TOA", "posts": ["nobody"]}},
        {"grade": {"grade": 3}},
        {"no-result": {"semesters": [3]}},
        {"family": {"mother": "perhaps"}},
        {"birth": {"precision": "hour"}},
    ],
)
def test_a_case_written_wrongly_says_so(written: object) -> None:
    with pytest.raises(PlanError):
        realise(generated(PACK, "THCS", [parse(written)]), roster_of(1), 1, "averages")


def test_edits_survive_being_written_down() -> None:
    for name in ("thcs-plain", "thpt-few-scored", "thcs-markup-in-texts"):
        one = case(name)
        assert tuple(parse(edit) for edit in one.recipe()["edits"]) == one.edits
