"""Which test runs which line, and how long it takes: measured once by coverage, one context a test."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

PYTEST = (
    "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header", "-n", "0",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",  # ours below what is mutated is imported already
)  # fmt: skip


FEW = 20
MOST_FILES = 4


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines to tests and tests to seconds of processor time; only tests that passed."""

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]
    """module → line → tests that run it."""

    def choose(self, module: str, line: int, budget: float, most_files: int = MOST_FILES) -> list[str]:
        """Tests that run the line, within the budget (seconds): quick ones first, one of each test function in turn.

        Where few run it, others that run the module follow, then any: a line may run at import, or once and be
        remembered.
        """
        by_line = self.tests.get(module, {})
        found = set(by_line.get(line, ()))
        chosen = self._in_turn(found)
        if len(chosen) < FEW:
            found |= {test for tests in by_line.values() for test in tests}
            chosen += self._in_turn(found - set(chosen))
        if len(chosen) < FEW:
            chosen += self._in_turn(set(self.seconds) - found)
        taken: list[str] = []
        files: set[str] = set()
        for test in chosen:
            file, spent = test.partition("::")[0], self.seconds[test]
            if file not in files and len(files) == most_files:
                continue  # what a file prepares for its tests costs more than many of them
            files.add(file)
            if spent > (budget if taken else 10 * budget):
                continue
            budget -= spent
            taken.append(test)
        return taken

    def _in_turn(self, tests: Iterable[str]) -> list[str]:
        """By seconds, but the second example of a test function after the first of every other one."""
        seen: Counter[str] = Counter()
        places: list[tuple[int, str]] = []
        for test in sorted(tests, key=self.seconds.__getitem__):
            function = test.partition("[")[0]
            places.append((seen[function], test))
            seen[function] += 1
        return [test for _, test in sorted(places, key=lambda one: one[0])]

    def save(self, path: Path) -> None:
        """As JSON; the tests of a line by their numbers, or there would be hundreds of megabytes of names."""
        number = {test: at for at, test in enumerate(self.seconds)}
        lines = {
            module: {line: [number[test] for test in names] for line, names in by_line.items()}
            for module, by_line in self.tests.items()
        }
        path.write_text(json.dumps({"seconds": self.seconds, "tests": lines}), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Chart:
        """As saved."""
        data = json.loads(path.read_text(encoding="utf-8"))
        names = list(data["seconds"])
        tests = {
            module: {int(line): [names[at] for at in numbers] for line, numbers in by_line.items()}
            for module, by_line in data["tests"].items()
        }
        return cls(data["seconds"], tests)


class _Recorder:
    def __init__(self, cover: coverage.Coverage) -> None:
        self.cover = cover
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None]:
        self.cover.switch_context(item.nodeid)
        began = time.process_time()
        yield
        self.seconds[item.nodeid] = time.process_time() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid)


def measure(folder: Path, modules: Sequence[str], tests: Sequence[str], into: Path) -> None:
    """Run ``tests`` (in a process of its own, with ``folder`` as the working directory) and save the chart."""
    cover = coverage.Coverage(data_file=None, include=[str(folder / one) for one in modules])
    cover.start()
    recorder = _Recorder(cover)
    pytest.main([*PYTEST, *tests], plugins=[recorder])
    cover.stop()
    data = cover.get_data()
    found: dict[str, dict[int, list[str]]] = {}
    for name in data.measured_files():
        lines: dict[int, list[str]] = defaultdict(list)
        for line, contexts in data.contexts_by_lineno(name).items():
            lines[line] = [one for one in contexts if one and one not in recorder.failed]
        found[Path(name).relative_to(folder).as_posix()] = lines
    Chart({test: spent for test, spent in recorder.seconds.items() if test not in recorder.failed}, found).save(into)
