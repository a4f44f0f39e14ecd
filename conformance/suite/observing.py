"""The observe door in a run: opens the space, writes the case book, waits for what an operator does, has it judged."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.cases import build_roster
from conformance.checks import exchange as exchange_rules
from conformance.checks.exchange import Exchange
from conformance.checks.judge import after_signing, judge_document
from conformance.document import read
from conformance.doors.drive import Episode
from conformance.doors.http import DoorError, Http
from conformance.doors.ministry import Ministry, Space
from conformance.doors.observe import SETTLED, Arrived, Sight, Watcher
from conformance.doors.processes import Service
from conformance.evidence import Bundle, digest_of
from conformance.exchanges import ExchangeSpec
from conformance.exchanges.player import fault_data, outcome_data
from conformance.finding import Place, Recorder, State
from conformance.pack import Pack
from conformance.signature.pki import TestPki
from conformance.suite import setup as setting_up
from conformance.suite.casebook import STOP, Task, tasks, write_book
from conformance.suite.settings import Options, Setup

LONGEST_TIMEOUT = 200.0
"""Seconds that no software waits for an answer, as far as anybody can guess: none declares its timeout here."""
ENVELOPE = "PL2-GN-002"
BY_SERVICE = frozenset(
    {"bearer", "envelope", "same-again", "one-record", "backs-off", "token-renewed", "not-followed", "not-repeated"}
)
"""Rules that need nothing but the service's side; the others rest on what the operator was shown."""
UNFINISHED = frozenset({"not-repeated", "no-retry", "gave-up-early", "not-renewed", "stopped"})
"""Causes that say that something never came: the software may work at longer intervals than anybody waited for."""
NOT_AGAIN = "không thấy gửi tiếp trong thời gian chờ / nothing further came while it was waited for"
WATCHED_RULES = ("bearer", "envelope")
"""What every ordinary submission shows to somebody who only watches."""


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
    school_year = options.school_year or setting_up.finished_school_year(pack, now)
    # a seal is offered to every software: who has none leaves it out
    roster = build_roster(pack, programmes, str(seed), school_year, seals=True)
    listed = tasks(pack, roster, seed, programmes)
    pki = TestPki(now, pack)
    ministry = Ministry(control_http)
    crls = pki.crls()
    session, hidden, leaders, signers = setting_up.session_of(
        run_id := secrets.token_hex(8), pki, roster, options.keys, pack
    )
    answers = setting_up.answers_of(pki, signers)
    ready()
    space = ministry.open(
        schools=[school["code"] for school in roster.data["schools"]],
        label="observe:",
        trustPem=pki.anchors_pem().decode(),
        crlsPem=setting_up.pem_of(crls),
        leaders=sorted(leaders),
    )
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
    book = Path(options.casebook)
    try:
        written = write_book(book, pack, listed, roster, session, space, options.language, options.observe_timeout / 60)
    except OSError as error:
        raise setting_up.UsageProblem(f"--casebook: không ghi được / cannot write: {book}: {error.strerror}") from error
    setup = Setup(
        run_id=run_id,
        door="observe",
        pack=str(pack.folder),
        revision=pack.header.revision,
        repeat=options.repeat(),
        seed=seed,
        school_year=school_year,
        programmes=programmes,
        target=options.target,
        token="",
        control_url=control_http.base_url,
        control_token=control_http.token,
        space={
            "name": space.name,
            "base_url": space.base_url,
            "token_url": space.token_url,
            "client_id": space.client_id,
            "client_secret": space.client_secret,
        },
        trust_pem=pki.anchors_pem().decode(),
        crls=tuple(base64.b64encode(one).decode() for one in crls),
        answers=tuple(base64.b64encode(one).decode() for one in answers),
        leaders=tuple(sorted(leaders)),
        evidence=str(folder),
        started=now.isoformat(timespec="seconds"),
        time_budget=options.time_budget,
        items=options.items,
        language=options.language,
        casebook=str(book),
        observe_until=(now + timedelta(seconds=options.observe_timeout)).isoformat(),
        observe_patience=options.observe_patience,
    )
    bundle = Bundle(folder, (control_http.token, space.client_secret, *hidden))
    bundle.add("trust", "", pki.anchors_pem())
    for kind, octets in (("crl", crls), ("ocsp", answers)):
        for one in octets:
            bundle.add(kind, "", one)
    bundle.add("roster", "", json.dumps(roster.data, ensure_ascii=False).encode())
    info = setting_up.info_of(options, pack, setup, now, declined=())
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


