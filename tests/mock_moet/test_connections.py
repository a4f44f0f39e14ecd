"""The service on the wire: what clients, proxies and attackers write, byte by byte, and how long they may take."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mock_moet.deadlines import Deadlines
from mock_moet.ministry import Settings
from mock_moet.server import Running
from tests.mock_moet.helpers import CONTROL, PATIENCE, Client, Control, Space, never_mind, transcript

LONG = 600.0
"""Of deadlines that must not pass in a test."""


@dataclass
class Wire:
    """A running service, and a client's words for it."""

    running: Running
    control: Control
    space: Space
    client: Client

    @property
    def path(self) -> str:
        return urlsplit(self.space.baseUrl).path

    def route(self, operation: str) -> str:
        paths: dict[str, Any] = self.client.pack.service["paths"]
        return self.path + next(
            path for path, rows in paths.items() for row in rows.values() if row["operationId"] == operation
        )

    def connect(self) -> socket.socket:
        parts = urlsplit(self.space.baseUrl)
        made = socket.create_connection((parts.hostname, parts.port), PATIENCE)
        made.settimeout(PATIENCE)
        return made

    def head(self, line: str, *lines: str, close: bool = True) -> bytes:
        own = ["Host: 127.0.0.1", f"Authorization: Bearer {self.client.token}"]
        return "\r\n".join([line, *own, *(["Connection: close"] if close else []), *lines, "", ""]).encode("latin-1")

    def submission(self) -> bytes:
        return json.dumps(self.client.envelope(transcript(learner=f"001313{next(_learners)}"))).encode()


_learners = count(990_000)


