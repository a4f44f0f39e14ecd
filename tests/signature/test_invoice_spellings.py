"""Spellings of signed times met on Vietnamese e-invoices in use: each is accepted, with advice only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.checks.judge import judge_document
from conformance.signature.sign import Plan, Style
from tests.checks.test_signature_kills import PACK, Bench

INVOICE = Style(c14n="inclusive", prefix="", xades=False, signing_time=False)
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
TIME = "2026-06-15T09:00:00+07:00"
PROPERTY = f'<SignatureProperty Target="#{{id}}"><SigningTime>{TIME}</SigningTime></SignatureProperty>'
OBJECTS = {
    "in the signature's namespace": (
        f'<Object Id="{{id}}-own"><SignatureProperties>{PROPERTY}</SignatureProperties></Object>'
    ),
    "in no namespace, as SignedXml makes it of a parsed text": (
        f'<Object Id="{{id}}-own"><SignatureProperties xmlns="">{PROPERTY}</SignatureProperties></Object>'
    ),
    "a time in a namespace of its own": (
        '<Object Id="{id}-own"><SignatureProperties xmlns=""><SignatureProperty Target="#{id}">'
        f'<SigningTime xmlns="urn:hoa-don">{TIME}</SigningTime></SignatureProperty></SignatureProperties></Object>'
    ),
    "a reference to the properties": (
        f'<Object><SignatureProperties Id="{{id}}-own">{PROPERTY}</SignatureProperties></Object>'
    ),
    "a reference to the property": (
        '<Object><SignatureProperties><SignatureProperty Id="{id}-own" Target="#{id}">'
        f"<SigningTime>{TIME}</SigningTime></SignatureProperty></SignatureProperties></Object>"
    ),
    "a target that points nowhere": (
        '<Object Id="{id}-own"><SignatureProperties><SignatureProperty Target="signatureProperties">'
        f"<SigningTime>{TIME}</SigningTime></SignatureProperty></SignatureProperties></Object>"
    ),
    "a time to the ten-millionth of a second": (
        '<Object Id="{id}-own"><SignatureProperties><SignatureProperty Target="">'
        "<SigningTime>2026-06-15T09:00:00.1234567+07:00</SigningTime></SignatureProperty></SignatureProperties></Object>"
    ),
}
STYLES = {
    "enveloped only": replace(INVOICE, reference_c14n="", transforms=(ENVELOPED,)),
    "no transform": replace(INVOICE, reference_c14n=""),
    "enveloped, then inclusive": replace(INVOICE, transforms=(ENVELOPED,)),
    "exclusive, then inclusive": replace(INVOICE, transforms=(EXCLUSIVE,), octets="exclusive"),
    "base64 in lines, KeyValue beside": replace(INVOICE, wrap=76, key_value=True),
}


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def few(plan: Plan, text: str) -> Plan | None:
    """Signatures of two teachers, and of the layers above: enough to be of one software."""
    if plan.subject is not None and plan.number > 2:
        return None
    return replace(plan, uris=(*plan.uris, f"#{plan.id}-own"), objects=text.replace("{id}", plan.id))


def findings(bench: Bench, text: str, style: Style) -> set[str]:
    found = judge_document(bench.signed(lambda plan: few(plan, text), style=style), bench.context()).found
    return {one.code for one in found.violations if one.code != "PL1-KY-001.missing"}


ADVICE = {"PL1-KY-011.plain", "PL1-KY-016.c14n", "PL1-KY-016.prefix"}


@pytest.mark.parametrize("spelling", OBJECTS)
def test_a_signed_time_is_found_however_invoices_write_it(bench: Bench, spelling: str) -> None:
    assert findings(bench, OBJECTS[spelling], STYLES["no transform"]) == ADVICE


@pytest.mark.parametrize("style", STYLES)
def test_transforms_of_invoices_are_accepted(bench: Bench, style: str) -> None:
    assert findings(bench, OBJECTS["in the signature's namespace"], STYLES[style]) == (
        ADVICE | ({"PL1-KY-016.enveloped-own"} if style.startswith("enveloped") else set())
    )


def test_the_advice_is_advice() -> None:
    assert {PACK.requirements[one.partition(".")[0]].level for one in ADVICE} == {"SHOULD"}
