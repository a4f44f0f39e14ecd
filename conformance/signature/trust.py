"""Trust: anchors, paths at a point in time, and revocation from given CRLs. Nothing is ever fetched.

Source: RFC 5280 §6; TT 15/2025/TT-BKHCN art. 6 (validity at the signing time, revocation, usage).
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID

_PEM_BLOCK = re.compile(rb"-----BEGIN (?P<kind>[A-Z0-9 ]+)-----(?P<body>.*?)-----END (?P=kind)-----", re.DOTALL)
_LONGEST_PATH = 6
_MOST_PATHS = 16
_MOST_STEPS = 200
_WEAK = ("md2", "md4", "md5", "sha1")
# critical extensions that this module or the checks evaluate
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
}  # fmt: skip


class TrustError(ValueError):
    """What was given as certificates or CRLs cannot be read; bilingual."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose parts were all read once, so that nothing below can stumble over a malformed one.

    ``x509`` is the library's object; ``der`` the bytes; ``fingerprint`` SHA-256 in lower-case hex.
    """

    x509: x509.Certificate
    der: bytes
    fingerprint: str
    subject: bytes
    issuer: bytes
    common_name: str
    identifiers: tuple[str, ...]
    """Values of UID and serialNumber of the subject, in that order."""
    organisations: tuple[str, ...]
    serial: int
    not_before: datetime
    not_after: datetime
    is_ca: bool
    path_length: int | None
    may_sign: bool
    """Key usage allows signing documents: absent, digitalSignature or nonRepudiation."""
    may_issue: bool
    may_sign_crls: bool
    policies: tuple[str, ...]
    unknown_critical: tuple[str, ...]
    weak: str
    """Name of the weak digest it was signed with, or empty."""
    key_bytes: bytes
    """SubjectPublicKeyInfo: what tells keys apart."""

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject == self.issuer


E = TypeVar("E", bound=x509.ExtensionType)
_UID = x509.ObjectIdentifier("0.9.2342.19200300.100.1.1")
_loaded: dict[bytes, Certificate | str] = {}
_MOST_LOADED = 4096


def load_certificate(der: bytes) -> Certificate | str:
    """Read a DER certificate; a text says why it cannot be read. Malformed ones never raise."""
    known = _loaded.get(der)
    if known is not None:
        return known
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result: Certificate | str = _read(der)
    except Exception as error:  # noqa: BLE001  # malformed certificates raise all sorts of errors
        result = f"{type(error).__name__}: {error}"[:200]
    if len(_loaded) >= _MOST_LOADED:
        _loaded.clear()
    _loaded[der] = result
    return result


def _read(der: bytes) -> Certificate:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    certificate = x509.load_der_x509_certificate(der)
    extensions = certificate.extensions
    unknown = tuple(one.oid.dotted_string for one in extensions if one.critical and one.oid not in _UNDERSTOOD)
    constraints = _extension(extensions, x509.BasicConstraints)
    usage = _extension(extensions, x509.KeyUsage)
    policies = _extension(extensions, x509.CertificatePolicies)
    digest = certificate.signature_hash_algorithm
    weak = digest.name if digest is not None and digest.name.lower() in _WEAK else ""
    subject = certificate.subject
    return Certificate(
        x509=certificate,
        der=der,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=subject.public_bytes(),
        issuer=certificate.issuer.public_bytes(),
        common_name=next(iter(_values(subject, x509.NameOID.COMMON_NAME)), ""),
        identifiers=(*_values(subject, _UID), *_values(subject, x509.NameOID.SERIAL_NUMBER)),
        organisations=_values(subject, x509.NameOID.ORGANIZATION_NAME),
        serial=certificate.serial_number,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_ca=bool(constraints and constraints.ca),
        path_length=constraints.path_length if constraints else None,
        may_sign=usage is None or usage.digital_signature or usage.content_commitment,
        may_issue=usage is None or usage.key_cert_sign,
        may_sign_crls=usage is None or usage.crl_sign,
        policies=tuple(one.policy_identifier.dotted_string for one in policies) if policies else (),
        unknown_critical=unknown,
        weak=weak,
        key_bytes=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


def _extension(extensions: x509.Extensions, kind: type[E]) -> E | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(
        one.value if isinstance(one.value, str) else one.value.decode("utf-8", "replace")
        for one in name.get_attributes_for_oid(oid)
    )


class PathProblem(StrEnum):
    """Why there is no acceptable path; the best attempt's reason."""

    NO_PATH = "no-path"
    SELF_SIGNED = "self-signed"
    NOT_CA = "not-ca"
    PATH_LENGTH = "path-length"
    KEY_USAGE = "key-usage"
    CRITICAL_EXTENSION = "critical-extension"
    WEAK_CHAIN = "weak-chain"
    ISSUER_EXPIRED = "issuer-expired"


@dataclass(frozen=True, slots=True)
class Path:
    """A certification path from leaf to anchor, or the reason why there is none."""

    certificates: tuple[Certificate, ...]
    problem: PathProblem | None = None
    detail: str = ""


