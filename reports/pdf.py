"""The report as PDF: printed by an installed Chromium, Chrome or Edge, without a network and within a bounded time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 120.0
"""Seconds for one document; a report of thirty failures takes two or three."""
VARIABLE = "HOCBA_CHROMIUM"
"""Environment variable that names the browser's program."""
_NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
_WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

_DOCTYPE = re.compile(r"\ufeff?\s*<!doctype[^>]*>", re.IGNORECASE)
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
)


class PdfError(RuntimeError):
    """No browser, or it printed nothing; bilingual."""


def browser() -> str:
    """The program that prints.

    Raises:
        PdfError: there is none.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        found = shutil.which(named)
        if not found:
            raise PdfError(f"{VARIABLE}: không có chương trình / no such program: {named}")
        return found
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    folders = [os.environ.get(name, "") for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    places = [Path(folder) / name for folder in folders if folder for name in _WINDOWS]
    for place in (*places, *map(Path, _MAC)):
        if place.is_file():
            return str(place)
    raise PdfError(
        f"không tìm thấy Chromium, Chrome hay Edge; cài một trong số đó hoặc đặt {VARIABLE}. "
        "Báo cáo HTML cũng in được từ mọi trình duyệt / no Chromium, Chrome or Edge found; install one or set "
        f"{VARIABLE}. The HTML report prints from any browser as well"
    )


def confined(page: str) -> str:
    """The page with a policy of its own before all else: a file from elsewhere runs no script and embeds no local file.

    Policies add up: what the page says itself can only forbid more.
    """
    start = _DOCTYPE.match(page)
    end = start.end() if start else 0
    return f"{page[:end]}{_POLICY}{page[end:]}"


def print_pdf(page: str, out: Path, limit: float = LIMIT) -> None:
    """Print a self-contained HTML page to ``out``, whole or not at all.

    Raises:
        PdfError: no browser, it took longer than ``limit`` seconds, or it made no PDF.
    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="hocba-pdf-", ignore_cleanup_errors=True) as folder:
        source, made = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(confined(page), encoding="utf-8", errors="replace", newline="\n")
        command = [
            program,
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={Path(folder) / 'profile'}",
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            f"--print-to-pdf={made}",
            source.as_uri(),
        ]
        if sys.platform.startswith("linux") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # it does not start as root otherwise; the page runs no script
        try:
            done = subprocess.run(command, capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired as error:
            raise PdfError(f"{program}: quá {limit:.0f} giây / took longer than {limit:.0f} seconds") from error
        except OSError as error:
            raise PdfError(f"{program}: không chạy được / cannot be started: {error}") from error
        if not made.is_file() or not made.read_bytes().startswith(b"%PDF-"):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise PdfError(f"{program}: không in được / printed nothing ({done.returncode}): {' '.join(said)[:300]}")
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            part = out.with_name(f"{out.name}.part")
            shutil.copyfile(made, part)
            part.replace(out)
        except OSError as error:
            raise PdfError(f"không ghi được / cannot write: {out}: {error.strerror or error}") from error
