"""One process's workbench: acts one item out, has everything that applies judged, and returns one event."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from conformance.cases import Case, FrozenCase, Roster, build_roster, frozen_cases, realise, shrink
from conformance.checks.context import Context
from conformance.document import read
from conformance.document.excerpt import excerpt
from conformance.doors.drive import Driver, Episode, Intervals
from conformance.doors.http import DoorError, Http
from conformance.doors.ministry import Ministry, Space
from conformance.doors.observe import Watcher
from conformance.doors.probes import PROBES
from conformance.doors.rendition import Printed, RenditionReader
from conformance.doors.vendor import Clock, Vendor
from conformance.events import ExcerptLine, Finding, FormData, ItemResult
from conformance.evidence import Entry, digest_of, keep_bytes, redacted
from conformance.exchanges import load_exchanges
from conformance.exchanges.judging import disturbed, exchange_of_episode, recorded
from conformance.exchanges.offers import Offer
from conformance.exchanges.player import Played, Props, play
from conformance.finding import Observation, Recorder
from conformance.pack import Pack
from conformance.showing import readable
from conformance.signature.trust import TrustStore
from conformance.suite.arrivals import SIGHT, SightRecord, judge_sight
from conformance.suite.casebook import tasks
from conformance.suite.judge import (
    CASE,
    EXCHANGE,
    PROBE,
    CaseRecord,
    Creation,
    ExchangeRecord,
    Judge,
    Print,
    ProbeRecord,
    encoded,
    held_of,
)
from conformance.suite.observing import Watching, episode_of
from conformance.suite.plan import Planned
from conformance.suite.settings import Setup
from conformance.suite.setup import DESK_TOKEN, RealClock, begin_session
from conformance.suite.turns import turn

SHRINKS = 12
"""Times a failed case is driven again, at most, to find the smallest one that still fails."""
SHRUNK_CAUSES = 3
"""Causes shrunk per process: the first ones tell the most, and the rest would cost the vendor's time."""
KEPT_FORMS = 8
"""Documents per process that a report shows as people read them."""
KEPT_EPISODES = 5
"""Transcripts of one exchange whose evidence is kept: a batch has a hundred."""
KEPT_JOURNAL = 40
"""Journal lines kept with a finding."""

# Learners' numbers are drawn from ordinals: frozen cases count from 0, drawn ones from 1,000 (conformance.cases).
PROBE_NUMBERS, EXCHANGE_NUMBERS, SPARE_NUMBERS, FURTHER_NUMBERS = 4000, 5500, 6000, 7000
PLAYS = 3
"""Times that an exchange is played at most, where our own delays had a part in it."""
EXCHANGE_ROOM, FURTHER_ROOM = 150, 500
"""Numbers for one play of all exchanges: of their first learners, of further ones."""
MOST_SIGNERS = 60

PRINTED = "rendition"
"""The capability to print."""


