"""Taking submissions, one or many, and telling what became of them."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy.exc import IntegrityError

from mock_moet.calls import Call
from mock_moet.judging import identify
from mock_moet.ministry import Ministry
from mock_moet.parcels import Parcel
from mock_moet.rules import PENDING, TAKEN, Attempt, Event, Known, Refuse, Repeat, State, decide
from mock_moet.store import STORAGE_ERRORS
from mock_moet.transaction import Stored, Transaction
from mock_moet.wire import Refusal, Reply

NO_STORE = ("cache-control", "no-store")
STORAGE_REST = ("retry-after", "5")
"""Seconds to wait when the store cannot be written."""
_QUOTA_REST = ("retry-after", "3600")


def submit(ministry: Ministry, call: Call) -> Reply:
    """Take a submission: the receipt is committed before it is given."""
    wire = ministry.wire
    wire.body(call.operation, call.value, call.trouble)
    receipt, state = _take(ministry, call, call.parcels[0], call.facts)
    return Reply.json(
        wire.operations[call.operation].success, wire.write("receipt", id=receipt, state=wire.state(state.value))
    )


def submit_batch(ministry: Ministry, call: Call) -> Reply:
    """Take many submissions; each has its own result, and a bad one harms no other."""
    wire = ministry.wire
    limit = int(wire.messages["batch-limit"])
    if len(call.parcels) > limit:
        raise Refusal("batch-too-long", vi=f"nhiều hơn {limit} bản ghi", en=f"more than {limit} items")
    wire.body(call.operation, call.value, call.trouble)
    facts: list[dict[str, Any]] = []
    call.facts["items"] = facts
    results = []
    for index, parcel in enumerate(call.parcels):
        fact: dict[str, Any] = {}
        facts.append(fact)
        values: dict[str, Any] = {"index": index}
        if parcel.record is not None:
            values["record"] = parcel.record[:200]
        try:
            # an item is checked as a submission of its own is
            wire.body("submit", parcel.value)
            receipt, state = _take(ministry, call, parcel, fact)
            values |= {"id": receipt, "state": wire.state(state.value)}
        except Refusal as refusal:
            fact["error"] = refusal.key
            values["problem"] = wire.problem_of(refusal, secrets.token_hex(8))
        except STORAGE_ERRORS:
            if not call.committed and index + 1 == len(call.parcels):
                raise  # nothing at all was taken: the whole call may be repeated
            fact["error"] = "storage"
            values["problem"] = wire.problem_of(Refusal("storage"), secrets.token_hex(8))
        results.append(wire.write("batch-result", **values))
    return Reply.json(wire.operations[call.operation].success, wire.write("batch", results=results))


def _take(ministry: Ministry, call: Call, parcel: Parcel, facts: dict[str, Any]) -> tuple[str, State]:
    wire, pack = ministry.wire, ministry.pack
    event = Event(wire.event(parcel.fields["event"]))
    version = int(parcel.fields["version"])
    facts.update(record=parcel.fields["record"], version=version, event=event.value)
    if parcel.trouble is not None or parcel.content is None:
        said = parcel.trouble
        raise Refusal("bad-request", vi=said.vi if said else "", en=said.en if said else "")
    if len(parcel.content) > pack.header.limits.bytes:
        raise Refusal("too-large")
    form = pack if event is not Event.CANCEL else pack.revocation
    if form is None:
        raise Refusal("not-offered")
    attempt = Attempt(parcel.fields["record"], version, event, parcel.digest, identify(parcel.content, form))
    receipt, state = _keep(ministry, call, attempt, parcel, facts)
    call.committed = True
    facts.update(receipt=receipt, answered=state.value)
    return receipt, state


def _keep(
    ministry: Ministry, call: Call, attempt: Attempt, parcel: Parcel, facts: dict[str, Any], *, again: bool = False
) -> tuple[str, State]:
    space = call.space
    document = attempt.document
    receipt = secrets.token_hex(16)
    assert parcel.content is not None
    try:
        with ministry.store.write(space.name) as transaction:
            stored = transaction.of_record(attempt.record)
            known = {one.known.receipt: one for one in stored}
            decision = decide(
                attempt,
                [one.known for one in stored],
                schools=call.caller.schools,
                closed_years=space.settings.get("closedYears", ()),
                rival=document is not None
                and transaction.rival(document.learner, document.school_year, attempt.record),
            )
            if isinstance(decision, Refuse):
                raise Refusal(decision.error)
            if isinstance(decision, Repeat):
                return decision.receipt, known[decision.receipt].known.state
            assert document is not None  # the rules take nothing unreadable
            if transaction.used() + len(parcel.content) > int(
                space.settings.get("quotaBytes") or ministry.settings.quota
            ):
                raise Refusal("quota", headers=(_QUOTA_REST,))
            plan = ministry.corner(space.name).outcomes.take(attempt.record, transaction, parcel.content)
            learner, school_year, learner_code = document.learner, document.school_year, document.learner_code
            if attempt.event is Event.CANCEL:
                # a statement does not say whose record it revokes
                revoked = max((one for one in stored if one.known.state in TAKEN), key=lambda one: one.known.version)
                learner, school_year = revoked.known.learner, revoked.known.school_year
                learner_code = revoked.learner_code
            transaction.add(
                Known(
                    receipt, attempt.record, attempt.version, attempt.event, attempt.digest, State.RECEIVED,
                    document.school, learner, school_year,
                ),
                parcel.content,
                replaces=document.replaces,
                updated=parcel.fields["updated"],
                received_at=ministry.now(space).isoformat(),
                plan=plan,
                learner_code=learner_code,
            )  # fmt: skip
    except IntegrityError:
        # another process took this version between our look and our write: look again, once
        if again:
            raise
        return _keep(ministry, call, attempt, parcel, facts, again=True)
    facts["fresh"] = True
    if not plan.get("polls"):
        if ministry.settings.judging == "inline":
            ministry.judges.judge(space.name, receipt)
        else:
            ministry.judges.expect(space.name, receipt)
    return receipt, State.RECEIVED


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


def _held(transaction: Transaction, one: Stored) -> int:
    """How many polls are left now: another call may have taken one meanwhile."""
    fresh = transaction.by_receipt(one.known.receipt)
    return fresh.hold if fresh is not None and fresh.known.state in PENDING else 0
