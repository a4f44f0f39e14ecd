"""Runs the service and its control interface on two listeners: the door where real time and real sockets come in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from mock_moet.api import create_service
from mock_moet.certificates import Certificates
from mock_moet.console import PREFIX, Sessions, create_console, link_url
from mock_moet.control import create_control
from mock_moet.doors import SpaceDoors
from mock_moet.listening import Bounded, Server, configured, configured_service
from mock_moet.ministry import Ministry, Settings
from mock_moet.workers import Crew

LOOPBACK = "127.0.0.1"


def bind(host: str, port: int) -> socket.socket:
    """A listening address; port 0 takes a free one.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol by name: asyncio turns Nagle's algorithm off (40 ms an answer) only where it sees TCP
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would let two services share the address
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


@dataclass(slots=True)
class Listeners:
    """Both listeners of a service, bound but not yet served."""

    service: socket.socket
    control: socket.socket

    @classmethod
    def on(cls, host: str = LOOPBACK, port: int = 0, control_port: int = 0, control_host: str = LOOPBACK) -> Listeners:
        """Bind the service to ``host``, and the control interface to loopback unless somebody insists."""
        service = bind(host, port)
        try:
            return cls(service, bind(control_host, control_port))
        except OSError:
            service.close()
            raise

    @property
    def service_url(self) -> str:
        """Where the service answers on this machine, without TLS."""
        return _url(self.service)

    @property
    def control_url(self) -> str:
        """Where the control interface answers."""
        return _url(self.control)

    def close(self) -> None:
        """Give up both addresses."""
        self.service.close()
        self.control.close()


def _url(one: socket.socket, scheme: str = "http") -> str:
    host, port = one.getsockname()[:2]
    # an address that means all addresses is none to call
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """That the service speaks TLS: with certificates made for this run, or the operator's own (PEM files)."""

    own: tuple[Path, Path] | None = None
    hosts: tuple[str, ...] = ()
    """Further names that clients know the service by."""


def create_operators(ministry: Ministry, sessions: Sessions) -> Any:
    """Control interface and console behind one listener: programs by bearer token, people by a session."""
    control, console = create_control(ministry), create_console(ministry, sessions)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        people = path in ("/", PREFIX) or path.startswith(f"{PREFIX}/")
        await (console if people else control)(scope, receive, send)

    return app


class Running:
    """The service in a thread: ``with Running.start(Settings()) as running: …``."""

    def __init__(
        self,
        ministry: Ministry,
        listeners: Listeners,
        certificates: Certificates | None = None,
        ports: range | None = None,
        judges: int = 0,
    ) -> None:
        self.ministry = ministry
        self.listeners = listeners
        self.service_url = _url(listeners.service, "http" if certificates is None else "https")
        self.control_url = listeners.control_url
        self.control_token = ministry.settings.control_token
        self._sessions = Sessions(ministry.settings.clock)
        operators = create_operators(ministry, self._sessions)
        gate = create_service(ministry)
        config = configured_service(ministry, gate)
        if certificates is not None:
            config.ssl = certificates.good()
        self._servers = (Server(config), Server(configured(operators)))
        host = listeners.service.getsockname()[0]

        def protocol(app: Any) -> asyncio.Protocol:
            factory: Any = config.http_protocol_class
            made: Bounded = factory(config=config, server_state=self._servers[0].server_state, app_state={})
            made.app = app
            return made

        self._doors = SpaceDoors(ministry, gate, certificates, lambda port: bind(host, port), protocol, ports)
        ministry.doors = self._doors
        count = ministry.settings.workers
        # several processes take the connections; this one keeps the control interface and the spaces' own ports
        shown = None if certificates is None else certificates.shown()
        self._crew = Crew(ministry.settings, listeners.service, count, judges, shown) if count else None
        self._thread = Thread(target=self._serve, name="mock-moet", daemon=True)

    @classmethod
    def start(
        cls,
        settings: Settings,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        control_port: int = 0,
        control_host: str = LOOPBACK,
        public_url: str = "",
        tls: Tls | None = None,
        ports: range | None = None,
    ) -> Running:
        """Bind, start and wait until both listeners answer. ``ports``: those that spaces get as their own.

        Raises:
            OSError: an address is taken.
            CertificateProblem: the operator's certificate cannot be used.
            RuntimeError: the service did not come up.
        """
        listeners = Listeners.on(host, port, control_port, control_host)
        certificates: Certificates | None = None
        try:
            if tls is not None:
                # reached by its public name, and on this machine in every usual way
                names = (urlsplit(public_url).hostname or "", "localhost", LOOPBACK, "::1", *tls.hosts)
                shown = listeners.service.getsockname()[0]
                certificates = Certificates((*names, shown), settings.clock.now(), tls.own)
            own_url = _url(listeners.service, "http" if tls is None else "https")
            if (
                settings.workers
                and settings.database.startswith("sqlite://")
                and not settings.database.removeprefix("sqlite://").strip("/")
            ):
                raise ValueError(
                    "--workers: cần --database là tệp hoặc PostgreSQL / wants a file or PostgreSQL as --database"
                )
            shared = settings.shared or settings.workers > 0
            # workers judge what they take; this process takes little
            judges = 0 if settings.workers else settings.judges
            ministry = Ministry(replace(settings, public_url=public_url or own_url, shared=shared, judges=judges))
        except BaseException:
            listeners.close()
            raise
        made = cls(ministry, listeners, certificates, ports, settings.judges)
        if made._crew is not None:
            try:
                made._crew.start()
            except BaseException:
                made.close()
                raise
        made._thread.start()
        for _ in range(1000):
            if all(server.started for server in made._own()):
                return made
            made._thread.join(0.01)
            if not made._thread.is_alive():
                break
        made.close()
        raise RuntimeError("dịch vụ không khởi động được / the service did not come up")

    def _own(self) -> tuple[Server, ...]:
        """The servers that run in this process."""
        return self._servers if self._crew is None else self._servers[1:]

    async def _both(self) -> None:
        sockets = {self._servers[0]: self.listeners.service, self._servers[1]: self.listeners.control}
        await self._doors.begin()
        try:
            await asyncio.gather(*(server.serve(sockets=[sockets[server]]) for server in self._own()))
        finally:
            await self._doors.end()

    def _serve(self) -> None:
        asyncio.run(self._both())

    def console_url(self) -> str:
        """A link to the console that signs one browser in, once, within the hour."""
        return link_url(self.control_url, self._sessions)

    def wait(self) -> None:
        """Wait until the service ends."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """Ask the service to end; safe in a signal handler."""
        for server in self._servers:
            server.should_exit = True

    def close(self) -> None:
        """End the service and close the store."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join(timeout=10)
        if self._crew is not None:
            self._crew.stop()
        self.listeners.close()
        self.ministry.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()
