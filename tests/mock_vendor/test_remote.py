"""Signing that takes its time: a remote signing service, and people who confirm."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from conformance.checks.context import Context
from conformance.checks.judge import judge_document
from conformance.signature.pki import TestPki
from mock_moet.inprocess import InProcessTransport
from mock_vendor.remote.client import RemoteDesk
from mock_vendor.remote.service import SigningService, create_signing_app
from tests.mock_vendor.conftest import Desk, VirtualClock

Desks = Callable[..., Desk]
ROUNDS = 2000
"""Questions about one errand; each waits a moment, so this is a bound and no expectation."""


class Remote:
    """A desk whose software signs remotely."""

    def __init__(self, desks: Desks, **service: object) -> None:
        self.clock = VirtualClock()
        self.service = SigningService(self.clock, "csc", **{"confirm_after": 7.0, **service})  # type: ignore[arg-type]
        self.transport = InProcessTransport(create_signing_app(self.service))
        self.remote = RemoteDesk("http://signing.test", "csc", patience=1e12, poll=0.5, transport=self.transport)
        self.desk = desks(clock=self.clock, signing="remote", remote=self.remote)

    def sign(self, id_: str, signings: list[dict[str, object]]) -> httpx.Response:
        answer = self.desk.sign(id_, signings)
        assert answer.status_code == 202, answer.text
        assert answer.json()["waitsFor"] == "phone-confirmation"
        for _ in range(ROUNDS):
            answer = self.desk.http.get(f"http://127.0.0.1:1{answer.headers['Location']}")
            if answer.status_code != 202:
                return answer
        raise AssertionError("still not signed")

    def issue(self) -> str:
        case = self.desk.case("thcs-plain")
        id_ = self.desk.create(case)
        for one in case.signings(self.desk.roster):
            assert self.sign(id_, [one]).status_code == 200
        assert self.desk.http.post(f"/transcripts/{id_}/issue").status_code == 200
        return id_


@pytest.fixture
def remotes(desks: Desks) -> Iterator[Callable[..., Remote]]:
    made: list[Remote] = []

    def make(**service: object) -> Remote:
        made.append(Remote(desks, **service))
        return made[-1]

    yield make
    for one in made:
        one.transport.close()


def test_what_is_signed_remotely_is_as_good(remotes: Callable[..., Remote], pki: TestPki) -> None:
    remote = remotes()
    id_ = remote.issue()
    desk = remote.desk
    leaders = frozenset(str(one["nationalId"]) for one in desk.roster.signers() if one["role"] == "leader")
    context = Context(desk.pack, pki.trust_store(), desk.clock.now(), desk.clock.now(), leaders, "drive")
    assert judge_document(desk.document(id_), context).found.observations == []
    assert desk.http.get("/").json()["signingPath"] == "remote"
    # one confirmation a signer and list, however many subjects
    asked = [one.credential for one in remote.service.authorisations.values()]
    assert len(asked) == len(desk.case("thcs-plain").signings(desk.roster))
    assert all(one.left == 0 for one in remote.service.authorisations.values())


def test_who_declines_has_not_signed(remotes: Callable[..., Remote]) -> None:
    remote = remotes()
    case = remote.desk.case("thcs-plain")
    first = case.signings(remote.desk.roster)[0]
    remote.service.decline = frozenset([first["signer"]])
    id_ = remote.desk.create(case)
    assert remote.sign(id_, [first]).status_code == 409
    answer = remote.desk.http.post(f"/transcripts/{id_}/issue")
    assert first["signer"] in [one.get("signer") for one in answer.json()["reasons"]]


def test_wrong_order_and_wrong_signers_are_refused_at_once(remotes: Callable[..., Remote]) -> None:
    desk = remotes().desk
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    first, other = case.signings(desk.roster)[:2]
    assert desk.sign(id_, [{**first, "signer": other["signer"]}]).status_code == 409
    assert desk.sign(id_, [case.signings(desk.roster)[-1]]).status_code == 409


def test_a_restart_begins_an_errand_anew(remotes: Callable[..., Remote]) -> None:
    remote = remotes(confirm_after=1e9)
    desk = remote.desk
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    answer = desk.sign(id_, case.signings(desk.roster)[:1])
    assert answer.status_code == 202
    desk.http.post("/restart")
    remote.service.confirm_after = 0.0
    for _ in range(ROUNDS):
        found = desk.http.get(f"http://127.0.0.1:1{answer.headers['Location']}")
        if found.status_code != 202:
            break
    assert found.status_code == 200


def test_the_service_signs_nothing_unconfirmed(remotes: Callable[..., Remote]) -> None:
    remote = remotes()
    http = httpx.Client(
        transport=remote.transport, base_url="http://signing.test/csc/v2", headers={"Authorization": "Bearer csc"}
    )
    (name, *_) = http.post("/credentials/list", json={}).json()["credentialIDs"]
    message = {"credentialID": name, "SAD": "made-up", "hashes": ["AAAA"], "signAlgo": "1", "hashAlgorithmOID": "1"}
    assert http.post("/signatures/signHash", json=message).json()["error"] == "invalid_request"
    handle = http.post("/credentials/authorize", json={"credentialID": name, "numSignatures": 1}).json()["handle"]
    assert http.post("/credentials/authorizeCheck", json={"handle": handle}).status_code == 202
    assert http.post("/credentials/list", json={}, headers={"Authorization": "Bearer x"}).status_code == 401
