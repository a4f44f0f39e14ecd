"""Revocation by lists and OCSP answers: every state, whatever must not count, and another validator's opinion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.pki import Credential, Extras, TestPki
from conformance.signature.responders import ocsp_answer, ocsp_delegate, ocsp_failure
from conformance.signature.revocation import Gap, RevocationList, embedded, read_answer, read_lists
from conformance.signature.trust import Status, StatusResult, TrustStore

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOLD = x509.ReasonFlags.certificate_hold
WHO = ("Lê Thử An", "001099990001")


def facts(credential: Credential) -> CertificateFacts:
    loaded = load(credential.der)
    assert isinstance(loaded, CertificateFacts)
    return loaded


class Desk:
    """One PKI, one person; lists of the root are there, so that all depends on the person's own status."""

    def __init__(self) -> None:
        self.pki = TestPki(NOW)
        # the other validator looks at answers only for certificates that name a responder
        self.one = self.pki.person(*WHO, extras=Extras(responder="http://ocsp.invalid/"))
        self.delegate = ocsp_delegate(self.pki, self.one)

    def status(
        self,
        lists: list[bytes] | None = None,
        answers: list[bytes] | None = None,
        at: datetime = NOW,
        until: datetime = NOW + 2 * DAY,
        inside: tuple[list[bytes], list[bytes]] = ([], []),
    ) -> StatusResult:
        root = self.pki.crls()[0]
        store = TrustStore.from_pem(self.pki.anchors_pem(), [root, *(lists or [])], answers=answers or [])
        path = store.path(facts(self.one), [], at)
        assert path.good
        evidence = embedded(tuple(inside[0]), tuple(inside[1]))
        return store.status(path.path, at, until, embedded=evidence)

    def crl(self, **times: datetime) -> bytes:
        return self.pki.crls(**times)[1]

    def ocsp(self, **how: object) -> bytes:
        return ocsp_answer(self.pki, self.one, **{"signer": self.delegate, **how})  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk()


Source = Callable[[Desk], tuple[list[bytes], list[bytes]]]
SOURCES: dict[str, Source] = {
    "list": lambda desk: ([desk.crl()], []),
    "answer of a delegate": lambda desk: ([], [desk.ocsp()]),
    "answer of the issuer": lambda desk: ([], [desk.ocsp(signer=None)]),
    "answer that names its signer": lambda desk: ([], [desk.ocsp(by_name=True)]),
    "answer with SHA-256 identifiers": lambda desk: ([], [desk.ocsp(hash_algorithm=hashes.SHA256())]),
    "both": lambda desk: ([desk.crl()], [desk.ocsp()]),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("revoked", "reason", "expected"),
    [
        (None, None, Status.GOOD),
        (-DAY, x509.ReasonFlags.key_compromise, Status.REVOKED),
        (timedelta(), x509.ReasonFlags.superseded, Status.REVOKED),
        (DAY, x509.ReasonFlags.cessation_of_operation, Status.REVOKED_AFTER),
        (3 * DAY, x509.ReasonFlags.key_compromise, Status.GOOD),
        (-DAY, HOLD, Status.SUSPENDED),
        (DAY, HOLD, Status.REVOKED_AFTER),
        (3 * DAY, HOLD, Status.GOOD),
    ],
    ids=["good", "before", "at once", "between", "after", "held before", "held between", "held after"],
)
def test_every_state_by_every_source(
    desk: Desk, source: str, revoked: timedelta | None, reason: x509.ReasonFlags | None, expected: Status
) -> None:
    if revoked is not None and reason is not None:
        desk.pki.revoke(desk.one, NOW + revoked, reason)
    lists, answers = SOURCES[source](desk)
    found = desk.status(lists, answers)
    assert found.status is expected
    if expected not in (Status.GOOD, Status.UNKNOWN):
        assert revoked is not None
        assert (found.subject, found.since, found.reason) == (WHO[0], NOW + revoked, reason)


@pytest.mark.parametrize("source", SOURCES)
def test_evidence_inside_the_signature_counts_as_far_as_it_verifies(desk: Desk, source: str) -> None:
    assert desk.status(inside=SOURCES[source](desk)).status is Status.GOOD
    stranger = Desk()
    assert desk.status(inside=SOURCES[source](stranger)).status is Status.UNKNOWN
    desk.pki.revoke(desk.one, NOW - DAY)
    assert desk.status(inside=SOURCES[source](desk)).status is Status.REVOKED
    assert desk.status(inside=([b"rubbish", b""], [b"rubbish"])).status is Status.UNKNOWN


