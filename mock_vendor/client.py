"""The client of the Ministry's service: paths by ``operationId``, message fields by JSON pointer, all from the pack."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import httpx

from conformance.pack import Pack
from conformance.pack.pointer import get, put
from mock_vendor.intake import Intake
from mock_vendor.settings import Clock

ANSWER_LIMIT = 4 * 1024 * 1024
TOKEN_MARGIN = 5.0
"""Seconds before its end at which a token counts as used up."""


class Trouble(Exception):
    """No usable answer; worth another try. ``wait``: seconds the service asked for."""

    def __init__(self, text: str, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(text)


class BadCredentials(Exception):
    """The service does not know this software; another try would change nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the service. ``data``: its JSON object, ``None`` when it is none."""

    status: int
    data: dict[str, Any] | None
    retry_after: float | None = None


@dataclass(slots=True)
class Job:
    """One submission on its way. What is sent is fixed when it is queued."""

    record: str
    version: int
    content: bytes
    queued: datetime
    attempts: int = 0
    troubles: int = 0
    """Failed polls in a row."""
    due: float = 0.0
    """On the clock, the earliest moment of the next step."""
    imposed: bool = False
    """Whether the wait until then is a retry's: ``tick`` does ordinary work at once, but never shortens such a wait."""
    receipt: str = ""


@dataclass(slots=True)
class Line:
    """The line to the Ministry of one session."""

    base: str
    token_url: str
    client_id: str
    client_secret: str
    http: httpx.Client
    token: str = ""
    expires: float = 0.0

    @classmethod
    def open(cls, ministry: Mapping[str, str], transport: httpx.BaseTransport | None, timeout: float) -> Line:
        """Open a line; the service's certificate and host name are always checked."""
        verify: Any = True
        if ministry.get("caPem"):
            verify = ssl.create_default_context(cadata=ministry["caPem"])
        http = httpx.Client(
            transport=transport, verify=verify, timeout=timeout, follow_redirects=False, trust_env=False
        )
        names = ("baseUrl", "tokenUrl", "clientId", "clientSecret")
        base, token_url, client_id, client_secret = (ministry[name] for name in names)
        return cls(base.rstrip("/"), token_url, client_id, client_secret, http)


