"""A vendor that means harm: a raw server for what no HTTP library sends, and answers that poison whoever reads them."""

from __future__ import annotations

import gzip
import json
import socket
import socketserver
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx

Behaviour = Callable[[socket.socket, threading.Event], None]
OK = b"HTTP/1.1 200 OK\r\n"
MEBI = 1024 * 1024


def _drip(prefix: bytes, drop: bytes) -> Behaviour:
    """``prefix`` at once, then ``drop`` again and again."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(prefix)
        while not stop.wait(0.02):
            connection.sendall(drop)

    return behave


def _once(part: bytes | Callable[[], bytes]) -> Behaviour:
    """These bytes, and the end."""

    def behave(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(part() if callable(part) else part)

    return behave


def _flood(prefix: bytes, piece: bytes, times: int = 10_000) -> Behaviour:
    """As much as the other side takes."""

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(prefix)
        for _ in range(times):
            if stop.is_set():
                return
            connection.sendall(piece)

    return behave


def _silent(_: socket.socket, stop: threading.Event) -> None:
    stop.wait(60)


def _body(data: bytes, *headers: bytes) -> bytes:
    return OK + b"".join(one + b"\r\n" for one in headers) + b"Content-Length: %d\r\n\r\n" % len(data) + data


@cache
def _bomb() -> bytes:
    """256 MiB of nothing, in a quarter of a mebibyte."""
    packed = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packed.compress(bytes(MEBI)) for _ in range(256)) + packed.flush()


UNENDING: dict[str, Behaviour] = {
    "headers that drip": _drip(OK, b"X-A: b\r\n"),
    "a status line that drips": _drip(b"HTTP/1.1 200 ", b"O"),
    "interim answers": _drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a body that drips": _drip(OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks that drip": _drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk size that drips": _drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "silence": _silent,
}
"""What never comes to an end by itself."""

FLOODS: dict[str, Behaviour] = {
    "a body": _flood(OK + b"\r\n", b" " * MEBI),
    "chunks": _flood(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n" % MEBI + b" " * MEBI + b"\r\n"),
    "a zipped bomb": _once(lambda: _body(_bomb(), b"Content-Encoding: gzip")),
    "a bomb in a bomb": _once(lambda: _body(gzip.compress(_bomb()), b"Content-Encoding: gzip, gzip")),
}
"""What is too much."""

BROKEN: dict[str, Behaviour] = {
    "headers without an end": _flood(OK, b"X-Long: " + b"y" * 60_000 + b"\r\n", 100),
    "one outsized header": _flood(OK + b"X-Long: ", b"y" * MEBI, 8),
    "no HTTP": _once(b"\x00\xff\x16\x03\x01" * 100),
    "two lengths": _once(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    "a negative length": _once(OK + b"Content-Length: -1\r\n\r\n"),
    "a huge length": _once(OK + b"Content-Length: 99999999999999999999999\r\n\r\nx"),
    "less than promised": _once(OK + b"Content-Length: 100\r\n\r\nx"),
    "a broken chunk": _once(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n"),
    "a coding that is none": _once(_body(b"no zip", b"Content-Encoding: gzip")),
    "a coding nobody asked for": _once(_body(b"x", b"Content-Encoding: br")),
    "a header split in two": _once(OK + b"X-A: b\r\n\x00X: \x01\r\n\r\n"),
    "nothing": _once(b""),
}
"""What is no answer."""


@contextmanager
def raw_server(behaviour: Behaviour) -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback that answers every request so; its address, and the requests that it saw."""
    stop = threading.Event()
    seen: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connection: socket.socket = self.request
            connection.settimeout(60)
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    head += piece
                seen.append(head)
                behaviour(connection, stop)
            except OSError:
                return  # the other side has had enough

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", seen
        finally:
            stop.set()
            server.shutdown()
            thread.join(60)


MARKUP = '</script><script>alert("học bạ")</script><img src=x onerror=alert(1)>&lt;"\''
SHELL = "$(touch /tmp/owned); `id` | %COMSPEC% && rm -rf ~ ; '\n--target=x"
CONTROL = "a\x00b\x1b[2J\x1b]0;owned\x07\x08\x7f\x85c"
BIDI = "\u202egnp.exe\u202c\u2066x\u2069\u200f\u061c"
BREAKING = "]]>--><!--<![CDATA[\ufffe\uffff"
POISON = MARKUP + SHELL + CONTROL + BIDI + BREAKING
"""Text that no reader may obey."""


def deep(levels: int) -> str:
    """JSON that nests."""
    return "[" * levels + "]" * levels


class Hostile(httpx.BaseTransport):
    """A vendor's answers on their way to the suite, changed by ``change`` (call's path, answer → answer)."""

    def __init__(
        self, inner: httpx.BaseTransport, change: Callable[[httpx.Request, httpx.Response], httpx.Response]
    ) -> None:
        self._inner = inner
        self._change = change
        self.hosts: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The inner answer, changed."""
        self.hosts.add(request.url.netloc.decode())
        response = self._inner.handle_request(request)
        response.read()
        return self._change(request, response)

    def close(self) -> None:
        """The inner transport is somebody else's."""


def with_json(response: httpx.Response, value: Any) -> httpx.Response:
    """The same answer with another JSON body."""
    text = value if isinstance(value, str) else json.dumps(value)
    return httpx.Response(response.status_code, content=text.encode("utf-8", "surrogatepass"), request=response.request)
