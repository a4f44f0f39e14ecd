"""Batches: one result per item, in order; a bad item never harms its neighbours."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, Client, transcript


def learner(number: int) -> str:
    return f"001313{990000 + number}"


def send(client: Client, items: list[Any]) -> list[dict[str, Any]]:
    answer = client.call("submit-batch", json=client.body("batch", items=items))
    assert answer.status_code == 202, answer.text
    results: list[dict[str, Any]] = client.field("batch", "results", answer)
    assert [client.said("batch-result", "index", one) for one in results] == list(range(len(items)))
    return results


def outcome(client: Client, result: dict[str, Any]) -> str:
    """The state of an item that was taken, the error's key of one that was not."""
    problem = client.said("batch-result", "problem", result)
    if problem is None:
        receipt = client.said("batch-result", "id", result)
        return str(client.state(receipt))
    assert client.said("batch-result", "id", result) is None
    assert client.said("problem", "trace", problem)
    code = client.said("problem", "code", problem)
    return next(str(key) for key, row in client.pack.messages["errors"].items() if row["code"] == code)


@pytest.mark.parametrize("place", ["first", "middle", "last", "everywhere"])
def test_a_bad_item_harms_no_other(client: Client, place: str) -> None:
    good = [client.envelope(transcript(learner=learner(number))) for number in range(5)]
    bad: list[tuple[Any, str]] = [
        (client.envelope(b"<x/>", record="r", version=1), "not-a-transcript"),
        (client.envelope(transcript(school=OTHER_SCHOOL)), "forbidden-school"),
        ({}, "bad-request"),
        ({**good[0], next(iter(good[0])): 7}, "bad-request"),
        ({**good[0], "x": 1}, "bad-request"),
        (client.envelope(transcript(learner=learner(20)), content="AA A="), "bad-request"),
        (client.envelope(transcript(version=2), "update"), "record-unknown"),
    ]
    items: list[tuple[Any, str]] = [(one, "accepted") for one in good]
    at = {"first": [0], "middle": [2], "last": [5], "everywhere": [5, 4, 3, 2, 1, 0]}[place]
    for position in at:
        items[position:position] = bad
    results = send(client, [one for one, _ in items])
    assert [outcome(client, one) for one in results] == [wanted for _, wanted in items]


def test_only_what_was_refused_is_sent_again(client: Client) -> None:
    record = str(uuid.uuid4())
    good, refused = transcript(learner=learner(1)), transcript(record, learner=learner(2), school=OTHER_SCHOOL)
    first = send(client, [client.envelope(good), client.envelope(refused)])
    corrected = transcript(record, learner=learner(2))
    second = send(client, [client.envelope(good), client.envelope(corrected)])
    ids = [[client.said("batch-result", "id", one) for one in results] for results in (first, second)]
    assert ids[0][0] == ids[1][0]
    assert ids[0][1] is None
    assert outcome(client, second[1]) == "accepted"


def test_two_items_about_one_record_are_taken_one_after_the_other(client: Client) -> None:
    record = str(uuid.uuid4())
    first = transcript(record)
    digest = client.pack.header.identifiers.digest(first)
    second = transcript(record, 2, replaces=digest)
    results = send(client, [client.envelope(first), client.envelope(first), client.envelope(second, "update")])
    ids = [client.said("batch-result", "id", one) for one in results]
    assert ids[0] == ids[1] != ids[2]
    assert [outcome(client, one) for one in results] == ["superseded", "superseded", "accepted"]


def test_too_many_too_few_or_no_batch_is_refused_whole(client: Client) -> None:
    limit = client.pack.messages["batch-limit"]
    one = client.envelope(transcript())
    answer = client.call("submit-batch", json=client.body("batch", items=[one] * (limit + 1)))
    assert (answer.status_code, client.error(answer)) == (413, "batch-too-long")
    bodies: list[Any] = [
        {},
        [],
        client.body("batch", items=[]),
        client.body("batch", items=[1]),
        client.body("batch", items={}),
    ]
    for body in bodies:
        assert client.error(client.call("submit-batch", json=body)) == "bad-request"
    assert client.space.submissions() == []


def test_a_body_over_the_limit_is_refused_before_it_is_read(client: Client) -> None:
    limit = client.pack.messages["batch-bytes"]
    answer = client.call(
        "submit-batch", content=b"{", headers={"content-type": "application/json", "content-length": str(limit + 1)}
    )
    assert client.error(answer) == "too-large"


def test_the_journal_tells_the_items_apart(client: Client) -> None:
    good = transcript(learner=learner(1))
    send(client, [client.envelope(good), client.envelope(b"<x/>", record="r", version=1)])
    entry = client.space.journal()[-1]
    digest = client.pack.header.identifiers.digest(good)
    assert [one["contentSha256"] == digest for one in entry["request"]["items"]] == [True, False]
    assert [one.get("error", one.get("fresh")) for one in entry["facts"]["items"]] == [True, "not-a-transcript"]
    assert entry["committed"] is True


def test_a_token_is_needed(setup: Setup) -> None:
    client = setup.client()
    client.token = "x"
    for operation in ("submit-batch", "list", "authorise", "retrieve", "in-force"):
        answer = client.call(operation, "r", **({"json": {}} if operation not in ("list", "in-force") else {}))
        assert answer.status_code == 401, operation
