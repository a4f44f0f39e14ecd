"""Sending: tokens, retries, refusals, and what the operator sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from conformance.pack.pointer import get, put
from tests.mock_vendor.conftest import SECRET, Desk

Desks = Callable[..., Desk]


@pytest.fixture
def issued(desk: Desk) -> str:
    return desk.issue(desk.case("thcs-plain"))


def waits(desk: Desk) -> list[float]:
    return [later - earlier for (earlier, _), (later, _) in pairwise(desk.ministry.submissions)]


def test_sends_what_it_issued(desk: Desk, issued: str) -> None:
    state = desk.submit(issued)
    assert (state["state"], state["receipt"]) == ("delivered", "R-1")
    assert desk.ministry.content() == desk.document(issued)
    fields = desk.pack.messages["submission"]
    message = desk.ministry.submissions[0][1]
    assert get(message, fields["record"]) == state["recordId"]
    assert get(message, fields["version"]) == 1
    for _, request in desk.ministry.requests:
        assert SECRET not in str(request.url)
        assert "t1" not in str(request.url.query)
    assert desk.ministry.requests[-1][1].headers["Authorization"] == "Bearer t1"


def test_asks_until_the_outcome_is_final(desk: Desk, issued: str) -> None:
    desk.ministry.polls = ["received", "checking", "checking"]
    desk.http.post(f"/transcripts/{issued}/submission")
    seen = []
    for _ in range(8):
        desk.http.post("/tick")
        seen.append(desk.state(issued)["state"])
        desk.clock.sleep(1)
    assert seen[:4] == ["receipted"] * 4
    assert seen[-1] == "delivered"


@pytest.mark.parametrize(
    "trouble", [429, 503, 500, httpx.ReadTimeout("late"), httpx.ReadError("reset"), "garbage", 302]
)
def test_repeats_the_same_after_trouble(desk: Desk, issued: str, trouble: Any) -> None:
    first = trouble
    if trouble == "garbage":
        first = httpx.Response(202, content=b"<html>")
    elif isinstance(trouble, int):
        first = httpx.Response(trouble, headers={"Location": "https://elsewhere.test/"})
    desk.ministry.script = [first]
    assert desk.submit(issued)["state"] == "delivered"
    (_, one), (_, two) = desk.ministry.submissions
    assert one == two
    assert {request.url.host for _, request in desk.ministry.requests} == {"ministry.test"}


def test_waits_grow_and_it_gives_up(desks: Desks) -> None:
    desk = desks(first_retry=0.5, longest_retry=4.0, attempts=6)
    issued = desk.issue(desk.case("thcs-plain"))
    desk.ministry.script = [httpx.Response(503) for _ in range(30)]
    state = desk.submit(issued, ticks=200, step=0.1)
    assert state["state"] == "gave-up"
    assert state["operatorMessages"]
    assert len(desk.ministry.submissions) == 6
    # never early, and no later than the next ticks come
    assert all(wait - 0.01 <= seen < wait + 0.3 for wait, seen in zip([0.5, 1, 2, 4, 4], waits(desk), strict=True))
    # the operator may start it again
    desk.ministry.script = []
    assert desk.submit(issued)["state"] == "delivered"


@pytest.mark.parametrize("as_date", [False, True])
def test_waits_as_long_as_it_is_asked_to(desk: Desk, issued: str, as_date: bool) -> None:
    until = desk.clock.now() + timedelta(seconds=9)
    value = format_datetime(until, usegmt=True) if as_date else "9"
    desk.ministry.script = [httpx.Response(503, headers={"Retry-After": value})]
    assert desk.submit(issued, ticks=300, step=0.1)["state"] == "delivered"
    assert 8.5 <= waits(desk)[0] <= 11


@pytest.mark.parametrize("status", [400, 403, 409, 413, 422])
def test_a_considered_refusal_is_final(desk: Desk, issued: str, status: int) -> None:
    problem: dict[str, Any] = {}
    put(problem, desk.pack.messages["problem"]["code"], "X")
    desk.ministry.script = [httpx.Response(status, json=problem)]
    state = desk.submit(issued)
    assert state["state"] == "refused"
    assert state["refusals"][0]["code"] == "X"
    desk.clock.sleep(100)
    desk.http.post("/tick")
    assert len(desk.ministry.submissions) == 1
    assert desk.http.post(f"/transcripts/{issued}/submission").status_code == 409


def test_being_checked_is_asked_again_later(desk: Desk, issued: str) -> None:
    problem: dict[str, Any] = {}
    code = desk.pack.messages["errors"]["being-checked"]["code"]
    put(problem, desk.pack.messages["problem"]["code"], code)
    desk.ministry.script = [httpx.Response(409, json=problem)]
    assert desk.submit(issued)["state"] == "delivered"


def test_every_finding_reaches_the_operator(desk: Desk, issued: str) -> None:
    names = desk.pack.messages["finding"]
    for number in range(40):
        one: dict[str, Any] = {}
        for name in names:
            put(one, names[name], f"{name} {number}")
        desk.ministry.findings.append(one)
    desk.ministry.polls = ["refused"]
    state = desk.submit(issued)
    assert state["state"] == "refused"
    assert len(state["refusals"]) == 40
    learner = desk.case("thcs-plain").data["learner"]["code"]
    assert {one["learner"] for one in state["refusals"]} == {learner}
    assert state["refusals"][7]["field"] == "place 7"


def test_refused_token_is_renewed_once(desk: Desk, issued: str) -> None:
    desk.ministry.script = [httpx.Response(401)]
    assert desk.submit(issued)["state"] == "delivered"
    assert desk.ministry.tokens == 2


def test_token_is_kept_while_it_lasts(desk: Desk, issued: str) -> None:
    desk.submit(issued)
    desk.submit(desk.issue(desk.case("thcs-level-good")))
    assert desk.ministry.tokens == 1
    desk.clock.sleep(3600)
    desk.submit(desk.issue(desk.case("thcs-level-satisfactory")))
    assert desk.ministry.tokens == 2


def test_bad_credentials_stop_it(desk: Desk, issued: str) -> None:
    desk.ministry.token_status = 401
    state = desk.submit(issued)
    assert state["state"] == "gave-up"
    assert state["operatorMessages"]
    desk.clock.sleep(100)
    desk.http.post("/tick")
    assert desk.ministry.tokens == 1


def test_background_thread_does_the_work(desks: Desks) -> None:
    from mock_vendor.settings import SystemClock

    desk = desks(background=True, clock=SystemClock(), outbox_interval=0.01, poll_interval=0.01)
    id_ = desk.issue(desk.case("thcs-plain"))
    desk.http.post(f"/transcripts/{id_}/submission")
    clock = SystemClock()
    for _ in range(6000):
        if desk.state(id_)["state"] == "delivered":
            break
        clock.sleep(0.01)
    assert desk.state(id_)["state"] == "delivered"
