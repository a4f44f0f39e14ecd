"""How software signs for everybody is one mistake, told once, with what to do; not one for each signer."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from conformance.checks.judge import judge_document
from conformance.signature.canonical import DS
from conformance.signature.sign import Plan, Style
from tests.builders import NOW
from tests.checks.test_signature_kills import Bench
from tests.checks.told import must_roots, said

INVOICE = Style(c14n="inclusive", prefix="", xades=False, zone=False)
NO_TIME = replace(INVOICE, signing_time=False)
_SIGNATURE = re.compile(rb"<Signature .*?</Signature>", re.DOTALL)
_TEACHERS = re.compile(rb'(<CksGiaoVien Id="slot-subject-teacher">)(.*?)(</CksGiaoVien>)', re.DOTALL)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def without(*uris: str) -> Callable[[Plan], Any]:
    """Teachers' references without these."""
    return lambda plan: plan if plan.subject is None else replace(plan, uris=tuple({*plan.uris} - {*uris}))


def with_object(text: str, **changes: Any) -> Callable[[Plan], Any]:
    """Every signature with an object of its own, ``{id}`` being the signature's, and a reference to it."""

    def change(plan: Plan) -> Plan:
        uris = (*changes.get("uris", plan.uris), f"#{plan.id}-own")
        return replace(plan, uris=uris, objects=text.replace("{id}", plan.id))

    return change


def time(text: str) -> str:
    return (
        '<Object Id="{id}-own"><SignatureProperties xmlns=""><SignatureProperty Target="#{id}"><SigningTime>'
        f"{text}</SigningTime></SignatureProperty></SignatureProperties></Object>"
    )


MANIFEST = (
    '<Object><Manifest Id="{id}-own"><Reference URI="#content"><DigestMethod '
    'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue>AAAA</DigestValue></Reference></Manifest></Object>'
)


@pytest.mark.parametrize(
    ("adjust", "style", "code", "words"),
    [
        (without("#learner"), INVOICE, "PL1-KY-005.not-covered", "does not cover: DinhDanhHocSinh."),
        (without("#learner", "#record"), INVOICE, "PL1-KY-005.not-covered", "DinhDanhHocBa, DinhDanhHocSinh."),
        (
            lambda plan: plan if plan.subject is None else replace(plan, uris=("#content",)),
            INVOICE, "PL1-KY-001.covers-several", "covers 12 subjects",
        ),
        (
            lambda plan: plan if plan.subject is None
            else replace(plan, uris=tuple(one.removeprefix("#") for one in plan.uris)),
            INVOICE, "PL1-KY-007.no-hash", "“subject-1” lacks the #",
        ),
        (with_object(MANIFEST, uris=()), INVOICE, "PL1-KY-005.in-manifest", "stand in a ds:Manifest"),
        (with_object(time("2026-06-15T09:00:00Z")), NO_TIME, "PL1-KY-012.local-as-utc", "with a Z (Z means UTC)"),
        (with_object(time("2026-06-16T09:00:00Z")), NO_TIME, "PL1-KY-012.future", "is in the future (must be"),
        (with_object("<Object Id='{id}-own'><NgayKy/></Object>"), NO_TIME, "PL1-KY-012.missing", "element SigningTime"),
    ],
)  # fmt: skip
def test_a_mistake_in_every_signature_is_one_root(
    bench: Bench, adjust: Callable[[Plan], Any], style: Style, code: str, words: str
) -> None:
    (told,) = must_roots(bench, bench.signed(adjust, style=style))
    assert told.code == code
    assert words in said(told)


def test_what_two_layers_miss_each_is_told_for_each(bench: Bench) -> None:
    """The slots that the outer layers leave out differ, and so do the findings."""
    data = bench.signed(lambda plan: replace(plan, uris=tuple(one for one in plan.uris if "slot" not in one)))
    told = must_roots(bench, data)
    assert {one.code for one in told} == {"PL1-KY-005.not-covered"}
    assert len(told) == 3


