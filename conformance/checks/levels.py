"""HT, RL, LL: levels, conduct, promotion, titles (PL1-HT-001 … 004, PL1-RL-001, PL1-LL-001 … 006).

Every rule judges a stated result from the *stated* inputs, so that one mistake is found once.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from conformance.checks.context import Context
from conformance.checks.structure import programme_of, rules_of
from conformance.checks.subjects import Known, individual_plan, known_subjects, not_assessed
from conformance.document import Document
from conformance.finding import Place, Recorder
from conformance.pack import RuleSet
from conformance.transcript.academics import conduct_of_year, may_be_promoted
from conformance.transcript.learning import Entry, Rating, rate
from conformance.transcript.model import Level, Outcome, Result, Transcript, Value

PERIODS = ("semester1", "semester2", "year")


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge levels, promotion and titles; nothing when the document names no rule set (PL1-STR-007 says so)."""
    rules = rules_of(document, context)
    programme = programme_of(document, context)
    if rules is None or programme is None:
        return
    transcript = document.transcript
    subjects = known_subjects(document, context)
    _conduct(document, transcript, rules, found)
    if not_assessed(transcript):
        _not_assessed(document, transcript, found)
    elif individual_plan(transcript):
        found.held("PL1-LL-005", "individual-plan")
    else:
        for period in PERIODS:
            _learning(document, transcript, subjects, period, rules, found)
        _after_reassessment(document, transcript, subjects, rules, found)
        _promotion(document, transcript, rules, found)
        _completion(document, transcript, rules, found)
    _wording(document, transcript, rules, found)
    _title(document, transcript, subjects, rules, found)
    if context.pack.programmes[programme].family == "GDPT":
        _history(document, transcript, found)


def _entries(subjects: Sequence[Known], period: str, rules: RuleSet) -> list[Entry] | None:
    """The results of a period; ``None`` when one is missing or unreadable, so that nothing can be derived."""
    entries = []
    for one in subjects:
        value: Value[Result] | None = getattr(one.subject, period)
        if not rules.comment_only and one.role == "activity":
            # activities carry no mark in GDTX (open point)
            continue
        if value is None or value.value is None:
            return None
        if isinstance(value.value, Decimal) and not rules.mark_minimum <= value.value <= rules.mark_maximum:
            return None
        of_its_kind = value.value is Outcome.EXEMPT or one.scored is None or one.scored is isinstance(value.value, Decimal)
        if not of_its_kind:
            return None
        entries.append(Entry(one.code, value.value, one.role == "optional"))
    return entries or None


def _words(levels: Sequence[Level]) -> str:
    return " / ".join(f"{{level.{level.value}}}" for level in levels)


def _learning(
    document: Document, transcript: Transcript, subjects: Sequence[Known], period: str, rules: RuleSet, found: Recorder
) -> None:
    """PL1-HT-001, 002, 003."""
    entries = _entries(subjects, period, rules)
    value: Value[Level] | None = getattr(transcript.summary.learning, period)
    if entries is None:
        return
    rating = rate(entries, rules)
    place = document.place(value if value is not None else transcript.summary.learning)
    if value is None or value.raw == "":
        found.violated(
            "PL1-HT-001",
            "missing",
            place=place,
            expected=_words(rating.levels),
            derivation=rating.steps,
            period=f"{{period.{period}}}",
        )
        return
    if value.value is None:
        return
    _rated(found, rating, value.value, place=place, raw=value.raw, period=period)


