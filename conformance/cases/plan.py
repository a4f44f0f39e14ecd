"""What a case decides before anything is drawn: the plan that edits change and :mod:`realise` fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class PlanError(ValueError):
    """A case is written wrongly; the message says what, in Vietnamese and English."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A semester average drawn between two marks, both possible."""

    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A mark the case freezes."""

    mark: str


@dataclass(frozen=True, slots=True)
class Components:
    """Component marks the case freezes."""

    regular: tuple[str, ...]
    midterm: str
    final: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """``passed``, ``failed`` or ``exempt``."""

    outcome: str


Result = Drawn | Fixed | Components | Outcome


@dataclass(slots=True)
class SubjectPlan:
    """One subject: results by semester, re-assessment, comment (``None``: drawn, empty: none), teachers' posts."""

    code: str
    scored: bool
    results: dict[int, Result | None]
    reassessment: Result | None = None
    comment: str | None = None
    posts: tuple[str, ...] = ()

    def set(self, semester: int, result: Result | None) -> None:
        """Set the result of semester 1 or 2."""
        if semester not in (1, 2):
            raise PlanError(f"{self.code}: học kì / semester {semester!r}")
        self.results[semester] = result


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """One line of the study history: so many years back, in a grade, at another school (0: the issuing one), and the
    day of transfer to that school as ``MM-DD`` of the school year's autumn or spring."""

    back: int
    grade: int
    school: int = 0
    transferred: str = ""


@dataclass(slots=True)
class Plan:
    """A learner's year as far as the case decides it."""

    programme: str
    grade: int
    bands: Mapping[str, Sequence[str]]
    scoring: Mapping[str, str]
    """Subject code -> ``marks`` or ``comment``, for every subject of the programme."""
    default_band: str
    subjects: dict[str, SubjectPlan] = field(default_factory=dict)
    conduct: dict[str, str] = field(default_factory=lambda: {"semester1": "good", "semester2": "good"})
    absences: int = 0
    learner: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    gender: str = ""
    ethnicity: str = ""
    nationality: str = ""
    passport: bool = False
    birth_precision: str = "day"
    birth_day: str = ""
    older: int = 0
    family: dict[str, str] = field(default_factory=lambda: {"father": "drawn", "mother": "drawn", "guardian": "none"})
    places: dict[str, tuple[str, bool]] = field(default_factory=dict)
    history: list[HistoryPlan] | None = None
    """``None``: earlier grades of the level, at the issuing school."""
    leader: str = ""
    long_comment: int = 0

    def take(self, code: str) -> None:
        """Add a subject with the base's neutral results."""
        scoring = self.scoring.get(code)
        if scoring is None:
            raise PlanError(f"{code}: không có môn này trong chương trình / no such subject in {self.programme}")
        scored = scoring == "marks"
        neutral: Result = Drawn(*self.band(self.default_band)) if scored else Outcome("passed")
        self.subjects[code] = SubjectPlan(code, scored, {1: neutral, 2: neutral})

    def subject(self, code: str) -> SubjectPlan:
        """The plan of a subject the learner takes."""
        try:
            return self.subjects[code]
        except KeyError:
            raise PlanError(f"{code}: học sinh không học môn này / the learner does not take this subject") from None

    def scored(self) -> tuple[str, ...]:
        """Codes of the subjects assessed by marks."""
        return tuple(code for code, one in self.subjects.items() if one.scored)

    def band(self, name: str) -> tuple[str, str]:
        """The two ends of a named band."""
        try:
            low, high = self.bands[name]
        except (KeyError, ValueError):
            raise PlanError(f"{name}: không có khoảng điểm này / no such band") from None
        return low, high
