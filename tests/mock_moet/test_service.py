"""The service by its operations: what it takes, what it answers, what it keeps."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence import digest_of
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, Client, VirtualClock, condemning, transcript


def test_a_transcript_is_received_accepted_and_fetched_to_the_byte(client: Client) -> None:
    record = str(uuid.uuid4())
    data = transcript(record)
    receipt = client.receipt(client.submit(data))
    assert client.state(receipt) == "accepted"
    answer = client.call("fetch", record)
    assert answer.content == data
    assert answer.headers["etag"] == f'"{digest_of(data)}"'
    assert client.call("fetch", record, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_health_is_open_and_says_that_it_is_a_test_service(client: Client) -> None:
    client.token = ""
    answer = client.call("health")
    assert answer.status_code == 200
    assert client.pack.messages["notice"]["en"] in client.field("health", "notice", answer)


def test_code_lists_carry_validity_and_answer_conditional_requests(client: Client) -> None:
    name = next(iter(client.pack.codes))
    answer = client.call("code-lists", name)
    entries = client.field("code-list", "entries", answer)
    assert len(entries) == len(client.pack.codes[name].entries)
    assert client.call("code-lists", name, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.error(client.call("code-lists", "nothing")) == "not-found"


@pytest.mark.parametrize(("name", "secret"), [("", ""), ("right", "wrong"), ("wrong", "right"), ("ü", "ñ")])
def test_wrong_credentials_get_no_token(client: Client, name: str, secret: str) -> None:
    space = client.space
    space.clientId = space.clientId if name == "right" else name
    space.clientSecret = space.clientSecret if secret == "right" else secret
    answer = client.authenticate()
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_another_grant_type_is_refused(client: Client) -> None:
    pair = (client.space.clientId, client.space.clientSecret)
    answer = client.http.post(client.space.tokenUrl, data={"grant_type": "password"}, auth=pair)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_a_token_expires_on_the_space_s_clock(setup: Setup, clock: VirtualClock) -> None:
    client = setup.client(tokenLifetime=60)
    assert client.call("status", "x").status_code == 404
    clock.sleep(61)
    answer = client.call("status", "x")
    assert client.error(answer) == "unauthorised"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    client.authenticate()
    assert client.call("status", "x").status_code == 404


def test_dropped_tokens_are_unknown(client: Client) -> None:
    client.space.control.http.delete(f"/spaces/{client.space.space}/tokens")
    assert client.call("status", "x").status_code == 401


def test_the_same_bytes_get_the_same_receipt(client: Client) -> None:
    data = transcript()
    first = client.receipt(client.submit(data))
    again = client.submit(data)
    assert client.receipt(again) == first
    assert client.field("receipt", "state", again) == client.pack.messages["states"]["accepted"]
    assert len(client.space.submissions()) == 1


def test_amendment_supersedes_and_checks_what_it_replaces(client: Client) -> None:
    record = str(uuid.uuid4())
    first = transcript(record)
    receipt = client.receipt(client.submit(first))
    wrong = client.receipt(client.submit(transcript(record, 2, replaces="0" * 64), "update"))
    assert client.state(wrong) == "refused"
    second = transcript(record, 2, replaces=digest_of(first))
    right = client.receipt(client.submit(second, "update"))
    assert (client.state(right), client.state(receipt)) == ("accepted", "superseded")
    assert client.call("fetch", record).content == second
    name = client.pack.messages["query"]["version"]
    assert client.call("fetch", record, params={name: 1}).content == first
    assert client.error(client.call("fetch", record, params={name: 3})) == "not-found"
    assert client.error(client.call("fetch", record, params={name: "0"})) == "bad-request"


def test_an_amendment_keeps_its_learner(client: Client) -> None:
    record = str(uuid.uuid4())
    first = transcript(record)
    client.submit(first)
    other = transcript(record, 2, replaces=digest_of(first), learner="001313990002")
    answer = client.call("status", client.receipt(client.submit(other, "update")))
    codes = [one[client.pack.messages["finding"]["code"][1:]] for one in client.field("status", "findings", answer)]
    assert codes == [client.pack.messages["findings"]["identity-changed"]["code"]]


@pytest.mark.parametrize(
    ("version", "event", "note", "error"),
    [
        (1, "new", "other bytes", "version-taken"),
        (2, "new", "", "record-exists"),
        (3, "update", "", "version-order"),
        (1, "update", "other bytes", "version-taken"),
    ],
)
def test_versions_only_follow_each_other(client: Client, version: int, event: str, note: str, error: str) -> None:
    record = str(uuid.uuid4())
    client.receipt(client.submit(transcript(record)))
    answer = client.submit(transcript(record, version, note=note), event)
    assert client.error(answer) == error
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == client.pack.messages["errors"][error]["status"]


def test_an_unknown_record_cannot_be_amended_nor_begin_at_two(client: Client) -> None:
    assert client.error(client.submit(transcript(version=1), "update")) == "record-unknown"
    assert client.error(client.submit(transcript(version=2), "new")) == "version-order"


def test_a_refused_version_may_be_sent_again_corrected(setups: Callable[..., Setup]) -> None:
    client = setups(judge=condemning(("PL1-MON-008", "cut-off"))).client()
    record = str(uuid.uuid4())
    bad = transcript(record, note="bad")
    receipt = client.receipt(client.submit(bad))
    answer = client.call("status", receipt)
    assert client.state(receipt) == "refused"
    finding = client.pack.messages["finding"]
    (shown,) = client.field("status", "findings", answer)
    assert (shown[finding["code"][1:]], shown[finding["requirement"][1:]]) == ("PL1-MON-008.cut-off", "PL1-MON-008")
    assert client.error(client.call("fetch", record)) == "not-found"
    assert client.receipt(client.submit(bad)) == receipt
    corrected = client.receipt(client.submit(transcript(record)))
    assert corrected != receipt
    assert client.state(corrected) == "accepted"


def test_a_second_record_for_learner_and_year_is_refused_with_its_own_code(client: Client) -> None:
    client.receipt(client.submit(transcript()))
    assert client.error(client.submit(transcript())) == "second-record"
    client.receipt(client.submit(transcript(year="2025-2026")))
    client.receipt(client.submit(transcript(learner="001313990777")))


def test_two_rivals_under_checking_never_both_come_into_force(client: Client) -> None:
    client.space.outcomes({"polls": 1, "times": 2})
    receipts = [client.receipt(client.submit(transcript())) for _ in range(2)]
    for receipt in receipts:
        assert client.state(receipt) == "checking"
    assert sorted(client.state(receipt) for receipt in receipts) == ["accepted", "refused"]


def test_what_is_no_transcript_is_refused_at_the_door(client: Client) -> None:
    answer = client.submit(b"<html/>", record="x", version=1)
    assert (answer.status_code, client.error(answer)) == (422, "not-a-transcript")
    assert client.space.submissions() == []


@pytest.mark.parametrize("other", [{"record": "other"}, {"version": 7}])
def test_the_envelope_must_agree_with_the_document(client: Client, other: dict[str, Any]) -> None:
    answer = client.submit(transcript(), **other)
    assert (answer.status_code, client.error(answer)) == (422, "envelope-mismatch")


def test_a_school_must_belong_to_the_token(client: Client) -> None:
    assert client.error(client.submit(transcript(school=OTHER_SCHOOL))) == "forbidden-school"


def test_a_closed_window_refuses_new_things_but_repeats_old_receipts(client: Client) -> None:
    data = transcript()
    receipt = client.receipt(client.submit(data))
    client.space.control.put(f"/spaces/{client.space.space}/window", {"closedYears": [2024]})
    assert client.error(client.submit(transcript(learner="001313990003"))) == "window-closed"
    assert client.receipt(client.submit(data)) == receipt


def test_scripted_checking_lasts_as_many_polls_and_blocks_the_record(client: Client) -> None:
    record = str(uuid.uuid4())
    client.space.outcomes({"polls": 2, "outcome": "judge"})
    receipt = client.receipt(client.submit(transcript(record)))
    assert client.error(client.submit(transcript(record, note="x"))) == "being-checked"
    assert [client.state(receipt) for _ in range(3)] == ["checking", "checking", "accepted"]


def test_scripted_refusal_with_forty_findings(client: Client) -> None:
    findings = [{"code": f"X.{n}", "requirement": "X", "place": f"/HocBa/{n}", "text": str(n)} for n in range(40)]
    client.space.outcomes({"outcome": "refuse", "findings": findings, "nth": 2})
    first = client.receipt(client.submit(transcript()))
    second = client.receipt(client.submit(transcript(learner="001313990004")))
    assert (client.state(first), client.state(second)) == ("accepted", "refused")
    shown = client.field("status", "findings", client.call("status", second))
    pointers = client.pack.messages["finding"]
    assert [one[pointers["code"][1:]] for one in shown] == [f"X.{n}" for n in range(40)]


def test_numbers_of_real_people_are_refused(setup: Setup) -> None:
    client = setup.client()
    receipt = client.receipt(client.submit(transcript(learner="001313123456")))
    answer = client.call("status", receipt)
    (shown,) = client.field("status", "findings", answer)
    assert (
        shown[client.pack.messages["finding"]["code"][1:]] == client.pack.messages["findings"]["not-reserved"]["code"]
    )
    lenient = setup.client(acceptUnreserved=True)
    assert lenient.state(lenient.receipt(lenient.submit(transcript(learner="001313123456")))) == "accepted"


def test_a_failing_check_is_never_a_verdict(setups: Callable[..., Setup], caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("a check failed")

    client = setups(judge=broken).client()
    receipt = client.receipt(client.submit(transcript()))
    assert client.state(receipt) == "checking"
    (kept,) = client.space.submissions()
    assert kept["error"] == "ZeroDivisionError: a check failed"


def test_spaces_know_nothing_of_each_other(setup: Setup) -> None:
    one, two = setup.client(), setup.client()
    record = str(uuid.uuid4())
    receipt = one.receipt(one.submit(transcript(record)))
    assert two.error(two.call("status", receipt)) == "not-found"
    assert two.error(two.call("fetch", record)) == "not-found"
    two.receipt(two.submit(transcript(record)))
    two.token = one.token
    assert two.error(two.call("status", receipt)) == "unauthorised"
    one.space.faults({"kind": "status", "operation": "health"})
    assert (two.call("health").status_code, one.call("health").status_code) == (200, 503)
    assert {entry["operation"] for entry in one.space.journal()} == {"token", "submit", "health"}


def test_a_dropped_space_is_gone(client: Client) -> None:
    assert client.space.control.http.delete(f"/spaces/{client.space.space}").status_code == 204
    assert client.error(client.call("health")) == "not-found"


def test_unknown_paths_and_methods_are_problems(client: Client) -> None:
    assert client.error(client.http.get(client.space.baseUrl + "/nothing")) == "not-found"
    assert client.error(client.http.get("http://127.0.0.1:8115/")) == "not-found"
    assert client.error(client.http.delete(client.space.tokenUrl)) == "method"


def test_the_description_served_is_the_pack_s(client: Client) -> None:
    assert client.http.get(client.space.baseUrl + "/openapi.json").json() == client.pack.service


HOSTILE = {
    "no json": b"{",
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "bom": b"\xef\xbb\xbf{}",
    "repeated key": b'{"a": 1, "a": 2}',
    "nan": b'{"a": NaN}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "rather deep": b'{"a":' * 40 + b"1" + b"}" * 40,
    "huge number": b'{"a": ' + b"9" * 5000 + b"}",
    "a list": b"[]",
    "a text": b'"x"',
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_bad_requests(client: Client, name: str) -> None:
    answer = client.call("submit", content=HOSTILE[name], headers={"Content-Type": "application/json"})
    assert (answer.status_code, client.error(answer)) == (400, "bad-request")


@pytest.mark.parametrize("changed", ["extra", "missing", "text version", "true version", "zero version", "odd event"])
def test_bodies_outside_the_schema_are_bad_requests(client: Client, changed: str) -> None:
    pointers = {key: pointer[1:] for key, pointer in client.pack.messages["submission"].items()}
    body = client.envelope(transcript())
    match changed:
        case "extra":
            body["more"] = 1
        case "missing":
            del body[pointers["content"]]
        case "text version":
            body[pointers["version"]] = "1"
        case "true version":
            body[pointers["version"]] = True
        case "zero version":
            body[pointers["version"]] = 0
        case "odd event":
            body[pointers["event"]] = "Update"
    assert client.error(client.call("submit", json=body)) == "bad-request"


@pytest.mark.parametrize("text", ["YQ", "YQ==\n", "Y Q==", "YR==", "Y-_=", "é", "YQ==YQ=="])
def test_base64_is_strict(client: Client, text: str) -> None:
    body = client.envelope(transcript(), content=text)
    assert client.error(client.call("submit", json=body)) == "bad-request"


def test_too_much_is_refused_before_it_is_parsed(client: Client) -> None:
    limit = client.pack.header.limits.bytes
    padded = base64.b64encode(b" " * (limit + 1)).decode()
    answer = client.call("submit", json=client.envelope(transcript(), content=padded))
    assert answer.status_code in (400, 413)
    huge = client.call("submit", content=b" " * (2 * limit), headers={"Content-Type": "application/json"})
    assert (huge.status_code, client.error(huge)) == (413, "too-large")


def test_compressed_bodies_are_not_taken(client: Client) -> None:
    answer = client.call("submit", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, client.error(answer)) == (415, "content-coding")
    assert answer.headers["accept-encoding"] == "identity"


def test_two_authorisations_in_one_call_are_refused_for_that(client: Client) -> None:
    twice = [("Authorization", f"Bearer {client.token}")] * 2
    answer = client.http.get(f"{client.space.baseUrl}/hoc-ba/v1/suc-khoe", headers=twice)
    assert (answer.status_code, client.error(answer)) == (400, "authorization-twice")


def test_problems_speak_both_languages_and_never_repeat_the_body(client: Client) -> None:
    body = client.envelope(transcript())
    body["secret-of-a-pupil"] = "x"
    answer = client.call("submit", json=body)
    problem = client.pack.messages["problem"]
    shown = answer.json()
    assert shown[problem["detail"][1:]] != shown[problem["detail-en"][1:]]
    assert shown[problem["trace"][1:]]
    assert "secret-of-a-pupil" not in json.dumps(shown)
