"""Sound software passes the exchanges that no named defect shows; the others are played by the kill table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.exchanges import load_exchanges
from conformance.pack import default_pack
from mock_vendor.defects import DEFECTS
from tests.world import World, world

PACK = default_pack().at("r3")
SHOWN = {item for defect in DEFECTS.values() for item in defect.shows}
ITEMS = [item for one in load_exchanges(PACK) if (item := f"exchange:{one.id}") not in SHOWN]


@pytest.fixture(scope="module")
def sound() -> Iterator[World]:
    with world(pack=PACK, items=ITEMS) as one:
        yield one


@pytest.mark.parametrize("item", ITEMS)
def test_sound_software_passes(item: str, sound: World) -> None:
    result = sound.play(item)
    if result.error or result.findings:  # a busy machine cannot keep up with a faster clock: once more, in true time
        with world(pack=PACK, items=[item], factor=1.0) as patient:
            result = patient.play(item)
    assert not result.error
    assert [(one.code, one.params, one.seen) for one in result.findings] == []
    assert result.held
