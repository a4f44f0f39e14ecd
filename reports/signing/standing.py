"""The standing of a testing body's signature: its certificate's path and status, and a time-stamp over the signature.

Everything is given: files beside the manifest (``NAME.json.tst``, ``.crl``, ``.ocsp``, which OpenSSL reads as well) and
those that the reader names. What lies beside counts only as far as it verifies.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.given import GivenError, read_answers, read_crls
from conformance.signature.revocation import Status, StatusResult, read_answer, read_list, worse
from conformance.signature.stamps import LARGEST, Proof, over_octets
from conformance.signature.trust import PathProblem, TrustStore

State = Literal["good", "bad", "unknown", "note"]
"""``unknown``: it could not be looked at; ``note``: a reader should know it, and it spoils nothing."""

SKEW = timedelta(minutes=10)
"""How far the body's clock may be from the time-stamp authority's."""
STAMP, LISTS, ANSWER = "tst", "crl", "ocsp"
"""Endings of the files beside a manifest."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``key`` is one of the words ``verify.…`` of the reports."""

    key: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What a reader goes by."""

    body: Sequence[x509.Certificate] = ()
    """Certificates of the testing body, or of the authority that issued them."""
    tsa: Sequence[x509.Certificate] = ()
    """Certificates of time-stamp authorities, or of those above them."""
    crls: Sequence[bytes] = ()
    """Revocation lists, DER."""
    answers: Sequence[bytes] = ()
    """OCSP answers, DER."""


def with_files(given: Given, manifest: Path) -> tuple[Given, Check | None]:
    """What a reader goes by, together with the status files beside a manifest; what cannot be read is told."""
    crls, answers = list(given.crls), list(given.answers)
    try:
        for ending, read, kept in ((LISTS, read_crls, crls), (ANSWER, read_answers, answers)):
            path = beside(manifest, ending)
            if path.is_file():
                kept += read([path])
            elif path.exists() or path.is_symlink():
                return given, Check("status-broken", "unknown", path.name)
    except GivenError as error:
        return given, Check("status-broken", "unknown", str(error))
    return replace(given, crls=crls, answers=answers), None


def beside(manifest: Path, ending: str) -> Path:
    """The path of a file beside a manifest."""
    return manifest.with_name(f"{manifest.name}.{ending}")


def path_at(certificates: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], at: datetime) -> PathProblem:
    """Whether certificates, the signer's first, lead to a trusted one: all valid at ``at``, those above authorities.

    The signer's certificate itself may be the trusted one. ``AUTHORITY_NOT_VALID``: only the time is wrong.
    """
    facts = _loaded(certificates)
    if not facts or not trusted:
        return PathProblem.UNKNOWN_ISSUER
    try:
        found = TrustStore(trusted).path(facts[0], facts[1:], at)
    except ValueError:  # a trusted certificate that cannot be read leads nowhere
        return PathProblem.UNKNOWN_ISSUER
    if not found.good:
        return found.problem
    if not all(one.is_ca for one in found.path[1:]):
        return PathProblem.NOT_A_CA
    return PathProblem.NONE if facts[0].valid_at(at) else PathProblem.AUTHORITY_NOT_VALID


def standing_of(
    certificates: Sequence[x509.Certificate], given: Given, signature: Path, at: datetime, now: datetime
) -> list[Check]:
    """Time-stamp and status of a signature whose path is good.

    Args:
        certificates: of the signature, the signer's first.
        given: what the reader goes by, with the files beside the manifest.
        signature: the signature's file, which a time-stamp is over; the stamp is in the file beside it.
        at: when the body says that it signed.
        now: the reader's time.
    """
    checks, proven = _stamped(signature, given, at, now)
    if proven is not None and not _loaded(certificates[:1])[0].valid_at(proven):
        checks.append(Check("key-not-valid", "bad", proven.isoformat()))
    found = status_of(certificates, given, at, now)
    if found is None:
        checks.append(Check("status-nobody", "note"))
        return checks
    since = found.since.isoformat() if found.since else ""
    if found.status is Status.GOOD:
        checks.append(Check("status", "good"))
    elif found.status in (Status.REVOKED, Status.SUSPENDED):
        checks.append(Check("key-revoked", "bad", f"{found.subject}, {since}"))
    elif found.status is Status.REVOKED_AFTER:
        after = proven is not None and found.since is not None and proven < found.since
        checks.append(Check("revoked-after" if after else "revoked-not-proven", "note" if after else "unknown", since))
    elif not given.crls and not given.answers:
        checks.append(Check("status-not-looked-at", "note"))
    else:
        checks.append(Check(f"status-gap.{found.gap}", "unknown", found.subject))
    return checks


def status_of(
    certificates: Sequence[x509.Certificate], given: Given, at: datetime, until: datetime
) -> StatusResult | None:
    """The signer's status at ``at`` and up to ``until``; ``None``: there is no authority that could have revoked it.

    Of the authorities above only a revocation counts: hardly anybody hands on lists of roots.
    """
    known = _loaded((*certificates, *given.body))
    path = known[:1]
    while above := next((one for one in known if one not in path and _issued(path[-1], one)), None):
        path.append(above)
    if len(path) < 2:
        return None
    lists, answers = [read_list(one) for one in given.crls], [read_answer(one) for one in given.answers]
    store = TrustStore((), (), lists, answers=answers)
    pairs = [store.status(pair, at, until) for pair in itertools.pairwise(path)]
    return reduce(worse, (one for one in pairs[1:] if one.status is not Status.UNKNOWN), pairs[0])


def stamp_of(token: bytes, signature: bytes, tsa: Sequence[x509.Certificate], until: datetime) -> Proof:
    """What a time-stamp over a signature's file proves; without trusted authorities at best ``no-trust-store``."""
    return over_octets(token, signature, TrustStore(tsa) if tsa else None, until)


