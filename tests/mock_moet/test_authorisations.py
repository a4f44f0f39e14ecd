"""Authorisations: one purpose, one receiver, an end, one use; retrieval that survives a lost answer."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from mock_moet.grants import Grant, refusal_to_ask, refusal_to_retrieve
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, Client, VirtualClock, transcript
from tests.mock_moet.test_revocation import digest_of

CODE = "9900000001"


@dataclass
class Both:
    """A school that holds a transcript, and one that wants it."""

    setup: Setup
    clock: VirtualClock
    sender: Client
    receiver: Client
    record: str
    data: bytes

    def stranger(self, *schools: str) -> Client:
        client = Client(self.sender.space.client(*schools), self.setup.transport)
        self.setup.clients.append(client)
        client.authenticate()
        return client

    def authorise(self, **more: Any) -> httpx.Response:
        purpose = more.pop("purpose", "transfer")
        values = {
            "learner": CODE,
            "purpose": self.sender.pack.messages["purposes"].get(purpose, purpose),
            "receiver": OTHER_SCHOOL,
            "until": (self.clock.now() + timedelta(days=1)).isoformat(),
            **more,
        }
        return self.sender.call("authorise", json=self.sender.body("authorisation-request", **values))

    def code(self, **more: Any) -> str:
        answer = self.authorise(**more)
        assert answer.status_code == 201, answer.text
        return str(self.sender.field("authorisation", "code", answer))

    def retrieve(self, code: str, client: Client | None = None, **more: Any) -> httpx.Response:
        asking = client or self.receiver
        return asking.call("retrieve", json=asking.body("retrieval-request", code=code, **more))

    def in_force(self, code: str, client: Client | None = None) -> httpx.Response:
        asking = client or self.receiver
        name = asking.pack.messages["headers"]["authorisation"]
        return asking.call("in-force", self.record, headers={name: code})


@pytest.fixture
def both(setup: Setup, clock: VirtualClock) -> Both:
    sender = setup.client()
    receiver = Client(sender.space.client(OTHER_SCHOOL), setup.transport)
    setup.clients.append(receiver)
    receiver.authenticate()
    record = str(uuid.uuid4())
    data = transcript(record)
    sender.receipt(sender.submit(data))
    return Both(setup, clock, sender, receiver, record, data)


def handed_out(client: Client, answer: httpx.Response) -> list[bytes]:
    assert answer.status_code == 200, answer.text
    items = client.field("retrieval", "items", answer)
    return [base64.b64decode(client.said("retrieval-item", "content", one)) for one in items]


def test_the_receiver_gets_the_bytes_that_were_accepted(both: Both) -> None:
    code = both.code(purpose="upper-secondary")
    assert len(code) >= 22
    answer = both.retrieve(code)
    assert handed_out(both.receiver, answer) == [both.data]
    assert both.receiver.field("retrieval", "learner", answer) == CODE
    purposes = both.receiver.pack.messages["purposes"]
    assert both.receiver.field("retrieval", "purpose", answer) == purposes["upper-secondary"]
    item = both.receiver.field("retrieval", "items", answer)[0]
    assert both.receiver.said("retrieval-item", "record", item) == both.record
    assert both.receiver.said("retrieval-item", "digest", item) == digest_of(both.data)


def test_codes_are_drawn_and_kept_as_hashes(both: Both) -> None:
    codes = {both.code() for _ in range(5)}
    assert len(codes) == 5
    journal = str(both.sender.space.journal())
    assert not [code for code in codes if code in journal]


def test_a_lost_answer_may_be_asked_for_again_by_the_same_client_for_a_while(both: Both) -> None:
    code = both.code()
    first = both.retrieve(code)
    assert both.retrieve(code).json() == first.json()
    same_unit = both.stranger(OTHER_SCHOOL)
    assert both.receiver.error(both.retrieve(code, same_unit)) == "authorisation-used"
    both.clock.sleep(both.receiver.pack.messages["retrieve-again"] + 1)
    answer = both.retrieve(code)
    assert (answer.status_code, both.receiver.error(answer)) == (403, "authorisation-used")
    # what is in force may still be asked, by the client that used it
    assert both.in_force(code).status_code == 200
    assert both.receiver.error(both.in_force(code, same_unit)) == "authorisation-used"


def test_a_reset_after_the_commit_loses_nothing(both: Both) -> None:
    code = both.code()
    both.sender.space.faults({"kind": "reset", "operation": "retrieve", "phase": "after"})
    with pytest.raises(httpx.ReadError):
        both.retrieve(code)
    assert handed_out(both.receiver, both.retrieve(code)) == [both.data]


def test_another_receiver_purpose_time_or_code_is_refused_with_its_own_error(both: Both) -> None:
    code = both.code()
    purposes = both.receiver.pack.messages["purposes"]
    wanted = {
        "authorisation-foreign": both.retrieve(code, both.stranger("99000003")),
        "authorisation-purpose": both.retrieve(code, purpose=purposes["graduation"]),
        "authorisation-unknown": both.retrieve("A" * 43),
    }
    assert {key: both.receiver.error(answer) for key, answer in wanted.items()} == {key: key for key in wanted}
    # a refused attempt does not use it up
    assert both.retrieve(code, purpose=purposes["transfer"]).status_code == 200
    late = both.code()
    both.clock.sleep(86_401)
    both.receiver.authenticate()
    assert both.receiver.error(both.retrieve(late)) == "authorisation-expired"
    assert both.receiver.error(both.in_force(late)) == "authorisation-expired"


def test_only_the_holder_authorises_only_what_it_holds(both: Both) -> None:
    assert both.sender.error(both.authorise(learner="9900000009")) == "not-found"
    body = both.sender.body(
        "authorisation-request", learner=CODE, purpose=both.sender.pack.messages["purposes"]["transfer"],
        receiver=OTHER_SCHOOL, until=(both.clock.now() + timedelta(days=1)).isoformat(),
    )  # fmt: skip
    assert both.receiver.error(both.receiver.call("authorise", json=body)) == "not-found"


@pytest.mark.parametrize(
    "until", ["2025-05-31T08:00:00", "2027-06-01T08:00:00", "9999-12-31T23:59:59", "tomorrow at nine o'clock"]
)
def test_an_authorisation_ends_within_its_longest_period(both: Both, until: str) -> None:
    assert both.sender.error(both.authorise(until=until)) == "authorisation-period"


def test_a_time_without_zone_is_the_packs(both: Both) -> None:
    local = (both.clock.now() + timedelta(hours=1)).astimezone(both.sender.pack.timezone).replace(tzinfo=None)
    code = both.code(until=local.isoformat(timespec="seconds"))
    both.clock.sleep(3500)
    assert both.retrieve(code).status_code == 200


def test_one_code_of_two_learners_is_not_guessed(both: Both) -> None:
    both.sender.receipt(both.sender.submit(transcript(learner="001313990002")))
    assert both.sender.error(both.authorise()) == "learner-unclear"


def test_revoked_and_superseded_versions_are_not_handed_out(both: Both) -> None:
    second = transcript(both.record, 2, replaces=digest_of(both.data))
    code, later = both.code(), both.code()
    both.sender.receipt(both.sender.submit(second, "update"))
    assert handed_out(both.receiver, both.retrieve(code)) == [second]
    answer = both.in_force(code)
    assert both.receiver.field("in-force", "version", answer) == 2
    assert both.receiver.field("in-force", "digest", answer) == digest_of(second)
    assert both.receiver.field("in-force", "revoked", answer) is False
    # as a revocation leaves it
    with both.setup.ministry.store.write(both.sender.space.space) as transaction:
        for one in transaction.of_record(both.record):
            if one.known.version == 2:
                transaction.change(one.known.receipt, state="revoked")
    assert handed_out(both.receiver, both.retrieve(later)) == []
    assert both.sender.error(both.authorise()) == "not-found"
    assert both.receiver.field("in-force", "revoked", both.in_force(code)) is True
    assert both.sender.field("in-force", "revoked", both.sender.call("in-force", both.record)) is True


def test_an_authorisation_opens_no_other_learners_record(both: Both) -> None:
    other = str(uuid.uuid4())
    both.sender.receipt(both.sender.submit(transcript(other, learner="001313990002", code="9900000002")))
    code = both.code()
    assert handed_out(both.receiver, both.retrieve(code)) == [both.data]
    name = both.receiver.pack.messages["headers"]["authorisation"]
    answer = both.receiver.call("in-force", other, headers={name: code})
    assert both.receiver.error(answer) == "not-found"


def test_a_test_can_place_what_receiving_software_must_refuse(both: Both) -> None:
    http, space = both.sender.space.control.http, both.sender.space.space
    old, new = str(uuid.uuid4()), []
    first = transcript(old, learner="001313990005", code="9900000005")
    for data, more in (
        (first, {"state": "superseded", "handedOut": True}),
        (transcript(old, 2, learner="001313990005", code="9900000005", replaces=digest_of(first)), {}),
    ):
        answer = http.post(f"/spaces/{space}/records", json={"content": base64.b64encode(data).decode(), **more})
        assert answer.status_code == 201, answer.text
        new.append(answer.json())
    assert [one["version"] for one in new] == [1, 2]
    wanted = {"learner": "9900000005", "receiver": OTHER_SCHOOL}
    code = http.post(f"/spaces/{space}/authorisations", json=wanted).json()["code"]
    assert handed_out(both.receiver, both.retrieve(code)) == [first]
    name = both.receiver.pack.messages["headers"]["authorisation"]
    answer = both.receiver.call("in-force", old, headers={name: code})
    assert both.receiver.field("in-force", "version", answer) == 2
    for change, error in (
        ({"seconds": -1}, "expired"),
        ({"used": True}, "used"),
        ({"receiver": "99000009"}, "foreign"),
    ):
        bad = http.post(f"/spaces/{space}/authorisations", json={**wanted, **change}).json()["code"]
        assert both.receiver.error(both.retrieve(bad)) == f"authorisation-{error}"
    for body in ({**wanted, "purpose": "x"}, {**wanted, "learner": "9900000077"}):
        assert http.post(f"/spaces/{space}/authorisations", json=body).status_code == 422
    for content in ("?", base64.b64encode(b"<x/>").decode(), base64.b64encode(first).decode()):
        assert http.post(f"/spaces/{space}/records", json={"content": content}).status_code == 422


GRANT = Grant("l", "c", frozenset({"s"}), "transfer", "r", until=100.0)


@pytest.mark.parametrize(
    ("grant", "client", "schools", "now", "purpose", "wanted"),
    [
        (None, "a", {"r"}, 0, None, "authorisation-unknown"),
        (GRANT, "a", {"r"}, 99.9, None, ""),
        (GRANT, "a", {"r"}, 100, None, "authorisation-expired"),
        (GRANT, "a", {"s"}, 0, None, "authorisation-foreign"),
        (GRANT, "a", {"r"}, 0, "graduation", "authorisation-purpose"),
        (GRANT, "a", {"r", "s"}, 0, "transfer", ""),
    ],
)
def test_rules(
    grant: Grant | None, client: str, schools: set[str], now: float, purpose: str | None, wanted: str
) -> None:
    assert refusal_to_retrieve(grant, client=client, schools=schools, now=now, again=9, purpose=purpose) == wanted
    if purpose is None:
        assert refusal_to_ask(grant, client=client, schools=schools, now=now) == wanted
