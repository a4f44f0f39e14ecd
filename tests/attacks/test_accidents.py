"""What happens to documents after signing, told apart (appendix1.md §3): each has its own cause and words.

Every document is the sound one changed by bytes, or one signed wrongly by the text signer; the verifier and its
diagnosis take no part in making them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from conformance.checks.judge import judge_document
from conformance.document import write
from conformance.events import Finding
from conformance.finding import Observation
from conformance.signature.sign import Style, sign_document
from conformance.wording import cause_text
from tests.builders import NOW, valid_values
from tests.checks.test_signature_kills import PACK, Bench, box_of, on, signature_of, swap, swapped_boxes

Change = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def roots(bench: Bench, data: bytes) -> list[Observation]:
    """Root violations of MUST rows, over all groups."""
    found = judge_document(data, bench.context()).found
    return [one for one in found.violations if one.is_root and PACK.requirements[one.requirement].level == "MUST"]


def said(one: Observation, language: str = "en") -> str:
    return cause_text(PACK, Finding.of(one), language)


def codes(bench: Bench, data: bytes) -> set[str]:
    return {one.code for one in roots(bench, data)}


def signed(bench: Bench, **style: object) -> bytes:
    return bench.signed(style=Style(**style))  # type: ignore[arg-type]


def indented(data: bytes) -> bytes:
    root = etree.fromstring(data)
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def part_indented(name: str) -> Change:
    """Line ends and spaces put before every child of one element."""

    def change(data: bytes) -> bytes:
        found = re.search(rb"<" + name.encode() + rb"[ >].*?</" + name.encode() + rb">", data, re.DOTALL)
        assert found is not None
        spread = re.sub(rb"><(?!/)", b">\n      <", found[0])
        return data.replace(found[0], re.sub(rb"(</[^>]+>)(?=</)", rb"\1\n    ", spread), 1)

    return change


def form(name: str) -> Change:
    return lambda data: unicodedata.normalize(name, data.decode()).encode()  # type: ignore[arg-type]


def attributes_turned(data: bytes) -> bytes:
    return re.sub(rb'<Cks (Id="[^"]*") (VaiTro="[^"]*")>', rb"<Cks \2  \1 >", data)


def empty_elements_written_out(data: bytes) -> bytes:
    changed = re.sub(rb"<(\w+)/>", rb"<\1></\1>", data)
    return re.sub(rb"<(ds:\w+)( [^>]*[^/])/>", rb"<\1\2></\1>", changed)


def unused_prefix(data: bytes) -> bytes:
    return swap("<HocBa ", '<HocBa xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ')(data)


def prefix_moved(data: bytes) -> bytes:
    """The signature's prefix declared once, on the root, instead of on each signature."""
    declaration = ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
    moved = data.replace(f"<ds:Signature{declaration}".encode(), b"<ds:Signature")
    return swap("<HocBa ", f"<HocBa{declaration} ")(moved)


def written_by_another_library(data: bytes) -> bytes:
    """Content under a prefix, as a serializer writes it that names every namespace itself."""
    head, _, tail = data.partition(b"<DSChuKy>")
    content = re.sub(rb"<(/?)(\w)", rb"<\1ns0:\2", head[head.index(b"<NoiDung") :])
    start = head[: head.index(b"<NoiDung")]
    return (
        start.replace(b"<HocBa ", f'<HocBa xmlns:ns0="{PACK.binding.namespace}" '.encode())
        + content
        + b"<DSChuKy>"
        + tail
    )


def subjects_sorted(data: bytes) -> bytes:
    subjects = re.findall(rb"<MonHoc .*?</MonHoc>", data, re.DOTALL)
    by_code = sorted(subjects, key=lambda one: re.search(rb"<MaMonHoc>(.*?)<", one)[1])  # type: ignore[index]
    assert by_code != subjects
    return data.replace(b"".join(subjects), b"".join(by_code))


