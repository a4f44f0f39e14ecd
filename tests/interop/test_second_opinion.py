"""Our verifier side by side with Apache Santuario, in one warm JVM, over generated and changed documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.tools import ready, verify
from tests.signature.disagreements import compared, judged, stale
from tests.signature.opinions import Opinion
from tests.signature.test_second_opinion import POLICY, corpus
from tests.signature.variants import MUTATIONS, STYLES, generated, mutated, signed

UNKNOWN = ("pss",)
"""Styles that Santuario 2.1.7 does not know (``tests/interop/test_ours.py``)."""


def _said(folder: Path, documents: list[bytes]) -> list[Opinion]:
    files = [folder / f"{number}.xml" for number in range(len(documents))]
    for path, data in zip(files, documents, strict=True):
        path.write_bytes(data)
    said = verify(ready("santuario"), files)
    return [{identifier: verdict == "ok" for identifier, verdict in said[path].items()} for path in files]


def test_santuario_agrees_on_changed_documents(tmp_path: Path) -> None:
    styles = [style for style in STYLES if style not in UNKNOWN]
    documents = [(style, signed(style)) for style in styles]
    documents += [one for style in styles for one in mutated(style, len(MUTATIONS))]
    count, disagreements, used = compared(judged(documents), "santuario", lambda given: _said(tmp_path, given))
    assert disagreements == []
    assert count > 1500
    assert stale("santuario", used) == []


@pytest.mark.parametrize("style", UNKNOWN)
def test_what_santuario_does_not_know_it_refuses(tmp_path: Path, style: str) -> None:
    assert set(_said(tmp_path, [signed(style)])[0].values()) == {False}


CORPUS = {
    "valid/rsa-pss": "Debian's Santuario does not know RSASSA-PSS",
    "valid/rsa-pss-parameters": "nor with parameters",
    "PL1-KY-016/id-spelling": "only Id is registered as an identifier",
    "PL1-KY-016/leaf-not-first": "the key is the first certificate's",
}
"""Document of the golden corpus → why Santuario disagrees with us about a signature."""


def test_santuario_agrees_on_the_golden_corpus(tmp_path: Path) -> None:
    count, disagreements, _ = compared(judged(corpus()), "santuario", lambda given: _said(tmp_path, given))
    open_ones = {one.partition(": ")[0] for one in disagreements if not POLICY.search(one)}
    assert open_ones == set(CORPUS)
    assert count > 1500


def test_santuario_agrees_on_generated_documents(tmp_path: Path) -> None:
    known = (one for one in generated(without=UNKNOWN))
    count, disagreements, _ = compared(judged(known), "santuario", lambda given: _said(tmp_path, given))
    assert disagreements == []
    assert count > 50
