"""``make load``: how many submissions the service takes and judges, and how long an answer takes, on this machine.

Signed transcripts are sent over loopback. What counts is compared with ``hocba check --jobs 2`` on the same files in
the same run, since absolute figures move with the machine. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from mock_moet.rules import PENDING, State
from mock_moet.store import Store
from tests import postgres
from tests.mock_moet.load.documents import Files
from tests.mock_moet.load.sender import Sent, send
from tests.mock_moet.load.service import Memory, Target, checked, service

_DRAIN = 120.0
"""Seconds that judging may need after the last request."""
_BATCH = 100


@dataclass
class Measured:
    """One run."""

    sent: Sent
    judged: float
    """Judged submissions a second, from the first request until nothing was pending."""
    states: dict[State, int]
    memory: Memory

    @property
    def whole(self) -> bool:
        """Everything was acknowledged, judged and found good."""
        return set(self.sent.statuses) == {202} and set(self.states) == {State.ACCEPTED}


@dataclass
class Load:
    """What is sent, and what it is compared with."""

    files: Files
    folder: Path
    seconds: float
    check: float = 0.0
    """Documents a second of ``hocba check --jobs 2``."""
    odd: list[str] = field(default_factory=list)

    def run(self, *options: str, rate: float | None = None, count: int, database: str = "", batch: int = 1) -> Measured:
        """Send ``count`` submissions, ``batch`` at a time, and wait until they are judged."""
        database = database or f"sqlite:///{self.folder / uuid.uuid4().hex}.db"
        with service(database, *options) as (control, process):
            size = len(self.files.documents) // batch * batch
            # a space takes each document once: as many spaces as it takes
            targets = [Target.open(control, self.files) for _ in range(-(-count // size))]
            store = Store(database, migrate=False)
            with Memory(process) as memory:
                begin = time.perf_counter()
                requests = (
                    request for target in targets for request in target.requests(self.files.documents[:size], batch)
                )
                sent = send(targets[0].address, requests, rate=rate, count=count // batch)
                until = time.perf_counter() + _DRAIN
                while (states := _states(store)) and PENDING & set(states) and time.perf_counter() < until:
                    time.sleep(0.25)
                judged = sum(number for state, number in states.items() if state not in PENDING)
                took = time.perf_counter() - begin
            store.close()
        return Measured(sent, judged / took, states, memory)

    def line(self, title: str, one: Measured, more: str = "") -> None:
        """Print what one run gave."""
        if not one.whole:
            self.odd.append(title)
        share = f" ({one.judged / self.check:4.0%} of check)" if self.check else ""
        answered = len(one.sent.times) / one.sent.seconds
        say(
            f"{title:34} judged {one.judged:6.1f}/s{share}, answered {answered:6.1f}/s, {one.sent.shown()}, "
            f"memory {one.memory.shown()}{more}{'' if one.whole else f' ODD: {dict(one.sent.statuses)} {one.states}'}"
        )


def _states(store: Store) -> dict[State, int]:
    total: dict[State, int] = {}
    for counts in store.counts().values():
        for state, number in counts.items():
            total[state] = total.get(state, 0) + number
    return total


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def play(load: Load, *, hour: bool, on_postgresql: bool) -> None:
    """All runs, one after the other."""
    load.check = checked(load.files, load.folder)
    say(f"hocba check --jobs 2: {load.check:.1f}/s")
    count = max(100, int(load.check * 0.8 * load.seconds))
    load.line("inline, one process", load.run("--judging", "inline", count=count // 2))
    load.line("inline, --workers 2", load.run("--judging", "inline", "--workers", "2", count=count))
    full = load.run("--judges", "2", count=count)
    load.line("--judges 2", full)
    if on_postgresql:
        with postgres.server() as url:
            load.line("--judges 2, PostgreSQL", load.run("--judges", "2", count=count, database=url))
    load.line(
        f"batches of {_BATCH}, --judges 2", load.run("--judges", "2", count=count // _BATCH * _BATCH, batch=_BATCH)
    )
    rate = full.judged / 2
    half = load.run("--judges", "2", rate=rate, count=int(rate * load.seconds * 1.5))
    load.line(f"--judges 2 at {rate:.1f}/s", half, f", sent {half.sent.late * 1000:.0f} ms late at worst")
    if hour:
        long = load.run("--judges", "2", count=int(rate * 3600))
        load.line(f"an hour's worth at {rate:.1f}/s", long, f": {long.memory.course()}")
    after = checked(load.files, load.folder)
    say(f"hocba check --jobs 2 again: {after:.1f}/s")


def main() -> int:
    """Measure and print. Exit code 1: not everything was acknowledged and judged."""
    parser = argparse.ArgumentParser(prog="python -m tests.mock_moet.load")
    parser.add_argument("--seconds", type=float, default=15, help="of each run, about")
    parser.add_argument("--documents", type=int, default=200, help="different ones; each space gets them all")
    parser.add_argument("--hour", action="store_true", help="also send an hour's worth of requests, and watch memory")
    parser.add_argument("--postgresql", action="store_true", help="also on PostgreSQL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = Files.make(options.documents)
        size = sum(map(len, files.documents)) / len(files.documents) / 1024
        say(f"{len(files.documents)} transcripts of {size:.0f} KB, {os.cpu_count()} cores, SQLite (WAL, FULL)")
        load = Load(files, Path(name), options.seconds)
        play(load, hour=options.hour, on_postgresql=options.postgresql)
    return 1 if load.odd else 0


if __name__ == "__main__":
    raise SystemExit(main())
