"""The bytes of submissions in a table of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the bytes of every submission."""
    op.create_table(
        "contents",
        sa.Column("receipt", sa.String(64), sa.ForeignKey("submissions.receipt", ondelete="CASCADE"), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # compressing them would cost more processor time than the rest of keeping a submission
        op.execute("ALTER TABLE contents ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute("INSERT INTO contents (receipt, content) SELECT receipt, content FROM submissions")
    op.drop_column("submissions", "content")