def reference_taken_away(data: bytes) -> bytes:
    one = signature_of(data, "sig-principal-1")
    cut = re.sub(rb'<ds:Reference URI="#slot-homeroom-teacher">.*?</ds:Reference>', b"", one, flags=re.DOTALL)
    assert cut != one
    return data.replace(one, cut)


STILL_VALID: dict[str, Change] = {
    "a BOM": lambda data: b"\xef\xbb\xbf" + data,
    "CRLF between declaration and root": lambda data: data.replace(b"?>\n", b"?>\r\n"),
    "attributes in another order": attributes_turned,
    "empty elements with an end tag": empty_elements_written_out,
    "a prefix nobody uses": unused_prefix,
    "the signature's prefix declared on the root": prefix_moved,
    "quotes of the other kind": lambda data: data.replace(b'VaiTro="GVBM"', b"VaiTro='GVBM'"),
    "letters by number": lambda data: swap("Phạm Đức Minh", "Ph&#7841;m &#x110;ức Minh")(data),
}


@pytest.mark.parametrize("accident", STILL_VALID)
def test_what_changes_no_canonical_form_leaves_the_document_valid(bench: Bench, accident: str) -> None:
    data = STILL_VALID[accident](bench.sound)
    assert data != bench.sound
    assert codes(bench, data) == set()


EDITED: dict[str, tuple[Change, str, str, str]] = {
    # accident: (change, cause, end of the place, what the English text must say)
    "a mark of the year": (
        swap("<DiemCaNam>8.3<", "<DiemCaNam>9.3<"), "value-edited", "MonHoc[2]/DiemCaNam",
        "DiemCaNam (Toán) was changed after Nguyễn Thị Bình (Toán) signed: it was “8.3” then and is “9.3” now",
    ),
    "a semester's mark and the year's": (
        swap("<DiemHocKy2>8.5</DiemHocKy2><DiemCaNam>8.3<", "<DiemHocKy2>9.4</DiemHocKy2><DiemCaNam>8.9<"),
        "value-edited", "MonHoc[2]/DiemHocKy2", "it was “8.5” then",
    ),
    "8 written as 8.0": (
        swap("<DiemHocKy2>8</DiemHocKy2><DiemCaNam>7.8<", "<DiemHocKy2>8.0</DiemHocKy2><DiemCaNam>7.8<"),
        "value-edited", "MonHoc[1]/DiemHocKy2", "it was “8” then and is “8.0” now",
    ),
    "absences": (swap("<SoBuoiNghi>3<", "<SoBuoiNghi>33<"), "value-edited", "SoBuoiNghi", "it was “3” then"),
    "a date": (
        swap("<NgayTao>2026-06-10<", "<NgayTao>2026-06-11<"), "value-edited", "PhienBan/NgayTao", "it was “2026-06-10”",
    ),
    "a space at the end of a name": (
        swap("<HoVaTen>Phạm Đức Minh<", "<HoVaTen>Phạm Đức Minh <"), "whitespace", "DinhDanhHocSinh", "trailing spaces",
    ),
    "a comment": (
        swap("Học tốt môn Toán", "Học rất tốt môn Toán"), "value-changed", "MonHoc[2]", "MonHoc (Toán) was changed",
    ),
    "the school's commune, which only the principal signs": (
        swap("<TenXa>", "<TenXa>Khác "), "changed-within", "NoiDung", "ThongTinTruong",
    ),
    "all of it indented": (indented, "reindented", "", "was re-indented"),
    "one subject indented": (part_indented("MonHoc"), "reindented", "MonHoc[1]", "MonHoc (Ngữ văn) was re-indented"),
    "the summary indented, after the homeroom teacher signed": (
        part_indented("TongKet"), "reindented", "TongKet",
        "TongKet was re-indented (white space added between elements) after Trần Văn Hòa signed",
    ),
    "decomposed": (form("NFD"), "nfd", "", "decomposed"),
    "Icelandic": (swap("<HoVaTen>Phạm Đức", "<HoVaTen>Phạm Ðức"), "look-alike", "DinhDanhHocSinh", "look alike"),
    "spaces that do not break": (
        swap("Chăm ngoan, tiến bộ", "Chăm\u00a0ngoan,\u00a0tiến\u00a0bộ"), "look-alike", "TongKet", "look alike",
    ),
    "escaped twice": (swap("Học tốt môn Toán.", "Học tốt môn Toán.&amp;amp;"), "value-changed", "MonHoc[2]", "changed"),
    "subjects sorted": (subjects_sorted, "reordered", "", "put in another order"),
    "teachers' boxes exchanged": (swapped_boxes, "reordered", "Cks[1]", "CksGiaoVien were put in another order"),
    "an element put in": (
        swap("</TongKet>", "<NdungKhenThuong>Giải nhất</NdungKhenThuong></TongKet>"), "inserted", "NdungKhenThuong",
        "Element NdungKhenThuong was put into TongKet",
    ),
    "under another prefix": (written_by_another_library, "prefix", "", "prefix"),
}  # fmt: skip


