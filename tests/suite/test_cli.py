"""The command line: what it prints, in which language, and its exit codes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conformance.cli import app
from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, sign_document
from tests.builders import NOW, valid_values


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound signed transcript, one with a changed mark, the trust anchors, CRLs and leaders."""
    folder = tmp_path_factory.mktemp("desk")
    pack = default_pack()
    pki = TestPki(NOW - timedelta(days=30))
    unsigned = write(valid_values(), pack)
    signed = sign_document(unsigned, pack, Signers.of(unsigned, pack, pki, seal=True), at=NOW)
    (folder / "sound.xml").write_bytes(signed)
    (folder / "changed.xml").write_bytes(signed.replace(b"<DiemHocKy1>7.5<", b"<DiemHocKy1>7.4<"))
    (folder / "ca.pem").write_bytes(pki.anchors_pem())
    for number, crl in enumerate(pki.crls()):
        (folder / f"{number}.crl").write_bytes(crl)
    (folder / "leaders.txt").write_text("001175990301\n")
    return folder


def check(desk: Path, *names: str, more: tuple[str, ...] = ()) -> Result:
    crls = [argument for path in sorted(desk.glob("*.crl")) for argument in ("--crl", str(path))]
    at = (NOW + timedelta(minutes=1)).isoformat()
    return invoke(
        "check", *(str(desk / name) for name in names), "--trust", str(desk / "ca.pem"), *crls,
        "--leaders", str(desk / "leaders.txt"), "--at", at, *more,
    )  # fmt: skip


def test_a_sound_document_has_no_finding(desk: Path) -> None:
    done = check(desk, "sound.xml", more=("--format", "json"))
    assert done.exit_code == 0, done.output
    (one,) = json.loads(done.output)["files"]
    assert [finding["code"] for finding in one["findings"] if finding["level"] == "MUST"] == []
    assert one["held"] > 100


def test_a_changed_mark_is_found_once_with_place_and_remedy(desk: Path) -> None:
    done = check(desk, "changed.xml", more=("--lang", "en"))
    assert done.exit_code == 1, done.output
    assert "PL1-KY-006" in done.output
    assert "MonHoc" in done.output
    assert "→" in done.output
    data = json.loads(check(desk, "changed.xml", more=("--format", "json")).output)
    roots = {
        finding["requirement"]
        for finding in data["files"][0]["findings"]
        if finding["state"] == "violated" and finding["level"] == "MUST" and not finding["consequence_of"]
    }
    assert roots == {"PL1-KY-006"}


def test_check_gives_no_verdict_and_never_crashes_on_rubbish(tmp_path: Path) -> None:
    for name, data in {"empty.xml": b"", "binary.xml": bytes(range(256)), "html.xml": b"<html/>"}.items():
        (tmp_path / name).write_bytes(data)
    done = invoke("check", str(tmp_path), "--format", "json")
    assert done.exit_code == 1, done.output
    data = json.loads(done.output)
    assert data["verdict"] is None
    assert len(data["files"]) == 3
    assert all(one["findings"] and not one["error"] for one in data["files"])


@pytest.mark.parametrize("arguments", [("check", "nowhere.xml"), ("check", ".", "--trust", "nowhere.pem")])
def test_unreadable_files_are_wrong_use(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert "không" in done.output


def test_explain_shows_the_same_requirement_in_two_languages() -> None:
    vi, en = invoke("explain", "pl1-ky-005"), invoke("explain", "PL1-KY-005", "--lang", "en")
    assert (vi.exit_code, en.exit_code) == (0, 0)
    assert "Căn cứ" in vi.output
    assert "Basis" in en.output
    assert "not the Ministry's text" in en.output
    assert invoke("explain", "PL9-XX-999").exit_code == 2


def test_list_knows_every_requirement() -> None:
    rows = json.loads(invoke("list", "--format", "json").output)
    assert {row["id"] for row in rows} == set(default_pack().requirements)
    assert {row["group"] for row in json.loads(invoke("list", "--group", "ky", "--format", "json").output)} == {"KY"}


def test_the_shipped_pack_is_clean() -> None:
    done = invoke("pack", "lint")
    assert done.exit_code == 0, done.output


def test_a_broken_pack_is_named(tmp_path: Path) -> None:
    done = invoke("pack", "lint", str(tmp_path))
    assert done.exit_code == 2
    assert "pack.yaml" in done.output


def test_pki_writes_a_desk(tmp_path: Path) -> None:
    done = invoke("pki", str(tmp_path / "desk"))
    assert done.exit_code == 0, done.output
    assert list((tmp_path / "desk").rglob("*.p12"))


def test_show_reads_like_the_form_and_judges_nothing(desk: Path, tmp_path: Path) -> None:
    data = json.loads(invoke("show", str(desk / "changed.xml"), "--format", "json").output)
    tables = {one["title"]: one for one in data["tables"]}
    assert any("7.4" in row for row in tables["Bảng điểm"]["rows"])
    states = {row[-1] for row in tables["Chữ ký số"]["rows"]}
    assert states == {"khớp", "không khớp"}
    assert invoke("show", str(desk / "changed.xml")).exit_code == 0
    page = tmp_path / "form.html"
    assert invoke("show", str(desk / "sound.xml"), "--html", str(page), "--lang", "en").exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "Digital signatures" in text
    assert "<script" not in text


def test_show_escapes_what_comes_from_outside(tmp_path: Path) -> None:
    values = valid_values()
    values["summary"]["homeroom_comment"] = "<script>alert(1)</script>\u202e"
    (tmp_path / "x.xml").write_bytes(write(values, default_pack()))
    page = tmp_path / "x.html"
    assert invoke("show", str(tmp_path / "x.xml"), "--html", str(page)).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text


def test_what_is_no_transcript_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_bytes(b"<a/>")
    assert invoke("show", str(tmp_path / "none.xml")).exit_code == 2
    done = invoke("show", str(tmp_path / "x.xml"))
    assert done.exit_code == 1