def _rated(found: Recorder, rating: Rating, level: Level, *, place: Place, raw: str, period: str) -> None:
    certain = rating.certain
    said = f"{{period.{period}}}"
    if certain is None:
        names = "; ".join(f"{name}: {{level.{one.value}}}" for name, one in rating.by_reading.items())
        if level in rating.levels:
            found.violated(
                "PL1-HT-003", "readings-differ", place=place, expected=_words(rating.levels), seen=raw,
                derivation=rating.steps, readings=names, period=said,
            )  # fmt: skip
        else:
            rule = "PL1-HT-002" if rating.raised else "PL1-HT-001"
            found.violated(
                rule, "no-reading", place=place, expected=_words(rating.levels), seen=raw,
                derivation=rating.steps, readings=names, period=said,
            )  # fmt: skip
        return
    if rating.raised:
        if level is certain:
            found.held("PL1-HT-002", "raised")
            return
        cause = "not-raised" if level is rating.base else "raised-too-far" if level.rank > certain.rank else "wrong"
        found.violated(
            "PL1-HT-002", cause, place=place, expected=_words([certain]), seen=raw, derivation=rating.steps, period=said
        )  # fmt: skip
    elif level is certain:
        found.held("PL1-HT-001", level.value)
    else:
        cause = "too-high" if level.rank > certain.rank else "too-low"
        found.violated(
            "PL1-HT-001", cause, place=place, expected=_words([certain]), seen=raw, derivation=rating.steps, period=said
        )  # fmt: skip


def _after_reassessment(
    document: Document, transcript: Transcript, subjects: Sequence[Known], rules: RuleSet, found: Recorder
) -> None:
    """PL1-HT-004."""
    rule = "PL1-HT-004"
    value = transcript.summary.learning.after_summer
    replaced = [one for one in subjects if one.subject.reassessed is not None and one.subject.reassessed.raw]
    given = value is not None and value.raw != ""
    if not replaced:
        if given:
            found.violated(rule, "without-reassessment", place=document.place(value), seen=value.raw if value else "")
        elif transcript.summary.learning.year and transcript.summary.learning.year.value is Level.UNSATISFACTORY:
            found.held(rule, "may")
        return
    if not given or value is None:
        found.violated(rule, "missing", place=document.place(transcript.summary.learning))
        return
    entries = _entries(subjects, "year", rules)
    if entries is None or value.value is None:
        return
    results = {one.code: one.subject.reassessed.value for one in replaced if one.subject.reassessed}
    if any(result is None for result in results.values()):
        return
    renewed = [
        Entry(one.name, results[one.name], one.optional) if one.name in results else one  # type: ignore[arg-type]
        for one in entries
    ]
    rating = rate(renewed, rules)
    if value.value in rating.levels:
        found.held(rule, "august")
    else:
        found.violated(
            rule, "wrong", place=document.place(value), expected=_words(rating.levels), seen=value.raw,
            derivation=rating.steps, article=rules.articles["reassessment"],
        )  # fmt: skip


def _conduct(document: Document, transcript: Transcript, rules: RuleSet, found: Recorder) -> None:
    """PL1-RL-001."""
    rule = "PL1-RL-001"
    levels = transcript.summary.conduct
    first, second, year = (
        value.value if value else None for value in (levels.semester1, levels.semester2, levels.year)
    )
    if first is not None and second is not None:
        derived = conduct_of_year(first, second, rules)
        if levels.year is None or levels.year.raw == "":
            found.violated(
                rule,
                "missing",
                place=document.place(levels),
                expected=_words([derived.value]),
                derivation=derived.steps,
            )
        elif year is not None and year is not derived.value:
            found.violated(
                rule, "wrong", place=document.place(levels.year), expected=_words([derived.value]),
                seen=levels.year.raw, derivation=derived.steps, article=derived.article,
            )  # fmt: skip
        elif year is not None:
            found.held(rule, year.value)
    after = levels.after_summer
    if after is None or after.raw == "" or year is None:
        return
    if year is Level.UNSATISFACTORY:
        found.held(rule, "after-summer")
    else:
        found.violated(
            rule, "training-not-needed", place=document.place(after), seen=after.raw, article=rules.articles["summer-training"]
        )  # fmt: skip


def _final(transcript: Transcript) -> tuple[Level | None, Level | None]:
    """Final conduct and learning: after summer where given, else of the year."""
    conduct, learning = transcript.summary.conduct, transcript.summary.learning
    finals = []
    for levels in (conduct, learning):
        after = levels.after_summer.value if levels.after_summer else None
        year = levels.year.value if levels.year else None
        finals.append(after if after is not None else year)
    return finals[0], finals[1]


