"""The run's few schools with their classes, teachers and assignments: set up once, cases vary inside."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.cases.people import People, case_data, number, stream
from conformance.pack import Pack, PackError

_TEACHER_SERIALS = 5000
"""Teachers' serial numbers start here inside the reserved range, learners' below."""


@dataclass(frozen=True, eq=False)
class Roster:
    """What ``PUT /roster`` is given, and who of it needs a credential."""

    data: dict[str, Any]
    """JSON of the test interface's ``Roster``."""
    seed: str

    def signers(self) -> list[dict[str, str]]:
        """Everybody who may sign: ``id``, ``role`` (teacher, leader, seal), ``name``, ``nationalId`` or ``passport``,
        ``title`` of leaders, ``schoolCode`` of leaders and seals."""
        found: list[dict[str, str]] = []
        schools = self.data["schools"]
        for teacher in self.data["teachers"]:
            school = self._school_of_person[teacher["id"]]
            one = {name: value for name, value in teacher.items() if isinstance(value, str)}
            found.append({**one, "role": "leader" if "title" in teacher else "teacher", "schoolCode": school["code"]})
        found.extend(
            {"id": school["seal"], "role": "seal", "name": school["name"], "schoolCode": school["code"]}
            for school in schools
            if "seal" in school
        )
        return found

    @cached_property
    def _school_of_person(self) -> Mapping[str, dict[str, Any]]:
        return {
            teacher["id"]: school
            for teacher in self.data["teachers"]
            for school in self.data["schools"]
            if school["leader"].rpartition("/")[0] == teacher["id"].rpartition("/")[0]
        }

    @cached_property
    def _classes(self) -> Mapping[str, dict[str, Any]]:
        return {one["id"]: one for one in self.data["classes"]}

    @cached_property
    def _teachers(self) -> Mapping[str, dict[str, Any]]:
        return {one["id"]: one for one in self.data["teachers"]}

    @cached_property
    def _schools(self) -> Mapping[str, dict[str, Any]]:
        return {one["code"]: one for one in self.data["schools"]}

    @cached_property
    def _assigned(self) -> Mapping[tuple[str, str], Sequence[str]]:
        return {(one["class"], one["subject"]): one["teachers"] for one in self.data["assignments"]}

    def class_of(self, programme: str, grade: int) -> dict[str, Any]:
        """The class of a programme's grade.

        Raises:
            KeyError: the roster has none.
        """
        for one in self.data["classes"]:
            if one["programme"] == programme and int(one["grade"]) == grade:
                return dict(one)
        raise KeyError(f"{programme} {grade}")

    def school_class(self, id_: str) -> dict[str, Any]:
        """A class by id."""
        return self._classes[id_]

    def school(self, code: str) -> dict[str, Any]:
        """A school by code."""
        return self._schools[code]

    def person(self, id_: str) -> dict[str, Any]:
        """A teacher or leader by id."""
        return self._teachers[id_]

    def assigned(self, class_id: str, subject: str) -> tuple[str, ...]:
        """Ids of the teachers the roster assigns to a subject of a class."""
        return tuple(self._assigned.get((class_id, subject), ()))

    def teachers_of(self, case: Mapping[str, Any], subject: Mapping[str, Any]) -> tuple[str, ...]:
        """Ids of the teachers a case's subject names: its own, or as assigned."""
        own = subject.get("teachers")
        return tuple(own) if own is not None else self.assigned(case["class"], subject["code"])

    def leader_of(self, case: Mapping[str, Any]) -> str:
        """Id of the leader who signs a case."""
        school = self.school(self.school_class(case["class"])["school"])
        return str(case.get("leader") or school["leader"])

    def post(self, class_id: str, post: str) -> str:
        """The id of a post at the school of a class."""
        leader = self.school(self.school_class(class_id)["school"])["leader"]
        id_ = f"{leader.rpartition('/')[0]}/{post}"
        if id_ not in self._teachers:
            raise KeyError(id_)
        return str(id_)

    def leaders(self) -> frozenset[str]:
        """National identifiers of the leaders (PL1-CTS-005)."""
        return frozenset(one["nationalId"] for one in self.data["teachers"] if "title" in one)


