"""Reads and writes of one space's submissions and authorisations that happen together or not at all."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, insert, select, update

from mock_moet.grants import Grant
from mock_moet.rules import Event, Known, State
from mock_moet.tables import authorisations, books, contents, hashed, spaces, submissions


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


@dataclass(frozen=True, slots=True)
class Fresh:
    """A submission to be kept."""

    known: Known
    content: bytes
    replaces: str
    updated: str
    received_at: str
    """ISO 8601."""
    plan: dict[str, Any] = field(default_factory=dict)
    learner_code: str = ""
    handed_out: bool = False


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
_ALL = select(submissions).where(_OF_SPACE).order_by(submissions.c.number)
_OF_RECORD = _ALL.where(submissions.c.record == bindparam("of_record"))
_BY_RECEIPT = _ALL.where(submissions.c.receipt == bindparam("of_receipt"))
_OF_RECORDS = _ALL.where(submissions.c.record.in_(bindparam("of_records", expanding=True)))
_CONTENT = (
    select(contents.c.content)
    .join(submissions, submissions.c.receipt == contents.c.receipt)
    .where(_OF_SPACE, contents.c.receipt == bindparam("of_receipt"))
)
_WHOLE = (
    select(submissions, contents.c.content)
    .join(contents, submissions.c.receipt == contents.c.receipt)
    .where(_OF_SPACE, submissions.c.receipt == bindparam("of_receipt"))
)
_IN_FORCE = select(submissions.c.learner, submissions.c.school_year, submissions.c.record).where(
    _OF_SPACE,
    submissions.c.learner.in_(bindparam("of_learners", expanding=True)),
    submissions.c.state == State.ACCEPTED.value,
    submissions.c.event != Event.CANCEL.value,
)
_ADD = insert(submissions)
_ADD_CONTENT = insert(contents)
_CHANGE = update(submissions).where(_OF_SPACE, submissions.c.receipt == bindparam("of_receipt"))
_CHANGE_STATE = _CHANGE.values(state=bindparam("as_state"))
_CHANGE_FINDINGS = _CHANGE.values(findings=bindparam("as_findings"))
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

    def rivals(self, learners: Collection[str]) -> dict[tuple[str, int], set[str]]:
        """Records in force by learner and school year, for the records of these learners."""
        found: dict[tuple[str, int], set[str]] = {}
        wanted = [one for one in learners if one]
        if wanted:
            values = {"of_space": self._space, "of_learners": wanted}
            for learner, year, record in self._connection.execute(_IN_FORCE, values):
                found.setdefault((learner, year), set()).add(record)
        return found

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
        if len(records) == 1:
            return self.of_record(*records)
        return self._rows(_OF_RECORDS, of_records=sorted(records)) if records else []

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

    def add(self, *those: Fresh) -> None:
        """Keep new submissions, for which there is room (:meth:`reserve`)."""
        rows: list[dict[str, Any]] = [
            {
                "receipt": one.known.receipt,
                "space": self._space,
                "record": one.known.record,
                "version": one.known.version,
                "event": one.known.event.value,
                "digest": one.known.digest,
                "school": one.known.school,
                "learner": one.known.learner,
                "learner_code": one.learner_code,
                "school_year": one.known.school_year,
                "replaces": one.replaces,
                "updated": one.updated,
                "received_at": one.received_at,
                "state": one.known.state.value,
                "hold": int(one.plan.get("polls", 0)),
                "plan": one.plan,
                "findings": [],
                "error": "",
                "handed_out": one.handed_out,
            }
            for one in those
        ]
        if rows:
            self._connection.execute(_ADD, rows)
            self._connection.execute(
                _ADD_CONTENT, [{"receipt": one.known.receipt, "content": one.content} for one in those]
            )

    def change(self, receipt: str, **values: Any) -> None:
        """Change columns of a submission (``state``, ``hold``, ``error``)."""
        if "state" in values:
            values["state"] = State(values["state"]).value
        self._connection.execute(_CHANGE, {**values, "of_space": self._space, "of_receipt": receipt})

    def settle(self, states: Mapping[str, State], findings: Mapping[str, list[dict[str, str]]]) -> None:
        """New states by receipt; ``findings`` of those that have some."""
        where = {"of_space": self._space}
        if states:
            rows: list[dict[str, Any]] = [
                {**where, "of_receipt": receipt, "as_state": state.value} for receipt, state in states.items()
            ]
            self._connection.execute(_CHANGE_STATE, rows)
        if findings:
            told: list[dict[str, Any]] = [
                {**where, "of_receipt": receipt, "as_findings": some} for receipt, some in findings.items()
            ]
            self._connection.execute(_CHANGE_FINDINGS, told)

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
