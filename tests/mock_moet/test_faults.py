"""Faults: kind, phase, selector, bound; and what the journal says of them."""

from __future__ import annotations

import uuid
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from conformance.evidence import digest_of
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import CONTROL, PATIENCE, Client, VirtualClock, transcript


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_status_clears_after_its_bound(client: Client, phase: str) -> None:
    client.space.faults({"kind": "status", "operation": "submit", "times": 2, "phase": phase, "retryAfter": 3})
    data = transcript()
    first = client.submit(data)
    assert (first.status_code, client.error(first), first.headers["retry-after"]) == (503, "unavailable", "3")
    assert len(client.space.submissions()) == (phase == "after")
    assert client.submit(data).status_code == 503
    client.receipt(client.submit(data))
    assert len(client.space.submissions()) == 1
    entries = [one for one in client.space.journal() if one["operation"] == "submit"]
    assert [one["committed"] for one in entries] == [phase == "after"] * 2 + [True]
    assert [bool(one["fault"]) for one in entries] == [True, True, False]
    assert [one["delivered"] for one in entries] == [False, False, True]


def test_retry_after_as_a_date_is_never_earlier_than_its_seconds(client: Client, clock: VirtualClock) -> None:
    clock.sleep(0.4)
    client.space.faults({"kind": "status", "status": 429, "retryAfter": 5, "retryAfterDate": True})
    answer = client.submit(transcript())
    assert client.error(answer) == "too-many"
    asked = (parsedate_to_datetime(answer.headers["retry-after"]) - clock.now()).total_seconds()
    assert 5 <= asked < 6
    assert client.space.journal()[-1]["answer"]["retryAfterSeconds"] == pytest.approx(asked)
    assert client.space.journal()[-1]["answer"]["retryAfterIsDate"] is True


def test_selectors_by_operation_call_and_record(client: Client) -> None:
    record = str(uuid.uuid4())
    client.space.faults(
        {"kind": "status", "operation": "status", "nth": 2, "status": 500},
        {"kind": "status", "record": record, "operation": "submit", "error": "too-many", "status": 429},
    )
    receipt = client.receipt(client.submit(transcript()))
    assert client.error(client.submit(transcript(record, learner="001313990005"))) == "too-many"
    assert [client.call("status", receipt).status_code for _ in range(3)] == [200, 500, 200]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_reset_before_and_after_the_commit(client: Client, phase: str) -> None:
    client.space.faults({"kind": "reset", "operation": "submit", "phase": phase})
    data = transcript()
    with pytest.raises(httpx.ReadError):
        client.submit(data)
    kept = client.space.submissions()
    assert len(kept) == (phase == "after")
    receipt = client.receipt(client.submit(data))
    if kept:
        assert kept[0]["receipt"] == receipt
    assert client.space.journal()[1]["answer"] is None


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_delay_longer_than_the_client_waits(client: Client, clock: VirtualClock, phase: str) -> None:
    client.space.faults({"kind": "delay", "operation": "submit", "phase": phase, "seconds": 300})
    with pytest.raises(httpx.ReadTimeout):
        client.submit(transcript())
    assert clock.seconds == pytest.approx(PATIENCE)
    assert len(client.space.submissions()) == (phase == "after")


def test_a_short_delay_only_delays(client: Client, clock: VirtualClock) -> None:
    client.space.faults({"kind": "delay", "operation": "submit", "seconds": 2})
    client.receipt(client.submit(transcript()))
    assert clock.seconds == pytest.approx(2)
    assert client.space.journal()[-1]["delivered"] is True


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_truncated_answer_breaks_off(client: Client, phase: str) -> None:
    client.space.faults({"kind": "truncate", "operation": "submit", "phase": phase})
    with pytest.raises(httpx.RemoteProtocolError):
        client.submit(transcript())
    assert len(client.space.submissions()) == (phase == "after")


