"""Each run of tests has a process of its own, forked from one that has imported the libraries."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutation.chart import PYTEST, measure


def in_tree(work: Callable[..., None], wall: float, tree: Path, *arguments: object, shown: bool = False) -> int | None:
    """The exit code of ``work`` with ``tree`` as its working directory; nothing if it took ``wall`` seconds."""
    context = multiprocessing.get_context("forkserver")
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
