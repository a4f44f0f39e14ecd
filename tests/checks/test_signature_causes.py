"""Accidents and attacks after signing: the cause that names each of them (appendix1.md §3)."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from conformance.checks import signatures, structure
from conformance.checks.judge import judge_document
from conformance.document import read, write
from conformance.finding import Recorder
from conformance.signature.canonical import canonical
from conformance.signature.names import same
from conformance.signature.sign import sign_document
from tests.builders import LEADER, NOW, valid_values
from tests.checks.test_signature_kills import DAY, MATHS, PACK, TEACHER, Bench, box_of, on, signature_of


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def codes(bench: Bench, data: bytes) -> set[str]:
    """Root causes of MUST rows, structure included: one accident must be one root."""
    document = read(data, PACK).document
    assert document is not None
    found = Recorder()
    structure.check(document, bench.context(), found)
    signatures.check(document, bench.context(), found)
    return {one for one in found.roots() if PACK.requirements[one.partition(".")[0]].level == "MUST"}


def part(data: bytes, start: bytes, end: bytes) -> bytes:
    found = re.search(start + b".*?" + end, data, re.DOTALL)
    assert found is not None
    return found[0]


def indented(data: bytes) -> bytes:
    root = etree.fromstring(data)
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8")


def content_indented(data: bytes) -> bytes:
    at = data.index(b"<DSChuKy")
    root = etree.fromstring(data[:at] + b"</HocBa>")
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8").replace(b"</HocBa>", b"") + data[at:]


def other_form(form: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        return unicodedata.normalize(form, data.decode()).encode()  # type: ignore[arg-type]

    return change


def with_return(data: bytes) -> bytes:
    """A carriage return that parsing keeps."""
    return data.replace("Chăm ngoan".encode(), "Chăm&#13;\nngoan".encode())


def forged(data: bytes) -> tuple[bytes, bytes]:
    """The first subject as signed, and a better one under another identifier."""
    good = part(data, b"<MonHoc ", b"</MonHoc>")
    better = good.replace(b'Id="subject-1"', b'Id="subject-99"')
    return good, re.sub(rb"<DiemCaNam>[^<]*<", b"<DiemCaNam>10<", better)


def in_object(data: bytes) -> bytes:
    good, better = forged(data)
    namespaced = good.replace(b"<MonHoc ", f'<MonHoc xmlns="{PACK.binding.namespace}" '.encode())
    changed = data.replace(good, better)
    return changed.replace(b"</ds:Signature>", b"<ds:Object>" + namespaced + b"</ds:Object></ds:Signature>", 1)


def beside(data: bytes) -> bytes:
    good, better = forged(data)
    return data.replace(good, better).replace(b"<DSChuKy>", good + b"<DSChuKy>")


def stray(data: bytes) -> bytes:
    one = signature_of(data, "sig-school-seal-1").replace(b'Id="sig', b'Id="gis')
    return data.replace(b"</HocBa>", one + b"</HocBa>")


def unsigned_copy(data: bytes) -> bytes:
    copied = f'<ds:Object><MonHoc xmlns="{PACK.binding.namespace}"/></ds:Object></ds:Signature>'.encode()
    return data.replace(b"</ds:Signature>", copied, 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (indented, {"PL1-KY-006.reindented"}),
        (content_indented, {"PL1-KY-006.reindented"}),
        (other_form("NFD"), {"PL1-KY-006.nfd"}),
        (with_return, {"PL1-KY-006.value-edited"}),
        (in_object, {"PL1-KY-008.signed-in-object"}),
        (beside, {"PL1-KY-008.signed-copy"}),
        (unsigned_copy, {"PL1-KY-008.in-object"}),
        (lambda data: data.replace(b'Id="subject-2"', b'Id="subject-1"'), {"PL1-STR-002.duplicate"}),
        (stray, {"PL1-KY-005.stray"}),
        (lambda data: data.replace(b'VaiTro="GVCN"', b'VaiTro="HT"'), {"PL1-KY-005.wrong-role"}),
        (lambda data: b"\xef\xbb\xbf" + data, set()),
    ],
)
def test_what_happened_after_signing_is_named(
    bench: Bench, change: Callable[[bytes], bytes], expected: set[str]
) -> None:
    data = change(bench.sound)
    assert data != bench.sound
    assert codes(bench, data) == expected


def test_a_line_end_that_was_turned_is_named(bench: Bench) -> None:
    """Signed over LF, then written with carriage returns that parsing keeps."""
    values = valid_values()
    values["summary"]["homeroom_comment"] = "Chăm\nngoan"
    signed = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)
    assert codes(bench, signed) == set()
    assert codes(bench, signed.replace("Chăm\n".encode(), "Chăm&#13;\n".encode())) == {"PL1-KY-006.crlf"}
    plain = signed.replace(b"\n", b"\r\n")
    assert codes(bench, plain) == set(), "parsing turns a plain CRLF into LF"


def test_decomposed_when_signed_is_no_part_of_another_accident(bench: Bench) -> None:
    values = valid_values()
    values["subjects"][0]["comment"] = unicodedata.normalize("NFD", "Có tiến bộ")
    values["subjects"][1]["comment"] = "Chăm\nngoan"
    signed = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)
    data = signed.replace("Chăm\n".encode(), "Chăm&#13;\n".encode())
    found = judge_document(data, bench.context()).found
    assert {"PL1-KY-006.crlf", "PL1-DOC-005.not-nfc"} <= found.roots()


def test_what_nobody_signed_within_the_content_is_not_a_copy(bench: Bench) -> None:
    name = PACK.binding.anchors["summary"].rpartition("/")[2]
    strange = bench.unsigned.replace(b"</MonHoc>", f"<{name}/></MonHoc>".encode(), 1)
    found = codes(bench, sign_document(strange, PACK, bench.signers, at=NOW))
    assert found
    assert not [one for one in found if one.startswith("PL1-KY-")], "the schema says it"


def test_composed_after_signing_decomposed(bench: Bench) -> None:
    decomposed = sign_document(other_form("NFD")(bench.unsigned), PACK, bench.signers, at=NOW)
    assert codes(bench, other_form("NFC")(decomposed)) == {"PL1-KY-006.nfc"}


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [("learner", "name", "Hồ Thử Khác"), ("record", "school_year", "2023-2024"), ("record", "school_code", "99000777")],
)
def test_a_signature_lifted_from_elsewhere(bench: Bench, group: str, name: str, value: str) -> None:
    values = valid_values()
    values[group][name] = value
    elsewhere = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)
    box = "box-subject-teacher-1"
    assert codes(bench, bench.sound.replace(box_of(bench.sound, box), box_of(elsewhere, box))) == {"PL1-KY-006.lifted"}


def test_a_subject_replaced_together_with_its_signature(bench: Bench) -> None:
    values = valid_values()
    values["subjects"][0]["comment"] = "Lời nhận xét của phiên bản trước"
    older = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)
    box = "box-subject-teacher-1"
    mixed = bench.sound.replace(
        part(bench.sound, b"<MonHoc ", b"</MonHoc>"), part(older, b"<MonHoc ", b"</MonHoc>")
    ).replace(box_of(bench.sound, box), box_of(older, box))
    assert codes(bench, mixed) == {"PL1-KY-006.replaced"}


def test_signed_after_the_outer_layer(bench: Bench) -> None:
    late = on(TEACHER, lambda plan: replace(plan, layer=9, at=NOW + DAY / 1440), MATHS)
    assert codes(bench, bench.signed(late)) == {"PL1-KY-006.signed-later"}
    early = on("principal", lambda plan: replace(plan, layer=-1, at=NOW - DAY / 1440))
    assert codes(bench, bench.signed(early)) == {"PL1-KY-006.signed-later"}


def test_a_homonym_is_told_from_another_person(bench: Bench) -> None:
    def by(name: str) -> set[str]:
        credential = bench.pki.person(name, "001099990777")
        return codes(bench, bench.signed(on("principal", lambda plan: replace(plan, credential=credential))))

    assert by(LEADER[0]) == {"PL1-CTS-003.homonym"}
    assert by("Hồ Thử Lạ") == {"PL1-CTS-003.other-person"}


def test_another_schools_seal_of_the_same_name(bench: Bench) -> None:
    credential = bench.pki.organisation("Trường THCS Ban Mai", school="99000777")
    other = on("school-seal", lambda plan: replace(plan, credential=credential))
    assert codes(bench, bench.signed(other)) == {"PL1-CTS-005.seal-of-other-school"}


def test_uri_empty_with_enveloped_has_its_own_words(bench: Bench) -> None:
    def change(plan: object) -> object:
        return replace(plan, uris=("",))  # type: ignore[type-var]

    assert "PL1-KY-007.empty-uri" in codes(bench, bench.signed(on("principal", change)))


def test_every_cause_that_the_verifier_can_name_has_a_text() -> None:
    """The causes of refused algorithms and transforms come from the pack's own list of suspects."""
    known = set(PACK.requirements["PL1-KY-009"].causes) | set(PACK.requirements["PL1-KY-007"].causes)
    assert {name.lower() for name in PACK.signature.refused.values()} <= known


