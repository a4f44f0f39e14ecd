"""The recipes for vendors name findings, programs and pages that exist."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.pack import default_pack

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "signing-recipes.md").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    links = [one for one in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in one]
    assert len(links) >= 8
    assert [one for one in links if not (ROOT / "docs" / one).exists()] == []


def test_findings_named_exist() -> None:
    pack = default_pack()
    named = re.findall(r"(PL1-[A-Z]+-\d{3})\.([a-z0-9-]+)((?:, \.[a-z0-9-]+)*)", PAGE)
    assert len(named) >= 7
    for requirement, cause, more in named:
        for each in (cause, *re.findall(r"\.([a-z0-9-]+)", more)):
            assert each in pack.requirements[requirement].causes, f"{requirement}.{each}"