def _absences(transcript: Transcript) -> Decimal | None:
    value = transcript.summary.absences
    if value is None or value.raw == "":
        return Decimal(0)
    return value.value


def _promotion(document: Document, transcript: Transcript, rules: RuleSet, found: Recorder) -> None:
    """PL1-LL-001."""
    rule = "PL1-LL-001"
    grade = transcript.record.grade.value if transcript.record.grade else None
    conduct, learning = _final(transcript)
    absences = _absences(transcript)
    if grade not in rules.promotion_grades or conduct is None or learning is None or absences is None:
        return
    derived = may_be_promoted(conduct, learning, absences, rules)
    value = transcript.summary.promoted
    if value is None or value.raw == "":
        found.violated(
            rule, "missing", place=document.place(transcript.summary), expected=derived.value, derivation=derived.steps
        )
        return
    if value.value is None:
        found.violated(rule, "not-a-flag", place=document.place(value), expected="0, 1", seen=value.raw)
        return
    if value.value is derived.value:
        if derived.value:
            found.held(rule, "promoted")
        else:
            found.held(rule, _why_retained(conduct, learning, absences, rules))
        return
    if value.value:
        cause = "promoted-" + _why_retained(conduct, learning, absences, rules).removeprefix("retained-")
    else:
        cause = "retained-wrongly"
    found.violated(
        rule, cause, place=document.place(value), expected=int(derived.value), seen=value.raw, derivation=derived.steps,
        absences=absences, limit=rules.promotion_absences, article=derived.article,
    )  # fmt: skip


def _why_retained(conduct: Level, learning: Level, absences: Decimal, rules: RuleSet) -> str:
    if absences > rules.promotion_absences:
        return "retained-absences"
    if learning.rank < Level(rules.promotion_learning).rank:
        return "retained-learning"
    return "retained-conduct"


def _completion(document: Document, transcript: Transcript, rules: RuleSet, found: Recorder) -> None:
    """PL1-LL-002: grades 9 and 12."""
    rule = "PL1-LL-002"
    grade = transcript.record.grade.value if transcript.record.grade else None
    conduct, learning = _final(transcript)
    absences = _absences(transcript)
    if grade not in rules.completion_grades or conduct is None or learning is None or absences is None:
        return
    derived = may_be_promoted(conduct, learning, absences, rules)
    text = transcript.summary.completion_text
    said = text is not None and text.raw != "" and not _is(text.raw, rules.wordings["not-completed"], transcript)
    place = document.place(text if text is not None else transcript.summary)
    if said is derived.value:
        found.held(rule, "completed" if said else "not-completed")
    else:
        cause = "completed-wrongly" if said else "completion-missing"
        found.violated(
            rule, cause, place=place, expected=int(derived.value), seen=text.raw if text else "",
            derivation=derived.steps, article=rules.articles["completion"],
        )  # fmt: skip


def _is(text: str, wordings: Sequence[str], transcript: Transcript) -> bool:
    grade = transcript.record.grade.value if transcript.record.grade else None
    folded = " ".join(text.split()).casefold()
    return any(folded.startswith(wording.replace("{next}", str((grade or 0) + 1)).casefold()) for wording in wordings)


def _wording(document: Document, transcript: Transcript, rules: RuleSet, found: Recorder) -> None:
    """PL1-LL-003."""
    rule = "PL1-LL-003"
    flag, text = transcript.summary.promoted, transcript.summary.promotion_text
    if text is None or text.raw == "" or flag is None or flag.value is None:
        return
    negative = _is(text.raw, rules.wordings["retained"], transcript)
    positive = not negative and _is(text.raw, rules.wordings["promoted"], transcript)
    if flag.value and negative:
        found.violated(rule, "text-retains", place=document.place(text), expected=flag.raw, seen=text.raw[:150])
    elif not flag.value and positive:
        found.violated(rule, "text-promotes", place=document.place(text), expected=flag.raw, seen=text.raw[:150])
    elif not negative and not positive:
        wanted = " / ".join((*rules.wordings["promoted"], *rules.wordings["retained"]))
        found.violated(rule, "other-wording", place=document.place(text), expected=wanted, seen=text.raw[:150])
    else:
        found.held(rule)


