"""JSON of files that may have been tampered with."""

from __future__ import annotations

import json
from typing import Any


def loads(data: str | bytes) -> Any:
    """JSON data that says one thing only.

    Raises:
        ValueError: no JSON, a key twice in one object (readers would differ in which they take), or nested too deep.
    """
    try:
        return json.loads(data, object_pairs_hook=_once)
    except RecursionError as error:
        raise ValueError("lồng quá sâu / nested too deep") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"khóa nêu hai lần / a key listed twice: {twice[:80]!r}")
    return made
