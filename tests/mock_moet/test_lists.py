"""Lists of own records: cursors stay good while records are added, filters, nobody else's records."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, SCHOOL, Client, transcript
from tests.mock_moet.test_batches import learner, send


def fill(client: Client, count: int, start: int = 0, **more: Any) -> list[str]:
    records = [str(uuid.uuid4()) for _ in range(count)]
    for at in range(0, count, 100):
        send(
            client,
            [
                client.envelope(transcript(record, learner=learner(start + at + number), **more))
                for number, record in enumerate(records[at : at + 100])
            ],
        )
    return records


def page(client: Client, **asked: str) -> tuple[list[dict[str, Any]], str | None]:
    names = client.pack.messages["query"]
    answer = client.call("list", params={names[key.replace("_", "-")]: value for key, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return client.field("list", "items", answer), client.field("list", "next", answer)


def every(client: Client, **asked: str) -> list[str]:
    found, cursor = page(client, **asked)
    while cursor is not None:
        more, cursor = page(client, **asked, cursor=cursor)
        found += more
    return [client.said("list-item", "record", one) for one in found]


@pytest.fixture
def quick(setup: Setup) -> Client:
    return setup.client(judging="accept-all", acceptUnreserved=True)


def test_pages_follow_each_other_while_records_are_added(quick: Client) -> None:
    size = quick.pack.messages["page-size"]
    first = fill(quick, size + 3)
    items, cursor = page(quick)
    assert cursor is not None
    added = fill(quick, 4, start=size + 3)
    rest, last = page(quick, cursor=cursor)
    assert last is None
    assert [quick.said("list-item", "record", one) for one in items + rest] == first + added
    # an amendment does not move a record to another page
    one = transcript(first[0], 2, learner=learner(0), replaces=quick.said("list-item", "digest", items[0]))
    quick.receipt(quick.submit(one, "update"))
    assert every(quick) == first + added
    assert quick.said("list-item", "version", page(quick)[0][0]) == 2
    assert page(quick, cursor=cursor)[0] == rest


def test_filters(quick: Client) -> None:
    record = fill(quick, 1)[0]
    older = fill(quick, 1, start=1, year="2025-2026")[0]
    quick.space.outcomes({"outcome": "refuse", "findings": []})
    refused = fill(quick, 1, start=2)[0]
    states = quick.pack.messages["states"]
    assert every(quick) == [record, older, refused]
    assert every(quick, state=states["accepted"]) == [record, older]
    assert every(quick, state=states["refused"], school=SCHOOL) == [refused]
    assert every(quick, school_year="2025-2026") == [older]
    assert every(quick, school=OTHER_SCHOOL) == []
    shown = page(quick, school_year="2025-2026")[0][0]
    assert quick.said("list-item", "school-year", shown) == "2025-2026"
    assert quick.said("list-item", "school", shown) == SCHOOL


def test_nobody_sees_another_schools_records(setup: Setup, quick: Client) -> None:
    record = fill(quick, 1)[0]
    other = Client(quick.space.client(OTHER_SCHOOL), setup.transport)
    setup.clients.append(other)
    other.authenticate()
    own = fill(other, 1, start=1, school=OTHER_SCHOOL)[0]
    assert (every(quick), every(other)) == ([record], [own])
    assert every(other, school=SCHOOL) == []
    receipt = quick.space.submissions()[0]["receipt"]
    assert other.call("status", receipt).status_code == other.call("status", "no-such").status_code == 404
    assert other.error(other.call("fetch", record)) == other.error(other.call("fetch", "x")) == "not-found"
    assert other.error(other.call("in-force", record)) == other.error(other.call("in-force", "x")) == "not-found"


def test_wrong_cursors_and_filters_are_bad_requests(setup: Setup, quick: Client) -> None:
    size = quick.pack.messages["page-size"]
    fill(quick, size + 1)
    cursor = page(quick)[1]
    assert cursor is not None
    names = quick.pack.messages["query"]
    other = Client(quick.space.client(SCHOOL), setup.transport)
    setup.clients.append(other)
    other.authenticate()
    flipped = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for asking, query in (
        (quick, {"cursor": flipped}), (quick, {"cursor": "đ"}), (quick, {"cursor": ""}), (quick, {"cursor": "A" * 32}),
        (quick, {"cursor": cursor, "school": SCHOOL}), (other, {"cursor": cursor}),
        (quick, {"state": "x"}), (quick, {"school-year": "2024-2026"}), (quick, {"school-year": "x"}),
        (quick, {"school": "a\0b"}),
    ):  # fmt: skip
        answer = asking.call("list", params={names[key]: value for key, value in query.items()})
        assert (answer.status_code, asking.error(answer)) == (400, "bad-request"), query
