"""JSON of files that may have been tampered with."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any


def loads(data: str | bytes) -> Any:
    """JSON data that says one thing only.

    Raises:
        ValueError: no JSON, a key twice in one object (readers would differ in which they take), a number that is none
            (``NaN``, ``Infinity``) or too large to be one, or nested too deep.
    """
    try:
        return json.loads(data, object_pairs_hook=_once, parse_constant=no_number, parse_float=finite)
    except RecursionError as error:
        raise ValueError("lồng quá sâu / nested too deep") from error


def no_number(name: str) -> Any:
    """Refuse ``NaN`` and ``Infinity``, which Python reads and JSON does not know.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"không phải số của JSON / no number of JSON: {name}")


def finite(text: str) -> float:
    """A number of JSON.

    Raises:
        ValueError: it is too large to be written down again.
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"số quá lớn / a number too large: {text[:40]}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"khóa nêu hai lần / a key listed twice: {twice[:80]!r}")
    return made
