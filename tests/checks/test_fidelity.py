"""PL1-ND-001 … 003: each way to lose, change or invent what was entered, beside the sound twin."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from conformance.finding import Recorder
from conformance.pack import Pack, default_pack
from tests.cases.issued import case, compare, contents, realised

Values = dict[str, Any]
Change = Callable[[Values], object]
RICH = "thcs-completion"


@pytest.fixture(scope="session")
def pack() -> Pack:
    return default_pack()


def changed(name: str, change: Change, pack: Pack, takes: str = "averages") -> Recorder:
    one = case(name, takes)  # type: ignore[arg-type]
    values = contents(one, pack)
    assert compare(one, values, pack).violations == []
    values = copy.deepcopy(values)
    change(values)
    return compare(one, values, pack)


def subject(values: Values, code: str) -> Values:
    found: Values = next(one for one in values["subjects"] if one["code"] == code)
    return found


def put(*path: Any, to: Any) -> Change:
    def change(values: Values) -> None:
        inside: Any = values
        for part in path[:-1]:
            inside = inside[part]
        inside[path[-1]] = to

    return change


def on(code: str, name: str, to: Any) -> Change:
    return lambda values: subject(values, code).__setitem__(name, to)


def swap_semesters(values: Values) -> None:
    one = subject(values, "TOA")
    one["semester1"], one["semester2"] = one["semester2"], one["semester1"]


STANDS: list[tuple[str, str, Change, str]] = [
    ("name", RICH, put("learner", "name", to="Nguyễn Văn Khác"), "name-differs"),
    ("name without diacritics", "thcs-every-diacritic", put("learner", "name", to="Dang Nguyen"), "name-differs"),
    ("birth date", RICH, put("learner", "birth_date", to="2011-02-03"), "birth-date-differs"),
    ("birth date completed", "thcs-conduct-fair-satisfactory", put("learner", "birth_date", to="2012-01-01"),
     "birth-date-differs"),
    ("learner code", RICH, put("learner", "code", to="9900000001"), "identifier-differs"),
    ("identifier lost", RICH, put("learner", "national_id", to=None), "value-missing"),
    ("gender", RICH, put("profile", "gender", to="0"), "profile-differs"),
    ("ethnicity", RICH, put("profile", "ethnicity", to="02"), "profile-differs"),
    ("plan forgotten", "thcs-individual-plan", put("profile", "individual_plan", to="0"), "profile-differs"),
    ("plan left out", "thcs-individual-plan", put("profile", "individual_plan", to=None), "profile-differs"),
    ("birthplace", RICH, put("profile", "birthplace", "detail", to="nơi khác"), "place-differs"),
    ("father's occupation", RICH, put("profile", "father", "occupation", to="vua"), "relative-differs"),
    ("mother lost", RICH, put("profile", "mother", to=None), "value-missing"),
    ("school name", RICH, put("school", "name", to="Trường khác"), "school-differs"),
    ("school code", RICH, put("record", "school_code", to="99000000"), "school-differs"),
    ("class", RICH, put("class_name", to="9Z"), "class-differs"),
    ("grade", RICH, put("record", "grade", to="08"), "class-differs"),
    ("year", RICH, put("record", "school_year", to="2024-2025"), "class-differs"),
    ("leader", RICH, put("issue", "leader", "name", to="Lê Văn Khác"), "leader-differs"),
    ("title of the leader", RICH, put("issue", "leader", "title", to="Phó Hiệu trưởng"), "leader-differs"),
    ("place of issue", RICH, put("issue", "place", to="Huế"), "school-differs"),
    ("register number", RICH, put("issue", "register_number", to="1"), "decision-differs"),
    ("history lost", RICH, lambda values: values["history"].pop(0), "history-missing"),
    ("history school", RICH, put("history", 0, "school_name", to="Trường khác"), "history-differs"),
    ("transfer date", "thcs-transferred", lambda values: [one.update(transferred_on="2025-09-05")
     for one in values["history"] if one["transferred_on"]], "history-differs"),
    ("subject lost", RICH, lambda values: values["subjects"].pop(3), "subject-missing"),
    ("mark", RICH, on("TOA", "semester1", "0"), "mark-differs"),
    ("mark lost", RICH, on("TOA", "semester1", None), "mark-missing"),
    ("outcome", RICH, on("GTC", "semester2", "CĐ"), "mark-differs"),
    ("exemption lost", "thcs-exempt-year", on("ANH", "semester1", "10"), "mark-differs"),
    ("comment", RICH, on("TOA", "comment", "Giỏi."), "comment-differs"),
    ("comment lost", RICH, on("TOA", "comment", None), "value-missing"),
    ("comment shortened", "thcs-long-name-guardian",
     lambda values: values["summary"].update(homeroom_comment=values["summary"]["homeroom_comment"][:255]),
     "comment-differs"),
    ("comment's spaces", RICH,
     lambda values: subject(values, "TOA").update(comment=subject(values, "TOA")["comment"].replace(" ", "  ")),
     "spacing-changed"),
    ("entities read twice", "thcs-markup-in-texts",
     lambda values: values["summary"].update(
         homeroom_comment=values["summary"]["homeroom_comment"].replace("&amp;", "&")), "comment-differs"),
    ("teacher", RICH, lambda values: subject(values, "TOA")["teachers"][0].update(name="Ai Đó"), "teacher-differs"),
    ("namesake", RICH, lambda values: subject(values, "TOA")["teachers"][0].update(national_id="001080990999"),
     "teacher-differs"),
    ("one of the teachers", "thcs-shared-subjects", lambda values: subject(values, "KTN")["teachers"].pop(),
     "teacher-missing"),
    ("homeroom teacher", RICH, put("summary", "homeroom_teacher", "name", to="Ai Đó"), "homeroom-teacher-differs"),
    ("conduct", "thcs-conduct-unsatisfactory-fair", put("summary", "conduct", "semester1", to="T"),
     "conduct-differs"),
    ("conduct after summer", "thcs-conduct-fair-unsatisfactory", put("summary", "conduct", "after_summer", to=None),
     "conduct-differs"),
    ("absences left out", "thcs-absences-45", put("summary", "absences", to=None), "absences-dropped"),
    ("absences zero", "thcs-absences-45", put("summary", "absences", to="0"), "absences-dropped"),
    ("absences", "thcs-absences-45", put("summary", "absences", to="44"), "absences-differ"),
    ("awards", RICH, put("summary", "awards", to="Huân chương"), "decision-differs"),
    ("certificate lost", RICH, lambda values: values["summary"]["certificates"].pop(), "value-missing"),
    ("certificate", RICH, put("summary", "certificates", 0, "kind", to="khác"), "decision-differs"),
    ("title against the decision", "thcs-title-withheld", put("summary", "title", to="Học sinh Xuất sắc"),
     "title-given"),
    ("re-assessment", "thcs-reassessed-passes", on("TOA", "reassessed", "9"), "reassessment-differs"),
    ("re-assessment lost", "thcs-reassessed-passes", on("TOA", "reassessed", None), "reassessment-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "cause"), [row[1:] for row in STANDS], ids=[row[0] for row in STANDS])
def test_what_was_entered_and_does_not_stand(name: str, change: Change, cause: str, pack: Pack) -> None:
    found = changed(name, change, pack)
    assert found.roots() == {f"PL1-ND-001.{cause}"}
    for fact in found.violations:
        assert fact.place is not None
        assert fact.place.xpath.startswith("/HocBa/")
        wording = pack.requirements[fact.requirement].causes[fact.cause]
        for language in ("vi", "en"):
            assert wording.of(language).format(expected=fact.expected, seen=fact.seen, **fact.params)


ADDED: list[tuple[str, str, Change, str]] = [
    ("guardian", RICH, put("profile", "guardian", to={"name": "Ai Đó"}), "value-added"),
    ("policy category", RICH, put("profile", "policy_category", to="Không"), "value-added"),
    ("competitions", "thcs-plain", put("summary", "competitions", to="Không"), "value-added"),
    ("register number", "thcs-plain", put("issue", "register_number", to="17"), "value-added"),
    ("district", RICH, put("school", "district_name", to="Quận 1"), "value-added"),
    ("conduct after summer", "thcs-plain", put("summary", "conduct", "after_summer", to="T"), "value-added"),
    ("certificate", "thcs-plain", put("summary", "certificates", to=[{"name": "A", "kind": "B"}]), "value-added"),
    ("comment", "thcs-one-word-name", on("TOA", "comment", "Không"), "value-added"),
    ("semester", "thcs-missing-semester", on("TIN", "semester1", "7"), "mark-invented"),
    ("re-assessment", "thcs-plain", on("TIN", "reassessed", "7"), "reassessment-invented"),
    ("history", "thcs-level-good", lambda values: values["history"].append(
        {"school_year": "2023-2024", "class_name": "5A", "school_name": "Trường A", "province_name": "Hà Nội"}),
     "history-added"),
    ("teacher", RICH, lambda values: subject(values, "TOA")["teachers"].append(
        {"name": "Ai Đó", "national_id": "001080990999"}), "teacher-added"),
    ("subject", RICH, lambda values: values["subjects"].append(
        {**copy.deepcopy(subject(values, "TOA")), "code": "NN2", "name": "Ngoại ngữ 2"}), "subject-added"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "cause"), [row[1:] for row in ADDED], ids=[row[0] for row in ADDED])
def test_what_nobody_entered_does_not_appear(name: str, change: Change, cause: str, pack: Pack) -> None:
    found = changed(name, change, pack)
    assert found.roots() == {f"PL1-ND-002.{cause}"}
    for fact in found.violations:
        wording = pack.requirements[fact.requirement].causes[fact.cause]
        assert wording.vi.format(expected=fact.expected, seen=fact.seen, **fact.params)


SAME: list[tuple[str, str, Change]] = [
    ("another spelling of a mark", RICH, lambda values: [
        one.update(semester1=f"{float(one['semester1']):.1f}") for one in values["subjects"]
        if one["semester1"][:1].isdigit()]),
    ("letters not composed", "thcs-every-diacritic",
     lambda values: values["learner"].update(name=unicodedata.normalize("NFD", values["learner"]["name"]))),
    ("eth for crossed D", "thcs-every-diacritic",
     lambda values: values["learner"].update(name=values["learner"]["name"].replace("Đ", "Ð"))),
    ("unreadable mark", RICH, on("TOA", "semester1", "8,5")),
    ("other encoding of levels", RICH, put("summary", "conduct", "semester1", to="1")),
    ("another accepted name of a subject", RICH, on("LSD", "name", "Lịch sử và Địa lý")),
    ("year mark", RICH, on("TOA", "year", "1")),
    ("title", RICH, put("summary", "title", to=None)),
    ("teachers in another order", "thcs-shared-subjects", lambda values: subject(values, "KTN")["teachers"].reverse()),
    ("no absences written as 0", "thcs-plain", put("summary", "absences", to="0")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_what_other_requirements_judge_is_not_judged_twice(name: str, change: Change, pack: Pack) -> None:
    assert changed(name, change, pack).violations == []


def test_somebody_elses_transcript_is_one_mistake(pack: Pack) -> None:
    other = contents(case("thcs-foreign-learner"), pack)

    def change(values: Values) -> None:
        values["learner"] = other["learner"]
        values["profile"] = other["profile"]

    assert changed("thcs-plain", change, pack).roots() == {"PL1-ND-001.other-learner"}


def test_what_was_left_out_is_missed_where_it_belongs(pack: Pack) -> None:
    (fact,) = changed(
        "thcs-conduct-fair-unsatisfactory", put("summary", "conduct", "after_summer", to=None), pack
    ).violations
    assert fact.place is not None
    assert fact.place.xpath == "/HocBa/NoiDung/TongKet/KetQuaRenLuyen"


def test_another_person_is_told_as_the_document_has_him(pack: Pack) -> None:
    teacher = ("summary", "homeroom_teacher", "name")
    (fact,) = changed("thcs-plain", put(*teacher, to="Lê Thử Khác"), pack).violations
    assert fact.seen.startswith("Lê Thử Khác (0")


def test_swapped_semesters_are_recognised(pack: Pack) -> None:
    assert changed("thcs-semesters-apart", swap_semesters, pack).roots() == {"PL1-ND-001.semesters-swapped"}


@pytest.mark.parametrize("takes", ["averages", "components"])
def test_marks_of_another_learner_are_recognised(takes: str, pack: Pack) -> None:
    cases = realised("THCS", 1, takes)
    one = next(each for each in cases if each.id == "thcs-plain")
    other = next(each for each in cases if each.id == "thcs-absences-46")
    values, theirs = contents(one, pack), contents(other, pack)
    for subject_, foreign in zip(values["subjects"], theirs["subjects"], strict=True):
        for name in ("semester1", "semester2", "year"):
            subject_[name] = foreign[name]
    found = compare(one, values, pack, tuple(each.data for each in cases))
    assert found.roots() == {"PL1-ND-001.marks-of-another-learner"}
    assert other.data["learner"]["code"] in found.violations[0].params["other"]
    assert "PL1-ND-001.marks-of-another-learner" not in compare(one, values, pack).roots()


AVERAGES = [
    ("thcs-component-tie", "CNG", "semester1", "7.2", "tie-to-even"),  # cut off, others would be wrong too
    ("thcs-component-tie", "CNG", "semester1", "7.25", "not-rounded"),
    ("thcs-component-tie", "CNG", "semester1", "7", "whole-marks"),
    ("thcs-component-spread", "TOA", "semester1", "7.3", "cut-off"),
    ("thcs-component-spread", "TOA", "semester1", "6.9", "plain-mean"),
    ("thcs-component-spread", "GCD", "semester2", "7.7", "weights-swapped"),
    ("thcs-component-spread", "TOA", "semester1", "5.6", "average-differs"),
]


@pytest.mark.parametrize(("name", "code", "semester", "seen", "cause"), AVERAGES)
def test_miscalculated_averages_are_told_apart(
    name: str, code: str, semester: str, seen: str, cause: str, pack: Pack
) -> None:
    found = changed(name, on(code, semester, seen), pack, "components")
    assert found.roots() == {f"PL1-ND-003.{cause}"}
    (fact,) = found.violations
    assert fact.derivation
    assert all(step.key in pack.texts for step in fact.derivation)


def test_a_miscalculation_that_fits_some_averages_only_fits_them_by_chance(pack: Pack) -> None:
    def both(values: Any) -> None:
        on("GCD", "semester2", "7.7")(values)
        on("TOA", "semester1", "5.6")(values)

    assert changed("thcs-component-spread", both, pack, "components").roots() == {"PL1-ND-003.average-differs"}


def test_a_mark_no_calculation_can_give_was_not_calculated(pack: Pack) -> None:
    found = changed("thcs-component-tie", on("CNG", "semester1", "9.5"), pack, "components")
    assert found.roots() == {"PL1-ND-001.mark-differs"}


def test_held_classes_are_those_that_were_there(pack: Pack) -> None:
    plain, rich = case("thcs-level-good", "components"), case(RICH, "averages")
    held = compare(plain, contents(plain, pack), pack).held_counts
    assert held["PL1-ND-001", "marks"] == 1
    assert held["PL1-ND-001", "absences"] == held["PL1-ND-001", "history"] == held["PL1-ND-001", "decisions"] == 0
    assert held["PL1-ND-003", "components"] == 16
    held = compare(rich, contents(rich, pack), pack).held_counts
    assert held["PL1-ND-001", "decisions"] == held["PL1-ND-001", "history"] == 1
    assert held["PL1-ND-003", "components"] == 0
    assert held["PL1-ND-002", "checked"] == 1


def test_the_softwares_own_subject_codes_are_translated(pack: Pack) -> None:
    from conformance.checks.context import Context
    from conformance.checks.fidelity import check_fidelity
    from tests.builders import NOW
    from tests.cases.issued import document

    one = case("thcs-plain")
    values = contents(one, pack)
    subject(values, "TOA")["code"] = "T01"
    found = Recorder()
    context = Context(pack, None, NOW, door="drive", subject_map={"T01": "TOA"})
    check_fidelity(one.data, one.roster.data, document(values, pack), context, found)
    assert found.violations == []
    # without the mapping it is known by its name, and its code is PL1-MA-003's to report
    assert compare(one, values, pack).roots() == set()
    subject(values, "T01")["name"] = "Toán nâng cao"
    assert compare(one, values, pack).roots() == {"PL1-ND-001.subject-missing", "PL1-ND-002.subject-added"}
