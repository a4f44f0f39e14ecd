"""Findings as people read them: roots before what follows from them, nothing that a program would have to guess."""

from __future__ import annotations

import json

import pytest

from conformance.checking import Checked, Tally, fitted, written
from conformance.events import Finding, PlaceData
from tests.checks.test_signature_kills import PACK

SPLIT, FOREIGN = "PL1-MON-001.split", "PL1-MON-003.other-programme"


def finding(code: str, follows: str = "", xpath: str = "/HocBa", **values: str) -> Finding:
    requirement, _, cause = code.partition(".")
    place = PlaceData(xpath=xpath, line=2, column=40, offset=77)
    return Finding(
        requirement=requirement, state="violated", cause=cause, place=place, consequence_of=follows,
        expected=values.pop("expected", ""), seen=values.pop("seen", ""), params=values,
    )  # fmt: skip


def text_of(findings: list[Finding], language: str = "en") -> list[str]:
    one = Checked("a.xml", findings=findings, held=9)
    return list(written([one], Tally(PACK, trusted=True), "text", language))


def codes(lines: list[str]) -> list[str]:
    return [line.split()[2].rstrip(":") for line in lines if line.lstrip().startswith(("✗", "!"))]


def test_what_follows_stands_below_its_root_whatever_its_level() -> None:
    chain = finding("PL1-HT-001.too-high", "PL1-MA-003.unknown", period="{period.year}", expected="{level.fair}")
    found = [
        chain, finding("PL1-MA-003.unknown", "PL1-MON-003.cluster"), finding("PL1-MON-003.cluster"),
        finding(FOREIGN, SPLIT), finding(SPLIT),
    ]  # fmt: skip
    lines = text_of(found)
    assert codes(lines) == [SPLIT, FOREIGN, "PL1-MON-003.cluster", "PL1-HT-001.too-high", "PL1-MA-003.unknown"]
    assert lines[-1] == "  9 held, 1 MUST violated, 2 more follow, 1 SHOULD violated"


def test_only_some_of_what_follows_is_printed_and_the_rest_counted() -> None:
    lines = text_of([finding(SPLIT), *[finding(FOREIGN, SPLIT)] * 7])
    assert codes(lines) == [SPLIT, *[FOREIGN] * 5]
    assert lines[-2] == f"  … and 2 more that follow from {SPLIT} (--format json names all)"
    assert "2 hệ quả nữa" in text_of([finding(SPLIT), *[finding(FOREIGN, SPLIT)] * 7], "vi")[-2]


def test_what_leads_in_a_circle_is_printed_all_the_same() -> None:
    assert sorted(codes(text_of([finding(SPLIT, FOREIGN), finding(FOREIGN, SPLIT)]))) == [SPLIT, FOREIGN]


def test_a_file_that_is_no_transcript_has_neither_programme_nor_digest() -> None:
    lines = text_of([finding("PL1-DOC-001.not-xml", xpath="", seen="PDF")])
    assert lines[0] == "a.xml"
    assert "      (line 2, column 40, byte 77)" in lines


def test_a_program_is_told_all_that_people_are() -> None:
    one = Checked("a.xml", findings=[finding("PL1-HT-002.not-raised", expected="{level.fair}", period="{period.year}")])
    told = json.loads("".join(written([one], Tally(PACK, trusted=True), "json", "en")))["files"][0]["findings"][0]
    assert told["expected"] == "Khá (fair)"
    assert told["remedy"] == "Rate again without each subject in turn; raise by one step only."
    assert told["clause"].startswith("TT 22/2021/TT-BGDĐT Đ.9 k.3; GDTX: TT 43/2021")
    assert told["steps"] == []


@pytest.mark.parametrize("width", [40, 80])
def test_lines_are_broken_between_words_and_set_in(width: int) -> None:
    path = "/HocBa/DSChuKy/CksHieuTruong/Cks/Signature/SignedInfo/Reference[1]/DigestValue"
    line = f"      {path} (line 2, column 40, byte 77), " + "và nhiều chữ nữa " * 6
    told = list(fitted([line, "short"], width))
    assert told[0].startswith("      /HocBa")
    assert all(one.startswith("        ") for one in told[1:-1])
    assert all(len(one) <= width or path in one for one in told)
    assert " ".join(" ".join(told[:-1]).split()) == " ".join(line.split())
    assert list(fitted([line], 0)) == [line]
