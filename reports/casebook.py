"""The case book of the observer door as a page that prints: what a school would enter, and what to do with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.events import FormTable
from conformance.pack import Pack, Text
from reports.entered import case_tables
from reports.page import page
from reports.wording import word


def case_book(
    data: Mapping[str, Any],
    titles: Mapping[str, Text],
    troubles: Mapping[str, Text],
    actions: Mapping[Any, Text],
    pack: Pack,
    language: str,
    minutes: float,
) -> str:
    """The page.

    Args:
        data: the book: ``service``, ``signers``, ``schools``, ``classes``, ``teachers``, ``assignments``, ``cases``.
        titles: what is special about a case, by its id.
        troubles: what the service does on purpose while it is submitted, by the case's id.
        actions: instructions by action.
        pack: the run's.
        language: ``vi`` or ``en``.
        minutes: how long arrivals are waited for.
    """
    people = {str(one["id"]): one for one in data["signers"]}
    cases = [
        {
            "number": one["number"],
            "programme": one["programme"],
            "learner": one["learner"],
            "name": one["case"]["learner"]["name"],
            "title": titles[one["id"]].of(language),
            "action": actions[one["action"]].of(language),
            "trouble": troubles[one["id"]].of(language) if one["id"] in troubles else "",
            "class": _class(data, one["case"]["class"]),
            "tables": case_tables({key: value for key, value in one["case"].items() if key != "class"}, language),
            "averages": _averages(one, language),
            "signings": _signings(one, people, language),
        }
        for one in data["cases"]
    ]
    return page(
        "casebook.html.j2",
        language,
        pack=pack,
        service=data["service"],
        reserved={word(f"book.reserved.{name}", language): value for name, value in data["reserved"].items()},
        schools=_schools(data, language),
        staff=_staff(data, language),
        signers=[
            {**one, "number": one.get("nationalId") or one.get("passport") or one.get("schoolCode") or ""}
            for one in data["signers"]
        ],
        cases=cases,
        minutes=max(1, round(minutes)),
    )


def _class(data: Mapping[str, Any], name: str) -> str:
    room = next(one for one in data["classes"] if one["id"] == name)
    school = next(one for one in data["schools"] if one["code"] == room["school"])
    return f"{room['name']} – {school['name']} ({school['code']})"


def _schools(data: Mapping[str, Any], language: str) -> Iterable[FormTable]:
    for school in data["schools"]:
        address = school["address"]
        commune, province = _named(address.get("commune")), _named(address["province"])
        places = (address.get("detail"), commune, address.get("district"), province)
        rows = (
            ("code", school["code"]),
            ("name", school["name"]),
            ("department", _named(school["department"])),
            ("address", ", ".join(str(one) for one in places if one)),
            ("place", school["placeOfIssue"]),
        )
        told = tuple((word(f"book.school.{name}", language), str(value)) for name, value in rows)
        yield FormTable(title=str(school["name"]), rows=told)


def _named(coded: Any) -> str:
    """A code with its label, as it is entered."""
    if not isinstance(coded, Mapping):
        return ""
    return " – ".join(str(coded[key]) for key in ("code", "label") if coded.get(key))


def _staff(data: Mapping[str, Any], language: str) -> FormTable:
    """Classes with their homeroom teachers and who teaches what."""
    names = {str(one["id"]): str(one["name"]) for one in data["teachers"]}
    columns = tuple(word(f"book.{one}", language) for one in ("class", "grade", "homeroom", "taught"))
    rows = []
    for room in data["classes"]:
        taught = [
            f"{one['subject']}: {', '.join(names.get(teacher, teacher) for teacher in one['teachers'])}"
            for one in data["assignments"]
            if one["class"] == room["id"]
        ]
        rows.append((room["name"], room["grade"], names.get(room["homeroomTeacher"], ""), "; ".join(taught)))
    return FormTable(title=word("book.classes", language), columns=columns, rows=tuple(rows))


def _averages(one: Mapping[str, Any], language: str) -> FormTable | None:
    if not one["averages"]:
        return None
    columns = tuple(word(key, language) for key in ("case.subjects", "case.semester1", "case.semester2"))
    rows = tuple((row["label"], row.get("semester1", ""), row.get("semester2", "")) for row in one["averages"])
    return FormTable(title=word("book.averages", language), columns=columns, rows=rows)


def _signings(one: Mapping[str, Any], people: Mapping[str, Mapping[str, Any]], language: str) -> FormTable:
    labels = {str(row["code"]): str(row.get("label") or row["code"]) for row in one["case"]["subjects"]}
    rows = []
    for signing in one["signings"]:
        person = people.get(str(signing["signer"]), {})
        subjects = ", ".join(labels.get(str(code), str(code)) for code in signing.get("subjects", ()))
        role = word(f"book.role.{signing['role']}", language)
        rows.append(
            (f"{role}{f': {subjects}' if subjects else ''}", str(person.get("name", "")), str(person.get("file", "")))
        )
    columns = tuple(word(f"book.{key}", language) for key in ("signs-as", "signer", "p12"))
    return FormTable(title=word("book.signings", language), columns=columns, rows=tuple(rows))
