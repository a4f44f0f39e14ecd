"""Safe reading: bytes → :class:`Document`, or the problems that stop it. Never raises on bad bytes, never fetches.

Order: caps on bytes, encoding, parser without entities, network and DTD, DOCTYPE after parsing, caps on the tree,
comments and processing instructions, one index of identifiers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from xml.parsers import expat

from lxml import etree

from conformance.document.binding import compiled
from conformance.finding import Place
from conformance.pack import Pack
from conformance.transcript.model import Transcript

_DECLARED = re.compile(rb"^\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_XMLNS = re.compile(rb"\bxmlns[:=]")
_CDATA = b"<![CDATA["
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the bytes, by kind (the causes of PL1-DOC-001 … 004, 006), with its place."""

    kind: str
    place: Place
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of the bytes: a document unless a problem stopped it."""

    data: bytes
    document: Document | None
    problems: tuple[Problem, ...]


class Document:
    """A parsed transcript in a pack's form."""

    def __init__(self, data: bytes, pack: Pack, root: etree._Element) -> None:
        self.data = data
        self.pack = pack
        self.root = root

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def transcript(self) -> Transcript:
        """The document as the model, bound by the pack."""
        return compiled(self.pack).read(self.root)

    @cached_property
    def identified(self) -> tuple[tuple[str, str, etree._Element], ...]:
        """Every identifier there is: (value, spelling, element), in document order, over all spellings."""
        spellings = [(name, _attribute_name(name)) for name in self.pack.binding.id_spellings]
        return tuple(
            (value, name, element)
            for element in self.root.iter(etree.Element)
            for name, attribute in spellings
            if (value := element.get(attribute)) is not None
        )

    @cached_property
    def ids(self) -> Mapping[str, etree._Element]:
        """Elements by the value of their identifier; a value that occurs twice is not in it."""
        found: dict[str, etree._Element] = {}
        twice: set[str] = set()
        for value, _, element in self.identified:
            if value in found and found[value] is not element:
                twice.add(value)
            found[value] = element
        return {value: element for value, element in found.items() if value not in twice}

    def at(self, path: str) -> tuple[etree._Element, ...]:
        """The elements at a path of element names below the root."""
        namespace = self.pack.binding.namespace
        found: list[etree._Element] = [self.root]
        for part in path.split("/"):
            tag = f"{{{namespace}}}{part}" if namespace else part
            found = [child for element in found for child in element.iterchildren(tag)]
        return tuple(found)

    def anchors(self, name: str) -> tuple[etree._Element, ...]:
        """The elements behind an anchor of the binding, at their fixed place."""
        return self.at(self.pack.binding.anchors[name])

    def slots(self, name: str) -> tuple[etree._Element, ...]:
        """The group elements of a signature slot."""
        return self.at(next(slot.path for slot in self.pack.signature.slots if slot.name == name))

    def place(self, node: object) -> Place:
        """Where an element, a value or a part of the model stands; the root when it stands nowhere."""
        element = node
        while element is not None and not isinstance(element, etree._Element):
            element = getattr(element, "node", None)
        if element is None:
            element = self.root
        line, column, offset = self._positions.get(element, (None, None, None))
        return Place(xpath_of(element), line, column, offset)

    @cached_property
    def _positions(self) -> Mapping[etree._Element, tuple[int, int, int]]:
        return dict(zip(self.root.iter(etree.Element), positions(self.data), strict=False))


def _attribute_name(spelling: str) -> str:
    return spelling.replace("xml:", "{http://www.w3.org/XML/1998/namespace}")


def xpath_of(element: etree._Element) -> str:
    """``/HocBa/NoiDung/BangDiem/MonHoc[3]``: local names; a position where siblings share the name."""
    steps: list[str] = []
    node: etree._Element | None = element
    while node is not None:
        parent = node.getparent()
        name = etree.QName(node).localname if isinstance(node.tag, str) else "node()"
        if parent is not None and isinstance(node.tag, str):
            same = [one for one in parent if isinstance(one.tag, str) and etree.QName(one).localname == name]
            if len(same) > 1:
                name += f"[{same.index(node) + 1}]"
        steps.append(name)
        node = parent
    return "/" + "/".join(reversed(steps))


