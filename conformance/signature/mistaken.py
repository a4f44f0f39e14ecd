"""What software does that has not learnt XML Signature yet: octets spelled wrongly, other octets digested or signed.

Nothing was changed after signing then, and saying so would send a developer the wrong way. Names of what was taken
instead are notations that every platform's developers read (``outerXML``, ``hex``); the sentences are the pack's.
"""

from __future__ import annotations

import binascii
import contextlib
import re
from collections.abc import Callable, Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from conformance.pack import Pack
from conformance.pack.model import SignatureAlgorithm
from conformance.signature import algorithms
from conformance.signature.canonical import canonical
from conformance.signature.certificate import CertificateFacts
from conformance.signature.parse import Parsed, Reference
from conformance.signature.reprefixed import under_other_prefixes

_DECLARED = re.compile(rb' xmlns(?::[^\s=]+)?="[^"]*"')
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""The object identifier of CMS SignedData in DER."""
_HEAD = 32
"""Octets of a CMS structure in which that identifier stands."""
_LEADING = 2
"""Octets by which the numbers of an ECDSA value may be longer or shorter than they must be."""
_MOST_PARTS = 8
"""References whose parts are tried to be what was signed."""
_MOST_INSIDE = 150
"""Elements of a SignedInfo that is written anew: one of ten references has seventy."""
_LARGEST = 4 * 1024 * 1024
"""Octets of a part that is tried."""


def spellings(octets: bytes) -> Iterator[tuple[str, bytes]]:
    """How the octets of a base64 text may have been meant: (notation, octets meant)."""
    text = binascii.b2a_base64(octets, newline=False)
    for notation, meant in (("hex", text), ("base64(hex)", octets)):
        try:
            yield notation, binascii.unhexlify(meant)
        except binascii.Error:
            continue
    with contextlib.suppress(binascii.Error):
        yield "base64(base64)", binascii.a2b_base64(octets, strict_mode=True)


def not_canonical(element: etree._Element, octets: bytes) -> Iterator[tuple[str, bytes]]:
    """What may have been digested instead of the canonical ``octets`` of ``element``: (notation, octets)."""
    yield "outerXML", etree.tostring(element, with_tail=False, encoding="utf-8")
    yield "outerXML, &#…;", etree.tostring(element, with_tail=False)
    yield "outerXML + text", etree.tostring(element, encoding="utf-8")
    yield "C14N, UTF-16", octets.decode().encode("utf-16-le")
    yield "BOM + C14N", b"\xef\xbb\xbf" + octets
    yield 'C14N + "\\n"', octets + b"\n"
    yield "<?xml …?> + C14N", b'<?xml version="1.0"?>\n' + octets + b"\n"
    yield "innerXML", octets[octets.index(b">") + 1 : octets.rindex(b"<")]
    yield "textContent", "".join(map(str, element.itertext())).encode()
    yield '""', b""


def digested_twice(name: str, octets: bytes) -> Iterator[tuple[str, bytes]]:
    """Digests of digests: (notation, digest)."""
    once = algorithms.digest(name, octets)
    yield f"{name}({name})", algorithms.digest(name, once)
    yield f"{name}(hex({name}))", algorithms.digest(name, once.hex().encode())


def value_mistake(parsed: Parsed, leaf: CertificateFacts, octets: bytes, pack: Pack) -> tuple[str, str]:
    """(cause, notation) of a signature value over ``octets`` that does not verify; empty: nothing known explains it."""
    algorithm = parsed.algorithm
    assert algorithm is not None
    value = parsed.value
    if _SIGNED_DATA in value[:_HEAD]:
        return "value-cms", ""

    def fits(tried: bytes, with_: SignatureAlgorithm = algorithm, made: bytes = value) -> bool:
        return algorithms.verify(with_, leaf.key, made, tried)

    for notation, meant in spellings(value):
        if fits(octets, made=meant):
            return "value-spelling", notation
        if algorithms.verify_der(algorithm, leaf.key, meant, octets):
            return "ecdsa-der", ""
    if algorithm.key == "rsa" and fits(octets, made=value[::-1]):
        return "value-spelling", "little-endian"
    for notation, meant in _halves(algorithm, leaf, value):
        if fits(octets, made=meant):
            return "value-spelling", notation
    made = _other_method(parsed, leaf, octets, pack, fits)
    if made:
        return "other-method", made
    for notation, tried in _instead(parsed, octets):
        if fits(tried):
            return "signed-other", notation
    return "", ""


def _halves(algorithm: SignatureAlgorithm, leaf: CertificateFacts, value: bytes) -> Iterator[tuple[str, bytes]]:
    """How the two numbers of an ECDSA value may have been meant: (notation, ``r`` and ``s`` as they must stand)."""
    size = (leaf.key_bits + 7) // 8
    if algorithm.key != "ec" or abs(len(value) - 2 * size) > _LEADING:
        return
    if len(value) == 2 * size:
        r, s = value[:size], value[size:]
        yield "s ‖ r", s + r
        yield "little-endian", r[::-1] + s[::-1]
        return
    for first in range(size - _LEADING, size + _LEADING):  # BigInteger.toByteArray and its like
        numbers = int.from_bytes(value[:first]), int.from_bytes(value[first:])
        if all(one.bit_length() <= 8 * size for one in numbers):
            yield (
                f"r ‖ s: {first} + {len(value) - first} ≠ {size} + {size}",
                b"".join(one.to_bytes(size) for one in numbers),
            )


def renamed(parsed: Parsed, leaf: CertificateFacts) -> tuple[str, str] | None:
    """Prefixes (before, now) whose change in SignedInfo explains a signature value that does not verify."""
    info, step, algorithm = parsed.signed_info, parsed.step, parsed.algorithm
    assert info is not None
    assert step is not None
    assert algorithm is not None
    if len(list(info.iter(etree.Element))) > _MOST_INSIDE:
        return None
    for before, now, made in under_other_prefixes(info, inclusive=step.method != "exclusive"):
        tried = made()
        if tried is None:
            continue
        octets = canonical(tried, step.method, step.prefixes)
        if algorithms.verify(algorithm, leaf.key, parsed.value, octets):
            return before, now
    return None


def _other_method(parsed: Parsed, leaf: CertificateFacts, octets: bytes, pack: Pack, fits: Callable[..., bool]) -> str:
    """The notation of the algorithm that was really used."""
    algorithm = parsed.algorithm
    assert algorithm is not None
    for uri, other in pack.signature.signatures.items():
        if other != algorithm and other.key == algorithm.key and fits(octets, other):
            return uri.rpartition("#")[2]
        if other.key == algorithm.key and algorithms.verify_any_salt(other, leaf.key, parsed.value, octets):
            return f"{uri.rpartition('#')[2]}, salt ≠ {algorithms.hash_of(other.hash).digest_size}"
        if other.key == algorithm.key and algorithms.verify_any_salt(
            other, leaf.key, parsed.value, octets, mask="sha1"
        ):
            return f"{uri.rpartition('#')[2]}, MGF1(sha1)"
    old = algorithm.model_copy(update={"hash": "sha1", "padding": "pkcs1v15" if algorithm.key == "rsa" else "none"})
    if fits(octets, old):
        return "rsa-sha1" if algorithm.key == "rsa" else "ecdsa-sha1"
    if isinstance(leaf.key, rsa.RSAPublicKey):
        try:
            bare = leaf.key.recover_data_from_signature(parsed.value, padding.PKCS1v15(), None)
        except (InvalidSignature, ValueError):
            return ""
        digest = algorithms.digest(algorithm.hash, octets)
        if bare in (digest, digest.hex().encode()):  # openssl_private_encrypt and its like
            return f"RSA({algorithm.hash}), – DigestInfo"
    return ""


def _instead(parsed: Parsed, octets: bytes) -> Iterator[tuple[str, bytes]]:
    """What may have been signed instead of the canonical form of SignedInfo: (notation, octets)."""
    info, algorithm = parsed.signed_info, parsed.algorithm
    assert info is not None
    assert algorithm is not None
    digest = algorithms.digest(algorithm.hash, octets)
    yield f"{algorithm.hash}(SignedInfo)", digest
    yield f"hex({algorithm.hash}(SignedInfo))", digest.hex().encode()
    yield f"base64({algorithm.hash}(SignedInfo))", binascii.b2a_base64(digest, newline=False)
    yield "base64(SignedInfo)", binascii.b2a_base64(octets, newline=False)
    written = etree.tostring(info, with_tail=False, encoding="utf-8")
    yield "SignedInfo: outerXML", written
    yield "SignedInfo: outerXML – xmlns", _DECLARED.sub(b"", written)
    yield "SignedInfo: C14N – xmlns", _DECLARED.sub(b"", octets)
    for notation, tried in not_canonical(info, octets):
        yield f"SignedInfo: {notation}", tried
    for reference in parsed.references[:_MOST_PARTS]:
        yield from _of_reference(reference)


def _of_reference(reference: Reference) -> Iterator[tuple[str, bytes]]:
    yield f"DigestValue {reference.uri}", reference.value
    yield f"base64: DigestValue {reference.uri}", binascii.b2a_base64(reference.value, newline=False)
    if reference.target is not None and len(reference.steps) == 1:
        part = canonical(reference.target, reference.steps[0].method, reference.steps[0].prefixes)
        if len(part) <= _LARGEST:
            yield reference.uri, part
