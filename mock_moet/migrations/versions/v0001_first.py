"""The tables as they were before there were migrations (version 0.1.0)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "spaces",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("space", sa.String(64), sa.ForeignKey("spaces.name", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_table(
        "submissions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("receipt", sa.String(64), nullable=False, unique=True),
        sa.Column("space", sa.String(64), sa.ForeignKey("spaces.name", ondelete="CASCADE"), nullable=False),
        sa.Column("record", sa.String(150), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("school", sa.String(64), nullable=False),
        sa.Column("learner", sa.String(200), nullable=False),
        sa.Column("school_year", sa.Integer),
        sa.Column("replaces", sa.String(128), nullable=False),
        sa.Column("updated", sa.String(40), nullable=False),
        sa.Column("received_at", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("hold", sa.Integer, nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("findings", sa.JSON, nullable=False),
        sa.Column("error", sa.String(400), nullable=False),
    )
    op.create_index("ix_submissions_record", "submissions", ["space", "record"])
    op.create_index("ix_submissions_learner", "submissions", ["space", "learner", "school_year"])
    held = sa.text("event != 'cancel' AND state IN ('checking', 'received', 'accepted', 'revoked', 'superseded')")
    op.create_index(
        "ux_submissions_version", "submissions", ["space", "record", "version"], unique=True,
        sqlite_where=held, postgresql_where=held,
    )  # fmt: skip
