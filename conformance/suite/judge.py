"""Judges what was recorded of an item: pure, the same in a run and years later over stored evidence.

The doors' work ends in records. A record holds all that a check may look at and nothing that only a door has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from conformance.checks import exchange as exchange_rules
from conformance.checks import management, rendition
from conformance.checks.context import Context
from conformance.checks.exchange_record import Exchange
from conformance.checks.fidelity import OTHER_LEARNER, check_fidelity
from conformance.checks.judge import after_signing, judge_document
from conformance.document import Document
from conformance.exchanges.judging import judge_exchange, own_failure, unread
from conformance.exchanges.model import ExchangeSpec
from conformance.finding import Place, Recorder
from conformance.pack import Pack

PROBED = {
    "nobody-signed": "PL1-PH-001",
    "one-missing": "PL1-PH-001",
    "other-signers": "PL1-PH-002",
    "locked": "PL1-PH-003",
    "unissued": "PL1-PH-004",
    "impossible": "PL1-PH-005",
}
"""What each probe is there to show: not judged, when the software stops answering in its middle."""

BYTES_ISSUED, ENVELOPE = "PL2-GN-001", "PL2-GN-002"

PLAIN_RULES = ("bearer", "bytes-issued", "envelope", "delivered-only")
PLAIN_REQUIREMENTS = ("PL2-XT-001", BYTES_ISSUED, ENVELOPE, "PL2-GN-006")
"""What every ordinary submission shows of the client (PL2-XT-001, GN-001, GN-002, GN-006)."""


@dataclass(frozen=True, slots=True)
class Creation:
    """The software's answer to a case that could not go on from there."""

    status: int
    text: str
    lacks: bool = False
    """Whether the software does not take cases yet."""


@dataclass(frozen=True, slots=True)
class Print:
    """A printed rendition: the answer's status, its text, and why there is none."""

    status: int
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One transcript driven through the software. ``document``: SHA-256 (hex) of the issued bytes, or empty."""

    case: str
    programme: str
    data: dict[str, Any]
    """What was entered."""
    judged_at: datetime
    received_at: datetime | None = None
    document: str = ""
    attempts: tuple[management.Attempt, ...] = ()
    stopped: str = ""
    trouble: str = ""
    creation: Creation | None = None
    printed: Print | None = None
    exchange: Exchange | None = None
    """Its submission; ``None``: there was none to be judged."""


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """Transcripts of a probe, and why it ended early."""

    item: str
    name: str
    cases: tuple[CaseRecord, ...]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """An exchange, or why it could not be played."""

    name: str
    exchange: Exchange | None
    trouble: str = ""


CASE: TypeAdapter[CaseRecord] = TypeAdapter(CaseRecord)
PROBE: TypeAdapter[ProbeRecord] = TypeAdapter(ProbeRecord)
EXCHANGE: TypeAdapter[ExchangeRecord] = TypeAdapter(ExchangeRecord)


def encoded(adapter: TypeAdapter[Any], record: object) -> bytes:
    """A record as evidence keeps it; a lone surrogate out of a vendor's JSON stays an escape."""
    data = adapter.dump_python(record, mode="json", fallback=str)
    try:
        return json.dumps(data, ensure_ascii=False, sort_keys=True).encode()
    except UnicodeEncodeError:
        return json.dumps(data, sort_keys=True).encode()


