"""Results and evidence that somebody made or altered: a clear answer and no report of them, never a traceback."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import reports
from conformance.cli import app
from conformance.evidence import Bundle, EvidenceError, StoredBundle
from conformance.pack import default_pack
from conformance.strict import loads
from conformance.suite.rejudge import NotRejudgeable, rejudge
from conformance.verdict import Baseline, BaselineError, decide
from reports.files import verdict_follows
from reports.signing.manifest import FORMAT, canonical
from reports.signing.standing import Given
from reports.signing.verify import verify_signed
from tests.reports.sample import failing

Data = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def good() -> str:
    run = failing(default_pack())
    return run.model_copy(update={"verdict": decide(default_pack(), run).to_json()}).model_dump_json()


def passing(data: Data) -> None:
    for line in data["verdict"]["lines"]:
        line["verdict"], line["blockers"] = "pass", []
    for one in data["verdict"]["outcomes"]:
        one["outcome"], one["blocks"] = "pass", False
    data["verdict"]["exit_code"] = 0


def nowhere(data: Data) -> None:
    for one in data["verdict"]["outcomes"]:
        one["roots"] = [{"item": "nobody", "index": -1} for _ in one["roots"]]


def known(data: Data) -> None:
    for one in data["verdict"]["outcomes"]:
        if one["outcome"] == "fail":
            one["known"], one["outcome"] = ["nothing such"], "known-failure"


ALTERED: dict[str, tuple[Callable[[Data], object], str]] = {
    "verdict forged": (passing, "not what follows"),
    "failures called known": (known, "not what follows"),
    "finding taken out": (lambda data: data["items"][-1].update(findings=[]), "not what follows"),
    "no verdict": (lambda data: data.update(verdict={"lines": []}), "not a verdict"),
    "findings nowhere": (nowhere, "not a verdict"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_an_altered_result_becomes_no_report(good: str, what: str, tmp_path: Path) -> None:
    change, said = ALTERED[what]
    data = json.loads(good)
    change(data)
    before, after, out = tmp_path / "before.json", tmp_path / "after.json", tmp_path / "r.html"
    before.write_text(good, encoding="utf-8")
    after.write_text(json.dumps(data), encoding="utf-8")
    for command in (
        ("report", "html", after, out),
        ("report", "compare", before, after),
        ("report", "compare", after, before),
        ("baseline", "update", after, "--file", out, "--reason", "x"),
    ):
        done = CliRunner().invoke(app, [str(one) for one in command])
        assert done.exit_code == 2, done.output
        assert said in done.output
        assert not out.exists()


def test_known_failures_of_a_stored_verdict_follow_from_it_without_the_baseline_file() -> None:
    run = failing(default_pack())
    codes = sorted({one.code for item in run.items for one in item.findings if one.state == "violated"})
    listed = [
        {"cause": codes[0], "reason": "x"},
        {"cause": codes[1], "reason": "x", "expires": "2020-01-01"},
        {"cause": "PL1-MON-008.cut-off", "reason": "x"},
    ]
    verdict = decide(default_pack(), run, baseline=Baseline.of(listed))
    assert len(verdict.baseline_errors) == 2
    assert verdict_follows(run.model_copy(update={"verdict": verdict.to_json()}), default_pack())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b'{"event":' + b"[" * 100_000 + b"\n", "nested too deep"),
        (b'{"verdict":{"a":1},"verdict":{}}', "listed twice: 'verdict'"),
        (b'{"verdict":{"a":NaN}}', "no number of JSON: NaN"),
        (b'{"verdict":{"a":-Infinity}}', "no number of JSON: -Infinity"),
        (b'{"verdict":{"a":1e999}}', "a number too large: 1e999"),
    ],
)
def test_json_that_breaks_readers_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(data)
    for command, code in (("junit", 2), ("verify", 1)):
        out = [str(tmp_path / "r.xml")] if command == "junit" else []
        done = CliRunner().invoke(app, ["report", command, str(path), *out])
        assert done.exit_code == code, done.output
        assert said in done.output
    with pytest.raises(ValueError, match=said):
        loads(data)


@pytest.mark.parametrize(
    ("command", "name", "code", "said"),
    [
        ("sarif", "r.json", 2, "not a regular file"),
        ("pdf", "r.html", 2, "not a regular file"),
        ("verify", "r.json", 2, "no such file"),
    ],
)
def test_something_that_never_ends_is_not_read(command: str, name: str, code: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.symlink_to("/dev/zero")
    done = CliRunner().invoke(app, ["report", command, str(path), *([str(tmp_path / "out")] * (command != "verify"))])
    assert done.exit_code == code
    assert said in done.output


def test_a_signed_result_with_devices_beside_it_is_not_relied_on(tmp_path: Path) -> None:
    manifest = tmp_path / "r.signed.json"
    said = {"name": "r.html", "sha256": "00" * 32}
    manifest.write_bytes(canonical({"format": FORMAT, "files": {"report": said}}))
    (tmp_path / "r.signed.json.jws").symlink_to("/dev/zero")
    (tmp_path / "r.html").symlink_to("/dev/zero")
    found = {one.key: one.state for one in verify_signed(manifest, Given(), tmp_path / "none", NOW).checks}
    assert found["signature-wrong"] == found["report-altered"] == "bad"
    assert found["evidence-missing"] == "unknown"


def test_a_bundle_keeps_line_separators_and_lone_surrogates_of_vendors(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.add("document", "a", b"x", version="1\u2028\u0085 \ud800")
    bundle.close()
    assert StoredBundle(tmp_path).entries[0].facts == {"version": "1\u2028\u0085 \ud800"}


def indexed(folder: Path, *lines: Any) -> None:
    text = "".join(f"{json.dumps(one)}\n" for one in lines)
    footer = {"footer": {"entries": len(lines), "digest": hashlib.sha256(text.encode()).hexdigest()}}
    (folder / "index.ndjson").write_text(f"{text}{json.dumps(footer)}\n", encoding="utf-8")


@pytest.mark.parametrize("digest", ["/etc/hostname", "../index.ndjson", "", 5, None, "AB" * 32])
def test_an_index_names_nothing_outside_its_bundle(digest: object, tmp_path: Path) -> None:
    indexed(tmp_path, {"kind": "document", "item": "a", "digest": digest, "facts": {}})
    with pytest.raises(EvidenceError, match="dòng hỏng"):
        StoredBundle(tmp_path)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b"\xff\n", "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"footer": 5}\n', "broken line"),
        (b'{"footer": {"digest": "x"}}\n{"footer": {"digest": "x"}}\n', "lines after the footer"),
        (b"", "no footer"),
    ],
)
def test_a_garbled_index_is_said_to_be_one(index: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "index.ndjson").write_bytes(index)
    with pytest.raises(EvidenceError, match=said):
        StoredBundle(tmp_path)


def test_links_devices_and_bombs_in_a_bundle_are_not_read(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    linked, large = bundle.add("document", "a", b"x"), bundle.add("document", "b", b"y")
    bundle.close()
    path = tmp_path / "bytes" / linked.digest
    path.unlink()
    path.symlink_to("/dev/zero")
    os.truncate(tmp_path / "bytes" / large.digest, 1 << 33)  # a hole: takes no room
    stored = StoredBundle(tmp_path)
    with pytest.raises(EvidenceError, match="not a regular file"):
        stored.read(linked)
    with pytest.raises(EvidenceError, match="larger than"):
        stored.read(large)


def test_a_smallest_case_of_a_strange_shape_is_shown_all_the_same() -> None:
    run = failing(default_pack())
    strange: list[Data] = [{"edits": ["x"]}, {"case": {"learner": 5, "subjects": [5, {"semester1": 3}]}, "edits": 4}]
    for smallest in strange:
        items = tuple(one.model_copy(update={"smallest": smallest}) for one in run.items)
        assert "PL1-PH-001" in reports.html(run.model_copy(update={"items": items}), default_pack())


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (b"{[", "garbled"),
        (b"[5]", "garbled"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"leaders": 5}', "setup: run_id"),
        (None, "older suite"),
    ],
)
def test_garbled_evidence_is_not_judged_anew(setup: bytes | None, said: str, tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    if setup is not None:
        bundle.add("setup", "", setup)
    digest = bundle.close()
    run = failing(default_pack())
    assert run.footer is not None
    footer = run.footer.model_copy(update={"evidence_digest": digest})
    described = run.run.model_copy(update={"pack_digest": "00" * 32})  # by another pack: plans anew
    with pytest.raises(NotRejudgeable, match=said):
        rejudge(StoredBundle(tmp_path), run.model_copy(update={"run": described, "footer": footer}), default_pack())


@pytest.mark.parametrize("text", ["[" * 1000, "\0", "!!python/object/apply:os.system [id]", "- &a [*a]"])
def test_a_garbled_baseline_is_said_to_be_one(text: str) -> None:
    with pytest.raises(BaselineError, match=r"nested too deep|not YAML|entry 1 is wrong"):
        Baseline.parse(text)


@pytest.mark.parametrize(
    ("language", "said"), [("vi", "kết luận ghi trong tệp kết quả không được tính lại"), ("en", "was not recomputed")]
)
def test_a_page_says_that_its_verdict_could_not_be_recomputed(language: str, said: str) -> None:
    run = failing(default_pack())
    run = run.model_copy(update={"verdict": decide(default_pack(), run).to_json()})
    assert said not in reports.html(run, default_pack(), language)
    elsewhere = run.model_copy(update={"run": run.run.model_copy(update={"pack_digest": "00" * 32})})
    assert said in reports.html(elsewhere, default_pack(), language)
