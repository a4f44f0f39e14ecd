"""A real browser for tests of pages: headless Chromium by Playwright, and axe-core's rules of accessibility.

The fixtures ``browser`` (one per test module) and ``page`` (one per test) are there for every test. Without Chromium a
test skips with its reason; where ``CI=true`` it fails. Screenshots are kept in ``out/screens``.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.interop.tools import lacking

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENS = Path(__file__).parents[1] / "out" / "screens"
"""Where screenshots are kept: an artefact of CI, to be looked at."""
WIDE, NARROW = 1280, 375
"""Widths in CSS pixels at which pages are looked at: a desk, and the narrowest usual telephone."""
TALLEST = 8000
"""CSS pixels of a screenshot's height: what follows in longer pages is more of the same."""
PATIENCE = 120_000
"""Milliseconds that an element or a page may take to come: loaded machines are slow."""
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_DRAWN = ("color-contrast", "target-size")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, started once for the tests of a module.

    Not for longer: while Playwright is there its event loop runs in this thread, and no ``asyncio.run`` can.
    """
    path = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if path is None:
        lacking("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        lacking(f"Playwright: {error}")
    with sync_playwright() as playwright:
        # as root, as in containers, Chromium has no sandbox; a small /dev/shm is not used
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        one = playwright.chromium.launch(executable_path=path, args=arguments, timeout=PATIENCE)
        yield one
        one.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own, 1280 px wide; afterwards no script may have failed and no policy may have been broken."""
    context = browser.new_context(
        viewport={"width": WIDE, "height": 900},
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
        service_workers="block",
    )
    context.set_default_timeout(PATIENCE)
    one = context.new_page()
    complaints: list[str] = []
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    yield one
    context.close()
    assert not complaints


def violations(page: Page, *, beside: str = "", drawn: bool = True) -> list[str]:
    """What axe-core finds wrong with the page, one line a place: rule, impact, selector, what to do.

    Args:
        page: the page.
        beside: a selector of elements that are taken away first, such as the many rows that are like the first ones:
            axe takes its time with each, even if it is told to pass them over.
        drawn: whether colours and sizes are looked at, which takes most of the time; not again where the same page was
            seen in another language.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    if beside:
        page.evaluate(f"document.querySelectorAll({json.dumps(beside)}).forEach(one => one.remove())")
    page.evaluate(AXE_SCRIPT)
    left_out = {} if drawn else {key: {"enabled": False} for key in _DRAWN}
    options = json.dumps({"runOnly": _RULES, "resultTypes": ["violations"], "rules": left_out})
    # what is right is only counted: to hand it all over takes as long as to find it
    found: dict[str, Any] = page.evaluate(
        f"axe.run(document, {options}).then(all => ({{violations: all.violations, passes: all.passes.length}}))"
    )
    assert found["passes"] > 5, "axe-core looked at nothing"
    return [
        f"{rule['id']} ({rule['impact']}) {' '.join(map(str, node['target']))}: {rule['help']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def keep(page: Page, name: str) -> Path:
    """A screenshot of the page, of a very long one its beginning, as ``out/screens/NAME.png``."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    path = SCREENS / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png"
    root = "document.documentElement"
    width, height = page.evaluate(f"[{root}.clientWidth, {root}.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST)}
    page.screenshot(path=path, full_page=True, animations="disabled", clip=clip)  # type: ignore[arg-type]
    return path


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window: 0, where nobody has to scroll sideways."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider
