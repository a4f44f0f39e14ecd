"""A PKI for tests: one root, an issuing CA for persons and one for organisations, their CRLs. Keys live in memory only."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

from conformance.signature.trust import TrustStore

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_UID = x509.ObjectIdentifier("0.9.2342.19200300.100.1.1")
_LONGEST_NAME = 64  # RFC 5280 upper bound of commonName

_pool: dict[str, list[PrivateKey]] = {}
_pool_lock = threading.Lock()


def _generate(kind: str) -> PrivateKey:
    curves = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "p192": ec.SECP192R1}
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    if kind.startswith("rsa") and kind[3:].isdigit():
        return rsa.generate_private_key(65537, int(kind[3:]))
    raise ValueError(f"không biết loại khóa / unknown kind of key: {kind!r}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate, its private key, and the issuing certificates up to the root (leaf not included)."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]
    name: str = ""

    def pkcs12(self, password: bytes) -> bytes:
        """Key, certificate and issuing certificates as PKCS#12, encrypted with ``password``."""
        return pkcs12.serialize_key_and_certificates(
            self.name.encode(), self.key, self.certificate, self.chain, BestAvailableEncryption(password)
        )

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


class Wishes(TypedDict, total=False):
    """What may differ from a good certificate; everything has a good default."""

    key: str
    """``p256`` (default), ``p384``, ``rsa2048`` … ; weak ones (``rsa1024``, ``p192``) for bad examples."""
    not_before: datetime
    not_after: datetime
    ca: Literal["persons", "organisations", "root", "self"]
    issuer: Credential
    """Issued by this credential, whatever it is (a person's certificate that plays CA)."""
    usage: Literal["sign", "encrypt", "none"]
    same_key_as: Credential
    is_ca: bool
    critical: bool
    """Adds a critical extension that nobody knows."""


class TestPki:
    """Root, issuing CA for persons, issuing CA for organisations; every time is relative to ``now`` (aware).

    Keys come from a process-wide pool: distinct inside one PKI, possibly shared with another PKI of the same process.
    """

    __test__ = False

    def __init__(self, now: datetime, *, crl_days: int = 365) -> None:
        self.now = now.replace(microsecond=0)
        self._crl_days = crl_days
        self._taken: Counter[str] = Counter()
        self._taken_lock = threading.Lock()
        self._revoked: dict[str, list[x509.RevokedCertificate]] = {}
        self._serial = 1000
        self.root = self._authority("HOCBA TEST ROOT CA", None)
        self.persons = self._authority("HOCBA TEST CA 01 PERSONS", self.root)
        self.organisations = self._authority("HOCBA TEST CA 02 ORGANISATIONS", self.root)

    def _key(self, kind: str) -> PrivateKey:
        with self._taken_lock:
            number = self._taken[kind]
            self._taken[kind] += 1
        with _pool_lock:
            pool = _pool.setdefault(kind, [])
            while len(pool) <= number:
                pool.append(_generate(kind))
            return pool[number]

    def _next_serial(self) -> int:
        with self._taken_lock:
            self._serial += 1
        # positive, hard to confuse with another PKI's
        return (self._serial << 64) | (x509.random_serial_number() >> 96)

    def _authority(self, name: str, issuer: Credential | None) -> Credential:
        key = self._key("p256")
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hoc ba so - TEST"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(self._next_serial())
            .not_valid_before(self.now - timedelta(days=3650))
            .not_valid_after(self.now + timedelta(days=7300))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
            .add_extension(_usage(issues=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
        return Credential(certificate, key, (issuer.certificate, *issuer.chain) if issuer else (), name)

    def person(
        self, name: str, national_id: str | None = None, passport: str | None = None, **wishes: Unpack[Wishes]
    ) -> Credential:
        """A person's certificate: common name, and the identifier in UID (``CCCD:…`` or ``HC:…``)."""
        identifier = f"CCCD:{national_id}" if national_id else f"HC:{passport}" if passport else ""
        return self._leaf(name, identifier, self.persons, wishes)

    def organisation(
        self, name: str, tax: str | None = None, school: str | None = None, **wishes: Unpack[Wishes]
    ) -> Credential:
        """An organisation's certificate (a seal): UID is ``MST:<tax code>`` or ``MT:<school code>``."""
        identifier = f"MST:{tax}" if tax else f"MT:{school}" if school else ""
        return self._leaf(name, identifier, self.organisations, wishes)

    def _leaf(self, name: str, identifier: str, usual: Credential, wishes: Wishes) -> Credential:
        shared = wishes.get("same_key_as")
        key = shared.key if shared else self._key(wishes.get("key", "p256"))
        attributes = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME]),
        ]
        if identifier:
            attributes.append(x509.NameAttribute(_UID, identifier))
        subject = x509.Name(attributes)
        chosen = wishes.get("ca")
        issuer = wishes.get("issuer") or {
            "persons": self.persons, "organisations": self.organisations, "root": self.root
        }.get(chosen or "", usual)  # fmt: skip
        alone = chosen == "self"
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if alone else issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(self._next_serial())
            .not_valid_before(wishes.get("not_before", self.now - timedelta(days=30)))
            .not_valid_after(wishes.get("not_after", self.now + timedelta(days=1095)))
            .add_extension(x509.BasicConstraints(ca=wishes.get("is_ca", False), path_length=None), critical=True)
        )
        usage = wishes.get("usage", "sign")
        if usage != "none":
            builder = builder.add_extension(_usage(signs=usage == "sign"), critical=True)
        if wishes.get("critical"):
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
            builder = builder.add_extension(unknown, critical=True)
        certificate = builder.sign(key if alone else issuer.key, hashes.SHA256())
        chain = () if alone else (issuer.certificate, *issuer.chain)
        return Credential(certificate, key, chain, name)

    def revoke(
        self, credential: Credential, at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> None:
        """Put a certificate on its issuer's CRL, revoked since ``at``."""
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(credential.certificate.serial_number)
            .revocation_date(at)
            .add_extension(x509.CRLReason(reason), critical=False)
            .build()
        )
        self._revoked.setdefault(credential.certificate.issuer.rfc4514_string(), []).append(entry)

    def crls(self) -> list[bytes]:
        """The newest CRL of every authority, DER."""
        return [self._crl(one) for one in (self.root, self.persons, self.organisations)]

    def _crl(self, authority: Credential) -> bytes:
        subject = authority.certificate.subject
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(subject)
            .last_update(self.now)
            .next_update(self.now + timedelta(days=self._crl_days))
            .add_extension(x509.CRLNumber(1 + sum(len(one) for one in self._revoked.values())), critical=False)
        )
        for entry in self._revoked.get(subject.rfc4514_string(), ()):
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def anchors_pem(self) -> bytes:
        """Root and issuing certificates as PEM: what a trust store is made of."""
        return b"".join(one.pem for one in (self.root, self.persons, self.organisations))

    def trust_store(self, *, crls: bool = True, name: str = "") -> TrustStore:
        """A store that trusts this PKI, with its present CRLs unless told otherwise."""
        return TrustStore.from_pem(self.anchors_pem(), self.crls() if crls else (), name)


def _usage(*, signs: bool = False, issues: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=not signs and not issues,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )
