"""Documents as the reference vendor would issue them from a case, unsigned: what the corpus is tried on."""

from __future__ import annotations

import copy
import uuid
from datetime import date
from functools import cache
from typing import Any

from conformance.cases import Case, FrozenCase, Roster, Takes, build_roster, frozen_cases, realise
from conformance.checks import codes, form, levels, structure, subjects
from conformance.checks.context import Context
from conformance.checks.fidelity import check_fidelity
from conformance.document import Document, read, write
from conformance.finding import Recorder
from conformance.pack import Pack, default_pack
from mock_vendor.contents import Composing, Facts
from mock_vendor.register import Register
from tests.builders import NOW

SCHOOL_YEAR = 2025
PROGRAMMES = ("THCS", "THPT", "GDTX-THCS", "GDTX-THPT")


class Reference(Composing):
    """The reference vendor's way from a case to contents."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack


@cache
def roster_of(seed: int) -> Roster:
    """Every programme's schools."""
    return build_roster(default_pack(), PROGRAMMES, str(seed), SCHOOL_YEAR)


@cache
def realised(programme: str, seed: int, takes: Takes) -> tuple[Case, ...]:
    """The programme's frozen cases for a seed; never change one."""
    return tuple(realise(one, roster_of(seed), seed, takes) for one in frozen_cases(default_pack(), programme))


def frozen(name: str) -> FrozenCase:
    """A frozen case by id."""
    return next(one for programme in PROGRAMMES for one in frozen_cases(default_pack(), programme) if one.id == name)


def case(name: str, takes: Takes = "averages", seed: int = 1) -> Case:
    """A realised frozen case by id."""
    return realise(frozen(name), roster_of(seed), seed, takes)


def contents(one: Case, pack: Pack) -> dict[str, Any]:
    """Nested wire values by model name, by the reference vendor's own formulas."""
    facts = Facts(
        copy.deepcopy(one.data),
        Register.of(one.roster.data),
        str(uuid.uuid5(uuid.NAMESPACE_URL, one.id)),
        1,
        date(2026, 6, 1),
        NOW.date(),
    )
    return {"spec_version": pack.header.spec_version, **Reference(pack).contents(facts)}


def document(values: dict[str, Any], pack: Pack) -> Document:
    """The document of nested wire values."""
    reading = read(write(values, pack), pack)
    assert reading.document is not None, reading.problems
    return reading.document


def compare(one: Case, values: dict[str, Any], pack: Pack, others: tuple[dict[str, Any], ...] = ()) -> Recorder:
    """Fidelity of nested wire values to a case."""
    found = Recorder()
    context = Context(pack, None, NOW, door="drive")
    check_fidelity(one.data, one.roster.data, document(values, pack), context, found, others)
    return found


def judge(one: Case, pack: Pack) -> Recorder:
    """Everything but signatures about the document of a case."""
    found = Recorder()
    context = Context(pack, None, NOW, door="drive")
    reading = read(write(contents(one, pack), pack), pack)
    form.check(reading, found)
    assert reading.document is not None
    structure.check(reading.document, context, found)
    codes.check(reading.document, context, found)
    subjects.check(reading.document, context, found)
    levels.check(reading.document, context, found)
    check_fidelity(one.data, one.roster.data, reading.document, context, found)
    return found
