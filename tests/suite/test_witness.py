"""Witnessed runs: what makes one, and everything that keeps a run from being one."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from conformance.pack import default_pack
from conformance.suite.asked import witnessing
from conformance.suite.settings import Options
from conformance.suite.witness import WitnessProblem, allowed, draw, plugins_of, read_list

BUILD = "ab" * 32
START = datetime(2026, 11, 24, 8, tzinfo=UTC)


def listed(folder: Path, text: str = "") -> Path:
    path = folder / "body.yaml"
    path.write_text(
        text or f"body: Trung tâm Mẫu\nid: VILAS 0000\npacks: [{default_pack().digest}]\n", encoding="utf-8"
    )
    return path


def test_the_seed_is_drawn_after_the_build_hash_was_recorded(tmp_path: Path) -> None:
    ticks = count()
    body = read_list(listed(tmp_path))
    seed, witness = draw(
        body, {"buildHash": BUILD}, BUILD, lambda: START + timedelta(seconds=next(ticks)), ("xdist.plugin",)
    )
    again, _ = draw(body, {"buildHash": BUILD}, "", lambda: START)
    assert seed != again  # nobody's to choose; equal once in four billion
    assert witness.build_recorded < witness.seed_drawn
    assert (witness.body, witness.body_id, witness.build_hash) == ("Trung tâm Mẫu", "VILAS 0000", BUILD)
    assert witness.list_digest == body.digest


@pytest.mark.parametrize(
    ("described", "deposited"), [({}, ""), ({"buildHash": ""}, ""), ({"buildHash": BUILD}, "cd" * 32)]
)
def test_another_build_than_the_deposited_one_or_none_is_refused(
    tmp_path: Path, described: dict[str, str], deposited: str
) -> None:
    with pytest.raises(WitnessProblem, match="build"):
        draw(read_list(listed(tmp_path)), described, deposited, lambda: START)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("body: x\n", "packs"),
        ("packs: [aa]\n", "body"),
        ("body: x\npacks: []\n", "packs"),
        ("body: x\npacks: [aa]\nvalidity_days: 0\n", "validity_days"),
        ("body: x\npacks: [aa]\nminister: y\n", "minister"),
        ("[", "not YAML"),
    ],
)
def test_a_wrong_list_is_named_by_field(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(WitnessProblem, match=named):
        read_list(listed(tmp_path, text))


def test_only_packs_and_trust_stores_on_the_list_are_allowed(tmp_path: Path) -> None:
    pack = default_pack()
    allowed(read_list(listed(tmp_path)), pack)
    with pytest.raises(WitnessProblem, match=pack.digest):
        allowed(read_list(listed(tmp_path, f"body: x\npacks: [{'ab' * 32}]\n")), pack)
    with_trust = read_list(listed(tmp_path, f"body: x\npacks: [{pack.digest}]\ntrust: [{'aa' * 32}]\n"))
    allowed(with_trust, pack, ["AA" * 32])
    with pytest.raises(WitnessProblem, match="trust anchors"):
        allowed(with_trust, pack, ["aa" * 32, "bb" * 32])


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"seed": 1}, "--seed"),
        ({"items": ("THCS:thcs-plain",)}, "--item"),
        ({"time_budget": 5.0}, "--time-budget"),
        ({"target": "file:."}, "running software"),
        ({"target": "observe:"}, "running software"),
    ],
)
def test_nothing_may_be_chosen(tmp_path: Path, more: dict[str, object], named: str) -> None:
    options = Options.model_validate({"target": "http://127.0.0.1:1", "witness": str(listed(tmp_path)), **more})
    with pytest.raises(WitnessProblem, match=named):
        witnessing(options, default_pack())


def test_nobody_elses_plugins_and_no_open_process() -> None:
    with pytest.raises(WitnessProblem, match="hocba certify"):
        plugins_of(["_pytest.main"], isolated=False)
    with pytest.raises(WitnessProblem, match="hocba certify"):
        plugins_of(["_pytest.main"], isolated=True)  # this very process was not started with -I
    script = (
        "from conformance.suite.witness import WitnessProblem, plugins_of\n"
        "assert plugins_of(['_pytest.main', 'xdist.plugin'], isolated=True) == ('xdist.plugin',)\n"
        "try:\n    plugins_of(['vendor_plugin'], isolated=True)\n"
        "except WitnessProblem as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=300, encoding="utf-8"
    )
    assert "vendor_plugin" in done.stdout, done.stderr