def _title(
    document: Document, transcript: Transcript, subjects: Sequence[Known], rules: RuleSet, found: Recorder
) -> None:
    """PL1-LL-004: a title only when earned; earned and not given is right."""
    rule = "PL1-LL-004"
    value = transcript.summary.title
    if value is None or value.raw == "":
        found.held(rule, "not-given")
        return
    day = transcript.dated
    named = [one for one in rules.titles if one.title.casefold() == (value.value or "").casefold()]
    if not named:
        wanted = ", ".join(dict.fromkeys(one.title for one in rules.titles))
        found.violated(rule, "unknown", place=document.place(value), expected=wanted, seen=value.raw[:100])
        return
    valid = [
        one for one in named
        if day is None or ((one.valid_from is None or one.valid_from <= day) and (one.valid_to is None or day <= one.valid_to))
    ]  # fmt: skip
    if not valid:
        found.violated(rule, "not-in-force", place=document.place(value), expected=str(day), seen=value.raw)
        return
    title = valid[0]
    conduct = transcript.summary.conduct.year.value if transcript.summary.conduct.year else None
    learning = transcript.summary.learning.year.value if transcript.summary.learning.year else None
    if conduct is None or (learning is None and not not_assessed(transcript)):
        return
    missing = []
    if conduct.rank < Level(title.conduct).rank:
        missing.append("conduct")
    if learning is None or learning.rank < Level(title.learning).rank:
        missing.append("learning")
    enough = 0
    if title.counted is not None:
        marks = [one.subject.year.value for one in subjects if one.scored and one.subject.year is not None]
        enough = sum(isinstance(mark, Decimal) and mark >= title.counted for mark in marks)
        if enough < title.count:
            missing.append("marks")
    if missing:
        found.violated(
            rule, f"not-earned-{missing[0]}", place=document.place(value), expected=title.title, seen=value.raw,
            count=enough, needed=title.count, counted=title.counted or "", article=title.article,
        )  # fmt: skip
    else:
        found.held(rule, "excellent" if title.counted is not None else "good")


def _not_assessed(document: Document, transcript: Transcript, found: Recorder) -> None:
    """PL1-LL-005."""
    given = [
        value
        for period in PERIODS
        if (value := getattr(transcript.summary.learning, period)) is not None and value.raw != ""
    ]
    if given:
        found.violated("PL1-LL-005", "level-given", place=document.place(given[0]), seen=given[0].raw)
    else:
        found.held("PL1-LL-005", "not-assessed")


def _history(document: Document, transcript: Transcript, found: Recorder) -> None:
    """PL1-LL-006."""
    rule = "PL1-LL-006"
    if not transcript.history:
        return
    years = [year.school_year.value for year in transcript.history if year.school_year]
    now = transcript.record.school_year.value if transcript.record.school_year else None
    good = True
    for position, year in enumerate(years):
        previous = years[position - 1] if position else None
        if year is None:
            continue
        if (previous is not None and year < previous) or (now is not None and year > now):
            good = False
            entry = transcript.history[position]
            seen = entry.school_year.raw if entry.school_year else ""
            found.violated(rule, "not-ascending", place=document.place(entry), seen=seen)
            break
    moved = [year for year in transcript.history if year.transferred_on is not None and year.transferred_on.raw]
    schools = {year.school_name.raw for year in transcript.history if year.school_name and year.school_name.raw}
    if transcript.school.name:
        schools.add(transcript.school.name.raw)
    if moved and len(schools) < 2:
        good = False
        found.violated(rule, "one-school", place=document.place(moved[0]), seen=", ".join(schools))
    if good:
        found.held(rule, "transfer" if moved else "checked")
