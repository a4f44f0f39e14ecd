"""DOC: for every cause a document that fails with exactly that root, beside the sound one; hostile bytes."""

from __future__ import annotations

import base64
import itertools
import string
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from conformance.document import MOST, read
from conformance.pack import default_pack
from tests.builders import subject, valid_values
from tests.checks.documents import judged, replaced, sound

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
MARK = "<DiemCaNam>9</DiemCaNam>"
BOMB = (
    "<!DOCTYPE HocBa [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]>"
)


def bomb() -> bytes:
    return replaced(MARK, "<DiemCaNam>&a11;</DiemCaNam>").replace(b"\n<HocBa", f"\n{BOMB}<HocBa".encode())


def before_root(text: str) -> bytes:
    return replaced("\n<HocBa", f"\n{text}<HocBa")


def names(count: int) -> list[str]:
    """The shortest attribute names there are."""
    letters = string.ascii_letters
    every = ("".join(one) for size in (1, 2, 3, 4) for one in itertools.product(letters, repeat=size))
    return list(itertools.islice(every, count))


def attributes(count: int) -> bytes:
    return ("<HocBa " + " ".join(name + '=""' for name in names(count)) + "/>").encode()


def namespaces(count: int, equals: str = "=") -> bytes:
    children = "".join(f"<a xmlns{equals}'urn:{n}'/>" for n in range(count))
    return replaced("</HocBa>", children + "</HocBa>")


def deep(levels: int) -> bytes:
    """A document of so many levels."""
    return ("<HocBa>" + "<a>" * (levels - 1) + "</a>" * (levels - 1) + "</HocBa>").encode()


def nodes(text: str, count: int) -> bytes:
    return replaced("</HocBa>", text * count + "</HocBa>")


