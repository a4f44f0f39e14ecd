"""Server certificates of one run: a good one, and the bad ones that a client must not take (PL2-XT-003).

Everything is made when the service starts and lives in memory; the operator may give a certificate instead.
"""

from __future__ import annotations

import ipaddress
import secrets
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Variant = Literal["unknown-ca", "wrong-host", "expired", "not-yet-valid", "self-signed"]
"""What is wrong with a certificate: always one thing only."""
VARIANTS: tuple[Variant, ...] = get_args(Variant)
FOREIGN: tuple[Variant, ...] = ("unknown-ca", "self-signed")
"""Those that need nothing from the authority the clients trust."""
_WRONG_HOST = "wrong-host.invalid"
_AGE, _LIFE = timedelta(hours=1), timedelta(days=90)


class CertificateProblem(ValueError):
    """The operator's certificate or key cannot be used; bilingual."""


class _Authority:
    """A certificate authority of this run: its key never leaves the process."""

    def __init__(self, name: str, now: datetime) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _named(name)
        self.certificate = (
            _builder(self.name, self.name, self.key.public_key(), now - 2 * _AGE, now + _LIFE + _AGE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate with its key, for other processes too: PEM with the key's password, or the operator's files."""

    chain: bytes = b""
    key: bytes = field(default=b"", repr=False)
    password: bytes = field(default=b"", repr=False)
    own: tuple[Path, Path] | None = None

    def context(self) -> ssl.SSLContext:
        """The context of a listener."""
        if self.own is not None:
            return _given(*self.own)
        context = _server_context()
        # the library takes files only; what lies there for a moment is encrypted
        with tempfile.TemporaryDirectory(prefix="hocba-tls-") as folder:
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_bytes(self.chain)
            key.write_bytes(self.key)
            context.load_cert_chain(chain, key, password=self.password)
        return context


class Certificates:
    """The contexts a TLS listener chooses from.

    ``hosts``: names and addresses that clients may reach the service under. ``own``: certificate (chain) and key of the
    operator, PEM; then clients trust whoever issued it, and only the variants of :data:`FOREIGN` can be made.

    Raises:
        CertificateProblem: ``own`` cannot be used.
    """

    def __init__(self, hosts: Iterable[str], now: datetime, own: tuple[Path, Path] | None = None) -> None:
        self._hosts = tuple(dict.fromkeys(one for one in hosts if one))
        self._now = now
        self._authority = None if own else _Authority("mock-moet test CA", now)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._good = Shown(own=own)
        if own is not None:
            self._contexts[""] = self._good.context()

    @property
    def authority_pem(self) -> str:
        """The authority that clients must trust for this run; empty with the operator's own certificate."""
        return "" if self._authority is None else self._authority.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The bad certificates that can be shown."""
        return FOREIGN if self._authority is None else VARIANTS

    def good(self) -> ssl.SSLContext:
        """The context of an honest connection."""
        return self._context("")

    def shown(self) -> Shown:
        """What an honest connection shows, for another process."""
        self.good()
        return self._good

    def bad(self, variant: Variant) -> ssl.SSLContext:
        """A context whose certificate has exactly this fault.

        Each variant has a context of its own, so that no session begun under another certificate is resumed, which
        would show no certificate at all.
        """
        if variant not in self.variants:
            raise ValueError(variant)
        return self._context(variant)

    def _context(self, variant: str) -> ssl.SSLContext:
        if variant not in self._contexts:
            made = self._made(variant)
            if not variant:
                self._good = made
            self._contexts[variant] = made.context()
        return self._contexts[variant]

    def _made(self, variant: str) -> Shown:
        now = self._now
        begin, end = {
            "expired": (now - _AGE, now - _AGE / 2),
            "not-yet-valid": (now + _LIFE / 2, now + _LIFE),
        }.get(variant, (now - _AGE, now + _LIFE))
        hosts = (_WRONG_HOST,) if variant == "wrong-host" else self._hosts
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(hosts[0])
        issuer, signing = subject, key
        above: list[x509.Certificate] = []
        if variant == "unknown-ca":
            # the same name as the trusted one: the name alone is no trust
            stranger = _Authority("mock-moet test CA", now)
            issuer, signing, above = stranger.name, stranger.key, [stranger.certificate]
        elif variant != "self-signed" and self._authority is not None:
            issuer, signing = self._authority.name, self._authority.key
        leaf = (
            _builder(subject, issuer, key.public_key(), begin, end)
            .add_extension(x509.SubjectAlternativeName([_alternative(one) for one in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
            .sign(signing, hashes.SHA256())
        )
        password = secrets.token_bytes(32)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
        return Shown(b"".join(one.public_bytes(Encoding.PEM) for one in (leaf, *above)), secret, password)


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _given(chain: Path, key: Path) -> ssl.SSLContext:
    context = _server_context()

    def no_password() -> str:
        raise CertificateProblem(f"{key}: khóa có mật khẩu chưa dùng được / keys with a password are not taken")

    try:
        context.load_cert_chain(chain, key, password=no_password)
    except OSError as error:
        reason = f"{error.strerror or error}"
        raise CertificateProblem(f"{chain}, {key}: không dùng được / cannot be used: {reason}") from error
    return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)