def build_roster(pack: Pack, programmes: Iterable[str], seed: str, school_year: int, *, seals: bool = True) -> Roster:
    """The schools that teach ``programmes``.

    Args:
        pack: lists and posts (``cases/roster.yaml``, ``cases/people.yaml``).
        programmes: names of programmes of the pack.
        seed: of the run; persons and codes are drawn from it.
        school_year: first calendar year of the run's school year.
        seals: whether schools have a seal (the software offers it).

    Raises:
        PackError: no school of the pack teaches one of the programmes.
    """
    wanted = tuple(dict.fromkeys(programmes))
    schools = [one for one in case_data(pack, "roster")["schools"] if set(wanted) & set(one["programmes"])]
    for programme in wanted:
        if not any(programme in one["programmes"] for one in schools):
            raise PackError(f"cases/roster.yaml: {programme}: không có trường nào / no school teaches it")
    built = _Builder(pack, str(seed), school_year)
    for position, school in enumerate(schools):
        built.school(school, position, wanted, seals)
    return Roster(built.data, str(seed))


class _Builder:
    def __init__(self, pack: Pack, seed: str, school_year: int) -> None:
        self.pack = pack
        self.people = People(pack)
        self.seed = seed
        self.school_year = school_year
        self.names: set[str] = set()
        self.offset = number(seed, "teachers", below=1000)
        self.data: dict[str, Any] = {"schools": [], "classes": [], "teachers": [], "assignments": []}

    def school(self, said: Mapping[str, Any], position: int, programmes: Sequence[str], seals: bool) -> None:
        prefix = self.pack.header.reserved.school_code_prefix
        code = f"{prefix}{number(self.seed, said['id'], below=100_000):05d}{position}"
        school: dict[str, Any] = {
            "code": code,
            "name": said["name"],
            "department": dict(said["department"]),
            "address": copy.deepcopy(said["address"]),
            "leader": f"{said['id']}/leader",
            "placeOfIssue": said["place"],
        }
        if seals:
            school["seal"] = f"{said['id']}/seal"
        self.data["schools"].append(school)
        titles = self.pack.signature.titles[said["family"]]
        posts = {
            post: taught
            for programme, one in said["programmes"].items()
            if programme in programmes
            for post, taught in one["posts"].items()
        }
        for post in posts:
            self._person(said, post, {})
        for post, kind in said["extra"].items():
            self._person(said, post, kind, titles.deputy[0] if kind.get("leader") else "")
        self._person(said, "leader", {}, titles.principal[0])
        for programme, one in said["programmes"].items():
            if programme in programmes:
                self._programme(said, code, programme, one)

    def _programme(self, said: Mapping[str, Any], code: str, programme: str, one: Mapping[str, Any]) -> None:
        for room in one["classes"]:
            id_ = f"{programme.lower()}-{room['grade']:02d}"
            self.data["classes"].append(
                {
                    "id": id_,
                    "name": room["name"],
                    "grade": f"{room['grade']:02d}",
                    "school": code,
                    "schoolYear": f"{self.school_year}-{self.school_year + 1}",
                    "programme": programme,
                    "homeroomTeacher": f"{said['id']}/{room['homeroom']}",
                }
            )
            self.data["assignments"].extend(
                {"class": id_, "subject": subject, "teachers": [f"{said['id']}/{post}"]}
                for post, taught in one["posts"].items()
                for subject in taught
            )

    def _person(self, school: Mapping[str, Any], post: str, kind: Mapping[str, Any], title: str = "") -> None:
        id_ = f"{school['id']}/{post}"
        draw = stream(self.seed, id_)
        gender = self.people.gender(draw)
        born = self.school_year - draw.randint(28, 57)
        province = self.people.province(draw)
        name = kind.get("name") or self._new_name(draw, gender)
        if "named-like" in kind:
            name = next(
                one["name"] for one in self.data["teachers"] if one["id"] == f"{school['id']}/{kind['named-like']}"
            )
        person: dict[str, Any] = {"id": id_, "name": name}
        if "foreign" in kind:
            person["name"] = kind["foreign"]["name"]
            person["passport"] = self.people.passport(draw)
        else:
            serial = _TEACHER_SERIALS + self.offset + len(self.data["teachers"])
            person["nationalId"] = self.people.identifier(province, gender, born, serial)
        if title:
            person["title"] = title
        self.data["teachers"].append(person)

    def _new_name(self, draw: Any, gender: str) -> str:
        while True:
            name = self.people.name(draw, gender)
            if name not in self.names:
                self.names.add(name)
                return name
