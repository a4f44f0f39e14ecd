"""What all pack data has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Data(BaseModel):
    """Immutable pack data; unknown keys are refused, keys are written with hyphens."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True)
