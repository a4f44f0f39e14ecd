"""Which items a run has: the same list in every process, from the pack and the set-up alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conformance.cases import frozen_cases
from conformance.cases.case import base_plan
from conformance.doors.probes import PROBES
from conformance.exchanges import ExchangeSpec, load_exchanges
from conformance.pack import Pack, PackError
from conformance.suite.casebook import load_book, scored
from conformance.suite.settings import Setup

Kind = Literal["case", "probe", "exchange", "explore", "document", "observed", "watched"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One item: what is to be done, under a stable id that is never a position."""

    id: str
    kind: Kind
    programme: str
    title: str
    name: str
    """The case's, probe's or exchange's own name; the path of a file."""
    signatures: int = 0
    """About how many signatures it costs."""


def plan(pack: Pack, setup: Setup) -> tuple[Planned, ...]:
    """All items of a run, before any selection."""
    if setup.door == "files":
        return tuple(Planned(f"document:{name}", "document", "", name, name) for name in setup.files)
    if setup.door == "observe":
        return _observed(pack, setup)
    found: list[Planned] = []
    for programme in setup.programmes:
        cases = frozen_cases(pack, programme)
        for case in cases:
            title = case.title.of(setup.language)
            found.append(Planned(f"{programme}:{case.id}", "case", programme, title, case.id, 18))
        if not cases:
            continue
        signers = len(base_plan(pack, programme).subjects) + 2
        for name in PROBES:
            cost = {"impossible": 0, "one-missing": signers**2}.get(name, signers)
            found.append(Planned(f"{programme}:probe:{name}", "probe", programme, name, name, cost))
        if setup.max_examples:
            cost = setup.max_examples * signers
            found.append(Planned(f"{programme}:explore", "explore", programme, "explore", "explore", cost))
    for spec in played(pack, setup.vendor):
        title = spec.title.of(setup.language)
        found.append(Planned(f"exchange:{spec.id}", "exchange", "", title, spec.id, 18 * spec.transcripts))
    return tuple(found)


def played(pack: Pack, vendor: Mapping[str, Any]) -> list[ExchangeSpec]:
    """The exchanges that the scored revision has and the software, by its description, can be asked for."""
    order = pack.header.revisions
    reached = order[: order.index(pack.header.revision) + 1]
    offered = vendor.get("capabilities")
    return [
        spec
        for spec in load_exchanges(pack)
        if spec.revision in reached and (not isinstance(offered, list) or set(spec.needs) <= set(map(str, offered)))
    ]


def _observed(pack: Pack, setup: Setup) -> tuple[Planned, ...]:
    """The case book's learners, and what is watched of their submissions."""
    book = load_book(pack)
    if book is None:
        raise PackError(f"{pack.name}: không có sổ ca cho cửa quan sát / no case book for the observe door")
    specs = {one.id: one for one in load_exchanges(pack)}
    found: list[Planned] = []
    for position, programme in enumerate(setup.programmes):
        titles = {one.id: one.title for one in frozen_cases(pack, programme)}
        for entry in book.programmes.get(programme, ()):
            title = titles[entry.case].of(setup.language)
            name = f"observe:{programme}:{entry.case}"
            found.append(Planned(name, "observed", programme, title, entry.case, 18))
            spec = specs.get(entry.exchange)
            if position == 0 and spec is not None and scored(pack, spec):
                title = spec.title.of(setup.language)
                found.append(Planned(f"observe:exchange:{spec.id}", "watched", "", title, entry.case))
    return tuple(found)


def selected(planned: tuple[Planned, ...], wanted: tuple[str, ...]) -> tuple[Planned, ...]:
    """The items asked for by id; all when nothing was asked for.

    Raises:
        ValueError: an id that does not exist.
    """
    if not wanted:
        return planned
    known = {one.id for one in planned}
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise ValueError(f"không có mục / no such item: {', '.join(unknown)}")
    return tuple(one for one in planned if one.id in wanted)


def budget(planned: tuple[Planned, ...]) -> dict[str, Any]:
    """What a run costs the software: items by kind and signatures."""
    kinds: dict[str, int] = {}
    for one in planned:
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    return {"items": kinds, "signatures": sum(one.signatures for one in planned)}
