"""Migrations: the schema they make is the models'; a database of before keeps all that is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from mock_moet.migrations import head, upgrade
from mock_moet.ministry import Ministry, Settings
from mock_moet.rules import State
from mock_moet.store import Store
from mock_moet.tables import hashed, metadata


def cleared(engine: Engine) -> Engine:
    """Without any table."""
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("database"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = cleared(create_engine(url))
    yield made
    cleared(made).dispose()


def test_the_schema_that_migrations_make_is_the_models(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    upgrade(engine)  # nothing to do, nothing harmed


def test_a_new_file_is_made_as_migrations_would_make_it(tmp_path: Path) -> None:
    def schema(made: Engine) -> tuple[set[str], str]:
        with made.connect() as connection:
            tables = set(connection.scalars(text("SELECT name FROM sqlite_master")))
            return tables, str(connection.scalar(text("SELECT version_num FROM alembic_version")))

    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    upgrade(migrated)
    Store(url := f"sqlite:///{tmp_path / 'new.db'}").close()
    new = create_engine(url)
    assert schema(new) == schema(migrated)
    assert schema(new)[1] == head()
    upgrade(new)
    for one in (migrated, new):
        one.dispose()


def test_a_service_of_the_version_before_is_upgraded_without_loss(engine: Engine, url: str) -> None:
    upgrade(engine, "0001")
    settings = json.dumps({"schools": ["99000001"], "clockOffset": 5})
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))  # it was made before there were versions
        connection.execute(
            text(
                "INSERT INTO spaces (name, client_id, secret_hash, settings, created) VALUES ('s', 'c', :h, :x, '2025')"
            ),
            {"h": hashed("secret"), "x": settings},
        )
        connection.execute(
            text("INSERT INTO tokens (hash, space, expires) VALUES (:h, 's', 1e12)"), {"h": hashed("token")}
        )
        for number, state in ((1, "superseded"), (2, "accepted"), (3, "received")):
            connection.execute(
                text(
                    "INSERT INTO submissions (receipt, space, record, version, event, digest, content, school, "
                    "learner, school_year, replaces, updated, received_at, state, hold, plan, findings, error) VALUES "
                    "(:receipt, 's', 'r', :version, 'update', 'd', :content, '99000001', 'l', 2024, '', '', "
                    "'2025-06-01T00:00:00+00:00', :state, 1, '{}', '[]', '')"
                ),
                {"receipt": f"r{number}", "version": number, "content": b"x" * number, "state": state},
            )
    ministry = Ministry(Settings(database=url))
    try:
        space = ministry.space("s")
        assert space is not None
        assert space.settings == json.loads(settings)
        client = ministry.store.bearer_of("s", "token", 0)
        assert client is not None
        assert (client.id, client.secret_hash, client.schools) == ("c", hashed("secret"), frozenset({"99000001"}))
        with ministry.store.read("s") as transaction:
            kept = transaction.everything()
            assert [(one.known.receipt, one.known.version, one.known.state) for one in kept] == [
                ("r1", 1, State.SUPERSEDED), ("r2", 2, State.ACCEPTED), ("r3", 3, State.RECEIVED),
            ]  # fmt: skip
            assert [transaction.content(one.known.receipt) for one in kept] == [b"x", b"xx", b"xxx"]
        with ministry.store.write("s") as transaction:
            assert not transaction.reserve(1, 6)
            assert transaction.reserve(1, 7)
    finally:
        ministry.close()


def test_a_database_of_a_later_version_is_not_touched(engine: Engine, url: str) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RuntimeError):
        Store(url)


def test_versions_follow_each_other() -> None:
    names = sorted(path.name for path in (Path(__file__).parents[2] / "mock_moet/migrations/versions").glob("v*.py"))
    assert names[-1].startswith(f"v{head()}")
