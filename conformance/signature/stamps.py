"""Time-stamps (RFC 3161 tokens) in XAdES ``SignatureTimeStamp`` and over octets: whether they verify, and if not, why.

Structure by asn1crypto, keys by cryptography, paths and revocation by the run's own trust store. Never raises on what a
document holds.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from lxml import etree

from conformance.pack import Pack, PackError
from conformance.pack.model import SignatureAlgorithm, SignaturePolicy
from conformance.signature import algorithms
from conformance.signature.algorithms import key_bits, key_kind
from conformance.signature.canonical import DS, XADES, canonical
from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.parse import Parsed, decoded
from conformance.signature.revocation import Evidence, Status
from conformance.signature.trust import TrustStore

LARGEST = 64 * 1024
"""Octets of a token that are looked at: real ones have some thousand."""
MOST = 4
"""Time-stamps of one signature that are looked at."""
_MOST_CERTIFICATES = 10
_YEARS = (1970, 9000)
_COARSEST = timedelta(days=1)
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_HARMLESS = (
    None,
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.affiliation_changed,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.cessation_of_operation,
)
"""Reasons for which tokens made before the revocation stay good (RFC 3161 §4); ``None``: nothing was revoked."""


@dataclass(frozen=True, slots=True)
class Strength:
    """What a token's digests and keys must be at least."""

    digests: Collection[str]
    min_rsa_bits: int
    max_rsa_bits: int
    min_ec_bits: int

    @classmethod
    def of(cls, policy: SignaturePolicy) -> Strength:
        """That of a pack."""
        digests = frozenset(policy.digests.values())
        return cls(digests, policy.min_rsa_bits, policy.max_rsa_bits, policy.min_ec_bits)


STRONG = Strength(frozenset({"sha256", "sha384", "sha512"}), 2048, 16384, 256)
"""Where no pack says: for the harness's own results."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token proves. ``problem``: cause code of PL1-KY-015; empty: it verifies. Times are aware."""

    problem: str = ""
    seen: str = ""
    authority: str = ""
    moment: datetime | None = None
    """The time it states."""
    latest: datetime | None = None
    """With its accuracy added: the signature existed by then."""


@dataclass(frozen=True, slots=True)
class Stamp(Proof):
    """One time-stamp of a document."""

    node: etree._Element | None = None


class _Bad(Exception):
    """What is wrong with a token: cause code and what was seen."""

    def __init__(self, cause: str, seen: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.seen = seen


@dataclass(slots=True)
class _Token:
    """The parts of a token that was read."""

    info: tsp.TSTInfo
    content: bytes
    signer: cms.SignerInfo
    certificates: tuple[CertificateFacts, ...]
    moment: datetime
    accuracy: timedelta


def time_stamps(
    parsed: Parsed, pack: Pack, trust: TrustStore | None, embedded: Evidence | None, until: datetime
) -> list[Stamp]:
    """The time-stamps of one signature, judged. ``until``: receipt, up to which a key may turn out compromised.

    Without a trust store all but path and revocation is judged, and a sound one gets the problem ``no-trust-store``.
    """
    found: list[Stamp] = []
    for holder in parsed.time_stamps[:MOST]:
        tokens = list(holder.iterchildren(f"{{{XADES}}}EncapsulatedTimeStamp"))
        if not tokens:
            found.append(Stamp("unreadable", "EncapsulatedTimeStamp", node=holder))
        found.extend(_one(holder, node, parsed, pack, trust, embedded, until) for node in tokens[:MOST])
    return found


def over_octets(token: bytes, octets: bytes, trust: TrustStore | None, until: datetime) -> Proof:
    """What a token over given octets proves (of a response, the token inside). ``until``: as of :func:`time_stamps`."""

    def imprint(read: _Token) -> None:
        stated = read.info["message_imprint"]
        name = _digest_name(stated["hash_algorithm"], STRONG)
        if not hmac.compare_digest(algorithms.digest(name, octets), stated["hashed_message"].native):
            raise _Bad("imprint", stated["hashed_message"].native.hex()[:64])

    return _judged(lambda: _parsed(bare_token(token)), imprint, STRONG, (), trust, None, until)


def bare_token(octets: bytes) -> bytes:
    """The TimeStampToken of a service's whole answer (TimeStampResp); what is none is handed back as it is."""
    try:
        answer = tsp.TimeStampResp.load(octets, strict=True)
        if answer["status"]["status"].native in ("granted", "granted_with_mods"):
            return bytes(answer["time_stamp_token"].dump())
    except Exception:  # a bare token is no answer, and what is neither is told when it is read
        return octets
    return octets


def request_over(octets: bytes) -> bytes:
    """The TimeStampReq (RFC 3161 §2.4.1) for ``octets`` in DER: by SHA-256, asking for the authority's certificate."""
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": algorithms.digest("sha256", octets)}
    made: bytes = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "cert_req": True}).dump()
    return made