WRONG: dict[str, dict[str, Callable[[], bytes]]] = {
    "PL1-DOC-001.not-well-formed": {
        "empty file": lambda: b"",
        "white space": lambda: b" \n ",
        "plain text": lambda: "Học bạ".encode(),
        "null bytes": lambda: b"\x00" * 1000,
        "a null byte in a name": lambda: replaced("Phạm Đức Minh", "Phạm\x00Minh"),
        "a control character": lambda: replaced("Phạm Đức Minh", "Phạm\x01Minh"),
        "a control character by number": lambda: replaced("Phạm Đức Minh", "Phạm&#1;Minh"),
        "cut off": lambda: sound()[:-20],
        "two roots": lambda: sound() + b"<HocBa/>",
        "an entity of HTML": lambda: replaced("Phạm Đức Minh", "Phạm&nbsp;Minh"),
        "an unknown prefix": lambda: replaced(MARK, "<x:DiemCaNam>9</x:DiemCaNam>"),
        "a space before the declaration": lambda: b" " + sound(),
        "HTML": lambda: b"<html><br></html>",
    },
    "PL1-DOC-001.version": {"XML 1.1": lambda: replaced('version="1.0"', 'version="1.1"')},
    "PL1-DOC-001.not-utf8": {
        "UTF-16 with a mark": lambda: sound().decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "UTF-16, little end first": lambda: sound().decode().encode("utf-16-le"),
        "UTF-16, big end first": lambda: sound().decode().encode("utf-16-be"),
        "UTF-32": lambda: sound().decode().encode("utf-32"),
        "UTF-32, big end first": lambda: sound().decode().encode("utf-32-be"),
        "Latin-1, declared": lambda: replaced("UTF-8", "ISO-8859-1").decode().encode("latin-1", "replace"),
        "declared as Latin-1, though it is not": lambda: replaced("UTF-8", "iso-8859-1"),
        "declared as UTF-16, though it is not": lambda: replaced("UTF-8", "UTF-16"),
        "UTF-7": lambda: replaced("UTF-8", "UTF-7"),
        "a declaration in single quotes": lambda: replaced('encoding="UTF-8"', "encoding = 'windows-1258'"),
    },
    "PL1-DOC-001.invalid-utf8": {
        "Latin-1, not declared": lambda: sound().replace("Phạm Đức Minh".encode(), "José".encode("latin-1")),
        "a lone surrogate": lambda: sound().replace("Phạm".encode(), b"\xed\xa0\x80"),
        "an overlong form": lambda: sound().replace("Phạm".encode(), b"\xc0\xbc"),
        "binary": lambda: bytes(range(256)) * 64,
    },
    "PL1-DOC-001.not-xml": {
        "JSON": lambda: b'{"HocBa": {}}',
        "JSON behind a BOM": lambda: b"\xef\xbb\xbf [1]",
        "an image": lambda: b"\x89PNG\r\n\x1a\n" + b"\x00" * 64,
        "a rendition": lambda: b"%PDF-1.7\n%\xe2\xe3",
        "an archive": lambda: b"PK\x03\x04" + b"\x00" * 64,
        "a signed envelope": lambda: b"0\x82\x10\x00\x06\x09",
        "base64": lambda: base64.b64encode(sound()),
    },
    "PL1-DOC-002.doctype": {
        "empty": lambda: before_root("<!DOCTYPE HocBa>"),
        "external subset": lambda: before_root('<!DOCTYPE HocBa SYSTEM "http://127.0.0.1:9/x.dtd">'),
        "external entity": lambda: before_root('<!DOCTYPE HocBa [<!ENTITY x SYSTEM "file:///etc/hostname">]>'),
        "parameter entity": lambda: before_root('<!DOCTYPE HocBa [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>'),
        "behind a comment": lambda: before_root("<!-- <x> --> <?x?> \n<!DOCTYPE HocBa []>"),
        "behind a BOM": lambda: b"\xef\xbb\xbf" + before_root("<!DOCTYPE HocBa>"),
        "entity bomb": bomb,
        "attribute default": lambda: before_root('<!DOCTYPE HocBa [<!ATTLIST NoiDung Id CDATA "content">]>'),
    },
    "PL1-DOC-003.comment": {
        "inside a mark": lambda: replaced(MARK, "<DiemCaNam>9<!-- .5 --></DiemCaNam>"),
        "that splits a mark": lambda: replaced("<SoBuoiNghi>3<", "<SoBuoiNghi>3<!-- -->0<"),
        "between elements": lambda: replaced("<TongKet", "<!-- x --><TongKet"),
        "in the slots": lambda: replaced("<DSChuKy>", "<DSChuKy><!-- x -->"),
    },
    "PL1-DOC-003.cdata": {
        "a mark": lambda: replaced(MARK, "<DiemCaNam><![CDATA[9]]></DiemCaNam>"),
        "in a comment of a teacher": lambda: replaced("Chăm ngoan", "<![CDATA[Chăm]]> ngoan"),
        "empty": lambda: replaced(MARK, "<DiemCaNam>9<![CDATA[]]></DiemCaNam>"),
    },
    "PL1-DOC-003.instruction": {"inside a mark": lambda: replaced(MARK, "<DiemCaNam>9<?x y?></DiemCaNam>")},
    "PL1-DOC-003.stylesheet": {
        "before the root": lambda: before_root('<?xml-stylesheet type="text/xsl" href="#x"?>'),
        "after a comment": lambda: before_root('<!-- x --><?xml-stylesheet href="x.css"?>'),
    },
    "PL1-DOC-004.bytes": {
        "3 MiB of text": lambda: replaced("Chăm ngoan", "x" * (3 << 20)),
        "3 MiB of white space": lambda: sound() + b" " * (3 << 20),
        "3 MiB of zeros": lambda: b"\x00" * (3 << 20),
        "300,000 attributes": lambda: attributes(300_000),
    },
    "PL1-DOC-004.depth": {
        "60 levels": lambda: deep(60),
        "41 levels": lambda: deep(41),
        "1,000 levels": lambda: deep(1000),
        "200,000 levels, not closed": lambda: b"<a>" * 200_000,
    },
    "PL1-DOC-004.attributes": {
        "33": lambda: attributes(33),
        "100,000": lambda: attributes(100_000),
        "200,000": lambda: attributes(200_000),
    },
    "PL1-DOC-004.namespaces": {
        "5,000": lambda: namespaces(5000),
        "5,000, written with a space": lambda: namespaces(5000, " \n="),
        "5,000 prefixes on one element": lambda: (
            "<HocBa " + " ".join(f"xmlns:a{n}='urn:{n}'" for n in range(5000)) + "/>"
        ).encode(),
    },
    "PL1-DOC-004.nodes": {
        "150,000 elements": lambda: nodes("<a/>", 150_000),
        "150,000 comments": lambda: nodes("<!---->", 150_000),
        "150,000 instructions": lambda: nodes("<?a?>", 150_000),
        "60,000 elements of two attributes": lambda: nodes("<a b='' c=''/>", 60_000),
    },
    "PL1-DOC-004.children": {
        "501 beside those of the form": lambda: replaced("<LopHoc>", "<LopHoc>" + "<a/>" * 501),
        "90,000 of many names": lambda: replaced("<LopHoc>", "<LopHoc>" + "".join(f"<a{n}/>" for n in range(90_000))),
        "in one of many": lambda: replaced("<LopHoc>", "<LopHoc>" + f"<a>{'<b/>' * 400}</a><c>{'<b/>' * 501}</c>" * 9),
        "boxes of signatures": lambda: replaced("<DSChuKy>", f"<DSChuKy>{'<Cks/>' * 501}"),
    },
    "PL1-DOC-005.not-nfc": {
        "a name": lambda: replaced("Phạm Đức Minh", unicodedata.normalize("NFD", "Phạm Đức Minh")),
        "a comment of a teacher": lambda: replaced("Chăm ngoan", unicodedata.normalize("NFD", "Chăm ngoan")),
        "a name of a subject": lambda: replaced("Tiếng Anh", unicodedata.normalize("NFD", "Tiếng Anh")),
        "everything": lambda: unicodedata.normalize("NFD", sound().decode()).encode(),
    },
    "PL1-DOC-005.eth": {
        "a name": lambda: replaced("Phạm Đức Minh", "Phạm \u00d0ức Minh"),
        "a small letter": lambda: replaced("Phạm Đức Minh", "Phạm Tấn \u00f0ạt"),
        "a level": lambda: replaced("<DiemHocKy1>Đ<", "<DiemHocKy1>\u00d0<"),
        "everywhere": lambda: sound().decode().replace("Đ", "\u00d0").encode(),
    },
    "PL1-DOC-006.bom": {"at the start": lambda: b"\xef\xbb\xbf" + sound()},
    "PL1-DOC-006.spaces": {
        "before": lambda: replaced("Phạm Đức Minh", " Phạm Đức Minh"),
        "after": lambda: replaced("Phạm Đức Minh", "Phạm Đức Minh "),
        "doubled": lambda: replaced("Phạm Đức Minh", "Phạm  Đức Minh"),
        "ASCII only": lambda: replaced("Phạm Đức Minh", "Pham  Minh"),
        "a line in a name": lambda: replaced("Phạm Đức Minh", "Phạm\nĐức Minh"),
        "around a code": lambda: replaced("<GioiTinh>1<", "<GioiTinh> 1<"),
        "around the nationality": lambda: replaced("<QuocTich>VN<", "<QuocTich>VN <"),
    },
    "PL1-DOC-006.invisible": {
        name: partial(replaced, "Phạm Đức Minh", f"Phạm{char}Đức Minh")
        for name, char in {
            "zero-width space": "\u200b",
            "zero-width joiner": "\u200d",
            "soft hyphen": "\u00ad",
            "no-break space": "\u00a0",
            "right-to-left override": "\u202e",
            "isolate": "\u2066",
            "byte order mark inside": "\ufeff",
            "C1 control": "\u0085",
            "Mongolian vowel separator": "\u180e",
        }.items()
    },
    "PL1-DOC-006.look-alike": {
        "Cyrillic a": lambda: replaced("Phạm Đức Minh", "Phạm Vаn Minh"),
        "Greek capital": lambda: replaced("Phạm Đức Minh", "Phạm Đức \u039cinh"),
        "full width": lambda: replaced("Phạm Đức Minh", "Phạm Đức \uff2dinh"),
        "mathematical": lambda: replaced("Phạm Đức Minh", "Phạm Đức \U0001d40cinh"),
        "African D": lambda: replaced("Phạm Đức Minh", "Phạm \u0189ức Minh"),
        "D under a stroke": lambda: replaced("Phạm Đức Minh", "Phạm D\u0335ức Minh"),
    },
    "PL1-DOC-006.other-script": {
        "Chinese": lambda: replaced("Phạm Đức Minh", "\u738b\u5c0f\u660e"),
        "Cyrillic throughout": lambda: replaced("Phạm Đức Minh", "\u0418\u0432\u0430\u043d"),
        "Hangul beside Latin": lambda: replaced("Phạm Đức Minh", "Kim \ubbfc\uc900"),
    },
    "PL1-DOC-006.symbol": {
        "a replacement character": lambda: replaced("Phạm Đức Minh", "Ph\ufffdm Đức Minh"),
        "an old font's own": lambda: replaced("Phạm Đức Minh", "Ph\ue001m Đức Minh"),
        "a noncharacter": lambda: replaced("Phạm Đức Minh", "Phạm Đức Minh\ufdd0"),
        "a face": lambda: replaced("Phạm Đức Minh", "Phạm Đức Minh 😀"),
    },
}