class Bench:
    """Runs items. ``now`` and ``clock`` are the run's; tests inject their own, and transports in process."""

    def __init__(
        self,
        setup: Setup,
        *,
        vendor_http: Http | None = None,
        control_http: Http | None = None,
        clock: Clock | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.setup = setup
        self.pack: Pack = setup.load()
        self._vendor_http = vendor_http
        self._control_http = control_http
        self._clock = clock or RealClock()
        zone = datetime.fromisoformat(setup.started).tzinfo
        self._now = now or (lambda: datetime.now(zone))
        self.entries: list[Entry] = []
        self.shrinks = SHRINKS
        self._shrunk: set[str] = set()
        self._formed = 0
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        self._spare = itertools.count(SPARE_NUMBERS + 100 * (int(worker) if worker.isdigit() else 0))
        self._opened: list[Http] = []
        self.say: Callable[[str], None] = lambda _: None
        """Told of progress while arrivals are waited for."""

    def close(self) -> None:
        """Close the connections this bench opened."""
        for http in self._opened:
            http.close()
        if "reader" in self.__dict__:
            self.reader.close()

    @cached_property
    def roster(self) -> Roster:
        """The run's roster: the same in every process."""
        seals = "seal" in (self.setup.vendor.get("capabilities") or ())
        return build_roster(self.pack, self.setup.programmes, str(self.setup.seed), self.setup.school_year, seals=seals)

    @cached_property
    def trust(self) -> TrustStore | None:
        """The run's trust anchors, CRLs and OCSP answers."""
        if not self.setup.trust_pem:
            return None
        crls = [base64.b64decode(one) for one in self.setup.crls]
        answers = [base64.b64decode(one) for one in self.setup.answers]
        return TrustStore.from_pem(self.setup.trust_pem.encode(), crls=crls, answers=answers)

    @cached_property
    def driver(self) -> Driver:
        """The drive door."""
        setup = self.setup
        vendor = self._vendor_http or self._open(setup.target, setup.token)
        control = self._control_http or self._open(setup.control_url, setup.control_token)
        declared = setup.vendor.get("intervals")
        capabilities = setup.vendor.get("capabilities") or ()
        return Driver(
            self.pack,
            Vendor(vendor, self.pack, self._clock),
            Ministry(control, Space(**setup.space)),
            self.roster,
            Intervals.of(declared if isinstance(declared, dict) else {}),
            self._clock,
            self._now,
            ticks="tick" in capabilities,
            seal="seal" in capabilities,
            rendition=PRINTED in capabilities and self._prints,
            creates="create" in capabilities,
            offered=capabilities,
            subject_map=setup.subject_map,
        )

    @property
    def _prints(self) -> bool:
        """Whether renditions are looked at: the revision scores them, and the pack says how they read."""
        wanted = [one for one in self.pack.requirements.values() if one.capability == PRINTED]
        return bool(self.pack.form) and any(self.pack.scored(one) for one in wanted)

    @cached_property
    def reader(self) -> RenditionReader:
        """The limited process that reads renditions."""
        return RenditionReader()

    def _open(self, url: str, token: str) -> Http:
        self._opened.append(Http(url, token))
        return self._opened[-1]

    @property
    def takes(self) -> str:
        """Whether the software takes component marks or semester averages."""
        return "averages" if self.setup.vendor.get("takes") == "averages" else "components"

    def run(self, item: Planned) -> ItemResult:
        """Act one item out and judge it. Our own defect becomes the item's ``error``, never a verdict."""
        began = time.monotonic()
        work = {
            "case": self._case,
            "probe": self._probe,
            "exchange": self._exchange,
            "explore": self._explore,
            "document": self._document,
            "observed": self._observed,
            "watched": self._observed,
        }[item.kind]
        try:
            result = work(item)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            result = ItemResult(
                id=item.id,
                kind=kind_of(item),
                programme=item.programme,
                title=item.title,
                error=text[:2000],
                replay=self.replay(item),
            )
        return self._clean(result).model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        return self.setup.secrets

    def _clean(self, result: ItemResult) -> ItemResult:
        """The result without secrets: what the software says of itself it may have been told by us."""
        text = result.model_dump_json()
        clean = redacted(text, (one for one in self._secrets if one != DESK_TOKEN))
        return result if clean == text else ItemResult.model_validate_json(clean)

    def replay(self, item: Planned) -> tuple[str, ...]:
        """The command that repeats one item; secrets stand as variables."""
        command = ["pytest", *self.setup.repeat, *(f"--programme={one}" for one in self.setup.programmes)]
        if self.setup.door == "drive":
            command += [f"--seed={self.setup.seed}", f"--school-year={self.setup.school_year}"]
        return (*command, f"--item={item.id}")

    # -- cases ---------------------------------------------------------------------------------------------------

    def _frozen(self, programme: str, name: str) -> FrozenCase:
        return next(one for one in frozen_cases(self.pack, programme) if one.id == name)

    def make(self, frozen: FrozenCase, suffix: str = "", ordinal: int | None = None) -> Case:
        """A frozen case realised for this run; with suffix and ordinal, for another learner with other numbers."""
        if suffix:
            frozen = dataclasses.replace(frozen, id=f"{frozen.id}+{suffix}")
        if ordinal is not None:
            frozen = dataclasses.replace(frozen, ordinal=ordinal)
        return realise(frozen, self.roster, self.setup.seed, "averages" if self.takes == "averages" else "components")

    def _case(self, item: Planned) -> ItemResult:
        case = self.make(self._frozen(item.programme, item.name))
        episode = self.drive(case)
        found = Recorder()
        record = self.judge_case(episode, found)
        smallest = self._smallest(case, found)
        return self._result(item, [episode], found, smallest=smallest, record=encoded(CASE, record))

    def drive(self, case: Case) -> Episode:
        """Drive one case, in turn."""
        with turn(self.setup.lock):
            return self.driver.case(case)

    def judge_case(self, episode: Episode, found: Recorder) -> CaseRecord:
        """Everything an ordinary case can show; what it was judged by."""
        record = self.record(episode)
        self.judge.case(record, episode.document, found)
        return record

    @cached_property
    def judge(self) -> Judge:
        """Judges records."""
        return Judge(
            self.pack,
            self._context_at,
            self.roster.data if self.setup.door == "drive" else {},
            lambda programme: (self.make(one).data for one in frozen_cases(self.pack, programme)),
        )

    def record(self, episode: Episode) -> CaseRecord:
        """What of an episode is judged."""
        last, answer = episode.last, episode.rendition
        creation = printed = None
        if episode.stopped == "create" and last is not None:
            text = last.body[:300].decode("utf-8", "replace")
            creation = Creation(last.status, text, self.driver.lacks(last))
        if answer is not None and episode.document is not None:
            read_ = self.reader.read(answer.body) if answer.status == 200 else Printed("unknown", "")
            episode.printed = read_.text
            printed = Print(answer.status, read_.text, read_.problem)
        exchange = None if episode.trouble else exchange_of_episode(episode.case.id, episode, self.driver)
        return CaseRecord(
            episode.case.id,
            episode.case.programme,
            episode.case.data,
            self._now(),
            episode.received_at,
            digest_of(episode.document) if episode.document is not None else "",
            tuple(episode.attempts),
            episode.stopped,
            episode.trouble,
            creation,
            printed,
            exchange,
        )

    def context(self, received_at: datetime | None = None) -> Context:
        """What a document is judged with, now."""
        leaders = self.setup.leaders
        return Context(
            pack=self.pack,
            trust=self.trust,
            judged_at=self._now(),
            received_at=received_at,
            leaders=None if leaders is None else frozenset(leaders),
            door=self.setup.door,
            subject_map=self.setup.subject_map,
            tax_codes=self.setup.tax_codes,
        )

    def _context_at(self, received_at: datetime | None, judged_at: datetime) -> Context:
        return dataclasses.replace(self.context(received_at), judged_at=judged_at)

    def blocking(self, found: Recorder) -> set[str]:
        """Root causes of scored MUST requirements."""
        return {
            one.code
            for one in found.violations
            if one.is_root
            and (row := self.pack.requirements.get(one.requirement)) is not None
            and row.level == "MUST"
            and self.pack.scored(row)
        }

    def _smallest(self, case: Case, found: Recorder) -> dict[str, Any]:
        causes = self.blocking(found)
        if not causes:
            return {}
        smallest = case
        if not causes <= self._shrunk and len(self._shrunk) < SHRUNK_CAUSES and case.edits:
            self._shrunk |= causes

            def fails(smaller: Case) -> bool:
                number = next(self._spare)
                seen = Recorder()
                self.judge_case(self.drive(self.make(smaller.frozen, f"shrink{number}", number)), seen)
                return causes <= self.blocking(seen)

            smallest = shrink(case, fails, self.shrinks)
        return self.readable(smallest)

    def readable(self, case: Case) -> dict[str, Any]:
        """A case for a reader: base, edits in words, and what is entered."""
        language = self.setup.language
        return {
            "base": case.base,
            "edits": [edit.text(language) for edit in case.edits],
            "recipe": case.recipe(),
            "case": case.data,
        }

    # -- probes, exchanges, exploration, files ---------------------------------------------------------------------

    def sound(self, programme: str) -> FrozenCase:
        """The programme's plainest case: probes and exchanges start from it."""
        return frozen_cases(self.pack, programme)[0]

    def _probe(self, item: Planned) -> ItemResult:
        frozen = self.sound(item.programme)
        programmes, names = list(self.pack.programmes), list(PROBES)
        block = programmes.index(item.programme) * len(PROBES) + names.index(item.name)
        numbers = itertools.count(PROBE_NUMBERS + block * MOST_SIGNERS)
        found, trouble = Recorder(), ""

        def make(name: str) -> Case:
            return self.make(frozen, name, next(numbers))

        self.driver.begun.clear()
        try:
            with turn(self.setup.lock):
                episodes = PROBES[item.name](self.driver, make, item.programme)
        except DoorError as error:
            trouble, episodes = str(error), list(self.driver.begun)
        record = ProbeRecord(item.id, item.name, tuple(self.record(one) for one in episodes), trouble)
        self.judge.probe(record, found)
        return self._result(item, episodes, found, record=encoded(PROBE, record))

    def _exchange(self, item: Planned) -> ItemResult:
        for again in range(PLAYS):
            played = self.play_exchange(item.name, again)
            seen = recorded(played, self.driver)
            if not disturbed(played.spec, played, seen, self.pack):
                break
        found = Recorder()
        record = ExchangeRecord(item.name, None, seen) if isinstance(seen, str) else ExchangeRecord(item.name, seen)
        self.judge.exchange(played.spec, record, found)
        episodes = list(played.papers.values())[:KEPT_EPISODES]
        if episodes:
            episodes[0].journal = played.journal
        return self._result(item, episodes, found, record=encoded(EXCHANGE, record))

    def play_exchange(self, name: str, again: int = 0) -> Played:
        """Play one exchange by its id, in turn; nothing is judged. ``again``: how often it was played before."""
        specs = load_exchanges(self.pack)
        position, spec = next((number, one) for number, one in enumerate(specs) if one.id == name)
        more = FURTHER_NUMBERS + FURTHER_ROOM * again + sum(max(0, one.transcripts - 1) for one in specs[:position])
        first = EXCHANGE_NUMBERS + EXCHANGE_ROOM * again + position
        numbers = [first, *range(more, more + max(0, spec.transcripts - 1))][: spec.transcripts]
        frozen = self.sound(self.setup.programmes[0])
        suffix = f"{spec.id}+{again}" if again else spec.id
        cases = [
            self.make(frozen, suffix if not index else f"{suffix}-{index + 1}", number)
            for index, number in enumerate(numbers)
        ]
        with turn(self.setup.lock):
            return play(spec, self.driver, cases, self.props)

    @cached_property
    def props(self) -> Props:
        """What exchanges need beside the software and the service."""
        return Props(
            offers={key: Offer.of(one) for key, one in self.setup.offers.items()},
            context=self.context,
            read_print=self.reader.read,
            begin=self._begin_again if self.setup.session else None,
            school_year=self.setup.school_year,
        )

    def _begin_again(self, offset: float) -> None:
        """The run's session once more, with the software's clock off by so many seconds."""
        begin_session(self.driver.vendor, json.loads(self.setup.session), self.roster, offset)

    def _explore(self, item: Planned) -> ItemResult:
        from conformance.suite.explore import explore

        found, episodes, smallest = explore(self, item.programme, self.setup.max_examples)
        return self._result(item, episodes, found, smallest=smallest)

    def explored(self, programme: str) -> Any:
        """The strategy of freshly drawn edits."""
        from conformance.cases.generate import strategy  # here: Hypothesis takes its time to be imported

        return strategy(self.pack, programme, self.roster, self.setup.seed)

    @cached_property
    def watching(self) -> Watching:
        """The observe door."""
        control = self._control_http or self._open(self.setup.control_url, self.setup.control_token)
        watcher = Watcher(Ministry(control, Space(**self.setup.space)), self.pack, self._clock)
        return Watching(watcher, self.setup, self._now, lambda text: self.say(text))

    def _observed(self, item: Planned) -> ItemResult:
        """Wait for what an operator enters, and judge it: the documents, or the exchange around them."""
        roster = build_roster(
            self.pack, self.setup.programmes, str(self.setup.seed), self.setup.school_year, seals=True
        )
        listed = tasks(self.pack, roster, self.setup.seed, self.setup.programmes)
        task = next(one for one in listed if one.case.id == item.name)
        sight = self.watching.see(task)
        found = Recorder()
        record = SightRecord.of(item.kind, task.asked, sight, self._now())
        judge_sight(record, task.asked, sight, found, self._context_at, self.pack)
        for one in sight.arrived[:-1]:  # the last one is the episode's
            self._keep(item, "document", one.content, case=task.case.id, received_at=one.received_at)
        return self._result(item, [episode_of(task, sight)], found, record=encoded(SIGHT, record))

    def _document(self, item: Planned) -> ItemResult:
        data, judged_at = Path(item.name).read_bytes(), self._now()
        found, programme = self.judge.document(data, judged_at)
        digest = self._keep(item, "document", data, name=Path(item.name).name, judged_at=judged_at.isoformat())
        return ItemResult(
            id=item.id,
            kind="document",
            programme=programme,
            title=item.title,
            held=held_of(found),
            findings=tuple(finding_of(one, {"document": digest}, data, ()) for one in found.observations),
            form=self._form(data, found),
            evidence={"document": digest},
            replay=self.replay(item),
        )

    # -- events ----------------------------------------------------------------------------------------------------

    def _keep(self, item: Planned, kind: str, data: bytes, **facts: Any) -> str:
        digest = keep_bytes(Path(self.setup.evidence), kind, data, tuple(one.encode() for one in self._secrets))
        self.entries.append(Entry(kind, item.id, digest, {"programme": item.programme, **facts}))
        return digest

    def _result(
        self,
        item: Planned,
        episodes: list[Episode],
        found: Recorder,
        *,
        smallest: dict[str, Any] | None = None,
        record: bytes = b"",
    ) -> ItemResult:
        evidence: dict[str, str] = {}
        if record:
            evidence["record"] = self._keep(item, "record", record, of=item.kind)
        document = b""
        journal: tuple[dict[str, Any], ...] = ()
        for episode in episodes:
            stamp = episode.received_at.isoformat() if episode.received_at else None
            evidence["case"] = self._keep(item, "case", _json(episode.case.data), case=episode.case.id)
            answers = [{"call": call, **answer.record()} for call, answer in episode.answers if call != "document"]
            evidence["answers"] = self._keep(item, "answer", _json(answers), case=episode.case.id)
            if episode.document is not None:
                document = episode.document
                evidence["document"] = self._keep(
                    item,
                    "document",
                    document,
                    case=episode.case.id,
                    received_at=stamp,
                    judged_at=self._now().isoformat(),
                )
            if episode.rendition is not None:
                kept = self._keep(item, "rendition", episode.rendition.body, case=episode.case.id)
                evidence["rendition"] = kept
                evidence["rendition-text"] = self._keep(item, "rendition-text", episode.printed.encode())
            if episode.journal:
                journal = episode.journal
                evidence["journal"] = self._keep(item, "journal", _json(journal), case=episode.case.id)
            if episode.samples:
                samples = [dataclasses.asdict(sample) for sample in episode.samples]
                evidence["states"] = self._keep(item, "state", _json(samples), case=episode.case.id)
        return ItemResult(
            id=item.id,
            kind=kind_of(item),
            programme=item.programme,
            title=item.title,
            form=self._form(document, found),
            held=held_of(found),
            findings=tuple(finding_of(one, evidence, document, journal) for one in found.observations),
            smallest=smallest or {},
            evidence=evidence,
            replay=self.replay(item),
        )

    def _form(self, data: bytes, found: Recorder) -> FormData | None:
        """The document as people read it, where something that blocks is wrong with it; a few per process suffice."""
        wrong = any(code.startswith("PL1-") for code in self.blocking(found))
        if not data or not wrong or not self.pack.form or self._formed >= KEPT_FORMS:
            return None
        document = read(data, self.pack).document
        if document is None:
            return None
        self._formed += 1
        return readable(document, self.setup.language)


def kind_of(item: Planned) -> Literal["case", "probe", "exchange", "explore", "document"]:
    """What kind of item a report tells of: what an operator entered is a case, whoever acted."""
    if item.kind == "observed":
        return "case"
    return "exchange" if item.kind == "watched" else item.kind


def finding_of(
    one: Observation, evidence: Mapping[str, str], document: bytes, journal: tuple[dict[str, Any], ...]
) -> Finding:
    """An observation as an event, with the lines around its place and the calls around it."""
    lines: tuple[ExcerptLine, ...] = ()
    if one.place is not None and document and (one.place.xpath or one.place.line is not None):
        lines = tuple(
            ExcerptLine(number=line.number, text=line.text, marked=line.marked) for line in excerpt(document, one.place)
        )
    on_wire = one.requirement.startswith("PL2-")
    source = evidence.get("journal" if on_wire else "document", "")
    return Finding.of(one, evidence=source, excerpt=lines, exchange=journal[-KEPT_JOURNAL:] if on_wire else ())


def _json(data: Any) -> bytes:
    try:
        return json.dumps(data, ensure_ascii=False, sort_keys=True, default=str).encode()
    except UnicodeEncodeError:  # a lone surrogate out of a vendor's JSON
        return json.dumps(data, sort_keys=True, default=str).encode()
