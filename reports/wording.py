"""The reports' own words."""

from __future__ import annotations

from pathlib import Path

from conformance.wording import Words

WORDS = Words(Path(__file__).parent / "texts.yaml")
word = WORDS.of
