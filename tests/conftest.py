"""For all tests: no time limits for examples, since a loaded machine says nothing about the code; a witness."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.browser", "pytester"]

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


class _Witness(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def witness() -> Iterator[HTTPServer]:
    """A server that remembers what it was asked for (``asked``): nothing may be fetched from it."""
    server = HTTPServer(("127.0.0.1", 0), _Witness)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(60)
    server.server_close()
