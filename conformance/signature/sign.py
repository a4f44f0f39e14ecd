"""Signs transcripts for tests and fixtures: all layers in order, and anything about any signature made otherwise.

Text is inserted and parsed again, never nodes moved: moving parsed nodes drops namespace declarations. One ``adjust``
function sees every planned signature and may change it, drop it or add others.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from lxml import etree

from conformance.document import Document, read
from conformance.pack import Pack, Slot
from conformance.pack.model import SignatureAlgorithm
from conformance.signature import algorithms
from conformance.signature.canonical import DS, XADES, canonical, rerooted
from conformance.signature.pki import Credential, TestPki
from conformance.transcript.model import Leader, Person, Transcript

_VIETNAM = timezone(timedelta(hours=7))
_START_TAG = re.compile(rb"<(?:\"[^\"]*\"|'[^']*'|[^\"'>])*>")
_DSIG11 = "http://www.w3.org/2009/xmldsig11#"
_VERSION = "v1.3.2"
_TYPE_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"


@dataclass(frozen=True, slots=True)
class Style:
    """How a signature is made. Algorithms by the pack's short names, or by full URI to go beyond the pack."""

    xades: bool = True
    """XAdES SignedProperties; else an XML-DSig object with a signed SigningTime property."""
    c14n: str = "exclusive"
    reference_c14n: str | None = None
    """Of the references; ``None``: the same; empty: no transform at all (inclusive 1.0 by the standard)."""
    transforms: tuple[str, ...] = ()
    """URIs of transforms before canonicalization (``…#enveloped-signature``), of references to content."""
    own_transforms: tuple[str, ...] = ()
    """The same of the reference to the signature's own object."""
    line_end: str = "\n"
    """Between lines of base64, as text of the document (``&#13;\\n``: what the JDK writes)."""
    digest: str = "sha256"
    hash: str = "sha256"
    padding: str = "pkcs1v15"
    """Of RSA keys: ``pkcs1v15`` or ``pss``."""
    method: str = ""
    """URI of the signature method; empty: what key, padding and hash say."""
    method_parameters: str = ""
    """What stands inside SignatureMethod, as text."""
    hmac: bool = False
    """The value is an HMAC with the public key: the classic confusion attack."""
    der: bool = False
    """An ECDSA value in DER form, which the standard forbids."""
    prefix: str = "ds"
    """Prefix of the signature's namespace; empty: default namespace."""
    zone: bool = True
    signing_time: bool = True
    certificate_reference: str = "v2"
    """``v2``, ``v1``, ``wrong`` (digest of something else) or empty."""
    xades_version: str = _VERSION
    """Of the namespace; an old one has its own Type of the reference."""
    certificate_digest: str = ""
    """Digest method of that reference, by URI; empty: as everywhere."""
    certificate: bool = True
    """Whether X509Data is there."""
    chain: bool = True
    key_value: bool = False
    wrap: int = 0
    """Line length of base64 texts; 0: one line."""
    target: str = ""
    """Target of the QualifyingProperties; empty: the signature."""
    octets: str = ""
    """What is really digested: a canonicalization, ``raw`` (as written), ``bare`` (without namespaces), ``joined``
    (the values with bars between them) or ``unvalued`` (signatures inside while their values are not there yet)."""
    digest_by: str = ""
    """The digest really made, by the pack's short name."""
    digest_as: str = ""
    """How the digest is written: ``hex``, ``base64-hex``, ``unpadded``, ``url``; empty: as it must be."""
    octets_of: str = ""
    """These three hold for this reference only; empty: for all references to content."""
    value_by: str = ""
    """URI of the method with which the value is really made."""
    value_c14n: str = ""
    """The canonicalization over which the value is really made."""
    value_over: str = ""
    """What is really signed, of SignedInfo: its ``digest``; empty: itself."""
    value_as: str = ""
    """How the value is written: as a digest can be, ``reversed``, ``cms``, ``pem``; empty: as it must be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One signature to be made."""

    slot: str
    number: int
    """From 1, in its slot."""
    uris: tuple[str, ...]
    """References to content, ``#id``."""
    credential: Credential
    at: datetime
    layer: int
    """Layers are signed in ascending order."""
    role: str
    subject: int | None = None
    """Index of the subject, from 0."""
    teacher: int | None = None
    """Index of the teacher among those the subject names, from 0."""
    style: Style = Style()
    objects: str = ""
    """Further ``Object`` elements, as text."""
    stamp: Callable[[bytes], bytes] | None = None
    """Makes a time-stamp token over the canonical SignatureValue (XAdES only)."""
    stamp_c14n: str = "exclusive"
    """Canonicalization that the time-stamp names; empty: it names none."""
    unsigned: str = ""
    """Further unsigned signature properties, as text (XAdES only)."""

    @property
    def id(self) -> str:
        """The signature's ``Id``."""
        return f"sig-{self.slot}-{self.number}"


