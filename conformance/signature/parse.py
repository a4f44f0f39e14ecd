"""The strict reading of one ``ds:Signature``: its parts, or what is wrong with its form. No key is used here."""

from __future__ import annotations

import binascii
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from lxml import etree

from conformance.pack import Pack
from conformance.pack.model import SignatureAlgorithm
from conformance.signature.canonical import DS, XADES
from conformance.signature.certificate import LARGEST, CertificateFacts, load

SIGNATURE = f"{{{DS}}}Signature"
_SIGNED_INFO, _VALUE, _KEY_INFO, _OBJECT = (
    f"{{{DS}}}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")
)
_NO_ELEMENTS: frozenset[object] = frozenset((etree.Comment, etree.PI, etree.Entity))
_METHODS = [f"{{{DS}}}CanonicalizationMethod", f"{{{DS}}}SignatureMethod"]
_REFERENCE = f"{{{DS}}}Reference"
_BARE_REFERENCE = [f"{{{DS}}}DigestMethod", f"{{{DS}}}DigestValue"]
_FULL_REFERENCE = [f"{{{DS}}}Transforms", *_BARE_REFERENCE]
_X509_DATA, _X509_CERTIFICATE = f"{{{DS}}}X509Data", f"{{{DS}}}X509Certificate"
_MOST_OUTLINES, _LONGEST_OUTLINE = 1000, 16 * 1024
"""How many ways of writing SignedInfo are remembered, and octets of the longest: strange files must not fill memory."""
_PREFIXES = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
_PROPERTIES, _TIME_STAMP, _LISTS, _ANSWERS, _CERTIFICATES = (
    f"{{{XADES}}}{name}"
    for name in ("SignedProperties", "SignatureTimeStamp", "CRLValues", "OCSPValues", "CertificateValues")
)
_SIGNING_TIME = "SigningTime"
PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
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


@dataclass(slots=True, eq=False)
class Parsed:
    """The parts of one signature."""

    node: etree._Element
    signed_info: etree._Element | None = None
    octets: bytes = b""
    """SignedInfo in the exclusive canonical form; empty: it holds comments, is very long, or has no such form."""
    step: Step | None = None
    method: str = ""
    algorithm: SignatureAlgorithm | None = None
    references: list[Reference] = field(default_factory=list)
    value_node: etree._Element | None = None
    value: bytes = b""
    key_info: bool = False
    x509_data: int = 0
    certificates: list[CertificateFacts | str] = field(default_factory=list)
    """In the order of the document; a text where one cannot be read."""
    properties: list[etree._Element] = field(default_factory=list)
    """XAdES SignedProperties elements."""
    old_xades: str = ""
    """The namespace of SignedProperties of an earlier XAdES."""
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


def parse(node: etree._Element, pack: Pack) -> Parsed:
    """Read a ``ds:Signature`` element; never raises on what it holds."""
    found = Parsed(node)
    children, tags = _elements(node)
    if tags[:2] != [_SIGNED_INFO, _VALUE] or any(tag not in (_KEY_INFO, _OBJECT) for tag in tags[2:]):
        found.against("form.malformed", seen=_local(tags))
        return found
    if node.prefix != pack.signature.prefixes.get("ds", "ds"):
        found.portability["prefix"] = node
    found.signed_info, found.value_node = children[0], children[1]
    text = children[1].text or ""
    value = decoded(text)
    if not value or len(children[1]):
        found.against("form.not-base64", children[1], seen=text.strip()[:40], name=_local((tags[1],)))
    found.value = value or b""
    if "\r" in text:  # the JDK writes &#13;, and SignedXml loses it when a layer above signs it
        found.portability.setdefault("carriage-return", children[1])
    _signed_info(found, children[0], pack)
    for child, tag in zip(children[2:], tags[2:], strict=True):
        if tag == _KEY_INFO:
            if found.key_info:
                found.against("form.malformed", child, seen="KeyInfo × 2")
            found.key_info = True
            _key_info(found, child)
            found.times.extend(child.iter(f"{{*}}{_SIGNING_TIME}"))
        else:
            _object(found, child)
    return found


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


@dataclass(frozen=True, slots=True)
class _Outline:
    """What SignedInfo elements say that are alike but for targets and digests."""

    step: Step | None
    method: str
    algorithm: SignatureAlgorithm | None
    references: tuple[tuple[str, tuple[Step, ...], str, bool], ...]
    """Type, canonicalizations, digest and whether enveloped."""


@lru_cache(maxsize=16)
def _outlines(_: Pack) -> dict[tuple[bytes, ...], _Outline]:
    return {}


