"""Where the testing body's key is: a PKCS#12 or PEM file, or a token by PKCS#11 (extra ``pkcs11``)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12

from reports.signing.jws import SALT, JwsError, PrivateKey, algorithm_of, raw_signature

Certificates = tuple[x509.Certificate, ...]


class KeyProblem(ValueError):
    """The key cannot be used; bilingual, never with a password in it."""


@dataclass(frozen=True, slots=True)
class FileKey:
    """A private key out of a file."""

    certificates: Sequence[x509.Certificate]
    private: PrivateKey

    def sign(self, data: bytes) -> bytes:
        """See :class:`reports.signing.jws.SigningKey`."""
        return raw_signature(self.private, data, algorithm_of(self.certificates[0]))


def valid_at(certificate: x509.Certificate, at: datetime) -> None:
    """Whether one may sign by a certificate now: nobody could verify it later otherwise.

    Raises:
        KeyProblem: it has expired, or does not yet count.
    """
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        begin, end = certificate.not_valid_before_utc.isoformat(), certificate.not_valid_after_utc.isoformat()
        raise KeyProblem(f"chứng thư không có hiệu lực / the certificate is not valid now: {begin} – {end}")


def read_certificates(path: Path) -> Certificates:
    """The certificates of a PEM or DER file.

    Raises:
        KeyProblem: there is none.
    """
    try:
        data = path.read_bytes()
        if b"-----BEGIN" in data:
            return tuple(x509.load_pem_x509_certificates(data))
        return (x509.load_der_x509_certificate(data),)
    except OSError as error:
        raise KeyProblem(f"{path}: không đọc được / cannot be read: {error.strerror or error}") from error
    except Exception as error:  # malformed certificates raise all sorts of errors
        raise KeyProblem(f"{path}: không có chứng thư / no certificate") from error


def file_key(path: Path, password: str, certificate: Path | None = None) -> FileKey:
    """The key of a PKCS#12 or PEM file.

    Args:
        path: the file.
        password: of the file; empty: none.
        certificate: PEM or DER certificates where the file of a PEM key holds none; the signer's first.

    Raises:
        KeyProblem: wrong password, no key, or one that does not fit its certificate.
    """
    secret = password.encode() or None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyProblem(f"{path}: không đọc được / cannot be read: {error.strerror or error}") from error
    try:
        if b"-----BEGIN" in data:
            private: Any = load_pem_private_key(data, secret)
            own = tuple(x509.load_pem_x509_certificates(data)) if b"BEGIN CERTIFICATE" in data else ()
        else:
            private, leaf, others = pkcs12.load_key_and_certificates(data, secret)
            own = tuple(one for one in (leaf, *others) if one is not None)
    except Exception as error:  # a wrong password is a ValueError, a strange file anything
        raise KeyProblem(
            f"{path}: không mở được: sai mật khẩu hoặc không phải tệp khóa / cannot be opened: wrong password, "
            "or no key file"
        ) from error
    certificates = read_certificates(certificate) if certificate else own
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyProblem(f"{path}: cần khóa RSA hoặc EC / wants an RSA or EC key")
    if not certificates:
        raise KeyProblem(f"{path}: thiếu chứng thư của khóa / the key's certificate is missing (--certificate)")
    if _spki(private.public_key()) != _spki(certificates[0].public_key()):
        raise KeyProblem(f"{path}: khóa không phải của chứng thư / the key is not the certificate's")
    _usable(certificates[0], path)
    return FileKey(certificates, private)


def _spki(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _usable(certificate: x509.Certificate, where: object) -> None:
    try:
        algorithm_of(certificate)
    except JwsError as error:
        raise KeyProblem(f"{where}: {error}") from error


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that never leaves its token; one session a signature."""

    certificates: Sequence[x509.Certificate]
    module: Path
    token: str
    label: str
    pin: str

    def sign(self, data: bytes) -> bytes:
        """See :class:`reports.signing.jws.SigningKey`.

        Raises:
            KeyProblem: the token does not sign.
        """
        pkcs11 = _pkcs11()
        algorithm = algorithm_of(self.certificates[0])
        with _session(pkcs11, self.module, self.token, self.pin) as session:
            try:
                key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self.label)
                if algorithm == "PS256":
                    mechanism = pkcs11.Mechanism
                    parameters = (mechanism.SHA256, pkcs11.MGF.SHA256, SALT)
                    return bytes(key.sign(data, mechanism=mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=parameters))
                digest = hashlib.sha256(data) if algorithm == "ES256" else hashlib.sha384(data)
                return bytes(key.sign(digest.digest(), mechanism=pkcs11.Mechanism.ECDSA))
            except pkcs11.exceptions.PKCS11Error as error:
                raise KeyProblem(
                    f"PKCS#11: không ký được / cannot sign: {self.label}: {type(error).__name__}"
                ) from error


def token_key(module: Path, token: str, label: str, pin: str, certificate: Path | None = None) -> TokenKey:
    """A key on a token; its certificate is the token's of the same label, or that of a file.

    Raises:
        KeyProblem: the extra is missing, or module, token, key or certificate cannot be had.
    """
    pkcs11 = _pkcs11()
    certificates: Certificates
    with _session(pkcs11, module, token, pin) as session:
        if certificate is not None:
            certificates = read_certificates(certificate)
        else:
            wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE, pkcs11.Attribute.LABEL: label}
            found = [bytes(one[pkcs11.Attribute.VALUE]) for one in session.get_objects(wanted)]
            if not found:
                raise KeyProblem(f"PKCS#11: không có chứng thư / no certificate: {label} (--certificate)")
            certificates = tuple(x509.load_der_x509_certificate(one) for one in found[:1])
    _usable(certificates[0], f"PKCS#11 {label}")
    return TokenKey(certificates, module, token, label, pin)


def _pkcs11() -> Any:
    try:
        import pkcs11
        import pkcs11.exceptions
    except ImportError as error:
        raise KeyProblem('PKCS#11 cần gói kèm / wants the extra: pip install "hocba-conformance[pkcs11]"') from error
    return pkcs11


def _session(pkcs11: Any, module: Path, token: str, pin: str) -> Any:
    try:
        return pkcs11.lib(str(module)).get_token(token_label=token).open(user_pin=pin)
    except (pkcs11.exceptions.PKCS11Error, RuntimeError, OSError) as error:
        raise KeyProblem(
            f"PKCS#11: không mở được / cannot be opened: {module}, {token}: {type(error).__name__}"
        ) from error
