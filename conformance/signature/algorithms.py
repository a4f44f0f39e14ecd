"""Digests and signature values by the short names of a pack's policy (``sha256``, ``rsa`` + ``pss`` …)."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from conformance.pack import PackError
from conformance.pack.model import SignatureAlgorithm

PublicKey = Any
"""A public key of ``cryptography``; kinds other than RSA and EC are refused before use."""
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha512-256": hashes.SHA512_256,
    "sha3-224": hashes.SHA3_224,
    "sha3-256": hashes.SHA3_256,
    "sha3-384": hashes.SHA3_384,
    "sha3-512": hashes.SHA3_512,
    "sha1": hashes.SHA1,  # only to make documents that must be refused
}
_HASHLIB = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512, "sha1": hashlib.sha1}
_SHAKES = {"shake128": 32, "shake256": 64}  # octets, RFC 9231 §2.1.5


def hash_of(name: str) -> hashes.HashAlgorithm:
    """The hash of a signature algorithm; :class:`PackError` for a name nobody knows."""
    try:
        return _HASHES[name]()
    except KeyError:
        raise PackError(f"signature.yaml: hàm băm lạ / unknown hash: {name}") from None


def digest(name: str, data: bytes) -> bytes:
    """The digest of ``data``; ``name`` as in the pack's ``digests``."""
    if name in _HASHLIB:
        return _HASHLIB[name](data).digest()
    if name in _SHAKES:
        return (hashlib.shake_128 if name == "shake128" else hashlib.shake_256)(data).digest(_SHAKES[name])
    if name.startswith("sha3-"):
        return hashlib.new(name.replace("-", "_"), data).digest()
    context = hashes.Hash(hash_of(name))
    context.update(data)
    return context.finalize()


def key_kind(key: PublicKey) -> str:
    """``rsa``, ``ec``, or the class name of another kind."""
    return _kind(key.__class__)


@cache
def _kind(kind: type[object]) -> str:
    # the classes of keys are abstract ones: asking each time is slow
    if issubclass(kind, rsa.RSAPublicKey):
        return "rsa"
    return "ec" if issubclass(kind, ec.EllipticCurvePublicKey) else kind.__name__


def key_bits(key: PublicKey) -> int:
    """Size of the modulus or of the curve's field; 0 for other kinds."""
    return int(key.key_size) if key_kind(key) in ("rsa", "ec") else 0


def _coordinate(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> int:
    return (key.curve.key_size + 7) // 8


_PKCS1V15 = padding.PKCS1v15()


@cache
def _pss(name: str) -> padding.PSS:
    chosen = hash_of(name)
    return padding.PSS(padding.MGF1(chosen), chosen.digest_size)  # the salt's length is fixed: RFC 9231 §2.3.10


def verify(algorithm: SignatureAlgorithm, key: PublicKey, value: bytes, data: bytes) -> bool:
    """Whether ``value`` is the signature of ``data``. ECDSA values are ``r || s`` (RFC 4050/9231), never DER."""
    try:
        chosen = hash_of(algorithm.hash)
        if algorithm.key == "ec":
            size = _coordinate(key)
            if len(value) != 2 * size:
                return False
            pair = int.from_bytes(value[:size]), int.from_bytes(value[size:])
            key.verify(encode_dss_signature(*pair), data, ec.ECDSA(chosen))
        elif algorithm.padding == "pss":
            key.verify(value, data, _pss(algorithm.hash), chosen)
        else:
            key.verify(value, data, _PKCS1V15, chosen)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def verify_der(algorithm: SignatureAlgorithm, key: PublicKey, value: bytes, data: bytes) -> bool:
    """Whether an ECDSA value in DER form, which XML-DSig does not allow, would verify: a diagnosis."""
    if algorithm.key != "ec":
        return False
    try:
        key.verify(value, data, ec.ECDSA(hash_of(algorithm.hash)))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def verify_any_salt(
    algorithm: SignatureAlgorithm, key: PublicKey, value: bytes, data: bytes, mask: str = ""
) -> bool:  # fmt: skip
    """Whether an RSASSA-PSS value would verify with a salt of another length than the method says, or with another hash
    (``mask``) in its mask: a diagnosis."""
    if algorithm.padding != "pss":
        return False
    chosen = hash_of(algorithm.hash)
    try:
        key.verify(value, data, padding.PSS(padding.MGF1(hash_of(mask or algorithm.hash)), padding.PSS.AUTO), chosen)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def sign(algorithm: SignatureAlgorithm, key: PrivateKey, data: bytes) -> bytes:
    """The signature value of ``data``."""
    chosen = hash_of(algorithm.hash)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(chosen)))
        size = _coordinate(key)
        return r.to_bytes(size) + s.to_bytes(size)
    if algorithm.padding == "pss":
        return key.sign(data, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)
    return key.sign(data, padding.PKCS1v15(), chosen)


def to_der(value: bytes) -> bytes:
    """An ECDSA value ``r || s`` in DER form."""
    half = len(value) // 2
    return encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))
