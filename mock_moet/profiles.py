"""Fault profiles: random mixes that a seed gives again, and that always clear (appendix2.md §4).

What happens to a call depends on the profile, the seed, its operation and its number among the calls of that operation;
never on the time, nor on what others do meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from conformance.pack import Pack, PackError, Text
from conformance.pack.data import read_yaml
from mock_moet.faults import CONNECTION, Fault, Model

_FILE = "service/profiles.yaml"


class Template(Model):
    """One kind of fault of a mix, and how often it is taken in comparison with the others."""

    weight: int = Field(1, ge=1, le=1000)
    operations: tuple[str, ...] = ()
    """Empty: all of them."""
    fault: dict[str, Any]
    """A fault's fields; a number given as two is drawn between them, another list is drawn from."""

    @model_validator(mode="after")
    def _drawable(self) -> Template:
        self.drawn(random.Random(0))  # noqa: S311  # not a secret
        return self

    @property
    def on_connections(self) -> bool:
        """Whether it hits connections instead of calls."""
        return self.fault.get("kind") == "tls"

    def drawn(self, source: random.Random, name: str = "") -> Fault:
        """A fault with everything decided."""
        values = {key: _drawn(value, source.random()) for key, value in self.fault.items()}
        return Fault.model_validate({**values, "times": 1, "name": name})


def _drawn(value: Any, dice: float) -> Any:
    """One of several values; ``dice`` is at least 0 and less than 1."""
    if not isinstance(value, list) or not value:
        return value
    if len(value) == 2 and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        low, high = value
        if isinstance(low, int) and isinstance(high, int):
            return low + int(dice * (high - low + 1))
        return round(low + dice * (high - low), 3)
    return value[int(dice * len(value))]


class Profile(Model):
    """A mix of faults. Of each operation only the first ``calls`` calls can be hit, at most ``in_a_row`` on end."""

    title: Text
    rate: float = Field(gt=0, le=1)
    """Share of those calls that are hit."""
    calls: int = Field(ge=1, le=1000)
    in_a_row: int = Field(ge=1, le=10)
    faults: tuple[Template, ...] = Field(min_length=1)

    def mix(self, name: str, seed: int, operation: str) -> tuple[Fault | None, ...]:
        """What happens to the calls of an operation, in order; nothing to those after the last."""
        templates = [
            one
            for one in self.faults
            if one.on_connections is (operation == CONNECTION)
            and (not one.operations or operation in one.operations or operation == CONNECTION)
        ]
        if not templates:
            return ()
        source = random.Random(f"{name}/{seed}/{operation}")  # noqa: S311  # not a secret: it must be found again
        found: list[Fault | None] = []
        row = 0
        for number in range(1, self.calls + 1):
            hit = source.random() < self.rate
            template = _weighted(templates, source.random())
            fault = template.drawn(source, f"{name} --seed={seed} {operation} #{number}")
            before = found[-1] if found else None
            # a second refusal of a token in a row would mean that the credentials are wrong
            if not hit or row >= self.in_a_row or (before is not None and before.status == 401):
                found.append(None)
                row = 0
            else:
                found.append(fault)
                row += 1
        return tuple(found)


def _weighted(templates: list[Template], dice: float) -> Template:
    left = dice * sum(one.weight for one in templates)
    for one in templates:
        left -= one.weight
        if left < 0:
            return one
    return templates[-1]


def load_profiles(pack: Pack) -> Mapping[str, Profile]:
    """A pack's profiles by name; none without the file.

    Raises:
        PackError: the file is wrong, or names an operation that the pack has not.
    """
    path = pack.path(_FILE)
    if not path.is_file():
        return {}
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise PackError(f"{_FILE}: cần một bảng / wants a mapping")
    found: dict[str, Profile] = {}
    for name, value in data.items():
        try:
            found[str(name)] = Profile.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, (name, *first["loc"])))
            raise PackError(f"{_FILE}: {place}: sai dữ liệu / wrong data: {first['msg']}") from error
    operations = {
        row["operationId"]
        for methods in pack.service["paths"].values()
        for row in methods.values()
        if isinstance(row, dict) and "operationId" in row
    }
    for name, profile in found.items():
        for template in profile.faults:
            for unknown in [one for one in template.operations if one not in operations]:
                raise PackError(f"{_FILE}: {name}: thao tác lạ / unknown operation: {unknown}")
    return found
