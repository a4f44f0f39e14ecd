"""Documents to check by the dozen: one sound transcript, changed ones, and what is none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from conformance.checking import Checked, Item, Plan
from conformance.checking.judging import judge_all
from conformance.checking.sources import content
from tests.builders import NOW
from tests.checks.test_signature_kills import PACK, Bench

PLAN = Plan.of(PACK, judged_at=NOW)
FATAL = b"<!-- whoever reads this dies -->"


def folder_of(bench: Bench, folder: Path, copies: int = 1) -> Path:
    """A folder in which good, wrong and unreadable files take turns."""
    folder.mkdir(exist_ok=True)
    for number in range(copies):
        here = folder / f"{number:02}"
        here.mkdir()
        (here / "sound.xml").write_bytes(bench.sound)
        (here / "changed.xml").write_bytes(bench.sound.replace(b"<DiemCaNam>", b"<DiemCaNam> ", 1))
        (here / "empty.xml").write_bytes(b"")
        (here / "other.xml").write_bytes(b"<html/>")
        (here / "note.txt").write_text("not looked at")
    return folder


def deadly(batch: Sequence[Item]) -> list[Checked]:
    """Judges as ever, but the process dies of files that say so: what a defect in a C library does."""
    if any(FATAL in content(item) for item in batch):
        os._exit(9)
    return judge_all(PLAN, batch)
