"""The baseline file: what it excuses and for how long, how it is kept in step, and that nothing is excused silently."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Done

import reports
from conformance.cli import app
from conformance.events import ItemResult, Result
from conformance.pack import default_pack
from conformance.verdict import Baseline, BaselineError, ExitCode, decide
from tests.reports.sample import clean_items, failure, result

CODE, OTHER = "PL1-PH-001.issued-incomplete", "PL1-PH-001.no-answer"
TODAY = date(2026, 11, 24)


def entry(cause: str = CODE, **more: object) -> dict[str, object]:
    return {"cause": cause, "reason": "sửa trong 3.3", **more}


def run(*codes: str, **more: object) -> Result:
    found = tuple(failure(*code.split(".")) for code in codes)
    bad = ItemResult(id="z", kind="case", programme="THCS", findings=found)
    return result(default_pack(), [*clean_items(default_pack()), bad], **more)


def stored(folder: Path, made: Result, name: str = "r.json") -> Path:
    path = folder / name
    path.write_text(reports.json_text(made, default_pack()), encoding="utf-8")
    return path


def invoke(*arguments: str | Path) -> Done:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_file_reads_back_as_it_was_written() -> None:
    made = Baseline.of([entry(), entry(OTHER, expires="2026-12-31", reason="it's «đã biết»: #12")])
    assert Baseline.parse(made.text()) == made
    assert Baseline.parse("") == Baseline.parse(Baseline().text()) == Baseline()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: 1", "a baseline is a list"),
        ("- {cause: PL1-PH-001.x}", "entry 1 is wrong: reason"),
        ("- {cause: PL1-PH-001, reason: x}", "entry 1 is wrong: cause"),
        ('- {cause: PL1-PH-001.x, reason: " "}', "entry 1 is wrong: reason"),
        ("- {cause: PL1-PH-001.x, reason: y, until: 2026-01-01}", "entry 1 is wrong: until"),
        ("- {cause: PL1-PH-001.x, reason: y, expires: soon}", "entry 1 is wrong: expires"),
        ("- {cause: PL1-PH-001.x, reason: y}\n- {cause: PL1-PH-001.x, reason: z}", "entry 2: listed twice"),
        ("- [", "not YAML"),
        ("- x", "entry 1 is wrong"),
    ],
)
def test_wrong_files_are_named_by_entry_and_field(text: str, named: str) -> None:
    with pytest.raises(BaselineError, match=named):
        Baseline.parse(text)


def test_known_failures_are_excused_until_their_last_day() -> None:
    made = run(CODE)
    day = date.fromisoformat(made.run.started[:10])
    for expires, code in ((None, 5), (day, 5), (day - timedelta(days=1), 1)):
        known = Baseline.of([entry(expires=expires)])
        verdict = decide(default_pack(), made, baseline=known)
        assert verdict.exit_code == code
        assert verdict.baseline_errors == ((CODE,) if code == 1 else ())


def test_an_entry_that_matched_nothing_is_an_error() -> None:
    verdict = decide(default_pack(), run(), baseline=Baseline.of([entry()]))
    assert verdict.baseline_errors == (CODE,)
    assert verdict.exit_code == ExitCode.WRONG_USE


def test_update_keeps_reasons_drops_what_is_gone_and_explains_what_is_new() -> None:
    known = Baseline.of([entry(), entry("PL1-MON-008.cut-off", reason="cũ")])
    made = known.update([CODE, OTHER], [CODE, OTHER], TODAY, {OTHER: "mới"}, date(2027, 1, 1))
    assert {one.cause: one.reason for one in made.baseline.entries} == {CODE: "sửa trong 3.3", OTHER: "mới"}
    assert made.baseline.entries[1].expires == date(2027, 1, 1)
    assert (made.added, made.dropped, made.unexplained) == ((OTHER,), ("PL1-MON-008.cut-off",), ())


def test_update_excuses_nothing_without_a_reason() -> None:
    known = Baseline.of([entry(expires=TODAY - timedelta(days=1))])
    made = known.update([CODE, OTHER], [CODE, OTHER], TODAY, {}, None)
    assert set(made.unexplained) == {CODE, OTHER}
    assert made.baseline == known
    renewed = known.update([CODE], [CODE], TODAY, {"": "lần nữa"}, None)
    assert renewed.added == (CODE,)
    assert renewed.baseline.entries[0].reason == "lần nữa"


def test_the_command_asks_for_reasons_and_changes_nothing_before(tmp_path: Path) -> None:
    source, file = stored(tmp_path, run(CODE, OTHER)), tmp_path / "b.yaml"
    done = invoke("baseline", "update", source, "--file", file)
    assert done.exit_code == 1
    assert f"? {CODE}" in done.stdout
    assert not file.exists()
    done = invoke("baseline", "update", source, "--file", file, "--reason", f"{CODE}=a", "--reason", "b")
    assert done.exit_code == 0, done.output
    assert {one.cause: one.reason for one in Baseline.parse(file.read_text("utf-8")).entries} == {CODE: "a", OTHER: "b"}
    assert invoke("baseline", "check", source, "--file", file).exit_code == 0
    repaired = stored(tmp_path, run(CODE), "later.json")
    done = invoke("baseline", "check", repaired, "--file", file)
    assert done.exit_code == 1
    assert f"✗ {OTHER}" in done.stdout
    assert f"✓ {CODE}" in done.stdout
    assert invoke("baseline", "update", repaired, "--file", file).exit_code == 0
    assert [one.cause for one in Baseline.parse(file.read_text("utf-8")).entries] == [CODE]


def test_a_reason_for_something_else_or_a_day_that_has_passed_is_wrong_use(tmp_path: Path) -> None:
    source, file = stored(tmp_path, run(CODE)), tmp_path / "b.yaml"
    for more in (
        ("--reason", f"{CODE}=a", "--reason", "PL1-MON-008.cut-off=b"),
        ("--reason", "a", "--expires", "2020-01-01"),
    ):
        assert invoke("baseline", "update", source, "--file", file, *more).exit_code == 2
        assert not file.exists()


@pytest.mark.parametrize("why", ["selection", "cut"])
def test_a_part_of_the_suite_does_not_change_the_file(tmp_path: Path, why: str) -> None:
    made = run(selection="THCS:thcs-plain") if why == "selection" else run().model_copy(update={"items": ()})
    file = tmp_path / "b.yaml"
    file.write_text(Baseline.of([entry()]).text(), encoding="utf-8")
    before = file.read_bytes()
    assert invoke("baseline", "update", stored(tmp_path, made), "--file", file).exit_code == 2
    assert file.read_bytes() == before