def _one(
    holder: etree._Element,
    node: etree._Element,
    parsed: Parsed,
    pack: Pack,
    trust: TrustStore | None,
    embedded: Evidence | None,
    until: datetime,
) -> Stamp:
    strength = Strength.of(pack.signature)
    proof = _judged(
        lambda: _read(node),
        lambda token: _imprint(token, holder, parsed, pack, strength),
        strength,
        [one for one in parsed.certificates if not isinstance(one, str)],
        trust,
        embedded,
        until,
    )
    return Stamp(proof.problem, proof.seen, proof.authority, proof.moment, proof.latest, node)


def _judged(
    read: Callable[[], _Token],
    imprint: Callable[[_Token], None],
    strength: Strength,
    others: Sequence[CertificateFacts],
    trust: TrustStore | None,
    embedded: Evidence | None,
    until: datetime,
) -> Proof:
    token: _Token | None = None
    authority: CertificateFacts | None = None
    try:
        token = read()
        imprint(token)
        authority = _authority(token)
        _signature(token, authority, strength)
        _reference(token, authority)
        _usage(authority)
        _trusted(token, authority, others, trust, embedded, until)
    except _Bad as bad:
        return _proof(token, authority, bad.cause, bad.seen)
    except Exception as error:  # malformed structures are read lazily and raise all sorts of errors
        return _proof(None, None, "unreadable", f"{type(error).__name__}: {error}"[:200])
    return _proof(token, authority)


def _proof(token: _Token | None, authority: CertificateFacts | None, problem: str = "", seen: str = "") -> Proof:
    name = authority.common_name if authority else ""
    if token is None:
        return Proof(problem, seen, name)
    return Proof(problem, seen, name, token.moment, token.moment + token.accuracy)


# ------------------------------------------------------------------------------------------------------------ reading


def _read(node: etree._Element) -> _Token:
    octets = decoded(node.text)
    if not octets or len(node) or len(octets) > LARGEST:
        raise _Bad("unreadable", "base64" if not octets or len(node) else f"{len(octets)} > {LARGEST}")
    return _parsed(octets)


def _parsed(octets: bytes) -> _Token:
    if len(octets) > LARGEST:
        raise _Bad("unreadable", f"{len(octets)} > {LARGEST}")
    outer = cms.ContentInfo.load(octets, strict=True)
    try:
        kind = outer["content_type"].native
    except ValueError:
        if tsp.TimeStampResp.load(octets, strict=True)["status"]["status"].native:
            raise _Bad("whole-response") from None
        raise
    if kind != "signed_data":
        raise _Bad("unreadable", str(kind))
    signed = outer["content"]
    signers = signed["signer_infos"]
    if signed["encap_content_info"]["content_type"].native != "tst_info" or len(signers) != 1:
        raise _Bad("unreadable", "TSTInfo")
    content = signed["encap_content_info"]["content"]
    info = content.parsed
    if not isinstance(info, tsp.TSTInfo):
        raise _Bad("unreadable", "TSTInfo")
    moment, accuracy = info["gen_time"].native, _accuracy(info)
    # a hostile time must not overflow in any zone, and an accuracy of days says nothing
    if not _YEARS[0] <= moment.year <= _YEARS[1] or not timedelta() <= accuracy <= _COARSEST:
        raise _Bad("unreadable", f"genTime {moment.isoformat()} ± {accuracy}")
    certificates = tuple(_certificates(signed["certificates"]))
    return _Token(info, bytes(content), signers[0], certificates, moment, accuracy)


