"""The school's books: what the roster says of schools, classes, persons and assignments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEACHER, HOMEROOM, PRINCIPAL, SEAL = "subject-teacher", "homeroom-teacher", "principal", "school-seal"
ROLES = (TEACHER, HOMEROOM, PRINCIPAL, SEAL)
"""Roles of the test interface, in the order in which they sign; also the names of the pack's signature slots."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A signature that a transcript needs: who, in which role, for which subject."""

    role: str
    signer: str
    subject: str = ""


@dataclass(slots=True)
class Register:
    """Roster data, indexed."""

    schools: dict[str, dict[str, Any]] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: dict[str, dict[str, Any]] = field(default_factory=dict)
    assignments: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, roster: Mapping[str, Any]) -> Register:
        """From the test interface's ``Roster``."""
        return cls(
            {one["code"]: one for one in roster["schools"]},
            {one["id"]: one for one in roster["classes"]},
            {one["id"]: one for one in roster["teachers"]},
            {(one["class"], one["subject"]): list(one["teachers"]) for one in roster["assignments"]},
        )

    def school_of(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The school of the case's class."""
        return self.schools[self.classes[case["class"]]["school"]]

    def teachers_of(self, case: Mapping[str, Any], subject: Mapping[str, Any]) -> list[str]:
        """Ids of the teachers of a subject: as the case says, else as assigned."""
        if "teachers" in subject:
            return list(subject["teachers"])
        return self.assignments.get((case["class"], subject["code"]), [])

    def homeroom_of(self, case: Mapping[str, Any]) -> str:
        """Id of the homeroom teacher."""
        return str(self.classes[case["class"]]["homeroomTeacher"])

    def leader_of(self, case: Mapping[str, Any]) -> str:
        """Id of the person who signs as leader."""
        return str(case.get("leader") or self.school_of(case)["leader"])

    def wanted(self, case: Mapping[str, Any]) -> list[Wanted]:
        """Every signature the case's transcript needs, in order."""
        found = [
            Wanted(TEACHER, teacher, subject["code"])
            for subject in case["subjects"]
            for teacher in self.teachers_of(case, subject)
        ]
        found += [Wanted(HOMEROOM, self.homeroom_of(case)), Wanted(PRINCIPAL, self.leader_of(case))]
        seal = self.school_of(case).get("seal")
        return [*found, Wanted(SEAL, str(seal))] if seal else found
