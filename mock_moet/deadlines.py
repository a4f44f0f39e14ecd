"""How long a client may keep a connection waiting, and how much it may say before its body."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_LIMIT = 32 * 1024
"""Bytes of a request's head."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds in which a request's head, then its body, must have come whole; of a kept connection without a call."""

    head: float = 20.0
    body: float = 30.0
    idle: float = 15.0