class Judge:
    """All that judging needs beside records.

    Args:
        pack: the texts, rules and exchanges that count.
        context: what a document is judged with, by times of receipt and of judging.
        roster: the run's schools (JSON of ``Roster``).
        peers: programme → all cases entered for it, to recognise another learner's marks.
    """

    def __init__(
        self,
        pack: Pack,
        context: Callable[[datetime | None, datetime], Context],
        roster: Mapping[str, Any],
        peers: Callable[[str], Iterable[Mapping[str, Any]]],
    ) -> None:
        self._pack = pack
        self._context = context
        self._roster = roster
        self._peers = peers

    def case(self, one: CaseRecord, document: bytes | None, found: Recorder) -> None:
        """Everything an ordinary case can show: the document, fidelity, management, and the plain submission."""
        management.check(one.attempts, found)
        if one.trouble and document is not None:
            # the document is there to be judged: what nobody could follow is its submission
            for requirement in PLAIN_REQUIREMENTS:
                found.blocked(requirement, "not-played", place=Place(pointer=one.case), seen=one.trouble[:500])
        elif one.trouble:
            found.blocked("PL1-ND-001", "no-answer", seen=one.trouble[:500])
        elif one.stopped == "create":
            _refused(one, found)
        if document is not None:
            self._issued(one, document, found)
        if document is None or one.stopped or one.trouble or one.exchange is None:
            return
        unplayed = own_failure(one.exchange.calls) or unread(one.exchange.calls, self._pack)
        if unplayed:
            for requirement in PLAIN_REQUIREMENTS:
                found.blocked(requirement, "not-played", place=Place(pointer=one.case), seen=unplayed)
            return
        roots = [finding.code for finding in found.violations if finding.is_root]
        for rule in PLAIN_RULES:
            exchange_rules.check(one.exchange, rule, {}, found)
        # served as issued was something unreadable, or somebody else's: of course other bytes were sent
        form = next((code for code in roots if code.startswith("PL1-DOC-")), "") if not one.exchange.record else ""
        root = OTHER_LEARNER if OTHER_LEARNER in roots else form
        if root:
            found.mark_consequences(root, (BYTES_ISSUED, ENVELOPE))

    def _issued(self, one: CaseRecord, data: bytes, found: Recorder) -> None:
        """The issued document by Appendix 1, and against what was entered."""
        context = self._context(one.received_at, one.judged_at)
        judgement = judge_document(data, context)
        found.absorb(judgement.found)
        if judgement.document is None:
            return
        check_fidelity(one.data, self._roster, judgement.document, context, found, self._peers(one.programme))
        after_signing(found)
        if one.printed is not None:
            _printed(one, one.printed, judgement.document, found)

    def probe(self, one: ProbeRecord, found: Recorder) -> None:
        """Refusals beside their accepted twins."""
        if one.trouble:
            # what was seen until then stands
            found.blocked(PROBED[one.name], "no-answer", place=Place(pointer=one.item), seen=one.trouble[:500])
        for case in one.cases:
            management.check(case.attempts, found)
            if case.stopped == "create":
                found.blocked("PL1-PH-001", "no-transcript", place=Place(pointer=f"{case.case}#create"))

    def exchange(self, spec: ExchangeSpec, one: ExchangeRecord, found: Recorder) -> None:
        """An exchange by its rules; all its requirements are blocked when it could not be played."""
        judge_exchange(spec, one.exchange if one.exchange is not None else one.trouble, self._pack, found)

    def document(self, data: bytes, judged_at: datetime) -> tuple[Recorder, str]:
        """A document by itself; its findings and its programme."""
        judgement = judge_document(data, self._context(None, judged_at))
        return judgement.found, judgement.programme or ""


def _refused(one: CaseRecord, found: Recorder) -> None:
    place = Place(pointer=f"{one.case}#create")
    made = one.creation
    seen = f"HTTP {made.status} {made.text}" if made else ""
    if made is not None and (made.status < 300 or made.lacks):
        found.blocked("PL1-ND-001", "no-answer", place=place, seen=f"{seen} (id?)" if made.status < 300 else seen)
    else:
        found.violated("PL1-ND-001", "lawful-case-refused", place=place, expected="HTTP 201", seen=seen)


def _printed(one: CaseRecord, printed: Print, document: Document, found: Recorder) -> None:
    """The printed rendition against the signed XML."""
    pointer = f"{one.case}#rendition"
    if printed.status != 200:
        found.violated(rendition.RULE, "not-given", place=Place(pointer=pointer), seen=f"HTTP {printed.status}")
        return
    rendition.check(document, printed.text, printed.problem, found, pointer=pointer)


def held_of(found: Recorder) -> dict[str, dict[str, int]]:
    """Requirement → case class → count."""
    held: dict[str, dict[str, int]] = {}
    for (requirement, case_class), count in found.held_counts.items():
        held.setdefault(requirement, {})[case_class] = count
    return held
