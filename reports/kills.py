"""The kill table of the suite: named defects of the reference vendor, and the requirements each of them fails.

``kill_table.json`` is written by ``python -m tests.mutants.table``; the tests play every defect and hold the file to
what they saw. A report shows it so that a reader can judge what a pass is worth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conformance.pack import Pack

FILE = Path(__file__).with_name("kill_table.json")


@dataclass(frozen=True, slots=True)
class Kill:
    """One defect: its name, what it does wrong, which requirements fail (none: an equivalent that survives)."""

    name: str
    text: Mapping[str, str]
    requirements: tuple[str, ...]


@cache
def kill_table() -> tuple[Kill, ...]:
    """All defects, in the order of the file."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(
        Kill(str(row["name"]), {"vi": str(row["vi"]), "en": str(row["en"])}, tuple(row["requirements"])) for row in rows
    )


def unkilled(pack: Pack) -> tuple[str, ...]:
    """Scored mandatory requirements that no defect of the table fails: their check was never seen to bite."""
    bitten = {name for kill in kill_table() for name in kill.requirements}
    return tuple(
        one.id
        for one in pack.requirements.values()
        if one.level == "MUST" and not one.withdrawn and pack.scored(one) and one.id not in bitten
    )
