"""STR: for every cause a document that fails with exactly that root, beside a sound one; dates, versions, schema."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.checks import schema
from conformance.document import read, write
from conformance.finding import MOST_SHOWN, Place, State
from conformance.pack import Pack, default_pack
from tests.builders import NOW, VIETNAM, valid_values
from tests.checks.documents import judged, replaced, sound

Change = Callable[[dict[str, Any]], object]
PACK = default_pack()
FIRST = sound()
DIGEST = hashlib.sha256(FIRST).hexdigest()


def changed(change: Change, programme: str = "THCS") -> bytes:
    values = valid_values(programme)
    change(values)
    return write(values, default_pack())


def put(path: str, value: str | None) -> bytes:
    """The sound document with one value set; ``None`` leaves the element out."""
    *way, last = path.split(".")

    def change(values: dict[str, Any]) -> None:
        for part in way:
            values = values[part]
        values[last] = value

    return changed(change)


def amended(**version: str | None) -> bytes:
    said = {"number": "2", "replaces": DIGEST, "reason": "Sửa điểm môn Toán"}
    return changed(lambda v: v["version"].update({**said, **version}))


def signed(slot: str, time: str) -> bytes:
    """The sound document with something that claims a signing time in a slot."""
    names = {"CksGiaoVien": "subject-teacher", "CksHieuTruong": "principal"}
    box = (
        '<Cks Id="c1" VaiTro="HT"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f"<ds:Object><SigningTime>{time}</SigningTime></ds:Object></ds:Signature></Cks>"
    )
    empty = f'<{slot} Id="slot-{names[slot]}"/>'
    return replaced(empty, empty.replace("/>", f">{box}</{slot}>"))


def renamed(root: str) -> bytes:
    return FIRST.replace(b"<HocBa ", f"<{root} ".encode()).replace(b"</HocBa>", f"</{root}>".encode())


WRONG: dict[str, list[bytes]] = {
    "PL1-STR-001.other-form": [
        renamed("HocBaTieuHoc"),
        renamed("hocba"),
        replaced("trung-hoc:1.0", "tieu-hoc:1.0"),
        replaced(' xmlns="urn:vn:moet:hoc-ba-so:trung-hoc:1.0"', ""),
        b"<Invoice xmlns='urn:x'/>",
        b'<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    ],
    "PL1-STR-001.element": [
        replaced("<LopHoc>", "<Them/><LopHoc>"),
        replaced("<SoBuoiNghi>", "<sobuoinghi/><SoBuoiNghi>"),
        replaced("<MaKhoi>07</MaKhoi>", "<MaKhoi>07</MaKhoi><MaKhoi>08</MaKhoi>"),
        replaced("<GioiTinh>1</GioiTinh><DanToc>01</DanToc>", "<DanToc>01</DanToc><GioiTinh>1</GioiTinh>"),
        replaced("</HocBa>", "<Them/></HocBa>"),
    ],
    "PL1-STR-001.namespace": [
        replaced("<LopHoc>", '<LopHoc xmlns="">'),
        replaced("<LopHoc>", '<LopHoc xmlns="urn:x">'),
    ],
    "PL1-STR-001.empty": [
        put("learner.name", ""),
        put("learner.name", "  "),
        put("school.name", ""),
        put("class_name", ""),
        put("issue.place", " "),
        changed(lambda v: v["subjects"][1]["teachers"][0].update(name="")),
    ],
    "PL1-STR-001.named-twice": [
        changed(lambda v: v["subjects"][1]["teachers"].append(dict(v["subjects"][1]["teachers"][0]))),
    ],
    "PL1-STR-001.missing-element": [
        put("issue.signed_on", None),
        replaced("<TenLop>7A1</TenLop>", ""),
        replaced("</PhatHanh></NoiDung>", "</PhatHanh></NoiDung>").replace(
            b'<CksHieuTruong Id="slot-principal"/>', b""
        ),
    ],
    "PL1-STR-001.stray-text": [replaced("<LopHoc>", "<LopHoc>7A1"), replaced("<DSChuKy>", "x<DSChuKy>")],
    "PL1-STR-001.too-long": [put("class_name", "7" * 11), put("profile.policy_category", "x" * 251)],
    "PL1-STR-001.attribute-missing": [replaced(' PhienBanDacTa="1.0"', "")],
    "PL1-STR-001.attribute-unknown": [replaced("<LopHoc>", '<LopHoc MaLop="1">')],
    "PL1-STR-001.spec-version": [put("spec_version", "1.1"), put("spec_version", "")],
    "PL1-STR-002.duplicate": [
        replaced('Id="subject-2"', 'Id="subject-1"'),
        replaced("<LopHoc>", "<LopHoc>").replace(b'Id="slot-principal"', b'Id="content"'),
    ],
    "PL1-STR-002.missing": [
        replaced(' Id="marks"', ""),
        replaced('Id="learner"', 'Id=""'),
        replaced(' Id="slot-subject-teacher"', ""),
    ],
    "PL1-STR-003.not-uuid": [
        put("record.id", "3f2b8c1e5d4a4b6f9c7d0a1b2c3d4e5f"),
        put("record.id", "{3f2b8c1e-5d4a-4b6f-9c7d-0a1b2c3d4e5f}"),
        put("record.id", "3f2b8c1e-5d4a-4b6f-9c7d-0a1b2c3d4e5g"),
        put("record.id", ""),
    ],
    "PL1-STR-004.not-a-version": [
        put("version.number", number) for number in ("0", "-1", "1.0", "", "một", "+1", "99999999999")
    ],
    "PL1-STR-004.first-replaces": [put("version.replaces", DIGEST)],
    "PL1-STR-004.no-reason": [amended(reason=None), amended(reason=" "), amended(reason="")],
    "PL1-STR-004.no-predecessor": [amended(replaces=one) for one in (None, "", DIGEST.upper(), DIGEST[:-1])],
    "PL1-STR-005.not-a-year": [
        put("record.school_year", year) for year in ("2025", "2025-2027", "2026-2025", "2025–2026", "25-26")
    ],
    "PL1-STR-005.before-pilot": [put("record.school_year", "2023-2024")],
    "PL1-STR-006.not-a-date": [
        put("version.created", "10/06/2026"),
        put("version.created", "2026-06-31"),
        put("issue.signed_on", "2026-6-15"),
        put("learner.birth_date", "2013-13"),
        put("learner.birth_date", "04-03-2013"),
    ],
    "PL1-STR-006.born-after-creation": [changed(lambda v: v["version"].update(created="2013-03-04"))],
    "PL1-STR-006.in-the-future": [put("issue.signed_on", "2026-06-16"), put("issue.signed_on", "9999-12-31")],
    "PL1-STR-006.before-school-year": [put("record.school_year", "2026-2027"), put("record.school_year", "2031-2032")],
    "PL1-STR-006.issued-before-creation": [put("issue.signed_on", "2026-06-09")],
    "PL1-STR-006.signed-before-creation": [
        signed("CksGiaoVien", "2026-06-09T23:00:00+07:00"),
        signed("CksGiaoVien", "2026-06-09T16:54:00Z"),
        signed("CksGiaoVien", "2026-06-09T23:54:00"),
    ],
    "PL1-STR-006.issued-before-signed": [
        signed("CksHieuTruong", "2026-06-16T00:06:00+07:00"),
        signed("CksHieuTruong", "2026-06-15T17:06:00Z"),
    ],
    "PL1-STR-007.unknown": [put("record.circular", "58/2011/TT-BGDĐT"), put("record.circular", "")],
    "PL1-STR-007.other-programme": [put("record.circular", "43/2021/TT-BGDĐT")],
    "PL1-STR-008.implausible": [
        changed(lambda v: v["learner"].update(birth_date="2016-03-04", national_id="001216990001")),
        changed(lambda v: v["learner"].update(birth_date="2004", national_id="001204990001")),
    ],
}

# what needs circumstances of its own is shown below
ELSEWHERE = {
    "PL1-STR-001.digitised",
    "PL1-STR-001.invalid",
    "PL1-STR-004.other-predecessor",
    "PL1-STR-004.identity-changed",
    "PL1-STR-004.not-next",
    # between files: tests/checking/test_related.py
    "PL1-STR-004.version-twice",
    "PL1-STR-004.identity-differs",
    "PL1-STR-004.other-bytes-replaced",
    "PL1-STR-004.not-before",
    "PL1-STR-004.second-record",
    "PL1-STR-007.not-yet",
}

SOUND: list[bytes] = [
    FIRST,
    sound("THPT"),
    amended(),
    put("version.replaces", ""),
    put("record.id", "3F2B8C1E-5D4A-4B6F-9C7D-0A1B2C3D4E5F"),
    put("record.school_year", "2024-2025"),
    put("learner.birth_date", "2013-03"),
    put("learner.birth_date", "2013"),
    put("version.created", "2026-06-15"),
    changed(lambda v: v["learner"].update(birth_date="2015-12-31", national_id="001215990001")),
    changed(lambda v: v["learner"].update(birth_date="2005", national_id="001205990001")),
    signed("CksHieuTruong", "2026-06-16T00:04:00+07:00"),
    signed("CksGiaoVien", "2026-06-09T23:56:00+07:00"),
    signed("CksGiaoVien", "yesterday"),
    signed("CksGiaoVien", "0001-01-01T00:00:00-23:59"),
    put("class_name", "7" * 10),
]


@pytest.mark.parametrize("data", SOUND, ids=range(len(SOUND)))
def test_what_is_right_is_not_refused(data: bytes) -> None:
    assert judged(data).observations == []


@pytest.mark.parametrize(
    ("cause", "data"),
    [pytest.param(cause, one, id=f"{cause}-{n}") for cause, many in WRONG.items() for n, one in enumerate(many)],
)
def test_each_mistake_has_exactly_its_root(cause: str, data: bytes) -> None:
    found = judged(data)
    assert found.roots() == {cause}
    assert (cause.partition(".")[0], "checked") not in found.held_counts


def test_every_cause_has_its_twin() -> None:
    rows = [row for row in default_pack().requirements.values() if row.group == "STR"]
    assert {f"{row.id}.{cause}" for row in rows for cause in row.causes} == set(WRONG) | ELSEWHERE


@pytest.mark.parametrize("spelling", ["ID", "id", "xml:id"])
def test_an_identifier_counts_in_any_spelling(spelling: str) -> None:
    found = judged(replaced("<LopHoc>", f'<LopHoc {spelling}="record">'))
    assert found.roots() == {"PL1-STR-002.duplicate"}  # an attribute the schema does not know follows
    (double,) = [one for one in found.violations if one.cause == "duplicate"]
    assert double.params["first"] == "/HocBa/NoiDung/DinhDanhHocBa"


def test_a_digitised_record_is_recognised_and_not_judged() -> None:
    found = judged(put("version.digitised", "1"))
    assert [(one.state, one.code) for one in found.observations] == [(State.BLOCKED, "PL1-STR-001.digitised")]


@pytest.mark.parametrize("other", [{"national_id": "001185990199"}, {"name": "Nguyễn Thị Khác"}])
def test_two_of_one_name_and_two_of_one_number_are_not_one_named_twice(other: dict[str, str]) -> None:
    def second(values: dict[str, Any]) -> None:
        teachers = values["subjects"][1]["teachers"]
        teachers.append({**teachers[0], **other})

    assert judged(changed(second)).roots() == set()


def later(number: str = "2", **changes: Change) -> bytes:
    def change(values: dict[str, Any]) -> None:
        values["version"].update(number=number, replaces=DIGEST, reason="Sửa điểm")
        for one in changes.values():
            one(values)

    return changed(change)


IDENTITIES: dict[str, Change] = {
    "record": lambda v: v["record"].update(id="00000000-5d4a-4b6f-9c7d-0a1b2c3d4e5f"),
    "learner": lambda v: v["learner"].update(code="9900000002"),
    "school-year": lambda v: v["record"].update(school_year="2024-2025"),
    "school": lambda v: v["record"].update(school_code="9901000002"),
}


@pytest.mark.parametrize(("what", "change"), IDENTITIES.items(), ids=IDENTITIES.keys())
def test_identity_never_changes_over_versions(what: str, change: Change) -> None:
    found = judged(later(identity=change), previous=FIRST)
    assert found.roots() == {"PL1-STR-004.identity-changed"}
    assert found.violations[0].params["what"] == f"{{identity.{what}}}"


def test_the_version_before_is_the_one_before() -> None:
    assert judged(later(), previous=FIRST).observations == []
    assert judged(later(name=lambda v: v["learner"].update(name="Phạm Đức Minh An")), previous=FIRST).roots() == set()
    assert judged(later(), previous=FIRST + b"\n").roots() == {"PL1-STR-004.other-predecessor"}
    assert judged(later("3"), previous=FIRST).roots() == {"PL1-STR-004.not-next"}
    # bytes that cannot be read have a digest all the same
    assert judged(later(), previous=b"garbage").roots() == {"PL1-STR-004.other-predecessor"}
    # without the bytes only the form can be judged
    assert judged(later("7")).roots() == set()


def with_rules_from(year: int) -> Pack:
    pack = copy.copy(default_pack())
    pack.rules = {name: rules.model_copy(update={"valid_from_school_year": year}) for name, rules in pack.rules.items()}
    return pack


def test_a_circular_applies_from_its_year() -> None:
    assert judged(FIRST, with_rules_from(2025)).roots() == set()
    assert judged(FIRST, with_rules_from(2026)).roots() == {"PL1-STR-007.not-yet"}
    # a year before the pilot is one mistake, not two
    old = changed(lambda v: (v["record"].update(school_year="2019-2020"), v["learner"].update(birth_date="2007")))
    assert not {one for one in judged(old).roots() if "STR" in one} - {"PL1-STR-005.before-pilot"}


def test_what_the_schema_says_of_no_element_is_told_at_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    document = read(sound(), PACK).document
    assert document is not None
    error = SimpleNamespace(path="/*/nowhere[3]", message="odd", line=7, type_name="SCHEMAV_ELEMENT_CONTENT")
    monkeypatch.setattr(schema, "_errors", lambda *_: [error])
    assert [place for _, place, _ in schema.schema_errors(document, PACK)] == [Place("/", 7)]


def test_what_the_schema_says_else_is_not_lost() -> None:
    # a type that nobody defined: none of the causes that have a name
    typed = (
        '<LopHoc><TenLop xsi:type="khac" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">7A1</TenLop></LopHoc>'
    )
    assert judged(replaced("<LopHoc><TenLop>7A1</TenLop></LopHoc>", typed)).roots() == {"PL1-STR-001.invalid"}


@pytest.mark.parametrize(
    ("old", "new", "place", "details"),
    [
        ("<LopHoc>", "<LopHoc><b/>", "/HocBa/NoiDung/LopHoc/b", ("b", "TenLop", "b")),
        ("</TenLop>", "<b/></TenLop>", "/HocBa/NoiDung/LopHoc/TenLop", ("b", "</TenLop>", "b")),
        ("</HocBa>", "<b/></HocBa>", "/HocBa/b", ("b", "</HocBa>", "b")),
        ("</HocBa>", '<x:b xmlns:x="urn:x"/></HocBa>', "/HocBa/b", ("b", "</HocBa>", "b")),
        ("<LopHoc>", '<LopHoc xml:lang="vi">', "/HocBa/NoiDung/LopHoc", ("LopHoc", "", "xml:lang")),
        ("<TenLop>", '<TenLop ma="1">', "/HocBa/NoiDung/LopHoc/TenLop", ("TenLop", "", "ma")),
        ("7A1", "7A1 cơ sở 2", "/HocBa/NoiDung/LopHoc/TenLop", ("TenLop", "10", "11")),
        ("<LopHoc>", "<LopHoc> lớp ", "/HocBa/NoiDung/LopHoc", ("LopHoc", "", "lớp")),
        (' PhienBanDacTa="1.0"', "", "/HocBa/NoiDung", ("NoiDung", "PhienBanDacTa", "")),
        ("<LopHoc>", '<LopHoc xmlns="urn:x">', "/HocBa/NoiDung/LopHoc", ("LopHoc", PACK.binding.namespace, "urn:x")),
    ],
)  # fmt: skip
def test_what_the_schema_says_is_told_in_the_readers_words(
    old: str, new: str, place: str, details: tuple[str, str, str]
) -> None:
    """Name, what is wanted, what is there; libxml2's own English sentence is in none of them."""
    (one,) = [
        each for each in judged(replaced(old, new)).violations if each.requirement == "PL1-STR-001" and each.is_root
    ]
    assert one.place is not None
    assert (one.place.xpath, (one.params["name"], one.expected, one.seen)) == (place, details)
    assert one.place.line is not None


