"""Services of the test PKI, without a network: OCSP answers (RFC 6960) and time-stamps (RFC 3161) as octets.

Each can be made wrong in every way that a verifier must tell. Nothing here reads a clock: times are given.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from conformance.signature.pki import Credential, Extras, TestPki

_POLICY = "1.3.6.1.4.1.99999.3161"
"""A policy of nobody's: time-stamps of tests only."""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303  # to make what must be refused
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def ocsp_delegate(
    pki: TestPki,
    credential: Credential,
    *,
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.OCSP_SIGNING,),
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    no_check: bool = True,
) -> Credential:
    """A responder to which the issuer of ``credential`` gave the right to answer."""
    issuer = pki.issuer_of(credential).credential
    return pki.organisation(
        "Trả lời OCSP (thử nghiệm)",
        ca=issuer,
        usage="digital-signature",
        not_before=not_before,
        not_after=not_after,
        extras=Extras(purposes=purposes, no_check=no_check),
    )


def ocsp_answer(
    pki: TestPki,
    credential: Credential,
    *,
    signer: Credential | None = None,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    unknown: bool = False,
    by_name: bool = False,
    hash_algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """What the issuer of ``credential`` answers about it, in DER, from what :meth:`TestPki.revoke` was told.

    ``signer``: a delegate (whose certificate comes along); without one the issuer signs. ``next_update`` may be absent,
    as with responders that always answer afresh. The answer speaks of ``this_update`` (default: the PKI's ``now``, or
    the last revocation).
    """
    authority = pki.issuer_of(credential)
    issuer = authority.credential
    entry = next(
        (one for one in authority.revoked if one.serial == credential.certificate.serial_number), None
    )  # fmt: skip
    known = None if unknown else entry
    status = ocsp.OCSPCertStatus.UNKNOWN if unknown else ocsp.OCSPCertStatus.GOOD
    spoken = this_update or max([pki.now, *(one.at for one in authority.revoked)])
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=credential.certificate,
        issuer=issuer.certificate,
        algorithm=hash_algorithm or hashes.SHA1(),  # noqa: S303  # as every responder names an issuer
        cert_status=ocsp.OCSPCertStatus.REVOKED if known else status,
        this_update=spoken,
        next_update=next_update,
        revocation_time=known.at if known else None,
        revocation_reason=known.reason if known else None,
    )
    used = signer or issuer
    named = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = builder.responder_id(named, used.certificate)
    if signer is not None:
        builder = builder.certificates([signer.certificate])
    return builder.sign(used.key, hashes.SHA256()).public_bytes(Encoding.DER)


def ocsp_failure(status: ocsp.OCSPResponseStatus = ocsp.OCSPResponseStatus.TRY_LATER) -> bytes:
    """An answer that is none: the responder cannot or will not say."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True)
class Stamping:
    """How a time-stamp is made; the defaults are sound."""

    imprint: str = "sha256"
    """Digest of the stamped octets, by asn1crypto's name."""
    signed: str = "sha256"
    """Digest of the token's signature."""
    of_other: bool = False
    """The imprint is of something else."""
    content: str = "tst_info"
    """What the signed attributes call the content; empty: nothing."""
    tampered: bool = False
    """The token's signature is spoiled."""
    reference: Literal["v2", "other", ""] = "v2"
    """The signed reference to the authority's certificate: right, of another one, or none."""
    certificate: bool = True
    """Whether the authority's certificate is inside."""
    accuracy: int | None = 1
    """Seconds."""


class TimeStampAuthority:
    """An authority that stamps octets with a given time."""

    def __init__(
        self,
        pki: TestPki,
        *,
        purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
        critical: bool = True,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key: str = "p256",
        ca: Credential | Literal["self"] | None = None,
    ) -> None:
        self.credential = pki.organisation(
            "Cấp dấu thời gian (thử nghiệm)",
            usage="digital-signature",
            key=key,
            not_before=not_before,
            not_after=not_after,
            ca=ca,
            extras=Extras(purposes=purposes, critical=critical),
        )
        self._serial = 0

    def token(self, octets: bytes, at: datetime, how: Stamping = Stamping()) -> bytes:
        """A TimeStampToken over ``octets`` in DER."""
        self._serial += 1
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": _POLICY,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": how.imprint},
                    "hashed_message": _digest(how.imprint, octets + (b"other" if how.of_other else b"")),
                },
                "serial_number": self._serial,
                "gen_time": at,
                **({"accuracy": {"seconds": how.accuracy}} if how.accuracy is not None else {}),
            }
        ).dump()
        own = asn1.Certificate.load(self.credential.der)
        attributes = cms.CMSAttributes(
            [
                *([{"type": "content_type", "values": [how.content]}] if how.content else []),
                {"type": "message_digest", "values": [_digest(how.signed, info)]},
                *self._reference(how),
            ]
        )
        value = self._signed(attributes.dump(), how)
        if how.tampered:
            value = value[:-1] + bytes([value[-1] ^ 1])
        is_ec = isinstance(self.credential.key, ec.EllipticCurvePrivateKey)
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": how.signed}],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
                **({"certificates": [own]} if how.certificate else {}),
                "signer_infos": [
                    {
                        "version": "v1",
                        "sid": {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}},
                        "digest_algorithm": {"algorithm": how.signed},
                        "signed_attrs": attributes,
                        "signature_algorithm": {"algorithm": f"{how.signed}_ecdsa" if is_ec else "rsassa_pkcs1v15"},
                        "signature": value,
                    }
                ],
            }
        )
        made: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
        return made

    def response(self, octets: bytes, at: datetime, how: Stamping = Stamping()) -> bytes:
        """The token as a service sends it: a TimeStampResp with the status "granted"."""
        token = cms.ContentInfo.load(self.token(octets, at, how))
        made: bytes = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
        return made

    def _reference(self, how: Stamping) -> list[dict[str, object]]:
        if not how.reference:
            return []
        digest = hashlib.sha256(self.credential.der if how.reference == "v2" else b"").digest()
        reference = tsp.SigningCertificateV2({"certs": [{"cert_hash": digest}]})
        return [{"type": "signing_certificate_v2", "values": [reference]}]

    def _signed(self, octets: bytes, how: Stamping) -> bytes:
        key = self.credential.key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(octets, ec.ECDSA(_HASHES[how.signed]))
        return key.sign(octets, padding.PKCS1v15(), _HASHES[how.signed])


def _digest(name: str, octets: bytes) -> bytes:
    return hashlib.new(name, octets, usedforsecurity=False).digest()
