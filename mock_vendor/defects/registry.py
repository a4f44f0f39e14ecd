"""What a named defect is, and the decorator that lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mock_vendor.habits import Habits


@dataclass(frozen=True, slots=True)
class Defect:
    """A way to be wrong, and what must notice it."""

    name: str
    vi: str
    en: str
    expects: frozenset[str]
    """Root requirements that must fail, and no others; empty for an equivalent defect, which must survive."""
    cause: str
    """Cause code of the finding where one is expected, as ``requirement.cause``; empty: any."""
    shows: tuple[str, ...]
    """One to three items that show it: frozen case ids, ``probe:NAME`` or ``exchange:ID``."""
    mixin: type[Habits]

    def text(self, language: str) -> str:
        """What it does wrong."""
        return self.en if language == "en" else self.vi

    def data(self) -> dict[str, object]:
        """As JSON."""
        return {
            "name": self.name,
            "vi": self.vi,
            "en": self.en,
            "expects": sorted(self.expects),
            "cause": self.cause,
            "shows": list(self.shows),
        }


DEFECTS: dict[str, Defect] = {}
"""All named defects, by name."""


def defect(
    name: str, vi: str, en: str, *, expects: Iterable[str], shows: Iterable[str], cause: str = ""
) -> Callable[[type[Habits]], type[Habits]]:
    """List a mixin under a name."""

    def listed(mixin: type[Habits]) -> type[Habits]:
        if name in DEFECTS:
            raise ValueError(f"{name}: trùng tên / listed twice")
        DEFECTS[name] = Defect(name, vi, en, frozenset(expects), cause, tuple(shows), mixin)
        return mixin

    return listed