def test_hostile_references_and_certificates_are_bounded(bench: Bench) -> None:
    many = b"".join(b'<ds:Reference URI="#content"/>' for _ in range(10_000))
    start = time.process_time()
    found = codes(bench, bench.sound.replace(b"</ds:SignedInfo>", many + b"</ds:SignedInfo>", 1))
    assert "PL1-KY-007.too-many-references" in found
    rubbish = b"<ds:X509Certificate>AAAA</ds:X509Certificate>"
    found = codes(bench, bench.sound.replace(b"<ds:X509Data>", b"<ds:X509Data>" + rubbish * 5_000, 1))
    assert "PL1-KY-007.too-many-certificates" in found
    assert time.process_time() - start < 20, "bounded work, with much room for a slow machine"


def test_the_default_namespace_may_be_in_the_prefix_list() -> None:
    root = etree.fromstring(b'<a xmlns="urn:a" xmlns:u="urn:u"><d:s xmlns:d="urn:d"><d:t/><v/></d:s></a>')
    octets = canonical(root[0], "exclusive", ("#default", "u"))
    assert octets == b'<d:s xmlns="urn:a" xmlns:d="urn:d" xmlns:u="urn:u"><d:t></d:t><v></v></d:s>'


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Nguyễn Thị Hoà", "NGUYỄN  THỊ HÒA", True),
        ("Thuý", "Thúy", True),
        ("H'Hen Niê", "H’Hen Niê", True),
        ("Trần Văn An", "Trần Văn Án", False),
        ("Lê Đăng", "Lê Dăng", False),
        ("Trần Hòa", "Trần Hoá", False),
    ],
)
def test_names_are_equal_but_for_spelling(one: str, other: str, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(unicodedata.normalize("NFD", one), other) is equal
