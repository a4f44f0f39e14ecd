"""The software under test, as far as its address and ``GET /`` tell."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from jsonschema import Draft202012Validator

from conformance.doctor.model import NOT_COMPLETED, WRONG_USE, Diagnosis, note, ok, problem, warning
from conformance.doors.drive import Intervals
from conformance.doors.http import Answer, BadAnswer, Http, Unreachable
from conformance.doors.vendor import PREFIX
from conformance.pack import Pack
from conformance.suite.settings import LOOPBACK, Options

WRITTEN = 5
"""Mistakes of a description that are written out."""
SLIGHT = 5.0
"""Seconds of difference between clocks that nobody notices."""
EVERY = 0.5
"""Seconds between two tries while waiting for the software to come up."""


def address(target: str) -> Diagnosis | None:
    """What is wrong with the address itself; ``None``: nothing."""
    try:
        parts = urlsplit(target)
        named = parts.scheme in ("http", "https") and bool(parts.hostname)
        parts.port  # noqa: B018  # raises when it is no number
    except ValueError:
        named = False
    if not named:
        return problem("target.address", WRONG_USE, target=target)
    if parts.path.rstrip("/").endswith(PREFIX):
        shown = target[: target.rindex(PREFIX)]
        return problem("target.prefix", WRONG_USE, target=target, better=shown)
    return None


def reached(http: Http, wait: float) -> tuple[Answer | None, Diagnosis]:
    """The answer to ``GET /`` of the test interface, asked for until it comes, ``wait`` seconds at most."""
    until = time.monotonic() + wait
    while True:
        try:
            answer = http.call("GET", f"{PREFIX}/")
        except (Unreachable, BadAnswer) as error:
            if time.monotonic() < until:
                time.sleep(EVERY)
                continue
            return None, _silence(http.base_url, error)
        return answer, ok("target.reached", target=http.base_url)


def _silence(target: str, error: Exception) -> Diagnosis:
    cause: BaseException | None = error
    chain: list[BaseException] = []
    while cause is not None and len(chain) < 12:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    parts = urlsplit(target)
    params = {"target": target, "host": parts.hostname, "port": parts.port or (443 if parts.scheme == "https" else 80)}
    kinds: tuple[tuple[str, type[BaseException]], ...] = (
        ("target.tls", ssl.SSLError),
        ("target.unknown-host", socket.gaierror),
        ("target.refused", ConnectionRefusedError),
        ("target.slow", httpx.TimeoutException),
        ("target.refused", httpx.ConnectError),
    )
    for key, kind in kinds:
        if any(isinstance(one, kind) for one in chain):
            return problem(key, NOT_COMPLETED, error=_said(chain), **params)
    return problem("target.broken", NOT_COMPLETED, error=_said(chain), **params)


def _said(chain: list[BaseException]) -> str:
    return str(chain[-1]) or type(chain[-1]).__name__


def description(answer: Answer) -> tuple[dict[str, Any] | None, Diagnosis]:
    """The description, or why the answer is none."""
    where = {"status": answer.status, "path": f"GET {PREFIX}/", "type": answer.headers.get("content-type", "?")}
    if answer.status in (401, 403):
        return None, problem("target.credentials", NOT_COMPLETED, **where)
    if 300 <= answer.status < 400:
        return None, problem("target.redirect", NOT_COMPLETED, to=answer.headers.get("location", "?"), **where)
    if answer.status in (404, 405):
        return None, problem("target.elsewhere", NOT_COMPLETED, **where)
    if answer.status != 200:
        return None, problem("target.failing", NOT_COMPLETED, **where)
    data = answer.json()
    if not isinstance(data, dict) or not {"vendor", "capabilities", "programmes"} & set(data):
        return None, problem("target.something-else", NOT_COMPLETED, **where)
    shown = " ".join(str(data.get(name, "")) for name in ("vendor", "product", "version"))
    return data, ok("target.described", who=shown.strip(), build=str(data.get("buildHash", ""))[:16])


def claims(data: Mapping[str, Any], pack: Pack, options: Options) -> Iterator[Diagnosis]:
    """What a description claims: form, programmes, capabilities, intervals."""
    components = pack.test_interface["components"]
    schema = {**components["schemas"]["Description"], "components": components}
    wrong = [
        f"/{'/'.join(map(str, one.absolute_path))}: {one.message}"[:160]
        for one in Draft202012Validator(schema).iter_errors(data)
    ]
    if wrong:
        more = f" (+{len(wrong) - WRITTEN})" if len(wrong) > WRITTEN else ""
        yield warning("description.wrong", what="; ".join(wrong[:WRITTEN]) + more)
    yield from _programmes(data, pack, options)
    offered = {str(one) for one in _listed(data, "capabilities")}
    lacking = [name for name, one in pack.header.capabilities.items() if name not in offered]
    must = [name for name in lacking if not pack.header.capabilities[name].may_be_declined]
    if must:
        yield problem("capability.missing", NOT_COMPLETED, names=", ".join(must))
    if declined := [name for name in lacking if name not in must]:
        yield note("capability.declined", names=", ".join(declined))
    try:
        intervals = data.get("intervals")
        declared = Intervals.of(intervals if isinstance(intervals, dict) else {})
    except BadAnswer as error:
        yield problem("interval.wrong", NOT_COMPLETED, error=error)
    else:
        if "tick" not in offered and max(declared.outbox, declared.poll) > 10:
            yield note("interval.long", outbox=f"{declared.outbox:g}", poll=f"{declared.poll:g}")


def _listed(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _programmes(data: Mapping[str, Any], pack: Pack, options: Options) -> Iterator[Diagnosis]:
    claimed = [str(one) for one in _listed(data, "programmes")]
    known = [one for one in claimed if one in pack.programmes]
    names = {"claimed": ", ".join(claimed) or "–", "known": ", ".join(pack.programmes), "pack": pack.name}
    if not known:
        yield problem("programme.none", WRONG_USE, **names)
        return
    if foreign := [one for one in claimed if one not in pack.programmes]:
        yield warning("programme.foreign", foreign=", ".join(foreign), **names)
    if unclaimed := [one for one in options.programmes if one not in claimed]:
        yield problem("programme.unclaimed", WRONG_USE, wanted=", ".join(unclaimed), **names)
    certified = [one for one in known if one in pack.certified()]
    revision = {"revision": pack.header.revision, "revisions": ", ".join(pack.header.revisions)}
    if not certified and not options.programmes:
        yield problem("programme.later", WRONG_USE, **names, **revision)
    else:
        yield ok("programme", names=", ".join(options.programmes or certified), **revision)


def clock(answer: Answer, now: datetime, pack: Pack) -> Diagnosis:
    """The software's clock against ours, by the ``Date`` of its answer."""
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return note("clock.unknown")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    off = (theirs - now).total_seconds()
    params = {"seconds": f"{off:+.0f}", "limit": f"{pack.tolerance.total_seconds():.0f}"}
    if abs(off) > pack.tolerance.total_seconds():
        return problem("clock.off", NOT_COMPLETED, **params)
    return warning("clock.slightly-off", **params) if abs(off) > SLIGHT else ok("clock", **params)


def way_back(options: Options) -> Diagnosis | None:
    """Whether software on another machine is to be told a loopback address of ours."""
    host = urlsplit(options.target).hostname or ""
    public = urlsplit(options.ministry_url).hostname or ("" if options.ministry_url else options.ministry_host)
    if _loopback(host) or not _loopback(public):
        return None
    return problem("ministry.loopback", NOT_COMPLETED, host=host, ministry=public or LOOPBACK)


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
