"""Coming in and going out: by a one-time link or with the control token, which never stands in an address or a log."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mock_moet.console.sessions import SESSION_LIFETIME, Sessions
from mock_moet.console.visit import PREFIX, Stop, Visit, page
from mock_moet.ministry import Ministry


def cookie_name(request: Request) -> str:
    """The session's cookie: browsers share cookies over ports, so each listener has a name of its own."""
    return f"hocba_console_{request.url.port or 80}"


def is_control_token(ministry: Ministry, token: str) -> bool:
    """Whether this is the token of the control interface."""
    return hmac.compare_digest(token.encode(), ministry.settings.control_token.encode())


def is_own_path(path: str) -> bool:
    """Whether a path leads into the console and nowhere else."""
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc and path.startswith(f"{PREFIX}/") and "\\" not in path


def ask(visit: Visit) -> Response:
    """The page that asks for the control token."""
    if visit.session is not None:
        return RedirectResponse(_next(visit.asked("next")), 303)
    return page(visit, "sign-in.html.j2", wrong="", next=visit.asked("next"))


def by_token(visit: Visit) -> Response:
    """Sign in with the control token.

    There is no session yet whose token the form could carry: the browser says where the form came from.
    """
    if visit.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Stop(403, "error.csrf")
    origin = visit.request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != visit.request.headers.get("host"):
        raise Stop(403, "error.csrf")
    attempts, address = _sessions(visit).attempts, _address(visit)
    if (seconds := attempts.wait(address)) > 0:
        return _later(visit, seconds)
    if not is_control_token(visit.ministry, visit.sent("token")):
        attempts.failed(address)
        return page(visit, "sign-in.html.j2", 403, wrong=visit.say("sign-in.wrong"), next=visit.sent("next"))
    return _in(visit, _sessions(visit).begin(), _next(visit.sent("next")))


def by_link(visit: Visit) -> Response:
    """Sign in by a one-time link; the code is used up and does not stay in the address."""
    value = _sessions(visit).redeem(visit.asked("code"))
    if not value:
        attempts, address = _sessions(visit).attempts, _address(visit)
        if (seconds := attempts.wait(address)) > 0:
            return _later(visit, seconds)
        attempts.failed(address)
        return page(visit, "sign-in.html.j2", 403, wrong=visit.say("sign-in.used"), next="")
    return _in(visit, value, f"{PREFIX}/")


def leave(visit: Visit) -> Response:
    """Sign out."""
    name = cookie_name(visit.request)
    _sessions(visit).end(visit.request.cookies.get(name))
    response = RedirectResponse(f"{PREFIX}/sign-in", 303)
    response.delete_cookie(name, path=PREFIX, httponly=True, samesite="strict")
    return response


def _sessions(visit: Visit) -> Sessions:
    found: Sessions = visit.request.app.state.sessions
    return found


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client is not None else ""


def _later(visit: Visit, seconds: int) -> Response:
    """Too many wrong attempts: neither a right nor a wrong one is looked at for a while."""
    text = visit.say("sign-in.too-many", seconds=str(seconds))
    response = page(visit, "sign-in.html.j2", 429, wrong=text, next=visit.sent("next"))
    response.headers["retry-after"] = str(seconds)
    return response


def _next(path: str) -> str:
    return path if is_own_path(path) else f"{PREFIX}/"


def _in(visit: Visit, value: str, path: str) -> Response:
    response = RedirectResponse(path, 303)
    response.set_cookie(
        cookie_name(visit.request), value, max_age=int(SESSION_LIFETIME), path=PREFIX, httponly=True,
        samesite="strict", secure=visit.request.url.scheme == "https",
    )  # fmt: skip
    return response
