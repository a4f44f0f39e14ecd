"""The site's source: a page for every requirement in both languages, links that lead somewhere, nothing foreign."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.pack import default_pack

ROOT = Path(__file__).resolve().parents[2]
PACK = default_pack()
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|href=\"([^\"#]+)\"")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "build.py"))
    build["lay_out"](folder, PACK)
    return folder


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_requirement_has_its_page_with_text_and_examples(source: Path, language: str) -> None:
    folder = source / "pages" / language / "requirements"
    index = (folder / "index.md").read_text(encoding="utf-8")
    for name, row in PACK.requirements.items():
        text = (folder / f"{name}.md").read_text(encoding="utf-8")
        assert f"]({name}.md)" in index
        assert row.clause.split(" ")[0] in text
        assert all(f"{name}.{cause}" in text for cause in row.causes)
    page = (folder / "PL1-KY-005.md").read_text(encoding="utf-8")
    assert "documents/valid/small.xml" in page
    assert "<mark>" in page


def test_links_of_all_pages_lead_somewhere(source: Path) -> None:
    pages = source / "pages"
    wrong = []
    for path in sorted(pages.rglob("*.md")):
        if path.is_relative_to(pages / "docs" / "skeleton"):
            continue
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for one, two in LINK.findall(text):
            link = one or two
            # raw HTML is not rewritten by MkDocs: its links start one folder deeper, at the page's own address
            base = path.parent if one else path.with_suffix("")
            if "://" not in link and not (base / link).resolve().exists():
                wrong.append(f"{path.relative_to(pages)}: {link}")
    assert wrong == []


def test_the_navigation_names_pages_that_exist_and_forgets_none(source: Path) -> None:
    settings = yaml.safe_load((source / "mkdocs.yml").read_text(encoding="utf-8"))

    def leaves(one: Any) -> list[str]:
        if isinstance(one, str):
            return [one]
        return [leaf for each in (one.values() if isinstance(one, dict) else one) for leaf in leaves(each)]

    named = leaves(settings["nav"])
    pages = source / "pages"
    assert [one for one in named if not (pages / one).is_file()] == []
    written = {str(path.relative_to(pages)) for path in (pages / "docs").rglob("*.md")} - {"docs/home.md"}
    assert written - set(named) == set()


def test_nothing_comes_from_another_host(source: Path) -> None:
    settings = yaml.safe_load((source / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["theme"]["font"] is False
    assert not {"extra_javascript", "repo_url"} & set(settings)
    for path in (source / "pages").rglob("*.md"):
        assert not re.search(r"!\[[^\]]*\]\(https?:|<(?:script|img|link|iframe)\b", path.read_text(encoding="utf-8")), (
            path
        )
