"""The exchange files of the pack: they load, and what they name exists."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.exchanges import steps
from conformance.exchanges.model import ExchangeSpec, Expectation, load_exchanges
from conformance.exchanges.player import fault_data, outcome_data
from conformance.exchanges.steps import FaultSpec, OutcomeSpec, Watching
from conformance.fixtures import load_definitions
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
    "amended": "amended",
    "revoked": "revoked",
    "waits-for-outcome": "being-checked",
    "imported-equal": "imported",
    "refreshed": "refreshed",
    "window-shown": "shown",
}
"""The class that a rule counts when the file names none."""


def class_of(spec: ExchangeSpec, one: Expectation) -> str:
    named = one.params.get("class")
    if one.rule == "not-repeated" and named is None:
        error = one.params.get("error")
        return f"status-{PACK.messages['errors'][error]['status'] if error else spec.all_faults()[0].status}"
    return str(named or CLASS.get(one.rule, "?"))


def watchings(spec: ExchangeSpec) -> Iterator[Watching]:
    return (step for step in spec.acts if isinstance(step, Watching))


def test_there_is_one_for_each_file() -> None:
    files = {path.stem for path in PACK.path("exchanges").iterdir()}
    assert {spec.id for spec in SPECS} == files
    assert len(SPECS) >= 45


@each
def test_texts_are_in_both_languages(spec: ExchangeSpec) -> None:
    for text in (spec.title, spec.purpose):
        assert text.vi
        assert text.en
        assert text.vi != text.en


@each
def test_people_can_read_it(spec: ExchangeSpec) -> None:
    text = PACK.path("exchanges", f"{spec.id}.yaml").read_text("utf-8")
    assert max(map(len, text.splitlines())) <= 240


@each
def test_requirements_are_those_its_rules_judge(spec: ExchangeSpec) -> None:
    assert {REQUIREMENT[one.rule] for one in spec.expect} == set(spec.requirements)
    revisions = PACK.header.revisions
    newest = max(revisions.index(PACK.requirements[one].revision) for one in spec.requirements)
    assert newest <= revisions.index(spec.revision)


@each
def test_its_classes_are_the_manifests(spec: ExchangeSpec) -> None:
    for one in spec.expect:
        row = PACK.requirements[REQUIREMENT[one.rule]]
        if row.revision == spec.revision:
            assert class_of(spec, one) in {case_class.name for case_class in row.classes}, one.rule


@each
def test_the_mock_ministry_takes_its_faults_and_outcomes(spec: ExchangeSpec) -> None:
    operations = {
        operation["operationId"]
        for path in PACK.service["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    for fault in spec.all_faults():
        data = fault_data(fault, timeout=1.0) | ({"location": "http://localhost/"} if fault.location else {})
        made = Fault.model_validate(data)
        assert made.operation in operations or made.kind == "tls"
        assert not made.error or made.error in PACK.messages["errors"]
    for outcome in spec.all_outcomes():
        assert Outcome.model_validate(outcome_data(outcome)).polls == outcome.polls


def test_faults_and_outcomes_say_what_the_control_interface_knows() -> None:
    assert set(FaultSpec.model_fields) <= set(Fault.model_fields)
    # a transcript of the exchange becomes its learner
    assert set(OutcomeSpec.model_fields) - {"paper"} <= set(Outcome.model_fields)


@each
def test_time_limits_allow_for_what_the_service_asks(spec: ExchangeSpec) -> None:
    asked = sum((fault.retry_after or 0) * min(fault.times, 10) for fault in spec.all_faults())
    assert sum(one.retry_after for one in watchings(spec)) >= asked
    endless = any(
        fault.times > 100
        and (fault.kind in ("reset", "delay") or (fault.kind == "status" and (fault.status or 503) >= 500))
        for fault in spec.all_faults()
    )
    # software may give up after as many tries as it declares: an endless fault must wait for that
    assert any(one.attempts == 0 for one in watchings(spec)) == endless


@each
def test_it_waits_for_states_the_software_can_have(spec: ExchangeSpec) -> None:
    states = PACK.test_interface["components"]["schemas"]["State"]["properties"]["state"]["enum"]
    for one in watchings(spec):
        assert set(one.until) <= set(states)


@each
def test_it_names_transcripts_reasons_and_documents_that_there_are(spec: ExchangeSpec) -> None:
    reasons = PACK.test_interface["components"]["schemas"]["Reason"]["properties"]["code"]["enum"]
    names = {str(number) for number in range(1, spec.transcripts + 1)}
    for step in spec.acts:
        papers = getattr(step, "papers", steps.ALL)
        assert papers == steps.ALL or set(papers) <= names
        assert getattr(step, "paper", "1") in names or not hasattr(step, "paper")
        if isinstance(step, steps.Import):
            assert set(step.expect) <= set(reasons) - {"OTHER"}
            assert step.document in load_definitions(PACK).documents
            assert step.authorisation.purpose in PACK.messages["purposes"]


@each
def test_what_must_be_refused_has_its_sound_twin(spec: ExchangeSpec) -> None:
    offered = [step for step in spec.acts if isinstance(step, steps.Import)]
    assert not offered or any(not step.expect for step in offered)


def test_every_class_is_exercised_by_some_exchange() -> None:
    shown = {(REQUIREMENT[one.rule], class_of(spec, one)) for spec in SPECS for one in spec.expect}
    assert set(HOLDS) <= shown


def test_forty_findings_are_forty() -> None:
    (spec,) = (one for one in SPECS if one.id == "refusal-forty")
    codes = spec.params(spec.expect[0], PACK)["codes"]
    assert len(set(codes)) == len(codes) == 40
    (made,) = (outcome_data(one) for one in spec.all_outcomes())
    assert [one["code"] for one in made["findings"]] == codes
    assert made["findings"][39]["text"].endswith("40")


BROKEN: dict[str, dict[str, Any]] = {
    "quy tắc lạ": {"expect": [{"rule": "no-such-rule"}]},
    "yêu cầu lạ": {"requirements": ["PL2-GN-999"]},
    "năng lực lạ": {"needs": ["flying"]},
    "phải trùng tên tệp": {"id": "another"},
    "sai dữ liệu": {"surprise": 1},
    "steps.0.*sai dữ liệu": {"steps": [{"do": "dance"}]},
    "phải ở trong bước": {"steps": [{"do": "prepare"}]},
}


@pytest.mark.parametrize(("message", "change"), BROKEN.items(), ids=BROKEN.keys())
def test_a_wrong_file_is_named_with_its_mistake(message: str, change: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "exchanges").mkdir()
    shutil.copy(PACK.path("exchanges", "processing.yaml"), tmp_path / "exchanges")
    path = tmp_path / "exchanges" / "processing.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text("utf-8")), **change}, allow_unicode=True), "utf-8")
    with pytest.raises(PackError, match=r"processing\.yaml.*" + message):
        load_exchanges(moved(PACK, tmp_path))


def moved(pack: Pack, folder: Path) -> Pack:
    """The pack, its files looked for in another folder."""
    other = copy.copy(pack)
    other.folder = folder
    return other


def test_a_body_may_be_written_as_data() -> None:
    fault = FaultSpec.model_validate(
        {"kind": "garbage", "status": 200, "body": {"TrangThai": "LA"}, "seconds": "timeout", "retry-after": 2}
    )
    data = fault_data(fault, timeout=2.0)
    assert json.loads(data["body"]) == {"TrangThai": "LA"}
    assert data["seconds"] == 3.5
    assert data["retryAfter"] == 2
