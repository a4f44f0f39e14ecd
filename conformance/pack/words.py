"""The tool's own words for what a manifest says by code: levels, bases, doors, groups. Both languages, by key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from conformance.pack.data import read_yaml
from conformance.pack.model import Text


@cache
def words() -> Mapping[str, Text]:
    """All words by key."""
    loaded = read_yaml(Path(__file__).with_name("words.yaml"))
    return {key: Text.model_validate(value) for key, value in loaded.items()}


def word(key: str, language: str) -> str:
    """The word for ``key``; what no word is known for comes back as its last part."""
    found = words().get(key)
    return key.rpartition(".")[2] if found is None else found.of(language)