Adjust = Callable[[Plan], Plan | Iterable[Plan] | None]
"""Changes a plan, drops it (``None``) or makes several of it."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Who signs: credentials by personal identifier or passport, and the school's seal."""

    people: Mapping[str, Credential]
    seal: Credential | None = None

    @classmethod
    def of(cls, data: bytes, pack: Pack, pki: TestPki, *, seal: bool = True, key: str = "p256") -> Signers:
        """New credentials for everybody an unsigned document names."""
        transcript = _document(data, pack).transcript
        people: dict[str, Credential] = {}
        for person in _everybody(transcript):
            who = identifier_of(person)
            if who and who not in people:
                passport = None if person.national_id else who
                name = person.name.raw if person.name else ""
                people[who] = pki.person(name, None if passport else who, passport, key=key)
        school = transcript.record.school_code
        name = transcript.school.name.raw if transcript.school.name else ""
        made = pki.organisation(name, school=school.raw if school else None, key=key) if seal else None
        return cls(people, made)


def identifier_of(person: Person | Leader) -> str:
    """The identifier by which the document names somebody: personal number, else passport."""
    if person.national_id is not None:
        return person.national_id.raw
    passport = getattr(person, "passport", None)
    return passport.raw if passport is not None else ""


def _everybody(transcript: Transcript) -> Iterable[Person | Leader]:
    for subject in transcript.subjects:
        yield from subject.teachers
    yield transcript.summary.homeroom_teacher
    yield transcript.issue.leader


def _document(data: bytes, pack: Pack) -> Document:
    reading = read(data, pack)
    if reading.document is None:
        raise ValueError(f"không phải học bạ / not a transcript: {reading.problems}")
    return reading.document


def sign_document(
    data: bytes,
    pack: Pack,
    signers: Signers,
    *,
    at: datetime,
    style: Style = Style(),
    adjust: Adjust | None = None,
) -> bytes:
    """``data`` (signature slots present and empty, see :func:`conformance.document.write`) with all its signatures.

    Each layer signs one second after the one before, the first at ``at``. A seal is made if ``signers`` has one.
    """
    plans: list[Plan] = []
    for plan in _plans(_document(data, pack), pack, signers, at, style):
        made = plan if adjust is None else adjust(plan)
        if isinstance(made, Plan):
            plans.append(made)
        elif made is not None:
            plans.extend(made)
    for layer in sorted({plan.layer for plan in plans}):
        data = _sign_layer(data, pack, [plan for plan in plans if plan.layer == layer])
    return data


def _plans(document: Document, pack: Pack, signers: Signers, at: datetime, style: Style) -> Iterable[Plan]:
    transcript = document.transcript
    for layer, slot in enumerate(pack.signature.slots):
        when = at + timedelta(seconds=layer)
        if slot.per == "subject":
            number = 0
            for index, subject in enumerate(transcript.subjects):
                for position, teacher in enumerate(subject.teachers):
                    number += 1
                    yield Plan(
                        slot.name, number, _uris(document, pack, slot, subject.node), _credential(signers, teacher),
                        when, layer, slot.role, index, position, style,
                    )  # fmt: skip
            continue
        if slot.name == "school-seal":
            if signers.seal is None:
                continue
            credential = signers.seal
        elif slot.name == "principal":
            credential = _credential(signers, transcript.issue.leader)
        else:
            credential = _credential(signers, transcript.summary.homeroom_teacher)
        yield Plan(
            slot.name, 1, _uris(document, pack, slot, None), credential, when, layer, slot.role, style=style
        )  # fmt: skip


def _credential(signers: Signers, person: Person | Leader) -> Credential:
    return signers.people[identifier_of(person)]


