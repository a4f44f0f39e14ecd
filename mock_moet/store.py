"""What the service keeps. SQLite by default (WAL, full durability), PostgreSQL by URL.

Everything that got a receipt is committed before the receipt is sent. Writers of one space follow each other, so the
rules decide on what is really there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    and_,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.pool import StaticPool

from mock_moet.rules import PENDING, TAKEN, Event, Known, State

_metadata = MetaData()
_spaces = Table(
    "spaces",
    _metadata,
    Column("name", String(64), primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("created", String(40), nullable=False),
)
_tokens = Table(
    "tokens",
    _metadata,
    Column("hash", String(64), primary_key=True),
    Column("space", ForeignKey("spaces.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires", Float, nullable=False),
)
_submissions = Table(
    "submissions",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("receipt", String(64), nullable=False, unique=True),
    Column("space", ForeignKey("spaces.name", ondelete="CASCADE"), nullable=False),
    Column("record", String(150), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", String(10), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("school", String(64), nullable=False),
    Column("learner", String(200), nullable=False),
    Column("school_year", Integer),
    Column("replaces", String(128), nullable=False),
    Column("updated", String(40), nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("hold", Integer, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("error", String(400), nullable=False),
    Index("ix_submissions_record", "space", "record"),
    Index("ix_submissions_learner", "space", "learner", "school_year"),
)
_held = and_(
    _submissions.c.event != Event.CANCEL.value,
    _submissions.c.state.in_([one.value for one in (*sorted(PENDING), *sorted(TAKEN))]),
)
# the last guard against doubles, whatever the code above it does
Index(
    "ux_submissions_version",
    _submissions.c.space,
    _submissions.c.record,
    _submissions.c.version,
    unique=True,
    sqlite_where=_held,
    postgresql_where=_held,
)


def hashed(secret: str) -> str:
    """How tokens and secrets are kept: they are random, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """One run's own corner of the service. ``settings`` as the control interface was given them."""

    name: str
    client_id: str
    secret_hash: str
    settings: dict[str, Any]
    created: str = ""
    """ISO 8601."""

    @property
    def schools(self) -> frozenset[str]:
        """Codes of the schools its credentials stand for."""
        return frozenset(self.settings.get("schools", ()))


@dataclass(frozen=True, slots=True)
class Stored:
    """A submission as kept, without its bytes."""

    number: int
    space: str
    known: Known
    replaces: str
    updated: str
    received_at: str
    hold: int
    plan: dict[str, Any]
    findings: list[dict[str, str]]
    error: str


def _space(row: RowMapping) -> SpaceRow:
    return SpaceRow(row["name"], row["client_id"], row["secret_hash"], row["settings"], row["created"])


_LIGHT = [column for column in _submissions.c if column.name != "content"]


def _stored(row: RowMapping) -> Stored:
    known = Known(
        row["receipt"],
        row["record"],
        row["version"],
        Event(row["event"]),
        row["digest"],
        State(row["state"]),
        row["school"],
        row["learner"],
        row["school_year"],
    )
    return Stored(
        row["number"],
        row["space"],
        known,
        row["replaces"],
        row["updated"],
        row["received_at"],
        row["hold"],
        row["plan"],
        row["findings"],
        row["error"],
    )


