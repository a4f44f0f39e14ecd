"""The manifest holds every row of both appendices, with the level and the kind of basis that the tables give."""

from __future__ import annotations

import re

import pytest

from conformance.pack import default_pack

# id, level, basis: one line per group, from the tables of the two appendices. "M" MUST, "S" SHOULD;
# p profile, d dispatch, r regulation, y dictionary, s standard.
TABLES = """
PL1-ND  M:d M:d M:r
PL1-PH  M:d M:d M:p M:d M:p M:d
PL1-DOC M:s M:p M:p M:p M:p S:p
PL1-STR M:y M:s M:y M:p M:d M:p M:p S:p
PL1-MA  M:y M:y M:p M:p M:r S:p M:y S:r M:y
PL1-MON M:r M:r S:r M:r M:r S:p S:p M:r M:r M:r
PL1-HT  M:r M:r S:r M:r
PL1-RL  M:r
PL1-LL  M:r S:r S:p M:r S:r S:p
PL1-KY  M:d M:d M:d S:p M:p M:s M:p M:s M:r S:r S:r M:r S:p S:p S:s S:p
PL1-CTS M:r M:r M:p S:p M:p M:p
PL1-IN  M:d
PL2-XT  M:s M:s M:s M:s
PL2-GN  M:d M:p M:p M:s M:s M:p M:p M:p M:p S:s M:p M:p
PL2-SD  M:p M:p M:p
PL2-TC  M:p M:p M:p
PL2-DM  S:p
"""
LEVELS = {"M": "MUST", "S": "SHOULD"}
BASES = {"p": "profile", "d": "dispatch", "r": "regulation", "y": "dictionary", "s": "standard"}
LATER = {"PL1-IN-001": "r2"}
R1_OF_PART_2 = {"PL2-XT-001", "PL2-XT-002", *(f"PL2-GN-{n:03}" for n in (1, 2, 3, 4, 5, 6, 7, 9))}


def rows() -> dict[str, tuple[str, str]]:
    found = {}
    for line in TABLES.split("\n"):
        group, *cells = line.split() or [""]
        for number, cell in enumerate(cells, 1):
            level, basis = cell.split(":")
            found[f"{group}-{number:03}"] = (LEVELS[level], BASES[basis])
    return found


def test_the_tables_have_ninety_nine_rows() -> None:
    assert len(rows()) == 99


@pytest.mark.parametrize("group", sorted({name.rpartition("-")[0] for name in rows()}))
def test_every_row_is_in_the_manifest_as_the_table_says(group: str) -> None:
    pack = default_pack()
    expected = {name: row for name, row in rows().items() if name.rpartition("-")[0] == group}
    seen = {
        one.id: (one.level, one.basis)
        for one in pack.requirements.values()
        if re.fullmatch(group + "-[0-9]{3}", one.id) and not one.withdrawn
    }
    assert seen == expected


def test_nothing_is_in_the_manifest_that_no_table_has() -> None:
    assert set(default_pack().requirements) <= set(rows())


def test_the_first_revision_scores_what_the_first_issue_names() -> None:
    pack = default_pack()
    for one in pack.requirements.values():
        wanted = one.id in R1_OF_PART_2 if one.part == "appendix2" else one.id not in LATER
        assert pack.scored(one, "r1") is wanted, one.id
        assert one.revision in pack.header.revisions


def test_rows_below_quoted_confidence_never_block() -> None:
    for one in default_pack().requirements.values():
        if one.confidence in ("medium", "low"):
            assert one.level == "SHOULD", one.id


def test_exchanges_show_the_classes_that_part_two_asks_for() -> None:
    from conformance.pack.data import read_yaml

    pack = default_pack()
    shown = {
        str(step.get("params", {}).get("class", ""))
        for path in pack.path("exchanges").glob("*.yaml")
        for step in read_yaml(path).get("expect", ())
    }
    wanted = {
        name
        for one in pack.requirements.values()
        if one.part == "appendix2" and pack.scored(one)
        for name in one.classes_for("THCS", "drive")
    }
    by_rule = {
        "checked",
        "renewed",
        "stopped",
        "gave-up",
        "delivered",
        "status-400",
        "status-403",
        "status-409",
        "status-422",
        "amended",
        "revoked",
        "being-checked",
        "imported",
        "refreshed",
        "shown",
    }
    assert wanted <= shown | by_rule
