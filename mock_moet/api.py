"""The service as an ASGI application: routes from the pack's OpenAPI, every call noted, faults on purpose.

The outermost layer (:class:`Gate`) reads the body within bounds, finds the operation, picks the fault, lets the inner
FastAPI application answer, notes both in the journal and sends the answer, whole or broken as the fault wants it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

import anyio
import anyio.to_thread
from starlette.routing import Match, Route

from conformance.evidence import digest_of
from conformance.pack.pointer import remove
from mock_moet.breaks import CONNECTION, DEADLINE, VERIFIES, ClientGone, ConnectionReset, Refused, Untrusted
from mock_moet.calls import Call, bearer
from mock_moet.clock import wait
from mock_moet.deadlines import HEAD_LIMIT
from mock_moet.delivery import Outlet, Receive, Send, deliver, reset, send_whole
from mock_moet.faults import INSTEAD, PARTIAL, SPREAD, WHOLE, Fault
from mock_moet.journal import redacted, shown_body
from mock_moet.ministry import Ministry
from mock_moet.operations import JSON_BODIES, OPERATIONS, SECRET_ANSWERS, SELF_AUTHORISED, admit
from mock_moet.parcels import Parcel
from mock_moet.store import STORAGE_ERRORS, SpaceRow
from mock_moet.submissions import STORAGE_REST, Item, offered, receipt, take
from mock_moet.wire import BodyError, Refusal, Reply, parse_json, pick

T = TypeVar("T")
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/s/{space}"
_MARGIN = 64 * 1024
"""Bytes of a body beside its content, and of bodies without one."""
_MOST_DISCARDED = 64 * 1024 * 1024
"""Bytes of a refused body that are still taken, so that its sender gets to read why."""
_MOST_DIGITS = 16
"""Of a declared length; more is no length."""
_MOST_SHOWN = 200
"""Items of a batch that the journal shows."""
_DESCRIPTION = "openapi.json"
_BATCHES = 2
"""Batches that are worked on at the same time: each of them lies in memory several times over meanwhile."""
_PLAIN = re.compile(r"[0-9a-fA-F-]+$")

_log = logging.getLogger("mock_moet")


def create_service(ministry: Ministry) -> Gate:
    """The service of ``ministry``: an ASGI application."""
    return Gate(ministry)


def _routes(ministry: Ministry) -> list[Route]:
    """A route for every operation of the pack that is served, and the description itself."""

    async def unused(_: object) -> None:
        raise AssertionError("the gate answers")

    routes = [
        Route(PREFIX + _routed(one.path), unused, methods=[one.method], name=one.name)
        for one in ministry.wire.operations.values()
        if one.name in OPERATIONS
    ]
    for route in routes:
        route.methods = (route.methods or set()) - {"HEAD"}  # an operation of its own or none
    return [*routes, Route(f"{PREFIX}/openapi.json", unused, methods=["GET"], name=_DESCRIPTION)]


def _routed(path: str) -> str:
    """A path template with plain parameter names: an official one may have any, the router takes few."""
    numbers = itertools.count()
    return re.sub(r"\{[^{}]*\}", lambda _: f"{{p{next(numbers)}}}", path)


def origin_form(scope: Scope) -> Scope:
    """A request whose target is a whole URL (RFC 9112 §3.2.2: servers take it) as one whose target is a path."""
    if scope["path"].startswith("/"):
        return scope
    raw = bytes(scope.get("raw_path") or scope["path"].encode())
    scheme, separator, rest = raw.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return scope
    raw = b"/" + rest.partition(b"/")[2]
    return {**scope, "raw_path": raw, "path": unquote(raw.decode("latin-1"))}


def _problem(ministry: Ministry, refusal: Refusal) -> Reply:
    return ministry.wire.problem(refusal, secrets.token_hex(8))


@dataclass(slots=True)
class _Begun:
    """A call that was noted in the journal, and the fault that it meets."""

    entry: dict[str, Any]
    fault: Fault | None
    open: bool
    """It can be answered at once: it is whole, asks for something, and meets no fault."""
    reply: Reply | None = None


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
    allowed: set[str] = field(default_factory=set)
    """Methods of the operations that have this path."""
    params: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    unread: bool = True
    """More of the body may come, and is no longer wanted."""
    connected: Fault | None = None
    """What the connection began with."""

    @property
    def query(self) -> str:
        """The query string as sent."""
        return bytes(self.scope.get("query_string", b"")).decode("latin-1")


_Arrived = tuple[_Visit, Call, bool]
"""A submission at the desk of its space; whether it is whole."""


class Gate:
    """The outermost layer of the service."""

    def __init__(self, ministry: Ministry) -> None:
        self.ministry = ministry
        self._routes = _routes(ministry)
        self._description = Reply.json(200, ministry.pack.service)
        self._secret_headers = frozenset(one.lower() for one in ministry.wire.messages.get("headers", {}).values())
        self._batches = asyncio.Semaphore(_BATCHES)
        self._limits = {
            "submit": ministry.pack.header.limits.bytes * 4 // 3 + _MARGIN,
            "submit-batch": int(ministry.wire.messages["batch-bytes"]),
        }

    async def _aside(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """What may have to wait for a database that others share is not done in the event loop."""
        if not self.ministry.settings.shared:
            return work(*arguments, **named)
        return await anyio.to_thread.run_sync(partial(work, *arguments, **named))

    async def _apart(self, call: Call, work: Callable[..., T], *arguments: Any) -> T:
        """What a call asks for is done in a thread; of batches a few at a time."""
        if call.operation != "submit-batch":
            return await anyio.to_thread.run_sync(work, *arguments)
        async with self._batches:
            return await anyio.to_thread.run_sync(work, *arguments)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        scope = origin_form(scope)
        clock = self.ministry.settings.clock
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            text = value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        visit = _Visit(scope, receive, send, clock.now(), clock.monotonic(), headers)
        try:
            await self._visit(visit)
        except STORAGE_ERRORS:
            # what the operation itself could not do is answered further in; here even the journal failed
            _log.exception("the store failed")
            await send_whole(visit.send, _problem(self.ministry, Refusal("storage", headers=(STORAGE_REST,))))
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
        named = self._route(visit)
        visit.space = await self._aside(self.ministry.space, named) if named.isprintable() else None
        if visit.space is None:
            visit.operation = ""
        await self._aside(self._connect, visit)
        early: Reply | None = None
        try:
            visit.body = await self._read(visit)
        except Refusal as refusal:
            early = _problem(self.ministry, refusal).with_headers(("connection", "close"))
            if visit.unread:
                await self._discard(visit)
        if visit.space is None:
            await send_whole(visit.send, early or _problem(self.ministry, Refusal("not-found")))
            return
        space = visit.space
        corner = self.ministry.corner(space.name)
        call = Call(
            visit.operation, visit.scope["method"], visit.scope["path"], visit.query, visit.params, visit.headers,
            visit.body, space,
        )  # fmt: skip
        begun = await self._begin(visit, call, early is None)
        entry, fault = begun.entry, begun.fault
        complete = partial(self._aside, corner.journal.complete, entry)
        out = Outlet(visit.send, visit.receive, partial(self._wait, visit))
        try:
            reply = early or begun.reply or await self._answer(visit, call, fault)
        except (ClientGone, ConnectionReset) as broken:
            await complete(committed=call.committed, facts=call.facts, seconds=self._since(visit))
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
        await complete(
            committed=call.committed,
            facts=call.facts,
            seconds=self._since(visit),
            answer={
                "status": reply.status,
                "headers": dict(reply.headers),
                "body": None if call.operation in SECRET_ANSWERS and reply.status < 300 else shown_body(
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

    def _route(self, visit: _Visit) -> str:
        """Find the operation; returns the name of the space that the path names."""
        for route in self._routes:
            match, child = route.matches(visit.scope)
            if match is Match.NONE:
                continue
            params = dict(child.get("path_params", {}))
            name = str(params.pop("space", ""))
            visit.allowed |= route.methods or set()
            if match is Match.FULL:
                visit.operation, visit.params = route.name, params
                return name
        parts = visit.scope["path"].split("/")
        return parts[2] if len(parts) > 2 and parts[1] == PREFIX.split("/")[1] else ""

    async def _begin(self, visit: _Visit, call: Call, whole: bool) -> _Begun:
        """Note the call, choose the fault it meets, and answer it at once when it meets none.

        ``whole``: its body arrived.
        """
        # most calls meet no fault: another trip to a thread would cost as much as some operations
        if call.operation != "submit" or self.ministry.settings.judging == "inline":
            return await self._apart(call, self._begin_alone, visit, call, whole)
        desk = self.ministry.corner(call.space.name).desk
        asked = desk.ask((visit, call, whole), self._begin_together, self.ministry.threads)
        begun: _Begun | Exception = await asyncio.wrap_future(asked)
        if isinstance(begun, Exception):
            raise begun
        return begun

    def _begin_alone(self, visit: _Visit, call: Call, whole: bool) -> _Begun:
        begun = self._note(visit, call, whole)
        if begun.open:
            begun.reply = self._operate(call)
        return begun

    def _begin_together(self, some: Sequence[_Arrived]) -> list[_Begun | Exception]:
        """Submissions to one space, taken in one transaction."""
        found: list[_Begun | Exception] = []
        offers: list[tuple[_Begun, Item]] = []
        for visit, call, whole in some:
            try:
                begun = self._note(visit, call, whole)
            except Exception as error:
                found.append(error)
                continue
            found.append(begun)
            if begun.open:
                try:
                    self._let_in(call)
                    offers.append((begun, offered(self.ministry, call)))
                except Exception as error:
                    begun.reply = self._failed(call, error)
        take(self.ministry, [item for _, item in offers])
        for begun, item in offers:
            try:
                begun.reply = receipt(self.ministry, item)
            except Exception as error:
                begun.reply = self._failed(item.call, error)
        return found

    def _note(self, visit: _Visit, call: Call, whole: bool) -> _Begun:
        corner = self.ministry.corner(call.space.name)
        entry = corner.journal.enter(**self._arrival(visit, call))
        fault: Fault | None = None
        if whole and visit.operation in OPERATIONS:
            content = call.parcels[0].content if visit.operation == "submit" and call.parcels else None
            fault = corner.faults.take(visit.operation, call.record, content or b"")
        marked = fault or visit.connected
        if marked is not None:
            corner.journal.complete(entry, fault=marked.model_dump(by_alias=True, mode="json"))
        return _Begun(entry, fault, whole and fault is None and bool(call.operation))

    async def _read(self, visit: _Visit) -> bytes:
        if sum(len(name) + len(value) for name, value in visit.scope["headers"]) > HEAD_LIMIT:
            raise Refusal("too-large", vi="phần đầu quá dài", en="the head is too long")
        if not visit.scope["http_version"].startswith("1."):
            raise Refusal("http-version")
        if "transfer-encoding" in visit.headers and "content-length" in visit.headers:
            vi, en = "hai cách nói độ dài", "two ways to tell the length"
            raise Refusal("bad-request", vi=vi, en=en)
        if visit.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal("content-coding", headers=(("accept-encoding", "identity"),))
        if sum(name.lower() == b"authorization" for name, _ in visit.scope["headers"]) > 1:
            raise Refusal("authorization-twice")
        limit = self._limits.get(visit.operation, _MARGIN)
        declared = visit.headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdigit() and len(declared) < _MOST_DIGITS) or int(declared) > limit:
            raise Refusal("too-large")
        body = bytearray()
        try:
            async with asyncio.timeout(self.ministry.deadlines.body):
                async for piece in self._pieces(visit):
                    body += piece
                    if len(body) > limit:
                        raise Refusal("too-large")
        except TimeoutError:
            visit.unread = False
            raise Refusal("bad-request", vi="nội dung gửi quá chậm", en="the body came too slowly") from None
        return bytes(body)

    async def _pieces(self, visit: _Visit) -> AsyncIterator[bytes]:
        while visit.unread:
            message = await visit.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            visit.unread = message.get("more_body", False)
            yield message.get("body", b"")

    async def _discard(self, visit: _Visit) -> None:
        """Take the rest of a refused body: who is hung up on while sending may lose the answer."""
        if "expect" in visit.headers:
            return  # it asks before it sends
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(self.ministry.deadlines.body):
                async for piece in self._pieces(visit):
                    size += len(piece)
                    if size > _MOST_DISCARDED:
                        return

    def _arrival(self, visit: _Visit, call: Call) -> dict[str, Any]:
        # identifiers and receipts are no secrets, and most calls have nothing else
        candidates = [value for _, value in parse_qsl(visit.query)] + [
            part
            for part in map(unquote, visit.scope["path"].split("/")[3:])
            if len(part) > 30 and not _PLAIN.match(part)
        ]
        space = call.space
        named = any(name.lower() == "access_token" for name, _ in parse_qsl(visit.query))
        secret = named or self.ministry.store.is_secret(space.name, candidates)
        authorization = visit.headers.get("authorization", "")
        self._unpack(call)
        return {
            "at": visit.arrived.isoformat(timespec="milliseconds"),
            "monotonic": visit.moment,
            "operation": visit.operation if visit.operation in OPERATIONS else "",
            "method": visit.scope["method"],
            "path": "***" if secret else visit.scope["path"],
            "query": "***" if secret and visit.query else visit.query[:1000],
            "origin": (visit.scope.get("client") or ("",))[0],
            "tls": ""
            if visit.scope.get("scheme") != "https"
            else ("good" if visit.connected is None else visit.connected.variant),
            "request": {
                "headers": redacted(visit.headers, self._secret_headers),
                "bodySha256": hashed_bytes(visit.body),
                "bodySize": len(visit.body),
                "bearer": bool(bearer(visit.headers)),
                "basic": authorization.lower().startswith("basic "),
                "queryHasToken": secret,
                **self._envelope(call),
            },
        }

    def _unpack(self, call: Call) -> None:
        """Parse the body once, and see which record the call is about, for faults that select one."""
        if call.operation in JSON_BODIES:
            with self.ministry.reading:
                self._parse(call)
        elif call.operation == "status" and call.param.isprintable():
            with self.ministry.store.read(call.space.name) as transaction:
                one = transaction.by_receipt(call.param)
            call.record = one.known.record if one else None
        elif call.operation in ("fetch", "in-force"):
            call.record = call.param

    def _parse(self, call: Call) -> None:
        try:
            call.value = parse_json(call.body)
        except BodyError as error:
            call.trouble = error
        wire = self.ministry.wire
        if call.operation == "submit":
            call.parcels = [Parcel.of(wire, call.value)]
            call.record = call.parcels[0].record
        elif call.operation == "submit-batch":
            items = pick(call.value, wire.messages["batch"]["items"])
            call.parcels = [Parcel.of(wire, one) for one in items] if isinstance(items, list) else []

    def _envelope(self, call: Call) -> dict[str, Any]:
        """What submissions say outside their content, and the content's digest, whatever becomes of the call."""
        if call.trouble is not None:
            return {}
        shown = [one.envelope(self.ministry.wire) for one in call.parcels[:_MOST_SHOWN]]
        if call.operation == "submit-batch":
            return {"items": shown, "itemCount": len(call.parcels)}
        return shown[0] if shown else {}

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
        if not call.operation:
            if not visit.allowed:
                return _problem(self.ministry, Refusal("not-found"))
            headers = (("allow", ", ".join(sorted(visit.allowed))),)
            return _problem(self.ministry, Refusal("method", headers=headers))
        return await self._apart(call, self._operate, call)

    def _operate(self, call: Call) -> Reply:
        """The operation's own answer; whatever goes wrong is an answer too."""
        if call.operation == _DESCRIPTION:
            return self._description
        try:
            self._let_in(call)
            return OPERATIONS[call.operation](self.ministry, call)
        except Exception as error:
            return self._failed(call, error)

    def _let_in(self, call: Call) -> None:
        """Whatever an operation can count on.

        Raises:
            Refusal: the call goes no further.
        """
        if not all(value.isprintable() for value in call.params.values()):
            raise Refusal("not-found")
        if not self.ministry.wire.operations[call.operation].public and call.operation not in SELF_AUTHORISED:
            admit(self.ministry, call)
        if call.operation in JSON_BODIES and call.media_type() != "application/json":
            raise Refusal(
                "bad-request", vi="Content-Type phải là application/json", en="Content-Type must be application/json"
            )

    def _failed(self, call: Call, error: Exception) -> Reply:
        """The answer where an operation gave none."""
        if isinstance(error, Refusal):
            call.facts.setdefault("error", error.key)
            return _problem(self.ministry, error)
        if isinstance(error, STORAGE_ERRORS):
            _log.error("operation %s: the store failed", call.operation, exc_info=error)
            return _problem(self.ministry, Refusal("storage", headers=(STORAGE_REST,)))
        _log.error("operation %s failed", call.operation, exc_info=error)
        return _problem(self.ministry, Refusal("internal"))

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
        if fault.kind in ("merge", "omit"):
            with suppress(ValueError):
                value = json.loads(reply.body)
                if isinstance(value, dict):
                    # what is added stands first: order means nothing in JSON, and who searches the text finds it
                    value = {**fault.extra, **value, **fault.extra}
                    for pointer in fault.omit:
                        remove(value, pointer)
                    return Reply(reply.status, json.dumps(value, ensure_ascii=False).encode(), reply.headers)
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