SOUND: dict[str, Callable[[], bytes]] = {
    "as written": sound,
    "upper secondary": lambda: sound("THPT"),
    "without a declaration": lambda: replaced(DECLARATION + "\n", ""),
    "lower-case encoding": lambda: replaced("UTF-8", "utf-8"),
    "indented": lambda: sound().replace(b"><", b">\n  <"),
    "carriage returns": lambda: sound().replace(b"><", b">\r\n<"),
    "a comment before the root": lambda: before_root("<!-- made by X -->"),
    "characters by number": lambda: replaced("Phạm Đức Minh", "Ph&#7841;m &#x110;ức Minh"),
    "an ampersand": lambda: replaced("Chăm ngoan", "Chăm &amp; ngoan"),
    "lines and Greek in a teacher's comment": lambda: replaced("Chăm ngoan", "Góc α.\n\nChăm  ngoan 👍"),
    "the word DOCTYPE in a comment of a teacher": lambda: replaced("Chăm ngoan", "&lt;!DOCTYPE Chăm ngoan"),
    "the word DOCTYPE in a comment before the root": lambda: before_root("<!-- <!DOCTYPE x> -->"),
    "a foreign name in Latin letters": lambda: replaced("Phạm Văn Long", "Søren Łukasz Müller-O'Neill"),
    "2 MiB of white space": lambda: sound() + b" " * ((2 << 20) - len(sound())),
}


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND.keys())
def test_what_is_right_is_not_refused(make: Callable[[], bytes]) -> None:
    found = judged(make())
    assert found.observations == []
    assert {f"PL1-DOC-00{n}" for n in range(1, 7)} <= {requirement for requirement, _ in found.held_counts}


