"""Signing out of order: a slot as it was when an outer layer signed it too early tells what came later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.signature import sign as signing
from conformance.signature.sign import Plan, Style, re_signed
from tests.checks.test_signature_kills import Bench, on
from tests.checks.told import must_roots, said

TEACHERS, HOMEROOM = "subject-teacher", "homeroom-teacher"
STYLES = {"XAdES": Style(), "invoice": Style(c14n="inclusive", prefix="", xades=False)}
FILLED_IN = Style(octets="unvalued", octets_of="#slot-subject-teacher")
UNSIGNED = (
    b"<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CertificateValues/>"
    b"</xades:UnsignedSignatureProperties></xades:UnsignedProperties></xades:QualifyingProperties>"
)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def late(slot: str, *numbers: int) -> Callable[[Plan], Any]:
    """Who signs after everybody, with the time that the own layer would have claimed."""
    return lambda plan: replace(plan, layer=9) if plan.slot == slot and plan.number in numbers else plan


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("slot", "numbers", "names", "place"),
    [
        (TEACHERS, (2,), "Nguyễn Thị Bình (Toán) signed after Trần Văn Hòa", "/Cks[12]"),
        (TEACHERS, (11, 12), "Oanh (Hoạt động trải nghiệm, hướng nghiệp), Nguyễn Thị Phương", "/CksGiaoVien"),
        (TEACHERS, (2, 5), "(Toán), Nguyễn Thị Giang (Lịch sử và Địa lí) signed", "/CksGiaoVien"),
        (TEACHERS, tuple(range(1, 13)), "(Tiếng Anh) … (+9) signed after Trần Văn Hòa", "/CksGiaoVien"),
        (HOMEROOM, (1,), "Trần Văn Hòa signed after Lê Thị Hạnh", "/CksChuNhiem/Cks"),
    ],
    ids=["one teacher", "the last ones", "two of them", "all", "homeroom"],
)
def test_who_signed_after_an_outer_layer_is_named_though_the_times_say_otherwise(
    bench: Bench, style: str, slot: str, numbers: tuple[int, ...], names: str, place: str
) -> None:
    (told,) = must_roots(bench, bench.signed(late(slot, *numbers), style=STYLES[style]))
    assert told.code == "PL1-KY-006.signed-later"
    assert names in said(told)
    assert told.place is not None
    assert told.place.xpath.endswith(place)


def test_a_box_that_was_still_empty_was_signed_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = signing._octets

    def before(element: Any, method: str) -> bytes:
        octets = made(element, method)
        if element.get("Id") != "slot-subject-teacher":
            return octets
        head, _, rest = octets.partition(b"<ds:Signature ")
        return head + rest.partition(b"</ds:Signature>")[2]

    monkeypatch.setattr(signing, "_octets", before)
    (told,) = must_roots(bench, bench.signed())
    assert told.code == "PL1-KY-006.signed-later"
    assert said(told).startswith("Nguyễn Thị An (Ngữ văn) signed after Trần Văn Hòa")


def test_a_value_that_was_filled_in_after_the_next_layer_signed(bench: Bench) -> None:
    data = bench.signed(on(HOMEROOM, lambda plan: re_signed(plan, octets="unvalued", octets_of=FILLED_IN.octets_of)))
    (told,) = must_roots(bench, data)
    assert told.code == "PL1-KY-006.value-later"
    assert "of Nguyễn Thị An (Ngữ văn), Nguyễn Thị Bình (Toán), Nguyễn Thị Châu (Tiếng Anh) … (+9) was" in said(told)


@pytest.mark.parametrize(("count", "place"), [(1, "/CksGiaoVien/Cks[1]"), (12, "/CksGiaoVien")])
def test_unsigned_properties_added_after_the_next_layer_signed(bench: Bench, count: int, place: str) -> None:
    (told,) = must_roots(bench, bench.sound.replace(b"</xades:QualifyingProperties>", UNSIGNED, count))
    assert told.code == "PL1-KY-006.unsigned-later"
    assert told.place is not None
    assert told.place.xpath.endswith(place)
    assert ("Bình" in said(told)) == (count > 1)


def test_unsigned_properties_of_the_outermost_signature_may_come_later(bench: Bench) -> None:
    head, end, rest = bench.sound.rpartition(b"</xades:QualifyingProperties>")
    assert must_roots(bench, head + UNSIGNED + rest) == []
    assert end


def test_a_signature_made_anew_is_none_that_came_later(bench: Bench) -> None:
    """What it replaced is gone: no trial can bring it back."""
    again = bench.signed(on(TEACHERS, lambda plan: plan, 2))
    one = b'<Cks Id="box-subject-teacher-2"'
    old, new = (data[data.index(one) : data.index(b"</Cks>", data.index(one))] for data in (bench.sound, again))
    assert old != new
    (told,) = must_roots(bench, bench.sound.replace(old, new))
    assert told.code == "PL1-KY-006.slot-changed"