@pytest.mark.parametrize("accident", EDITED)
def test_what_happened_after_signing_has_its_own_words(bench: Bench, accident: str) -> None:
    change, cause, place, words = EDITED[accident]
    data = change(bench.sound)
    assert data != bench.sound
    told = [one for one in roots(bench, data) if one.requirement.startswith("PL1-KY")]
    assert {one.code for one in told} == {f"PL1-KY-006.{cause}"}
    first = told[0]
    assert first.place is not None
    assert first.place.xpath.endswith(place)
    assert words in said(first)
    vietnamese = said(first, "vi")
    assert "{" not in vietnamese
    assert vietnamese != said(first)


TOGETHER: dict[str, tuple[Change, dict[str, str]]] = {
    # accidents: (change, cause and end of the place of each root)
    "indented, and a mark edited": (
        lambda data: indented(swap("<DiemCaNam>8.3<", "<DiemCaNam>9.3<")(data)),
        {"PL1-KY-006.reindented": "MonHoc[1]", "PL1-KY-006.value-edited": "MonHoc[2]/DiemCaNam"},
    ),
    "indented and decomposed": (
        lambda data: form("NFD")(indented(data)), {"PL1-KY-006.reindented": "", "PL1-KY-006.nfd": ""},
    ),
    "marks with a comma": (
        lambda data: re.sub(rb">([0-9]+)[.]([0-9])<", rb">\1,\2<", data), {"PL1-KY-006.decimal-sign": "MonHoc[1]"},
    ),
    "a copy of a subject with another mark, the original at the end": (
        lambda data: original_moved(data, b'Id="subject-2b"'), {"PL1-KY-006.inserted": "MonHoc[2]"},
    ),
    "the same without an identifier": (
        lambda data: original_moved(data, b""), {"PL1-STR-002.missing": "MonHoc[2]"},
    ),
    "the same under another spelling of it": (
        lambda data: original_moved(data, b'ID="subject-2"'), {"PL1-STR-002.duplicate": ""},
    ),
    "results of one subject in another order": (
        swap(
            "<DiemHocKy1>7.5</DiemHocKy1><DiemHocKy2>8</DiemHocKy2>",
            "<DiemHocKy2>8</DiemHocKy2><DiemHocKy1>7.5</DiemHocKy1>",
        ),
        {"PL1-KY-006.reordered": "MonHoc[1]/DiemHocKy2"},
    ),
    "an instruction in a signature": (
        swap("<ds:SignedInfo>", "<ds:SignedInfo><?a b?>"), {"PL1-DOC-003.instruction": "SignedInfo"},
    ),
    "values of signatures on lines of their own": (
        lambda data: re.sub(rb"(<ds:SignatureValue[^>]*>)(.{40})", rb"\1\2\n", data),
        {"PL1-KY-006.whitespace": "CksGiaoVien"},
    ),
    "homeroom teacher's and principal's signatures exchanged": (
        lambda data: between(data, b"CksChuNhiem", b"CksHieuTruong"), {"PL1-KY-005.wrong-role": ""},
    ),
    "a mark taken out": (swap("<DiemCaNam>8.3</DiemCaNam>", ""), {"PL1-KY-006.value-changed": "MonHoc[2]"}),
    "another programme": (
        swap("<ChuongTrinh>GDPT<", "<ChuongTrinh>GDTX<"), {"PL1-KY-006.value-edited": "ChuongTrinh"},
    ),
    "a digest edited": (
        lambda data: first_gone(data, rb"<ds:DigestValue>[^<]*", b"<ds:DigestValue>" + b"A" * 43 + b"="),
        {"PL1-KY-006.digest-edited": "Cks[1]/Signature/SignedInfo/Reference[1]/DigestValue"},
    ),
    "a certificate taken out": (
        lambda data: first_gone(data, rb"<ds:KeyInfo.*?</ds:KeyInfo>"),
        {"PL1-CTS-001.no-certificate": "Cks[1]/Signature"},
    ),
    "the signer's certificate taken out, its authority's left": (
        lambda data: first_gone(data, rb"<ds:X509Certificate>[^<]*</ds:X509Certificate>"),
        {"PL1-CTS-001.authority-only": "Cks[1]/Signature"},
    ),
    "what holds the signing time taken out": (
        lambda data: first_gone(data, rb"<ds:Object>.*?</ds:Object>"), {"PL1-KY-007.dangling": "Reference[4]"},
    ),
    "a role taken out": (
        lambda data: first_gone(data, rb' VaiTro="CSGD"'), {"PL1-STR-001.attribute-missing": "CksNhaTruong/Cks"},
    ),
}  # fmt: skip


