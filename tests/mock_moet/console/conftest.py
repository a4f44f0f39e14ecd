"""A running service with the runs of two vendors, once for all tests of the console in a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mock_moet.console import sample


@pytest.fixture(scope="session")
def bench() -> Iterator[sample.Bench]:
    one = sample.start()
    yield one
    one.close()


@pytest.fixture
def desk(bench: sample.Bench) -> sample.Desk:
    """A browser without script, signed in."""
    return bench.browser()
