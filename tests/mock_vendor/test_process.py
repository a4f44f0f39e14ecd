"""The vendor as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from mock_vendor.__main__ import main
from mock_vendor.app import PREFIX


def test_starts_says_ready_and_stops() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mock_vendor", "--port", "0", "--defect", "drops-absences"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HOCBA_VENDOR_TOKEN": "of-this-test", "PYTHONUTF8": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "ready" in line
        base = line.split()[-1]
        headers = {"Authorization": "Bearer of-this-test"}
        answer = httpx.get(f"{base}{PREFIX}/", headers=headers, timeout=60, trust_env=False)
        assert answer.json()["takes"] == "components"
        assert httpx.get(f"{base}{PREFIX}/", timeout=60, trust_env=False).status_code == 401
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode is not None


def test_pdf_without_its_extra_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mock_vendor.__main__.find_spec", lambda _: None)
    assert main(["--rendition", "pdf"]) == 2
    assert "hocba-conformance[pdf]" in capsys.readouterr().err
