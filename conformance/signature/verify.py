"""Facts about every signature of a document: where it stands, what it covers, whether it verifies, when it was made.

Facts only: what they mean is said in :mod:`conformance.checks.signatures`. Structure first, then keys; times and
properties are read from hashed elements only. Never raises on what a document holds.
"""

from __future__ import annotations

import hmac
import re
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from lxml import etree

from conformance.document import Document
from conformance.pack import Pack, Slot
from conformance.signature import algorithms
from conformance.signature.alike import Reader
from conformance.signature.budget import Budget
from conformance.signature.canonical import canonical, reparsed, rerooted
from conformance.signature.certificate import CertificateFacts
from conformance.signature.diagnose import around
from conformance.signature.mistaken import renamed, value_mistake
from conformance.signature.parse import PROPERTIES_TYPE, SIGNATURE, Parsed, Reference, Step, within
from conformance.signature.removed import digests_edited, reference_removed

MOST_SIGNATURES = 256
"""Signatures of one document that are looked at; a class has some twenty."""
_MOST_UNEXPLAINED = 4
"""Signature values that are looked at for habits of software before it is given up."""
_MOST_OTHERS = 24
"""Keys of others that are tried on a value: those of a class."""
_TIME = re.compile(r"^(-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?$")
_EXCLUSIVE = Step("exclusive")
_ONCE_EXCLUSIVE = (_EXCLUSIVE,)
# begins with what is searched for: a pattern that begins with an assertion is slow
_NAMESPACE = re.compile(rb"xmlns(?<=\bxmlns)(?::[^\s=]+)?\s*=\s*([\"'])(.*?)\1", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class SigningTime:
    """A signed signing time; without a zone it is read in the pack's."""

    raw: str
    moment: datetime
    zoned: bool
    node: etree._Element


@dataclass(slots=True, eq=False)
class Signature:
    """Everything known about one signature in its slot."""

    parsed: Parsed
    slot: Slot
    layer: int
    box: etree._Element
    group: etree._Element
    number: int
    """From 1, in the slot."""
    leaf: CertificateFacts | None = None
    value_good: bool | None = None
    """``None``: not verified, because form, algorithm or certificate forbid it."""
    value_cause: str = ""
    value_seen: str = ""
    """What the cause is about, as a notation: what was signed, or how the value is spelled."""
    authority: CertificateFacts | None = None
    """An authority's certificate in the place of the signer's, which is not there."""
    maker: CertificateFacts | None = None
    """Whose key made the value, where it is somebody else's who signs in this document."""
    covered: Mapping[str, tuple[etree._Element, ...]] = field(default_factory=dict)
    """Anchor or ``slot:name`` → its elements that the references cover."""
    extra: int = 0
    """References to more content than the slot asks for."""
    time: SigningTime | None = None
    time_problem: str = ""
    """``missing``, ``unsigned``, ``several``, ``unreadable`` or empty."""
    time_node: etree._Element | None = None
    """The time that is not signed, or cannot be read."""
    xades_problem: str = ""
    xades_seen: str = ""
    """What the problem is about: an algorithm."""

    @property
    def node(self) -> etree._Element:
        """The ``ds:Signature`` element."""
        return self.parsed.node

    @property
    def references(self) -> list[Reference]:
        """The references that could be read."""
        return self.parsed.references


@dataclass(slots=True, eq=False)
class Copy:
    """A part of the transcript where none may stand; ``cause``: ``in-object`` or ``copy``."""

    node: etree._Element
    cause: str


@dataclass(slots=True, eq=False)
class DocumentSignatures:
    """All signatures of a document, in layer order, and what stands where it must not."""

    signatures: list[Signature]
    strays: list[etree._Element]
    copies: list[Copy]
    wrong_roles: list[Signature]
    too_many: int = 0

    def of(self, slot: str) -> list[Signature]:
        """The signatures in a slot."""
        return [one for one in self.signatures if one.slot.name == slot]


class _Verifier:
    def __init__(self, document: Document, pack: Pack) -> None:
        self.document = document
        self.pack = pack
        self.index: dict[str, list[tuple[str, etree._Element]]] = {}
        if not document.doubled:
            self.index = {value: [(spelling, element)] for value, spelling, element in document.identified}
        for value, spelling, element in document.identified if document.doubled else ():
            entry = self.index.setdefault(value, [])
            # an element's spellings follow each other, so only the last one can be the same element
            if not entry or entry[-1][1] is not element:
                entry.append((spelling, element))
        self.names: dict[etree._Element, str] = {}
        for name in pack.binding.anchors:
            for element in document.anchors(name):
                self.names[element] = name
        for slot in pack.signature.slots:
            for element in document.slots(slot.name):
                self.names[element] = f"slot:{slot.name}"
        self.above: dict[etree._Element, frozenset[etree._Element]] = {}
        self.inside: dict[etree._Element, list[tuple[str, etree._Element]]] = defaultdict(list)
        """What has a name, at every element in which it stands."""
        for element, name in self.names.items():
            named = name, element
            self.inside[element].append(named)
            for above in self._above(element):
                self.inside[above].append(named)
        self.reader = Reader(document, pack)
        self.unexplained = 0
        """Signature values that no habit of software explains."""
        self.digests: dict[tuple[etree._Element, tuple[Step, ...], str], bytes] = {}
        head, _, rest = pack.header.zone[1:].partition(":")
        sign = -1 if pack.header.zone.startswith("-") else 1
        self.zone = timezone(sign * timedelta(hours=int(head), minutes=int(rest or 0)))

    def run(self) -> DocumentSignatures:
        placed: list[tuple[int, Slot, etree._Element, etree._Element, etree._Element, int]] = []
        seen: set[etree._Element] = set()
        for layer, slot in enumerate(self.pack.signature.slots):
            number = 0
            for group in self.document.slots(slot.name):
                for box in group:
                    if not isinstance(box.tag, str) or _local(box) != self.pack.signature.box:
                        continue
                    first = next((child for child in box if child.tag == SIGNATURE), None)
                    if first is not None:
                        number += 1
                        seen.add(first)
                        placed.append((layer, slot, group, box, first, number))
        every = list(self.document.root.iter(SIGNATURE))
        strays = [one for one in every if one not in seen]
        too_many = len(placed) if len(placed) > MOST_SIGNATURES else 0
        signatures = [self._signature(*one) for one in placed[:MOST_SIGNATURES]]
        _by_others(signatures)
        role = self.pack.signature.role_attribute
        wrong = [one for one in signatures if one.box.get(role) != one.slot.role]
        targets = {each.target for one in signatures for each in one.references if each.target is not None}
        return DocumentSignatures(signatures, strays, list(self._copies(targets)), wrong, too_many)

    # ---------------------------------------------------------------------------------------------- one signature

    def _signature(
        self, layer: int, slot: Slot, group: etree._Element, box: etree._Element, node: etree._Element, number: int
    ) -> Signature:
        parsed = self.reader.read(node)
        one = Signature(parsed, slot, layer, box, group, number)
        self._resolve(one)
        one.leaf = parsed.leaf
        self._properties(one)
        self._key(one)
        if not parsed.troubles and parsed.step is not None:
            try:
                for reference in parsed.references:
                    if reference.target is not None:
                        reference.good = self._digest_fits(reference, parsed)
                if one.leaf is not None:
                    self._value(one)
            except etree.C14NError:
                # libxml2 obeys Canonical XML §1.3: relative namespace names have no canonical form
                parsed.against("form.relative-namespace", seen=_relative_namespace(self.document.data))
        return one

    def _resolve(self, one: Signature) -> None:
        covered: dict[str, dict[etree._Element, None]] = {}
        attribute = self.pack.binding.id_attribute
        parsed, node, covers = one.parsed, one.node, one.slot.covers
        properties = parsed.properties[0] if parsed.said is not None else None
        for reference in parsed.references:
            hits = self.index.get(reference.uri[1:], ())
            if len(hits) != 1:
                kind = "form.dangling" if not hits else "place.duplicate-id"
                parsed.against(kind, reference.node, seen=reference.uri)
                continue
            spelling, target = hits[0]
            name = self.names.get(target)
            if target is properties:
                reference.own = True
            elif name is not None and not self._around(one, target):  # no signature holds what has a name
                one.extra += name not in covers
            elif target is node or node in self._above(target):
                reference.own = True
            elif self._around(one, target):
                parsed.against("form.not-idle", reference.node, seen=reference.uri)
                continue
            elif not self._in_place(target):
                parsed.against("place.moved", reference.node, seen=reference.uri, at=_local(target))
                reference.target = target
                continue
            else:
                one.extra += 1
            reference.target = target
            if reference.own:
                if reference.enveloped:
                    parsed.portability.setdefault("enveloped-own", reference.node)
                continue
            if spelling != attribute:
                parsed.portability.setdefault("id-spelling", target)
            for called, element in self.inside.get(target, ()):
                covered.setdefault(called, {})[element] = None
        one.covered = {called: tuple(elements) for called, elements in covered.items()}

    def _around(self, one: Signature, target: etree._Element) -> bool:
        """Whether the signature stands in ``target``."""
        return target is one.box or target is one.group or target in self._above(one.group)

    def _in_place(self, target: etree._Element) -> bool:
        """Whether the element stands in the content or among the signature slots, where the pack says."""
        if target in self.inside:
            return True
        return not self._above(target).isdisjoint(self.names)

    def _above(self, element: etree._Element) -> frozenset[etree._Element]:
        """The ancestors of an element."""
        known = self.above.get(element)
        if known is None:
            parent = element.getparent()
            known = self.above[element] = frozenset() if parent is None else self._above(parent) | {parent}
        return known

    def _key(self, one: Signature) -> None:
        """Key against algorithm and policy, before the key is used."""
        algorithm, leaf, policy = one.parsed.algorithm, one.leaf, self.pack.signature
        if algorithm is None or leaf is None:
            return
        kind, bits = leaf.key_kind, leaf.key_bits
        if kind != algorithm.key and leaf.is_ca:
            one.leaf, one.authority = None, leaf
            return
        node = one.parsed.node
        if kind != algorithm.key:
            one.parsed.against("algorithm.key-mismatch", node, seen=f"{kind} {bits}", expected=algorithm.key)
        elif kind == "rsa" and bits < policy.min_rsa_bits:
            one.parsed.against("algorithm.rsa-too-short", node, seen=str(bits), expected=f"≥ {policy.min_rsa_bits}")
        elif kind == "rsa" and bits > policy.max_rsa_bits:
            one.parsed.against("algorithm.rsa-too-long", node, seen=str(bits), expected=f"≤ {policy.max_rsa_bits}")
        elif kind == "ec" and bits < policy.min_ec_bits:
            one.parsed.against("algorithm.ec-too-small", node, seen=str(bits), expected=f"≥ {policy.min_ec_bits}")

    # ---------------------------------------------------------------------------------------------------- crypto

    def _digest_fits(self, reference: Reference, parsed: Parsed) -> bool:
        assert reference.target is not None
        key = (reference.target, reference.steps, reference.digest_name)
        known = self.digests.get(key)
        if known is None:
            if reference.own and reference.steps == _ONCE_EXCLUSIVE and reference.target in parsed.properties:
                octets = parsed.properties_octets or canonical(reference.target)
            else:
                octets = canonical(reference.target, reference.steps[0].method, reference.steps[0].prefixes)
            for step in reference.steps[1:]:
                octets = canonical(reparsed(octets), step.method, step.prefixes)
            known = self.digests[key] = algorithms.digest(reference.digest_name, octets)
        return hmac.compare_digest(known, reference.value)

    def _value(self, one: Signature) -> None:
        parsed = one.parsed
        assert parsed.signed_info is not None
        assert parsed.step is not None
        assert parsed.algorithm is not None
        assert one.leaf is not None
        octets = parsed.octets if parsed.step == _EXCLUSIVE else b""
        octets = octets or canonical(parsed.signed_info, parsed.step.method, parsed.step.prefixes)
        one.value_good = algorithms.verify(parsed.algorithm, one.leaf.key, parsed.value, octets)
        if one.value_good:
            return
        for other in parsed.certificates:
            if isinstance(other, str) or other is one.leaf or other.key_kind != parsed.algorithm.key:
                continue
            if algorithms.verify(parsed.algorithm, other.key, parsed.value, octets):
                one.leaf, one.value_good = other, True
                return
        one.value_cause = self._why(one, octets)
        if one.value_cause == "value" and one.leaf.is_ca:
            one.leaf, one.authority, one.value_good, one.value_cause = None, one.leaf, None, ""

    def _why(self, one: Signature, octets: bytes) -> str:
        parsed, leaf = one.parsed, one.leaf
        assert parsed.signed_info is not None
        assert parsed.algorithm is not None
        assert parsed.step is not None
        assert leaf is not None
        algorithm = parsed.algorithm
        if algorithms.verify_der(parsed.algorithm, leaf.key, parsed.value, octets):
            return "ecdsa-der"
        if self._context_changed(one):
            return "namespace-context"
        for method in dict.fromkeys(each.method for each in self.pack.signature.canonicalization.values()):
            if method == parsed.step.method and not parsed.step.prefixes:
                continue
            if algorithms.verify(parsed.algorithm, leaf.key, parsed.value, canonical(parsed.signed_info, method)):
                return "signed-info-c14n"
        compact = rerooted(parsed.signed_info)
        for element in compact.iter(etree.Element):
            if len(element):
                element.text = None
                for child in element:
                    child.tail = None
        step = parsed.step
        if algorithms.verify(algorithm, leaf.key, parsed.value, canonical(compact, step.method, step.prefixes)):
            return "reindented"
        if self.unexplained < _MOST_UNEXPLAINED:  # software makes all its signatures alike: some tell of all
            cause, one.value_seen = value_mistake(parsed, leaf, octets, self.pack)
            if cause:
                return cause
            prefixes = renamed(parsed, leaf)
            if prefixes is not None:
                one.value_seen = " → ".join(prefixes)
                return "prefix"
            self.unexplained += 1
        if digests_edited(parsed, leaf):
            return "digest-edited"
        if reference_removed(parsed, leaf, self._uncovered(one), self.pack.binding.id_attribute) is not None:
            return "reference-removed"
        return "value"

    @staticmethod
    def _context_changed(one: Signature) -> bool:
        """Whether a namespace that came into scope, or left it, explains the value; not where a digest shows that none
        did."""
        parsed, leaf = one.parsed, one.leaf
        assert parsed.signed_info is not None
        assert parsed.algorithm is not None
        assert parsed.step is not None
        assert leaf is not None
        algorithm = parsed.algorithm
        if parsed.step.method == "exclusive" or any(
            each.good and each.steps[0].method == parsed.step.method for each in one.references
        ):
            return False

        def fits(tried: bytes) -> bool:
            return algorithms.verify(algorithm, leaf.key, parsed.value, tried)

        return bool(around(parsed.signed_info, parsed.step.method, fits, Budget()))

    def _uncovered(self, one: Signature) -> list[etree._Element]:
        """What the slot asks for and no reference covers."""
        wanted = [name for name in one.slot.covers if name not in one.covered]
        return [element for element, name in self.names.items() if name in wanted]

    # ------------------------------------------------------------------------------------------- signed properties

    def _properties(self, one: Signature) -> None:
        """XAdES properties and the signing time, from own elements that a reference covers."""
        hashed = {each.target: each for each in reversed(one.references) if each.own and each.target is not None}
        times = [each for each in one.parsed.times if not len(each)]
        said = one.parsed.said
        if said is not None and said.timed and one.parsed.properties[0] in hashed:
            signed = times
        else:
            signed = [each for each in times if within(each, hashed)]
        if not times:
            one.time_problem = "missing"
        elif not signed:
            one.time_problem, one.time_node = "unsigned", times[0]
        elif len(signed) > 1:
            one.time_problem = "several"
        else:
            one.time = self._time(signed[0])
            one.time_problem = "" if one.time else "unreadable"
            one.time_node = None if one.time else signed[0]
        one.xades_problem = self._xades(one, hashed)

    def _time(self, node: etree._Element) -> SigningTime | None:
        raw = (node.text or "").strip()
        match = _TIME.match(raw)
        if match is None:
            return None
        fraction = (match[2] or "")[:7]
        zone = match[3] or ""
        try:
            spelled = match[1] + (fraction.ljust(7, "0") if fraction else "") + zone.replace("Z", "+00:00")
            moment = datetime.fromisoformat(spelled)
            if not zone:
                moment = moment.replace(tzinfo=self.zone)
            if not 1 < moment.year < 9999:  # not every zone can tell the time at the edges
                moment.astimezone(self.zone)
        except (ValueError, OverflowError):
            return None
        return SigningTime(raw, moment, bool(zone), node)

    def _xades(self, one: Signature, hashed: Mapping[etree._Element, Reference]) -> str:
        found = one.parsed.properties
        if not found:
            one.xades_seen = one.parsed.old_xades
            return "old-version" if one.parsed.old_xades else "plain"
        if len(found) > 1 or one.parsed.said is None:
            return "several-properties"
        properties, said = found[0], one.parsed.said
        reference = hashed.get(properties) if len(hashed) == 1 else None
        if reference is None:
            reference = next((each for target, each in hashed.items() if within(properties, (target,))), None)
        if reference is None:
            return "properties-not-signed"
        if reference.kind != PROPERTIES_TYPE or reference.target is not properties:
            return "reference-type"
        if not said.of_this:
            return "target"
        if not said.version:
            return "no-certificate-reference"
        certificates = [each for each in one.parsed.certificates if not isinstance(each, str)]
        if not certificates:
            return ""  # nothing to match: the missing certificate is PL1-CTS-001's
        if not said.digest:
            one.xades_seen = said.digest_method
            refused = one.xades_seen and one.xades_seen not in self.pack.signature.digests
            return "certificate-digest" if refused else "certificate-mismatch"
        for each in certificates:
            if hmac.compare_digest(_fingerprint(said.digest_name, each), said.digest):
                one.leaf = each
                return "version-1" if said.version == 1 else ""
        return "certificate-mismatch"

    # --------------------------------------------------------------------------------------------------- wrapping

    def _copies(self, targets: Container[etree._Element]) -> Iterator[Copy]:
        """Parts of the transcript outside the content: inside a signature's object, beside the content, twice; signed
        ones that stand elsewhere in the content too."""
        binding = self.pack.binding
        prefix = f"{{{binding.namespace}}}" if binding.namespace else ""
        tops = [element for element, name in self.names.items() if not name.startswith("slot:")]
        reported: set[etree._Element] = set()
        tags = dict.fromkeys(path.rpartition("/")[2] for path in (*binding.anchors.values(), binding.root))
        repeated = {path for name, path in binding.groups.items() if name.endswith("[]")}
        for path in sorted(dict.fromkeys(binding.anchors.values()), key=lambda one: one.count("/")):
            if path in repeated:
                continue
            for element in self.document.at(path)[1:]:
                if not any(above in reported for above in element.iterancestors()) and _not_first(element):
                    reported.add(element)
                    yield Copy(element, "copy")
        for element in self.document.root.iter(*(f"{prefix}{tag}" for tag in tags)):
            if element in self.names or element is self.document.root:
                continue
            above = list(element.iterancestors())
            if any(one in reported for one in above):
                continue
            in_signature = any(one.tag == SIGNATURE for one in above)
            if not in_signature and element not in targets and any(one in tops for one in above):
                continue  # inside the content and signed by nobody: the schema's business
            reported.add(element)
            yield Copy(element, "in-object" if in_signature else "copy")


def _by_others(signatures: Sequence[Signature]) -> None:
    """Of values that nothing explains yet: whether they were made with the key of somebody else who signs here."""
    unexplained = [one for one in signatures if one.value_cause == "value"]
    leaves = list({one.leaf.fingerprint: one.leaf for one in signatures if one.leaf is not None}.values())
    leaves = leaves[:_MOST_OTHERS]
    for tried, one in enumerate(unexplained, 1):
        parsed = one.parsed
        assert parsed.signed_info is not None
        assert parsed.step is not None
        assert parsed.algorithm is not None
        octets = canonical(parsed.signed_info, parsed.step.method, parsed.step.prefixes)
        for leaf in leaves:
            if leaf.key_kind == parsed.algorithm.key and algorithms.verify(
                parsed.algorithm, leaf.key, parsed.value, octets
            ):
                one.value_cause, one.maker = "other-key", leaf
                leaves = [leaf, *(each for each in leaves if each is not leaf)]
                break
        if tried >= _MOST_UNEXPLAINED and one.maker is None:
            return


def _relative_namespace(data: bytes) -> str:
    """The first namespace name in the document that is no absolute URI."""
    names = (one[2].decode("utf-8", "replace") for one in _NAMESPACE.finditer(data))
    return next((name for name in names if name and not _SCHEME.match(name)), "")


def _not_first(element: etree._Element) -> bool:
    """Whether a sibling of the same name stands before it."""
    return next(element.itersiblings(element.tag, preceding=True), None) is not None


def _fingerprint(name: str, certificate: CertificateFacts) -> bytes:
    """The digest of a certificate."""
    if name == "sha256":
        return bytes.fromhex(certificate.fingerprint)
    return algorithms.digest(name, certificate.der)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def verify_document(document: Document, pack: Pack) -> DocumentSignatures:
    """Facts about all signatures of ``document``."""
    return _Verifier(document, pack).run()
