"""How uvicorn is used: for the service, its control interface, and each worker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mock_moet.deadlines import HEAD_LIMIT, Deadlines
from mock_moet.wire import Refusal, Reply

if TYPE_CHECKING:
    from mock_moet.api import Gate
    from mock_moet.ministry import Ministry

_LINGER = 5.0
"""Seconds a body that nobody wants any more may go on after its answer, beyond the bound of bodies."""


def _plain(refusal: Refusal) -> Reply:
    return Reply(400, f"{refusal.vi} / {refusal.en}".encode(), (("content-type", "text/plain; charset=utf-8"),))


class Bounded(H11Protocol):
    """One connection that cannot be held open for nothing, and whose broken requests are answered in words.

    ``refused``: the answer to a request that the application never sees.
    """

    def __init__(
        self, *arguments: Any, deadlines: Deadlines, refused: Callable[[Refusal], Reply] = _plain, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        # declared as an int, given to the loop, which takes fractions of a second
        self.timeout_keep_alive = deadlines.idle  # type: ignore[assignment]
        self._deadlines = deadlines
        self._refused = refused
        self._awaited = ""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there: the first request has to come."""
        super().connection_made(transport)
        self._await("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there."""
        self._await("")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        super().data_received(data)
        self._look()

    def eof_received(self) -> None:
        """No more will come: who stopped within a request is told so, and may still be reading."""
        if self.conn.their_state is h11.SEND_BODY or (
            self.conn.their_state is h11.IDLE and self.conn.trailing_data[0].strip(b"\r\n")
        ):
            self.refuse(Refusal("bad-request", vi="yêu cầu bị cắt giữa chừng", en="the request ends before its end"))

    def on_response_complete(self) -> None:
        """An answer is out: the next request may come, or have come."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        state = self.conn.their_state
        if self.transport.is_closing():
            self._await("")
        elif state is h11.IDLE:
            # uvicorn bounds the time without a byte; then it is a head that must be finished
            self._await("head" if self.timeout_keep_alive_task is None else "")
        else:
            self._await("body" if state is h11.SEND_BODY else "")

    def _await(self, what: str) -> None:
        if what == self._awaited:
            return
        self._awaited = what
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if what == "head":
            self._timer = self.loop.call_later(self._deadlines.head, self._too_late)
        elif what == "body":
            # the application answers at the deadline; this is for what it never reads
            self._timer = self.loop.call_later(self._deadlines.body + _LINGER, self._too_late)

    def _too_late(self) -> None:
        if self.transport.is_closing():
            return
        if self._awaited == "head" and self.conn.trailing_data[0]:
            self.refuse(Refusal("bad-request", vi="phần đầu gửi quá chậm", en="the head came too slowly"))
        else:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # said in words of ours
        """What came is no HTTP/1.1 that can be read; ``msg`` says less than we do."""
        vi, en = "không phải HTTP/1.1 hợp lệ, hoặc phần đầu quá dài", "no valid HTTP/1.1, or the head is too long"
        self.refuse(Refusal("bad-request", vi=vi, en=en))

    def refuse(self, refusal: Refusal) -> None:
        """Answer instead of the application, and hang up."""
        reply = self._refused(refusal)
        more = (("content-length", str(len(reply.body))), ("connection", "close"))
        headers = [(key.encode(), text.encode()) for key, text in (*reply.headers, *more)]
        try:
            for event in (
                h11.Response(
                    status_code=reply.status, headers=headers, reason=HTTPStatus(reply.status).phrase.encode()
                ),
                h11.Data(data=reply.body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass  # an answer is on its way already
        self.transport.close()


class Server(uvicorn.Server):
    """Leaves signals to whoever runs it: there are two of it in one process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def configured(
    app: Any, deadlines: Deadlines | None = None, refused: Callable[[Refusal], Reply] = _plain
) -> uvicorn.Config:
    """Settings of a server for ``app``; ``refused`` answers what ``app`` never sees."""
    protocol: Any = partial(Bounded, deadlines=deadlines or Deadlines(), refused=refused)
    config = uvicorn.Config(
        app,
        http=protocol,  # h11: faults reach through it to the connection
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        h11_max_incomplete_event_size=HEAD_LIMIT,
        timeout_graceful_shutdown=2,
    )
    config.load()
    return config


def configured_service(ministry: Ministry, gate: Gate) -> uvicorn.Config:
    """Settings of a server for the service: its own deadlines, and problem details for what it never sees."""
    return configured(gate, ministry.deadlines, lambda refusal: ministry.wire.problem(refusal, secrets.token_hex(8)))
