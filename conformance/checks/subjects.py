"""MON: the subjects of the year and their marks (PL1-MON-001 … 010)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any

from conformance.checks.context import Context
from conformance.checks.structure import programme_of, rules_of
from conformance.document import Document
from conformance.finding import Place, Recorder
from conformance.pack import CodeEntry, Pack, RuleSet
from conformance.transcript.academics import (
    Derived,
    comment_year,
    common_mistake,
    rounded,
    shown,
    year_mark,
    year_mark_mistakes,
)
from conformance.transcript.model import Outcome, Result, Scoring, Subject, Transcript, Value

MOST = 200
"""Rows looked at: far more than there are subjects, so a longer list repeats one, which PL1-MON-001 says."""
ETH = "\u00d0"
"""The letter that looks like the first one of the outcomes and is another (PL1-DOC-005)."""
UNCLEAR = "PL1-LL-005.not-a-flag"
PERIODS = ("semester1", "semester2", "year", "reassessed")
_SPLIT = "PL1-MON-001.split"
_NAMING = ("PL1-MA-003", "PL1-MA-004", "PL1-MON-003")
_FIRST, _SECOND = attrgetter("semester1"), attrgetter("semester2")


@dataclass(slots=True, eq=False)
class Known:
    """A subject of the document with what the pack's list says of it in the document's programme."""

    subject: Subject
    code: str
    entry: CodeEntry | None
    listed: Mapping[str, Any] | None
    comment_only: bool = True
    """Whether the rule set knows comment-only subjects; without, how activities stand in the transcript is open."""
    role: str = field(init=False)
    """compulsory, activity, elective, optional; empty when it is not of the programme."""
    scored: bool | None = field(init=False)
    """Whether it carries marks by the programme; ``None`` when unknown or open."""
    results: list[tuple[str, Value[Result]]] = field(init=False)
    """Every result that is written, with its period."""
    part: bool = field(default=False, init=False)
    """Whether it stands for a part of one subject (PL1-MON-001 says so): its results are not those of the whole."""

    def __post_init__(self) -> None:
        """Find out what is asked for again and again."""
        self.role = str(self.listed["role"]) if self.listed else ""
        scored = None if self.listed is None else self.listed["scoring"] == Scoring.MARKS.value
        self.scored = scored if scored or self.comment_only else None
        one = self.subject
        written = zip(PERIODS, (one.semester1, one.semester2, one.year, one.reassessed), strict=True)
        self.results = [(period, value) for period, value in written if value is not None and value.raw]


def known_subjects(document: Document, context: Context) -> list[Known]:
    """The document's subjects against the pack's list.

    A subject whose code is unknown, or another subject's, is known by its name: PL1-MA-003 and 004 report the code, and
    nothing else follows from it.
    """
    told = document.worked_out.get("subjects")
    if told is None or told[0] is not context:
        told = document.worked_out["subjects"] = context, _known_subjects(document, context)
    found: list[Known] = told[1]
    return found


def _known_subjects(document: Document, context: Context) -> list[Known]:
    programme = programme_of(document, context)
    rules = rules_of(document, context)
    comment_only = rules is None or rules.comment_only
    listed = context.pack.codes["subjects"]
    rows = document.transcript.subjects[:MOST]
    written = [
        context.subject_map.get(raw, raw) for raw in (subject.code.raw if subject.code else "" for subject in rows)
    ]
    times = Counter(written)
    found = []
    for subject, code in zip(rows, written, strict=True):
        name = (subject.name.value if subject.name else None) or ""
        entry = listed.find(code)
        if entry is None or (times[code] > 1 and not entry.is_called(name)):
            mine = (one for one in listed if programme in one.data["programmes"])
            named = next((one for one in mine if one.code not in times and one.is_called(name)), None)
            entry = named or entry
        place = entry.data["programmes"].get(programme) if entry else None
        found.append(Known(subject, entry.code if entry else code, entry, place, comment_only))
    return found


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


def unclear(transcript: Transcript) -> str:
    """The full cause code of a flag of special learners that cannot be read; empty when there is none.

    What such learners may leave out is no second mistake then.
    """
    flags = (transcript.profile.not_assessed, transcript.profile.individual_plan)
    return UNCLEAR if any(flag is not None and flag.raw and flag.value is None for flag in flags) else ""


def _free(transcript: Transcript) -> bool:
    """Whether subjects may be left out: what an individual plan leaves out is the school's decision (art. 11)."""
    return not_assessed(transcript) or individual_plan(transcript)


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
        _exemption(document, one, found)
    _years(document, subjects, rules, found)
    _given(document, subjects, found)


