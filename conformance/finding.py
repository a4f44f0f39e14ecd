"""What a check can say: observations, their places and the recorder that collects them.

A check never says how bad a fact is. It names the requirement and a stable *cause code*; level, basis and wording are
the specification pack's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class State(StrEnum):
    """What was seen of one requirement on one piece of evidence."""

    HELD = "held"
    """The requirement was exercised and it held."""
    VIOLATED = "violated"
    """The requirement was exercised and broken; a cause code says how."""
    BLOCKED = "blocked"
    """The requirement applies, but it could not be judged; the cause code says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the evidence a fact was seen.

    ``xpath`` uses local names and 1-based positions (``/HocBa/NoiDung/BangDiem/MonHoc[3]/DiemCaNam``); ``line`` and
    ``column`` are 1-based, ``offset`` is a byte offset from 0; all three are ``None`` when not known. ``pointer`` is a
    JSON pointer or a short name for evidence that is not XML.
    """

    xpath: str = ""
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    pointer: str = ""

    def __str__(self) -> str:
        where = self.xpath or self.pointer
        return f"{where} ({self.line}:{self.column})" if self.line is not None else where


@dataclass(frozen=True, slots=True)
class Message:
    """A text by key: the wording in each language is the pack's, formatted in reports only."""

    key: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """One fact about one requirement on one piece of evidence.

    ``cause`` is the short cause code (``cut-off``); the full, stable one is ``PL1-MON-008.cut-off``. ``consequence_of``
    holds the full cause code of the root, empty for a root finding. ``params`` fill the cause's text.
    """

    requirement: str
    state: State
    cause: str = ""
    place: Place | None = None
    expected: str = ""
    seen: str = ""
    derivation: tuple[Message, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    consequence_of: str = ""

    @property
    def code(self) -> str:
        """The full cause code, stable for ever."""
        return f"{self.requirement}.{self.cause}" if self.cause else self.requirement

    @property
    def is_root(self) -> bool:
        """Whether this violation is not merely the consequence of another one."""
        return self.state is State.VIOLATED and not self.consequence_of


MOST_KEPT = 100
"""Violations of one cause that are kept: more places of one mistake tell a reader nothing new."""
MOST_SHOWN = 2000
"""Characters of a value that a finding keeps: the longest lawful text has as many; a hostile one may have millions."""


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def _cut(params: Mapping[str, object]) -> dict[str, str]:
    return {name: _shown(value) for name, value in params.items()}


@dataclass(slots=True)
class Recorder:
    """Collects what checks observe: held ones are counted by case class, all others are kept."""

    held_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    observations: list[Observation] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    """How often each full cause code was told, kept or not."""

    def held(self, requirement: str, case_class: str = "checked", count: int = 1) -> None:
        """Count that ``requirement`` held on a case of ``case_class`` (a class the manifest may ask for)."""
        case = requirement, case_class
        self.held_counts[case] = self.held_counts.get(case, 0) + count

    def violated(
        self,
        requirement: str,
        cause: str,
        *,
        place: Place | None = None,
        expected: object = "",
        seen: object = "",
        derivation: Iterable[Message] = (),
        consequence_of: str = "",
        **params: object,
    ) -> Observation:
        """Keep a violation; ``params`` fill the placeholders of the cause's text in the pack."""
        observation = Observation(
            requirement,
            State.VIOLATED,
            cause,
            place,
            _shown(expected),
            _shown(seen),
            tuple(Message(one.key, _cut(one.params)) for one in derivation),
            _cut(params),
            consequence_of,
        )
        self.told[observation.code] += 1
        if self.told[observation.code] <= MOST_KEPT:
            self.observations.append(observation)
        return observation

    def blocked(self, requirement: str, cause: str, *, place: Place | None = None, **params: object) -> None:
        """Keep that ``requirement`` applies but could not be judged, and why."""
        self.observations.append(
            Observation(
                requirement,
                State.BLOCKED,
                cause,
                place,
                params=_cut(params),
            )
        )

    @property
    def violations(self) -> list[Observation]:
        """All violations, roots and consequences."""
        return [one for one in self.observations if one.state is State.VIOLATED]

    def roots(self) -> set[str]:
        """Full cause codes of the root violations: what a kill table compares."""
        return {one.code for one in self.violations if one.is_root}

    def root_requirements(self) -> set[str]:
        """Requirement ids with at least one root violation."""
        return {one.requirement for one in self.violations if one.is_root}

    def mark_consequences(self, of: str, requirements: Iterable[str]) -> None:
        """Declare that root violations of ``requirements`` merely follow from the full cause code ``of``."""
        wanted = set(requirements)
        self.observations = [
            replace(one, consequence_of=of) if one.is_root and one.requirement in wanted and one.code != of else one
            for one in self.observations
        ]

    def absorb(self, other: Recorder) -> None:
        """Take over everything ``other`` holds."""
        self.held_counts.update(other.held_counts)
        self.told.update(other.told)
        self.observations.extend(other.observations)