class Status(StrEnum):
    """What the CRLs say of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Status, and for a revoked certificate since when, why, and which one of the path it is."""

    status: Status
    since: datetime | None = None
    reason: str = ""
    certificate: Certificate | None = None


@dataclass(slots=True)
class _Crl:
    crl: x509.CertificateRevocationList
    issuer: bytes
    issued: datetime
    next_update: datetime | None
    only_ca: bool
    only_user: bool
    revoked: dict[int, tuple[datetime, str]]
    signers: dict[str, bool] = field(default_factory=dict)


class TrustStore:
    """Anchors, helping intermediates and CRLs of one run. Paths are cached in the store, never across stores."""

    def __init__(
        self,
        anchors: Iterable[x509.Certificate | bytes],
        intermediates: Iterable[x509.Certificate | bytes] = (),
        crls: Iterable[bytes] = (),
        name: str = "",
    ) -> None:
        """Certificates as objects or DER, CRLs as DER or PEM.

        Raises:
            TrustError: one of them cannot be read, or there is no anchor.
        """
        self.name = name
        self.anchors = tuple(_certificate(one) for one in anchors)
        self.intermediates = tuple(_certificate(one) for one in intermediates)
        if not self.anchors:
            raise TrustError("không có chứng thư gốc (tự ký) nào / no trust anchor (self-signed certificate)")
        self._anchor_prints = frozenset(one.fingerprint for one in self.anchors)
        self._crls: dict[bytes, list[_Crl]] = {}
        for given in crls:
            for der in _blocks(given, b"X509 CRL"):
                crl = _read_crl(der)
                if crl is not None:
                    self._crls.setdefault(crl.issuer, []).append(crl)
        self._paths: dict[tuple[bytes, ...], tuple[tuple[Certificate, ...], ...]] = {}

    @classmethod
    def from_pem(cls, pem: bytes, crls: Sequence[bytes] = (), name: str = "") -> TrustStore:
        """A store from PEM certificates (self-signed ones are anchors, others help to build paths) and CRLs.

        Raises:
            TrustError: something cannot be read, or there is no anchor.
        """
        loaded = [_certificate(der) for der in _blocks(pem, b"CERTIFICATE")]
        anchors = [one.x509 for one in loaded if one.self_issued]
        return cls(anchors, [one.x509 for one in loaded if not one.self_issued], crls, name)

    def fingerprints(self) -> tuple[str, ...]:
        """SHA-256 of the anchors, lower-case hex, sorted: what a report shows as trusted."""
        return tuple(sorted(self._anchor_prints))

    def path(self, leaf: Certificate, others: Sequence[Certificate], at: datetime) -> Path:
        """The path of ``leaf`` to an anchor at a time, helped by ``others`` (untrusted, from the document).

        The leaf's own validity is not judged here (that is the signing time's requirement).
        """
        best: Path | None = None
        for path in self._signed_paths(leaf, others):
            judged = _judged(path, at)
            if judged.problem is None:
                return judged
            best = best or judged
        if best is not None:
            return best
        if leaf.self_issued:
            return Path((leaf,), PathProblem.SELF_SIGNED, leaf.common_name)
        return Path((leaf,), PathProblem.NO_PATH, _readable(leaf.x509.issuer))

    def revocation(self, path: Path, at: datetime) -> Revocation:
        """What the CRLs say of every certificate of the path below its anchor, for a signature made ``at`` that time."""
        unknown: Revocation | None = None
        found: Revocation | None = None
        for certificate, issuer in zip(path.certificates, path.certificates[1:], strict=False):
            one = self._status(certificate, issuer, at)
            if one.status is Status.REVOKED and (found is None or _since(one) < _since(found)):
                found = one
            elif one.status is Status.UNKNOWN:
                unknown = unknown or one
        return found or unknown or Revocation(Status.GOOD)

    def _status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Revocation:
        usable = [one for one in self._crls.get(issuer.subject, ()) if _usable(one, certificate, issuer)]
        for one in usable:
            entry = one.revoked.get(certificate.serial)
            if entry is not None:
                return Revocation(Status.REVOKED, entry[0], entry[1], certificate)
        if any(one.next_update is None or one.next_update >= at for one in usable):
            return Revocation(Status.GOOD, certificate=certificate)
        return Revocation(Status.UNKNOWN, certificate=certificate)

    def _signed_paths(self, leaf: Certificate, others: Sequence[Certificate]) -> tuple[tuple[Certificate, ...], ...]:
        key = (leaf.der, *(one.der for one in others))
        known = self._paths.get(key)
        if known is None:
            known = self._search(leaf, others)
            if len(self._paths) >= _MOST_LOADED:
                self._paths.clear()
            self._paths[key] = known
        return known

    def _search(self, leaf: Certificate, others: Sequence[Certificate]) -> tuple[tuple[Certificate, ...], ...]:
        by_subject: dict[bytes, list[Certificate]] = {}
        for one in (*self.anchors, *self.intermediates, *others):
            same = by_subject.setdefault(one.subject, [])
            if one not in same:
                same.append(one)
        found: list[tuple[Certificate, ...]] = []
        steps = 0
        waiting: list[tuple[Certificate, ...]] = [(leaf,)]
        while waiting and len(found) < _MOST_PATHS:
            path = waiting.pop()
            if path[-1].fingerprint in self._anchor_prints:
                found.append(path)
                continue
            if len(path) >= _LONGEST_PATH:
                continue
            for issuer in by_subject.get(path[-1].issuer, ()):
                steps += 1
                if steps > _MOST_STEPS:
                    return tuple(found)
                if issuer not in path and _issued(path[-1], issuer):
                    waiting.append((*path, issuer))
        return tuple(found)


