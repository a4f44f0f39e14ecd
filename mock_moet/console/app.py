"""The console as an ASGI application: who may come in, which view answers, and what every answer carries."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from mock_moet.console import compare, exchanges, faults, live, reference, runs, signing_in, submissions
from mock_moet.console.sessions import Sessions
from mock_moet.console.visit import PREFIX, Stop, Visit, page
from mock_moet.hosts import is_known
from mock_moet.ministry import Ministry

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
View = Callable[[Visit], Response]

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of a sent form: trust anchors and CRLs are pasted into one."""
_FIELDS = 100
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    # not no-referrer: a browser would call the origin of our own forms "null"
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
    "cache-control": "no-store",
}
_STATIC = Path(__file__).parent / "static"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_log = logging.getLogger("mock_moet")
_LANGUAGE_COOKIE = "hocba_console_language"


@dataclass(frozen=True, slots=True)
class _Row:
    """A page: address below the prefix, view for reading it, view for a form sent to it."""

    path: str
    get: View | None = None
    post: View | None = None
    public: bool = False


_RUN = "/runs/{space}"
_SUBMISSION = f"{_RUN}/submissions/{{receipt}}"
_PAGES = (
    _Row("/sign-in", signing_in.ask, signing_in.by_token, public=True),
    _Row("/enter", signing_in.by_link, public=True),
    _Row("/sign-out", post=signing_in.leave),
    _Row("/", runs.overview),
    _Row("/runs/new", runs.ask_new, runs.open_new),
    _Row("/compare", compare.compare),
    _Row("/codes", reference.code_lists),
    _Row("/codes/{name}", reference.code_list),
    _Row("/requirements", reference.requirements),
    _Row("/requirements/{id}", reference.requirement),
    _Row(_RUN, runs.run),
    _Row(f"{_RUN}/connection", runs.connection),
    _Row(f"{_RUN}/connection/tokens", post=runs.drop_tokens),
    _Row(f"{_RUN}/trust", runs.trust),
    _Row(f"{_RUN}/window", post=runs.window),
    _Row(f"{_RUN}/delete", runs.ask_delete, runs.delete),
    _Row(_SUBMISSION, submissions.submission),
    _Row(f"{_SUBMISSION}/xml", submissions.xml),
    _Row(f"{_SUBMISSION}/content", submissions.content),
    _Row(f"{_RUN}/journal", exchanges.journal),
    _Row(f"{_RUN}/journal/{{number:int}}", exchanges.exchange),
    _Row(f"{_RUN}/faults", faults.listing, faults.add),
    _Row(f"{_RUN}/faults/scripted", post=faults.add_scripted),
    _Row(f"{_RUN}/faults/off", post=faults.off),
    _Row(f"{_RUN}/faults/profile", post=faults.profile),
)


def create_console(ministry: Ministry, sessions: Sessions) -> _Guard:
    """The console of ``ministry``: an ASGI application for the control interface's listener."""
    return _Guard(ministry, _routed(ministry, sessions))


class _Guard:
    """Host names first; and every answer carries the policy that keeps foreign script and frames out."""

    def __init__(self, ministry: Ministry, inner: Starlette) -> None:
        self._hosts = ministry.settings.control_hosts
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = given + [pair for pair in extra if pair[0] not in names]
            await send(message)

        host = dict(scope.get("headers", [])).get(b"host", b"").decode("latin-1")
        if scope["type"] == "http" and not is_known(host, self._hosts):
            answer = PlainTextResponse("tên máy chủ lạ / unknown host", 421)
            await answer(scope, receive, guarded)
            return
        await self._inner(scope, receive, guarded)


