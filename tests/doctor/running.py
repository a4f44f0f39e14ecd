"""A sound mock Ministry and a sound reference vendor on real loopback ports, in threads of the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import uvicorn

from conformance.doors.processes import Service
from conformance.pack import default_pack
from mock_moet.ministry import Settings
from mock_moet.server import Running, bind
from mock_vendor.app import create_app
from mock_vendor.settings import VendorSettings

TOKEN = "hocba-test"
LIMIT = 60.0


@contextmanager
def ministry() -> Iterator[Service]:
    """As the run's own one, but already running."""
    with Running.start(Settings(pack=default_pack(), judging="inline")) as running:
        urls = {"base": running.service_url, "control": running.control_url}
        yield Service("mock_moet", SimpleNamespace(), urls, running.control_token)  # type: ignore[arg-type]


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def vendor() -> Iterator[str]:
    """The reference vendor's address; its token is that of a desk."""
    app = create_app(VendorSettings(default_pack(), TOKEN))
    server = _Quiet(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2))
    listener = bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + LIMIT
    while not server.started:
        assert thread.is_alive(), "the vendor ended"
        assert time.monotonic() < until, "the vendor did not come up"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
        app.state.office.close()