def _composition(
    document: Document, context: Context, programme: str, subjects: Sequence[Known], rules: RuleSet, found: Recorder
) -> None:
    """PL1-MON-001: by subject group; a topic cluster is nobody's second row (PL1-MON-003)."""
    rule = "PL1-MON-001"
    taken: dict[str, list[Known]] = {}
    for one in subjects:
        if not _is_cluster(one, rules):
            taken.setdefault(_group(one.entry, programme) if one.entry else one.code, []).append(one)
    good, doubled = True, 0
    for rows in taken.values():
        if len(rows) > 1:
            good = False
            place = document.place(rows[1].subject)
            first = document.place(rows[0].subject).xpath
            names = ", ".join(dict.fromkeys(_name(one) for one in rows[:3]))
            found.violated(rule, "twice", place=place, expected=1, seen=len(rows), subject=names, first=first)
            doubled += len(rows) - 1
    grade = document.transcript.record.grade
    year = None if grade is None else grade.value
    wanted = {} if _free(document.transcript) else _demanded(context.pack, programme, year, rules.comment_only)
    split: list[list[Known]] = []
    for group, entry in wanted.items():
        if group in taken:
            continue
        good = False
        if parts := _parts(context.pack, entry, subjects):
            split.append(parts)
            found.violated(
                rule, "split", place=document.place(parts[0].subject), expected=entry.name, subject=entry.name,
                seen=", ".join(map(_name, parts)), consequence_of=unclear(document.transcript),
            )  # fmt: skip
        else:
            marks = document.place(next(iter(document.anchors("marks")), None))
            found.violated(
                rule, "missing", place=marks, expected=entry.name, subject=entry.name,
                consequence_of=unclear(document.transcript),
            )  # fmt: skip
    if good:
        found.held(rule)
    _electives(document, context, programme, subjects, rules, found, doubled)
    for rows in split:
        for one in rows:
            one.part = True
            _consequences(found, document.place(one.subject), _NAMING, _SPLIT)
    _other_level(document, context, programme, found)


def _parts(pack: Pack, whole: CodeEntry, subjects: Sequence[Known]) -> list[Known]:
    """The rows that stand in the place of one subject which the pack knows to have parts."""
    listed = pack.codes["subjects"]
    parts = [entry for code in whole.data.get("parts", ()) if (entry := listed.find(code)) is not None]
    return [
        one
        for one in subjects
        if one.listed is None and any(entry is one.entry or entry.is_called(_name(one)) for entry in parts)
    ]


def _other_level(document: Document, context: Context, programme: str, found: Recorder) -> None:
    """With a grade of another level, subjects of that level are no mistake of their own: PL1-MA-002 tells it once."""
    grade, programmes = document.transcript.record.grade, context.pack.programmes
    if grade is None or grade.value is None or grade.value in programmes[programme].grades:
        return
    family = programmes[programme].family
    other = next((name for name, one in programmes.items() if one.family == family and grade.value in one.grades), "")
    listed = context.pack.codes["subjects"]
    codes = [subject.code.raw if subject.code else "" for subject in document.transcript.subjects]
    known = [entry for code in codes if (entry := listed.find(code)) is not None]
    if other and known and all(other in entry.data["programmes"] for entry in known):
        rules = ("PL1-MON-001", "PL1-MON-002", "PL1-MON-003")
        _consequences(found, document.place(document.root), rules, "PL1-MA-002.grade")


def _group(entry: CodeEntry, programme: str) -> str:
    """What stands once: the subject group where the subject is compulsory as one of a group, else the subject."""
    listed = entry.data["programmes"].get(programme)
    grouped = entry.data.get("group") if listed and listed["role"] == "compulsory" else None
    return f"group:{grouped}" if grouped else entry.code


@lru_cache(maxsize=256)
def _demanded(pack: Pack, programme: str, grade: int | None, comment_only: bool) -> Mapping[str, CodeEntry]:
    # how activities stand in a GDTX transcript is open: never demanded
    roles = ("compulsory", "activity") if comment_only else ("compulsory",)
    found: dict[str, CodeEntry] = {}
    for entry in pack.codes["subjects"]:
        listed = entry.data["programmes"].get(programme)
        if listed is None or listed["role"] not in roles:
            continue
        if grade is None or str(grade) in listed.get("periods", {str(grade): 0}):
            found.setdefault(_group(entry, programme), entry)
    return found


