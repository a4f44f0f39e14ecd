"""MON: the subjects of the year and their marks (PL1-MON-001 … 010)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from conformance.checks.context import Context
from conformance.checks.structure import programme_of, rules_of
from conformance.document import Document
from conformance.finding import Recorder
from conformance.pack import CodeEntry, RuleSet
from conformance.transcript.academics import comment_year, rounded, shown, year_mark, year_mark_mistake
from conformance.transcript.model import Level, Outcome, Result, Scoring, Subject, Transcript, Value

_PLAIN = re.compile(r"^(10|[0-9])(\.[1-9])?$")
_COMMA = re.compile(r"^[0-9]+,[0-9]+$")
PERIODS = ("semester1", "semester2", "year", "reassessed")


@dataclass(frozen=True, slots=True)
class Known:
    """A subject of the document with what the pack's list says of it in the document's programme."""

    subject: Subject
    code: str
    entry: CodeEntry | None
    listed: Mapping[str, Any] | None

    @property
    def role(self) -> str:
        """compulsory, activity, elective, optional; empty when it is not of the programme."""
        return str(self.listed["role"]) if self.listed else ""

    @property
    def scored(self) -> bool | None:
        """Whether it carries marks by the programme; ``None`` when unknown."""
        return None if self.listed is None else self.listed["scoring"] == Scoring.MARKS.value


def known_subjects(document: Document, context: Context) -> list[Known]:
    """The document's subjects against the pack's list."""
    programme = programme_of(document, context)
    found = []
    for subject in document.transcript.subjects:
        raw = subject.code.raw if subject.code else ""
        code = context.subject_map.get(raw, raw)
        entry = context.pack.codes["subjects"].find(code)
        listed = entry.data["programmes"].get(programme) if entry else None
        found.append(Known(subject, code, entry, listed))
    return found


def absent_semesters(transcript: Transcript) -> set[str]:
    """Semesters in which no subject at all has a result: the learner was away (abroad, ill, transferred late)."""
    return {
        period
        for period in ("semester1", "semester2")
        if transcript.subjects and all(_empty(getattr(subject, period)) for subject in transcript.subjects)
    }


def _empty(value: Value[Any] | None) -> bool:
    return value is None or value.raw == ""


def not_assessed(transcript: Transcript) -> bool:
    """Whether the learner is not assessed (disability flag)."""
    flag = transcript.profile.not_assessed
    return flag is not None and flag.value is True


def individual_plan(transcript: Transcript) -> bool:
    """Whether the learner follows an individual plan."""
    flag = transcript.profile.individual_plan
    return flag is not None and flag.value is True


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge subjects and marks; nothing when the document names no rule set (PL1-STR-007 says so)."""
    rules = rules_of(document, context)
    programme = programme_of(document, context)
    if rules is None or programme is None:
        return
    subjects = known_subjects(document, context)
    _composition(document, context, programme, subjects, rules, found)
    for one in subjects:
        _marks(document, one, rules, found)
        _year(document, one, rules, found)
        _exemption(document, one, found)
        _reassessment(document, one, rules, found)
    _missing(document, subjects, found)


def _composition(
    document: Document, context: Context, programme: str, subjects: Sequence[Known], rules: RuleSet, found: Recorder
) -> None:
    present = Counter(one.code for one in subjects)
    groups: Counter[str] = Counter()
    good = True
    for one in subjects:
        if one.entry is not None and one.entry.data.get("group") and one.role == "compulsory":
            groups[str(one.entry.data["group"])] += 1
    twice = {code for code, number in present.items() if number > 1 and code}
    for code in sorted(twice):
        good = False
        second = [one for one in subjects if one.code == code][1]
        found.violated(
            "PL1-MON-001",
            "twice",
            place=document.place(second.subject),
            expected=1,
            seen=present[code],
            subject=_name(second),
        )
    marks_place = document.place(next(iter(document.anchors("marks")), None))
    wanted: set[str] = set()
    for entry in context.pack.codes["subjects"]:
        listed = entry.data["programmes"].get(programme)
        # how activities stand in a GDTX transcript is open: never demanded
        demanded = ("compulsory", "activity") if rules.comment_only else ("compulsory",)
        if listed is None or listed["role"] not in demanded:
            continue
        group = entry.data.get("group")
        if group:
            if group in wanted:
                continue
            wanted.add(group)
            if groups[group] == 0:
                good = False
                found.violated("PL1-MON-001", "missing", place=marks_place, expected=entry.name, subject=entry.name)
            elif groups[group] > 1 and not twice:
                good = False
                found.violated(
                    "PL1-MON-001", "twice", place=marks_place, expected=1, seen=groups[group], subject=entry.name
                )
        elif present[entry.code] == 0:
            good = False
            found.violated("PL1-MON-001", "missing", place=marks_place, expected=entry.name, subject=entry.name)
    if good:
        found.held("PL1-MON-001")
    _electives(document, context, programme, subjects, rules, found)


