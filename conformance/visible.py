"""Vendor text is data: whatever could change how a page, a terminal or a log reads is shown instead of obeyed."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_KEPT = frozenset("\n\t")
_SHOWN = frozenset(("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
# what JSON may hold as it is, and a terminal or an editor would obey: C1, bidi, zero width, half characters
_OBEYED = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def visible(text: str, limit: int = 0) -> str:
    """``text`` with control, bidi, zero-width, surrogate and unassigned characters written as ``⟨U+202E⟩``.

    New lines and tabs stay. Longer than ``limit`` characters (0: no limit) it is cut, and says how much is missing.
    """
    cut = text[:limit] if limit else text
    if not (cut.isascii() and cut.isprintable()):
        cut = "".join(
            f"⟨U+{ord(one):04X}⟩" if one not in _KEPT and unicodedata.category(one) in _SHOWN else one for one in cut
        )
    return f"{cut} … (+{len(text) - limit})" if limit and len(text) > limit else cut


def one_line(text: str, limit: int = 0) -> str:
    """As :func:`visible`, on one line: for terminals, logs and attributes."""
    return visible(" ".join(text.split("\n")).replace("\t", " "), limit)


def inert_json(value: Any, **named: Any) -> str:
    """``value`` as JSON that reads the same for programs, with nothing in it that a terminal would obey.

    ``named``: arguments of :func:`json.dumps`.
    """
    text = json.dumps(value, ensure_ascii=False, **named)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def alphabets(text: str) -> list[str]:
    """The alphabets of a name's letters, in English and sorted; Vietnamese has one. Two: letters that look alike."""
    names = (unicodedata.name(one, "?").split()[0] for one in text if unicodedata.category(one)[0] == "L")
    return sorted({one.capitalize() for one in names})