def _since(one: Revocation) -> float:
    return one.since.timestamp() if one.since else 0.0


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.x509.verify_directly_issued_by(issuer.x509)
    except Exception:  # noqa: BLE001  # whatever a strange key or algorithm raises: not issued by it
        return False
    return True


def _judged(path: tuple[Certificate, ...], at: datetime) -> Path:
    leaf = path[0]
    if not leaf.may_sign:
        return Path(path, PathProblem.KEY_USAGE, leaf.common_name)
    for one in path:
        if one.unknown_critical:
            return Path(path, PathProblem.CRITICAL_EXTENSION, ", ".join(one.unknown_critical))
    for one in path[:-1]:
        if one.weak:
            return Path(path, PathProblem.WEAK_CHAIN, f"{one.common_name}: {one.weak}")
    for depth, issuer in enumerate(path[1:]):
        if not issuer.is_ca or not issuer.may_issue:
            return Path(path, PathProblem.NOT_CA, issuer.common_name)
        if issuer.path_length is not None and depth > issuer.path_length:
            return Path(path, PathProblem.PATH_LENGTH, issuer.common_name)
        if not issuer.not_before <= at <= issuer.not_after:
            return Path(path, PathProblem.ISSUER_EXPIRED, issuer.common_name)
    return Path(path)


def _usable(crl: _Crl, certificate: Certificate, issuer: Certificate) -> bool:
    if (crl.only_ca and not certificate.is_ca) or (crl.only_user and certificate.is_ca) or not issuer.may_sign_crls:
        return False
    known = crl.signers.get(issuer.fingerprint)
    if known is None:
        try:
            known = bool(crl.crl.is_signature_valid(issuer.x509.public_key()))  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001  # a key that cannot verify: not this issuer's CRL
            known = False
        crl.signers[issuer.fingerprint] = known
    return known


def _read_crl(der: bytes) -> _Crl | None:
    """A complete CRL; ``None`` for one that this module must not rely on (delta, indirect, some reasons only).

    Raises:
        TrustError: it cannot be read.
    """
    try:
        crl = x509.load_der_x509_crl(der)
        only_ca = only_user = False
        for extension in crl.extensions:
            value = extension.value
            if isinstance(value, x509.DeltaCRLIndicator):
                return None
            if isinstance(value, x509.IssuingDistributionPoint):
                if value.indirect_crl or value.only_some_reasons or value.only_contains_attribute_certs:
                    return None
                only_ca, only_user = value.only_contains_ca_certs, value.only_contains_user_certs
            elif extension.critical and not isinstance(value, x509.CRLNumber | x509.AuthorityKeyIdentifier):
                return None
        revoked = {}
        for entry in crl:
            try:
                reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
            except x509.ExtensionNotFound:
                reason = "unspecified"
            revoked[entry.serial_number] = (entry.revocation_date_utc, reason)
        return _Crl(
            crl, crl.issuer.public_bytes(), crl.last_update_utc, crl.next_update_utc, only_ca, only_user, revoked
        )
    except Exception as error:
        raise TrustError(f"CRL không đọc được / unreadable CRL: {error}") from error


def _certificate(given: x509.Certificate | bytes) -> Certificate:
    from cryptography.hazmat.primitives.serialization import Encoding

    der = given if isinstance(given, bytes) else given.public_bytes(Encoding.DER)
    loaded = load_certificate(der)
    if isinstance(loaded, str):
        raise TrustError(f"chứng thư không đọc được / unreadable certificate: {loaded}")
    return loaded


def _blocks(given: bytes, kind: bytes) -> list[bytes]:
    """DER of every PEM block of a kind; the bytes themselves when they are DER.

    Raises:
        TrustError: neither, or broken base64.
    """
    if given[:1] == b"\x30":
        return [given]
    found = [one for one in _PEM_BLOCK.finditer(given) if one["kind"] == kind]
    if not found and given.strip():
        name = kind.decode()
        raise TrustError(f"không có khối PEM {name} nào / no PEM block {name}")
    try:
        return [base64.b64decode(b"".join(one["body"].split()), validate=True) for one in found]
    except binascii.Error as error:
        raise TrustError(f"PEM hỏng / broken PEM: {error}") from error


def _readable(name: x509.Name) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return name.rfc4514_string()[:200]
