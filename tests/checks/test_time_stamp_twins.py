"""KY-015 and CTS-002: time-stamps of the test authority, sound and wrong in every way; what a sound one proves."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from conformance.finding import Recorder, State
from conformance.signature.pki import TestPki
from conformance.signature.responders import Stamping, TimeStampAuthority, ocsp_answer, ocsp_delegate
from conformance.signature.sign import Plan, re_signed, revocation_values
from conformance.signature.trust import TrustStore
from tests.builders import LEADER, NOW
from tests.checks.test_signature_kills import DAY, PACK, Bench, flipped, on, roots

MINUTE = timedelta(minutes=1)
RULE = "PL1-KY-015"
USUAL = Stamping()
SEAL = "school-seal"


class Stamps(Bench):
    """The bench with a time-stamp authority of its PKI."""

    def __init__(self) -> None:
        super().__init__()
        self.authority = TimeStampAuthority(self.pki)
        self.stamped = self.with_stamp()

    def with_stamp(
        self,
        how: Stamping = USUAL,
        at: datetime = NOW + MINUTE,
        authority: TimeStampAuthority | None = None,
        slot: str = SEAL,
        **changes: Any,
    ) -> bytes:
        """A document whose seal (or another signature) has a time-stamp."""
        maker = authority or self.authority

        def stamp(plan: Plan) -> Plan:
            return replace(plan, **{"stamp": lambda octets: maker.token(octets, at, how), **changes})

        return self.signed(on(slot, stamp))

    def causes(self, data: bytes, **changes: Any) -> set[str]:
        """Root causes of KY-015; no other requirement may be violated at all."""
        found = self.judge(data, **{"judged_at": NOW + DAY, **changes})
        assert roots(found) <= {RULE}
        return {one.cause for one in found.violations if one.is_root}


@pytest.fixture(scope="module")
def bench() -> Stamps:
    return Stamps()


Make = Callable[[Stamps], bytes]


def token_replaced(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The token of the outermost signature, which nothing covers, changed."""

    def put(match: re.Match[bytes]) -> bytes:
        return match[1] + base64.b64encode(change(base64.b64decode(match[2]))) + match[3]

    pattern = rb"(<xades:EncapsulatedTimeStamp>)(.*?)(</xades:EncapsulatedTimeStamp>)"
    return re.sub(pattern, put, data, flags=re.DOTALL)