@pytest.mark.parametrize(
    ("cause", "make"),
    [pytest.param(cause, make, id=f"{cause}: {name}") for cause, made in WRONG.items() for name, make in made.items()],
)
def test_each_mistake_has_exactly_its_root(cause: str, make: Callable[[], bytes]) -> None:
    found = judged(make())
    fatal = cause[:11] in ("PL1-DOC-001", "PL1-DOC-002", "PL1-DOC-004")
    assert found.roots() == {cause}
    assert (cause[:11], "checked") not in found.held_counts
    # nothing is said of what could not be read
    assert not (fatal and found.held_counts)
    assert len(found.violations) <= MOST
    assert all(len(one.seen) <= 400 for one in found.violations)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_doctype_hidden_in_another_encoding_is_seen(encoding: str) -> None:
    hidden = bomb().decode().replace("UTF-8", "UTF-16").encode(encoding)
    assert judged(hidden).roots() == {"PL1-DOC-001.not-utf8", "PL1-DOC-002.doctype"}


def test_every_cause_has_its_twin() -> None:
    rows = [row for row in default_pack().requirements.values() if row.group == "DOC"]
    assert {f"{row.id}.{cause}" for row in rows for cause in row.causes} == set(WRONG)


def test_a_mark_split_by_a_comment_is_read_whole() -> None:
    document = read(replaced("<SoBuoiNghi>3<", "<SoBuoiNghi>3<!-- -->0<"), default_pack()).document
    assert document is not None
    absences = document.transcript.summary.absences
    assert absences is not None
    assert absences.raw == "30"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (replaced(MARK, "<DiemCaNam>9<!-- x --></DiemCaNam>"), "/HocBa/NoiDung/BangDiem/MonHoc[4]/DiemCaNam"),
        (replaced(MARK, "<DiemCaNam><![CDATA[9]]></DiemCaNam>"), "/HocBa/NoiDung/BangDiem/MonHoc[4]/DiemCaNam"),
        (replaced("Phạm Đức Minh", "Phạm  Minh"), "/HocBa/NoiDung/DinhDanhHocSinh/HoVaTen"),
    ],
)
def test_the_place_is_named(data: bytes, place: str) -> None:
    (finding,) = judged(data).violations
    assert finding.place is not None
    assert finding.place.xpath == place
    assert finding.place.line == 2
    assert finding.place.offset is not None
    assert data[finding.place.offset : finding.place.offset + 1] == b"<"


