"""``make load``: how many submissions the service takes and judges, and how long an answer takes, on this machine.

Signed transcripts are sent over loopback. What counts is compared with ``hocba check --jobs 2`` on the same files in
the same run, since absolute figures move with the machine. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from mock_moet.rules import PENDING, State
from mock_moet.store import Store
from tests import postgres
from tests.mock_moet.load.documents import Files
from tests.mock_moet.load.sender import Sent, send
from tests.mock_moet.load.service import Check, Target, Watch, checked, service

_DRAIN = 120.0
"""Seconds that judging may need after the last request."""
_BATCH = 100
_RUNS = ("inline", "judges", "batches")
_ROUNDS = 3
"""Turns of the service and ``hocba check``: a machine is not equally fast all the time."""
_NEWS = 30.0
"""Seconds between lines of a long run."""
_WARM = 50
"""Documents that are judged before anything is measured: a process that has just started learns certificates."""


@dataclass
class Measured:
    """One run."""

    sent: Sent
    judged: float
    """Judged submissions a second, from the first request until nothing was pending."""
    states: dict[State, int]
    watch: Watch
    processor: float
    """Milliseconds of processor time a judged submission, of all its processes together."""
    own: float
    """Of these, the ones of the service's first process: with ``--judges`` everything but judging."""

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
    check: Check
    odd: list[str] = field(default_factory=list)

    def run(self, *options: str, rate: float | None = None, count: int, database: str = "", batch: int = 1) -> Measured:
        """Send ``count`` submissions, ``batch`` at a time, and wait until they are judged."""
        database = database or f"sqlite:///{self.folder / uuid.uuid4().hex}.db"
        documents = self.files.documents[_WARM:]
        size = len(documents) // batch * batch
        with service(database, *options) as (control, process):
            store = Store(database, migrate=False)
            # a space takes each document once: as many spaces as it takes
            targets = [Target.open(control, self.files) for _ in range(-(-count // size))]
            self._warmed(targets[0], store)
            bodies = targets[0].bodies_of(documents[:size], batch)
            with Watch(process) as watch:
                begin = time.perf_counter()
                requests = (one for target in targets for one in target.requests(bodies, batch=batch > 1))
                sent = send(targets[0].address, requests, rate=rate, count=count // batch)
                states = _settled(store)
                took = time.perf_counter() - begin
            store.close()
        judged = sum(number for state, number in states.items() if state not in PENDING) - _WARM
        return _measured(sent, judged, took, states, watch)

    def long(self, count: int, judging: str) -> Measured:
        """Send ``count`` submissions to spaces that come and go, as those of vendors' runs do."""
        database = f"sqlite:///{self.folder / uuid.uuid4().hex}.db"
        sent, judged, states = Sent(), 0, Counter[State]()
        with service(database, "--judges", "2") as (control, process):
            store = Store(database, migrate=False)
            first = Target.open(control, self.files)
            self._warmed(first, store)
            first.close()
            bodies = first.bodies_of(self.files.documents, 1)
            with Watch(process) as watch:
                begin = shown = time.perf_counter()
                while judged < count:
                    target = Target.open(control, self.files, judging)
                    some = send(target.address, target.requests(bodies, batch=False), count=count - judged)
                    sent.add(some)
                    found = _settled(store)
                    states.update(found)
                    judged += sum(found.values())
                    target.close()
                    if time.perf_counter() - shown > _NEWS:
                        shown = time.perf_counter()
                        say(f"  {judged} of {count}, {watch.samples[-1]:.0f} MiB")
                took = time.perf_counter() - begin
            store.close()
        return _measured(sent, judged, took, dict(states), watch)

    def _warmed(self, target: Target, store: Store) -> None:
        send(target.address, target.requests(target.bodies_of(self.files.documents[:_WARM], 1), batch=False))
        _settled(store)

    def line(self, title: str, one: Measured, more: str = "") -> None:
        """Print what one run gave."""
        if not one.whole:
            self.odd.append(title)
        answered = len(one.sent.times) / one.sent.seconds
        sender = one.sent.processor / max(1, len(one.sent.times)) * 1000
        say(
            f"{title:30} judged {one.judged:6.1f}/s ({one.judged / self.check.rate:4.0%} of check), "
            f"processor {one.processor:4.1f} ms (check's is {self.check.processor / one.processor:4.0%} of it; "
            f"{one.own:.1f} ms in the first process), sender {sender:.2f} ms a request, "
            f"answered {answered:6.1f}/s in {one.sent.shown()}, memory {one.watch.shown()}{more}"
            f"{'' if one.whole else f' ODD: {dict(one.sent.statuses)} {one.states}'}"
        )


def _measured(sent: Sent, judged: int, took: float, states: dict[State, int], watch: Watch) -> Measured:
    each = 1000 / max(1, judged)
    return Measured(sent, judged / took, states, watch, watch.processor * each, watch.own * each)


def _settled(store: Store) -> dict[State, int]:
    """How many submissions there are of each state, when none is pending any more or patience ends."""
    until = time.perf_counter() + _DRAIN
    while PENDING & set(states := _states(store)) and time.perf_counter() < until:
        time.sleep(0.2)
    return states


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


def _judges(load: Load, count: int, durable: bool) -> Measured:
    runs, checks = [], [load.check]
    for number in range(_ROUNDS):
        runs.append(load.run("--judges", "2", count=count))
        load.line(f"--judges 2, {number + 1} of {_ROUNDS}", runs[-1])
        checks.append(checked(load.files, load.folder))
    rates, processor = [], []
    for one, (before, after) in zip(runs, pairwise(checks), strict=True):
        rates.append(one.judged / (before.rate + after.rate) * 2)
        processor.append((before.processor + after.processor) / 2 / one.processor)
    say(
        f"--judges 2, each beside the hocba check before and after it: judged {statistics.median(rates):.0%} "
        f"of its rate, by processor time {statistics.median(processor):.0%} (medians of {_ROUNDS})"
    )
    if durable:
        with postgres.server(durable=True) as url:
            load.line("--judges 2, PostgreSQL", load.run("--judges", "2", count=count, database=url))
    return sorted(runs, key=lambda one: one.judged)[_ROUNDS // 2]


def play(load: Load, only: set[str], *, long: int, judging: str, on_postgresql: bool) -> None:
    """All runs, one after the other."""
    count = max(100, int(load.check.rate * 0.8 * load.seconds))
    if "inline" in only:
        load.line("inline, one process", load.run("--judging", "inline", count=count // 2))
        load.line("inline, --workers 2", load.run("--judging", "inline", "--workers", "2", count=count))
    if "judges" in only:
        rate = _judges(load, count, on_postgresql).judged / 2
        half = load.run("--judges", "2", rate=rate, count=int(rate * load.seconds * 1.5))
        load.line(f"--judges 2 at {rate:.1f}/s", half, f", sent {half.sent.late * 1000:.0f} ms late at worst")
    if "batches" in only:
        many = load.run("--judges", "2", count=count // _BATCH * _BATCH, batch=_BATCH)
        load.line(f"batches of {_BATCH}, --judges 2", many)
    if long:
        one = load.long(long, judging)
        load.line(f"{long} submissions, {judging}", one, f": {one.watch.course()}")
    after = checked(load.files, load.folder)
    say(f"hocba check --jobs 2 again: {after.rate:.1f}/s, {after.processor:.1f} ms of processor a document")


def main() -> int:
    """Measure and print. Exit code 1: not everything was acknowledged and judged."""
    parser = argparse.ArgumentParser(prog="python -m tests.mock_moet.load")
    parser.add_argument("--seconds", type=float, default=15, help="of each run, about")
    parser.add_argument("--documents", type=int, default=450, help="different ones; each space gets them all")
    parser.add_argument("--only", nargs="*", choices=_RUNS, default=_RUNS, help="these runs")
    parser.add_argument("--hour", type=int, default=0, metavar="N", help="N submissions more, and memory meanwhile")
    parser.add_argument("--accept-all", action="store_true", help="with --hour: take without judging")
    parser.add_argument("--postgresql", action="store_true", help="also on PostgreSQL, with its usual durability")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = Files.make(options.documents)
        size = sum(map(len, files.documents)) / len(files.documents) / 1024
        say(f"{len(files.documents)} transcripts of {size:.0f} KB, {os.cpu_count()} cores, SQLite (WAL, FULL)")
        check = checked(files, Path(name))
        say(f"hocba check --jobs 2: {check.rate:.1f}/s, {check.processor:.1f} ms of processor a document")
        load = Load(files, Path(name), options.seconds, check)
        judging = "accept-all" if options.accept_all else "full"
        play(load, set(options.only), long=options.hour, judging=judging, on_postgresql=options.postgresql)
    return 1 if load.odd else 0


if __name__ == "__main__":
    raise SystemExit(main())
