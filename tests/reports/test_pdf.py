"""The report on paper: printed by a real browser, in bounded time, or a clear word why not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pypdfium2
import pytest
from typer.testing import CliRunner

import reports
from conformance.cli import app
from conformance.pack import default_pack
from reports.pdf import VARIABLE, PdfError, browser, print_pdf
from tests.reports.sample import failing


@pytest.fixture
def chromium() -> str:
    try:
        return browser()
    except PdfError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.mark.usefixtures("chromium")
def test_the_report_becomes_a4_pages_with_numbers(tmp_path: Path) -> None:
    pack = default_pack()
    (tmp_path / "r.html").write_text(reports.html(failing(pack), pack), encoding="utf-8")
    done = CliRunner().invoke(app, ["report", "pdf", str(tmp_path / "r.html"), str(tmp_path / "r.pdf")])
    assert done.exit_code == 0, done.output
    document = pypdfium2.PdfDocument(tmp_path / "r.pdf")
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
        width, height = document[0].get_size()
    finally:
        document.close()
    assert (round(width), round(height)) == (595, 842)
    assert all(f"{number} / {len(pages)}" in text for number, text in enumerate(pages, 1))
    assert "PL1-PH-001" in "".join(pages)


@pytest.mark.usefixtures("chromium")
def test_a_page_from_elsewhere_runs_no_script_and_shows_no_local_file(tmp_path: Path) -> None:
    (tmp_path / "secret.html").write_text("<p>SECRET")
    page = (
        '<!DOCTYPE html><html><head></head><body><p>SHOWN<p id="a">UNTOUCHED'
        f'<iframe src="{tmp_path.as_uri()}/secret.html"></iframe>'
        '<script>document.getElementById("a").textContent = "RAN"</script></body></html>'
    )
    (tmp_path / "r.html").write_text(page)
    done = CliRunner().invoke(app, ["report", "pdf", str(tmp_path / "r.html"), str(tmp_path / "r.pdf")])
    assert done.exit_code == 0, done.output
    document = pypdfium2.PdfDocument(tmp_path / "r.pdf")
    try:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
    assert "SHOWN" in text
    assert "UNTOUCHED" in text
    assert "SECRET" not in text


def test_without_a_browser_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA", VARIABLE):
        monkeypatch.delenv(name, raising=False)
    if sys.platform != "darwin":
        with pytest.raises(PdfError, match=VARIABLE):
            browser()
    monkeypatch.setenv(VARIABLE, "no-such-program")
    with pytest.raises(PdfError, match="no-such-program"):
        print_pdf("<p>", tmp_path / "r.pdf")


@pytest.mark.skipif(os.name == "nt", reason="wants a POSIX shell script")
@pytest.mark.parametrize(
    ("script", "said"), [("echo broken >&2; exit 3", "printed nothing"), ("exec sleep 60", "longer")]
)
def test_a_browser_that_fails_or_hangs_is_no_hang(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, said: str
) -> None:
    program = tmp_path / "browser"
    program.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(program))
    (tmp_path / "r.pdf").write_bytes(b"old")
    with pytest.raises(PdfError, match=said):
        print_pdf("<p>", tmp_path / "r.pdf", limit=1.0 if "sleep" in script else 30.0)
    assert (tmp_path / "r.pdf").read_bytes() == b"old"
