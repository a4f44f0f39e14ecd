"""Software under test on a real loopback port that is wrong in the way a test asks for; sound where nothing is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

TOKEN = "hocba-test"
DESCRIPTION: dict[str, Any] = {
    "vendor": "Công ty Thử",
    "product": "Học bạ Thử",
    "version": "1.0",
    "buildHash": "0" * 64,
    "programmes": ["THCS"],
    "capabilities": ["create", "sign", "refuse-to-issue", "issue", "store", "submit", "follow-up", "amend", "tick"],
    "intervals": {"outboxInterval": 0.1, "pollInterval": 0.1, "firstRetry": 0.1, "longestRetry": 0.1, "attempts": 1},
    "takes": "components",
    "signingPath": "file",
}


@dataclass
class Faulty:
    """How the software behaves."""

    description: Mapping[str, Any] = field(default_factory=lambda: dict(DESCRIPTION))
    status: int = 200
    """Of the description."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of every answer; ``Date`` too."""
    body: bytes | None = None
    """Of the description, instead of it."""
    token: str = TOKEN
    answers: Mapping[str, int] = field(default_factory=dict)
    """Last part of a path → status instead of the usual one."""
    document: bytes = b"<Other/>"
    ministry: str = "never"
    """What it calls when it is to submit: ``never`` anything, ``token`` only, or ``wrong-secret``."""
    session: dict[str, Any] = field(default_factory=dict)

    def call_ministry(self) -> None:
        """Submit, as far as it does."""
        told = self.session["ministry"]
        if self.ministry == "never":
            return
        secret = "wrong" if self.ministry == "wrong-secret" else told["clientSecret"]
        form = {"grant_type": "client_credentials"}
        httpx.post(told["tokenUrl"], data=form, auth=(told["clientId"], secret), timeout=60, trust_env=False)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    usual: Mapping[str, tuple[int, Any]] = {
        "session": (200, {}),
        "roster": (200, {}),
        "transcripts": (201, {"id": "1"}),
        "signatures": (200, {}),
        "issue": (200, {}),
        "submission": (202, {}),
        "tick": (200, {}),
    }

    def _answer(self) -> None:
        faulty: Faulty = self.server.faulty  # type: ignore[attr-defined]
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = self.path.rstrip("/").rpartition("/")[2]
        if self.headers.get("Authorization") != f"Bearer {faulty.token}":
            self._send(401, b"{}")
        elif name == "v1":
            body = faulty.body if faulty.body is not None else json.dumps(faulty.description).encode()
            self._send(faulty.status, body)
        elif name in faulty.answers:
            reasons = {"reasons": [{"code": "OTHER", "message": "chưa làm"}]}
            self._send(faulty.answers[name], json.dumps(reasons).encode())
        elif name == "document":
            self._send(200, faulty.document)
        elif name in self.usual:
            if name == "session":
                faulty.session.update(json.loads(data))
            if name == "submission":
                faulty.call_ministry()
            status, value = self.usual[name]
            self._send(status, json.dumps(value).encode())
        else:
            state = {"id": "1", "state": "gave-up", "version": 1, "operatorMessages": ["Không gửi được"]}
            self._send(200, json.dumps(state).encode())

    do_GET = do_PUT = do_POST = _answer  # noqa: N815  # as http.server names them

    def _send(self, status: int, body: bytes) -> None:
        faulty: Faulty = self.server.faulty  # type: ignore[attr-defined]
        self.send_response_only(status)
        for key, value in ({"Date": self.date_time_string()} | dict(faulty.headers)).items():
            if value:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def served(faulty: Faulty) -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.faulty = faulty  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()
