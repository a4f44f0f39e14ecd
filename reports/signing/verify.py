"""Verification of a signed result, offline: what is as it was signed, what was altered, and whose key it was."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.evidence import EvidenceError, StoredBundle
from conformance.signature.trust import PathProblem
from conformance.strict import loads
from conformance.visible import alphabets
from reports.signing.jws import MOST, JwsError, verify
from reports.signing.manifest import FORMAT, canonical, digest_of_file
from reports.signing.standing import SKEW, Check, Given, path_at, standing_of, with_files
from reports.stream import LARGEST, ReadingError, read_result

TOLD = 5
"""Files that are named of those that do not belong to the evidence."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything that was looked at, in order."""

    checks: tuple[Check, ...]
    statement: dict[str, Any]

    @property
    def good(self) -> bool:
        """Whether nothing is bad, and nothing that matters is unknown."""
        return bool(self.checks) and all(one.state in ("good", "note") for one in self.checks)


def verify_signed(manifest: Path, given: Given, evidence: Path | None, now: datetime) -> Verification:
    """Verify ``manifest`` (``NAME.json``), its signature (``NAME.json.jws``), the files beside it, and evidence.

    Beside it may be a time-stamp of the signature (``.tst``) and the status of its certificate (``.crl``, ``.ocsp``).

    Args:
        manifest: the manifest; a plain result is recognised, and is self-declared.
        given: whom the reader trusts, and what revocation lists and answers he has.
        evidence: folder of the bundle; ``None``: not at hand, which is said.
        now: the reader's time (aware), for the validity of the statement and for revocations since.
    """
    try:
        if manifest.stat().st_size > LARGEST:
            return Verification((Check("manifest", "bad", f"> {LARGEST} byte"),), {})
        data = manifest.read_bytes()
        parsed = loads(data)
        same = canonical(parsed) == data
    except (OSError, ValueError) as error:
        return Verification((Check("manifest", "bad", str(error)),), {})
    if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
        return Verification((_plain_result(manifest),), {})
    checks = _signature(manifest, data, parsed, given, now)
    statement = parsed.get("statement")
    statement = statement if isinstance(statement, dict) else {}
    checks.extend(_look_alikes(statement))
    if not same:
        checks.append(Check("manifest", "bad"))
    files = parsed.get("files")
    files = files if isinstance(files, dict) else {}
    checks.extend(_file(manifest.parent, role, files.get(role)) for role in ("results", "report"))
    if "spotCheck" in files:
        checks.append(_file(manifest.parent, "spotCheck", files["spotCheck"]))
    checks.extend(_evidence(evidence, parsed.get("evidence")))
    checks.append(_validity(statement, now.date()))
    return Verification(tuple(checks), statement)


def _plain_result(path: Path) -> Check:
    try:
        result = read_result(path, partial=True)
    except ReadingError as error:
        return Check("manifest", "bad", str(error))
    return Check("unsigned" if result.run.witnessed else "self-declared", "bad", result.run.run_id)


def _signature(manifest: Path, data: bytes, parsed: dict[str, Any], given: Given, now: datetime) -> list[Check]:
    path = manifest.with_name(f"{manifest.name}.jws")
    if path.exists() and (not path.is_file() or path.stat().st_size > MOST):
        return [Check("signature-wrong", "bad", path.name)]
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return [Check("no-signature", "bad", path.name)]
    try:
        signed = verify(data, text)
        at = datetime.fromisoformat(str(parsed.get("signedAt")))
    except JwsError as error:
        return [Check("signature-wrong", "bad", str(error))]
    except ValueError:
        return [Check("manifest", "bad", "signedAt")]
    leaf = signed.certificates[0]
    name = leaf.subject.rfc4514_string()
    if at.tzinfo is None:
        return [Check("manifest", "bad", "signedAt")]
    problem = path_at(signed.certificates, given.body, at)
    if problem is not PathProblem.NONE:
        mark = f"{name} (SHA-256 {hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()})"
        if problem is PathProblem.AUTHORITY_NOT_VALID:
            return [Check("key-not-valid", "bad", f"{mark}, {at.isoformat()}")]
        return [Check("key-unknown", "bad", mark)]
    body = stated_body(parsed)
    if leaf not in given.body and not named(leaf, body):
        # an authority has many customers, and any of them may write the body's name into a manifest
        return [Check("key-of-another", "bad", f"{name} ≠ {body}")]
    checks = [Check("signature", "good", f"{name}, {parsed['signedAt']}, {signed.algorithm}")]
    if at > now + SKEW:
        checks.append(Check("signed-in-future", "bad", at.isoformat()))
    given, broken = with_files(given, manifest)
    return [*checks, *([broken] if broken else []), *standing_of(signed.certificates, given, path, at, now)]


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


def _evidence(folder: Path | None, said: Any) -> list[Check]:
    if folder is None:
        return [Check("evidence-not-looked-at", "note")]
    wanted = said if isinstance(said, dict) else {}
    try:
        if not (folder / "index.ndjson").exists():
            return [Check("evidence-missing", "unknown", "index.ndjson")]
        bundle = StoredBundle(folder)
        index, _ = digest_of_file(folder / "index.ndjson")
        for entry in bundle.entries:
            bundle.read(entry)
        strange = bundle.strangers()
    except FileNotFoundError as error:
        return [Check("evidence-missing", "unknown", Path(str(error.filename or folder)).name)]
    except (EvidenceError, OSError) as error:
        return [Check("evidence-altered", "bad", str(error))]
    same = index == wanted.get("index") and bundle.footer["digest"] == wanted.get("digest")
    found = [Check("evidence", "good", str(folder)) if same else Check("evidence-altered", "bad", "index.ndjson")]
    if strange:
        told = ", ".join(strange[:TOLD]) + (f" … ({len(strange)})" if len(strange) > TOLD else "")
        found.append(Check("evidence-strangers", "note", told))
    return found


def _look_alikes(statement: dict[str, Any]) -> Iterator[Check]:
    """Names in which letters of several alphabets stand together: they look like other names."""
    names = (("body", "name"), ("software", "vendor"), ("software", "product"), ("software", "version"))
    for part, key in names:
        holder = statement.get(part)
        text = str(holder.get(key, "")) if isinstance(holder, dict) else ""
        if len(found := alphabets(text)) > 1:
            yield Check("look-alike", "unknown" if part == "body" else "note", f"{text} ({', '.join(found)})")


def _validity(statement: dict[str, Any], on: date) -> Check:
    validity = statement.get("validity")
    try:
        until = date.fromisoformat(str(validity["until"] if isinstance(validity, dict) else ""))
    except (KeyError, ValueError):
        return Check("manifest", "bad", "validity")
    return Check("validity" if on <= until else "expired", "good" if on <= until else "note", until.isoformat())
