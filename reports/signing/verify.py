"""Verification of a signed result, offline: what is as it was signed, what was altered, and whose key it was."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.evidence import EvidenceError, StoredBundle
from reports.signing.jws import MOST, JwsError, verify
from reports.signing.manifest import FORMAT, canonical, digest_of_file
from reports.stream import LARGEST, ReadingError, read_result

State = Literal["good", "bad", "unknown", "note"]
"""``unknown``: it could not be looked at; ``note``: a reader should know it, and it spoils nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``key`` is one of the words ``verify.…`` of the reports."""

    key: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that was looked at, in order."""

    checks: tuple[Check, ...]
    statement: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether nothing is bad, and nothing that matters is unknown."""
        return bool(self.checks) and all(one.state in ("good", "note") for one in self.checks)


def verify_signed(manifest: Path, trusted: Sequence[x509.Certificate], evidence: Path | None, on: date) -> Verification:
    """Verify ``manifest`` (``NAME.json``), its signature (``NAME.json.jws``), the files beside it, and evidence.

    Args:
        manifest: the manifest; a plain result is recognised, and is self-declared.
        trusted: certificates of the testing body, or of the authority that issued them.
        evidence: folder of the bundle; ``None``: not at hand, which is said.
        on: the day, for the validity of the statement.
    """
    try:
        if manifest.stat().st_size > LARGEST:
            return Verification((Check("manifest", "bad", f"> {LARGEST} byte"),), {})
        data = manifest.read_bytes()
        parsed = json.loads(data)  # a key listed twice: not canonical, which is told below
        same = canonical(parsed) == data
    except RecursionError:
        return Verification((Check("manifest", "bad", "lồng quá sâu / nested too deep"),), {})
    except (OSError, ValueError) as error:
        return Verification((Check("manifest", "bad", str(error)),), {})
    if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
        return Verification((_plain_result(manifest),), {})
    checks = [_signature(manifest, data, parsed, trusted)]
    statement = parsed.get("statement")
    statement = statement if isinstance(statement, dict) else {}
    if not same:
        checks.append(Check("manifest", "bad"))
    files = parsed.get("files")
    files = files if isinstance(files, dict) else {}
    checks.extend(_file(manifest.parent, role, files.get(role)) for role in ("results", "report"))
    if "spotCheck" in files:
        checks.append(_file(manifest.parent, "spotCheck", files["spotCheck"]))
    checks.append(_evidence(evidence, parsed.get("evidence")))
    checks.append(_validity(statement, on))
    return Verification(tuple(checks), statement)


def _plain_result(path: Path) -> Check:
    try:
        result = read_result(path, partial=True)
    except ReadingError as error:
        return Check("manifest", "bad", str(error))
    return Check("unsigned" if result.run.witnessed else "self-declared", "bad", result.run.run_id)


def _signature(manifest: Path, data: bytes, parsed: dict[str, Any], trusted: Sequence[x509.Certificate]) -> Check:
    path = manifest.with_name(f"{manifest.name}.jws")
    if path.exists() and (not path.is_file() or path.stat().st_size > MOST):
        return Check("signature-wrong", "bad", path.name)
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return Check("no-signature", "bad", path.name)
    try:
        signed = verify(data, text)
        at = datetime.fromisoformat(str(parsed.get("signedAt")))
    except JwsError as error:
        return Check("signature-wrong", "bad", str(error))
    except ValueError:
        return Check("manifest", "bad", "signedAt")
    leaf = signed.certificates[0]
    name = leaf.subject.rfc4514_string()
    if not known(signed.certificates, trusted, at):
        fingerprint = hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()
        if known(signed.certificates, trusted, None):
            return Check("key-not-valid", "bad", f"{name} (SHA-256 {fingerprint}), {at.isoformat()}")
        return Check("key-unknown", "bad", f"{name} (SHA-256 {fingerprint})")
    body = stated_body(parsed)
    if leaf not in trusted and not named(leaf, body):
        # an authority has many customers, and any of them may write the body's name into a manifest
        return Check("key-of-another", "bad", f"{name} ≠ {body}")
    return Check("signature", "good", f"{name}, {parsed['signedAt']}, {signed.algorithm}")


def stated_body(parsed: dict[str, Any]) -> str:
    """The testing body's name as the manifest states it; empty where it does not."""
    statement = parsed.get("statement")
    body = statement.get("body") if isinstance(statement, dict) else None
    return str(body.get("name", "")) if isinstance(body, dict) else ""


def named(certificate: x509.Certificate, body: str) -> bool:
    """Whether the certificate's subject is called ``body`` (common name or organisation, whatever the case)."""
    names = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    given = {_folded(str(one.value)) for oid in names for one in certificate.subject.get_attributes_for_oid(oid)}
    return bool(body) and _folded(body) in given


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def known(certificates: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], at: datetime | None) -> bool:
    """Whether a chain of certificates, the signer's first, ends at a trusted one, all valid at ``at`` (``None``: ever).

    The signer's certificate itself may be the trusted one; issuers must be authorities (RFC 5280, basicConstraints).
    """
    if at is not None and at.tzinfo is None:
        return False
    chain = list(certificates)
    for number, one in enumerate(chain):
        if not _valid(one, at):
            return False
        if number and not _authority(one):
            return False
        if one in trusted:
            return True
        for anchor in trusted:
            if _valid(anchor, at) and _authority(anchor) and _issued(one, anchor):
                return True
        if number + 1 < len(chain) and not _issued(one, chain[number + 1]):
            return False
    return False


def _valid(certificate: x509.Certificate, at: datetime | None) -> bool:
    return at is None or certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _file(folder: Path, role: str, said: Any) -> Check:
    name = str(said.get("name", "")) if isinstance(said, dict) else ""
    if not name or name in (".", "..") or any(one in name for one in "/\\\0"):
        return Check(f"{role}-altered", "bad", name)
    path = folder / name
    try:
        if path.exists() and not path.is_file():
            return Check(f"{role}-altered", "bad", name)
        digest, _ = digest_of_file(path)
    except OSError:
        return Check(f"{role}-missing", "unknown", name)
    return Check(role, "good", name) if digest == said.get("sha256") else Check(f"{role}-altered", "bad", name)


def _evidence(folder: Path | None, said: Any) -> Check:
    if folder is None:
        return Check("evidence-not-looked-at", "note")
    wanted = said if isinstance(said, dict) else {}
    try:
        if not (folder / "index.ndjson").exists():
            return Check("evidence-missing", "unknown", "index.ndjson")
        bundle = StoredBundle(folder)
        index, _ = digest_of_file(folder / "index.ndjson")
        for entry in bundle.entries:
            bundle.read(entry)
    except FileNotFoundError as error:
        return Check("evidence-missing", "unknown", Path(str(error.filename or folder)).name)
    except (EvidenceError, OSError) as error:
        return Check("evidence-altered", "bad", str(error))
    same = index == wanted.get("index") and bundle.footer["digest"] == wanted.get("digest")
    return Check("evidence", "good", str(folder)) if same else Check("evidence-altered", "bad", "index.ndjson")


def _validity(statement: dict[str, Any], on: date) -> Check:
    validity = statement.get("validity")
    try:
        until = date.fromisoformat(str(validity["until"] if isinstance(validity, dict) else ""))
    except (KeyError, ValueError):
        return Check("manifest", "bad", "validity")
    return Check("validity" if on <= until else "expired", "good" if on <= until else "note", until.isoformat())
