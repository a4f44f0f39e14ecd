"""Detached JSON Web Signatures (RFC 7515, appendix F) with the signer's certificates (``x5c``), over given bytes.

Only what results need: PS256 for RSA, ES256 and ES384 for elliptic curves; the key type decides, never the header.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

TYPE = "hocba-signed+jws"
SMALLEST_RSA = 2048
SALT = 32
"""Bytes of salt of PS256 (RFC 7518, 3.5)."""
MOST = 200_000
"""Characters of a signature that are read."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class JwsError(ValueError):
    """Not a signature that we take; bilingual."""


class SigningKey(Protocol):
    """A key of the testing body with its certificates, the signer's first."""

    @property
    def certificates(self) -> Sequence[x509.Certificate]:
        """The certificates."""

    def sign(self, data: bytes) -> bytes:
        """The signature over ``data``: the bytes that JWS wants (for elliptic curves r and s, side by side)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature whose value is right for the payload; whose key it is remains to be seen."""

    certificates: tuple[x509.Certificate, ...]
    algorithm: str


def algorithm_of(certificate: x509.Certificate) -> str:
    """The JWS algorithm for a certificate's key.

    Raises:
        JwsError: a key of another kind, or too small.
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA:
        return "PS256"
    if isinstance(key, ec.EllipticCurvePublicKey):
        found = {"secp256r1": "ES256", "secp384r1": "ES384"}.get(key.curve.name)
        if found:
            return found
    raise JwsError("khóa không dùng được: cần RSA từ 2048 bit, P-256 hoặc P-384 / wants RSA ≥ 2048, P-256 or P-384")


def sign(payload: bytes, key: SigningKey) -> str:
    """The detached compact form: header and signature, with nothing between the dots.

    Raises:
        JwsError: the key cannot be used, or made a signature that its certificate does not verify.
    """
    header = {
        "alg": algorithm_of(key.certificates[0]),
        "typ": TYPE,
        "x5c": [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in key.certificates],
    }
    first = _encoded(json.dumps(header, separators=(",", ":"), sort_keys=True).encode())
    value = key.sign(f"{first}.{_encoded(payload)}".encode())
    text = f"{first}..{_encoded(value)}"
    verify(payload, text)
    return text


def verify(payload: bytes, text: str) -> Signed:
    """Verify a detached signature over ``payload`` by the first certificate of its header.

    Raises:
        JwsError: not such a signature, or its value is wrong for the payload.
    """
    parts = text.strip().split(".")
    if len(text) > MOST or len(parts) != 3 or parts[1]:
        raise JwsError("không phải chữ ký tách rời dạng JWS / not a detached JWS")
    certificates, claimed = _header(parts[0])
    algorithm = algorithm_of(certificates[0])
    if claimed != algorithm:
        raise JwsError(f"thuật toán không hợp với khóa / the algorithm does not fit the key: {str(claimed)[:40]}")
    data = f"{parts[0]}.{_encoded(payload)}".encode()
    try:
        _check(certificates[0], algorithm, _decoded(parts[2]), data)
    except InvalidSignature as error:
        raise JwsError("chữ ký không khớp nội dung / the signature does not fit the content") from error
    return Signed(tuple(certificates), algorithm)


def _header(part: str) -> tuple[list[x509.Certificate], object]:
    try:
        header = json.loads(_decoded(part))
        certificates = [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in header["x5c"]]
        claimed, kind, critical = header["alg"], header.get("typ"), header.get("crit")
    except Exception as error:  # malformed certificates raise all sorts of errors
        raise JwsError(f"phần đầu chữ ký hỏng / a broken header: {type(error).__name__}") from error
    if not certificates or kind != TYPE or critical is not None:
        raise JwsError("phần đầu chữ ký lạ / a foreign header")
    return certificates, claimed


def _check(certificate: x509.Certificate, algorithm: str, value: bytes, data: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, data, padding.PSS(padding.MGF1(hashes.SHA256()), SALT), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        size, digest = _curve(algorithm)
        if len(value) != 2 * size:
            raise InvalidSignature
        r, s = int.from_bytes(value[:size]), int.from_bytes(value[size:])
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))
    else:
        raise InvalidSignature


def _curve(algorithm: str) -> tuple[int, hashes.HashAlgorithm]:
    return (32, hashes.SHA256()) if algorithm == "ES256" else (48, hashes.SHA384())


def raw_signature(key: PrivateKey, data: bytes, algorithm: str) -> bytes:
    """The signature of a private key in the form that JWS wants."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), SALT), hashes.SHA256())
    size, digest = _curve(algorithm)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size) + s.to_bytes(size)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise JwsError("base64url hỏng / broken base64url") from error
