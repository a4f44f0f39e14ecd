"""Judges what was seen to arrive: pure, the same in a run of the observe door and years later over stored evidence.

A record holds the calls and receipts of one learner; the documents lie beside it by their digests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from conformance.checks import exchange as exchange_rules
from conformance.checks.context import Context
from conformance.checks.exchange import Call, Exchange
from conformance.checks.judge import after_signing, judge_document
from conformance.document import read
from conformance.doors.observe import Arrived, Sight
from conformance.evidence import digest_of
from conformance.exchanges import ExchangeSpec
from conformance.finding import Place, Recorder, State
from conformance.pack import Pack

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator was asked for: a case's learner, and the exchange that is played meanwhile."""

    case: str
    learner: str
    exchange: ExchangeSpec | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A submission that arrived, without its content. ``document``: SHA-256 (hex) of the content."""

    receipt: str
    record: str
    version: int
    event: str
    state: str
    digest: str
    received_at: str
    document: str


@dataclass(frozen=True, slots=True)
class SightRecord:
    """What was seen of one learner when it was judged; the journal lies beside it."""

    kind: str
    """``observed``: the documents; ``watched``: the exchange around them."""
    case: str
    learner: str
    exchange: str
    """Id of the exchange that was played; empty: none."""
    judged_at: datetime
    receipts: tuple[Receipt, ...]
    calls: tuple[Call, ...]

    @classmethod
    def of(cls, kind: str, asked: Asked, sight: Sight, judged_at: datetime) -> SightRecord:
        """The record of a sight."""
        receipts = tuple(
            Receipt(
                one.receipt, one.record, one.version, one.event, one.state, one.digest, one.received_at,
                digest_of(one.content),
            )
            for one in sight.arrived
        )  # fmt: skip
        name = asked.exchange.id if asked.exchange is not None else ""
        return cls(kind, asked.case, asked.learner, name, judged_at, receipts, sight.calls)

    def sight(self, content: Callable[[str], bytes], entries: tuple[Mapping[str, Any], ...]) -> Sight:
        """The sight again. ``content``: the bytes of a document by digest; ``entries``: the journal's."""
        arrived = tuple(
            Arrived(
                one.receipt, one.record, one.version, one.event, one.state, one.digest, content(one.document),
                self.learner, one.received_at,
            )
            for one in self.receipts
        )  # fmt: skip
        return Sight(self.learner, arrived, entries, self.calls)


SIGHT: TypeAdapter[SightRecord] = TypeAdapter(SightRecord)


def judge_sight(
    record: SightRecord,
    asked: Asked,
    sight: Sight,
    found: Recorder,
    context: Callable[[datetime | None, datetime], Context],
    pack: Pack,
) -> None:
    """All that was seen of a learner. ``context``: what a document is judged with, by times of receipt and judging."""
    if record.kind == "watched":
        judge_watched(asked, sight, found, pack)
        return

    def of(one: Arrived) -> Context:
        return context(datetime.fromisoformat(one.received_at), record.judged_at)

    judge_arrived(asked, sight, found, of, pack)


def judge_arrived(
    asked: Asked, sight: Sight, found: Recorder, context: Callable[[Arrived], Context], pack: Pack
) -> None:
    """The documents that arrived by everything that applies, and what their submission shows."""
    before: bytes | None = None
    seen: set[str] = set()
    for one in sight.arrived:
        if one.digest in seen or one.event == "cancel":
            continue
        seen.add(one.digest)
        judged = judge_document(one.content, replace(context(one), previous=before))
        found.absorb(judged.found)
        after_signing(found)
        before = one.content if one.state not in ("refused",) else before
        exchange = exchange_of(asked, sight, pack, one)
        for rule in WATCHED_RULES:
            exchange_rules.check(exchange, rule, {}, found)
    if not sight.arrived:
        found.blocked(ENVELOPE, "not-played", place=Place(pointer=asked.case), seen=missing(asked, sight))


def judge_watched(asked: Asked, sight: Sight, found: Recorder, pack: Pack) -> None:
    """The rules of an exchange that watching can show; what rests on the operator's view is left to others."""
    spec = asked.exchange
    assert spec is not None
    watchable = {name for name, row in pack.requirements.items() if "observe" in row.doors}
    served = any(
        (one.get("fault") or {}).get("kind") == "delay" and one.get("answer") is not None for one in sight.entries
    )
    if not sight.arrived or served:
        why = "phần mềm chờ lâu hơn sự cố / the software waited longer than the fault" if served else ""
        for requirement in spec.requirements:
            if requirement in watchable:
                place = Place(pointer=spec.id)
                found.blocked(requirement, "not-played", place=place, seen=why or missing(asked, sight))
        return
    exchange = exchange_of(asked, sight, pack, sight.arrived[0])
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


def exchange_of(asked: Asked, sight: Sight, pack: Pack, about: Arrived) -> Exchange:
    """What the rules judge: the calls about one document, seen from the service's side only."""
    document = read(about.content, pack).document
    record = document.transcript.record.id if document is not None else None
    number = document.transcript.version.number if document is not None else None
    calls = tuple(one for one in sight.calls if one.operation != "submit" or one.content == about.digest)
    return Exchange(
        asked.exchange.id if asked.exchange else asked.case,
        calls,
        (),
        asked.learner,
        digest_of(about.content),
        record.raw if record is not None else "",
        number.value if number is not None else None,
        tuple(one.receipt for one in sight.arrived if one.digest == about.digest),
        "final",
        by_service=True,
    )


def missing(asked: Asked, sight: Sight) -> str:
    """Why there is nothing to judge; bilingual."""
    if sight.calls:
        last = sight.calls[-1]
        return (
            f"học sinh {asked.learner}: đã gửi nhưng không có biên nhận nào (HTTP {last.status}) / "
            f"learner {asked.learner}: sent, but never received"
        )
    return f"học sinh {asked.learner}: không có hồ sơ nào đến / learner {asked.learner}: nothing arrived"
