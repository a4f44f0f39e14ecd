"""An exchange file: what happens to one submission, and which rules the software's behaviour must satisfy."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from conformance.checks.exchange import RULES
from conformance.pack import Pack, PackError, Text
from conformance.pack.data import Data
from conformance.pack.load import read_yaml


class Expectation(Data):
    """One rule with its parameters (:data:`conformance.checks.exchange.RULES`)."""

    rule: str
    params: dict[str, Any] = Field(default_factory=dict)


class ExchangeSpec(Data):
    """One exchange. Faults and outcomes are the control interface's (docs/control-api.md), verbatim."""

    id: str
    title: Text
    purpose: Text
    revision: str
    requirements: tuple[str, ...]
    faults: tuple[dict[str, Any], ...] = ()
    outcomes: tuple[dict[str, Any], ...] = ()
    until: tuple[str, ...] = ("delivered", "refused", "gave-up")
    """States that end the watching."""
    attempts: int = 1
    """How many failed tries the software needs to be given time for; 0: as many as it declares before it gives up."""
    retry_after: float = 0.0
    """Seconds the service asks to wait for, all told: added to the time limit."""
    linger: bool = False
    """Watch on after the end, for calls that must not come."""
    expect: tuple[Expectation, ...]


def load_exchanges(pack: Pack) -> tuple[ExchangeSpec, ...]:
    """All exchanges of a pack, by id.

    Raises:
        PackError: a file is wrong, names an unknown rule or requirement, or an id differs from its file's name.
    """
    found = []
    for path in sorted(pack.path("exchanges").glob("*.yaml")):
        try:
            spec = ExchangeSpec.model_validate(read_yaml(path))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise PackError(f"{path.name}: {place}: sai dữ liệu / wrong data: {first['msg']}") from error
        if spec.id != path.stem:
            raise PackError(f"{path.name}: id: phải trùng tên tệp / must equal the file's name")
        for unknown in [one.rule for one in spec.expect if one.rule not in RULES]:
            raise PackError(f"{path.name}: expect: quy tắc lạ / unknown rule {unknown!r}")
        for unknown in [one for one in spec.requirements if one not in pack.requirements]:
            raise PackError(f"{path.name}: requirements: yêu cầu lạ / unknown requirement {unknown!r}")
        found.append(spec)
    return tuple(found)