BROKEN = {
    "reset-body": httpx.ReadError, "cut-headers": httpx.RemoteProtocolError, "bad-chunk": httpx.RemoteProtocolError,
    "empty": httpx.RemoteProtocolError, "noise": httpx.RemoteProtocolError, "endless": httpx.RemoteProtocolError,
}  # fmt: skip


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("kind", BROKEN)
def test_an_answer_broken_below_http(client: Client, kind: str, phase: str) -> None:
    client.space.faults({"kind": kind, "operation": "submit", "phase": phase})
    data = transcript()
    with pytest.raises(BROKEN[kind]):
        client.submit(data)
    assert len(client.space.submissions()) == (phase == "after")
    client.receipt(client.submit(data))
    broken, whole = client.space.journal()[1:]
    assert (broken["fault"]["kind"], broken["delivered"], whole["fault"]) == (kind, False, None)


@pytest.mark.parametrize("kind", ["drip-headers", "large-headers"])
def test_an_odd_answer_that_is_whole_all_the_same(client: Client, clock: VirtualClock, kind: str) -> None:
    client.space.faults({"kind": kind, "operation": "submit", "seconds": 2})
    answer = client.submit(transcript())
    client.receipt(answer)
    assert clock.seconds == pytest.approx(2)
    assert client.space.journal()[-1]["delivered"] is True
    assert len(answer.headers.get("x-hocba-filler", "")) == (128 * 1024 if kind == "large-headers" else 0)


def test_nobody_listens_for_some_time(client: Client, clock: VirtualClock) -> None:
    client.space.faults({"kind": "refuse", "operation": "submit", "phase": "after", "seconds": 3})
    data = transcript()
    with pytest.raises(httpx.ReadError):
        client.submit(data)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            client.submit(data)
    clock.sleep(3)
    client.receipt(client.submit(data))
    assert len(client.space.journal()) == 3, "whom nobody hears leaves no trace"


def test_garbage_with_200(client: Client) -> None:
    client.space.faults(
        {"kind": "garbage", "operation": "submit"}, {"kind": "garbage", "nth": 2, "body": "{{", "status": 202}
    )
    first = client.submit(transcript())
    assert (first.status_code, first.text[:6]) == (200, "<html>")
    second = client.submit(transcript())
    assert (second.status_code, second.text) == (202, "{{")
    assert client.space.submissions() == []


def test_a_conflict_on_purpose_is_a_final_one(client: Client) -> None:
    """Not "being checked", which a client may ask again after."""
    client.space.faults({"kind": "status", "operation": "submit", "status": 409})
    assert client.error(client.submit(transcript())) == "version-taken"


def test_a_redirect_names_its_target(client: Client) -> None:
    client.space.faults({"kind": "redirect", "operation": "submit", "location": "http://other.invalid/"})
    answer = client.submit(transcript())
    assert (answer.status_code, answer.headers["location"]) == (307, "http://other.invalid/")


def test_unknown_fields_are_merged_and_slow_bodies_arrive_whole(client: Client, clock: VirtualClock) -> None:
    client.space.faults(
        {"kind": "merge", "operation": "submit", "extra": {"surprise": [1]}},
        {"kind": "drip", "operation": "status", "seconds": 3},
    )
    answer = client.submit(transcript())
    assert answer.json()["surprise"] == [1]
    assert client.state(client.receipt(answer)) == "accepted"
    assert clock.seconds == pytest.approx(3)


def test_credentials_can_be_refused_on_purpose(client: Client) -> None:
    client.space.faults(
        {"kind": "status", "operation": "token", "status": 401},
        {"kind": "status", "operation": "status", "status": 401},
    )
    assert client.authenticate().json() == {"error": "invalid_client"}
    assert client.error(client.call("status", "x")) == "unauthorised"
    assert client.authenticate().status_code == 200


def test_cleared_faults_are_gone(client: Client) -> None:
    client.space.faults({"kind": "status", "times": 1000})
    assert client.call("health").status_code == 503
    listed = client.space.control.http.get(f"/spaces/{client.space.space}/faults").json()["faults"]
    assert (listed[0]["seen"], listed[0]["fired"]) == (1, 1)
    client.space.control.http.delete(f"/spaces/{client.space.space}/faults")
    assert client.call("health").status_code == 200


