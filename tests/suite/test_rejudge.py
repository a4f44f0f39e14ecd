"""Stored evidence judged anew: the same by the same pack, another verdict with its reasons by another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reports
from conformance.cli import app
from conformance.events import ItemResult, Result, RunFinished
from conformance.evidence import Bundle, EvidenceError, StoredBundle
from conformance.pack import default_pack, load_pack
from conformance.suite.rejudge import NotRejudgeable, rejudge
from conformance.verdict import decide
from tests.world import world

ITEMS = ("THCS:thcs-rounding-decides", "THCS:probe:locked", "exchange:too-many-seconds")
DEFECTS = ("cuts-off-instead-of-rounding", "ignores-retry-after", "edits-after-issue")


def test_evidence_is_judged_anew(tmp_path: Path) -> None:
    """One run for all: it takes seconds to make."""
    folder = tmp_path / "evidence"
    before = kept(folder)
    the_same_pack_finds_the_same(folder, before)
    another_pack_gives_another_verdict_and_says_why(folder, before, tmp_path)
    altered_or_foreign_evidence_is_not_judged(folder, before, tmp_path)


def kept(folder: Path) -> Result:
    """The evidence and the result of a run against a vendor with three defects."""
    bundle = Bundle(folder)
    with world(*DEFECTS, items=ITEMS) as ill:
        items: list[ItemResult] = []
        for name in ITEMS:
            items.append(ill.play(name))
            assert not items[-1].error
        source = Path(ill.run_.setup.evidence)
        lines = (source / "index.ndjson").read_text(encoding="utf-8").splitlines()
        recorded = [(one["kind"], one["item"], one["digest"], one["facts"]) for one in map(json.loads, lines)]
        recorded += [(one.kind, one.item, one.digest, dict(one.facts)) for one in ill.bench.entries]
        for kind, item, digest, facts in recorded:
            bundle.add(kind, item, (source / "bytes" / digest).read_bytes(), **facts)
        bundle.add("setup", "", ill.run_.setup.record())
        run = ill.run_.info
    footer = RunFinished(finished=run.started, items=len(items), evidence_digest=bundle.close())
    result = Result(run=run, items=tuple(items), footer=footer)
    return result.model_copy(update={"verdict": decide(default_pack(), result).to_json()})


def the_same_pack_finds_the_same(folder: Path, before: Result) -> None:
    after = rejudge(StoredBundle(folder), before, default_pack())
    assert after.verdict["outcomes"] == before.verdict["outcomes"]
    failed = {one["requirement"] for one in after.verdict["outcomes"] if one["outcome"] == "fail"}
    assert {"PL1-MON-008", "PL1-PH-003", "PL2-GN-004"} <= failed
    for old, new in zip(before.items, after.items, strict=True):
        assert new.held == old.held
        # the secrets of this world are common words: redacted, "cache-control" is another word in the journal
        assert [(one.model_dump(exclude={"exchange"}), len(one.exchange)) for one in new.findings] == [
            (one.model_dump(exclude={"exchange"}), len(one.exchange)) for one in old.findings
        ]
    assert not after.run.witnessed
    assert after.run.options["rejudged"]["pack"] == default_pack().digest


def another_pack_gives_another_verdict_and_says_why(folder: Path, before: Result, tmp_path: Path) -> None:
    ours = default_pack().folder
    other = tmp_path / "pack"
    shutil.copytree(ours, other, ignore=shutil.ignore_patterns("fixtures"))
    path = other / "requirements" / "mon.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("PL1-MON-008")
    path.write_text(text[:start] + text[start:].replace("level: MUST", "level: SHOULD", 1), encoding="utf-8")
    after = rejudge(StoredBundle(folder), before, load_pack(other))
    outcomes = {one["requirement"]: one["outcome"] for one in after.verdict["outcomes"]}
    assert outcomes["PL1-MON-008"] == "warn"
    assert outcomes["PL1-PH-003"] == "fail"
    (tmp_path / "r.json").write_text(reports.json_text(before, default_pack()), encoding="utf-8")
    arguments = ["report", "rejudge", str(folder), str(tmp_path / "r.json"), "--pack", str(other), "--lang", "en"]
    done = CliRunner().invoke(
        app, [*arguments, "--out", str(tmp_path / "new.json"), "--html", str(tmp_path / "new.html")]
    )
    assert done.exit_code == 1, done.output
    assert "SHA-256 of the pack" in done.output
    assert "PL1-MON-008" in done.output
    assert "Fail → Warning" in done.output
    assert (
        json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))["run"]["pack_digest"] != default_pack().digest
    )
    assert (tmp_path / "new.html").stat().st_size > 10_000


def altered_or_foreign_evidence_is_not_judged(folder: Path, before: Result, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    entry = next(StoredBundle(copy).of("record"))
    (copy / "bytes" / entry.digest).write_bytes(b"{}")
    with pytest.raises(EvidenceError, match="altered"):
        rejudge(StoredBundle(copy), before, default_pack())
    other = Bundle(tmp_path / "other")
    other.add("session", "", b"{}")
    digest = other.close()
    with pytest.raises(NotRejudgeable, match="another run"):
        rejudge(StoredBundle(tmp_path / "other"), before, default_pack())
    assert before.footer is not None
    mine = before.model_copy(update={"footer": before.footer.model_copy(update={"evidence_digest": digest})})
    with pytest.raises(NotRejudgeable, match="older suite"):
        rejudge(StoredBundle(tmp_path / "other"), mine, default_pack())