def _electives(
    document: Document, context: Context, programme: str, subjects: Sequence[Known], rules: RuleSet, found: Recorder
) -> None:
    offered = [
        entry for entry in context.pack.codes["subjects"]
        if (entry.data["programmes"].get(programme) or {}).get("role") == "elective"
    ]  # fmt: skip
    plain = True
    for one in subjects:
        if one.entry is not None and one.listed is None:
            plain = False
            found.violated("PL1-MON-003", "other-programme", place=document.place(one.subject), seen=_name(one))
        elif one.entry is None and _name(one).casefold().startswith(rules.cluster.casefold() or "\0"):
            plain = False
            found.violated("PL1-MON-003", "cluster", place=document.place(one.subject), seen=_name(one))
    if offered:
        needed = rules.electives
        taken = {one.code for one in subjects if one.role == "elective"}
        place = document.place(next(iter(document.anchors("marks")), None))
        if len(taken) < needed:
            found.violated("PL1-MON-002", "too-few", place=place, expected=f"≥ {needed}", seen=len(taken))
        else:
            found.held("PL1-MON-002")
        if len(taken) > needed:
            plain = False
            found.violated("PL1-MON-003", "too-many", place=place, expected=needed, seen=len(taken))
    if plain:
        found.held("PL1-MON-003")


def _name(one: Known) -> str:
    return one.subject.name.raw if one.subject.name else one.code


def _results(subject: Subject) -> list[tuple[str, Value[Result]]]:
    return [(period, value) for period in PERIODS if (value := getattr(subject, period)) is not None and value.raw]


def _marks(document: Document, one: Known, rules: RuleSet, found: Recorder) -> None:
    """PL1-MON-004, 005, 006."""
    scored = one.scored
    said = one.subject.scoring
    kind_good = True
    if said is not None and scored is not None:
        wanted = Scoring.MARKS if scored else Scoring.COMMENT
        if said.value is not wanted:
            kind_good = False
            found.violated(
                "PL1-MON-004",
                "scoring",
                place=document.place(said),
                expected=wanted.value,
                seen=said.raw,
                subject=_name(one),
            )
    for _, value in _results(one.subject):
        result, place = value.value, document
        if scored is False and (isinstance(result, Decimal) or (result is None and _looks_like_mark(value.raw))):
            kind_good = False
            found.violated(
                "PL1-MON-004", "mark-in-comment-subject", place=place.place(value), seen=value.raw, subject=_name(one)
            )
        elif scored and result in (Outcome.PASSED, Outcome.FAILED):
            kind_good = False
            found.violated(
                "PL1-MON-004", "outcome-in-scored-subject", place=place.place(value), seen=value.raw, subject=_name(one)
            )
        elif isinstance(result, Decimal):
            _one_mark(document, one, value, result, rules, found)
        elif result is None:
            cause = "comma" if _COMMA.match(value.raw) else "not-a-mark"
            found.violated(
                "PL1-MON-005", cause, place=place.place(value), expected="0 … 10", seen=value.raw, subject=_name(one)
            )
    if kind_good and _results(one.subject):
        found.held("PL1-MON-004", "scored" if scored else "comment")


def _looks_like_mark(raw: str) -> bool:
    return raw[:1].isdigit()


def _one_mark(
    document: Document, one: Known, value: Value[Result], mark: Decimal, rules: RuleSet, found: Recorder
) -> None:
    place = document.place
    if not rules.mark_minimum <= mark <= rules.mark_maximum:
        found.violated(
            "PL1-MON-005", "out-of-range", place=place(value), expected="0 … 10", seen=value.raw, subject=_name(one)
        )
    elif mark != rounded(mark, rules):
        found.violated(
            "PL1-MON-005",
            "two-decimals",
            place=place(value),
            expected=shown(rounded(mark, rules)),
            seen=value.raw,
            subject=_name(one),
        )
    else:
        found.held("PL1-MON-005")
        if _PLAIN.match(value.raw):
            found.held("PL1-MON-006")
        else:
            found.violated("PL1-MON-006", "spelling", place=place(value), expected=shown(mark), seen=value.raw)


