"""HT, RL and re-assessment: levels of learning and conduct (PL1-HT-001 … 004, PL1-RL-001, PL1-MON-010).

Every rule judges a stated result from the *stated* inputs, so that one mistake is found once. Where a stated result
fits what its wrong input should have been, the finding is a consequence of that input's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from conformance.checks.context import Context
from conformance.checks.promotion import Finals, judge_history, judge_year
from conformance.checks.structure import programme_of, rules_of
from conformance.checks.subjects import Known, individual_plan, known_subjects, not_assessed, unclear
from conformance.document import Document
from conformance.finding import Recorder
from conformance.pack import RuleSet
from conformance.transcript.academics import comment_year, conduct_mistake, conduct_of_year, shown, year_mark
from conformance.transcript.learning import Entry, Rating, likely_mistake, rate
from conformance.transcript.model import Level, Levels, Outcome, Result, Scoring, Value

PERIODS = ("semester1", "semester2", "year")
_MISSING = ("PL1-MON-001.missing", "PL1-MON-001.split")
_TOO_FEW = "PL1-MON-002.too-few"


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge levels, promotion and titles; nothing when the document names no rule set (PL1-STR-007 says so)."""
    rules = rules_of(document, context)
    programme = programme_of(document, context)
    if rules is None or programme is None:
        return
    transcript = document.transcript
    subjects = known_subjects(document, context)
    finals = Finals(transcript)
    _conduct(document, rules, found, finals)
    derived = not (not_assessed(transcript) or individual_plan(transcript))
    _special(document, found)
    absent = _absent(context, programme, rules, found) if derived else Absent()
    # subjects are left out beside a flag that cannot be read: who knows whether levels follow
    derived = derived and not (absent.cause and unclear(transcript))
    finals.absent, finals.absent_marks = absent.cause, len(absent.scored)
    if derived:
        for period in PERIODS:
            _learning(document, subjects, period, rules, found, finals, absent)
        _after_reassessment(document, subjects, rules, found, finals, absent)
    for one in subjects:
        _reassessed(document, one, rules, found)
    judge_year(document, subjects, rules, found, finals, derived=derived)
    if rules.study_history:
        judge_history(document, found)


def first_of(found: Recorder, *requirements: str) -> str:
    """Full cause code of the first violation of one of the requirements; empty when there is none."""
    return next((one.code for one in found.violations if one.requirement in requirements), "")


# ------------------------------------------------------------------------------------------------- learning


@dataclass(frozen=True, slots=True)
class Absent:
    """Subjects that should be there: a level that fits any result of theirs is no second mistake."""

    cause: str = ""
    """Full cause code of what says so; empty: nothing is missing."""
    scored: tuple[str, ...] = ()
    comment_only: tuple[str, ...] = ()

    def fits(self, level: Level, entries: Sequence[Entry], rules: RuleSet) -> bool:
        """Whether some result of what is missing, from the lowest mark to the highest, gives the level."""
        if not self.cause:
            return False
        results = (rules.mark_minimum, Outcome.FAILED), (rules.mark_maximum, Outcome.PASSED)
        worst, best = (
            rate(
                (
                    *entries,
                    *(Entry(name, mark) for name in self.scored),
                    *(Entry(name, outcome) for name in self.comment_only),
                ),
                rules,
            ).levels
            for mark, outcome in results
        )
        return worst[-1].rank <= level.rank <= best[0].rank


def _absent(context: Context, programme: str, rules: RuleSet, found: Recorder) -> Absent:
    """What PL1-MON-001 and 002 miss."""
    told = {one.params.get("subject", ""): one.code for one in found.violations if one.code in _MISSING}
    places = [
        (entry.name, (entry.data["programmes"].get(programme) or {}).get("scoring") == Scoring.MARKS.value)
        for entry in (context.pack.codes["subjects"] if told else ())
        if entry.name in told
    ]
    few = next((one for one in found.violations if one.code == _TOO_FEW), None)
    electives = [f"[{_TOO_FEW}]"] * (rules.electives - int(few.seen)) if few is not None else []
    if not places and not electives:
        return Absent()
    return Absent(
        told[places[0][0]] if places else _TOO_FEW,
        (*(name for name, scored in places if scored), *electives),
        tuple(name for name, scored in places if not scored),
    )


