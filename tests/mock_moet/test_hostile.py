"""Hostile documents and requests through the HTTP door: each is refused with an answer, and the service goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import Client, transcript

INVALID = Path(__file__).resolve().parents[2] / "fixtures" / "documents" / "invalid"
ATTACKS = sorted(
    path
    for pattern in ("PL1-DOC-00[124]/*.xml", "PL1-KY-007/*.xml", "PL1-KY-008/*.xml")
    for path in INVALID.glob(pattern)
    if "--" not in path.name  # one of a kind
)
RECORD = "00000000-0000-4000-8000-000000000009"


def big(inner: bytes) -> bytes:
    head, tail = transcript(RECORD).split(b"</", 1)
    return head + inner + b"</" + tail


BOMB = b"".join(b"<!ENTITY a%d '%s'>" % (number, b"&a;" * 99) for number in range(99))
MADE = {
    "deep": b"<a>" * 100_000,
    "attributes": b"<x " + b" ".join(b"a%d=''" % number for number in range(60_000)) + b"/>",
    "namespaces": b"<x " + b" ".join(b"xmlns:a%d='u'" % number for number in range(60_000)) + b"/>",
    "bomb": b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaa'>" + BOMB + b"]><a>&a1;</a>",
    "utf-16": transcript(RECORD).decode().encode("utf-16"),
    "text": big(b"x" * 1_900_000),
    "elements": big(b"<x/>" * 400_000),
    "nul": big(b"\x00"),
    "nothing": b"",
}  # fmt: skip


def test_hostile_documents_are_refused(setup: Setup) -> None:
    client = setup.client(acceptUnreserved=True)
    assert len(ATTACKS) > 15
    bodies = {str(path): path.read_bytes() for path in ATTACKS} | MADE
    for name, data in bodies.items():
        answer = client.submit(data, record=RECORD, version=1)
        if answer.status_code == 202:
            assert client.state(client.receipt(answer)) != "accepted", name
        else:
            assert answer.status_code in (400, 403, 409, 413, 422), f"{name}: {answer.text}"
    assert client.state(client.receipt(client.submit(transcript()))) == "accepted"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"9" * 5000 + b".5}",
        b'{"a": 1, "a": 2}',
        b"[" * 200_000,
        b'{"a": NaN}',
        json.dumps({"a": [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]}).encode(),
    ],
)
def test_hostile_json_is_a_bad_request_everywhere(client: Client, body: bytes) -> None:
    for operation in ("submit", "submit-batch", "authorise", "retrieve"):
        answer = client.call(operation, content=body, headers={"content-type": "application/json"})
        assert client.error(answer) in ("bad-request", "too-large"), operation


def test_odd_paths_queries_and_credentials_are_answered(client: Client) -> None:
    for param in ("%00", "a%00b", "%ff", "x" * 3000, "..%2f..", "%0d%0aSet-Cookie:x"):
        for operation in ("status", "fetch", "in-force", "code-lists"):
            assert client.call(operation, param).status_code in (404, 405), (operation, param)
    assert client.call("list", params={"x": "\x00"}).status_code == 200
    client.token = "\x7f" * 10
    assert client.call("list").status_code == 401
    answer = client.http.post(client.space.tokenUrl, data={"grant_type": "client_credentials"}, auth=("a\x00b", "đ"))
    assert answer.status_code == 401


def test_no_secret_is_in_journal_or_answers_kept(setup: Setup, caplog: pytest.LogCaptureFixture) -> None:
    client = setup.client()
    client.call("list", params={"access_token": client.token})
    client.call("status", client.token)
    client.call("status", client.space.clientSecret)
    shown = json.dumps(client.space.journal()) + caplog.text
    assert client.token not in shown
    assert client.space.clientSecret not in shown
