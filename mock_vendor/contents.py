"""From a case to the contents of the document, as wire texts by model name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from conformance.pack import Pack, RuleSet
from conformance.pack.data import read_yaml
from mock_vendor.academics import Academics, Result
from mock_vendor.register import Register

Contents = dict[str, Any]
"""Nested by model name; texts as they go on the wire, ``None`` where nothing is written."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a version of a transcript is made from: entered case, books, and the software's own dates."""

    case: Mapping[str, Any]
    register: Register
    record_id: str
    version: int
    created: date
    signed_on: date
    replaces: str | None = None
    reason: str | None = None


def person_of(register: Register, id_: str) -> dict[str, str | None]:
    """Name and identifiers of a person of the roster."""
    found = register.persons[id_]
    return {
        "name": str(found["name"]),
        "national_id": found.get("nationalId"),
        "passport": None if found.get("nationalId") else found.get("passport"),
        "title": found.get("title"),
    }


def _relative(entered: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {"name": entered["name"], "occupation": entered.get("occupation")} if entered else None


def _place(entered: Mapping[str, Any]) -> dict[str, Any]:
    commune, province = entered.get("commune") or {}, entered.get("province") or {}
    return {
        "detail": entered["detail"],
        "commune_code": commune.get("code"),
        "province_code": province.get("code"),
    }


class Composing(Academics):
    """Composes contents. Methods are seams that a named defect may replace."""

    pack: Pack

    @cached_property
    def wire(self) -> dict[str, dict[Any, str]]:
        """Wire text by meaning, for each kind of value of the pack's binding."""
        return {
            kind: {meaning: text for text, meaning in values.items()}
            for kind, values in self.pack.binding.values.items()
        }

    @cached_property
    def wording(self) -> dict[str, str]:
        """Sentences about promotion and completion."""
        found: dict[str, str] = read_yaml(self.pack.path("vendor", "wording.yaml"))
        return found

    def mark_text(self, mark: Decimal) -> str:
        """A mark in plain spelling: ``8``, ``8.5``."""
        return f"{mark:f}".removesuffix(".0").replace(".", self.pack.binding.formats.decimal)

    def result_text(self, result: Result) -> str | None:
        """A subject's result of a period."""
        if result is None:
            return None
        return self.mark_text(result) if isinstance(result, Decimal) else self.wire["outcome"][result]

    def day_text(self, day: str) -> str:
        """A date given as ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``, in the pack's spelling."""
        forms, parts = self.pack.binding.formats, day.split("-")
        text = (forms.year, forms.month, forms.date)[len(parts) - 1]
        for token, digits in zip(("YYYY", "MM", "DD"), parts, strict=False):
            text = text.replace(token, digits)
        return text

    def school_year_text(self, entered: str) -> str:
        """A school year given as ``2024-2025``, in the pack's spelling."""
        first, second = entered.split("-")
        return self.pack.binding.formats.school_year.replace("{first}", first).replace("{second}", second)

    def grade_text(self, grade: str) -> str:
        """A grade with as many digits as the pack wants."""
        return str(int(grade)).zfill(self.pack.binding.formats.grade_digits)

    def level_text(self, level: str | None) -> str:
        """A level; empty when none is derived."""
        return self.wire["level"][level] if level else ""

    def flag_text(self, value: bool) -> str:
        """A yes or no."""
        return self.wire["flag"][value]

    def absences_text(self, absences: int) -> str | None:
        """Absences; left out when there are none (the dictionary's minimum is one)."""
        return str(absences) if absences else None

    def province_of(self, school: Mapping[str, Any]) -> Mapping[str, str]:
        """Code and name of the school's province."""
        found: Mapping[str, str] = school["address"]["province"]
        return found

    def rules_of(self, facts: Facts) -> RuleSet:
        """The rule set of the case's programme."""
        room = facts.register.classes[facts.case["class"]]
        return self.pack.rules[self.pack.programmes[room["programme"]].rules]

    def contents(self, facts: Facts) -> Contents:
        """Everything the document says."""
        case, register = facts.case, facts.register
        room, school = register.classes[case["class"]], register.school_of(facts.case)
        programme = self.pack.programmes[room["programme"]]
        address, province = school["address"], self.province_of(school)
        return {
            "record": {
                "id": facts.record_id,
                "school_year": self.school_year_text(case["schoolYear"]),
                "circular": self.rules_of(facts).circular,
                "level": programme.level,
                "programme": programme.programme,
                "school_code": school["code"],
                "grade": self.grade_text(room["grade"]),
            },
            "learner": self.learner(case["learner"]),
            "version": {
                "number": str(facts.version),
                "created": self.day_text(facts.created.isoformat()),
                "digitised": self.flag_text(False),
                "replaces": facts.replaces,
                "reason": facts.reason,
            },
            "school": {
                "department_code": school["department"]["code"],
                "department_name": school["department"]["label"],
                "name": school["name"],
                "commune_name": address["commune"]["label"],
                "commune_code": address["commune"].get("code"),
                "district_name": address.get("district"),
                "province_name": province["label"],
                "province_code": province["code"],
            },
            "profile": self.profile(case["learner"]),
            "history": [
                {
                    "school_year": self.school_year_text(one["schoolYear"]),
                    "class_name": one["class"],
                    "school_name": one["school"],
                    "province_name": one["province"],
                    "transferred_on": self.day_text(one["transferredOn"]) if one.get("transferredOn") else None,
                }
                for one in case.get("history", [])
            ],
            "class_name": room["name"],
            "subjects": self.subjects(facts),
            "summary": self.summary(facts),
            "issue": {
                "leader": person_of(register, register.leader_of(case)),
                "place": school["placeOfIssue"],
                "signed_on": self.day_text(facts.signed_on.isoformat()),
                "register_number": case.get("registerNumber"),
            },
        }

    def learner(self, entered: Mapping[str, Any]) -> Contents:
        """Who the transcript is about."""
        national = entered.get("nationalId")
        return {
            "code": entered["code"],
            "national_id": national,
            "passport": None if national else entered.get("passport"),
            "name": entered["name"],
            "birth_date": self.day_text(entered["birthDate"]),
        }

    def profile(self, entered: Mapping[str, Any]) -> Contents:
        """Origin, family, special conditions."""
        return {
            "gender": entered["gender"]["code"],
            "ethnicity": entered["ethnicity"]["code"],
            "nationality": entered["nationality"]["code"],
            "birthplace": _place(entered["birthplace"]),
            "hometown": _place(entered["hometown"]),
            "residence": _place(entered["residence"]),
            "policy_category": entered.get("policyCategory"),
            "not_assessed": self.flag_text(bool(entered.get("notAssessed"))),
            "individual_plan": self.flag_text(True) if entered.get("individualPlan") else None,
            "father": _relative(entered.get("father")),
            "mother": _relative(entered.get("mother")),
            "guardian": _relative(entered.get("guardian")),
        }

    def results(self, facts: Facts, period: str) -> list[Result]:
        """Results that count for the level of a period: ``semester1``, ``semester2``, ``year``, ``final``.

        Where a circular knows no comment-only subjects (TT 43/2021), activities carry no mark and do not count.
        """
        comments = self.rules_of(facts).comment_only
        counted = [one for one in facts.case["subjects"] if comments or one["scoring"] != "comment"]
        return [self.result(facts, one, period) for one in counted]

    def result(self, facts: Facts, subject: Mapping[str, Any], period: str) -> Result:
        """A subject's result of one period; ``final``: of the year, after re-assessment."""
        rules = self.rules_of(facts)
        if period == "final" and subject.get("reassessment"):
            return self.semester_result(subject["reassessment"], rules)
        if period in ("year", "final"):
            first, second = (self.semester_result(subject.get(one), rules) for one in ("semester1", "semester2"))
            return self.year_result(subject["scoring"], first, second, rules)
        return self.semester_result(subject.get(period), rules)

    def subjects(self, facts: Facts) -> list[Contents]:
        """The table of marks."""
        return [
            {
                "key": one["code"],
                "code": one["code"],
                "name": one["label"],
                "scoring": self.wire["scoring"][one["scoring"]],
                "semester1": self.result_text(self.result(facts, one, "semester1")),
                "semester2": self.result_text(self.result(facts, one, "semester2")),
                "year": self.result_text(self.result(facts, one, "year")),
                "reassessed": self.result_text(self.semester_result(one.get("reassessment"), self.rules_of(facts))),
                "comment": one.get("comment"),
                "teachers": [
                    person_of(facts.register, teacher) for teacher in facts.register.teachers_of(facts.case, one)
                ],
            }
            for one in facts.case["subjects"]
        ]

    def levels(self, facts: Facts) -> dict[str, str | None]:
        """Learning levels: ``semester1``, ``semester2``, ``year``, ``after_summer``.

        Not derived for learners who are not assessed or follow an individual plan (TT 22/2021 art. 11).
        """
        learner, rules = facts.case["learner"], self.rules_of(facts)
        periods = ("semester1", "semester2", "year")
        if learner.get("notAssessed") or learner.get("individualPlan"):
            return dict.fromkeys((*periods, "after_summer"))
        found = {one: self.learning(self.results(facts, one), rules) for one in periods}
        again = any(one.get("reassessment") for one in facts.case["subjects"])
        return {**found, "after_summer": self.learning(self.results(facts, "final"), rules) if again else None}

    def summary(self, facts: Facts) -> Contents:
        """The homeroom teacher's page."""
        case, rules = facts.case, self.rules_of(facts)
        conduct = case["conduct"]
        year = self.conduct_year(conduct["semester1"], conduct["semester2"], rules)
        levels = self.levels(facts)
        after = conduct.get("afterSummer")
        return {
            "learning": {
                **{one: self.level_text(levels[one]) for one in ("semester1", "semester2", "year")},
                "after_summer": self.level_text(levels["after_summer"]) if levels["after_summer"] else None,
            },
            "conduct": {
                "semester1": self.level_text(conduct["semester1"]),
                "semester2": self.level_text(conduct["semester2"]),
                "year": self.level_text(year),
                "after_summer": self.level_text(after) if after else None,
            },
            "absences": self.absences_text(int(case.get("absences") or 0)),
            **self.outcome(facts, after or year, levels["after_summer"] or levels["year"]),
            "title": self.title_text(facts, year, levels["year"]),
            "certificates": [
                {"name": one.get("name"), "kind": one.get("kind")} for one in case.get("certificates") or []
            ],
            "competitions": case.get("competitions"),
            "awards": case.get("awards"),
            "summer_training": case.get("summerTraining"),
            "homeroom_comment": case.get("homeroomComment", ""),
            "homeroom_teacher": person_of(facts.register, facts.register.homeroom_of(case)),
        }

    def outcome(self, facts: Facts, conduct: str, learning: str | None) -> Contents:
        """Promotion, or completion in the last grade of a level; nothing where no level is derived."""
        room, rules = facts.register.classes[facts.case["class"]], self.rules_of(facts)
        grade, absences = int(room["grade"]), int(facts.case.get("absences") or 0)
        found: Contents = {"promoted": None, "promotion_text": None, "completion_text": None}
        if learning is None:
            return found
        names = {"grade": grade, "next": grade + 1, "level": self.pack.programmes[room["programme"]].name.vi}
        if grade in rules.promotion_grades:
            promoted = self.promoted(conduct, learning, absences, rules)
            found["promoted"] = self.flag_text(promoted)
            found["promotion_text"] = self.wording["promoted" if promoted else "retained"].format_map(names)
        elif grade in rules.completion_grades:
            done = self.completed(conduct, learning, absences, self.results(facts, "final"), rules)
            found["completion_text"] = self.wording["completed" if done else "not-completed"].format_map(names)
        return found

    def title_text(self, facts: Facts, conduct: str, learning: str | None) -> str | None:
        """The title given: the best earned, unless people decided otherwise."""
        if facts.case.get("withholdTitle") or learning is None:
            return None
        return self.title(conduct, learning, self.results(facts, "year"), self.rules_of(facts), facts.created)
