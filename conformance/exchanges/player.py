"""Plays one exchange: does its steps at software and service, and records what both sides saw. It never judges."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from conformance.cases import Case
from conformance.checks.context import Context
from conformance.checks.exchange import Act, Call
from conformance.doors.drive import Driver, Episode, Meter, by_role
from conformance.doors.http import Answer, DoorError
from conformance.doors.rendition import Printed
from conformance.doors.vendor import reasons_of
from conformance.doors.wire import call_of
from conformance.evidence import digest_of
from conformance.exchanges import steps
from conformance.exchanges.alter import altered
from conformance.exchanges.facts import issued_of, signed_values, statement_of
from conformance.exchanges.model import ExchangeSpec
from conformance.exchanges.offers import Offer, key_of
from conformance.exchanges.steps import ALL, ENDLESS, FaultSpec, OutcomeSpec

SETTLE = 60.0
"""Seconds the software is given after an exchange to come to rest, so that it does not spoil the next one."""
RESTART_LEAST = 60.0
"""Seconds for a restart, whatever shorter time the software declares."""
PAGE_WAIT = 1.0
"""Seconds that the second page of a list is held back, so that a record can be added before it."""
ACCEPT = {"outcome": "accept", "times": ENDLESS}
"""A document's content is judged elsewhere: here it must not decide how an exchange ends."""
AT_REST = ("delivered", "refused", "gave-up", "revoked")
LOOPBACK = {"127.0.0.1": "localhost", "localhost": "127.0.0.1", "[::1]": "localhost"}
"""The same machine under another name: another origin."""


class Unplayable(DoorError):
    """A step that this run cannot take, for want of something on our side."""


@dataclass(slots=True)
class Props:
    """What a run has ready for its exchanges."""

    offers: Mapping[str, Offer] = field(default_factory=dict)
    context: Callable[[datetime | None], Context] | None = None
    """What a statement is judged with."""
    read_print: Callable[[bytes], Printed] = lambda _: Printed("unknown", "", "unreadable")
    """What a rendition says."""
    begin: Callable[[float], None] | None = None
    """Begins the session again, with the software's clock off by so many seconds."""
    school_year: int = 0


@dataclass(slots=True)
class Played:
    """An exchange as it went."""

    spec: ExchangeSpec
    papers: dict[str, Episode] = field(default_factory=dict)
    """Transcripts by name."""
    documents: dict[str, list[bytes]] = field(default_factory=dict)
    """Issued versions by the transcript's name, the oldest first."""
    acts: list[Act] = field(default_factory=list)
    calls: tuple[Call, ...] = ()
    journal: tuple[dict[str, Any], ...] = ()
    stored: tuple[dict[str, Any], ...] = ()
    watched: float = 0.0
    stalled: float = 0.0
    """Real seconds for which our own service did not answer us."""
    cut: str = ""
    """Not empty: watching ended before the software's own declared waits could have."""
    trouble: str = ""
    """Not empty: no answer at all, or a step that could not be taken; nothing can be said."""

    @property
    def first(self) -> Episode | None:
        """The first transcript."""
        return next(iter(self.papers.values()), None)

    @property
    def stopped(self) -> str:
        """Not empty: the call at which a lawful transcript could not go on."""
        return next((one.stopped for one in self.papers.values() if one.stopped), "")


def play(spec: ExchangeSpec, driver: Driver, cases: Sequence[Case], props: Props | None = None) -> Played:
    """Play ``spec`` with one case a transcript. Faults, outcomes and window are always put back, whatever happens."""
    played = Played(spec)
    with _restored(driver):
        player = _Player(driver, played, cases, props or Props())
        try:
            player.run()
        except DoorError as error:
            played.trouble = str(error)
    return played


@contextmanager
def _restored(driver: Driver) -> Iterator[None]:
    driver.ministry.outcomes([ACCEPT])
    try:
        yield
    finally:
        driver.ministry.faults([])
        driver.ministry.outcomes([])


