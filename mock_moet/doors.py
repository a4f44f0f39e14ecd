"""Ports of spaces' own: for clients that resolve absolute paths, and for faults that happen below HTTP.

Which space a connection belongs to is known here before anything is sent, so a bad certificate can be shown to one
vendor and to nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine, MutableMapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mock_moet.api import PREFIX, Gate, origin_form
from mock_moet.breaks import CONNECTION
from mock_moet.certificates import Certificates, Variant
from mock_moet.clock import wait
from mock_moet.delivery import Receive, Send
from mock_moet.faults import Fault
from mock_moet.ministry import Ministry

HANDSHAKE_LIMIT = 20.0
"""Seconds a client has to finish a handshake."""
BACKLOG = 128
_PATIENCE = 20.0
"""Seconds another thread waits for the loop to open or close a port."""

_log = logging.getLogger("mock_moet")


@dataclass(slots=True)
class _Port:
    """One open port."""

    space: str
    listening: socket.socket
    number: int
    accepting: asyncio.Task[None] | None = None
    refusing: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    protocols: set[Any] = field(default_factory=set)


class _OwnDoor:
    """The service as it is seen at a space's own port: without the space in its paths."""

    def __init__(self, gate: Gate, space: str, fault: Fault | None) -> None:
        self._gate = gate
        self._path = PREFIX.format(space=space)
        self._fault = fault

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            scope = origin_form(scope)
            raw = self._path.encode() + (scope.get("raw_path") or scope["path"].encode())
            extensions = {**(scope.get("extensions") or {}), CONNECTION: self._fault}
            scope = {**scope, "path": self._path + scope["path"], "raw_path": raw, "extensions": extensions}
        await self._gate(scope, receive, send)


class SpaceDoors:
    """The open ports of all spaces; see :class:`mock_moet.ministry.Doors`.

    ``bind`` makes a listening address from a port; ``protocol`` the server's side of a new connection for an ASGI
    application. ``first``, ``last``: the ports to use, 0 for any.
    """

    def __init__(
        self,
        ministry: Ministry,
        gate: Gate,
        certificates: Certificates | None,
        bind: Callable[[int], socket.socket],
        protocol: Callable[[Any], asyncio.Protocol],
        ports: range | None = None,
    ) -> None:
        self._ministry = ministry
        self._gate = gate
        self._certificates = certificates
        self._bind = bind
        self._protocol = protocol
        self._range = ports
        self._ports: dict[str, _Port] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def begin(self) -> None:
        """Serve in the running loop; ports that spaces had before a restart are opened again."""
        self._loop = asyncio.get_running_loop()
        for space in self._ministry.store.spaces():
            port = int(space.settings.get("port") or 0)
            try:
                if port:
                    await self._open(space.name, port)
            except OSError as error:
                _log.warning("space %s: port %d cannot be opened again: %s", space.name, port, error)

    async def end(self) -> None:
        """Close all ports."""
        for name in list(self._ports):
            await self._close(name)

    # called from other threads

    @property
    def authority_pem(self) -> str:
        """The authority behind the certificates."""
        return "" if self._certificates is None else self._certificates.authority_pem

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The bad certificates that a port can show."""
        return () if self._certificates is None else self._certificates.variants

    def open(self, space: str, port: int = 0) -> int:
        """Open a port of the space's own.

        Raises:
            OSError: there is none to be had.
        """
        return int(self._done(self._open(space, port)))

    def url(self, space: str) -> str:
        """Base URL at the space's own port."""
        port = self._ports.get(space)
        if port is None:
            return ""
        public = urlsplit(self._ministry.settings.public_url)
        host = public.hostname or ""
        return f"{public.scheme}://{f'[{host}]' if ':' in host else host}:{port.number}"

    def renew(self, space: str) -> None:
        """End the space's connections, each when its call is answered; take new ones, even if it was told not to."""
        self._done(self._renew(space))

    def close(self, space: str) -> None:
        """Close the space's port."""
        if space in self._ports:
            self._done(self._close(space))

    def _done(self, work: Coroutine[Any, Any, Any]) -> Any:
        if self._loop is None:
            work.close()
            raise OSError("the service is not running yet")
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_PATIENCE)

    # in the loop

    async def _open(self, space: str, number: int) -> int:
        bound = self._free(number)
        bound.setblocking(False)
        bound.listen(BACKLOG)
        port = self._ports[space] = _Port(space, bound, bound.getsockname()[1])
        port.accepting = asyncio.create_task(self._accept(port))
        return port.number

    def _free(self, number: int) -> socket.socket:
        if number or self._range is None:
            return self._bind(number)
        taken = {one.number for one in self._ports.values()}
        for candidate in self._range:
            if candidate not in taken:
                with suppress(OSError):
                    return self._bind(candidate)
        raise OSError(f"{self._range.start}-{self._range.stop - 1}: hết cổng / no port is left")

    async def _accept(self, port: _Port) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(port.listening)
            except OSError as error:  # out of descriptors, or gone before we looked: neither ends the service
                _log.warning("a connection could not be taken: %s", error)
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(self._receive(port, connection, str(peer[0])))
            port.tasks.add(task)
            task.add_done_callback(port.tasks.discard)

    async def _receive(self, port: _Port, connection: socket.socket, peer: str) -> None:
        context: ssl.SSLContext | None = None
        fault: Fault | None = None
        if self._certificates is not None:
            fault = self._ministry.corner(port.space).faults.take_connection()
            context = self._certificates.good()
            if fault is not None and fault.variant is not None:
                context = self._certificates.bad(fault.variant)
                self._gate.note_connection(port.space, fault, peer)
        made: list[asyncio.Protocol] = []

        def factory() -> asyncio.Protocol:
            made.append(self._protocol(_OwnDoor(self._gate, port.space, fault)))
            return made[0]

        limit = HANDSHAKE_LIMIT if context is not None else None
        # what a client that refuses the certificate does to its connection is its own affair
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                factory, connection, ssl=context, ssl_handshake_timeout=limit
            )
            port.protocols = {one for one in port.protocols if not _gone(one)} | set(made)

    async def refuse(self, space: str, seconds: float) -> None:
        """Close the space's port for some time. Its number stays reserved."""
        port = self._ports.get(space)
        if port is None or port.accepting is None:
            return
        port.accepting.cancel()
        port.listening.close()
        # bound but not listening: nobody else gets the number, and whoever connects is refused
        port.listening = self._bind(port.number)
        port.listening.setblocking(False)
        port.refusing = True
        _hang_up(port)
        port.accepting = asyncio.create_task(self._reopen(port, seconds))

    async def _reopen(self, port: _Port, seconds: float) -> None:
        if seconds:
            await wait(self._ministry.settings.clock, seconds)
        port.refusing = False
        port.listening.listen(BACKLOG)
        await self._accept(port)

    async def _renew(self, space: str) -> None:
        port = self._ports.get(space)
        if port is None:
            return
        if port.refusing and port.accepting is not None:
            port.accepting.cancel()
            port.accepting = asyncio.create_task(self._reopen(port, 0.0))
        _hang_up(port)

    async def _close(self, space: str) -> None:
        port = self._ports.pop(space, None)
        if port is None:
            return
        if port.accepting is not None:
            port.accepting.cancel()
        for task in port.tasks:
            task.cancel()
        port.listening.close()
        _hang_up(port)


def _hang_up(port: _Port) -> None:
    for one in port.protocols:
        if not _gone(one):
            one.shutdown()
    port.protocols.clear()


def _gone(protocol: Any) -> bool:
    return protocol.transport is None or protocol.transport.is_closing()
