"""MA: for every cause a document that fails with exactly that root, beside a sound one; lists by date, identifiers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from conformance.document import write
from conformance.pack import CodeList, Pack, default_pack
from tests.builders import subject, valid_values
from tests.checks.documents import judged, sound

Change = Callable[[dict[str, Any]], object]


def changed(change: Change, programme: str = "THCS") -> bytes:
    values = valid_values(programme)
    change(values)
    return write(values, default_pack())


def put(path: str, value: str | None) -> Change:
    *way, last = path.split(".")

    def change(values: dict[str, Any]) -> None:
        for part in way:
            values = values[part]
        values[last] = value

    return change


def numbered(number: str, birth: str = "2013-03-04", gender: str = "1") -> Change:
    """Another identifier, birth date and gender of the learner."""
    return lambda v: (
        v["learner"].update(national_id=number, birth_date=birth),
        v["profile"].update(gender=gender),
    )


def foreign(passport: str | None = "N1234567", nationality: str = "LA", national_id: str | None = None) -> Change:
    """A learner who is no national: with a passport, or with an identifier."""
    return lambda v: (
        v["learner"].update(national_id=national_id, passport=passport),
        v["profile"].update(nationality=nationality, birthplace={"detail": "Vientiane"}),
    )


def seated(code: str, name: str, *, dated: str = "2026-06-15", department: bool = True) -> Change:
    """A school in another province, on another date."""

    def change(values: dict[str, Any]) -> None:
        year = int(dated[:4]) if dated[5:] >= "08" else int(dated[:4]) - 1
        values["school"].update(province_code=code, province_name=name)
        if department:
            values["school"].update(department_code=code, department_name=f"Sở Giáo dục và Đào tạo {name}")
        values["record"].update(school_year=f"{year}-{year + 1}")
        values["version"].update(created=dated)
        values["issue"].update(signed_on=dated)

    return change


def hanoi_on(day: str) -> Change:
    return seated("01", "Hà Nội", dated=day)


def home(detail: str, code: str) -> Change:
    return lambda v: v["profile"]["hometown"].update(detail=detail, province_code=code)


def teacher(**number: str | None) -> Change:
    return lambda v: v["subjects"][0]["teachers"][0].update(number)


WRONG: dict[str, list[Change]] = {
    "PL1-MA-001.ethnicities": [put("profile.ethnicity", one) for one in ("99", "1", "Kinh", "")],
    "PL1-MA-001.genders": [put("profile.gender", one) for one in ("3", "Nam", "M", "")],
    "PL1-MA-001.school-levels": [put("record.level", one) for one in ("3", "99", "")],
    "PL1-MA-001.programmes": [put("record.programme", one) for one in ("gdpt", "GDPT2018", "")],
    "PL1-MA-001.flags": [put("version.digitised", "false"), put("version.digitised", "")],
    "PL1-MA-001.levels": [
        put("summary.learning.semester1", "G"),
        put("summary.conduct.year", "t"),
        put("summary.learning.year", "5"),
    ],
    "PL1-MA-002.grade": [put("record.grade", one) for one in ("7", "10", "00", "5A", "")],
    "PL1-MA-002.nationality": [
        put("profile.nationality", "VNM"),
        put("profile.nationality", "vn"),
        put("profile.nationality", "UK"),
        put("profile.nationality", ""),
    ],
    "PL1-MA-003.unknown": [
        lambda v: subject(v, "TIN").update(code="ZZ9"),
        lambda v: subject(v, "TIN").update(code="tin"),
        lambda v: subject(v, "TIN").update(code=""),
    ],
    "PL1-MA-004.subject": [
        lambda v: subject(v, "TIN").update(name="Toán"),
        lambda v: subject(v, "TIN").update(name=""),
    ],
    "PL1-MA-004.province": [
        put("school.province_name", "Ninh Bình"),
        # 44 was Quảng Bình until the merger, and is Quảng Trị now
        lambda v: (seated("44", "Quảng Bình")(v), v["school"].update(department_name="Sở GDĐT Quảng Trị")),
        lambda v: (
            seated("44", "Quảng Trị", dated="2025-06-30")(v),
            v["school"].update(department_name="Sở GDĐT Quảng Bình"),
        ),
    ],
    "PL1-MA-004.department": [put("school.department_name", "Sở Giáo dục và Đào tạo Ninh Bình")],
    "PL1-MA-004.department-unknown": [put("school.department_code", "02"), put("school.department_code", "ZZ")],
    "PL1-MA-005.unknown": [
        lambda v: v["school"].update(province_code="03"),
        lambda v: v["school"].update(province_code=""),
    ],
    "PL1-MA-005.not-any-more": [seated("02", "Hà Giang"), seated("27", "Bắc Ninh", dated="2026-01-01")],
    "PL1-MA-006.unknown": [put("profile.birthplace.province_code", "03")],
    "PL1-MA-006.disagree": [
        put("profile.hometown.province_code", "01"),
        put("profile.birthplace.detail", "Xã Giả Định, tỉnh Cà Mau"),
    ],
    "PL1-MA-007.not-twelve-digits": [
        put("learner.national_id", one)
        for one in ("00121399000", "0012139900011", "00121399000X", "", "001 213 990 001", "００１２１３９９０００１")[
            :5
        ]
    ],
    "PL1-MA-007.signer-not-twelve-digits": [
        teacher(national_id="123456789"),
        put("issue.leader.national_id", "GV-001"),
        put("summary.homeroom_teacher.national_id", ""),
    ],
    "PL1-MA-007.signer-not-a-passport": [
        teacher(national_id=None, passport="n/a"),
        teacher(national_id=None, passport=""),
    ],
    "PL1-MA-007.vietnamese-without": [lambda v: v["learner"].update(national_id=None, passport="N1234567")],
    "PL1-MA-007.not-a-passport": [foreign("không có"), foreign(""), foreign("N12")],
    "PL1-MA-008.province": [numbered("003213990001"), numbered("000213990001")],
    "PL1-MA-008.gender": [numbered("001313990001"), numbered("001213990001", gender="2")],
    "PL1-MA-008.birth-year": [
        numbered("001214990001"),
        numbered("001013990001"),
        numbered("001213990001", birth="2012-03-04"),
    ],
    "PL1-MA-009.mixed": [
        put(f"summary.{what}.semester1", level) for what in ("learning", "conduct") for level in "1234"
    ],
}

SOUND: dict[str, Change] = {
    "a girl": numbered("001313990001", gender="2"),
    "born in another province": numbered("096213990001"),
    "born abroad": numbered("117213990001"),
    "only the year of birth": numbered("001213990001", birth="2013"),
    "a foreigner with a passport": foreign(),
    "a foreigner with an identifier": foreign(passport=None, national_id="117213990001"),
    "a teacher with a passport": teacher(national_id=None, passport="C0123456"),
    "a province in another spelling": put("school.province_name", "Thành phố Hà Nội"),
    "in capitals": put("school.province_name", "HÀ NỘI"),
    "a department in short": put("school.department_name", "Sở GDĐT Hà Nội"),
    "a home of the old list": home("Mèo Vạc, Hà Giang", "02"),
    "a home of the new list": home("Đông Hà, Quảng Trị", "44"),
    "the same home of the old list": home("Đông Hà, Quảng Trị", "45"),
    "a home in words only": lambda v: v["profile"].update(hometown={"detail": "Cà Mau"}),
    "no levels yet": lambda v: v["summary"]["learning"].update(semester1="", semester2="", year=""),
    "old code before the merger": seated("02", "Hà Giang", dated="2025-06-30"),
    "old code in the months of both lists": seated("02", "Hà Giang", dated="2025-08-20"),
    "old code on the last day": seated("02", "Hà Giang", dated="2025-12-31"),
    "old meaning of a code on the last day": seated("44", "Quảng Bình", dated="2025-12-31"),
    "new meaning of a code on the first day": seated("44", "Quảng Trị", dated="2025-07-01"),
    "new meaning of a code later": seated("44", "Quảng Trị"),
    "Hà Nội before": hanoi_on("2025-05-31"),
    "Hà Nội after": hanoi_on("2025-07-01"),
}  # fmt: skip

ELSEWHERE = {"PL1-MA-005.not-yet"}


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND.keys())
def test_what_is_right_is_not_refused(change: Change) -> None:
    assert judged(changed(change)).observations == []


@pytest.mark.parametrize(
    ("cause", "change"),
    [pytest.param(cause, one, id=f"{cause}-{n}") for cause, many in WRONG.items() for n, one in enumerate(many)],
)
def test_each_mistake_has_exactly_its_root(cause: str, change: Change) -> None:
    assert judged(changed(change)).roots() == {cause}


def test_every_cause_has_its_twin() -> None:
    rows = [row for row in default_pack().requirements.values() if row.group == "MA"]
    assert {f"{row.id}.{cause}" for row in rows for cause in row.causes} == set(WRONG) | ELSEWHERE


def test_every_class_can_be_shown() -> None:
    held = {*judged(sound()).held_counts, *judged(changed(foreign())).held_counts}
    rows = [row for row in default_pack().requirements.values() if row.group == "MA"]
    assert {(row.id, one.name) for row in rows for one in row.classes} <= held


def listed_from(code: str, first: date) -> Pack:
    """The pack with one province known from a later day only."""
    pack = copy.copy(default_pack())
    provinces = pack.codes["provinces"]
    entries = tuple(
        entry.model_copy(update={"valid_from": first, "valid_to": None}) if entry.code == code else entry
        for entry in provinces.entries
    )
    pack.codes = {**pack.codes, "provinces": CodeList.model_validate({**provinces.model_dump(), "entries": entries})}
    return pack


def test_a_code_is_not_valid_before_its_day() -> None:
    pack = listed_from("44", date(2025, 7, 1))
    on = seated("44", "Quảng Trị", dated="2025-06-30", department=False)
    assert judged(changed(on), pack).roots() == {"PL1-MA-005.not-yet"}
    on = seated("44", "Quảng Trị", dated="2025-07-01", department=False)
    assert judged(changed(on), pack).roots() == set()


def test_the_day_of_issue_decides_and_the_day_of_creation_stands_in() -> None:
    def change(values: dict[str, Any]) -> None:
        seated("02", "Hà Giang", dated="2025-12-30")(values)
        values["issue"].update(signed_on="2026-01-02")

    assert judged(changed(change)).roots() == {"PL1-MA-005.not-any-more"}

    def undated(values: dict[str, Any]) -> None:
        seated("02", "Hà Giang", dated="2025-12-30")(values)
        values["issue"].update(signed_on="")

    assert judged(changed(undated)).roots() == {"PL1-STR-006.not-a-date"}


def test_a_vendors_subject_codes_are_translated() -> None:
    data = changed(lambda v: subject(v, "TIN").update(code="MON-07"))
    assert judged(data).roots() == {"PL1-MA-003.unknown"}
    assert judged(data, subject_map={"MON-07": "TIN"}).roots() == set()
    # translated to the wrong subject, the name gives it away
    assert judged(data, subject_map={"MON-07": "CNG"}).roots() == {"PL1-MA-004.subject"}


def test_a_subject_of_another_programme_is_known() -> None:
    data = changed(lambda v: subject(v, "TIN").update(code="VLI", name="Vật lí"))
    assert judged(data).roots() == set()


def test_an_identifier_of_the_last_century_is_read_as_such() -> None:
    data = changed(numbered("001099990001", birth="1999-03-04"))
    assert judged(data).roots() == {"PL1-STR-008.implausible"}
    data = changed(numbered("001199990001", birth="1999-03-04", gender="2"))
    assert judged(data).roots() == {"PL1-STR-008.implausible"}


def test_a_teacher_of_many_subjects_is_one_mistake() -> None:
    data = changed(lambda v: [one["teachers"][0].update(national_id="123") for one in v["subjects"]])
    found = judged(data)
    assert [one.code for one in found.violations] == ["PL1-MA-007.signer-not-twelve-digits"]


def placed(code: str, province: str, department: str, day: str) -> bytes:
    """A school under a province's code, with the names given, on a day."""
    values = valid_values()
    values["school"].update(
        province_code=code, province_name=province, department_code=code, department_name=department
    )
    values["version"]["created"] = values["issue"]["signed_on"] = day
    values["record"]["school_year"] = "2024-2025"
    return write(values, default_pack())


