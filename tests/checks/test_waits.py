"""When waits between retries count as growing: the later half against the earlier one."""

from __future__ import annotations

import pytest

from conformance.checks.exchange_retries import _grow


@pytest.mark.parametrize(
    ("waits", "grow"),
    [
        ([1, 2], True),
        ([1, 1], False),
        ([1, 1.29], False),
        ([1, 1.3], True),
        ([1, 1, 1, 2, 1.2], True),  # of an odd number the middle one is in neither half
        ([1, 2, 9, 1, 2], False),
        ([1, 1, 1, 1, 9], True),
        ([2, 2, 1, 1], False),
    ],
)
def test_waits_grow_when_the_later_half_is_clearly_longer(waits: list[float], grow: bool) -> None:
    assert _grow(waits) is grow
