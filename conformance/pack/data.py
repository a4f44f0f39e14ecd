"""What all pack data has in common: YAML read strictly, types, and the error that says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class PackError(ValueError):
    """The pack's data is wrong; the message names file and place, in Vietnamese and English."""


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Data(BaseModel):
    """Immutable pack data; unknown keys are refused, keys are written with hyphens."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True)


D = TypeVar("D", bound=Data)
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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


def typed(kind: type[D], data: object, path: Path, where: str = "") -> D:
    """``data`` from ``path`` (its part ``where``) as ``kind``; :class:`PackError` names what is wrong in it."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (*([where] if where else []), *first["loc"]))
        raise PackError(f"{path.name}: {place}: sai dữ liệu / wrong data: {first['msg']}") from error
