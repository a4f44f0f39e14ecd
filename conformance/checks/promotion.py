"""LL: promotion, completion, their wording, titles and study history (PL1-LL-001 … 004, 006)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from conformance.checks.subjects import Known, not_assessed
from conformance.document import Document
from conformance.finding import Message, Recorder
from conformance.pack import Pack, RuleSet
from conformance.pack.model import CompletionRule, TitleRule
from conformance.transcript.academics import may_be_promoted, year_mark
from conformance.transcript.model import HistoryYear, Level, Levels, Outcome, Transcript, Value

_GRADE = re.compile(r"(?<![\w./])([0-9]{1,2})(?![\w./])")
_AGE, _IMPLAUSIBLE = "academics.completion-age", "PL1-STR-008.implausible"
_NO_LEVEL = ("PL1-HT-001.missing", "PL1-LL-001.promoted-unrated", "PL1-LL-002.completed-unrated")
"""What says already that no learning level is written."""
_LONGEST = 1000
"""Characters of a wording that are looked at; the form allows far fewer."""


@dataclass(slots=True)
class Finals:
    """The final levels as stated, and what they should have been where they were found wrong."""

    transcript: Transcript
    conducts: list[tuple[Level, str]] = field(default_factory=list)
    """Right levels of conduct, each with the full cause code of the finding that says so."""
    learnings: list[tuple[Level, str]] = field(default_factory=list)

    absent: str = ""
    """Full cause code of subjects that are missing."""
    absent_marks: int = 0
    """How many of them would carry marks."""

    def conduct_is(self, level: Level, root: str) -> None:
        """The stated conduct is wrong; ``root`` says so."""
        self.conducts.append((level, root))

    def learning_is(self, levels: Sequence[Level], root: str) -> None:
        """The stated learning is wrong; ``root`` says so."""
        self.learnings.extend((level, root) for level in levels)

    @property
    def unrated(self) -> bool:
        """Whether no final learning level is written at all."""
        learning = self.transcript.summary.learning
        return all(one is None or not one.raw for one in (learning.year, learning.after_summer))

    @property
    def stated(self) -> tuple[Level | None, Level | None]:
        """Final conduct and learning: after summer where given, else of the year."""
        summary = self.transcript.summary
        return _final(summary.conduct), _final(summary.learning)

    def others(self) -> Iterator[tuple[Level, Level, str]]:
        """Conduct, learning and root: what would be judged had a wrong level been right."""
        conduct, learning = self.stated
        if conduct is None or learning is None:
            return
        yield from ((right, learning, root) for right, root in self.conducts)
        yield from ((conduct, right, root) for right, root in self.learnings)


def _final(levels: Levels) -> Level | None:
    """The level after summer where one is written, else that of the year; ``None``: it cannot be read."""
    after = levels.after_summer
    last = after if after is not None and after.raw else levels.year
    return last.value if last else None


def judge_year(
    document: Document, subjects: Sequence[Known], rules: RuleSet, found: Recorder, finals: Finals, *, derived: bool
) -> None:
    """Judge promotion or completion, wording and title; ``derived``: levels and promotion follow from results."""
    absences = _absences(document, found)
    if derived:
        _promotion(document, rules, found, finals, absences)
        _completion(document, subjects, rules, found, finals, absences)
    _too_early(document, rules, found)
    _wording(document, rules, found)
    _completion_wording(document, rules, found)
    _title(document, subjects, rules, found, finals)


def _grade(transcript: Transcript) -> int | None:
    return transcript.record.grade.value if transcript.record.grade else None


def _absences(document: Document, found: Recorder) -> Decimal | None:
    """Sessions missed; an absent field is none. ``None``: unreadable, which is said."""
    value = document.transcript.summary.absences
    if value is None or value.raw == "":
        return Decimal(0)
    if value.value is None:
        found.violated("PL1-LL-001", "absences-unreadable", place=document.place(value), seen=value.raw[:20])
    return value.value


# ------------------------------------------------------------------------------------ promotion and completion


def _promotion(
    document: Document, rules: RuleSet, found: Recorder, finals: Finals, absences: Decimal | None
) -> None:  # fmt: skip
    """PL1-LL-001."""
    rule, transcript = "PL1-LL-001", document.transcript
    conduct, learning = finals.stated
    value = transcript.summary.promoted
    if _grade(transcript) not in rules.promotion_grades:
        return
    if value is not None and value.raw and value.value is None:
        found.violated(rule, "not-a-flag", place=document.place(value), expected=_flags(document), seen=value.raw[:20])
        return
    if value is not None and value.value and finals.unrated:
        _unrated(document, rule, "promoted-unrated", value, rules.articles["promotion"], found)
        return
    if conduct is None or learning is None or absences is None:
        return
    derived = may_be_promoted(conduct, learning, absences, rules)
    if value is None or value.value is None:
        found.violated(
            rule, "missing", place=document.place(value if value is not None else transcript.summary),
            expected=_flag(document, derived.value), derivation=derived.steps,
        )  # fmt: skip
        return
    summer = any(one.after_summer is not None for one in (transcript.summary.conduct, transcript.summary.learning))
    if value.value is derived.value:
        if not derived.value:
            found.held(rule, _why_retained(learning, absences, rules))
            return
        found.held(rule, "promoted")
        if summer:
            found.held(rule, "promoted-after-summer")
        if absences == rules.promotion_absences:
            found.held(rule, "promoted-at-limit")
        return
    if value.value:
        cause = "promoted-" + _why_retained(learning, absences, rules).removeprefix("retained-")
    else:
        at_limit = absences == rules.promotion_absences
        cause = "retained-at-limit" if at_limit else "summer-ignored" if summer else "retained-wrongly"
    follows = (
        root
        for right, other, root in finals.others()
        if may_be_promoted(right, other, absences, rules).value is value.value
    )
    found.violated(
        rule, cause, place=document.place(value), expected=_flag(document, derived.value), seen=value.raw,
        derivation=derived.steps, absences=absences, limit=rules.promotion_absences, article=derived.article,
        consequence_of=next(follows, ""),
    )  # fmt: skip


def _unrated(
    document: Document, rule: str, cause: str, value: Value[Any] | None, article: str, found: Recorder
) -> None:
    """What asks for a learning level is said although none is written."""
    found.violated(
        rule, cause, place=document.place(value), seen=value.raw[:150] if value else "", article=article,
        consequence_of=next((one.code for one in found.violations if one.code in _NO_LEVEL), ""),
    )  # fmt: skip


def _flag(document: Document, meaning: bool) -> str:
    """A yes or no as the document has to write it."""
    return next(
        (str(text) for text, one in document.pack.binding.values["flag"].items() if one is meaning), str(meaning)
    )


def _flags(document: Document) -> str:
    return ", ".join(str(one) for one in document.pack.binding.values["flag"])


def _why_retained(learning: Level, absences: Decimal, rules: RuleSet) -> str:
    if absences > rules.promotion_absences:
        return "retained-absences"
    if learning.rank < Level(rules.promotion_learning).rank:
        return "retained-learning"
    return "retained-conduct"


def _completion(
    document: Document, subjects: Sequence[Known], rules: RuleSet, found: Recorder, finals: Finals,
    absences: Decimal | None,
) -> None:  # fmt: skip
    """PL1-LL-002: the last grade of a level, by the conditions on the document's date."""
    rule, transcript = "PL1-LL-002", document.transcript
    grade = _grade(transcript)
    conduct, learning = finals.stated
    if grade not in rules.completion_grades:
        return
    text, flag = transcript.summary.completion_text, transcript.summary.promoted
    written = text is not None and text.raw != ""
    said = written and not _begins(text.value or "" if text else "", rules.wordings.get("not-completed", ()), grade)
    said = said or (not written and flag is not None and flag.value is True)
    if said and finals.unrated:
        _unrated(
            document, rule, "completed-unrated", text if written else flag, rules.articles["completion"], found
        )  # fmt: skip
        return
    if conduct is None or learning is None or absences is None:
        return
    derived = may_be_promoted(conduct, learning, absences, rules)
    more = [
        (one.article, step) for one in rules.completion
        if grade in one.grades and _in_force(one, transcript.dated)
        and (step := _hinders(one, transcript, subjects)) is not None
    ]  # fmt: skip
    earned = derived.value and not more
    if said is earned:
        found.held(rule, "completed" if said else "not-completed")
        return
    article = more[0][0] if derived.value and more else rules.articles["completion"]
    follows = (
        root
        for right, other, root in finals.others()
        if (may_be_promoted(right, other, absences, rules).value and not more) is said
    )
    # what is missing may be the subject that was failed
    hidden = finals.absent if not said else ""
    if derived.value and more and all(step.key == _AGE for _, step in more):
        hidden = next((one.code for one in found.violations if one.code == _IMPLAUSIBLE), hidden)
    cause = "completed-wrongly" if said else "refused-wrongly" if written else "completion-missing"
    right = rules.wordings.get("completed" if earned else "not-completed", ())
    found.violated(
        rule, cause, place=document.place(text if text is not None else transcript.summary),
        expected=next(iter(right), ""), seen=text.raw[:150] if text else flag.raw if flag else "",
        derivation=(*derived.steps, *(step for _, step in more)), article=article,
        consequence_of=next(follows, "") or hidden,
    )  # fmt: skip