def _stamped(signature: Path, given: Given, at: datetime, now: datetime) -> tuple[list[Check], datetime | None]:
    """What is said of the time-stamp, and by when it proves the signature to have existed."""
    path = signature.with_name(f"{signature.name.removesuffix('.jws')}.{STAMP}")
    if not path.exists() and not path.is_symlink():
        return [Check("no-stamp", "note")], None
    if not path.is_file() or path.stat().st_size > LARGEST:
        return [Check("stamp-wrong.unreadable", "bad", path.name)], None
    store = TrustStore(given.tsa, crls=map(read_list, given.crls), answers=map(read_answer, given.answers))
    try:
        proof = over_octets(path.read_bytes(), signature.read_bytes(), store if given.tsa else None, now)
    except OSError as error:
        return [Check("stamp-wrong.unreadable", "bad", f"{path.name}: {error.strerror or error}")], None
    if proof.problem in ("no-trust-store", "untrusted"):
        return [Check("stamp-untrusted", "unknown" if given.tsa else "note", proof.authority or proof.seen)], None
    if proof.problem or proof.moment is None or proof.latest is None:
        return [Check(f"stamp-wrong.{proof.problem}", "bad", proof.seen)], None
    said = f"{proof.moment.isoformat()}, {proof.authority}"
    if proof.latest < at - SKEW:
        return [Check("stamp-before", "bad", said)], None
    if proof.moment > now + SKEW:
        return [Check("stamp-future", "bad", said)], None
    return [Check("stamp", "good", said)], proof.latest


def _loaded(certificates: Sequence[x509.Certificate]) -> list[CertificateFacts]:
    made = (load(one.public_bytes(Encoding.DER)) for one in certificates)
    return [one for one in made if not isinstance(one, str)]


def _issued(one: CertificateFacts, above: CertificateFacts) -> bool:
    try:
        one.certificate.verify_directly_issued_by(above.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return above.is_ca
