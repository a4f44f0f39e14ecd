"""Hostile answers to the suite: bounded in time and memory, blamed right, obeyed by nobody who reads of them."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from lxml import etree
from rich.console import Console

import reports
from conformance.doors.http import ANSWER_LIMIT, BadAnswer, DoorError, Http, Oversized, Unreachable
from conformance.events import Result, RunFinished
from conformance.pack import default_pack
from conformance.verdict import decide
from conformance.visible import inert_json
from reports.terminal import summary
from tests.attacks.hostile_vendor import BROKEN, FLOODS, OK, POISON, UNENDING, Hostile, deep, raw_server, with_json
from tests.world import world

PATIENCE = 0.6
"""Seconds for calls that never end."""
LONG = 50.0
"""Seconds within which a call has ended on any machine; without a deadline of its own it would take far longer."""


@pytest.mark.parametrize("name", UNENDING)
def test_what_never_ends_costs_no_more_than_patience(name: str) -> None:
    with raw_server(UNENDING[name]) as (url, _):
        http = Http(url, "t")
        began = time.monotonic()
        with pytest.raises(Unreachable):
            http.call("GET", "/x", patience=PATIENCE)
        assert time.monotonic() - began < LONG
        http.close()


@pytest.mark.parametrize("name", FLOODS)
def test_what_is_too_much_is_cut(name: str) -> None:
    with raw_server(FLOODS[name]) as (url, _):
        http = Http(url, "t")
        with pytest.raises(BadAnswer) as caught:
            http.call("GET", "/x", patience=60)
        if isinstance(caught.value, Oversized):
            assert len(caught.value.answer.body) == ANSWER_LIMIT + 1
        else:
            assert "Content-Encoding" in str(caught.value)
        http.close()


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_told_as_such(name: str) -> None:
    with raw_server(BROKEN[name]) as (url, _):
        http = Http(url, "secret-token")
        with pytest.raises(DoorError) as caught:
            http.call("GET", "/x", patience=30)
        assert "/x" in str(caught.value)
        assert "secret-token" not in str(caught.value)
        assert len(str(caught.value)) < 2000
        http.close()


@pytest.mark.parametrize("location", ["http://{other}/y", "//{other}/y", "/\\{other}/y", "/@{other}/y"])
def test_no_other_host_is_ever_asked(location: str) -> None:
    with raw_server(BROKEN["nothing"]) as (elsewhere, asked):
        other = elsewhere.removeprefix("http://")
        target = location.format(other=other)
        answer = b"HTTP/1.1 307 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % target.encode()
        with raw_server(lambda connection, _: connection.sendall(answer)) as (url, _):
            http = Http(url, "t")
            assert http.call("GET", "/x", patience=30).status == 307
            with contextlib.suppress(DoorError):
                http.call("GET", target, patience=30)
            http.close()
        assert asked == []


def test_what_a_vendor_sets_does_not_come_back() -> None:
    cookies = b"".join(b"Set-Cookie: c%d=%s; Path=/\r\n" % (number, b"x" * 3000) for number in range(20))
    with raw_server(lambda connection, _: connection.sendall(OK + cookies + b"Content-Length: 0\r\n\r\n")) as (
        url,
        seen,
    ):
        http = Http(url, "t")
        for _ in range(2):
            assert http.call("GET", "/x", patience=30).status == 200
        http.close()
    assert len(seen) == 2
    assert b"cookie" not in b"".join(seen).lower()


@pytest.mark.parametrize(
    "body",
    [
        "NaN", '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', deep(65), deep(100_000), '{"a":' * 5000 + "1",
        "1" * 5000, '{"a": "\x00"}', "{'a': 1}", "",
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)  # fmt: skip
def test_json_that_nobody_could_write_down_again_is_none(body: str) -> None:
    http = Http("http://vendor.test", "t", transport=httpx.MockTransport(lambda _: httpx.Response(200, text=body)))
    assert http.call("GET", "/x").json() is None
    http.close()


def test_json_that_is_merely_large_is_read() -> None:
    value = {"a": [[[1.5, 2**63, "x" * 100_000]]], "b": {str(number): None for number in range(1000)}}
    http = Http("http://vendor.test", "t", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=value)))
    assert http.call("GET", "/x").json() == json.loads(json.dumps(value))
    http.close()


def test_json_that_is_written_reads_the_same_and_is_obeyed_by_nobody() -> None:
    value = {POISON: [POISON, "Học bạ số", "\ud800", 1.5, None]}
    text = inert_json(value)
    assert json.loads(text) == value
    assert not UNSEEN.search(text)
    assert "Học bạ số" in text


Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


def shows(**values: Any) -> Change:
    """What the operator is shown is something else; all other answers are sound."""

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        path = request.url.path
        if request.method != "GET" or not re.search(r"/transcripts/[^/]+$", path) or response.status_code != 200:
            return response
        return with_json(response, {**response.json(), **values})

    return change


def refuses(body: str) -> Change:
    """No transcript is taken, with this body."""

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/transcripts"):
            return with_json(httpx.Response(422, request=request), body)
        return response

    return change


def answers(text: str) -> Change:
    """Every answer of the run is this text."""
    return lambda request, response: with_json(response, text)


REASONS = json.dumps({"reasons": [{"code": POISON, "field": POISON, "message": POISON}] * 50})
MANY = [POISON * 20] * 5000
HOSTILE: dict[str, tuple[str, Change]] = {
    "poison shown": (
        "exchange:refusal-one",
        shows(operatorMessages=[POISON], refusals=[{"code": POISON, "field": POISON, "message": POISON}]),
    ),
    "reasons of poison": ("THCS:thcs-plain", refuses(REASONS)),
    "far too much shown": ("exchange:refusal-one", shows(operatorMessages=MANY, refusals=[{"code": "x" * 10**6}] * 3)),
    "other types": (
        "exchange:refusal-one",
        shows(operatorMessages={"a": 1}, refusals="x", receipt=[1], version=True),
    ),
    "huge numbers": ("exchange:refusal-one", shows(version=10**4000, receipt=1e308, refusals=[{"code": 10**4000}])),
    "half characters": ("exchange:refusal-one", answers('{"id": "\\ud800", "state": "\\udfff"}')),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_data_everywhere(name: str) -> None:
    item, change = HOSTILE[name]
    pack = default_pack()
    with world(items=(item,)) as here:
        client = here.run_.https[0]._client
        hostile = Hostile(client._transport, change)
        client._transport = hostile
        result = here.play(item)
        assert hostile.hosts == {"127.0.0.1"}, "nobody else was asked"
        client._transport = hostile._inner
        info = here.run_.info.model_copy(update={"vendor": {"product": POISON, POISON: POISON}})
    assert result.error == "", "the vendor's doing is no defect of ours"
    assert result.findings
    assert {one.state for one in result.findings} <= {"violated", "blocked"}
    footer = RunFinished(finished=info.started, items=1, evidence_digest="0" * 64)
    whole = reports.with_verdict(Result(run=info, items=(result,), footer=footer), pack)
    verdict = decide(pack, whole)
    assert verdict.exit_code in (1, 3)
    for language in ("vi", "en"):
        page = reports.html(whole, pack, language)
        assert "&lt;script&gt;" in page, "shown, not obeyed"
        assert "⟨U+202E⟩" in page
        assert "<script" not in page.casefold()
        assert "<img src=x" not in page
        assert not UNSEEN.search(page)
        etree.fromstring(reports.junit(whole, pack, language).encode())
    assert not UNSEEN.search(reports.junit(whole, pack))
    for text in (reports.json_text(whole, pack), reports.sarif(whole, pack)):
        json.loads(text, parse_constant=pytest.fail)
        assert not UNSEEN.search(text)
    printed = io.StringIO()
    Console(file=printed, width=100, no_color=True, highlight=False).print(summary(whole, verdict, pack, "vi"))
    assert not UNSEEN.search(printed.getvalue())


UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a screen or a reader would obey instead of showing them."""
