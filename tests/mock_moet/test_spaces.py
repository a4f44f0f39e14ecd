"""Many certification runs at once: spaces that are used at the same time do not see or disturb one another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from mock_moet.operations import OPERATIONS
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import Client, Space, transcript
from tests.mock_moet.test_batches import learner
from tests.mock_moet.test_lists import every

RUNS = 20


def one_run(setup: Setup, number: int) -> tuple[Client, dict[str, Any]]:
    """What a run does and sees: the same learner and identifiers as all others, its own faults, clock and window."""
    client = setup.client(clockOffset=float(number * 3600), tokenLifetime=100 + number)
    space = client.space
    space.faults({"kind": "status", "operation": "submit", "status": 503, "retryAfter": number, "nth": 2})
    space.outcomes({"outcome": "refuse", "nth": 2, "findings": [{"code": f"X{number}"}]})
    record = "00000000-0000-4000-8000-000000000001"
    first = client.receipt(client.submit(transcript(record, note=str(number))))
    faulted = client.submit(transcript(learner=learner(2)))
    second = client.receipt(client.submit(transcript(learner=learner(2))))
    space.control.put(f"/spaces/{space.space}/window", {"closedYears": [2024 if number % 2 else 2030]})
    third = client.submit(transcript(learner=learner(3)))
    health = client.field("health", "time", client.call("health"))
    findings = client.field("status", "findings", client.call("status", second))
    return client, {
        "first": first,
        "retry": faulted.headers.get("retry-after"),
        "state": client.state(first),
        "closed": third.status_code,
        "hour": health,
        "finding": [client.said("finding", "code", one) for one in findings],
        "bytes": client.call("fetch", record).content,
        "listed": len(every(client)),
    }


def test_twenty_runs_at_once_are_what_each_is_alone(setup: Setup) -> None:
    with ThreadPoolExecutor(RUNS) as threads:
        runs = list(threads.map(lambda number: one_run(setup, number), range(RUNS)))
    start = setup.ministry.settings.clock.now()
    for number, (client, seen) in enumerate(runs):
        assert seen["retry"] == str(number)
        assert seen["state"] == "accepted"
        assert seen["closed"] == (403 if number % 2 else 202)
        assert seen["hour"].startswith(start.replace(hour=(start.hour + number) % 24).isoformat()[11:13], 11)
        assert seen["finding"] == [f"X{number}"]
        assert seen["bytes"] == transcript("00000000-0000-4000-8000-000000000001", note=str(number))
        assert seen["listed"] == (2 if number % 2 else 3)
        entries = client.space.journal()
        assert [one["n"] for one in entries] == list(range(1, len(entries) + 1))
        assert {one["path"].split("/")[2] for one in entries} == {client.space.space}
        assert sum(one["fault"] is not None for one in entries) == 1
    # nobody's token, receipt or credentials are good in another space
    (mine, _), (theirs, other) = runs[0], runs[1]
    assert mine.call("status", other["first"]).status_code == 404
    mine.token, kept = theirs.token, mine.token
    assert mine.call("list").status_code == 401
    mine.token = kept
    stolen = Client(_with_credentials(mine.space, theirs.space), setup.transport)
    assert stolen.authenticate().status_code == 401
    stolen.http.close()


def _with_credentials(space: Space, of: Space) -> Space:
    return Space(space.control, space.space, space.baseUrl, space.tokenUrl, of.clientId, of.clientSecret)


def test_a_dropped_space_takes_all_of_its_own_with_it_and_nothing_else(setup: Setup) -> None:
    gone, stays = setup.client(), setup.client()
    receipt = stays.receipt(stays.submit(transcript()))
    gone.receipt(gone.submit(transcript()))
    assert setup.control.http.delete(f"/spaces/{gone.space.space}").status_code == 204
    assert gone.call("list").status_code == 404
    assert stays.state(receipt) == "accepted"
    with setup.ministry.store.read(gone.space.space) as transaction:
        assert transaction.everything() == []


def test_what_is_served_is_what_the_pack_describes(client: Client) -> None:
    served = client.http.get(f"{client.space.baseUrl}/openapi.json")
    assert served.json() == client.pack.service
    described = {row["operationId"] for methods in served.json()["paths"].values() for row in methods.values()}
    assert described == set(OPERATIONS)


def test_a_full_space_says_so_and_keeps_what_it_has(setups: Callable[..., Setup]) -> None:
    setup = setups()
    data = transcript()
    client = setup.client(quotaBytes=len(data) * 2)
    receipt = client.receipt(client.submit(data))
    answer: httpx.Response | None = None
    for number in range(2, 5):
        answer = client.submit(transcript(learner=learner(number)))
    assert answer is not None
    assert (answer.status_code, client.error(answer)) == (429, "quota")
    assert int(answer.headers["retry-after"]) > 0
    assert client.receipt(client.submit(data)) == receipt
    other = setup.client()
    assert other.submit(transcript(learner=learner(9))).status_code == 202
