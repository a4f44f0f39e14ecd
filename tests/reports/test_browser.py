"""The report in a real browser: accessible, narrow enough for a telephone, filtered without script, quick to open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reports
from conformance.pack import default_pack
from tests.browser import NARROW, WIDE, keep, overflow, violations
from tests.reports.sample import failing

if TYPE_CHECKING:
    from playwright.sync_api import Page


def written(folder: Path, language: str) -> Path:
    pack = default_pack()
    path = folder / f"report-{language}.html"
    path.write_text(reports.html(failing(pack), pack, language), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("report"), "vi")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_report_is_accessible_and_fits_a_telephone(page: Page, tmp_path: Path, language: str) -> None:
    report = written(tmp_path, language)
    page.goto(report.as_uri())
    keep(page, report.stem)
    for summary in page.locator(".finding summary").all():
        summary.click()
    assert overflow(page) == 0
    page.set_viewport_size({"width": NARROW, "height": 800})
    assert overflow(page) == 0
    keep(page, f"{report.stem}-narrow")
    page.set_viewport_size({"width": WIDE, "height": 900})
    assert violations(page, beside="tr.row:nth-child(n+8)", drawn=language == "vi") == []


def test_the_matrix_is_filtered_without_script(page: Page, report: Path) -> None:
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.goto(report.as_uri())
    rows = page.locator("tr.row:visible")
    everything = rows.count()
    page.locator("#show-fail").check()
    failed = rows.count()
    assert 0 < failed < everything
    assert page.locator("tr.group:visible").count() <= failed  # no group without a row
    assert page.locator("#m-PL1-PH-001").is_visible()
    page.locator("#group-GN").check()
    assert not page.locator("#m-PL1-PH-001").is_visible()
    assert page.locator("#m-PL2-GN-004").is_visible()
    page.locator("#show-all").check()
    page.locator("#group-all").check()
    assert rows.count() == everything


def test_on_paper_nothing_is_hidden_that_a_filter_or_a_fold_hides_on_the_screen(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.locator("#show-fail").check()
    everything = page.locator("tr.row").count()
    page.emulate_media(media="print")
    assert page.locator("tr.row:visible").count() == everything
    assert page.locator(".kills").is_visible()
    assert not page.locator(".filters").is_visible()


def test_the_keyboard_reaches_the_content_first(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    assert page.locator(".skip").is_visible()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_screen_reader_meets_every_heading_and_a_name_for_every_table(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    seen = [(one.get("role", {}).get("value"), one.get("name", {}).get("value")) for one in tree if not one["ignored"]]
    # what is not on the screen yet is there all the same
    assert (
        sum(role == "heading" for role, _ in seen) == page.locator("h1, h2, h3, h4, h5").locator("visible=true").count()
    )
    assert [name for role, name in seen if role == "table" and not name] == []
