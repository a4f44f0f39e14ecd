"""Time as the service sees it: always a parameter, real only at the door (``server``)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

import anyio.to_thread


class Clock(Protocol):
    """A clock: real, or scaled or virtual in tests."""

    def now(self) -> datetime:
        """The time of day, aware."""

    def monotonic(self) -> float:
        """Seconds since some start; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait in the calling thread."""


@runtime_checkable
class AsyncClock(Protocol):
    """A clock that can also wait without holding a thread."""

    async def async_sleep(self, seconds: float) -> None:
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
        """Wait in the calling thread."""
        time.sleep(seconds)

    async def async_sleep(self, seconds: float) -> None:
        """Wait without holding a thread."""
        await asyncio.sleep(seconds)


async def wait(clock: Clock, seconds: float) -> None:
    """Wait ``seconds`` of ``clock`` without blocking the event loop."""
    if isinstance(clock, AsyncClock):
        await clock.async_sleep(seconds)
    else:
        await anyio.to_thread.run_sync(clock.sleep, seconds, abandon_on_cancel=True)
