"""Server-sent events: a run's page is told that something has changed, never what; it then asks for itself again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse

from mock_moet.ministry import Ministry

_EVERY = 1.0
"""Seconds between two looks."""
_LOOKS = 600
"""Looks of one stream; then it ends and the browser asks again, with its session."""
_SILENT = 15
"""Looks without news after which a comment is sent: a connection that is gone is noticed then."""
_RECENT = 50
"""Exchanges at the end of the journal that may still be waiting for their answer."""
_BEYOND = 2**62


def mark(ministry: Ministry, space: str) -> str:
    """A mark that differs whenever a page of the run would."""
    states = sorted(ministry.store.counts().get(space, {}).items())
    corner = ministry.corner(space)
    _, last = corner.journal.after(_BEYOND)
    recent, _ = corner.journal.after(last - _RECENT)
    answered = [one["answer"] is not None for one in recent]
    fired = [(one["number"], one["fired"]) for one in corner.faults.listing()]
    return hashlib.sha256(repr((states, last, answered, fired)).encode()).hexdigest()[:16]


def stream(ministry: Ministry, space: str, request: Request) -> StreamingResponse:
    """One ``change`` event whenever the run's mark is another one; the first tells the present mark."""

    async def events() -> AsyncIterator[str]:
        known = ""
        silent = 0
        for _ in range(_LOOKS):
            if ministry.space(space) is None or await request.is_disconnected():
                return
            seen = await anyio.to_thread.run_sync(mark, ministry, space)
            silent += 1
            if seen != known:
                yield f"event: change\ndata: {seen}\n\n"
                known, silent = seen, 0
            elif silent >= _SILENT:
                yield ": …\n\n"
                silent = 0
            await anyio.sleep(_EVERY)

    return StreamingResponse(events(), media_type="text/event-stream")
