"""Our verifier side by side with signxml and python-xmlsec over generated and changed documents.

Santuario is asked in ``tests/interop``: it needs a JVM.
"""

from __future__ import annotations

import os

import pytest

from tests.signature.disagreements import compared, stale
from tests.signature.opinions import Opinion, ours, python_xmlsec, signxml
from tests.signature.variants import MUTATIONS, STYLES, generated, mutated, signed

PER_STYLE = len(MUTATIONS)
"""Changed documents of each style: every mutation once, some with another one."""


def _all_signxml(documents: list[bytes]) -> list[Opinion]:
    return [signxml(one) for one in documents]


def _all_xmlsec(documents: list[bytes]) -> list[Opinion]:
    try:
        return [python_xmlsec(one) for one in documents]
    except ImportError as error:  # built for another libxml2 than lxml, or not for this platform
        if os.environ.get("CI", "").lower() == "true":
            raise
        pytest.skip(f"python-xmlsec: {error}")


ENGINES = {"signxml": _all_signxml, "xmlsec": _all_xmlsec}


@pytest.mark.parametrize("engine", list(ENGINES))
def test_engines_agree_on_changed_documents(engine: str) -> None:
    documents = [(style, signed(style)) for style in STYLES]
    documents += [one for style in STYLES for one in mutated(style, PER_STYLE)]
    count, disagreements, used = compared(documents, engine, ENGINES[engine])
    assert disagreements == []
    assert count > 1500
    assert stale(engine, used) == []


@pytest.mark.parametrize("engine", list(ENGINES))
def test_engines_agree_on_generated_documents(engine: str) -> None:
    count, disagreements, _ = compared(generated(), engine, ENGINES[engine])
    assert disagreements == []
    assert count > 50


@pytest.mark.parametrize("style", list(STYLES))
def test_every_style_is_accepted_before_it_is_changed(style: str) -> None:
    mine = ours(signed(style))
    assert mine is not None
    assert [reason for _, reason, _ in mine.values()] == [""] * 5


def test_every_mutation_breaks_something_somewhere() -> None:
    """A mutation that changes nothing tests nothing: each one is refused in some document, or is a harmless one."""
    refused: set[str] = set()
    for style in ("portable", "invoice"):
        for name, data in mutated(style, PER_STYLE, seed=2):
            mine = ours(data)
            if mine is None or not all(good for good, _, _ in mine.values()):
                refused.update(name.partition(": ")[2].split(" + "))
    harmless = {"attribute-order", "quotes", "reference-to-character", "base64-space", "key"}
    assert set(MUTATIONS) - refused <= harmless
