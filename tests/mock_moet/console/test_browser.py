"""The console in a real browser: the ways of a developer and of a certifier; no rule of accessibility is broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mock_moet.console import PREFIX
from tests.browser import NARROW, PATIENCE, WIDE, keep, overflow, violations
from tests.mock_moet.console.sample import Bench, signed, wrong

if TYPE_CHECKING:
    from playwright.sync_api import Page


ALIKE = (
    "tbody tr:nth-child(n+5):not(.marked), main > section:nth-of-type(n+9), .timeline > li:nth-child(n+4), "
    ".scripts > li:nth-child(n+3)"
)
"""Rows and sections like those before them."""


@pytest.fixture
def signed_in(bench: Bench, page: Page) -> Page:
    """The page of a person who has used the one-time link."""
    page.goto(bench.running.console_url())
    return page


def addresses(bench: Bench) -> dict[str, str]:
    """One page of each kind, by the name of its screenshot."""
    run = bench.run()
    faulted = next(one["n"] for one in bench.first.space.journal() if one["fault"])
    return {
        "overview": f"{PREFIX}/",
        "new-run": f"{PREFIX}/runs/new",
        "compare": f"{PREFIX}/compare?run={bench.first.space.space}&run={bench.second.space.space}",
        "codes": f"{PREFIX}/codes",
        "code-list": f"{PREFIX}/codes/genders",
        "requirements": f"{PREFIX}/requirements",
        "requirement": f"{PREFIX}/requirements/PL1-KY-005",
        "run": run,
        "submission-edited": bench.submission("tampered"),
        "submission-hostile": bench.submission("hostile"),
        "xml": f"{bench.submission('wrong')}/xml",
        "journal": f"{run}/journal",
        "exchange": f"{run}/journal/{faulted}",
        "faults": f"{run}/faults",
        "connection": f"{run}/connection",
        "trust": f"{run}/trust",
        "delete": f"{run}/delete",
        "missing": f"{PREFIX}/nothing",
    }


@pytest.mark.parametrize("part", [0, 1])
def test_pages_break_no_rule_of_accessibility_and_fit(bench: Bench, signed_in: Page, part: int) -> None:
    page = signed_in
    for name, address in list(addresses(bench).items())[part::2]:
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.goto(bench.running.control_url + address)
        keep(page, f"console-{name}")
        assert (name, overflow(page)) == (name, 0)
        page.set_viewport_size({"width": NARROW, "height": 800})
        assert (name, overflow(page)) == (name, 0)
        keep(page, f"console-{name}-narrow")
        page.set_viewport_size({"width": WIDE, "height": 900})
        assert (name, violations(page, beside=ALIKE)) == (name, [])


def test_pages_in_english_break_no_rule_of_accessibility_either(bench: Bench, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{bench.url}/?lang=en")
    for name, address in addresses(bench).items():
        page.goto(bench.running.control_url + address)
        assert page.locator("html").get_attribute("lang") == "en"
        assert (name, violations(page, beside=ALIKE, drawn=False)) == (name, [])


def test_signing_in_with_the_control_token(bench: Bench, page: Page) -> None:
    page.goto(f"{bench.url}/codes")
    assert violations(page) == []
    keep(page, "console-sign-in")
    page.get_by_label("Mã điều khiển").fill("sai")
    page.get_by_role("button", name="Vào").click()
    page.get_by_text("Mã điều khiển không đúng").wait_for()
    page.get_by_label("Mã điều khiển").fill(bench.running.control_token)
    page.get_by_role("button", name="Vào").click()
    page.wait_for_url(f"{bench.url}/codes")
    page.get_by_role("link", name="English").click()
    page.get_by_role("heading", name="Code lists").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_a_developer_finds_why_a_transcript_was_refused_and_tries_a_fault(bench: Bench, signed_in: Page) -> None:
    vendor = bench.vendor("Phần mềm của người phát triển")
    page = signed_in
    page.reload()
    page.get_by_role("link", name="Phần mềm của người phát triển").click()
    page.get_by_text("Chưa có bản nộp nào").wait_for()
    page.get_by_text("Tự cập nhật").wait_for()
    record = wrong(vendor, 71)
    # without a reload: the page is told that something has changed
    refused = page.get_by_role("row").filter(has_text="TU_CHOI")
    refused.wait_for()
    refused.get_by_role("link").click()
    finding = page.get_by_role("article").filter(has_text="Môn Toán: cả năm 9.9")
    finding.get_by_text("Ý nghĩa và cách sửa").click()
    finding.get_by_text("Cách sửa:").wait_for()
    finding.get_by_role("link", name="xem trong XML").click()
    page.wait_for_url("**/xml#m1")
    line = page.locator("tr.marked")
    assert "<DiemCaNam>9.9</DiemCaNam>" in line.inner_text()
    line.get_by_role("link").click()
    page.wait_for_url(f"**/{record}#f1")

    page.get_by_role("link", name="Sự cố giả lập").click()
    page.get_by_role("button", name="Bật: 503 hai lần rồi nhận").click()
    page.get_by_text("Đã bật sự cố.").wait_for()
    data = signed()[1]
    statuses = [vendor.client.submit(data).status_code for _ in range(3)]
    assert statuses == [503, 503, 202]
    page.get_by_role("link", name="Nhật ký trao đổi").click()
    page.get_by_label("Kết quả").select_option(label="có sự cố giả lập")
    page.get_by_role("button", name="Lọc").click()
    page.wait_for_url("**kind=fault**")
    marked = page.get_by_role("row").filter(has_text="503 hai lần rồi nhận")
    assert marked.count() == 2
    marked.first.get_by_role("link").click()
    page.get_by_text("Câu trả lời này bị cố ý làm sai.").wait_for()


def test_a_certifier_compares_vendors_and_prints(bench: Bench, signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    for vendor in (bench.first, bench.second):
        page.locator(f"#c-{vendor.space.space}").check()
    page.get_by_role("button", name="So sánh các lần thử đã chọn").click()
    row = page.get_by_role("row").filter(has_text="PL1-KY-006")
    row.get_by_role("link", name="1 bản nộp sai PL1-KY-006").click()
    page.get_by_role("heading", name="Chữ ký số").wait_for()
    assert page.locator(".timeline > li.v-bad").count() == 4
    page.emulate_media(media="print")
    assert page.get_by_role("navigation").count() == 0
    assert page.get_by_text("ĐÂY LÀ DỊCH VỤ THỬ NGHIỆM").first.is_visible()
    printed = tmp_path / "printed.pdf"
    page.pdf(path=printed, prefer_css_page_size=True, print_background=True)
    assert printed.read_bytes().startswith(b"%PDF")


def test_everything_works_without_script(bench: Bench, page: Page) -> None:
    assert page.context.browser is not None
    context = page.context.browser.new_context(java_script_enabled=False)
    try:
        context.set_default_timeout(PATIENCE)
        plain = context.new_page()
        plain.goto(bench.running.console_url())
        plain.goto(bench.running.control_url + bench.submission("wrong"))
        assert plain.get_by_text("Môn Toán: cả năm 9.9").count() == 1
        with plain.expect_navigation():
            plain.get_by_role("link", name="Tải lại").click()
        plain.get_by_text("Ý nghĩa và cách sửa").click()
        plain.get_by_text("Cách sửa:").first.wait_for()
    finally:
        context.close()
