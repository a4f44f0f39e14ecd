"""The exchange files of the pack: they load, and what they name exists."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.exchanges.model import ExchangeSpec, Expectation, load_exchanges
from conformance.pack import Pack, PackError, default_pack
from mock_moet.faults import Fault, Outcome
from tests.checks.test_exchange_twins import HOLDS

PACK = default_pack()
SPECS = load_exchanges(PACK)
each = pytest.mark.parametrize("spec", SPECS, ids=[spec.id for spec in SPECS])

REQUIREMENT = {row[0]: requirement for (requirement, _), rows in HOLDS.items() for row in rows}
"""Rule → the requirement it judges, as its twins show."""
CLASS = {
    "bearer": "checked",
    "token-renewed": "renewed",
    "token-stops": "stopped",
    "bytes-issued": "checked",
    "envelope": "checked",
    "gives-up": "gave-up",
    "delivered-only": "delivered",
}
"""The class that a rule counts when the file names none."""


def class_of(spec: ExchangeSpec, one: Expectation) -> str:
    if one.rule == "not-repeated":
        return f"status-{spec.faults[0]['status']}"
    return str(one.params.get("class") or CLASS.get(one.rule, "?"))


def test_there_is_one_for_each_file() -> None:
    files = {path.stem for path in PACK.path("exchanges").iterdir()}
    assert {spec.id for spec in SPECS} == files
    assert len(SPECS) >= 20


@each
def test_texts_are_in_both_languages(spec: ExchangeSpec) -> None:
    for text in (spec.title, spec.purpose):
        assert text.vi
        assert text.en
        assert text.vi != text.en


@each
def test_requirements_are_those_its_rules_judge(spec: ExchangeSpec) -> None:
    assert {REQUIREMENT[one.rule] for one in spec.expect} == set(spec.requirements)
    assert {PACK.requirements[one].revision for one in spec.requirements} == {spec.revision}


@each
def test_its_classes_are_the_manifests(spec: ExchangeSpec) -> None:
    for one in spec.expect:
        named = {case_class.name for case_class in PACK.requirements[REQUIREMENT[one.rule]].classes}
        assert class_of(spec, one) in named, one.rule


@each
def test_the_mock_ministry_takes_its_faults_and_outcomes(spec: ExchangeSpec) -> None:
    operations = {
        operation["operationId"]
        for path in PACK.service["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    for fault in spec.faults:
        plain = {**fault, "seconds": 1.0} if fault.get("seconds") == "timeout" else fault
        assert Fault.model_validate(plain).operation in operations
    for outcome in spec.outcomes:
        Outcome.model_validate(outcome)


@each
def test_time_limits_allow_for_what_the_service_asks(spec: ExchangeSpec) -> None:
    asked = sum(float(fault.get("retryAfter", 0)) * min(fault.get("times", 1), 10) for fault in spec.faults)
    assert spec.retry_after >= asked
    endless = any(
        fault["kind"] == "status" and fault["status"] >= 500 and fault["times"] > 100 for fault in spec.faults
    )
    # software may give up after as many tries as it declares: an endless fault must wait for that
    assert (spec.attempts == 0) == endless


@each
def test_it_waits_for_states_the_software_can_have(spec: ExchangeSpec) -> None:
    states = PACK.test_interface["components"]["schemas"]["State"]["properties"]["state"]["enum"]
    assert set(spec.until) <= set(states)


def test_every_class_of_the_revision_is_exercised_by_some_exchange() -> None:
    shown = {(REQUIREMENT[one.rule], class_of(spec, one)) for spec in SPECS for one in spec.expect}
    scored = {(row.id, one.name) for row in PACK.requirements.values() if PACK.scored(row) for one in row.classes}
    assert shown <= set(HOLDS)
    assert shown >= scored & set(HOLDS)


def test_the_same_refusals_are_expected_as_are_scripted() -> None:
    for spec in SPECS:
        for one in spec.expect:
            if one.rule == "refusal-shown":
                scripted = [finding["code"] for outcome in spec.outcomes for finding in outcome["findings"]]
                assert one.params["codes"] == scripted


BROKEN: dict[str, dict[str, Any]] = {
    "quy tắc lạ": {"expect": [{"rule": "no-such-rule"}]},
    "yêu cầu lạ": {"requirements": ["PL2-GN-999"]},
    "phải trùng tên tệp": {"id": "another"},
    "sai dữ liệu": {"surprise": 1},
}


@pytest.mark.parametrize(("message", "change"), BROKEN.items(), ids=BROKEN.keys())
def test_a_wrong_file_is_named_with_its_mistake(message: str, change: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(PACK.path("exchanges"), tmp_path / "exchanges")
    path = tmp_path / "exchanges" / "processing.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text("utf-8")), **change}, allow_unicode=True), "utf-8")
    with pytest.raises(PackError, match=r"processing\.yaml.*" + message):
        load_exchanges(moved(PACK, tmp_path))


def moved(pack: Pack, folder: Path) -> Pack:
    """The pack, its files looked for in another folder."""
    other = copy.copy(pack)
    other.folder = folder
    return other
