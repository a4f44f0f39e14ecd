"""The second pack is sound, complete, and different wherever an official text could be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from openapi_spec_validator import validate

from conformance.cases import frozen_cases
from conformance.document import read, write
from conformance.exchanges import load_exchanges
from conformance.pack import default_pack
from conformance.pack.lint import lint, model_fields
from conformance.transcript.model import Transcript
from tests.otherpack.names import names_of
from tests.otherpack.pack import FOLDER, PROGRAMMES, other
from tests.packs import derive


def test_it_is_sound_and_binds_the_whole_model() -> None:
    assert [str(one) for one in lint(other(), Transcript)] == []
    assert set(other().binding.fields) == set(model_fields(Transcript))
    assert load_exchanges(other())
    assert all(frozen_cases(other(), programme) for programme in PROGRAMMES)


@pytest.mark.parametrize("name", ["service", "test_interface"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_its_descriptions_are_valid_openapi(name: str) -> None:
    validate(getattr(other(), name))


def test_the_derived_parts_are_up_to_date() -> None:
    files = derive.derived()
    stale = [name for name, text in files.items() if not _same(FOLDER / name, text)]
    extra = [
        str(path.relative_to(FOLDER))
        for folder in ("requirements", "texts")
        for path in FOLDER.glob(f"{folder}/*.yaml")
        if path.relative_to(FOLDER).as_posix() not in files
    ]
    assert stale + extra == [], "run: python -m tests.packs.derive"


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def test_no_word_of_the_table_is_stale() -> None:
    """Words, classes and limits of the table that nothing in the shipped pack calls for are a mistake."""
    source = default_pack().folder
    texts = "".join(path.read_text(encoding="utf-8") for path in source.glob("requirements/*.yaml"))
    table = derive.table()
    assert [word for word in table["words"] if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", texts)] == []
    rows = default_pack().requirements
    limits = [table["classes"], *table["only"].values()]
    named = [(one, name) for limit in limits for one, names in limit.items() for name in names]
    assert [pair for pair in named if pair[1] not in {each.name for each in rows[pair[0]].classes}] == []


STANDARD = {
    "access_token", "token_type", "expires_in", "grant_type", "error", "error_description",
    "type", "title", "status", "detail",
}  # fmt: skip
"""Words of the service that a technical standard lays down, not the Ministry's text: RFC 6749, RFC 9457."""


def test_nothing_is_called_as_in_the_shipped_pack() -> None:
    shared = {(kind, name) for kind, name in set(names_of(other())) & set(names_of(default_pack()))}
    assert {name for kind, name in shared if not kind.startswith("name: ")} == STANDARD


def test_the_form_is_nested_otherwise() -> None:
    """Attributes for elements, deeper and shallower places: more than names changed."""

    def shape(path: str) -> tuple[int, bool]:
        return path.count("/"), "@" in path

    first, second = default_pack().binding, other().binding
    moved = [name for name, one in second.fields.items() if shape(one.path) != shape(first.fields[name].path)]
    regrouped = [name for name, path in second.groups.items() if shape(path) != shape(first.groups[name])]
    assert len(moved) >= 20
    assert len(regrouped) >= 5
    assert list(first.fields) != list(second.fields)
    assert second.formats != first.formats


def test_its_numbers_are_others() -> None:
    first = {str(one) for one in default_pack().rules.values()}
    assert first.isdisjoint(str(one) for one in other().rules.values())
    for rules in other().rules.values():
        for known in default_pack().rules.values():
            assert rules.mark_maximum != known.mark_maximum
            assert rules.year_weights != known.year_weights
            assert rules.promotion_absences != known.promotion_absences
            assert {one.every for one in rules.thresholds}.isdisjoint(one.every for one in known.thresholds)
            assert rules.conduct != known.conduct


