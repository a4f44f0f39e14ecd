"""Cases: frozen ones read from the pack, realised for a run, shrunk when something fails."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from conformance.cases.edits import Edit, parse
from conformance.cases.people import case_data, number
from conformance.cases.plan import Plan, PlanError
from conformance.cases.realise import DRAWN, Realiser
from conformance.cases.roster import Roster
from conformance.pack import Pack, PackError, Text

Takes = Literal["components", "averages"]
TEACHER, HOMEROOM, PRINCIPAL, SEAL = "subject-teacher", "homeroom-teacher", "principal", "school-seal"
"""Roles of the test interface's ``Signing``."""


@dataclass(frozen=True, slots=True)
class FrozenCase:
    """A case of the pack, before anything is drawn."""

    id: str
    programme: str
    base: str
    edits: tuple[Edit, ...]
    title: Text
    ordinal: int
    """Position in the corpus: synthetic numbers of two cases never meet."""
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """What follows academically, worked out by hand: ``learning``, ``conduct``, ``promoted``, ``title``, …"""
    pack: Pack | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class Case:
    """A realised case: what is entered into the software."""

    id: str
    programme: str
    base: str
    edits: tuple[Edit, ...]
    data: dict[str, Any] = field(repr=False)
    """JSON of the test interface's ``Case``."""
    title: Text
    frozen: FrozenCase = field(repr=False)
    roster: Roster = field(repr=False)
    seed: str
    takes: Takes

    def signings(self, roster: Roster | None = None) -> list[dict[str, Any]]:
        """Who has to sign, in order (JSON of ``Signing``): subject teachers, homeroom teacher, principal, seal.

        A teacher of several subjects appears once, with all of them.
        """
        roster = roster or self.roster
        by_teacher: dict[str, list[str]] = {}
        for subject in self.data["subjects"]:
            for teacher in roster.teachers_of(self.data, subject):
                by_teacher.setdefault(teacher, []).append(subject["code"])
        found: list[dict[str, Any]] = [
            {"signer": teacher, "role": TEACHER, "subjects": subjects} for teacher, subjects in by_teacher.items()
        ]
        room = roster.school_class(self.data["class"])
        found.append({"signer": room["homeroomTeacher"], "role": HOMEROOM})
        found.append({"signer": roster.leader_of(self.data), "role": PRINCIPAL})
        seal = roster.school(room["school"]).get("seal")
        if seal:
            found.append({"signer": seal, "role": SEAL})
        return found

    def recipe(self) -> dict[str, Any]:
        """Base and edits as JSON: with seed and roster, the case again."""
        return {"id": self.id, "base": self.base, "edits": [edit.data() for edit in self.edits]}

    def describe(self, language: str) -> str:
        """Title and edits, one line each."""
        return "\n".join([self.title.of(language), *(f"- {edit.text(language)}" for edit in self.edits)])

    def with_edits(self, edits: Iterable[Edit]) -> Case:
        """The same case with other edits; everything drawn stays as it was.

        Raises:
            PlanError: the edits do not fit each other.
        """
        frozen = FrozenCase(
            self.id,
            self.programme,
            self.base,
            tuple(edits),
            self.title,
            self.frozen.ordinal,
            pack=self.frozen.pack,
        )
        return realise(frozen, self.roster, self.seed, self.takes)


@cache
def frozen_cases(pack: Pack, programme: str) -> tuple[FrozenCase, ...]:
    """The pack's corpus for a programme, in its order.

    Raises:
        PackError: the case file is missing or wrong; the message names the case.
    """
    return tuple(_frozen(pack, programme, ordinal, row) for ordinal, row in enumerate(_file(pack, programme)["cases"]))


def generated(pack: Pack, programme: str, edits: Iterable[Edit], id_: str = "") -> FrozenCase:
    """A case outside the corpus: the programme's base with ``edits`` (live generation, replay)."""
    listed = tuple(edits)
    mark = number(*(repr(edit.data()) for edit in listed), below=1 << 32)
    return FrozenCase(
        id_ or f"{programme.lower()}-explore-{mark:08x}",
        programme,
        str(_file(pack, programme)["base"]["id"]),
        listed,
        Text(vi="Ca sinh trong lần chạy", en="Case generated in the run"),
        DRAWN.start + mark % len(DRAWN),
        pack=pack,
    )


def realise(frozen: FrozenCase, roster: Roster, seed: object, takes: Takes) -> Case:
    """Draw what the case leaves open.

    Args:
        frozen: from :func:`frozen_cases` or :func:`generated`.
        roster: the run's schools.
        seed: the run's seed; draws come from it and the case's id, each named thing from a stream of its own.
        takes: whether the software is given component marks or semester averages.

    Raises:
        PlanError: the case is written wrongly.
    """
    pack = frozen.pack
    if pack is None:
        raise PlanError(f"{frozen.id}: thiếu bộ đặc tả / the case knows no pack")
    plan = base_plan(pack, frozen.programme)
    for edit in frozen.edits:
        edit.apply(plan)
    realiser = Realiser(pack, roster, f"{seed}:{frozen.id}", str(seed), frozen.ordinal)
    return Case(
        frozen.id,
        frozen.programme,
        frozen.base,
        frozen.edits,
        realiser.case(frozen.id, plan, takes),
        frozen.title,
        frozen,
        roster,
        str(seed),
        takes,
    )


def base_plan(pack: Pack, programme: str) -> Plan:
    """The plan of the programme's base case."""
    base = _file(pack, programme)["base"]
    scoring = {
        entry.code: entry.data["programmes"][programme]["scoring"]
        for entry in pack.codes["subjects"]
        if programme in entry.data["programmes"]
    }
    plan = Plan(programme, int(base["grade"]), case_data(pack, "people")["bands"], scoring, base["band"])
    for code in base["subjects"]:
        plan.take(code)
    for written in base.get("edits", ()):
        parse(written).apply(plan)
    return plan


def shrink(case: Case, fails: Callable[[Case], bool], budget: int) -> Case:
    """The smallest case found that still fails: edits are removed, halves first, then one by one.

    Args:
        case: a failing case.
        fails: runs a case and says whether it still fails in the same way.
        budget: at most so many calls of ``fails``.
    """
    edits, smallest, left = case.edits, case, budget
    size = max(len(edits) // 2, 1)
    while left > 0 and edits:
        removed = False
        start = 0
        while start < len(edits) and left > 0:
            candidate = (*edits[:start], *edits[start + size :])
            try:
                smaller = case.with_edits(candidate)
            except PlanError:
                # an edit rests on one that was removed
                start += size
                continue
            left -= 1
            if fails(smaller):
                edits, smallest, removed = candidate, smaller, True
            else:
                start += size
        if size > 1:
            size = max(size // 2, 1)
        elif not removed:
            break
    return smallest


def _file(pack: Pack, programme: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = case_data(pack, programme.lower())
    return found


def _frozen(pack: Pack, programme: str, ordinal: int, row: Mapping[str, Any]) -> FrozenCase:
    try:
        return FrozenCase(
            str(row["id"]),
            programme,
            str(_file(pack, programme)["base"]["id"]),
            tuple(parse(written) for written in row.get("edits", ())),
            Text.model_validate(row["title"]),
            ordinal,
            copy.deepcopy(row.get("outcome", {})),
            pack,
        )
    except (KeyError, ValueError) as error:
        raise PackError(f"cases/{programme.lower()}.yaml: {row.get('id', ordinal)}: {error}") from error
