"""The observe door in a run: opens the space, writes the case book, waits for what an operator does, has it judged."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from conformance.cases import build_roster
from conformance.doors.drive import Episode
from conformance.doors.http import DoorError, Http
from conformance.doors.ministry import Ministry, Space
from conformance.doors.observe import SETTLED, Sight, Watcher
from conformance.doors.processes import Service
from conformance.evidence import Bundle
from conformance.exchanges import ExchangeSpec
from conformance.exchanges.player import fault_data, outcome_data
from conformance.pack import Pack
from conformance.signature.pki import TestPki
from conformance.suite import setup as setting_up
from conformance.suite.asked import UsageProblem, finished_school_year
from conformance.suite.casebook import STOP, Task, tasks, write_book
from conformance.suite.credentials import RunKeys
from conformance.suite.settings import Options, Setup

LONGEST_TIMEOUT = 200.0
"""Seconds that no software waits for an answer, as far as anybody can guess: none declares its timeout here."""


def open_observed(
    options: Options, pack: Pack, now: datetime, seed: int, folder: Path, services: list[Service], https: list[Http]
) -> setting_up.Run:
    """Start the mock Ministry and begin.

    Raises:
        DoorError: it cannot be had.
        UsageProblem: the case book cannot be written.
    """
    services.append(setting_up.ministry_of(options, pack, folder))
    https.append(Http(services[-1].urls["control"], services[-1].token))
    run = begin_observed(options, pack, now, seed, folder, https[0], services[-1].ready)
    run.services = services
    run.notice += setting_up.console_notice(options, Ministry(https[0], Space(**run.setup.space)))
    return run


def begin_observed(
    options: Options,
    pack: Pack,
    now: datetime,
    seed: int,
    folder: Path,
    control_http: Http,
    ready: Callable[[], object] = lambda: None,
) -> setting_up.Run:
    """Begin a run: keys, space, troubles by learner, case book; ``ready`` waits until the mock Ministry answers.

    Raises:
        DoorError: the mock Ministry does not take the space.
        UsageProblem: the case book cannot be written.
    """
    programmes = options.programmes or pack.certified()
    school_year = options.school_year or finished_school_year(pack, now)
    # a seal is offered to every software: who has none leaves it out
    roster = build_roster(pack, programmes, str(seed), school_year, seals=True)
    listed = tasks(pack, roster, seed, programmes)
    keys = RunKeys.make(TestPki(now, pack), roster, options.keys)
    ministry = Ministry(control_http)
    ready()
    space = keys.open(ministry, roster, "observe:")
    played = [one for one in listed if one.exchange is not None]
    ministry.faults(
        [
            {**fault_data(fault, timeout=LONGEST_TIMEOUT), "learner": one.learner}
            for one in played
            for fault in _exchange(one).faults
        ]
    )
    ministry.outcomes(
        [{**outcome_data(row), "learner": one.learner} for one in played for row in _exchange(one).outcomes]
    )
    session = {"signers": list(keys.signers), "reserved": pack.header.reserved.model_dump(mode="json")}
    book = Path(options.casebook)
    try:
        written = write_book(book, pack, listed, roster, session, space, options.language, options.observe_timeout / 60)
    except OSError as error:
        raise UsageProblem(f"--casebook: không ghi được / cannot write: {book}: {error.strerror}") from error
    setup = Setup(
        **setting_up.common(options, pack, now, seed, folder),
        **keys.for_setup(),
        run_id=secrets.token_hex(8),
        door="observe",
        school_year=school_year,
        programmes=programmes,
        target=options.target,
        token="",
        control_url=control_http.base_url,
        control_token=control_http.token,
        space=dataclasses.asdict(space),
        casebook=str(book),
        observe_until=(now + timedelta(seconds=options.observe_timeout)).isoformat(),
        observe_patience=options.observe_patience,
    )
    info = setting_up.info_of(options, pack, setup, now, declined=())
    bundle = Bundle(folder, (control_http.token, space.client_secret, *keys.secrets))
    keys.keep(bundle)
    bundle.add("roster", "", json.dumps(roster.data, ensure_ascii=False).encode())
    shown = "; ".join(str(path) for path in written)
    notice = (
        f"Sổ ca / case book: {shown}",
        f"base URL {space.base_url}",
        f"token URL {space.token_url}",
        f"client id {space.client_id}; client secret: xem sổ ca / in the case book",
        *(_line(one, options.language) for one in listed),
        f"Chờ hồ sơ đến / arrivals are waited for until {setup.observe_until[:19]}; "
        f"xong sớm: tạo tệp / done earlier: create the file {book / STOP}",
    )
    return setting_up.Run(setup, info, bundle, https=[control_http], notice=notice)


def _exchange(one: Task) -> ExchangeSpec:
    assert one.exchange is not None
    return one.exchange


def _line(one: Task, language: str) -> str:
    learner = one.case.data["learner"]
    return f"{one.number:3d}. {one.learner} {learner['name']} – {one.case.programme}: {one.case.title.of(language)}"


# judging


@dataclasses.dataclass(frozen=True, slots=True)
class Watching:
    """What a process needs to wait for a run's arrivals."""

    watcher: Watcher
    setup: Setup
    now: Callable[[], datetime]
    say: Callable[[str], None]
    told: dict[str, tuple[int, int, tuple[str, ...]]] = dataclasses.field(default_factory=dict)
    """What was last said of a learner: nothing is said twice."""

    def see(self, task: Task) -> Sight:
        """Wait until everything of a task has come, or nothing more is to be expected."""
        until = datetime.fromisoformat(self.setup.observe_until)
        stop = Path(self.setup.casebook) / STOP
        began = self.watcher.clock.monotonic()

        def over() -> bool:
            return self.now() >= until or stop.exists()

        def say(sight: Sight) -> None:
            minutes = int((self.watcher.clock.monotonic() - began) / 60)
            key = minutes, len(sight.calls), tuple(one.state for one in sight.arrived)
            if key == self.told.get(task.learner) or over():
                return
            self.told[task.learner] = key
            left = (until - self.now()).total_seconds() / 60
            text = f"ca / case {task.number} ({task.learner}): " + (
                ", ".join(f"{one.event} {one.version} {one.state}" for one in sight.arrived)
                or ("đang gửi / on its way" if sight.calls else "chưa đến / not yet")
            )
            self.say(f"{text}; còn / left: {left:.0f} phút / min")

        return self.watcher.wait(
            task.learner,
            lambda sight: complete(task, sight),
            until=over,
            patience=self.setup.observe_patience,
            say=say,
        )


