"""The service as an ASGI application: routes from the pack's OpenAPI, every call noted, faults on purpose.

The outermost layer (:class:`Gate`) reads the body within bounds, finds the operation, picks the fault, lets the inner
FastAPI application answer, notes both in the journal and sends the answer, whole or broken as the fault wants it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from conformance.evidence import digest_of
from mock_moet.breaks import CONNECTION, DEADLINE, VERIFIES, ClientGone, ConnectionReset, Refused, Untrusted
from mock_moet.clock import wait
from mock_moet.delivery import Outlet, Receive, Send, deliver, reset, send_whole
from mock_moet.faults import INSTEAD, PARTIAL, SPREAD, WHOLE, Fault
from mock_moet.journal import redacted, shown_body
from mock_moet.ministry import Ministry
from mock_moet.operations import OPERATIONS, SELF_AUTHORISED, Call, authorise, bearer
from mock_moet.store import SpaceRow, hashed
from mock_moet.wire import Refusal, Reply, parse_json, pick, place

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/s/{space}"
_MARGIN = 64 * 1024
"""Bytes of a body beside its content."""

_log = logging.getLogger("mock_moet")


def create_service(ministry: Ministry) -> Gate:
    """The service of ``ministry``: an ASGI application."""
    return Gate(ministry, _inner(ministry))


def _inner(ministry: Ministry) -> FastAPI:
    pack = ministry.pack
    app = FastAPI(
        title=pack.service["info"]["title"], version=pack.service["info"]["version"], docs_url=None, redoc_url=None,
        openapi_url=None,
    )  # fmt: skip

    async def endpoint(request: Request) -> Response:
        call: Call = request.scope["hocba.call"]

        def work() -> Reply:
            operation = ministry.wire.operations[call.operation]
            if not operation.public and call.operation not in SELF_AUTHORISED:
                authorise(ministry, call)
            return OPERATIONS[call.operation](ministry, call)

        return _response(await anyio.to_thread.run_sync(work))

    async def description(_: Request) -> Response:
        return JSONResponse(pack.service)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return _response(_problem(ministry, error))

    async def unrouted(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return _response(_problem(ministry, Refusal("method" if status == 405 else "not-found")))

    for one in ministry.wire.operations.values():
        if one.name in OPERATIONS:
            app.add_api_route(
                PREFIX + _routed(one.path), endpoint, methods=[one.method], name=one.name, response_model=None,
                include_in_schema=False,
            )  # fmt: skip
    app.add_api_route(PREFIX + "/openapi.json", description, methods=["GET"], name="", include_in_schema=False)
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(HTTPException, unrouted)
    return app


def _routed(path: str) -> str:
    """A path template with plain parameter names: an official one may have any, the router takes few."""
    numbers = itertools.count()
    return re.sub(r"\{[^{}]*\}", lambda _: f"{{p{next(numbers)}}}", path)


def _problem(ministry: Ministry, refusal: Refusal) -> Reply:
    return ministry.wire.problem(refusal, secrets.token_hex(8))


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status)
    # a 304 has no body and no type; Starlette would add neither, but keeps what it is given
    for name, value in reply.headers:
        response.headers[name] = value
    return response


@dataclass(slots=True)
class _Visit:
    """One request on its way through the gate."""

    scope: Scope
    receive: Receive
    send: Send
    arrived: datetime
    moment: float
    headers: dict[str, str]
    space: SpaceRow | None = None
    operation: str = ""
    params: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    connected: Fault | None = None
    """What the connection began with."""

    @property
    def query(self) -> str:
        """The query string as sent."""
        return bytes(self.scope.get("query_string", b"")).decode("latin-1")


class Gate:
    """The outermost layer of the service."""

    def __init__(self, ministry: Ministry, inner: FastAPI) -> None:
        self.ministry = ministry
        self._inner = inner
        self._limit = ministry.pack.header.limits.bytes * 4 // 3 + _MARGIN

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        clock = self.ministry.settings.clock
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            text = value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        visit = _Visit(scope, receive, send, clock.now(), clock.monotonic(), headers)
        try:
            await self._visit(visit)
        except ClientGone:
            # in process the client has to be told that it has stopped waiting
            if DEADLINE in (scope.get("extensions") or {}):
                raise

    def note_connection(self, space: str, fault: Fault, origin: str) -> None:
        """Put a connection with a bad certificate into the journal: there may never be a call on it."""
        journal = self.ministry.corner(space).journal
        clock = self.ministry.settings.clock
        entry = journal.enter(
            at=clock.now().isoformat(timespec="milliseconds"), monotonic=clock.monotonic(), operation="",
            method="TLS", path="", query="", origin=origin, request={},
        )  # fmt: skip
        journal.complete(entry, fault=fault.model_dump(by_alias=True, mode="json"))

    def _connect(self, visit: _Visit) -> None:
        """The fault that the connection began with; where TLS is only played, each call begins one."""
        extensions = visit.scope.get("extensions") or {}
        if visit.space is not None and VERIFIES in extensions:
            closed = self.ministry.corner(visit.space.name).refused_until
            if self.ministry.settings.clock.monotonic() < closed:
                raise Refused
        if CONNECTION in extensions:
            visit.connected = extensions[CONNECTION]
        elif visit.space is not None and VERIFIES in extensions and visit.scope.get("scheme") == "https":
            fault = self.ministry.corner(visit.space.name).faults.take_connection()
            if fault is not None:
                self.note_connection(visit.space.name, fault, (visit.scope.get("client") or ("",))[0])
                if extensions[VERIFIES]:
                    raise Untrusted(fault.variant)
                visit.connected = fault

    async def _refuse(self, space: str, seconds: float) -> None:
        """Take no connections of the space for some time."""
        if self.ministry.doors is not None:
            await self.ministry.doors.refuse(space, seconds)
        else:
            self.ministry.corner(space).refused_until = self.ministry.settings.clock.monotonic() + seconds

    async def _visit(self, visit: _Visit) -> None:
        self._route(visit)
        self._connect(visit)
        early: Reply | None = None
        try:
            visit.body = await self._read(visit)
        except Refusal as refusal:
            early = _problem(self.ministry, refusal).with_headers(("connection", "close"))
        if visit.space is None:
            await send_whole(visit.send, early or _problem(self.ministry, Refusal("not-found")))
            return
        space = visit.space
        corner = self.ministry.corner(space.name)
        call = Call(
            visit.operation, visit.scope["method"], visit.scope["path"], visit.query, visit.params, visit.headers,
            visit.body, space,
        )  # fmt: skip
        entry = corner.journal.enter(**(await anyio.to_thread.run_sync(self._arrival, visit, call)))
        fault = None
        if early is None and visit.operation:
            fault = corner.faults.take(visit.operation, call.record)
        marked = fault or visit.connected
        if marked is not None:
            corner.journal.complete(entry, fault=marked.model_dump(by_alias=True, mode="json"))
        out = Outlet(visit.send, visit.receive, partial(self._wait, visit))
        try:
            reply = early or await self._answer(visit, call, fault)
        except (ClientGone, ConnectionReset) as broken:
            corner.journal.complete(entry, committed=call.committed, facts=call.facts, seconds=self._since(visit))
            if isinstance(broken, ClientGone):
                raise
            if fault is not None and fault.kind == "refuse":
                # closed before the client can come back
                await self._refuse(space.name, fault.seconds)
            await reset(out)
            return
        if fault is not None:
            reply = self._spoil(reply, fault, space)
        known = _known_from(reply, self.ministry.now(space))
        whole = fault is None or fault.kind in WHOLE
        corner.journal.complete(
            entry,
            committed=call.committed,
            facts=call.facts,
            seconds=self._since(visit),
            answer={
                "status": reply.status,
                "headers": dict(reply.headers),
                # the one answer that holds a secret
                "body": None if call.operation == "token" and reply.status == 200 else shown_body(
                    reply.body, dict(reply.headers).get("content-type", "")
                ),
                "sha256": hashed_bytes(reply.body),
                "size": len(reply.body),
                **known,
            },
            delivered=whole,
        )  # fmt: skip
        try:
            await deliver(out, reply, fault)
        finally:
            if fault is not None and fault.kind in SPREAD:
                corner.journal.complete(entry, seconds=self._since(visit))

    def _since(self, visit: _Visit) -> float:
        """Seconds since a call arrived: how long we take for it, which is nobody else's delay."""
        return round(self.ministry.settings.clock.monotonic() - visit.moment, 6)

    # arrival

    def _route(self, visit: _Visit) -> None:
        for route in self._inner.routes:
            match, child = route.matches(visit.scope)
            if match is Match.NONE:
                continue
            params = dict(child.get("path_params", {}))
            name = params.pop("space", "")
            visit.space = self.ministry.space(name)
            if match is Match.FULL and visit.space is not None:
                visit.operation = getattr(route, "name", "")
                visit.params = params
                return
        parts = visit.scope["path"].split("/")
        if visit.space is None and len(parts) > 2 and parts[1] == PREFIX.split("/")[1]:
            visit.space = self.ministry.space(parts[2])

    async def _read(self, visit: _Visit) -> bytes:
        if visit.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal("bad-request", vi="không nhận nội dung nén", en="compressed bodies are not taken")
        declared = visit.headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > self._limit:
            raise Refusal("too-large")
        body = bytearray()
        try:
            async with asyncio.timeout(self.ministry.settings.body_deadline):
                while True:
                    message = await visit.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    body += message.get("body", b"")
                    if len(body) > self._limit:
                        raise Refusal("too-large")
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise Refusal("bad-request", vi="nội dung gửi quá chậm", en="the body came too slowly") from None

    def _arrival(self, visit: _Visit, call: Call) -> dict[str, Any]:
        candidates = [value for _, value in parse_qsl(visit.query)] + [
            unquote(part) for part in visit.scope["path"].split("/")[3:] if len(part) > 30
        ]
        space = call.space
        named = any(name.lower() == "access_token" for name, _ in parse_qsl(visit.query))
        secret = (
            named
            or self.ministry.store.is_token(space.name, candidates)
            or any(hashed(one) == space.secret_hash for one in candidates)
        )
        authorization = visit.headers.get("authorization", "")
        call.record = self._record_of(call)
        return {
            "at": visit.arrived.isoformat(timespec="milliseconds"),
            "monotonic": visit.moment,
            "operation": visit.operation,
            "method": visit.scope["method"],
            "path": "***" if secret else visit.scope["path"],
            "query": "***" if secret and visit.query else visit.query[:1000],
            "origin": (visit.scope.get("client") or ("",))[0],
            "tls": ""
            if visit.scope.get("scheme") != "https"
            else ("good" if visit.connected is None else visit.connected.variant),
            "request": {
                "headers": redacted(visit.headers),
                "bodySha256": hashed_bytes(visit.body),
                "bodySize": len(visit.body),
                "bearer": bool(bearer(visit.headers)),
                "basic": authorization.lower().startswith("basic "),
                "queryHasToken": secret,
                **self._envelope(call),
            },
        }

    def _envelope(self, call: Call) -> dict[str, Any]:
        """What a submission says outside its content, and the content's digest, whatever becomes of the call."""
        if call.operation != "submit":
            return {}
        pointers = self.ministry.wire.messages["submission"]
        try:
            value = parse_json(call.body)
            call.record = named if isinstance(named := pick(value, pointers["record"]), str) else None
            content = base64.b64decode(str(pick(value, pointers["content"]) or ""))
        except ValueError:
            return {}
        envelope: dict[str, Any] = {}
        for key, pointer in pointers.items():
            found = pick(value, pointer)
            # texts from a stranger are kept short; anything else than a plain value is not kept
            if key != "content" and isinstance(found, str | int | float):
                place(envelope, pointer, found[:200] if isinstance(found, str) else found)
        return {"envelope": envelope, "contentSha256": digest_of(content), "contentSize": len(content)}

    def _record_of(self, call: Call) -> str | None:
        """The record a call without a body is about, for faults that select one."""
        if call.operation == "status":
            with self.ministry.store.read(call.space.name) as transaction:
                one = transaction.by_receipt(call.param)
            return one.known.record if one else None
        return call.param if call.operation == "fetch" else None

    # answer

    async def _answer(self, visit: _Visit, call: Call, fault: Fault | None) -> Reply:
        if fault is None:
            return await self._inside(visit, call)
        clock = self.ministry.settings.clock
        before = fault.phase == "before"
        waits = fault.seconds if fault.kind not in SPREAD else 0.0
        if waits and before:
            await self._wait(visit, waits)
        # before the commit these stand in for the service; the others need its answer
        reply = Reply(200) if before and fault.kind in INSTEAD else await self._inside(visit, call)
        if waits and not before:
            await self._wait(visit, waits)
        if fault.kind in ("reset", "refuse"):
            raise ConnectionReset
        deadline = (visit.scope.get("extensions") or {}).get(DEADLINE)
        if deadline is not None and clock.monotonic() > deadline:
            raise ClientGone
        return reply

    async def _inside(self, visit: _Visit, call: Call) -> Reply:
        status = 500
        headers: list[tuple[str, str]] = []
        body = bytearray()
        given = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": visit.body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.extend((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        try:
            await self._inner({**visit.scope, "hocba.call": call, "extensions": {}}, receive, send)
        except Exception:
            _log.exception("operation %s failed", call.operation)
            return _problem(self.ministry, Refusal("internal"))
        return Reply(status, bytes(body), tuple((name, value) for name, value in headers if name != "content-length"))

    async def _wait(self, visit: _Visit, seconds: float) -> None:
        """Wait, but not longer than the client does.

        Raises:
            ClientGone: the client has stopped waiting.
        """
        clock = self.ministry.settings.clock
        deadline = (visit.scope.get("extensions") or {}).get(DEADLINE)
        if deadline is not None:
            left = deadline - clock.monotonic()
            await wait(clock, max(0.0, min(seconds, left)))
            if seconds >= left:
                raise ClientGone
            return
        gone = False
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                nonlocal gone
                while (await visit.receive())["type"] != "http.disconnect":
                    pass
                gone = True
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await wait(clock, seconds)
            group.cancel_scope.cancel()
        if gone:
            raise ClientGone

    def _spoil(self, reply: Reply, fault: Fault, space: SpaceRow) -> Reply:
        after: tuple[tuple[str, str], ...] = ()
        if fault.retry_after is not None:
            now = self.ministry.now(space)
            # whole seconds upwards: a date must never be earlier than the seconds it stands for
            moment = (now + timedelta(seconds=fault.retry_after, microseconds=999_999)).replace(microsecond=0)
            shown = format_datetime(_utc(moment), usegmt=True) if fault.retry_after_date else str(fault.retry_after)
            after = (("retry-after", shown),)
        if fault.kind == "status":
            return self._status(fault).with_headers(*after)
        if fault.kind == "redirect":
            status = fault.status if 300 <= fault.status < 400 else 307
            return Reply(status, b"", (("location", fault.location), *after))
        if fault.kind == "garbage":
            body = "<html><body>502 Bad Gateway</body></html>" if fault.body is None else fault.body
            status = fault.status if "status" in fault.model_fields_set else 200
            return Reply(status, body.encode(), (("content-type", fault.content_type), *after))
        if fault.kind in PARTIAL and len(reply.body) < 2:
            made = self.ministry.wire.write("receipt", id=secrets.token_hex(16), state="")
            return Reply.json(self.ministry.wire.operations["submit"].success, made)
        if fault.kind == "merge":
            with suppress(ValueError):
                value = json.loads(reply.body)
                if isinstance(value, dict):
                    merged = json.dumps({**value, **fault.extra}, ensure_ascii=False).encode()
                    return Reply(reply.status, merged, reply.headers)
        return reply

    def _status(self, fault: Fault) -> Reply:
        if fault.body is not None:
            return Reply(fault.status, fault.body.encode(), (("content-type", fault.content_type),))
        rows = self.ministry.wire.messages["errors"]
        key = fault.error or next((name for name, row in rows.items() if row["status"] == fault.status), "")
        if fault.operation == "token" and fault.status in (400, 401):
            challenge = (("www-authenticate", 'Basic realm="test"'),) if fault.status == 401 else ()
            return Reply.json(fault.status, {"error": "invalid_client"}, *challenge)
        if not key:
            return Reply(fault.status)
        problem = _problem(self.ministry, Refusal(key))
        headers = (*problem.headers, ("www-authenticate", 'Bearer error="invalid_token"')) if fault.status == 401 else (
            problem.headers
        )  # fmt: skip
        return Reply(fault.status, problem.body, headers)


def hashed_bytes(data: bytes) -> str:
    """SHA-256 (hex) of a body, empty for an empty one."""
    return digest_of(data) if data else ""


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _known_from(reply: Reply, now: datetime) -> dict[str, Any]:
    """How long the answer asks the client to wait, in seconds from now."""
    value = dict(reply.headers).get("retry-after")
    if value is None:
        return {}
    if value.isdigit():
        return {"retryAfterSeconds": float(value), "retryAfterIsDate": False}
    return {"retryAfterSeconds": (parsedate_to_datetime(value) - now).total_seconds(), "retryAfterIsDate": True}


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
