"""Sends prepared requests over HTTP/1.1: as fast as some connections go, or at a constant rate (open loop).

At a constant rate a request is due at its moment, whether or not the ones before it have been answered, and its time is
counted from that moment. A service that stands still for a second is then seen to have kept everybody waiting; a closed
loop (wrk, hey) would have stood still with it and counted one slow answer (coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

PATIENCE = 60.0
"""Seconds until an answer is given up."""
MOST_CONNECTIONS = 256
"""Open at the same time, at a constant rate."""


@dataclass
class Sent:
    """What came of the requests. Times in seconds."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    """0: no answer."""
    seconds: float = 0.0
    """From the first request to the last answer."""
    late: float = 0.0
    """How much later than it was due a request left at worst: the sender's own delay, part of that request's time."""

    def percentile(self, which: float) -> float:
        """The time that so many percent of the requests did not exceed."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * which / 100))] if ordered else 0.0

    def shown(self) -> str:
        """The usual percentiles in milliseconds."""
        return " ".join(f"p{which:g} {self.percentile(which) * 1000:.0f}" for which in (50, 90, 99, 99.9)) + " ms"


class _Connections:
    """Kept connections to one address; the one used last is used next."""

    def __init__(self, address: tuple[str, int], most: int) -> None:
        self._address = address
        self._room = asyncio.Semaphore(most)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(self, request: bytes) -> int:
        """Send a request and read its answer; the status, 0 without one."""
        async with self._room:
            try:
                async with asyncio.timeout(PATIENCE):
                    while self._idle:
                        kept = self._idle.pop()
                        with suppress(OSError, asyncio.IncompleteReadError):  # it was closed meanwhile: as any client
                            return await self._over(kept, request)
                    return await self._over(await asyncio.open_connection(*self._address), request)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                return 0

    async def _over(self, kept: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> int:
        reader, writer = kept
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        self._idle.append(kept)
        return int(head.split(b" ", 2)[1])

    async def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _send(address: tuple[str, int], requests: Iterator[bytes], rate: float | None, connections: int) -> Sent:
    sent, kept = Sent(), _Connections(address, connections if rate is None else MOST_CONNECTIONS)

    async def one(request: bytes, due: float) -> None:
        sent.statuses[await kept.exchange(request)] += 1
        sent.times.append(time.perf_counter() - due)

    async def in_turn() -> None:
        for request in requests:
            await one(request, time.perf_counter())

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        if rate is None:
            for _ in range(connections):
                group.create_task(in_turn())
        else:
            for at, request in enumerate(requests):
                due = begin + at / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                sent.late = max(sent.late, time.perf_counter() - due)
                group.create_task(one(request, due))
    sent.seconds = time.perf_counter() - begin
    await kept.close()
    return sent


def send(
    address: tuple[str, int], requests: Sequence[bytes] | Iterator[bytes], *, rate: float | None = None,
    connections: int = 16, count: int | None = None,
) -> Sent:  # fmt: skip
    """Send at most ``count`` requests; ``rate``: so many a second, ``None``: as fast as ``connections`` go."""
    return asyncio.run(_send(address, islice(iter(requests), count), rate, connections))
