"""Runs the service and its control interface on two listeners: the door where real time and real sockets come in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any

import uvicorn

from mock_moet.api import create_service
from mock_moet.control import create_control
from mock_moet.ministry import Ministry, Settings

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it: there are two of it in one process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _configured(app: Any) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http="h11",  # faults reach through it to the connection
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=2,
        )
    )


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
    def on(cls, host: str = LOOPBACK, port: int = 0, control_port: int = 0) -> Listeners:
        """Bind the service to ``host`` and the control interface to loopback, always."""
        service = bind(host, port)
        try:
            return cls(service, bind(LOOPBACK, control_port))
        except OSError:
            service.close()
            raise

    @property
    def service_url(self) -> str:
        """Where the service answers on this machine."""
        return _url(self.service)

    @property
    def control_url(self) -> str:
        """Where the control interface answers."""
        return _url(self.control)

    def close(self) -> None:
        """Give up both addresses."""
        self.service.close()
        self.control.close()


def _url(one: socket.socket) -> str:
    host, port = one.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


class Running:
    """The service in a thread: ``with Running.start(Settings()) as running: …``."""

    def __init__(self, ministry: Ministry, listeners: Listeners) -> None:
        self.ministry = ministry
        self.listeners = listeners
        self.service_url = listeners.service_url
        self.control_url = listeners.control_url
        self.control_token = ministry.settings.control_token
        self._servers = (_configured(create_service(ministry)), _configured(create_control(ministry)))
        self._thread = Thread(target=self._serve, name="mock-moet", daemon=True)

    @classmethod
    def start(
        cls, settings: Settings, *, host: str = LOOPBACK, port: int = 0, control_port: int = 0, public_url: str = ""
    ) -> Running:
        """Bind, start and wait until both listeners answer.

        Raises:
            OSError: an address is taken.
            RuntimeError: the service did not come up.
        """
        listeners = Listeners.on(host, port, control_port)
        try:
            ministry = Ministry(replace(settings, public_url=public_url or listeners.service_url))
        except BaseException:
            listeners.close()
            raise
        made = cls(ministry, listeners)
        made._thread.start()
        for _ in range(1000):
            if all(server.started for server in made._servers):
                return made
            made._thread.join(0.01)
            if not made._thread.is_alive():
                break
        made.close()
        raise RuntimeError("dịch vụ không khởi động được / the service did not come up")

    async def _both(self) -> None:
        first, second = self._servers
        await asyncio.gather(
            first.serve(sockets=[self.listeners.service]), second.serve(sockets=[self.listeners.control])
        )

    def _serve(self) -> None:
        asyncio.run(self._both())

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
        self.listeners.close()
        self.ministry.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.close()
