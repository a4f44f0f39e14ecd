"""The mock Ministry in process, on virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from mock_moet.api import create_service
from mock_moet.control import create_control
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from tests.mock_moet.helpers import CONTROL, Client, Control, Space, VirtualClock, never_mind


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class Setup:
    """Service, control and clients of one test."""

    def __init__(self, clock: VirtualClock, **settings: Any) -> None:
        self.ministry = Ministry(
            Settings(**{"clock": clock, "control_token": CONTROL, "judging": "inline", "judge": never_mind, **settings})
        )
        self.transport = InProcessTransport(create_service(self.ministry), clock)
        self.control_transport = InProcessTransport(create_control(self.ministry), clock)
        headers = {"Authorization": f"Bearer {CONTROL}"}
        self.control = Control(
            httpx.Client(transport=self.control_transport, base_url="http://127.0.0.1:1", headers=headers)
        )
        self.clients: list[Client] = []

    def client(self, space: Space | None = None, **settings: Any) -> Client:
        """A client with a token, in a space of its own unless one is given."""
        made = Client(space or self.control.open(**settings), self.transport)
        self.clients.append(made)
        assert made.authenticate().status_code == 200
        return made

    def close(self) -> None:
        for client in self.clients:
            client.http.close()
        self.control.http.close()
        self.transport.close()
        self.control_transport.close()
        self.ministry.close()


@pytest.fixture
def setups(clock: VirtualClock) -> Iterator[Callable[..., Setup]]:
    made: list[Setup] = []

    def make(**settings: Any) -> Setup:
        made.append(Setup(clock, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def setup(setups: Callable[..., Setup]) -> Setup:
    return setups()


@pytest.fixture
def client(setup: Setup) -> Client:
    return setup.client()
