"""Which classes of learners and years a set of cases covers: measured on what is entered, not on labels."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from conformance.cases.case import Case
from conformance.cases.components import average, plain
from conformance.cases.people import case_data
from conformance.cases.roster import Roster
from conformance.pack import Pack, RuleSet, Text
from conformance.transcript.academics import year_mark

_MARKUP = ("<", "&", '"', "'", "]]>")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Classes the pack asks for, how often each was seen, and those never seen."""

    wanted: Mapping[str, Text]
    seen: Counter[str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Wanted classes without a case."""
        return tuple(name for name in self.wanted if not self.seen[name])


def coverage(pack: Pack, programme: str, cases: Iterable[Case]) -> Coverage:
    """How far ``cases`` cover the classes of ``cases/classes.yaml`` for a programme."""
    wanted = {
        str(row["name"]): Text(vi=row["vi"], en=row["en"])
        for row in case_data(pack, "classes")
        if programme in row.get("programmes", [programme])
    }
    seen: Counter[str] = Counter()
    for case in cases:
        seen.update(classes_of(pack, case))
    return Coverage(wanted, seen)


def classes_of(pack: Pack, case: Case) -> set[str]:
    """Everything a case is an instance of: an open set of names, ``conduct-good-fair``, ``year-mark-4.9``, …"""
    rules = pack.rules[pack.programmes[case.programme].rules]
    found = set(_subjects(pack, case, rules))
    found |= set(_year(case))
    found |= set(_learner(pack, case.data["learner"]))
    found |= set(_history(case, pack))
    found |= set(_staff(case, case.roster))
    found |= set(_texts(pack, case.data))
    found |= set(_outcome(case))
    return found


def _outcome(case: Case) -> Iterator[str]:
    outcome = case.frozen.outcome
    for name in ("learning", "learning-final", "conduct", "conduct-final"):
        if name in outcome:
            yield f"{name}-{outcome[name]}"
    for name in ("adjusted", "readings-differ", "open-activities"):
        if outcome.get(name):
            yield name
    if "promoted" in outcome:
        yield "promoted" if outcome["promoted"] else "retained"
    if "title" in outcome:
        yield f"title {outcome['title']}" if outcome["title"] else "no-title"


def _year(case: Case) -> Iterator[str]:
    data = case.data
    room = case.roster.school_class(data["class"])
    yield f"grade-{int(room['grade'])}"
    conduct = data["conduct"]
    yield f"conduct-{conduct['semester1']}-{conduct['semester2']}"
    if "afterSummer" in conduct:
        yield f"after-summer-{conduct['afterSummer']}"
    yield f"absences-{data.get('absences', 0)}"
    if data.get("withholdTitle"):
        yield "title-withheld"
    for name in ("certificates", "competitions", "awards", "summerTraining", "registerNumber"):
        if data.get(name):
            yield name


def _result(result: Mapping[str, Any] | None, rules: RuleSet) -> Decimal | str | None:
    if result is None:
        return None
    if "outcome" in result:
        return str(result["outcome"])
    if "average" in result:
        return Decimal(result["average"])
    parts = result["components"]
    return average(
        [Decimal(one) for one in parts["regular"]], Decimal(parts["midterm"]), Decimal(parts["final"]), rules
    )


def _subjects(pack: Pack, case: Case, rules: RuleSet) -> Iterator[str]:
    arts = 0
    scored = 0
    for subject in case.data["subjects"]:
        said = pack.codes["subjects"].all_of(subject["code"])[0].data
        role = said["programmes"][case.programme]["role"]
        yield f"subject-{subject['code']}"
        yield f"role-{role}"
        arts += role == "elective" and subject["scoring"] == "comment"
        first, second = (_result(subject.get(f"semester{number}"), rules) for number in (1, 2))
        if (first is None) != (second is None):
            yield "missing-semester"
        exempt = [one == "exempt" for one in (first, second)]
        if any(exempt):
            yield "exempt-year" if all(exempt) else "exempt-semester"
        if isinstance(first, Decimal) and isinstance(second, Decimal):
            scored += 1
            year = year_mark(first, second, rules).value
            yield f"year-mark-{plain(year)}"
            one, two = rules.year_weights
            if year * (one + two) > first * one + second * two:
                yield "rounded-up"
        if "failed" in (first, second):
            yield f"failed-{'both' if first == second else 'first' if first == 'failed' else 'second'}"
        yield from _ties(subject, rules)
        again = subject.get("reassessment")
        if again:
            yield "reassessed-mark" if "average" in again else "reassessed-outcome"
    yield f"art-electives-{arts}"
    yield f"scored-{scored}"


def _ties(subject: Mapping[str, Any], rules: RuleSet) -> Iterator[str]:
    for number in (1, 2):
        parts = subject.get(f"semester{number}", {}).get("components")
        if not parts:
            continue
        weights = rules.component_weights
        total = sum(map(Decimal, parts["regular"])) * weights["regular"]
        total += Decimal(parts["midterm"]) * weights["midterm"] + Decimal(parts["final"]) * weights["final"]
        exact = total / (len(parts["regular"]) * weights["regular"] + weights["midterm"] + weights["final"])
        if exact * 100 % 10 == 5 and exact * 100 == int(exact * 100):
            yield "component-tie"


def _learner(pack: Pack, learner: Mapping[str, Any]) -> Iterator[str]:
    lists = case_data(pack, "people")
    name = learner["name"]
    if " " not in name:
        yield "name-one-word"
    if len(name) > 80:
        yield "name-long"
    if "'" in name:
        yield "name-apostrophe"
    if learner["nationality"]["code"] != lists["nationality"]:
        yield "foreign-identifier" if "nationalId" in learner else "foreign-passport"
    elif learner["ethnicity"]["code"] != lists["ethnicity"]:
        yield "ethnic-minority"
    born = learner["birthDate"]
    yield {4: "birth-year", 7: "birth-month"}.get(len(born), "birth-day")
    if born.endswith("-02-29"):
        yield "birth-leap-day"
    parents = [one for one in ("father", "mother") if one in learner]
    if "guardian" in learner:
        yield "guardian" if parents else "guardian-only"
    elif len(parents) == 1:
        yield "one-parent"
    for name in ("notAssessed", "individualPlan", "policyCategory"):
        if learner.get(name):
            yield name


def _history(case: Case, pack: Pack) -> Iterator[str]:
    history = case.data.get("history", [])
    if not history:
        yield "history-none"
    if any("transferredOn" in one for one in history):
        yield "transferred"
    grade = int(case.roster.school_class(case.data["class"])["grade"])
    earlier = [one for one in history if one["schoolYear"] < case.data["schoolYear"]]
    if len(earlier) > grade - min(pack.programmes[case.programme].grades):
        yield "repeater"


def _staff(case: Case, roster: Roster) -> Iterator[str]:
    names: dict[str, str] = {}
    for subject in case.data["subjects"]:
        teachers = roster.teachers_of(case.data, subject)
        if len(teachers) > 1:
            yield f"shared-by-{len(teachers)}"
        if not set(teachers) & set(roster.assigned(case.data["class"], subject["code"])):
            yield "substitute"
        for teacher in teachers:
            person = roster.person(teacher)
            if "nationalId" not in person:
                yield "foreign-teacher"
            if names.setdefault(person["name"], teacher) != teacher:
                yield "namesakes"
    if "leader" in case.data:
        yield "deputy"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def _texts(pack: Pack, data: Mapping[str, Any]) -> Iterator[str]:
    texts = list(_strings(data))
    together = unicodedata.normalize("NFC", " ".join(texts))
    if all(any(mark in text for text in texts) for mark in _MARKUP):
        yield "markup"
    if max(map(len, texts)) >= 2000:
        yield "long-text"
    if set(case_data(pack, "people")["letters"].split()) <= set(together):
        yield "every-letter"
    if any("comment" not in subject for subject in data["subjects"]):
        yield "no-comment"
