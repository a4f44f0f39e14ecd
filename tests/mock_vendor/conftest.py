"""The reference vendor in process: virtual time, a scripted Ministry, one school."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from conformance.cases import Case, Roster, build_roster, frozen_cases, realise
from conformance.pack import Pack, default_pack
from conformance.pack.pointer import get, put
from conformance.signature.pki import TestPki
from mock_moet.inprocess import InProcessTransport
from mock_vendor.app import PREFIX, create_app
from mock_vendor.settings import VendorSettings

TOKEN = "let-me-in"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SECRET = "s3cret"


class VirtualClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._passed += seconds


@dataclass
class FakeMinistry:
    """Answers as scripted, then as a service that accepts everything; keeps what it saw and when."""

    pack: Pack
    clock: VirtualClock
    script: list[Any] = field(default_factory=list)
    """Answers to submissions: ``httpx.Response`` or an exception to raise."""
    polls: list[str] = field(default_factory=list)
    """States to answer with, by the pack's name, before the last one; then ``accepted``."""
    findings: list[dict[str, str]] = field(default_factory=list)
    token_status: int = 200
    requests: list[tuple[float, httpx.Request]] = field(default_factory=list)
    tokens: int = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((self.clock.monotonic(), request))
        if request.url.path == "/token":
            self.tokens += 1
            body = {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
            return httpx.Response(self.token_status, json=body if self.token_status == 200 else {"error": "no"})
        if request.method == "POST":
            return self._submission(request)
        return self._status()

    def _submission(self, request: httpx.Request) -> httpx.Response:
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]
        message: dict[str, Any] = {}
        put(message, self.pack.messages["receipt"]["id"], "R-1")
        put(message, self.pack.messages["receipt"]["state"], self.pack.messages["states"]["received"])
        return httpx.Response(202, json=message)

    def _status(self) -> httpx.Response:
        state = self.polls.pop(0) if self.polls else "accepted"
        message: dict[str, Any] = {}
        put(message, self.pack.messages["status"]["state"], self.pack.messages["states"][state])
        put(message, self.pack.messages["status"]["findings"], self.findings if state == "refused" else [])
        return httpx.Response(200, json=message)

    @property
    def submissions(self) -> list[tuple[float, dict[str, Any]]]:
        """Times and messages of the submissions."""
        return [
            (at, json.loads(one.content))
            for at, one in self.requests
            if one.method == "POST" and one.url.path != "/token"
        ]

    def content(self, index: int = 0) -> bytes:
        """The decoded content of a submission."""
        return base64.b64decode(get(self.submissions[index][1], self.pack.messages["submission"]["content"]))


class Desk:
    """Calls the test interface as the suite does."""

    def __init__(self, pack: Pack, roster: Roster, session: dict[str, Any], **settings: Any) -> None:
        self.pack, self.roster, self.session = pack, roster, session
        self.clock = VirtualClock()
        self.ministry = FakeMinistry(pack, self.clock)
        chosen = {"background": False, "clock": self.clock, **settings}
        self.app = create_app(
            VendorSettings(pack, TOKEN, transport=httpx.MockTransport(self.ministry.handle), **chosen)
        )
        self.transport = InProcessTransport(self.app)
        self.http = httpx.Client(
            transport=self.transport,
            base_url=f"http://127.0.0.1:1{PREFIX}",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert self.http.put("/session", json=session).status_code == 200
        assert self.http.put("/roster", json=roster.data).status_code == 200

    def close(self) -> None:
        self.http.close()
        self.transport.close()
        self.app.state.close()

    def case(self, id_: str) -> Case:
        """A frozen case, realised."""
        programme = next(
            name for name in self.pack.programmes if any(one.id == id_ for one in frozen_cases(self.pack, name))
        )
        frozen = next(one for one in frozen_cases(self.pack, programme) if one.id == id_)
        return realise(frozen, self.roster, "11", "components")

    def create(self, case: Case) -> str:
        answer = self.http.post("/transcripts", json=case.data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def sign(self, id_: str, signings: list[dict[str, Any]]) -> httpx.Response:
        return self.http.post(f"/transcripts/{id_}/signatures", json={"signatures": signings})

    def issue(self, case: Case) -> str:
        """Create, sign with everybody, issue."""
        id_ = self.create(case)
        for one in case.signings(self.roster):
            answer = self.sign(id_, [one])
            assert answer.status_code == 200, answer.text
        answer = self.http.post(f"/transcripts/{id_}/issue")
        assert answer.status_code == 200, answer.text
        return id_

    def document(self, id_: str) -> bytes:
        answer = self.http.get(f"/transcripts/{id_}/document")
        assert answer.status_code == 200, answer.text
        return answer.content

    def state(self, id_: str) -> dict[str, Any]:
        return dict(self.http.get(f"/transcripts/{id_}").json())

    def submit(self, id_: str, *, ticks: int = 40, step: float = 1.0) -> dict[str, Any]:
        """Submit and tick until the outcome is final, ``ticks`` times at most."""
        assert self.http.post(f"/transcripts/{id_}/submission").status_code == 202
        for _ in range(ticks):
            assert self.http.post("/tick").status_code == 200
            if self.state(id_)["state"] in ("delivered", "refused", "gave-up"):
                break
            self.clock.sleep(step)
        return self.state(id_)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return default_pack()


@pytest.fixture(scope="session")
def roster(pack: Pack) -> Roster:
    return build_roster(pack, ["THCS", "THPT"], "11", 2024)


@pytest.fixture(scope="session")
def pki(pack: Pack) -> TestPki:
    return TestPki(START, pack)


@pytest.fixture(scope="session")
def session(roster: Roster, pki: TestPki) -> dict[str, Any]:
    signers = []
    for one in roster.signers():
        if one["role"] == "seal":
            credential = pki.organisation(one["name"], school=one["schoolCode"])
        else:
            credential = pki.person(one["name"], national_id=one.get("nationalId"), passport=one.get("passport"))
        packed = base64.b64encode(credential.pkcs12("pw")).decode()
        shown = {name: one[name] for name in ("id", "role", "name") if one.get(name)}
        signers.append({**shown, "pkcs12": packed, "password": "pw"})
    ministry = {
        "baseUrl": "https://ministry.test/space",
        "tokenUrl": "https://ministry.test/token",
        "clientId": "client",
        "clientSecret": SECRET,
    }
    return {"runId": "r", "ministry": ministry, "signers": signers}


@pytest.fixture
def desks(pack: Pack, roster: Roster, session: dict[str, Any]) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**settings: Any) -> Desk:
        made.append(Desk(pack, roster, session, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def desk(desks: Callable[..., Desk]) -> Desk:
    return desks()
