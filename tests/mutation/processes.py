"""Each run of tests has a process of its own, forked from one that has imported the libraries."""

from __future__ import annotations

import gc
import importlib
import os
import resource
import sys
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.context import ForkProcess, ForkServerProcess
from pathlib import Path

import pytest

import tests as tests_package
from tests.mutation.chart import PYTEST, measure
from tests.mutation.transplant import transplant

UNFIT = 99
"""Exit code: this mutant needs a fresh import."""


def in_tree(
    work: Callable[..., None], wall: float, tree: Path, *arguments: object, shown: bool = False, warm: bool = False
) -> int | None:
    """The exit code of ``work`` with ``tree`` as its working directory; nothing if it took ``wall`` seconds.

    ``warm``: a fork of this process, which has imported everything; else of one that has imported the libraries only.
    """
    process: ForkProcess | ForkServerProcess
    if warm:
        gc.freeze()  # or each child would copy what it only looks through
        process = get_context("fork").Process(target=_entered, args=(work, tree, arguments, shown))
    else:
        context = get_context("forkserver")
        context.set_forkserver_preload(["tests.mutation.preload"])
        process = context.Process(target=_entered, args=(work, tree, arguments, shown))
    process.start()
    process.join(wall)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def _entered(work: Callable[..., None], tree: Path, arguments: tuple[object, ...], shown: bool) -> None:
    import conformance

    assert Path(conformance.__path__[0]).parent == tree, "not the copy was imported"
    if not shown:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
    work(tree, *arguments)


def chart_tests(tree: Path, modules: list[str], tests: list[str], into: Path) -> None:
    """Measure which test runs which line."""
    measure(tree, modules, tests, into)


def run_tests(_: Path, tests: list[str], seconds: int) -> None:
    """Until one fails, with at most so many seconds of processor time; the exit code is pytest's."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os._exit(int(pytest.main([*PYTEST, "-x", "--tb=no", *tests])))


def run_transplanted(tree: Path, module: str, source: str, tests: list[str], seconds: int) -> None:
    """The same with the mutated source in the place of the loaded one; :data:`UNFIT` where that cannot be."""
    try:
        fits = transplant(module.removesuffix(".py").replace("/", "."), source)
    except SyntaxError:
        os._exit(int(pytest.ExitCode.INTERRUPTED))  # as where it cannot be imported
    if not fits:
        os._exit(UNFIT)
    run_tests(tree, tests, seconds)


def warm_up(tree: Path, tests: Iterable[str]) -> None:
    """Import what these tests import, from the copy."""
    sys.path.insert(0, str(tree))
    tests_package.__path__ = [str(tree / "tests")]
    for path in sorted({test.partition("::")[0] for test in tests}):
        importlib.import_module(path.removesuffix(".py").replace("/", "."))
