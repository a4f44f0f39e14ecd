"""Several clients a space, authorisations, quotas, and what several workers share."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _space(**more: Any) -> sa.Column[Any]:
    return sa.Column("space", sa.String(64), sa.ForeignKey("spaces.name", ondelete="CASCADE"), nullable=False, **more)


def upgrade() -> None:
    """A space's credentials become its first client; tokens are that client's."""
    op.create_table(
        "clients",
        sa.Column("id", sa.String(64), primary_key=True),
        _space(index=True),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("schools", sa.JSON, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    connection = op.get_bind()
    clients = sa.table(
        "clients",
        *(sa.column(name) for name in ("id", "space", "secret_hash", "number")),
        sa.column("schools", sa.JSON),
    )
    for row in connection.execute(sa.text("SELECT name, client_id, secret_hash, settings FROM spaces")).mappings():
        settings = row["settings"] if isinstance(row["settings"], dict) else json.loads(row["settings"])
        connection.execute(
            sa.insert(clients).values(
                id=row["client_id"], space=row["name"], secret_hash=row["secret_hash"],
                schools=settings.get("schools", []), number=0,
            )
        )  # fmt: skip
    op.add_column("tokens", sa.Column("client", sa.String(64), nullable=False, server_default=sa.text("''")))
    tokens = sa.table("tokens", sa.column("space"), sa.column("client"))
    spaces = sa.table("spaces", *(sa.column(name) for name in ("name", "client_id", "used")))
    submissions = sa.table("submissions", sa.column("space"), sa.column("content"))
    owner = sa.select(spaces.c.client_id).where(spaces.c.name == tokens.c.space).scalar_subquery()
    connection.execute(sa.update(tokens).values(client=owner))
    op.add_column("spaces", sa.Column("used", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    kept = sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(submissions.c.content)), 0))
    kept = kept.where(submissions.c.space == spaces.c.name)
    connection.execute(sa.update(spaces).values(used=kept.scalar_subquery()))
    op.drop_column("spaces", "client_id")
    op.drop_column("spaces", "secret_hash")
    # the learner's code stands in the document; records of before are not found by it (nothing could authorise then)
    op.add_column("submissions", sa.Column("learner_code", sa.String(64), nullable=False, server_default=sa.text("''")))
    op.add_column("submissions", sa.Column("handed_out", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_submissions_state", "submissions", ["state"])
    op.create_table(
        "authorisations",
        sa.Column("hash", sa.String(64), primary_key=True),
        _space(index=True),
        sa.Column("learner", sa.String(200), nullable=False),
        sa.Column("learner_code", sa.String(64), nullable=False),
        sa.Column("schools", sa.JSON, nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("receiver", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("used_by", sa.String(64), nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
    )
    op.create_table(
        "books",
        _space(primary_key=True),
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_table(
        "journal",
        _space(primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("entry", sa.JSON, nullable=False),
    )
