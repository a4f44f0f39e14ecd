"""Journal entries of the mock Ministry as the rules see them: wire words become the pack's keys here, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.checks.exchange import Call, Item
from conformance.pack import Pack
from conformance.pack.pointer import get

CONNECTION = "TLS"
"""The "method" of an entry that is a connection and no call."""


NEARLY = 0.8
"""Part of the client's declared time-out from which on an answer may have come too late for it."""


def call_of(entry: Mapping[str, Any], pack: Pack, timeout: float = 0.0) -> Call:
    """A journal entry as the rules see it; ``timeout``: seconds that the client waits for an answer, where known."""
    request, answer = entry.get("request") or {}, entry.get("answer") or {}
    fault = entry.get("fault")
    operation = str(entry.get("operation") or "")
    # a state stands in the receipt and in the answer about it, not necessarily under one name
    told = pack.messages["status" if operation == "status" else "receipt"]
    kind = str(fault.get("kind") or "") if isinstance(fault, Mapping) else ""
    # an answer that was broken on the way says nothing, whatever it was meant to say
    body = answer.get("body") if not kind or kind == "status" or entry.get("delivered") else None
    headers = request.get("headers") or {}
    connection = entry.get("method") == CONNECTION
    return Call(
        number=int(entry["n"]),
        at=float(entry["monotonic"]),
        operation=operation,
        status=int(answer.get("status") or 0),
        fault=bool(fault),
        committed=bool(entry.get("committed")),
        **_envelope(request, pack),
        receipt=str(get(body, told["id"]) or ""),
        answered=_state(get(body, told["state"]), pack),
        bearer=bool(request.get("basic" if operation == "token" else "bearer", True)),
        secret_in_url=bool(request.get("queryHasToken")),
        retry_after=answer.get("retryAfterSeconds"),
        retry_date=bool(answer.get("retryAfterIsDate")),
        kind=kind,
        error=_error(body, pack),
        detail=_detail(body, pack),
        items=_items(request, body, pack) if operation == "submit-batch" else (),
        listed=_listed(body, pack) if operation == "list" else (),
        about=str(entry.get("path") or "").rstrip("/").rpartition("/")[2],
        origin=str(headers.get("host", "")),
        conditional=bool(headers.get("if-none-match")),
        waiting=not answer and not fault and not connection,
        late=0.0 if fault else _late(float(entry.get("seconds") or 0.0), timeout),
        tls=str(entry.get("tls") or ""),
        took=float(entry.get("seconds") or 0.0),
    )


def _late(took: float, timeout: float) -> float:
    return took / timeout if timeout > 0 and took >= NEARLY * timeout else 0.0


def _envelope(request: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Record, version, event and content of a submission, or of an item."""
    fields, envelope = pack.messages["submission"], request.get("envelope") or {}
    event, version = str(get(envelope, fields["event"]) or ""), get(envelope, fields["version"])
    events = {word: key for key, word in pack.messages["events"].items()}
    return {
        "record": str(get(envelope, fields["record"]) or ""),
        "version": whole(version),
        "event": events.get(event, event),
        "content": str(request.get("contentSha256") or ""),
    }


def whole(value: Any) -> int | None:
    """A number as JSON has it, if it is a whole one: 1.0 is the integer 1 (JSON Schema 2020-12)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)


def _state(word: Any, pack: Pack) -> str:
    return str({word: key for key, word in pack.messages["states"].items()}.get(str(word), ""))


def _error(body: Any, pack: Pack) -> str:
    code = get(body, pack.messages["problem"]["code"])
    return next((key for key, one in pack.messages["errors"].items() if one["code"] == code), "") if code else ""


def _detail(body: Any, pack: Pack) -> str:
    """The words of a problem, in both languages where they differ."""
    fields = pack.messages["problem"]
    told = [get(body, fields[name]) for name in ("detail", "detail-en") if name in fields]
    return " / ".join(dict.fromkeys(one for one in told if isinstance(one, str)))[:300]


def _listed(body: Any, pack: Pack) -> tuple[Item, ...]:
    """What a page of the list says of records."""
    names, rows = pack.messages["list-item"], get(body, pack.messages["list"]["items"])
    told = ([get(one, names[name]) for name in ("record", "version", "state")] for one in _sequence(rows))
    return tuple(
        Item(str(record or ""), whole(version), answered=_state(state, pack)) for record, version, state in told
    )


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _items(request: Mapping[str, Any], body: Any, pack: Pack) -> tuple[Item, ...]:
    """The items of a batch with their results."""
    names = pack.messages["batch-result"]
    listed = get(body, pack.messages["batch"]["results"])
    results: dict[int, Any] = {}
    for position, one in enumerate(_sequence(listed)):
        index = get(one, names["index"])
        results[index if isinstance(index, int) else position] = one
    found = []
    for position, item in enumerate(request.get("items") or ()):
        result = results.get(position)
        problem = get(result, names["problem"])
        error = _error(problem, pack)
        found.append(
            Item(
                **_envelope(item, pack),
                status=int(pack.messages["errors"][error]["status"]) if error else 0,
                receipt=str(get(result, names["id"]) or ""),
                answered=_state(get(result, names["state"]), pack),
                error=error,
            )
        )
    return tuple(found)
