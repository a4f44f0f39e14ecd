"""``make mutation``: draw mutants, run the tests that run their lines, say which mutants nobody noticed.

The sources are mutated in a copy of the tree, one mutant after another, each in a fresh process that inherits the
libraries already imported. What has been tried is kept in ``--out``, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mutation.chart import Chart
from tests.mutation.mutants import Mutant, found_again, sample
from tests.mutation.processes import UNFIT, chart_tests, in_tree, run_tests, run_transplanted, warm_up
from tests.mutation.transplant import inside_function

PACKAGES = ("conformance/checks", "conformance/transcript", "conformance/signature")
TESTS = ("transcript", "signature", "document", "cases", "checks", "attacks", "fixtures", "verdict", "checking")
TOO_DEAR = (
    "attacks/test_fuzz.py", "attacks/test_hostile_vendor.py", "attacks/test_secrets.py", "attacks/test_service.py",
    "cases/test_drawing.py", "checking/test_cluster.py", "checking/test_runners.py", "document/test_schema_opinions.py",
    "fixtures/test_corpus.py::test_the_committed_corpus_is_what_the_generator_builds",
    "signature/test_second_opinion.py", "verdict/test_baseline.py",
)  # fmt: skip
"""Tests that take seconds each, or look at other software: half the time of the chart, and hardly ever chosen."""
MANY_FILES = 15
"""From which tests are taken for a mutant that the first ones did not notice."""
NOTICED = {1: "failed", 2: "broken import", 3: "internal error", 4: "tests differ", 5: "tests differ"}


def main() -> int:
    """Draw, run, report; 1 if fewer mutants were noticed than ``--at-least``."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--budget", type=float, default=3.0, help="seconds of tests, as measured, for one mutant")
    parser.add_argument("--second", type=float, default=20.0, help="seconds of further tests for one that survived")
    parser.add_argument("--wall", type=float, default=600.0, help="seconds after which a mutant counts as hanging")
    parser.add_argument("--at-least", type=float, default=0.0, help="share of noticed mutants that is demanded")
    parser.add_argument("--out", type=Path, default=Path("out/mutation"))
    parser.add_argument("--again", type=Path, help="results of another run: its survivors, in today's sources")
    parser.add_argument("--tests", nargs="*", default=[], help="run these for every mutant; nothing is measured then")
    options = parser.parse_args()
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if options.again and not options.tests:
        parser.error("--again wants --tests: what was measured holds for the sources of that run only")
    tree = out / ("tree-again" if options.again else "tree")
    if options.again or not (out / "chart.json").exists():
        _copy(tree)
    modules = _modules(tree)
    again = options.again and options.again.resolve()
    os.environ["PYTHONPATH"] = str(tree)
    os.chdir(tree)  # what is imported from here on is the copy
    if not options.tests and not (out / "chart.json").exists():
        print("measuring which test runs which line …", flush=True)
        tests = [f"tests/{one}" for one in TESTS] + [f"--deselect=tests/{one}" for one in TOO_DEAR]
        in_tree(chart_tests, 3600.0, tree, modules, tests, out / "chart.json", shown=True)
    chart = Chart({}, {}) if options.tests else Chart.load(out / "chart.json")

    def tests_of(mutant: Mutant) -> list[str]:
        return options.tests or chart.choose(mutant.module, mutant.line, options.budget)

    if again:
        old = [Mutant(**each["mutant"]) for each in _read(again) if each["outcome"] == "survived"]
        today = [found_again(tree, one) for one in old]
        print(f"{len(old)} survivors, {today.count(None)} of them no longer in the sources")
        chosen = [one for one in today if one is not None]
        results = out / "again.ndjson"
        results.unlink(missing_ok=True)
    else:
        chosen = _drawn(out / f"drawn-{options.seed}-{options.mutants}.ndjson", tree, modules, options)
        results = out / f"results-{options.seed}-{options.mutants}.ndjson"
    print(f"{len(chosen)} mutants of {len(modules)} modules, seed {options.seed}; results in {results}", flush=True)
    done = {json.dumps(each["mutant"]) for each in _read(results)}
    warm_up(tree, options.tests or chart.seconds)
    if chosen and in_tree(run_tests, options.wall, tree, tests_of(chosen[0]), 300, warm=True) != 0:
        sys.exit("tests fail without any mutant: nothing can be said")
    for at, mutant in enumerate(chosen, 1):
        if json.dumps(asdict(mutant)) in done:
            continue
        began = time.monotonic()
        tests = tests_of(mutant)
        outcome = _tried(tree, mutant, tests, options)
        if outcome == "survived" and not options.tests:
            further = chart.choose(mutant.module, mutant.line, options.second, MANY_FILES)
            tests = [one for one in further if one not in set(tests)]
            outcome = _tried(tree, mutant, tests, options) if tests else outcome
        took = time.monotonic() - began
        with results.open("a", encoding="utf-8") as file:
            line = {"mutant": asdict(mutant), "outcome": outcome, "tests": len(tests), "seconds": round(took, 1)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(f"{at:4}/{len(chosen)} {outcome:14} {took:5.1f} s  {mutant.module}:{mutant.line}", flush=True)
        if outcome == "survived":
            print(mutant.diff, flush=True)
    return _report(_read(results), options.at_least)


def _drawn(path: Path, tree: Path, modules: Sequence[str], options: argparse.Namespace) -> list[Mutant]:
    """The sample; kept, as looking through all operators takes a minute."""
    if not path.exists():
        chosen = sample(tree, modules, options.mutants, options.seed)
        path.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in chosen), encoding="utf-8")
    return [Mutant(**each) for each in _read(path)]


def _copy(tree: Path) -> None:
    """A copy of what git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )  # fmt: skip
    shutil.rmtree(tree, ignore_errors=True)
    for name in listed.stdout.decode().split("\0"):
        if name and Path(name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, tree / name)


def _modules(tree: Path) -> list[str]:
    files = (path for package in PACKAGES for path in (tree / package).glob("*.py"))
    return sorted(path.relative_to(tree).as_posix() for path in files if not path.name.startswith("__"))


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@contextlib.contextmanager
def _mutated(path: Path, text: str) -> Iterator[None]:
    before, times = path.read_bytes(), path.stat()
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:  # with its old time, the compiled original is current again
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _tried(tree: Path, mutant: Mutant, tests: Sequence[str], options: argparse.Namespace) -> str:
    if not tests:
        return "not run"
    path, limit = tree / mutant.module, int(8 * (options.budget + options.second)) + 30
    source = path.read_text(encoding="utf-8")
    changed = mutant.applied(source)
    assert changed is not None
    code: int | None = UNFIT
    if inside_function(source, mutant.line):
        code = in_tree(
            run_transplanted, options.wall, tree, mutant.module, changed, list(tests), limit, warm=True
        )  # fmt: skip
    if code == UNFIT:
        with _mutated(path, changed):
            code = in_tree(run_tests, options.wall, tree, list(tests), limit)
    if code is None or code < 0:
        return "hung"
    return NOTICED.get(code, "survived")


def _report(results: list[dict[str, Any]], at_least: float) -> int:
    outcomes = Counter(str(each["outcome"]) for each in results)
    noticed = sum(number for outcome, number in outcomes.items() if outcome not in ("survived", "not run"))
    share = noticed / max(len(results), 1)
    print(f"{noticed} of {len(results)} noticed ({100 * share:.1f} %): {dict(outcomes)}")
    return 0 if share >= at_least else 1


if __name__ == "__main__":
    sys.exit(main())
