"""Signatures of one software are written alike: what was read of one holds for all that differ in values only.

The source of a signature is fixed text with values in between: identifiers, what references point to, digests, the
signature's value, certificates, times. What the strict reading (:mod:`.parse`) makes of the fixed text is found out
once, from a specimen in which every value is a mark: wherever a mark turns up in the result, or in the canonical
octets, the value belongs. A signature whose source fits is then read from its values alone; any doubt leads back to the
strict reading. Nothing here judges, and nothing uses a key.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from lxml import etree

from conformance.document import Document
from conformance.pack import Pack
from conformance.pack.model import SignatureAlgorithm
from conformance.signature.canonical import canonical
from conformance.signature.parse import (
    KEY_INFO,
    SIGNATURE,
    Parsed,
    PropertiesSaid,
    Reference,
    Step,
    certificate_texts,
    certificates_of,
    decoded,
    parse,
)

_LONGEST = 64 * 1024
"""Octets of a signature that is taken for a specimen."""
_MOST = 16
"""Outlines that are remembered where the same namespaces are in scope: strange files must not fill memory."""
_MOST_SCOPES = 64
_VALUE = re.compile(rb' (?:Id|URI|Target)="#?([^"]*)"|>(?=[^<]*[^<\s])([^<]*)(?=<)')
_NAME = rb"[A-Za-z_][A-Za-z0-9_.:-]*+"
_PLAIN = re.compile(rb"(?:</?%s(?: %s=\"[^\"<>&'\t\n]*+\")*+/?>[^<>&\"']*+)++" % (_NAME, _NAME))
"""Tags whose attributes stand in quotation marks after one space, and texts without any quotation mark or reference."""
_MARK = re.compile(rb"valu([0-9]{4})")
"""What stands for a value in a specimen: a name, and base64 too."""
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False, collect_ids=False
)

Way = tuple[int, ...]
"""An element by its position among its siblings, level by level from the signature."""
Octets = tuple[tuple[bytes, ...], tuple[int, ...]]
"""Canonical octets around values, and which values those are."""


@dataclass(frozen=True, slots=True)
class _Outline:
    """What signatures that differ in values only have in common; a value is given by its number in the source."""

    fixed: tuple[tuple[bytes, bytes], ...]
    """Source before each value, and the octet that ends the value."""
    tail: bytes
    attributes: tuple[int, ...]
    step: Step | None
    method: str
    algorithm: SignatureAlgorithm | None
    references: tuple[tuple[int, int, str, tuple[Step, ...], str, bool], ...]
    """Target, digest; type, canonicalizations, digest's name, whether enveloped."""
    value: int
    key_info: bool
    x509_data: int
    certificates: tuple[int, ...]
    portability: tuple[tuple[str, Way], ...]
    times: tuple[Way, ...]
    properties: tuple[Way, ...]
    old_xades: str
    said: PropertiesSaid | None
    targets: tuple[int, int]
    """What the QualifyingProperties point to, and the signature's identifier."""
    certificate_digest: int
    octets: Octets
    properties_octets: Octets

    def values(self, data: bytes, at: int) -> list[bytes] | None:
        """The values of the signature whose source begins in ``data`` at ``at``; ``None``: it is written otherwise."""
        values: list[bytes] = []
        for before, end in self.fixed:
            if not data.startswith(before, at):
                return None
            at += len(before)
            stop = data.find(end, at)
            if stop < 0:
                return None
            values.append(data[at:stop])
            at = stop
        return values if data.startswith(self.tail, at) else None

    def read(self, node: etree._Element, values: Sequence[bytes]) -> Parsed | None:
        """What :func:`parse` finds in the signature with these values; ``None``: they are not the usual ones."""
        together = b"".join(values)
        # a value has no markup: then its octets in the source, its text and its canonical octets are the same
        if b"&" in together or b">" in together or b"<" in together:
            return None
        if (b"\n" in together or b"\t" in together) and any(
            b"\n" in values[one] or b"\t" in values[one] for one in self.attributes
        ):
            return None
        info, value = node[0], _octets(values[self.value])
        if not value:
            return None
        references: list[Reference] = []
        for number, (target, digest, kind, steps, name, enveloped) in enumerate(self.references):
            identifier, expected = values[target], _octets(values[digest])
            if not identifier or not expected or identifier.startswith(b"xpointer"):
                return None
            uri = "#" + identifier.decode()
            references.append(Reference(info, number, uri, kind, steps, name, expected, None, enveloped))
        said = self.said
        if said is not None:
            target, own = self.targets
            named = _octets(values[self.certificate_digest]) if said.version else b""
            if said.version and not named:
                return None
            of_this = values[target] == values[own]
            said = PropertiesSaid(of_this, said.timed, said.version, said.digest_method, said.digest_name, named)
        certificates, leaf = certificates_of(tuple([values[one] for one in self.certificates]))
        return Parsed(
            node,
            signed_info=info,
            octets=_joined(self.octets, values),
            step=self.step,
            method=self.method,
            algorithm=self.algorithm,
            references=references,
            value_node=node[1],
            value=value,
            key_info=self.key_info,
            x509_data=self.x509_data,
            certificates=certificates,
            leaf=leaf,
            properties=[_at(node, way) for way in self.properties],
            old_xades=self.old_xades,
            said=said,
            properties_octets=_joined(self.properties_octets, values),
            times=[_at(node, way) for way in self.times],
            portability={cause: _at(node, way) for cause, way in self.portability},
        )


