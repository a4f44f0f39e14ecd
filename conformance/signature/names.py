"""Whether two names are the same: case, spaces, composition, tone-mark placement and apostrophes aside."""

from __future__ import annotations

import unicodedata

from conformance.document.letters import normalized
from conformance.pack.model import TONES

_APOSTROPHES = frozenset("'’‘ʼʻ`´′")


_LONGEST = 1_000
"""Characters of a name that are read: nobody's is as long, and thirty thousand syllables take seconds."""


def folded(name: str) -> str:
    """A key that is equal for spellings of one name: the tone of each syllable goes to its end (``Hoà`` = ``Hòa``).

    What is longer than any name is its own key.
    """
    if len(name) > _LONGEST:
        return name
    syllables = []
    written = "".join("'" if one in _APOSTROPHES else one for one in normalized("NFC", name).casefold())
    for word in written.replace("' ", "'").split():  # «H' Hen» is «H'Hen»
        letters, tones = [], []
        for character in normalized("NFD", word):
            if character in TONES:
                tones.append(character)
            elif character not in _APOSTROPHES:
                letters.append(character)
        syllables.append("".join(letters + sorted(tones)))
    return " ".join(syllables)


def same(one: str, other: str) -> bool:
    """Whether both spell the same name."""
    return one == other or folded(one) == folded(other)


def unmarked(name: str) -> str:
    """The name's key without any mark: what is left where a system knows plain letters only."""
    decomposed = normalized("NFD", folded(name)).replace("đ", "d")
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def without_marks(written: str, name: str) -> bool:
    """Whether ``written`` is ``name`` in plain letters: nothing contradicts, but much is lost."""
    return written.isascii() and unmarked(written) == unmarked(name)
