"""Habits of signers that nobody here wrote: what the rules allow is accepted with its advice, the rest says why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import conformance.signature.sign as signing
from conformance.checks.judge import judge_document
from conformance.signature.sign import Plan
from tests.checks.test_signature_kills import PLAIN, Bench

Change = Callable[[str, Plan], str]
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@cache
def bench() -> Bench:
    return Bench()


def put(old: str, new: str) -> Change:
    return lambda text, plan: text.replace(old.replace("ID", plan.id), new.replace("ID", plan.id))


def match(old: str, new: str) -> Change:
    return lambda text, plan: re.sub(old, new, text, flags=re.DOTALL)


ACCEPTED: list[tuple[str, Change, set[str]]] = [
    ("key info of everything", put(
        "<ds:X509Data>", "<ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI>"
        "<ds:X509SubjectName>CN=a</ds:X509SubjectName><ds:X509CRL>MIIB</ds:X509CRL>"), set()),
    ("another prefix of XAdES", lambda text, _: re.sub(r"(xmlns:|</?)xades", r"\1etsi", text), set()),
    ("XAdES in the default namespace", lambda text, _: re.sub(r"<(/?)xades:", r"<\1", text), set()),
    ("a role and a policy", put(
        "</xades:SigningCertificateV2>", "</xades:SigningCertificateV2><xades:SignaturePolicyIdentifier>"
        "<xades:SignaturePolicyImplied/></xades:SignaturePolicyIdentifier><xades:SignerRoleV2><xades:ClaimedRoles>"
        "<xades:ClaimedRole>GV</xades:ClaimedRole></xades:ClaimedRoles></xades:SignerRoleV2>"), set()),
    ("a format of the data", put(
        "</xades:SignedSignatureProperties>", "</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
        '<xades:DataObjectFormat ObjectReference="#r"><xades:MimeType>text/xml</xades:MimeType>'
        "</xades:DataObjectFormat></xades:SignedDataObjectProperties>"), set()),
    ("issuer and serial", put(
        "</xades:CertDigest></xades:Cert>", "</xades:CertDigest><xades:IssuerSerialV2>MAA=</xades:IssuerSerialV2>"
        "</xades:Cert>"), set()),
    ("a reference with Id and Type", put(
        '<ds:Reference URI="#content"', '<ds:Reference Id="ID-r" Type="http://www.w3.org/2000/09/xmldsig#Object" '
        'URI="#content"'), set()),
    ("a manifest beside", put(
        "</ds:Object>", '</ds:Object><ds:Object><ds:Manifest><ds:Reference URI="#content"><ds:DigestMethod Algorithm='
        '"http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:Manifest>'
        "</ds:Object>"), set()),
    ("an indented signature", match(r"><(?!/(?:ds:(?:Sig|Dig|X509Cert)|xades:SigningTime))", ">\n  <"), set()),
    ("seven digits of a second, in UTC", match("(<xades:SigningTime>)[^<]*", r"\g<1>2026-06-15T02:00:00.1234567Z"),
     set()),
    ("spaces around the time", match("<xades:SigningTime>([^<]*)", r"<xades:SigningTime> \1 "), set()),
    ("no zone", match(r"(SigningTime>[^<]*)\+07:00", r"\1"), {"PL1-KY-013.no-zone"}),
    ("the Type of another version", put("01903#Signed", "01903/v1.3.2#Signed"), {"PL1-KY-011.reference-type"}),
    ("no Target", match(' Target="[^"]*"', ""), {"PL1-KY-011.target"}),
    ("XAdES 1.1.1", lambda text, _: text.replace("01903/v1.3.2#", "01903/v1.1.1#"), {"PL1-KY-011.old-version"}),
    ("a prefix list", put(
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/>', f'<ds:Transform Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces '
        f'xmlns:ec="{EXCLUSIVE}" PrefixList="xs xsi"/></ds:Transform>'), set()),
]  # fmt: skip

REFUSED: list[tuple[str, Change, set[str]]] = [
    ("a key to be fetched", match(
        "<ds:X509Data>.*?</ds:X509Data>", '<ds:RetrievalMethod URI="http://127.0.0.1:9/"/>'),
     {"PL1-CTS-001.no-certificate"}),
    ("PEM in the certificate", match("(<ds:X509Certificate>)", r"\1-----BEGIN CERTIFICATE-----"),
     {"PL1-CTS-001.malformed"}),
    ("a date of Viet Nam", match("(SigningTime>)[^<]+", r"\g<1>15/06/2026 09:00:00"), {"PL1-KY-012.unreadable"}),
    ("a zone without a colon", match(r"\+07:00", "+0700"), {"PL1-KY-012.unreadable"}),
    ("no transform in Transforms", match("<ds:Transforms>.*?</ds:Transforms>", "<ds:Transforms/>"),
     {"PL1-KY-007.malformed"}),
    ("parameters of a method that has none", match(
        '(<ds:SignatureMethod [^>]*)/>', r"\1><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"),
     {"PL1-KY-007.malformed"}),
    ("a stranger in a transform", put(
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',
        f'<ds:Transform Algorithm="{EXCLUSIVE}"><x xmlns="urn:x"/></ds:Transform>'), {"PL1-KY-007.malformed"}),
    ("a fragment of nothing", put('URI="#content"', 'URI="#"'), {"PL1-KY-007.dangling"}),
    ("a prefix list in name only", put(
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>',
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" '
        'PrefixList="#default"/></ds:CanonicalizationMethod>'), {"PL1-KY-006.signed-info-c14n"}),
]  # fmt: skip


def judged(change: Change, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is found where the seal is made in this manner: roots, and what is missing at all."""
    made = signing._signature

    def changed(plan: Plan, *rest: Any) -> str:
        text = made(plan, *rest)
        if plan.slot != "school-seal":
            return text
        other = change(text, plan)
        assert other != text
        return other.replace("xmlns:xades=", "xmlns=") if "<QualifyingProperties" in other else other

    monkeypatch.setattr(signing, "_signature", changed)
    one = bench()
    data = one.signed(style=PLAIN)
    return {each.code for each in judge_document(data, one.context()).found.observations if each.is_root}


@pytest.mark.parametrize(("change", "advice"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_a_lawful_habit_is_accepted(change: Change, advice: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(change, monkeypatch) == advice


@pytest.mark.parametrize(("change", "roots"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_another_habit_is_refused_with_its_reason(
    change: Change, roots: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(change, monkeypatch) == roots