def _entries(
    subjects: Sequence[Known], period: str, rules: RuleSet, *, corrected: bool = False, again: bool = False,
    supposed: bool = False,
) -> list[Entry] | None:  # fmt: skip
    """The results of a period; ``None`` when one is missing or can't be what it says, so that nothing can be derived.

    Args:
        subjects: the document's subjects.
        period: a semester or the year.
        rules: the scale of marks; whether activities count.
        corrected: with the year results that follow from the semesters, instead of those stated.
        again: with the results of re-assessment where there are any.
        supposed: with the best there is in the place of results that are not written.
    """
    entries = []
    for at, one in enumerate(subjects):
        if one.part or (not rules.comment_only and one.role == "activity"):
            # the whole is missing; how activities stand in a transcript without comment-only subjects is open
            continue
        value: Value[Result] | None = getattr(one.subject, period)
        if again and one.subject.reassessed is not None and one.subject.reassessed.raw:
            value = one.subject.reassessed
        result = value.value if value else None
        if corrected and value is not one.subject.reassessed:
            result = _following(one, result, rules)
        if result is None and supposed and (value is None or not value.raw) and one.scored is not None:
            result = rules.mark_maximum if one.scored else Outcome.PASSED
        if result is None:
            return None
        if isinstance(result, Decimal):
            if one.scored is False or not rules.mark_minimum <= result <= rules.mark_maximum:
                return None
        elif one.scored and result is not Outcome.EXEMPT:
            return None
        name = one.subject.name.raw if one.subject.name else one.code
        entries.append(Entry(name or f"[{at + 1}]", result, one.role == "optional"))
    return entries or None


def _following(one: Known, stated: Result | None, rules: RuleSet) -> Result | None:
    """The year result that follows from the semesters; the stated one where none follows."""
    values = [value.value if value else None for value in (one.subject.semester1, one.subject.semester2)]
    first, second = values
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return year_mark(first, second, rules).value
    if one.scored is False and isinstance(second, Outcome) and second is not Outcome.EXEMPT:
        return comment_year(second, rules).value
    return stated


def words(levels: Sequence[Level]) -> str:
    """Levels by the key of their text: the wording is the pack's."""
    return " / ".join(f"{{level.{level.value}}}" for level in levels)


def _readings(rating: Rating) -> str:
    return "; ".join(
        f"{', '.join(f'{{reading.{part}}}' for part in parts)}: {{level.{level.value}}}"
        for parts, level in rating.differences.items()
    )


def _learning(
    document: Document, subjects: Sequence[Known], period: str, rules: RuleSet, found: Recorder, finals: Finals,
    absent: Absent,
) -> None:  # fmt: skip
    """PL1-HT-001, 002, 003."""
    entries = _entries(subjects, period, rules)
    levels = document.transcript.summary.learning
    value: Value[Level] | None = getattr(levels, period)
    if value is not None and value.raw and value.value is None:
        return
    if entries is None:
        _unfounded(document, subjects, period, rules, found, value)
        return
    rating = rate(entries, rules)
    if value is None or value.value is None:
        found.violated(
            "PL1-HT-001", "missing", place=document.place(value if value is not None else levels),
            expected=words(rating.levels), derivation=rating.steps, period=f"{{period.{period}}}",
        )  # fmt: skip
        return
    level = value.value
    if level not in rating.levels:
        root = absent.cause if absent.fits(level, entries, rules) else ""
        if not root and period == "year" and (wrong := first_of(found, "PL1-MON-008", "PL1-MON-009")):
            right = _entries(subjects, period, rules, corrected=True)
            root = wrong if right is not None and level in rate(right, rules).levels else ""
        if root:
            found.violated(
                "PL1-HT-001", "too-high" if level.rank > rating.base.rank else "too-low",
                place=document.place(value),
            expected=words(rating.levels), seen=value.raw, derivation=rating.steps, period=f"{{period.{period}}}",
                consequence_of=root,
            )  # fmt: skip
            return
    follows = absent.cause if absent.fits(level, entries, rules) else ""
    root = _rated(document, found, rating, value, entries, rules, period=period, follows=follows)
    if root and period == "year":
        finals.learning_is(rating.levels, root)


def _unfounded(
    document: Document, subjects: Sequence[Known], period: str, rules: RuleSet, found: Recorder,
    value: Value[Level] | None,
) -> None:  # fmt: skip
    """PL1-HT-001 where results are missing: a level of a period without any, or above what the others allow."""
    if value is None or value.value is None or not subjects:
        return
    said = f"{{period.{period}}}"
    results = [getattr(one.subject, period) for one in subjects]
    if not any(result is not None and result.raw for result in results):
        found.violated("PL1-HT-001", "no-results", place=document.place(value), seen=value.raw, period=said)
        return
    entries = _entries(subjects, period, rules, supposed=True)
    if entries is None:
        return
    best = rate(entries, rules)
    if value.value.rank > best.levels[0].rank:
        found.violated(
            "PL1-HT-001", "not-reachable", place=document.place(value), expected=words(best.levels[:1]),
            seen=value.raw, period=said,
        )  # fmt: skip