def first_gone(data: bytes, pattern: bytes, instead: bytes = b"") -> bytes:
    """The first of what fits the pattern taken out, or something else in its place."""
    changed, times = re.subn(pattern, instead, data, count=1, flags=re.DOTALL)
    assert times
    return changed


def original_moved(data: bytes, identifier: bytes) -> bytes:
    """An altered copy where the second subject stood, which itself goes to the end of the table."""
    found = re.search(rb'<MonHoc Id="subject-2">.*?</MonHoc>', data, re.DOTALL)
    assert found is not None
    copied = found[0].replace(b'Id="subject-2"', identifier).replace(b"<DiemHocKy2>8.5<", b"<DiemHocKy2>9.5<")
    return data.replace(found[0], copied).replace(b"</BangDiem>", found[0] + b"</BangDiem>")


def between(data: bytes, one: bytes, other: bytes) -> bytes:
    """What two elements hold, exchanged."""
    first, second = (re.search(rb"<%s [^>]*>(.*?)</%s>" % (name, name), data, re.DOTALL) for name in (one, other))
    assert first is not None
    assert second is not None
    return data.replace(first[1], b"\0").replace(second[1], first[1]).replace(b"\0", second[1])


@pytest.mark.parametrize("accidents", TOGETHER)
def test_each_of_several_accidents_is_one_root(bench: Bench, accidents: str) -> None:
    change, expected = TOGETHER[accidents]
    told = roots(bench, change(bench.sound))
    assert {one.code for one in told} == set(expected)
    for cause, place in expected.items():
        assert any(one.code == cause and one.place and one.place.xpath.endswith(place) for one in told), cause


@pytest.mark.parametrize("accident", ["a mark of the year", "a semester's mark and the year's", "absences"])
def test_a_value_edited_after_signing_is_one_mistake(bench: Bench, accident: str) -> None:
    assert codes(bench, EDITED[accident][0](bench.sound)) == {"PL1-KY-006.value-edited"}


