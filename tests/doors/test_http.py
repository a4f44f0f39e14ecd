"""Strangers' answers: endless, outsized or missing ones cost bounded time and memory; ids are quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from conformance.doors.http import ANSWER_LIMIT, BadAnswer, Http, Oversized, Unreachable
from conformance.doors.vendor import BEGINNING, Vendor
from conformance.pack import default_pack
from conformance.suite.setup import RealClock

Handler = Callable[[httpx.Request], httpx.Response]


def http_of(handler: Handler) -> Http:
    return Http("http://vendor.test", "t", transport=httpx.MockTransport(handler))


def vendor_of(handler: Handler) -> Vendor:
    return Vendor(http_of(handler), default_pack(), RealClock())


def test_an_answer_that_drips_for_ever_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("conformance.doors.http.time.monotonic", lambda: next(clock))

    def drips() -> Iterator[bytes]:
        while True:
            yield b" "

    with pytest.raises(Unreachable, match="no end after 30 s"):
        http_of(lambda _: httpx.Response(200, content=drips())).call("GET", "/x")


def test_an_outsized_answer_is_cut_at_the_limit() -> None:
    def flood() -> Iterator[bytes]:
        while True:
            yield b"x" * 1_000_000

    with pytest.raises(Oversized) as caught:
        http_of(lambda _: httpx.Response(200, content=flood())).call("GET", "/x")
    assert len(caught.value.answer.body) == ANSWER_LIMIT + 1
    # as a document it is judged, and found too large
    assert len(vendor_of(lambda _: httpx.Response(200, content=flood())).document("1").body) == ANSWER_LIMIT + 1


def test_silent_operations_are_waited_for_less_and_less_until_they_answer() -> None:
    waited: list[float] = []
    silent = True

    def handler(request: httpx.Request) -> httpx.Response:
        waited.append(request.extensions["timeout"]["read"])
        if silent:
            raise httpx.ReadTimeout("silent", request=request)
        return httpx.Response(409, json={"reasons": []})

    vendor = vendor_of(handler)
    for _ in range(11):
        with pytest.raises(Unreachable):
            vendor.issue("1")
    assert waited == [30.0] * 3 + [5.0] * 7 + [1.0]
    silent = False
    assert vendor.issue("1").status == 409
    vendor.issue("1")
    assert waited[-2:] == [1.0, 30.0]


def test_a_session_may_take_longer() -> None:
    waited: list[float] = []

    def handler(request: httpx.Request) -> httpx.Response:
        waited.append(request.extensions["timeout"]["read"])
        return httpx.Response(200)

    vendor_of(handler).begin({})
    assert waited == [BEGINNING]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no body"),
        (b"<html>", "not JSON: Expecting value, dòng / line 1, cột / column 1"),
        (b'{"a": 1,}', "line 1, cột / column"),
        (b'{"a": "\xff"}', "has to be UTF-8"),
        (b'{"a": NaN}', "no number of JSON: NaN"),
        (b'{"a": 1e400}', "a number too large"),
        (b"[" * 70 + b"]" * 70, "nested deeper than 64 levels"),
        (b"[" * 100_000, "nested too deep"),
        (b"[]", "wants a JSON object"),
    ],
)
def test_what_is_no_description_is_told_why(body: bytes, why: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        vendor_of(lambda _: httpx.Response(200, content=body)).describe()
    assert why in str(caught.value)


@pytest.mark.parametrize("local", ["a/b", "hb 2025/17?x=1", "../../x", "Đ"])
def test_ids_of_the_software_are_quoted(local: str) -> None:
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"state": "draft"})

    vendor_of(handler).state(local)
    assert seen[0].count(b"/") == 4
    assert seen[0].startswith(b"/hocba-test/v1/transcripts/")
    assert b"?" not in seen[0]