def _is_cluster(one: Known, rules: RuleSet) -> bool:
    beginning = rules.cluster.casefold()
    return bool(beginning) and _name(one).strip().casefold().startswith(beginning)


def _electives(
    document: Document, context: Context, programme: str, subjects: Sequence[Known], rules: RuleSet, found: Recorder,
    doubled: int,
) -> None:  # fmt: skip
    """PL1-MON-002, 003; ``doubled``: rows that repeat a subject, in the place of another perhaps."""
    plain = True
    for one in subjects:
        if _is_cluster(one, rules):
            plain = False
            place = document.place(one.subject)
            found.violated("PL1-MON-003", "cluster", place=place, seen=_name(one))
            # its code or name is of no subject, whatever is written there
            _consequences(found, place, ("PL1-MA-003", "PL1-MA-004"), "PL1-MON-003.cluster")
        elif one.entry is not None and one.listed is None:
            plain = False
            found.violated("PL1-MON-003", "other-programme", place=document.place(one.subject), seen=_name(one))
        elif one.role == "activity" and not rules.comment_only:
            plain = _open_activity(document, one, rules, found) and plain
    if _offers_electives(context.pack, programme):
        needed = rules.electives
        taken = {one.code for one in subjects if one.role == "elective" and not _is_cluster(one, rules)}
        marks = next(iter(document.anchors("marks")), None)
        if len(taken) < needed and not _free(document.transcript):
            place = document.place(marks)
            twice = "PL1-MON-001.twice" if len(taken) + doubled >= needed else ""
            found.violated(
                "PL1-MON-002", "too-few", place=place, expected=f"≥ {needed}", seen=len(taken),
                consequence_of=twice or unclear(document.transcript),
            )  # fmt: skip
        elif len(taken) >= needed:
            found.held("PL1-MON-002")
        most = _at_once(subjects, rules)
        if most > needed:
            plain = False
            found.violated("PL1-MON-003", "too-many", place=document.place(marks), expected=needed, seen=most)
    if plain:
        found.held("PL1-MON-003")


def _at_once(subjects: Sequence[Known], rules: RuleSet) -> int:
    """How many electives are taken at once: who changes one in the middle of the year has each for a semester only."""
    electives = [one for one in subjects if one.role == "elective" and not _is_cluster(one, rules)]
    taken = [
        {one.code for one in electives if not _empty(period(one.subject)) or _empty(other(one.subject))}
        for period, other in ((_FIRST, _SECOND), (_SECOND, _FIRST))
    ]
    return max(map(len, taken))


@lru_cache(maxsize=64)
def _offers_electives(pack: Pack, programme: str) -> bool:
    places = (entry.data["programmes"].get(programme) or {} for entry in pack.codes["subjects"])
    return any(place.get("role") == "elective" for place in places)


def _open_activity(document: Document, one: Known, rules: RuleSet, found: Recorder) -> bool:
    """PL1-MON-003: how activities stand where the rule set knows no comment-only subjects is open, and said to be."""
    given = one.results
    if given:
        place, seen = document.place(given[0][1]), given[0][1].raw
        found.violated(
            "PL1-MON-003", "activity-result", place=place, seen=seen, subject=_name(one), circular=rules.circular
        )
    return not given


def _consequences(found: Recorder, below: Place, requirements: Sequence[str], of: str) -> None:
    """Root violations of ``requirements`` at or below a place merely follow from the full cause code ``of``."""
    found.observations = [
        replace(one, consequence_of=of)
        if one.is_root
        and one.requirement in requirements
        and one.place is not None
        and f"{one.place.xpath}/".startswith(f"{below.xpath}/")
        else one
        for one in found.observations
    ]


def _name(one: Known) -> str:
    return one.subject.name.raw if one.subject.name else one.code


