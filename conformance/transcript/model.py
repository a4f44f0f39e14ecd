"""The transcript as typed values, each knowing what was written and where.

The wire names stand in the pack's binding; a field's dotted path here (``subjects[].semester1``) is its *anchor*
there. A field is ``None`` when its element is absent. ``Value.value`` is ``None`` when the element is there but its
text cannot be read as the field's type: ``Value.raw`` always holds the text as written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

T = TypeVar("T")


class Level(StrEnum):
    """The four levels of learning and conduct (TT 22/2021 art. 8, 9), best first."""

    GOOD = "good"
    """Tốt."""
    FAIR = "fair"
    """Khá."""
    SATISFACTORY = "satisfactory"
    """Đạt."""
    UNSATISFACTORY = "unsatisfactory"
    """Chưa đạt."""

    @cached_property
    def rank(self) -> int:
        """0 for the lowest level, 3 for the highest."""
        return 3 - list(Level).index(self)


class Outcome(StrEnum):
    """Results that are not marks: of comment-only subjects, and of exempt ones."""

    PASSED = "passed"
    """Đạt."""
    FAILED = "failed"
    """Chưa đạt."""
    EXEMPT = "exempt"
    """Miễn: the learner is exempt from the subject."""


class Scoring(StrEnum):
    """How a subject is assessed (TT 22/2021 art. 5)."""

    MARKS = "marks"
    """Comments and marks."""
    COMMENT = "comment"
    """Comments only: passed or failed."""


Result = Decimal | Outcome
"""A subject's result: a mark 0-10, or an outcome."""


@dataclass(slots=True, eq=False)  # not frozen: there are hundreds in a document, and frozen ones are slow to make
class Value(Generic[T]):
    """A text in the document, what it means (``None``: unreadable), and the node it stands in (opaque)."""

    raw: str
    value: T | None
    node: object = None

    def __str__(self) -> str:
        return self.raw


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody named in the record: teacher, homeroom teacher."""

    name: Value[str] | None = None
    national_id: Value[str] | None = None
    passport: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Leader:
    """The school leader who issues: principal, deputy, or director of a centre."""

    name: Value[str] | None = None
    national_id: Value[str] | None = None
    title: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What identifies the transcript: record, year, rule set, level, programme, school, grade."""

    id: Value[str] | None = None
    school_year: Value[int] | None = None
    """First calendar year: 2024 for 2024-2025."""
    circular: Value[str] | None = None
    level: Value[str] | None = None
    programme: Value[str] | None = None
    school_code: Value[str] | None = None
    grade: Value[int] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """Who the learner is."""

    code: Value[str] | None = None
    national_id: Value[str] | None = None
    passport: Value[str] | None = None
    name: Value[str] | None = None
    birth_date: Value[tuple[int, int | None, int | None]] | None = None
    """Year, month, day; month and day ``None`` when incomplete."""
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """Which version of the transcript this is, and what it replaces."""

    number: Value[int] | None = None
    created: Value[date] | None = None
    digitised: Value[bool] | None = None
    replaces: Value[str] | None = None
    reason: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """The issuing school and its department of education."""

    department_code: Value[str] | None = None
    department_name: Value[str] | None = None
    name: Value[str] | None = None
    commune_name: Value[str] | None = None
    commune_code: Value[str] | None = None
    district_name: Value[str] | None = None
    province_name: Value[str] | None = None
    province_code: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Address:
    """A place in words, with commune and province codes where known."""

    detail: Value[str] | None = None
    commune_code: Value[str] | None = None
    province_code: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Relative:
    """Father, mother or guardian."""

    name: Value[str] | None = None
    occupation: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What the record says about the learner beyond identity."""

    gender: Value[str] | None = None
    ethnicity: Value[str] | None = None
    nationality: Value[str] | None = None
    birthplace: Address | None = None
    hometown: Address | None = None
    residence: Address | None = None
    policy_category: Value[str] | None = None
    not_assessed: Value[bool] | None = None
    individual_plan: Value[bool] | None = None
    father: Relative | None = None
    mother: Relative | None = None
    guardian: Relative | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class HistoryYear:
    """One earlier year of the learner's study history."""

    school_year: Value[int] | None = None
    class_name: Value[str] | None = None
    school_name: Value[str] | None = None
    province_name: Value[str] | None = None
    transferred_on: Value[date] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One subject or activity with its results, comment and teachers."""

    code: Value[str] | None = None
    name: Value[str] | None = None
    scoring: Value[Scoring] | None = None
    semester1: Value[Result] | None = None
    semester2: Value[Result] | None = None
    year: Value[Result] | None = None
    reassessed: Value[Result] | None = None
    comment: Value[str] | None = None
    teachers: tuple[Person, ...] = ()
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The level of learning or conduct in each semester, for the year, and after summer."""

    semester1: Value[Level] | None = None
    semester2: Value[Level] | None = None
    year: Value[Level] | None = None
    after_summer: Value[Level] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate the learner obtained (not an X.509 one)."""

    name: Value[str] | None = None
    kind: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The year as a whole: levels, absences, promotion, title, comments, homeroom teacher."""

    learning: Levels = field(default_factory=Levels)
    conduct: Levels = field(default_factory=Levels)
    absences: Value[Decimal] | None = None
    promoted: Value[bool] | None = None
    promotion_text: Value[str] | None = None
    completion_text: Value[str] | None = None
    title: Value[str] | None = None
    certificates: tuple[Certificate, ...] = ()
    competitions: Value[str] | None = None
    awards: Value[str] | None = None
    summer_training: Value[str] | None = None
    homeroom_comment: Value[str] | None = None
    homeroom_teacher: Person = field(default_factory=Person)
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Issue:
    """Issue: by whom, where, when."""

    leader: Leader = field(default_factory=Leader)
    place: Value[str] | None = None
    signed_on: Value[date] | None = None
    register_number: Value[str] | None = None
    node: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Transcript:
    """One learner, one school year, one school."""

    spec_version: Value[str] | None = None
    record: Record = field(default_factory=Record)
    learner: Learner = field(default_factory=Learner)
    version: Version = field(default_factory=Version)
    school: School = field(default_factory=School)
    profile: Profile = field(default_factory=Profile)
    history: tuple[HistoryYear, ...] = ()
    class_name: Value[str] | None = None
    subjects: tuple[Subject, ...] = ()
    summary: Summary = field(default_factory=Summary)
    issue: Issue = field(default_factory=Issue)
    node: object = None

    @property
    def dated(self) -> date | None:
        """The document's date: date of issue, else of creation (appendix1.md §1)."""
        for value in (self.issue.signed_on, self.version.created):
            if value is not None and value.value is not None:
                return value.value
        return None


__all__ = [
    "Address", "Certificate", "HistoryYear", "Issue", "Leader", "Learner", "Level", "Levels", "Outcome", "Person",
    "Profile", "Record", "Relative", "Result", "School", "Scoring", "Subject", "Summary", "Transcript", "Value",
    "Version",
]  # fmt: skip
