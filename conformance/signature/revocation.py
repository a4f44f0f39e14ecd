"""Revocation: what lists (RFC 5280) and OCSP answers (RFC 6960) that were *given* say of a certificate at a time.

Nothing is fetched. Whatever does not verify, is not about the certificate, or is of a kind not supported proves
nothing, and the reason is told.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

from conformance.signature.algorithms import key_bits, key_kind
from conformance.signature.certificate import CertificateFacts, load

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
_ZERO = timedelta()
_HOLD = x509.ReasonFlags.certificate_hold
_MOST_TOLD = 20_000
"""Certificates of which it is remembered what the evidence says."""
_WEAK = ("md5", "sha1")
_MIN_RSA_BITS = 2048


class Status(StrEnum):
    """What is known of a certificate at a time."""

    GOOD = "good"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    REVOKED_AFTER = "revoked-after"
    """Revoked between signing and receipt."""
    UNKNOWN = "unknown"


class Gap(StrEnum):
    """Why a status is unknown, the more telling later; the values are cause codes of PL1-CTS-002."""

    NOTHING = "status-unknown"
    """No list or answer was given."""
    OTHER = "status-other-certificate"
    """What was given is about other certificates, or of other authorities."""
    FAILED = "ocsp-failed"
    """The responder gave no answer but an error (tryLater, unauthorized …)."""
    UNKNOWN = "ocsp-unknown"
    """The responder does not know the certificate."""
    KIND = "status-not-supported"
    """Delta list, indirect list, list of some reasons only."""
    SIGNER = "status-wrong-signer"
    """The signature does not verify, is weak, or its signer has no right to answer."""
    TOO_OLD = "status-too-old"
    """Neither issued after signing nor in force then."""


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The status, the certificate concerned (by name), since when and why it was revoked, and why unknown."""

    status: Status
    subject: str = ""
    since: datetime | None = None
    gap: Gap = Gap.NOTHING
    reason: x509.ReasonFlags | None = None


GOOD = StatusResult(Status.GOOD)
_RANK = (Status.GOOD, Status.UNKNOWN, Status.REVOKED_AFTER, Status.SUSPENDED, Status.REVOKED)


def worse(one: StatusResult, other: StatusResult) -> StatusResult:
    """The worse of two results; the first when they are equally bad."""
    return other if _RANK.index(other.status) > _RANK.index(one.status) else one


@dataclass(frozen=True, slots=True)
class _Statement:
    """What one list or answer says of one certificate; ``since``: revoked from then on."""

    this_update: datetime
    next_update: datetime | None
    since: datetime | None = None
    reason: x509.ReasonFlags | None = None

    def proves(self, at: datetime, tolerance: timedelta) -> bool:
        """Whether silence proves something of the time ``at``."""
        return at - self.this_update <= tolerance or (self.next_update is not None and self.next_update >= at)

    def proves_until(self, tolerance: timedelta) -> datetime:
        """The last time of which silence proves something."""
        end = self.this_update + tolerance
        return end if self.next_update is None else max(end, self.next_update)


class RevocationList:
    """One revocation list, indexed by serial number when first asked."""

    def __init__(self, crl: x509.CertificateRevocationList) -> None:
        self.crl = crl
        self.issuer = crl.issuer.public_bytes()
        self.this_update = crl.last_update_utc
        self.next_update = crl.next_update_utc
        self.supported, self._only = _scope(crl)
        self._signers: dict[str, bool] = {}

    def about(self, one: CertificateFacts) -> bool:
        """Whether certificates of this kind are on the list at all (it may be of authorities only, or never)."""
        return self._only is None or self._only == one.is_ca

    def signed_by(self, issuer: CertificateFacts) -> bool:
        """Whether ``issuer`` signed the list, with right and a strong hash."""
        known = self._signers.get(issuer.fingerprint)
        if known is None:
            try:
                hashed = self.crl.signature_hash_algorithm
                strong = hashed is not None and hashed.name not in _WEAK and strong_key(issuer)
                known = strong and issuer.signs_lists and self.crl.is_signature_valid(issuer.key)
            except (TypeError, ValueError, UnsupportedAlgorithm):
                known = False
            self._signers[issuer.fingerprint] = known
        return known

    def says(self, serial: int) -> _Statement | None:
        """What the list says of a serial number; ``None``: it has entries of a kind that is not supported."""
        index = self._entries
        if index is None:
            return None
        since, reason = index.get(serial, (None, None))
        if reason is x509.ReasonFlags.remove_from_crl:  # no longer held
            since = reason = None
        return _Statement(self.this_update, self.next_update, since, reason)

    @cached_property
    def _entries(self) -> dict[int, tuple[datetime, x509.ReasonFlags | None]] | None:
        found: dict[int, tuple[datetime, x509.ReasonFlags | None]] = {}
        for one in self.crl:
            reason = None
            try:
                for extension in one.extensions:
                    if isinstance(extension.value, x509.CRLReason):
                        reason = extension.value.reason
                    elif extension.critical:
                        return None
            except (ValueError, x509.DuplicateExtension):
                return None
            found[one.serial_number] = (one.revocation_date_utc, reason)
        return found


