"""The rules of the service without I/O: which submission is taken, and what becomes of it (appendix2.md §1).

A *record* is one transcript over its versions. A version is taken by acceptance: a refused one may be sent again,
corrected, under the same number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """States of a submission; the values are the pack's keys, not its words."""

    RECEIVED = "received"
    CHECKING = "checking"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class Event(StrEnum):
    """What a submission does; the values are the pack's keys."""

    NEW = "new"
    UPDATE = "update"
    CANCEL = "cancel"


PENDING = frozenset({State.RECEIVED, State.CHECKING})
TAKEN = frozenset({State.ACCEPTED, State.SUPERSEDED, State.REVOKED})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a document (or a revocation statement) says of itself; ``None`` or empty where it does not say it.

    ``learner`` identifies the learner over schools as far as the document can; ``school_year`` is its first calendar
    year; ``replaces`` the digest of the version before.
    """

    record: str
    version: int | None
    school: str
    learner: str
    school_year: int | None
    replaces: str = ""
    learner_code: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A submission that got a receipt."""

    receipt: str
    record: str
    version: int
    event: Event
    digest: str
    state: State
    school: str
    learner: str
    school_year: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A submission at the door. ``document`` is ``None`` when the content is not a readable transcript."""

    record: str
    version: int
    event: Event
    digest: str
    document: Identity | None


@dataclass(frozen=True, slots=True)
class Take:
    """A new submission: keep it, give a receipt."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same submission again: the receipt it has."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not taken; ``error`` is a key of the pack's errors."""

    error: str


Decision = Take | Repeat | Refuse


def decide(
    attempt: Attempt,
    known: Collection[Known],
    *,
    schools: Collection[str],
    closed_years: Collection[int] = (),
    rival: bool = False,
) -> Decision:
    """What the door does with ``attempt``.

    ``known`` are the submissions of its record; ``schools`` the token's; ``rival`` says that another record is in force
    for the same learner and year.
    """
    document = attempt.document
    mine = [one for one in known if one.school in schools]
    if document is None:
        return Refuse("not-a-statement" if attempt.event is Event.CANCEL else "not-a-transcript")
    if document.record != attempt.record or document.version != attempt.version:
        return Refuse("envelope-mismatch")
    if document.school not in schools:
        return Refuse("forbidden-school")
    for one in mine:
        same_kind = (one.event is Event.CANCEL) == (attempt.event is Event.CANCEL)
        if same_kind and one.version == attempt.version and one.digest == attempt.digest:
            return Repeat(one.receipt)
    # a statement names no year: what is wrong may be revoked at any time
    if document.school_year in closed_years:
        return Refuse("window-closed")
    if any(one.state in PENDING for one in mine):
        return Refuse("being-checked")
    if any(one.state is State.REVOKED for one in mine):
        return Refuse("record-revoked")
    return _by_version(attempt, mine, foreign=len(mine) != len(known), rival=rival)


def _by_version(attempt: Attempt, mine: Iterable[Known], *, foreign: bool, rival: bool) -> Decision:
    taken = {one.version for one in mine if one.state in TAKEN and one.event is not Event.CANCEL}
    newest = max(taken, default=0)
    if attempt.event is Event.NEW:
        # another school's record cannot be shown, but neither can its identifier be used twice
        if foreign:
            return Refuse("record-exists")
        if attempt.version in taken:
            return Refuse("version-taken")
        if newest:
            return Refuse("record-exists")
        if attempt.version != 1:
            return Refuse("version-order")
        return Refuse("second-record") if rival else Take()
    if not newest:
        return Refuse("record-unknown")
    if attempt.event is Event.CANCEL:
        return Take() if attempt.version == newest else Refuse("version-order")
    if attempt.version in taken:
        return Refuse("version-taken")
    return Take() if attempt.version == newest + 1 else Refuse("version-order")


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of judging: new states by receipt, and the service's own findings (keys of the pack's)."""

    states: dict[str, State]
    findings: tuple[str, ...] = ()


def settle(
    target: Known,
    good: bool,
    known: Collection[Known],
    *,
    replaces: str = "",
    predecessor: str = "",
    rival: bool = False,
) -> Settlement:
    """What becomes of ``target`` (and of the versions before) once it has been judged.

    ``good`` is the judges' word on the document; ``known`` are the submissions of its record; ``replaces`` what it says
    it replaces, ``predecessor`` what it has to say where that is not the record's own digest. A document that is good
    in itself is still refused when it does not fit the record.
    """
    before = max(
        (one for one in known if one.state is State.ACCEPTED and one.event is not Event.CANCEL),
        key=lambda one: one.version,
        default=None,
    )
    findings: list[str] = []
    if target.event is not Event.NEW and before is not None:
        if replaces != (predecessor or before.digest):
            findings.append("replaces-mismatch" if target.event is Event.UPDATE else "revokes-other-bytes")
        if (target.learner, target.school_year, target.school) != (before.learner, before.school_year, before.school):
            findings.append("identity-changed")
    if rival and target.event is not Event.CANCEL:
        findings.append("second-record")
    if not good or findings:
        return Settlement({target.receipt: State.REFUSED}, tuple(findings))
    states = {target.receipt: State.ACCEPTED}
    if before is not None:
        states[before.receipt] = State.REVOKED if target.event is Event.CANCEL else State.SUPERSEDED
    return Settlement(states)
