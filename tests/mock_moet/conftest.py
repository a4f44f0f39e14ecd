"""The mock Ministry in process, on virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from mock_moet.api import create_service
from mock_moet.control import create_control
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from mock_moet.store import Store
from mock_moet.tables import VERSION
from tests import postgres
from tests.mock_moet.helpers import CONTROL, Client, Control, Space, VirtualClock, never_mind


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """URL of a real PostgreSQL server's database."""
    with postgres.server() as url:
        yield url
    _connected.cache_clear()


@cache
def _connected(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


def emptied(url: str) -> str:
    """The same database without what an earlier test left."""
    with _connected(url).begin() as connection:
        if inspect(connection).has_table("spaces"):
            connection.execute(text("TRUNCATE spaces CASCADE"))
    return url


def ready(url: str) -> str:
    """The same database, empty, with the newest tables: migrations are looked for only where they are not."""
    with _connected(emptied(url)).begin() as connection:
        newest = (
            inspect(connection).has_table("alembic_version")
            and connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == VERSION
        )
    if not newest:
        Store(url).close()
    return url


ONE_STORE = ("test_profiles", "test_tls", "test_console")
"""Modules about what the store has no part in."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything else about the service is shown on both stores."""
    if "store" in metafunc.fixturenames:
        alone = metafunc.module.__name__.rpartition(".")[2].startswith(ONE_STORE)
        metafunc.parametrize("store", ["sqlite"] if alone else ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of the two stores: alone on SQLite in memory; on PostgreSQL as one of several workers."""
    if request.param == "sqlite":
        return {}
    return {"database": ready(request.getfixturevalue("database")), "shared": True, "migrate": False}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class Setup:
    """Service, control and clients of one test."""

    def __init__(self, clock: VirtualClock, **settings: Any) -> None:
        migrate = settings.pop("migrate", True)
        made = {"clock": clock, "control_token": CONTROL, "judging": "inline", "judge": never_mind, **settings}
        self.ministry = Ministry(Settings(**made), migrate=migrate)
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
def setups(clock: VirtualClock, store: dict[str, Any]) -> Iterator[Callable[..., Setup]]:
    made: list[Setup] = []

    def make(**settings: Any) -> Setup:
        made.append(Setup(clock, **{**store, **settings}))
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
