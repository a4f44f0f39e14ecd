"""The service in processes of its own, what it takes, and the yardstick beside it."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx

from conformance.document import read
from conformance.pack import default_pack
from tests.builders import LEADER, NOW
from tests.mock_moet.helpers import Client, Control
from tests.mock_moet.load.documents import Files
from tests.mock_moet.load.sender import Request

TOKEN = "load-" + "x" * 32
PATIENCE = 300.0


@dataclass(frozen=True)
class Check:
    """What ``hocba check --jobs 2`` does, without its start."""

    rate: float
    """Documents a second."""
    processor: float
    """Milliseconds of processor time a document."""


def checked(files: Files, folder: Path) -> Check:
    """Measure ``hocba check --jobs 2``."""
    names = []
    for at, one in enumerate(files.documents * 3):
        (folder / f"{at:05}.xml").write_bytes(one)
        names.append(str(folder / f"{at:05}.xml"))
    (folder / "ca.pem").write_bytes(files.anchors)
    crls = []
    for at, crl in enumerate(files.crls):
        (folder / f"{at}.crl").write_bytes(crl)
        crls += ["--crl", str(folder / f"{at}.crl")]
    took, used = [], []
    few = len(names) // 10
    for some in (names[:few], names):
        (folder / "list").write_text("\n".join(some))
        command = [
            str(Path(sys.executable).with_name("hocba")), "check", "--jobs", "2", "--format", "ndjson", "--trust",
            str(folder / "ca.pem"), *crls, "--at", NOW.isoformat(), "--files-from", str(folder / "list"),
        ]  # fmt: skip
        start, before = time.perf_counter(), _children()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        took.append(time.perf_counter() - start)
        used.append(_children() - before)
        assert done.stdout.count("\n") > len(some), done.stderr[-400:]
    more = len(names) - few
    return Check(more / (took[1] - took[0]), (used[1] - used[0]) / more * 1000)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def service(database: str, *options: str) -> Iterator[tuple[Control, int]]:
    """The service in a process of its own; its control interface and process number."""
    command = [
        sys.executable, "-m", "mock_moet", "--port", "0", "--control-port", "0", "--database", database, *options,
    ]  # fmt: skip
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


@dataclass(frozen=True)
class Target:
    """A space that judges in full; its clock stands at the documents' time."""

    address: tuple[str, int]
    client: Client

    def close(self) -> None:
        """Drop the space."""
        answer = self.client.space.control.http.delete(f"/spaces/{self.client.space.space}")
        assert answer.status_code == 204, answer.text

    @classmethod
    def open(cls, control: Control, files: Files, judging: str = "full") -> Target:
        """A new space and a token for it."""
        space = control.open(
            schools=[_school(files)], trustPem=files.anchors.decode(), crlsPem="".join(map(_pem, files.crls)),
            leaders=[LEADER[1]], clockOffset=NOW.timestamp() - time.time() + 120, acceptUnreserved=True,
            judging=judging, tokenLifetime=86_400,
        )  # fmt: skip
        client = Client(space)
        assert client.authenticate().status_code == 200
        client.http.close()
        parts = urlsplit(space.baseUrl)
        assert parts.hostname is not None
        assert parts.port is not None
        return cls((parts.hostname, parts.port), client)

    def requests(self, bodies: Sequence[bytes], *, batch: bool) -> Iterator[Request]:
        """The bodies (:func:`bodies_of`) as whole HTTP requests."""
        operation = "submit-batch" if batch else "submit"
        path = next(
            path
            for path, rows in default_pack().service["paths"].items()
            for row in rows.values()
            if row["operationId"] == operation
        )
        where = urlsplit(self.client.space.baseUrl)
        for body in bodies:
            head = (
                f"POST {where.path}{path} HTTP/1.1\r\nHost: {where.netloc}\r\n"
                f"Authorization: Bearer {self.client.token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            yield head.encode(), body

    def bodies_of(self, documents: Sequence[bytes], batch: int) -> list[bytes]:
        """What the requests carry, ``batch`` documents in each; every space takes the same, so they are made once."""
        made = []
        for at in range(0, len(documents), batch):
            items = [self.client.envelope(one) for one in documents[at : at + batch]]
            made.append(json.dumps(items[0] if batch == 1 else self.client.body("batch", items=items)).encode())
        return made


def _school(files: Files) -> str:
    document = read(files.documents[0], default_pack()).document
    assert document is not None
    assert document.transcript.record.school_code is not None
    return document.transcript.record.school_code.raw


def _pem(crl: bytes) -> str:
    text = base64.encodebytes(crl).decode()
    return f"-----BEGIN X509 CRL-----\n{text}-----END X509 CRL-----\n"


@dataclass
class Watch:
    """Memory (looked at every second, in MiB) and processor time (seconds) of a process and all that it started."""

    process: int
    samples: list[float] = field(default_factory=list)
    processor: float = 0.0
    own: float = 0.0
    """Of the processor time, that of the process itself: with ``--judges`` everything but judging."""
    _over: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def __enter__(self) -> Watch:
        _, everything, own = self._look()
        self.processor, self.own = -everything, -own
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        _, everything, own = self._look()
        self.processor += everything
        self.own += own
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while True:
            self.samples.append(self._look()[0])
            if self._over.wait(1.0):
                return

    def _look(self) -> tuple[float, float, float]:
        parents: dict[int, int] = {}
        sizes: dict[int, int] = {}
        used: dict[int, float] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(") ")[2].split()
            except OSError:  # gone meanwhile
                continue
            number = int(folder.name)
            parents[number] = int(fields[1])
            sizes[number] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            used[number] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        own = used.get(self.process, 0.0)
        family = {self.process}
        for _ in range(4):
            family |= {one for one, parent in parents.items() if parent in family}
        return sum(sizes.get(one, 0) for one in family) / 2**20, sum(used.get(one, 0.0) for one in family), own

    def shown(self) -> str:
        """Memory at the beginning, at most, and at the end."""
        return f"{self.samples[0]:.0f} → {self.samples[-1]:.0f} MiB (most {max(self.samples):.0f})"

    def course(self) -> str:
        """Ten looks at the memory, evenly over the time."""
        step = max(1, len(self.samples) // 10)
        return " ".join(f"{one:.0f}" for one in self.samples[::step])
