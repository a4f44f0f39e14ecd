"""Hostile answers to the suite: bounded in time and memory, blamed right, obeyed by nobody who reads of them."""

from __future__ import annotations

import contextlib
import json
import time

import httpx
import pytest

from conformance.doors.http import ANSWER_LIMIT, BadAnswer, DoorError, Http, Oversized, Unreachable
from tests.attacks.hostile_vendor import BROKEN, FLOODS, UNENDING, deep, raw_server

PATIENCE = 0.6
"""Seconds for calls that never end."""
LONG = 20.0
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
