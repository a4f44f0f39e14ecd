"""The kill table: the sound vendor passes, every named defect fails for exactly its roots, equivalents survive."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from conformance.pack import Pack, default_pack
from mock_vendor.defects import DEFECTS
from reports.kills import FILE
from tests.mutants.table import text
from tests.world import world

MUST = {one.id for one in default_pack().requirements.values() if one.level == "MUST"}
SHOWN = sorted({item for defect in DEFECTS.values() for item in defect.shows})


def test_there_is_a_defect_for_every_scored_group() -> None:
    pack = default_pack()
    groups = {one.group for one in pack.requirements.values() if pack.scored(one) and one.level == "MUST"}
    killed = {pack.requirements[requirement].group for defect in DEFECTS.values() for requirement in defect.expects}
    assert groups <= killed
    assert len(DEFECTS) >= 25


def test_reports_show_the_table_that_these_tests_hold() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "python -m tests.mutants.table"


def test_the_sound_vendor_passes_wherever_a_defect_shows() -> None:
    programmes = tuple(sorted({item.split(":")[0] for item in SHOWN if not item.startswith("exchange:")}))
    pack = pack_for({one for defect in DEFECTS.values() for one in defect.expects})
    with world(pack=pack, programmes=programmes) as sound:
        for item in SHOWN:
            result = sound.play(item)
            assert not result.error, f"{item}: {result.error}"
            roots = {one.code for one in result.findings if one.state == "violated" and one.requirement in MUST}
            assert roots == set(), item
            assert [one.code for one in result.findings if one.state == "blocked"] == [], item


def pack_for(requirements: Iterable[str]) -> Pack:
    """The pack at the first revision that scores all of these requirements, or at its own."""
    pack = default_pack()
    order = pack.header.revisions
    wanted = [pack.header.revision, *(pack.requirements[one].revision for one in requirements)]
    return pack.at(max(wanted, key=order.index))


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_killed_by_what_it_names(name: str) -> None:
    defect = DEFECTS[name]
    programmes = tuple(sorted({item.split(":")[0] for item in defect.shows if ":" in item} - {"exchange"})) or ("THCS",)
    with world(name, pack=pack_for(defect.expects), programmes=programmes) as ill:
        roots = ill.roots(*defect.shows)
    blocking = {code.partition(".")[0] for code in roots} & MUST
    assert blocking == set(defect.expects) & MUST
    should = set(defect.expects) - MUST
    assert should <= {code.partition(".")[0] for code in roots}
    if defect.cause:
        assert defect.cause in roots
