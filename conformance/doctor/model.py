"""A diagnosis: what was found, in words by key, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from conformance.pack.data import read_yaml
from conformance.wording import fill

WRONG_USE, NOT_COMPLETED = 2, 3


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing to do unless one wants it."""
    WARNING = "warning"
    """A run begins, and may surprise."""
    PROBLEM = "problem"
    """A run cannot begin, or cannot come to a pass."""


@cache
def _texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    loaded: Mapping[str, Mapping[str, Mapping[str, str]]] = read_yaml(Path(__file__).with_name("texts.yaml"))
    return loaded


def texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """All wordings: by key, ``say`` and ``do`` in both languages."""
    return _texts()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding. ``code``: how ``hocba certify`` would end because of it (verdict.md), 0 when it would go on."""

    key: str
    state: State
    params: Mapping[str, str] = field(default_factory=dict)
    code: int = 0

    def say(self, language: str) -> str:
        """What was found."""
        return fill(_texts()[self.key]["say"][language], self.params)

    def remedy(self, language: str) -> str:
        """What to do; empty when nothing is to be done."""
        return fill(_texts()[self.key].get("do", {}).get(language, ""), self.params)

    def data(self, language: str) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.key,
            "state": self.state.value,
            "what": self.say(language),
            "do": self.remedy(language),
            "values": dict(self.params),
        }


def ok(key: str, **params: object) -> Diagnosis:
    """All is well."""
    return Diagnosis(key, State.OK, _words(params))


def note(key: str, **params: object) -> Diagnosis:
    """Worth knowing."""
    return Diagnosis(key, State.NOTE, _words(params))


def warning(key: str, **params: object) -> Diagnosis:
    """A run begins, and may surprise."""
    return Diagnosis(key, State.WARNING, _words(params))


def problem(key: str, code: int, **params: object) -> Diagnosis:
    """A run ends with ``code``."""
    return Diagnosis(key, State.PROBLEM, _words(params), code)


def _words(params: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in params.items()}


def exit_code(found: Iterable[Diagnosis]) -> int:
    """0: a run can begin; 2: it is asked for wrongly; 3: it would not come to a conclusion. Wrong use is told first."""
    return min((one.code for one in found if one.code), default=0)
