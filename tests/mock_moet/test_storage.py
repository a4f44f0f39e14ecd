"""A store that cannot be written or reached: 503 in both languages, nothing taken, the service goes on and recovers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from mock_moet.ministry import Ministry, Settings
from tests.mock_moet.conftest import Setup, emptied
from tests.mock_moet.helpers import Client, VirtualClock, transcript
from tests.mock_moet.test_batches import learner, outcome


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[tuple[Setup, Client]]:
    setup = Setup(VirtualClock(), database=f"sqlite:///{tmp_path / 'store.db'}")
    yield setup, setup.client()
    setup.close()


def pragma(setup: Setup, statement: str) -> None:
    """Set something on every connection from now on."""
    engine = setup.ministry.store._engine
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {statement}"))


def refused(client: Client, answer: httpx.Response) -> None:
    assert (answer.status_code, client.error(answer)) == (503, "storage")
    assert int(answer.headers["retry-after"]) > 0
    shown = answer.json()
    assert client.said("problem", "detail", shown) != client.said("problem", "detail-en", shown)


def fill(client: Client, most: int = 400) -> list[str]:
    """Submit until the store takes no more."""
    receipts: list[str] = []
    for number in range(most):
        answer = client.submit(transcript(learner=learner(number), note="x" * 20_000))
        if answer.status_code != 202:
            refused(client, answer)
            return receipts
        receipts.append(client.receipt(answer))
    pytest.fail("the store never filled up")


def test_a_full_disk_is_a_clear_error_and_loses_nothing(filed: tuple[Setup, Client]) -> None:
    setup, client = filed
    with setup.ministry.store._read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
    pragma(setup, f"max_page_count={int(pages or 0) + 20}")
    receipts = fill(client)
    assert receipts
    refused(client, client.submit(transcript(learner=learner(900), note="x" * 60_000)))
    assert [client.state(one) for one in receipts] == ["accepted"] * len(receipts)
    pragma(setup, "max_page_count=1073741823")
    assert client.state(client.receipt(client.submit(transcript(learner=learner(901))))) == "accepted"


def test_a_read_only_store_can_still_be_read(filed: tuple[Setup, Client]) -> None:
    setup, client = filed
    data = transcript()
    receipt = client.receipt(client.submit(data))
    pragma(setup, "query_only=ON")
    refused(client, client.submit(transcript(learner=learner(2))))
    refused_batch = client.call("submit-batch", json=client.body("batch", items=[client.envelope(transcript())]))
    refused(client, refused_batch)
    assert client.state(receipt) == "accepted"
    assert client.call("health").status_code == 200
    pragma(setup, "query_only=OFF")
    assert client.receipt(client.submit(data)) == receipt


def test_a_batch_that_fills_the_store_tells_what_was_taken(filed: tuple[Setup, Client]) -> None:
    setup, client = filed
    with setup.ministry.store._read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
    pragma(setup, f"max_page_count={int(pages or 0) + 20}")
    items = [client.envelope(transcript(learner=learner(number), note="x" * 20_000)) for number in range(30)]
    answer = client.call("submit-batch", json=client.body("batch", items=items))
    outcomes = [outcome(client, one) for one in client.field("batch", "results", answer)]
    assert outcomes[0] == "accepted"
    assert outcomes[-1] == "storage"
    assert outcomes.count("accepted") == len(client.space.submissions())


def test_judging_waits_until_the_store_is_back(tmp_path: Path) -> None:
    setup = Setup(VirtualClock(), database=f"sqlite:///{tmp_path / 'store.db'}", judging="background")
    try:
        client = setup.client()
        settle = setup.ministry.judges._settle
        settled = Event()
        failures = [OperationalError("", None, Exception("disk full"))]

        def failing(*arguments: Any) -> None:
            if failures:
                raise failures.pop()
            settle(*arguments)
            settled.set()

        setup.ministry.judges._settle = failing  # type: ignore[method-assign, assignment]
        receipt = client.receipt(client.submit(transcript()))
        assert settled.wait(60)
        assert client.state(receipt) == "accepted"
    finally:
        setup.close()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_small_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine mounts nothing")
    try:
        setup = Setup(VirtualClock(), database=f"sqlite:///{disk / 'store.db'}")
        try:
            client = setup.client()
            receipts = fill(client)
            assert receipts
            assert client.state(receipts[0]) == "accepted"
        finally:
            setup.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_database_server_that_goes_away_and_comes_back(database: str) -> None:
    url = emptied(database)
    setup = Setup(VirtualClock(), database=url, shared=True)
    try:
        client = setup.client()
        receipt = client.receipt(client.submit(transcript()))
        engine = setup.ministry.store._engine
        # no new connection, and the old ones cut
        real = engine.pool._creator
        engine.pool._creator = lambda *_: (_ for _ in ()).throw(OperationalError("", None, Exception("gone")))
        engine.dispose()
        answer = client.submit(transcript(learner=learner(2)))
        engine.pool._creator = real
        refused(client, answer)
        engine.dispose()
        assert client.state(receipt) == "accepted"
    finally:
        setup.close()


def test_a_store_that_cannot_be_opened_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OperationalError):
        Ministry(Settings(database=f"sqlite:///{tmp_path}/no/such/folder/store.db"))