def strong_key(issuer: CertificateFacts) -> bool:
    """Whether the key is of a kind and size that may vouch for others."""
    kind = key_kind(issuer.key)
    return kind == "ec" or (kind == "rsa" and key_bits(issuer.key) >= _MIN_RSA_BITS)


def _scope(crl: x509.CertificateRevocationList) -> tuple[bool, bool | None]:
    """Whether the list can be used: no delta, nothing partial or indirect; and whether only of (no) authorities."""
    only: bool | None = None
    try:
        for extension in crl.extensions:
            if isinstance(extension.value, x509.IssuingDistributionPoint):
                point = extension.value
                if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs:
                    return False, None
                only = True if point.only_contains_ca_certs else False if point.only_contains_user_certs else None
            elif extension.critical or extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
                return False, None
    except (ValueError, x509.DuplicateExtension):
        return False, None
    return True, only


class OcspAnswer:
    """One answer of a responder, which may speak of several certificates."""

    def __init__(self, response: ocsp.OCSPResponse) -> None:
        self.failed = response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL
        self.response = response
        self._signers: dict[str, bool] = {}
        self._singles: dict[int, list[ocsp.OCSPSingleResponse]] = {}
        self.supported = True
        """Whether it has no critical extension: none is known."""
        self.spoken = datetime.max.replace(tzinfo=UTC)
        """The time of which the answer speaks; when it was signed (producedAt) says less, and may be any time later."""
        if self.failed:
            return
        self.supported = not any(one.critical for one in response.extensions)
        for one in response.responses:
            self._singles.setdefault(one.serial_number, []).append(one)
            self.spoken = min(self.spoken, one.this_update_utc)

    @property
    def serials(self) -> Iterable[int]:
        """The serial numbers the answer speaks of."""
        return self._singles

    def about(self, one: CertificateFacts, issuer: CertificateFacts) -> list[ocsp.OCSPSingleResponse]:
        """What is said of this very certificate, by serial number and by its issuer's name and key."""
        return [each for each in self._singles.get(one.serial, ()) if _same_issuer(each, issuer)]

    @cached_property
    def _certificates(self) -> tuple[CertificateFacts, ...]:
        loaded = (load(one.public_bytes(Encoding.DER)) for one in self.response.certificates)
        return tuple(one for one in loaded if not isinstance(one, str))

    def delegate(self) -> CertificateFacts | None:
        """The certificate among those that came along that the answer names as its signer's."""
        return next((one for one in self._certificates if self._named(one)), None)

    def _named(self, one: CertificateFacts) -> bool:
        name, key = self.response.responder_name, self.response.responder_key_hash
        if key is not None:
            return key == _key_bits_hash(one, "sha1")
        return name is not None and name.public_bytes() == one.subject

    def signed_for(self, issuer: CertificateFacts) -> bool:
        """Whether the issuer itself signed the answer, or somebody whom it gave the right to (RFC 6960 §4.2.2.2)."""
        known = self._signers.get(issuer.fingerprint)
        if known is None:
            try:
                known = self._authorised(issuer)
            except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
                known = False
            self._signers[issuer.fingerprint] = known
        return known

    def _authorised(self, issuer: CertificateFacts) -> bool:
        if self._named(issuer) and self._signed_with(issuer):
            return True
        delegate = self.delegate()
        if delegate is None or delegate.fingerprint == issuer.fingerprint:
            return False
        delegate.certificate.verify_directly_issued_by(issuer.certificate)
        return (
            ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in delegate.usages
            and delegate.may_sign
            and not delegate.unknown_critical
            and not delegate.weak_hash
            and delegate.valid_at(self.spoken)
            and self._signed_with(delegate)
        )

    def _signed_with(self, signer: CertificateFacts) -> bool:
        hashed = self.response.signature_hash_algorithm
        if hashed is None or hashed.name in _WEAK or not strong_key(signer):
            return False
        value, octets = self.response.signature, self.response.tbs_response_bytes
        if key_kind(signer.key) == "ec":
            signer.key.verify(value, octets, ec.ECDSA(hashed))
        elif self.response.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
            signer.key.verify(value, octets, padding.PSS(padding.MGF1(hashed), padding.PSS.AUTO), hashed)
        else:
            signer.key.verify(value, octets, padding.PKCS1v15(), hashed)
        return True


