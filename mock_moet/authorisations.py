"""Letting one receiver retrieve a learner's transcripts for one purpose, and handing them out once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

from mock_moet.calls import Call
from mock_moet.grants import Grant, refusal_to_retrieve
from mock_moet.ministry import Ministry
from mock_moet.submissions import NO_STORE
from mock_moet.transaction import Stored
from mock_moet.wire import Refusal, Reply

_DAY = 86_400


def authorise(ministry: Ministry, call: Call) -> Reply:
    """Make an authorisation for records that the caller's schools hold; its code is told once."""
    wire = ministry.wire
    wire.body(call.operation, call.value, call.trouble)
    fields = wire.read("authorisation-request", call.value)
    purpose = wire.key("purposes", fields["purpose"])
    call.facts.update(purpose=purpose, receiver=fields["receiver"])
    until = _moment(ministry, fields["until"])
    now = ministry.now(call.space)
    longest = int(wire.messages["authorisation-days"]) * _DAY
    if not 0 < (until - now).total_seconds() <= longest:
        raise Refusal("authorisation-period")
    code = secrets.token_urlsafe(int(wire.messages["authorisation-bytes"]))
    with ministry.store.write(call.space.name) as transaction:
        held = transaction.held_by(call.caller.schools, learner_code=fields["learner"])
        learners = {one.known.learner for one in held}
        if not learners:
            raise Refusal("not-found")
        if len(learners) > 1:
            raise Refusal("learner-unclear")
        grant = Grant(
            learner=learners.pop(),
            learner_code=fields["learner"],
            schools=call.caller.schools,
            purpose=purpose,
            receiver=fields["receiver"],
            until=until.timestamp(),
        )
        transaction.grant(code, grant)
    call.committed = True
    call.facts["authorisation"] = shown(code)
    value = wire.write("authorisation", code=code, until=until.isoformat(timespec="seconds"))
    return Reply.json(wire.operations[call.operation].success, value, NO_STORE)


def _moment(ministry: Ministry, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=ministry.pack.timezone)
        moment.timestamp()
    except (ValueError, OverflowError):
        raise Refusal(
            "authorisation-period", vi=f"không phải thời điểm: {text[:35]}", en=f"not a time: {text[:35]}"
        ) from None
    return moment


def shown(code: str) -> str:
    """How the journal tells codes apart without knowing them."""
    return f"sha256:{hashlib.sha256(code.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def retrieve(ministry: Ministry, call: Call) -> Reply:
    """Hand out the learner's transcripts in force: once, and to the same client again if its answer was lost."""
    wire = ministry.wire
    wire.body(call.operation, call.value, call.trouble)
    fields = wire.read("retrieval-request", call.value)
    code = fields["code"]
    call.facts["authorisation"] = shown(code)
    purpose = None if fields["purpose"] is None else wire.key("purposes", fields["purpose"])
    now = ministry.now(call.space).timestamp()
    with ministry.store.write(call.space.name) as transaction:
        grant = transaction.granted(code)
        refusal = refusal_to_retrieve(
            grant, client=call.caller.id, schools=call.caller.schools, now=now, purpose=purpose,
            again=float(wire.messages["retrieve-again"]),
        )  # fmt: skip
        if refusal:
            call.facts["refused"] = refusal
            raise Refusal(refusal)
        assert grant is not None
        if not grant.used_by:
            transaction.use(code, call.caller.id, now)
        chosen = _chosen(transaction.held_by(grant.schools, learner=grant.learner))
        contents = [(one, transaction.content(one.known.receipt) or b"") for one in chosen]
    call.committed = True
    call.facts.update(
        purpose=grant.purpose, again=bool(grant.used_by),
        handed=[
            {"record": one.known.record, "version": one.known.version, "content": one.known.digest} for one in chosen
        ],
    )  # fmt: skip
    items = [
        wire.write(
            "retrieval-item", record=one.known.record, version=one.known.version, digest=one.known.digest,
            content=base64.b64encode(content).decode(),
        )
        for one, content in contents
    ]  # fmt: skip
    word = wire.messages["purposes"][grant.purpose]
    value = wire.write("retrieval", learner=grant.learner_code, purpose=word, items=items)
    return Reply.json(wire.operations[call.operation].success, value, NO_STORE)


def _chosen(held: list[Stored]) -> list[Stored]:
    """One version a record: what a test placed to be handed out goes before what is in force."""
    by_record: dict[str, Stored] = {}
    for one in held:
        known = by_record.get(one.known.record)
        if known is None or (one.handed_out and not known.handed_out):
            by_record[one.known.record] = one
    return list(by_record.values())
