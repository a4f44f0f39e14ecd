"""What the service keeps. SQLite by default (WAL, full durability), PostgreSQL by URL.

Everything that got a receipt is committed before the receipt is sent. Writers of one space follow each other, so the
rules decide on what is really there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import StaticPool

from mock_moet.grouping import GroupCommit
from mock_moet.rules import PENDING, State
from mock_moet.tables import (
    VERSION,
    authorisations,
    books,
    clients,
    hashed,
    journal,
    metadata,
    spaces,
    submissions,
    tokens,
)
from mock_moet.transaction import Stored, Transaction, stored

STORAGE_ERRORS = (OperationalError, InternalError, InterfaceError)
"""What a full, read-only or unreachable database raises."""
_PAGE = 16 * 1024
"""Bytes of a page of SQLite's file: a transcript lies on five of them instead of twenty."""
_MOST_BEARERS = 10_000
"""Tokens remembered in memory, with whose they are."""
MOST_TOKENS = 1000
"""Living tokens of a client; the ones that end first go first."""


_SPACE = select(spaces).where(spaces.c.name == bindparam("of_space"))
_LOCK = select(spaces.c.name).where(spaces.c.name == bindparam("of_space")).with_for_update()
_BEARER = (
    select(clients, tokens.c.expires)
    .join(tokens, tokens.c.client == clients.c.id)
    .where(
        tokens.c.hash == bindparam("of_token"),
        tokens.c.space == bindparam("of_space"),
        tokens.c.expires > bindparam("at"),
    )
)
_PEEK = select(books.c.content).where(books.c.space == bindparam("of_space"), books.c.name == bindparam("of_name"))
_LAST = select(func.max(journal.c.number)).where(journal.c.space == bindparam("of_space"))
_NOTE = insert(journal)
_FORGET = delete(journal).where(journal.c.space == bindparam("of_space"), journal.c.number <= bindparam("up_to"))
_REWRITE = (
    update(journal)
    .where(journal.c.space == bindparam("of_space"), journal.c.number == bindparam("of_number"))
    .values(entry=bindparam("as_entry"))
)


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """One run's own corner of the service. ``settings`` as the control interface was given them."""

    name: str
    settings: dict[str, Any]
    created: str = ""
    """ISO 8601."""

    @property
    def schools(self) -> frozenset[str]:
        """Codes of the schools its first client stands for."""
        return frozenset(self.settings.get("schools", ()))


@dataclass(frozen=True, slots=True)
class ClientRow:
    """Credentials, and the schools they stand for."""

    id: str
    space: str
    secret_hash: str
    schools: frozenset[str]


def _space(row: RowMapping) -> SpaceRow:
    return SpaceRow(row["name"], row["settings"], row["created"])


def _client(row: RowMapping) -> ClientRow:
    return ClientRow(row["id"], row["space"], row["secret_hash"], frozenset(row["schools"]))


