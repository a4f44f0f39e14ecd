"""Whatever happens to a run, or is done to it: no exit code 0 and no complete-looking report without a full pass."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.suite.face import FAILING, FILES, LIMIT, QUICK, Inside, inside, results, run

__all__ = ["inside"]

NOWHERE = "--target=http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--help",), {}),
        (("--fixtures",), {}),
        ((), {"PYTEST_ADDOPTS": "--markers"}),
        (("--ignore-glob=*", "-m", "nothing"), {}),
    ],
    ids=["--help", "--fixtures", "PYTEST_ADDOPTS=--markers", "-m"],
)
def test_no_success_without_a_verdict(inside: Inside, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    code, printed = inside(*FILES, *arguments, **environment)
    assert code == 3, printed


def test_a_plugin_cannot_say_that_all_is_well(inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil.py").write_text(
        "import pytest\n"
        "@pytest.hookimpl(tryfirst=True, wrapper=True)\n"
        "def pytest_sessionfinish(session):\n"
        "    yield\n"
        "    session.exitstatus = 0\n"
    )
    code, printed = inside(*FILES, "-k", "nothing", "-p", "evil")
    assert code == 3, printed


def test_a_worker_that_dies_leaves_items_missing(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path.cwd())
    Path("deadly.py").write_text(
        "import os\ndef pytest_runtest_setup(item):\n    if 'PYTEST_XDIST_WORKER' in os.environ:\n        os._exit(0)\n"
    )
    code, printed = inside(
        *FILES, "-n", "1", "--max-worker-restart=0", "-p", "deadly", "--results=r.json", PYTHONPATH=str(Path.cwd())
    )
    assert code == 3, printed
    assert "items-missing" in results(Path("r.json"))["verdict"]["reasons"]


def test_hostile_files_where_the_run_starts_change_nothing(tmp_path: Path) -> None:
    """Modules named like ours, conftests that end the process or drop items, settings that drop everything."""
    for name in ("reports", "yaml", "mock_moet", "mock_vendor", "lxml"):
        (tmp_path / f"{name}.py").write_text("import os\nos._exit(0)\n")
    (tmp_path / "conftest.py").write_text("def pytest_collection_modifyitems(items):\n    items[:] = []\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text("import os\nos._exit(0)\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\nfilterwarnings = ["error"]\n'
        'addopts = "--import-mode=append --maxfail=1"\npython_files = "check_*.py"\npython_functions = "check_*"\n'
    )
    code, printed = run(tmp_path, *QUICK, *FAILING, PYTHONSAFEPATH="1")  # as the command ``pytest``
    assert code == 1, printed
    assert "PL1-MON-008.cut-off" in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ("--target=reference", "--max-examples=-1"),
        ("--target=reference", "--time-budget=0"),
        ("--target=reference", "--school-year=1990"),
        ("--target=reference", "--defect=no-such-defect"),
        ("--target=reference", "--dry-run", "--programme=MẦM NON"),
        (NOWHERE, "--defect=cuts-off-instead-of-rounding"),
        (NOWHERE, "--report=."),
        (NOWHERE, "--results=file/r.json"),
        (NOWHERE, "--evidence=file/e"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_said_before_the_run(inside: Inside, arguments: tuple[str, ...]) -> None:
    Path("file").write_text("")
    code, printed = inside(*arguments)
    assert code == 2, printed
    assert " / " in printed


def test_an_empty_target_is_wrong_use_not_a_run_of_something_else(inside: Inside) -> None:
    """``pytest --target=$URL`` with the variable unset must not end well because the folder's own tests do."""
    Path("test_own.py").write_text("def test_own():\n    pass\n")
    code, printed = inside("--target=")
    assert code == 2, printed


def test_nothing_of_an_earlier_run_is_left_to_be_taken_for_this_one(inside: Inside) -> None:
    Path("r.html").write_text("Đạt")
    Path("r.json").write_text("{}")
    code, printed = inside(NOWHERE, "--report=r.html", "--results=r.json")
    assert code == 3, printed
    assert not list(Path().glob("r.*"))


def test_certify_has_its_own_exit_codes_and_nobody_elses_settings(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import os\nos._exit(0)\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")

    def certify(*arguments: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "conformance.cli", "certify", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUTF8": "1", **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT,
        )
        return done.returncode, done.stdout + done.stderr

    code, printed = certify("--target=reference", "--no-such-option")
    assert code == 2, printed
    code, printed = certify(
        "--target=reference", "--programme=THCS", "--keys=p-256", *FAILING,
        PYTEST_ADDOPTS="-k nothing", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )  # fmt: skip
    assert code == 1, printed
    assert (tmp_path / "hocba-report.html").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("command", "how"),
    [
        (("pytest",), signal.SIGINT),
        (("conformance.cli", "certify"), signal.SIGTERM),  # as a CI server ends a job
    ],
    ids=["pytest SIGINT", "certify SIGTERM"],
)
def test_an_interrupted_run_is_never_complete(tmp_path: Path, command: tuple[str, ...], how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", *command, *QUICK, "--results=r.json", "--report=r.html", "--events=e.ndjson"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    events = tmp_path / "e.ndjson"
    while process.poll() is None and not (events.exists() and b"item-finished" in events.read_bytes()):
        time.sleep(0.05)
    process.send_signal(how)
    printed = process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 3, printed
    data = results(tmp_path / "r.json")
    assert data["footer"]["interrupted"]
    assert "not-completed" in data["verdict"]["reasons"]
    assert not data["verdict"]["completed"]
    assert {line["verdict"] for line in data["verdict"]["lines"]} == {"inconclusive"}
    assert "bị ngắt" in (tmp_path / "r.html").read_text(encoding="utf-8")


START = """
import sys, time
from pathlib import Path
from conformance.doors.processes import start_ministry, start_vendor
from conformance.pack import default_pack
folder = default_pack().folder
services = [start_vendor(folder), start_ministry(Path(sys.argv[1]), folder)]
for service in services:
    service.ready()
print(*(url for service in services for url in service.urls.values()), flush=True)
time.sleep(600)
"""


def test_services_end_with_a_run_that_was_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    urls = process.stdout.readline().split()
    assert len(urls) == 3
    process.kill()
    process.wait(60)
    process.stdout.close()
    for url in urls:
        address = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(address):
                    break
            time.sleep(0.1)
        else:
            raise AssertionError(f"still served: {url}")
