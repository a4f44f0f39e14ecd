"""The transcript as people read it: headings of its tables, signing times with the zone they have."""

from __future__ import annotations

from pathlib import Path

from conformance.document import read
from conformance.events import FormTable
from conformance.pack import default_pack
from conformance.showing import readable

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "documents"


def table(file: str, title: str, language: str = "en") -> FormTable:
    document = read((FOLDER / file).read_bytes(), default_pack()).document
    assert document is not None
    return next(one for one in readable(document, language).tables if one.title == title)


def test_every_table_of_columns_has_headings() -> None:
    history = table("valid/history.xml", "Study history")
    assert history.columns == ("School year", "Class", "School", "Province", "Transferred on")
    assert history.rows[1] == ("2024-2025", "6A", "Trường Thử nghiệm Ban Mai", "Hà Nội", "13/01/2025")
    assert all(len(row) == len(history.columns) for row in history.rows)


def test_a_signing_time_is_written_as_people_do_with_a_zone_only_where_it_has_one() -> None:
    times = [row[2] for row in table("invalid/PL1-KY-013/no-zone.xml", "Digital signatures").rows]
    assert "15/06/2026 09:00:01 +07:00" in times
    assert "15/06/2026 09:00:02" in times
