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
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from mock_moet.authorisations import authorise, retrieve
from mock_moet.calls import Call, bearer
from mock_moet.ministry import Ministry
from mock_moet.records import fetch, in_force, list_records, tagged
from mock_moet.submissions import NO_STORE, status, submit, submit_batch
from mock_moet.tables import hashed
from mock_moet.wire import Refusal, Reply, place


def admit(ministry: Ministry, call: Call) -> None:
    """Let the call pass if its token is good for its space, and note whose it is.

    Raises:
        Refusal: ``unauthorised``.
    """
    token = bearer(call.headers)
    if token:
        call.client = ministry.store.bearer_of(call.space.name, token, ministry.now(call.space).timestamp())
        if call.client is not None:
            call.facts["client"] = call.client.id
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
    name, secret = unquote_plus(name), unquote_plus(secret)
    known = ministry.store.client(row.name, name) if name.isprintable() else None
    # an unknown name takes as long as a wrong secret
    right = hmac.compare_digest(hashed(secret), known.secret_hash if known is not None else hashed(""))
    if known is None or not right:
        return _oauth_error(401, "invalid_client", ("www-authenticate", 'Basic realm="test"'))
    if call.media_type() != "application/x-www-form-urlencoded":
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
    ministry.store.add_token(known, made, now + lifetime, now)
    call.committed = True
    call.facts["client"] = known.id
    return Reply.json(200, {"access_token": made, "token_type": "Bearer", "expires_in": lifetime}, NO_STORE)


def _oauth_error(status: int, error: str, *headers: tuple[str, str]) -> Reply:
    return Reply.json(status, {"error": error}, NO_STORE, *headers)


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
    return tagged(call, reply.body, "application/json", hashlib.sha256(reply.body).hexdigest())


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
    "submit-batch": submit_batch,
    "status": status,
    "list": list_records,
    "fetch": fetch,
    "authorise": authorise,
    "retrieve": retrieve,
    "in-force": in_force,
    "code-lists": code_lists,
    "health": health,
}
"""Operations that are served. An operation of the pack that is not here has no route."""

SELF_AUTHORISED = frozenset({"token"})
"""Operations that look at the credentials themselves."""

SECRET_ANSWERS = frozenset({"token", "authorise", "retrieve"})
"""Operations whose good answers hold a secret or documents: the journal keeps their digest only."""

JSON_BODIES = frozenset({"submit", "submit-batch", "authorise", "retrieve"})
"""Operations that take a JSON body."""
