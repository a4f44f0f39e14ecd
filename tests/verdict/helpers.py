"""Results over the tiny pack: four requirements, one programme, scored revision e2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.events import Finding, ItemResult, Result, RunFinished, RunInfo
from conformance.pack import Pack, load_pack

HELD = {
    "PL1-DOC-001": {"checked": 1},
    "PL1-KY-001": {"one": 1, "two": 1},
    "PL1-KY-002": {"checked": 1},
    "PL2-GN-001": {"checked": 1},
}


def tiny() -> Pack:
    """The second pack of the tests."""
    return load_pack(Path(__file__).parent.parent / "packs" / "tiny")


def item(
    *findings: Finding, held: dict[str, dict[str, int]] | None = None, name: str = "c1", **more: Any
) -> ItemResult:
    """One item; nothing held unless told."""
    return ItemResult(id=name, kind="case", **{"programme": "LOWER", **more}, held=held or {}, findings=findings)


def clean(name: str = "clean") -> ItemResult:
    """An item in which everything was seen to hold."""
    return item(held=HELD, name=name)


def broken(requirement: str, cause: str, of: str = "") -> Finding:
    """A violation."""
    return Finding(requirement=requirement, state="violated", cause=cause, consequence_of=of)


def stuck(requirement: str, cause: str = "no-answer") -> Finding:
    """A blocked observation."""
    return Finding(requirement=requirement, state="blocked", cause=cause)


def run(*items: ItemResult, footer: bool = True, interrupted: str = "", **more: Any) -> Result:
    """A run over the tiny pack with a footer that fits."""
    pack = tiny()
    values: dict[str, Any] = {
        "run_id": "r",
        "tool_version": "0",
        "pack": pack.name,
        "pack_digest": pack.digest,
        "revision": "e2",
        "door": "drive",
        "target": "t",
        "programmes": ("LOWER",),
        "seed": 1,
        "started": "2030-06-01T08:00:00+07:00",
        "vendor": {"buildHash": "h"},
        "planned": tuple(one.id for one in items),
    }
    end = RunFinished(
        finished="2030-06-01T08:01:00+07:00", items=len(items), build_hash_at_end="h", interrupted=interrupted
    )
    return Result(run=RunInfo(**{**values, **more}), items=items, footer=end if footer else None)
