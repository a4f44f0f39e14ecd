"""One mistake, one root: what merely follows from a wrong result is a consequence; open points are never failed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.checks.codes import check as check_codes
from conformance.checks.context import Context
from conformance.checks.levels import check as check_levels
from conformance.checks.subjects import check as check_subjects
from conformance.finding import Recorder, State
from conformance.pack import default_pack
from tests.builders import NOW, document_of, subject, valid_values

PERIODS = ("semester1", "semester2", "year")


def observed(values: dict[str, Any], *, codes: bool = False, mapping: dict[str, str] | None = None) -> Recorder:
    context = Context(default_pack(), None, NOW, subject_map=mapping or {})
    found = Recorder()
    document = document_of(values)
    if codes:
        check_codes(document, context, found)
    check_subjects(document, context, found)
    check_levels(document, context, found)
    return found


def every(values: dict[str, Any], mark: str, *periods: str) -> object:
    for one in values["subjects"]:
        if one["scoring"] == "DIEM":
            one.update(dict.fromkeys(periods or PERIODS, mark))
    return values


def test_a_level_that_fits_the_right_year_mark_is_no_second_mistake() -> None:
    values = valid_values()
    every(values, "8")
    for code in ("NVA", "TOA", "ANH"):
        # 8.0 by the rule; 7.9 would leave five subjects at 8.0
        subject(values, code).update(semester1="7.9", semester2="8", year="7.9")
    values["summary"]["learning"]["semester1"] = "K"
    values["summary"].update(title="Học sinh Giỏi")
    found = observed(values)
    assert found.roots() == {"PL1-MON-008.cut-off"}
    followed = {one.requirement: one.consequence_of for one in found.violations if not one.is_root}
    assert followed == {"PL1-HT-001": "PL1-MON-008.cut-off"}


def test_what_follows_from_a_wrong_level_is_not_a_second_mistake() -> None:
    values = valid_values()
    every(values, "6")
    values["summary"]["learning"] = {"semester1": "Đ", "semester2": "Đ", "year": "CĐ"}
    values["summary"].pop("title")
    found = observed(values)
    assert found.roots() == {"PL1-HT-001.too-low"}
    assert {one.code for one in found.violations if not one.is_root} == {"PL1-LL-001.promoted-learning"}


def test_a_title_earned_by_the_right_conduct_is_not_a_second_mistake() -> None:
    values = valid_values()
    values["summary"]["conduct"] = {"semester1": "K", "semester2": "T", "year": "K"}
    found = observed(values)
    assert found.root_requirements() == {"PL1-RL-001"}
    assert {one.requirement for one in found.violations} == {"PL1-RL-001", "PL1-LL-004"}


def test_promotion_by_conduct_before_it_was_miswritten_is_a_consequence() -> None:
    values = valid_values()
    values["summary"]["conduct"]["year"] = "CĐ"
    assert observed(values).root_requirements() == {"PL1-RL-001"}


def test_re_assessment_of_a_subject_whose_year_mark_is_wrong() -> None:
    values = valid_values()
    every(values, "6")
    for code in ("TOA", "NVA"):
        subject(values, code).update(dict.fromkeys(PERIODS, "3"))
        subject(values, code)["reassessed"] = "6"
    subject(values, "NVA")["year"] = "6"
    values["summary"]["learning"] = {**dict.fromkeys(PERIODS, "CĐ"), "after_summer": "Đ"}
    values["summary"].pop("title")
    found = observed(values)
    assert found.root_requirements() == {"PL1-MON-008"}
    assert {one.requirement for one in found.violations if not one.is_root} == {"PL1-MON-010"}


def test_a_level_after_re_assessment_that_fits_the_right_year_mark_is_no_second_mistake() -> None:
    values = valid_values()
    every(values, "8")
    for code in ("NVA", "TOA", "ANH"):  # 8.0 by the rule: with it six subjects are at 8.0, without it not
        subject(values, code).update(semester1="7.9", semester2="8", year="7.9")
    for code in ("LSD", "KTN"):
        subject(values, code).update(dict.fromkeys(PERIODS, "3"), reassessed="8")
    values["summary"]["learning"] = {**dict.fromkeys(PERIODS, "CĐ"), "after_summer": "T"}
    values["summary"].pop("title")
    found = observed(values)
    assert found.roots() == {"PL1-MON-008.cut-off"}
    assert {one.code for one in found.violations if not one.is_root} == {"PL1-HT-004.wrong"}


def test_one_cause_is_named_for_all_wrong_year_marks_of_a_document() -> None:
    values = valid_values()
    every(values, "8")
    # 8.1 and 8.4: the plain mean 8.3 is the year mark; 7 and 9: 8 (mean) for 8.3; 8 and 8.5: 8.3, cut off from 8.333
    subject(values, "KTN").update(semester1="8", semester2="9.1", year="8.6")
    subject(values, "LSD").update(semester1="8", semester2="9", year="8.5")
    found = observed(values)
    assert found.roots() == {"PL1-MON-008.plain-mean"}
    assert len(found.violations) == 2


def test_an_unknown_code_is_not_also_a_missing_subject() -> None:
    values = valid_values()
    subject(values, "TOA")["code"] = "ZZ9"
    assert observed(values, codes=True).roots() == {"PL1-MA-003.unknown"}


def test_another_subjects_code_is_not_also_twice_and_missing() -> None:
    values = valid_values()
    subject(values, "TOA")["code"] = "NVA"
    assert observed(values, codes=True).root_requirements() == {"PL1-MA-004"}


def test_a_vendors_own_codes_through_its_mapping() -> None:
    values = valid_values()
    subject(values, "TOA")["code"] = "M01"
    assert observed(values, codes=True, mapping={"M01": "TOA"}).roots() == set()


@pytest.mark.parametrize("code", ["CDT", "TOA"])
def test_a_topic_cluster_is_named_as_one_whatever_its_code(code: str) -> None:
    values = valid_values("THPT")
    values["subjects"].append({**subject(values, "TOA"), "code": code, "name": "Chuyên đề học tập Toán"})
    assert observed(values, codes=True).roots() == {"PL1-MON-003.cluster"}


def test_two_foreign_languages_for_one_place() -> None:
    values = valid_values()
    values["subjects"].append({**subject(values, "ANH"), "code": "PHA", "name": "Tiếng Pháp"})
    assert observed(values).roots() == {"PL1-MON-001.twice"}
    subject(values, "PHA").update(code="NN2", name="Ngoại ngữ 2")
    assert observed(values).roots() == set()


def without(values: dict[str, Any], *periods: str) -> object:
    for one in values["subjects"]:
        for period in periods:
            if period != "year" or one["scoring"] == "DIEM":
                one.pop(period)
    return values


def trained(values: dict[str, Any], after: str) -> None:
    values["summary"]["conduct"] = {"semester1": "T", "semester2": "CĐ", "year": "CĐ", "after_summer": after}
    values["summary"].pop("title")


def reassessed(values: dict[str, Any]) -> None:
    every(values, "8")
    for code in ("TOA", "NVA"):
        subject(values, code).update(dict.fromkeys(PERIODS, "3"), reassessed="6")
    values["summary"]["learning"] = dict.fromkeys(PERIODS, "CĐ")
    values["summary"].pop("title")


def undecided(values: dict[str, Any]) -> object:
    for gone in ("title", "promoted", "promotion_text"):
        values["summary"].pop(gone, None)
    return values


NOTHING = dict.fromkeys(PERIODS, "")


@pytest.mark.parametrize(
    ("programme", "change", "roots"),
    [
        ("THCS", lambda v: (without(v, "semester1", "year"), v["summary"]["learning"].update(year=""), undecided(v)),
         {"PL1-HT-001.no-results"}),
        ("THCS", lambda v: (every(v, "6"), subject(v, "TIN").pop("semester1"), subject(v, "TIN").pop("year"),
                            v["summary"]["learning"].update(semester2="Đ", year=""), undecided(v)),
         {"PL1-HT-001.not-reachable"}),
        ("THCS", lambda v: (subject(v, "TIN").pop("semester1"), subject(v, "TIN").pop("year"),
                            v["summary"]["learning"].update(year="")), {"PL1-LL-001.promoted-unrated"}),
        ("THCS", lambda v: v["summary"].update(conduct=dict(NOTHING)), {"PL1-RL-001.no-result"}),
        ("THCS", lambda v: v["summary"]["conduct"].update(semester2=""), {"PL1-RL-001.semester-missing"}),
        ("THCS", lambda v: v["summary"]["conduct"].update(semester1=""), set()),
        # what nobody can read is neither the level after summer nor the one before
        ("THCS", lambda v: trained(v, "?"), set()),
        ("THCS", lambda v: trained(v, "CĐ"), {"PL1-LL-001.promoted-conduct"}),
        ("THCS", reassessed, {"PL1-HT-004.missing"}),
        ("THCS", lambda v: (v["profile"].update(individual_plan="1"), v["summary"].update(absences="x")),
         {"PL1-LL-001.absences-unreadable"}),
        ("THCS", lambda v: v["summary"].update(completion_text="Hoàn thành chương trình THCS"),
         {"PL1-LL-002.completed-too-early"}),
        ("THCS", lambda v: v["summary"].update(completion_text="Hoàn thành chương trình lớp 7"), set()),
        ("THCS", lambda v: subject(v, "GTC").update(semester2="M", year="M"), set()),
        ("THCS", lambda v: subject(v, "GTC").update(semester1="M", year="M"), {"PL1-MON-007.year-only"}),
        ("THCS", lambda v: subject(v, "GTC").update(semester1="MG", semester2="M", year="M"),
         {"PL1-MON-004.not-an-outcome"}),
        ("THCS", lambda v: v["record"].update(level="04"), {"PL1-MA-002.grade"}),
        ("THPT", lambda v: v["record"].update(level="03"), {"PL1-MA-002.grade"}),
        ("THPT", lambda v: subject(v, "TIN").update(code="SIN", name="Sinh học"), {"PL1-MON-001.twice"}),
        ("THPT", lambda v: (v["subjects"].append({**subject(v, "VLI"), "code": "CNG", "name": "Công nghệ"}),
                            subject(v, "CNG").pop("semester1"), subject(v, "CNG").pop("year"),
                            subject(v, "TIN").pop("semester2"), subject(v, "TIN").pop("year")), set()),
    ],
)  # fmt: skip
def test_results_that_are_not_there_and_mistakes_that_bring_others(
    programme: str, change: Any, roots: set[str]
) -> None:
    values = valid_values(programme)
    change(values)
    levels = observed(values, codes=programme == "THPT" or "PL1-MA-002.grade" in roots).roots()
    assert levels == roots


def test_an_individual_plan_may_leave_subjects_out_and_levels_open() -> None:
    values = valid_values()
    values["profile"]["individual_plan"] = "1"
    values["subjects"].remove(subject(values, "ANH"))
    values["summary"]["learning"] = dict.fromkeys(PERIODS, "CĐ")
    values["summary"].pop("title")
    found = observed(values)
    assert found.roots() == set()
    assert found.held_counts["PL1-LL-005", "individual-plan"] == 1


@pytest.mark.parametrize("said", ["có", "true", " 1"])
@pytest.mark.parametrize("programme", ["THCS", "THPT"])
def test_a_plan_whose_flag_cannot_be_read_is_one_mistake(programme: str, said: str) -> None:
    values = valid_values(programme)
    values["profile"]["individual_plan"] = "1"
    values["subjects"] = [subject(values, code) for code in ("NVA", "TOA", "GDP")]
    assert observed(values).roots() == set()
    values["profile"]["individual_plan"] = said
    found = observed(values)
    assert found.roots() == {"PL1-LL-005.not-a-flag"}
    # a MUST stays one, and is told
    assert "PL1-MON-001.missing" in {one.code for one in found.violations}


def test_results_missed_beside_a_flag_that_cannot_be_read_are_no_second_mistake() -> None:
    values = valid_values()
    values["profile"]["not_assessed"] = "true"
    without(values, *PERIODS)
    for one in values["subjects"]:
        one.pop("year", None)
    values["summary"]["learning"] = dict(NOTHING)
    undecided(values)
    assert observed(values).roots() == {"PL1-LL-005.not-a-flag"}


def arts(values: dict[str, Any], *names: tuple[str, str]) -> None:
    whole = subject(values, "NTH")
    values["subjects"].remove(whole)
    values["subjects"] += [{**whole, "code": code, "name": name} for code, name in names]


@pytest.mark.parametrize(
    "names",
    [(("AMN", "Âm nhạc"), ("MTH", "Mĩ thuật")), (("N01", "Âm nhạc"), ("N02", "Mỹ thuật")), (("AMN", "Âm nhạc"),)],
    ids=["codes of another level", "codes of nobody", "one part only"],
)
def test_a_subject_in_parts_is_one_mistake(names: tuple[tuple[str, str], ...]) -> None:
    values = valid_values()
    arts(values, *names)
    found = observed(values, codes=True)
    assert found.roots() == {"PL1-MON-001.split"}
    split = next(one for one in found.violations if one.is_root)
    assert (split.expected, split.seen) == ("Nghệ thuật", ", ".join(name for _, name in names))


@pytest.mark.parametrize(("code", "result", "level"), [("TOA", "3", "Đ"), ("TOA", "4", "K"), ("GTC", "CĐ", "CĐ")])
def test_a_level_that_a_missing_subject_pulled_down_is_no_second_mistake(code: str, result: str, level: str) -> None:
    values = valid_values()
    every(values, "8" if code == "TOA" else "6")
    for one in {code, "GDP"} if code == "GTC" else {code}:
        subject(values, one).update(dict.fromkeys(PERIODS, result))
    values["summary"]["learning"] = dict.fromkeys(PERIODS, level)
    values["summary"].pop("title")
    if level == "CĐ":
        values["summary"].update(promoted="0", promotion_text="Ở lại lớp")
    assert observed(values).roots() == set()
    values["subjects"].remove(subject(values, code))
    assert observed(values).roots() == {"PL1-MON-001.missing"}


def test_a_title_and_a_level_after_summer_with_a_missing_subject() -> None:
    values = valid_values()
    every(values, "8")
    for code in ("NVA", "TOA", "ANH", "GCD", "LSD", "KTN"):
        subject(values, code).update(dict.fromkeys(PERIODS, "9"))
    values["summary"]["title"] = "Học sinh Xuất sắc"
    values["subjects"].remove(subject(values, "KTN"))
    assert observed(values).roots() == {"PL1-MON-001.missing"}
    values["subjects"].remove(subject(values, "GCD"))
    subject(values, "LSD").update(dict.fromkeys(PERIODS, "8.5"))
    assert "PL1-LL-004.not-earned-marks" in observed(values).roots()
    values = valid_values()
    reassessed(values)
    values["summary"]["learning"]["after_summer"] = "K"
    assert observed(values).roots() == set()
    values["subjects"].remove(subject(values, "KTN"))
    assert observed(values).roots() == {"PL1-MON-001.missing"}


def test_an_exemption_is_no_result_of_a_re_assessment() -> None:
    values = valid_values()
    every(values, "8")
    for code in ("ANH", "NVA"):
        subject(values, code).update(dict.fromkeys(PERIODS, "3"), reassessed="6")
    values["summary"]["learning"] = {**dict.fromkeys(PERIODS, "CĐ"), "after_summer": "K"}
    values["summary"].pop("title")
    assert observed(values).roots() == set()
    subject(values, "ANH")["reassessed"] = "M"
    assert observed(values).roots() == {"PL1-MON-007.reassessed"}


def test_a_not_assessed_learner_has_conduct_but_no_learning_level() -> None:
    values = valid_values()
    values["profile"]["not_assessed"] = "1"
    for one in values["subjects"]:
        for period in PERIODS:
            one.pop(period)
    values["summary"]["learning"] = dict.fromkeys(PERIODS, "")
    undecided(values)
    found = observed(values)
    assert found.roots() == set()
    assert found.held_counts["PL1-LL-005", "not-assessed"] == 1
    values["summary"]["conduct"].pop("year")
    assert observed(values).roots() == {"PL1-RL-001.missing"}


def test_a_missing_semester_leaves_the_year_open() -> None:
    values = valid_values()
    subject(values, "TIN").pop("semester1")
    assert observed(values).roots() == {"PL1-MON-008.semester-missing"}
    subject(values, "TIN").pop("year")
    found = observed(values)
    assert found.roots() == set()
    assert found.held_counts["PL1-MON-008", "missing-semester"] == 1


def completing(day: str) -> dict[str, Any]:
    values = valid_values()
    values["record"]["grade"] = "09"
    values["learner"]["birth_date"] = "2011-03-04"
    values["issue"]["signed_on"] = day
    for gone in ("promoted", "promotion_text"):
        values["summary"].pop(gone, None)
    values["summary"]["completion_text"] = "Hoàn thành chương trình lớp 9"
    return values


def test_completion_by_the_conditions_of_the_day() -> None:
    values = completing("2026-06-01")
    assert observed(values).roots() == set()
    values["summary"]["absences"] = "46"
    assert observed(values).roots() == {"PL1-LL-002.completed-wrongly"}
    values["summary"]["completion_text"] = "Chưa hoàn thành chương trình lớp 9"
    assert observed(values).roots() == set()
    values["summary"]["absences"] = "45"
    assert observed(values).roots() == {"PL1-LL-002.refused-wrongly"}
    values["summary"].pop("completion_text")
    assert observed(values).roots() == {"PL1-LL-002.completion-missing"}


@pytest.mark.parametrize(("day", "roots"), [("2025-12-31", set()), ("2026-06-01", {"PL1-LL-002.completed-wrongly"})])
def test_since_2026_no_subject_may_be_failed_in_grade_nine(day: str, roots: set[str]) -> None:
    values = completing(day)
    every(values, "6")
    subject(values, "GDP").update(dict.fromkeys(PERIODS, "CĐ"))
    values["summary"]["learning"] = dict.fromkeys(PERIODS, "Đ")
    values["summary"].pop("title")
    assert observed(values).roots() == roots


@pytest.mark.parametrize(("born", "roots"), [("2004-06-01", set()), ("2004-05", {"PL1-LL-002.completed-wrongly"})])
def test_since_2026_grade_nine_is_completed_by_the_age_of_21(born: str, roots: set[str]) -> None:
    values = completing("2026-05-31")
    values["learner"]["birth_date"] = born
    assert observed(values).roots() == roots


@pytest.mark.parametrize("day", [date(2025, 5, 30), date(2025, 10, 30), date(2025, 10, 31), date(2026, 6, 1)])
def test_titles_are_judged_by_the_rule_of_the_day(day: date) -> None:
    values = valid_values()
    values["issue"]["signed_on"] = day.isoformat()
    values["summary"]["title"] = "Học sinh Xuất sắc"
    (finding,) = [one for one in observed(values).violations if one.requirement == "PL1-LL-004"]
    assert finding.cause == "not-earned-marks"
    assert ("TT 19/2025" in finding.params["article"]) == (day >= date(2025, 10, 31))


def history(*years: tuple[str, str, str]) -> list[dict[str, str]]:
    return [
        {"school_year": year, "class_name": "6A", "school_name": school, "province_name": "Hà Nội"}
        | ({"transferred_on": moved} if moved else {})
        for year, school, moved in years
    ]


@pytest.mark.parametrize(
    ("years", "cause"),
    [
        ([("2023-2024", "A", ""), ("2024-2025", "A", "")], ""),
        ([("2024-2025", "A", ""), ("2024-2025", "B", "2025-01-13")], ""),
        ([("2024-2025", "A", ""), ("2023-2024", "A", "")], "not-ascending"),
        ([("2026-2027", "A", "")], "not-ascending"),
        ([("2024-2025", "B", "2025-01-13")], "one-school"),
        ([("2023-2024", "B", ""), ("2024-2025", "B", "2025-01-13")], "one-school"),
        ([("2023-2024", "A", ""), ("2024-2025", "B", "2023-01-13")], "transfer-outside-year"),
        ([("2024-2025", "A", ""), ("2024-2025", "B", "2024-10-01"), ("2024-2025", "A", "2025-02-01")], ""),
        ([("2024-2025", "A", ""), ("2024-2025", "B", "2025-02-01"), ("2024-2025", "A", "2024-10-01")], "not-ascending"),
    ],
)
def test_study_history(years: list[tuple[str, str, str]], cause: str) -> None:
    values = valid_values()
    values["history"] = history(*years)
    assert observed(values).roots() == ({f"PL1-LL-006.{cause}"} if cause else set())


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 11),
        st.sampled_from([*PERIODS, "reassessed"]),
        st.sampled_from(["", None, "0", "10", "8,5", "7.55", "11", "-1", "M", "Đ", "CĐ", "x", "T", "Ð", "٣", "1e3"]),
    ),
    max_size=6,
)
LEVELS = st.sampled_from(["T", "K", "Đ", "CĐ", "", "1", "x", None])


@given(
    CHANGES,
    st.lists(
        st.tuples(st.sampled_from(["learning", "conduct"]), st.sampled_from([*PERIODS, "after_summer"]), LEVELS),
        max_size=4,
    ),
)
def test_no_content_makes_the_checks_fall(
    changes: list[tuple[int, str, str | None]], levels: list[tuple[str, str, str | None]]
) -> None:
    values = valid_values()
    for at, period, text in changes:
        values["subjects"][at][period] = text
    for group, period, text in levels:
        values["summary"][group][period] = text
    pack = default_pack()
    for one in observed(values).observations:
        assert one.state is State.VIOLATED
        assert one.cause in pack.requirements[one.requirement].causes
        cause = pack.requirements[one.requirement].causes[one.cause]
        known = {"expected": one.expected, "seen": one.seen, **one.params}
        assert cause.vi.format_map(known)
        assert cause.en.format_map(known)


def gdtx() -> dict[str, Any]:
    values = valid_values()
    values["record"].update(programme="GDTX", circular="43/2021/TT-BGDĐT", grade="08")
    keep = ("NVA", "TOA", "GCD", "LSD", "KTN")
    values["subjects"] = [one for one in values["subjects"] if one["code"] in keep]
    every(values, "8")
    values["summary"].update(title="Học viên Giỏi", promotion_text="Được lên lớp 9")
    return values


def test_continuing_education_has_rules_of_its_own() -> None:
    assert observed(gdtx()).roots() == set()
    values = gdtx()
    subject(values, "NVA").update(dict.fromkeys(PERIODS, "7.9"))
    assert observed(values).root_requirements() == {"PL1-HT-001"}
    values = gdtx()
    values["summary"]["title"] = "Học sinh Giỏi"
    assert observed(values).roots() == {"PL1-LL-004.unknown"}


@pytest.mark.parametrize(("scoring", "result"), [("NHANXET", "Đ"), ("DIEM", "8")])
def test_how_activities_stand_in_continuing_education_is_open(scoring: str, result: str) -> None:
    values = gdtx()
    row = {**subject(values, "NVA"), "code": "GDP", "name": "Nội dung giáo dục của địa phương", "scoring": scoring}
    values["subjects"].append({**row, **dict.fromkeys(PERIODS, result)})
    assert observed(values).roots() == {"PL1-MON-003.activity-result"}, "a SHOULD: reported, and no more"


def test_absences_are_read_as_numbers() -> None:
    values = valid_values()
    for text, promoted in (("45", True), ("45.0", True), ("46", False), ("", True)):
        values["summary"]["absences"] = text
        roots = observed(values).roots()
        assert roots == (set() if promoted else {"PL1-LL-001.promoted-absences"}), Decimal(text or 0)


@pytest.mark.parametrize(
    ("change", "step", "told"),
    [
        (lambda v: (every(v, "6"), subject(v, "GTC").update(dict.fromkeys(PERIODS, "CĐ")),
                    v["summary"].update(learning=dict.fromkeys(PERIODS, "Đ")), v["summary"].pop("title")),
         "academics.completion-subject", {"subject": "Giáo dục thể chất"}),
        (lambda v: v["learner"].update(birth_date="2004-06-01"), "academics.completion-age",
         {"born": "2004-06-01", "age": "22", "limit": "21"}),
    ],
    ids=["a failed subject", "too old"],
)  # fmt: skip
def test_a_completion_refused_for_a_further_condition_names_it(change: Any, step: str, told: dict[str, str]) -> None:
    values = completing("2026-06-01")
    change(values)
    found = observed(values)
    assert found.roots() == {"PL1-LL-002.completed-wrongly"}
    one = next(one for one in found.violations if one.is_root)
    assert one.expected == "Chưa hoàn thành"
    assert [each.key for each in one.derivation] == ["academics.promotion", step]
    assert one.derivation[1].params == {**told, "article": "Luật 123/2025/QH15"}
    values["issue"]["signed_on"] = "2025-12-31"
    assert observed(values).roots() == set()
