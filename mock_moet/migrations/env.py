"""Alembic's entry: runs on the connection it is given, in the transaction that stands."""

from __future__ import annotations

from alembic import context

from mock_moet.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
