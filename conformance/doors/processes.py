"""Starts the mock Ministry and the reference vendor as processes of their own, on loopback, for one run."""

from __future__ import annotations

import os
import queue
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from conformance.doors.http import DoorError, Unreachable

DATABASE = "ministry.sqlite"
"""The mock Ministry's database, beside the evidence while a run lasts."""
START_LIMIT = 90.0
"""Seconds a process has to say that it is ready: it takes two, and far longer on a machine that is busy elsewhere."""

WRONG_USE = 2
"""Exit code by which our services say that they were started wrongly."""


class Refused(DoorError):
    """The service does not take what it was started with; bilingual, in its own words."""


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """A port that is free now; ``wanted`` if it is.

    Raises:
        OSError: it is not, or ``host`` is none of this machine's addresses.
    """
    with socket.socket() as probe:
        if os.name != "nt":  # as the service itself binds: a port that only just fell free is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, wanted))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Service:
    """A running process of ours."""

    name: str
    process: subprocess.Popen[str]
    urls: dict[str, str]
    token: str
    tail: list[str] = field(default_factory=list)
    lines: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def ready(self) -> Service:
        """Wait until it says that it is ready.

        Raises:
            Refused: it does not take what it was started with.
            Unreachable: it did not get ready in time.
        """
        try:
            line = self.lines.get(timeout=START_LIMIT)
            while line is not None and "ready" not in line:
                line = self.lines.get(timeout=START_LIMIT)
        except queue.Empty:
            line = None
        if line is None:
            self.stop()
            shown = " | ".join(self.tail[-5:])
            if self.process.returncode == WRONG_USE:
                raise Refused(shown)
            raise Unreachable(f"{self.name}: không khởi động được / did not start: {shown}")
        return self

    def end(self) -> None:
        """Ask it to stop, without waiting."""
        if self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        """Ask it to stop; kill it if it does not within five seconds."""
        if self.process.poll() is None:
            self.end()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


def _start(name: str, arguments: list[str], urls: dict[str, str], token: str, secret: dict[str, str]) -> Service:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "HOCBA_STOP_AT_EOF": "1", **secret}
    environment.pop("PYTEST_ADDOPTS", None)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", *arguments],  # -P: no module of the folder we are in
        stdin=subprocess.PIPE,  # never written to: its end is the end of the run, however that comes about
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    )
    service = Service(name, process, urls, token)

    def read() -> None:
        stream = process.stdout
        if stream is None:
            return
        try:
            for line in stream:
                service.tail.append(line.rstrip())
                del service.tail[:-50]
                service.lines.put(line)
        except ValueError:
            pass
        service.lines.put(None)

    threading.Thread(target=read, name=f"{name}-output", daemon=True).start()
    return service


def stop_all(services: Iterable[Service]) -> None:
    """Stop services, all at once."""
    listed = list(services)
    for one in listed:
        one.end()
    for one in listed:
        one.stop()


def start_ministry(
    folder: Path,
    pack: Path,
    *,
    host: str = "127.0.0.1",
    public_url: str = "",
    wanted_port: int = 0,
    tls: bool = False,
) -> Service:
    """Start a mock Ministry that speaks the pack in the folder ``pack``, with a fresh database in ``folder``.

    It is not ``ready()`` yet: whoever starts it has something else to do meanwhile.

    ``tls``: with certificates made for the run (docs/control-api.md).

    Raises:
        Refused: it cannot listen at ``host``, or ``wanted_port`` (0: any) is taken.
    """
    try:
        port, control = free_port(host, wanted_port), free_port()
    except OSError as error:
        option = "--ministry-port" if wanted_port else "--ministry-host"
        at = f"{host}:{wanted_port}" if wanted_port else host
        raise Refused(f"{option}: không lắng nghe được / cannot listen: {at}: {error.strerror}") from error
    token = secrets.token_urlsafe(24)
    database = (folder / DATABASE).resolve()
    urls = {"base": public_url or f"http{'s' if tls else ''}://{host}:{port}", "control": f"http://127.0.0.1:{control}"}
    arguments = ["mock_moet", "--listen", host, "--port", str(port), "--control-port", str(control)]
    arguments += ["--database", f"sqlite:///{database.as_posix()}", "--pack", str(pack)]
    if public_url:
        arguments += ["--public-url", public_url]
    if tls:
        arguments.append("--tls")
    return _start("mock_moet", arguments, urls, token, {"HOCBA_CONTROL_TOKEN": token})


def start_vendor(pack: Path, defects: tuple[str, ...] = ()) -> Service:
    """Start the reference vendor that speaks the pack in the folder ``pack``, with defects; not ``ready()`` yet."""
    port = free_port()
    token = secrets.token_urlsafe(24)
    arguments = ["mock_vendor", "--port", str(port), "--pack", str(pack)]
    for name in defects:
        arguments += ["--defect", name]
    return _start("mock_vendor", arguments, {"base": f"http://127.0.0.1:{port}"}, token, {"HOCBA_VENDOR_TOKEN": token})
