"""Judged here or in other processes: the same results in the same order, whatever dies on the way."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.checking import Checked, Item, Tally, items, run, written
from conformance.checking.judging import AHEAD, BATCH
from conformance.checking.related import related
from conformance.checking.runners import in_processes
from conformance.progress import shown
from tests.checking.helpers import FATAL, PLAN, deadly, folder_of
from tests.checks.test_signature_kills import PACK, Bench


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(Bench(), tmp_path_factory.mktemp("checked") / "all", copies=6)


def test_here_is_one_after_the_other(folder: Path) -> None:
    taken = 0

    def counted() -> Iterator[Item]:
        nonlocal taken
        for one in items([str(folder)]):
            taken += 1
            yield one

    first = next(run(PLAN, counted()))
    assert taken == 1
    assert first.name.endswith("changed.xml")
    assert first.findings


def test_the_collector_is_left_as_it_was(folder: Path) -> None:
    before = gc.get_threshold()
    judged = run(PLAN, items([str(folder)]))
    next(judged)
    assert gc.get_threshold() > before
    judged.close()  # type: ignore[attr-defined]  # a generator, told as an iterator
    assert gc.get_threshold() == before


def test_processes_give_the_same_in_the_same_order(folder: Path) -> None:
    alone = list(run(PLAN, items([str(folder)])))
    together = list(run(PLAN, items([str(folder)]), jobs=2))
    assert len(alone) == 24
    assert together == alone


def test_processes_take_few_items_ahead(folder: Path) -> None:
    one = next(items([str(folder / "00" / "other.xml")]))
    taken = 0

    def endless() -> Iterator[Item]:
        nonlocal taken
        while True:
            taken += 1
            yield one

    results = run(PLAN, endless(), jobs=2)
    for _ in range(5 * BATCH):
        assert next(results).findings
    results.close()  # type: ignore[attr-defined]
    assert taken <= (5 + 2 * AHEAD + 1) * BATCH


def test_a_file_on_which_a_process_dies_is_an_error_of_that_file_alone(folder: Path, tmp_path: Path) -> None:
    found = list(items([str(folder)]))
    (tmp_path / "fatal.xml").write_bytes(FATAL)
    fatal = Item("fatal.xml", str(tmp_path / "fatal.xml"))
    mixed = [*found[:20], fatal, *found[20:], fatal]
    results = list(in_processes(PLAN, mixed, 2, work=deadly))
    assert [one.name for one in results] == [one.name for one in mixed]
    assert [one.name for one in results if one.error] == ["fatal.xml", "fatal.xml"]
    judged = iter([one for one in results if not one.error])
    assert list(related(judged, together=PLAN.together)) == list(run(PLAN, found))


# --------------------------------------------------------------------------------------------------------- written


def interrupted(results: list[Checked]) -> Iterator[Checked]:
    yield from results
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def results(folder: Path) -> list[Checked]:
    return list(run(PLAN, items([str(folder / "00")])))


@pytest.mark.parametrize("whole", [True, False])
def test_json_is_one_object_and_says_whether_it_is_whole(results: list[Checked], whole: bool) -> None:
    tally = Tally(PACK, trusted=False)
    data = json.loads("\n".join(written(results if whole else interrupted(results), tally, "json", "en")))
    assert [Path(one["file"]).name for one in data["files"]] == ["changed.xml", "empty.xml", "other.xml", "sound.xml"]
    assert data["verdict"] is None
    assert data["complete"] is whole
    assert data["checked"] == 4
    assert tally.exit_code == (1 if whole else 3)


def test_ndjson_is_one_object_a_line_with_a_footer(results: list[Checked]) -> None:
    lines = list(written(results, Tally(PACK, trusted=False), "ndjson", "vi"))
    *files, footer = map(json.loads, lines)
    assert len(files) == 4
    assert all("\n" not in line for line in lines)
    assert footer["complete"] is True
    assert footer["failing"] == 3
    whole = json.loads("".join(written(results, Tally(PACK, trusted=False), "json", "vi")))
    assert whole["files"] == files


def test_lines_come_as_the_results_do(results: list[Checked]) -> None:
    lines = written(interrupted(results[:1]), Tally(PACK, trusted=False), "text", "en")
    assert "changed.xml" in next(lines)
    assert "Interrupted: only 1 files were checked." in list(lines)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interruption_ends_a_run_of_several_processes_cleanly(folder: Path) -> None:
    command = [sys.executable, "-m", "conformance.cli", "check", "--files-from", "-", "--jobs", "2"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Bytes: reading one line takes a block, and what `communicate` reads then may begin within a character.
    with subprocess.Popen([*command, "--format", "ndjson"], start_new_session=True, **pipes) as run:  # type: ignore[call-overload]
        for _ in range(4 * AHEAD * BATCH):
            run.stdin.write(f"{folder / '00' / 'other.xml'}\n".encode())
        run.stdin.flush()
        assert json.loads(run.stdout.readline())["findings"]
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: everybody in the group hears it
        out, err = run.communicate(timeout=300)
    assert run.returncode == 3
    assert b'"complete": true' not in out
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("one", "code"),
    [(Checked("a", unread="no"), 2), (Checked("a", error="no"), 4), (Checked("a"), 0)],
    ids=["unread", "error", "sound"],
)
def test_exit_codes(one: Checked, code: int) -> None:
    tally = Tally(PACK, trusted=True)
    list(written([one], tally, "text", "vi"))
    assert tally.exit_code == code


def test_progress_is_told_of_long_runs_only() -> None:
    out = io.StringIO()
    assert list(shown(range(5), out)) == list(range(5))
    assert out.getvalue() == ""
    assert list(shown(range(5), out, quiet=0)) == list(range(5))
    assert out.getvalue().startswith("1 tệp / files, ")
    assert out.getvalue().count("\n") == 1
