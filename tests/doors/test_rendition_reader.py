"""Text from renditions in a limited process: PDF and HTML are read, whatever else comes ends in a clear answer."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pytest

from conformance.doors.rendition import MOST_BYTES, RenditionReader
from conformance.pack import default_pack
from mock_vendor.printing import Printing
from tests.cases.issued import case, contents


class Printer(Printing):
    """The reference vendor's printing alone."""

    def __init__(self) -> None:
        self.pack = default_pack()


@pytest.fixture(scope="module")
def reader() -> Iterator[RenditionReader]:
    made = RenditionReader(limit=60)
    yield made
    made.close()


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_both_forms_say_the_same(reader: RenditionReader, form: str) -> None:
    values = contents(case("thcs-every-diacritic"), default_pack())
    data, media_type = Printer().rendition(values, form)
    found = reader.read(data)
    assert (found.kind, found.problem) == (form, "")
    assert form in media_type
    words = " ".join(found.text.split())
    assert values["learner"]["name"] in words
    assert "ỳ ỷ ỹ ý ỵ" in words


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "unreadable"),
        (b"%PDF-1.7\ngarbage", "unreadable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "unreadable"),
        (b"<html><body><img src='http://127.0.0.1:9/x'></body></html>", "no-text"),
        (b"<html><body><p hidden>7.5</p><p style='display: none'>8</p><script>9</script></body></html>", "no-text"),
        (b"<p>" * 200_000, "no-text"),
        (bytes(MOST_BYTES + 1), "unreadable"),
        (b"%PDF-1.4\n1 0 obj<</Length 9/Filter/FlateDecode>>stream\n" + zlib.compress(bytes(10_000_000)), "unreadable"),
    ],
    ids=["empty", "broken-pdf", "image", "image-in-html", "hidden", "deep", "too-large", "bomb"],
)
def test_whatever_comes_ends_in_a_clear_answer(reader: RenditionReader, data: bytes, problem: str) -> None:
    assert reader.read(data).problem == problem


def test_a_reader_that_died_starts_anew() -> None:
    reader = RenditionReader(limit=60)
    try:
        assert reader.read(b"<p>a</p>").text.split() == ["a"]
        process = reader._running()
        process.kill()
        process.wait(timeout=60)
        assert reader.read(b"<p>b</p>").text.split() == ["b"]
    finally:
        reader.close()


def test_a_reader_that_hangs_is_ended() -> None:
    reader = RenditionReader(limit=0.0)
    try:
        assert reader.read(b"<p>a</p>").problem == "unreadable"
    finally:
        reader.close()