def _too_early(document: Document, rules: RuleSet, found: Recorder) -> None:
    """PL1-LL-002: a programme is completed in its last grade; that of a single grade may be noted in any."""
    text, grade = document.transcript.summary.completion_text, _grade(document.transcript)
    if text is None or grade is None or grade in rules.completion_grades or grade not in rules.promotion_grades:
        return
    if _begins(text.value or "", rules.wordings.get("completed", ()), grade) and not _GRADE.search(text.raw[:_LONGEST]):
        found.violated(
            "PL1-LL-002", "completed-too-early", place=document.place(text), seen=text.raw[:150], grade=grade,
            expected=", ".join(map(str, rules.completion_grades)), article=rules.articles["completion"],
        )  # fmt: skip


def _hinders(rule: CompletionRule, transcript: Transcript, subjects: Sequence[Known]) -> Message | None:
    """Which further condition of completion does not hold, as far as the document lets it be seen."""
    if rule.every_subject:
        for one in subjects:
            again = one.subject.reassessed.value if one.subject.reassessed else None
            result = one.subject.year.value if one.subject.year else None
            if (again if again is not None else result) is Outcome.FAILED:
                name = one.subject.name.raw if one.subject.name else one.code
                return Message("academics.completion-subject", {"subject": name, "article": rule.article})
    written = transcript.learner.birth_date
    born = written.value if written else None
    if rule.oldest is None or written is None or born is None or transcript.dated is None:
        return None
    # an incomplete birth date is read in the learner's favour
    year, month, day = born[0], born[1] or 12, born[2] or 28
    had_birthday = (transcript.dated.month, transcript.dated.day) >= (month, day)
    age = transcript.dated.year - year - (not had_birthday)
    if age <= rule.oldest:
        return None
    details = {"born": written.raw, "age": str(age), "limit": str(rule.oldest), "article": rule.article}
    return Message(_AGE, details)


