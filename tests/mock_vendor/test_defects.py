"""The registry of defects, and each document defect against the harness: exactly its expected root requirements."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.checks.context import Context
from conformance.checks.fidelity import check_fidelity
from conformance.checks.judge import judge_document
from conformance.pack import Pack
from conformance.signature.pki import TestPki
from mock_vendor.__main__ import listing, main
from mock_vendor.defects import DEFECTS
from mock_vendor.habits import Habits
from tests.mock_vendor.conftest import Desk

Desks = Callable[..., Desk]
ELSEWHERE = ("PL1-PH", "PL1-IN", "PL2-XT", "PL2-GN")
"""Groups that a document alone does not show."""
SCORED = {"ND", "PH", "DOC", "STR", "MA", "MON", "HT", "RL", "LL", "KY", "CTS", "IN", "XT", "GN", "SD", "TC", "DM"}


def _case_of(item: str) -> str:
    programme, _, case = item.partition(":")
    return case if programme in ("THCS", "THPT") and not case.startswith("probe:") else ""


IN_DOCUMENTS = [
    name
    for name, one in DEFECTS.items()
    if all(map(_case_of, one.shows)) and not any(id_.startswith(ELSEWHERE) for id_ in one.expects)
]


def test_every_scored_group_has_defects() -> None:
    assert {id_.split("-")[1] for one in DEFECTS.values() for id_ in one.expects} == SCORED
    assert len(DEFECTS) >= 25


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_says_what_it_is(name: str, pack: Pack) -> None:
    one = DEFECTS[name]
    assert one.vi
    assert one.en
    assert one.expects <= set(pack.requirements)
    assert 1 <= len(one.shows) <= 3
    assert issubclass(one.mixin, Habits)
    if one.cause:
        requirement, _, cause = one.cause.partition(".")
        assert requirement in one.expects
        assert cause in pack.requirements[requirement].causes


@pytest.mark.parametrize("name", IN_DOCUMENTS)
def test_a_document_defect_breaks_what_it_says(name: str, desks: Desks, pack: Pack, pki: TestPki) -> None:
    desk, one = desks(defects=frozenset([name])), DEFECTS[name]
    leaders = frozenset(str(who["nationalId"]) for who in desk.roster.signers() if who["role"] == "leader")
    roots: set[str] = set()
    entered: list[dict[str, Any]] = []
    for item in one.shows:
        case = desk.case(_case_of(item))
        data = desk.document(desk.issue(case))
        now = desk.clock.now()
        judged = judge_document(data, Context(pack, pki.trust_store(), now, now, leaders, "drive"))
        if judged.document is not None:
            context = Context(pack, None, now, now, leaders, "drive")
            check_fidelity(case.data, desk.roster.data, judged.document, context, judged.found, entered)
        entered.append(case.data)
        roots |= judged.found.roots()
    assert {code.partition(".")[0] for code in roots} == one.expects
    assert not one.cause or one.cause in roots


def test_the_list_reads_and_is_json() -> None:
    assert all(name in listing("text", language) for name in DEFECTS for language in ("vi", "en"))
    rows = json.loads(listing("json", "vi"))
    assert {row["name"] for row in rows} == set(DEFECTS)
    assert {"name", "vi", "en", "expects", "cause", "shows"} == set(rows[0])


def test_unknown_defects_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--defect", "no-such-thing"]) == 2
    assert "no-such-thing" in capsys.readouterr().err
    assert main(["--list-defects"]) == 0
    assert "wraps-a-mark" in capsys.readouterr().out
