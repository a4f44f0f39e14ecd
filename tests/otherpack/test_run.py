"""The whole suite runs green against software and Ministry that speak the second pack, with no Python for it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reports
from conformance.cases import frozen_cases
from conformance.checks.judge import judge_document
from conformance.doors.drive import Episode
from conformance.events import Result, RunFinished
from conformance.verdict import Outcome, decide
from tests.otherpack.pack import FOLDER, PROGRAMMES, other
from tests.world import World, world


@pytest.fixture(scope="module")
def sound() -> Iterator[World]:
    with world(pack=other(), programmes=PROGRAMMES) as everything:
        yield everything


def test_the_whole_suite_passes_and_the_report_speaks_of_this_text_only(sound: World) -> None:
    played = [sound.play(item) for item in sound.plan]
    for item in played:
        assert not item.error, f"{item.id}: {item.error}"
        assert [one.code for one in item.findings] == [], item.id
    footer = RunFinished(
        finished=sound.run_.info.started,
        items=len(played),
        evidence_digest="0" * 64,
        build_hash_at_end=str(sound.run_.info.vendor.get("buildHash", "")),
    )
    result = Result(run=sound.run_.info, items=tuple(sorted(played, key=lambda one: one.id)), footer=footer)
    verdict = decide(other(), result)
    assert {(one.requirement, one.programme, one.outcome) for one in verdict.outcomes if one.blocks} == set()
    assert verdict.exit_code == 0
    assert verdict.programmes == PROGRAMMES
    assert sum(one.outcome is Outcome.PASS for one in verdict.outcomes) > 130
    judged = result.model_copy(update={"verdict": verdict.to_json()})
    for language in ("vi", "en"):
        page = reports.html(judged, other(), language)
        assert other().header.title.of(language) in page
        for word in ("01/2025", "January 2025", "115/BGDĐT", "HocBa", "THCS", "TT 22/2021", "hoc-ba"):
            assert word not in page, word


def test_averages_may_be_entered_instead() -> None:
    with world(pack=other(), programmes=("BAC-1",), takes="averages") as entered:
        assert entered.roots("BAC-1:b1-plain", "BAC-1:b1-rounded") == set()


def test_an_amended_version_names_the_one_before_as_this_text_wants(sound: World) -> None:
    """SHA-512 here: software, checks and Ministry form the digest of the version before by the pack."""
    bench, pack = sound.bench, other()
    driver = bench.driver
    first = bench.drive(bench.make(next(one for one in frozen_cases(pack, "BAC-1")), "amended", 7900))
    assert first.ended == "final"
    code = first.case.data["subjects"][0]["code"]
    change = {"reason": "Sửa lời nhận xét", "changes": {"subjects": {code: {"comment": "Lời khác."}}}}
    path = f"/hocba-test/v1/transcripts/{first.local}/amendment"
    assert driver.vendor._http.call("POST", path, change).status == 200
    second = Episode(first.case, local=first.local)
    driver.issue(second)
    assert not second.stopped
    driver.send(second)
    assert second.samples[-1].state == "delivered"
    assert first.document is not None
    assert second.document is not None
    assert hashlib.sha512(first.document).hexdigest().encode() in second.document
    context = dataclasses.replace(bench.context(second.received_at), previous=first.document)
    judged = judge_document(second.document, context)
    assert [one.code for one in judged.found.violations] == []
    assert judged.found.held_counts["PL1-STR-004", "amended"] == 1


def test_renditions_are_read_in_this_texts_words() -> None:
    with world(pack=other().at("dot-2"), programmes=("BAC-1",)) as printing:
        for name in ("b1-satisfactory", "b1-reassessed", "b1-half-missing"):
            item = printing.play(f"BAC-1:{name}")
            assert not item.error
            assert [one.code for one in item.findings] == [], name
            assert item.held.get("PL1-IN-001"), name


def test_drawn_cases_of_this_text_pass(sound: World) -> None:
    from conformance.suite.explore import explore

    found, episodes, _ = explore(sound.bench, "BAC-1", 6)
    assert sound.bench.blocking(found) == set()
    assert episodes == []


def test_processes_of_their_own_speak_it_too(tmp_path: Path) -> None:
    """As vendors run it: processes of the run's pack, two workers; what is sound but only two items is no pass."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "HOCBA_", "COV_"))}
    arguments = ["--target=reference", f"--pack={FOLDER}", "--keys=p-256", "--results=r.json", "-n", "2"]
    arguments += ["-p", "no:randomly", "-p", "no:cacheprovider", "--item=BAC-2:b2-plain", "--item=exchange:lost-answer"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=tmp_path,
        env={**clean, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    result = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert result["run"]["pack"] == other().name
    assert result["run"]["programmes"] == list(PROGRAMMES)
    assert [one["id"] for one in result["items"]] == ["BAC-2:b2-plain", "exchange:lost-answer"]
    for item in result["items"]:
        assert item["error"] == ""
        assert item["findings"] == []


def test_a_desk_of_this_text(tmp_path: Path) -> None:
    """``hocba pki --pack``: certificates say whom they stand for as this text wants it."""
    from conformance.signature.certificate import holder, load
    from conformance.signature.desk import write_desk

    write_desk(tmp_path / "desk", None, pack=other())
    signers = json.loads((tmp_path / "desk" / "signers.json").read_text(encoding="utf-8"))
    for one in signers:
        facts = load(base64.b64decode(one["certificate"]))
        assert not isinstance(facts, str)
        said = holder(facts, other()).identifiers
        kind = next(name for name in ("nationalId", "passport", "schoolCode") if name in one)
        assert said == {{"nationalId": "id", "passport": "passport", "schoolCode": "school"}[kind]: one[kind]}