@lru_cache(maxsize=4096)
def _begins(text: str, wordings: tuple[str, ...], grade: int | None) -> bool:
    folded = " ".join(text.split()).casefold()
    return any(folded.startswith(one.replace("{next}", str((grade or 0) + 1)).casefold()) for one in wordings)


def _wording(document: Document, rules: RuleSet, found: Recorder) -> None:
    """PL1-LL-003."""
    rule, transcript = "PL1-LL-003", document.transcript
    flag, text, grade = transcript.summary.promoted, transcript.summary.promotion_text, _grade(transcript)
    if text is None or text.raw == "" or flag is None or flag.value is None:
        return
    retained, promoted = rules.wordings.get("retained", ()), rules.wordings.get("promoted", ())
    negative = _begins(text.value or "", retained, grade)
    positive = not negative and _begins(text.value or "", promoted, grade)
    grades = {int(one) for one in _GRADE.findall(text.raw[:_LONGEST])}
    if flag.value and negative:
        found.violated(rule, "text-retains", place=document.place(text), expected=flag.raw, seen=text.raw[:150])
    elif not flag.value and positive:
        found.violated(rule, "text-promotes", place=document.place(text), expected=flag.raw, seen=text.raw[:150])
    elif not negative and not positive:
        wanted = " / ".join((*promoted, *retained))
        found.violated(rule, "other-wording", place=document.place(text), expected=wanted, seen=text.raw[:150])
    elif positive and grade is not None and grade + 1 not in (*rules.promotion_grades, *rules.completion_grades):
        found.violated(rule, "no-such-grade", place=document.place(text), expected=grade, seen=text.raw[:150])
    elif grade is not None and grades and not grades & ({grade + 1} if positive else {grade, grade + 1}):
        # a grade that the level does not have is the mistake, not the text beside it
        wrong = next((one.code for one in found.violations if one.code == "PL1-MA-002.grade"), "")
        found.violated(
            rule, "other-grade", place=document.place(text), expected=grade + 1, seen=text.raw[:150],
            consequence_of=wrong,
        )  # fmt: skip
    else:
        found.held(rule)


