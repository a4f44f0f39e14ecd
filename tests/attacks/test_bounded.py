"""Files within every limit that are made to be slow: what is done for one is bounded, and so is what is said of it.

Calls are counted, not time: their number is the same on every machine, and what grows with the square of a file's size
shows in it by far. ``tests/attacks/measure.py`` measures time and memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from conformance.checks.judge import judge_document
from conformance.document import read
from conformance.document.form import LONGEST, MOST_ROWS
from conformance.events import Finding
from conformance.finding import MOST_SHOWN, Message, Recorder
from conformance.pack import default_pack
from conformance.showing import readable
from tests.attacks.hostile import HOSTILE, swap
from tests.checks.test_signature_kills import Bench

PACK = default_pack()
MOST_CALLS = 3_000_000
"""Three times what the slowest of these files takes; some took a hundred million before there were bounds."""
MOST_SAID = 250_000
"""Characters of all findings of a file together."""
WITHIN = (
    "30 attributes on each of 3,000 elements",
    "300 copies of the content",
    "300 contents that are empty",
    "450 empty signatures",
    "450 subjects with a fresh identifier each",
    "46,000 identifiers of one value, 400 in each element",
    "60 references, each canonicalized otherwise",
    "90,000 descriptions of the key",
)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def calls(work: Callable[[], object]) -> int:
    """How many calls of functions, Python's and others', some work makes in this thread."""
    count = 0

    def called(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", WITHIN)
def test_what_a_file_within_the_limits_costs_is_bounded(name: str, bench: Bench) -> None:
    data, context = HOSTILE[name].make(bench.sound), bench.context()
    judged: list[Recorder] = []
    made = calls(lambda: judged.append(judge_document(data, context).found))
    assert judged[0].roots() & set(HOSTILE[name].causes)
    assert made < MOST_CALLS
    said = sum(len(Finding.of(one).model_dump_json()) for one in judged[0].observations)
    assert said < MOST_SAID


@pytest.mark.parametrize(
    ("name", "where", "seen"),
    [
        ("18,000 teachers of a subject", "/MonHoc[1]/Gvbm[494]", "MonHoc: 18008 > 500"),
        ("95,000 elements", "/BangDiem/a[489]", "BangDiem: 90012 > 500"),
        ("10,000 years of study", "/QuaTrinhHocTap/Nam[501]", "QuaTrinhHocTap: 9000 > 500"),
        ("9,000 subjects with a fresh identifier each", "/BangDiem/MonHoc[501]", "BangDiem: 9012 > 500"),
    ],
)
def test_too_many_children_are_one_finding_with_its_line(name: str, where: str, seen: str, bench: Bench) -> None:
    (one,) = judge_document(HOSTILE[name].make(bench.sound), bench.context()).found.observations
    assert (one.code, one.seen) == ("PL1-DOC-004.children", seen)
    assert one.place is not None
    assert one.place.xpath.endswith(where)
    assert one.place.line == 2


def test_signatures_have_limits_of_their_own(bench: Bench) -> None:
    document = read(HOSTILE["5,000 references"].make(bench.sound), PACK).document
    assert document is not None


def test_every_text_of_a_finding_is_cut() -> None:
    found, long = Recorder(), "x" * 1_000_000
    found.violated("R", "cause", expected=long, seen=long, derivation=[Message("key", {"a": long})], who=long)
    found.blocked("R", "cause", who=long)
    for one in found.observations:
        texts = [one.expected, one.seen, *one.params.values(), *(v for m in one.derivation for v in m.params.values())]
        assert max(map(len, texts)) == MOST_SHOWN


def test_what_is_shown_to_read_is_cut_and_says_so(bench: Bench) -> None:
    long = swap(bench.sound, "Phạm Đức Minh", "M" * 1_000_000)
    many = HOSTILE["450 subjects with a fresh identifier each"].make(long)
    document = read(many, PACK).document
    assert document is not None
    tables = readable(document, "en").tables
    cells = [cell for one in tables for row in one.rows for cell in row]
    assert f"{'M' * LONGEST} … (+{1_000_000 - LONGEST})" in cells
    assert max(map(len, cells)) < LONGEST + 20
    assert max(len(one.rows) for one in tables) == MOST_ROWS + 1
    assert "… (+262)" in cells
