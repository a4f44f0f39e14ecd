"""What ``hocba certify`` shows while it runs: what is being tried, and failures as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from conformance.visible import one_line, visible
from reports.wording import word

QUIET = 30.0
"""Seconds between two lines of progress where each stays, as in the log of a build."""
WIDTH = 100


class Writer(Protocol):
    """What of pytest's terminal writer is used."""

    hasmarkup: bool

    def write(self, msg: str, *, flush: bool = False, **markup: bool) -> None:
        """Write."""

    def line(self, s: str = "", **markup: bool) -> None:
        """Write a line."""

    def flush(self) -> None:
        """Let what was written be seen, by whoever reads a pipe too."""


class Progress:
    """On a screen one line says what is being tried and is overwritten; in a log one stays every half minute.

    Failures stay in both. Text from the software is made visible: nothing of it steers the terminal.
    """

    def __init__(
        self,
        writer: Writer,
        language: str,
        *,
        screen: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = writer
        self._language = language
        self._screen = screen
        self._clock = clock
        self._began = self._told = clock()
        self._running: dict[str, str] = {}
        self._shown = False
        self.total = 0
        self.done = 0
        self.failed = 0
        self._said: set[str] = set()
        """Causes that were told in full."""

    def begin(self, heading: list[str], total: int) -> None:
        """What is tested, and in how many items."""
        self.total = total
        for line in heading:
            self._out.line(one_line(line, 200))
        self._out.flush()

    def trying(self, item: str, title: str) -> None:
        """An item begins."""
        self._running[item] = title
        if self._screen:
            self._status(f"{item} {title}")

    def finished(self, item: str, title: str, outcome: str, text: str) -> None:
        """An item ended: passed, failed or skipped. ``text`` says why."""
        self._running.pop(item, None)
        self.done += 1
        if outcome == "failed":
            self.failed += 1
            self.clear()
            # pytest-xdist says which of its processes it was
            self._failure(item, title, [line for line in text.splitlines() if not line.startswith("[gw")])
        now = self._clock()
        if self._screen:
            last = next(reversed(self._running.items()), ("", ""))
            self._status(" ".join(last))
        elif now - self._told >= QUIET:
            self._told = now
            self._out.line(self._count())
        self._out.flush()

    def _failure(self, item: str, title: str, lines: list[str]) -> None:
        """Causes in full when they are seen for the first time; an item that shows only known ones gets one line."""
        causes = [line.partition(": ")[0] for line in lines if not line.startswith("→")]
        named = {one.partition(" ×")[0] for one in causes}
        if named and named <= self._said:
            self._out.line(one_line(f"✗ {item} {title} – {', '.join(causes)}", 2 * WIDTH), red=True)
            return
        self._said |= named
        self._out.line(one_line(f"✗ {item} {title}", 2 * WIDTH), red=True)
        for line in lines:
            self._out.line(f"    {visible(line, 4 * WIDTH)}")

    def clear(self) -> None:
        """Take the line of the moment away."""
        if self._shown:
            self._out.write("\r\x1b[K", flush=True)
            self._shown = False

    def _count(self) -> str:
        minutes, seconds = divmod(int(self._clock() - self._began), 60)
        return word(
            "p.count",
            self._language,
            done=self.done,
            total=self.total,
            failed=self.failed,
            time=f"{minutes}:{seconds:02d}",
        )

    def _status(self, text: str) -> None:
        line = one_line(f"{self._count()} {text}")
        self._out.write("\r\x1b[K" + line[: WIDTH - 1], flush=True)
        self._shown = True


class ProgressPlugin:
    """Feeds :class:`Progress` from pytest's hooks, in place of pytest's dots."""

    def __init__(self, progress: Progress, titles: Callable[[], dict[str, str]]) -> None:
        self._progress = progress
        self._titles = titles

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """An item begins, here or in another process."""
        item = nodeid.partition("::")[2]
        self._progress.trying(item, self._titles().get(item, ""))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """An item ended."""
        item = report.nodeid.partition("::")[2]
        if report.when == "call" or report.outcome != "passed":
            text = report.longreprtext if report.outcome == "failed" else ""
            self._progress.finished(item, self._titles().get(item, ""), report.outcome, text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Counted, but no dot is written."""
        if isinstance(report, pytest.TestReport):
            return ("" if report.when != "call" and report.passed else report.outcome), "", ""
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """The line of the moment goes before anything else is written."""
        self._progress.clear()