@contextmanager
def served(deadlines: Deadlines, *, signed_in: bool = False) -> Iterator[Wire]:
    settings = Settings(control_token=CONTROL, judging="inline", judge=never_mind, deadlines=deadlines)
    with (
        Running.start(settings) as running,
        httpx.Client(base_url=running.control_url, headers={"Authorization": f"Bearer {CONTROL}"}, timeout=60) as http,
    ):
        control = Control(http)
        space = control.open()
        client = Client(space)
        assert not signed_in or client.authenticate().status_code == 200
        yield Wire(running, control, space, client)
        client.http.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with served(Deadlines(LONG, LONG, LONG), signed_in=True) as made:
        yield made


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes; it may do so while there is still something unread of ours."""
    found = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            found += piece
    return bytes(found)


def told(wire: Wire, *pieces: bytes) -> bytes:
    with wire.connect() as connection:
        with suppress(
            ConnectionError
        ):  # answered and hung up on before the last piece: the answer is there all the same
            for piece in pieces:
                connection.sendall(piece)
        return received(connection)


def parts(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON body of the one answer there is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100"):
        return parts(body)
    return int(head.split()[1]), json.loads(body) if body else {}


def is_problem(answer: bytes, *statuses: int) -> None:
    """A problem of the service in both languages, with its trace."""
    status, body = parts(answer)
    assert status in statuses, answer[:400]
    assert b"application/problem+json" in answer
    assert body["status"] == status
    assert len(body) >= 7


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\nX-Trailer: 1\r\n\r\n"


JSON = "Content-Type: application/json"


def test_lawful_ways_to_write_a_request_are_taken(wire: Wire) -> None:
    line, asks = f"POST {wire.route('submit')} HTTP/1.1", f"GET {wire.route('health')} HTTP/1.1"
    body = wire.submission()
    length = f"Content-Length: {len(body)}"
    first = parts(told(wire, wire.head(line, JSON, length), body))
    assert first[0] == 202
    for answer in (
        told(wire, wire.head(line, JSON, length, "Expect: 100-continue"), body),
        told(wire, wire.head(line, JSON, "Transfer-Encoding: chunked"), chunked(body)),
        told(wire, wire.head(line, JSON, length, length), body),
        told(wire, wire.head(line, "CONTENT-TYPE:  Application/JSON; Charset=UTF-8", length), body),
        told(wire, wire.head(line.replace(wire.path, f"http://proxy.example{wire.path}"), JSON, length), body),
        told(wire, wire.head(line.replace("1.1", "1.0"), JSON, length), body),
        told(wire, *(bytes([byte]) for byte in wire.head(line, JSON, length)), body),
    ):
        status, value = parts(answer)
        assert status == 202, answer[:400]
        # the same bytes: the same receipt
        assert next(iter(first[1].values())) in value.values()
    answers = told(wire, wire.head(asks, close=False) * 2 + wire.head(line, JSON, length, close=False) + body
                   + wire.head(asks))  # fmt: skip
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert answers.count(b"HTTP/1.1 202 Accepted") == 1


def test_broken_requests_are_answered_with_a_problem(wire: Wire) -> None:
    line, asks = f"POST {wire.route('submit')} HTTP/1.1", f"GET {wire.route('health')} HTTP/1.1"
    body = wire.submission()
    length, packed = f"Content-Length: {len(body)}", gzip.compress(body)
    before = len(wire.space.submissions())
    for answer in (
        told(wire, wire.head(line, JSON, length, "Content-Length: 5"), body),
        told(wire, wire.head(line, JSON, "Content-Length: -5"), body),
        told(wire, wire.head(line, JSON, length, "Transfer-Encoding: chunked"), chunked(body)),
        told(wire, wire.head(line, JSON, "Transfer-Encoding: chunked"), b"zz\r\nabc\r\n"),
        told(wire, wire.head(line, JSON, "Transfer-Encoding: gzip, chunked"), chunked(packed)),
        told(wire, wire.head(line, JSON, f"Content-Length: {len(body) - 5}"), body),
        told(wire, wire.head(line, JSON), body),
        told(wire, wire.head(line, JSON, "Content-Type: text/plain", length), body),
        told(wire, wire.head(asks, "X-A : b")),
        told(wire, wire.head(asks, "X-A: \x00")),
        told(wire, wire.head(asks, "Host: other")),
        told(wire, f"{asks}\r\n\r\n".encode()),
        told(wire, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ):
        is_problem(answer, 400)
    zipped = wire.head(line, JSON, "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    is_problem(told(wire, zipped, packed), 415)
    for version in ("2.0", "3.0"):
        is_problem(told(wire, wire.head(line.replace("1.1", version), JSON, length), body), 505)
    is_problem(told(wire, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400, 404, 505)
    is_problem(told(wire, wire.head(asks, *(f"X-{number}: {'y' * 90}" for number in range(500)))), 400, 413)
    is_problem(told(wire, wire.head(line, JSON, "Content-Length: 99999999999", "Expect: 100-continue")), 413)
    for path in ("suc-khoe/", "x" * 20_000, "%zz", "%2e%2e/%2e%2e", "*"):
        is_problem(told(wire, wire.head(f"GET {wire.path}/{path} HTTP/1.1")), 404)
    for method in ("OPTIONS", "TRACE", "PATCH", "get", "POST", "FOO"):
        is_problem(told(wire, wire.head(asks.replace("GET", method))), 405)
    head_only = told(wire, wire.head(asks.replace("GET", "HEAD")))
    assert head_only.startswith(b"HTTP/1.1 405")
    assert head_only.endswith(b"\r\n\r\n")
    assert len(wire.space.submissions()) == before


def test_who_stops_within_a_request_is_told(wire: Wire) -> None:
    head = wire.head(f"POST {wire.route('submit')} HTTP/1.1", JSON, "Content-Length: 50", close=False)
    chunk = wire.head(f"POST {wire.route('submit')} HTTP/1.1", JSON, "Transfer-Encoding: chunked", close=False)
    for started in (head + b"{", head, head[:40], chunk + b"5\r\n{", wire.head("GET / HTTP/1.0")[:-2]):
        with wire.connect() as connection:
            connection.sendall(started)
            connection.shutdown(socket.SHUT_WR)
            is_problem(received(connection), 400)
    with wire.connect() as silent:
        silent.shutdown(socket.SHUT_WR)
        assert received(silent) == b""


def test_a_body_too_large_is_refused_in_words_even_to_who_sends_it_all(wire: Wire) -> None:
    body = b"x" * (12 * 1024 * 1024)
    line = f"POST {wire.route('submit')} HTTP/1.1"
    is_problem(told(wire, wire.head(line, JSON, f"Content-Length: {len(body)}"), body), 413)


def test_a_token_is_good_in_its_space_only(wire: Wire) -> None:
    other = urlsplit(wire.control.open().baseUrl).path
    listing = f"GET {wire.route('list')} HTTP/1.1"
    assert parts(told(wire, wire.head(listing)))[0] == 200
    is_problem(told(wire, wire.head(listing.replace(wire.path, other))), 401)
    is_problem(told(wire, wire.head(listing, "Authorization: Bearer x")), 400)  # its own token is there too


def test_a_head_that_never_ends_is_cut_off() -> None:
    with served(Deadlines(head=0.2, body=LONG, idle=LONG)) as wire, wire.connect() as connection:
        connection.sendall(f"GET {wire.path} HTTP/1.1\r\nX-A: ".encode())
        connection.settimeout(0.02)
        found, cut = bytearray(), False
        for _ in range(3000):
            try:
                piece = connection.recv(65_536)
                found += piece
                cut = not piece
            except TimeoutError:
                if not found:  # an answer that began is waited for, not talked into
                    connection.sendall(b"x")
            except ConnectionError:  # hung up on between two bytes of ours; of the answer, some may be lost
                cut = True
            if cut:
                break
        assert cut
        assert not found or found.startswith(b"HTTP/1.1 400 ")
        with wire.connect() as silent:
            assert received(silent) == b""


def test_a_body_that_never_ends_and_a_connection_without_calls_are_cut_off() -> None:
    with served(Deadlines(head=LONG, body=0.2, idle=0.2)) as wire:
        head = wire.head(f"POST {wire.route('submit')} HTTP/1.1", JSON, "Content-Length: 50")
        is_problem(told(wire, head, b"{"), 400)
        kept = told(wire, wire.head(f"GET {wire.route('health')} HTTP/1.1", close=False))
        assert parts(kept)[0] == 200


def test_the_control_interface_answers_nonsense_in_words(wire: Wire) -> None:
    where = urlsplit(wire.running.control_url)
    with socket.create_connection((where.hostname, where.port), PATIENCE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
        answer = received(connection).decode()
    assert answer.startswith("HTTP/1.1 400 Bad Request")
    assert " / " in answer
