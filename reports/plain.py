"""JSON values as short plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def short(value: Any, limit: int = 300) -> str:
    """Any JSON value on one line."""
    if value is None or value == {}:
        return ""
    if isinstance(value, Mapping):
        text = ", ".join(f"{key}: {short(one, max(120, limit // 4))}" for key, one in value.items())
    elif isinstance(value, (list, tuple)):
        text = ", ".join(short(one, max(120, limit // 4)) for one in value)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = str(value)
    return text if len(text) <= limit else f"{text[:limit]} … (+{len(text) - limit})"
