"""Faults of a run, switched on and off by hand: one by one, or those of an exchange of the pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import ValidationError
from starlette.responses import Response

from conformance.pack import Pack, Text
from conformance.pack.load import read_yaml
from mock_moet.console.runs import label_of
from mock_moet.console.visit import Stop, Visit, page, run_path, seen_after_post
from mock_moet.faults import Fault, Kind

_FIELDS = (
    "kind",
    "operation",
    "nth",
    "times",
    "phase",
    "status",
    "error",
    "retryAfter",
    "seconds",
    "location",
    "record",
    "name",
)
_MOST = 200
"""Faults of one run that may be set by hand."""


@dataclass(frozen=True, slots=True)
class Script:
    """The faults of one exchange of the pack."""

    id: str
    title: Text
    purpose: Text
    faults: tuple[Fault, ...]


@cache
def scripts(pack: Pack) -> tuple[Script, ...]:
    """The pack's exchanges that work with faults alone; those with times that only a client declares are left out."""
    found = []
    for path in sorted(pack.path("exchanges").glob("*.yaml")):
        said: Mapping[str, Any] = read_yaml(path)
        try:
            faults = tuple(Fault.model_validate(one) for one in said.get("faults", ()))
        except ValidationError:
            continue
        if faults:
            title, purpose = Text.model_validate(said["title"]), Text.model_validate(said["purpose"])
            found.append(Script(str(said["id"]), title, purpose, faults))
    return tuple(found)


def listing(visit: Visit) -> Response:
    """What is set, and the forms that set more."""
    return _page(visit, {}, {})


def _page(visit: Visit, wrong: Mapping[str, str], given: Mapping[str, str]) -> Response:
    row = visit.space
    return page(
        visit,
        "faults.html.j2",
        422 if wrong else 200,
        run=row,
        label=label_of(row),
        faults=visit.ministry.corner(row.name).faults.listing(),
        kinds=get_args(Kind),
        operations=list(visit.ministry.wire.operations),
        errors=visit.ministry.wire.messages["errors"],
        scripts=scripts(visit.ministry.pack),
        wrong=wrong,
        given={name: given.get(name, "") for name in _FIELDS},
    )


def add(visit: Visit) -> Response:
    """Set one fault by hand."""
    values = {name: text for name in _FIELDS if (text := visit.sent(name))}
    try:
        fault = Fault.model_validate(values)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) if one["loc"] else "kind": one["msg"] for one in error.errors()}
        return _page(visit, wrong, values)
    wire = visit.ministry.wire
    if fault.operation != "*" and fault.operation not in wire.operations:
        return _page(visit, {"operation": visit.say("faults.wrong.operation")}, values)
    if fault.error and fault.error not in wire.messages["errors"]:
        return _page(visit, {"error": visit.say("faults.wrong.error")}, values)
    if fault.kind == "redirect" and not fault.location:
        return _page(visit, {"location": visit.say("faults.wrong.location")}, values)
    return _set(visit, [fault])


def add_scripted(visit: Visit) -> Response:
    """Set the faults of one of the pack's exchanges."""
    chosen = next((one for one in scripts(visit.ministry.pack) if one.id == visit.sent("exchange")), None)
    if chosen is None:
        raise Stop(422, "faults.wrong.exchange")
    title = chosen.title.of(visit.language)
    return _set(visit, [one if one.name else one.model_copy(update={"name": title}) for one in chosen.faults])


def _set(visit: Visit, faults: list[Fault]) -> Response:
    row = visit.space
    book = visit.ministry.corner(row.name).faults
    if len(book.listing()) + len(faults) > _MOST:
        raise Stop(422, "faults.wrong.many")
    book.add(faults)
    visit.tell("told.fault-on")
    return seen_after_post(run_path(row.name, "/faults"))


def off(visit: Visit) -> Response:
    """Take one fault back, or all (no number)."""
    row = visit.space
    book = visit.ministry.corner(row.name).faults
    number = visit.sent("number")
    if not number:
        book.replace(())
    elif number.isascii() and number.isdigit() and len(number) < 10:
        book.remove(int(number))
    visit.tell("told.fault-off")
    return seen_after_post(run_path(row.name, "/faults"))
