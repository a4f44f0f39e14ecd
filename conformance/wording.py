"""The pack's texts filled with what was seen, and a program's own words: for reports, terminal and console."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import yaml

from conformance.events import Finding, StepData
from conformance.pack import Pack
from conformance.pack.words import word as manifest_word
from conformance.visible import visible

LONGEST = 600
"""Characters of a vendor's value that are shown inside a sentence."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_NAMED = re.compile(r"\{((?:level|period|reading|identity)\.[a-z0-9-]+)\}")


def fill(template: str, params: Mapping[str, str]) -> str:
    """``template`` with ``{name}`` replaced by plain look-up: no format language, and a missing name stays readable."""
    return _PLACEHOLDER.sub(
        lambda hit: visible(params[hit[1]], LONGEST) if hit[1] in params else f"‹{hit[1]}›", template
    )


def named(pack: Pack, text: str, language: str) -> str:
    """``text`` with levels, periods, readings and identities, which checks name by key (``{level.good}``), in words."""
    return _NAMED.sub(lambda hit: pack.texts[hit[1]].of(language) if hit[1] in pack.texts else hit[0], text)


def cause_text(pack: Pack, finding: Finding, language: str) -> str:
    """The finding in a sentence: its cause's text in the pack, filled; the bare code where the pack has no text."""
    requirement = pack.requirements.get(finding.requirement)
    cause = requirement.causes.get(finding.cause) if requirement else None
    if cause is None:
        return finding.code
    filled = fill(cause.of(language), {"expected": finding.expected, "seen": finding.seen, **finding.params})
    return named(pack, filled, language)


def step_text(pack: Pack, step: StepData, language: str) -> str:
    """One step of a derivation in words."""
    text = pack.texts.get(step.key)
    if text is None:
        shown = ", ".join(f"{name} = {value}" for name, value in step.params.items())
        return f"{step.key}: {shown}" if shown else step.key
    return named(pack, fill(text.of(language), step.params), language)


class Words:
    """A YAML file of texts by key, each in Vietnamese and English; ``{name}`` is filled in."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _texts(self) -> dict[str, dict[str, str]]:
        loaded: dict[str, dict[str, str]] = yaml.safe_load(self._path.read_text(encoding="utf-8"))
        return loaded

    def __getitem__(self, key: str) -> Mapping[str, str]:
        return self._texts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def of(self, key: str, language: str, /, **params: object) -> str:
        """A text by key, else the manifest's word; an unknown key without its group, so that new reasons still show."""
        text = self._texts.get(key)
        if text is None:
            return manifest_word(key, language)
        return fill(text["en" if language == "en" else "vi"], {name: str(value) for name, value in params.items()})
