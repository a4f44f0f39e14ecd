"""Hostile documents (appendix1.md §3) sent to the mock Ministry: refused, at the door or by judging."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from conformance.checks.judge import judge_document
from tests.attacks.hostile import HOSTILE
from tests.checks.test_signature_kills import Bench
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import Client, VirtualClock

SENT = (
    "a billion laughs", "an external entity", "3 MiB of text in a mark", "1.9 MiB of text in a comment", "deep nesting",
    "a mark of 1e999999999", "XSLT that runs for ever", "450 empty signatures", "a null", "an empty file",
)  # fmt: skip
"""One of each kind; all of them are judged without HTTP in test_fuzz."""


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    one = Setup(VirtualClock(), judge=judge_document, token_lifetime=86_400)
    yield one
    one.close()


@pytest.fixture(scope="module")
def sound() -> bytes:
    return Bench().sound


@pytest.fixture(scope="module")
def client(setup: Setup, sound: bytes) -> Client:
    school = sound.partition(b"<MaTruong>")[2].partition(b"<")[0].decode()
    return setup.client(schools=[school], acceptUnreserved=True)


@pytest.mark.parametrize("name", SENT)
def test_a_hostile_document_is_refused_and_the_service_goes_on(client: Client, sound: bytes, name: str) -> None:
    envelope = client.envelope(sound)
    content = client.pack.messages["submission"]["content"].removeprefix("/")
    data = HOSTILE[name].make(sound)
    try:
        answer = client.call("submit", json={**envelope, content: base64.b64encode(data).decode()})
    except httpx.TransportError:
        answer = None  # cut off while it was still sending
    if answer is not None:
        assert answer.status_code in (202, 400, 409, 413, 422), answer.text
        if answer.status_code == 202:
            assert client.state(client.receipt(answer)) == "refused"
    assert [one for one in client.space.submissions() if one["error"]] == []
    assert client.call("health").status_code == 200
    # the journal keeps digests and short texts, never the document
    entry = [one for one in client.space.journal() if one["operation"] == "submit"][-1]
    assert len(str(entry)) < 200_000
