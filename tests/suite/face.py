"""Runs of ``pytest --target=…``: in a process of their own, or in this one where that shows as much."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import conformance.suite.running  # noqa: F401  # imported once: each run within this process would do it again
from conformance.document import write
from conformance.pack import default_pack
from tests.builders import valid_values

FAILING = ("--defect=cuts-off-instead-of-rounding", "--item=THCS:thcs-rounding-decides")
QUICK = (
    "--target=reference", "--programme=THCS", "--revision=r1", "--keys=p-256",
    "-p", "no:randomly", "-p", "no:cacheprovider",
)  # fmt: skip
"""The smallest revision: without TLS and further copies, a run begins sooner."""
FILES = ("--target=file:docs", "-p", "no:randomly", "-p", "no:cacheprovider")
LIMIT = 600
"""Seconds for a whole run on a busy machine."""
OURS = ("PYTEST_", "HOCBA_", "COV_")


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run pytest in ``folder``; exit code and what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env={**clean, "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT,
    )
    return done.returncode, done.stdout + done.stderr


Inside = Callable[..., tuple[int, str]]


@pytest.fixture
def inside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """``run`` within this process, in a fresh current folder that holds one document for ``FILES``."""
    for name in [key for key in os.environ if key.startswith(OURS)]:
        monkeypatch.delenv(name)
    (pytester.path / "docs").mkdir()
    (pytester.path / "docs" / "one.xml").write_bytes(write(valid_values(), default_pack()))

    def run_inside(*arguments: str, **environment: str) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        done = pytester.runpytest_inprocess(*arguments)
        return int(done.ret), done.stdout.str() + done.stderr.str()

    return run_inside


def results(path: Path) -> dict[str, Any]:
    """What ``--results`` wrote."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
