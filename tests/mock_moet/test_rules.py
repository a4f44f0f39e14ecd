"""The rules against a model that knows only what a record is: any order of calls keeps the invariants."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mock_moet.rules import (
    PENDING,
    TAKEN,
    Attempt,
    Event,
    Identity,
    Known,
    Refuse,
    Repeat,
    State,
    Take,
    decide,
    settle,
)

SCHOOLS = frozenset({"A"})


def known(version: int, state: State, *, event: Event = Event.NEW, school: str = "A", digest: str = "d") -> Known:
    return Known(f"r{version}{event}{state}", "R", version, event, digest, state, school, "L", 2024)


def attempt(version: int, event: Event, digest: str = "x", school: str = "A") -> Attempt:
    return Attempt("R", version, event, digest, Identity("R", version, school, "L", 2024))


def test_a_revoked_record_takes_nothing_but_repeats_its_receipt() -> None:
    revoked = [known(1, State.REVOKED), known(1, State.ACCEPTED, event=Event.CANCEL, digest="c")]
    assert decide(attempt(2, Event.UPDATE), revoked, schools=SCHOOLS) == Refuse("record-revoked")
    assert decide(attempt(1, Event.NEW), revoked, schools=SCHOOLS) == Refuse("record-revoked")
    assert decide(attempt(1, Event.NEW, "d"), revoked, schools=SCHOOLS) == Repeat(revoked[0].receipt)
    assert decide(attempt(1, Event.CANCEL, "c"), revoked, schools=SCHOOLS) == Repeat(revoked[1].receipt)
    assert decide(attempt(1, Event.CANCEL, "e"), revoked, schools=SCHOOLS) == Refuse("record-revoked")


def test_revocation_names_the_newest_version() -> None:
    versions = [known(1, State.SUPERSEDED), known(2, State.ACCEPTED, event=Event.UPDATE)]
    assert decide(attempt(2, Event.CANCEL), versions, schools=SCHOOLS) == Take()
    assert decide(attempt(1, Event.CANCEL), versions, schools=SCHOOLS) == Refuse("version-order")
    assert decide(attempt(1, Event.CANCEL), [], schools=SCHOOLS) == Refuse("record-unknown")


def test_another_school_s_record_looks_unknown_but_keeps_its_identifier() -> None:
    theirs = [known(1, State.ACCEPTED, school="B")]
    assert decide(attempt(2, Event.UPDATE), theirs, schools=SCHOOLS) == Refuse("record-unknown")
    assert decide(attempt(1, Event.CANCEL), theirs, schools=SCHOOLS) == Refuse("record-unknown")
    assert decide(attempt(1, Event.NEW, "d"), theirs, schools=SCHOOLS) == Refuse("record-exists")


def test_what_is_being_checked_blocks_all_but_itself() -> None:
    pending = [known(1, State.CHECKING)]
    assert decide(attempt(1, Event.NEW, "other"), pending, schools=SCHOOLS) == Refuse("being-checked")
    assert decide(attempt(2, Event.UPDATE), pending, schools=SCHOOLS) == Refuse("being-checked")
    assert decide(attempt(1, Event.NEW, "d"), pending, schools=SCHOOLS) == Repeat(pending[0].receipt)


class Service(RuleBasedStateMachine):
    """One record of one school, submitted to and judged in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Known] = {}
        self.replaces: dict[str, str] = {}
        self.newest = 0
        self.revoked = False

    def _digest(self, version: int) -> str:
        return next(
            (one.digest for one in self.kept.values() if one.version == version and one.state is State.ACCEPTED), ""
        )

    @rule(
        version=st.integers(1, 4),
        event=st.sampled_from(list(Event)),
        digest=st.sampled_from("abc"),
        honest=st.booleans(),
    )
    def submit(self, version: int, event: Event, digest: str, honest: bool) -> None:
        replaces = self._digest(version if event is Event.CANCEL else version - 1) if honest else "?"
        tried = Attempt("R", version, event, digest, Identity("R", version, "A", "L", 2024, replaces))
        decision = decide(tried, list(self.kept.values()), schools=SCHOOLS)
        same = [
            one
            for one in self.kept.values()
            if (one.version, one.digest, one.event is Event.CANCEL) == (version, digest, event is Event.CANCEL)
        ]
        if same:
            assert isinstance(decision, Repeat)
            assert decision.receipt in {one.receipt for one in same}
            return
        assert not isinstance(decision, Repeat)
        if isinstance(decision, Take):
            assert not self.revoked
            assert not any(one.state in PENDING for one in self.kept.values())
            assert version == (self.newest if event is Event.CANCEL else self.newest + 1)
            receipt = f"r{len(self.kept)}"
            self.kept[receipt] = Known(receipt, "R", version, event, digest, State.RECEIVED, "A", "L", 2024)
            self.replaces[receipt] = replaces

    @rule(good=st.booleans())
    def judge(self, good: bool) -> None:
        for one in [one for one in self.kept.values() if one.state in PENDING]:
            settlement = settle(one, good, list(self.kept.values()), replaces=self.replaces[one.receipt])
            for receipt, state in settlement.states.items():
                self.kept[receipt] = replace(self.kept[receipt], state=state)
            if self.kept[one.receipt].state is State.ACCEPTED:
                assert good
                if one.event is Event.CANCEL:
                    self.revoked = True
                else:
                    self.newest = one.version

    @invariant()
    def one_version_in_force(self) -> None:
        versions = [one for one in self.kept.values() if one.event is not Event.CANCEL]
        in_force = [one for one in versions if one.state is State.ACCEPTED]
        assert len(in_force) == (1 if self.newest and not self.revoked else 0)
        taken = [one.version for one in versions if one.state in TAKEN]
        assert sorted(taken) == list(range(1, self.newest + 1))
        assert all(one.version == self.newest for one in in_force)
        assert sum(one.state in PENDING for one in self.kept.values()) <= 1


TestService = Service.TestCase
TestService.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