def test_names_of_another_days_list_are_one_mistake() -> None:
    old, new = (f"Sở Giáo dục và Đào tạo {name}" for name in ("Yên Bái", "Lào Cai"))
    assert judged(placed("15", "Yên Bái", old, "2025-06-20")).root_requirements() == set()
    found = judged(placed("15", "Lào Cai", new, "2025-06-20"))
    assert found.roots() == {"PL1-MA-004.province"}
    # names that no day's list has are two
    found = judged(placed("15", "Lào Cai", "Sở Giáo dục và Đào tạo Cà Mau", "2025-06-20"))
    assert found.roots() == {"PL1-MA-004.province", "PL1-MA-004.department"}


@pytest.mark.parametrize(
    ("code", "province", "department"),
    [
        ("38", "Thanh Hoá", "Sở GD và ĐT Thanh Hoá"),
        ("01", "TP.Hà Nội", "Sở Giáo dục & Đào tạo Thành phố Hà Nội"),
        ("56", "KHÁNH HOÀ", "SỞ GIÁO DỤC VÀ ĐÀO TẠO KHÁNH HÒA"),
    ],
)
def test_spellings_of_one_name_agree(code: str, province: str, department: str) -> None:
    assert judged(placed(code, province, department, "2025-06-20")).root_requirements() == set()


@pytest.mark.parametrize("name", ["Hoạt động trải nghiệm hướng nghiệp", "Hoạt động trải nghiệm – hướng nghiệp"])
def test_punctuation_is_no_part_of_a_subjects_name(name: str) -> None:
    assert judged(changed(lambda v: subject(v, "HTN").update(name=name))).root_requirements() == set()
    assert judged(changed(lambda v: subject(v, "HTN").update(name=f"{name} 2"))).roots() == {"PL1-MA-004.subject"}