@pytest.mark.parametrize(
    "fault", [{"kind": "nothing"}, {"kind": "status", "operation": "nothing"}, {"kind": "redirect"},
              {"kind": "status", "error": "nothing"}, {"kind": "status", "times": 0}, {"kind": "status", "typo": 1},
              {"kind": "refuse"}, {"kind": "large-headers", "size": 2_000_000}, {"kind": "endless", "size": 10**8}],
)  # fmt: skip
def test_wrong_faults_are_refused(client: Client, fault: dict[str, Any]) -> None:
    answer = client.space.control.http.put(f"/spaces/{client.space.space}/faults", json=[fault])
    assert answer.status_code == 422


def test_the_journal_tells_a_call_without_its_secrets(client: Client) -> None:
    data = transcript()
    receipt = client.receipt(client.submit(data))
    entry = client.space.journal()[-1]
    request = entry["request"]
    assert (entry["operation"], entry["method"], entry["answer"]["status"]) == ("submit", "POST", 202)
    assert (request["contentSha256"], request["contentSize"]) == (digest_of(data), len(data))
    assert entry["facts"]["receipt"] == receipt
    pointers = client.pack.messages["submission"]
    assert {f"/{name}" for name in request["envelope"]} == set(pointers.values()) - {pointers["content"]}
    assert (request["bearer"], request["queryHasToken"]) == (True, False)
    everything = str(client.space.journal())
    assert client.token not in everything
    assert client.space.clientSecret not in everything
    assert CONTROL not in everything


def test_the_journal_knows_what_was_sent_even_when_a_fault_answered(client: Client) -> None:
    client.space.faults({"kind": "status", "operation": "submit", "status": 403})
    data = transcript()
    client.submit(data)
    request = client.space.journal()[-1]["request"]
    assert request["contentSha256"] == digest_of(data)
    assert request["envelope"][client.pack.messages["submission"]["version"][1:]] == 1


@pytest.mark.parametrize("how", ["named", "valued", "in the path"])
def test_a_token_in_a_url_is_noticed_and_not_kept(client: Client, how: str) -> None:
    receipt = client.receipt(client.submit(transcript()))
    match how:
        case "named":
            client.call("status", receipt, params={"access_token": "anything"})
        case "valued":
            client.call("status", receipt, params={"t": client.token})
        case _:
            client.call("status", client.token)
    entry = client.space.journal()[-1]
    assert entry["request"]["queryHasToken"] is True
    assert client.token not in str(entry)


def test_the_journal_goes_on_from_a_number(client: Client) -> None:
    client.call("health")
    path = f"/spaces/{client.space.space}/journal"
    found = client.space.control.http.get(path, params={"after": 1}).json()
    assert [one["n"] for one in found["entries"]] == [2]
    assert found["last"] == 2


def test_a_full_journal_forgets_the_oldest(setups: Any) -> None:
    client = setups(journal_limit=3).client()
    for _ in range(5):
        client.call("health")
    assert [one["n"] for one in client.space.journal()] == [4, 5, 6]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {CONTROL}"}, 401),
        ({"Authorization": ""}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "localhost:8116"}, 200),
    ],
)
def test_control_wants_its_token_and_its_own_host(setup: Setup, headers: dict[str, str], status: int) -> None:
    assert setup.control.http.get("/health", headers=headers).status_code == status


def test_control_explains_wrong_spaces(setup: Setup) -> None:
    post = setup.control.http.post
    assert post("/spaces", json={}).status_code == 422
    assert post("/spaces", json={"schools": ["99"], "surprise": 1}).status_code == 422
    assert setup.control.http.get("/spaces/nothing/journal").status_code == 404


def test_scripts_and_service_are_not_reachable_through_each_other(setup: Setup, client: Client) -> None:
    """The control token opens nothing on the service, the service has no control paths."""
    answer = client.http.post("http://127.0.0.1:8115/spaces", json={"schools": ["99"]})
    assert answer.status_code == 404
    client.token = CONTROL
    assert client.call("status", "x").status_code == 401
