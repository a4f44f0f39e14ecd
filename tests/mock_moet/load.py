"""``make load``: how many submissions the service takes and judges, and how long an answer takes, on this machine.

wrk sends signed transcripts over loopback. What counts is compared with ``hocba check --jobs 2`` on the same files in
the same run, since absolute figures move with the machine. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, Style, sign_document
from tests.builders import LEADER, NOW, valid_values
from tests.mock_moet.helpers import Client, Control, Space

TOKEN = "load-" + "x" * 32
CONNECTIONS = 16
PATIENCE = 600.0

# wrk speaks Lua: each connection takes the next body, then the thread stops
_LUA = """
local at, answered, bodies = 0, 0, {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local headers = {["Authorization"] = "Bearer %(token)s", ["Content-Type"] = "application/json"}
function delay() return %(delay)d end
function request()
  at = at + 1
  if at > #bodies then return wrk.format("GET", "%(health)s", headers) end
  return wrk.format("POST", "%(path)s", headers, bodies[at])
end
function response(status)
  answered = answered + 1
  if status ~= 202 and status ~= 200 then print("status", status) end
  if answered >= #bodies then wrk.thread:stop() end
end
"""


@dataclass(frozen=True)
class Files:
    """Documents, and what they are judged by."""

    documents: list[bytes]
    pki: TestPki

    @classmethod
    def make(cls, number: int) -> Files:
        """So many, each of another learner."""
        pack, pki = default_pack(), TestPki(NOW)
        values = valid_values("THCS")
        signers = Signers.of(write(values, pack), pack, pki)
        found = []
        for at in range(number):
            values["record"]["id"] = str(uuid.UUID(int=at + 1))
            values["learner"]["code"] = f"99000{at:05}"
            known = str(values["learner"]["national_id"])
            values["learner"]["national_id"] = f"{known[:6]}{990000 + at}"
            found.append(sign_document(write(values, pack), pack, signers, at=NOW, style=Style()))
        return cls(found, pki)


def checked(files: Files, folder: Path) -> float:
    """Documents a second of ``hocba check --jobs 2``, without its start."""
    names = []
    for at, one in enumerate(files.documents):
        (folder / f"{at:05}.xml").write_bytes(one)
        names.append(str(folder / f"{at:05}.xml"))
    (folder / "ca.pem").write_bytes(files.pki.anchors_pem())
    crls = []
    for at, crl in enumerate(files.pki.crls()):
        (folder / f"{at}.crl").write_bytes(crl)
        crls += ["--crl", str(folder / f"{at}.crl")]
    took = []
    for some in (names[: len(names) // 10], names):
        (folder / "list").write_text("\n".join(some))
        command = [
            str(Path(sys.executable).with_name("hocba")), "check", "--jobs", "2", "--format", "ndjson", "--trust",
            str(folder / "ca.pem"), *crls, "--at", NOW.isoformat(), "--files-from", str(folder / "list"),
        ]  # fmt: skip
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=PATIENCE)
        took.append(time.perf_counter() - start)
    return (len(names) - len(names) // 10) / (took[1] - took[0])


@contextmanager
def service(database: str, *options: str) -> Iterator[tuple[Control, int]]:
    """The service in a process of its own; its control interface and process number."""
    command = [
        sys.executable,
        "-m",
        "mock_moet",
        "--port",
        "0",
        "--control-port",
        "0",
        "--database",
        database,
        *options,
    ]
    environment = {**os.environ, "HOCBA_CONTROL_TOKEN": TOKEN, "HOCBA_STOP_AT_EOF": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = process.stdout.readline().partition(" control ")[2].split()[0]
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
            yield Control(http), process.pid
        process.stdin.close()
        process.wait(60)


def resident(process: int) -> float:
    """MiB of a process and all that it started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    family = {process}
    for _ in range(4):
        family |= {one for one, parent, _ in rows if parent in family}
    return sum(size for one, _, size in rows if one in family) / 1024


def opened(control: Control, files: Files) -> Space:
    """A space that judges in full; its clock stands at the documents' time."""
    offset = NOW.timestamp() - time.time() + 120
    return control.open(
        schools=["99000001", "99000002", *_schools(files)], trustPem=files.pki.anchors_pem().decode(),
        crlsPem="".join(_pem(one) for one in files.pki.crls()), leaders=[LEADER[1]], clockOffset=offset,
        acceptUnreserved=True,
    )  # fmt: skip


def _schools(files: Files) -> set[str]:
    from conformance.document import read

    document = read(files.documents[0], default_pack()).document
    assert document is not None
    assert document.transcript.record.school_code is not None
    return {document.transcript.record.school_code.raw}


def _pem(crl: bytes) -> str:
    text = base64.encodebytes(crl).decode()
    return f"-----BEGIN X509 CRL-----\n{text}-----END X509 CRL-----\n"


def wrk(space: Space, bodies: Path, count: int, rate: float | None) -> str:
    """Send all bodies; ``rate``: so many a second, ``None``: as fast as it goes. Returns what wrk printed."""
    client = Client(space)
    client.authenticate()
    client.http.close()
    paths = {
        row["operationId"]: path for path, rows in default_pack().service["paths"].items() for row in rows.values()
    }
    base = "/" + space.baseUrl.split("/", 3)[3]
    delay = 0 if rate is None else int(1000 * CONNECTIONS / rate)
    script = bodies.with_suffix(".lua")
    script.write_text(
        _LUA % {
            "bodies": bodies, "token": client.token, "path": base + paths["submit"], "health": base + paths["health"],
            "delay": delay,
        }
    )  # fmt: skip
    seconds = int(PATIENCE if rate is None else count / rate * 3 + 60)
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--latency",
        "--timeout",
        "60s",
        "-s",
        str(script),
        space.baseUrl,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        until = time.perf_counter() + seconds
        while process.poll() is None and time.perf_counter() < until and len(space.submissions()) < count:
            time.sleep(0.1)
        time.sleep(0.5)  # the last answers
        process.send_signal(signal.SIGINT)  # wrk ends with its report; its script cannot end it
        printed, _ = process.communicate(timeout=60)
    return printed


def percentile(printed: str, which: str) -> str:
    """A latency percentile from wrk's report."""
    found = re.search(rf"^\s+{which}%\s+(\S+)", printed, re.MULTILINE)
    return found[1] if found else "?"


def measured(title: str, files: Files, folder: Path, check: float, rate: float | None, *options: str) -> float:
    """One run; prints its line and returns the judged submissions a second."""
    count = len(files.documents)
    database = folder / f"{uuid.uuid4().hex}.db"
    with service(f"sqlite:///{database}", *options) as (control, process):
        space = opened(control, files)
        helper = Client(space)
        bodies = folder / "bodies"
        bodies.write_text("\n".join(json.dumps(helper.envelope(one)) for one in files.documents) + "\n")
        helper.http.close()
        before = resident(process)
        start = time.perf_counter()
        printed = wrk(space, bodies, count, rate)
        acknowledged = time.perf_counter() - start
        until = time.perf_counter() + PATIENCE
        while True:
            states = [one["state"] for one in space.submissions()]
            if time.perf_counter() > until or (len(states) >= count and not {"received", "checking"} & set(states)):
                break
            time.sleep(0.2)
        judged = count / (time.perf_counter() - start)
        accepted = states.count("accepted")
        after = resident(process)
    odd = "" if "status" not in printed else " ODD ANSWERS"
    sys.stdout.write(
        f"{title:32} judged {judged:6.1f}/s ({judged / check:4.0%} of check), "
        f"acknowledged {count / acknowledged:6.1f}/s, "
        f"p50 {percentile(printed, '50')} p99 {percentile(printed, '99')}, {accepted}/{count} accepted, "
        f"memory {before:.0f} -> {after:.0f} MiB{odd}\n"
    )
    sys.stdout.flush()
    return judged


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.mock_moet.load")
    parser.add_argument("--documents", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = Files.make(options.documents)
        size = sum(map(len, files.documents)) / len(files.documents) / 1024
        sys.stdout.write(
            f"{len(files.documents)} transcripts of {size:.0f} KB, {os.cpu_count()} cores, SQLite (WAL, FULL)\n"
        )
        check = checked(files, folder)
        sys.stdout.write(f"hocba check --jobs 2: {check:.1f}/s\n")
        sys.stdout.flush()
        measured("inline, one process", files, folder, check, None, "--judging", "inline")
        measured("inline, --workers 2", files, folder, check, None, "--judging", "inline", "--workers", "2")
        full = measured("--judges 2", files, folder, check, None, "--judges", "2")
        measured("--judges 2 at half that load", files, folder, check, full / 2, "--judges", "2")


if __name__ == "__main__":
    main()
