"""DOC, STR, MA among all checks: a mistake is one root over every group, and what follows from it stays quiet.

The twins of each module alone are in ``test_form_twins``, ``test_structure_twins`` and ``test_codes_twins``.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.checks import codes, form, levels, structure, subjects
from conformance.checks.context import Context
from conformance.checks.judge import settle
from conformance.document import MOST, read, write
from conformance.finding import Recorder, State
from conformance.pack import default_pack
from tests.builders import NOW, subject, valid_values

PACK = default_pack()
CONTEXT = Context(PACK, None, NOW)
SOUND = write(valid_values(), PACK)
TEXT = SOUND.decode()


def observed(data: bytes, context: Context = CONTEXT) -> Recorder:
    """All checks but those of signatures, as the judge calls them."""
    found = Recorder()
    reading = read(data, PACK)
    form.check(reading, found)
    document = reading.document
    if document is not None:
        structure.check(document, context, found)
        if not structure.is_digitised(document):
            codes.check(document, context, found)
            subjects.check(document, context, found)
            levels.check(document, context, found)
            settle(found, document)
    return found


def changed(change: Callable[[dict[str, Any]], object], programme: str = "THCS") -> bytes:
    values = valid_values(programme)
    change(values)
    return write(values, PACK)


def at(path: str, value: str | None) -> bytes:
    """The sound document with one field changed (``record.grade``) or removed."""
    values = valid_values()
    *way, last = path.split(".")
    target = values
    for name in way:
        target = target[name]
    target[last] = value
    return write(values, PACK)


def text(old: str, new: str) -> bytes:
    assert TEXT.count(old) >= 1, old
    return TEXT.replace(old, new, 1).encode()


def amended(values: dict[str, Any]) -> None:
    values["version"] |= {"number": "2", "reason": "Đính chính", "replaces": hashlib.sha256(SOUND).hexdigest()}


def amended_with(**version: str | None) -> bytes:
    values = valid_values()
    amended(values)
    values["version"] |= version
    return write(values, PACK)


def foreign(values: dict[str, Any], passport: str = "C1234567") -> None:
    values["learner"] |= {"national_id": None, "passport": passport}
    values["profile"] |= {"nationality": "FR", "ethnicity": "55"}


def signed_at(time: str, slot: str = "CksHieuTruong") -> bytes:
    """The sound document with a claimed signing time in a slot (no real signature: only the date check reads it)."""
    body = f'<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"><SigningTime>{time}</SigningTime></s:Signature>'
    where = f'<{slot} Id="slot-{"principal" if slot == "CksHieuTruong" else "subject-teacher"}"'
    return text(f"{where}/>", f'{where}><Cks Id="c" VaiTro="x">{body}</Cks></{slot}>')


TWINS: dict[str, list[bytes]] = {
    "PL1-DOC-001.not-well-formed": [SOUND[:-5], b""],
    "PL1-DOC-001.version": [text('version="1.0"', 'version="1.1"')],
    "PL1-DOC-001.not-utf8": [TEXT.replace("UTF-8", "UTF-16").encode("utf-16")],
    "PL1-DOC-001.invalid-utf8": [SOUND.replace("Hà Nội".encode(), "Hà Nội".encode("cp1258", "replace"))],
    "PL1-DOC-002.doctype": [text("?>", "?><!DOCTYPE HocBa>")],
    "PL1-DOC-003.comment": [text("7.8<", "7<!---->.8<")],
    "PL1-DOC-003.cdata": [text(">7.8<", "><![CDATA[7.8]]><")],
    "PL1-DOC-003.instruction": [text(">7.8<", "><?x?>7.8<")],
    "PL1-DOC-003.stylesheet": [text("?>", '?><?xml-stylesheet href="x"?>')],
    "PL1-DOC-004.bytes": [SOUND + b" " * PACK.header.limits.bytes],
    "PL1-DOC-004.depth": [text("<LopHoc>", "<LopHoc>" + "<a>" * 40 + "</a>" * 40)],
    "PL1-DOC-004.attributes": [text("<LopHoc", "<LopHoc" + "".join(f" a{n}=''" for n in range(33)))],
    "PL1-DOC-004.namespaces": [text("<LopHoc", "<LopHoc" + "".join(f" xmlns:a{n}='u'" for n in range(1000)))],
    "PL1-DOC-004.nodes": [text("<LopHoc>", "<LopHoc>" + "<a/>" * 100_000)],
    "PL1-DOC-004.children": [text("<LopHoc>", "<LopHoc>" + "<a/>" * 501)],
    "PL1-DOC-005.not-nfc": [unicodedata.normalize("NFD", TEXT).encode(), text("Minh", "Mi\u0309nh")],
    "PL1-DOC-005.eth": [
        text("Phạm Đức Minh", "Phạm \u00d0ức Minh"),
        # in a result and in a level it is understood, so that one mistake is one finding
        changed(lambda v: subject(v, "GDP").update(semester1="\u00d0", semester2="\u00d0", year="\u00d0")),
    ],
    "PL1-DOC-006.bom": [b"\xef\xbb\xbf" + SOUND],
    "PL1-DOC-006.spaces": [
        at("learner.name", " Phạm Đức Minh"), at("learner.name", "Phạm  Đức Minh"), at("learner.name", "An "),
        at("learner.code", "9900000001 "), at("record.circular", " 22/2021/TT-BGDĐT"),
    ],
    "PL1-DOC-006.invisible": [
        at("learner.name", "Phạm\u200bĐức Minh"), at("learner.name", "Phạm\u00a0Đức Minh"),
        at("learner.name", "\u202ePhạm Đức Minh"), at("class_name", "7A\u00ad1"),
    ],
    "PL1-DOC-006.look-alike": [
        at("learner.name", "Phạm Đức Мinh"), at("learner.name", "Phạm Đức Ｍinh"), at("learner.name", "Phạm Ɖức Minh"),
    ],
    "PL1-STR-001.other-form": [b"<HocBa/>"],
    "PL1-STR-001.element": [
        text("<LopHoc>", "<La/><LopHoc>"), text("<TenLop>7A1</TenLop>", "<tenlop>7A1</tenlop>"),
        at("learner.code", None), text("<LopHoc><TenLop>7A1</TenLop></LopHoc>", ""),
        text("<CksGiaoVien", "<Them/><CksGiaoVien"),
    ],
    "PL1-STR-001.missing-element": [at("school.province_code", None), at("issue.signed_on", None)],
    "PL1-STR-001.stray-text": [text("<LopHoc>", "<LopHoc>x")],
    "PL1-STR-001.too-long": [at("class_name", "x" * 11), at("school.name", "x" * 151)],
    "PL1-STR-001.attribute-missing": [text(' PhienBanDacTa="1.0"', "")],
    "PL1-STR-001.attribute-unknown": [text("<LopHoc>", "<LopHoc la='1'>")],
    "PL1-STR-001.spec-version": [at("spec_version", "2.0")],
    "PL1-STR-002.duplicate": [text('Id="learner"', 'Id="record"'), text('Id="subject-2"', 'Id="subject-1"')],
    "PL1-STR-002.missing": [
        text(' Id="learner"', ""), text(' Id="subject-3"', ""),
        text(' Id="slot-homeroom-teacher"', ""),
    ],
    "PL1-STR-003.not-uuid": [at("record.id", "HB-0001"), at("record.id", "3f2b8c1e5d4a4b6f9c7d0a1b2c3d4e5f")],
    "PL1-STR-004.not-a-version": [at("version.number", "0"), at("version.number", "1.0"), at("version.number", "x")],
    "PL1-STR-004.first-replaces": [at("version.replaces", "0" * 64)],
    "PL1-STR-004.no-reason": [amended_with(reason=None), amended_with(reason="  ")],
    "PL1-STR-004.no-predecessor": [
        amended_with(replaces=None), amended_with(replaces="1"), amended_with(replaces="A" * 64),
    ],
    "PL1-STR-005.not-a-year": [at("record.school_year", "2025-2027"), at("record.school_year", "2025/2026")],
    "PL1-STR-005.before-pilot": [at("record.school_year", "2023-2024")],
    "PL1-STR-006.not-a-date": [
        at("issue.signed_on", "15/06/2026"), at("version.created", "2026-02-30"), at("learner.birth_date", "2013-3-4"),
    ],
    "PL1-STR-006.born-after-creation": [at("version.created", "2013-03-04")],
    "PL1-STR-006.in-the-future": [at("issue.signed_on", "2026-06-16"), at("version.created", "2026-07-01")],
    "PL1-STR-006.issued-before-creation": [at("issue.signed_on", "2026-06-09")],
    "PL1-STR-006.signed-before-creation": [
        signed_at("2026-06-09T23:50:00+07:00"), signed_at("2026-06-09T10:00:00", "CksGiaoVien"),
        signed_at("2026-06-09T16:00:00Z"),
    ],
    "PL1-STR-006.issued-before-signed": [signed_at("2026-06-16T00:06:00+07:00"), signed_at("2026-06-15T17:30:00Z")],
    "PL1-STR-007.unknown": [at("record.circular", "58/2011/TT-BGDĐT")],
    "PL1-STR-007.other-programme": [at("record.circular", "43/2021/TT-BGDĐT")],
    "PL1-STR-008.implausible": [
        changed(lambda v: v["learner"].update(birth_date="2018-03-04", national_id="001218990001")),
    ],
    "PL1-MA-001.ethnicities": [at("profile.ethnicity", "99"), at("profile.ethnicity", "Kinh")],
    "PL1-MA-001.genders": [at("profile.gender", "3"), at("profile.gender", "Nam")],
    "PL1-MA-001.school-levels": [at("record.level", "3")],
    "PL1-MA-001.programmes": [at("record.programme", "CT2018")],
    "PL1-MA-001.levels": [at("summary.conduct.semester1", "Tốt"[:2])],
    "PL1-MA-001.flags": [at("version.digitised", "false"), at("version.digitised", "Không")],
    "PL1-MA-002.grade": [at("record.grade", "7"), at("record.grade", "x")],
    "PL1-MA-002.nationality": [at("profile.nationality", "VNM"), at("profile.nationality", "XX")],
    "PL1-MA-003.unknown": [
        changed(lambda v: v["subjects"].append({**subject(v, "TIN"), "code": "ZZZ", "name": "Môn lạ"})),
    ],
    "PL1-MA-004.subject": [changed(lambda v: subject(v, "TOA").update(name="Ngữ văn"))],
    "PL1-MA-004.province": [at("school.province_name", "Huế"), at("school.province_name", "Ha Noi")],
    "PL1-MA-004.department": [at("school.department_name", "Sở Giáo dục và Đào tạo Huế")],
    "PL1-MA-004.department-unknown": [at("school.department_code", "99"), at("school.department_code", "02")],
    "PL1-MA-005.unknown": [at("school.province_code", "03")],
    "PL1-MA-005.not-any-more": [
        changed(lambda v: v["school"].update(province_code="02", province_name="Hà Giang")),
        changed(lambda v: v["school"].update(
            province_code="02", province_name="Hà Giang", department_code="02",
            department_name="Sở Giáo dục và Đào tạo Hà Giang",
        )),
    ],
    "PL1-MA-006.unknown": [changed(lambda v: v["profile"]["residence"].update(province_code="03"))],
    "PL1-MA-006.disagree": [changed(lambda v: v["profile"]["hometown"].update(province_code="38"))],
    "PL1-MA-007.not-twelve-digits": [
        at("learner.national_id", "01213990001"), at("learner.national_id", "0012139900011"),
        at("learner.national_id", ""),
    ],
    "PL1-MA-007.signer-not-twelve-digits": [
        changed(lambda v: v["summary"]["homeroom_teacher"].update(national_id="123456789")),
        changed(lambda v: [one["teachers"][0].update(national_id="123456789") for one in v["subjects"][:4]]),
    ],
    "PL1-MA-007.vietnamese-without": [
        changed(lambda v: v["learner"].update(national_id=None, passport="C1234567")),
    ],
    "PL1-MA-007.not-a-passport": [changed(lambda v: foreign(v, "không có"))],
    "PL1-MA-008.province": [at("learner.national_id", "003213990001")],
    "PL1-MA-008.gender": [at("learner.national_id", "001313990001")],
    "PL1-MA-008.birth-year": [at("learner.national_id", "001212990001"), at("learner.national_id", "001013990001")],
    "PL1-MA-009.mixed": [at("summary.conduct.semester1", "1"), at("summary.learning.semester1", "1")],
}  # fmt: skip


def test_the_sound_documents_hold_everywhere() -> None:
    for programme in ("THCS", "THPT"):
        found = observed(write(valid_values(programme), PACK))
        assert found.observations == []
        held = {name for name, _ in found.held_counts}
        assert {one for one in PACK.requirements if one[:7] in ("PL1-DOC", "PL1-STR", "PL1-MA-")} <= held


@pytest.mark.parametrize(("code", "data"), [(code, data) for code, many in TWINS.items() for data in many])
def test_one_mistake_is_one_root_of_its_own_cause(code: str, data: bytes) -> None:
    found = observed(data)
    assert found.roots() == {code}
    first = next(one for one in found.violations if one.is_root)
    assert first.place is not None
    for language in ("vi", "en"):
        wording = PACK.requirements[first.requirement].causes[first.cause].of(language)
        assert wording.format(expected=first.expected, seen=first.seen, **first.params)


def test_the_version_before_is_compared_where_it_is_known() -> None:
    context = replace(CONTEXT, previous=SOUND)
    data = changed(amended)
    found = observed(data, context)
    assert found.roots() == set()
    assert found.held_counts["PL1-STR-004", "amended"] == 1
    other = amended_with(replaces="0" * 64)
    assert observed(other).roots() == set()
    assert observed(other, context).roots() == {"PL1-STR-004.other-predecessor"}

    def swap(values: dict[str, Any]) -> None:
        amended(values)
        values["learner"]["code"] = "9900000002"

    found = observed(changed(swap), context)
    assert found.roots() == {"PL1-STR-004.identity-changed"}
    assert found.violations[0].params["what"] == "{identity.learner}"


def test_a_digitised_record_is_reported_and_judged_by_form_and_structure_only() -> None:
    found = observed(changed(lambda v: (v["version"].update(digitised="1"), subject(v, "TOA").update(year="1"))))
    assert found.roots() == set()
    assert [(one.code, one.state) for one in found.observations] == [("PL1-STR-001.digitised", State.BLOCKED)]
    assert not any(name.startswith(("PL1-MON", "PL1-MA")) for name, _ in found.held_counts)
    wrong = changed(lambda v: (v["version"].update(digitised="1"), v["record"].update(id="1")))
    assert observed(wrong).roots() == {"PL1-STR-003.not-uuid"}


def dated(day: str, **school: str) -> set[str]:
    def change(values: dict[str, Any]) -> None:
        values["record"]["school_year"] = "2024-2025"
        values["version"]["created"] = values["issue"]["signed_on"] = day
        values["school"] |= school

    return observed(changed(change)).roots()


def test_provinces_are_judged_by_the_list_of_the_documents_day() -> None:
    old = {"province_code": "02", "province_name": "Hà Giang"}
    both = old | {"department_code": "02", "department_name": "Sở Giáo dục và Đào tạo Hà Giang"}
    for day in ("2025-06-30", "2025-07-01", "2025-12-31"):
        assert dated(day, **both) == set()
    assert dated("2026-01-01", **both) == {"PL1-MA-005.not-any-more"}
    # 15 was Yên Bái and is Lào Cai; from July to December either name goes
    former, present = (
        {"province_code": "15", "province_name": "Yên Bái"},
        {"province_code": "15", "province_name": "Lào Cai"},
    )
    assert dated("2025-06-30", **former) == dated("2025-07-01", **former) == dated("2025-12-31", **former) == set()
    assert dated("2026-01-01", **former) == {"PL1-MA-004.province"}
    assert dated("2025-06-30", **present) == {"PL1-MA-004.province"}
    assert dated("2025-07-01", **present) == dated("2026-01-01", **present) == set()


def test_birthplace_and_home_may_use_either_list() -> None:
    def change(values: dict[str, Any]) -> None:
        values["profile"]["birthplace"] = {"detail": "Xã Giả Định, Yên Bái", "province_code": "15"}
        values["profile"]["hometown"] = {"detail": "Xã Giả Định, Lào Cai", "province_code": "15"}
        values["profile"]["residence"] = {"detail": "Thôn Hà Nam, Hà Giang", "province_code": "02"}

    found = observed(changed(change))
    assert found.roots() == set()
    assert found.held_counts["PL1-MA-006", "checked"] == 3


def test_foreigners_have_an_identifier_or_a_passport() -> None:
    found = observed(changed(foreign))
    assert found.roots() == set()
    assert found.held_counts["PL1-MA-007", "foreign"] == 1
    found = observed(changed(lambda v: v["profile"].update(nationality="LA")))
    assert found.roots() == set()
    assert found.held_counts["PL1-MA-007", "foreign"] == 1


def test_what_an_identifier_says() -> None:
    def person(**learner: str) -> set[str]:
        gender = learner.pop("gender", "1")
        return observed(changed(lambda v: (v["learner"].update(learner), v["profile"].update(gender=gender)))).roots()

    assert person(national_id="001313990001", gender="2") == set()
    assert person(national_id="112213990001") == set()  # a country's code: the list is not public
    assert person(national_id="001313990001", gender="0") == set()  # no information
    assert person(birth_date="2013", national_id="001213990001") == set()
    assert person(national_id="000213990001") == {"PL1-MA-008.province"}


@pytest.mark.parametrize(
    ("time", "slot"),
    [
        ("2026-06-10T00:00:00+07:00", "CksGiaoVien"),
        ("2026-06-09T23:56:00", "CksGiaoVien"),  # five minutes of tolerance
        ("2026-06-09T17:00:00Z", "CksGiaoVien"),
        ("2026-06-16T00:04:00+07:00", "CksHieuTruong"),
        ("2026-06-15T16:59:00Z", "CksHieuTruong"),
        ("nonsense", "CksHieuTruong"),  # PL1-KY-012 says so
        ("1899-12-31T23:59:59+07:00", "CksGiaoVien"),
        ("0001-01-01T00:00:00+14:00", "CksHieuTruong"),
        ("9999-12-31T23:59:59-12:00", "CksHieuTruong"),
    ],
)
def test_signing_times_that_fit_the_dates_or_are_anothers_to_name(time: str, slot: str) -> None:
    assert observed(signed_at(time, slot)).roots() == set()


def test_dates_are_those_of_the_packs_zone() -> None:
    evening = datetime(2026, 6, 14, 17, 0, tzinfo=UTC)  # 15 June, 00:00 in Vietnam
    assert observed(SOUND, replace(CONTEXT, judged_at=evening)).roots() == set()
    before = evening - timedelta(minutes=6)
    assert observed(SOUND, replace(CONTEXT, judged_at=before)).roots() == {"PL1-STR-006.in-the-future"}
    late = evening + timedelta(days=9)
    received = replace(CONTEXT, judged_at=late, received_at=before)
    assert observed(SOUND, received).roots() == {"PL1-STR-006.in-the-future"}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_extreme_dates_are_findings_not_errors(day: str) -> None:
    for path in ("version.created", "issue.signed_on", "learner.birth_date"):
        found = observed(at(path, day))
        assert {one.requirement for one in found.violations} <= {
            "PL1-STR-006",
            "PL1-STR-008",
            "PL1-MA-008",
            "PL1-MA-004",
        }


def test_prose_may_have_lines_double_spaces_and_other_letters() -> None:
    def change(values: dict[str, Any]) -> None:
        values["summary"]["homeroom_comment"] = "Dòng một.\n  Dòng hai: góc α, 数学.\u00a0"
        subject(values, "TOA")["comment"] = " Tốt \u200b"
        values["summary"]["awards"] = "Giải  Nhất"

    assert observed(changed(change)).roots() == set()


@pytest.mark.parametrize(
    "name", ["H'Hen Niê", "Y Moan Êban", "Giàng A Páo", "An", "K’Brễu", "Thạch Sa-rây", "Camille Lefèvre", "Łukasz Ñ"]
)
def test_names_of_all_kinds_are_clean(name: str) -> None:
    assert observed(at("learner.name", name)).roots() == set()


def test_an_overlong_mark_is_a_wrong_mark_first() -> None:
    found = observed(changed(lambda v: subject(v, "TOA").update(semester1="8.125")))
    assert found.root_requirements() == {"PL1-MON-005"}
    assert "PL1-STR-001.too-long" in {one.code for one in found.violations}


def test_what_is_missed_with_the_mark_table_follows_from_the_schema() -> None:
    start, end = TEXT.index("<BangDiem"), TEXT.index("</BangDiem>") + len("</BangDiem>")
    found = observed((TEXT[:start] + TEXT[end:]).encode())
    assert found.root_requirements() == {"PL1-STR-001"}


def test_subject_codes_of_a_vendor_are_translated() -> None:
    data = changed(lambda v: subject(v, "TOA").update(code="M1"))
    assert "PL1-MA-003.unknown" in observed(data).roots()
    assert observed(data, replace(CONTEXT, subject_map={"M1": "TOA"})).roots() == set()


def test_a_circular_that_does_not_apply_yet() -> None:
    rules = PACK.rules["tt22-2021"].model_copy(update={"valid_from_school_year": 2026})
    pack = type(PACK).__new__(type(PACK))
    pack.__dict__.update(PACK.__dict__, rules={**PACK.rules, "tt22-2021": rules})
    found = Recorder()
    document = read(SOUND, PACK).document
    assert document is not None
    structure.check(document, replace(CONTEXT, pack=pack), found)
    assert found.roots() == {"PL1-STR-007.not-yet"}


def test_floods_are_cut_short() -> None:
    data = changed(lambda v: v.update(subjects=[{**subject(v, "TOA"), "code": "ZZZ", "name": "e\u0301"}] * 500))
    found = observed(data)
    counts = [
        sum(one.code == code for one in found.violations) for code in ("PL1-DOC-005.not-nfc", "PL1-MA-003.unknown")
    ]
    assert counts == [MOST, MOST]
