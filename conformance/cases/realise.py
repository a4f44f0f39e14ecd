"""Fills a plan: draws names, numbers and neutral marks, and writes the test interface's ``Case``."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from conformance.cases.components import average, plain, regular_count, solve, step_of
from conformance.cases.people import People, number, stream
from conformance.cases.plan import Components, Drawn, Fixed, HistoryPlan, Outcome, Plan, PlanError, Result, SubjectPlan
from conformance.cases.roster import Roster
from conformance.pack import Pack, RuleSet

DRAWN = range(1000, 4000)
"""Ordinals of generated cases: so many that their own name, not their place in a list, gives their numbers."""


@dataclass(frozen=True, slots=True)
class Realiser:
    """Draws for one case. ``stream_name`` names the case's draws, ``ordinal`` its own synthetic numbers."""

    pack: Pack
    roster: Roster
    stream_name: str
    seed: str
    ordinal: int

    @property
    def people(self) -> People:
        """Names, places, families."""
        return People(self.pack)

    def case(self, id_: str, plan: Plan, takes: str) -> dict[str, Any]:
        """JSON of ``Case``.

        Raises:
            PlanError: the plan does not fit the roster.
        """
        try:
            room = self.roster.class_of(plan.programme, plan.grade)
        except KeyError as error:
            raise PlanError(f"không có lớp / no class: {error}") from error
        year = int(room["schoolYear"][:4])
        rules = self.pack.rules[self.pack.programmes[plan.programme].rules]
        data: dict[str, Any] = {
            "caseId": id_,
            "class": room["id"],
            "schoolYear": room["schoolYear"],
            "learner": self._learner(plan, year),
        }
        if plan.leader:
            data["leader"] = self._post(room["id"], plan.leader)
        history = self._history(plan, room, year)
        if history:
            data["history"] = history
        data["subjects"] = [self._subject(one, plan, room["id"], rules, takes) for one in plan.subjects.values()]
        data["conduct"] = dict(plan.conduct)
        if plan.absences:
            data["absences"] = plan.absences
        data["homeroomComment"] = self._draw("homeroom").choice(self.people.lists["comments"]["homeroom"])
        if plan.long_comment:
            data["homeroomComment"] = _long(self.people.lists["comments"]["sentence"], plan.long_comment)
        data.update(copy.deepcopy(plan.extra))
        return data

    def _draw(self, name: str) -> Any:
        return stream(self.stream_name, name)

    def _learner(self, plan: Plan, year: int) -> dict[str, Any]:
        people = self.people
        gender = plan.gender or people.gender(self._draw("gender"))
        born_in = year - plan.grade - people.lists["start-of-school"] + 1 - plan.older
        born = people.birthday(self._draw("birth"), born_in, plan.birth_day)
        birthplace = people.province(self._draw("birthplace"))
        serial = self._serial(plan.programme) + number(self.seed, "learners", below=1000)
        learner: dict[str, Any] = {"code": self._learner_code(plan.programme)}
        if plan.passport:
            learner["passport"] = people.passport(self._draw("passport"))
        else:
            learner["nationalId"] = people.identifier(birthplace, gender, born.year, serial)
        learner |= {
            "name": plan.name or people.name(self._draw("name"), gender),
            "birthDate": born.isoformat()[: {"day": 10, "month": 7, "year": 4}[plan.birth_precision]],
            "gender": dict(people.lists["genders"][gender]),
            "ethnicity": people.coded("ethnicities", plan.ethnicity or people.lists["ethnicity"]),
            "nationality": people.coded("nationalities", plan.nationality or people.lists["nationality"]),
        }
        for which in ("birthplace", "hometown", "residence"):
            province = birthplace if which == "birthplace" else people.province(self._draw(f"{which} province"))
            learner[which] = people.place(self._draw(which), province)
            if which in plan.places:
                detail, bare = plan.places[which]
                learner[which] = {"detail": detail} if bare else {**learner[which], "detail": detail}
        for role, how in plan.family.items():
            if how in {"drawn", "name-only"}:
                learner[role] = self._relative(role, how)
        learner.update(copy.deepcopy(plan.learner))
        return learner

    def _serial(self, programme: str) -> int:
        """A number no other learner of the run has: programmes' corpora lie apart, drawn cases by their name."""
        if self.ordinal in DRAWN:
            return DRAWN.start + number(self.stream_name, below=len(DRAWN))
        apart = 200 * list(self.pack.programmes).index(programme) if self.ordinal < DRAWN.start else 0
        return self.ordinal + apart

    def _learner_code(self, programme: str) -> str:
        prefix = self.pack.header.reserved.learner_code_prefix
        if self.ordinal in DRAWN:
            return f"{prefix}{number(self.stream_name, 'code', below=100_000_000):08d}"
        base = 10_000 * (10 * number(self.seed, "codes", below=100) + list(self.pack.programmes).index(programme))
        return f"{prefix}{base + self.ordinal:08d}"

    def _relative(self, role: str, how: str) -> dict[str, Any]:
        draw = self._draw(role)
        genders = sorted(self.people.lists["genders"], key=lambda one: one != "male")
        gender = {"father": genders[0], "mother": genders[-1]}.get(role) or self.people.gender(draw)
        person = {"name": self.people.name(draw, gender)}
        if how == "drawn":
            person["occupation"] = draw.choice(self.people.lists["occupations"])
        return person

    def _history(self, plan: Plan, room: Mapping[str, Any], year: int) -> list[dict[str, Any]]:
        lists = self.people.lists
        first = min(self.pack.programmes[plan.programme].grades)
        lines = plan.history
        if lines is None:
            lines = [HistoryPlan(plan.grade - grade, grade) for grade in range(first, plan.grade)]
        school = self.roster.school(room["school"])
        found = []
        for line in lines:
            start = year - line.back
            one: dict[str, Any] = {"schoolYear": f"{start}-{start + 1}"}
            if line.school:
                other = lists["other-schools"][line.school - 1]
                level = lists["levels"][plan.programme]
                one |= {
                    "class": other["class"].format(grade=line.grade),
                    "school": other["name"].format(level=level),
                    "province": lists["provinces"][other["province"]],
                }
            else:
                one |= {
                    "class": room["name"] if line.back == 0 else lists["earlier-class"].format(grade=line.grade),
                    "school": school["name"],
                    "province": school["address"]["province"]["label"],
                }
            if line.transferred:
                month, day = map(int, line.transferred.split("-"))
                one["transferredOn"] = date(
                    start + (month < self.pack.header.school_year_begins), month, day
                ).isoformat()
            found.append(one)
        return found

    def _subject(self, one: SubjectPlan, plan: Plan, class_id: str, rules: RuleSet, takes: str) -> dict[str, Any]:
        entry = self.pack.codes["subjects"].all_of(one.code)[0]
        data: dict[str, Any] = {
            "code": one.code,
            "label": entry.name,
            "scoring": "marks" if one.scored else "comment",
        }
        periods = int(entry.data["programmes"][plan.programme]["periods"][str(plan.grade)])
        for semester in (1, 2):
            result = one.results[semester]
            if result is not None:
                draw = self._draw(f"{one.code} {semester}")
                data[f"semester{semester}"] = _result(result, regular_count(periods, rules), rules, takes, draw)
        if one.reassessment is not None:
            data["reassessment"] = _result(one.reassessment, 0, rules, "averages", self._draw(f"{one.code} again"))
        comment = one.comment
        if comment is None:
            comment = self._draw(f"{one.code} comment").choice(self.people.lists["comments"][data["scoring"]])
        if comment:
            data["comment"] = comment
        if one.posts:
            data["teachers"] = [self._post(class_id, post) for post in one.posts]
        return data

    def _post(self, class_id: str, post: str) -> str:
        try:
            return self.roster.post(class_id, post)
        except KeyError as error:
            raise PlanError(f"{post}: không có người này trong trường / nobody at the school: {error}") from error


