"""What the workbench says of software that answers strangely, on the reference vendor behind a distorting transport."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from conformance.doors.http import ANSWER_LIMIT, Http
from conformance.doors.vendor import DYING, Vendor
from conformance.events import ItemResult
from conformance.pack import default_pack
from tests.world import World, world

Distort = Callable[[httpx.Request, httpx.Response], httpx.Response]
PLAIN = "THCS:thcs-plain"


class Distorting(httpx.BaseTransport):
    """Passes calls on and changes the answers."""

    def __init__(self, inner: httpx.BaseTransport, distort: Distort) -> None:
        self.inner = inner
        self.distort = distort

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        response.read()
        return self.distort(request, response)


def distorted(one: World, distort: Distort) -> None:
    """Put ``distort`` between the workbench and its software."""
    driver = one.bench.driver
    inner = driver.vendor._http._client._transport  # the reference vendor, in process
    http = Http("http://127.0.0.1", "vendor", transport=Distorting(inner, distort))
    driver.vendor = Vendor(http, one.pack, driver.clock)


def of(request: httpx.Request, ending: str, method: str = "GET") -> bool:
    return request.method == method and request.url.path.endswith(ending)


def roots(result: ItemResult) -> set[str]:
    assert not result.error
    return {
        one.code
        for one in result.findings
        if one.state == "violated" and not one.consequence_of and not one.requirement.startswith("PL1-KY-01")
    }


def blocked(result: ItemResult) -> set[str]:
    return {one.code for one in result.findings if one.state == "blocked"}


def test_a_page_instead_of_the_document_is_one_mistake() -> None:
    page = b"<!doctype html><html><body>Login"

    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(200, content=page) if of(request, "/document") else response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play(PLAIN)) == {"PL1-DOC-001.not-well-formed"}


def test_somebody_elses_document_is_one_mistake() -> None:
    kept: list[bytes] = []

    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if of(request, "/document") and response.status_code == 200:
            kept.append(response.content)
            return httpx.Response(200, content=kept[0])
        return response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play("THCS:thcs-foreign-learner")) == set()
        assert roots(one.play("THCS:thcs-transferred")) == {"PL1-ND-001.other-learner"}


def test_an_endless_document_is_too_large_and_nothing_is_said_about_sending() -> None:
    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if of(request, "/document"):
            return httpx.Response(200, content=response.content + b" " * ANSWER_LIMIT)
        return response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play(PLAIN)) == {"PL1-DOC-004.bytes"}


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_an_issued_document_that_nobody_can_have_is_not_kept(status: int) -> None:
    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(status, headers={"location": "/x"}) if of(request, "/document") else response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play(PLAIN)) == {"PL1-PH-006.not-kept"}


def test_an_issued_transcript_that_cannot_be_submitted_is_found_in_any_case() -> None:
    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        refused = httpx.Response(409, json={"reasons": [{"code": "OTHER"}]})
        return refused if of(request, "/submission", "POST") else response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play("THCS:thcs-foreign-learner")) == {"PL1-PH-004.issued-refused"}


def test_a_draft_that_was_sent_is_one_mistake() -> None:
    sent: set[str] = set()

    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        local = request.url.path.split("/")[-2]
        if of(request, "/submission", "POST") and response.status_code == 409:
            sent.add(local)
            return httpx.Response(202, json={})
        if of(request, "/signatures", "POST") and local in sent:
            return httpx.Response(409, json={"reasons": [{"code": "ALREADY_ISSUED"}]})
        return response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play("THCS:probe:unissued")) == {"PL1-PH-004.submitted-unissued"}


def test_created_with_200_is_created_and_without_an_id_nothing_is_said() -> None:
    answer: dict[str, object] = {}

    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if of(request, "/transcripts", "POST"):
            return httpx.Response(200, json=answer or response.json())
        return response

    with world() as one:
        distorted(one, distort)
        assert roots(one.play(PLAIN)) == set()
        answer["ok"] = True
        result = one.play("THCS:thcs-foreign-learner")
        assert roots(result) == set()
        assert "PL1-ND-001.no-answer" in blocked(result)


def test_what_a_probe_saw_before_the_software_fell_silent_stands() -> None:
    calls = 0

    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal calls
        if of(request, "/issue", "POST"):
            calls += 1
            if calls == 1:
                return httpx.Response(200, json={})
            raise httpx.ReadError("gone", request=request)
        return response

    with world() as one:
        distorted(one, distort)
        result = one.play("THCS:probe:one-missing")
    assert roots(result) == {"PL1-PH-001.issued-incomplete"}
    assert blocked(result) == {"PL1-PH-001.no-answer"}
    assert json.loads(result.model_dump_json())["evidence"]["answers"]


@pytest.mark.parametrize("body", [b"[]", b"null", b"<html>", b'{"state": 1'])
def test_a_state_that_is_none_is_no_error_of_ours(body: bytes) -> None:
    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "GET" and request.url.path.split("/")[-2] == "transcripts":
            return httpx.Response(200, content=body)
        return response

    with world() as one:
        distorted(one, distort)
        result = one.play(PLAIN)
    assert roots(result) == set()
    assert result.held["PL1-ND-001"]["marks"]  # the document is there and judged; only the following up is not
    assert {"PL2-GN-006.not-played", "PL2-GN-001.not-played"} <= blocked(result)
    assert "PL1-ND-001.no-answer" not in blocked(result)


BROKEN = "a\\ud800b\\u0000"
"""As JSON writes it: half a character, and none at all."""


@pytest.mark.parametrize("item", [PLAIN, "THCS:probe:nobody-signed", "exchange:refusal-one"])
def test_half_characters_in_answers_are_text_like_any_other(item: str) -> None:
    state = '{"id": "x", "state": "%s", "version": 1, "operatorMessages": ["%s"], "refusals": [{"code": "%s"}]}'
    refusal = '{"reasons": [{"code": "OTHER", "message": "%s", "role": "%s"}]}'

    def distort(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "GET" and request.url.path.split("/")[-2] == "transcripts":
            return httpx.Response(200, content=state.replace("%s", BROKEN).encode())
        if response.status_code == 409 or of(request, "/submission", "POST"):
            return httpx.Response(409, content=refusal.replace("%s", BROKEN).encode())
        return response

    with world() as one:
        distorted(one, distort)
        result = one.play(item)
    assert not result.error
    assert ItemResult.model_validate_json(result.model_dump_json()) == result


class Steps:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("answers", "least", "most"),
    [
        # still answering for a moment, gone, back
        ([200, 200, 0, 0, 200], 0.3, 2.0),
        # gone at once
        ([0, 200], 0.0, 1.0),
        # never seen gone: back before anybody looked
        ([200], DYING, DYING + 1.0),
    ],
)
def test_what_answers_may_be_what_is_about_to_stop(answers: list[int], least: float, most: float) -> None:
    left, clock = iter(answers), Steps()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(202)
        status = next(left, answers[-1])
        if not status:
            raise httpx.ConnectError("gone")
        return httpx.Response(status)

    http = Http("http://vendor.test", "t", transport=httpx.MockTransport(answer))
    assert Vendor(http, default_pack(), clock).restart(limit=60).status == 202
    assert least <= clock.now <= most
    assert next(left, None) is None
    http.close()