def test_the_outer_signatures_of_an_edited_mark_follow_from_the_innermost(bench: Bench) -> None:
    found = judge_document(swap("<DiemCaNam>8.3<", "<DiemCaNam>9.3<")(bench.sound), bench.context()).found
    told = [one for one in found.violations if one.requirement == "PL1-KY-006"]
    assert [one.consequence_of for one in told] == ["", *["PL1-KY-006.value-edited"] * (len(told) - 1)]
    assert {one.params["part"] for one in told[1:]} == {"BangDiem", "NoiDung"}


@pytest.mark.parametrize(
    ("c14n", "change", "cause"),
    [
        ("exclusive", unused_prefix, ""),
        ("inclusive", unused_prefix, "namespace-context"),
        ("inclusive-1.1", unused_prefix, "namespace-context"),
        ("exclusive", prefix_moved, ""),
        ("inclusive", prefix_moved, "namespace-context"),
        ("inclusive", attributes_turned, ""),
        ("inclusive", empty_elements_written_out, ""),
    ],
)
def test_namespaces_around_a_part_break_inclusive_canonicalization_only(
    bench: Bench, c14n: str, change: Change, cause: str
) -> None:
    assert codes(bench, change(signed(bench, c14n=c14n))) == ({f"PL1-KY-006.{cause}"} if cause else set())


def test_a_namespace_dropped_from_the_root_breaks_the_inclusive_form(bench: Bench) -> None:
    root = '<HocBa xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    declared = sign_document(
        swap("<HocBa ", root)(bench.unsigned), PACK, bench.signers, at=NOW, style=Style(c14n="inclusive")
    )
    assert codes(bench, declared) == set()
    assert codes(bench, swap(root, "<HocBa ")(declared)) == {"PL1-KY-006.namespace-context"}


@pytest.mark.parametrize(
    ("put", "cause"),
    [
        ("8<!-- 0 -->.3", "PL1-DOC-003.comment"),
        ("<![CDATA[8.3]]>", "PL1-DOC-003.cdata"),
        ("8<?x y?>.3", "PL1-DOC-003.instruction"),
    ],
)
def test_what_readers_read_around_is_the_only_root(bench: Bench, put: str, cause: str) -> None:
    data = swap("<DiemCaNam>8.3<", f"<DiemCaNam>{put}<")(bench.sound)
    assert codes(bench, data) == {cause}


def test_a_reference_taken_away_after_signing_is_put_back_to_see_it(bench: Bench) -> None:
    told = roots(bench, reference_taken_away(bench.sound))
    assert {one.code for one in told} == {"PL1-KY-005.reference-removed"}
    assert "CksChuNhiem" in said(told[0])


def test_a_reference_never_made_is_told_otherwise(bench: Bench) -> None:
    never = bench.signed(on("principal", lambda plan: replace(plan, uris=plan.uris[:-1])))
    assert codes(bench, never) == {"PL1-KY-005.not-covered"}
    (told,) = roots(bench, bench.signed(on("school-seal", lambda plan: replace(plan, uris=plan.uris[:-1]))))
    assert (told.code, told.params["missing"]) == ("PL1-KY-005.not-covered", "CksHieuTruong")


def test_an_older_subject_with_its_signature_is_told_from_a_new_order(bench: Bench) -> None:
    values = valid_values()
    values["subjects"][0]["comment"] = "Lời nhận xét của phiên bản trước"
    older = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)
    pattern = re.compile(rb"<MonHoc .*?</MonHoc>", re.DOTALL)
    mixed = pattern.sub(lambda _: pattern.search(older)[0], bench.sound, count=1)  # type: ignore[index]
    box = "box-subject-teacher-1"
    assert codes(bench, mixed.replace(box_of(bench.sound, box), box_of(older, box))) == {"PL1-KY-006.replaced"}
