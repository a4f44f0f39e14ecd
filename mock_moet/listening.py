"""How uvicorn is used: for the service, its control interface, and each worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

HEADER_LIMIT = 32 * 1024
"""Bytes of a request's head; longer ones are refused before anything looks at them."""


class Server(uvicorn.Server):
    """Leaves signals to whoever runs it: there are two of it in one process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def configured(app: Any) -> uvicorn.Config:
    """Settings of a server for ``app``."""
    config = uvicorn.Config(
        app,
        http="h11",  # faults reach through it to the connection
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=HEADER_LIMIT,
        timeout_graceful_shutdown=2,
    )
    config.load()
    return config
