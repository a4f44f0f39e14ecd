"""The whole harness in one process: vendor, mock Ministry and workbench over ASGI, with a clock of its own."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.doors.http import Http
from conformance.events import ItemResult
from conformance.pack import Pack, default_pack
from conformance.suite.bench import Bench
from conformance.suite.plan import Planned, plan
from conformance.suite.settings import Options
from conformance.suite.setup import Run, begin
from mock_moet.api import create_service
from mock_moet.control import create_control
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from mock_moet.server import Running, Tls
from mock_vendor.app import create_app
from mock_vendor.settings import VendorSettings


class ScaledClock:
    """Time that runs ``factor`` times as fast: the same order of events, in less waiting.

    Not faster: a moment in which the machine is busy would look like a long wait on the wire.
    """

    def __init__(self, factor: float = 5.0, start: datetime | None = None) -> None:
        self.factor = factor
        self._start = start or datetime.now(UTC)
        self._zero = time.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * self.factor

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self.factor)


class WaitingClock:
    """Time that passes only when somebody waits, or looks at it: how busy the machine is cannot show.

    For what is done one thing after the other; two who wait at once each wait for the other's time too.
    """

    look = 0.001
    """Seconds that a look takes, or a loop that only looks would never end."""
    factor = 50.0
    """By how much waiting is shortened; some is left for what goes on in a thread of its own."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self._pass(self.look)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / self.factor)
        self._pass(max(0.0, seconds))

    def _pass(self, seconds: float) -> float:
        with self._lock:
            self._passed += seconds
            return self._passed


class World:
    """A begun run with everything in process."""

    def __init__(self, bench: Bench, run: Run, pack: Pack) -> None:
        self.bench = bench
        self.run_ = run
        self.pack = pack
        self.plan: dict[str, Planned] = {one.id: one for one in plan(pack, run.setup)}

    def play(self, item: str) -> ItemResult:
        """Run one item by its id."""
        return self.bench.run(self.plan[item])

    def roots(self, *items: str) -> set[str]:
        """Root causes of violated requirements over some items; an error of ours fails the test."""
        found: set[str] = set()
        for item in items:
            result = self.play(item)
            assert not result.error, f"{item}: {result.error}"
            found |= {one.code for one in result.findings if one.state == "violated" and not one.consequence_of}
        return found


@contextmanager
def world(
    *defects: str,
    pack: Pack | None = None,
    programmes: tuple[str, ...] = ("THCS",),
    seed: int = 1,
    takes: str = "components",
    factor: float | None = None,
    verify: bool = True,
    items: Iterable[str] = (),
    tls: bool = False,
    **settings: Any,
) -> Iterator[World]:
    """Open a world; everything is closed again.

    ``verify``: whether the vendor's client checks certificates; ``items``: those that will be played, where it is
    known: what others would need is then not made; ``tls``: the service really speaks TLS on loopback, and the vendor
    reaches it over the network; ``factor``: how fast the machine's own time runs, instead of time that passes by
    waiting, which is not for what goes on beside the run (TLS, background work); ``settings``: more of the vendor's.
    """
    # the first revision, unless told otherwise: what later ones score takes longer
    pack = pack or default_pack().at(default_pack().header.revisions[0])
    start = datetime.now(pack.timezone)
    alone = not tls and not settings.get("background") and factor is None
    clock = WaitingClock(start) if alone else ScaledClock(factor or 5.0, start)
    served = Settings(pack=pack, clock=clock, control_token="control", judging="inline")
    running: Running | None = None
    service: InProcessTransport | None = None
    if tls:
        running = Running.start(served, tls=Tls())
        ministry = running.ministry
    else:
        # TLS is played: bad certificates can be shown in process too
        ministry = Ministry(replace(served, public_url="https://127.0.0.1:8115"))
        service = InProcessTransport(create_service(ministry), clock, verify=verify)
    control = InProcessTransport(create_control(ministry), clock)
    app = create_app(
        VendorSettings(
            pack=pack,
            token="vendor",
            clock=clock,
            transport=service,
            defects=frozenset(defects),
            programmes=programmes,
            takes=takes,
            **{"background": False, **settings},
        )
    )
    vendor = InProcessTransport(app, clock)
    vendor_http = Http("http://127.0.0.1", "vendor", transport=vendor)
    control_http = Http("http://127.0.0.1", "control", transport=control)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run: Run | None = None
        bench: Bench | None = None
        try:
            options = Options(
                target="http://127.0.0.1",
                programmes=programmes,
                keys="p-256",
                revision=pack.header.revision,
                items=tuple(one for one in items if one.startswith("exchange:")),
            )
            run = begin(options, pack, clock.now(), seed, Path(folder), vendor_http, control_http)
            bench = Bench(run.setup, vendor_http=vendor_http, control_http=control_http, clock=clock, now=clock.now)
            bench.shrinks = 0  # looked at where whole runs are
            yield World(bench, run, pack)
        finally:
            if bench is not None:
                bench.close()
            if run is not None:
                run.bundle.close()
            for http in (vendor_http, control_http):
                http.close()
            vendor.close()
            app.state.close()
            control.close()
            if service is not None:
                service.close()
            if running is not None:
                running.close()
            else:
                ministry.close()