def _rated(
    document: Document, found: Recorder, rating: Rating, value: Value[Level], entries: Sequence[Entry], rules: RuleSet,
    *, period: str, follows: str = "",
) -> str:  # fmt: skip
    """Observe one stated level; the full cause code when it is wrong. ``follows``: what doubtful readings come from."""
    certain, said, level = rating.certain, f"{{period.{period}}}", value.value
    if level is None:
        return ""
    if certain is None:
        differ = level in rating.levels
        rule = "PL1-HT-003" if differ else "PL1-HT-002" if rating.raised else "PL1-HT-001"
        one = found.violated(
            rule, "readings-differ" if differ else "no-reading", place=document.place(value),
            expected=words(rating.levels), seen=value.raw,
            derivation=rating.steps, readings=_readings(rating), period=said, consequence_of=follows,
        )  # fmt: skip
        return "" if differ else one.code
    found.held("PL1-HT-003")
    rule = "PL1-HT-002" if rating.raised else "PL1-HT-001"
    if level is certain:
        found.held(rule, "raised" if rating.raised else level.value)
        if not rating.raised:
            # rated with the adjustment too: it gives nothing here
            found.held("PL1-HT-002")
        return ""
    if rating.raised:
        cause = "not-raised" if level is rating.base else "raised-too-far" if level.rank > certain.rank else "wrong"
    else:
        cause = likely_mistake(entries, level, rules) or ("too-high" if level.rank > certain.rank else "too-low")
    return found.violated(
        rule, cause, place=document.place(value),
            expected=words([certain]), seen=value.raw, derivation=rating.steps, period=said,
        article=rating.article,
    ).code  # fmt: skip


# --------------------------------------------------------------------------------------------- re-assessment


def _after_reassessment(
    document: Document, subjects: Sequence[Known], rules: RuleSet, found: Recorder, finals: Finals, absent: Absent
) -> None:
    """PL1-HT-004: May (not yet re-assessed) and August are both right."""
    rule = "PL1-HT-004"
    levels = document.transcript.summary.learning
    value = levels.after_summer
    replaced = [one for one in subjects if one.subject.reassessed is not None and one.subject.reassessed.raw]
    if value is None or value.raw == "":
        if replaced:
            entries = _entries(subjects, "year", rules, again=True)
            rating = rate(entries, rules, again=True) if entries else None
            one = found.violated(
                rule, "missing", place=document.place(levels), expected=words(rating.levels) if rating else "",
                derivation=rating.steps if rating else (),
            )  # fmt: skip
            if rating:
                finals.learning_is(rating.levels, one.code)
        elif levels.year is not None and levels.year.value is Level.UNSATISFACTORY:
            found.held(rule, "may")
        return
    if not replaced:
        found.violated(rule, "without-reassessment", place=document.place(value), seen=value.raw)
        return
    entries = _entries(subjects, "year", rules, again=True)
    if entries is None or value.value is None:
        return
    rating = rate(entries, rules, again=True)
    if value.value in rating.levels:
        found.held(rule, "august")
        if rating.certain is None:
            found.violated(
                "PL1-HT-003", "readings-differ", place=document.place(value), expected=words(rating.levels),
                seen=value.raw, derivation=rating.steps, readings=_readings(rating), period="{period.summer}",
            )  # fmt: skip
        return
    root = first_of(found, "PL1-MON-008", "PL1-MON-009")
    right = _entries(subjects, "year", rules, corrected=True, again=True) if root else None
    follows = root if right is not None and value.value in rate(right, rules, again=True).levels else ""
    if absent.fits(value.value, entries, rules):
        follows = absent.cause
    old = levels.year is not None and value.value is levels.year.value
    one = found.violated(
        rule, "old-level-kept" if old else "wrong", place=document.place(value), expected=words(rating.levels),
        seen=value.raw, derivation=rating.steps, article=rules.articles["reassessment"], consequence_of=follows,
    )  # fmt: skip
    finals.learning_is(rating.levels, one.code)