@pytest.mark.parametrize(
    ("judged_at", "roots"),
    [
        (datetime(2026, 6, 14, 23, 56, tzinfo=VIETNAM), set()),
        (datetime(2026, 6, 14, 23, 54, tzinfo=VIETNAM), {"PL1-STR-006.in-the-future"}),
        # the day is Viet Nam's, whatever zone the clock shows
        (datetime(2026, 6, 14, 16, 56, tzinfo=UTC), set()),
        (datetime(2026, 6, 14, 20, 0, tzinfo=timezone(timedelta(hours=-4))), set()),
        (datetime(2026, 6, 15, 3, 0, tzinfo=timezone(timedelta(hours=14))), {"PL1-STR-006.in-the-future"}),
    ],
)
def test_the_future_begins_at_midnight_here(judged_at: datetime, roots: set[str]) -> None:
    assert judged(FIRST, judged_at=judged_at).roots() == roots


def test_the_time_of_receipt_counts_before_the_time_of_judging() -> None:
    received = datetime(2026, 6, 14, 9, 0, tzinfo=VIETNAM)
    assert judged(FIRST, received_at=received).roots() == {"PL1-STR-006.in-the-future"}
    assert judged(FIRST, received_at=NOW, judged_at=NOW + timedelta(days=900)).roots() == set()


