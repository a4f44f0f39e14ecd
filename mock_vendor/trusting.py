"""Certificates of received signatures: whose they are, paths to the session's trust anchors, revocation lists."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from conformance.pack import Pack
from mock_vendor.reasons import Reason, Refused

LONGEST_PATH = 6


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom received signatures are believed."""

    anchors: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]

    @classmethod
    def of(cls, session: Mapping[str, Any]) -> Trust:
        """From the session.

        Raises:
            Refused: none is given, or it cannot be read.
        """
        given = session.get("trust")
        if not given:
            raise Refused(
                409, [Reason("UNTRUSTED", message="phiên không có điểm tin cậy / the session has no anchors")]
            )
        try:
            anchors = tuple(x509.load_pem_x509_certificates(given["anchorsPem"].encode()))
            crls = tuple(x509.load_der_x509_crl(base64.b64decode(one, validate=True)) for one in given.get("crls", ()))
        except (ValueError, binascii.Error) as error:
            raise Refused(422, [Reason("INVALID_FIELD", "/trust", message=str(error)[:200])]) from error
        return cls(anchors, crls)


@dataclass(frozen=True, slots=True)
class Named:
    """A person as the document names him."""

    name: str
    national_id: str = ""
    passport: str = ""


class Trusting:
    """How received certificates are looked at. Methods are seams that a named defect may replace."""

    pack: Pack

    def path(self, chain: Sequence[x509.Certificate], trust: Trust) -> list[x509.Certificate]:
        """From the signer's certificate to a trust anchor, both included; empty when there is no such path."""
        pool = [*trust.anchors, *chain[1:]]
        found = [chain[0]]
        while found[-1] not in trust.anchors:
            issuer = next((one for one in pool if one not in found and _issued(one, found[-1])), None)
            if issuer is None or len(found) > LONGEST_PATH:
                return []
            found.append(issuer)
        return found

    def untrusted(self, chain: Sequence[x509.Certificate], trust: Trust, at: datetime) -> list[Reason]:
        """Why a signature of that time is not believed."""
        path = self.path(chain, trust)
        if not path:
            return [Reason("UNTRUSTED", message="không có đường tới điểm tin cậy / no path to a trust anchor")]
        for one in path:
            if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
                return [Reason("EXPIRED_CERT", message=f"{one.subject.rfc4514_string()}: {at.isoformat()}")]
        return self.unlawful(path, trust, at) or self.revoked(path, trust, at)

    def unlawful(self, path: Sequence[x509.Certificate], trust: Trust, at: datetime) -> list[Reason]:
        """What RFC 5280 and the pack have against a path: lengths, critical extensions, algorithms, purposes."""
        anything = ExtensionPolicy.permit_all()
        authority = anything.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        policy = PolicyBuilder().store(Store(list(trust.anchors))).time(at).max_chain_depth(LONGEST_PATH)
        policy = policy.extension_policies(ee_policy=anything, ca_policy=authority)
        try:
            policy.build_client_verifier().verify(path[0], list(path[1:]))
        except (VerificationError, ValueError) as error:
            return [Reason("UNTRUSTED", message=str(error)[:200])]
        extensions = {one.oid: one.value for one in path[0].extensions}
        usage = extensions.get(ExtensionOID.KEY_USAGE)
        if isinstance(usage, x509.KeyUsage) and not (usage.digital_signature or usage.content_commitment):
            return [Reason("UNTRUSTED", message="chứng thư không để ký / not a signing certificate")]
        purposes = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE)
        others = self.pack.signature.other_usages
        if isinstance(purposes, x509.ExtendedKeyUsage) and all(one.dotted_string in others for one in purposes):
            return [Reason("UNTRUSTED", message="chứng thư dùng cho việc khác / a certificate for other purposes")]
        return []

    def revoked(self, path: Sequence[x509.Certificate], trust: Trust, at: datetime) -> list[Reason]:
        """Which certificate of a path was revoked when the signature was made.

        That the Ministry took the document before a later revocation is what "in force" says.
        """
        for one, issuer in itertools.pairwise(path):
            for crl in trust.crls:
                key = issuer.public_key()
                if crl.issuer != one.issuer or not crl.is_signature_valid(key):  # type: ignore[arg-type]  # CAs sign
                    continue
                entry = crl.get_revoked_certificate_by_serial_number(one.serial_number)
                if entry is not None and entry.revocation_date_utc <= at:
                    return [Reason("REVOKED_CERT", message=one.subject.rfc4514_string())]
        return []

    def is_person(self, certificate: x509.Certificate, person: Named) -> bool:
        """Whether a certificate is the named person's: by identifier where both have one, else by name."""
        known = self.identifiers(certificate)
        for given, kind in ((person.national_id, "id"), (person.passport, "passport")):
            if given and known.get(kind):
                return bool(known[kind].replace(" ", "").upper() == given.replace(" ", "").upper())
        if person.national_id and known.get("passport") and not known.get("id"):
            return False
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return any(_folded(str(one.value)) == _folded(person.name) for one in names)

    def identifiers(self, certificate: x509.Certificate) -> dict[str, str]:
        """Identifiers in a certificate by kind, as the pack's patterns read them."""
        rules = self.pack.signature.identity
        found: dict[str, str] = {}
        for attribute in certificate.subject:
            if attribute.oid.dotted_string not in rules.attributes:
                continue
            for pattern in (*rules.person, *rules.organisation):
                hit = re.fullmatch(pattern, str(attribute.value))
                if hit is not None:
                    found |= {kind: text for kind, text in hit.groupdict().items() if text}
        return found


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    try:
        subject.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return constraints.ca


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def certificates(texts: Iterable[str]) -> list[x509.Certificate]:
    """Certificates from base64, the signer's first: that which has issued none of the others.

    Raises:
        ValueError: one is none.
    """
    found = [x509.load_der_x509_certificate(base64.b64decode("".join(one.split()), validate=True)) for one in texts]
    issuers = [one.issuer for one in found if one.issuer != one.subject]
    return sorted(found, key=lambda one: one.subject in issuers)
