"""A client and documents for the tests of the mock Ministry."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from conformance.checks.context import Context
from conformance.checks.judge import Judgement
from conformance.document import read, write
from conformance.finding import Recorder
from conformance.pack import Pack, default_pack
from conformance.pack.pointer import get, put

SCHOOL = "99000001"
OTHER_SCHOOL = "99000002"
CONTROL = "control-token-of-a-test"
PATIENCE = 60.0
"""Seconds that an answer may take: machines are busy."""


class VirtualClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.seconds += seconds


def transcript(
    record: str = "",
    version: int = 1,
    *,
    school: str = SCHOOL,
    learner: str = "001313990001",
    year: str = "2024-2025",
    replaces: str | None = None,
    note: str = "",
    code: str = "9900000001",
    pack: Pack | None = None,
) -> bytes:
    """A document with just what the service looks at itself; ``note`` makes other bytes of the same."""
    values: dict[str, Any] = {
        "record": {"id": record or str(uuid.uuid4()), "school_year": year, "school_code": school},
        "learner": {"code": code, "national_id": learner, "name": f"Nguyễn Văn A{note}"},
        "version": {"number": str(version), "replaces": replaces},
    }
    return write(values, pack or default_pack())


def statement(record: str, digest: str, version: int = 1, *, school: str = SCHOOL, **more: Any) -> bytes:
    """An unsigned revocation statement; ``more``: ``reason``, ``leader`` (identifier), ``pack``."""
    pack: Pack = more.get("pack") or default_pack()
    assert pack.revocation is not None
    values: dict[str, Any] = {
        "record": {"id": record, "school_code": school},
        "version": {"number": str(version), "replaces": digest, "reason": more.get("reason", "Nhập nhầm học sinh")},
        "issue": {
            "leader": {
                "name": "Đặng Thử Giang",
                "national_id": more.get("leader", "001174990009"),
                "title": next(iter(pack.signature.titles.values())).principal[0],
            },
            "signed_on": pack.binding.formats.write_date(date(2025, 6, 1)),
        },
    }
    return write(values, pack.revocation)


def never_mind(data: bytes, context: Context) -> Judgement:
    """A judge that finds nothing."""
    return Judgement(Recorder(), read(data, context.pack).document, None)


def condemning(*findings: tuple[str, str]) -> Callable[[bytes, Context], Judgement]:
    """A judge that finds these violations (requirement, cause) in documents that carry the word ``bad``."""

    def judge(data: bytes, context: Context) -> Judgement:
        judgement = never_mind(data, context)
        if b"bad" in data:
            for requirement, cause in findings:
                judgement.found.violated(requirement, cause)
        return judgement

    return judge


@dataclass
class Control:
    """The control interface."""

    http: httpx.Client

    def open(self, **settings: Any) -> Space:
        answer = self.http.post("/spaces", json={"schools": [SCHOOL], **settings})
        assert answer.status_code == 201, answer.text
        return Space(self, **answer.json())

    def put(self, path: str, value: object) -> httpx.Response:
        answer = self.http.put(path, json=value)
        assert answer.status_code == 204, answer.text
        return answer


@dataclass
class Space:
    """A space and its credentials; field names are the control interface's."""

    control: Control
    space: str
    baseUrl: str  # noqa: N815
    tokenUrl: str  # noqa: N815
    clientId: str  # noqa: N815
    clientSecret: str  # noqa: N815
    caPem: str = ""  # noqa: N815

    def faults(self, *faults: dict[str, Any]) -> None:
        self.control.put(f"/spaces/{self.space}/faults", list(faults))

    def outcomes(self, *outcomes: dict[str, Any]) -> None:
        self.control.put(f"/spaces/{self.space}/outcomes", list(outcomes))

    def client(self, *schools: str) -> Space:
        """The same space as another client sees it."""
        answer = self.control.http.post(f"/spaces/{self.space}/clients", json={"schools": list(schools)})
        assert answer.status_code == 201, answer.text
        return replace(self, **answer.json())

    def journal(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control.http.get(f"/spaces/{self.space}/journal").json()["entries"]
        return entries

    def submissions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control.http.get(f"/spaces/{self.space}/submissions").json()["submissions"]
        return found


class Client:
    """A sound client of the service, by the pack's words."""

    def __init__(self, space: Space, transport: httpx.BaseTransport | None = None, pack: Pack | None = None) -> None:
        self.space = space
        self.pack = pack or default_pack()
        self.http = httpx.Client(transport=transport, trust_env=False, timeout=PATIENCE, follow_redirects=False)
        self.token = ""
        self._paths = {
            row["operationId"]: (method, path)
            for path, methods in self.pack.service["paths"].items()
            for method, row in methods.items()
        }

    def authenticate(self) -> httpx.Response:
        answer = self.http.post(
            self.space.tokenUrl,
            data={"grant_type": "client_credentials"},
            auth=(self.space.clientId, self.space.clientSecret),
        )
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def call(self, operation: str, param: str = "", **more: Any) -> httpx.Response:
        method, path = self._paths[operation]
        path = re.sub(r"\{[^}]*\}", lambda _: param, path)
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **more.pop("headers", {})}
        return self.http.request(method, self.space.baseUrl + path, headers=headers, **more)

    def said(self, message: str, key: str, value: Any) -> Any:
        """A field of a JSON value by its pointer; ``None``: it is not there."""
        return get(value, self.pack.messages[message][key])

    def body(self, message: str, **values: Any) -> dict[str, Any]:
        """A JSON value from fields by key."""
        made: dict[str, Any] = {}
        for key, value in values.items():
            put(made, self.pack.messages[message][key.replace("_", "-")], value)
        return made

    def envelope(self, data: bytes, event: str = "new", **more: Any) -> dict[str, Any]:
        form = self.pack.revocation if event == "cancel" else self.pack
        assert form is not None
        document = read(data, form).document
        made: dict[str, Any] = {}
        if document is not None:
            number = document.transcript.version.number
            record = document.transcript.record.id
            assert number is not None
            assert record is not None
            made = {"record": record.raw, "version": number.value}
        made |= {
            "event": self.pack.messages["events"][event],
            "updated": "2025-06-01T15:00:00",
            "content": base64.b64encode(data).decode(),
            **more,
        }
        return self.body("submission", **made)

    def submit(self, data: bytes, event: str = "new", **more: Any) -> httpx.Response:
        return self.call("submit", json=self.envelope(data, event, **more))

    def field(self, message: str, key: str, answer: httpx.Response) -> Any:
        return self.said(message, key, answer.json())

    def receipt(self, answer: httpx.Response) -> str:
        assert answer.is_success, answer.text
        return str(self.field("receipt", "id", answer))

    def error(self, answer: httpx.Response) -> str:
        """The key of the error that was answered."""
        return self.key_of(answer.json())

    def key_of(self, problem: Any) -> str:
        """The key of a problem, which may stand in a batch."""
        code = self.said("problem", "code", problem)
        errors: dict[str, dict[str, Any]] = self.pack.messages["errors"]
        return next(key for key, row in errors.items() if row["code"] == code)

    def state(self, receipt: str) -> str:
        answer = self.call("status", receipt)
        assert answer.status_code == 200, answer.text
        return self.word("states", self.field("status", "state", answer))

    def word(self, kind: str, word: str) -> str:
        """The key of a word on the wire; ``kind``: ``states`` …"""
        words: dict[str, str] = self.pack.messages[kind]
        return next(key for key, one in words.items() if one == word)