def test_errors_of_the_schema_stay_with_their_document() -> None:
    # lxml keeps the errors of a validation in the schema: documents judged at once must not share it
    data = [put("class_name", "7" * 11), replaced("<LopHoc>", '<LopHoc x="1">'), FIRST] * 40
    wanted = [judged(one).roots() for one in data[:3]] * 40
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: judged(one).roots(), data)) == wanted


def test_a_value_of_a_million_characters_is_cut_in_the_finding() -> None:
    found = judged(put("record.circular", "x" * 1_000_000))
    assert found.roots() == {"PL1-STR-007.unknown"}
    assert max(len(one.seen) for one in found.violations) <= MOST_SHOWN


@pytest.mark.parametrize(
    "anchor", ["NoiDung", "DinhDanhHocBa", "BangDiem", "TongKet", "PhatHanh", "HocSinh", "DSChuKy"]
)
def test_a_document_with_a_part_torn_out_is_judged_without_a_crash(anchor: str) -> None:
    text = FIRST.decode()
    begin, end = text.index(f"<{anchor}"), text.index(f"</{anchor}>") + len(anchor) + 3
    found = judged((text[:begin] + text[end:]).encode())
    assert found.root_requirements() == {"PL1-STR-001"}


def test_reading_never_fails_whatever_is_cut_off() -> None:
    for length in range(0, len(FIRST), 97):
        assert read(FIRST[:length], default_pack()).document is None
