"""The files beside a signed manifest: a time-stamp of its signature, and the status of the signer's certificate.

None of them is signed with the manifest: each is signed by its own authority, and may come later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.signature.given import read_answers, read_crls
from conformance.signature.revocation import Gap, Status, read_list
from conformance.signature.stamps import bare_token
from reports.signing.keys import KeyProblem
from reports.signing.standing import ANSWER, LISTS, STAMP, Given, beside, stamp_of, status_of


@dataclass(frozen=True, slots=True)
class Beside:
    """What is to be put beside a manifest about its signer's certificate."""

    crls: Sequence[bytes] = ()
    answer: bytes = b""

    @classmethod
    def read(cls, crls: Sequence[Path], ocsp: Path | None) -> Beside:
        """From files.

        Raises:
            GivenError: one cannot be read, or is something else.
        """
        return cls(read_crls(crls), read_answers([ocsp])[0] if ocsp else b"")

    def check(self, certificates: Sequence[x509.Certificate], at: datetime, until: datetime | None = None) -> None:
        """Whether the status lets one sign at ``at``, and speaks of the signer's certificate.

        Raises:
            KeyProblem: revoked or suspended, or nothing that was given is about this certificate.
        """
        if not self.crls and not self.answer:
            return
        given = Given((), (), self.crls, [self.answer] if self.answer else [])
        found = status_of(certificates, given, at, until or at)
        if found is None:
            raise KeyProblem(
                "không biết nơi cấp chứng thư: hãy để nó trong tệp khóa hoặc --certificate / "
                "the certificate's issuer is not known: put it into the key file or --certificate"
            )
        if found.status in (Status.REVOKED, Status.SUSPENDED):
            raise KeyProblem(f"chứng thư đã bị thu hồi / the certificate was revoked: {found.subject}, {found.since}")
        if found.status is Status.UNKNOWN:
            told = "" if found.gap is Gap.NOTHING else f" ({found.gap})"
            raise KeyProblem(
                f"CRL/OCSP không nói gì dùng được về chứng thư / says nothing of the certificate that counts{told}"
            )

    def write(self, manifest: Path) -> list[Path]:
        """Write the files; returns their paths.

        Raises:
            OSError: they cannot be written.
        """
        written = []
        if self.crls:
            path = beside(manifest, LISTS)
            path.write_bytes(b"".join(read_list(one).public_bytes(Encoding.PEM) for one in self.crls))
            written.append(path)
        if self.answer:
            path = beside(manifest, ANSWER)
            path.write_bytes(self.answer)
            written.append(path)
        return written


def clear(manifest: Path) -> None:
    """Remove what lay beside an earlier manifest of the same name: it is of another signature."""
    for ending in (STAMP, LISTS, ANSWER):
        beside(manifest, ending).unlink(missing_ok=True)


def attach_stamp(manifest: Path, answer: bytes, tsa: Sequence[x509.Certificate], now: datetime) -> tuple[Path, str]:
    """Put a time-stamp (a token, or a service's whole answer) beside a manifest; returns its path and what it says.

    Raises:
        KeyProblem: it is not of this signature, or not sound.
        OSError: a file cannot be read or written.
    """
    signature = beside(manifest, "jws").read_bytes()
    token = bare_token(answer)
    proof = stamp_of(token, signature, tsa, now)
    if (proof.problem and (tsa or proof.problem != "no-trust-store")) or proof.moment is None:
        raise KeyProblem(
            f"dấu thời gian không phải của chữ ký này, hoặc sai / not a sound time-stamp of this signature: "
            f"{proof.problem} {proof.seen}".rstrip()
        )
    path = beside(manifest, STAMP)
    path.write_bytes(token)
    return path, f"{proof.moment.isoformat()}, {proof.authority}"