def _reassessed(document: Document, one: Known, rules: RuleSet, found: Recorder) -> None:
    """PL1-MON-010; both levels Chưa đạt is one reading of the articles only, hence PL1-HT-003."""
    rule, value = "PL1-MON-010", one.subject.reassessed
    if value is None or value.raw == "":
        return
    summary = document.transcript.summary
    conduct = summary.conduct.year.value if summary.conduct.year else None
    learning = summary.learning.year.value if summary.learning.year else None
    stated = one.subject.year.value if one.subject.year else None
    article = rules.articles["reassessment"]
    name = one.subject.name.raw if one.subject.name else one.code
    if stated is not None and not _weak(stated, rules):
        follows = first_of(found, "PL1-MON-008", "PL1-MON-009") if _weak(_following(one, stated, rules), rules) else ""
        if isinstance(value.value, Decimal) is isinstance(stated, Outcome):  # a mark for an outcome, or the reverse
            follows = first_of(found, "PL1-MON-004") or follows
        found.violated(
            rule, "subject-not-weak", place=document.place(value), expected=f"< {shown(rules.reassessment_below)}",
            seen=one.subject.year.raw if one.subject.year else "", subject=name, article=article,
            consequence_of=follows,
        )  # fmt: skip
    elif learning is not None and learning is not Level.UNSATISFACTORY:
        found.violated(
            rule, "learning-not-weak", place=document.place(value),
            seen=summary.learning.year.raw if summary.learning.year else "",
            subject=name, article=article, consequence_of=first_of(found, "PL1-HT-001", "PL1-HT-002"),
        )  # fmt: skip
    elif conduct is not None and conduct.rank < Level(rules.reassessment_conduct).rank:
        found.violated("PL1-HT-003", "both-failed", place=document.place(value), subject=name, article=article)
    elif stated is not None and learning is not None:
        found.held(rule)


def _weak(result: Result | None, rules: RuleSet) -> bool:
    return result is Outcome.FAILED or (isinstance(result, Decimal) and result < rules.reassessment_below)


# --------------------------------------------------------------------------------------------------- conduct


def _conduct(document: Document, rules: RuleSet, found: Recorder, finals: Finals) -> None:
    """PL1-RL-001."""
    rule = "PL1-RL-001"
    levels = document.transcript.summary.conduct
    first, second, year = (
        value.value if value else None for value in (levels.semester1, levels.semester2, levels.year)
    )
    right = year
    if first is not None and second is not None:
        derived = conduct_of_year(first, second, rules)
        if levels.year is None or levels.year.raw == "":
            found.violated(
                rule, "missing", place=document.place(levels), expected=words([derived.value]), derivation=derived.steps
            )
        elif year is derived.value:
            found.held(rule, year.value)
        elif year is not None:
            right = derived.value
            one = found.violated(
                rule, conduct_mistake(first, second, year, rules), place=document.place(levels.year),
                expected=words([derived.value]), seen=levels.year.raw, derivation=derived.steps,
                article=derived.article,
            )  # fmt: skip
            if not _after(levels):
                finals.conduct_is(derived.value, one.code)
    elif not not_assessed(document.transcript):
        _without_semester(document, levels, found)
    if not _after(levels) or year is None:
        return
    if year is Level.UNSATISFACTORY:
        found.held(rule, "after-summer")
    else:
        found.violated(
            rule, "training-not-needed", place=document.place(levels.after_summer), seen=str(levels.after_summer),
            article=rules.articles["summer-training"],
            consequence_of=first_of(found, rule) if right is Level.UNSATISFACTORY else "",
        )  # fmt: skip


def _without_semester(document: Document, levels: Levels, found: Recorder) -> None:
    """Who came in the middle of the year may lack the first semester; what follows from nothing is no result."""
    second, year = (value is not None and value.raw != "" for value in (levels.semester2, levels.year))
    if not year:
        found.violated("PL1-RL-001", "no-result", place=document.place(levels))
    elif not second:
        seen = levels.year.raw if levels.year else ""
        found.violated("PL1-RL-001", "semester-missing", place=document.place(levels.year), seen=seen)


def _after(levels: Levels) -> bool:
    return levels.after_summer is not None and levels.after_summer.raw != ""


def _special(document: Document, found: Recorder) -> None:
    """PL1-LL-005: learners for whom the levels are not derived."""
    rule, transcript = "PL1-LL-005", document.transcript
    for flag in (transcript.profile.not_assessed, transcript.profile.individual_plan):
        if flag is not None and flag.raw and flag.value is None:
            found.violated(rule, "not-a-flag", place=document.place(flag), seen=flag.raw[:20])
    if individual_plan(transcript):
        found.held(rule, "individual-plan")
    if not not_assessed(transcript):
        return
    given = next(
        (
            value
            for period in (*PERIODS, "after_summer")
            if (value := getattr(transcript.summary.learning, period)) is not None and value.raw != ""
        ),
        None,
    )
    conduct = transcript.summary.conduct.year
    if given is not None:
        found.violated(rule, "level-given", place=document.place(given), seen=given.raw)
    elif all(value is None or value.raw == "" for value in (conduct, transcript.summary.conduct.semester1)):
        found.violated(rule, "conduct-missing", place=document.place(transcript.summary.conduct))
    else:
        found.held(rule, "not-assessed")


__all__ = ["PERIODS", "check", "first_of", "words"]