def _marks(document: Document, one: Known, rules: RuleSet, found: Recorder) -> None:
    """PL1-MON-004, 005, 006."""
    scored = one.scored
    said = one.subject.scoring
    if said is not None and scored is not None:
        wanted = Scoring.MARKS if scored else Scoring.COMMENT
        if said.value is not wanted:
            spelled = {kind: wire for wire, kind in document.pack.binding.values["scoring"].items()}
            found.violated(
                "PL1-MON-004",
                "scoring",
                place=document.place(said),
                expected=spelled[wanted.value],
                seen=said.raw,
                subject=_name(one),
            )
            # results of either kind are not a second mistake
            scored = None
    good = True
    for _, value in one.results:
        result = value.value
        if result is None and ETH in value.raw:
            # PL1-DOC-005 says so
            continue
        outcome = isinstance(result, Outcome)
        if scored is False and not outcome:
            good = False
            cause = "mark-in-comment-subject" if value.raw[:1].isdigit() else "not-an-outcome"
            found.violated("PL1-MON-004", cause, place=document.place(value), seen=value.raw, subject=_name(one))
        elif scored and outcome and result is not Outcome.EXEMPT:
            good = False
            found.violated(
                "PL1-MON-004",
                "outcome-in-scored-subject",
                place=document.place(value),
                seen=value.raw,
                subject=_name(one),
            )
        elif not isinstance(result, Outcome):
            _one_mark(document, one, value, result, rules, found)
    if good and scored is one.scored and one.results:
        found.held("PL1-MON-004", "scored" if scored else "comment")


def _one_mark(
    document: Document, one: Known, value: Value[Result], mark: Decimal | None, rules: RuleSet, found: Recorder
) -> None:
    """PL1-MON-005 and 006 on one result that should be a mark; ``None``: it cannot be read as one."""
    rule, place = "PL1-MON-005", document.place
    expected = cause = ""
    formats = document.pack.binding.formats
    if mark is not None and _proper(mark, rules) and formats.is_plain(value.raw):
        found.held(rule)
        found.held("PL1-MON-006")
        return
    mark = mark if mark is not None else formats.read_number(value.raw)
    if mark is None:
        cause = "comma" if formats.is_otherwise(value.raw) else "not-a-mark"
        expected = formats.respelled(value.raw) if cause == "comma" else ""
    else:
        if not rules.mark_minimum <= mark <= rules.mark_maximum:
            cause = "out-of-range"
        elif mark != rounded(mark, rules) or formats.decimals(value.raw) > rules.rounding_digits:
            cause, expected = "two-decimals", formats.write_mark(shown(rounded(mark, rules)))
    if cause or mark is None:
        expected = expected or f"{shown(rules.mark_minimum)} … {shown(rules.mark_maximum)}"
        found.violated(rule, cause, place=place(value), expected=expected, seen=value.raw[:20], subject=_name(one))
        return
    found.held(rule)
    if formats.is_plain(value.raw):
        found.held("PL1-MON-006")
    else:
        found.violated(
            "PL1-MON-006", "spelling", place=place(value), expected=formats.write_mark(shown(mark)), seen=value.raw
        )


def _years(document: Document, subjects: Sequence[Known], rules: RuleSet, found: Recorder) -> None:
    """PL1-MON-008 for marks, PL1-MON-009 for comment-only subjects: from the semesters the document states."""
    wrong: list[tuple[Known, Value[Result], Derived[Decimal], tuple[str, ...]]] = []
    for one in subjects:
        subject = one.subject
        first, second = _value(subject.semester1), _value(subject.semester2)
        if isinstance(first, Decimal) and isinstance(second, Decimal) and one.scored is not False:
            if not (_proper(first, rules) and _proper(second, rules)):
                # PL1-MON-005 says so; nothing follows from such marks
                continue
            derived = year_mark(first, second, rules)
            year = _value(subject.year)
            if _empty(subject.year):
                found.violated(
                    "PL1-MON-008",
                    "missing",
                    place=document.place(subject),
                    expected=shown(derived.value),
                    derivation=derived.steps,
                    subject=_name(one),
                )
            elif year == derived.value:
                found.held("PL1-MON-008")
                if shown(derived.value) != derived.steps[0].params["exact"]:
                    found.held("PL1-MON-008", "rounded")
            elif subject.year is not None and isinstance(year, Decimal) and _proper(year, rules):
                wrong.append((one, subject.year, derived, year_mark_mistakes(first, second, year, rules)))
        elif one.scored is False:
            _comment_year(document, one, second, rules, found)
        elif one.scored:
            _without_semester(document, one, "PL1-MON-008", found)
    # one mistake in the software shows in many marks: the cause that explains them all is the likely one
    common = common_mistake([mistakes for *_, mistakes in wrong]) if wrong else ""
    for one, value, derived, mistakes in wrong:
        found.violated(
            "PL1-MON-008",
            common or next(iter(mistakes), "wrong"),
            place=document.place(value),
            expected=shown(derived.value),
            seen=value.raw,
            derivation=derived.steps,
            subject=_name(one),
            article=derived.article,
        )