def _completion_wording(document: Document, rules: RuleSet, found: Recorder) -> None:
    """PL1-LL-003 of the wording on completion: it speaks of this grade, and does not contradict the flag."""
    rule, summary, grade = "PL1-LL-003", document.transcript.summary, _grade(document.transcript)
    text, flag = summary.completion_text, summary.promoted
    if text is None or text.raw == "":
        return
    negative = _begins(text.value or "", rules.wordings.get("not-completed", ()), grade)
    positive = not negative and _begins(text.value or "", rules.wordings.get("completed", ()), grade)
    grades = {int(one) for one in _GRADE.findall(text.raw[:_LONGEST])}
    place, seen = document.place(text), text.raw[:150]
    if grade is not None and grades and grade not in grades:
        found.violated(rule, "other-grade", place=place, expected=grade, seen=seen)
    elif flag is not None and flag.value is False and positive:
        found.violated(rule, "text-promotes", place=place, expected=flag.raw, seen=seen)
    elif flag is not None and flag.value and negative:
        found.violated(rule, "text-retains", place=place, expected=flag.raw, seen=seen)


# ------------------------------------------------------------------------------------------------------ titles


class _Dated(Protocol):
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...


def _in_force(rule: _Dated, day: date | None) -> bool:
    """Whether a dated rule is in force on a day; without a day, it may be."""
    return day is None or (
        (rule.valid_from is None or rule.valid_from <= day) and (rule.valid_to is None or day <= rule.valid_to)
    )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _title(document: Document, subjects: Sequence[Known], rules: RuleSet, found: Recorder, finals: Finals) -> None:
    """PL1-LL-004: a title only when earned; earned and not given is right."""
    rule, transcript = "PL1-LL-004", document.transcript
    value = transcript.summary.title
    if value is None or value.raw == "":
        found.held(rule, "not-given")
        return
    seen = value.raw[:100]
    named = [one for one in rules.titles if _folded(one.title) == _folded(value.value or "")]
    if not named:
        wanted = ", ".join(dict.fromkeys(one.title for one in rules.titles))
        found.violated(rule, "unknown", place=document.place(value), expected=wanted, seen=seen)
        return
    title = next((one for one in named if _in_force(one, transcript.dated)), None)
    if title is None:
        found.violated(rule, "not-in-force", place=document.place(value), expected=str(transcript.dated), seen=seen)
        return
    conduct = transcript.summary.conduct.year.value if transcript.summary.conduct.year else None
    learning = transcript.summary.learning.year.value if transcript.summary.learning.year else None
    if finals.unrated and not not_assessed(transcript):
        _unrated(document, rule, "not-rated", value, title.article, found)
        return
    if conduct is None or (learning is None and not not_assessed(transcript)):
        return
    enough, lacking = _earned(title, conduct, learning, subjects, rules, corrected=False)
    if not lacking:
        found.held(rule, "excellent" if title.counted is not None else "good")
        return
    others = [(right, learning, root) for right, root in finals.conducts]
    others += [(conduct, right, root) for right, root in finals.learnings]
    follows = [
        root for right, other, root in others if not _earned(title, right, other, subjects, rules, corrected=False)[1]
    ]
    if not follows and not _earned(title, conduct, learning, subjects, rules, corrected=True)[1]:
        follows = [one.code for one in found.violations if one.requirement == "PL1-MON-008"]
    if not follows and lacking == "marks" and enough + finals.absent_marks >= (title.count or 0):
        follows = [finals.absent]
    earned = [
        one.title
        for one in rules.titles
        if _in_force(one, transcript.dated) and not _earned(one, conduct, learning, subjects, rules, corrected=False)[1]
    ]
    found.violated(
        rule, f"not-earned-{lacking}", place=document.place(value),
            expected=next(iter(earned), ""), seen=seen, count=enough, needed=title.count,
        counted=title.counted or "", article=title.article, consequence_of=next(iter(follows), ""),
    )  # fmt: skip


