"""A real PostgreSQL server for tests: its own data directory, a Unix socket in it, gone when the tests are."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PATIENCE = 120
_OPTIONS = "-c listen_addresses='' -c max_connections=60"
# nothing that tests keep has to survive the machine
_FLEETING = (
    " -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=16MB -c wal_level=minimal "
    "-c max_wal_senders=0 -c autovacuum=off"
)


def _programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: float(one.parts[-3]))
    if found:
        return found[-1].parent
    known = shutil.which("initdb")
    return Path(known).resolve().parent if known else None


def _as_nobody_special(arguments: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *arguments] if os.geteuid() == 0 else arguments


def _run(*arguments: str) -> None:
    done = subprocess.run(
        _as_nobody_special(list(arguments)), capture_output=True, text=True, timeout=2 * _PATIENCE, cwd="/", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """A running server; yields the URL of its database. Skips where there is none, which CI does not allow.

    ``durable``: with the settings of a real one, which waits for the disk at every commit.
    """
    programs = _programs()
    if programs is None or os.name == "nt":
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("PostgreSQL is missing (tests/debian-packages.sh)")
        pytest.skip("no PostgreSQL on this machine (tests/debian-packages.sh)")
    # short, because the path of a socket has a limit; not below a home that others may not enter
    folder = Path(tempfile.mkdtemp(prefix="hocba-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        _run(
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        )
        control, log = str(programs / "pg_ctl"), str(folder / "log")
        options = f"{_OPTIONS}{'' if durable else _FLEETING} -k {folder}"
        _run(control, "start", "-w", "-D", str(data), "-l", log, "-o", options)
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            _run(control, "stop", "-m", "immediate", "-D", str(data))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