def test_a_bad_byte_has_its_place() -> None:
    data = sound().replace("Phạm Đức Minh".encode(), b"Jos\xe9")
    (finding,) = judged(data).violations
    assert finding.place is not None
    assert finding.place.offset == data.index(b"\xe9")
    assert finding.seen.startswith("e9")


def many(count: int, **change: Any) -> dict[str, Any]:
    values = valid_values()
    values["subjects"] = [{**subject(values, "TIN"), **change} for _ in range(count)]
    return values


def test_hundreds_of_mistakes_are_counted_not_listed() -> None:
    found = judged(many(450, name=" Tin học", code="ZZ9"))
    assert found.roots() >= {"PL1-DOC-006.spaces", "PL1-MA-003.unknown"}
    assert len(found.violations) <= 4 * MOST


@pytest.mark.parametrize(
    ("declaration", "sort"),
    [
        ("<!DOCTYPE HocBa>", ""),
        ("<!DOCTYPE HocBa [<!ATTLIST NoiDung Id CDATA 'content'>]>", ""),
        ('<!DOCTYPE HocBa SYSTEM "http://127.0.0.1:9/x.dtd">', "doctype.external-subset"),
        ('<!DOCTYPE HocBa PUBLIC "-//X//Y" "http://127.0.0.1:9/x.dtd">', "doctype.external-subset"),
        ('<!DOCTYPE HocBa [<!ENTITY a "SYSTEM "><!ENTITY b "&a;&a;">]>', "doctype.entities"),
        ('<!DOCTYPE HocBa [<!ENTITY a "x"><!ENTITY b SYSTEM "file:///etc/hostname">]>', "doctype.external-entity"),
        ('<!DOCTYPE HocBa [<!ENTITY % p\n PUBLIC "x" "http://127.0.0.1:9/"> %p;]>', "doctype.external-entity"),
    ],
)
def test_what_a_declaration_holds_is_told_apart(declaration: str, sort: str) -> None:
    found = judged(before_root(declaration))
    assert found.roots() == {"PL1-DOC-002.doctype"}
    steps = [step.key for one in found.violations for step in one.derivation]
    assert steps == ([sort] if sort else [])
    assert all(key in default_pack().texts for key in steps)
