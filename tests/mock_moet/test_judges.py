"""Judging in processes: what one of them dies of is found out, and what it had in hand beside that is judged."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from threading import Event
from typing import Any

import pytest

from mock_moet.judges import Case, Judges
from mock_moet.judging import Opinion
from mock_moet.rules import PENDING, State
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import Client, VirtualClock, transcript
from tests.mock_moet.test_batches import learner

PATIENCE = 12_000
"""Looks at what became of a submission, a hundredth of a second apart."""


class Pool:
    """Stands for a pool of processes: judges at once, dies of a document that says so, is of no use from then on."""

    parcels: list[int]

    def __init__(self, parcels: list[int]) -> None:
        self.parcels = parcels
        self.broken = False

    def submit(self, _: object, cases: list[Case]) -> Future[list[Opinion]]:
        done: Future[list[Opinion]] = Future()
        self.parcels.append(len(cases))
        self.broken = self.broken or any(b"deadly" in one.content for one in cases)
        if self.broken:
            done.set_exception(BrokenProcessPool("died"))
        else:
            done.set_result([Opinion(good=True) for _ in cases])
        return done

    def shutdown(self, **_: Any) -> None:
        """Nothing to end."""


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Setup, list[int], Event]]:
    """A service that judges in such a pool, once the event says so; sizes of the parcels that were sent."""
    parcels: list[int] = []
    go = Event()
    look = Judges._look

    def executor(judges: Judges) -> Any:
        if judges._pool is None:
            judges._pool = Pool(parcels)  # type: ignore[assignment]  # a pool that dies as told
        return judges._pool

    def looking(judges: Judges) -> None:
        assert go.wait(120)
        look(judges)

    monkeypatch.setattr(Judges, "_executor", executor)
    monkeypatch.setattr(Judges, "_look", looking)
    setup = Setup(VirtualClock(), judging="background")
    setup.ministry.judges._processes = 1
    yield setup, parcels, go
    go.set()
    setup.close()


def outcomes(client: Client, receipts: list[str], done: Any) -> list[str]:
    found: list[str] = []
    for _ in range(PATIENCE):
        found = [client.state(one) for one in receipts]
        if done(found):
            break
        Event().wait(0.01)
    return found


def test_a_document_that_kills_its_judge_takes_no_other_with_it(pooled: tuple[Setup, list[int], Event]) -> None:
    setup, parcels, go = pooled
    client = setup.client()
    notes = ["", "", "deadly", "", "", ""]
    receipts = [
        client.receipt(client.submit(transcript(learner=learner(at), note=note))) for at, note in enumerate(notes)
    ]
    go.set()
    good = [receipt for receipt, note in zip(receipts, notes, strict=True) if not note]
    assert outcomes(client, good, lambda found: set(found) == {"accepted"}) == ["accepted"] * 5
    for _ in range(PATIENCE):
        rows = {one["receipt"]: one for one in client.space.submissions()}
        if rows[receipts[2]]["error"]:
            break
        Event().wait(0.01)
    assert "died over this submission" in rows[receipts[2]]["error"]
    assert client.state(receipts[2]) == "checking"
    assert parcels[0] > 1, "they were sent together"
    assert set(parcels[1:]) == {1}, "what may have killed it is judged alone"
    later = client.receipt(client.submit(transcript(learner=learner(9))))
    assert outcomes(client, [later], lambda found: found == ["accepted"]) == ["accepted"]


def test_of_two_records_of_one_learner_that_are_settled_together_one_is_taken(
    pooled: tuple[Setup, list[int], Event],
) -> None:
    setup, parcels, go = pooled
    client = setup.client()
    receipts = [client.receipt(client.submit(transcript(learner=learner(1)))) for _ in range(3)]
    go.set()
    found = outcomes(client, receipts, lambda found: not set(found) & {one.value for one in PENDING})
    assert found == [State.ACCEPTED, State.REFUSED, State.REFUSED]
    assert parcels == [3]
