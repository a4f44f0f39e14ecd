"""A requirement explained: complete, in both languages, escaped, with examples that exist; near ones are named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from lxml import html
from typer.testing import CliRunner

from conformance.cli import app
from conformance.fixtures.define import load_definitions
from conformance.pack import Pack, default_pack
from conformance.pack.examples import examples
from conformance.pack.explain import UnknownRequirement, as_html, as_text, explain, near
from conformance.pack.model import Basis, Cause, Confidence, Door, Text
from conformance.pack.words import words
from tests.otherpack.pack import other

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PACK = default_pack()


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("pack", [default_pack, other], ids=["shipped", "other"])
def test_every_requirement_is_explained_in_full(pack: Callable[[], Pack], language: str) -> None:
    loaded = pack()
    for name, row in loaded.requirements.items():
        one = explain(loaded, name)
        wordings: tuple[Text | Cause, ...] = (row.text.title, row.text.meaning, row.text.remedy, *row.causes.values())
        text = "\n".join(as_text(one, language))
        for part in wordings:
            assert part.of(language) in text, name
        assert row.clause in text
        if row.basis == "profile":
            assert words()["explain.profile"].of(language) in text
        page = html.fromstring(as_html(one, language))
        assert row.text.meaning.of(language) in "".join(map(str, page.itertext()))
        assert set(one.data(language)["causes"]) == {f"{name}.{cause}" for cause in row.causes}


@pytest.mark.parametrize("pack", [default_pack, other], ids=["shipped", "other"])
def test_a_cause_may_be_mended_in_its_own_way(pack: Callable[[], Pack]) -> None:
    loaded = pack()
    row = loaded.requirements["PL1-KY-006"]
    own, usual = row.causes["other-key"].remedy, row.text.remedy
    assert own is not None
    assert row.causes["reindented"].remedy is None
    for code, mend, not_mend in (("other-key", own, usual), ("reindented", usual, own)):
        assert row.remedy(code) == mend
        shown = as_text(explain(loaded, f"{row.id}.{code}"), "vi")
        assert f"  {mend.vi}" in shown
        assert not any(not_mend.vi in line for line in shown)


def test_examples_are_the_corpus() -> None:
    shown = {one.document: one.twin for name in PACK.requirements for one in examples(PACK, name)}
    defined = load_definitions(PACK).of()
    assert set(shown) == {f"documents/{one.path}.xml" for one in defined}
    for path, twin in shown.items():
        assert (FIXTURES / path).is_file(), path
        sidecar = json.loads((FIXTURES / path).with_suffix(".json").read_text(encoding="utf-8"))
        assert twin == (sidecar["twin"] or "").removeprefix("../../../"), path


def test_every_code_of_a_manifest_has_its_word() -> None:
    known = set(words())
    for kind, codes in (("basis", get_args(Basis)), ("confidence", get_args(Confidence)), ("door", get_args(Door))):
        assert {f"{kind}.{code}" for code in codes} <= known
    for row in PACK.requirements.values():
        assert {f"group.{row.group}", f"part.{row.part}", f"level.{row.level}"} <= known


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("PL1-KY-5", "PL1-KY-005"), ("PL1KY005", "PL1-KY-005"), ("PL1-KV-005", "PL1-KY-005"),
        ("PL1-KY-005.not-coverd", "PL1-KY-005.not-covered"), ("not-covered", "PL1-KY-005.not-covered"),
        ("chu ky", "PL1-KY-005"), ("homeroom teacher", "PL1-KY-002"),
    ],
)  # fmt: skip
def test_what_was_perhaps_meant_is_named(asked: str, meant: str) -> None:
    with pytest.raises(UnknownRequirement) as caught:
        explain(PACK, asked)
    assert meant in caught.value.near
    assert "không có yêu cầu / no such requirement" in str(caught.value)


def test_nothing_is_near_to_rubbish() -> None:
    assert near(PACK, "\x1b[2J?!") == ()


def test_a_short_id_and_a_cause_will_do() -> None:
    assert explain(PACK, "ky-005").requirement.id == "PL1-KY-005"
    text = "\n".join(as_text(explain(PACK, "PL1-KY-005.surplus"), "en"))
    assert "PL1-KY-005.surplus" in text
    assert "PL1-KY-005.stray" not in text


def test_html_is_escaped_and_links_to_the_corpus() -> None:
    row = PACK.requirements["PL1-KY-001"]
    title = row.text.title.model_copy(update={"vi": "<script>alert(1)</script>"})
    evil = row.model_copy(update={"text": row.text.model_copy(update={"title": title})})
    evil_one = dataclasses.replace(explain(PACK, "PL1-KY-001"), requirement=evil)
    page = as_html(evil_one, "vi", files="../fixtures/")
    assert "<script" not in page
    links = [one.get("href") for one in html.fromstring(page).iter("a")]
    assert "../fixtures/documents/invalid/PL1-KY-001/missing.xml" in links


def test_the_command_in_its_formats() -> None:
    run = CliRunner().invoke
    data = json.loads(run(app, ["explain", "PL2-GN-004", "--format", "json"]).output)
    assert {"unavailable-twice", "too-many-date"} <= {one["id"] for one in data["exchanges"]}
    page = run(app, ["explain", "PL1-KY-005", "--format", "html", "--lang", "en"])
    assert page.exit_code == 0
    assert html.document_fromstring(page.output).findtext(".//title") is not None
    wrong = run(app, ["explain", "PL1-KY-5"])
    assert wrong.exit_code == 2
    assert f"PL1-KY-005  {PACK.requirements['PL1-KY-005'].text.title.vi}" in wrong.output
