"""The suite as pytest items: one case or exchange each, whatever ``python_files`` and the like say."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from conformance.events import ItemResult
from conformance.suite.bench import Bench
from conformance.suite.lanes import Lanes
from conformance.suite.plan import Planned, plan, selected
from conformance.suite.settings import Setup
from conformance.wording import cause_text
from reports.replay import sh

SUITE_FILE = Path(__file__).resolve().with_name("certification.suite")
"""What ``pytest --target`` collects; the items come from the plan."""

SHOWN = 12
"""Causes shown under a failed item in the terminal, each with its first place; all of them stand in the report."""


class Failed(Exception):
    """The item has a blocking finding; the text says which."""


class SuiteFile(pytest.File):
    """Collects the run's plan."""

    setup_data: Setup
    bench: Bench

    def collect(self) -> Iterable[SuiteItem]:
        """All items of the run, in plan order."""
        pack = self.setup_data.load()
        for planned in selected(plan(pack, self.setup_data), self.setup_data.items):
            item: SuiteItem = SuiteItem.from_parent(self, name=planned.id)
            item.planned = planned
            item.bench = self.bench
            yield item


class SuiteItem(pytest.Item):
    """One case, probe, exchange or document."""

    planned: Planned
    bench: Bench
    lanes: Lanes | None = None
    result: ItemResult | None = None
    deadline: float | None = None

    def runtest(self) -> None:
        """Act it out and judge it; a blocking finding or an error of ours fails the item."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            pytest.skip("hết thời gian cho phép / time budget used up")
        self.result = self._played() or self.bench.run(self.planned)
        text = self._problem(self.result)
        if text:
            raise Failed(text)
        if self.planned.kind in ("observed", "watched") and "document" not in self.result.evidence:
            pytest.skip(
                visible(
                    "; ".join(one.seen for one in self.result.findings) or "không có hồ sơ nào đến / nothing arrived"
                )
            )

    def _played(self) -> ItemResult | None:
        """What a lane has found meanwhile."""
        found = self.lanes.result(self.planned) if self.lanes is not None else None
        if found is None:
            return None
        self.bench.entries += found[1]
        return found[0]

    def _problem(self, result: ItemResult) -> str:
        if result.error:
            return f"lỗi của bộ kiểm thử / harness error: {result.error}"
        pack = self.bench.pack
        language = self.bench.setup.language
        first: dict[str, str] = {}
        times: dict[str, int] = {}
        for finding in result.findings:
            row = pack.requirements.get(finding.requirement)
            if finding.state != "violated" or row is None or row.level != "MUST" or not pack.scored(row):
                continue
            if finding.consequence_of:
                continue
            where = finding.place.xpath or finding.place.pointer if finding.place else ""
            title = row.text.title.of(language)
            said = cause_text(pack, finding, language)
            first.setdefault(finding.code, ": ".join(one for one in (title, where, said) if one)[:400])
            times[finding.code] = times.get(finding.code, 0) + 1
        lines = [f"{code}{f' ×{times[code]}' if times[code] > 1 else ''}: {text}" for code, text in first.items()]
        if len(lines) > SHOWN:
            lines[SHOWN:] = [f"… +{len(lines) - SHOWN}"]
        return "\n".join(lines)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """The findings, not a traceback."""
        del style
        if isinstance(excinfo.value, Failed) and self.result is not None:
            return visible(f"{excinfo.value}\n→ {sh(self.result.replay)}")
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where and what, for headings."""
        return self.path, None, f"{self.planned.id} {visible(self.planned.title)}"


def visible(text: str) -> str:
    """Text from outside for the terminal: control and direction characters are shown, not obeyed."""
    return "".join(
        char if char in "\n\t" or (char.isprintable() and char not in _DIRECTION) else f"⟨U+{ord(char):04X}⟩"
        for char in text
    )


_DIRECTION = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
