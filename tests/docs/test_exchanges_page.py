"""docs/exchanges.md and the published schema say what the model says, no more and no less."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from conformance.checks.exchange import RULES
from conformance.exchanges import steps
from conformance.exchanges.model import ExchangeSpec
from conformance.exchanges.schema import NAME, exchange_schema, text
from conformance.pack import default_pack
from conformance.pack.data import read_yaml
from tests.exchanges.test_files import REQUIREMENT

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "exchanges.md").read_text("utf-8")
VALIDATOR = jsonschema.Draft202012Validator(exchange_schema())
FILES = sorted(default_pack().path("exchanges").glob("*.yaml"))


def rows(heading: str) -> list[list[str]]:
    """The table under a heading, without its head."""
    part = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    table = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def keys(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_published_schema_is_the_models() -> None:
    assert (DOCS / NAME).read_text("utf-8") == text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_valid_by_the_published_schema(path: Path) -> None:
    VALIDATOR.validate(json.loads(json.dumps(read_yaml(path))))


def test_the_page_names_every_key_of_a_file() -> None:
    told = {name for row in rows("Một tệp") for name in names(row[0])}
    assert told == keys(ExchangeSpec)


def test_the_page_names_every_step_with_its_keys() -> None:
    union = get_args(get_args(steps.Step)[0])
    models = {get_args(one.model_fields["do"].annotation)[0]: keys(one) - {"do"} for one in union}
    assert {names(row[0])[0]: set(names(row[2])) for row in rows("Các bước")} == models


def test_the_page_names_every_rule_with_its_requirement() -> None:
    told = {names(row[0])[0]: row[1] for row in rows("Các quy tắc")}
    assert told == {rule: REQUIREMENT[rule] for rule in RULES}


def test_the_page_names_every_parameter_that_files_use() -> None:
    told = {names(row[0])[0]: set(names(row[2])) for row in rows("Các quy tắc")}
    for path in FILES:
        for one in ExchangeSpec.model_validate(read_yaml(path)).expect:
            assert set(one.params) <= told[one.rule], path.stem
