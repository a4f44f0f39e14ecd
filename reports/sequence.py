"""An exchange as a sequence diagram: journal lines in order, with times, and one of them as a curl line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.plain import short

_TELLING = ("retry-after", "location", "www-authenticate", "content-type")
"""Headers of an answer that say something about an exchange."""
_KNOWN = frozenset(("status", "headers", "body", "sha256", "size", "retryAfterSeconds", "retryAfterIsDate"))
_WHERE = frozenset(("operation", "nth", "times", "name", "contentType"))
"""Of a fault: where it was planned, not what it does."""
_OWN_HEADERS = frozenset(
    ("authorization", "host", "connection", "content-length", "accept-encoding", "user-agent", "transfer-encoding")
)
"""Headers that curl writes itself, or that held a secret."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the software and the Ministry's answer."""

    number: str
    clock: str
    """As the journal has it."""
    since: str
    """Seconds since the first call of the exchange, with sign; empty where a time cannot be read."""
    operation: str
    asked: str
    """Method and path."""
    sent: str
    """What the request was about."""
    status: str
    answer: str
    fault: str
    """What the harness did to it."""
    lost: bool
    """Whether the answer never arrived."""
    marked: bool
    """Whether the finding is about this call."""


def calls(journal: Sequence[Mapping[str, Any]], pointer: str) -> tuple[Call, ...]:
    """The calls of an exchange; the one that ``pointer`` (``exchange#number``) names is marked."""
    wanted = pointer.rpartition("#")[2] if "#" in pointer else ""
    start = _moment(journal[0]) if journal else None
    return tuple(_call(line, start, str(line.get("n", position)) == wanted) for position, line in enumerate(journal, 1))


def _moment(line: Mapping[str, Any]) -> float | None:
    monotonic = line.get("monotonic")
    if isinstance(monotonic, int | float):
        return float(monotonic)
    try:
        return datetime.fromisoformat(str(line.get("at", ""))).timestamp()
    except (ValueError, OverflowError):
        return None


def _call(line: Mapping[str, Any], start: float | None, marked: bool) -> Call:
    request, answer = line.get("request"), line.get("answer")
    at, moment = str(line.get("at", "")), _moment(line)
    return Call(
        number=str(line.get("n", "")),
        clock=at.partition("T")[2].partition("+")[0] if "T" in at else at,
        since="" if start is None or moment is None else f"+{max(0.0, moment - start):.3f} s",
        operation=short(line.get("operation")),
        asked=" ".join(filter(None, (short(line.get("method")), short(line.get("path"), 200)))),
        sent=_sent(line, request),
        status=short(answer.get("status")) if isinstance(answer, Mapping) else "",
        answer=_answered(answer),
        fault=_fault(line.get("fault")),
        lost=line.get("delivered") is False and not _harmless(line.get("fault")),
        marked=marked,
    )


def _harmless(fault: Any) -> bool:
    """Whether the answer arrived all the same: another status, or later."""
    return isinstance(fault, Mapping) and fault.get("kind") in ("status", "delay")


def _fault(fault: Any) -> str:
    if not isinstance(fault, Mapping):
        return short(fault)
    return short({key: value for key, value in fault.items() if value and key not in _WHERE})


def _sent(line: Mapping[str, Any], request: Any) -> str:
    if not isinstance(request, Mapping):
        return short(request)
    if "headers" not in request:
        return short(request)
    parts = [short(request.get("envelope"), 300)] if request.get("envelope") else []
    size = request.get("bodySize")
    if size:
        parts.append(f"{size} byte, sha256:{str(request.get('bodySha256', ''))[:16]}")
    if not parts and line.get("query"):
        parts.append("?" + short(line["query"], 200))
    return " · ".join(parts)


def _answered(answer: Any) -> str:
    if not isinstance(answer, Mapping):
        return short(answer)
    headers = answer.get("headers")
    told = [f"{name}: {headers[name]}" for name in _TELLING if name in headers] if isinstance(headers, Mapping) else []
    rest = {key: value for key, value in answer.items() if key not in _KNOWN}
    parts = (", ".join(told), short(answer.get("body"), 400), short(rest))
    return " · ".join(part for part in parts if part)


def curl(journal: Sequence[Mapping[str, Any]], pointer: str) -> tuple[str, ...]:
    """The marked call, else the first submission, else the first, as arguments of curl; secrets stay variables.

    The address is the run's: its services have ended with it. The body is named, not repeated: evidence holds it.
    """
    wanted = pointer.rpartition("#")[2] if "#" in pointer else ""
    candidates = [
        *(line for line in journal if wanted and str(line.get("n", "")) == wanted),
        *(line for line in journal if line.get("operation") == "submit"),
        *journal,
    ]
    line = next((one for one in candidates if one.get("method") and one.get("path")), None)
    if line is None:
        return ()
    request = line.get("request")
    request = request if isinstance(request, Mapping) else {}
    headers = request.get("headers")
    headers = headers if isinstance(headers, Mapping) else {}
    query = f"?{line['query']}" if line.get("query") else ""
    url = f"http://{headers.get('host', '127.0.0.1')}{line['path']}{query}"
    command = ["curl", "-i", "-X", str(line["method"]), url]
    if request.get("basic"):
        command += ["-u", "${HOCBA_CLIENT_ID}:${HOCBA_CLIENT_SECRET}"]
    if request.get("bearer"):
        command += ["-H", "Authorization: Bearer ${HOCBA_ACCESS_TOKEN}"]
    command += ["-H", *(f"{name}: {value}" for name, value in headers.items() if name == "content-type")][:2]
    for name, value in headers.items():
        if name not in _OWN_HEADERS and name != "content-type" and str(value) != "*/*":
            command += ["-H", f"{name}: {value}"]
    if request.get("bodySize"):
        command += ["--data-binary", f"@{str(request.get('bodySha256', ''))[:16] or 'body'}.bin"]
    return tuple(command)