def _earned(
    title: TitleRule,
    conduct: Level,
    learning: Level | None,
    subjects: Sequence[Known],
    rules: RuleSet,
    *,
    corrected: bool,
) -> tuple[int, str]:
    """How many marks count for the title, and the first thing lacking: conduct, learning, marks, or nothing.

    Optional subjects count, and with fewer scored subjects than asked for all of them are enough: both are open, and
    only what no reading allows is refused.
    """
    marks: list[Decimal] = []
    for one in subjects:
        year = one.subject.year.value if one.subject.year else None
        first, second = (value.value if value else None for value in (one.subject.semester1, one.subject.semester2))
        if corrected and isinstance(first, Decimal) and isinstance(second, Decimal):
            year = year_mark(first, second, rules).value
        if isinstance(year, Decimal) and one.scored is not False:
            marks.append(year)
    enough = sum(mark >= title.counted for mark in marks) if title.counted is not None else 0
    if conduct.rank < Level(title.conduct).rank:
        return enough, "conduct"
    if learning is None or learning.rank < Level(title.learning).rank:
        return enough, "learning"
    if title.counted is not None and enough < min(title.count, max(len(marks), 1)):
        return enough, "marks"
    return enough, ""


# ----------------------------------------------------------------------------------------------------- history


def judge_history(document: Document, found: Recorder) -> None:
    """PL1-LL-006: years ascending; a transfer names both schools and lies in its year."""
    rule, transcript = "PL1-LL-006", document.transcript
    now = transcript.record.school_year.value if transcript.record.school_year else None
    good, moved = True, False
    previous: HistoryYear | None = None
    moved_on: date | None = None
    for entry in transcript.history:
        year, before = _year_of(entry), _year_of(previous) if previous else None
        day = entry.transferred_on
        if entry.school_year is not None and year is None:
            good = False
            wanted = document.pack.binding.formats.shown_school_year
            found.violated(
                rule, "not-a-year", place=document.place(entry.school_year), expected=wanted, seen=entry.school_year.raw
            )
        elif year is not None and year == before and not (day is not None and day.raw):
            good = False
            found.violated(rule, "year-twice", place=document.place(entry), seen=str(entry.school_year))
        elif year is not None and ((before is not None and year < before) or (now is not None and year > now)):
            good = False
            found.violated(rule, "not-ascending", place=document.place(entry), seen=str(entry.school_year))
        if day is not None and day.raw:
            moved = True
            here = entry.school_name.raw if entry.school_name else ""
            origin = previous.school_name.raw if previous and previous.school_name else ""
            if not here or not origin or here == origin:
                good = False
                names = [one.school_name for one in (previous, entry) if one is not None]
                blank = any(name is not None and not name.raw.strip() for name in names)
                found.violated(
                    rule, "one-school", place=document.place(entry), seen=here or origin,
                    consequence_of="PL1-STR-001.empty" if blank else "",
                )  # fmt: skip
            elif day.value is not None and year is not None and not _in_year(day.value, year, document.pack):
                good = False
                found.violated(
                    rule,
                    "transfer-outside-year",
                    place=document.place(entry),
                    expected=str(entry.school_year),
                    seen=day.raw,
                )
            elif day.value is not None and moved_on is not None and day.value < moved_on and year == before:
                good = False
                seen = f"{entry.school_year} ({day.raw})"
                found.violated(rule, "not-ascending", place=document.place(entry), seen=seen)
            moved_on = day.value or moved_on
        previous = entry
    if transcript.history and good:
        found.held(rule)
        if moved:
            found.held(rule, "transfer")


def _in_year(day: date, year: int, pack: Pack) -> bool:
    """Whether a day lies between the end of the school year before and the beginning of the next one."""
    months = (day.year - year) * 12 + day.month
    return pack.header.school_year_ends < months <= 12 + pack.header.school_year_begins


def _year_of(entry: HistoryYear) -> int | None:
    value: Value[int] | None = entry.school_year
    return value.value if value else None


__all__ = ["Finals", "judge_history", "judge_year"]