def complete(task: Task, sight: Sight) -> bool:
    """Whether everything that a task asks for has come and been decided on."""
    ends = [one.state for one in sight.arrived if one.state in SETTLED]
    if not ends or len(ends) < len(sight.arrived):
        return False
    if task.entry.action == "correct" and not (len(ends) > 1 and ends[-1] != "refused"):
        return False
    if task.entry.action == "amend" and max(one.version for one in sight.arrived) < 2:
        return False
    wanted = 0 if task.exchange is None else sum(one.times for one in task.exchange.faults)
    if sight.hit < wanted:
        return False
    # after the last call that met a fault there must have come another: that is what is waited for
    return not wanted or not sight.calls[-1].fault


def episode_of(task: Task, sight: Sight) -> Episode:
    """What was seen, as evidence."""
    episode = Episode(task.case)
    if sight.arrived:
        episode.document = sight.arrived[-1].content
        episode.received_at = datetime.fromisoformat(sight.arrived[-1].received_at)
    episode.journal = tuple(dict(one) for one in sight.entries)
    episode.calls = sight.calls
    episode.receipts = tuple(one.receipt for one in sight.arrived)
    return episode


def strangers_of(control_http: Http, setup: Setup) -> tuple[str, ...]:
    """Learners that arrived and stand in no case: a code mistyped, or somebody else's software. Never raises."""
    pack = setup.load()
    roster = build_roster(pack, setup.programmes, str(setup.seed), setup.school_year, seals=True)
    watcher = Watcher(Ministry(control_http, Space(**setup.space)), pack, setting_up.RealClock())
    try:
        watcher.look()
    except DoorError:
        return ()
    return watcher.strangers(one.learner for one in tasks(pack, roster, setup.seed, setup.programmes))
