"""Unicode normalization that stays linear: a text of endless combining marks is left alone.

Ordering combining marks is quadratic in every library. No writing has more than a few on a letter; UAX #15 calls
thirty in a row the end of what a stream must bear, and what has more is no text (PL1-DOC-005 reports it).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

MOST_MARKS = 30
"""Combining marks in a row that are ordered (UAX #15 §13, stream-safe text)."""
_PLAIN = re.compile(r"[\u0000-\u02ff\u1e00-\u1eff\u2000-\u206f]*")
"""Texts without any combining mark: what nearly all are."""

Form = Literal["NFC", "NFD"]


def endless(text: str) -> bool:
    """Whether the text has more combining marks in a row than any writing has."""
    return not _PLAIN.fullmatch(text) and _endless(text)


@lru_cache(maxsize=16)
def _endless(text: str) -> bool:
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MOST_MARKS:
            return True
    return False


def normalized(form: Form, text: str) -> str:
    """``text`` in the form; unchanged when its marks are endless."""
    return text if text.isascii() or endless(text) else unicodedata.normalize(form, text)


def is_composed(text: str) -> bool:
    """Whether ``text`` is in NFC; one of endless marks is not."""
    return text.isascii() or (not endless(text) and unicodedata.is_normalized("NFC", text))
