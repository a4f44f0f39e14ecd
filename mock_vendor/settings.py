"""What the reference vendor is started with, and the clock it lives by."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import httpx

from conformance.pack import Pack


class Clock(Protocol):
    """Time: real, or scaled in tests. Nothing in this package asks the machine directly."""

    def now(self) -> datetime:
        """The time of day, aware."""

    def monotonic(self) -> float:
        """Seconds since some start."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """Settings of one reference vendor. Times in seconds of ``clock``."""

    pack: Pack
    token: str
    clock: Clock = field(default_factory=SystemClock)
    transport: httpx.BaseTransport | None = None
    """Towards the Ministry; ``None``: the network, with certificates checked."""
    defects: frozenset[str] = frozenset()
    """Names from :data:`mock_vendor.defects.DEFECTS`."""
    outbox_interval: float = 0.2
    poll_interval: float = 0.2
    first_retry: float = 0.4
    longest_retry: float = 2.4
    attempts: int = 5
    request_timeout: float = 1.0
    takes: str = "components"
    """Whether component marks or semester averages are entered."""
    rendition: str = "html"
    """Form of printed renditions: ``html`` or ``pdf``."""
    programmes: tuple[str, ...] = ()
    """Programmes the description claims (empty: all of the pack); others work as soon as a roster has them."""
    background: bool = True
    """Whether a thread does the background work; without it only ``POST /tick`` does."""