def test_one_identifier_in_every_signature_is_one_root(bench: Bench) -> None:
    data = re.sub(rb'Id="sig-subject-teacher-\d+-props"', b'Id="SignedProperties"', bench.sound)
    told = [one for one in must_roots(bench, data) if one.requirement == "PL1-STR-002"]
    assert len(told) == 1
    assert 'Id="SignedProperties"' in said(told[0])


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda one: html.escape(one.decode()).encode(), "PL1-STR-001.stray-text", "“<Signature xmlns="),
        (lambda one: b"<![CDATA[" + one + b"]]>", "PL1-DOC-003.cdata", "CDATA"),
        (lambda one: one.replace(f' xmlns="{DS}"'.encode(), b""), "PL1-STR-001.namespace", f"must be in {DS}"),
    ],
    ids=["escaped", "CDATA", "no namespace"],
)
def test_what_stands_in_the_boxes_instead_of_signatures_is_one_root(
    bench: Bench, change: Callable[[bytes], bytes], code: str, words: str
) -> None:
    data = _SIGNATURE.sub(lambda match: change(match[0]), bench.signed(style=INVOICE))
    (told,) = must_roots(bench, data)
    assert told.code == code
    assert words in said(told)


def test_signatures_inside_the_subjects_they_sign_are_one_root(bench: Bench) -> None:
    data = bench.signed(lambda plan: None if plan.subject is None else plan, style=replace(INVOICE, wrap=64))
    signatures = iter(_SIGNATURE.findall(data))
    data = _TEACHERS.sub(rb"\1\3", data)
    data = re.sub(rb"(?=</MonHoc>)", lambda _: next(signatures), data)
    told = {one.code for one in must_roots(bench, data)}
    assert told == {"PL1-KY-005.stray", "PL1-KY-002.missing", "PL1-KY-003.missing"}
    found = judge_document(data, bench.context()).found.violations
    assert sum(one.is_root and one.code == "PL1-KY-005.stray" for one in found) == 1
    assert not [one for one in found if one.is_root and one.requirement == "PL1-DOC-006"]


@pytest.mark.parametrize("boxes", [0, 1], ids=["no box", "one box for all"])
def test_signatures_that_are_not_each_in_a_box_are_one_root(bench: Bench, boxes: int) -> None:
    def gathered(match: re.Match[bytes]) -> bytes:
        those = b"".join(_SIGNATURE.findall(match[2]))
        inside = b'<Cks Id="box-subject-teacher-1" VaiTro="GVBM">' + those + b"</Cks>" if boxes else those
        return match[1] + inside + match[3]

    (told,) = must_roots(bench, _TEACHERS.sub(gathered, bench.signed(style=INVOICE)))
    assert told.code == "PL1-KY-005.stray"
    assert "not alone in a box Cks" in said(told)


def test_an_authoritys_certificate_in_the_place_of_the_signers(bench: Bench) -> None:
    chain = re.compile(rb"<ds:X509Certificate>[^<]*</ds:X509Certificate>(?=<ds:X509Certificate>)")
    data = bench.signed(lambda plan: replace(plan, layer=0) if plan.slot == "school-seal" else None)
    data = chain.sub(b"", data)
    told = [
        one for one in must_roots(bench, data) if one.requirement.startswith(("PL1-CTS", "PL1-KY-006", "PL1-KY-009"))
    ]
    assert [one.code for one in told] == ["PL1-CTS-001.authority-only"]
    assert "(“CA tổ chức (thử nghiệm)”) and not the signer's" in said(told[0])


def test_a_self_signed_certificate_that_calls_itself_an_authority_still_verifies(bench: Bench) -> None:
    """What ``openssl req -x509`` makes: it signed, so it is the signer's."""
    credential = replace(bench.seal, certificate=bench.pki.authorities()[0], key=bench.pki.root.credential.key)
    data = bench.signed(lambda plan: replace(plan, credential=credential) if plan.slot == "school-seal" else plan)
    assert not [one for one in must_roots(bench, data) if one.code == "PL1-CTS-001.authority-only"]


def test_local_time_with_a_z_that_is_over_is_no_finding(bench: Bench) -> None:
    data = bench.signed(with_object(time("2026-06-15T09:00:00Z")), style=NO_TIME)
    found = judge_document(data, replace(bench.context(), judged_at=NOW + timedelta(hours=8))).found
    assert not [one for one in found.violations if one.requirement == "PL1-KY-012"]
