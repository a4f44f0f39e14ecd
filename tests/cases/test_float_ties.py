"""A frozen case of each programme tells decimal from binary arithmetic: PL1-ND-003's remedy is tried, not only told."""

from __future__ import annotations

import functools
import math
import operator
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.cases.issued import case


@pytest.mark.parametrize("programme", ["THCS", "THPT", "GDTX-THCS", "GDTX-THPT"])
def test_a_tie_that_binary_floats_miss_is_entered(programme: str) -> None:
    missed = 0
    for subject in case(f"{programme.lower()}-component-tie", "components").data["subjects"]:
        for parts in (
            subject[one]["components"] for one in ("semester1", "semester2") if "components" in subject.get(one, {})
        ):
            marks = [*parts["regular"], *[parts["midterm"]] * 2, *[parts["final"]] * 3]
            exact = sum(map(Decimal, marks), Decimal(0)) / len(marks)
            right = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
            binary = functools.reduce(operator.add, map(float, marks)) / len(marks)  # Python's own sum compensates
            usual = (round(binary, 1), math.floor(binary * 10 + 0.5) / 10)
            missed += all(Decimal(str(one)) != right for one in usual)
    assert missed