def whole_response(token: bytes) -> bytes:
    made: bytes = tsp.TimeStampResp(
        {"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)}
    ).dump()
    return made


SOUND: dict[str, Make] = {
    "usual": lambda b: b.stamped,
    "no accuracy": lambda b: b.with_stamp(Stamping(accuracy=None)),
    "SHA-512 imprint": lambda b: b.with_stamp(Stamping(imprint="sha512")),
    "SHA-384 signature": lambda b: b.with_stamp(Stamping(signed="sha384")),
    "RSA key": lambda b: b.with_stamp(authority=TimeStampAuthority(b.pki, key="rsa2048")),
    "no canonicalization named": lambda b: b.with_stamp(stamp_c14n=""),
    "inclusive canonicalization": lambda b: b.with_stamp(stamp_c14n="inclusive"),
    "on the principal's": lambda b: b.with_stamp(slot="principal"),
    "some clock difference": lambda b: b.with_stamp(at=NOW - 2 * MINUTE),
    "hours later": lambda b: b.with_stamp(at=NOW + timedelta(hours=9)),
    "default namespace": lambda b: b.signed(
        on(SEAL, lambda p: replace(re_signed(p, prefix=""), stamp=lambda o: b.authority.token(o, NOW)))
    ),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_time_stamp_holds(bench: Stamps, case: str) -> None:
    data = SOUND[case](bench)
    found = bench.judge(data, judged_at=NOW + DAY)
    assert {one.code for one in found.observations} <= {"PL1-KY-016.prefix"}
    assert found.held_counts[RULE, "checked"] == 1
    assert found.held_counts["PL1-CTS-002", "time-stamped"] == 1


def test_without_a_time_stamp_nothing_is_said(bench: Stamps) -> None:
    found = bench.judge(bench.sound)
    assert not any(requirement == RULE for requirement, _ in found.held_counts)
    assert ("PL1-CTS-002", "time-stamped") not in found.held_counts


def service(bench: Stamps, **how: Any) -> TimeStampAuthority:
    return TimeStampAuthority(bench.pki, **how)


WRONG: dict[str, tuple[Make, str]] = {
    "another imprint": (lambda b: b.with_stamp(Stamping(of_other=True)), "imprint"),
    "over the decoded value": (
        lambda b: b.signed(on(SEAL, lambda p: replace(p, stamp=lambda octets: b.authority.token(
            base64.b64decode(octets.partition(b">")[2].partition(b"<")[0]), NOW)))),
        "imprint-octets",
    ),
    "over another canonical form": (
        lambda b: re.sub(rb'(<xades:SignatureTimeStamp>)<ds:Canon[^>]*/>', rb"\1", b.stamped), "imprint-other-form",
    ),
    "a spoiled signature": (lambda b: b.with_stamp(Stamping(tampered=True)), "bad-signature"),
    "another usage": (
        lambda b: b.with_stamp(authority=service(b, purposes=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))),
        "usage-missing",
    ),
    "no usage": (lambda b: b.with_stamp(authority=service(b, purposes=())), "usage-missing"),
    "usage not critical": (lambda b: b.with_stamp(authority=service(b, critical=False)), "usage-not-critical"),
    "usage not alone": (
        lambda b: b.with_stamp(authority=service(
            b, purposes=(ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING))),
        "usage-not-alone",
    ),
    "another PKI's authority": (
        lambda b: b.with_stamp(authority=TimeStampAuthority(TestPki(NOW))), "untrusted",
    ),
    "a self-signed authority": (lambda b: b.with_stamp(authority=service(b, ca="self")), "untrusted"),
    "an expired authority": (
        lambda b: b.with_stamp(authority=service(b, not_after=NOW - DAY)), "authority-expired",
    ),
    "an authority of tomorrow": (
        lambda b: b.with_stamp(authority=service(b, not_before=NOW + DAY)), "authority-expired",
    ),
    "an RSA key of 1024 bits": (lambda b: b.with_stamp(authority=service(b, key="rsa1024")), "weak-key"),
    "SHA-1 imprint": (lambda b: b.with_stamp(Stamping(imprint="sha1")), "weak-digest"),
    "SHA-1 signature": (lambda b: b.with_stamp(Stamping(signed="sha1")), "weak-digest"),
    "attributes of another content": (lambda b: b.with_stamp(Stamping(content="data")), "unreadable"),
    "attributes of no content": (lambda b: b.with_stamp(Stamping(content="")), "unreadable"),
    "no certificate": (lambda b: b.with_stamp(Stamping(certificate=False)), "certificate-missing"),
    "another certificate is referred to": (
        lambda b: b.with_stamp(Stamping(reference="other")), "certificate-mismatch",
    ),
    "no certificate is referred to": (lambda b: b.with_stamp(Stamping(reference="")), "certificate-mismatch"),
    "garbage": (lambda b: b.signed(on(SEAL, lambda p: replace(p, stamp=lambda _: b"garbage"))), "unreadable"),
    "a certificate in its place": (
        lambda b: b.signed(on(SEAL, lambda p: replace(p, stamp=lambda _: b.seal.der))), "unreadable",
    ),
    "not base64": (
        lambda b: re.sub(rb"(<xades:EncapsulatedTimeStamp>).", rb"\1!", b.stamped), "unreadable",
    ),
    "empty": (
        lambda b: re.sub(rb"<xades:EncapsulatedTimeStamp>.*?</xades:EncapsulatedTimeStamp>", b"", b.stamped),
        "unreadable",
    ),
    "the whole response": (lambda b: token_replaced(b.stamped, whole_response), "whole-response"),
    "before the signature claims to be made": (lambda b: b.with_stamp(at=NOW - DAY), "before-signing"),
    "after receipt": (lambda b: b.with_stamp(at=NOW + 2 * DAY), "after-receipt"),
    "after the signer's certificate ended": (
        lambda b: b.with_stamp(
            at=NOW + DAY / 2,
            credential=b.pki.organisation("Trường THCS Ban Mai", school=b.values["record"]["school_code"],
                                          not_after=NOW + DAY / 4)),
        "after-certificate",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_time_stamp_says_what_is_wrong(bench: Stamps, case: str) -> None:
    make, cause = WRONG[case]
    data = make(bench)
    assert bench.causes(data) == {cause}
    found = bench.judge(data, judged_at=NOW + DAY)
    assert (RULE, "checked") not in found.held_counts
    assert ("PL1-CTS-002", "time-stamped") not in found.held_counts, "what does not verify proves nothing"


def test_every_cause_has_a_wrong_time_stamp() -> None:
    told = {cause for _, cause in WRONG.values()} | {"authority-revoked", "no-trust-store"}
    assert told == set(PACK.requirements[RULE].causes)


def test_a_changed_value_is_the_root_of_its_time_stamps_imprint(bench: Stamps) -> None:
    found = bench.judge(flipped(bench.stamped, "sig-school-seal-1"), judged_at=NOW + DAY)
    assert roots(found) == {"PL1-KY-006"}
    follows = [one for one in found.violations if one.requirement == RULE]
    assert [one.cause for one in follows] == ["imprint"]


@pytest.mark.parametrize(
    ("at", "accuracy"),
    [
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 1),
        (datetime(1, 1, 1, tzinfo=UTC), 1),
        (NOW, 2**40),
        (NOW, 10**20),
        (NOW, -60),
    ],
    ids=["the last second", "the first second", "ages", "more than ages", "negative"],
)
def test_hostile_times_are_findings(bench: Stamps, at: datetime, accuracy: int) -> None:
    assert bench.causes(bench.with_stamp(Stamping(accuracy=accuracy), at=at)) == {"unreadable"}


def test_a_deeply_nested_token_is_a_finding(bench: Stamps) -> None:
    deep = b""
    for _ in range(6000):
        length = len(deep)
        head = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2)
        deep = b"\x30" + head + deep
        if len(deep) > 60_000:
            break
    assert bench.causes(bench.signed(on(SEAL, lambda p: replace(p, stamp=lambda _: deep)))) == {"unreadable"}


def test_another_signatures_time_stamp_is_not_this_ones(bench: Stamps) -> None:
    other = re.search(rb"<xades:UnsignedProperties>.*?</xades:UnsignedProperties>", bench.stamped, re.DOTALL)
    assert other is not None
    lifted = bench.with_stamp(at=NOW + 3 * MINUTE)
    data = re.sub(rb"<xades:UnsignedProperties>.*?</xades:UnsignedProperties>", lambda _: other[0], lifted)
    assert bench.causes(data) == {"imprint"}


def test_without_trust_it_is_not_judged(bench: Stamps) -> None:
    found = bench.judge(bench.stamped, trust=None, judged_at=NOW + DAY)
    assert ("PL1-KY-015", "no-trust-store") in {(one.requirement, one.cause) for one in found.observations}
    assert not any(requirement == RULE for requirement, _ in found.held_counts)


def test_one_bad_authority_is_told_once_and_counted(bench: Stamps) -> None:
    strange = TimeStampAuthority(TestPki(NOW))

    def stamp(plan: Plan) -> Plan:
        return replace(plan, stamp=lambda octets: strange.token(octets, NOW + MINUTE))

    found = bench.judge(bench.signed(stamp), judged_at=NOW + DAY)
    told = [one for one in found.violations if one.requirement == RULE]
    assert [one.cause for one in told] == ["untrusted"]
    assert int(told[0].params["count"]) > 10


@pytest.mark.parametrize("position", range(0, 1100, 23))
def test_a_damaged_token_is_a_finding_and_never_an_exception(bench: Stamps, position: int) -> None:
    def damaged(token: bytes) -> bytes:
        at = position % len(token)
        return token[:at] + bytes([token[at] ^ 0x15]) + token[at + 1 :]

    found = bench.judge(token_replaced(bench.stamped, damaged), judged_at=NOW + DAY)
    assert roots(found) <= {RULE}


# ------------------------------------------------------------------------------------------------ what it proves


def stamped_leader(bench: Stamps, at: datetime, **how: Any) -> bytes:
    return bench.with_stamp(at=at, slot="principal", **how)


def outcome(found: Recorder, rule: str = "PL1-CTS-002") -> tuple[set[str], set[str]]:
    """Causes violated and blocked."""
    mine = [one for one in found.observations if one.requirement == rule]
    return (
        {one.cause for one in mine if one.state is State.VIOLATED},
        {one.cause for one in mine if one.state is State.BLOCKED},
    )


@pytest.mark.parametrize(
    ("stamp", "revoked", "expected"),
    [
        (None, timedelta(hours=5), (set(), {"not-proven"})),
        (timedelta(hours=1), timedelta(hours=5), (set(), set())),
        (timedelta(hours=9), timedelta(hours=5), (set(), {"stamped-too-late"})),
        (timedelta(hours=1), -timedelta(hours=5), ({"revoked"}, set())),
        (timedelta(hours=1), 3 * DAY, (set(), set())),
    ],
    ids=["no stamp", "stamped before", "stamped after", "revoked before signing", "revoked after receipt"],
)
@pytest.mark.parametrize("source", ["list", "answer", "embedded"])
def test_revoked_between_signing_and_receipt(
    stamp: timedelta | None, revoked: timedelta, expected: tuple[set[str], set[str]], source: str
) -> None:
    bench = Stamps()
    leader = bench.signers.people[LEADER[1]]
    bench.pki.revoke(leader, NOW + revoked)
    lists = bench.pki.crls()
    answer = ocsp_answer(bench.pki, leader, signer=ocsp_delegate(bench.pki, leader))
    if source != "list":
        leader_list = lists.pop(1)
        del bench.pki.persons.revoked[:]
        lists.append(bench.pki.crls(this_update=NOW - DAY, next_update=NOW + 9 * DAY)[1])
        assert leader_list not in lists
    trust = replace_trust(bench, lists, [answer] if source == "answer" else [])
    inside = revocation_values(answers=[answer]) if source == "embedded" else ""

    def change(plan: Plan) -> Plan:
        made = replace(plan, unsigned=inside)
        if stamp is None:
            return made
        return replace(made, stamp=lambda octets: bench.authority.token(octets, NOW + stamp))

    data = bench.signed(on("principal", change))
    found = bench.judge(data, trust=trust, judged_at=NOW + 2 * DAY, received_at=NOW + DAY)
    assert outcome(found) == expected
    assert roots(found) == ({"PL1-CTS-002"} if expected[0] else set())


def replace_trust(bench: Stamps, lists: list[bytes], answers: list[bytes]) -> TrustStore:
    return TrustStore.from_pem(bench.pki.anchors_pem(), lists, answers=answers)


@pytest.mark.parametrize(
    ("reason", "revoked", "expected"),
    [
        (x509.ReasonFlags.superseded, timedelta(hours=5), set()),
        (x509.ReasonFlags.key_compromise, timedelta(hours=5), {"authority-revoked"}),
        (x509.ReasonFlags.superseded, -timedelta(hours=5), {"authority-revoked"}),
    ],
)
def test_a_revoked_authority(reason: x509.ReasonFlags, revoked: timedelta, expected: set[str]) -> None:
    """Only a harmless revocation leaves earlier tokens good (RFC 3161 §4)."""
    bench = Stamps()
    bench.pki.revoke(bench.authority.credential, NOW + revoked, reason)
    assert bench.causes(bench.stamped, trust=bench.pki.trust_store()) == expected


def test_evidence_inside_counts_only_if_it_verifies(bench: Stamps) -> None:
    leader = bench.signers.people[LEADER[1]]
    answer = ocsp_answer(bench.pki, leader, signer=ocsp_delegate(bench.pki, leader))
    root, _, organisations = bench.pki.crls()
    trust = replace_trust(bench, [root, organisations], [])
    people = [ocsp_answer(bench.pki, one) for one in bench.signers.people.values() if one is not leader]

    def judged(*answers: bytes) -> set[str]:
        inside = on("principal", lambda plan: replace(plan, unsigned=revocation_values(answers=answers)))
        used = replace_trust(bench, [root, organisations], people)
        return outcome(bench.judge(bench.signed(inside), trust=used))[1]

    assert judged(answer) == set()
    forged = ocsp_answer(bench.pki, leader, signer=bench.signers.people[LEADER[1]])
    assert judged(forged) == {"status-wrong-signer"}
    assert judged(b"garbage") == {"status-other-certificate"}
    assert outcome(bench.judge(bench.sound, trust=trust))[1] == {"status-other-certificate"}


# ------------------------------------------------------------------------------------------------ second opinions


OPINIONS: dict[str, tuple[dict[str, Any], Stamping, bool]] = {
    "sound": ({}, Stamping(), True),
    "RSA": ({"key": "rsa2048"}, Stamping(imprint="sha384"), True),
    "spoiled": ({}, Stamping(tampered=True), False),
    "another usage": ({"purposes": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)}, Stamping(), False),
    "not critical": ({"critical": False}, Stamping(), False),
    "expired": ({"not_after": NOW - DAY}, Stamping(), False),
    "self-signed": ({"ca": "self"}, Stamping(), False),
    "another imprint": ({}, Stamping(of_other=True), False),
}


