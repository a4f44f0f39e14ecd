"""Two results side by side, and the commands that read stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Done

import reports
from conformance.cli import app
from conformance.events import ItemResult, Result
from conformance.pack import Pack, default_pack
from reports.compare import compare
from tests.reports.sample import clean_items, failing, failure, result


@pytest.fixture(scope="module")
def pack() -> Pack:
    return default_pack()


def invoke(*arguments: str | Path) -> Done:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def stored(folder: Path, name: str, run: Result, pack: Pack) -> Path:
    path = folder / name
    path.write_text(reports.json_text(run, pack), encoding="utf-8")
    return path


def with_causes(pack: Pack, *causes: str, **more: Any) -> Result:
    found = tuple(failure("PL1-PH-001", cause) for cause in causes)
    bad = ItemResult(id="z", kind="case", programme="THCS", findings=found)
    return result(pack, [*clean_items(pack), bad], **more)


def test_a_result_equals_itself(pack: Pack) -> None:
    made = compare(failing(pack), failing(pack), pack)
    assert made.changes == ()
    assert made.lines == ()
    assert made.exit_code == 0
    assert made.equal == 2 * len(pack.requirements)


def test_a_new_failure_is_worse_and_its_repair_is_better(pack: Pack) -> None:
    clean, bad = with_causes(pack), with_causes(pack, "issued-incomplete")
    there, back = compare(clean, bad, pack), compare(bad, clean, pack)
    (worse,), (better,) = there.of("worse"), back.of("better")
    assert (worse.requirement, worse.programme) == ("PL1-PH-001", "THCS")
    assert (worse.before, worse.after, worse.appeared) == ("pass", "fail", ("PL1-PH-001.issued-incomplete",))
    assert (better.before, better.after, better.gone) == ("fail", "pass", ("PL1-PH-001.issued-incomplete",))
    assert (there.exit_code, back.exit_code) == (1, 0)
    (line,) = there.lines
    assert line[0] == "THCS"
    assert line[3:] == ("pass", "fail")


def test_another_cause_of_the_same_failure_is_worse(pack: Pack) -> None:
    before, after = with_causes(pack, "issued-incomplete"), with_causes(pack, "issued-incomplete", "no-answer")
    (change,) = compare(before, after, pack).of("worse")
    assert change.appeared == ("PL1-PH-001.no-answer",)
    assert compare(after, before, pack).of("better")


def test_what_is_no_longer_shown_is_worse_than_a_pass(pack: Pack) -> None:
    clean = with_causes(pack)
    short = clean.model_copy(update={"items": clean.items[1:]})
    made = compare(clean, short, pack)
    assert {one.after for one in made.of("worse")} >= {"absent"}


def test_a_programme_that_is_claimed_no_more_is_worse(pack: Pack, tmp_path: Path) -> None:
    both = with_causes(pack)
    one = both.model_copy(update={"run": both.run.model_copy(update={"programmes": ("THCS",)})})
    one = one.model_copy(update={"items": tuple(item for item in one.items if item.programme == "THCS")})
    made = compare(both, one, pack)
    assert made.vanished == ("THPT",)
    assert {change.programme for change in made.of("worse")} == {"THPT"}
    assert compare(one, both, pack).exit_code == 0
    done = invoke(
        "report", "compare", stored(tmp_path, "a.json", both, pack), stored(tmp_path, "b.json", one, pack),
        "--lang", "en",
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    assert "Programme THPT is claimed no more" in done.output
    assert len(done.output.splitlines()) < 20  # one line for all of it


def test_circumstances_that_differ_are_said(pack: Pack) -> None:
    made = compare(with_causes(pack), with_causes(pack, seed=7, programmes=("THCS",)), pack)
    assert made.circumstances["seed"] == (20250820, 7)
    assert "programmes" in made.circumstances
    assert {one.programme for one in made.of("worse")} == {"THPT"}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_command_says_it_in_words_within_a_hundred_columns(pack: Pack, tmp_path: Path, language: str) -> None:
    a = stored(tmp_path, "a.json", with_causes(pack), pack)
    b = stored(tmp_path, "b.json", with_causes(pack, "issued-incomplete", seed=1), pack)
    done = invoke("report", "compare", a, b, "--lang", language)
    assert done.exit_code == 1
    assert "PL1-PH-001.issued-incomplete" in done.output
    assert {"vi": "Xấu đi (1)", "en": "Worse (1)"}[language] in done.output
    assert max(map(len, done.output.splitlines())) <= 100
    data = json.loads(invoke("report", "compare", a, b, "--format", "json").stdout)
    assert [one["requirement"] for one in data["changes"]] == ["PL1-PH-001"]
    assert invoke("report", "compare", b, a).exit_code == 0


def test_a_run_that_was_cut_is_not_compared(pack: Pack, tmp_path: Path) -> None:
    whole = stored(tmp_path, "a.json", with_causes(pack), pack)
    cut = stored(tmp_path, "b.json", with_causes(pack).model_copy(update={"footer": None}), pack)
    done = invoke("report", "compare", whole, cut)
    assert done.exit_code == 3
    assert "b.json" in done.stderr
    assert invoke("report", "compare", whole, tmp_path / "none.json").exit_code == 2


def test_stored_results_become_every_kind_of_report(pack: Pack, tmp_path: Path) -> None:
    source = stored(tmp_path, "r.json", failing(pack), pack)
    for kind in ("html", "junit", "sarif", "json"):
        done = (
            invoke("report", kind, source, tmp_path / "out" / kind)
            if kind != "json"
            else invoke("report", kind, source, tmp_path / kind)
        )
        assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "html").read_text(encoding="utf-8") == reports.html(failing(pack), pack)
    assert (tmp_path / "json").read_text(encoding="utf-8") == source.read_text(encoding="utf-8")
    cut = stored(tmp_path, "cut.json", failing(pack).model_copy(update={"footer": None}), pack)
    assert invoke("report", "html", cut, tmp_path / "cut.html").exit_code == 3
    assert not (tmp_path / "cut.html").exists()
    assert invoke("report", "html", cut, tmp_path / "cut.html", "--partial").exit_code == 0


def test_the_schemas_can_be_printed() -> None:
    for kind in ("result", "events"):
        published = Path(__file__).parents[2] / "docs" / f"{kind}.schema.json"
        assert invoke("report", "schema", kind).stdout == published.read_text(encoding="utf-8")


def test_a_report_of_another_pack_says_so(pack: Pack, tmp_path: Path) -> None:
    source = stored(tmp_path, "r.json", with_causes(pack, pack_digest="00" * 32), pack)
    done = invoke("report", "html", source, tmp_path / "r.html")
    assert done.exit_code == 0
    assert "not the pack of the run" in done.stderr