def crl_of(
    issuer: Credential,
    *,
    signer: Credential | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    entry: tuple[int, x509.ExtensionType] | None = None,
) -> bytes:
    """A list made by hand, in every wrong way."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW)
        .next_update(NOW + 9 * DAY)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    if entry is not None:
        revoked = x509.RevokedCertificateBuilder().serial_number(entry[0]).revocation_date(NOW - DAY)
        builder = builder.add_revoked_certificate(revoked.add_extension(entry[1], critical=False).build())
    return builder.sign((signer or issuer).key, hashes.SHA256()).public_bytes(Encoding.DER)


def point(**only: bool) -> x509.IssuingDistributionPoint:
    usual: dict[str, object] = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**{**usual, **only})  # type: ignore[arg-type]


def wrong_certificate(desk: Desk) -> bytes:
    return ocsp_answer(desk.pki, desk.pki.person("Phạm Thử Bình", "001099990002"), signer=desk.delegate)


def same_serial(desk: Desk) -> bytes:
    """Another PKI's answer about a certificate whose serial number happens to be the same."""
    other = TestPki(NOW)
    issuer = other.persons.credential
    return (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            issuer_name_hash=b"0" * 20,
            issuer_key_hash=b"1" * 20,
            serial_number=desk.one.certificate.serial_number,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=NOW,
            next_update=None,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
        .sign(issuer.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


PROVES_NOTHING: dict[str, tuple[Source, Gap]] = {
    "nothing": (lambda d: ([], []), Gap.OTHER),  # the root's own list is there
    "a list of another authority": (lambda d: ([d.pki.crls()[2]], []), Gap.OTHER),
    "a list of a namesake": (lambda d: ([TestPki(NOW).crls()[1]], []), Gap.SIGNER),
    "a list that somebody else signed": (
        lambda d: ([crl_of(d.pki.persons.credential, signer=d.pki.organisations.credential)], []), Gap.SIGNER,
    ),
    "an expired list": (
        lambda d: ([d.crl(this_update=NOW - 20 * DAY, next_update=NOW - 10 * DAY)], []), Gap.TOO_OLD,
    ),
    "a delta list": (
        lambda d: ([crl_of(d.pki.persons.credential, extensions=((x509.DeltaCRLIndicator(1), True),))], []), Gap.KIND,
    ),
    "an indirect list": (
        lambda d: ([crl_of(d.pki.persons.credential, extensions=((point(indirect_crl=True), True),))], []), Gap.KIND,
    ),
    "a list of authorities only": (
        lambda d: ([crl_of(d.pki.persons.credential, extensions=((point(only_contains_ca_certs=True), True),))], []),
        Gap.OTHER,
    ),
    "an answer about another certificate": (lambda d: ([], [wrong_certificate(d)]), Gap.OTHER),
    "an answer about another authority's certificate": (lambda d: ([], [same_serial(d)]), Gap.OTHER),
    "unknown": (lambda d: ([], [d.ocsp(unknown=True)]), Gap.UNKNOWN),
    "try later": (lambda d: ([], [ocsp_failure()]), Gap.FAILED),
    "unauthorised": (lambda d: ([], [ocsp_failure(ocsp.OCSPResponseStatus.UNAUTHORIZED)]), Gap.FAILED),
    "an expired answer": (
        lambda d: ([], [d.ocsp(this_update=NOW - 2 * DAY, next_update=NOW - DAY)]), Gap.TOO_OLD,
    ),
    "an answer of before without an end": (lambda d: ([], [d.ocsp(this_update=NOW - DAY)]), Gap.TOO_OLD),
    "an answer of a person": (lambda d: ([], [d.ocsp(signer=d.pki.person("Võ Thử Dung", "001099990003"))]), Gap.SIGNER),
    "an answer of a delegate for something else": (
        lambda d: ([], [d.ocsp(signer=ocsp_delegate(d.pki, d.one, purposes=(ExtendedKeyUsageOID.TIME_STAMPING,)))]),
        Gap.SIGNER,
    ),
    "an answer of another authority's delegate": (
        lambda d: ([], [d.ocsp(signer=ocsp_delegate(d.pki, d.pki.organisation("Trường Thử", school="99000001")))]),
        Gap.SIGNER,
    ),
    "an answer of a delegate that has expired": (
        lambda d: ([], [d.ocsp(signer=ocsp_delegate(d.pki, d.one, not_after=NOW - DAY))]), Gap.SIGNER,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROVES_NOTHING)
def test_what_proves_nothing_says_why(desk: Desk, case: str) -> None:
    source, gap = PROVES_NOTHING[case]
    lists, answers = source(desk)
    found = desk.status(lists, answers)
    assert (found.status, found.gap) == (Status.UNKNOWN, gap)
    # beside it, sound evidence still counts
    assert desk.status([*lists, desk.crl()], answers).status is Status.GOOD


def test_one_responder_that_failed_is_told_whatever_others_say(desk: Desk) -> None:
    for answers in ([ocsp_failure(), wrong_certificate(desk)], [wrong_certificate(desk), ocsp_failure()]):
        assert desk.status([], answers).gap is Gap.FAILED


@pytest.mark.parametrize(("seconds", "expected"), [(0, Status.GOOD), (-1, Status.UNKNOWN)])
def test_a_list_is_in_force_to_its_last_second(desk: Desk, seconds: int, expected: Status) -> None:
    crl = desk.crl(this_update=NOW - DAY, next_update=NOW + timedelta(seconds=seconds))
    assert desk.status([crl]).status is expected


def test_without_anything_nothing_is_known(desk: Desk) -> None:
    store = desk.pki.trust_store(crls=[])
    found = store.status(store.path(facts(desk.one), [], NOW).path, NOW, NOW)
    assert (found.status, found.gap) == (Status.UNKNOWN, Gap.NOTHING)


def test_a_revoked_delegate_answers_nothing(desk: Desk) -> None:
    answer = desk.ocsp(this_update=NOW)
    old = {"this_update": NOW - 20 * DAY, "next_update": NOW - 10 * DAY}
    assert desk.status([desk.crl(**old)], [answer]).status is Status.GOOD
    desk.pki.revoke(desk.delegate, NOW - 21 * DAY)
    # too old to prove that somebody was not revoked, but what it says of the delegate stands
    assert desk.status([desk.crl(**old)], [answer]).status is Status.UNKNOWN


def test_a_certificate_taken_off_hold_is_good_again(desk: Desk) -> None:
    desk.pki.revoke(desk.one, NOW - 3 * DAY, HOLD)
    during = desk.crl(this_update=NOW - 2 * DAY)
    desk.pki.restore(desk.one)
    after = desk.crl(this_update=NOW - DAY)
    assert desk.status([during]).status is Status.SUSPENDED
    assert desk.status([during, after]).status is Status.GOOD
    assert desk.status([after, during]).status is Status.GOOD
    # of one and the same time the worse counts
    again = desk.crl(this_update=NOW - 2 * DAY)
    assert desk.status([during, again]).status is Status.SUSPENDED
    # signed while it was held: what came later does not mend that
    assert desk.status([during, after], at=NOW - 2 * DAY).status is Status.SUSPENDED
    desk.pki.revoke(desk.one, NOW - 3 * DAY, x509.ReasonFlags.key_compromise)
    final = desk.crl(this_update=NOW - 2 * DAY)
    assert desk.status([final, after]).status is Status.REVOKED, "only a suspension can end"


def test_remove_from_crl_is_no_revocation(desk: Desk) -> None:
    entry = (desk.one.certificate.serial_number, x509.CRLReason(x509.ReasonFlags.remove_from_crl))
    assert desk.status([crl_of(desk.pki.persons.credential, entry=entry)]).status is Status.GOOD


def test_a_revocation_stands_whatever_else_says_good(desk: Desk) -> None:
    good = desk.ocsp(this_update=NOW)
    desk.pki.revoke(desk.one, NOW - DAY)
    assert desk.status([desk.crl()], [good]).status is Status.REVOKED
    assert desk.status([], [good, desk.ocsp()]).status is Status.REVOKED


def test_the_earliest_of_several_revocations_is_told(desk: Desk) -> None:
    lists = []
    for since in (NOW - DAY, NOW - 3 * DAY, NOW - 2 * DAY):
        desk.pki.revoke(desk.one, since)
        lists.append(desk.crl())
    for given in (lists, lists[::-1]):
        told = desk.status(given)
        assert (told.status, told.since) == (Status.REVOKED, NOW - 3 * DAY)


def test_an_authority_of_no_right_to_sign_lists(desk: Desk) -> None:
    """A list counts only with the key usage cRLSign of its issuer."""
    weak = crl_of(desk.pki.persons.credential)
    issuer = facts(desk.pki.persons.credential)
    (read,) = read_lists(weak)
    assert RevocationList(read).signed_by(issuer)
    assert not RevocationList(read).signed_by(replace(issuer, signs_lists=False))


@pytest.mark.parametrize("position", range(0, 900, 11))
def test_a_damaged_answer_is_refused_or_proves_nothing(desk: Desk, position: int) -> None:
    der = bytearray(desk.ocsp())
    der[position % len(der)] ^= 0x21
    try:
        read_answer(bytes(der))
    except ValueError:
        return
    assert desk.status([], [bytes(der)]).status in (Status.UNKNOWN, Status.GOOD)
    desk.pki.revoke(desk.one, NOW - DAY)
    assert desk.status([desk.crl()], [bytes(der)]).status is Status.REVOKED


def test_a_request_is_told_from_an_answer(desk: Desk) -> None:
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(desk.one.certificate, desk.one.chain[0], hashes.SHA1())
        .build()
        .public_bytes(Encoding.DER)
    )
    with pytest.raises(ValueError, match="an OCSP request, not an answer"):
        read_answer(request)


# ------------------------------------------------------------------------------------------------- second opinion


def second_opinion(desk: Desk, lists: list[bytes], answers: list[bytes], at: datetime) -> bool:
    """Whether another validator accepts the certificate at a past time with this evidence, status required."""
    context = ValidationContext(
        trust_roots=[asn1.Certificate.load(desk.pki.root.credential.der)],
        other_certs=[asn1.Certificate.load(one.public_bytes(Encoding.DER)) for one in desk.pki.authorities()[1:]],
        crls=[asn1_crl.CertificateList.load(one) for one in (desk.pki.crls()[0], *lists)],
        ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in answers],
        moment=at,
        best_signature_time=at,
        revocation_mode="require",
        retroactive_revinfo=True,
        allow_fetching=False,
    )
    validator = CertificateValidator(asn1.Certificate.load(desk.one.der), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}))  # type: ignore[no-untyped-call]
    except (PathError, ValidationError):
        return False
    return True


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("revoked", [None, -DAY, DAY], ids=["never", "before", "after"])
@pytest.mark.parametrize("at", [timedelta(), 2 * DAY], ids=["early", "late"])
def test_another_validator_agrees_on_a_past_time(
    desk: Desk, source: str, revoked: timedelta | None, at: timedelta
) -> None:
    if revoked is not None:
        desk.pki.revoke(desk.one, NOW + revoked)
    lists, answers = SOURCES[source](desk)
    if answers:  # the other validator wants answers to have an end, as lists must have
        answers = [desk.ocsp(next_update=NOW + 9 * DAY)]
    moment = NOW + at
    mine = desk.status(lists, answers, at=moment, until=moment).status is Status.GOOD
    # it takes a later revocation in a list as proof of the time before, in an answer it does not
    abstains = bool(answers) and not lists and revoked is not None and NOW + revoked > moment
    assert mine is (True if abstains else second_opinion(desk, lists, answers, moment))
    assert not abstains or not second_opinion(desk, lists, answers, moment), "then this exception can go"


