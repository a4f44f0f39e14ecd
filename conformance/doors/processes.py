"""Starts the mock Ministry and the reference vendor as processes of their own, on loopback, for one run."""

from __future__ import annotations

import os
import queue
import secrets
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from conformance.doors.http import Unreachable

START_LIMIT = 90.0
"""Seconds a process has to say that it is ready: it takes two, and far longer on a machine that is busy elsewhere."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Service:
    """A running process of ours."""

    name: str
    process: subprocess.Popen[str]
    urls: dict[str, str]
    token: str
    tail: list[str] = field(default_factory=list)

    def stop(self) -> None:
        """Ask it to stop; kill it if it does not within five seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        if self.process.stdout:
            self.process.stdout.close()


def _start(name: str, arguments: list[str], urls: dict[str, str], token: str, secret: dict[str, str]) -> Service:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **secret}
    environment.pop("PYTEST_ADDOPTS", None)
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    )
    service = Service(name, process, urls, token)
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        stream = process.stdout
        if stream is None:
            return
        try:
            for line in stream:
                service.tail.append(line.rstrip())
                del service.tail[:-50]
                lines.put(line)
        except ValueError:
            pass
        lines.put(None)

    threading.Thread(target=read, name=f"{name}-output", daemon=True).start()
    try:
        line = lines.get(timeout=START_LIMIT)
        while line is not None and "ready" not in line:
            line = lines.get(timeout=START_LIMIT)
    except queue.Empty:
        line = None
    if line is None:
        service.stop()
        shown = " | ".join(service.tail[-5:])
        raise Unreachable(f"{name}: không khởi động được / did not start: {shown}")
    return service


def start_ministry(folder: Path, pack: Path, *, host: str = "127.0.0.1", public_url: str = "") -> Service:
    """Start a mock Ministry that speaks the pack in the folder ``pack``, with a fresh database in ``folder``.

    Raises:
        Unreachable: it did not get ready in time.
    """
    port, control = free_port(host), free_port()
    token = secrets.token_urlsafe(24)
    database = (folder / "ministry.sqlite").resolve()
    urls = {"base": public_url or f"http://{host}:{port}", "control": f"http://127.0.0.1:{control}"}
    arguments = ["mock_moet", "--listen", host, "--port", str(port), "--control-port", str(control)]
    arguments += ["--database", f"sqlite:///{database.as_posix()}", "--pack", str(pack)]
    if public_url:
        arguments += ["--public-url", public_url]
    return _start("mock_moet", arguments, urls, token, {"HOCBA_CONTROL_TOKEN": token})


def start_vendor(pack: Path, defects: tuple[str, ...] = ()) -> Service:
    """Start the reference vendor that speaks the pack in the folder ``pack``, with the named defects.

    Raises:
        Unreachable: it did not get ready in time.
    """
    port = free_port()
    token = secrets.token_urlsafe(24)
    arguments = ["mock_vendor", "--port", str(port), "--pack", str(pack)]
    for name in defects:
        arguments += ["--defect", name]
    return _start("mock_vendor", arguments, {"base": f"http://127.0.0.1:{port}"}, token, {"HOCBA_VENDOR_TOKEN": token})
