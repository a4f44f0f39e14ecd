"""IN: a rendition that says the same as the XML passes; each value that is missing or other is found, and named."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from conformance.checks import rendition
from conformance.document.form import sections_of
from conformance.finding import Recorder
from conformance.pack import default_pack
from mock_vendor.printing import Printing
from tests.cases.issued import case, contents, document

PACK = default_pack()


class Printer(Printing):
    """The reference vendor's printing alone."""

    def __init__(self) -> None:
        self.pack = PACK


VALUES = contents(case("thcs-semesters-apart"), PACK)
XML = document(VALUES, PACK)


def text_of(page: str) -> str:
    """The page's words, as a reader takes them out."""
    return re.sub(r"<[^>]+>", " \n", page.partition("<body>")[2])


def judge(text: str) -> Recorder:
    found = Recorder()
    rendition.check(XML, text, "", found, pointer="x#rendition")
    return found


def printed(change: Callable[[dict[str, Any]], None] = lambda _: None) -> str:
    values = copy.deepcopy(VALUES)
    change(values)
    return text_of(Printer().page(values))


def test_the_sound_rendition_holds() -> None:
    found = judge(printed())
    assert found.observations == []
    assert found.held_counts["PL1-IN-001", "checked"] == 1


def test_every_listed_value_is_missed_when_it_is_not_there() -> None:
    listed = [row for section in sections_of(XML) for row in section.rows if row.listed and row.text]
    assert len(listed) >= 10
    for row in listed:
        text = printed()
        for spelling in {row.text, row.value.raw if row.value else ""}:
            text = text.replace(spelling, "")
        found = judge(text)
        named = {(one.cause, dict(one.params)["what"]) for one in found.violations}
        assert ("value-missing", row.label.vi) in named, row.label.vi


def test_a_teacher_who_is_not_printed_is_missed_at_the_subject() -> None:
    def change(values: dict[str, Any]) -> None:
        values["subjects"][1]["teachers"][0]["name"] = "Người Khác"

    name = VALUES["subjects"][1]["teachers"][0]["name"]
    (finding,) = judge(printed(change)).violations
    assert (finding.code, finding.expected) == ("PL1-IN-001.value-missing", name)


@pytest.mark.parametrize("period", ["semester1", "semester2", "year"])
def test_another_mark_is_named_with_its_subject(period: str) -> None:
    def change(values: dict[str, Any]) -> None:
        values["subjects"][1][period] = "3.3"

    (finding,) = judge(printed(change)).violations
    assert finding.code == "PL1-IN-001.value-differs"
    assert finding.params["what"] == VALUES["subjects"][1]["name"]
    assert "3,3" in finding.seen
    assert finding.place is not None
    assert finding.place.xpath.endswith("MonHoc[2]/DiemHocKy1"), "the first of the subject's"


@pytest.mark.parametrize("kind", ["learning", "conduct"])
@pytest.mark.parametrize("period", ["semester1", "semester2", "year"])
def test_another_level_is_named_with_its_period(kind: str, period: str) -> None:
    def change(values: dict[str, Any]) -> None:
        values["summary"][kind][period] = "CĐ"

    (finding,) = judge(printed(change)).violations
    assert finding.code == "PL1-IN-001.value-differs"
    assert finding.seen == "Chưa đạt"


def test_levels_by_rows_of_periods_are_understood_too() -> None:
    summary = VALUES["summary"]
    names = {"T": "Tốt", "K": "Khá", "Đ": "Đạt", "CĐ": "Chưa đạt"}
    rows = [
        f"{label}: {names[summary['learning'][period]]} {names[summary['conduct'][period]]}"
        for label, period in (("Học kỳ I", "semester1"), ("Học kỳ II", "semester2"), ("Cả năm", "year"))
    ]
    before, _, after = printed().partition("Kết quả học tập và rèn luyện")
    table = "Kết quả học tập Kết quả rèn luyện\n" + "\n".join(rows)
    after = after[after.index("Lên lớp") :]
    assert judge(f"{before}\n{table}\n{after}").violations == []
    other = table.replace(rows[2], rows[2].replace(names[summary["learning"]["year"]], "Chưa đạt", 1))
    (finding,) = judge(f"{before}\n{other}\n{after}").violations
    assert finding.code == "PL1-IN-001.value-differs"


def test_a_level_counts_within_forty_words_of_its_label() -> None:
    names = {"T": "Tốt", "K": "Khá", "Đ": "Đạt", "CĐ": "Chưa đạt"}
    summary = VALUES["summary"]
    before, _, after = printed().partition("Kết quả học tập và rèn luyện")
    after = after[after.index("Lên lớp") :]

    def found(words: int) -> list[str]:
        table = "".join(
            f"{label} {'chữ ' * words * (period == 'year')}{names[summary['learning'][period]]} "
            f"{names[summary['conduct'][period]]}\n"
            for label, period in (("Học kỳ I", "semester1"), ("Học kỳ II", "semester2"), ("Cả năm", "year"))
        )
        return [one.code for one in judge(f"{before}\nKết quả học tập Kết quả rèn luyện\n{table}\n{after}").violations]

    # the conduct stands one word further, and is gone first
    assert found(39) == []
    assert found(40) == ["PL1-IN-001.value-missing"]


def test_marks_with_points_and_full_decimals_are_understood() -> None:
    pointed = re.sub(r"([0-9]),([0-9])", r"\1.\2", printed())
    assert judge(re.sub(r"(\s[0-9])(\s)", r"\1.0\2", pointed)).violations == []


def test_without_text_nothing_can_be_shown() -> None:
    assert {one.code for one in judge("  \n ").violations} == {"PL1-IN-001.no-text"}
    found = Recorder()
    rendition.check(XML, "", "unreadable", found)
    assert {one.code for one in found.violations} == {"PL1-IN-001.no-text"}


def test_a_cell_that_wraps_over_a_page_is_still_one() -> None:
    name = VALUES["subjects"][4]["teachers"][0]["name"]
    first, _, rest = name.partition(" ")
    header = " ".join(["Trang", "1/2", "Học", "bạ"] * 3)
    assert judge(printed().replace(name, f"{first}\n{header}\n{rendition.PAGE}\n{rest}", 1)).violations == []
