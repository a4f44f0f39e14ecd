"""A value edited after signing is one mistake: named with what it was, and nothing that follows from it is another."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest

from conformance.checks.judge import judge_document
from conformance.finding import Observation
from tests.checks.test_signature_kills import Bench


@cache
def bench() -> Bench:
    return Bench()


def roots(data: bytes) -> list[Observation]:
    return [one for one in judge_document(data, bench().context()).found.violations if one.is_root]


def signed() -> bytes:
    return bench().sound


EDITS = [
    ("<MaMonHoc>TOA<", "<MaMonHoc>LSU<", "MaMonHoc", "TOA"),
    ("<TenMonHoc>Toán<", "<TenMonHoc>Lịch sử<", "TenMonHoc", "Toán"),
    ("<ThongTu>22/2021/TT-BGDĐT<", "<ThongTu>58/2011/TT-BGDĐT<", "ThongTu", "22/2021/TT-BGDĐT"),
    ("<NamHoc>2025-2026<", "<NamHoc>2028-2029<", "NamHoc", "2025-2026"),
    ("<GioiTinh>1<", "<GioiTinh>2<", "GioiTinh", "1"),
    ("<TenTinh>Hà Nội<", "<TenTinh>Huế<", "TenTinh", "Hà Nội"),
    ("<ChucVu>Hiệu trưởng<", "<ChucVu>Văn thư<", "ChucVu", "Hiệu trưởng"),
    ("<PhienBanThongTinHocBa>1<", "<PhienBanThongTinHocBa>2<", "PhienBanThongTinHocBa", "1"),
    ("<NgayTao>2026-06-10<", "<NgayTao>2026-07-10<", "NgayTao", "2026-06-10"),
    ("<DuocLenLop>1<", "<DuocLenLop>0<", "DuocLenLop", "1"),
]


@pytest.mark.parametrize(("old", "new", "name", "before"), EDITS, ids=[row[2] for row in EDITS])
def test_what_was_edited_is_named_with_what_it_was(old: str, new: str, name: str, before: str) -> None:
    (one,) = roots(signed().replace(old.encode(), new.encode(), 1))
    assert one.code == "PL1-KY-006.value-edited"
    assert one.place is not None
    assert one.place.xpath.rpartition("/")[2] == name
    assert one.expected == before


def test_who_is_named_was_what_the_certificate_says() -> None:
    """The teacher's name and number at signing are in the certificate: that they differ now follows from the edit."""
    data = signed()
    teacher = re.search(rb"<Gvbm><HoTen>([^<]*)</HoTen><SoDinhDanh>([0-9]*)</SoDinhDanh>", data)
    assert teacher is not None
    name, number = teacher[1], teacher[2]
    for old, new in ((name, "Hồ Thử Lạ".encode()), (number, b"001099990777")):
        (one,) = roots(data.replace(old, new, 1))
        assert (one.code, one.expected) == ("PL1-KY-006.value-edited", old.decode())


def unseen(data: bytes) -> bytes:
    return data.replace("Phạm Đức".encode(), "Phạm\u200b Đức".encode())


def misread(data: bytes) -> bytes:
    name = "Phạm Đức Minh"
    wrong = "".join(bytes((one,)).decode("cp1252", "ignore") or chr(one) for one in name.encode())
    return data.replace(name.encode(), wrong.encode())


def inserted(data: bytes) -> bytes:
    return data.replace(b"<NxetMonHoc>", b"<DiemKtraLai>9</DiemKtraLai><NxetMonHoc>", 1)


def attribute(data: bytes) -> bytes:
    return data.replace(b"<TongKet ", b'<TongKet xml:lang="vi" ')


def alien(data: bytes) -> bytes:
    return data.replace(b"<Cha>", b'<Cha xml:id="learner">')


def subject_gone(data: bytes) -> bytes:
    return re.sub(rb'<MonHoc Id="subject-3">.*?</MonHoc>', b"", data, flags=re.DOTALL)


def certificate_of_another(data: bytes) -> bytes:
    first, second = re.findall(rb"<ds:X509Data><ds:X509Certificate>([^<]*)", data)[:2]
    return data.replace(first, second, 1)


def astray(data: bytes) -> bytes:
    """The principal's box among the school's seals."""
    box = re.search(rb'<Cks Id="box-principal-1".*?</Cks>', data, re.DOTALL)
    assert box is not None
    return re.sub(rb"<CksNhaTruong[^>]*>", lambda hit: hit[0] + box[0], data.replace(box[0], b""))


def other_namespace(data: bytes) -> bytes:
    """The seal's signature under a namespace that is not XML-DSig's."""
    start = b'VaiTro="CSGD"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
    return data.replace(start, start.replace(b"2000/09/xmldsig#", b"2009/xmldsig11#"))


def no_references(data: bytes) -> bytes:
    start = data.index(b"<ds:Reference", data.index(b'Id="sig-principal-1"'))
    return data[:start] + data[data.index(b"</ds:SignedInfo>", start) :]


def into_the_content(data: bytes) -> bytes:
    """The signed subject moves to the learner's particulars, a better one is read in its place."""
    good = re.search(rb'<MonHoc Id="subject-2">.*?</MonHoc>', data, re.DOTALL)
    assert good is not None
    better = re.sub(rb"<DiemHocKy1>[^<]*<", b"<DiemHocKy1>10<", good[0].replace(b"subject-2", b"subject-99"))
    return data.replace(good[0], better).replace(b"<GioiTinh>", good[0] + b"<GioiTinh>", 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (unseen, "PL1-KY-006.look-alike"),
        (misread, "PL1-KY-006.mojibake"),
        (inserted, "PL1-KY-006.inserted"),
        (attribute, "PL1-STR-001.attribute-unknown"),
        (alien, "PL1-STR-002.duplicate"),
        (subject_gone, "PL1-KY-007.dangling"),
        (certificate_of_another, "PL1-KY-006.certificate-exchanged"),
        (astray, "PL1-KY-005.wrong-role"),
        (into_the_content, "PL1-KY-008.signed-copy"),
        (other_namespace, "PL1-STR-001.namespace"),
        (no_references, "PL1-KY-007.malformed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_one_accident_is_one_root(change: Callable[[bytes], bytes], code: str) -> None:
    data = change(signed())
    assert data != signed()
    assert {one.code for one in roots(data)} == {code}


def test_what_was_wrong_before_signing_stays_a_root() -> None:
    """The document as it was signed is judged too: what it had wrong itself does not follow from the edit."""
    without_seal = re.sub(rb"<CksNhaTruong.*?</CksNhaTruong>", b"", signed(), flags=re.DOTALL)
    edited = without_seal.replace(b"<GioiTinh>1<", b"<GioiTinh>2<")
    assert {one.code for one in roots(edited)} == {"PL1-KY-006.value-edited", "PL1-KY-004.missing"}


def test_how_the_octets_were_written_does_not_follow_from_an_edit() -> None:
    edited = signed().replace(b"<GioiTinh>1<", b"<GioiTinh>2<")
    found = {one.code for one in roots(b"\xef\xbb\xbf" + edited.replace(b"<TenLop>7A1<", b"<TenLop><![CDATA[7A1]]><"))}
    assert found == {"PL1-KY-006.value-edited", "PL1-DOC-006.bom", "PL1-DOC-003.cdata"}