def _signed_info(found: Parsed, node: etree._Element, pack: Pack) -> None:
    """Read SignedInfo. Signers of one software write it alike: what was read once without trouble is remembered."""
    try:
        octets = etree.tostring(node, method="c14n", exclusive=True, with_comments=True, with_tail=False)
    except etree.C14NError:
        octets = b""
    if not 0 < len(octets) <= _LONGEST_OUTLINE or b"<!" in octets or b"<?" in octets:
        _read_signed_info(found, node, pack)
        return
    found.octets = octets
    known = _outlines(pack)
    alike, varies = _apart(octets)
    outline = known.get(alike)
    if outline is not None and None not in varies:
        found.step, found.method, found.algorithm = outline.step, outline.method, outline.algorithm
        found.references = [
            Reference(node, number, pair[0], kind, steps, name, pair[1], enveloped=enveloped)
            for number, ((kind, steps, name, enveloped), pair) in enumerate(
                zip(outline.references, varies, strict=True)
            )
            if pair
        ]
        return
    deviations = len(found.portability)
    _read_signed_info(found, node, pack)
    if found.troubles or deviations != len(found.portability):
        return
    if [(one.uri, one.value) for one in found.references] == varies:
        if len(known) >= _MOST_OUTLINES:
            known.clear()
        known[alike] = _Outline(
            found.step,
            found.method,
            found.algorithm,
            tuple((one.kind, one.steps, one.digest_name, one.enveloped) for one in found.references),
        )


def _apart(octets: bytes) -> tuple[tuple[bytes, ...], list[tuple[str, bytes] | None]]:
    """What is alike in the SignedInfo elements of one software, and what differs: target and digest of each reference.

    In canonical octets a quotation mark ends an attribute, and ``<`` a text. ``None``: not the usual, so read in full.
    """
    head, *pieces = octets.split(b' URI="#')
    alike = [head]
    varies: list[tuple[str, bytes] | None] = []
    for piece in pieces:
        uri, _, rest = piece.partition(b'"')
        between, _, rest = rest.partition(b"DigestValue>")
        digest, _, after = rest.partition(b"<")
        alike += between, after
        try:
            value = binascii.a2b_base64(digest, strict_mode=True)
        except binascii.Error:
            value = b""
        usual = value and uri and b"&" not in uri and not uri.startswith(b"xpointer")
        varies.append((f"#{uri.decode()}", value) if usual else None)
    return tuple(alike), varies


def _read_signed_info(found: Parsed, node: etree._Element, pack: Pack) -> None:
    children, tags = _elements(node)
    if tags[:2] != _METHODS or set(tags[2:]) != {_REFERENCE}:
        found.against("form.malformed", node, seen=_local(tags)[:80])
        return
    found.step = _step(found, children[0], pack)
    found.method = children[1].get("Algorithm") or ""
    found.algorithm = pack.signature.signatures.get(found.method)
    if len(children[1]):
        found.against("form.malformed", children[1], seen=f"SignatureMethod/{_local(_elements(children[1])[1])}")
    if found.algorithm is None:
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


def _step(found: Parsed, node: etree._Element, pack: Pack) -> Step | None:
    """The canonicalization that a CanonicalizationMethod or Transform names."""
    uri = node.get("Algorithm") or ""
    known = pack.signature.canonicalization.get(uri)
    if known is None:
        cause = "with-comments" if uri.endswith("WithComments") else refused_cause(uri, pack)
        found.against(f"form.{'unknown-transform' if cause == 'unknown' else cause}", node, seen=uri)
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
    elif not uri.startswith("#"):
        found.against("form.external-uri", node, seen=uri, expected="#Id")
    children, tags = _elements(node)
    if tags not in (_FULL_REFERENCE, _BARE_REFERENCE):
        found.against("form.malformed", node, seen=_local(tags)[:80])
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
        found.against("form.not-base64", children[-1], seen=(children[-1].text or "")[:40], name=_local((tags[-1],)))
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


def _key_info(found: Parsed, node: etree._Element) -> None:
    data = [child for child in node if child.tag == _X509_DATA]
    found.x509_data = len(data)
    texts = [one for each in data for one in each if one.tag == _X509_CERTIFICATE]
    if len(texts) > _MOST_CERTIFICATES:
        found.against("form.too-many-certificates", node, seen=str(len(texts)), expected=f"≤ {_MOST_CERTIFICATES}")
        return
    for one in texts:
        text = one.text or ""
        if "\r" in text:
            found.portability.setdefault("carriage-return", one)
        found.certificates.append(_known(text) if len(text) <= 2 * LARGEST else _certificate(text))


def _certificate(text: str) -> CertificateFacts | str:
    octets = decoded(text)
    armoured = "PEM (-----BEGIN …)" if "-----BEGIN" in text else "base64"
    return load(octets) if octets else armoured


_known = lru_cache(maxsize=8192)(_certificate)
"""Teachers and authorities sign many documents: a text met before is not decoded again."""


def _values(holders: Iterable[etree._Element], name: str) -> Iterator[bytes]:
    """Values that XAdES keeps among the unsigned properties; what is not base64 proves nothing."""
    elements = (one for each in holders for one in each.iter(f"{{{XADES}}}{name}"))
    for element in itertools.islice(elements, _MOST_VALUES):
        if octets := decoded(element.text):
            yield octets


def leaf_of(certificates: Iterable[CertificateFacts | str]) -> CertificateFacts | None:
    """The signer's certificate among those given: the first readable one that issued none of the others.

    ``None`` when what cannot be read must be it: the others are authorities, which sign no transcripts.
    """
    certificates = list(certificates)
    readable = [one for one in certificates if not isinstance(one, str)]
    if len(readable) < len(certificates) and all(one.is_ca for one in readable):
        return None
    issuers = {one.issuer for one in readable if one.issuer != one.subject}
    return next((one for one in readable if one.subject not in issuers), readable[0] if readable else None)
