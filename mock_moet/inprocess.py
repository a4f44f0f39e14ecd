"""Calls an ASGI application from synchronous code without a socket: the transport for tests that run in process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import anyio
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from mock_moet.breaks import DEADLINE, VERIFIES, AnswerCut, ClientGone, ConnectionReset, Refused, Untrusted
from mock_moet.clock import Clock, SystemClock

WALL_LIMIT = 60.0
"""Real seconds after which any call ends, whatever the clock says."""

ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class InProcessTransport(httpx.BaseTransport):
    """Runs an ASGI application in a thread of its own; for any number of calling threads.

    A connection that the application resets is :class:`httpx.ReadError`; a delay longer than the request's read
    timeout, both in ``clock``'s seconds, is :class:`httpx.ReadTimeout`; an answer that breaks off is
    :class:`httpx.RemoteProtocolError`. Close it, or use it as a context manager: it holds a thread.

    ``verify``: whether the client checks certificates. TLS is only played here: under an ``https`` address, each call
    is a connection of its own, and a bad certificate is :class:`httpx.ConnectError` to a client that checks.
    """

    def __init__(self, app: ASGIApp, clock: Clock | None = None, *, verify: bool = True) -> None:
        self._app = app
        self._verify = verify
        self._clock = clock or SystemClock()
        self._stack = ExitStack()
        self._portal: BlockingPortal = self._stack.enter_context(start_blocking_portal())
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its whole answer."""
        if self._closed:
            raise httpx.ConnectError("closed", request=request)
        timeout = request.extensions.get("timeout", {}).get("read")
        body = request.read()
        # the calling thread blocks here: what the application raises comes out as it is
        status, headers, data = self._portal.call(self._ask, request, body, timeout)
        return httpx.Response(status, headers=headers, content=data, request=request)

    async def _ask(
        self, request: httpx.Request, body: bytes, timeout: float | None
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        status: int | None = None
        headers: list[tuple[bytes, bytes]] = []
        data = bytearray()
        finished = anyio.Event()
        given = False
        deadline = None if timeout is None else self._clock.monotonic() + timeout

        async def receive() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                await finished.wait()
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.extend((bytes(name), bytes(value)) for name, value in message.get("headers", []))
            elif message["type"] == "http.response.body":
                data.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    finished.set()

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port or 80),
            "client": ("127.0.0.1", 0),
            "extensions": {VERIFIES: self._verify} | ({} if deadline is None else {DEADLINE: deadline}),
        }
        try:
            with anyio.fail_after(WALL_LIMIT):
                await self._app(scope, receive, send)
        except Untrusted as error:
            raise httpx.ConnectError(f"certificate verify failed: {error}", request=request) from None
        except Refused:
            raise httpx.ConnectError("connection refused", request=request) from None
        except ConnectionReset:
            raise httpx.ReadError("connection reset", request=request) from None
        except AnswerCut:
            raise httpx.RemoteProtocolError("the answer broke off", request=request) from None
        except (ClientGone, TimeoutError):
            raise httpx.ReadTimeout("timed out", request=request) from None
        if not finished.is_set() or status is None:
            raise httpx.RemoteProtocolError("no complete answer", request=request)
        if request.method == "HEAD":
            data.clear()
        return status, headers, bytes(data)

    def close(self) -> None:
        """Stop the application's thread."""
        if not self._closed:
            self._closed = True
            self._stack.close()

    def __enter__(self) -> InProcessTransport:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