def routes(pack: Pack) -> dict[str, tuple[str, str]]:
    """``operationId`` → method and path."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, operations in pack.service["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


class Mailing(Intake):
    """How the software talks to the Ministry. Methods are seams that a named defect may replace."""

    clock: Clock

    @cached_property
    def _routes(self) -> dict[str, tuple[str, str]]:
        return routes(self.pack)

    @cached_property
    def state_names(self) -> dict[str, str]:
        """The pack's name of a state by its wire word."""
        return {word: name for name, word in self.pack.messages["states"].items()}

    def url(self, line: Line, operation: str, **path: str) -> tuple[str, str]:
        """Method and address of an operation."""
        method, template = self._routes[operation]
        for name in path.values():
            if "/" in name or not name:
                raise Trouble("mã trong đường dẫn không hợp lệ / unusable identifier in a path")
        values = dict(zip(_names(template), path.values(), strict=True))
        return method, line.base + template.format_map(values)

    def fetch_token(self, line: Line, now: float) -> str:
        """A bearer token; the cached one while it lasts.

        Raises:
            BadCredentials: refused. Trouble: no usable answer.
        """
        if line.token and now < line.expires:
            return line.token
        try:
            answer = self.answer(
                line.http.post(
                    line.token_url,
                    data={"grant_type": "client_credentials"},
                    auth=httpx.BasicAuth(line.client_id, line.client_secret),
                )
            )
        except httpx.HTTPError as error:
            raise Trouble(f"xin mã truy cập / asking for a token: {type(error).__name__}") from error
        if answer.status in (400, 401, 403):
            raise BadCredentials(f"HTTP {answer.status}")
        token = (answer.data or {}).get("access_token")
        lasts = (answer.data or {}).get("expires_in")
        if answer.status != 200 or not isinstance(token, str) or not isinstance(lasts, int | float):
            raise Trouble(f"xin mã truy cập / asking for a token: HTTP {answer.status}", answer.retry_after)
        line.token, line.expires = token, now + max(0.0, float(lasts) - TOKEN_MARGIN)
        return token

    def request(self, line: Line, method: str, url: str, token: str, body: bytes | None) -> httpx.Response:
        """One request with the token in its header."""
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return line.http.request(method, url, content=body, headers=headers)

    def call(self, line: Line, now: float, method: str, url: str, body: bytes | None = None) -> Answer:
        """A request with a valid token: renewed once when the service refuses it.

        Raises:
            BadCredentials: refused with a fresh token too. Trouble: no answer.
        """
        for fresh in (False, True):
            token = self.fetch_token(line, now)
            try:
                answer = self.answer(self.request(line, method, url, token, body))
            except httpx.HTTPError as error:
                raise Trouble(f"{type(error).__name__}") from error
            if answer.status != 401:
                return answer
            line.token = ""
            if fresh:
                break
        raise BadCredentials("HTTP 401")

    def answer(self, response: httpx.Response) -> Answer:
        """Read an answer; JSON or not."""
        data: Any = None
        if len(response.content) <= ANSWER_LIMIT:
            try:
                data = json.loads(response.content)
            except (ValueError, RecursionError):
                data = None
        return Answer(
            response.status_code,
            data if isinstance(data, dict) else None,
            self.retry_after(response.headers.get("Retry-After", ""), response.headers.get("Date", "")),
        )

    def retry_after(self, value: str, date: str) -> float | None:
        """Seconds to wait as the service asks: a number, or a date measured on the service's own clock."""
        if value.strip().isdigit():
            return float(value)
        try:
            until = parsedate_to_datetime(value)
            start = parsedate_to_datetime(date) if date else self.clock.now()
        except (ValueError, TypeError):
            return None
        # a date has no fractions of a second: one second more is never too early
        return max(0.0, (_aware(until) - _aware(start)).total_seconds() + 1.0)

    def envelope(self, job: Job) -> dict[str, Any]:
        """The submission's message; the same at every try."""
        fields, events = self.pack.messages["submission"], self.pack.messages["events"]
        message: dict[str, Any] = {}
        put(message, fields["record"], job.record)
        put(message, fields["event"], events["new" if job.version == 1 else "update"])
        put(message, fields["version"], job.version)
        put(message, fields["updated"], job.queued.replace(tzinfo=None).isoformat(timespec="seconds"))
        put(message, fields["content"], base64.b64encode(self.sent_bytes(job)).decode())
        return message

    def sent_bytes(self, job: Job) -> bytes:
        """The document as it is sent: the issued bytes."""
        return job.content

    def submit(self, line: Line, now: float, job: Job) -> Answer:
        """Send a submission."""
        method, url = self.url(line, "submit")
        return self.call(line, now, method, url, json.dumps(self.envelope(job), ensure_ascii=False).encode())

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        """Ask for the state of a submission."""
        method, url = self.url(line, "status", receipt=job.receipt)
        return self.call(line, now, method, url)

    def receipt_of(self, answer: Answer) -> str:
        """The receipt in an answer; empty when the answer holds none that can be read."""
        found = get(answer.data, self.pack.messages["receipt"]["id"])
        return found if isinstance(found, str) else ""

    def state_of(self, answer: Answer) -> str:
        """The pack's name of the state in a status answer; empty when it is unknown."""
        found = get(answer.data, self.pack.messages["status"]["state"])
        return self.state_names.get(found, "") if isinstance(found, str) else ""

    def worth_another_try(self, answer: Answer) -> bool:
        """Whether the same submission may be sent again later (RFC 9110): never after a considered refusal."""
        if answer.status == 409:
            return bool(self.problem_code(answer) == self.pack.messages["errors"]["being-checked"]["code"])
        return answer.status in (408, 429) or answer.status in range(200, 400) or answer.status >= 500

    def problem_code(self, answer: Answer) -> str:
        """The error code in a problem answer."""
        found = get(answer.data, self.pack.messages["problem"]["code"])
        return found if isinstance(found, str) else ""

    def pause(self, attempt: int, first: float, longest: float, asked: float | None) -> float:
        """Seconds before the next try: doubling, never less than the service asked for."""
        grown = min(first * 2.0 ** (attempt - 1), longest)
        return max(float(grown), asked or 0.0)

    def gives_up(self, attempt: int, most: int) -> bool:
        """Whether that was the last try."""
        return attempt >= most

    def give_up_message(self, attempts: int, last: str) -> str:
        """What the operator is told then."""
        return f"Đã dừng sau {attempts} lần gửi / gave up after {attempts} tries: {last}"

    def state_after_receipt(self) -> str:
        """What the operator sees once the Ministry has the submission."""
        return "receipted"

    def door_refusal(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        """A refusal at the door, as shown to the operator."""
        problem = self.pack.messages["problem"]
        text = get(answer.data, problem["detail"]) or get(answer.data, problem["title"]) or ""
        return [
            {
                "code": self.problem_code(answer) or f"HTTP {answer.status}",
                "requirement": str(get(answer.data, problem["requirement"]) or ""),
                "field": "/",
                "message": str(text) or f"HTTP {answer.status}",
                "learner": learner,
            }
        ]

    def findings(self, answer: Answer, learner: str) -> list[dict[str, str]]:
        """The findings of a refused transcript, tied to learner and field."""
        listed = get(answer.data, self.pack.messages["status"]["findings"])
        names = self.pack.messages["finding"]
        return [
            {
                "code": str(get(one, names["code"]) or ""),
                "requirement": str(get(one, names["requirement"]) or ""),
                "field": str(get(one, names["place"]) or "/"),
                "message": str(get(one, names["text"]) or ""),
                "learner": learner,
            }
            for one in (listed if isinstance(listed, list) else [])
            if isinstance(one, dict)
        ]


def _names(template: str) -> list[str]:
    return re.findall(r"\{([^{}]*)\}", template)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
