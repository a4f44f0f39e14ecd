"""One bounded HTTP client for everything the suite talks to: a vendor's answers are data from a stranger.

Sizes, times and redirects are bounded; whatever goes wrong is an :class:`Unreachable` or :class:`BadAnswer` that says
where, in Vietnamese and English.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from conformance.doors.bounded import BoundedTransport, Deadline, Undecodable, decoded
from conformance.strict import finite, no_number

ANSWER_LIMIT = 8 * 1024 * 1024
"""Bytes: four times the largest lawful document, so that too large a document is still seen, and found, as one."""

PATIENCE = 30.0
"""Seconds: signing through a slow token takes several; nobody waits longer than this for one call."""

CONNECT = 5.0
"""Seconds for a connection to be taken: that is the machine's answer, not the software's."""

DEEPEST = 64
"""Levels of JSON; no message of the test interface has ten."""

_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")


def _shallow(value: Any) -> bool:
    """Whether nothing nests deeper than anybody could write down; level by level, so that depth costs no stack."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False


class DoorError(RuntimeError):
    """Something the suite needs could not be had; bilingual."""


class Unreachable(DoorError):
    """No answer: connection refused, timed out or broken."""


class BadAnswer(DoorError):
    """An answer that is no answer to what was asked: wrong status, not JSON, too large."""


class Oversized(BadAnswer):
    """An answer over :data:`ANSWER_LIMIT`; ``answer`` holds its beginning, one byte past the limit."""

    def __init__(self, method: str, path: str, answer: Answer) -> None:
        super().__init__(f"{method} {path}: trả lời quá {ANSWER_LIMIT} byte / answer over {ANSWER_LIMIT} bytes")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with lower-case names, the bytes, and the JSON if it is any."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The JSON value; ``None`` when the body is not JSON."""
        try:
            return self._parsed()
        except ValueError:
            return None

    def why_no_json(self) -> str:
        """Why :meth:`json` has no value, bilingual and without repeating much of the body; empty: it has one."""
        if not self.body:
            return "không có nội dung / no body"
        try:
            self._parsed()
        except json.JSONDecodeError as error:
            return f"không phải JSON / not JSON: {error.msg}, dòng / line {error.lineno}, cột / column {error.colno}"
        except UnicodeDecodeError:
            return "JSON phải là UTF-8 / JSON has to be UTF-8"
        except ValueError as error:
            return str(error)[:200]
        return ""

    def _parsed(self) -> Any:
        try:
            value = json.loads(self.body, parse_constant=no_number, parse_float=finite)
            if _HALVES.search(self.body):
                # half a character is no text: nothing could be written down that holds one
                value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        except RecursionError as error:
            raise ValueError("lồng quá sâu / nested too deep") from error
        if not _shallow(value):
            raise ValueError(f"lồng quá {DEEPEST} tầng / nested deeper than {DEEPEST} levels")
        return value

    def record(self) -> dict[str, Any]:
        """A form that can be kept as evidence."""
        value = self.json()
        return {
            "status": self.status,
            "body": value if value is not None else self.body[:4000].decode("utf-8", "replace"),
        }


class Http:
    """A client for one origin. Never follows a redirect, keeps no cookies, never reads past :data:`ANSWER_LIMIT`."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        verify: Any = True,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self._deadline = Deadline()
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json, application/xml;q=0.9",
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(PATIENCE, connect=CONNECT),
            transport=transport or BoundedTransport(self._deadline, verify),
            # none are kept: what a stranger sets would come back with every call, without end
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def call(self, method: str, path: str, body: Any = None, *, patience: float = PATIENCE) -> Answer:
        """One request, ``patience`` seconds at most: an answer that drips for ever is no answer.

        Raises:
            Unreachable: no whole answer came in time.
            Oversized: the answer is larger than :data:`ANSWER_LIMIT`.
        """
        if not path.startswith("/"):
            raise BadAnswer(f"{path[:200]!r}: cần đường dẫn cùng máy chủ / wants a path on the same server")
        url = self.base_url + path
        began = time.monotonic()
        self._deadline.until = began + patience
        try:
            with self._client.stream(
                method, url, json=body, timeout=httpx.Timeout(patience, connect=min(CONNECT, patience))
            ) as response:
                data = bytearray()
                headers = {name.lower(): value for name, value in response.headers.items()}
                for chunk in decoded(response, ANSWER_LIMIT):
                    data += chunk
                    if len(data) > ANSWER_LIMIT:
                        beginning = bytes(data[: ANSWER_LIMIT + 1])
                        raise Oversized(method, path, Answer(response.status_code, beginning, headers))
                    if time.monotonic() - began > patience:
                        raise Unreachable(
                            f"{method} {url}: trả lời không dứt sau {patience:.0f} giây / "
                            f"the answer has no end after {patience:.0f} s"
                        )
                return Answer(response.status_code, bytes(data), headers)
        except Undecodable as error:
            raise BadAnswer(f"{method} {path}: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unreachable(
                f"{method} {url[:500]}: không trả lời / no answer ({type(error).__name__}: {str(error)[:500]})"
            ) from error
        finally:
            self._deadline.until = None

    def expect(self, method: str, path: str, body: Any = None, *, status: tuple[int, ...] = (200,)) -> Answer:
        """One request whose answer must have one of ``status``.

        Raises:
            BadAnswer: it has another one.
        """
        answer = self.call(method, path, body)
        if answer.status not in status:
            shown = answer.body[:300].decode("utf-8", "replace")
            raise BadAnswer(
                f"{method} {path}: HTTP {answer.status}, cần / wanted {', '.join(map(str, status))}: {shown}"
            )
        return answer
