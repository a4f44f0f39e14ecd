"""Taking submissions, one or many, and telling what became of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError

from mock_moet.calls import Call
from mock_moet.gathering import apart
from mock_moet.judging import identify
from mock_moet.ministry import Ministry
from mock_moet.parcels import Parcel
from mock_moet.rules import PENDING, TAKEN, Attempt, Event, Known, Refuse, Repeat, State, decide
from mock_moet.store import STORAGE_ERRORS
from mock_moet.transaction import Fresh, Stored, Transaction
from mock_moet.wire import Refusal, Reply

NO_STORE = ("cache-control", "no-store")
STORAGE_REST = ("retry-after", "5")
"""Seconds to wait when the store cannot be written."""
_QUOTA_REST = ("retry-after", "3600")
_TOGETHER = 20
"""Items of a batch that share a transaction: few enough that others need not wait long."""


@dataclass(slots=True)
class _Item:
    """One submission on its way in."""

    parcel: Parcel
    facts: dict[str, Any]
    attempt: Attempt | None = None
    receipt: str = ""
    state: State = State.RECEIVED
    fresh: Fresh | None = None
    """What is kept of it now; ``None``: it was there."""
    plan: dict[str, Any] | None = None
    """What was planned for its outcome; counted once, however often it is tried to keep it."""
    refusal: Refusal | None = None


def submit(ministry: Ministry, call: Call) -> Reply:
    """Take a submission: the receipt is committed before it is given."""
    wire = ministry.wire
    if call.trouble is not None:
        wire.body(call.operation, None, call.trouble)
    item = _Item(call.parcels[0], call.facts)
    _take(ministry, call, [item])
    if item.refusal is not None:
        raise item.refusal
    value = wire.write("receipt", id=item.receipt, state=wire.state(item.state.value))
    return Reply.json(wire.operations[call.operation].success, value)


def submit_batch(ministry: Ministry, call: Call) -> Reply:
    """Take many submissions; each has its own result, and a bad one harms no other."""
    wire = ministry.wire
    limit = int(wire.messages["batch-limit"])
    if len(call.parcels) > limit:
        raise Refusal("batch-too-long", vi=f"nhiều hơn {limit} bản ghi", en=f"more than {limit} items")
    wire.body(call.operation, call.value, call.trouble)
    items = [_Item(parcel, {}) for parcel in call.parcels]
    call.facts["items"] = [item.facts for item in items]
    # what is judged before the answer leaves is judged before the next one is looked at
    together = 1 if ministry.settings.judging == "inline" else _TOGETHER
    for at in range(0, len(items), together):
        some = items[at : at + together]
        try:
            _take(ministry, call, some)
        except STORAGE_ERRORS:
            if not call.committed and at + together >= len(items):
                raise  # nothing at all was taken: the whole call may be repeated
            for item in some:
                item.refusal = item.refusal or Refusal("storage")
    results = []
    for index, item in enumerate(items):
        values: dict[str, Any] = {"index": index}
        if item.parcel.record is not None:
            values["record"] = item.parcel.record[:200]
        if item.refusal is not None:
            item.facts["error"] = item.refusal.key
            values["problem"] = wire.problem_of(item.refusal, secrets.token_hex(8))
        else:
            values |= {"id": item.receipt, "state": wire.state(item.state.value)}
        results.append(wire.write("batch-result", **values))
    return Reply.json(wire.operations[call.operation].success, wire.write("batch", results=results))


def _take(ministry: Ministry, call: Call, items: Sequence[_Item]) -> None:
    """Decide on submissions and keep the good ones in one transaction; each item then says what became of it."""
    with ministry.reading:
        for item in items:
            try:
                item.attempt = _attempt(ministry, item)
            except Refusal as refusal:
                item.refusal = refusal
    ready = [item for item in items if item.attempt is not None]
    try:
        _keep_all(ministry, call, ready)
    except IntegrityError:
        # another process took one of these versions between our look and our write: look again, once
        for item in ready:
            item.refusal = None
            _keep_all(ministry, call, [item])
    for item in ready:
        if item.refusal is not None:
            continue
        call.committed = True
        item.facts.update(receipt=item.receipt, answered=item.state.value)
        if item.fresh is not None:
            item.facts["fresh"] = True
            if not item.fresh.plan.get("polls"):
                _judge(ministry, call.space.name, item.fresh)


def _attempt(ministry: Ministry, item: _Item) -> Attempt:
    """What a submission asks for.

    Raises:
        Refusal: its form is wrong, whatever the space holds.
    """
    wire, pack, parcel = ministry.wire, ministry.pack, item.parcel
    # an item of a batch is checked as a submission of its own is
    wire.body("submit", parcel.value)
    event = Event(wire.event(parcel.fields["event"]))
    version = int(parcel.fields["version"])
    item.facts.update(record=parcel.fields["record"], version=version, event=event.value)
    if parcel.trouble is not None or parcel.content is None:
        said = parcel.trouble
        raise Refusal("bad-request", vi=said.vi if said else "", en=said.en if said else "")
    if len(parcel.content) > pack.header.limits.bytes:
        raise Refusal("too-large")
    form = pack if event is not Event.CANCEL else pack.revocation
    if form is None:
        raise Refusal("not-offered")
    return Attempt(parcel.fields["record"], version, event, parcel.digest, identify(parcel.content, form))


def _keep_all(ministry: Ministry, call: Call, items: Sequence[_Item]) -> None:
    """Keep what can be kept, in one transaction with other calls to the space that wait for it."""
    if items:
        gathering = ministry.corner(call.space.name).keeping
        gathering.do([(call, item) for item in items], partial(_keep_together, ministry, call.space.name))


def _keep_together(ministry: Ministry, space: str, calls: Sequence[Sequence[tuple[Call, _Item]]]) -> None:
    everything = [pair for pairs in calls for pair in pairs]
    with ministry.store.write(space) as transaction:
        # the second submission of a record is decided on with the first one in the store
        for some in apart(everything, lambda pair: (_asked(pair[1]).record,)):
            _keep(ministry, transaction, some)


def _asked(item: _Item) -> Attempt:
    assert item.attempt is not None
    return item.attempt


def _keep(ministry: Ministry, transaction: Transaction, some: Sequence[tuple[Call, _Item]]) -> None:
    """Decide on submissions of different records, and keep the good ones."""
    by_record: dict[str, list[Stored]] = {}
    for stored in transaction.of_records({_asked(item).record for _, item in some}):
        by_record.setdefault(stored.known.record, []).append(stored)
    documents = [_asked(item).document for _, item in some]
    rivals = transaction.rivals({one.learner for one in documents if one is not None and one.school_year is not None})
    taken: list[tuple[Call, _Item]] = []
    for call, item in some:
        item.refusal, item.fresh = None, None
        try:
            if _decided(call, item, by_record.get(_asked(item).record, []), rivals):
                taken.append((call, item))
        except Refusal as refusal:  # nothing was written for it
            item.refusal = refusal
    for call, item in _with_room(ministry, transaction, taken):
        item.fresh = _fresh(ministry, call, transaction, item, by_record.get(_asked(item).record, []))
    transaction.add(*(item.fresh for _, item in taken if item.fresh is not None))


def _decided(
    call: Call, item: _Item, stored: Sequence[Stored], rivals: Mapping[tuple[str, int], set[str]]
) -> bool:  # fmt: skip
    """Whether a submission is to be kept; not: it is there already.

    Raises:
        Refusal: neither.
    """
    attempt = _asked(item)
    document = attempt.document
    in_force: set[str] = set()
    if document is not None and document.school_year is not None:
        in_force = rivals.get((document.learner, document.school_year), in_force)
    decision = decide(
        attempt,
        [one.known for one in stored],
        schools=call.caller.schools,
        closed_years=call.space.settings.get("closedYears", ()),
        rival=bool(in_force - {attempt.record}),
    )
    if isinstance(decision, Refuse):
        raise Refusal(decision.error)
    if isinstance(decision, Repeat):
        known = next(one.known for one in stored if one.known.receipt == decision.receipt)
        item.receipt, item.state = known.receipt, known.state
        return False
    return True


def _with_room(
    ministry: Ministry, transaction: Transaction, some: Sequence[tuple[Call, _Item]]
) -> Iterator[tuple[Call, _Item]]:  # fmt: skip
    """Those for which the space has room; the others are refused."""
    quotas = [int(call.space.settings.get("quotaBytes") or ministry.settings.quota) for call, _ in some]
    sizes = [len(item.parcel.content or b"") for _, item in some]
    if len(some) > 1 and transaction.reserve(sum(sizes), min(quotas)):
        yield from some
        return
    for (call, item), size, quota in zip(some, sizes, quotas, strict=True):
        if transaction.reserve(size, quota):
            yield call, item
        else:
            item.refusal = Refusal("quota", headers=(_QUOTA_REST,))


def _fresh(
    ministry: Ministry, call: Call, transaction: Transaction, item: _Item, stored: Sequence[Stored]
) -> Fresh:  # fmt: skip
    """What is kept of a submission."""
    space, attempt, content = call.space, _asked(item), item.parcel.content
    document = attempt.document
    assert document is not None  # the rules take nothing unreadable
    assert content is not None
    if item.plan is None or ministry.settings.shared:  # what is kept in the store was undone with it
        item.plan = ministry.corner(space.name).outcomes.take(attempt.record, transaction, content)
    learner, school_year, learner_code = document.learner, document.school_year, document.learner_code
    if attempt.event is Event.CANCEL:
        # a statement does not say whose record it revokes
        revoked = max((one for one in stored if one.known.state in TAKEN), key=lambda one: one.known.version)
        learner, school_year = revoked.known.learner, revoked.known.school_year
        learner_code = revoked.learner_code
    item.receipt, item.state = secrets.token_hex(16), State.RECEIVED
    return Fresh(
        Known(
            item.receipt, attempt.record, attempt.version, attempt.event, attempt.digest, item.state,
            document.school, learner, school_year,
        ),
        content,
        replaces=document.replaces,
        updated=item.parcel.fields["updated"],
        received_at=ministry.now(space).isoformat(),
        plan=item.plan,
        learner_code=learner_code,
    )  # fmt: skip


def _judge(ministry: Ministry, space: str, fresh: Fresh) -> None:
    if ministry.settings.judging == "inline":
        ministry.judges.judge(space, fresh.known.receipt, fresh)
    else:
        ministry.judges.expect(space, fresh.known.receipt, fresh)


def status(ministry: Ministry, call: Call) -> Reply:
    """The state of a submission, with its findings once it is refused."""
    with ministry.store.read(call.space.name) as transaction:
        one = transaction.by_receipt(call.param)
    if one is None or one.known.school not in call.caller.schools:
        raise Refusal("not-found")
    shown = one.known.state
    if shown in PENDING:
        one, shown = _progress(ministry, call, one)
    wire = ministry.wire
    call.facts.update(
        receipt=one.known.receipt, record=one.known.record, version=one.known.version, answered=shown.value
    )
    findings = [
        wire.write(
            "finding",
            code=row["code"],
            requirement=row["requirement"],
            place=row["place"],
            text=row["vi"] if row["vi"] == row["en"] else f"{row['vi']} / {row['en']}",
        )
        for row in one.findings
    ]
    return Reply.json(
        200,
        wire.write(
            "status",
            id=one.known.receipt,
            state=wire.state(shown.value),
            record=one.known.record,
            version=one.known.version,
            findings=findings,
        ),
        NO_STORE,
    )


def _progress(ministry: Ministry, call: Call, one: Stored) -> tuple[Stored, State]:
    """What is told of a submission that is being checked: polls it was planned for, then its judging."""
    name = call.space.name
    if one.hold > 0:
        with ministry.store.write(name) as transaction:
            held = _held(transaction, one)
            if held:
                transaction.change(one.known.receipt, hold=held - 1, state=State.CHECKING)
        if held:
            return one, State.CHECKING
    elif not (one.plan.get("polls") or ministry.settings.judging == "inline"):
        return one, State.CHECKING
    if not one.error:
        ministry.judges.judge(name, one.known.receipt)
    with ministry.store.read(name) as transaction:
        one = transaction.by_receipt(one.known.receipt) or one
    return one, one.known.state


def asked_by_list(ministry: Ministry, call: Call, one: Stored) -> Stored:
    """A submission that a list names: a scripted outcome comes after so many questions, however they are asked."""
    if one.known.state not in PENDING or not one.plan.get("polls"):
        return one
    _progress(ministry, call, one)
    with ministry.store.read(call.space.name) as transaction:
        return transaction.by_receipt(one.known.receipt) or one


def _held(transaction: Transaction, one: Stored) -> int:
    """How many polls are left now: another call may have taken one meanwhile."""
    fresh = transaction.by_receipt(one.known.receipt)
    return fresh.hold if fresh is not None and fresh.known.state in PENDING else 0