def _comment_year(document: Document, one: Known, second: Result | None, rules: RuleSet, found: Recorder) -> None:
    subject = one.subject
    if second not in (Outcome.PASSED, Outcome.FAILED):
        _without_semester(document, one, "PL1-MON-009", found)
        return
    wanted = comment_year(Outcome(str(second)), rules)
    year, first = _value(subject.year), _value(subject.semester1)
    if year is wanted.value:
        found.held("PL1-MON-009")
        if first in (Outcome.PASSED, Outcome.FAILED) and first is not year:
            found.held("PL1-MON-009", "failed-first" if year is Outcome.PASSED else "failed-second")
        return
    if year not in (None, Outcome.PASSED, Outcome.FAILED) or (year is None and not _empty(subject.year)):
        # not an outcome: PL1-MON-004 and 007 say so
        return
    cause = "missing" if _empty(subject.year) else "semester1-decides" if year is first else "differs"
    found.violated(
        "PL1-MON-009",
        cause,
        place=document.place(subject if _empty(subject.year) else subject.year),
        expected=subject.semester2.raw if subject.semester2 else "",
        seen=subject.year.raw if subject.year else "",
        derivation=wanted.steps,
        subject=_name(one),
        article=wanted.article,
    )


def _without_semester(document: Document, one: Known, rule: str, found: Recorder) -> None:
    """A year result is not derived when a semester is missing."""
    subject = one.subject
    if not (_empty(subject.semester1) or _empty(subject.semester2)):
        return
    if _value(subject.year) in (None, Outcome.EXEMPT):
        if _empty(subject.year) and not (_empty(subject.semester1) and _empty(subject.semester2)):
            found.held(rule, "missing-semester")
        return
    if rule == "PL1-MON-009" and not _empty(subject.semester2):
        return
    found.violated(
        rule,
        "semester-missing",
        place=document.place(subject.year),
        seen=subject.year.raw if subject.year else "",
        subject=_name(one),
    )


def _value(value: Value[Result] | None) -> Result | None:
    return value.value if value else None


@lru_cache(maxsize=4096)
def _proper(mark: Decimal, rules: RuleSet) -> bool:
    """Inside the scale and rounded; if not, PL1-MON-005 says so."""
    return rules.mark_minimum <= mark <= rules.mark_maximum and mark == rounded(mark, rules)


def _exemption(document: Document, one: Known, found: Recorder) -> None:
    """PL1-MON-007."""
    results = dict(one.results)
    exempt = [period for period, value in results.items() if value.value is Outcome.EXEMPT]
    if not exempt:
        return
    if one.entry is not None and not one.entry.data.get("exemptible"):
        place = document.place(results[exempt[0]])
        found.violated("PL1-MON-007", "not-exemptible", place=place, seen=_name(one))
        return
    if exempt == ["reassessed"]:
        again = results["reassessed"]
        found.violated("PL1-MON-007", "reassessed", place=document.place(again), seen=again.raw, subject=_name(one))
        return
    semesters = [period for period in ("semester1", "semester2") if period in exempt]
    year, last = results.get("year"), results.get("semester2")
    if any(value.value is None for value in results.values()):
        # a result that cannot be read may be meant as an exemption: PL1-MON-004 says so
        return
    if year is not None and year.value is Outcome.EXEMPT and (last is None or last.value is not Outcome.EXEMPT):
        found.violated("PL1-MON-007", "year-only", place=document.place(year), seen=_name(one))
    elif len(semesters) == 2 and year is not None and year.value is not Outcome.EXEMPT:
        found.violated("PL1-MON-007", "year-given", place=document.place(year), seen=year.raw)
    else:
        found.held("PL1-MON-007", "exempt")


def _given(document: Document, subjects: Sequence[Known], found: Recorder) -> None:
    """PL1-MON-004: an assessed learner has a result in every subject; a single semester may be missing."""
    transcript = document.transcript
    if _free(transcript):
        return
    for one in subjects:
        empty = [_empty(getattr(one.subject, period)) for period in ("semester1", "semester2")]
        if one.scored is None or not any(empty):
            continue
        if not all(empty):
            found.held("PL1-MON-004", "missing-semester")
        else:
            found.violated(
                "PL1-MON-004", "no-result", place=document.place(one.subject), subject=_name(one),
                consequence_of=unclear(transcript),
            )  # fmt: skip
