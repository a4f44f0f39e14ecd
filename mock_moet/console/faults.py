"""Faults of a run, switched on and off by hand: one by one, those of an exchange of the pack, or a profile's mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import ValidationError
from starlette.responses import Response

from conformance.pack import Pack, Text
from conformance.pack.data import read_yaml
from mock_moet.console.runs import label_of
from mock_moet.console.visit import Stop, Visit, page, run_path, seen_after_post
from mock_moet.faults import BELOW, Fault, Kind
from mock_moet.ministry import FaultProblem

_FIELDS = (
    "kind", "operation", "nth", "times", "phase", "status", "error", "retryAfter", "seconds", "location", "size",
    "variant", "record", "name",
)  # fmt: skip
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
    ministry = visit.ministry
    corner = ministry.corner(row.name)
    return page(
        visit,
        "faults.html.j2",
        422 if wrong else 200,
        run=row,
        label=label_of(row),
        faults=corner.faults.listing(),
        kinds=[one for one in get_args(Kind) if one not in BELOW or ministry.has_port(row)],
        variants=ministry.variants(row),
        operations=list(ministry.wire.operations),
        errors=ministry.wire.messages["errors"],
        scripts=[one for one in scripts(ministry.pack) if all(ministry.possible(row, each) for each in one.faults)],
        profiles=ministry.profiles,
        playing=corner.playing,
        mixed=corner.faults.mixed,
        wrong=wrong,
        given={name: given.get(name, "") for name in _FIELDS},
    )


def add(visit: Visit) -> Response:
    """Set one fault by hand."""
    values = {name: text for name in _FIELDS if (text := visit.sent(name))}
    try:
        fault = Fault.model_validate(values)
        visit.ministry.check_faults(visit.space, [fault])
    except ValidationError as error:
        wrong = {str(one["loc"][0]) if one["loc"] else _lacking(values): one["msg"] for one in error.errors()}
        return _page(visit, wrong, values)
    except FaultProblem as problem:
        return _page(visit, {problem.field: str(problem)}, values)
    return _set(visit, [fault])


def _lacking(values: Mapping[str, str]) -> str:
    """The field without which a kind of fault says too little."""
    needed = {"redirect": "location", "refuse": "seconds", "tls": "variant", "large-headers": "size"}
    return needed.get(values.get("kind", ""), "kind")


def add_scripted(visit: Visit) -> Response:
    """Set the faults of one of the pack's exchanges."""
    chosen = next((one for one in scripts(visit.ministry.pack) if one.id == visit.sent("exchange")), None)
    if chosen is None:
        raise Stop(422, "faults.wrong.exchange")
    title = chosen.title.of(visit.language)
    return _set(visit, [one if one.name else one.model_copy(update={"name": title}) for one in chosen.faults])


def _set(visit: Visit, faults: list[Fault]) -> Response:
    row = visit.space
    if len(visit.ministry.corner(row.name).faults.listing()) + len(faults) > _MOST:
        raise Stop(422, "faults.wrong.many")
    visit.ministry.set_faults(row.name, faults, beside=True)
    visit.tell("told.fault-on")
    return seen_after_post(run_path(row.name, "/faults"))


def off(visit: Visit) -> Response:
    """Take one fault back, or all (no number)."""
    row = visit.space
    number = visit.sent("number")
    if not number:
        visit.ministry.set_faults(row.name, ())
    elif number.isascii() and number.isdigit() and len(number) < 10:
        visit.ministry.take_fault(row.name, int(number))
    visit.tell("told.fault-off")
    return seen_after_post(run_path(row.name, "/faults"))


def profile(visit: Visit) -> Response:
    """Mix a profile's faults in from now on, by a seed that gives them again; no name ends that."""
    name, seed = visit.sent("profile"), visit.sent("seed")
    if name and name not in visit.ministry.profiles:
        raise Stop(422, "faults.wrong.profile")
    if seed and not (seed.isascii() and seed.isdigit() and len(seed) < 19):
        raise Stop(422, "faults.wrong.seed")
    visit.ministry.play(visit.space, name, int(seed) if seed else None)
    visit.tell("told.profile-on" if name else "told.profile-off")
    return seen_after_post(run_path(visit.space.name, "/faults"))
