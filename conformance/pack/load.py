"""Reads a pack's folder. Every mistake in the data is a :class:`PackError` that names the file and the place."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from conformance.pack.data import Data
from conformance.pack.model import (
    Binding,
    CodeList,
    Pack,
    PackError,
    PackHeader,
    Requirement,
    RuleSet,
    SignaturePolicy,
    StatementSlots,
    Text,
)

PACKS = Path(__file__).resolve().parent.parent / "packs"
DEFAULT = "cv115-2025-1.0"

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
D = TypeVar("D", bound=Data)


class _StrictLoader(_Loader):  # type: ignore[misc]  # the C loader when there is one
    """YAML in which a repeated key is an error: a lost requirement must not go unnoticed."""


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"repeated key {key!r}", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; :class:`PackError` when it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506  # derives from a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PackError(f"{path.name}: không đọc được / cannot be read: {error}") from error


def _typed(kind: type[D], data: object, path: Path, where: str = "") -> D:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (*([where] if where else []), *first["loc"]))
        raise PackError(f"{path.name}: {place}: sai dữ liệu / wrong data: {first['msg']}") from error


def _requirements(folder: Path) -> list[Requirement]:
    found: dict[str, Requirement] = {}
    for path in sorted((folder / "requirements").glob("*.yaml")):
        for position, row in enumerate(read_yaml(path) or []):
            one = _typed(
                Requirement, row, path, str(row.get("id", position)) if isinstance(row, dict) else str(position)
            )
            if one.id in found:
                raise PackError(f"{path.name}: {one.id}: mã yêu cầu lặp lại / requirement id used twice")
            found[one.id] = one
    return list(found.values())


def _each(folder: Path, kind: type[D]) -> Mapping[str, D]:
    return {path.stem: _typed(kind, read_yaml(path), path) for path in sorted(folder.glob("*.yaml"))}


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
        key: _typed(Text, value, path, key)
        for path in sorted((folder / "texts").glob("*.yaml"))
        for key, value in read_yaml(path).items()
    }
    return Pack(
        folder=folder,
        header=_typed(PackHeader, read_yaml(folder / "pack.yaml"), folder / "pack.yaml"),
        requirements=_requirements(folder),
        codes=_each(folder / "codes", CodeList),
        rules=_each(folder / "rules", RuleSet),
        binding=_typed(Binding, read_yaml(folder / "document" / "binding.yaml"), folder / "document" / "binding.yaml"),
        signature=_typed(SignaturePolicy, read_yaml(folder / "signature.yaml"), folder / "signature.yaml"),
        texts=texts,
        digest=_digest(folder),
    )


def revocation_form(pack: Pack) -> Pack | None:
    """See :attr:`Pack.revocation`."""
    folder = pack.path("revocation")
    if not folder.is_dir():
        return None
    path = folder / "signature.yaml"
    slots = _typed(StatementSlots, read_yaml(path), path)
    form = copy.copy(pack)
    form.form_folder = folder.name
    # values and formats are spelled alike in both forms unless the statement says otherwise
    shared = read_yaml(pack.path("document", "binding.yaml"))
    binding = folder / "binding.yaml"
    usual = {name: shared[name] for name in ("values", "formats")}
    form.binding = _typed(Binding, {**usual, **read_yaml(binding)}, binding)
    form.signature = pack.signature.model_copy(
        update={name: getattr(slots, name) for name in StatementSlots.model_fields}
    )
    return form


def default_pack() -> Pack:
    """The pack this distribution tests against."""
    return load_pack(PACKS / DEFAULT)
