"""A school's own records: their bytes, lists of them, and what is in force."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from mock_moet.calls import Call
from mock_moet.grants import refusal_to_ask
from mock_moet.ministry import Ministry
from mock_moet.rules import TAKEN, Event, State
from mock_moet.submissions import NO_STORE, asked_by_list
from mock_moet.transaction import Stored
from mock_moet.wire import Refusal, Reply


def fetch(ministry: Ministry, call: Call) -> Reply:
    """The bytes that were accepted: the newest version, or the one asked for."""
    name = ministry.wire.messages["query"]["version"]
    asked = call.asked(name)
    if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) <= 5 and int(asked) > 0):
        raise Refusal(
            "bad-request", vi=f"{name}: phải là số nguyên dương", en=f"{name}: must be a positive whole number"
        )
    with ministry.store.read(call.space.name) as transaction:
        taken = [
            one.known
            for one in transaction.of_record(call.param)
            if one.known.school in call.caller.schools
            and one.known.state in TAKEN
            and one.known.event is not Event.CANCEL
            and (asked is None or one.known.version == int(asked))
        ]
        if not taken:
            raise Refusal("not-found")
        one = max(taken, key=lambda known: known.version)
        content = transaction.content(one.receipt)
    assert content is not None  # it is in the same row
    call.facts.update(record=one.record, version=one.version, content=one.digest, answered=one.state.value)
    return tagged(call, content, "application/xml", one.digest)


def tagged(call: Call, content: bytes, kind: str, digest: str) -> Reply:
    """An answer with an entity tag; 304 when the client has it already."""
    tag = f'"{digest}"'
    wanted = [one.strip().removeprefix("W/") for one in call.headers.get("if-none-match", "").split(",")]
    if tag in wanted or "*" in wanted:
        return Reply(304, b"", (("etag", tag),))
    return Reply(200, content, (("content-type", kind), ("etag", tag)))


# --------------------------------------------------------------------------------------------------------------- lists


def list_records(ministry: Ministry, call: Call) -> Reply:
    """A page of the caller's records, each in the state of its newest version, in the order of their first receipts."""
    wire, names = ministry.wire, ministry.wire.messages["query"]
    year, school, state, cursor = (call.asked(names[key]) for key in ("school-year", "school", "state", "cursor"))
    wire.query(
        call.operation, {names[key]: call.asked(names[key]) for key in ("school-year", "school", "state", "cursor")}
    )
    first_year = _year(ministry, names["school-year"], year)
    states = {word: key for key, word in wire.messages["states"].items()}
    if state is not None and state not in states:
        raise Refusal("bad-request", vi=f"{names['state']}: trạng thái lạ", en=f"{names['state']}: unknown state")
    filters = json.dumps([year, school, state])
    start = 0 if cursor is None else _read_cursor(call, names["cursor"], cursor, filters)
    schools = call.caller.schools if school is None else call.caller.schools & {school}
    size = int(wire.messages["page-size"])
    found: list[tuple[int, Stored]] = []
    with ministry.store.read(call.space.name) as transaction:
        while len(found) <= size:
            numbers = transaction.records_after(start, size + 1, schools, first_year) if schools else []
            if not numbers:
                break
            by_record: dict[str, list[Stored]] = {}
            for one in transaction.of_records([record for _, record in numbers]):
                if one.known.school in schools:
                    by_record.setdefault(one.known.record, []).append(one)
            for number, record in numbers:
                shown = current(by_record[record])
                if shown is None:
                    continue
                if state is None or shown.known.state.value == states[state]:
                    found.append((number, shown))
            start = numbers[-1][0]
    page = [(number, asked_by_list(ministry, call, one)) for number, one in found[:size]]
    more = len(found) > size
    formats = ministry.pack.binding.formats
    items = [
        wire.write(
            "list-item", record=one.known.record, version=one.known.version, state=wire.state(one.known.state.value),
            school_year=None if one.known.school_year is None else formats.write_school_year(one.known.school_year),
            school=one.known.school, receipt=one.known.receipt, digest=one.known.digest,
        )
        for _, one in page
    ]  # fmt: skip
    call.facts["records"] = [one.known.record for _, one in page]
    following = _write_cursor(call, page[-1][0], filters) if more else None
    return Reply.json(200, wire.write("list", items=items, next=following), NO_STORE)


def current(stored: Iterable[Stored]) -> Stored | None:
    """The submission that speaks for a record: its newest taken version, else the latest one; revocations do not."""
    own = [one for one in stored if one.known.event is not Event.CANCEL]
    taken = [one for one in own if one.known.state in TAKEN]
    if taken:
        return max(taken, key=lambda one: one.known.version)
    return max(own, key=lambda one: one.number, default=None)


def _year(ministry: Ministry, name: str, text: str | None) -> int | None:
    """A school year's first calendar year."""
    if text is None:
        return None
    formats = ministry.pack.binding.formats
    year = formats.read_school_year(text)
    if year is None:
        raise Refusal("bad-request", vi=f"{name}: không phải năm học", en=f"{name}: not a school year")
    return year


def _mark(call: Call, number: int, filters: str) -> bytes:
    """What binds a cursor to the client and the filters it was made for."""
    key = call.caller.secret_hash.encode()
    return hmac.new(key, f"{call.caller.id} {number} {filters}".encode(), hashlib.sha256).digest()[:16]


def _write_cursor(call: Call, number: int, filters: str) -> str:
    packed = number.to_bytes(8, "big") + _mark(call, number, filters)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_cursor(call: Call, name: str, text: str, filters: str) -> int:
    try:
        packed = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        packed = b""
    number = int.from_bytes(packed[:8], "big")
    if len(packed) != 24 or not hmac.compare_digest(packed[8:], _mark(call, number, filters)):
        raise Refusal(
            "bad-request", vi=f"{name}: không phải con trỏ của danh sách này", en=f"{name}: not a cursor of this list"
        )
    return number


# ------------------------------------------------------------------------------------------------------------ in force


def in_force(ministry: Ministry, call: Call) -> Reply:
    """Newest version, digest, revoked or not: for the holder, or for the receiver of an authorisation."""
    wire = ministry.wire
    code = call.headers.get(wire.messages["headers"]["authorisation"].lower())
    with ministry.store.read(call.space.name) as transaction:
        schools = call.caller.schools
        learner: str | None = None
        if code is not None:
            grant = transaction.granted(code)
            now = ministry.now(call.space).timestamp()
            refusal = refusal_to_ask(grant, client=call.caller.id, schools=schools, now=now)
            if refusal:
                raise Refusal(refusal)
            assert grant is not None
            schools, learner = grant.schools, grant.learner
            call.facts.update(purpose=grant.purpose)
        taken = [
            one
            for one in transaction.of_record(call.param)
            if one.known.school in schools
            and one.known.state in TAKEN
            and one.known.event is not Event.CANCEL
            and learner in (None, one.known.learner)
        ]
    shown = current(taken)
    if shown is None:
        raise Refusal("not-found")
    newest = shown.known
    call.facts.update(record=newest.record, version=newest.version, answered=newest.state.value)
    value: dict[str, Any] = wire.write(
        "in-force", record=newest.record, version=newest.version, digest=newest.digest,
        state=wire.state(newest.state.value), revoked=newest.state is State.REVOKED,
    )  # fmt: skip
    return Reply.json(200, value, NO_STORE)
