"""A recorded exchange: what the service and the operator saw of one conversation. Data only; rules judge it.

Order is told by journal numbers and by one clock, the service's own, so that no two machines' clocks are ever compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.finding import Message, Place, Recorder

SLACK = 0.1
"""Seconds by which a wait may look shorter than it was: journal times are taken on arrival."""
DATE_SLACK = 1.0
"""Seconds: an HTTP date has no fractions."""
SENDING = ("submit", "submit-batch")
WHOLE = ("merge", "omit")
"""Kinds of faults whose answer reaches the software at once and can be read: what it tells was told."""


@dataclass(frozen=True, slots=True)
class Item:
    """One submission inside a batch; ``answered`` and ``error`` are the pack's keys, ``status`` the item's own."""

    record: str = ""
    version: int | None = None
    event: str = ""
    content: str = ""
    """SHA-256 (hex) of the decoded content."""
    status: int = 0
    receipt: str = ""
    answered: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the service saw it. ``at``: seconds on the service's clock, taken on arrival.

    ``answered``: the state word in the answer (``accepted`` …, the pack's key, not the wire's word), empty if there was
    none or it was not delivered whole. ``fault``: the answer was made wrong on purpose.
    """

    number: int
    at: float
    operation: str
    status: int
    fault: bool = False
    committed: bool = False
    record: str = ""
    version: int | None = None
    event: str = ""
    """The pack's key of the event (``new``, ``update``, ``cancel``), or the wire's word where it is none of them."""
    content: str = ""
    """SHA-256 (hex) of the decoded content."""
    receipt: str = ""
    answered: str = ""
    bearer: bool = True
    """Whether a bearer token came in the header (for ``token``: HTTP Basic)."""
    secret_in_url: bool = False
    retry_after: float | None = None
    """Seconds that the answer asked to wait, from when it was given."""
    retry_date: bool = False
    kind: str = ""
    """The fault's kind."""
    error: str = ""
    """The pack's key of the error that the answer named."""
    detail: str = ""
    """What the answer said of it in words."""
    items: tuple[Item, ...] = ()
    """What a batch held, in order."""
    listed: tuple[Item, ...] = ()
    """What the answer to ``list`` told of records: identifier, version, state."""
    about: str = ""
    """What the path names: a record, a receipt, a code list."""
    origin: str = ""
    """Host and port that the client asked for."""
    conditional: bool = False
    """Whether it asked only for what had changed (If-None-Match)."""
    took: float = 0.0
    """Seconds from arrival until the service had answered, or seen the client go: its own time, not the client's."""
    waiting: bool = False
    """Whether the journal did not hold its answer yet: nothing may be concluded from its absence."""
    late: float = 0.0
    """How often the client's patience went into our answer's time, from nearly once on, without a fault of ours: the
    answer may never have come. 0: in time."""
    tls: str = ""
    """The certificate its connection was shown: empty without TLS, ``good``, or how it was bad."""

    @property
    def done(self) -> float:
        """When the service was done with it: a client's wait begins here, however long the answer took."""
        return self.at + self.took

    @property
    def well(self) -> bool:
        """Whether the status said success; a call that was never answered has status 0."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Sample:
    """What the software showed its operator, and the journal number that was reached right after it was read."""

    upto: int
    state: str
    receipt: str = ""
    version: int | None = None
    messages: tuple[str, ...] = ()
    refusals: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """One issued version of a transcript: what its bytes say of themselves.

    ``signatures``: slot (the role, for a subject teacher with the subject's code and the signer) → SHA-256 of the
    signature's value; ``marks``: subject code → SHA-256 of the subject's own content.
    """

    digest: str
    record: str = ""
    version: int | None = None
    reason: str = ""
    replaces: str = ""
    owner: tuple[str, ...] = ()
    """Learner, school year and school."""
    signatures: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paper:
    """One transcript of an exchange."""

    name: str
    learner: str
    issued: tuple[Issued, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def final(self) -> str:
        """The state in the end."""
        return self.samples[-1].state if self.samples else ""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing the suite asked of the software, or did itself. ``upto``: the journal number reached before it."""

    step: str
    paper: str = ""
    status: int = 0
    """The software's answer; 0: none was asked for."""
    reasons: tuple[str, ...] = ()
    """Codes of the test interface's closed list."""
    upto: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether the software did as asked."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Stored:
    """What the service holds in the end, in the pack's keys."""

    receipt: str
    record: str
    version: int
    event: str
    state: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange as it went. What is said of one transcript is said of the first."""

    id: str
    calls: tuple[Call, ...]
    samples: tuple[Sample, ...]
    learner: str
    document: str
    """SHA-256 (hex) of the bytes the software said it issued."""
    record: str
    """The identifier in those bytes."""
    version: int | None
    receipts: tuple[str, ...]
    """Receipts the service holds for the learner's transcript, by whatever identifier, in order."""
    ended: str
    """Why watching ended: ``final``, ``limit``."""
    papers: tuple[Paper, ...] = ()
    acts: tuple[Act, ...] = ()
    stored: tuple[Stored, ...] = ()
    origin: str = ""
    """Host and port of the service; empty: not known."""
    by_service: bool = False
    """Nobody could see what the operator was shown: how it ended is told from the service's side."""
    watched: float = 0.0
    """Seconds for which the software was watched."""

    @property
    def submits(self) -> list[Call]:
        """The submissions, those in batches one by one."""
        return list(submissions(self.calls))

    @property
    def issued(self) -> tuple[Issued, ...]:
        """The issued versions of the first transcript."""
        return self.papers[0].issued if self.papers else ()

    @property
    def last(self) -> Sample | None:
        """What the operator saw in the end."""
        return self.samples[-1] if self.samples else None

    @property
    def final(self) -> str:
        """The state in the end."""
        if self.by_service:
            # a receipt that went out is as far as the service can see
            return "delivered" if any(call.well and call.receipt for call in self.submits) else "sent"
        return self.last.state if self.last else ""

    @property
    def told(self) -> list[str]:
        """Everything the operator was told in words."""
        shown = [message for sample in self.samples for message in sample.messages]
        return shown + [str(one.get("message", "")) for sample in self.samples for one in sample.refusals]

    def of(self, name: str) -> Exchange:
        """The same exchange, with what the operator was shown of that transcript."""
        paper = next(one for one in self.papers if one.name == name)
        return replace(self, learner=paper.learner, samples=paper.samples)

    def act(self, step: str, paper: str = "") -> Act | None:
        """The last act of a step."""
        found = [one for one in self.acts if one.step == step and (not paper or one.paper == paper)]
        return found[-1] if found else None

    def at(self, call: Call | None = None) -> Place:
        """The place of a call in this exchange."""
        return Place(pointer=f"{self.id}#{call.number}" if call else self.id)

    def late(self, upto: int) -> bool:
        """Whether the journal still lacked an answer up to a number: the harness's delay is nobody's mistake."""
        return any(call.waiting and call.number <= upto for call in self.calls)


def submissions(calls: tuple[Call, ...]) -> Iterator[Call]:
    """The submissions among ``calls``; an item of a batch as if it had been sent alone."""
    for call in calls:
        if call.operation == "submit":
            yield call
        elif call.operation == "submit-batch":
            for item in call.items:
                yield replace(
                    call,
                    record=item.record,
                    version=item.version,
                    event=item.event,
                    content=item.content,
                    status=item.status or call.status,
                    receipt=item.receipt,
                    answered=item.answered,
                    error=item.error or call.error,
                    items=(),
                )


def misfit(call: Call, record: str, version: int | None) -> tuple[str, object, object] | None:
    """What of a submission's envelope does not agree with its document: which, what it should be, what it is."""
    for name, expected, seen in (
        ("record", record, call.record),
        ("version", version, call.version),
        ("event", "new" if version == 1 else "update", call.event),
    ):
        if expected != seen:
            return name, expected, seen
    return None


def near(key: str, **params: object) -> tuple[Message, ...]:
    """Why the nearest call does not count, as one step of a derivation (texts/exchanges.yaml of the pack)."""
    return (Message(f"near.{key}", {name: str(value) for name, value in params.items()}),)


def seconds(value: float) -> str:
    """Seconds as shown."""
    return f"{value:.1f}"


def changed(one: Exchange, first: Call, found: Recorder) -> bool:
    """Whether a repetition is another submission than ``first``: PL2-GN-003 says so, and nothing else can be said."""
    for call in one.submits:
        if call.number <= first.number or (call.event == "cancel") != (first.event == "cancel"):
            continue
        if len(one.papers) > 1 and call.record != first.record and call.content != first.content:
            continue  # another transcript of the same exchange
        for cause, expected, seen in (
            ("new-identifier", first.record, call.record),
            ("new-version", first.version, call.version),
            ("other-bytes", first.content, call.content),
        ):
            if expected != seen:
                found.violated(
                    "PL2-GN-003",
                    cause,
                    place=one.at(call),
                    expected=expected,
                    seen=seen,
                    derivation=near("other-submission", number=call.number, wait=seconds(call.at - first.at)),
                )
                return True
    return False


def waited(one: Exchange, late: Call) -> bool:
    """Whether the software waited for an answer that came after the time-out it declares, and went on with it."""
    return (
        late.kind == "delay"
        and bool(late.receipt)
        and any(call.operation == "status" and call.about == late.receipt for call in one.calls)
    )


Rule = Callable[[Exchange, Mapping[str, Any], Recorder], None]
