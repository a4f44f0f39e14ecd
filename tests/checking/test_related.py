"""Files that are given together: what they say against each other, whatever the order and however many processes."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from conformance.checking import Checked, Item, Tally, items, run, written
from conformance.checking.judging import judge_one
from conformance.checking.related import related
from conformance.checks.relations import Facts
from conformance.document import write
from conformance.pack import default_pack
from conformance.wording import cause_text
from tests.builders import valid_values
from tests.checking.helpers import PLAN

PACK = default_pack()
TOGETHER = replace(PLAN, together=True)
Change = Callable[[dict[str, Any]], object]
CAUSES = {"version-twice", "identity-differs", "other-bytes-replaced", "not-before", "second-record"}
OTHER = "00000000-5d4a-4b6f-9c7d-0a1b2c3d4e5f"


def changed(*changes: Change) -> bytes:
    values = valid_values()
    for one in changes:
        one(values)
    return write(values, PACK)


def later(of: bytes, number: str = "2") -> Change:
    return lambda v: v["version"].update(number=number, replaces=sha256(of).hexdigest(), reason="Sửa điểm")


def renamed(values: dict[str, Any]) -> None:
    values["class_name"] = "7B"


def another_learner(values: dict[str, Any]) -> None:
    values["learner"].update(code="9900000002")


def another_record(values: dict[str, Any]) -> None:
    values["record"].update(id=OTHER)


def another_school(values: dict[str, Any]) -> None:
    values["record"].update(school_code="9901000002")


def another_year(values: dict[str, Any]) -> None:
    values["record"].update(school_year="2024-2025")


FIRST = changed()
SECOND = changed(later(FIRST))
WRONG: dict[str, tuple[bytes, bytes, str]] = {
    "version-twice": (FIRST, changed(renamed), "version-twice"),
    "version-2-twice": (SECOND, changed(later(FIRST), renamed), "version-twice"),
    "learner": (FIRST, changed(later(FIRST), another_learner), "identity-differs"),
    "school": (FIRST, changed(later(FIRST), another_school), "identity-differs"),
    "year": (FIRST, changed(later(FIRST), another_year), "identity-differs"),
    "record": (FIRST, changed(later(FIRST), another_record), "identity-differs"),
    "learner-over-a-gap": (FIRST, changed(later(SECOND, "3"), another_learner), "identity-differs"),
    "other-bytes": (FIRST, changed(later(changed(renamed))), "other-bytes-replaced"),
    "not-before": (FIRST, changed(later(FIRST, "3")), "not-before"),
    "second-record": (FIRST, changed(another_record, renamed), "second-record"),
}
RIGHT: dict[str, tuple[bytes, ...]] = {
    "next": (FIRST, SECOND),
    "third": (FIRST, SECOND, changed(later(SECOND, "3"))),
    "gap": (FIRST, changed(later(SECOND, "3"))),
    "another-learner": (FIRST, changed(another_record, another_learner)),
    "another-year": (FIRST, changed(another_record, another_year)),
    "another-school": (FIRST, changed(another_record, another_school)),
    "letter-case": (FIRST, changed(later(FIRST), lambda v: v["record"].update(id=v["record"]["id"].upper()))),
}
TIED = {"learner", "school", "year", "record", "not-before"}
"""Wrong ones in which a document itself names the other's bytes."""


@cache
def alone(data: bytes) -> Checked:
    return judge_one(Item("", data=data), PLAN)


def compared(data: Iterable[bytes], *, together: bool = True) -> list[Checked]:
    """Judged one after the other; each distinct document is judged alone once for all tests."""
    each = (
        replace(alone(one), name=f"{number}.xml", findings=list(alone(one).findings)) for number, one in enumerate(data)
    )
    return list(related(each, together=together))


def told(results: Iterable[Checked]) -> list[set[str]]:
    return [{one.cause for one in checked.findings if one.cause in CAUSES} for checked in results]


