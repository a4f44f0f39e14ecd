"""Takes text out of printed renditions by way of a limited process (:mod:`conformance.doors.rendition_reader`)."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from dataclasses import dataclass

LIMIT = 30.0
"""Seconds for one rendition; then the process is ended."""
MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Printed:
    """What a rendition says: its kind, its text in reading order, and why there is none (``no-text``, …)."""

    kind: str
    text: str
    problem: str = ""
    detail: str = ""
    drawn: str = ""
    """What stands for everything drawn beside the text; empty: nothing is."""


class RenditionReader:
    """One limited process, started when it is first needed and anew when it died. Not for several threads at once."""

    def __init__(self, *, limit: float = LIMIT) -> None:
        self.limit = limit
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes) -> Printed:
        """The text of a rendition; never raises on what a vendor sent."""
        if len(data) > MOST_BYTES:
            return Printed("unknown", "", "unreadable", f"> {MOST_BYTES} bytes")
        process = self._running()
        timer = threading.Timer(self.limit, process.kill)
        timer.start()
        try:
            if process.stdin is None or process.stdout is None:
                raise BrokenPipeError
            process.stdin.write(json.dumps({"data": base64.b64encode(data).decode()}).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            more = (answer.get(name, "") for name in ("detail", "drawn"))
            return Printed(answer["kind"], answer["text"], answer["problem"], *more)
        except (OSError, ValueError, KeyError):
            self.close()
            return Printed("unknown", "", "unreadable", "process ended")
        finally:
            timer.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "conformance.doors.rendition_reader"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue
        process.wait(timeout=10)