class Store:
    """The database behind the service.

    Raises on construction and use what SQLAlchemy raises: a full or read-only disk is an error (``STORAGE_ERRORS``),
    never a lost receipt. ``migrate``: bring the tables to this version first; a database in memory is made so.
    ``alone``: no other process writes, so tokens that were seen need not be looked up again.
    """

    def __init__(self, url: str, *, migrate: bool = True, alone: bool = False) -> None:
        sqlite = url.startswith("sqlite")
        self._memory = sqlite and (url in ("sqlite://", "sqlite:///:memory:") or "mode=memory" in url)
        options: dict[str, Any] = {}
        if sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": 30}
        else:
            # a server that was restarted is met again, not answered with errors
            options |= {"pool_pre_ping": True, "pool_size": 20}
        if self._memory:
            options["poolclass"] = StaticPool
        self._engine = create_engine(url, **options)
        self._sqlite = sqlite
        self._alone_here = alone
        self._bearers: dict[tuple[str, str], tuple[ClientRow, float]] = {}
        self._lock = RLock()
        self._group = GroupCommit(self._engine) if sqlite and not self._memory else None
        if sqlite:
            _prepare_sqlite(self._engine, memory=self._memory)
        if self._memory:
            metadata.create_all(self._engine)
        elif migrate:
            try:
                if not (sqlite and _made_anew(self._engine)):
                    from mock_moet.migrations import upgrade

                    upgrade(self._engine)
            except BaseException:
                self._engine.dispose()
                raise

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._engine.dispose()

    def _write(self) -> AbstractContextManager[Connection]:
        # SQLite has one writer at a time anyway: waiting here is cheaper than there, and is done together
        if self._group is not None:
            return self._group.begin()
        return self._alone() if self._memory else self._engine.begin()

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
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
        with self._locked(space) as connection:
            yield Transaction(connection, space)

    @contextmanager
    def read(self, space: str) -> Iterator[Transaction]:
        """Reads only."""
        with self._read() as connection:
            yield Transaction(connection, space)

    @contextmanager
    def _locked(self, space: str) -> Iterator[Connection]:
        with self._write() as connection:
            if not self._sqlite:
                connection.execute(_LOCK, {"of_space": space})
            yield connection

    # spaces and clients

    def open_space(self, row: SpaceRow, client: ClientRow) -> None:
        """Keep a new space and its first client."""
        with self._write() as connection:
            connection.execute(insert(spaces).values(name=row.name, settings=row.settings, created=row.created, used=0))
            self._insert_client(connection, client)

    def add_client(self, client: ClientRow) -> None:
        """Keep another client of a space."""
        with self._locked(client.space) as connection:
            self._insert_client(connection, client)

    @staticmethod
    def _insert_client(connection: Connection, client: ClientRow) -> None:
        number = select(func.count()).select_from(clients).where(clients.c.space == client.space)
        connection.execute(
            insert(clients).values(
                id=client.id,
                space=client.space,
                secret_hash=client.secret_hash,
                schools=sorted(client.schools),
                number=connection.execute(number).scalar() or 0,
            )
        )

    def clients(self, space: str) -> list[ClientRow]:
        """The clients of a space, in the order they were added."""
        with self._read() as connection:
            query = select(clients).where(clients.c.space == space).order_by(clients.c.number)
            return [_client(row) for row in connection.execute(query).mappings()]

    def client(self, space: str, name: str) -> ClientRow | None:
        """A client of a space by its identifier."""
        with self._read() as connection:
            query = select(clients).where(clients.c.space == space, clients.c.id == name)
            row = connection.execute(query).mappings().first()
        return None if row is None else _client(row)

    def change_space(self, name: str, settings: dict[str, Any]) -> None:
        """Replace a space's settings."""
        with self._write() as connection:
            connection.execute(update(spaces).where(spaces.c.name == name).values(settings=settings))

    def space(self, name: str) -> SpaceRow | None:
        """A space by name."""
        with self._read() as connection:
            row = connection.execute(_SPACE, {"of_space": name}).mappings().first()
        return None if row is None else _space(row)

    def spaces(self) -> list[SpaceRow]:
        """All spaces, newest first."""
        with self._read() as connection:
            query = select(spaces).order_by(spaces.c.created.desc(), spaces.c.name)
            return [_space(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[str, dict[State, int]]:
        """How many submissions of each state every space holds."""
        query = select(submissions.c.space, submissions.c.state, func.count()).group_by(
            submissions.c.space, submissions.c.state
        )
        found: dict[str, dict[State, int]] = {}
        with self._read() as connection:
            for space, state, number in connection.execute(query):
                found.setdefault(space, {})[State(state)] = number
        return found

    def drop_space(self, name: str) -> None:
        """Forget a space and all that is in it."""
        with self._write() as connection:
            for table in (tokens, clients, submissions, authorisations, books, journal):
                connection.execute(delete(table).where(table.c.space == name))
            connection.execute(delete(spaces).where(spaces.c.name == name))
        self._bearers = {}

    # tokens

    def add_token(self, client: ClientRow, token: str, expires: float, now: float) -> None:
        """Keep a token's hash; forget the space's expired ones, and the oldest when there are too many."""
        with self._write() as connection:
            connection.execute(delete(tokens).where(tokens.c.space == client.space, tokens.c.expires < now))
            connection.execute(
                insert(tokens).values(hash=hashed(token), space=client.space, expires=expires, client=client.id)
            )
            living = select(tokens.c.hash).where(tokens.c.client == client.id).order_by(tokens.c.expires.desc())
            surplus = [row[0] for row in connection.execute(living.offset(MOST_TOKENS))]
            if surplus:
                connection.execute(delete(tokens).where(tokens.c.hash.in_(surplus)))
        if surplus or len(self._bearers) >= _MOST_BEARERS:
            self._bearers = {}

    def bearer_of(self, space: str, token: str, now: float) -> ClientRow | None:
        """The client that a token of the space was given to, unless it has expired."""
        key, bearers = (space, hashed(token)), self._bearers
        known = bearers.get(key)
        if known is not None and known[1] > now:
            return known[0]
        with self._read() as connection:
            asked = {"of_token": key[1], "of_space": space, "at": now}
            row = connection.execute(_BEARER, asked).mappings().first()
        if row is None:
            return None
        found = _client(row)
        if self._alone_here and len(bearers) < _MOST_BEARERS:
            # where tokens were forgotten meanwhile, this is not the dictionary in use any more
            bearers[key] = (found, row["expires"])
        return found

    def is_secret(self, space: str, candidates: Sequence[str]) -> bool:
        """Whether one of the texts is a token, code or client secret that the space gave out and still remembers."""
        if not candidates:
            return False
        wanted = [hashed(one) for one in candidates]
        columns = (
            (tokens.c.hash, tokens.c.space),
            (authorisations.c.hash, authorisations.c.space),
            (clients.c.secret_hash, clients.c.space),
        )
        with self._read() as connection:
            return any(
                connection.execute(select(column).where(owner == space, column.in_(wanted)).limit(1)).first()
                is not None
                for column, owner in columns
            )

    def drop_tokens(self, space: str) -> None:
        """Make all tokens of a space unknown."""
        with self._write() as connection:
            connection.execute(delete(tokens).where(tokens.c.space == space))
        self._bearers = {}

    # judging

    def pending(self) -> list[Stored]:
        """Submissions of all spaces that have not been judged, oldest first."""
        with self._read() as connection:
            query = (
                select(submissions)
                .where(submissions.c.state.in_([one.value for one in PENDING]), submissions.c.error == "")
                .order_by(submissions.c.number)
            )
            return [stored(row) for row in connection.execute(query).mappings()]

    # what several workers share

    @contextmanager
    def book(self, space: str, name: str) -> Iterator[list[Any]]:
        """:meth:`Transaction.book` in a transaction of its own."""
        with self.write(space) as transaction, transaction.book(name) as content:
            yield content

    def peek(self, space: str, name: str) -> list[Any]:
        """The list kept under a name, as it is now."""
        with self._read() as connection:
            return list(connection.execute(_PEEK, {"of_space": space, "of_name": name}).scalar() or [])

    def note(self, space: str, entry: dict[str, Any], limit: int) -> int:
        """Keep a journal entry under the next number, which is returned; the oldest above ``limit`` go."""
        with self._locked(space) as connection:
            number = int(connection.execute(_LAST, {"of_space": space}).scalar() or 0) + 1
            connection.execute(_NOTE, {"space": space, "number": number, "entry": {"n": number, **entry}})
            if number > limit:
                connection.execute(_FORGET, {"of_space": space, "up_to": number - limit})
        return number

    def rewrite(self, space: str, number: int, entry: dict[str, Any]) -> None:
        """Replace a journal entry."""
        with self._write() as connection:
            connection.execute(_REWRITE, {"of_space": space, "of_number": number, "as_entry": entry})

    def noted(self, space: str, after: int) -> tuple[list[dict[str, Any]], int]:
        """Journal entries with a higher number, and the last number given."""
        with self._read() as connection:
            query = select(journal.c.entry).where(journal.c.space == space, journal.c.number > after)
            entries = [row[0] for row in connection.execute(query.order_by(journal.c.number))]
            last = connection.execute(select(func.max(journal.c.number)).where(journal.c.space == space)).scalar()
        return entries, int(last or 0)

    def durability(self) -> str:
        """Journal mode and synchronous level of SQLite, empty for other databases (shown by ``health`` of control)."""
        if not self._sqlite:
            return ""
        with self._read() as connection:
            mode = connection.execute(text("PRAGMA journal_mode")).scalar()
            level = connection.execute(text("PRAGMA synchronous")).scalar()
        return f"{mode}/{level}"


def _made_anew(engine: Engine) -> bool:
    """Make the newest tables in a file that holds none, as every run's is; migrations would take a second for it."""
    with engine.begin() as connection:
        if inspect(connection).get_table_names():
            return False
        metadata.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": VERSION})
    return True


def _prepare_sqlite(engine: Engine, *, memory: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        # transactions are begun by hand below: the driver would begin them too late for IMMEDIATE
        connection.isolation_level = None
        # of a file that holds something already, the size of its pages stays what it is
        on_disk = () if memory else (f"page_size={_PAGE}", "journal_mode=WAL")
        for pragma in ("foreign_keys=ON", "synchronous=FULL", *on_disk):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("hocba_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
