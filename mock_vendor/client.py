"""The line to the Ministry's service: addresses by ``operationId`` from the pack, tokens, and answers of every kind."""

from __future__ import annotations

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
from mock_vendor.intake import Intake
from mock_vendor.settings import Clock

PATIENT_BYTES = 256 * 1024
"""Size of a request up to which an answer is waited for as long as declared; for larger ones in proportion."""
ANSWER_LIMIT = 32 * 1024 * 1024
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
    body: bytes = b""
    etag: str = ""


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
    def open(
        cls, ministry: Mapping[str, str], habits: Connecting, transport: httpx.BaseTransport | None, timeout: float
    ) -> Line:
        """Open a line."""
        http = habits.http_client(transport, habits.trusted_servers(ministry.get("caPem", "")), timeout)
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


class Connecting(Intake):
    """How the software reaches the Ministry. Methods are seams that a named defect may replace."""

    clock: Clock
    clock_offset = 0.0
    """Seconds by which the software's clock is fast (capability ``clock``)."""

    @cached_property
    def _routes(self) -> dict[str, tuple[str, str]]:
        return routes(self.pack)

    def trusted_servers(self, authorities: str) -> ssl.SSLContext:
        """Whose servers are believed: those of the given authorities (PEM), else of the system's; names are checked."""
        return ssl.create_default_context(cadata=authorities or None)

    def http_client(
        self, transport: httpx.BaseTransport | None, trusted: ssl.SSLContext, timeout: float
    ) -> httpx.Client:
        """A client that goes nowhere but where it is sent: no redirects, no proxies from the environment."""
        return httpx.Client(
            transport=transport, verify=trusted, timeout=timeout, follow_redirects=False, trust_env=False
        )

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

    def request(
        self, line: Line, method: str, url: str, token: str, body: bytes | None, more: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request with the token in its header, and ``more`` headers."""
        headers = {"Authorization": f"Bearer {token}", **(more or {})}
        if body is not None:
            headers["Content-Type"] = "application/json"
        # a batch of a hundred takes longer to be read than one transcript
        patience = (line.http.timeout.read or 0.0) * max(1.0, len(body or b"") / PATIENT_BYTES)
        return line.http.request(method, url, content=body, headers=headers, timeout=patience or None)

    def renews(self, url: str) -> bool:
        """Whether a refused token is renewed for this call."""
        del url
        return True

    def call(
        self,
        line: Line,
        now: float,
        method: str,
        url: str,
        body: bytes | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request with a valid token: renewed once when the service refuses it.

        Raises:
            BadCredentials: refused with a fresh token too. Trouble: no answer.
        """
        for fresh in (False, True):
            token = self.fetch_token(line, now)
            try:
                answer = self.answer(self.request(line, method, url, token, body, more))
            except httpx.HTTPError as error:
                raise Trouble(f"{type(error).__name__}") from error
            if answer.status != 401 or not self.renews(url):
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
            response.content,
            response.headers.get("ETag", ""),
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


def _names(template: str) -> list[str]:
    return re.findall(r"\{([^{}]*)\}", template)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