def judge_arrived(task: Task, sight: Sight, found: Recorder, context: Callable[[Arrived], Any], pack: Pack) -> None:
    """The documents of a task by everything that applies, and what their submission shows."""
    before: bytes | None = None
    seen: set[str] = set()
    for one in sight.arrived:
        if one.digest in seen or one.event == "cancel":
            continue
        seen.add(one.digest)
        judged = judge_document(one.content, dataclasses.replace(context(one), previous=before))
        found.absorb(judged.found)
        after_signing(found)
        before = one.content if one.state not in ("refused",) else before
        exchange = exchange_of(task, sight, pack, one)
        for rule in WATCHED_RULES:
            exchange_rules.check(exchange, rule, {}, found)
    if not sight.arrived:
        found.blocked(ENVELOPE, "not-played", place=Place(pointer=task.case.id), seen=missing(task, sight))


def judge_watched(task: Task, sight: Sight, found: Recorder, pack: Pack) -> None:
    """The rules of a task's exchange that watching can show; what rests on the operator's view is left to others."""
    spec = _exchange(task)
    watchable = {name for name, row in pack.requirements.items() if "observe" in row.doors}
    served = any(
        (one.get("fault") or {}).get("kind") == "delay" and one.get("answer") is not None for one in sight.entries
    )
    if not sight.arrived or served:
        why = "phần mềm chờ lâu hơn sự cố / the software waited longer than the fault" if served else ""
        for requirement in spec.requirements:
            if requirement in watchable:
                place = Place(pointer=spec.id)
                found.blocked(requirement, "not-played", place=place, seen=why or missing(task, sight))
        return
    exchange = exchange_of(task, sight, pack, sight.arrived[0])
    for expectation in spec.expect:
        if expectation.rule not in BY_SERVICE:
            continue
        apart = Recorder()
        exchange_rules.check(exchange, expectation.rule, expectation.params, apart)
        if {name for name, _ in apart.held_counts} <= watchable:
            found.absorb(_positive(apart, watchable))


def _positive(apart: Recorder, watchable: Collection[str]) -> Recorder:
    """What was seen to be wrong counts, whatever the door shows otherwise; what did not come may only be late."""
    kept = Recorder()
    kept.absorb(apart)
    kept.observations.clear()
    for one in apart.observations:
        if one.state is State.VIOLATED and one.cause in UNFINISHED:
            if one.requirement in watchable:
                kept.blocked(one.requirement, "not-played", place=one.place, seen=NOT_AGAIN)
        elif one.state is State.VIOLATED or one.requirement in watchable:
            kept.observations.append(one)
    return kept


def exchange_of(task: Task, sight: Sight, pack: Pack, about: Arrived) -> Exchange:
    """What the rules judge: the calls about one document, seen from the service's side only."""
    document = read(about.content, pack).document
    record = document.transcript.record.id if document is not None else None
    number = document.transcript.version.number if document is not None else None
    calls = tuple(one for one in sight.calls if one.operation != "submit" or one.content == about.digest)
    return Exchange(
        task.exchange.id if task.exchange else task.case.id,
        calls,
        (),
        task.learner,
        digest_of(about.content),
        record.raw if record is not None else "",
        number.value if number is not None else None,
        tuple(one.receipt for one in sight.arrived if one.digest == about.digest),
        "final",
        by_service=True,
    )


def missing(task: Task, sight: Sight) -> str:
    """Why there is nothing to judge; bilingual."""
    if sight.calls:
        last = sight.calls[-1]
        return (
            f"học sinh {task.learner}: đã gửi nhưng không có biên nhận nào (HTTP {last.status}) / "
            f"learner {task.learner}: sent, but never received"
        )
    return f"học sinh {task.learner}: không có hồ sơ nào đến / learner {task.learner}: nothing arrived"


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
