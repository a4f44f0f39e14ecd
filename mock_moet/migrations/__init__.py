"""Schema migrations (Alembic). The service runs them when it starts; see ``versions/``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect, text

_BEFORE_MIGRATIONS = "0001"
"""What a database is that has the tables but no version: it was made before there were migrations."""
_LOCK = 1_150_115
"""Number of the PostgreSQL advisory lock: two services that start at once migrate one after the other."""


def _config() -> Config:
    config = Config()
    # configuration files read "%" as a placeholder
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def head() -> str:
    """The newest version."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to ``revision``, in one transaction.

    Raises:
        RuntimeError: the database is of a newer version than this program knows.
    """
    config = _config()
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            known = MigrationContext.configure(connection).get_current_revision()
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            known = MigrationContext.configure(connection).get_current_revision()
        if revision == "head" and known == head():
            return
        config.attributes["connection"] = connection
        if known is None and inspect(connection).has_table("submissions"):
            command.stamp(config, _BEFORE_MIGRATIONS)
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise RuntimeError(str(error)) from error
        connection.commit()