def _routed(ministry: Ministry, sessions: Sessions) -> Starlette:
    def visit_of(request: Request, form: Mapping[str, str]) -> Visit:
        asked = request.query_params.get("lang") or request.cookies.get(_LANGUAGE_COOKIE, "")
        language = "en" if asked == "en" else "vi"
        session = sessions.of(request.cookies.get(signing_in.cookie_name(request)))
        return Visit(ministry, request, session, language, form)

    def endpoint(row: _Row) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            visit = visit_of(request, {})
            try:
                if request.method == "POST":
                    visit.form = await _form(request)
                view = row.post if request.method == "POST" else row.get
                if view is None:
                    raise Stop(405, "error.method")
                if not row.public and (barred := _barred(visit)) is not None:
                    return barred
                return _kept_language(visit, await anyio.to_thread.run_sync(view, visit))
            except Stop as stop:
                return page(visit, "error.html.j2", stop.status, text=visit.say(stop.key, **stop.params))
            except Exception:
                _log.exception("the console failed on %s", row.path)
                return page(visit, "error.html.j2", 500, text=visit.say("error.internal"))

        return answer

    async def links(request: Request) -> Response:
        """A new one-time link, for whoever has the control token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not signing_in.is_control_token(ministry, token.strip()):
            return JSONResponse({"detail": "sai mã điều khiển / wrong control token"}, 401)
        return JSONResponse({"url": link_url(str(request.base_url), sessions)}, 201)

    async def events(request: Request) -> Response:
        visit = visit_of(request, {})
        if visit.session is None or ministry.space(str(request.path_params["space"])) is None:
            return PlainTextResponse("", 404)
        return live.stream(ministry, str(request.path_params["space"]), request)

    async def static(request: Request) -> Response:
        return _static(request)

    async def unknown(request: Request, _: Exception) -> Response:
        visit = visit_of(request, {})
        return page(visit, "error.html.j2", 404, text=visit.say("error.no-page"))

    async def to_start(_: Request) -> Response:
        return RedirectResponse(f"{PREFIX}/", 307)

    app = Starlette(
        routes=[
            Route("/", to_start),
            Route(PREFIX, to_start),
            Route(f"{PREFIX}/links", links, methods=["POST"]),
            Route(f"{PREFIX}/static/{{name}}", static),
            Route(f"{PREFIX}{_RUN}/events", events),
            *(Route(PREFIX + row.path, endpoint(row), methods=["GET", "POST"]) for row in _PAGES),
        ],
        exception_handlers={404: unknown},
    )
    app.state.sessions = sessions
    return app


def link_url(base: str, sessions: Sessions) -> str:
    """A link that signs one browser in, once, within the hour."""
    return f"{base.rstrip('/')}{PREFIX}/enter?code={sessions.link()}"


def _barred(visit: Visit) -> Response | None:
    """The answer to somebody who may not: sign in first, or a form that is not this session's."""
    if visit.session is None:
        request = visit.request
        path = request.url.path if request.method == "GET" else f"{PREFIX}/"
        return RedirectResponse(f"{PREFIX}/sign-in?next={quote(path)}", 303)
    if visit.request.method == "POST" and not visit.session.is_own(visit.sent("csrf")):
        raise Stop(403, "error.csrf")
    return None


def _kept_language(visit: Visit, response: Response) -> Response:
    if visit.asked("lang") in ("vi", "en"):
        response.set_cookie(
            _LANGUAGE_COOKIE, visit.language, max_age=31_536_000, path=PREFIX, httponly=True, samesite="strict"
        )
    return response


async def _form(request: Request) -> dict[str, str]:
    """The fields of a sent form, within bounds.

    Raises:
        Stop: too large, or not a form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Stop(415, "error.form")
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_LIMIT:
                raise Stop(413, "error.too-large")
    except ClientDisconnect:
        raise Stop(400, "error.form") from None
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError:
        raise Stop(400, "error.form") from None
    return dict(reversed(pairs))


def _static(request: Request) -> Response:
    path = _STATIC / str(request.path_params["name"])
    if path.parent != _STATIC or path.suffix not in _KINDS or not path.is_file():
        return PlainTextResponse("", 404)
    data = path.read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_KINDS[path.suffix], headers=headers)
