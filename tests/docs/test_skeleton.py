"""The skeleton of the test interface runs as it stands: no verdict but Không kết luận, and what to do next is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conformance.doctor import State
from conformance.doctor.examine import examine
from tests.doctor import running

SKELETON = Path(__file__).parents[2] / "docs" / "skeleton" / "vendor.py"
AUTHORISED = {"Authorization": "Bearer hocba-test"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HOCBA_")}
    with subprocess.Popen(
        [sys.executable, "-I", str(SKELETON), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def test_it_certifies_as_inconclusive_and_says_what_comes_next(address: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-I", "-m", "conformance.suite.isolated", f"--target={address}", "--no-config",
            "--token=hocba-test", "--item=THCS:thcs-plain", "--item=THCS:probe:impossible", "--results=r.json", "-q",
            "--keys=p-256", "-p", "no:randomly",
        ],
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=600,
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    verdict = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["verdict"]
    assert {one["verdict"] for one in verdict["lines"]} == {"inconclusive"}
    assert f"→ hocba doctor --target={address}" in done.stdout


def test_the_doctor_names_the_first_call_to_make(address: str) -> None:
    given = {"target": address, "no_config": True, "token": "hocba-test", "keys": "p-256", "config": None}
    with running.ministry() as service:
        told = list(examine(given | {"pack": None}, "utf-8", ministry=service))
    found = {one.key: one for one in told if one.state is State.PROBLEM}
    assert set(found) == {"capability.missing", "trial.stopped"}
    assert "create: HTTP 501 NOT_OFFERED" in found["trial.stopped"].say("vi")
    assert "TODO" in found["trial.stopped"].say("en")


def test_it_refuses_in_order(address: str) -> None:
    with httpx.Client(base_url=f"{address}/hocba-test/v1", headers=AUTHORISED, trust_env=False, timeout=60) as client:
        assert client.get("/", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.post("/transcripts", content=b"{").status_code == 422
        assert client.post("/transcripts", json={"caseId": "x"}).json()["reasons"][0]["field"] == "/subjects"
        assert client.get("/transcripts/unknown/document").status_code == 404
        assert client.post("/tick").status_code == 501
        assert client.post("/transcripts/unknown/issue").json()["reasons"][0]["code"] == "NOT_FOUND"