def _octets(text: bytes) -> bytes:
    """The octets that base64 stands for; none where it is not base64."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:  # perhaps for its white space only
        return decoded(text.decode()) or b""


def _at(node: etree._Element, way: Way) -> etree._Element:
    for number in way:
        node = node[number]
    return node


def _way(node: etree._Element, top: etree._Element) -> Way:
    way: list[int] = []
    while node is not top:
        parent = node.getparent()
        if parent is None:
            raise _NoOutline
        way.insert(0, parent.index(node))
        node = parent
    return tuple(way)


def _joined(octets: Octets, values: Sequence[bytes]) -> bytes:
    around, between = octets
    parts = [b""] * (2 * len(around) - 1)
    parts[::2] = around
    parts[1::2] = [values[one] for one in between]
    return b"".join(parts)


class _NoOutline(Exception):
    """The specimen says something that hangs on its values, or is not written plainly."""


def _outline(source: bytes, scope: Scope, pack: Pack) -> _Outline:
    """What a signature like ``source`` says.

    Raises:
        _NoOutline: nothing can be said of signatures like it.
    """
    if not _PLAIN.fullmatch(source) or b"valu" in _VALUE.sub(b"", source):
        raise _NoOutline
    fixed: list[tuple[bytes, bytes]] = []
    attributes: list[int] = []
    marked, begin = b"", 0
    for number, match in enumerate(_VALUE.finditer(source)):
        start, stop = match.span(1) if match[1] is not None else match.span(2)
        if match[1] is not None:
            attributes.append(number)
        fixed.append((source[begin:start], source[stop : stop + 1]))
        marked += source[begin:start] + b"valu%04d" % number
        begin = stop
    node = _parsed(marked + source[begin:], scope)
    found = parse(node, pack)
    unsigned = found.time_stamps or found.crls or found.answers or found.extra
    if found.troubles or unsigned or found.signed_info is None or len(found.properties) > 1:
        raise _NoOutline
    infos = [child for child in node if child.tag == KEY_INFO]
    said, targets, digest = found.said, (0, 0), 0
    if said is not None:
        if said.version and not said.digest_name:
            raise _NoOutline
        qualifying = found.properties[0].getparent()
        assert qualifying is not None
        targets = _pointed(qualifying.get("Target", "")), _number(node.get("Id", ""))
        digest = _coded(said.digest) if said.version else 0
    try:
        octets = canonical(found.signed_info)
        properties_octets = canonical(found.properties[0]) if found.properties else b""
    except etree.C14NError as error:
        raise _NoOutline from error
    return _Outline(
        tuple(fixed),
        source[begin:],
        tuple(attributes),
        found.step,
        found.method,
        found.algorithm,
        tuple(
            (_pointed(one.uri), _coded(one.value), one.kind, one.steps, one.digest_name, one.enveloped)
            for one in found.references
        ),
        _coded(found.value),
        found.key_info,
        found.x509_data,
        tuple(_number(one.text or "") for each in infos for one in certificate_texts(each)[1]),
        tuple((cause, _way(each, node)) for cause, each in found.portability.items()),
        tuple(_way(each, node) for each in found.times),
        tuple(_way(each, node) for each in found.properties),
        found.old_xades,
        said,
        targets,
        digest,
        _around(octets),
        _around(properties_octets),
    )


Scope = tuple[tuple[str | None, str], ...]
"""Prefixes and namespaces in scope where a signature stands."""


def _parsed(source: bytes, scope: Scope) -> etree._Element:
    declared = "".join(
        f" xmlns{f':{prefix}' if prefix else ''}={quoteattr(name or '')}" for prefix, name in scope if prefix != "xml"
    )
    try:
        return etree.fromstring(f"<w{declared}>".encode() + source + b"</w>", _PARSER)[0]
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _NoOutline from error


def _number(mark: str) -> int:
    """The number of the value that the mark stands for."""
    match = _MARK.fullmatch(mark.encode())
    if match is None:
        raise _NoOutline
    return int(match[1])


def _pointed(uri: str) -> int:
    return _number(uri[1:]) if uri.startswith("#") else _number("")


def _coded(octets: bytes) -> int:
    return _number(binascii.b2a_base64(octets, newline=False).decode())


def _around(octets: bytes) -> Octets:
    parts = _MARK.split(octets)
    return tuple(parts[::2]), tuple(int(one) for one in parts[1::2])


@lru_cache(maxsize=16)
def _outlines(_: Pack) -> dict[Scope, tuple[_Outline, ...]]:
    return {}


class Reader:
    """Reads the signatures of one document."""

    def __init__(self, document: Document, pack: Pack) -> None:
        self._data = document.data
        self._pack = pack
        self._offsets = document.begins = _offsets(document)
        self._known = _outlines(pack)

    def read(self, node: etree._Element) -> Parsed:
        """What :func:`parse` finds, in a fraction of the time where a signature like it was met before."""
        at = self._offsets.get(node)
        box = node.getparent()
        if at is None or box is None:
            return parse(node, self._pack)
        scope: Scope = tuple(box.nsmap.items())
        outlines = self._known.get(scope, ())
        for number, one in enumerate(outlines):
            values = one.values(self._data, at)
            if values is None:
                continue
            if number:  # the next one is likely of the same sort
                self._known[scope] = (one, *outlines[:number], *outlines[number + 1 :])
            return one.read(node, values) or parse(node, self._pack)
        self._learn(scope, outlines, node, at)
        return parse(node, self._pack)

    def _learn(self, scope: Scope, outlines: Sequence[_Outline], node: etree._Element, at: int) -> None:
        end = b"</%s:Signature>" % node.prefix.encode() if node.prefix else b"</Signature>"
        stop = self._data.find(end, at, at + _LONGEST)
        if stop < 0:
            return
        try:
            one = _outline(self._data[at : stop + len(end)], scope, self._pack)
        except _NoOutline:
            return
        if len(self._known) >= _MOST_SCOPES:
            self._known.clear()
        self._known[scope] = (one, *outlines[: _MOST - 1])


def _offsets(document: Document) -> Mapping[etree._Element, int]:
    """Where each signature begins in the bytes; none where that cannot be told for certain."""
    signatures = list(document.root.iter("{*}Signature"))
    if not signatures or not document.tags_only:
        return {}
    prefix = signatures[0].prefix
    if any(one.prefix != prefix or one.tag != SIGNATURE for one in signatures):
        return {}
    mark = b"<%s:Signature " % prefix.encode() if prefix else b"<Signature "
    offsets: list[int] = []
    at = document.data.find(mark)
    while at >= 0:
        offsets.append(at)
        at = document.data.find(mark, at + 1)
    # every start tag of that name is one of them, so as many are all of them
    return dict(zip(signatures, offsets, strict=True)) if len(offsets) == len(signatures) else {}
