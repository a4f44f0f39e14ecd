"""Paths to anchors at a time, and revocation from given lists; pyhanko-certvalidator is the second opinion on paths."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.parse import leaf_of
from conformance.signature.pki import Credential, TestPki
from conformance.signature.trust import PathProblem, Status, TrustStore

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def pki() -> TestPki:
    return TestPki(NOW)


def facts(credential: Credential) -> CertificateFacts:
    loaded = load(credential.der)
    assert isinstance(loaded, CertificateFacts)
    return loaded


def problem(store: TrustStore, credential: Credential, at: datetime = NOW) -> PathProblem:
    return store.path(facts(credential), [], at).problem


def test_a_person_and_a_seal_reach_the_root(pki: TestPki) -> None:
    store = pki.trust_store()
    for one in (pki.person("Lê Thử An", "001099990001"), pki.organisation("Trường Thử", school="99000001")):
        found = store.path(facts(one), [], NOW)
        assert found.good
        assert found.path[-1].fingerprint in store.fingerprints()
        assert store.status(found.path, NOW, NOW).status is Status.GOOD


def test_the_signers_certificate_is_the_one_that_issued_none_of_the_others(pki: TestPki) -> None:
    one = facts(pki.person("Lê Thử An", "001099990001"))
    loaded = [load(each.public_bytes(Encoding.DER)) for each in pki.authorities()]
    issuer = next(each for each in loaded if not isinstance(each, str) and each.subject == one.issuer)
    assert leaf_of([issuer, one]) == leaf_of([one, issuer]) == leaf_of([one, "unreadable"]) == one
    assert leaf_of([issuer]) == issuer
    # what cannot be read must be the signer's
    assert leaf_of([issuer, "unreadable"]) is leaf_of([]) is None


def test_the_issuer_may_come_with_the_signature(pki: TestPki) -> None:
    store = TrustStore([pki.root.credential.certificate])
    one = pki.person("Lê Thử An", "001099990001")
    assert problem(store, one) is PathProblem.UNKNOWN_ISSUER
    issuer = load(one.chain[0].public_bytes(Encoding.DER))
    assert isinstance(issuer, CertificateFacts)
    assert store.path(facts(one), [issuer], NOW).good


def test_what_comes_with_the_signature_is_never_an_anchor(pki: TestPki) -> None:
    other = TestPki(NOW)
    one = other.person("Lê Thử An", "001099990001")
    brought = [load(each.public_bytes(Encoding.DER)) for each in other.authorities()]
    extra = [each for each in brought if isinstance(each, CertificateFacts)]
    assert len(extra) == 3
    assert not pki.trust_store().path(facts(one), extra, NOW).good
    assert other.trust_store().path(facts(one), extra, NOW).good


def test_bad_certificates_say_why(pki: TestPki) -> None:
    store = pki.trust_store()
    assert problem(store, pki.person("A", "001099990002", ca="self")) is PathProblem.SELF_SIGNED
    assert problem(store, pki.person("A", "001099990003", usage="encipherment")) is PathProblem.KEY_USAGE
    assert problem(store, pki.person("A", "001099990004", usage="none")) is PathProblem.NONE
    no_authority = pki.person("B", "001099990005")
    helped = pki.person("C", "001099990006", ca=no_authority)
    extra = load(no_authority.der)
    assert isinstance(extra, CertificateFacts)
    assert store.path(facts(helped), [extra], NOW).problem is PathProblem.NOT_A_CA


def test_an_authority_is_judged_at_the_signing_time(pki: TestPki) -> None:
    one = pki.person("A", "001099990007")
    late = NOW + timedelta(days=365 * 13)
    assert problem(pki.trust_store(), one, late) is PathProblem.AUTHORITY_NOT_VALID


@pytest.mark.parametrize(
    ("revoked", "expected"),
    [(-DAY, Status.REVOKED), (timedelta(), Status.REVOKED), (DAY, Status.REVOKED_AFTER), (3 * DAY, Status.GOOD)],
)
def test_revocation_is_told_by_its_time(revoked: timedelta, expected: Status) -> None:
    pki = TestPki(NOW)
    one = pki.person("A", "001099990008")
    pki.revoke(one, NOW + revoked)
    store = pki.trust_store()
    path = store.path(facts(one), [], NOW)
    assert path.good
    assert store.status(path.path, NOW, NOW + 2 * DAY).status is expected


def test_a_revoked_issuing_authority_revokes_its_certificates() -> None:
    pki = TestPki(NOW)
    one = pki.person("A", "001099990009")
    pki.revoke(pki.persons.credential, NOW - DAY)
    store = pki.trust_store()
    result = store.status(store.path(facts(one), [], NOW).path, NOW, NOW)
    assert result.status is Status.REVOKED


def test_no_list_an_old_list_or_a_foreign_list_prove_nothing(pki: TestPki) -> None:
    one = pki.person("A", "001099990010")
    old = pki.crls(this_update=NOW - 20 * DAY, next_update=NOW - 10 * DAY)
    # same names, other keys: the issuer's name alone must not make a list count
    foreign = TestPki(NOW).crls()
    for lists in ([], old, foreign):
        store = pki.trust_store(crls=lists)
        assert store.status(store.path(facts(one), [], NOW).path, NOW, NOW).status is Status.UNKNOWN


def test_lists_may_be_pem(pki: TestPki) -> None:
    pem = b"".join(
        b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(one) + b"-----END X509 CRL-----\n" for one in pki.crls()
    )
    one = pki.person("A", "001099990011")
    store = TrustStore.from_pem(pki.anchors_pem(), [pem])
    assert store.status(store.path(facts(one), [], NOW).path, NOW, NOW).status is Status.GOOD


@pytest.mark.parametrize(
    "bad", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_unusable_anchors_are_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="/"):
        TrustStore.from_pem(bad)


def test_unusable_lists_are_refused(pki: TestPki) -> None:
    with pytest.raises(ValueError, match="/"):
        TrustStore.from_pem(pki.anchors_pem(), [b"\x30\x03\x02\x01\x01"])


@pytest.mark.parametrize("position", range(0, 400, 7))
def test_a_damaged_certificate_is_a_fact_and_never_an_exception(pki: TestPki, position: int) -> None:
    der = bytearray(pki.person("A", "001099990012").der)
    der[position % len(der)] ^= 0x5A
    loaded = load(bytes(der))
    if isinstance(loaded, CertificateFacts):
        pki.trust_store().path(loaded, [loaded], NOW)
    else:
        assert loaded


def _second_opinion(pki: TestPki, credential: Credential, at: datetime) -> bool:
    roots = [asn1.Certificate.load(pki.root.credential.der)]
    others = [asn1.Certificate.load(one.public_bytes(Encoding.DER)) for one in pki.authorities()[1:]]
    context = ValidationContext(trust_roots=roots, other_certs=others, moment=at, revocation_mode="soft-fail")
    validator = CertificateValidator(asn1.Certificate.load(credential.der), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}))  # type: ignore[no-untyped-call]
    except (PathError, ValidationError):
        return False
    return True


@pytest.mark.parametrize("kind", ["good", "self", "encipherment", "foreign"])
def test_paths_agree_with_another_validator(pki: TestPki, kind: str) -> None:
    one = {
        "good": lambda: pki.person("A", "001099990013"),
        "self": lambda: pki.person("A", "001099990013", ca="self"),
        "encipherment": lambda: pki.person("A", "001099990013", usage="encipherment"),
        "foreign": lambda: TestPki(NOW).person("A", "001099990013"),
    }[kind]()
    assert pki.trust_store().path(facts(one), [], NOW).good is _second_opinion(pki, one, NOW)
