"""The journal of a run: every exchange with its time, what was answered, and what was broken on purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mock_moet.console.runs import label_of
from mock_moet.console.visit import Stop, Visit, page

SHOWN = 200
"""Exchanges on one page."""
_KINDS = ("ok", "refused", "failed", "fault", "open")
"""Filters: answers 2xx and 3xx, 4xx, 5xx, faulted ones, those without an answer."""


def kind_of(entry: Mapping[str, Any]) -> str:
    """What became of an exchange: ``fault``, ``open``, ``ok``, ``refused`` or ``failed``."""
    if entry["fault"]:
        return "fault"
    if entry["answer"] is None:
        return "open"
    status = int(entry["answer"]["status"])
    return "ok" if status < 400 else "refused" if status < 500 else "failed"


def _record(entry: Mapping[str, Any], pointer: str) -> str:
    """The record an exchange is about: what the service took it for, else what the envelope says."""
    said = entry["request"].get("envelope") or {}
    return str(entry["facts"].get("record") or said.get(pointer.removeprefix("/")) or "")


def journal(visit: Visit) -> Response:
    """The newest exchanges, filtered by operation, outcome and record."""
    row = visit.space
    entries, last = visit.ministry.corner(row.name).journal.after(0)
    pointer = str(visit.ministry.wire.messages["submission"]["record"])
    operation, kind, record = visit.asked("operation"), visit.asked("kind"), visit.asked("record")
    chosen = [
        one
        for one in reversed(entries)
        if operation in ("", one["operation"])
        and kind in ("", kind_of(one))
        and (not record or record in _record(one, pointer))
    ]
    before = visit.asked("before")
    if before.isascii() and before.isdigit() and len(before) < 10:
        chosen = [one for one in chosen if one["n"] < int(before)]
    rows = [
        {"entry": one, "kind": kind_of(one), "record": _record(one, pointer), "gap": _gap(one, entries)}
        for one in chosen[:SHOWN]
    ]
    return page(
        visit,
        "journal.html.j2",
        run=row,
        label=label_of(row),
        rows=rows,
        older=rows[-1]["entry"]["n"] if len(chosen) > SHOWN else 0,
        total=last,
        kept=len(entries),
        operations=list(visit.ministry.wire.operations),
        kinds=_KINDS,
        operation=operation,
        kind=kind,
        record=record,
    )


def _gap(entry: Mapping[str, Any], entries: list[dict[str, Any]]) -> float | None:
    """Seconds since the exchange before, ``None`` for the first that is kept."""
    position = entry["n"] - entries[0]["n"]
    if position <= 0:
        return None
    return float(entry["monotonic"]) - float(entries[position - 1]["monotonic"])


def exchange(visit: Visit) -> Response:
    """One exchange: request and answer as noted, without secrets, never with a document."""
    row = visit.space
    number = int(visit.request.path_params["number"])
    entries, last = visit.ministry.corner(row.name).journal.after(max(0, number - 2))
    entry = next((one for one in entries if one["n"] == number), None)
    if entry is None:
        raise Stop(404, "error.no-exchange")
    return page(
        visit,
        "exchange.html.j2",
        run=row,
        label=label_of(row),
        entry=entry,
        kind=kind_of(entry),
        last=last,
        earlier=number > 1 and any(one["n"] == number - 1 for one in entries),
        envelope=pretty(entry["request"].get("envelope")),
        body=pretty(entry["answer"]["body"]) if entry["answer"] else "",
        fault=pretty({name: value for name, value in (entry["fault"] or {}).items() if value}),
        facts=entry["facts"],
    )


def pretty(value: Any) -> str:
    """Kept data as text for a reader."""
    if value is None or value == {}:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
