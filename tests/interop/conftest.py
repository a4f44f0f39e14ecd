"""One desk for a test process: keys of a run, never kept."""

from __future__ import annotations

import pytest

from tests.interop.desk import Desk


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Everybody with an RSA key, which every platform knows."""
    return Desk.made(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="session")
def curve_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Everybody with a P-256 key."""
    return Desk.made(tmp_path_factory.mktemp("curve-desk"), "p256")
