"""Whether two names are the same: case, spaces, composition, tone-mark placement and apostrophes aside."""

from __future__ import annotations

from conformance.document.letters import normalized

_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")  # huyền, sắc, ngã, hỏi, nặng
_APOSTROPHES = frozenset("'’‘ʼʻ`´′")


def folded(name: str) -> str:
    """A key that is equal for spellings of one name: the tone of each syllable goes to its end (``Hoà`` = ``Hòa``)."""
    syllables = []
    for word in normalized("NFC", name).casefold().split():
        letters, tones = [], []
        for character in normalized("NFD", word):
            if character in _TONES:
                tones.append(character)
            elif character not in _APOSTROPHES:
                letters.append(character)
        syllables.append("".join(letters + sorted(tones)))
    return " ".join(syllables)


def same(one: str, other: str) -> bool:
    """Whether both spell the same name."""
    return folded(one) == folded(other)
