"""Safe reading: what stops it, where, and that hostile bytes cost little."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from http.server import HTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from conformance.document import MOST, positions, read, write
from conformance.pack import default_pack
from tests.builders import document_of, valid_values

PACK = default_pack()
NAMESPACE = PACK.binding.namespace
SOUND = write(valid_values(), PACK)
TEXT = SOUND.decode()


def wrapped(body: str, attributes: str = "") -> bytes:
    return f'<HocBa xmlns="{NAMESPACE}"{attributes}>{body}</HocBa>'.encode()


def kinds(data: bytes) -> list[str]:
    return [problem.kind for problem in read(data, PACK).problems]


def test_a_sound_document_has_no_problem() -> None:
    reading = read(SOUND, PACK)
    assert reading.problems == ()
    assert reading.document is not None
    assert reading.document.transcript.learner.name is not None
    assert reading.document.transcript.learner.name.raw == "Phạm Đức Minh"


STOPPING = {
    "not-well-formed": [
        b"", SOUND[:3000], wrapped("&foo;"), wrapped("&#0;"), wrapped("<a>\0</a>"), SOUND + SOUND, b"   ",
    ],
    "not-xml": [b"{}", b"%PDF-1.4", b"\x1f\x8b\x08", b" PK\x03\x04"],
    "not-utf8": [
        TEXT.replace("UTF-8", "UTF-16").encode("utf-16"),
        TEXT.replace("UTF-8", "UTF-16").encode("utf-16-be"),
        TEXT.replace("UTF-8", "UTF-32").encode("utf-32"),
        TEXT.replace("UTF-8", "ISO-8859-1").encode("latin-1", "xmlcharrefreplace"),
        TEXT.replace("UTF-8", "windows-1258").encode(),
        TEXT.replace("UTF-8", "UTF-7").encode(),
        TEXT.replace("UTF-8", "us-ascii").encode("ascii", "xmlcharrefreplace"),
    ],
    "invalid-utf8": [TEXT.encode("cp1252", "replace").replace(b"1.0", b"1.0"), SOUND.replace(b"Minh", b"M\xednh")],
    "version": [SOUND.replace(b'version="1.0"', b'version="1.1"')],
    "doctype": [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<?xml version='1.0'?>\n<!-- <!DOCTYPE b> --><!DOCTYPE HocBa SYSTEM 'x.dtd'>" + wrapped(""),
    ],
    "bytes": [b"<a>" + b"x" * PACK.header.limits.bytes + b"</a>"],
    "depth": [b"<a>" * 41 + b"</a>" * 41, b"<a>" * 100_000],
    "attributes": [wrapped("", "".join(f" a{n}='1'" for n in range(33)))],
    "namespaces": [wrapped("", "".join(f" xmlns:a{n}='u'" for n in range(1001)))],
    "nodes": [wrapped("<a/>" * 100_001), wrapped("<!---->" * 100_001)],
    "children": [wrapped("<a/>" * 501), wrapped(f"<a>{'<b/>' * 400}</a>" * 3 + f"<a>{'<b/>' * 501}</a>")],
    "other-form": [b"<a/>", b"<HocBa/>", SOUND.replace(NAMESPACE.encode(), b"urn:other")],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, many in STOPPING.items() for data in many])
def test_what_stops_the_reading_is_one_problem_of_its_kind(kind: str, data: bytes) -> None:
    reading = read(data, PACK)
    assert reading.document is None
    assert [problem.kind for problem in reading.problems] == [kind]


def test_limits_are_reached_without_a_problem() -> None:
    assert kinds(wrapped("<a>" * 39 + "</a>" * 39)) == []
    assert kinds(wrapped("", "".join(f" a{n}='1'" for n in range(32)))) == []
    assert kinds(wrapped("", "".join(f" xmlns:a{n}='u'" for n in range(999)))) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
def test_a_doctype_hidden_by_the_encoding_is_a_mistake_of_its_own(encoding: str) -> None:
    hidden = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding == "utf-7" else ""
    data = hidden.encode() + "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".encode(encoding)
    assert kinds(data) == ["not-utf8", "doctype"]


def test_the_word_doctype_in_a_text_is_no_doctype() -> None:
    assert kinds(wrapped("<NoiDung>&lt;!DOCTYPE a></NoiDung>")) == []
    assert kinds(wrapped("<NoiDung><![CDATA[<!DOCTYPE a>]]></NoiDung>")) == ["cdata"]


@pytest.mark.parametrize(
    ("put", "kind"),
    [
        ("<!-- 1 -->", "comment"),
        ("<![CDATA[]]>", "cdata"),
        ("<?a b?>", "instruction"),
    ],
)
def test_what_libraries_read_around_is_found_at_its_place_and_does_not_cut_the_text(put: str, kind: str) -> None:
    data = TEXT.replace("<DiemCaNam>7.8<", f"<DiemCaNam>7{put}.8<").encode()
    reading = read(data, PACK)
    assert [problem.kind for problem in reading.problems] == [kind]
    place = reading.problems[0].place
    assert place.xpath == "/HocBa/NoiDung/BangDiem/MonHoc[1]/DiemCaNam"
    assert place.offset is not None
    assert data[place.offset :].startswith(put.encode())
    assert reading.document is not None
    value = reading.document.transcript.subjects[0].year
    assert value is not None
    assert value.raw == "7.8"


def test_a_stylesheet_and_a_byte_order_mark_are_problems_but_do_not_stop() -> None:
    styled = SOUND.replace(b"?>\n", b'?>\n<?xml-stylesheet href="a.xsl"?>\n', 1)
    assert kinds(styled) == ["stylesheet"]
    marked = read(b"\xef\xbb\xbf" + SOUND, PACK)
    assert [problem.kind for problem in marked.problems] == ["bom"]
    assert marked.document is not None
    # outside the root nothing that is read
    assert kinds(b"<!-- made by -->" + SOUND.partition(b"\n")[2] + b"<!-- end -->") == []


def test_many_problems_of_a_kind_are_cut_short() -> None:
    assert kinds(wrapped("<!---->" * 5000)) == ["comment"] * MOST


BOMBS = {
    "entities": b'<!DOCTYPE a [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b']><a b="&a11;">&a11;</a>',
    "attributes": wrapped("", "".join(f" a{n}=''" for n in range(180_000))),
    "namespaces": wrapped("", "".join(f" xmlns:a{n}='u'" for n in range(90_000))),
    "depth": b"<a>" * 250_000 + b"</a>" * 250_000,
    "elements": wrapped("<a/>" * 500_000),
    "instructions": wrapped("<?a?>" * 390_000),
    "text": wrapped("<NoiDung>" + "x" * 2_000_000 + "</NoiDung>"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_files_take_little_memory(name: str) -> None:
    read(SOUND, PACK)  # whatever is made once
    tracemalloc.start()
    try:
        read(BOMBS[name], PACK)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * 1024 * 1024


def test_nothing_is_fetched(witness: HTTPServer) -> None:
    address = f"http://127.0.0.1:{witness.server_port}/x"
    read(f'<!DOCTYPE a SYSTEM "{address}" [<!ENTITY e SYSTEM "{address}">]><a>&e;</a>'.encode(), PACK)
    read(f'<?xml-stylesheet href="{address}"?>'.encode() + wrapped(""), PACK)
    located = f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{NAMESPACE} {address}"'
    read(wrapped(f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}"/>', located), PACK)
    assert witness.asked == []  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_bytes_never_raise(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SOUND)))
    length = data.draw(st.integers(0, 40))
    damaged = SOUND[:start] + data.draw(st.binary(max_size=40)) + SOUND[start + length :]
    reading = read(damaged, PACK)
    if reading.document is None:
        assert reading.problems
    else:
        assert reading.document.transcript is not None


def test_places_tell_xpath_line_column_and_byte() -> None:
    document = document_of(valid_values())
    third = document.transcript.subjects[2]
    assert third.year is not None
    place = document.place(third.year)
    assert place.xpath == "/HocBa/NoiDung/BangDiem/MonHoc[3]/DiemCaNam"
    assert place.offset is not None
    assert document.data[place.offset :].startswith(b"<DiemCaNam>")
    assert place.line == 2
    assert place.column is not None
    assert document.data.decode().split("\n")[1][place.column - 1 :].startswith("<DiemCaNam>")
    assert document.place(third).xpath == "/HocBa/NoiDung/BangDiem/MonHoc[3]"
    assert document.place(None).xpath == "/HocBa"


def test_identifiers_anchors_and_slots() -> None:
    document = document_of(valid_values())
    assert len(document.anchors("subject")) == 12
    assert [element.get("Id") for element in document.anchors("record")] == ["record"]
    assert document.slots("principal")[0].get("Id") == "slot-principal"
    assert document.slots("school-seal") == ()
    assert document.ids["learner"] is document.anchors("learner")[0]
    twice = read(SOUND.replace(b'Id="learner"', b'Id="record"'), PACK).document
    assert twice is not None
    assert "record" not in twice.ids


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("\n", ""),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("><", "><!-- < --><", 3),
        lambda text: text.replace("><", "><?pi <a ?><", 1),
        lambda text: text.replace("Phạm Đức Minh", "<![CDATA[<a><b>]]>𠮷", 1),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("Phạm Đức Minh", "𠮷 &lt;a>", 1),
    ],
    ids=["indented", "one-line", "crlf", "comments", "instruction", "cdata", "bom", "beyond-16-bits"],
)
def test_a_place_looked_for_alone_is_where_expat_finds_it(change: Callable[[str], str]) -> None:
    document = read(change(TEXT).encode(), PACK).document
    assert document is not None
    all_at_once = read(change(TEXT).encode(), PACK).document
    assert all_at_once is not None
    all_at_once._asked = 1_000
    wanted = [all_at_once.place(element) for element in all_at_once.root.iter(etree.Element)]
    found = [(place.line, place.column, place.offset) for place in wanted]
    assert found == list(positions(all_at_once.data))
    elements = list(document.root.iter(etree.Element))
    assert len(wanted) == len(elements) > 200
    for number, (element, place) in enumerate(zip(elements, wanted, strict=True)):
        if number % 9 == 0:
            document._asked = 0
            assert document.place(element) == place