class Transaction:
    """Reads and writes of one space that happen together or not at all."""

    def __init__(self, connection: Connection, space: str) -> None:
        self._connection = connection
        self._space = space

    def of_record(self, record: str) -> list[Stored]:
        """All submissions of a record, oldest first."""
        return self._all(_submissions.c.record == record)

    def by_receipt(self, receipt: str) -> Stored | None:
        """The submission behind a receipt."""
        return next(iter(self._all(_submissions.c.receipt == receipt)), None)

    def everything(self) -> list[Stored]:
        """All submissions of the space, oldest first."""
        return self._all()

    def _all(self, *conditions: Any) -> list[Stored]:
        query = select(*_LIGHT).where(_submissions.c.space == self._space, *conditions).order_by(_submissions.c.number)
        return [_stored(row) for row in self._connection.execute(query).mappings()]

    def rival(self, learner: str, school_year: int | None, record: str) -> bool:
        """Whether another record is in force for the learner and year."""
        if not learner or school_year is None:
            return False
        query = select(_submissions.c.number).where(
            _submissions.c.space == self._space,
            _submissions.c.learner == learner,
            _submissions.c.school_year == school_year,
            _submissions.c.record != record,
            _submissions.c.state == State.ACCEPTED.value,
            _submissions.c.event != Event.CANCEL.value,
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def content(self, receipt: str) -> bytes | None:
        """The bytes behind a receipt."""
        query = select(_submissions.c.content).where(
            _submissions.c.space == self._space, _submissions.c.receipt == receipt
        )
        found: bytes | None = self._connection.execute(query).scalar()
        return found

    def add(
        self, known: Known, content: bytes, *, replaces: str, updated: str, received_at: str, plan: dict[str, Any]
    ) -> None:
        """Keep a new submission."""
        self._connection.execute(
            insert(_submissions).values(
                receipt=known.receipt,
                space=self._space,
                record=known.record,
                version=known.version,
                event=known.event.value,
                digest=known.digest,
                content=content,
                school=known.school,
                learner=known.learner,
                school_year=known.school_year,
                replaces=replaces,
                updated=updated,
                received_at=received_at,
                state=known.state.value,
                hold=int(plan.get("polls", 0)),
                plan=plan,
                findings=[],
                error="",
            )
        )

    def change(self, receipt: str, **values: Any) -> None:
        """Change columns of a submission (``state``, ``hold``, ``findings``, ``error``)."""
        if "state" in values:
            values["state"] = State(values["state"]).value
        self._connection.execute(
            update(_submissions)
            .where(_submissions.c.space == self._space, _submissions.c.receipt == receipt)
            .values(**values)
        )


class Store:
    """The database behind the service.

    Raises on construction and use what SQLAlchemy raises: a full or read-only disk is an error, never a lost receipt.
    """

    def __init__(self, url: str) -> None:
        sqlite = url.startswith("sqlite")
        self._memory = sqlite and (url in ("sqlite://", "sqlite:///:memory:") or "mode=memory" in url)
        options: dict[str, Any] = {}
        if sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": 30}
        if self._memory:
            options["poolclass"] = StaticPool
        self._engine = create_engine(url, **options)
        self._sqlite = sqlite
        self._lock = RLock()
        if sqlite:
            _prepare_sqlite(self._engine, memory=self._memory)
        _metadata.create_all(self._engine)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        if self._memory:
            with self._write() as connection:
                yield connection
        else:
            with self._engine.connect().execution_options(hocba_read=True) as connection:
                yield connection

    @contextmanager
    def write(self, space: str) -> Iterator[Transaction]:
        """One transaction; other writers of the space wait for it. Committed when the block ends well."""
        with self._write() as connection:
            if not self._sqlite:
                connection.execute(select(_spaces.c.name).where(_spaces.c.name == space).with_for_update())
            yield Transaction(connection, space)

    @contextmanager
    def read(self, space: str) -> Iterator[Transaction]:
        """Reads only."""
        with self._read() as connection:
            yield Transaction(connection, space)

    def open_space(self, row: SpaceRow, created: str) -> None:
        """Keep a new space."""
        with self._write() as connection:
            connection.execute(
                insert(_spaces).values(
                    name=row.name,
                    client_id=row.client_id,
                    secret_hash=row.secret_hash,
                    settings=row.settings,
                    created=created,
                )
            )

    def change_space(self, name: str, settings: dict[str, Any]) -> None:
        """Replace a space's settings."""
        with self._write() as connection:
            connection.execute(update(_spaces).where(_spaces.c.name == name).values(settings=settings))

    def space(self, name: str) -> SpaceRow | None:
        """A space by name."""
        with self._read() as connection:
            row = connection.execute(select(_spaces).where(_spaces.c.name == name)).mappings().first()
        if row is None:
            return None
        return _space(row)

    def spaces(self) -> list[SpaceRow]:
        """All spaces, newest first."""
        with self._read() as connection:
            query = select(_spaces).order_by(_spaces.c.created.desc(), _spaces.c.name)
            return [_space(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[str, dict[State, int]]:
        """How many submissions of each state every space holds."""
        query = select(_submissions.c.space, _submissions.c.state, func.count()).group_by(
            _submissions.c.space, _submissions.c.state
        )
        found: dict[str, dict[State, int]] = {}
        with self._read() as connection:
            for space, state, number in connection.execute(query):
                found.setdefault(space, {})[State(state)] = number
        return found

    def drop_space(self, name: str) -> None:
        """Forget a space and all that is in it."""
        with self._write() as connection:
            for table in (_tokens, _submissions):
                connection.execute(delete(table).where(table.c.space == name))
            connection.execute(delete(_spaces).where(_spaces.c.name == name))

    def add_token(self, space: str, token: str, expires: float, now: float) -> None:
        """Keep a token's hash; forget the space's expired ones."""
        with self._write() as connection:
            connection.execute(delete(_tokens).where(_tokens.c.space == space, _tokens.c.expires < now))
            connection.execute(insert(_tokens).values(hash=hashed(token), space=space, expires=expires))

    def token_valid(self, space: str, token: str, now: float) -> bool:
        """Whether the token belongs to the space and has not expired."""
        with self._read() as connection:
            expires = connection.execute(
                select(_tokens.c.expires).where(_tokens.c.hash == hashed(token), _tokens.c.space == space)
            ).scalar()
        return expires is not None and expires > now

    def is_token(self, space: str, candidates: Sequence[str]) -> bool:
        """Whether one of the texts is a token the space ever gave out and still remembers."""
        if not candidates:
            return False
        with self._read() as connection:
            query = select(_tokens.c.hash).where(
                _tokens.c.space == space, _tokens.c.hash.in_([hashed(one) for one in candidates])
            )
            return connection.execute(query.limit(1)).first() is not None

    def drop_tokens(self, space: str) -> None:
        """Make all tokens of a space unknown."""
        with self._write() as connection:
            connection.execute(delete(_tokens).where(_tokens.c.space == space))

    def pending(self) -> list[Stored]:
        """Submissions of all spaces that have not been judged, oldest first."""
        with self._read() as connection:
            query = (
                select(*_LIGHT)
                .where(_submissions.c.state.in_([one.value for one in PENDING]), _submissions.c.error == "")
                .order_by(_submissions.c.number)
            )
            return [_stored(row) for row in connection.execute(query).mappings()]

    def durability(self) -> str:
        """Journal mode and synchronous level of SQLite, empty for other databases (shown by ``health`` of control)."""
        if not self._sqlite:
            return ""
        with self._read() as connection:
            mode = connection.execute(text("PRAGMA journal_mode")).scalar()
            level = connection.execute(text("PRAGMA synchronous")).scalar()
        return f"{mode}/{level}"


def _prepare_sqlite(engine: Engine, *, memory: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        # transactions are begun by hand below: the driver would begin them too late for IMMEDIATE
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=FULL", *(() if memory else ("journal_mode=WAL",))):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("hocba_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
