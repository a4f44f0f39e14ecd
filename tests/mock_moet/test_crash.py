"""A few kills on each store; ``make crash`` does hundreds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.mock_moet.conftest import emptied
from tests.mock_moet.crash import play

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no fork")


def test_sqlite_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    assert play(f"sqlite:///{tmp_path / 'store.db'}", kills=2, seed=1)


def test_postgresql_keeps_what_was_acknowledged(database: str) -> None:
    assert play(emptied(database), kills=2, seed=1)
