"""What a certificate says: key, validity, usage, holder. A malformed one gives a fact, never an exception."""

from __future__ import annotations

import hashlib
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from conformance.pack import Pack
from conformance.signature.algorithms import PublicKey, key_bits, key_kind

LARGEST = 32 * 1024
"""Octets of a certificate that are looked at: real ones have one or two thousand."""
_MOST_KNOWN = 8192
"""Certificates that are remembered: teachers and authorities sign many documents."""
_LOCK = threading.Lock()
_KNOWN_CRITICAL = {
    ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.CERTIFICATE_POLICIES, ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
}  # fmt: skip
_WEAK = {"md5", "sha1"}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A readable certificate. Times are aware (UTC)."""

    der: bytes
    certificate: x509.Certificate
    key: PublicKey
    key_kind: str
    key_bits: int
    fingerprint: str
    """SHA-256 of the certificate, hex."""
    key_id: str
    """SHA-256 of the public key, hex: equal for two certificates of one key."""
    subject: bytes
    issuer: bytes
    serial: int
    common_name: str
    attributes: tuple[tuple[str, str], ...]
    """(object identifier, value) of the subject, then of directory names among the subject's alternative names."""
    not_before: datetime
    not_after: datetime
    is_ca: bool
    path_length: int | None
    may_sign: bool
    """Key usage digitalSignature or nonRepudiation, or no key usage at all."""
    may_issue: bool
    signs_lists: bool
    """Key usage cRLSign, or no key usage at all."""
    usages: tuple[str, ...]
    """Object identifiers of the extended key usage; empty: it says nothing."""
    usages_critical: bool
    unknown_critical: str
    """Object identifier of a critical extension we do not know; empty: none."""
    policies: tuple[str, ...]
    weak_hash: str

    def valid_at(self, moment: datetime) -> bool:
        """Whether ``moment`` lies in the validity period."""
        return self.not_before <= moment <= self.not_after


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a certificate stands for, by the pack's patterns."""

    kind: str
    """``person``, ``organisation`` or empty: it does not say."""
    identifiers: Mapping[str, str]
    """``id``, ``passport``, ``old``, ``tax``, ``school`` → the first value."""
    name: str
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The same → further values that differ from the first: the certificate contradicts itself."""

    def values(self, group: str) -> tuple[str, ...]:
        """All values of a group."""
        first = self.identifiers.get(group)
        return () if first is None else (first, *self.others.get(group, ()))


def plain(identifier: str) -> str:
    """An identifier as it is compared: without spaces, hyphens and case, in which passports are written differently."""
    upper = identifier.upper()
    return upper if upper.isalnum() else "".join(character for character in upper if character.isalnum())


def load(der: bytes) -> CertificateFacts | str:
    """The facts of a certificate, or why it cannot be read."""
    return _loaded(der) if len(der) <= LARGEST else f"{len(der)} > {LARGEST} bytes"


@lru_cache(maxsize=_MOST_KNOWN)
def _loaded(der: bytes) -> CertificateFacts | str:
    try:
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _facts(der)
    except Exception as error:  # malformed certificates raise all sorts of errors
        return f"{type(error).__name__}: {error}"[:300]


def _facts(der: bytes) -> CertificateFacts:
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    subject = certificate.subject
    extensions = certificate.extensions
    constraints = usage = None
    usages: tuple[str, ...] = ()
    usages_critical = False
    attributes = list(_attributes(subject))
    policies: tuple[str, ...] = ()
    unknown = ""
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            constraints = value
        elif isinstance(value, x509.KeyUsage):
            usage = value
        elif isinstance(value, x509.ExtendedKeyUsage):
            usages, usages_critical = tuple(one.dotted_string for one in value), extension.critical
        elif isinstance(value, x509.SubjectAlternativeName):
            for name in value.get_values_for_type(x509.DirectoryName):
                attributes.extend(_attributes(name))
        elif isinstance(value, x509.CertificatePolicies):
            policies = tuple(one.policy_identifier.dotted_string for one in value)
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            unknown = extension.oid.dotted_string
    hashed = certificate.signature_hash_algorithm
    return CertificateFacts(
        der=der,
        certificate=certificate,
        key=key,
        key_kind=key_kind(key),
        key_bits=key_bits(key),
        fingerprint=hashlib.sha256(der).hexdigest(),
        key_id=hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest(),
        subject=subject.public_bytes(),
        issuer=certificate.issuer.public_bytes(),
        serial=certificate.serial_number,
        common_name=_first(subject, NameOID.COMMON_NAME),
        attributes=tuple(attributes),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_ca=bool(constraints and constraints.ca),
        path_length=constraints.path_length if constraints else None,
        may_sign=usage is None or usage.digital_signature or usage.content_commitment,
        may_issue=usage is None or usage.key_cert_sign,
        signs_lists=usage is None or usage.crl_sign,
        usages=usages,
        usages_critical=usages_critical,
        unknown_critical=unknown,
        policies=policies,
        weak_hash=hashed.name if hashed is not None and hashed.name in _WEAK else "",
    )


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(str(one.value).strip() for one in name.get_attributes_for_oid(oid))


def _attributes(name: x509.Name) -> Iterator[tuple[str, str]]:
    return ((one.oid.dotted_string, str(one.value).strip()) for one in name)


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    return next(iter(_values(name, oid)), "")


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


@lru_cache(maxsize=16)
def _holders(_: Pack) -> dict[str, Holder]:
    return {}


def holder(facts: CertificateFacts, pack: Pack) -> Holder:
    """Whom the certificate stands for: identifiers by pattern, else the kind by its policies."""
    known = _holders(pack)
    found = known.get(facts.fingerprint)
    if found is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        found = known[facts.fingerprint] = _holder(facts, pack)
    return found


def _holder(facts: CertificateFacts, pack: Pack) -> Holder:
    identity = pack.signature.identity
    found: dict[str, list[str]] = {}
    kind = ""
    for name, patterns in (("person", identity.person), ("organisation", identity.organisation)):
        for attribute, value in facts.attributes:
            if attribute not in identity.attributes:
                continue
            for pattern in _compiled(patterns):
                if (match := pattern.match(value)) is not None:
                    kind = kind or name
                    for group, text in match.groupdict().items():
                        known = found.setdefault(group, [])
                        if text and plain(text) not in map(plain, known):
                            known.append(text)
                    break
    if not kind:
        policies = set(facts.policies)
        if policies & set(identity.person_policies):
            kind = "person"
        elif policies & set(identity.organisation_policies):
            kind = "organisation"
    return Holder(
        kind,
        {group: values[0] for group, values in found.items() if values},
        facts.common_name,
        {group: tuple(values[1:]) for group, values in found.items() if len(values) > 1},
    )
