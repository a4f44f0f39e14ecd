"""Reads and writes of one space's submissions and authorisations that happen together or not at all."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, insert, select, update

from mock_moet.grants import Grant
from mock_moet.rules import Event, Known, State
from mock_moet.tables import authorisations, books, hashed, spaces, submissions


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
    learner_code: str
    handed_out: bool


LIGHT = [column for column in submissions.c if column.name != "content"]


def stored(row: RowMapping) -> Stored:
    """A submission from its row."""
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
    rest = (
        "replaces",
        "updated",
        "received_at",
        "hold",
        "plan",
        "findings",
        "error",
        "learner_code",
        "handed_out",
    )
    return Stored(row["number"], row["space"], known, *(row[name] for name in rest))


# what every submission asks, put together once: it costs more than to run it
_OF_SPACE = submissions.c.space == bindparam("of_space")
_ALL = select(*LIGHT).where(_OF_SPACE).order_by(submissions.c.number)
_OF_RECORD = _ALL.where(submissions.c.record == bindparam("of_record"))
_BY_RECEIPT = _ALL.where(submissions.c.receipt == bindparam("of_receipt"))
_WHOLE = select(submissions).where(_OF_SPACE, submissions.c.receipt == bindparam("of_receipt"))
_CONTENT = select(submissions.c.content).where(_OF_SPACE, submissions.c.receipt == bindparam("of_receipt"))
_RIVAL = (
    select(submissions.c.number)
    .where(
        _OF_SPACE,
        submissions.c.learner == bindparam("of_learner"),
        submissions.c.school_year == bindparam("of_year"),
        submissions.c.record != bindparam("of_record"),
        submissions.c.state == State.ACCEPTED.value,
        submissions.c.event != Event.CANCEL.value,
    )
    .limit(1)
)
_ADD = insert(submissions)
_CHANGE = update(submissions).where(_OF_SPACE, submissions.c.receipt == bindparam("of_receipt"))
_USE = (
    update(spaces)
    .where(spaces.c.name == bindparam("of_space"), spaces.c.used <= bindparam("room"))
    .values(used=spaces.c.used + bindparam("more"))
)
_NO_LIMIT = 2**62


class Transaction:
    """One connection in one transaction, for one space."""

    def __init__(self, connection: Connection, space: str) -> None:
        self._connection = connection
        self._space = space

    # submissions

    def of_record(self, record: str) -> list[Stored]:
        """All submissions of a record, oldest first."""
        return self._rows(_OF_RECORD, of_record=record)

    def by_receipt(self, receipt: str) -> Stored | None:
        """The submission behind a receipt."""
        return next(iter(self._rows(_BY_RECEIPT, of_receipt=receipt)), None)

    def whole(self, receipt: str) -> tuple[Stored, bytes] | None:
        """The submission behind a receipt, with its bytes."""
        found = self._connection.execute(_WHOLE, {"of_space": self._space, "of_receipt": receipt}).mappings().first()
        return None if found is None else (stored(found), found["content"])

    def everything(self) -> list[Stored]:
        """All submissions of the space, oldest first."""
        return self._rows(_ALL)

    def _all(self, *conditions: Any) -> list[Stored]:
        return self._rows(_ALL.where(*conditions))

    def _rows(self, query: Select[Any], **values: Any) -> list[Stored]:
        found = self._connection.execute(query, {"of_space": self._space, **values})
        return [stored(row) for row in found.mappings()]

    def rival(self, learner: str, school_year: int | None, record: str) -> bool:
        """Whether another record is in force for the learner and year."""
        if not learner or school_year is None:
            return False
        values = {"of_space": self._space, "of_learner": learner, "of_year": school_year, "of_record": record}
        return self._connection.execute(_RIVAL, values).first() is not None

    def content(self, receipt: str) -> bytes | None:
        """The bytes behind a receipt."""
        values = {"of_space": self._space, "of_receipt": receipt}
        found: bytes | None = self._connection.execute(_CONTENT, values).scalar()
        return found

    def records_after(
        self, number: int, most: int, schools: Collection[str], school_year: int | None
    ) -> list[tuple[int, str]]:
        """Records with a submission by one of ``schools``: (number of the first one, record), above ``number``."""
        first = func.min(submissions.c.number)
        query = (
            select(first, submissions.c.record)
            .where(submissions.c.space == self._space, submissions.c.school.in_(sorted(schools)))
            .group_by(submissions.c.record)
            .having(first > number)
            .order_by(first)
            .limit(most)
        )
        if school_year is not None:
            query = query.where(submissions.c.school_year == school_year)
        return [(row[0], row[1]) for row in self._connection.execute(query)]

    def of_records(self, records: Collection[str]) -> list[Stored]:
        """All submissions of these records, oldest first."""
        return self._all(submissions.c.record.in_(sorted(records)))

    def held_by(
        self, schools: Collection[str], *, learner_code: str | None = None, learner: str | None = None
    ) -> list[Stored]:
        """What the schools hold of a learner and may give out: in force, or placed to be given out all the same."""
        conditions = [
            submissions.c.school.in_(sorted(schools)),
            submissions.c.event != Event.CANCEL.value,
            (submissions.c.state == State.ACCEPTED.value) | submissions.c.handed_out,
        ]
        if learner_code is not None:
            conditions.append(submissions.c.learner_code == learner_code)
        if learner is not None:
            conditions.append(submissions.c.learner == learner)
        return self._all(*conditions)

    def reserve(self, size: int, quota: int = _NO_LIMIT) -> bool:
        """Count bytes of content to the space, unless it would then hold more than ``quota``: whether it was done."""
        room = {"of_space": self._space, "more": size, "room": quota - size}
        return bool(self._connection.execute(_USE, room).rowcount)

    def add(
        self,
        known: Known,
        content: bytes,
        *,
        replaces: str,
        updated: str,
        received_at: str,
        plan: dict[str, Any],
        learner_code: str = "",
        handed_out: bool = False,
    ) -> None:
        """Keep a new submission, for which there is room (:meth:`reserve`)."""
        self._connection.execute(
            _ADD,
            {
                "receipt": known.receipt,
                "space": self._space,
                "record": known.record,
                "version": known.version,
                "event": known.event.value,
                "digest": known.digest,
                "content": content,
                "school": known.school,
                "learner": known.learner,
                "learner_code": learner_code,
                "school_year": known.school_year,
                "replaces": replaces,
                "updated": updated,
                "received_at": received_at,
                "state": known.state.value,
                "hold": int(plan.get("polls", 0)),
                "plan": plan,
                "findings": [],
                "error": "",
                "handed_out": handed_out,
            },
        )

    def change(self, receipt: str, **values: Any) -> None:
        """Change columns of a submission (``state``, ``hold``, ``findings``, ``error``)."""
        if "state" in values:
            values["state"] = State(values["state"]).value
        self._connection.execute(_CHANGE, {**values, "of_space": self._space, "of_receipt": receipt})

    # what several workers share

    @contextmanager
    def book(self, name: str) -> Iterator[list[Any]]:
        """A list kept under a name, to be read and changed in place; kept when the block ends."""
        where = (books.c.space == self._space, books.c.name == name)
        found = self._connection.execute(select(books.c.content).where(*where)).scalar()
        content: list[Any] = deepcopy(found) if found else []
        yield content
        if found is None:
            self._connection.execute(insert(books).values(space=self._space, name=name, content=content))
        elif content != found:
            self._connection.execute(update(books).where(*where).values(content=content))

    # authorisations

    def grant(self, code: str, one: Grant) -> None:
        """Keep an authorisation; of its code only the hash."""
        self._connection.execute(
            insert(authorisations).values(
                hash=hashed(code),
                space=self._space,
                learner=one.learner,
                learner_code=one.learner_code,
                schools=sorted(one.schools),
                purpose=one.purpose,
                receiver=one.receiver,
                until=one.until,
                used_by=one.used_by,
                used_at=one.used_at,
            )
        )

    def granted(self, code: str) -> Grant | None:
        """The authorisation behind a code."""
        wanted = hashed(code)
        query = select(authorisations).where(authorisations.c.hash == wanted, authorisations.c.space == self._space)
        row = self._connection.execute(query).mappings().first()
        if row is None or not hmac.compare_digest(row["hash"], wanted):
            return None
        return Grant(
            learner=row["learner"],
            learner_code=row["learner_code"],
            schools=frozenset(row["schools"]),
            purpose=row["purpose"],
            receiver=row["receiver"],
            until=row["until"],
            used_by=row["used_by"],
            used_at=row["used_at"],
        )

    def use(self, code: str, client: str, at: float) -> None:
        """Note the first retrieval with a code."""
        self._connection.execute(
            update(authorisations)
            .where(authorisations.c.hash == hashed(code), authorisations.c.space == self._space)
            .values(used_by=client, used_at=at)
        )
