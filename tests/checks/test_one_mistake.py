"""One mistake, one root: what merely repeats a mistake of signing, or made after it, follows from it."""

from __future__ import annotations

from conformance.checks.judge import after_signing, settle
from conformance.document import read
from conformance.finding import Place, Recorder
from conformance.pack import default_pack
from tests.checks.documents import sound

EDITED, FUTURE = "PL1-KY-006.value-edited", "PL1-KY-012.future"
MARK = "/HocBa/NoiDung/BangDiem/MonHoc[2]"


def at(xpath: str) -> Place:
    return Place(xpath=xpath)


def test_what_an_edited_mark_upsets_follows_and_nothing_else_does() -> None:
    found = Recorder()
    found.violated("PL1-MON-008", "wrong", place=at(f"{MARK}/DiemCaNam"))
    found.violated("PL1-MON-008", "cut-off", place=at("/HocBa/NoiDung/BangDiem/MonHoc[3]/DiemCaNam"))
    found.violated("PL1-ND-001", "mark-differs", place=at(f"{MARK}/DiemHocKy2"))
    found.violated("PL1-HT-001", "wrong", place=at("/HocBa/NoiDung/TongKet/KetQuaHocTap/CaNam"))
    found.violated("PL1-MA-003", "unknown", place=at(f"{MARK}/MaMonHoc"))
    found.violated("PL1-KY-006", "value-edited", place=at(f"{MARK}/DiemHocKy2"))
    after_signing(found)
    assert found.roots() == {EDITED, "PL1-MON-008.cut-off", "PL1-MA-003.unknown"}


def test_a_value_that_cannot_be_read_upsets_what_is_worked_out_of_its_subject_only() -> None:
    found, document = Recorder(), read(sound(), default_pack()).document
    assert document is not None
    found.violated("PL1-STR-001", "element", place=at(f"{MARK}/DiemHocKy1"))
    found.violated("PL1-MON-008", "wrong", place=at(f"{MARK}/DiemCaNam"))
    found.violated("PL1-MON-008", "wrong", place=at("/HocBa/NoiDung/BangDiem/MonHoc[3]/DiemCaNam"))
    settle(found, document)
    assert [one.consequence_of for one in found.violations] == ["", "PL1-STR-001.element", ""]


def test_a_signing_time_in_the_future_makes_no_issue_date_too_early() -> None:
    place = at("/HocBa/NoiDung/PhatHanh/NgayKyPhatHanh")
    alone = Recorder()
    alone.violated("PL1-STR-006", "issued-before-signed", place=place)
    after_signing(alone)
    assert alone.roots() == {"PL1-STR-006.issued-before-signed"}
    alone.violated("PL1-KY-012", "future", place=at("/HocBa/DSChuKy"))
    after_signing(alone)
    assert alone.roots() == {FUTURE}
