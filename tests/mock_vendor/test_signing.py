"""Signatures: verified by signxml, by the harness, and in what they cover."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from conformance.checks.context import Context
from conformance.checks.judge import judge_document
from conformance.pack import Pack
from conformance.signature.pki import TestPki
from mock_vendor.signing import DS, XADES, Credential
from tests.mock_vendor.conftest import START, Desk


def signatures(data: bytes) -> list[etree._Element]:
    return list(etree.fromstring(data).iter(f"{DS}Signature"))


def test_signxml_verifies_every_signature(desk: Desk) -> None:
    root = etree.fromstring(desk.document(desk.issue(desk.case("thcs-shared-subjects"))))
    boxes = [one.getparent() for one in root.iter(f"{DS}Signature")]
    assert len(boxes) == 12 + 4 + 3
    for box in boxes:
        assert box is not None
        count = len(box.findall(f"{DS}Signature/{DS}SignedInfo/{DS}Reference"))
        config = SignatureConfiguration(expect_references=count, location=f".//*[@Id='{box.get('Id')}']/")
        certificate = box.findtext(f".//{DS}X509Certificate")
        verified = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
        assert isinstance(verified, list)
        assert len(verified) == count


def test_harness_finds_nothing(desk: Desk, pack: Pack, pki: TestPki) -> None:
    leaders = frozenset(str(one["nationalId"]) for one in desk.roster.signers() if one["role"] == "leader")
    context = Context(pack, pki.trust_store(), desk.clock.now(), desk.clock.now(), leaders, "drive")
    for id_ in ("thcs-plain", "thcs-foreign-teacher", "thpt-plain"):
        found = judge_document(desk.document(desk.issue(desk.case(id_))), context).found
        assert found.observations == []


def test_times_have_the_zone_of_the_country(desk: Desk) -> None:
    data = desk.document(desk.issue(desk.case("thcs-plain")))
    times = [one.text or "" for one in etree.fromstring(data).iter(f"{XADES}SigningTime")]
    assert len(times) == len(signatures(data))
    assert {datetime.fromisoformat(one).astimezone(UTC) for one in times} == {START}
    assert {one[-6:] for one in times} == {desk.pack.header.zone}


def test_ids_are_unique(desk: Desk, pack: Pack) -> None:
    root = etree.fromstring(desk.document(desk.issue(desk.case("thcs-plain"))))
    ids = [one.get(pack.binding.id_attribute) for one in root.iter() if one.get(pack.binding.id_attribute)]
    assert len(ids) == len(set(ids))


def test_rsa_keys_sign_with_pss(pki: TestPki) -> None:
    packed = pki.person("Lê Thị Thử", national_id="001190990001", key="rsa2048").pkcs12("pw")
    credential = Credential.load(packed, "pw")
    assert isinstance(credential.key, rsa.RSAPrivateKey)
    assert credential.chain[0].subject != credential.chain[0].issuer


def test_what_is_no_pkcs12_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        Credential.load(base64.b64decode("AAAA"), "pw")
