"""Who may use the console: one-time links, sessions, and the token of their forms. In memory: a restart ends them."""

from __future__ import annotations

import hmac
import math
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from mock_moet.clock import Clock
from mock_moet.tables import hashed

LINK_LIFETIME = 3600.0
"""Seconds a one-time link may wait to be used."""
SESSION_LIFETIME = 12 * 3600.0
"""Seconds a session lasts: a working day."""
_MOST = 500
"""Sessions, links and addresses that are kept; the oldest go first."""
ATTEMPTS, ATTEMPTS_IN = 10, 60.0
"""Wrong sign-ins that an address may make in so many seconds."""


@dataclass(slots=True)
class Session:
    """One signed-in browser."""

    expires: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    """What its forms carry: another site cannot know it."""
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Messages for the next page: keys of texts and their parameters."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Client secrets of runs just opened, by space: shown once."""

    def is_own(self, token: str) -> bool:
        """Whether a form carries this session's token."""
        return hmac.compare_digest(token.encode(), self.csrf.encode())


class Attempts:
    """Wrong sign-ins by address: after so many of them an address has to wait. The oldest addresses are forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def wait(self, address: str) -> int:
        """Seconds until the address may try again; 0: now."""
        with self._lock:
            times = self._of(address)
            return math.ceil(times[0] + ATTEMPTS_IN - self._clock.monotonic()) if len(times) >= ATTEMPTS else 0

    def failed(self, address: str) -> None:
        """Note a wrong attempt."""
        with self._lock:
            times = self._of(address)
            times.append(self._clock.monotonic())
            self._wrong.pop(address, None)
            _keep(self._wrong, address, times)

    def _of(self, address: str) -> deque[float]:
        times = self._wrong.get(address, deque(maxlen=ATTEMPTS))
        while times and times[0] + ATTEMPTS_IN <= self._clock.monotonic():
            times.popleft()
        return times


class Sessions:
    """All links and sessions of a service. Only hashes of what browsers hold are kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.attempts = Attempts(clock)
        self._links: OrderedDict[str, float] = OrderedDict()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = Lock()

    def link(self) -> str:
        """A new one-time code for a link."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            _keep(self._links, hashed(code), self._clock.monotonic() + LINK_LIFETIME)
        return code

    def redeem(self, code: str) -> str:
        """Use up a one-time code; the new session's cookie value, empty for an unknown, used or expired code."""
        with self._lock:
            expires = self._links.pop(hashed(code), 0.0)
        return self.begin() if expires > self._clock.monotonic() else ""

    def begin(self) -> str:
        """A new session; its cookie value."""
        value = secrets.token_urlsafe(32)
        with self._lock:
            _keep(self._sessions, hashed(value), Session(self._clock.monotonic() + SESSION_LIFETIME))
        return value

    def of(self, value: str | None) -> Session | None:
        """The session behind a cookie value."""
        if not value:
            return None
        with self._lock:
            found = self._sessions.get(hashed(value))
        return found if found is not None and found.expires > self._clock.monotonic() else None

    def end(self, value: str | None) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(hashed(value or ""), None)


def _keep(store: OrderedDict[str, Any], key: str, value: Any) -> None:
    store[key] = value
    while len(store) > _MOST:
        store.popitem(last=False)
