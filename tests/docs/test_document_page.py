"""The vendors' page of the document names everything that the pack's schema and signature policy have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from conformance.pack import default_pack

PAGE = (Path(__file__).parents[2] / "docs" / "document.md").read_text(encoding="utf-8")
PACK = default_pack()
XS = "{http://www.w3.org/2001/XMLSchema}"


def declared(kind: str) -> list[str]:
    schema = etree.parse(str(PACK.path("document/schema.xsd")))
    return sorted({str(one.get("name")) for one in schema.iter(XS + kind) if one.get("name")})


@pytest.mark.parametrize("name", [*declared("element"), *declared("attribute")])
def test_every_element_and_attribute_is_named(name: str) -> None:
    assert re.search(rf"`(?:[A-Za-z]+/)*{name}(?:=\"[^`]*\")?`", PAGE), name


def test_every_slot_has_its_role_and_what_it_covers() -> None:
    anchors = PACK.binding.anchors
    paths = {one.name: one.path.rpartition("/")[2] for one in PACK.signature.slots}
    for slot in PACK.signature.slots:
        (row,) = re.findall(rf"^\| `{paths[slot.name]}` \| `{slot.role}` \| (.*) \|$", PAGE, re.MULTILINE)
        for one in slot.covers:
            named = paths[one.removeprefix("slot:")] if one.startswith("slot:") else anchors[one].rpartition("/")[2]
            assert f"`{named}`" in row, (slot.name, one)


def test_wire_values_are_the_packs() -> None:
    for values in (PACK.binding.values["level"], PACK.binding.values["outcome"], PACK.binding.values["scoring"]):
        for word in values:
            assert f"`{word}`" in PAGE
    for rules in PACK.rules.values():
        assert f"`{rules.circular}`" in PAGE
    assert f'PhienBanDacTa="{PACK.header.spec_version}"' in PAGE
