"""Several processes serve one listening address; what they share is in the database (``Settings.shared``)."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread
from typing import Any

from conformance.checking.runners import collect_seldom
from conformance.pack import load_pack
from mock_moet.api import create_service
from mock_moet.certificates import Shown
from mock_moet.listening import Server, configured_service
from mock_moet.ministry import Ministry, Settings

_SPAWN = multiprocessing.get_context("spawn")
_START_LIMIT = 120.0
"""Seconds until all workers must answer."""
_STOP_LIMIT = 10.0
_LEFT_OUT = ("pack", "clock", "judge", "control_token")
"""Settings that a worker makes itself, or has no business with."""


def _serve(
    folder: Path, values: Mapping[str, Any], listening: socket.socket, shown: Shown | None, ready: Connection
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us decides
    ministry = Ministry(Settings(pack=load_pack(folder), **values), migrate=False)
    config = configured_service(ministry, create_service(ministry))
    if shown is not None:
        config.ssl = shown.context()
    server = Server(config)
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent, server), name="parent", daemon=True).start()

    collect_seldom()

    async def serve() -> None:
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        ready.send(True)
        ready.close()
        await serving

    try:
        asyncio.run(serve())
    finally:
        ministry.close()


def _end_with(parent: BaseProcess, server: Server) -> None:
    parent.join()
    server.should_exit = True
    # what a killed service leaves behind must not go on answering
    Event().wait(_STOP_LIMIT)
    os._exit(1)


class Crew:
    """The workers of a service; one that dies is replaced, and takes up what it had not judged.

    ``shown``: the certificate that they show, with its key; it travels through a pipe, not over the disk.
    """

    def __init__(
        self, settings: Settings, listening: socket.socket, count: int, judges: int, shown: Shown | None = None
    ) -> None:
        self._shown = shown
        self._folder = settings.pack.folder
        self._values = {
            one.name: getattr(settings, one.name) for one in fields(settings) if one.name not in _LEFT_OUT
        } | {"workers": 0, "take_up": False}
        self._listening = listening
        self._count = count
        self._judges = judges
        self._workers: dict[int, BaseProcess] = {}
        self._stopping = Event()
        self._watch = Thread(target=self._replace, name="mock-moet-crew", daemon=True)

    def _begin(self, number: int, *, take_up: bool = False) -> Connection:
        judges = self._judges // self._count + (number < self._judges % self._count)
        receiving, sending = _SPAWN.Pipe(duplex=False)
        values = {**self._values, "judges": judges, "take_up": take_up}
        worker = _SPAWN.Process(
            target=_serve,
            args=(self._folder, values, self._listening, self._shown, sending),
            name=f"mock-moet-{number}",
        )
        worker.start()
        sending.close()
        self._workers[number] = worker
        return receiving

    def start(self) -> None:
        """Start them and wait until they answer.

        Raises:
            RuntimeError: one of them did not come up.
        """
        waiting = [self._begin(number) for number in range(self._count)]
        for one in waiting:
            came = False
            with suppress(EOFError):
                came = one.poll(_START_LIMIT) and one.recv()
            one.close()
            if not came:
                raise RuntimeError("tiến trình phục vụ không khởi động được / a worker did not come up")
        self._watch.start()

    def _replace(self) -> None:
        while not self._stopping.is_set():
            wait([one.sentinel for one in self._workers.values()], timeout=0.5)
            for number, worker in list(self._workers.items()):
                if not worker.is_alive() and not self._stopping.is_set():
                    worker.join()
                    self._begin(number, take_up=True).close()

    @property
    def processes(self) -> tuple[int, ...]:
        """Process numbers of those that live."""
        return tuple(one.pid for one in self._workers.values() if one.pid is not None and one.is_alive())

    def stop(self) -> None:
        """End them all, the stubborn ones by force."""
        self._stopping.set()
        if self._watch.ident is not None:
            self._watch.join(_STOP_LIMIT)
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            worker.join(_STOP_LIMIT)
            if worker.is_alive():
                worker.kill()
                worker.join()
            worker.close()
        self._workers = {}
