"""What a verdict says: outcomes per requirement and programme, lines per programme and part, the exit code."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Line = Literal["A", "B"]
"""A: official or standard basis; B: the project's own profile."""
Answer = Literal["pass", "fail", "inconclusive"]
"""Đạt, Không đạt, Không kết luận."""
Part = Literal["appendix1", "appendix2"]


class Outcome(StrEnum):
    """The outcome of one requirement for one programme, worst first (verdict.md)."""

    FAIL = "fail"
    HARNESS_ERROR = "harness-error"
    ABSENT = "absent"
    NOT_TESTABLE = "not-testable"
    INSUFFICIENT = "insufficient"
    KNOWN_FAILURE = "known-failure"
    ATTESTED = "attested"
    WARN = "warn"
    NOT_EXERCISED = "not-exercised"
    NOT_APPLICABLE = "not-applicable"
    NOT_SCORED = "not-scored"
    PASS = "pass"  # noqa: S105  # the word of the verdict, no secret

    @property
    def severity(self) -> int:
        """0 for the worst."""
        return list(Outcome).index(self)

    def blocks(self, level: str) -> bool:
        """Whether this outcome of a requirement of ``level`` (MUST, SHOULD) keeps the verdict from being Đạt."""
        if self in (Outcome.HARNESS_ERROR, Outcome.KNOWN_FAILURE):
            return True
        return level == "MUST" and self in (Outcome.FAIL, Outcome.ABSENT, Outcome.NOT_TESTABLE, Outcome.INSUFFICIENT)


class ExitCode(IntEnum):
    """Exit codes of ``hocba``, and of pytest from session start on."""

    PASS = 0
    FAIL = 1
    WRONG_USE = 2
    INCONCLUSIVE = 3
    HARNESS = 4
    KNOWN_FAILURES = 5


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FindingRef(_Data):
    """Where a finding stands in the result: item id and position among the item's findings (from 0)."""

    item: str
    index: int = Field(ge=0)


class RequirementOutcome(_Data):
    """One requirement judged for one claimed programme."""

    requirement: str
    programme: str
    part: Part
    line: Line
    level: Literal["MUST", "SHOULD"]
    outcome: Outcome
    blocks: bool
    reason: str = ""
    """Short key of why (``door``, ``declined``, ``blocked``, ``consequence``, ``other-form`` …); empty when plain."""
    held: dict[str, int] = Field(default_factory=dict)
    """Case class -> how often the requirement was seen to hold."""
    missing: tuple[str, ...] = ()
    """Case classes of the manifest that were not seen to hold."""
    roots: tuple[FindingRef, ...] = ()
    """Violations that count by themselves."""
    consequences: tuple[FindingRef, ...] = ()
    """Violations that merely follow from another requirement's."""
    blocked: tuple[FindingRef, ...] = ()
    """Observations that could not be judged."""
    known: tuple[str, ...] = ()
    """Full cause codes that the vendor's baseline names."""
    quoted: bool = False
    """Rests on a source of confidence ``quoted`` or below."""
    attested_by: str = ""
    """Who vouches, and when."""


class LineVerdict(_Data):
    """The answer for one programme, part and line."""

    programme: str
    part: Part
    line: Line
    verdict: Answer
    scored: int
    """Requirements of this line that are scored and apply to the programme."""
    passed: int
    counts: dict[str, int]
    """Outcome -> number of requirements."""
    blockers: tuple[str, ...]
    """Ids of the requirements that keep it from being Đạt, worst first."""
    reasons: tuple[str, ...] = ()
    """What keeps it from being Đạt besides requirements: keys (``not-completed``, ``other-form`` …)."""


class Verdict(_Data):
    """The whole verdict of a run."""

    pack: str
    revision: str
    scored: int
    """Requirements of the manifest that the revision scores (n)."""
    total: int
    """All requirements of the manifest (m)."""
    programmes: tuple[str, ...]
    declined: tuple[str, ...]
    """Declined capabilities: part of the verdict's name."""
    witnessed: bool
    completed: bool
    lines: tuple[LineVerdict, ...]
    outcomes: tuple[RequirementOutcome, ...]
    not_scored: tuple[str, ...]
    """Ids outside the scored revision."""
    reasons: tuple[str, ...] = ()
    """What concerns the whole run: keys as in :class:`LineVerdict`."""
    harness_errors: tuple[str, ...] = ()
    """Our own defects on this run, one line each."""
    baseline_errors: tuple[str, ...] = ()
    """Full cause codes of baseline entries that matched nothing or have expired."""
    exit_code: int

    @property
    def passed(self) -> bool:
        """Whether every claimed programme is Đạt on every line."""
        return self.exit_code == ExitCode.PASS

    def of(self, requirement: str, programme: str) -> RequirementOutcome | None:
        """The outcome of a requirement for a programme."""
        for one in self.outcomes:
            if one.requirement == requirement and one.programme == programme:
                return one
        return None

    def line(self, programme: str, part: str, line: str) -> LineVerdict | None:
        """The verdict line of programme, part and line."""
        for one in self.lines:
            if (one.programme, one.part, one.line) == (programme, part, line):
                return one
        return None

    def failed(self, programme: str | None = None) -> tuple[str, ...]:
        """Ids of the requirements that failed, in manifest order."""
        wanted = {
            one.requirement: None
            for one in self.outcomes
            if one.outcome is Outcome.FAIL and programme in (None, one.programme)
        }
        return tuple(wanted)

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON data, as the result file holds it; :meth:`model_validate` reads it back."""
        return self.model_dump(mode="json")
