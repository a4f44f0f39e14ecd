"""The strict reading of one ``ds:Signature``: its parts, or what is wrong with its form. No key is used here."""

from __future__ import annotations

import binascii
import itertools
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from conformance.pack import Pack
from conformance.pack.model import SignatureAlgorithm
from conformance.signature.canonical import DS, XADES
from conformance.signature.certificate import LARGEST, CertificateFacts, load
from conformance.signature.parameters import with_parameters

SIGNATURE = f"{{{DS}}}Signature"
_SIGNED_INFO, _VALUE, KEY_INFO, _OBJECT = (
    f"{{{DS}}}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")
)
_PARTS = (_SIGNED_INFO, _VALUE, KEY_INFO, _OBJECT)
"""The parts of a signature in the order that its schema lays down."""
_NO_ELEMENTS: frozenset[object] = frozenset((etree.Comment, etree.PI, etree.Entity))
_METHODS = [f"{{{DS}}}CanonicalizationMethod", f"{{{DS}}}SignatureMethod"]
_REFERENCE = f"{{{DS}}}Reference"
_BARE_REFERENCE = [f"{{{DS}}}DigestMethod", f"{{{DS}}}DigestValue"]
_FULL_REFERENCE = [f"{{{DS}}}Transforms", *_BARE_REFERENCE]
_X509_DATA, _X509_CERTIFICATE = f"{{{DS}}}X509Data", f"{{{DS}}}X509Certificate"
_PREFIXES = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
_PROPERTIES, _TIME_STAMP, _LISTS, _ANSWERS, _CERTIFICATES = (
    f"{{{XADES}}}{name}"
    for name in ("SignedProperties", "SignatureTimeStamp", "CRLValues", "OCSPValues", "CertificateValues")
)
_CERTIFICATE_V2, _CERTIFICATE_V1, _CERT = (
    f"{{{XADES}}}{name}" for name in ("SigningCertificateV2", "SigningCertificate", "Cert")
)
_DIGEST_METHOD, _DIGEST_VALUE = f"{{{DS}}}DigestMethod", f"{{{DS}}}DigestValue"
_SIGNING_TIME = "SigningTime"
PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BASE64_URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_UNPADDED = re.compile(r"[A-Za-z0-9+/]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What may be an identifier, and is no likely file."""
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ROOM = 160
"""Characters of a list of allowed algorithms that a finding shows."""
_MOST_TRANSFORMS = 4
_MOST_CERTIFICATES = 10
_MOST_VALUES = 10
"""Lists, answers and certificates among the unsigned properties that are looked at, of each kind."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fact against a signature: ``group.cause`` (``form.empty-uri``, ``algorithm.sha-1``), where, and details."""

    kind: str
    node: etree._Element
    seen: str = ""
    expected: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


class Step(NamedTuple):
    """One canonicalization: method name and inclusive prefix list."""

    method: str
    prefixes: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Reference:
    """One reference of a signature. ``good``: whether the digest verifies; ``None``: not computed."""

    signed_info: etree._Element
    number: int
    """From 0, among the references as they stand there."""
    uri: str
    kind: str
    steps: tuple[Step, ...]
    digest_name: str
    value: bytes
    target: etree._Element | None = None
    enveloped: bool = False
    """Lists the enveloped-signature transform."""
    own: bool = False
    """The target lies in the signature itself."""
    good: bool | None = None

    @property
    def node(self) -> etree._Element:
        """The ``ds:Reference`` element."""
        return _elements(self.signed_info)[0][len(_METHODS) + self.number]

    @property
    def id(self) -> str:
        """The identifier it points to."""
        return self.uri.removeprefix("#")


class PropertiesSaid(NamedTuple):
    """What XAdES SignedProperties say of the signature and of the signer's certificate."""

    of_this: bool
    """Whether the Target of the QualifyingProperties is the signature."""
    timed: bool
    """Whether the only signing time of the signature stands in them."""
    version: int
    """Of the reference to the certificate: 2 (SigningCertificateV2), 1, or 0: there is none."""
    digest_method: str
    """URI of the first digest method that the reference names."""
    digest_name: str
    digest: bytes
    """Of the certificate; empty like the name where no digest can be used."""


@dataclass(slots=True, eq=False)
class Parsed:
    """The parts of one signature."""

    node: etree._Element
    signed_info: etree._Element | None = None
    octets: bytes = b""
    """SignedInfo in the exclusive canonical form, where it is known already; else empty."""
    step: Step | None = None
    method: str = ""
    algorithm: SignatureAlgorithm | None = None
    references: list[Reference] = field(default_factory=list)
    value_node: etree._Element | None = None
    value: bytes = b""
    key_info: bool = False
    x509_data: int = 0
    certificates: Sequence[CertificateFacts | str] = ()
    """In the order of the document; a text where one cannot be read."""
    leaf: CertificateFacts | None = None
    """The signer's, as far as the certificates themselves tell."""
    properties: list[etree._Element] = field(default_factory=list)
    """XAdES SignedProperties elements."""
    old_xades: str = ""
    """The namespace of SignedProperties of an earlier XAdES."""
    said: PropertiesSaid | None = None
    """What they say, where there is one such element."""
    properties_octets: bytes = b""
    """That one element in the exclusive canonical form, where it is known already; else empty."""
    times: list[etree._Element] = field(default_factory=list)
    """Elements that call themselves a signing time, signed or not."""
    time_stamps: list[etree._Element] = field(default_factory=list)
    extra: list[CertificateFacts] = field(default_factory=list)
    """Readable certificates among the unsigned properties: they may help to build a path, never more."""
    crls: list[bytes] = field(default_factory=list)
    """Revocation lists among the unsigned properties, as they stand there."""
    answers: list[bytes] = field(default_factory=list)
    """OCSP answers among the unsigned properties, as they stand there."""
    portability: dict[str, etree._Element] = field(default_factory=dict)
    """Deviation from the portable form → where."""
    troubles: list[Trouble] = field(default_factory=list)

    def against(self, kind: str, node: etree._Element | None = None, **details: str) -> None:
        """Record a trouble."""
        seen, expected = details.pop("seen", ""), details.pop("expected", "")
        self.troubles.append(Trouble(kind, self.node if node is None else node, seen[:200], expected[:200], details))


def refused_cause(uri: str, pack: Pack) -> str:
    """The cause for an algorithm that is not allowed: the usual suspect's name, or ``unknown``."""
    return pack.signature.refused.get(uri, "unknown").lower()


def _listed(names: Iterable[str]) -> str:
    """The first names of a list, as many as a finding has room for."""
    shown = ""
    for name in names:
        if len(shown) + len(name) > _ROOM:
            return f"{shown}, …"
        shown = f"{shown}, {name}" if shown else name
    return shown


def _elements(node: etree._Element) -> tuple[list[etree._Element], list[str]]:
    """The child elements, and their names."""
    children = list(node)
    tags = [child.tag for child in children]
    if not _NO_ELEMENTS.isdisjoint(tags):
        children = [child for child in children if isinstance(child.tag, str)]
        tags = [child.tag for child in children]
    return children, tags


def _local(tags: Iterable[str]) -> str:
    return ", ".join(tag.rpartition("}")[2] for tag in tags)


def decoded(text: str | None) -> bytes | None:
    """Strict base64, white space apart; ``None`` when it is not base64."""
    compact = "".join((text or "").split())
    try:
        return binascii.a2b_base64(compact) if _BASE64.fullmatch(compact) else None
    except binascii.Error:
        return None


def _no_base64(text: str) -> str:
    """What is wrong with a text that is not base64: the usual encoder's name, where it can be told."""
    compact = "".join(text.split())
    if "-----BEGIN" in text:
        return "form.base64-pem"
    if _BASE64_URL.fullmatch(compact) and not compact.isalnum():
        return "form.base64-url"
    unpadded = _UNPADDED.fullmatch(compact) and len(compact) % 4 > 1 and not _HEX.fullmatch(compact)
    return "form.base64-unpadded" if unpadded else "form.not-base64"


def _shown(text: str) -> str:
    """How a text that is not base64 begins: of one in lines the first, which says what it is."""
    return text.strip().partition("\n")[0][:40]


def _rank(tag: str) -> int:
    """Where the schema of signatures puts an element."""
    return _PARTS.index(tag) if tag in _PARTS else len(_PARTS)


def parse(node: etree._Element, pack: Pack) -> Parsed:
    """Read a ``ds:Signature`` element; never raises on what it holds."""
    found = Parsed(node)
    children, tags = _elements(node)
    ordered = sorted(tags, key=_rank)
    if ordered != tags and ordered[:2] == [_SIGNED_INFO, _VALUE] and ordered[-1] in _PARTS:
        found.against("form.order", seen=_local(tags), expected=_local(_PARTS))
        children, tags = sorted(children, key=lambda one: _rank(one.tag)), ordered
    if tags[:2] != [_SIGNED_INFO, _VALUE] or any(tag not in (KEY_INFO, _OBJECT) for tag in tags[2:]):
        found.against("form.malformed", seen=_local(tags) or "Signature/")
        return found
    if node.prefix != pack.signature.prefixes.get("ds", "ds"):
        found.portability["prefix"] = node
    found.signed_info, found.value_node = children[0], children[1]
    text = children[1].text or ""
    value = decoded(text)
    if not value or len(children[1]):
        found.against(_no_base64(text), children[1], seen=_shown(text), name=_local((tags[1],)))
    found.value = value or b""
    if "\r" in text:  # the JDK writes &#13;, and SignedXml loses it when a layer above signs it
        found.portability.setdefault("carriage-return", children[1])
    _signed_info(found, children[0], pack)
    doubled = tags.count(KEY_INFO)
    if doubled > 1:
        found.against(
            "form.malformed", children[tags.index(KEY_INFO, tags.index(KEY_INFO) + 1)], seen=f"KeyInfo × {doubled}"
        )
    for child, tag in zip(children[2:], tags[2:], strict=True):
        if tag == KEY_INFO:
            if found.key_info:
                continue
            found.key_info = True
            _key_info(found, child)
            found.times.extend(child.iter(f"{{*}}{_SIGNING_TIME}"))
        else:
            _object(found, child)
    if len(found.properties) == 1:
        found.said = _said(found, found.properties[0], pack)
    return found


def _said(found: Parsed, properties: etree._Element, pack: Pack) -> PropertiesSaid:
    qualifying = properties.getparent()
    target = qualifying.get("Target") if qualifying is not None else None
    v2 = next(properties.iter(_CERTIFICATE_V2), None)
    reference = v2 if v2 is not None else next(properties.iter(_CERTIFICATE_V1), None)
    name, digest = ("", b"") if reference is None else _certificate_digest(reference, pack)
    methods = () if reference is None else reference.iter(_DIGEST_METHOD)
    method = next((each.get("Algorithm") or "" for each in methods), "")
    return PropertiesSaid(
        target == f"#{found.node.get('Id')}",
        len(found.times) == 1 and within(found.times[0], (properties,)),
        0 if reference is None else 1 if v2 is None else 2,
        method,
        name,
        digest,
    )


def _certificate_digest(reference: etree._Element, pack: Pack) -> tuple[str, bytes]:
    """Name and value of the first certificate digest that can be used: the signer's stands first."""
    name = ""
    for each in reference.iter(_CERT, _DIGEST_METHOD, _DIGEST_VALUE):
        if each.tag == _CERT:
            name = ""
        elif each.tag == _DIGEST_METHOD:
            name = name or pack.signature.digests.get(each.get("Algorithm") or "", "")
        elif name and (value := decoded(each.text)):
            return name, value
    return "", b""


def within(element: etree._Element, targets: Container[etree._Element]) -> bool:
    """Whether the element is one of ``targets`` or stands in one."""
    node: etree._Element | None = element
    while node is not None:
        if node in targets:
            return True
        node = node.getparent()
    return False


def _object(found: Parsed, node: etree._Element) -> None:
    holders: dict[str, list[etree._Element]] = {
        _PROPERTIES: found.properties, _TIME_STAMP: found.time_stamps, _LISTS: [], _ANSWERS: [], _CERTIFICATES: [],
    }  # fmt: skip
    for each in node.iter(etree.Element):
        tag = str(each.tag)
        if tag in holders:
            holders[tag].append(each)
        elif (name := tag.rpartition("}")[2]) == _SIGNING_TIME:
            found.times.append(each)
        elif name == "SignedProperties":
            found.old_xades = tag[1:].partition("}")[0]
    found.crls.extend(_values(holders[_LISTS], "EncapsulatedCRLValue"))
    found.answers.extend(_values(holders[_ANSWERS], "EncapsulatedOCSPValue"))
    loaded = [load(one) for one in _values(holders[_CERTIFICATES], "EncapsulatedX509Certificate")]
    found.extra.extend(one for one in loaded if not isinstance(one, str))


def _signed_info(found: Parsed, node: etree._Element, pack: Pack) -> None:
    children, tags = _elements(node)
    if tags[:2] != _METHODS or set(tags[2:]) != {_REFERENCE}:
        found.against("form.malformed", node, seen=_local(tags)[:80] or f"{etree.QName(node).localname}/")
        return
    found.step = _step(found, children[0], pack)
    found.method = children[1].get("Algorithm") or ""
    found.algorithm = pack.signature.signatures.get(found.method)
    if found.method in pack.signature.with_parameters:
        found.algorithm = _parameters(found, children[1], pack)
    elif len(children[1]):
        found.against("form.malformed", children[1], seen=f"SignatureMethod/{_local(_elements(children[1])[1])}")
    if found.algorithm is None and found.method not in pack.signature.with_parameters:
        found.against(
            f"algorithm.{refused_cause(found.method, pack)}", children[1], seen=found.method,
            expected=_listed(uri.rpartition("#")[2] for uri in pack.signature.signatures),
        )  # fmt: skip
    if len(children) - 2 > pack.signature.max_references:
        limit = str(pack.signature.max_references)
        found.against("form.too-many-references", node, seen=str(len(children) - 2), expected=f"≤ {limit}")
        return
    for number, child in enumerate(children[2:]):
        reference = _reference(found, node, number, child, pack)
        if reference is not None:
            found.references.append(reference)


def _parameters(found: Parsed, node: etree._Element, pack: Pack) -> SignatureAlgorithm | None:
    """The algorithm that a method with parameters amounts to; records what is wrong with them."""
    algorithm, seen, expected = with_parameters(node, pack)
    if algorithm is None:
        kind = "pss-parameters" if expected else refused_cause(seen, pack)
        allowed = expected or _listed(pack.signature.digests.values())
        found.against(f"algorithm.{kind}", node, seen=seen, expected=allowed)
    return algorithm


def _step(found: Parsed, node: etree._Element, pack: Pack) -> Step | None:
    """The canonicalization that a CanonicalizationMethod or Transform names."""
    uri = node.get("Algorithm") or ""
    known = pack.signature.canonicalization.get(uri)
    if known is None:
        cause = "with-comments" if uri.endswith("WithComments") else refused_cause(uri, pack)
        cause = "unknown-transform" if cause == "unknown" else cause
        found.against(f"form.{cause}", node, seen=uri, expected=_listed(pack.signature.canonicalization))
        return None
    if not known.portable:
        found.portability.setdefault("c14n", node)
    prefixes: tuple[str, ...] = ()
    for child in node:
        if child.tag == _PREFIXES and known.method == "exclusive":
            prefixes = tuple((child.get("PrefixList") or "").split())[:32]
        else:
            found.against("form.malformed", node, seen=str(child.tag)[:80])
    return Step(known.method, prefixes)


def _reference(
    found: Parsed, signed_info: etree._Element, number: int, node: etree._Element, pack: Pack
) -> Reference | None:
    uri = node.get("URI")
    if uri is None:
        found.against("form.no-uri", node)
    elif uri == "":
        found.against("form.empty-uri", node, expected="#Id")
    elif uri.startswith("#xpointer"):
        found.against("form.xpointer", node, seen=uri, expected="#Id")
    elif _NAME.fullmatch(uri):
        found.against("form.no-hash", node, seen=uri, expected=f"#{uri}")
    elif not uri.startswith("#"):
        found.against("form.external-uri", node, seen=uri, expected="#Id")
    children, tags = _elements(node)
    if tags not in (_FULL_REFERENCE, _BARE_REFERENCE):
        found.against("form.malformed", node, seen=_local(tags)[:80] or f"{etree.QName(node).localname}/")
        return None
    steps: tuple[Step, ...] = ()
    enveloped = False
    if len(children) == len(_FULL_REFERENCE):
        steps = _transforms(found, children[0], pack)
        enveloped = any(one.get("Algorithm") in pack.signature.idle_transforms for one in children[0])
    method = children[-2].get("Algorithm") or ""
    name = pack.signature.digests.get(method)
    if name is None:
        found.against(
            f"algorithm.{refused_cause(method, pack)}", children[-2], seen=method,
            expected=_listed(pack.signature.digests.values()),
        )  # fmt: skip
    value = decoded(children[-1].text)
    if not value or len(children[-1]):
        text = children[-1].text or ""
        found.against(_no_base64(text), children[-1], seen=_shown(text), name=_local((tags[-1],)))
    if not uri or not uri.startswith("#") or uri.startswith("#xpointer"):
        return None
    if not steps:
        found.portability.setdefault("c14n", node)
        steps = (Step("inclusive"),)
    # with a trouble nothing is computed, but what the reference points to is still known
    kind = node.get("Type") or ""
    return Reference(signed_info, number, uri, kind, steps, name or "", value or b"", enveloped=enveloped)


def _transforms(found: Parsed, node: etree._Element, pack: Pack) -> tuple[Step, ...]:
    steps: list[Step] = []
    children, _ = _elements(node)
    if not children:
        found.against("form.malformed", node, seen="Transforms/")
        return ()
    if len(children) > _MOST_TRANSFORMS:
        found.against("form.too-many-transforms", node, seen=str(len(children)), expected=f"≤ {_MOST_TRANSFORMS}")
        return ()
    for child in children:
        if child.get("Algorithm") in pack.signature.idle_transforms:
            if steps:  # octets by then: some engines look for the signature in vain, others pass over it
                found.portability.setdefault("transform-order", child)
            continue
        step = _step(found, child, pack)
        if step is not None:
            steps.append(step)
    return tuple(steps)


def certificate_texts(node: etree._Element) -> tuple[int, list[etree._Element]]:
    """How many X509Data a KeyInfo has, and all elements with a certificate in them."""
    data = [child for child in node if child.tag == _X509_DATA]
    return len(data), [one for each in data for one in each if one.tag == _X509_CERTIFICATE]


def _key_info(found: Parsed, node: etree._Element) -> None:
    found.x509_data, texts = certificate_texts(node)
    if len(texts) > _MOST_CERTIFICATES:
        found.against("form.too-many-certificates", node, seen=str(len(texts)), expected=f"≤ {_MOST_CERTIFICATES}")
        return
    for one in texts:
        if "\r" in (one.text or ""):
            found.portability.setdefault("carriage-return", one)
    found.certificates, found.leaf = certificates_of(tuple((one.text or "").encode() for one in texts))


Chain = tuple[tuple[CertificateFacts | str, ...], CertificateFacts | None]
"""Certificates as they were given, and the signer's among them."""


def certificates_of(texts: tuple[bytes, ...]) -> Chain:
    """The certificates from the texts of their elements: what each says, or why it cannot be read."""
    return _known(texts) if sum(map(len, texts)) <= 2 * LARGEST else _chain(texts)


def _chain(texts: tuple[bytes, ...]) -> Chain:
    octets = [decoded(text.decode()) for text in texts]
    certificates = tuple(
        load(one) if one else "PEM (-----BEGIN …)" if b"-----BEGIN" in text else "base64"
        for one, text in zip(octets, texts, strict=True)
    )
    return certificates, leaf_of(certificates)


_known = lru_cache(maxsize=8192)(_chain)
"""Teachers and authorities sign many documents: texts met before are not decoded again."""


def _values(holders: Iterable[etree._Element], name: str) -> Iterator[bytes]:
    """Values that XAdES keeps among the unsigned properties; what is not base64 proves nothing."""
    elements = (one for each in holders for one in each.iter(f"{{{XADES}}}{name}"))
    for element in itertools.islice(elements, _MOST_VALUES):
        if octets := decoded(element.text):
            yield octets


def leaf_of(certificates: Sequence[CertificateFacts | str]) -> CertificateFacts | None:
    """The signer's certificate among those given: the first readable one that issued none of the others.

    ``None`` when what cannot be read must be it: the others are authorities, which sign no transcripts.
    """
    readable = [one for one in certificates if not isinstance(one, str)]
    if len(readable) < len(certificates) and all(one.is_ca for one in readable):
        return None
    issuers = {one.issuer for one in readable if one.issuer != one.subject}
    return next((one for one in readable if one.subject not in issuers), readable[0] if readable else None)