def positions(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Line, column (from 1) and byte offset of every start tag, in document order; stops where expat stops."""
    found: list[tuple[int, int, int]] = []
    parser = expat.ParserCreate()

    def start(_: str, __: dict[str, str]) -> None:
        found.append((parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, parser.CurrentByteIndex))

    parser.StartElementHandler = start
    _quietly(parser, data)
    return iter(found)


def _quietly(parser: expat.XMLParserType, data: bytes) -> None:
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError):
        return


def _cdata_places(data: bytes) -> list[Place]:
    found: list[Place] = []
    way: list[list[str]] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _: dict[str, str]) -> None:
        way.append([name.rpartition(" ")[2]])

    def end(_: str) -> None:
        way.pop()

    def section() -> None:
        steps = "/".join(one[0] for one in way)
        found.append(
            Place(f"/{steps}", parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, parser.CurrentByteIndex)
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartCdataSectionHandler = section
    _quietly(parser, data)
    return found


def position_of(data: bytes, offset: int) -> Place:
    """A place from a byte offset."""
    before = data[:offset]
    line = before.count(b"\n") + 1
    column = len(before) - (before.rfind(b"\n") + 1) + 1
    return Place("", line, column, offset)


def read(data: bytes, pack: Pack) -> Reading:
    """Read ``data`` in the form of ``pack``."""
    limits = pack.header.limits
    if len(data) > limits.bytes:
        problem = Problem("bytes", Place(offset=limits.bytes), f"{len(data)} > {limits.bytes}")
        return Reading(data[:0], None, (problem,))
    early = _encoding(data)
    if early is not None:
        return Reading(data, None, (early,))
    namespaces = len(_XMLNS.findall(data))
    if namespaces > limits.namespaces:
        problem = Problem("namespaces", Place("/"), f"{namespaces} > {limits.namespaces}")
        return Reading(data, None, (problem,))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        attribute_defaults=False, collect_ids=False,
    )  # fmt: skip
    doctype = data.find(b"<!DOCTYPE")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return Reading(data, None, (_unparsed(error, data, doctype),))
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None or tree.docinfo.doctype:
        return Reading(data, None, (Problem("doctype", position_of(data, max(doctype, 0)), ""),))
    over = _caps(root, pack)
    if over is not None:
        return Reading(data, None, (over,))
    problems = list(_foreign_nodes(data, root))
    if data.startswith(_BOM):
        problems.append(Problem("bom", position_of(data, 0), ""))
    qname = etree.QName(root)
    binding = pack.binding
    if qname.localname != binding.root or (qname.namespace or "") != binding.namespace:
        seen = f"{{{qname.namespace or ''}}}{qname.localname}"
        problems.append(Problem("other-form", _at(root, data), seen))
        return Reading(data, None, tuple(problems))
    return Reading(data, Document(data, pack, root), tuple(problems))


def _at(root: etree._Element, data: bytes) -> Place:
    line, column, offset = next(positions(data), (None, None, None))
    return Place(xpath_of(root), line, column, offset)


def _encoding(data: bytes) -> Problem | None:
    if data.startswith(_OTHER_BOMS) or b"\x00" in data[:64]:
        return Problem("not-utf8", Place(line=1, column=1, offset=0), "UTF-16/UTF-32")
    declared = _DECLARED.match(data.removeprefix(_BOM))
    if declared and declared[1].lower() not in (b"utf-8", b"utf8"):
        return Problem("not-utf8", position_of(data, declared.start(1)), declared[1].decode("ascii"))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem("invalid-utf8", position_of(data, error.start), data[error.start : error.start + 4].hex())
    return None


def _unparsed(error: Exception, data: bytes, doctype: int) -> Problem:
    message = str(error)
    if doctype >= 0:
        return Problem("doctype", position_of(data, doctype), message)
    line, column = getattr(error, "position", (None, None))
    lowered = message.lower()
    kind = "not-well-formed"
    if "depth" in lowered:
        kind = "depth"
    elif "huge" in lowered or "too long" in lowered or "too large" in lowered:
        kind = "bytes"
    return Problem(kind, Place("", line, column, None), message)


def _caps(root: etree._Element, pack: Pack) -> Problem | None:
    limits = pack.header.limits
    if root.xpath("boolean(" + "/*" * (limits.depth + 1) + ")"):
        return Problem("depth", Place(xpath_of(root)), f"> {limits.depth}")
    nodes = 0
    for element in root.iter(etree.Element):
        attributes = len(element.attrib)
        nodes += 1 + attributes
        if attributes > limits.attributes:
            return Problem("attributes", Place(xpath_of(element)), f"{attributes} > {limits.attributes}")
        if nodes > limits.nodes:
            return Problem("nodes", Place(xpath_of(root)), f"> {limits.nodes}")
    return None


def _foreign_nodes(data: bytes, root: etree._Element) -> Iterator[Problem]:
    for node in root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity):
        kind = "comment" if isinstance(node, etree._Comment) else "entity"
        if isinstance(node, etree._ProcessingInstruction):
            kind = "instruction"
        parent = node.getparent()
        xpath = xpath_of(parent if parent is not None else root)
        yield Problem(kind, Place(xpath, _line(node)), (node.text or "")[:80])
    sibling = root.getprevious()
    while sibling is not None:
        if isinstance(sibling, etree._ProcessingInstruction):
            target = str(sibling.target)
            kind = "stylesheet" if target == "xml-stylesheet" else "instruction"
            yield Problem(kind, Place("/", _line(sibling)), target)
        sibling = sibling.getprevious()
    if _CDATA in data:
        for place in _cdata_places(data):
            yield Problem("cdata", place, "")


def _line(node: etree._Element) -> int | None:
    line: int | None = getattr(node, "sourceline", None)
    return line