def test_requirements_keep_their_identity_and_change_text_and_basis() -> None:
    shipped = default_pack().requirements
    assert set(other().requirements) == set(shipped)
    for name, one in other().requirements.items():
        assert set(one.causes) == set(shipped[name].causes), name
        assert one.level == shipped[name].level
        assert one.text.title.vi != shipped[name].text.title.vi
    # what this project had to decide itself is the other text's own: no row is left on line B
    assert {one.line for one in other().requirements.values()} == {"A"}
    assert {one.line for one in shipped.values()} == {"A", "B"}


def test_the_test_interface_is_the_projects_own() -> None:
    """The same for every pack, but for the programmes that software can claim."""
    shipped, own = default_pack().test_interface, other().test_interface
    names = own["components"]["schemas"]["Description"]["properties"]["programmes"]["items"]
    assert tuple(names.pop("enum")) == PROGRAMMES
    try:
        theirs = dict(shipped["components"]["schemas"]["Description"]["properties"]["programmes"]["items"])
        theirs.pop("enum")
        assert names == theirs
    finally:
        names["enum"] = list(PROGRAMMES)


def test_a_written_document_is_valid_and_read_back() -> None:
    values: dict[str, Any] = {
        "spec_version": "2.1",
        "learner": {"code": "TH1", "national_id": "15D1FY880001", "name": "Đỗ Thị Ánh", "birth_date": "03/2015"},
        "record": {
            "id": "BH-" + "0" * 32, "level": "B1", "programme": "CHINH-QUY", "school_year": "2025/2026",
            "circular": "05/2030/QĐ-THỬ", "school_code": "TN1", "grade": "5",
        },
        "version": {"number": "1", "created": "01/06/2026", "digitised": "khong"},
        "school": {
            "department_code": "Q-DONG", "department_name": "Ty", "name": "Trường", "province_code": "D1",
            "province_name": "Tỉnh", "commune_name": "Xã",
        },
        "profile": {
            "gender": "nu", "ethnicity": "KIN", "nationality": "VNM", "not_assessed": "khong",
            "birthplace": {"detail": "a"}, "hometown": {"detail": "b"},
            "residence": {"detail": "c", "province_code": "D1"},
            "mother": {"name": "Lê Thị B"},
        },
        "history": [{"school_year": "2024/2025", "class_name": "4", "school_name": "x", "province_name": "y"}],
        "class_name": "5",
        "subjects": [
            {
                "code": "mon-doc", "scoring": "so", "name": "Đọc và Viết",
                "semester1": "13,5", "semester2": "14", "year": "13,8",
                "teachers": [{"national_id": "85D1FX880002", "name": "Vũ C"}],
            }
        ],
        "summary": {
            "learning": {"semester1": "KHA", "semester2": "KHA", "year": "KHA"},
            "conduct": {"semester1": "GIOI", "semester2": "GIOI", "year": "GIOI"},
            "promoted": "co", "promotion_text": "Tiến lên khối 6", "homeroom_comment": "Tốt",
            "homeroom_teacher": {"national_id": "85D1FX880002", "name": "Vũ C"},
        },
        "issue": {
            "leader": {"national_id": "70D1MX880003", "name": "Hồ D", "title": "Trưởng trường"},
            "place": "Hướng Đông", "signed_on": "02/06/2026",
        },
    }  # fmt: skip
    data = write(values, other())
    schema = etree.XMLSchema(etree.parse(str(other().path("document", "schema.xsd"))))
    document = read(data, other()).document
    assert document is not None
    assert schema.validate(document.root), schema.error_log
    seen = document.transcript
    assert seen.record.school_year is not None
    assert seen.record.school_year.value == 2025
    assert seen.learner.birth_date is not None
    assert seen.learner.birth_date.value == (2015, 3, None)
    (subject,) = seen.subjects
    assert str(subject.year and subject.year.value) == "13.8"
    assert seen.summary.promoted is not None
    assert seen.summary.promoted.value is True
    assert document.place(subject.year).xpath == "/bang-hoc/than/bang/cac-mon/mon/ket-qua/ca-nien"
    assert read(data, default_pack()).document is None
