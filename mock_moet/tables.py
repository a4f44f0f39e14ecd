"""The tables behind the service. A change here needs a migration (``mock_moet/migrations``); a test compares them."""

from __future__ import annotations

import hashlib

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    and_,
    false,
    text,
)

from mock_moet.rules import PENDING, TAKEN, Event

VERSION = "0003"
"""The newest migration: what these tables are."""


def _of_space(*, primary: bool = False, index: bool = False) -> Column[str]:
    return Column(
        "space", ForeignKey("spaces.name", ondelete="CASCADE"), nullable=False, primary_key=primary, index=index
    )


metadata = MetaData()
spaces = Table(
    "spaces",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("created", String(40), nullable=False),
    # bytes of content kept, for the quota; kept here because a sum over all rows would be slow
    Column("used", BigInteger, nullable=False, server_default=text("0")),
)
clients = Table(
    "clients",
    metadata,
    Column("id", String(64), primary_key=True),
    _of_space(index=True),
    Column("secret_hash", String(64), nullable=False),
    Column("schools", JSON, nullable=False),
    Column("number", Integer, nullable=False),
)
tokens = Table(
    "tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    _of_space(index=True),
    Column("expires", Float, nullable=False),
    Column("client", String(64), nullable=False, server_default=text("''")),
)
submissions = Table(
    "submissions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("receipt", String(64), nullable=False, unique=True),
    _of_space(),
    Column("record", String(150), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", String(10), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("school", String(64), nullable=False),
    Column("learner", String(200), nullable=False),
    Column("learner_code", String(64), nullable=False, server_default=text("''")),
    Column("school_year", Integer),
    Column("replaces", String(128), nullable=False),
    Column("updated", String(40), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("hold", Integer, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("error", String(400), nullable=False),
    # given out by "retrieve" although it is not in force: placed by a test
    Column("handed_out", Boolean, nullable=False, server_default=false()),
    Index("ix_submissions_record", "space", "record"),
    Index("ix_submissions_learner", "space", "learner", "school_year"),
    Index("ix_submissions_state", "state"),
)
_held = and_(
    submissions.c.event != Event.CANCEL.value,
    submissions.c.state.in_([one.value for one in (*sorted(PENDING), *sorted(TAKEN))]),
)
# the last guard against doubles, whatever the code above it does
Index(
    "ux_submissions_version",
    submissions.c.space,
    submissions.c.record,
    submissions.c.version,
    unique=True,
    sqlite_where=_held,
    postgresql_where=_held,
)
# apart from the rest, which is read and changed much more often: SQLite would read and write the bytes with it
contents = Table(
    "contents",
    metadata,
    Column("receipt", ForeignKey("submissions.receipt", ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
authorisations = Table(
    "authorisations",
    metadata,
    Column("hash", String(64), primary_key=True),
    _of_space(index=True),
    Column("learner", String(200), nullable=False),
    Column("learner_code", String(64), nullable=False),
    Column("schools", JSON, nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("receiver", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("used_by", String(64), nullable=False),
    Column("used_at", Float, nullable=False),
)
# what several workers share: faults and scripted outcomes with their counts, and the journal
books = Table(
    "books",
    metadata,
    _of_space(primary=True),
    Column("name", String(20), primary_key=True),
    Column("content", JSON, nullable=False),
)
journal = Table(
    "journal",
    metadata,
    _of_space(primary=True),
    Column("number", Integer, primary_key=True),
    Column("entry", JSON, nullable=False),
)


def hashed(secret: str) -> str:
    """How tokens, codes and secrets are kept: they are random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
