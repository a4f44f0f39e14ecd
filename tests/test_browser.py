"""The browser of the tests finds what it is there to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser import overflow, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

CLEAN = """<!DOCTYPE html><html lang="vi"><head><title>Học bạ</title></head>
<body><main><h1>Học bạ số</h1>{}</main></body></html>"""


def test_planted_faults_are_found(page: Page) -> None:
    page.set_content(CLEAN.format("<p>Nội dung</p>"))
    assert violations(page) == []
    assert overflow(page) == 0
    page.set_content(CLEAN.format('<img src="data:,"><p style="color: #ccc; width: 3000px">Mờ</p>'))
    assert {one.split()[0] for one in violations(page)} == {"image-alt", "color-contrast"}
    assert overflow(page) > 0
