"""Dates, school years and marks are read and written in the pack's spelling, whatever it is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from conformance.pack import default_pack
from conformance.pack.formats import Formats

OWN = default_pack().binding.formats
OTHER = Formats(
    date="DD/MM/YYYY", month="MM/YYYY", year="YYYY", school_year="{first}/{second}", grade_digits=1, decimal=","
)


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        ("29/02/2024", (2024, 2, 29)),
        ("02/2024", (2024, 2, None)),
        ("2024", (2024, None, None)),
        ("29/02/2023", None),
        ("13/2024", None),
        ("2024-02-29", None),
        ("29.02.2024", None),
        ("29/02/2024 ", None),
        ("", None),
    ],
)
def test_dates_of_another_spelling(raw: str, known: tuple[int, int | None, int | None] | None) -> None:
    assert OTHER.read_partial(raw) == known
    if known is not None:
        assert OTHER.write_partial(known) == raw
        assert OWN.read_partial(OWN.write_partial(known)) == known


def test_a_whole_date_has_a_day() -> None:
    assert OTHER.read_date("01/09/2025") == date(2025, 9, 1)
    assert OTHER.read_date("09/2025") is None
    assert OTHER.read_date("31/09/2025") is None
    assert OTHER.write_date(date(2025, 9, 1)) == "01/09/2025"


def test_school_years() -> None:
    assert OTHER.read_school_year("2025/2026") == 2025
    assert OTHER.read_school_year("2025/2027") is None
    assert OTHER.read_school_year("2025-2026") is None
    assert OTHER.write_school_year(2025) == "2025/2026"
    assert (OWN.shown_school_year, OTHER.shown_school_year) == ("YYYY-YYYY", "YYYY/YYYY")


def test_a_school_year_may_name_its_first_year_only() -> None:
    formats = Formats(**{**OTHER.model_dump(), "school_year": "N{first}"})
    assert formats.read_school_year("N2025") == 2025
    assert formats.write_school_year(2025) == "N2025"


@pytest.mark.parametrize(
    ("raw", "mark", "plain", "otherwise"),
    [
        ("8,5", Decimal("8.5"), True, False),
        ("8", Decimal(8), True, False),
        ("10", Decimal(10), True, False),
        ("08", Decimal(8), False, False),
        ("8,0", Decimal(8), False, False),
        ("8.5", None, False, True),
        ("tám", None, False, False),
    ],
)
def test_marks_with_another_decimal_sign(raw: str, mark: Decimal | None, plain: bool, otherwise: bool) -> None:
    assert OTHER.read_mark(raw) == mark
    assert OTHER.is_plain(raw) is plain
    assert OTHER.is_otherwise(raw) is otherwise
    own = raw.translate(str.maketrans(".,", ",."))
    assert (OWN.read_mark(own), OWN.is_plain(own), OWN.is_otherwise(own)) == (mark, plain, otherwise)


def test_grades() -> None:
    assert (OWN.write_grade(7), OTHER.write_grade(7), OTHER.write_grade(12)) == ("07", "7", "12")
    assert [OWN.is_grade(one) for one in ("07", "7", "12", "x")] == [True, False, True, False]
    assert [OTHER.is_grade(one) for one in ("07", "7", "12", "")] == [False, True, True, False]