@pytest.mark.parametrize("case", OPINIONS)
def test_another_verifier_agrees(bench: Stamps, case: str) -> None:
    made, how, expected = OPINIONS[case]
    authority = service(bench, **made)
    assert (bench.causes(bench.with_stamp(how, authority=authority)) == set()) is expected
    answer = decode_timestamp_response(authority.response(b"octets", NOW, how))
    root, *others = bench.pki.authorities()
    verifier = VerifierBuilder(roots=[root], intermediates=list(others)).build()
    try:
        good = verifier.verify(answer, hashlib.new(how.imprint, b"octets").digest())
    except VerificationError:
        good = False
    assert good is expected


@pytest.mark.skipif(which("openssl") is None, reason="the openssl command is not installed")
@pytest.mark.parametrize("case", [one for one in OPINIONS if one != "not critical"])
def test_openssl_agrees(bench: Stamps, case: str, tmp_path: Path) -> None:
    """It asks for no critical usage."""
    made, how, expected = OPINIONS[case]
    authority = service(bench, **made)
    (tmp_path / "data").write_bytes(b"octets")
    (tmp_path / "answer").write_bytes(authority.response(b"octets", NOW, how))
    (tmp_path / "ca.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in bench.pki.authorities()))
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-data", "data", "-in", "answer", "-CAfile", "ca.pem",
         "-attime", str(int(NOW.timestamp()))],
        cwd=tmp_path, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is expected


def test_no_two_tokens_have_one_number(bench: Stamps) -> None:
    tokens = [cms.ContentInfo.load(bench.authority.token(b"octets", NOW)) for _ in range(2)]
    first, second = (one["content"]["encap_content_info"]["content"].parsed["serial_number"].native for one in tokens)
    assert first != second