class _Player:
    """One exchange being played."""

    def __init__(self, driver: Driver, played: Played, cases: Sequence[Case], props: Props) -> None:
        self.driver = driver
        self.played = played
        self.cases = {str(number): case for number, case in enumerate(cases, 1)}
        self.props = props
        driver.stalled = 0.0
        self.start = driver.mark()
        self.undo: list[Callable[[], None]] = []
        self._code = ""
        self._offer = Offer(b"", "")
        """What was offered last, and under which authorisation."""

    def run(self) -> None:
        """All steps, until one cannot be taken."""
        try:
            for position, step in enumerate(self.played.spec.acts):
                self._step(step, position)
                if self.played.stopped:
                    break
            self._settle()
            self._sent_over()
            for act in [act for act in self.played.acts if act.step == "revoke" and act.well]:
                self._statement(act.paper)
        finally:
            for undo in reversed(self.undo):
                undo()
            self._collect()

    def _step(self, step: Any, position: int) -> None:
        match step:
            case steps.Prepare():
                self._prepare(self._names(step.papers))
            case steps.Tell():
                self._tell(step)
            case steps.Send():
                self._send(step)
            case steps.Watch():
                self._watch(list(self.played.papers.values()), step)
            case steps.Await():
                self._await(step)
            case steps.Amend():
                self._amend(step)
            case steps.Revoke():
                self._revoke(step)
            case steps.Print():
                self._print(step)
            case steps.Place():
                self._place(step)
            case steps.Import():
                self._import(step, self.props.offers[key_of(self.played.spec, position)])
            case steps.Transfer():
                self._transfer(step)
            case steps.Restart():
                self._restart()
            case steps.Refresh():
                for _ in range(step.times):
                    self._act("refresh", self.driver.vendor.refresh())
            case steps.Records():
                self._records(step)
            case steps.Clock():
                self._clock(step)

    # -- transcripts ----------------------------------------------------------------------------------------------

    def _names(self, papers: tuple[str, ...] | str) -> list[str]:
        return list(self.cases) if papers == ALL else list(papers)

    def _prepare(self, names: list[str]) -> None:
        for name in names:
            episode = self.driver.enter(self.cases[name])
            self.played.papers[name] = episode
            if not episode.stopped:
                self.driver.issue(episode)
            if episode.stopped:
                return
            self._keep(name, episode)

    def _keep(self, name: str, episode: Episode) -> None:
        if episode.document is not None:
            self.played.documents.setdefault(name, []).append(episode.document)

    def _act(self, step: str, answer: Answer, paper: str = "", **facts: Any) -> Act:
        act = Act(step, paper, answer.status, tuple(one.code for one in reasons_of(answer)), self._upto, facts)
        self.played.acts.append(act)
        return act

    @property
    def _upto(self) -> int:
        return self.driver.mark(self.start)

    # -- sending --------------------------------------------------------------------------------------------------

    def _send(self, step: steps.Send) -> None:
        names = self._names(step.papers)
        episodes = [self.played.papers[name] for name in names]
        first = not any(act.step == "submit" for act in self.played.acts)
        if step.batch:
            answers = [self.driver.vendor.submit_batch(one.local for one in episodes)]
        else:
            answers = [self.driver.vendor.submit(one.local) for one in episodes]
        for number, answer in enumerate(answers):
            episodes[number].note("submit", answer)
            act = self._act("submit", answer, "" if step.batch else names[number])
            if first and not act.well and "WINDOW_CLOSED" not in act.reasons:
                episodes[number].stopped = "submit"
                return
        if step.wait:
            self._watch(episodes, step)

    def _watch(self, episodes: Sequence[Episode], step: steps.Watching) -> None:
        intervals = self.driver.intervals
        failures = step.attempts or intervals.attempts
        self.played.watched += self.driver.watch(
            episodes,
            self.start,
            until=step.until,
            limit=intervals.limit(failures, step.retry_after),
            linger=intervals.limit(1) / 8 if step.linger else 0.0,
        )
        if intervals.beyond(failures) and any(one.ended == "limit" for one in episodes):
            self.played.cut = (
                f"phần mềm khai {failures} lần thử lâu hơn thời gian theo dõi tối đa / the software declares waits for "
                f"{failures} tries that are longer than it is watched at most"
            )

    def _await(self, step: steps.Await) -> None:
        meter = Meter(self.driver.clock)
        wait = 0.02
        while meter.spent <= self.driver.intervals.limit(1):
            if self.driver.ticks:
                meter.theirs(self.driver.vendor.tick)
            calls = [call_of(one, self.driver.pack) for one in self.driver.ministry.journal(self.start)]
            wanted = (step.operation, "submit-batch" if step.operation == "submit" else step.operation)
            seen = [one for one in calls if one.operation in wanted and not (step.answered and one.waiting)]
            if len(seen) >= step.times:
                return
            meter.rest(wait)
            wait = min(wait * 1.6, max(0.05, self.driver.intervals.poll))

    def _settle(self) -> None:
        """Let the software come to rest without our faults, so that it does not spoil the next exchange."""
        open_ = [one for one in self.played.papers.values() if one.ended == "limit" and one.local]
        if not open_:
            return
        self.driver.ministry.faults([])
        kept = [one.samples for one in open_]
        self.driver.watch(open_, self.start, until=AT_REST, limit=min(SETTLE, self.driver.intervals.limit(1)))
        for one, samples in zip(open_, kept, strict=True):
            one.samples, one.ended = samples, "limit"

    # -- the service ----------------------------------------------------------------------------------------------

    def _tell(self, step: steps.Tell) -> None:
        ministry = self.driver.ministry
        if step.outcomes is not None:
            ministry.outcomes([*map(self._outcome, step.outcomes), ACCEPT])
        if step.faults is not None:
            ministry.faults([made for one in step.faults for made in self._faults(one)])
        if step.window:
            ministry.window([self.props.school_year] if step.window == "closed" else [])
            self.undo.append(lambda: ministry.window([]))
        if step.tokens:
            ministry.revoke_tokens()

    def _outcome(self, outcome: OutcomeSpec) -> dict[str, Any]:
        made = outcome_data(outcome)
        if outcome.paper:
            made["learner"] = str(self.cases[outcome.paper].data["learner"]["code"])
        return made

    def _faults(self, fault: FaultSpec) -> list[dict[str, Any]]:
        made = fault_data(fault, timeout=self.driver.intervals.request_timeout)
        if fault.location:
            made["location"] = elsewhere(self.driver.ministry.space.base_url) + self._path_of(fault.operation)
        if fault.operation == "submit" and "batch" in self.driver.offered:
            # software may send a single transcript in a batch as well
            return [made, {**made, "operation": "submit-batch"}]
        return [made]

    def _path_of(self, operation: str) -> str:
        """Path of an operation without parameters: whoever follows a redirect there is understood."""
        paths = self.driver.pack.service["paths"].items()
        named = (path for path, methods in paths for one in methods.values() if one["operationId"] == operation)
        return next((path for path in named if "{" not in path), "")

    def _place(self, step: steps.Place) -> None:
        document = self.played.documents[step.paper][-1]
        for _ in range(step.times):
            made = altered(document, step.what, self.driver.pack)
            placed = self.driver.ministry.place(made)
            facts = {"record": placed.get("record")}
            if step.what == "next-version":
                facts |= {
                    "version": issued_of(made, self.driver.pack).version,
                    "digest": self.driver.pack.header.identifiers.digest(made),
                }
            self.played.acts.append(Act("place", step.paper, upto=self._upto, facts=facts))

    def _sent_over(self) -> None:
        """What came after a version that was placed: what it says that it replaces."""
        placed = next((act for act in self.played.acts if act.step == "place" and "version" in act.facts), None)
        if placed is None:
            return
        for one in self.driver.ministry.submissions():
            if one.get("record") != placed.facts["record"] or one.get("event") == "cancel":
                continue
            if int(one.get("version", 0)) > placed.facts["version"]:
                said = issued_of(self.driver.ministry.content(str(one["receipt"])), self.driver.pack)
                facts = {"version": int(one["version"]), "replaces": said.replaces}
                self.played.acts.append(Act("sent", placed.paper, upto=self._upto, facts=facts))

    # -- later versions -------------------------------------------------------------------------------------------

    def _amend(self, step: steps.Amend) -> None:
        episode = self.played.papers[step.paper]
        commented = [one for one in episode.case.data["subjects"] if one.get("comment")]
        # another subject each time: what one amendment changed, the next must keep
        subject = commented[sum(act.step == "amend" for act in self.played.acts) % len(commented)]
        code, replaced = str(subject["code"]), self._replaced(step.paper)
        changes = {"subjects": {code: {"comment": f"{subject['comment']} (đã rà soát)"}}}
        upto = self._upto
        answer = episode.note("amend", self.driver.vendor.amend(episode.local, step.reason, changes))
        if answer.status == 200:
            answer = self._issue_again(episode, code)
        facts = {"subject": code, "reason": step.reason, "replaces": replaced}
        reasons = tuple(one.code for one in reasons_of(answer))
        self.played.acts.append(Act("amend", step.paper, answer.status, reasons, upto, facts))
        if answer.status == 200:
            episode.document = None
            self.driver.fetch(episode)
            self._keep(step.paper, episode)

    def _replaced(self, paper: str) -> str:
        """Digest of the version that the next one replaces: the newest that was accepted; else the one before."""
        issued = {digest_of(one): one for one in self.played.documents[paper]}
        kept = self.driver.ministry.submissions()
        accepted = [issued[one["digest"]] for one in kept if one["state"] == "accepted" and one["digest"] in issued]
        return self.driver.pack.header.identifiers.digest((accepted or self.played.documents[paper])[-1])

    def _issue_again(self, episode: Episode, code: str) -> Answer:
        """What changed is signed by its teachers, then homeroom teacher, principal and seal; others only if asked."""
        groups = by_role(self.driver.signings(episode.case))
        for group in groups:
            due = [one for one in group if not one.get("subjects") or code in one["subjects"]]
            due = [{**one, "subjects": [code]} if one.get("subjects") else one for one in due]
            answer = self.driver.sign(episode, due)
            if answer.status == 409 and any(one.code == "MISSING_SIGNATURE" for one in reasons_of(answer)):
                break
        answer = episode.note("issue", self.driver.vendor.issue(episode.local))
        if answer.status == 409 and any(one.code == "MISSING_SIGNATURE" for one in reasons_of(answer)):
            # software may ask every teacher to sign the new version
            for group in groups:
                self.driver.sign(episode, group)
            answer = episode.note("issue", self.driver.vendor.issue(episode.local))
        return answer

    def _revoke(self, step: steps.Revoke) -> None:
        episode = self.played.papers[step.paper]
        known = [act for act in self.played.acts if act.step == "revoke" and act.well]
        answer = self.driver.vendor.revoke(episode.local, step.reason, limit=self.driver.intervals.signing)
        self._act("revoke-again" if known else "revoke", episode.note("revoke", answer), step.paper)
        if answer.status in (200, 202) and not known and step.wait:
            self._watch([episode], steps.Watching(until=("revoked", "refused", "gave-up")))
            self._statement(step.paper)

    def _statement(self, paper: str) -> None:
        """The statement that was sent, as its bytes are."""
        if self.props.context is None or any(act.step == "statement" for act in self.played.acts):
            return
        calls = [call_of(one, self.driver.pack) for one in self.driver.ministry.journal(self.start)]
        sent = {item.record for one in calls for item in (one.items or (one,)) if item.event == "cancel"}
        kept = [one for one in self.driver.ministry.submissions() if one.get("event") == "cancel"]
        mine = [one for one in kept if one.get("record") in sent]
        if mine:
            data = self.driver.ministry.content(str(mine[0]["receipt"]))
            facts = statement_of(data, self.props.context(self.driver.now()))
            self.played.acts.append(Act("statement", paper, upto=self._upto, facts=facts))

    def _print(self, step: steps.Print) -> None:
        if "rendition" not in self.driver.offered:
            return
        answer = self.driver.vendor.rendition(self.played.papers[step.paper].local)
        # letters may be drawn composed or decomposed
        printed = self.props.read_print(answer.body) if answer.status == 200 else Printed("unknown", "")
        text = _composed(printed.text)
        marked = any(_composed(word) in text for word in step.words)
        self._act("print", answer, step.paper, marked=marked, unread=printed.problem, drawn=printed.drawn)

    # -- receiving, restarting, clocks ----------------------------------------------------------------------------

    def _import(self, step: steps.Import, offer: Offer) -> None:
        driver, how = self.driver, step.authorisation
        if step.again:
            if self._code and not self.played.acts[-1].well:
                self._receive(step, self._offer, self._code)
            return
        driver.ministry.place(offer.content, state=step.state, handed_out=step.state != "accepted")
        for more in (offer.newer, offer.companion):
            if more:
                driver.ministry.place(more)
        sender = str(signed_values(offer.content, driver.pack)["school"]["code"])
        self._code = driver.ministry.authorisation(
            offer.learner,
            self._own if how.receiver == "own" else sender,
            purpose=how.purpose,
            seconds=how.seconds,
            used=how.used,
        )
        self._offer = offer
        self._receive(step, offer, self._code)

    @property
    def _own(self) -> str:
        """The code of the school that receives."""
        return str(self.driver.roster.data["schools"][0]["code"])

    def _receive(self, step: steps.Import, offer: Offer, code: str) -> None:
        upto = self._upto
        answer = self.driver.vendor.receive(code, purpose=step.authorisation.asked, school=self._own)
        data = answer.json()
        listed = data.get("transcripts") if isinstance(data, dict) else None
        taken = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        reasons = tuple(one.code for one in reasons_of(answer))
        offered = [(offer.content, step.expect)]
        if step.companion is not None:
            offered.append((offer.companion, step.companion.expect))
            # beside a bad one the sound one is not taken over either: that answer is about the bad one
            offered = [one for one in offered if one[1]] or offered
        for content, expected in offered:
            signed = signed_values(content, self.driver.pack)
            facts = {
                "offer": step.what.vi if step.what else step.document,
                "expected": expected,
                "signed": signed,
                "imported": next((one for one in taken if one.get("recordId") == signed.get("recordId")), {}),
                "others": len(taken),
            }
            self.played.acts.append(Act("import", "", answer.status, reasons, upto, facts))

    def _transfer(self, step: steps.Transfer) -> None:
        episode = self.played.papers[step.paper]
        answer = episode.note("authorise", self.driver.vendor.authorise(episode.local, step.purpose, self._own))
        act = self._act("authorise", answer, step.paper)
        data = answer.json()
        code = data.get("authorisation") if isinstance(data, dict) else None
        if act.well and isinstance(code, str):
            offer = Offer(self.played.documents[step.paper][-1], str(episode.case.data["learner"]["code"]))
            as_import = steps.Import(do="import", authorisation=steps.Authorisation(asked=step.purpose))
            self._receive(as_import, offer, code)

    def _records(self, step: steps.Records) -> None:
        """Slow pages leave time for a record to be added between two of them."""
        if not step.add:
            self._act("records", self.driver.vendor.records())
            return
        document = self.played.documents[step.add][-1]
        self.driver.ministry.faults([{"kind": "delay", "operation": "list", "nth": 2, "seconds": PAGE_WAIT}])
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(self.driver.vendor.records)
            self._await(steps.Await(do="await-call", operation="list"))
            self.driver.ministry.place(altered(document, "second-record", self.driver.pack))
            self._act("records", reading.result())

    def _restart(self) -> None:
        upto = self._upto
        # a machine under load starts slowly: that is no mistake, and what follows needs the software
        limit = max(RESTART_LEAST, 2 * self.driver.intervals.restart)
        self.played.acts.append(Act("restart", "", self.driver.vendor.restart(limit=limit).status, upto=upto))

    def _clock(self, step: steps.Clock) -> None:
        if self.props.begin is None:
            raise Unplayable("không bắt đầu lại được phiên / the session cannot be begun again")
        begin = self.props.begin
        self.undo.append(lambda: begin(0.0))
        begin(step.offset)

    def _collect(self) -> None:
        self.played.journal = self.driver.journal(self.start)
        self.played.calls = tuple(self.driver.call(entry) for entry in self.played.journal)
        self.played.stored = tuple(self.driver.ministry.submissions())
        self.played.stalled = self.driver.stalled


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def fault_data(fault: FaultSpec, *, timeout: float) -> dict[str, Any]:
    """A fault as the control interface takes it; ``timeout``: seconds after which the software stops waiting."""
    made = fault.model_dump(exclude_defaults=True, exclude={"location", "seconds", "body"})
    made["kind"] = fault.kind
    named = {"timeout": min(290.0, timeout * 1.5 + 0.5), "half-timeout": min(30.0, timeout / 2)}
    seconds = named[fault.seconds] if isinstance(fault.seconds, str) else fault.seconds
    if seconds:
        made["seconds"] = seconds
    if fault.body is not None:
        made["body"] = fault.body if isinstance(fault.body, str) else json.dumps(fault.body, ensure_ascii=False)
    return {_camel(name): value for name, value in made.items()}


def outcome_data(outcome: OutcomeSpec) -> dict[str, Any]:
    """A scripted outcome as the control interface takes it."""
    made = outcome.model_dump(exclude_defaults=True, exclude={"findings", "paper"})
    if outcome.listed:
        made["findings"] = [one.model_dump() for one in outcome.listed]
    return {_camel(name): value for name, value in made.items()}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def elsewhere(url: str) -> str:
    """The same service under another name.

    Raises:
        Unplayable: only a loopback address has one that we know of.
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    other = LOOPBACK.get(host)
    if other is None:
        raise Unplayable(f"không có tên thứ hai của dịch vụ / the service has no second name: {url}")
    return urlunsplit(parts._replace(netloc=other if parts.port is None else f"{other}:{parts.port}"))
