"""Our verifier side by side with signxml and python-xmlsec over generated and changed documents.

Santuario is asked in ``tests/interop``: it needs a JVM.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.signature.disagreements import compared, judged, stale
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


def test_engines_agree_on_changed_documents(subtests: pytest.Subtests) -> None:
    documents = [(style, signed(style)) for style in STYLES]
    mine = judged(documents + [one for style in STYLES for one in mutated(style, PER_STYLE)])
    for engine, opinions in ENGINES.items():
        with subtests.test(engine):
            count, disagreements, used = compared(mine, engine, opinions)
            assert disagreements == []
            assert count > 1500
            assert stale(engine, used) == []


def test_engines_agree_on_generated_documents(subtests: pytest.Subtests) -> None:
    mine = judged(generated())
    for engine, opinions in ENGINES.items():
        with subtests.test(engine):
            count, disagreements, _ = compared(mine, engine, opinions)
            assert disagreements == []
            assert count > 50


POLICY = re.compile(r"they accept, we refuse \((place|form|algorithm)\.")
"""What the pack's policy or the signature's place forbids: no engine knows either."""
CORPUS = {
    (
        "xmlsec",
        "PL1-KY-007/relative-namespace",
    ): "libxml2's own C14N refuses relative namespace names, as the standard says",
    (
        "xmlsec",
        "PL1-KY-016/enveloped-own",
    ): "xmlsec wants the enveloped transform's signature inside what is referenced",
    (
        "xmlsec",
        "PL1-KY-016/transform-order",
    ): "xmlsec looks for the signature in octets, where the enveloped transform cannot find it",
    ("xmlsec", "valid/rsa-pss-parameters"): "xmlsec 1.2 does not know RSASSA-PSS by parameters",
    ("signxml", "valid/rsa-pss-parameters"): "signxml does not know RSASSA-PSS by parameters",
    ("signxml", "PL1-KY-016/transform-order"): "signxml applies a transform to octets that it did not parse again",
    ("xmlsec", "PL1-KY-016/id-spelling"): "xmlsec finds only the spelling that it was told to register",
    ("xmlsec", "PL1-KY-016/leaf-not-first"): "xmlsec takes the first certificate's key",
    (
        "signxml",
        "PL1-KY-007/base64",
    ): "signxml cannot read the document's one base64 transform and gives up on all of it",
    (
        "signxml",
        "PL1-KY-012/after-validity",
    ): "signxml looks at the certificate's period today; for us that is no matter of the signature",
    (
        "signxml",
        "PL1-KY-015/after-certificate",
    ): "signxml looks at the certificate's period today; for us that is no matter of the signature",
    ("signxml", "PL1-KY-016/id-spelling"): "signxml looks for its own spelling",
    ("signxml", "PL1-KY-016/leaf-not-first"): "signxml takes the first certificate's key",
    ("signxml", "PL1-KY-016/xml-attributes"): "lxml loses inherited xml:* attributes in the inclusive C14N of a part",
}
"""Engine and document of the golden corpus → why it disagrees with us about the signature."""


def corpus() -> list[tuple[str, bytes]]:
    """The right documents of the golden corpus, and those wrong in signatures. No engine here judges certificates."""
    folder = Path(__file__).parents[2] / "fixtures" / "documents"
    wanted = ("valid", "PL1-KY")
    found = [path for path in sorted(folder.rglob("*.xml")) if path.parent.name.startswith(wanted)]
    return [(f"{path.parent.name}/{path.stem}", path.read_bytes()) for path in found]


def test_engines_agree_on_the_golden_corpus(subtests: pytest.Subtests) -> None:
    def each(documents: list[bytes], opinions: Callable[[list[bytes]], list[Opinion]]) -> list[Opinion]:
        said: list[Opinion] = []
        for one in documents:
            try:
                said.extend(opinions([one]))
            except TypeError:  # signxml's way to refuse a transform that it cannot read
                said.append({})
        return said

    mine = judged(corpus())
    for engine, opinions in ENGINES.items():
        with subtests.test(engine):
            count, disagreements, _ = compared(mine, engine, partial(each, opinions=opinions))
            open_ones = {(engine, one.partition(": ")[0]) for one in disagreements if not POLICY.search(one)}
            assert open_ones == {key for key in CORPUS if key[0] == engine}
            assert count > 1500


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
