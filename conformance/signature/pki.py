"""A public-key infrastructure for tests: root, issuing authorities for persons and for organisations, their CRLs.

Keys are made at run time and never kept in the repository. Nothing here reads a clock: the time is given.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, pkcs12
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from conformance.pack import Pack, default_pack
from conformance.signature.algorithms import PrivateKey
from conformance.signature.trust import TrustStore

Usage = Literal["signing", "digital-signature", "non-repudiation", "encipherment", "none"]
"""Key usage: ``signing`` is digitalSignature and nonRepudiation both."""
_YEAR = timedelta(days=365)
_pool: dict[str, list[PrivateKey]] = {}
"""Holders' RSA keys of this process by kind: making them is slow, and only those of one PKI must differ."""
_pool_lock = threading.Lock()


def make_key(kind: str = "p256") -> PrivateKey:
    """A new private key: ``p256``, ``p384``, ``p521``, or ``rsa`` with the number of bits (``rsa2048``)."""
    curves: dict[str, type[ec.EllipticCurve]] = {
        "p224": ec.SECP224R1,  # too small by TT 15/2025: only to make documents that must be refused
        "p256": ec.SECP256R1,
        "p384": ec.SECP384R1,
        "p521": ec.SECP521R1,
    }
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    if kind.startswith("rsa") and kind[3:].isdigit():
        return rsa.generate_private_key(65537, int(kind[3:]))
    raise ValueError(f"{kind}: loại khóa lạ / unknown kind of key")


ROUNDS = 2048
"""Of key derivation in PKCS#12 files, as OpenSSL has them."""


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """A certificate with its key and the issuing authorities above it, root excluded."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate's octets."""
        return self.certificate.public_bytes(Encoding.DER)

    def pkcs12(self, password: bytes | str) -> bytes:
        """The credential as a PKCS#12 file (AES-256), chain included.

        Passwords of runs are drawn and long: few rounds of key derivation are enough, and every software opens it soon.
        """
        secret = password.encode() if isinstance(password, str) else password
        with _long_names():
            names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS)
        encryption = builder.key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA256()).build(secret)
        label = str(names[0].value).encode() if names else b""
        return pkcs12.serialize_key_and_certificates(label, self.key, self.certificate, self.chain, encryption)


@dataclass(slots=True)
class Revoked:
    """An entry of an authority's list."""

    serial: int
    at: datetime
    reason: x509.ReasonFlags


@dataclass(slots=True, eq=False)
class Authority:
    """An authority and what it has revoked."""

    credential: Credential
    revoked: list[Revoked] = field(default_factory=list)


