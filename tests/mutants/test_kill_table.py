"""The kill table: the sound vendor passes, every named defect fails for exactly its roots, equivalents survive."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import pytest

from conformance.exchanges import load_exchanges
from conformance.pack import Pack, default_pack, load_pack
from mock_vendor.defects import DEFECTS
from reports.kills import FILE
from tests.mutants.table import text
from tests.world import World, world


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The shipped pack with small batches: a hundred and one transcripts take long to sign."""
    folder = tmp_path_factory.mktemp("packs") / "shipped"
    shutil.copytree(default_pack().folder, folder)
    for name, many, few in (
        ("service/messages.yaml", "batch-limit: 100", "batch-limit: 5"),
        ("exchanges/batch-of-101.yaml", "transcripts: 101", "transcripts: 6"),
    ):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(many) == 1
        path.write_text(text.replace(many, few), encoding="utf-8", newline="\n")
    return load_pack(folder)


MUST = {one.id for one in default_pack().requirements.values() if one.level == "MUST"}
WIRE = frozenset(
    f"exchange:{name}" for name in ("chunked-answer", "tls-expired", "tls-trusted", "tls-unknown-ca", "tls-wrong-host")
)
"""Shown by a service that really speaks TLS and HTTP on loopback only."""
FACTORS = (None, 5.0, 1.0)
"""How fast time runs: by waiting alone; with the machine's only where that shows too little (threads of their own)."""
SHOWN = sorted({item for defect in DEFECTS.values() for item in defect.shows})


def test_there_is_a_defect_for_every_scored_group() -> None:
    pack = default_pack()
    groups = {one.group for one in pack.requirements.values() if pack.scored(one) and one.level == "MUST"}
    killed = {pack.requirements[requirement].group for defect in DEFECTS.values() for requirement in defect.expects}
    assert groups <= killed
    assert len(DEFECTS) >= 25


def test_reports_show_the_table_that_these_tests_hold() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "python -m tests.mutants.table"


def wrong(sound: World, item: str) -> list[str]:
    """What keeps an item of sound software from passing."""
    result = sound.play(item)
    return [result.error] * bool(result.error) + [
        one.code
        for one in result.findings
        if one.state == "blocked" or (one.state == "violated" and one.requirement in MUST)
    ]


def test_the_sound_vendor_passes_wherever_a_defect_shows(shipped: Pack) -> None:
    programmes = tuple(sorted({item.split(":")[0] for item in SHOWN if not item.startswith("exchange:")}))
    pack = pack_for(shipped, {one for defect in DEFECTS.values() for one in defect.expects}, SHOWN)
    left = SHOWN
    for factor in FACTORS:
        with world(pack=pack, programmes=programmes, items=left, factor=factor) as sound:
            found = {item: wrong(sound, item) for item in left}
        left = [item for item, said in found.items() if said]
        if not left:
            return
    assert {item: found[item] for item in left} == {}


def pack_for(pack: Pack, requirements: Iterable[str], items: Iterable[str]) -> Pack:
    """The pack at the first revision that scores all of these requirements and plays these items."""
    order = pack.header.revisions
    wanted = [order[0], *(pack.requirements[one].revision for one in requirements)]
    wanted += [one.revision for one in load_exchanges(pack) if f"exchange:{one.id}" in items]
    return pack.at(max(wanted, key=order.index))


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_killed_by_what_it_names(name: str, shipped: Pack) -> None:
    defect = DEFECTS[name]
    programmes = tuple(sorted({item.split(":")[0] for item in defect.shows if ":" in item} - {"exchange"})) or ("THCS",)
    pack = pack_for(shipped, defect.expects, defect.shows)
    tls = any(item in WIRE for item in defect.shows)
    expected, should = set(defect.expects) & MUST, set(defect.expects) - MUST
    for factor in FACTORS:
        with world(name, pack=pack, programmes=programmes, items=defect.shows, tls=tls, factor=factor) as ill:
            roots = ill.roots(*defect.shows)
        found = {code.partition(".")[0] for code in roots}
        if found & MUST == expected and should <= found and (not defect.cause or defect.cause in roots):
            return
    assert found & MUST == expected
    assert should <= found
    assert not defect.cause or defect.cause in roots
