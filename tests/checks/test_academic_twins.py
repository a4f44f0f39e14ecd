# mypy: disable-error-code="func-returns-value"
"""MON, HT, RL, LL: for every cause a twin that fails for exactly that root, beside the sound one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.checks import levels, subjects
from conformance.checks.context import Context
from conformance.finding import Recorder
from conformance.pack import default_pack
from tests.builders import NOW, document_of, subject, valid_values

PERIODS = ("semester1", "semester2", "year")
Change = Callable[[dict[str, Any]], object]


def observed(values: dict[str, Any]) -> Recorder:
    context = Context(default_pack(), None, NOW)
    found = Recorder()
    document = document_of(values)
    subjects.check(document, context, found)
    levels.check(document, context, found)
    return found


def marks(values: dict[str, Any], *, first: str = "8", second: str = "8", year: str = "8") -> None:
    for one in values["subjects"]:
        if one["scoring"] == "DIEM":
            one.update(semester1=first, semester2=second, year=year)


def rated(values: dict[str, Any], learning: str, *, promoted: str = "1") -> None:
    values["summary"]["learning"] = dict.fromkeys(("semester1", "semester2", "year"), learning)
    values["summary"]["promoted"] = promoted
    values["summary"]["promotion_text"] = "Được lên lớp 8" if promoted == "1" else "Không được lên lớp"
    values["summary"].pop("title", None)


def one_low(values: dict[str, Any], mark: str, code: str = "TOA") -> None:
    marks(values)
    subject(values, code).update(semester1=mark, semester2=mark, year=mark)


def raised(values: dict[str, Any], level: str) -> None:
    one_low(values, "4")
    rated(values, level)


def unrated(values: dict[str, Any]) -> None:
    """A subject without its result of the year: no level, promotion and title follow."""
    subject(values, "TIN").pop("semester1")
    subject(values, "TIN").pop("year")
    values["summary"]["learning"].update(semester1="", year="")
    for gone in ("title", "promoted", "promotion_text"):
        values["summary"].pop(gone)


def unsatisfactory(values: dict[str, Any]) -> None:
    """Learning Chưa đạt all year: not promoted; two subjects at 3.0, so no adjustment."""
    one_low(values, "3")
    one_low_too = subject(values, "NVA")
    one_low_too.update(semester1="3", semester2="3", year="3")
    rated(values, "CĐ", promoted="0")


def test_the_sound_documents_hold_without_a_finding() -> None:
    for programme in ("THCS", "THPT"):
        found = observed(valid_values(programme))
        assert found.roots() == set()
        assert {f"PL1-MON-00{number}" for number in (1, 3, 4, 5, 6, 8, 9)} <= {rule for rule, _ in found.held_counts}


def test_an_outcome_with_a_foreign_letter_is_the_spellings_business() -> None:
    values = valid_values()
    comment = next(one for one in values["subjects"] if one["semester1"] == "Đ")
    comment["semester1"] = "\u00d0ạt"
    assert observed(values).roots() == set()
    comment["semester2"] = "7"  # and what stands beside it is looked at all the same
    assert "PL1-MON-004.mark-in-comment-subject" in observed(values).roots()


def conduct(values: dict[str, Any], first: str, second: str, year: str) -> None:
    values["summary"]["conduct"] = {"semester1": first, "semester2": second, "year": year}
    if year != "T":
        values["summary"].pop("title", None)


def reassessed(values: dict[str, Any], after: str | None) -> None:
    unsatisfactory(values)
    for code in ("TOA", "NVA"):
        subject(values, code)["reassessed"] = "6"
    if after:
        values["summary"]["learning"]["after_summer"] = after
    promoted = "1" if after not in (None, "CĐ") else "0"
    values["summary"]["promoted"] = promoted
    values["summary"]["promotion_text"] = "Được lên lớp 8" if promoted == "1" else "Không được lên lớp"


SOUND: dict[str, Change] = {
    "raised from Đạt to Khá by one subject": lambda v: raised(v, "K"),
    "unsatisfactory in May": unsatisfactory,
    "re-assessed in August": lambda v: reassessed(v, "K"),
    "45 absences": lambda v: v["summary"].update(absences="45"),
    "no absences field": lambda v: v["summary"].pop("absences"),
    "title earned but not given": lambda v: v["summary"].pop("title"),
    "superfluous zeros are understood": lambda v: None,
    "one subject without a result in semester I": lambda v: (
        subject(v, "TIN").pop("semester1"),
        subject(v, "TIN").pop("year"),
    ),
    "exempt all year": lambda v: subject(v, "GTC").update(semester1="M", semester2="M", year="M"),
    "second optional language": lambda v: v["subjects"].append(
        {**subject(v, "TIN"), "code": "NN2", "name": "Ngoại ngữ 2"}
    ),
    "conduct low twice": lambda v: (
        conduct(v, "CĐ", "CĐ", "CĐ"),
        v["summary"].update(promoted="0", promotion_text="Ở lại lớp"),
    ),
    "conduct after summer": lambda v: (
        conduct(v, "T", "CĐ", "CĐ"),
        v["summary"]["conduct"].update(after_summer="Đ"),
    ),
}


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND.keys())
def test_what_is_right_is_not_refused(change: Change) -> None:
    values = valid_values()
    change(values)
    assert observed(values).roots() == set()


WRONG: dict[str, Change] = {
    "PL1-MON-001.missing": lambda v: v["subjects"].remove(subject(v, "GDP")),
    "PL1-MON-001.twice": lambda v: v["subjects"].append(dict(subject(v, "GDP"))),
    "PL1-MON-003.other-programme": lambda v: v["subjects"].append(
        {**subject(v, "TIN"), "code": "VLI", "name": "Vật lí"}
    ),
    "PL1-MON-003.cluster": lambda v: v["subjects"].append(
        {**subject(v, "TIN"), "code": "CDT", "name": "Chuyên đề Toán"}
    ),
    "PL1-MON-004.scoring": lambda v: subject(v, "GTC").update(scoring="DIEM"),
    "PL1-MON-004.mark-in-comment-subject": lambda v: subject(v, "GTC").update(semester1="8"),
    "PL1-MON-004.outcome-in-scored-subject": lambda v: subject(v, "TOA").update(semester1="Đ"),
    "PL1-MON-004.not-an-outcome": lambda v: subject(v, "GTC").update(semester1="T"),
    "PL1-MON-004.no-result": lambda v: [subject(v, "TOA").pop(one) for one in ("semester1", "semester2", "year")],
    "PL1-MON-005.comma": lambda v: subject(v, "TOA").update(semester1="8,5"),
    "PL1-MON-005.not-a-mark": lambda v: subject(v, "TOA").update(semester1="x"),
    "PL1-MON-005.out-of-range": lambda v: subject(v, "TOA").update(semester1="-1"),
    "PL1-MON-005.two-decimals": lambda v: subject(v, "TOA").update(semester1="8.04"),
    "PL1-MON-006.spelling": lambda v: subject(v, "GCD").update(year="9.0"),
    "PL1-MON-007.not-exemptible": lambda v: subject(v, "NVA").update(semester1="M", semester2="M", year="M"),
    "PL1-MON-008.cut-off": lambda v: subject(v, "KTN").update(semester1="7.4", semester2="8.1", year="7.8"),
    "PL1-MON-008.plain-mean": lambda v: subject(v, "KTN").update(semester1="7", semester2="9", year="8"),
    "PL1-MON-008.weights-swapped": lambda v: subject(v, "KTN").update(semester1="7", semester2="9.1", year="7.7"),
    "PL1-MON-008.semester2-copied": lambda v: subject(v, "KTN").update(semester1="7", semester2="9.1", year="9.1"),
    "PL1-MON-008.semester1-copied": lambda v: subject(v, "KTN").update(semester1="9.4", semester2="8", year="9.4"),
    "PL1-MON-008.from-unrounded": lambda v: subject(v, "KTN").update(semester1="8", semester2="8.5", year="8.4"),
    "PL1-MON-008.semester-missing": lambda v: subject(v, "KTN").pop("semester1"),
    "PL1-MON-008.wrong": lambda v: subject(v, "KTN").update(year="9.9"),
    "PL1-MON-008.missing": lambda v: subject(v, "KTN").pop("year"),
    "PL1-MON-009.semester1-decides": lambda v: (
        subject(v, "GDP").update(semester1="CĐ", year="CĐ"),
        subject(v, "HTN").update(semester1="CĐ"),
        v["summary"]["learning"].update(semester1="CĐ"),
    ),
    "PL1-MON-009.differs": lambda v: subject(v, "GDP").update(year="CĐ"),
    "PL1-MON-009.semester-missing": lambda v: subject(v, "GDP").pop("semester2"),
    "PL1-MON-009.missing": lambda v: subject(v, "GDP").pop("year"),
    "PL1-MON-010.learning-not-weak": lambda v: (
        one_low(v, "4"),
        rated(v, "K"),
        subject(v, "TOA").update(reassessed="6"),
        v["summary"]["learning"].update(after_summer="K"),
    ),
    "PL1-MON-010.subject-not-weak": lambda v: (reassessed(v, "K"), subject(v, "TIN").update(reassessed="9")),
    "PL1-HT-001.count-ignored": lambda v: (marks(v, first="7", second="7", year="7"), rated(v, "T")),
    "PL1-HT-001.limit-excluded": lambda v: (marks(v), rated(v, "K")),
    "PL1-HT-001.too-high": lambda v: (marks(v, first="6", second="6", year="6"), rated(v, "T")),
    "PL1-HT-001.too-low": lambda v: (marks(v, first="9", second="9", year="9"), rated(v, "K")),
    "PL1-HT-001.raised-without-ground": lambda v: (one_low(v, "6.4"), rated(v, "T")),
    "PL1-HT-001.comments-ignored": lambda v: (
        marks(v, first="6", second="6", year="6"),
        [subject(v, code).update(dict.fromkeys(PERIODS, "CĐ")) for code in ("GTC", "GDP")],
        rated(v, "Đ"),
    ),
    "PL1-HT-001.missing": lambda v: v["summary"]["learning"].update(semester1=""),
    "PL1-HT-002.not-raised": lambda v: raised(v, "Đ"),
    "PL1-HT-002.raised-too-far": lambda v: raised(v, "T"),
    "PL1-HT-004.wrong": lambda v: reassessed(v, "Đ"),
    "PL1-HT-004.old-level-kept": lambda v: reassessed(v, "CĐ"),
    "PL1-HT-004.missing": lambda v: reassessed(v, None),
    "PL1-HT-004.without-reassessment": lambda v: (
        unsatisfactory(v),
        v["summary"]["learning"].update(after_summer="Đ"),
        v["summary"].update(promoted="1", promotion_text="Lên lớp 8"),
    ),
    "PL1-RL-001.semester1-copied": lambda v: conduct(v, "T", "Đ", "T"),
    "PL1-RL-001.semester2-copied": lambda v: conduct(v, "T", "Đ", "Đ"),
    "PL1-RL-001.semesters-swapped": lambda v: conduct(v, "CĐ", "K", "CĐ"),
    "PL1-RL-001.plain-mean": lambda v: (conduct(v, "K", "CĐ", "Đ"), v["summary"].update(promoted="1")),
    "PL1-RL-001.wrong": lambda v: conduct(v, "K", "K", "Đ"),
    "PL1-RL-001.missing": lambda v: (v["summary"]["conduct"].pop("year"), v["summary"].pop("title")),
    "PL1-RL-001.training-not-needed": lambda v: v["summary"]["conduct"].update(after_summer="T"),
    "PL1-LL-001.promoted-absences": lambda v: v["summary"].update(absences="46"),
    "PL1-LL-001.promoted-learning": lambda v: (
        unsatisfactory(v),
        v["summary"].update(promoted="1", promotion_text="Được lên lớp 8"),
    ),
    "PL1-LL-001.promoted-conduct": lambda v: conduct(v, "CĐ", "CĐ", "CĐ"),
    "PL1-LL-001.retained-wrongly": lambda v: v["summary"].update(promoted="0", promotion_text="Ở lại lớp"),
    "PL1-LL-001.retained-at-limit": lambda v: v["summary"].update(
        absences="45", promoted="0", promotion_text="Ở lại lớp"
    ),
    "PL1-LL-001.summer-ignored": lambda v: (
        conduct(v, "T", "CĐ", "CĐ"),
        v["summary"]["conduct"].update(after_summer="Đ"),
        v["summary"].update(promoted="0", promotion_text="Ở lại lớp"),
    ),
    "PL1-LL-001.absences-unreadable": lambda v: v["summary"].update(absences="không"),
    "PL1-LL-001.not-a-flag": lambda v: v["summary"].update(promoted="true"),
    "PL1-LL-003.other-grade": lambda v: v["summary"].update(promotion_text="Được lên lớp 7"),
    "PL1-LL-003.text-promotes": lambda v: (unsatisfactory(v), v["summary"].update(promotion_text="Được lên lớp 8")),
    "PL1-LL-001.missing": lambda v: v["summary"].pop("promoted"),
    "PL1-LL-003.text-retains": lambda v: v["summary"].update(promotion_text="Không được lên lớp"),
    "PL1-LL-003.other-wording": lambda v: v["summary"].update(promotion_text="Tốt nghiệp"),
    "PL1-LL-004.unknown": lambda v: v["summary"].update(title="Học sinh tiên tiến"),
    "PL1-LL-004.not-earned-marks": lambda v: v["summary"].update(title="Học sinh Xuất sắc"),
    "PL1-LL-004.not-earned-conduct": lambda v: v["summary"]["conduct"].update(semester1="K", semester2="K", year="K"),
    "PL1-LL-005.not-a-flag": lambda v: v["profile"].update(individual_plan="có"),
    "PL1-LL-004.not-rated": lambda v: (unrated(v), v["summary"].update(title="Học sinh Giỏi")),
    "PL1-LL-001.promoted-unrated": lambda v: (unrated(v), v["summary"].update(promoted="1")),
    "PL1-LL-005.level-given": lambda v: v["profile"].update(not_assessed="1"),
    "PL1-LL-006.not-a-year": lambda v: v.update(
        history=[{"school_year": "lớp 6", "class_name": "6A", "school_name": "Trường Thử", "province_name": "Hà Nội"}]
    ),
    "PL1-LL-006.year-twice": lambda v: v.update(
        history=[
            {"school_year": "2024-2025", "class_name": name, "school_name": "Trường Thử", "province_name": "Hà Nội"}
            for name in ("6A", "6B")
        ]
    ),
    "PL1-LL-006.not-ascending": lambda v: v.update(
        history=[
            {"school_year": year, "class_name": "6A", "school_name": "Trường Thử", "province_name": "Hà Nội"}
            for year in ("2024-2025", "2023-2024")
        ]
    ),
}


@pytest.mark.parametrize(("cause", "change"), WRONG.items(), ids=WRONG.keys())
def test_each_mistake_has_exactly_its_root(cause: str, change: Change) -> None:
    values = valid_values()
    change(values)
    assert observed(values).roots() == {cause}


def test_electives_of_upper_secondary() -> None:
    values = valid_values("THPT")
    values["subjects"].remove(subject(values, "TIN"))
    assert observed(values).roots() == {"PL1-MON-002.too-few"}
    values = valid_values("THPT")
    values["subjects"].append({**subject(values, "TIN"), "code": "DLI", "name": "Địa lí"})
    assert observed(values).roots() == {"PL1-MON-003.too-many"}


def test_readings_that_differ_are_named_not_failed() -> None:
    values = valid_values()
    marks(values)
    subject(values, "TOA").update(semester1="4", semester2="4", year="4")
    for code in ("NVA", "ANH"):
        subject(values, code).update(semester1="7", semester2="7", year="7")
    rated(values, "K")
    found = observed(values)
    assert found.roots() == {"PL1-HT-003.readings-differ"}
    rated(values, "T")
    assert observed(values).roots() == {"PL1-HT-002.no-reading"}


def test_a_wrong_year_mark_shows_its_derivation() -> None:
    values = valid_values()
    subject(values, "KTN").update(semester1="7.4", semester2="8.1", year="7.8")
    (finding,) = observed(values).violations
    assert finding.cause == "cut-off"
    assert finding.derivation[0].params["exact"] == "7.866…"
    assert (finding.expected, finding.seen) == ("7.9", "7.8")
    assert finding.place is not None
    assert finding.place.xpath == "/HocBa/NoiDung/BangDiem/MonHoc[6]/DiemCaNam"
    assert finding.place.line == 2


@pytest.mark.parametrize(
    ("flag", "text", "causes"),
    [
        ("1", "Hoàn thành chương trình lớp 7", set()),
        ("1", "Hoàn thành chương trình lớp 9", {"PL1-LL-003.other-grade"}),
        ("1", "Chưa hoàn thành chương trình lớp 7", {"PL1-LL-003.text-retains"}),
        ("0", "Hoàn thành chương trình lớp 7", {"PL1-LL-003.text-promotes"}),
    ],
)
def test_the_wording_on_completion_speaks_of_this_grade_and_agrees_with_the_flag(
    flag: str, text: str, causes: set[str]
) -> None:
    values = valid_values()
    if flag == "0":
        unsatisfactory(values)
    values["summary"].update(completion_text=text)
    assert observed(values).roots() == causes
