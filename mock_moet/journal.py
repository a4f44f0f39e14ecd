"""What happened in a space, call by call, without secrets: the evidence about a client's behaviour."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Collection, Mapping
from threading import Lock
from typing import Any

LIMIT = 10_000
"""Entries kept per space; the oldest go first."""
_SHOWN = 200_000
"""Bytes of an answer's body that are kept."""

_REDACTED = frozenset({"authorization", "proxy-authorization", "cookie"})


def redacted(headers: Mapping[str, str], secret: Collection[str] = ()) -> dict[str, str]:
    """Headers with secrets replaced by the scheme and eight hex digits of their SHA-256 (enough to tell them apart).

    ``secret``: names of more headers that hold secrets.
    """
    shown = {}
    for name, value in headers.items():
        if name in _REDACTED or name in secret:
            scheme, _, secret = value.partition(" ")
            digest = hashlib.sha256((secret or scheme).encode()).hexdigest()[:8]
            shown[name] = f"{scheme} sha256:{digest}" if secret else f"sha256:{digest}"
        else:
            shown[name] = value[:1000]
    return shown


def shown_body(body: bytes, content_type: str) -> Any:
    """An answer's body as kept: JSON as data, other text as text, nothing for documents and large ones."""
    if not body or len(body) > _SHOWN or "xml" in content_type:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


class Journal:
    """The journal of one space. Numbers start at 1 and follow the order of arrival."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._entries: deque[dict[str, Any]] = deque(maxlen=limit)
        self._lock = Lock()
        self._last = 0

    @staticmethod
    def blank(**entry: Any) -> dict[str, Any]:
        """An entry of a call that has just arrived, without its number."""
        return {
            **entry,
            "facts": {},
            "answer": None,
            "fault": None,
            "committed": False,
            "delivered": False,
            "seconds": None,
        }

    def enter(self, **entry: Any) -> dict[str, Any]:
        """Note the arrival of a call; the entry returned is completed with :meth:`complete`."""
        made = self.blank(**entry)
        with self._lock:
            self._last += 1
            made = {"n": self._last, **made}
            self._entries.append(made)
            return made

    def complete(self, entry: dict[str, Any], **values: Any) -> None:
        """Add to an entry what became known later."""
        with self._lock:
            entry.update(values)

    def after(self, number: int) -> tuple[list[dict[str, Any]], int]:
        """Entries with a higher number (those still being answered have no ``answer``), and the last number given."""
        with self._lock:
            return [dict(one) for one in self._entries if one["n"] > number], self._last