def _certificates(listed: Any) -> Iterator[CertificateFacts]:
    if listed.native is None:
        return
    for one in listed[:_MOST_CERTIFICATES]:
        loaded = load(one.chosen.dump())
        if not isinstance(loaded, str):
            yield loaded


def _accuracy(info: tsp.TSTInfo) -> timedelta:
    said = info["accuracy"].native or {}
    parts = {name: said.get(name) or 0 for name in ("seconds", "millis", "micros")}
    return timedelta(seconds=parts["seconds"], milliseconds=parts["millis"], microseconds=parts["micros"])


def _digest_name(algorithm: Any, strength: Strength) -> str:
    """The name of a digest that the policy allows."""
    name = str(algorithm["algorithm"].native).replace("_", "-")
    if name not in strength.digests:
        raise _Bad("weak-digest", name)
    return name


# ----------------------------------------------------------------------------------------------------------- judging


def _imprint(token: _Token, holder: etree._Element, parsed: Parsed, pack: Pack, strength: Strength) -> None:
    """Whether the imprint is of the canonical ``ds:SignatureValue`` element (ETSI EN 319 132-1 §5.3)."""
    stated = token.info["message_imprint"]
    name = _digest_name(stated["hash_algorithm"], strength)
    imprint: bytes = stated["hashed_message"].native
    element = parsed.value_node
    if element is None:
        raise _Bad("imprint")
    method, prefixes = _method(holder, pack)

    def fits(octets: bytes) -> bool:
        return hmac.compare_digest(algorithms.digest(name, octets), imprint)

    if fits(canonical(element, method, prefixes)):
        return
    others = dict.fromkeys(one.method for one in pack.signature.canonicalization.values())
    for other in others:
        if fits(canonical(element, other)):
            raise _Bad("imprint-other-form", other)
    if fits(parsed.value) or fits("".join((element.text or "").split()).encode()):
        raise _Bad("imprint-octets")
    raise _Bad("imprint", imprint.hex()[:64])


def _method(holder: etree._Element, pack: Pack) -> tuple[str, tuple[str, ...]]:
    """The canonicalization that the time-stamp names; inclusive 1.0 when it names none."""
    node = holder.find(f"{{{DS}}}CanonicalizationMethod")
    if node is None:
        return "inclusive", ()
    known = pack.signature.canonicalization.get(node.get("Algorithm") or "")
    if known is None:
        raise _Bad("unreadable", node.get("Algorithm") or "")
    listed = node.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces")
    return known.method, tuple((listed.get("PrefixList") or "").split())[:32] if listed is not None else ()


def _authority(token: _Token) -> CertificateFacts:
    """The certificate among those inside that the signer information names."""
    sid = token.signer["sid"]
    for one in token.certificates:
        if sid.name == "issuer_and_serial_number":
            named = sid.chosen
            if one.serial == named["serial_number"].native and one.issuer == named["issuer"].dump():
                return one
        else:
            wanted: bytes = sid.native
            try:
                held = one.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
            except x509.ExtensionNotFound:
                continue
            if held == wanted:
                return one
    raise _Bad("certificate-missing")


def _attributes(token: _Token) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in token.signer["signed_attrs"]:
        kind = one["type"].native
        if kind in found or len(one["values"]) != 1:
            raise _Bad("unreadable", str(kind))
        found[kind] = one["values"][0]
    return found


