"""The vendors' page says what the interface says: its examples are valid, every call and every reason is explained."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.pack import default_pack

PAGE = (Path(__file__).parents[2] / "docs" / "test-interface.md").read_text(encoding="utf-8")
INTERFACE = default_pack().test_interface
EXAMPLES = re.findall(r"<!-- (\w+) -->\n```json\n(.*?)```", PAGE, re.DOTALL)
SENT = re.findall(r"/(\w+)\s*(?:\\\n\s*)?-d '(\{.*?\})'", PAGE)
REFUSED = INTERFACE["components"]["responses"]["Refused"]["content"]["application/json"]["schema"]


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": INTERFACE["components"]})


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_examples_are_valid(name: str, text: str) -> None:
    schema = REFUSED if name == "Refused" else INTERFACE["components"]["schemas"][name]
    validator(schema).validate(json.loads(text))


def test_requests_in_commands_are_valid() -> None:
    schemas = INTERFACE["components"]["schemas"]
    named = {
        "amendment": "Amendment", "revocation": "Revocation", "submissions": "Batch", "authorisation": "Authorisation",
        "imports": "Import",
    }  # fmt: skip
    assert [name for name, _ in SENT] == ["signatures", *named]
    for name, text in SENT:
        if name in named:
            validator(schemas[named[name]]).validate(json.loads(text))
    for one in json.loads(SENT[0][1])["signatures"]:
        validator(schemas["Signing"]).validate(one)
    (edit,) = re.findall(r"-X PATCH .* -d '(\{.*?\})'", PAGE)
    validator(schemas["Edit"]).validate(json.loads(edit))


def test_each_kind_of_message_has_an_example() -> None:
    assert {name for name, _ in EXAMPLES} >= {"Description", "Session", "Roster", "Case", "State", "Refused"}


def test_every_call_is_explained() -> None:
    for path, operations in INTERFACE["paths"].items():
        for method in operations:
            assert f"`{method.upper()} {path}`" in PAGE


def test_exactly_the_reasons_of_the_interface_are_listed() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)
    assert listed == INTERFACE["components"]["schemas"]["Reason"]["properties"]["code"]["enum"]


def test_links_lead_somewhere() -> None:
    for name in ("test-interface.md", "limits.md"):
        folder = Path(__file__).parents[2] / "docs"
        text = (folder / name).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert (folder / link).exists(), link


def test_the_limits_say_what_each_revision_scores() -> None:
    pack = default_pack()
    text = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
    assert pack.header.revision == pack.header.revisions[-1]
    assert f"**{pack.header.revision}**" in text
    first = {one.id for one in pack.requirements.values() if one.part == "appendix2" and pack.scored(one, "r1")}
    for listed in re.findall(r"PL2-XT-001, [^)]*", text):
        named = set()
        for group, start, end in re.findall(r"([A-Z]{2})-(\d{3})(?: … (\d{3}))?", listed):
            named |= {f"PL2-{group}-{number:03}" for number in range(int(start), int(end or start) + 1)}
        assert named == first
    assert text.count("PL2-XT-001, ") == 2
