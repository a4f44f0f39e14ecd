"""The operations of the service, by ``operationId``: a call in, an answer or a :class:`~mock_moet.wire.Refusal` out.

No Vietnamese wire name stands here: fields come from the pack's messages, bodies are checked by its OpenAPI.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from sqlalchemy.exc import IntegrityError

from conformance.evidence import digest_of
from mock_moet.judging import identify
from mock_moet.ministry import Ministry
from mock_moet.rules import PENDING, TAKEN, Attempt, Event, Known, Refuse, Repeat, State, decide
from mock_moet.store import SpaceRow, hashed
from mock_moet.wire import BodyError, Refusal, Reply, parse_base64, place

NO_STORE = ("cache-control", "no-store")


@dataclass(slots=True)
class Call:
    """One request. ``facts`` collects what the journal shall say of it."""

    operation: str
    method: str
    path: str
    query: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    space: SpaceRow
    facts: dict[str, Any] = field(default_factory=dict)
    committed: bool = False
    record: str | None = None
    """The record a submission names, if it can be read at all."""

    @property
    def param(self) -> str:
        """The one parameter in the path."""
        return next(iter(self.params.values()))

    def asked(self, name: str) -> str | None:
        """A query parameter's value; a repeated one is a mistake."""
        found = parse_qs(self.query, keep_blank_values=True).get(name, [])
        if len(found) > 1:
            raise Refusal("bad-request", vi=f"{name}: lặp lại", en=f"{name}: repeated")
        return found[0] if found else None


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, empty when it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def authorise(ministry: Ministry, call: Call) -> None:
    """Let the call pass if its token is good for its space.

    Raises:
        Refusal: ``unauthorised``.
    """
    token = bearer(call.headers)
    if token and ministry.store.token_valid(call.space.name, token, ministry.now(call.space).timestamp()):
        return
    challenge = 'Bearer error="invalid_token"' if token else "Bearer"
    raise Refusal("unauthorised", headers=(("www-authenticate", challenge),))