def _same_issuer(single: ocsp.OCSPSingleResponse, issuer: CertificateFacts) -> bool:
    # the hash only names the issuer, as every responder does it with SHA-1: nothing rests on it
    try:
        name = single.hash_algorithm.name
    except UnsupportedAlgorithm:
        return False
    same_name = single.issuer_name_hash == _hashed(issuer.subject, name)
    return same_name and single.issuer_key_hash == _key_bits_hash(issuer, name)


def _hashed(octets: bytes, name: str) -> bytes:
    return hashlib.new(name.replace("-", "_"), octets, usedforsecurity=False).digest()


@lru_cache(maxsize=1024)
def _key_hash(der: bytes, name: str) -> bytes:
    loaded = load(der)
    assert not isinstance(loaded, str)
    kind = key_kind(loaded.key)
    if kind == "ec":
        octets = loaded.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    elif kind == "rsa":
        octets = loaded.key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    else:
        return b""
    return _hashed(octets, name)


def _key_bits_hash(one: CertificateFacts, name: str) -> bytes:
    """Hash of the subjectPublicKey bit string without tag, length and unused bits: how OCSP names a key."""
    return _key_hash(one.der, name)


class Evidence:
    """Lists and answers that were given: of a run, or embedded in one signature."""

    def __init__(
        self,
        crls: Iterable[x509.CertificateRevocationList] = (),
        answers: Iterable[ocsp.OCSPResponse] = (),
    ) -> None:
        self._lists: dict[bytes, list[RevocationList]] = {}
        self._answers: dict[int, list[OcspAnswer]] = {}
        self._failed = False
        self._told: dict[tuple[str, str], tuple[tuple[_Statement, ...], frozenset[Gap]]] = {}
        self.count = 0
        for crl in crls:
            self.count += 1
            one = RevocationList(crl)
            self._lists.setdefault(one.issuer, []).append(one)
        for response in answers:
            self.count += 1
            answer = OcspAnswer(response)
            self._failed = self._failed or answer.failed
            for serial in answer.serials:
                self._answers.setdefault(serial, []).append(answer)

    def statements(
        self, one: CertificateFacts, issuer: CertificateFacts
    ) -> tuple[tuple[_Statement, ...], frozenset[Gap]]:
        """What is said of ``one`` and can be relied on; and why the rest cannot. Remembered: no time comes into it."""
        key = one.fingerprint, issuer.fingerprint
        found = self._told.get(key)
        if found is None:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            gaps: set[Gap] = set()
            found = self._told[key] = tuple(self._statements(one, issuer, gaps)), frozenset(gaps)
        return found

    def _statements(self, one: CertificateFacts, issuer: CertificateFacts, gaps: set[Gap]) -> Iterator[_Statement]:
        if self._failed:
            gaps.add(Gap.FAILED)
        if self.count:
            gaps.add(Gap.OTHER)
        yield from self._listed(one, issuer, gaps)
        for answer in self._answers.get(one.serial, ()):
            singles = answer.about(one, issuer)
            if not singles:
                continue
            if not answer.supported:
                gaps.add(Gap.KIND)
            elif not answer.signed_for(issuer) or self._withdrawn(answer, issuer):
                gaps.add(Gap.SIGNER)
            else:
                yield from _said(singles, gaps)

    def _listed(self, one: CertificateFacts, issuer: CertificateFacts, gaps: set[Gap]) -> Iterator[_Statement]:
        for each in self._lists.get(one.issuer, ()):
            if not each.supported:
                gaps.add(Gap.KIND)
            elif not each.about(one):
                continue
            elif not each.signed_by(issuer):
                gaps.add(Gap.SIGNER)
            elif (said := each.says(one.serial)) is None:
                gaps.add(Gap.KIND)
            else:
                yield said

    def _withdrawn(self, answer: OcspAnswer, issuer: CertificateFacts) -> bool:
        """Whether a list says that the responder's own certificate had been revoked when it answered."""
        delegate = answer.delegate()
        if delegate is None or delegate.fingerprint == issuer.fingerprint:
            return False
        said = self._listed(delegate, issuer, set())
        return any(each.since is not None and each.since <= answer.spoken for each in said)


def _said(singles: Iterable[ocsp.OCSPSingleResponse], gaps: set[Gap]) -> Iterator[_Statement]:
    for one in singles:
        if one.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            gaps.add(Gap.UNKNOWN)
            continue
        revoked = one.certificate_status is ocsp.OCSPCertStatus.REVOKED
        yield _Statement(
            one.this_update_utc,
            one.next_update_utc,
            one.revocation_time_utc if revoked else None,
            one.revocation_reason if revoked else None,
        )


