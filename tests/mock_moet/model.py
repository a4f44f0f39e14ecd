"""What appendix 2 §1 promises, as simply as it can be said: the service is compared with this, answer by answer.

It knows no bytes, no HTTP and nothing of the service's code. Documents are values that compare; errors are keys of
the pack's messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

IN_FORCE, TAKEN = ("accepted",), ("accepted", "superseded", "revoked")
AGAIN = 600.0
"""Seconds in which a client may repeat a retrieval."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A transcript, or (``revokes``) a statement about one. ``replaces``: the one before, as far as it says it."""

    record: int
    version: int
    school: int
    learner: int
    year: int
    note: str
    replaces: Paper | None = None
    revokes: bool = False


@dataclass(slots=True, eq=False)
class Held:
    """A paper that got a receipt."""

    paper: Paper
    learner: int
    """Of a statement: the revoked record's."""
    year: int
    good: bool
    polls: int
    """Questions that are still answered with "being checked"."""
    state: str = "received"
    receipt: str = ""
    """As the service told it; empty as long as its answer was lost."""

    @property
    def pending(self) -> bool:
        """Without an outcome."""
        return self.state in ("received", "checking")


@dataclass(slots=True)
class Code:
    """An authorisation."""

    text: str
    school: int
    receiver: int
    learner: int
    purpose: str
    until: float
    used_by: int | None = None
    used_at: float = 0.0


@dataclass(slots=True)
class Model:
    """One space. A client is named by the one school it stands for."""

    held: list[Held] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    plan: tuple[bool, int] | None = None
    """Outcome (good or not) and polls of what is taken next."""
    codes: list[Code] = field(default_factory=list)

    def own(self, school: int, record: int) -> list[Held]:
        """What a school sent of a record, statements apart."""
        sent = [one for one in self.held if not one.paper.revokes]
        return [one for one in sent if (one.paper.school, one.paper.record) == (school, record)]

    def taken(self, school: int, record: int) -> list[Held]:
        """The versions that were accepted at some time, oldest first."""
        found = [one for one in self.own(school, record) if one.state in TAKEN]
        return sorted(found, key=lambda one: one.paper.version)

    def speaking(self, school: int, record: int) -> Held | None:
        """What a list shows of a record."""
        return next(reversed(self.taken(school, record) or self.own(school, record)), None)

    def in_force(self, school: int, learner: int) -> list[Held]:
        """What a school may hand out about a learner."""
        return [
            one
            for one in self.held
            if one.paper.school == school and one.learner == learner and one.state in IN_FORCE and not one.paper.revokes
        ]

    def _rival(self, paper: Paper) -> bool:
        return any(
            one.state in IN_FORCE and not one.paper.revokes and one.paper.record != paper.record
            and (one.learner, one.year) == (paper.learner, paper.year)
            for one in self.held
        )  # fmt: skip

    def submit(self, client: int, paper: Paper, event: str) -> Held | str:
        """What the door does: it keeps the paper, or had it, or refuses with an error."""
        if paper.school != client:
            return "forbidden-school"
        mine = [one for one in self.held if (one.paper.school, one.paper.record) == (client, paper.record)]
        for one in mine:
            if one.paper == paper:
                return one
        refusal = self._refusal(mine, paper, event)
        if refusal:
            return refusal
        good, polls = self.plan or (True, 0)
        self.plan = None
        of = self.taken(client, paper.record)[-1] if paper.revokes else None
        learner, year = (paper.learner, paper.year) if of is None else (of.learner, of.year)
        kept = Held(paper, learner, year, good, polls)
        self.held.append(kept)
        if not polls:
            self._settle(kept)
        return kept

    def _refusal(self, mine: list[Held], paper: Paper, event: str) -> str:
        if not paper.revokes and paper.year in self.closed:
            return "window-closed"
        if any(one.pending for one in mine):
            return "being-checked"
        if any(one.state == "revoked" for one in mine):
            return "record-revoked"
        newest = max((one.paper.version for one in mine if one.state in TAKEN and not one.paper.revokes), default=0)
        if event == "new":
            if any(one.paper.record == paper.record and one.paper.school != paper.school for one in self.held):
                return "record-exists"
            if newest:
                return "version-taken" if paper.version <= newest else "record-exists"
            if paper.version != 1:
                return "version-order"
            return "second-record" if self._rival(paper) else ""
        if not newest:
            return "record-unknown"
        if event == "cancel":
            return "" if paper.version == newest else "version-order"
        if paper.version <= newest:
            return "version-taken"
        return "" if paper.version == newest + 1 else "version-order"

    def _settle(self, one: Held) -> None:
        before = next((old for old in reversed(self.taken(one.paper.school, one.paper.record))), None)
        fits = before is None or (
            one.paper.replaces == before.paper and (one.learner, one.year) == (before.learner, before.year)
        )
        rival = not one.paper.revokes and self._rival(one.paper)
        one.state = "accepted" if one.good and fits and not rival else "refused"
        if one.state == "accepted" and before is not None:
            before.state = "revoked" if one.paper.revokes else "superseded"

    def ask(self, one: Held) -> str:
        """The state that a question is told."""
        if one.pending:
            if one.polls:
                one.polls, one.state = one.polls - 1, "checking"
            else:
                self._settle(one)
        return one.state

    def resume(self) -> None:
        """A service that starts anew judges what it still owes an outcome, and knows no plans."""
        self.plan = None
        for one in self.held:
            if one.pending and not one.polls:
                self._settle(one)

    def retrieve(self, code: Code, client: int, purpose: str | None, now: float) -> list[Held] | str:
        """What a receiver is handed, or the error."""
        refusal = self._closed(code, client, now)
        if refusal:
            return refusal
        if purpose not in (None, code.purpose):
            return "authorisation-purpose"
        if code.used_by is not None and now - code.used_at > AGAIN:
            return "authorisation-used"
        if code.used_by is None:
            code.used_by, code.used_at = client, now
        return self.in_force(code.school, code.learner)

    @staticmethod
    def _closed(code: Code, client: int, now: float) -> str:
        if code.receiver != client:
            return "authorisation-foreign"
        return "authorisation-expired" if now >= code.until else ""

    def told(self, code: Code, client: int, record: int, now: float) -> Held | str:
        """What is in force of a record, asked with an authorisation."""
        found = [one for one in self.taken(code.school, record) if one.learner == code.learner]
        return self._closed(code, client, now) or (found[-1] if found else "not-found")