def token(ministry: Ministry, call: Call) -> Reply:
    """OAuth 2.0 client credentials with HTTP Basic (RFC 6749 §4.4, errors §5.2)."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pair = ""
    name, _, secret = pair.partition(":")
    row = call.space
    right_name = hmac.compare_digest(unquote_plus(name).encode(), row.client_id.encode())
    right_secret = hmac.compare_digest(hashed(unquote_plus(secret)), row.secret_hash)
    if not (right_name and right_secret):
        return _oauth_error(401, "invalid_client", ("www-authenticate", 'Basic realm="test"'))
    if _media_type(call) != "application/x-www-form-urlencoded":
        return _oauth_error(400, "invalid_request")
    try:
        form = parse_qs(call.body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return _oauth_error(400, "invalid_request")
    if len(form.get("grant_type", [])) != 1:
        return _oauth_error(400, "invalid_request")
    if form["grant_type"][0] != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type")
    lifetime = int(row.settings.get("tokenLifetime") or ministry.settings.token_lifetime)
    made = secrets.token_urlsafe(32)
    now = ministry.now(row).timestamp()
    ministry.store.add_token(row.name, made, now + lifetime, now)
    call.committed = True
    return Reply.json(200, {"access_token": made, "token_type": "Bearer", "expires_in": lifetime}, NO_STORE)


def _oauth_error(status: int, error: str, *headers: tuple[str, str]) -> Reply:
    return Reply.json(status, {"error": error}, NO_STORE, *headers)


def _media_type(call: Call) -> str:
    message = Message()
    message["content-type"] = call.headers.get("content-type", "")
    return message.get_content_type() if call.headers.get("content-type") else ""


def submit(ministry: Ministry, call: Call) -> Reply:
    """Take a submission: the receipt is committed before it is given."""
    if _media_type(call) != "application/json":
        raise Refusal(
            "bad-request", vi="Content-Type phải là application/json", en="Content-Type must be application/json"
        )
    wire = ministry.wire
    fields = wire.read("submission", wire.body(call.operation, call.body))
    event = Event(wire.event(fields["event"]))
    version = int(fields["version"])
    call.facts.update(record=fields["record"], version=version, event=event.value)
    try:
        content = parse_base64(fields["content"])
    except BodyError as error:
        raise Refusal("bad-request", vi=error.vi, en=error.en) from error
    digest = digest_of(content)
    if len(content) > ministry.pack.header.limits.bytes:
        raise Refusal("too-large")
    if event is Event.CANCEL:
        raise Refusal("not-offered")
    document = identify(content, ministry.pack)
    attempt = Attempt(fields["record"], version, event, digest, document)
    receipt, state = _keep(ministry, call, attempt, content, fields["updated"])
    call.committed = True
    call.facts.update(receipt=receipt, answered=state.value)
    return Reply.json(
        wire.operations[call.operation].success, wire.write("receipt", id=receipt, state=wire.state(state.value))
    )


def _keep(
    ministry: Ministry, call: Call, attempt: Attempt, content: bytes, updated: str, *, again: bool = False
) -> tuple[str, State]:
    space = call.space
    document = attempt.document
    receipt = secrets.token_hex(16)
    try:
        with ministry.store.write(space.name) as transaction:
            known = {one.known.receipt: one for one in transaction.of_record(attempt.record)}
            decision = decide(
                attempt,
                [one.known for one in known.values()],
                schools=space.schools,
                closed_years=space.settings.get("closedYears", ()),
                rival=document is not None
                and transaction.rival(document.learner, document.school_year, attempt.record),
            )
            if isinstance(decision, Refuse):
                raise Refusal(decision.error)
            if isinstance(decision, Repeat):
                return decision.receipt, known[decision.receipt].known.state
            assert document is not None  # the rules take no unreadable document; revocations do not come this far
            plan = ministry.corner(space.name).outcomes.take(attempt.record)
            transaction.add(
                Known(
                    receipt,
                    attempt.record,
                    attempt.version,
                    attempt.event,
                    attempt.digest,
                    State.RECEIVED,
                    document.school,
                    document.learner,
                    document.school_year,
                ),
                content,
                replaces=document.replaces,
                updated=updated,
                received_at=ministry.now(space).isoformat(),
                plan=plan,
            )
    except IntegrityError:
        # another process took this version between our look and our write: look again, once
        if again:
            raise
        return _keep(ministry, call, attempt, content, updated, again=True)
    call.facts["fresh"] = True
    if not plan.get("polls"):
        if ministry.settings.judging == "inline":
            ministry.judge(space.name, receipt)
        else:
            ministry.expect_judging(space.name, receipt)
    return receipt, State.RECEIVED


def status(ministry: Ministry, call: Call) -> Reply:
    """The state of a submission, with its findings once it is refused."""
    name = call.space.name
    with ministry.store.read(name) as transaction:
        one = transaction.by_receipt(call.param)
    if one is None or one.known.school not in call.space.schools:
        raise Refusal("not-found")
    shown = one.known.state
    if shown in PENDING:
        if one.hold > 0:
            with ministry.store.write(name) as transaction:
                transaction.change(one.known.receipt, hold=one.hold - 1, state=State.CHECKING)
            shown = State.CHECKING
        elif one.plan.get("polls") or ministry.settings.judging == "inline":
            if not one.error:
                ministry.judge(name, one.known.receipt)
            with ministry.store.read(name) as transaction:
                one = transaction.by_receipt(call.param) or one
            shown = one.known.state
        else:
            shown = State.CHECKING
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
            if one.known.school in call.space.schools
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
    return _tagged(call, content, "application/xml", one.digest)


def _tagged(call: Call, content: bytes, kind: str, digest: str) -> Reply:
    tag = f'"{digest}"'
    wanted = [one.strip().removeprefix("W/") for one in call.headers.get("if-none-match", "").split(",")]
    if tag in wanted or "*" in wanted:
        return Reply(304, b"", (("etag", tag),))
    return Reply(200, content, (("content-type", kind), ("etag", tag)))


def code_lists(ministry: Ministry, call: Call) -> Reply:
    """A code list of the pack with the validity of each code."""
    found = ministry.pack.codes.get(call.param)
    if found is None:
        raise Refusal("not-found")
    wire = ministry.wire
    pointers = wire.messages["code-list"]
    entries = []
    for entry in found:
        made: dict[str, Any] = {}
        place(made, pointers["code"], entry.code)
        place(made, pointers["label"], entry.name)
        place(made, pointers["valid-from"], entry.valid_from.isoformat() if entry.valid_from else None)
        place(made, pointers["valid-to"], entry.valid_to.isoformat() if entry.valid_to else None)
        entries.append(made)
    reply = Reply.json(200, wire.write("code-list", name=found.name, entries=entries))
    return _tagged(call, reply.body, "application/json", hashlib.sha256(reply.body).hexdigest())


def health(ministry: Ministry, call: Call) -> Reply:
    """Time and version, and that this is a test service."""
    wire = ministry.wire
    notice = wire.messages["notice"]
    value = wire.write(
        "health",
        time=ministry.now(call.space).isoformat(timespec="seconds"),
        version=str(ministry.pack.service["info"]["version"]),
        notice=f"{notice['vi']} / {notice['en']}",
    )
    return Reply.json(200, value, NO_STORE)


OPERATIONS: Mapping[str, Callable[[Ministry, Call], Reply]] = {
    "token": token,
    "submit": submit,
    "status": status,
    "fetch": fetch,
    "code-lists": code_lists,
    "health": health,
}
"""Operations this revision serves. An operation of the pack that is not here has no route."""

SELF_AUTHORISED = frozenset({"token"})
"""Operations that look at the credentials themselves."""
