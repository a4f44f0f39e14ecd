"""Keys and trust of one run: who signs with what, and what a verifier is given to trust."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from conformance.cases import Roster
from conformance.doors.ministry import Ministry, Space
from conformance.evidence import Bundle
from conformance.signature.pki import Credential, TestPki
from conformance.signature.responders import ocsp_answer, ocsp_delegate


@dataclass(frozen=True, slots=True)
class RunKeys:
    """The credentials of everybody on the roster, and the lists and answers about them."""

    pki: TestPki
    crls: tuple[bytes, ...]
    """DER."""
    answers: tuple[bytes, ...]
    """OCSP answers, DER."""
    signers: tuple[dict[str, Any], ...]
    """As the session has them: with PKCS#12 file and password."""
    leaders: tuple[str, ...]
    """Personal identifiers of school leaders."""

    @classmethod
    def make(cls, pki: TestPki, roster: Roster, keys: str) -> RunKeys:
        """Keys and certificates for a roster. ``keys``: ``rsa-2048`` or ``p-256``.

        Whatever is to stand in the revocation lists has been revoked before.
        """
        crls = tuple(pki.crls())
        signers, leaders, credentials = [], set(), []
        for one in roster.signers():
            password = secrets.token_urlsafe(12)
            credential = credential_of(pki, one, keys)
            credentials.append(credential)
            entry = {key: one[key] for key in ("id", "role", "name", "nationalId", "passport", "title") if one.get(key)}
            packed = base64.b64encode(credential.pkcs12(password.encode())).decode()
            signers.append({**entry, "pkcs12": packed, "password": password})
            if one["role"] == "leader" and one.get("nationalId"):
                leaders.add(str(one["nationalId"]))
        answers = tuple(answers_of(pki, credentials))
        return cls(pki, crls, answers, tuple(signers), tuple(sorted(leaders)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no evidence and no report may hold."""
        return tuple(str(one["password"]) for one in self.signers)

    def open(self, ministry: Ministry, roster: Roster, label: str) -> Space:
        """Open the run's space at the mock Ministry.

        Raises:
            DoorError: it is not taken.
        """
        return ministry.open(
            schools=[school["code"] for school in roster.data["schools"]],
            label=label,
            trustPem=self.pki.anchors_pem().decode(),
            crlsPem="".join(map(_crl_pem, self.crls)),
            leaders=list(self.leaders),
        )

    def trust(self) -> dict[str, Any]:
        """The ``trust`` of a session."""
        return {"anchorsPem": self.pki.anchors_pem().decode(), "crls": _texts(self.crls)}

    def for_setup(self) -> dict[str, Any]:
        """What every process of the run judges with."""
        return {
            "trust_pem": self.pki.anchors_pem().decode(),
            "crls": tuple(_texts(self.crls)),
            "answers": tuple(_texts(self.answers)),
            "leaders": self.leaders,
        }

    def keep(self, bundle: Bundle) -> None:
        """Put what signatures were judged by into the evidence."""
        keep_trust(bundle, self.pki.anchors_pem(), self.crls, self.answers)


def keep_trust(bundle: Bundle, anchors: bytes, crls: Iterable[bytes], answers: Iterable[bytes]) -> None:
    """Put trust anchors (PEM), revocation lists and OCSP answers (DER) into the evidence."""
    if anchors:
        bundle.add("trust", "", anchors)
    for kind, octets in (("crl", crls), ("ocsp", answers)):
        for one in octets:
            bundle.add(kind, "", one)


def _texts(octets: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in octets]


def answers_of(pki: TestPki, signers: Iterable[Credential]) -> list[bytes]:
    """What the run's own OCSP responders say of every signer when the session begins, in DER: good for a week."""
    delegates: dict[bytes, Credential] = {}
    answers: list[bytes] = []
    for one in signers:
        issuer = one.certificate.issuer.public_bytes()
        if issuer not in delegates:
            delegates[issuer] = ocsp_delegate(pki, one)
        answers.append(ocsp_answer(pki, one, signer=delegates[issuer], next_update=pki.now + timedelta(days=7)))
    return answers


def credential_of(pki: TestPki, signer: Mapping[str, Any], keys: str) -> Credential:
    """A certificate for a signer of the roster: person, or the school's seal."""
    key = keys.replace("-", "")
    if signer["role"] == "seal":
        return pki.organisation(str(signer["name"]), school=str(signer["schoolCode"]), key=key)
    return pki.person(
        str(signer["name"]), national_id=signer.get("nationalId"), passport=signer.get("passport"), key=key
    )


def _crl_pem(der: bytes) -> str:
    lines = base64.encodebytes(der).decode().strip()
    return f"-----BEGIN X509 CRL-----\n{lines}\n-----END X509 CRL-----\n"
