"""Trust anchors and evidence of revocation as people give them: files of any usual kind, and what is wrong with them.

Real authorities publish PEM bundles, single DER files and PKCS#7; people also give keys, requests, user certificates
and lists by mistake. Every refusal names the file in Vietnamese and English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asn1crypto import pkcs12
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.revocation import read_answer, read_list, read_lists

LARGEST = 64 * 1024 * 1024
"""Octets read of one file: a country's list of revoked certificates has some megabytes."""
_SUFFIXES = {".pem", ".crt", ".cer", ".der", ".p7b", ".p7c"}
"""Of the files of a folder that are looked at."""
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


class GivenError(ValueError):
    """A file cannot be used for what it was given for; bilingual, with its name."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """Certificates to trust, as one PEM text for :meth:`TrustStore.from_pem`, and what should be told about them."""

    pem: bytes
    notes: tuple[str, ...] = ()


def read_anchors(paths: Iterable[Path], at: datetime) -> Anchors:
    """Trust anchors from files (PEM with several, DER, PKCS#7) and folders of them. ``at``: judging time.

    Given twice, expired, or not valid yet is noted, not refused: documents of an earlier time may rest on them.

    Raises:
        GivenError: a file cannot be read, holds something else (which is named), or a certificate that is no
            authority's; or a folder holds no certificates.
    """
    found: dict[str, CertificateFacts] = {}
    notes: list[str] = []
    lists: list[bytes] = []
    for path in paths:
        for file in _files(path):
            for one in _certificates(file, lists):
                name = _name(one)
                if one.fingerprint in found:
                    notes.append(f"{file}: chứng thư đã được đưa trước đó / certificate given before: {name}")
                    continue
                found[one.fingerprint] = one
                _authority(file, one)
                notes.extend(_validity(file, one, at))
    pem = b"".join(one.certificate.public_bytes(Encoding.PEM) for one in found.values())
    return Anchors(pem + b"".join(lists), tuple(notes))


def read_crls(paths: Iterable[Path]) -> list[bytes]:
    """Revocation lists in DER, from files in DER or PEM (several).

    Raises:
        GivenError: a file cannot be read or is something else.
    """
    found: list[bytes] = []
    for path in paths:
        data = _octets(path)
        try:
            found.extend(one.public_bytes(Encoding.DER) for one in read_lists(data))
        except ValueError as error:
            raise GivenError(f"--crl: {path}: {_instead(data, '--crl') or error}") from error
    return found


def read_answers(paths: Iterable[Path]) -> list[bytes]:
    """OCSP answers in DER, from files.

    Raises:
        GivenError: a file cannot be read or is something else.
    """
    found: list[bytes] = []
    for path in paths:
        data = _octets(path)
        try:
            read_answer(data)
        except ValueError as error:
            raise GivenError(f"--ocsp: {path}: {_instead(data, '--ocsp') or error}") from error
        found.append(data)
    return found


def read_tax_codes(path: Path) -> dict[str, str]:
    """Tax code → school code, from lines "school code, tax code" (comma, semicolon, tab or space between; # comments).

    Raises:
        GivenError: the file cannot be read, a line is not of this form, or one tax code is given to two schools.
    """
    found: dict[str, str] = {}
    try:
        lines = _octets(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise GivenError(f"{path}: không phải UTF-8 / not UTF-8: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = re.split(r"[,; \t]+", line.strip())
        if len(parts) != 2 or not all(parts) or found.get(parts[1], parts[0]) != parts[0]:
            raise GivenError(
                f"{path}:{number}: cần «mã trường, mã số thuế», mỗi mã số thuế của một trường / "
                f"wants “school code, tax code”, a tax code of one school only: {line.strip()[:80]!r}"
            )
        found[parts[1]] = parts[0]
    return found


# ------------------------------------------------------------------------------------------------------------- parts


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in _SUFFIXES and one.is_file())
    if not files:
        kinds = ", ".join(sorted(_SUFFIXES))
        raise GivenError(f"{path}: thư mục không có tệp chứng thư / no certificate files in the folder ({kinds})")
    yield from files


def _octets(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise GivenError(f"{path}: không đọc được / cannot be read: {error}") from error
    if len(data) > LARGEST:
        raise GivenError(f"{path}: tệp quá lớn / the file is too large (> {LARGEST} bytes)")
    if not data.strip():
        raise GivenError(f"{path}: tệp rỗng / the file is empty")
    return data


def _certificates(path: Path, lists: list[bytes]) -> Iterator[CertificateFacts]:
    data = _octets(path)
    blocks = [(match[1].decode(), match[0]) for match in _PEM.finditer(data)]
    if any("PRIVATE KEY" in label for label, _ in blocks):
        raise GivenError(
            f"{path}: có khóa riêng bên trong; chỉ đưa chứng thư của nơi cấp, không bao giờ đưa khóa / "
            "holds a private key; give the authority's certificate only, never a key"
        )
    lists.extend(block + b"\n" for label, block in blocks if label == "X509 CRL")
    try:
        parsed = list(_parsed(data, blocks))
    except ValueError as error:
        reason = f"chứng thư không đọc được / unreadable certificate: {error}"
        raise GivenError(f"--trust: {path}: {_instead(data, '--trust') or reason}") from error
    if not parsed:
        raise GivenError(
            f"--trust: {path}: {_instead(data, '--trust') or 'không có chứng thư nào / no certificate in it'}"
        )
    for one in parsed:
        facts = load(one.public_bytes(Encoding.DER))
        if isinstance(facts, str):
            raise GivenError(f"{path}: chứng thư không đọc được / unreadable certificate: {facts}")
        yield facts


def _parsed(data: bytes, blocks: list[tuple[str, bytes]]) -> Iterator[x509.Certificate]:
    for label, block in blocks:
        if label in ("CERTIFICATE", "X509 CERTIFICATE"):
            yield x509.load_pem_x509_certificate(block.replace(b"X509 CERTIFICATE", b"CERTIFICATE"))
        elif label in ("PKCS7", "CMS"):
            yield from pkcs7.load_pem_pkcs7_certificates(block.replace(b"CMS-", b"PKCS7-"))
    if not blocks:
        try:
            yield x509.load_der_x509_certificate(data)
        except ValueError:
            yield from pkcs7.load_der_pkcs7_certificates(data)


def _is(reader: Callable[[bytes], object], data: bytes) -> bool:
    try:
        reader(data)
    except Exception:  # a guess at what a wrong file is: whatever fails, it is not that
        return False
    return True


def _pkcs12(data: bytes) -> None:
    if pkcs12.Pfx.load(data, strict=True)["version"].native != "v3":
        raise ValueError


def _pem_certificate(data: bytes) -> None:
    x509.load_pem_x509_certificate(data)


def _instead(data: bytes, option: str) -> str:
    """What the file is instead of what was asked for; empty: nothing that is known."""
    labels = {match[1] for match in _PEM.finditer(data)}
    known: tuple[tuple[bool, str, str, str], ...] = (
        (b"CERTIFICATE REQUEST" in labels or _is(x509.load_der_x509_csr, data), "yêu cầu cấp chứng thư",
         "a certificate request", ""),
        (b"CERTIFICATE" in labels or _is(x509.load_der_x509_certificate, data), "chứng thư", "a certificate",
         "--trust"),
        (b"X509 CRL" in labels or _is(read_list, data), "danh sách thu hồi (CRL)", "a revocation list (CRL)", "--crl"),
        (_is(read_answer, data), "câu trả lời OCSP", "an OCSP answer", "--ocsp"),
        (_is(_pkcs12, data), "tệp PKCS#12 (có khóa riêng)", "a PKCS#12 file (with a key)", ""),
        (any(b"PRIVATE KEY" in one for one in labels), "khóa riêng", "a private key", ""),
        (data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"), "tệp XML", "an XML file", ""),
    )  # fmt: skip
    for there, vi, en, right in known:
        if there and right != option:
            return f"đây là {vi} / this is {en}" + (f" ({right})" if right else "")
    return ""


def _authority(path: Path, one: CertificateFacts) -> None:
    """Refuse what is no authority's. Old roots (version 1) say nothing of it and are taken."""
    silent = one.certificate.version is x509.Version.v1 and one.subject == one.issuer
    if (not one.is_ca and not silent) or not one.may_issue:
        raise GivenError(
            f"{path}: «{_name(one)}» không phải chứng thư của nơi cấp (CA) nên không thể là gốc tin cậy / "
            f"“{_name(one)}” is no authority's (CA) certificate and cannot be a trust anchor"
        )


def _validity(path: Path, one: CertificateFacts, at: datetime) -> Iterator[str]:
    if at > one.not_after:
        day = one.not_after.date().isoformat()
        yield (
            f"{path}: «{_name(one)}» hết hạn ngày {day}; chữ ký sau đó không dựa vào được / "
            f"“{_name(one)}” expired on {day}; signatures of later cannot rest on it"
        )
    elif at < one.not_before:
        day = one.not_before.date().isoformat()
        yield (
            f"{path}: «{_name(one)}» có hiệu lực từ ngày {day}; chữ ký trước đó không dựa vào được / "
            f"“{_name(one)}” is valid from {day} on; signatures of before cannot rest on it"
        )


def _name(one: CertificateFacts) -> str:
    return one.common_name or one.certificate.subject.rfc4514_string()[:120]
