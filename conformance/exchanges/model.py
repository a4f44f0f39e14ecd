"""An exchange file: what happens to one or several transcripts, and which rules must hold of the software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from conformance.checks.exchange import RULES
from conformance.exchanges.steps import FaultSpec, OutcomeSpec, Prepare, Send, Step, Tell, Watching
from conformance.pack import Pack, PackError, Text
from conformance.pack.data import Data, read_yaml


class Expectation(Data):
    """One rule with its parameters (:data:`conformance.checks.exchange.RULES`)."""

    rule: str
    params: dict[str, Any] = Field(default_factory=dict)


class ExchangeSpec(Watching):
    """One exchange.

    Without ``steps`` it is the ordinary one: one transcript is prepared, the service told its ``faults`` and
    ``outcomes``, the transcript sent and watched. With ``steps`` those five keys stand in the steps.
    """

    id: str
    title: Text
    purpose: Text
    revision: str
    requirements: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Capabilities without which it is not played."""
    transcripts: int = Field(1, ge=0, le=200)
    """How many; their names are the numbers from 1."""
    faults: tuple[FaultSpec, ...] = ()
    outcomes: tuple[OutcomeSpec, ...] = ()
    steps: tuple[Step, ...] = ()
    expect: tuple[Expectation, ...]

    @property
    def acts(self) -> tuple[Step, ...]:
        """The steps, those of an ordinary exchange spelled out."""
        if self.steps:
            return self.steps
        watching = {name: getattr(self, name) for name in Watching.model_fields}
        return (
            Prepare(do="prepare"),
            Tell(do="service", faults=self.faults, outcomes=self.outcomes),
            Send(do="send", **watching),
        )

    def told(self) -> Iterator[Tell]:
        """Every time the service is told something."""
        return (step for step in self.acts if isinstance(step, Tell))

    def all_faults(self) -> list[FaultSpec]:
        """Every fault that is ever set."""
        return [fault for step in self.told() for fault in step.faults or ()]

    def all_outcomes(self) -> list[OutcomeSpec]:
        """Every outcome that is ever scripted."""
        return [outcome for step in self.told() for outcome in step.outcomes or ()]

    def params(self, expectation: Expectation, pack: Pack) -> Mapping[str, Any]:
        """A rule's parameters, with those that follow from the rest of the file and from the pack."""
        params = dict(expectation.params)
        if expectation.rule == "refusal-shown" and "codes" not in params:
            params["codes"] = [one.code for outcome in self.all_outcomes() for one in outcome.listed]
            params["texts"] = [one.text for outcome in self.all_outcomes() for one in outcome.listed]
        if expectation.rule == "window-shown":
            params.setdefault("code", pack.messages["errors"]["window-closed"]["code"])
        if expectation.rule == "batched":
            params.setdefault("limit", pack.messages["batch-limit"])
        return params


def load_exchanges(pack: Pack) -> tuple[ExchangeSpec, ...]:
    """All exchanges of a pack, by id.

    Raises:
        PackError: a file is wrong, names an unknown rule, requirement or capability, or an id differs from its file's
            name.
    """
    known = _KNOWN.get((pack.folder, pack.digest))
    if known is None:
        paths = sorted(pack.path("exchanges").glob("*.yaml"))
        known = _KNOWN[pack.folder, pack.digest] = tuple(_load(one.name, read_yaml(one), pack) for one in paths)
    return known


_KNOWN: dict[tuple[Path, str], tuple[ExchangeSpec, ...]] = {}
"""By folder and digest of the pack: a run asks several times."""


def _load(name: str, data: Any, pack: Pack) -> ExchangeSpec:
    try:
        spec = ExchangeSpec.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PackError(f"{name}: {place}: sai dữ liệu / wrong data: {first['msg']}") from error
    if f"{spec.id}.yaml" != name:
        raise PackError(f"{name}: id: phải trùng tên tệp / must equal the file's name")
    for unknown in [one.rule for one in spec.expect if one.rule not in RULES]:
        raise PackError(f"{name}: expect: quy tắc lạ / unknown rule {unknown!r}")
    for unknown in [one for one in spec.requirements if one not in pack.requirements]:
        raise PackError(f"{name}: requirements: yêu cầu lạ / unknown requirement {unknown!r}")
    for unknown in [one for one in spec.needs if one not in pack.header.capabilities]:
        raise PackError(f"{name}: needs: năng lực lạ / unknown capability {unknown!r}")
    if spec.steps and (spec.faults or spec.outcomes):
        raise PackError(f"{name}: steps: lỗi và kết quả phải ở trong bước / faults and outcomes belong in the steps")
    return spec
