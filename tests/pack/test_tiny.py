"""A second pack with other names, nesting and numbers runs with no Python changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lxml import etree

from conformance.document import read, write
from conformance.pack import default_pack
from conformance.transcript.model import Level, Outcome
from tests.verdict.helpers import tiny

VALUES: dict[str, Any] = {
    "spec_version": "0.2",
    "record": {"id": "k-1", "school_year": "2029-2030"},
    "version": {"number": "3"},
    "learner": {"name": "Y Moan Êban", "birth_date": "2021-05"},
    "profile": {"gender": "f"},
    "subjects": [
        {"code": "A", "semester1": "17", "semester2": "ok", "teachers": [{"name": "Lò Thị C"}, {"name": "Đỗ D"}]},
        {"code": "B", "teachers": [{"name": "Đỗ D"}]},
    ],
    "summary": {"learning": {"year": "B"}, "promoted": "no"},
    "issue": {"leader": {"name": "Trần E"}},
}


def test_a_document_is_written_and_bound_by_the_packs_names() -> None:
    pack = tiny()
    data = write(VALUES, pack)
    schema = etree.XMLSchema(etree.parse(str(pack.path("document", "schema.xsd"))))
    reading = read(data, pack)
    assert reading.problems == ()
    document = reading.document
    assert document is not None
    assert schema.validate(document.root), schema.error_log
    seen = document.transcript
    assert seen.record.id is not None
    assert seen.record.id.value == "k-1"
    assert seen.record.school_year is not None
    assert seen.record.school_year.value == 2029
    assert seen.version.number is not None
    assert seen.version.number.value == 3
    assert seen.learner.birth_date is not None
    assert seen.learner.birth_date.value == (2021, 5, None)
    first, second = seen.subjects
    assert (first.semester1 and first.semester1.value) == Decimal(17)
    assert (first.semester2 and first.semester2.value) is Outcome.PASSED
    assert [str(one.name) for one in first.teachers] == ["Lò Thị C", "Đỗ D"]
    assert second.semester1 is None
    assert (seen.summary.learning.year and seen.summary.learning.year.value) is Level.FAIR
    assert seen.summary.promoted is not None
    assert seen.summary.promoted.value is False
    assert [one.get("ref") for one in document.anchors("subject")] == ["subject-1", "subject-2"]
    assert document.place(first.semester1).xpath == "/dossier/body/results/list/course[1]/first"


def test_the_other_packs_documents_are_not_taken_for_ones_own() -> None:
    foreign = read(write(VALUES, tiny()), default_pack()).document
    assert foreign is None or foreign.transcript.record.id is None