def status_of(
    one: CertificateFacts,
    issuer: CertificateFacts,
    at: datetime,
    until: datetime,
    evidence: Sequence[Evidence],
    tolerance: timedelta = _ZERO,
) -> StatusResult:
    """What all evidence together says of ``one`` at ``at``, and up to ``until``.

    A revocation stands whatever else says good. A suspension ends with the first newer statement that does not repeat
    it. ``tolerance``: how much older than ``at`` an answer without an end of its own may be.
    """
    told = [given.statements(one, issuer) for given in evidence]
    said = [each for those, _ in told for each in those]
    name = one.common_name
    worst = GOOD
    for each in _revocations(said, at) if any(each.since for each in said) else ():
        assert each.since is not None
        if each.since <= at:
            kind = Status.SUSPENDED if each.reason is _HOLD else Status.REVOKED
        elif each.since <= until:
            kind = Status.REVOKED_AFTER
        else:
            continue
        found = StatusResult(kind, name, each.since, reason=each.reason)
        earlier = worst.status is kind and worst.since is not None and each.since < worst.since
        worst = found if earlier else worse(worst, found)
    if worst.status is not Status.GOOD:
        return worst
    if any(each.proves(at, tolerance) for each in said):
        return worst
    if said:
        return StatusResult(Status.UNKNOWN, name, gap=Gap.TOO_OLD)
    gaps = {Gap.NOTHING}.union(*(those for _, those in told))
    return StatusResult(Status.UNKNOWN, name, gap=max(gaps, key=list(Gap).index))


def _revocations(said: Sequence[_Statement], at: datetime) -> list[_Statement]:
    """Those that stand: all final ones, and suspensions that no newer statement has ended by ``at``."""
    revoked = [each for each in said if each.since is not None]
    held = [
        each
        for each in revoked
        if each.reason is _HOLD
        and not any(other.since is None and each.this_update < other.this_update <= at for other in said)
    ]
    return [each for each in revoked if each.reason is not _HOLD] + held


# ------------------------------------------------------------------------------------------------------------ reading


def read_list(data: bytes) -> x509.CertificateRevocationList:
    """A revocation list in DER or PEM.

    Raises:
        ValueError: it cannot be read (bilingual message).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pem = data.lstrip().startswith(b"-----")
            return x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    except (ValueError, TypeError) as error:
        raise ValueError(f"danh sách thu hồi không đọc được / unreadable revocation list: {error}") from error


def read_lists(data: bytes) -> list[x509.CertificateRevocationList]:
    """All revocation lists of a file: several in PEM, or one in DER.

    Raises:
        ValueError: one cannot be read, or there is none (bilingual message).
    """
    if b"-----BEGIN" not in data:
        return [read_list(data)]
    found = [read_list(match[0]) for match in _PEM.finditer(data) if match[1] == b"X509 CRL"]
    if not found:
        raise ValueError("không có danh sách thu hồi nào / no revocation list in it")
    return found


def read_answer(data: bytes) -> ocsp.OCSPResponse:
    """An OCSP answer in DER.

    Raises:
        ValueError: it cannot be read (bilingual message, which says so when it is a request).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            response = ocsp.load_der_ocsp_response(data)
            if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
                # everything is looked at here, so that a damaged part is met where it is read
                _ = response.certificates, response.extensions
                for one in response.responses:
                    _ = one.this_update_utc, one.next_update_utc, one.revocation_time_utc, one.revocation_reason
            return response
    except Exception as error:  # malformed answers raise all sorts of errors
        try:
            ocsp.load_der_ocsp_request(data)
        except Exception:
            raise ValueError(f"câu trả lời OCSP không đọc được / unreadable OCSP answer: {error}") from error
        raise ValueError("đây là yêu cầu OCSP, không phải câu trả lời / an OCSP request, not an answer") from error


@lru_cache(maxsize=256)
def embedded(crls: tuple[bytes, ...], answers: tuple[bytes, ...]) -> Evidence:
    """Evidence that came inside a document; what cannot be read proves nothing and is left out."""
    lists: list[x509.CertificateRevocationList] = []
    responses: list[ocsp.OCSPResponse] = []
    for octets in crls:
        with suppress(ValueError):
            lists.append(read_list(octets))
    for octets in answers:
        with suppress(ValueError):
            responses.append(read_answer(octets))
    return Evidence(lists, responses)


__all__ = [
    "Evidence", "Gap", "Status", "StatusResult", "embedded", "read_answer", "read_list", "read_lists", "status_of",
    "worse",
]  # fmt: skip