def _uris(document: Document, pack: Pack, slot: Slot, subject: object) -> tuple[str, ...]:
    attribute = pack.binding.id_attribute
    found: list[str] = []
    for covered in slot.covers:
        kind, _, other = covered.rpartition(":")
        if kind:
            groups = document.slots(other)
            found.append(f"#{(groups[0].get(attribute) if groups else None) or f'slot-{other}'}")
            continue
        elements = document.anchors(covered)
        if subject is not None and any(one is subject for one in elements):
            found.append(f"#{subject.get(attribute)}")  # type: ignore[attr-defined]
        elif elements:
            found.append(f"#{elements[0].get(attribute)}")
    return tuple(found)


# ------------------------------------------------------------------------------------------------------------ text


def insert(data: bytes, path: str, text: str, pack: Pack, *, create: str = "") -> bytes:
    """``text`` put at the end of the element at ``path`` below the root; ``create``: attributes if it must be made."""
    names = [pack.binding.root, *path.split("/")]
    place = _end_of(data, names)
    if place is None:
        parent = "/".join(path.split("/")[:-1])
        return insert(data, parent, f"<{names[-1]}{create}>{text}</{names[-1]}>", pack)
    start, end = place
    tag = _START_TAG.match(data, start)
    if tag is not None and tag[0].endswith(b"/>"):
        name = data[start + 1 : tag.end()].split(None, 1)[0].removesuffix(b"/>")
        return data[: tag.end() - 2].rstrip() + b">" + text.encode() + b"</" + name + b">" + data[tag.end() :]
    return data[:end] + text.encode() + data[end:]


def _end_of(data: bytes, names: list[str]) -> tuple[int, int] | None:
    """Byte offsets of the start tag and of the end tag of the first element at the path."""
    way: list[str] = []
    starts: list[int] = []
    found: list[tuple[int, int]] = []
    parser = expat.ParserCreate()

    def start(name: str, _: dict[str, str]) -> None:
        way.append(name.rpartition(":")[2])
        starts.append(parser.CurrentByteIndex)

    def end(_: str) -> None:
        if way == names and not found:
            found.append((starts[-1], parser.CurrentByteIndex))
        way.pop()
        starts.pop()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(data, True)
    return found[0] if found else None


def _sign_layer(data: bytes, pack: Pack, plans: list[Plan]) -> bytes:
    policy = pack.signature
    marks: dict[str, tuple[str, str, str, str]] = {}  # placeholder → (Id, canonicalization, digest, spelling)
    boxes: dict[str, str] = {}
    for plan in plans:
        boxes[plan.slot] = boxes.get(plan.slot, "") + (
            f"<{policy.box} {pack.binding.id_attribute}={quoteattr(f'box-{plan.slot}-{plan.number}')} "
            f"{policy.role_attribute}={quoteattr(plan.role)}>{_signature(plan, pack, marks)}</{policy.box}>"
        )
    for name, text in boxes.items():
        slot = next(one for one in policy.slots if one.name == name)
        attributes = f" {pack.binding.id_attribute}={quoteattr('slot-' + name)}"
        data = insert(data, slot.path, text, pack, create=attributes)
    root = etree.fromstring(data)
    by_id: dict[str | None, etree._Element] = {}
    named = [one for one in root.iter(etree.Element) if one.keys()]
    for spelling in ("id", "ID", "Id", pack.binding.id_attribute):  # inside a signature always "Id"
        by_id.update((one.get(spelling), one) for one in named)
    known: dict[tuple[str, str, str, str], str] = {}
    for mark, key in marks.items():
        target, method, name, spelling = key
        if key not in known:
            element = root if target == "" else by_id.get(target)
            octets = _octets(element, method) if element is not None else b""
            known[key] = _spelled(algorithms.digest(name, octets), spelling)
        data = data.replace(mark.encode(), known[key].encode())
    root = etree.fromstring(data)
    for element in root.iter(f"{{{DS}}}Signature"):
        text = element.findtext(f"{{{DS}}}SignatureValue") or ""
        planned = next((one for one in plans if text == f"VALUE-{one.id}-"), None)
        if planned is not None:
            data = data.replace(f"VALUE-{planned.id}-".encode(), _value(planned, element[0], pack).encode())
    return _stamped(data, pack, plans)