def _result(result: Result, count: int, rules: RuleSet, takes: str, draw: Any) -> dict[str, Any]:
    if isinstance(result, Outcome):
        return {"outcome": result.outcome}
    if isinstance(result, Components):
        regular = [Decimal(one) for one in result.regular]
        midterm, final = Decimal(result.midterm), Decimal(result.final)
        wanted = average(regular, midterm, final, rules)
    else:
        wanted = _wanted(result, rules, draw)
        if takes == "components":
            regular, midterm, final = solve(wanted, count, rules, draw)
    if takes != "components":
        return {"average": plain(wanted)}
    return {
        "components": {"regular": [plain(one) for one in regular], "midterm": plain(midterm), "final": plain(final)}
    }


def _wanted(result: Drawn | Fixed, rules: RuleSet, draw: Any) -> Decimal:
    if isinstance(result, Fixed):
        return Decimal(result.mark)
    step = step_of(rules)
    low, high = Decimal(result.low).quantize(step, ROUND_CEILING), Decimal(result.high).quantize(step, ROUND_FLOOR)
    return low + step * int(draw.randint(0, int((high - low) / step)))


def _long(sentence: str, length: int) -> str:
    """``sentence`` over and over, exactly ``length`` characters, ending in a full stop."""
    return (sentence * (length // len(sentence) + 1))[: length - 1].rstrip().ljust(length - 1, ".") + "."
