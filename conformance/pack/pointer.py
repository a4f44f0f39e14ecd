"""JSON pointers (RFC 6901) over the service's messages: the pack says where a field stands."""

from __future__ import annotations

from typing import Any


def _parts(pointer: str) -> list[str]:
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise ValueError(f"không phải JSON pointer / not a JSON pointer: {pointer!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def get(data: Any, pointer: str, default: Any = None) -> Any:
    """The value at ``pointer``, or ``default`` when there is none."""
    for part in _parts(pointer):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return default
    return data


def remove(data: Any, pointer: str) -> None:
    """Take away what stands at ``pointer``, if anything does; items after one of a list move up."""
    *way, last = _parts(pointer)
    for part in way:
        data = data.get(part) if isinstance(data, dict) else get(data, f"/{part}") if isinstance(data, list) else None
    if isinstance(data, dict):
        data.pop(last, None)
    elif isinstance(data, list) and last.isdigit() and int(last) < len(data):
        del data[int(last)]


def put(data: dict[str, Any], pointer: str, value: Any) -> None:
    """Set the value at ``pointer``; missing objects on the way are made."""
    *way, last = _parts(pointer)
    for part in way:
        data = data.setdefault(part, {})
    data[last] = value
