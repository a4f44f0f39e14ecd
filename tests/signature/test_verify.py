"""Facts about signatures: nothing raises, nothing altered passes, another library agrees with signer and verifier."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from conformance.document import read, write
from conformance.pack import default_pack
from conformance.signature import algorithms
from conformance.signature.canonical import DS
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, Style, sign_document
from conformance.signature.verify import DocumentSignatures, verify_document
from tests.builders import NOW, valid_values

PACK = default_pack()
FAR = datetime(2199, 1, 1, tzinfo=UTC)
UNSIGNED = write(valid_values(), PACK)


def signed(style: Style | None = None) -> bytes:
    pki = TestPki(NOW)
    named = Signers.of(UNSIGNED, PACK, pki)
    # the other library judges validity by the machine's clock
    people = {who: pki.person("Lê Thử An", who, not_after=FAR) for who in named.people}
    seal = pki.organisation("Trường Thử", school="9901000001", not_after=FAR)
    return sign_document(UNSIGNED, PACK, Signers(people, seal), at=NOW, style=style or Style())


@pytest.fixture(scope="module")
def sound() -> bytes:
    return signed()


def facts(data: bytes) -> DocumentSignatures | None:
    document = read(data, PACK).document
    return verify_document(document, PACK) if document is not None else None


def whole(found: DocumentSignatures) -> bool:
    """Whether every slot is signed as planned and everything verifies."""
    good = all(
        one.value_good and one.references and all(each.good for each in one.references) and not one.parsed.troubles
        for one in found.signatures
    )
    return good and len(found.signatures) == 15 and not found.strays and not found.copies and not found.wrong_roles


def test_facts_of_a_sound_document(sound: bytes) -> None:
    found = facts(sound)
    assert found is not None
    assert whole(found)
    assert [one.layer for one in found.signatures] == [0] * 12 + [1, 2, 3]
    assert [one.number for one in found.signatures] == [*range(1, 13), 1, 1, 1]
    for one in found.of("subject-teacher"):
        assert len(one.covered["subject"]) == 1
    principal = found.of("principal")[0]
    assert len(principal.covered["subject"]) == 12
    assert principal.time is not None
    assert principal.time.moment == NOW + timedelta(seconds=2)
    assert principal.time.zoned


def test_a_time_without_a_zone_is_read_in_the_packs() -> None:
    found = facts(signed(Style(zone=False)))
    assert found is not None
    time = found.of("subject-teacher")[0].time
    assert time is not None
    assert (time.moment, time.zoned) == (NOW, False)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_change_of_signed_bytes_passes_and_none_raises(sound: bytes, data: st.DataObject) -> None:
    start = sound.index(b"<DSChuKy") if data.draw(st.booleans()) else 0
    at = data.draw(st.integers(start, len(sound) - 1))
    length = data.draw(st.integers(0, 12))
    new = data.draw(st.sampled_from([b"", b"A", b"=", b" ", b"<x/>", b"#", b"\xc4\x90", sound[at - 40 : at]]))
    changed = sound[:at] + new + sound[at + length :]
    document = read(changed, PACK).document
    if document is None:
        return
    found = verify_document(document, PACK)
    if not whole(found):
        return
    # what still verifies must read the same: white space inside base64, unsigned white space, extra certificates
    before = read(sound, PACK).document
    assert before is not None
    for name in ("content", "summary", "record"):
        mine = [etree.tostring(one, method="c14n") for one in document.anchors(name)]
        assert mine == [etree.tostring(one, method="c14n") for one in before.anchors(name)]


@pytest.mark.parametrize("style", [Style(), Style(digest="sha512"), Style(xades=False), Style(wrap=64)], ids=str)
def test_another_library_verifies_what_our_signer_makes(style: Style) -> None:
    data = signed(style)
    assert _others_opinion(data) == [True] * 15


def _others_opinion(data: bytes) -> list[bool]:
    """What signxml says of each signature, given its own certificate."""
    opinions = []
    box = f"{{{PACK.binding.namespace}}}{PACK.signature.box}"
    for node in etree.fromstring(data).iter(f"{{{DS}}}Signature"):
        certificate = re.sub(r"\s", "", node.findtext(f".//{{{DS}}}X509Certificate") or "")
        parent = node.getparent()
        assert parent is not None
        identifier = PACK.binding.id_attribute
        config = SignatureConfiguration(
            require_x509=True,
            expect_references=len(node.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")),
            location=f".//{box}[@{identifier}='{parent.get(identifier)}']/",
        )
        pem = f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"
        try:
            XMLVerifier().verify(data, x509_cert=pem, id_attribute=identifier, expect_config=config)
        except (InvalidDigest, InvalidSignature):
            opinions.append(False)
        else:
            opinions.append(True)
    return opinions


def test_another_library_refuses_what_we_refuse(sound: bytes) -> None:
    data = sound.replace(b"<DiemCaNam>8.3<", b"<DiemCaNam>9.3<", 1)
    found = facts(data)
    assert found is not None
    bad = [one for one in found.signatures if any(each.good is False for each in one.references)]
    assert [one.layer for one in bad] == [0, 1, 2, 3]
    assert _others_opinion(data) == [one not in bad for one in found.signatures]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_odd_boxes_never_raise(sound: bytes, count: int) -> None:
    empty = f'<ds:Signature xmlns:ds="{DS}">' + "<ds:Object/>" * count + "</ds:Signature>"
    data = sound.replace(b"</CksGiaoVien>", f"<Cks>{empty}</Cks></CksGiaoVien>".encode())
    found = facts(data)
    assert found is not None
    assert not whole(found)
    assert found.signatures[12].parsed.troubles[0].kind == "form.malformed"


def test_of_keys_that_are_neither_rsa_nor_ec_no_size_is_told() -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    assert (algorithms.key_kind(key), algorithms.key_bits(key)) == ("Ed25519PublicKey", 0)