@pytest.mark.parametrize("case", [one for one in PROVES_NOTHING if one != "an indirect list"])
def test_another_validator_finds_no_proof_either(desk: Desk, case: str) -> None:
    """It knows indirect lists, which this project does not and says so."""
    lists, answers = PROVES_NOTHING[case][0](desk)
    assert not second_opinion(desk, lists, answers, NOW)


def test_what_is_remembered_of_a_path_holds_for_its_time_only(desk: Desk) -> None:
    root, people = desk.pki.crls()[0], desk.crl(this_update=NOW - DAY, next_update=NOW + DAY)
    times = [NOW, NOW + DAY, NOW + DAY + timedelta(seconds=1), NOW + 3 * DAY, NOW]

    def store() -> TrustStore:
        return TrustStore.from_pem(desk.pki.anchors_pem(), [root, people])

    asked = store()
    found = [asked.status(asked.path(facts(desk.one), [], at).path, at, at + DAY).status for at in times]
    fresh = [store().status(asked.path(facts(desk.one), [], at).path, at, at + DAY).status for at in times]
    assert found == fresh == [Status.GOOD, Status.GOOD, Status.UNKNOWN, Status.UNKNOWN, Status.GOOD]
    authority = min(one.not_after for one in asked.path(facts(desk.one), [], NOW).path[1:])
    assert asked.path(facts(desk.one), [], authority).good
    assert not asked.path(facts(desk.one), [], authority + timedelta(seconds=1)).good
    assert asked.path(facts(desk.one), [], authority).good
