"""Consoles that do not speak UTF-8: every command still ends in order, and what it says is UTF-8."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from conformance import cli
from conformance.cli import app

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
PAGES = ("cp1252", "cp437")


def names(group: typer.Typer, *before: str) -> list[tuple[str, ...]]:
    """Every command with the groups it stands in."""
    found = []
    for one in group.registered_commands:
        callback = getattr(one.callback, "__name__", "")
        found.append((*before, one.name or callback.replace("_", "-")))
    for below in group.registered_groups:
        if below.typer_instance is not None:
            found += names(below.typer_instance, *before, str(below.name or below.typer_instance.info.name))
    return found


def said(monkeypatch: pytest.MonkeyPatch, page: str, *arguments: str) -> tuple[int, str]:
    """Call ``hocba`` as its entry point does, on a console of that code page; exit code, and the bytes as UTF-8."""
    streams = [io.BytesIO(), io.BytesIO()]
    out, err = (io.TextIOWrapper(one, encoding=page, errors="strict", newline="\r\n") for one in streams)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        patched.setattr(sys, "argv", ["hocba", *arguments])
        patched.setenv("COLUMNS", "100")
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        out.flush()
        err.flush()
    return code, b"".join(one.getvalue() for one in streams).decode("utf-8")


def test_the_help_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = names(app)
    assert {("certify",), ("doctor",), ("fixtures", "export"), ("pack", "lint")} <= set(listed)
    for name in listed:
        code, text = said(monkeypatch, "cp437", *name, "--help")
        assert code == 0, (name, text)
        assert "--" in text, name


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("code", "shown", "arguments"),
    [
        (0, "hocba-conformance", ("version",)),
        (0, "Chữ ký", ("list", "--group", "KY")),
        (0, "Căn cứ và phạm vi", ("explain", "PL1-KY-005")),
        (2, "không có yêu cầu", ("explain", "nothing-like-it")),
        (0, "→", ("init", "{folder}", "--ci", "github")),
        (2, "Bộ đặc tả", ("doctor", "--no-config")),
        (
            1,
            "cắt bớt thay vì làm tròn",
            ("check", "{fixtures}/documents/invalid/PL1-MON-008/cut-off.xml", "--trust", "{fixtures}/trust/ca.pem"),
        ),
        (0, "Học bạ", ("show", "{fixtures}/documents/valid/small.xml")),
        (0, "Cắt bớt điểm cả năm", ("vendor", "--list-defects")),
        (2, "/", ("vendor", "--defect", "none-such")),
        (2, "cổng", ("serve", "--port", "70000")),
        (2, "không", ("certify", "--target=nothing", "--config=nowhere.toml")),
        (2, "/", ("pki", "{fixtures}/README.md")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_commands_say(
    page: str, code: int, shown: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    filled = [one.format(folder=tmp_path / "new", fixtures=FIXTURES.as_posix()) for one in arguments]
    ended, text = said(monkeypatch, page, *filled)
    assert ended == code, text
    assert shown in text, text
    assert "Traceback" not in text


def test_a_process_of_its_own_on_such_a_console(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "list", "--group", "KY"],
        cwd=tmp_path,
        env={**environment, "PYTHONIOENCODING": "cp437", "LC_ALL": "C", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=300,
    )
    text = (done.stdout + done.stderr).decode("utf-8")
    assert done.returncode == 0, text
    assert "Chữ ký" in text
