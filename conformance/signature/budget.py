"""What the diagnosis of one document may cost: a hostile one must not make its trials endless."""

from __future__ import annotations

from dataclasses import dataclass, field

_HASHED = 8
"""Octets that are hashed for the price of one that is canonicalized."""


@dataclass(slots=True)
class Purse:
    """Octets that may still be worked on."""

    octets: int

    def spend(self, octets: int) -> bool:
        """Take ``octets`` from what is left; whether they were still there."""
        if octets > self.octets:
            self.octets = 0
            return False
        self.octets -= octets
        return True

    def hashed(self, octets: int) -> bool:
        """The same for octets that are only hashed; a trial has a price of its own."""
        return self.spend(max(octets // _HASHED, 128))


@dataclass(slots=True)
class Budget:
    """Four purses, so that one way of guessing does not starve the other."""

    forms: Purse = field(default_factory=lambda: Purse(12 * 1024 * 1024))
    """For parts that are written anew and canonicalized."""
    guesses: Purse = field(default_factory=lambda: Purse(12 * 1024 * 1024))
    """For values and orders that are tried in octets cut once."""
    others: Purse = field(default_factory=lambda: Purse(6 * 1024 * 1024))
    """For parts in whose place another one may have been digested."""
    slots: Purse = field(default_factory=lambda: Purse(6 * 1024 * 1024))
    """For slots that are tried as they may have been before a signature in them was made."""
    parts: dict[object, list[tuple[str, bytes]]] = field(default_factory=dict)
    """Digests of all parts, by how they are made: what was digested in another one's place is found among them."""