def _stamped(data: bytes, pack: Pack, plans: list[Plan]) -> bytes:
    """``data`` with the time-stamps over the values that were just made."""
    wanted = {plan.id: plan for plan in plans if plan.stamp is not None}
    if not wanted:
        return data
    for element in etree.fromstring(data).iter(f"{{{DS}}}Signature"):
        plan = wanted.get(element.get("Id") or "")
        if plan is not None and plan.stamp is not None:
            method = _c14n(plan.stamp_c14n, pack)[1] if plan.stamp_c14n else "inclusive"
            token = plan.stamp(_octets(element[1], method))
            data = data.replace(f"STAMP-{plan.id}-".encode(), base64.b64encode(token))
    return data


def _unsigned(plan: Plan, pack: Pack) -> str:
    stamp = ""
    if plan.stamp is not None:
        method = ""
        if plan.stamp_c14n:
            uri = _c14n(plan.stamp_c14n, pack)[0]
            method = f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{uri}"/>'
        stamp = (
            f"<xades:SignatureTimeStamp>{method}<xades:EncapsulatedTimeStamp>STAMP-{plan.id}-"
            "</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"
        )
    if not stamp and not plan.unsigned:
        return ""
    return (
        f"<xades:UnsignedProperties><xades:UnsignedSignatureProperties>{stamp}{plan.unsigned}"
        "</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    )


def revocation_values(crls: Iterable[bytes] = (), answers: Iterable[bytes] = ()) -> str:
    """The unsigned property that keeps revocation lists and OCSP answers (DER) inside a signature, as text."""
    parts = (("CRLValues", "EncapsulatedCRLValue", crls), ("OCSPValues", "EncapsulatedOCSPValue", answers))
    inside = ""
    for holder, name, values in parts:
        listed = "".join(f"<xades:{name}>{base64.b64encode(one).decode()}</xades:{name}>" for one in values)
        inside += f"<xades:{holder}>{listed}</xades:{holder}>" if listed else ""
    return f"<xades:RevocationValues>{inside}</xades:RevocationValues>"


def _octets(element: etree._Element, method: str) -> bytes:
    if method == "raw":
        return etree.tostring(element, with_tail=False, encoding="utf-8")
    if method == "joined":
        return "|".join(map(str, element.itertext())).encode()
    if method == "bare":
        root = copy.deepcopy(element)
        for one in root.iter(etree.Element):
            one.tag = etree.QName(one).localname
        etree.cleanup_namespaces(root)
        return canonical(root)
    if method == "unvalued":
        root = rerooted(element)
        for one in root.iter(f"{{{DS}}}SignatureValue"):
            one.text = None
        return canonical(root)
    return canonical(element, method.removesuffix("+comments"), comments=method.endswith("+comments"))


def _c14n(name: str, pack: Pack) -> tuple[str, str]:
    """URI and what to do for a canonicalization given by name or URI."""
    for uri, one in pack.signature.canonicalization.items():
        if name in (uri, one.method):
            return uri, one.method
    method = "exclusive" if "exc" in name else "inclusive"
    return name, method + ("+comments" if name.endswith("WithComments") else "")


def _digest_uri(name: str, pack: Pack) -> tuple[str, str]:
    for uri, short in pack.signature.digests.items():
        if name in (uri, short):
            return uri, short
    return name, "sha1" if name.endswith("sha1") else "sha256"


def _spelled(octets: bytes, spelling: str) -> str:
    """Octets as text: base64, or what it is mistaken for."""
    match spelling:
        case "hex":
            return octets.hex()
        case "base64-hex":
            return base64.b64encode(octets.hex().encode()).decode()
        case "url":
            return base64.urlsafe_b64encode(octets).decode()
        case _:
            text = base64.b64encode(octets).decode()
            return text.rstrip("=") if spelling == "unpadded" else text


def _wrapped(octets: bytes, style: Style) -> str:
    text = base64.b64encode(octets).decode()
    if not style.wrap:
        return text
    lines = (text[at : at + style.wrap] for at in range(0, len(text), style.wrap))
    return style.line_end + style.line_end.join(lines) + style.line_end


def _method(plan: Plan, pack: Pack) -> tuple[str, SignatureAlgorithm]:
    style = plan.style
    is_rsa = isinstance(plan.credential.key, rsa.RSAPrivateKey)
    wanted = SignatureAlgorithm(
        key="rsa" if is_rsa else "ec", padding=style.padding if is_rsa else "none", hash=style.hash  # type: ignore[arg-type]
    )  # fmt: skip
    if style.method:
        chosen = wanted.model_copy(update={"hash": "sha1"}) if style.method.endswith("sha1") else wanted
        return style.method, pack.signature.signatures.get(style.method, chosen)
    return next((uri, one) for uri, one in pack.signature.signatures.items() if one == wanted)


def _signature(plan: Plan, pack: Pack, marks: dict[str, tuple[str, str, str, str]]) -> str:
    style = plan.style
    p = f"{style.prefix}:" if style.prefix else ""
    declared = f'xmlns:{style.prefix}="{DS}"' if style.prefix else f'xmlns="{DS}"'
    reference_c14n = style.c14n if style.reference_c14n is None else style.reference_c14n
    c14n_uri, c14n_method = _c14n(reference_c14n, pack) if reference_c14n else ("", "inclusive")
    digest_uri, digest_name = _digest_uri(style.digest, pack)
    uris = [(uri, "") for uri in plan.uris]
    if style.xades:
        kind = _TYPE_PROPERTIES if style.xades_version == _VERSION else f"{_xades(style)}SignedProperties"
        uris.append((f"#{plan.id}-props", f' Type="{kind}"'))
    elif style.signing_time:
        uris.append((f"#{plan.id}-time", ""))
    references = []
    for number, (uri, kind) in enumerate(uris):
        mark = f"DIGEST-{plan.id}-{number}-"
        false = number < len(plan.uris) and style.octets_of in ("", uri)
        method = style.octets if false and style.octets else c14n_method
        name = style.digest_by if false and style.digest_by else digest_name
        marks[mark] = (uri.removeprefix("#"), method, name, style.digest_as if false else "")
        before = style.transforms if number < len(plan.uris) else style.own_transforms
        steps = "".join(f'<{p}Transform Algorithm="{one}"/>' for one in (*before, c14n_uri) if one)
        transforms = f"<{p}Transforms>{steps}</{p}Transforms>" if steps else ""
        references.append(
            f'<{p}Reference URI="{uri}"{kind}>{transforms}<{p}DigestMethod Algorithm="{digest_uri}"/>'
            f"<{p}DigestValue>{mark}</{p}DigestValue></{p}Reference>"
        )
    method_end = f">{style.method_parameters}</{p}SignatureMethod>" if style.method_parameters else "/>"
    return (
        f'<{p}Signature {declared} Id="{plan.id}"><{p}SignedInfo>'
        f'<{p}CanonicalizationMethod Algorithm="{_c14n(style.c14n, pack)[0]}"/>'
        f'<{p}SignatureMethod Algorithm="{_method(plan, pack)[0]}"{method_end}{"".join(references)}</{p}SignedInfo>'
        f"<{p}SignatureValue>VALUE-{plan.id}-</{p}SignatureValue>{_key_info(plan, p)}"
        f"{_properties(plan, p, digest_uri, digest_name, pack)}{plan.objects}</{p}Signature>"
    )


def _xades(style: Style) -> str:
    return XADES.replace(_VERSION, style.xades_version)


def _key_info(plan: Plan, p: str) -> str:
    style = plan.style
    inside = ""
    if style.key_value:
        inside += f"<{p}KeyValue>{_key_value(plan, p)}</{p}KeyValue>"
    if style.certificate:
        certificates = [plan.credential.certificate, *(plan.credential.chain if style.chain else ())]
        listed = "".join(
            f"<{p}X509Certificate>{_wrapped(one.public_bytes(Encoding.DER), style)}</{p}X509Certificate>"
            for one in certificates
        )
        inside += f"<{p}X509Data>{listed}</{p}X509Data>"
    return f"<{p}KeyInfo>{inside}</{p}KeyInfo>" if inside else ""


_CURVES = {"secp256r1": "1.2.840.10045.3.1.7", "secp384r1": "1.3.132.0.34", "secp521r1": "1.3.132.0.35"}


def _key_value(plan: Plan, p: str) -> str:
    """The bare public key: RSAKeyValue of XML-DSig 1.0, ECKeyValue of 1.1."""
    public = plan.credential.key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        modulus, exponent = (
            _wrapped(one.to_bytes((one.bit_length() + 7) // 8), plan.style) for one in (numbers.n, numbers.e)
        )
        return (
            f"<{p}RSAKeyValue><{p}Modulus>{modulus}</{p}Modulus><{p}Exponent>{exponent}</{p}Exponent></{p}RSAKeyValue>"
        )
    point = _wrapped(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), plan.style)
    return (
        f'<dsig11:ECKeyValue xmlns:dsig11="{_DSIG11}"><dsig11:NamedCurve URI="urn:oid:{_CURVES[public.curve.name]}"/>'
        f"<dsig11:PublicKey>{point}</dsig11:PublicKey></dsig11:ECKeyValue>"
    )


def _properties(plan: Plan, p: str, digest_uri: str, digest_name: str, pack: Pack) -> str:
    style = plan.style
    local = plan.at.astimezone(_VIETNAM)
    text = (local if style.zone else local.replace(tzinfo=None)).isoformat(timespec="seconds")
    if not style.xades:
        if not style.signing_time:
            return ""
        return (
            f'<{p}Object Id="{plan.id}-time"><{p}SignatureProperties><{p}SignatureProperty Target="#{plan.id}">'
            f'<SigningTime xmlns="http://example.org/#signatureProperties">{text}</SigningTime>'
            f"</{p}SignatureProperty></{p}SignatureProperties></{p}Object>"
        )
    time = f"<xades:SigningTime>{text}</xades:SigningTime>" if style.signing_time else ""
    if style.certificate_digest:
        digest_uri, digest_name = _digest_uri(style.certificate_digest, pack)
    value = base64.b64encode(
        algorithms.digest(digest_name, b"" if style.certificate_reference == "wrong" else plan.credential.der)
    ).decode()
    cert = (
        f'<xades:Cert><xades:CertDigest><ds:DigestMethod xmlns:ds="{DS}" Algorithm="{digest_uri}"/>'
        f'<ds:DigestValue xmlns:ds="{DS}">{value}</ds:DigestValue></xades:CertDigest></xades:Cert>'
    )
    reference = {
        "": "",
        "v1": f"<xades:SigningCertificate>{cert}</xades:SigningCertificate>",
    }.get(style.certificate_reference, f"<xades:SigningCertificateV2>{cert}</xades:SigningCertificateV2>")
    return (
        f'<{p}Object><xades:QualifyingProperties xmlns:xades="{_xades(style)}" '
        f'Target="{style.target or "#" + plan.id}">'
        f'<xades:SignedProperties Id="{plan.id}-props"><xades:SignedSignatureProperties>{time}{reference}'
        f"</xades:SignedSignatureProperties></xades:SignedProperties>{_unsigned(plan, pack)}"
        f"</xades:QualifyingProperties></{p}Object>"
    )


def _value(plan: Plan, signed_info: etree._Element, pack: Pack) -> str:
    style = plan.style
    octets = _octets(signed_info, _c14n(style.value_c14n or style.c14n, pack)[1])
    algorithm = pack.signature.signatures[style.value_by] if style.value_by else _method(plan, pack)[1]
    key = plan.credential.key
    if plan.style.hmac:
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return _wrapped(hmac.new(public, octets, hashlib.sha256).digest(), plan.style)
    if style.value_over == "digest":
        octets = algorithms.digest(algorithm.hash, octets)
    value = algorithms.sign(algorithm, key, octets)
    if plan.style.der:
        value = algorithms.to_der(value)
    match style.value_as:
        case "":
            return _wrapped(value, plan.style)
        case "reversed":
            return _spelled(value[::-1], "")
        case "cms" | "pem":
            builder = pkcs7.PKCS7SignatureBuilder().set_data(octets)
            builder = builder.add_signer(plan.credential.certificate, key, hashes.SHA256())
            options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
            return (
                builder.sign(Encoding.PEM, options).decode()
                if style.value_as == "pem"
                else _spelled(builder.sign(Encoding.DER, options), "")
            )
        case _:
            return _spelled(value, style.value_as)


def re_signed(plan: Plan, **changes: object) -> Plan:
    """``plan`` with changes of its style: shorthand for ``adjust`` functions."""
    return replace(plan, style=replace(plan.style, **changes))  # type: ignore[arg-type]