def _year(document: Document, one: Known, rules: RuleSet, found: Recorder) -> None:
    """PL1-MON-008 for marks, PL1-MON-009 for comment-only subjects: from the semesters the document states."""
    subject = one.subject
    first, second, year = (
        value.value if value else None for value in (subject.semester1, subject.semester2, subject.year)
    )
    given = not _empty(subject.year)
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        if not given:
            found.violated(
                "PL1-MON-008",
                "missing",
                place=document.place(subject),
                expected=shown(year_mark(first, second, rules).value),
                subject=_name(one),
            )
            return
        if not isinstance(year, Decimal):
            return
        derived = year_mark(first, second, rules)
        if year == derived.value:
            found.held("PL1-MON-008")
            return
        found.violated(
            "PL1-MON-008",
            year_mark_mistake(first, second, year, rules),
            place=document.place(subject.year),
            expected=shown(derived.value),
            seen=subject.year.raw if subject.year else "",
            derivation=derived.steps,
            subject=_name(one),
            article=derived.article,
        )
    elif one.scored and given and isinstance(year, Decimal) and _one_semester_missing(subject):
        found.violated(
            "PL1-MON-008",
            "semester-missing",
            place=document.place(subject.year),
            seen=subject.year.raw if subject.year else "",
            subject=_name(one),
        )
    elif one.scored is False and isinstance(second, Outcome) and second is not Outcome.EXEMPT:
        wanted = comment_year(second, rules)
        if year is wanted.value:
            found.held("PL1-MON-009")
        elif given or year is None:
            if given and year is None:
                return
            found.violated(
                "PL1-MON-009",
                "differs" if given else "missing",
                place=document.place(subject.year if given else subject),
                expected=subject.semester2.raw if subject.semester2 else "",
                seen=subject.year.raw if subject.year else "",
                derivation=wanted.steps,
                subject=_name(one),
            )


def _one_semester_missing(subject: Subject) -> bool:
    return _empty(subject.semester1) or _empty(subject.semester2)


def _exemption(document: Document, one: Known, found: Recorder) -> None:
    """PL1-MON-007."""
    results = dict(_results(one.subject))
    exempt = [period for period, value in results.items() if value.value is Outcome.EXEMPT]
    if not exempt:
        return
    place = document.place(results[exempt[0]])
    if one.entry is not None and not one.entry.data.get("exemptible"):
        found.violated("PL1-MON-007", "not-exemptible", place=place, seen=_name(one))
        return
    semesters = [period for period in ("semester1", "semester2") if period in exempt]
    year = results.get("year")
    if year is not None and year.value is Outcome.EXEMPT and len(semesters) < 2:
        found.violated("PL1-MON-007", "year-only", place=document.place(year), seen=_name(one))
    elif len(semesters) == 2 and year is not None and year.value is not Outcome.EXEMPT:
        found.violated("PL1-MON-007", "year-given", place=document.place(year), seen=year.raw)
    else:
        found.held("PL1-MON-007", "exempt")


def _missing(document: Document, subjects: Sequence[Known], found: Recorder) -> None:
    """PL1-MON-004: an assessed learner has a result in every semester that was attended."""
    transcript = document.transcript
    if not_assessed(transcript) or individual_plan(transcript):
        return
    away = absent_semesters(transcript)
    for one in subjects:
        if one.role == "activity" and one.subject.scoring is None:
            continue
        for period in ("semester1", "semester2"):
            if period not in away and _empty(getattr(one.subject, period)) and one.listed is not None:
                found.violated(
                    "PL1-MON-004", f"{period}-missing", place=document.place(one.subject), subject=_name(one)
                )


def _reassessment(document: Document, one: Known, rules: RuleSet, found: Recorder) -> None:
    """PL1-MON-010."""
    rule = "PL1-MON-010"
    value = one.subject.reassessed
    if _empty(value):
        return
    summary = document.transcript.summary
    conduct = summary.conduct.year.value if summary.conduct.year else None
    learning = summary.learning.year.value if summary.learning.year else None
    year = one.subject.year.value if one.subject.year else None
    place = document.place(value)
    weak = year is Outcome.FAILED or (isinstance(year, Decimal) and year < rules.reassessment_below)
    article = rules.articles["reassessment"]
    if year is not None and not weak:
        found.violated(
            rule,
            "subject-not-weak",
            place=place,
            expected=f"< {shown(rules.reassessment_below)}",
            seen=one.subject.year.raw if one.subject.year else "",
            subject=_name(one),
            article=article,
        )
    elif learning is not None and learning is not Level.UNSATISFACTORY:
        found.violated(
            rule,
            "learning-not-weak",
            place=place,
            seen=_wire(summary.learning.year),
            subject=_name(one),
            article=article,
        )
    elif conduct is not None and conduct.rank < Level(rules.reassessment_conduct).rank:
        if learning is Level.UNSATISFACTORY:
            # one reading of art. 12-14 only (medium confidence): reported, not refused
            found.violated("PL1-HT-003", "both-failed", place=place, subject=_name(one), article=article)
        else:
            found.violated(
                rule,
                "conduct-too-low",
                place=place,
                seen=_wire(summary.conduct.year),
                subject=_name(one),
                article=article,
            )
    elif year is not None:
        found.held(rule)


def _wire(value: Value[Level] | None) -> str:
    return value.raw if value else ""