def _signature(token: _Token, authority: CertificateFacts, strength: Strength) -> None:
    signer = token.signer
    name = _digest_name(signer["digest_algorithm"], strength)
    kind, bits = key_kind(authority.key), key_bits(authority.key)
    least, most = (strength.min_rsa_bits, strength.max_rsa_bits) if kind == "rsa" else (strength.min_ec_bits, bits)
    if kind not in ("rsa", "ec") or not least <= bits <= most:
        raise _Bad("weak-key", f"{kind} {bits}")
    attributes = _attributes(token)
    digest = attributes.get("message_digest")
    if digest is None or "content_type" not in attributes or attributes["content_type"].native != "tst_info":
        raise _Bad("unreadable", "SignedAttributes")
    if not hmac.compare_digest(algorithms.digest(name, token.content), digest.native):
        raise _Bad("bad-signature", "messageDigest")
    stated = signer["signature_algorithm"]
    try:
        hashed = str(stated.hash_algo).replace("_", "-")
    except ValueError:  # the algorithm names no digest: it is the signer information's
        hashed = name
    if hashed not in strength.digests:
        raise _Bad("weak-digest", hashed)
    is_pss = stated.signature_algo == "rsassa_pss"
    used = SignatureAlgorithm(
        key="ec" if kind == "ec" else "rsa",
        padding="none" if kind == "ec" else "pss" if is_pss else "pkcs1v15",
        hash=hashed,
    )
    octets = b"\x31" + token.signer["signed_attrs"].dump()[1:]  # signed as a SET, whatever its tag inside is
    check = algorithms.verify_der if kind == "ec" else algorithms.verify
    try:
        good = check(used, authority.key, signer["signature"].native, octets)
    except PackError:
        raise _Bad("weak-digest", hashed) from None
    if not good:
        raise _Bad("bad-signature")


def _reference(token: _Token, authority: CertificateFacts) -> None:
    """The signed reference to the authority's certificate (RFC 3161 §2.4.2, RFC 5816)."""
    attributes = _attributes(token)
    newer, older = attributes.get("signing_certificate_v2"), attributes.get("signing_certificate")
    if newer is not None:
        first = newer["certs"][0]
        name = str(first["hash_algorithm"]["algorithm"].native).replace("_", "-")
    elif older is not None:
        first, name = older["certs"][0], "sha1"  # names a certificate that is there: nothing else rests on it
    else:
        raise _Bad("certificate-mismatch")
    try:
        same = hmac.compare_digest(algorithms.digest(name, authority.der), first["cert_hash"].native)
    except PackError:
        same = False
    if not same:
        raise _Bad("certificate-mismatch", name)


def _usage(authority: CertificateFacts) -> None:
    """Extended key usage timeStamping, critical and alone (RFC 3161 §2.3)."""
    if ExtendedKeyUsageOID.TIME_STAMPING.dotted_string not in authority.usages:
        raise _Bad("usage-missing", ", ".join(authority.usages))
    if len(authority.usages) > 1:
        raise _Bad("usage-not-alone", ", ".join(authority.usages))
    if not authority.usages_critical:
        raise _Bad("usage-not-critical")


def _trusted(
    token: _Token,
    authority: CertificateFacts,
    others: Sequence[CertificateFacts],
    trust: TrustStore | None,
    embedded: Evidence | None,
    until: datetime,
) -> None:
    moment = token.moment
    if not authority.valid_at(moment):
        raise _Bad("authority-expired", f"{authority.not_before:%Y-%m-%d} … {authority.not_after:%Y-%m-%d}")
    if trust is None:
        raise _Bad("no-trust-store")
    mine = [one for one in token.certificates if one is not authority]
    result = trust.path(authority, [*mine, *others], moment)
    if not result.good:
        raise _Bad("untrusted", result.culprit)
    status = trust.status(result.path, moment, max(moment, until), embedded=embedded)
    since = status.since.isoformat(timespec="seconds") if status.since else ""
    if status.status in (Status.REVOKED, Status.SUSPENDED):
        raise _Bad("authority-revoked", since)
    if status.status is Status.REVOKED_AFTER and status.reason not in _HARMLESS:
        raise _Bad("authority-revoked", since)
