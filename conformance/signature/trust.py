"""Trust of a run: anchors, intermediates, evidence of revocation; certificate paths and their status at a time.

Nothing is fetched. Caches belong to a trust store: one vendor's authority is never trusted for another.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from conformance.signature.algorithms import key_bits, key_kind
from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.revocation import (
    GOOD,
    Evidence,
    Status,
    StatusResult,
    read_answer,
    read_list,
    read_lists,
    status_of,
    worse,
)

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
_DEEPEST = 8
"""Certificates of a path at most."""
_MOST_CHECKS = 64
"""Signatures of certificates that are verified for one leaf, at most: hostile bundles stay cheap."""
_MIN_RSA_BITS = 2048
_CACHE = 20_000


class PathProblem(StrEnum):
    """Why there is no path to an anchor; the most telling one is reported."""

    NONE = ""
    SELF_SIGNED = "self-signed"
    UNKNOWN_ISSUER = "unknown-issuer"
    BAD_ISSUER_SIGNATURE = "bad-issuer-signature"
    NOT_A_CA = "not-a-ca"
    PATH_LENGTH = "path-length"
    WEAK_ISSUER = "weak-issuer"
    CRITICAL_EXTENSION = "critical-extension"
    AUTHORITY_NOT_VALID = "authority-not-valid"
    KEY_USAGE = "key-usage"


@dataclass(frozen=True, slots=True)
class PathResult:
    """A path from leaf to anchor (both included), or the problem and the certificate that has it."""

    path: tuple[CertificateFacts, ...]
    problem: PathProblem = PathProblem.NONE
    culprit: str = ""
    valid: tuple[datetime, datetime] | None = None
    """From when and until when all authorities of a good path are valid, where there are some."""

    @property
    def good(self) -> bool:
        """Whether the path reaches an anchor."""
        return self.problem is PathProblem.NONE


class TrustStore:
    """Trust anchors, helping intermediates and evidence of revocation of one run or vendor."""

    def __init__(
        self,
        anchors: Iterable[x509.Certificate],
        intermediates: Iterable[x509.Certificate] = (),
        crls: Iterable[x509.CertificateRevocationList] = (),
        name: str = "",
        *,
        answers: Iterable[ocsp.OCSPResponse] = (),
    ) -> None:
        self.name = name
        self.anchors = tuple(_loaded(one) for one in anchors)
        self.intermediates = tuple(_loaded(one) for one in intermediates)
        self._anchored = {one.fingerprint for one in self.anchors}
        self.evidence = Evidence(crls, answers)
        self._paths: dict[tuple[str, tuple[str, ...]], tuple[PathResult, ...]] = {}
        self._calm: dict[tuple[timedelta, tuple[str, ...]], datetime | None] = {}

    @classmethod
    def from_pem(
        cls, data: bytes, crls: Sequence[bytes] = (), name: str = "", *, answers: Sequence[bytes] = ()
    ) -> TrustStore:
        """A store from certificates in PEM, revocation lists in DER or PEM, and OCSP answers in DER.

        Those whose issuer is not among them are anchors (roots are their own issuers); the others help to build paths.

        Raises:
            ValueError: something cannot be read, or there is no certificate at all (bilingual message).
        """
        found: list[CertificateFacts] = []
        lists: list[x509.CertificateRevocationList] = []
        for match in _PEM.finditer(data):
            if match[1] == b"X509 CRL":
                lists.append(read_list(match[0]))
            elif match[1] == b"CERTIFICATE":
                facts = _of_pem(match[0])
                if facts.fingerprint not in {one.fingerprint for one in found}:
                    found.append(facts)
        if not found:
            raise ValueError("không có chứng thư PEM nào / no PEM certificate")
        for one in crls:
            lists.extend(read_lists(one))
        roots = [
            one
            for one in found
            if one.subject == one.issuer or not any(one.issuer == each.subject and _issued(one, each) for each in found)
        ] or found
        others = [one for one in found if one not in roots]
        return cls(
            [one.certificate for one in roots],
            [one.certificate for one in others],
            lists,
            name,
            answers=[read_answer(one) for one in answers],
        )

    def fingerprints(self) -> tuple[str, ...]:
        """SHA-256 of the trust anchors in lower-case hex, sorted: what a report says was trusted."""
        return tuple(sorted(self._anchored))

    def path(self, leaf: CertificateFacts, extra: Sequence[CertificateFacts], at: datetime) -> PathResult:
        """The path of ``leaf`` to an anchor at the time ``at``.

        ``extra``: certificates that came with the signature. The leaf's own validity is not judged here (PL1-KY-012).
        """
        key = (leaf.fingerprint, tuple(one.fingerprint for one in extra))
        found = self._paths.get(key)
        if found is None:
            if len(self._paths) >= _CACHE:
                self._paths.clear()
            found = self._paths[key] = self._search(leaf, extra)
        expired: PathResult | None = None
        for one in found:
            if not one.good:
                continue
            if one.valid is not None and one.valid[0] <= at <= one.valid[1]:
                return one
            out = next((each for each in one.path[1:] if not each.valid_at(at)), None)
            if out is None:
                return one
            expired = expired or PathResult(one.path, PathProblem.AUTHORITY_NOT_VALID, out.common_name)
        return expired or found[-1]

    def status(
        self,
        path: Sequence[CertificateFacts],
        at: datetime,
        until: datetime,
        *,
        embedded: Evidence | None = None,
        tolerance: timedelta = timedelta(),
    ) -> StatusResult:
        """The worst status on the path (anchor excluded): at signing time ``at``, and up to receipt ``until``.

        ``embedded``: evidence that came with the signature, which counts as far as it verifies.
        """
        if embedded is None and path:
            key = tolerance, tuple([one.fingerprint for one in path])
            if key not in self._calm:
                if len(self._calm) >= _CACHE:
                    self._calm.clear()
                self._calm[key] = self._calm_until(path, tolerance)
            calm = self._calm[key]
            if calm is not None and at <= calm:
                return GOOD
        evidence = (self.evidence,) if embedded is None else (self.evidence, embedded)
        worst = GOOD
        for one, issuer in itertools.pairwise(path):
            worst = worse(worst, status_of(one, issuer, at, until, evidence, tolerance))
        return worst

    def _calm_until(self, path: Sequence[CertificateFacts], tolerance: timedelta) -> datetime | None:
        """Up to when all on the path are proved good; ``None``: one was revoked once, or nothing is proved."""
        ends: list[datetime] = []
        for one, issuer in itertools.pairwise(path):
            said, _ = self.evidence.statements(one, issuer)
            if not said or any(each.since is not None for each in said):
                return None
            try:
                ends.append(max(each.proves_until(tolerance) for each in said))
            except OverflowError:
                return None
        return min(ends, default=None)

    def _search(self, leaf: CertificateFacts, extra: Sequence[CertificateFacts]) -> tuple[PathResult, ...]:
        """All paths found (at most four), or one result with the problem."""
        if not leaf.may_sign:
            return (PathResult((leaf,), PathProblem.KEY_USAGE, leaf.common_name),)
        if leaf.unknown_critical:
            return (PathResult((leaf,), PathProblem.CRITICAL_EXTENSION, leaf.unknown_critical),)
        if leaf.fingerprint in self._anchored:
            return (PathResult((leaf,)),)
        pool: dict[str, CertificateFacts] = {}
        for one in (*self.anchors, *self.intermediates, *extra):
            pool.setdefault(one.fingerprint, one)
        by_subject: dict[bytes, list[CertificateFacts]] = {}
        for one in pool.values():
            by_subject.setdefault(one.subject, []).append(one)
        good: list[PathResult] = []
        problems: list[PathResult] = []
        checks = _MOST_CHECKS

        def climb(path: tuple[CertificateFacts, ...]) -> None:
            nonlocal checks
            top = path[-1]
            candidates = [one for one in by_subject.get(top.issuer, ()) if one not in path]
            if not candidates or len(path) >= _DEEPEST:
                own = len(path) == 1 and top.subject == top.issuer
                kind = PathProblem.SELF_SIGNED if own else PathProblem.UNKNOWN_ISSUER
                problems.append(PathResult(path, kind, top.certificate.issuer.rfc4514_string()[:200]))
                return
            for issuer in candidates:
                if checks <= 0 or len(good) >= 4:
                    return
                problem = _refusal(issuer, len(path) - 1, issuer.fingerprint in self._anchored)
                if problem is PathProblem.NONE:
                    checks -= 1
                    if not _issued(top, issuer):
                        problem = PathProblem.BAD_ISSUER_SIGNATURE
                    elif top.weak_hash:
                        problem = PathProblem.WEAK_ISSUER
                if problem is not PathProblem.NONE:
                    problems.append(PathResult((*path, issuer), problem, issuer.common_name))
                elif issuer.fingerprint in self._anchored:
                    above = (*path[1:], issuer)
                    valid = max(one.not_before for one in above), min(one.not_after for one in above)
                    good.append(PathResult((*path, issuer), valid=valid))
                else:
                    climb((*path, issuer))

        climb((leaf,))
        if good:
            return tuple(good)
        order = list(PathProblem)
        return (max(problems, key=lambda one: (order.index(one.problem), len(one.path))),) if problems else (
            PathResult((leaf,), PathProblem.UNKNOWN_ISSUER, leaf.common_name),
        )  # fmt: skip


def _refusal(issuer: CertificateFacts, below: int, anchored: bool) -> PathProblem:
    """Why ``issuer`` may not stand above ``below`` further authorities."""
    if not issuer.may_issue or (not issuer.is_ca and not anchored):
        return PathProblem.NOT_A_CA
    if issuer.path_length is not None and below > issuer.path_length:
        return PathProblem.PATH_LENGTH
    if issuer.unknown_critical and not anchored:
        return PathProblem.CRITICAL_EXTENSION
    if key_kind(issuer.key) == "rsa" and key_bits(issuer.key) < _MIN_RSA_BITS:
        return PathProblem.WEAK_ISSUER
    return PathProblem.NONE


def _issued(one: CertificateFacts, issuer: CertificateFacts) -> bool:
    try:
        one.certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    except Exception:  # unsupported algorithms raise what they like; an unproven issuer is none
        return False
    return True


def _loaded(certificate: x509.Certificate) -> CertificateFacts:
    facts = load(certificate.public_bytes(Encoding.DER))
    if isinstance(facts, str):
        raise ValueError(f"chứng thư không đọc được / unreadable certificate: {facts}")
    return facts


def _of_pem(block: bytes) -> CertificateFacts:
    try:
        certificate = x509.load_pem_x509_certificate(block)
    except ValueError as error:
        raise ValueError(f"chứng thư không đọc được / unreadable certificate: {error}") from error
    return _loaded(certificate)


__all__ = ["PathProblem", "PathResult", "Status", "StatusResult", "TrustStore"]
