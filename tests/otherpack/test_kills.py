"""Defects of the reference vendor are found under the second pack by the same requirements as under the first."""

from __future__ import annotations

import pytest

from mock_vendor.defects import DEFECTS
from tests.otherpack.pack import other
from tests.world import world

SHOWN = {
    "forgets-adjustment": ["BAC-1:b1-adjusted"],
    "gives-unearned-title": ["BAC-1:b1-two-at-18"],
    "swaps-two-pupils-marks": ["BAC-1:b1-plain", "BAC-1:b1-good"],
    "numbers-the-levels": ["BAC-1:b1-plain"],
    "names-the-wrong-circular": ["BAC-1:b1-plain"],
    "keeps-the-old-province": ["BAC-1:b1-plain"],
    "same-certificate-for-two-teachers": ["BAC-1:b1-plain", "BAC-1:b1-good"],
    "wraps-a-mark": ["BAC-1:b1-plain"],
    "resubmits-under-new-identifier": ["exchange:lost-answer"],
    "shows-202-as-delivered": ["BAC-1:b1-plain"],
    "other-prefixes": ["BAC-1:b1-plain"],
}
"""Defect -> the items of the second pack that show it."""


@pytest.mark.parametrize("name", SHOWN)
def test_a_defect_is_killed_by_the_same_requirements(name: str) -> None:
    defect, pack = DEFECTS[name], other()
    with world(name, pack=pack, programmes=("BAC-1",)) as ill:
        roots = ill.roots(*SHOWN[name])
    must = {code.partition(".")[0] for code in roots if pack.requirements[code.partition(".")[0]].level == "MUST"}
    expected = {one for one in defect.expects if pack.requirements[one].level == "MUST"}
    assert must == expected
    if defect.cause:
        assert defect.cause in roots
