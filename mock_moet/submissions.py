"""Taking submissions, one or many, and telling what became of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
class Item:
    """One submission on its way in."""

    call: Call
    parcel: Parcel
    facts: dict[str, Any]
    attempt: Attempt | None = None
    receipt: str = ""
    state: State = State.RECEIVED
    fresh: Fresh | None = None
    """What is kept of it now; ``None``: it was there."""
    plan: dict[str, Any] | None = None
    """What was planned for its outcome; counted once, however often it is tried to keep it."""
    trouble: Exception | None = None
    """Why it was not taken: a refusal, or what went wrong."""


def submit(ministry: Ministry, call: Call) -> Reply:
    """Take a submission: the receipt is committed before it is given."""
    item = offered(ministry, call)
    take(ministry, [item])
    return receipt(ministry, item)


def offered(ministry: Ministry, call: Call) -> Item:
    """The submission in a call, to be taken (:func:`take`).

    Raises:
        Refusal: there is none.
    """
    if call.trouble is not None:
        ministry.wire.body(call.operation, None, call.trouble)
    return Item(call, call.parcels[0], call.facts)


def receipt(ministry: Ministry, item: Item) -> Reply:
    """The answer to a submission that was taken.

    Raises:
        Exception: why it was not.
    """
    if item.trouble is not None:
        raise item.trouble
    wire = ministry.wire
    value = wire.write("receipt", id=item.receipt, state=wire.state(item.state.value))
    return Reply.json(wire.operations[item.call.operation].success, value)


def submit_batch(ministry: Ministry, call: Call) -> Reply:
    """Take many submissions; each has its own result, and a bad one harms no other."""
    wire = ministry.wire
    limit = int(wire.messages["batch-limit"])
    if len(call.parcels) > limit:
        raise Refusal("batch-too-long", vi=f"nhiều hơn {limit} bản ghi", en=f"more than {limit} items")
    wire.body(call.operation, call.value, call.trouble)
    items = [Item(call, parcel, {}) for parcel in call.parcels]
    call.facts["items"] = [item.facts for item in items]
    # what is judged before the answer leaves is judged before the next one is looked at
    together = 1 if ministry.settings.judging == "inline" else _TOGETHER
    for at in range(0, len(items), together):
        take(ministry, items[at : at + together])
    results = []
    for index, item in enumerate(items):
        values: dict[str, Any] = {"index": index}
        if item.parcel.record is not None:
            values["record"] = item.parcel.record[:200]
        if item.trouble is not None:
            refusal = _refusal(call, item.trouble)
            item.facts["error"] = refusal.key
            values["problem"] = wire.problem_of(refusal, secrets.token_hex(8))
        else:
            values |= {"id": item.receipt, "state": wire.state(item.state.value)}
        results.append(wire.write("batch-result", **values))
    return Reply.json(wire.operations[call.operation].success, wire.write("batch", results=results))


def _refusal(call: Call, trouble: Exception) -> Refusal:
    """What is told of one item of a batch.

    Raises:
        Exception: something that the whole call is answered with.
    """
    if isinstance(trouble, Refusal):
        return trouble
    # where nothing at all was taken, the whole call may be repeated
    if isinstance(trouble, STORAGE_ERRORS) and call.committed:
        return Refusal("storage")
    raise trouble


def take(ministry: Ministry, items: Sequence[Item]) -> None:
    """Decide on submissions to one space and keep the good ones in one transaction; each item then says what became
    of it.
    """
    with ministry.reading:
        for item in items:
            try:
                item.attempt = _attempt(ministry, item)
            except Exception as error:  # the others need not suffer from it
                item.trouble = error
    ready = [item for item in items if item.attempt is not None]
    _keep_all(ministry, ready)
    for item in ready:
        if item.trouble is not None:
            continue
        item.call.committed = True
        item.facts.update(receipt=item.receipt, answered=item.state.value)
        if item.fresh is not None:
            item.facts["fresh"] = True
            if not item.fresh.plan.get("polls"):
                try:
                    _judge(ministry, item.call.space.name, item.fresh)
                except Exception as error:
                    item.trouble = error


def _attempt(ministry: Ministry, item: Item) -> Attempt:
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


def _keep_all(ministry: Ministry, items: Sequence[Item]) -> None:
    """Keep what can be kept; nobody is refused for what is wrong with another one."""
    try:
        _keep_together(ministry, items)
    except STORAGE_ERRORS as error:
        for item in items:
            item.trouble = error
    except Exception as error:
        # another process took one of these versions between our look and our write: look again, once
        if len(items) > 1 or isinstance(error, IntegrityError):
            for item in items:
                _keep_alone(ministry, item)
        else:
            items[0].trouble = error


def _keep_alone(ministry: Ministry, item: Item) -> None:
    try:
        _keep_together(ministry, [item])
    except Exception as error:
        item.trouble = error


def _keep_together(ministry: Ministry, items: Sequence[Item]) -> None:
    if not items:
        return
    with ministry.store.write(items[0].call.space.name) as transaction:
        # the second submission of a record is decided on with the first one in the store
        for some in apart(items, lambda item: (_asked(item).record,)):
            _keep(ministry, transaction, some)


def _asked(item: Item) -> Attempt:
    assert item.attempt is not None
    return item.attempt


def _keep(ministry: Ministry, transaction: Transaction, some: Sequence[Item]) -> None:
    """Decide on submissions of different records, and keep the good ones."""
    by_record: dict[str, list[Stored]] = {}
    for stored in transaction.of_records({_asked(item).record for item in some}):
        by_record.setdefault(stored.known.record, []).append(stored)
    documents = [_asked(item).document for item in some]
    rivals = transaction.rivals({one.learner for one in documents if one is not None and one.school_year is not None})
    taken: list[Item] = []
    for item in some:
        item.trouble, item.fresh = None, None
        try:
            if _decided(item, by_record.get(_asked(item).record, []), rivals):
                taken.append(item)
        except Refusal as refusal:  # nothing was written for it
            item.trouble = refusal
    for item in _with_room(ministry, transaction, taken):
        item.fresh = _fresh(ministry, transaction, item, by_record.get(_asked(item).record, []))
    transaction.add(*(item.fresh for item in taken if item.fresh is not None))


def _decided(item: Item, stored: Sequence[Stored], rivals: Mapping[tuple[str, int], set[str]]) -> bool:
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
        schools=item.call.caller.schools,
        closed_years=item.call.space.settings.get("closedYears", ()),
        rival=bool(in_force - {attempt.record}),
    )
    if isinstance(decision, Refuse):
        raise Refusal(decision.error)
    if isinstance(decision, Repeat):
        known = next(one.known for one in stored if one.known.receipt == decision.receipt)
        item.receipt, item.state = known.receipt, known.state
        return False
    return True


def _with_room(ministry: Ministry, transaction: Transaction, some: Sequence[Item]) -> Iterator[Item]:
    """Those for which the space has room; the others are refused."""
    quotas = [int(item.call.space.settings.get("quotaBytes") or ministry.settings.quota) for item in some]
    sizes = [len(item.parcel.content or b"") for item in some]
    if len(some) > 1 and transaction.reserve(sum(sizes), min(quotas)):
        yield from some
        return
    for item, size, quota in zip(some, sizes, quotas, strict=True):
        if transaction.reserve(size, quota):
            yield item
        else:
            item.trouble = Refusal("quota", headers=(_QUOTA_REST,))


def _fresh(ministry: Ministry, transaction: Transaction, item: Item, stored: Sequence[Stored]) -> Fresh:
    """What is kept of a submission."""
    space, attempt, content = item.call.space, _asked(item), item.parcel.content
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