@pytest.mark.parametrize(("first", "second", "cause"), WRONG.values(), ids=WRONG.keys())
def test_the_later_file_names_the_earlier_one_in_either_order(first: bytes, second: bytes, cause: str) -> None:
    for pair in ((first, second), (second, first)):
        results = compared(pair)
        assert told(results) == [set(), {cause}]
        (finding,) = [one for one in results[1].findings if one.cause == cause]
        assert finding.code == f"PL1-STR-004.{cause}"
        assert finding.place is not None
        assert finding.place.xpath.startswith("/HocBa/NoiDung/")
        for language in ("vi", "en"):
            text = cause_text(PACK, finding, language)
            assert "0.xml" in text
            assert "‹" not in text


@pytest.mark.parametrize("data", RIGHT.values(), ids=RIGHT.keys())
def test_what_agrees_is_not_refused_in_any_order(data: tuple[bytes, ...]) -> None:
    for order in itertools.permutations(data):
        assert not any(told(compared(order)))


@pytest.mark.parametrize("name", WRONG)
def test_without_together_only_what_names_the_other_is_judged(name: str) -> None:
    first, second, cause = WRONG[name]
    assert told(compared((first, second), together=False)) == [set(), {cause} if name in TIED else set()]
    assert told(compared((second, first), together=False)) == [set(), {cause} if name in TIED else set()]


def test_the_same_bytes_again_are_a_note() -> None:
    results = compared((FIRST, FIRST))
    assert told(results) == [set(), set()]
    assert [one.same_as for one in results] == ["", "0.xml"]
    assert "the very same bytes as 0.xml" in "\n".join(written(results, Tally(PACK, trusted=False), "text", "en"))
    data = json.loads("".join(written(results, Tally(PACK, trusted=False), "json", "vi")))
    assert [one["same_as"] for one in data["files"]] == ["", "0.xml"]


def test_processes_and_archives_tell_the_same(tmp_path: Path) -> None:
    parts = [FIRST, *(second for _, second, _ in WRONG.values())]
    for number, one in enumerate(parts):
        (tmp_path / f"{number:02}.xml").write_bytes(one)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, one in enumerate(parts):
            archive.writestr(f"{number:02}.xml", one)
    files = [str(tmp_path / f"{number:02}.xml") for number in range(len(parts))]
    here = list(run(TOGETHER, items(files)))
    assert list(run(TOGETHER, items(files), jobs=2)) == here
    packed = list(run(TOGETHER, items([str(tmp_path / "all.zip")])))
    assert told(packed) == told(here)
    assert set().union(*told(here)) == CAUSES


def test_an_error_counts_for_the_exit_code() -> None:
    first, second, _ = WRONG["second-record"]
    before, after = replace(alone(first), findings=[]), replace(alone(second), findings=[])
    tally = Tally(PACK, trusted=True)
    list(written(related([before, after], together=True), tally, "text", "vi"))
    assert (tally.failing, tally.exit_code) == (1, 1)


def test_what_is_no_transcript_has_no_relations() -> None:
    assert told(compared((b"", b"", b"<html/>", FIRST))) == [set()] * 4
    digitised = changed(lambda v: v["version"].update(digitised="1"))
    assert told(compared((FIRST, digitised))) == [set(), set()]


def test_hostile_values_stay_small() -> None:
    huge = changed(lambda v: v["learner"].update(code="9" * 100_000))
    facts = alone(huge).facts
    assert facts is not None
    assert len(facts.learner) <= 100


@pytest.mark.parametrize("number", ["x", "0", str(1 << 31)])
def test_a_number_that_is_none_is_no_version(number: str) -> None:
    facts = alone(changed(lambda v: v["version"].update(number=number))).facts
    assert facts is not None
    assert facts.version == 0


def test_thousands_of_copies_of_one_version_are_one_finding_each() -> None:
    facts = Facts("", "r", 1, "", "l", "2025-2026", "s")
    many = (Checked(f"{n}", facts=replace(facts, digest=f"{n:064x}")) for n in range(3000))
    results = list(related(many, together=True))
    assert [len(one.findings) for one in results] == [0] + [1] * 2999
    assert {one.findings[0].params["file"] for one in results[1:]} == {"0"}
