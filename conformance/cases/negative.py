"""Impossible input: what software must refuse, naming the field (PL1-PH-005)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from conformance.cases.case import Case, realise
from conformance.cases.people import case_data
from conformance.pack import Pack, PackError

Data = dict[str, Any]
Spoil = Callable[[Data, Any], str]


def negative_inputs(pack: Pack, programme: str, case: Case) -> list[tuple[str, Data, str]]:
    """Spoilt twins of a sound case.

    Args:
        pack: its ``cases/negative.yaml`` says what is impossible.
        programme: name of the programme.
        case: a sound case; each twin is another learner, so that no software refuses it as a repetition. The twins'
            ordinals follow the case's.

    Returns:
        (stable name, JSON of the test interface's ``Case`` with one impossible value, JSON pointer of that value).

    Raises:
        PackError: the pack names a way to spoil that is not known.
    """
    found = []
    for position, row in enumerate(case_data(pack, "negative")):
        if row.get("programmes") and programme not in row["programmes"]:
            continue
        spoil = _WAYS.get(row["spoil"])
        if spoil is None:
            raise PackError(f"cases/negative.yaml: {row['spoil']}: không có cách này / no such way")
        other = dataclasses.replace(
            case.frozen, id=f"{case.id}+{row['id']}", ordinal=case.frozen.ordinal + position + 1
        )
        data = realise(other, case.roster, case.seed, case.takes).data
        found.append((str(row["id"]), data, spoil(data, row.get("value"))))
    return found


def _subject(data: Data, scoring: str) -> tuple[int, Data]:
    return next((index, one) for index, one in enumerate(data["subjects"]) if one["scoring"] == scoring)


def _mark(data: Data, value: str) -> str:
    index, subject = _subject(data, "marks")
    result = subject["semester1"]
    if "components" in result:
        result["components"]["final"] = value
        return f"/subjects/{index}/semester1/components/final"
    result["average"] = value
    return f"/subjects/{index}/semester1/average"


def _subject_code(data: Data, value: str) -> str:
    index, subject = _subject(data, "marks")
    subject["code"] = value
    return f"/subjects/{index}/code"


def _no_teacher(data: Data, _: object) -> str:
    index, subject = _subject(data, "comment")
    subject["teachers"] = []
    return f"/subjects/{index}/teachers"


def _birth_date(data: Data, value: str) -> str:
    data["learner"]["birthDate"] = value
    return "/learner/birthDate"


def _conduct(data: Data, value: str) -> str:
    data["conduct"]["semester2"] = value
    return "/conduct/semester2"


def _absences(data: Data, value: int) -> str:
    data["absences"] = value
    return "/absences"


def _class(data: Data, value: str) -> str:
    data["class"] = value
    return "/class"


_WAYS: dict[str, Spoil] = {
    "mark": _mark,
    "subject-code": _subject_code,
    "no-teacher": _no_teacher,
    "birth-date": _birth_date,
    "conduct": _conduct,
    "absences": _absences,
    "class": _class,
}