@contextmanager
def _long_names() -> Iterator[None]:
    """Long names are meant: nobody who runs the suite needs to be warned of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True, slots=True)
class Extras:
    """What else a certificate holds, or holds otherwise than usual."""

    attributes: tuple[tuple[x509.ObjectIdentifier, str], ...] | None = None
    """Attributes of the subject instead of the identifiers in UID."""
    alternative: tuple[x509.GeneralName, ...] = ()
    """Subject alternative names."""
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    """Extended key usage."""
    critical: bool = False
    """Whether the extended key usage is critical."""
    no_check: bool = False
    """OCSP no-check."""
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    """Further extensions, each with whether it is critical."""
    responder: str = ""
    """Address of an OCSP responder: what a certificate points to, which nothing here ever fetches."""


def _subject(name: str, *identifiers: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    # X.520 bounds a common name at 64; longer names of persons and schools must not be lost, as in real certificates
    bounded = len(name.encode()) <= 64
    with _long_names():
        attributes = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=bounded),
        ]
    attributes.extend(x509.NameAttribute(oid, value) for oid, value in identifiers)
    return x509.Name(attributes)


class TestPki:
    """Root → two issuing authorities → persons and organisations, all around the time ``now`` (aware)."""

    __test__ = False

    def __init__(self, now: datetime, pack: Pack | None = None) -> None:
        self.now = now.replace(microsecond=0)
        self._taken: Counter[str] = Counter()
        self.forms = (pack or default_pack()).signature.identity.forms
        self.root = self._authority("Root CA (thử nghiệm)", None)
        self.persons = self._authority("CA cá nhân (thử nghiệm)", self.root)
        self.organisations = self._authority("CA tổ chức (thử nghiệm)", self.root)

    def person(
        self,
        name: str,
        national_id: str | None = None,
        passport: str | None = None,
        *,
        key: str | PrivateKey = "p256",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        ca: Credential | Literal["self"] | None = None,
        usage: Usage = "signing",
        extras: Extras = Extras(),
    ) -> Credential:
        """A natural person's credential.

        ``ca``: another issuer, such as a person's own credential (which may not issue), or ``"self"``. ``key``: a kind
        of key or an existing private key.
        """
        identifiers = self._identifiers(id=national_id, passport=passport)
        return self._leaf(name, identifiers, self.persons, key, not_before, not_after, ca, usage, extras)

    def organisation(
        self,
        name: str,
        tax: str | None = None,
        school: str | None = None,
        *,
        key: str | PrivateKey = "p256",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        ca: Credential | Literal["self"] | None = None,
        usage: Usage = "signing",
        extras: Extras = Extras(),
    ) -> Credential:
        """An organisation's credential (a school's seal), bound to a tax code, a school code, or both."""
        identifiers = self._identifiers(tax=tax, school=school)
        return self._leaf(name, identifiers, self.organisations, key, not_before, not_after, ca, usage, extras)

    def revoke(
        self, credential: Credential, at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> None:
        """Put the credential (or an issuing authority) on its issuer's list from ``at`` on."""
        issuer = self.issuer_of(credential)
        issuer.revoked.append(Revoked(credential.certificate.serial_number, at, reason))

    def restore(self, credential: Credential) -> None:
        """Take the credential off its issuer's list: a suspension that has ended."""
        issuer, serial = self.issuer_of(credential), credential.certificate.serial_number
        issuer.revoked = [one for one in issuer.revoked if one.serial != serial]

    def issuer_of(self, credential: Credential) -> Authority:
        """The authority of this PKI that issued the credential.

        Raises:
            ValueError: none of them did.
        """
        issuer = credential.certificate.issuer
        for authority in (self.root, self.persons, self.organisations):
            if authority.credential.certificate.subject == issuer:
                return authority
        raise ValueError("nơi cấp không thuộc PKI này / the issuer is not of this PKI")

    def crls(self, *, this_update: datetime | None = None, next_update: datetime | None = None) -> list[bytes]:
        """The three lists in DER: root, persons, organisations; from ``now`` or the last revocation, for 400 days."""
        return [
            self._crl(one, this_update, next_update) for one in (self.root, self.persons, self.organisations)
        ]  # fmt: skip

    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Root and issuing authorities."""
        return tuple(one.credential.certificate for one in (self.root, self.persons, self.organisations))

    def anchors_pem(self) -> bytes:
        """Root and issuing authorities in PEM: :meth:`TrustStore.from_pem` anchors the self-signed one."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.authorities())

    def root_pem(self) -> bytes:
        """The root alone, in PEM."""
        return self.root.credential.certificate.public_bytes(Encoding.PEM)

    def trust_store(self, *, crls: Sequence[bytes] | None = None, name: str = "test") -> TrustStore:
        """Trust in the root, with the lists as they are now (or the given ones)."""
        return TrustStore.from_pem(self.anchors_pem(), crls=self.crls() if crls is None else crls, name=name)

    def _key(self, kind: str) -> PrivateKey:
        """A key that this PKI has not given to anybody yet."""
        if not kind.startswith("rsa"):
            return make_key(kind)
        with _pool_lock:
            number = self._taken[kind]
            self._taken[kind] += 1
            keys = _pool.setdefault(kind, [])
            while len(keys) <= number:
                keys.append(make_key(kind))
            return keys[number]

    def _identifiers(self, **values: str | None) -> list[tuple[x509.ObjectIdentifier, str]]:
        return [(NameOID.USER_ID, self.forms[group].format(value)) for group, value in values.items() if value]

    def _authority(self, name: str, above: Authority | None) -> Authority:
        key = make_key()  # never from the pool: two PKIs must not trust each other
        subject = _subject(name)
        issuer = above.credential if above else None
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - 6 * _YEAR)
            .not_valid_after(self.now + 12 * _YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if above else None), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
        return Authority(Credential(certificate, key, (certificate,) if above else ()))

    def _leaf(
        self,
        name: str,
        identifiers: Sequence[tuple[x509.ObjectIdentifier, str]],
        authority: Authority,
        key: str | PrivateKey,
        not_before: datetime | None,
        not_after: datetime | None,
        ca: Credential | Literal["self"] | None,
        usage: Usage,
        extras: Extras,
    ) -> Credential:
        own = self._key(key) if isinstance(key, str) else key
        subject = _subject(name, *identifiers) if extras.attributes is None else _subject(name, *extras.attributes)
        issuer = authority.credential if ca is None else ca
        issued_by = subject if issuer == "self" else issuer.certificate.subject
        signed_by = own if issuer == "self" else issuer.key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issued_by)
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before or self.now - 4 * _YEAR)
            .not_valid_after(not_after or self.now + 3 * _YEAR)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False
            )
        )  # fmt: skip
        if usage == "signing":
            builder = builder.add_extension(_usage(digital_signature=True, content_commitment=True), critical=True)
        elif usage == "digital-signature":
            builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        elif usage == "non-repudiation":
            builder = builder.add_extension(_usage(content_commitment=True), critical=True)
        elif usage == "encipherment":
            builder = builder.add_extension(_usage(key_encipherment=True), critical=True)
        if extras.purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(extras.purposes), critical=extras.critical)
        if extras.alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(extras.alternative), critical=False)
        if extras.responder:
            address = x509.UniformResourceIdentifier(extras.responder)
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, address)
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        if extras.no_check:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        for extension, critical in extras.extensions:
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(signed_by, hashes.SHA256())
        if issuer == "self":
            return Credential(certificate, own)
        chain = issuer.chain if ca is None else (issuer.certificate, *issuer.chain)
        return Credential(certificate, own, chain)

    def _crl(self, authority: Authority, this_update: datetime | None, next_update: datetime | None) -> bytes:
        issued = this_update or max([self.now, *(one.at for one in authority.revoked)])
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.credential.certificate.subject)
            .last_update(issued)
            .next_update(next_update or issued + timedelta(days=400))
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for one in authority.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.at)
            builder = builder.add_revoked_certificate(
                entry.add_extension(x509.CRLReason(one.reason), critical=False).build()
            )
        return builder.sign(authority.credential.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
