"""Excerpts show the place, in a copy that people can read."""

from __future__ import annotations

from conformance.document import read
from conformance.document.excerpt import AROUND, WIDTH, excerpt
from conformance.finding import Place
from tests.builders import document_of, valid_values


def test_the_line_of_the_place_is_marked_in_an_indented_copy() -> None:
    document = document_of(valid_values())
    value = document.transcript.subjects[2].year
    lines = excerpt(document.data, document.place(value))
    assert [line.text.strip() for line in lines if line.marked] == ["<DiemCaNam>8.3</DiemCaNam>"]
    assert len(lines) == 2 * AROUND + 1
    assert [line.number for line in lines] == list(range(lines[0].number, lines[0].number + len(lines)))


def test_a_place_that_is_not_there_marks_its_nearest_ancestor() -> None:
    document = document_of(valid_values())
    lines = excerpt(document.data, Place("/HocBa/NoiDung/LopHoc/Khong"))
    assert [line.text.strip() for line in lines if line.marked] == ["<LopHoc>"]


def test_what_cannot_be_parsed_is_shown_raw_and_cut() -> None:
    data = b"<a>\n<b>" + b"x" * 1000 + b"<c>\n</a>"
    problem = read(data, document_of(valid_values()).pack).problems[0]
    lines = excerpt(data, problem.place)
    assert any(line.marked for line in lines)
    assert all(len(line.text) <= WIDTH + 2 for line in lines)
    assert excerpt(data, Place()) == ()
    assert excerpt(b"", Place(line=1, column=1)) != ()
