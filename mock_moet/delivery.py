"""How an answer leaves: whole, or broken as a fault wants it. Under uvicorn really, in process by exceptions."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mock_moet.breaks import AnswerCut, ConnectionReset
from mock_moet.faults import Fault
from mock_moet.wire import Reply

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PIECE = 16
"""Bytes of a dripping answer that are sent together."""
ENDLESS_PIECE = 64 * 1024
ENDLESS_SIZE = 32 * 1024 * 1024
"""Bytes after which an endless body is broken off, unless the fault says otherwise."""
HEADER_SIZE = 128 * 1024
"""Bytes of an oversized header: more than common clients and proxies take (8 to 100 KiB)."""
LONGEST = 300.0
"""Seconds after which any delivery is broken off, whatever the client does."""

NOISE = bytes(range(128, 256)) * 4
"""What no client can take for HTTP."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """The way back to the client. ``wait``: waits so many seconds of the service's clock, unless the client goes."""

    send: Send
    receive: Receive
    wait: Callable[[float], Awaitable[None]]

    @property
    def transport(self) -> Any:
        """The connection; ``None`` where there is none to break."""
        return getattr(getattr(self.send, "__self__", None), "transport", None)


async def deliver(out: Outlet, reply: Reply, fault: Fault | None) -> None:
    """Send an answer as the fault wants it."""
    broken = None if fault is None else _BROKEN.get(fault.kind)
    if fault is None or broken is None:
        await send_whole(out.send, reply)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST + fault.seconds):
            await broken(out, reply, fault)
            return
    await cut(out)


async def send_whole(send: Send, reply: Reply) -> None:
    """An answer as it should be."""
    await _start(send, reply, len(reply.body))
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


async def reset(out: Outlet) -> None:
    """Break the connection with a TCP RST.

    Raises:
        ConnectionReset: in process.
    """
    transport = out.transport
    if transport is None:
        raise ConnectionReset
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None:
        # linger 0: the kernel sends RST instead of FIN
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _gone(out)


async def cut(out: Outlet) -> None:
    """End the connection where the answer stands; what was written still arrives.

    Raises:
        AnswerCut: in process.
    """
    transport = out.transport
    if transport is None:
        raise AnswerCut
    transport.close()
    await _gone(out)


async def _gone(out: Outlet) -> None:
    """Wait until the server knows that the connection is gone: it would answer 500 otherwise."""
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while (await out.receive())["type"] != "http.disconnect":
                pass
            return
    out.transport.abort()


async def _start(send: Send, reply: Reply, length: int | None, *more: tuple[str, str]) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*reply.headers, *more)]
    if length is not None and reply.status != 304:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})


async def _part(out: Outlet, reply: Reply) -> None:
    """The headers, and half of the body that they promise."""
    await _start(out.send, reply, len(reply.body))
    half = reply.body[: len(reply.body) // 2]
    await out.send({"type": "http.response.body", "body": half, "more_body": True})


def _head(reply: Reply, *more: tuple[str, str]) -> bytes:
    """Status line and headers as bytes, for what no server would send."""
    lines = [f"HTTP/1.1 {reply.status} -"]
    lines += [f"{name}: {value}" for name, value in (*reply.headers, *more, ("connection", "close"))]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _write(out: Outlet, data: bytes) -> None:
    """Past the server, straight to the connection.

    Raises:
        AnswerCut: in process, where the client would see nonsense.
    """
    if out.transport is None:
        raise AnswerCut
    out.transport.write(data)


async def _truncate(out: Outlet, reply: Reply, _: Fault) -> None:
    await _part(out, reply)
    await cut(out)


async def _reset_in_body(out: Outlet, reply: Reply, _: Fault) -> None:
    await _part(out, reply)
    if out.transport is not None:
        await asyncio.sleep(0.05)  # a RST may overtake what was sent before it
    await reset(out)


async def _cut_headers(out: Outlet, reply: Reply, _: Fault) -> None:
    head = _head(reply, ("content-length", str(len(reply.body))))
    _write(out, head[: len(head) * 2 // 3])
    await cut(out)


async def _empty(out: Outlet, _reply: Reply, _fault: Fault) -> None:
    await cut(out)


async def _noise(out: Outlet, _reply: Reply, _fault: Fault) -> None:
    _write(out, NOISE)
    await cut(out)


async def _bad_chunk(out: Outlet, reply: Reply, _: Fault) -> None:
    half = reply.body[: len(reply.body) // 2]
    _write(out, _head(reply, ("transfer-encoding", "chunked")) + b"%x\r\n%s\r\n" % (len(half), half) + b"xyz\r\n")
    await cut(out)


async def _drip(out: Outlet, reply: Reply, fault: Fault) -> None:
    # no length: under HTTP/1.1 the server sends it chunked
    await _start(out.send, reply, None)
    pieces = [reply.body[at : at + PIECE] for at in range(0, len(reply.body), PIECE)] or [b""]
    for piece in pieces:
        if fault.seconds:
            await out.wait(fault.seconds / len(pieces))
        await out.send({"type": "http.response.body", "body": piece, "more_body": True})
    await out.send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drip_headers(out: Outlet, reply: Reply, fault: Fault) -> None:
    if out.transport is None:
        await out.wait(fault.seconds)
        await send_whole(out.send, reply)
        return
    head = _head(reply, ("content-length", str(len(reply.body))))
    pieces = [head[at : at + PIECE] for at in range(0, len(head), PIECE)]
    for piece in pieces:
        await out.wait(fault.seconds / len(pieces))
        _write(out, piece)
    _write(out, reply.body)
    await cut(out)


async def _endless(out: Outlet, reply: Reply, fault: Fault) -> None:
    """A body without an end, as far as the client can tell: it is broken off after so many bytes."""
    await _start(out.send, reply, None)
    pieces = max(1, (fault.size or ENDLESS_SIZE) // ENDLESS_PIECE)
    filler = b" " * ENDLESS_PIECE
    if out.transport is None:
        await out.wait(fault.seconds)
        raise AnswerCut
    for _ in range(pieces):
        if out.transport.is_closing():
            break
        if fault.seconds:
            await out.wait(fault.seconds / pieces)
        await out.send({"type": "http.response.body", "body": filler, "more_body": True})
    await cut(out)


async def _large_headers(out: Outlet, reply: Reply, fault: Fault) -> None:
    await _start(out.send, reply, len(reply.body), ("x-hocba-filler", "x" * (fault.size or HEADER_SIZE)))
    await out.send({"type": "http.response.body", "body": reply.body, "more_body": False})


_BROKEN: dict[str, Callable[[Outlet, Reply, Fault], Awaitable[None]]] = {
    "truncate": _truncate,
    "reset-body": _reset_in_body,
    "cut-headers": _cut_headers,
    "empty": _empty,
    "noise": _noise,
    "bad-chunk": _bad_chunk,
    "drip": _drip,
    "drip-headers": _drip_headers,
    "endless": _endless,
    "large-headers": _large_headers,
}
