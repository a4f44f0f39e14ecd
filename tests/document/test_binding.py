"""Binding as data: what is written is read, with any pack's names."""

from __future__ import annotations

import copy
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from conformance.document import read, write
from conformance.document.convert import converters
from conformance.pack import Pack, PackError, default_pack, load_pack
from conformance.transcript.model import Level, Outcome, Scoring, Value
from tests.builders import document_of, valid_values

PACK = default_pack()
TINY = Path(__file__).resolve().parent.parent / "packs" / "tiny"


def plain(node: Any) -> Any:
    """A model object as nested raw texts: the inverse of ``write``."""
    if isinstance(node, Value):
        return node.raw
    if isinstance(node, tuple):
        return [plain(one) for one in node]
    if is_dataclass(node):
        found = {one.name: plain(getattr(node, one.name)) for one in fields(node) if one.name != "node"}
        return {name: value for name, value in found.items() if value not in (None, [], {})}
    return node


@pytest.mark.parametrize("programme", ["THCS", "THPT"])
def test_what_is_written_is_read(programme: str) -> None:
    values = valid_values(programme)
    expected = copy.deepcopy(values)
    del expected["history"]
    assert plain(document_of(values).transcript) == expected


def test_everything_that_can_be_bound_is_written_and_read() -> None:
    values = valid_values()
    values["history"] = [
        {"school_year": "2024-2025", "class_name": "6A", "school_name": "Trường B", "province_name": "Hà Nội",
         "transferred_on": "2025-09-05"},
        {"school_year": "2023-2024", "class_name": "5A", "school_name": "Trường C", "province_name": "Hà Nội"},
    ]  # fmt: skip
    values["version"] |= {"replaces": "0" * 64, "reason": "a < b & c"}
    values["profile"]["guardian"] = {"name": "N", "occupation": "O"}
    values["profile"] |= {"policy_category": "x", "individual_plan": "1"}
    values["summary"]["certificates"] = [{"name": "A"}, {"kind": "B"}]
    values["summary"] |= {"completion_text": "c", "competitions": "d", "awards": "e", "summer_training": "f"}
    values["summary"]["learning"]["after_summer"] = "Đ"
    values["summary"]["conduct"]["after_summer"] = "K"
    values["school"] |= {"commune_code": "00001", "district_name": "Q"}
    values["issue"]["register_number"] = "7"
    values["subjects"][0]["reassessed"] = "5"
    values["subjects"][0]["teachers"].append({"name": "Z", "passport": "AB12345"})
    assert plain(document_of(values).transcript) == values


def test_what_is_written_is_valid_against_the_schema() -> None:
    schema = etree.XMLSchema(etree.parse(str(PACK.path("document", "schema.xsd"))))
    for programme in ("THCS", "THPT"):
        document = document_of(valid_values(programme))
        assert schema.validate(document.root), schema.error_log


def test_values_are_typed() -> None:
    transcript = document_of(valid_values()).transcript
    subject = transcript.subjects[0]
    assert subject.year is not None
    assert subject.year.value == Decimal("7.8")
    assert subject.scoring is not None
    assert subject.scoring.value is Scoring.MARKS
    assert transcript.subjects[-1].year is not None
    assert transcript.subjects[-1].year.value is Outcome.PASSED
    assert transcript.summary.learning.year is not None
    assert transcript.summary.learning.year.value is Level.GOOD
    assert transcript.record.school_year is not None
    assert transcript.record.school_year.value == 2025
    assert transcript.record.grade is not None
    assert transcript.record.grade.value == 7
    assert transcript.dated == date(2026, 6, 15)
    assert transcript.version.digitised is not None
    assert transcript.version.digitised.value is False


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("school-year", "2024-2025", 2024),
        ("school-year", "2024-2026", None),
        ("school-year", "2024–2025", None),
        ("school-year", "2024-2025\n", None),
        ("result", "8", Decimal(8)),
        ("result", "8.0", Decimal(8)),
        ("result", "08", Decimal(8)),
        ("result", "8,5", None),
        ("result", "-1", None),
        ("result", "٨", None),
        ("result", "", None),
        ("result", "Đ", Outcome.PASSED),
        ("result", "CĐ", Outcome.FAILED),
        ("result", "M", Outcome.EXEMPT),
        ("result", "\u00d0", Outcome.PASSED),  # eth: reported by the form check, understood here
        ("result", "đ", None),
        ("level", "K", Level.FAIR),
        ("level", "2", None),
        ("flag", "1", True),
        ("flag", "0", False),
        ("flag", "true", None),
        ("whole-number", "12", 12),
        ("whole-number", "1.0", None),
        ("whole-number", "9" * 40, None),
        ("count", "45.5", Decimal("45.5")),
        ("date", "2025-02-28", date(2025, 2, 28)),
        ("date", "2025-02-29", None),
        ("date", "28/02/2025", None),
        ("date", "0000-01-01", None),
        ("partial-date", "2012", (2012, None, None)),
        ("partial-date", "2012-05", (2012, 5, None)),
        ("partial-date", "2012-02-29", (2012, 2, 29)),
        ("partial-date", "2012-13", None),
        ("text", "a\u0301", "á"),
        ("text", "", None),
    ],
)
def test_converters(name: str, raw: str, value: object) -> None:
    assert converters(PACK)[name](raw) == value


def test_another_pack_with_other_names_and_nesting_is_only_data() -> None:
    pack = load_pack(TINY)
    values = {
        "spec_version": "0.2",
        "record": {"id": "n1", "school_year": "2029-2030"},
        "version": {"number": "1"},
        "learner": {"name": "Somebody", "birth_date": "2015"},
        "profile": {"gender": "m"},
        "subjects": [
            {"code": "x", "semester1": "8", "semester2": "ok", "teachers": [{"name": "A"}, {"name": "B"}]},
            {"code": "y", "teachers": [{"name": "C"}]},
        ],
        "summary": {"learning": {"year": "B"}, "promoted": "yes"},
        "issue": {"leader": {"name": "D"}},
    }
    data = write(values, pack)
    reading = read(data, pack)
    assert reading.problems == ()
    assert reading.document is not None
    assert plain(reading.document.transcript) == values
    assert len(reading.document.anchors("subject")) == 2
    schema = etree.XMLSchema(etree.parse(str(pack.path("document", "schema.xsd"))))
    assert schema.validate(reading.document.root), schema.error_log
    assert [one.kind for one in read(data, PACK).problems] == ["other-form"]


def changed_binding(**changes: object) -> Pack:
    pack = copy.copy(PACK)
    pack.binding = PACK.binding.model_copy(update=changes)
    return pack


def test_a_binding_that_names_what_is_not_there_is_refused() -> None:
    data = write(valid_values(), PACK)
    some = PACK.binding.fields["record.id"]
    wrong = [{name: some} for name in ("record.nonsense", "nonsense.id")]
    wrong.append({"record.id": some.model_copy(update={"convert": "nonsense"})})
    for fields_ in wrong:
        document = read(data, changed_binding(fields=fields_)).document
        assert document is not None
        with pytest.raises(PackError):
            _ = document.transcript
