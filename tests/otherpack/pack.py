"""The second pack, and what is different in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from conformance.pack import Pack, load_pack

FOLDER = Path(__file__).resolve().parent.parent / "packs" / "other"
PROGRAMMES = ("BAC-1", "BAC-2")


@cache
def other() -> Pack:
    """The pack in ``tests/packs/other``."""
    return load_pack(FOLDER)
