"""The linter is quiet on sound packs and names file and place of every planted mistake."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from conformance.pack import PackError, default_pack, load_pack
from conformance.pack.lint import lint, model_fields
from conformance.transcript.model import Transcript
from tests.verdict.helpers import tiny


def test_the_shipped_pack_is_sound() -> None:
    assert [str(one) for one in lint(default_pack(), Transcript)] == []


def test_the_shipped_pack_binds_the_whole_model() -> None:
    assert set(default_pack().binding.fields) == set(model_fields(Transcript))


def test_the_tiny_pack_is_sound() -> None:
    assert [str(one) for one in lint(tiny(), Transcript)] == []


@pytest.mark.parametrize("name", ["service", "test_interface"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_descriptions_are_valid_openapi(name: str) -> None:
    for pack in (default_pack(), tiny()):
        validate(getattr(pack, name))


MISTAKES = [
    ("requirements/gn.yaml", "RFC 9110", " ", "PL2-GN-001.clause"),
    ("requirements/gn.yaml", "group: GN", "group: XT", "PL2-GN-001"),
    ("requirements/gn.yaml", "part: appendix2", "part: appendix1", "PL2-GN-001"),
    ("requirements/gn.yaml", "revision: e1", "revision: e7", "PL2-GN-001.revision"),
    ("requirements/gn.yaml", "capability: send", "capability: fly", "PL2-GN-001.capability"),
    ("requirements/gn.yaml", "[LOWER]", "[UPPER]", "PL2-GN-001.programmes"),
    ("requirements/gn.yaml", "classes: [checked]", "classes: []", "PL2-GN-001.classes"),
    ("requirements/gn.yaml", "classes: [checked]", "classes: [checked, checked]", "PL2-GN-001.classes.checked"),
    ("requirements/gn.yaml", "classes: [checked]", "classes: [{name: x, doors: [files]}]", "PL2-GN-001.classes.x"),
    ("requirements/gn.yaml", 'en: "Another file: {seen}"', 'en: "Another file"', "PL2-GN-001.causes.other"),
    ("requirements/gn.yaml", "Another file: {seen}", "Another file: {seen!r}", "PL2-GN-001.causes.other.en"),
    ("requirements/gn.yaml", 'en: "Sends the file"', 'en: ""', "PL2-GN-001.text.title.en"),
    ("requirements/gn.yaml", 'en: "Send again."', 'en: "Send {seen} again."', "PL2-GN-001.text.remedy"),
    ("requirements/gn.yaml", "    other:", "    Other_one:", "PL2-GN-001.causes.Other_one"),
    ("texts/steps.yaml", "Mean of {a} and {b}", "Mean of {a}", "tiny.mean"),
    ("pack.yaml", "revision: e2", "revision: e5", "revision"),
    ("pack.yaml", "rules: tiny-rules", "rules: none", "programmes.LOWER.rules"),
    ("pack.yaml", "certified-from: e1", "certified-from: e5", "programmes.LOWER.certified-from"),
    ("pack.yaml", "valid-to: 2031-12-31", "valid-to: 2029-12-31", "valid-to"),
    ("pack.yaml", 'record-form: "k-{uuid}"', 'record-form: "n-{uuid}"', "identifiers.record-form"),
    ("pack.yaml", 'national-id: "[0-9]+"', 'national-id: "[0-9+"', "identifiers.national-id"),
    ("pack.yaml", 'national-id: "[0-9]+"', 'national-id: "(?P<sex>[0-9])[0-9]+"', "identifiers.sexes"),
    ("document/binding.yaml", "[ref, Id,", "[ref,", "id-spellings"),
    ("document/binding.yaml", "[ref, Id,", "[Id,", "id-spellings"),
    ("codes/sexes.yaml", "valid-from: 2030-07-01", "valid-from: 2030-06-30", "m"),
    ("codes/sexes.yaml", "valid-to: 2030-06-30", "valid-from: 2029-12-31, valid-to: 2029-06-30", "m"),
    ("rules/tiny-rules.yaml", "promotion-conduct: fair", "promotion-conduct: great", "promotion-conduct"),
    ("rules/tiny-rules.yaml", "  fair: {good: fair, fair: fair}", "  fair: {good: fair}", "conduct.fair"),
    ("rules/tiny-rules.yaml", "[[10, 1], [99, 2]]", "[[99, 1], [10, 2]]", "regular-marks"),
    ("document/binding.yaml", "marks: body/results", "marks: body/result", "anchors.marks"),
    ("document/binding.yaml", "marks: body/results", "marks: body/results/list", "anchors.marks"),
    ("document/binding.yaml", "issue.leader: head", "issue.leader: tail", "groups.issue.leader"),
    ("document/binding.yaml", "{path: second, as: result}", "{path: third, as: result}", "fields.subjects[].semester2"),
    ("document/binding.yaml", "profile.gender", "profile.hair", "fields.profile.hair"),
    ("document/schema.xsd", 'type="Signed"/><xs:element', 'type="Sealed"/><xs:element', "-"),
    ("signature.yaml", "path: seals/chief", "path: seals/boss", "slots.principal"),
    ("signature.yaml", "role-attribute: as", "role-attribute: role", "slots.principal"),
    ("signature.yaml", 'covers: [content, "slot:subject-teacher"]', "covers: [contents]", "slots.principal.covers"),
    ("signature.yaml", 'covers: [subject, record]', 'covers: ["slot:principal"]', "slots.subject-teacher.covers"),
    ("signature.yaml", "requirement: PL1-KY-001}\ntitles", "requirement: PL1-KY-999}\ntitles", "slots.principal"),
    ("signature.yaml", "^P:(?P<id>[0-9]+)$", "^P:(?P<id>[0-9]+$", "identity.person"),
    ("service/openapi.yaml", "operationId: submit", "operationId: token", "POST /v9/dossiers"),
    ("service/openapi.yaml", "schemas/In", "schemas/Inn", ""),
    ("service/messages.yaml", "/blob", "/blub", "submission.content"),
    ("service/messages.yaml", "accepted: good", "accepted: fine", "states.accepted"),
    ("service/messages.yaml", "base: /v9", "base: /v8", "paths.base"),
    ("service/messages.yaml", "status: 404", "status: 204", "errors.not-found"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "place"), MISTAKES, ids=[f"{one[0]}:{one[2]}" for one in MISTAKES])
def test_a_planted_mistake_is_named(tmp_path: Path, file: str, old: str, new: str, place: str) -> None:
    folder = tmp_path / "pack"
    shutil.copytree(tiny().folder, folder)
    path = folder / file
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    problems = lint(load_pack(folder), Transcript)
    folders = {file, f"{file.split('/')[0]}/"}
    # the group's name decides the file that a requirement's problem is told of
    named = [one for one in problems if one.file in folders or one.file.startswith("requirements/")]
    assert any(one.place.startswith(place) for one in named), [str(one) for one in problems]
    assert all(one.text.vi and one.text.en for one in problems)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("pack.yaml", "id: tiny", "id: tiny\nid: again"),
        ("pack.yaml", "id: tiny", "id: tiny\nsurprise: 1"),
        ("pack.yaml", "id: tiny", "id: [tiny"),
        ("document/binding.yaml", 'date: "YYYY-MM-DD"', 'date: "MM-DD"'),
        ("document/binding.yaml", "{first}-{second}", "2024-2025"),
        ("requirements/gn.yaml", "PL2-GN-001", "PL1-DOC-001"),
        ("requirements/gn.yaml", "level: MUST", "level: MAY"),
        ("rules/tiny-rules.yaml", 'mark-maximum: "20"', 'mark-maximum: "many"'),
    ],
)
def test_data_that_cannot_be_loaded_names_its_file(tmp_path: Path, file: str, old: str, new: str) -> None:
    folder = tmp_path / "pack"
    shutil.copytree(tiny().folder, folder)
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PackError, match=re.escape(path.name)):
        load_pack(folder)


def test_a_folder_without_a_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=re.escape("pack.yaml")):
        load_pack(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("value: learner.name,", "value: learner.nickname,", "learner.nickname"),
        ("codes: genders}", "codes: colours}", "profile.gender.codes"),
        ('label: {vi: "Lớp", en: "Class"}', 'label: {vi: "Lớp"}', "class_name.label"),
        ("  decimal:", "  decimals:", "spellings.decimal"),
        ("    school-seal:", "    seal:", "signatures.roles.school-seal"),
        ("    unknown: {", "    unclear: {", "signatures.states.unknown"),
    ],
)
def test_a_mistake_in_the_form_is_named(tmp_path: Path, old: str, new: str, place: str) -> None:
    folder = tmp_path / "pack"
    shutil.copytree(default_pack().folder, folder)
    form = folder / "document" / "form.yaml"
    text = form.read_text(encoding="utf-8")
    assert old in text
    form.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert [(one.file, one.place) for one in lint(load_pack(folder), Transcript)] == [("document/form.yaml", place)]
