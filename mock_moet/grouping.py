"""Group commit: writers that wait for each other anyway share one transaction, and one wait for the disk.

Nothing is weaker by it: a writer goes on only when the transaction with its changes is committed, or gets the error of
that commit. What fails in one writer's block is undone to the savepoint before it and harms no neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

MOST = 16
"""Writers that share a transaction: the first one waits for the blocks of all."""


@dataclass(slots=True)
class _Group:
    connection: Connection
    transaction: RootTransaction
    size: int = 0
    done: Event = field(default_factory=Event)
    error: BaseException | None = None
    """Why nothing of it was kept."""


class GroupCommit:
    """Write transactions of one process, one block after the other. For databases with one writer at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Lock()
        self._counting = Lock()
        self._waiting = 0
        self._open: _Group | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection to write with; committed when this ends well. Not to be nested.

        Raises:
            SQLAlchemyError: the transaction could not begin or not be committed.
        """
        with self._counting:
            self._waiting += 1
        with self._turn:
            with self._counting:
                self._waiting -= 1
            group = self._open or self._begin()
            try:
                yield from self._block(group)
            finally:
                if self._open is group and (group.size >= MOST or not self._waiting):
                    self._end(group)
        group.done.wait()
        if group.error is not None:
            raise group.error

    def _begin(self) -> _Group:
        connection = self._engine.connect()
        try:
            self._open = _Group(connection, connection.begin())
        except BaseException:
            connection.close()
            raise
        return self._open

    def _block(self, group: _Group) -> Iterator[Connection]:
        nested = None
        try:
            # the first has the whole transaction to itself
            nested = group.connection.begin_nested() if group.size else None
            yield group.connection
            if nested is not None:
                nested.commit()
            group.size += 1
        except BaseException as error:
            self._undo(group, nested is not None, error)
            raise

    def _undo(self, group: _Group, nested: bool, error: BaseException) -> None:
        """Take back one block; the whole group where that cannot be done (a full disk ends the transaction itself)."""
        if nested:
            try:
                inner = group.connection.get_nested_transaction()
                if inner is not None:
                    inner.rollback()
                if _in_transaction(group.connection):
                    return
            except SQLAlchemyError:
                pass  # told by what follows
        if group.size:
            group.error = error if isinstance(error, SQLAlchemyError) else RuntimeError("the group was undone")
        self._end(group, undo=True)

    def _end(self, group: _Group, *, undo: bool = False) -> None:
        self._open = None
        try:
            if undo:
                group.transaction.rollback()
            else:
                group.transaction.commit()
        except BaseException as error:
            group.error = group.error or error
        finally:
            try:
                group.connection.close()
            finally:
                group.done.set()


def _in_transaction(connection: Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", True))
