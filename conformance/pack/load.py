"""Reads a pack's folder. Every mistake in the data is a :class:`PackError` that names the file and the place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from conformance.pack.data import D, PackError, read_yaml, typed
from conformance.pack.model import (
    Binding,
    CodeList,
    Pack,
    PackHeader,
    Requirement,
    RuleSet,
    SignaturePolicy,
    Text,
)

PACKS = Path(__file__).resolve().parent.parent / "packs"
DEFAULT = "cv115-2025-1.0"


def _requirements(folder: Path) -> list[Requirement]:
    found: dict[str, Requirement] = {}
    for path in sorted((folder / "requirements").glob("*.yaml")):
        for position, row in enumerate(read_yaml(path) or []):
            one = typed(
                Requirement, row, path, str(row.get("id", position)) if isinstance(row, dict) else str(position)
            )
            if one.id in found:
                raise PackError(f"{path.name}: {one.id}: mã yêu cầu lặp lại / requirement id used twice")
            found[one.id] = one
    return list(found.values())


def _each(folder: Path, kind: type[D]) -> Mapping[str, D]:
    return {path.stem: typed(kind, read_yaml(path), path) for path in sorted(folder.glob("*.yaml"))}


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and "__pycache__" not in one.parts):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


@cache
def load_pack(folder: Path) -> Pack:
    """Load the pack in ``folder``.

    Raises:
        PackError: a file is missing, unreadable or holds wrong data; the message names file and place.
    """
    folder = folder.resolve()
    if not (folder / "pack.yaml").is_file():
        raise PackError(f"{folder}: không phải bộ đặc tả / not a specification pack (pack.yaml is missing)")
    texts = {
        key: typed(Text, value, path, key)
        for path in sorted((folder / "texts").glob("*.yaml"))
        for key, value in read_yaml(path).items()
    }
    return Pack(
        folder=folder,
        header=typed(PackHeader, read_yaml(folder / "pack.yaml"), folder / "pack.yaml"),
        requirements=_requirements(folder),
        codes=_each(folder / "codes", CodeList),
        rules=_each(folder / "rules", RuleSet),
        binding=typed(Binding, read_yaml(folder / "document" / "binding.yaml"), folder / "document" / "binding.yaml"),
        signature=typed(SignaturePolicy, read_yaml(folder / "signature.yaml"), folder / "signature.yaml"),
        texts=texts,
        digest=_digest(folder),
    )


def default_pack() -> Pack:
    """The pack this distribution tests against."""
    return load_pack(PACKS / DEFAULT)
