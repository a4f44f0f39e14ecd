"""Safe reading: bytes → :class:`Document`, or the problems that stop it. Never raises on bad bytes, never fetches.

Order: caps on bytes, encoding, parser without entities, network and DTD, DOCTYPE after parsing, caps on the tree,
comments and processing instructions, one index of identifiers.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from xml.parsers import expat

from lxml import etree

from conformance.document.binding import compiled
from conformance.finding import Place
from conformance.pack import Pack
from conformance.transcript.model import Transcript

_DECLARED = re.compile(rb"^\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_XMLNS = re.compile(rb"\bxmlns(?::|\s*=)")
_DOCTYPE = b"<!DOCTYPE"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_EBCDIC = "<?xm".encode("cp037")
_START = re.compile(rb"<(?=[^/?])")
_CONTINUING = bytes(range(0x80, 0xC0))
"""Octets of UTF-8 that begin no character."""
_BLOCK = 1 << 14
_BEFORE = etree.XPath("count(preceding::*) + count(ancestor::*)")
"""Elements that begin before one."""
Finder = Callable[[etree._Element], Any]
_FEW = 16
"""Places that are looked for one by one; when more are asked for, it is found out once where every element begins."""
_MANY = 2_000
"""Identifiers from which on their elements are asked for in a way that takes longer for few."""
MOST = 10
"""Problems of one kind that are kept: a hostile file must not flood a report."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the bytes, by kind (the causes of PL1-DOC-001 … 004, 006), with its place."""

    kind: str
    place: Place
    detail: str = ""
    sort: str = ""
    """Of a document type declaration: what it holds (``external-entity``, ``entities``, ``external-subset``)."""


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
        self.worked_out: dict[str, tuple[object, Any]] = {}
        """What one check found out and others ask for again, with that by which it was found out."""
        self.begins: Mapping[etree._Element, int] = {}
        """Where start tags begin in the bytes, of elements for which somebody found it out."""
        self._asked = 0
        self._xpaths: dict[etree._Element, str] = {}
        self._at: dict[str, tuple[etree._Element, ...]] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, lower-case hex."""
        return hashlib.sha256(self.data).hexdigest()

    def digest_by(self, name: str) -> str:
        """The digest of the bytes by an algorithm of ``hashlib``, lower-case hex."""
        return self.digest if name == "sha256" else hashlib.new(name, self.data).hexdigest()

    @cached_property
    def transcript(self) -> Transcript:
        """The document as the model, bound by the pack."""
        return compiled(self.pack).read(self.root)

    @cached_property
    def elements(self) -> tuple[etree._Element, ...]:
        """Every element in document order."""
        return tuple(self.root.iter(etree.Element))

    @cached_property
    def identified(self) -> tuple[tuple[str, str, etree._Element], ...]:
        """Every identifier there is: (value, spelling, element), in document order, over all spellings."""
        names = self.pack.binding.id_spellings
        ask = _identifiers(names)
        if ask.other(self.root):
            elements, spellings = ask.every(self.root), [(name, _attribute_name(name)) for name in names]
        else:
            usual = ask.usual if ask.count(self.root) <= _MANY else ask.every
            elements, spellings = usual(self.root), [(names[0], _attribute_name(names[0]))]
        return tuple(
            [
                (value, name, element)
                for element in elements
                for name, attribute in spellings
                if (value := element.get(attribute)) is not None
            ]
        )

    @cached_property
    def doubled(self) -> bool:
        """Whether some identifier stands twice."""
        return len({value for value, _, _ in self.identified}) < len(self.identified)

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
        known = self._at.get(path)
        if known is None:
            known = self._at[path] = self._look(path)
        return known

    def _look(self, path: str) -> tuple[etree._Element, ...]:
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
        """The group elements of a signature slot; none when the form has no such slot."""
        path = next((slot.path for slot in self.pack.signature.slots if slot.name == name), "")
        return self.at(path) if path else ()

    def place(self, node: object) -> Place:
        """Where an element, a value or a part of the model stands; the root when it stands nowhere."""
        element = node
        while element is not None and not isinstance(element, etree._Element):
            element = getattr(element, "node", None)
        if element is None:
            element = self.root
        if self._asked < _FEW:
            self._asked += 1
            near = self._near(element)
            if near is not None:
                return near
        start = self._starts.get(element)
        if start is None:
            return Place(self.xpath(element))
        lines, characters = self._before(start)
        _, before_line = self._before(self.data.rfind(b"\n", 0, start) + 1)
        return Place(self.xpath(element), lines + 1, characters - before_line + 1, start)

    def xpath(self, element: etree._Element) -> str:
        """As :func:`xpath_of`; what stands above is asked for once."""
        known = self._xpaths.get(element)
        if known is None:
            parent = element.getparent()
            above = "" if parent is None else self.xpath(parent)
            known = self._xpaths[element] = f"{above}/{_step_to(element)}"
        return known

    def _near(self, element: etree._Element) -> Place | None:
        """One place alone; ``None`` where only expat can tell."""
        if not self.tags_only or element.getroottree().getroot() is not self.root or not isinstance(element.tag, str):
            return None
        start = self.begins.get(element)
        if start is None:
            before = int(float(str(_BEFORE(element))))
            start = next(itertools.islice(_START.finditer(self.data), before, None)).start()
        line, column, offset = _line_and_column(self.data, start)
        return Place(self.xpath(element), line, column, offset)

    @cached_property
    def tags_only(self) -> bool:
        """Whether every ``<`` that begins a name begins a start tag, one for each element."""
        data = self.data
        if not data.startswith(b"<") or b"\r" in data or _has(data, b"<!"):
            return False
        return not _more_than_two(data, b"?") or data.find(b"<?", 1) < 0

    @cached_property
    def _starts(self) -> Mapping[etree._Element, int]:
        """Where every start tag begins, by one pass over the bytes: expat's where something else looks like one."""
        if self.tags_only:
            return dict(zip(self.elements, (one.start() for one in _START.finditer(self.data)), strict=False))
        return dict(zip(self.elements, (offset for _, _, offset in positions(self.data)), strict=False))

    @cached_property
    def _blocks(self) -> Sequence[tuple[int, int]]:
        """How many lines end, and how many characters begin, before every block of the bytes."""
        blocks = [self.data[at : at + _BLOCK] for at in range(0, len(self.data), _BLOCK)]
        lines = itertools.accumulate((block.count(b"\n") for block in blocks), initial=0)
        return list(zip(lines, itertools.accumulate(map(_characters, blocks), initial=0), strict=True))

    def _before(self, offset: int) -> tuple[int, int]:
        """How many lines end, and how many characters begin, before an offset."""
        block = offset // _BLOCK
        (lines, characters), rest = self._blocks[block], self.data[block * _BLOCK : offset]
        return lines + rest.count(b"\n"), characters + _characters(rest)


def _characters(octets: bytes) -> int:
    """How many characters of UTF-8 begin in ``octets``."""
    return len(octets.translate(None, _CONTINUING))


class _Identifiers(NamedTuple):
    """Questions about identifiers, compiled."""

    usual: Finder
    """Elements with one in the first spelling, quick where they are few."""
    count: Finder
    """How many those are."""
    other: Finder
    """Whether an element has one in another spelling."""
    every: Finder
    """Elements with one in any spelling."""


@lru_cache(maxsize=8)
def _identifiers(spellings: tuple[str, ...]) -> _Identifiers:
    first, *rest = (f"@{name}" for name in spellings)
    return _Identifiers(
        etree.XPath(f"//{first}/.."),
        etree.XPath(f"count(//{first})"),
        etree.XPath(" or ".join(f"boolean(//{name})" for name in rest) or "false()"),
        etree.XPath(f"/descendant-or-self::*[{' or '.join((first, *rest))}]"),
    )


def _attribute_name(spelling: str) -> str:
    return spelling.replace("xml:", "{http://www.w3.org/XML/1998/namespace}")


def xpath_of(element: etree._Element) -> str:
    """``/HocBa/NoiDung/BangDiem/MonHoc[3]``: local names; a position where siblings share the name."""
    steps = [_step_to(element), *(_step_to(above) for above in element.iterancestors())]
    return "/" + "/".join(reversed(steps))


def _step_to(node: etree._Element) -> str:
    """The last step of an element's path."""
    name = etree.QName(node).localname if isinstance(node.tag, str) else ""
    if not name or node.getparent() is None:
        return name or "node()"
    before = sum(1 for _ in node.itersiblings(f"{{*}}{name}", preceding=True))
    alone = not before and next(node.itersiblings(f"{{*}}{name}"), None) is None
    return name if alone else f"{name}[{before + 1}]"


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


class _Enough(Exception):
    """Raised inside a handler to stop expat."""


def _has(data: bytes, mark: bytes) -> bool:
    """Whether ``mark`` is in ``data``; its second byte is rare, and one byte is found much faster than several."""
    return mark[1:2] in data and mark in data


def _more_than_two(data: bytes, octet: bytes) -> bool:
    """Whether a rare octet stands in ``data`` three times; to find it is much faster than to count it."""
    at = -1
    for _ in range(3):
        at = data.find(octet, at + 1)
        if at < 0:
            return False
    return True


def _doctype(data: bytes) -> Place | None:
    """Where the document type declaration begins; parsing stops there, so nothing in it is ever looked at."""
    if not _has(data, _DOCTYPE):
        return None
    parser = expat.ParserCreate()
    found: list[int] = []

    def doctype(*_: object) -> None:
        found.append(parser.CurrentByteIndex)
        raise _Enough

    def start(*_: object) -> None:
        raise _Enough

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    with suppress(_Enough):
        _quietly(parser, data)
    if not found:
        return None
    return position_of(data, max(data.rfind(_DOCTYPE, 0, found[0] + len(_DOCTYPE)), 0))


_EXTERNAL_ENTITY = re.compile(rb"<!ENTITY\s{1,99}(?:%\s{1,99})?[^\s\"'<>]{1,99}\s{1,99}(?:SYSTEM|PUBLIC)\s")
_EXTERNAL_SUBSET = re.compile(rb"<!DOCTYPE\s{1,99}[^\s\"'<>\[]{1,99}\s{1,99}(?:SYSTEM|PUBLIC)\s")
_LOOKED_AT = 1 << 16
"""Bytes of a declaration that are looked at to say what it holds."""


def _sort(data: bytes, start: int) -> str:
    """What the declaration holds, the worst first, told from its words; nothing in it is read or fetched."""
    declaration = data[start : start + _LOOKED_AT]
    if _EXTERNAL_ENTITY.search(declaration):
        return "external-entity"
    if b"<!ENTITY" in declaration:
        return "entities"
    return "external-subset" if _EXTERNAL_SUBSET.match(declaration) else ""


def _foreign_nodes(data: bytes, root: etree._Element) -> Iterator[Problem]:
    """Comments and instructions in the document, CDATA sections (which lxml does not show), and any stylesheet."""
    elements = list(root.iter(etree.Element))
    parser = expat.ParserCreate()
    found: list[tuple[str, int, int, int, int, str]] = []
    kept: Counter[str] = Counter()
    way: list[int] = []
    number = -1

    def note(kind: str, detail: str = "") -> None:
        kept[kind] += 1
        if kept[kind] <= MOST:
            inside = way[-1] if way else -1
            line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
            found.append((kind, inside, line, column, parser.CurrentByteIndex, detail))

    def start(*_: object) -> None:
        nonlocal number
        number += 1
        way.append(number)

    def instruction(target: str, _: str) -> None:
        # before the root, only a stylesheet changes what a reader sees
        if target == "xml-stylesheet":
            note("stylesheet", target)
        elif way:
            note("instruction", target)

    def comment(text: str) -> None:
        if way:
            note("comment", text[:80])

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: way.pop()
    parser.CommentHandler = comment
    parser.ProcessingInstructionHandler = instruction
    parser.StartCdataSectionHandler = lambda: note("cdata")
    _quietly(parser, data)
    for kind, inside, line, column, offset, detail in found:
        xpath = xpath_of(elements[inside]) if 0 <= inside < len(elements) else ""
        yield Problem(kind, Place(xpath, line, column, offset), detail)


def position_of(data: bytes, offset: int) -> Place:
    """A place from a byte offset; columns count characters, as expat does."""
    return Place("", *_line_and_column(data, offset))


def _line_and_column(data: bytes, offset: int) -> tuple[int, int, int]:
    line = data.count(b"\n", 0, offset) + 1
    start = data.rfind(b"\n", 0, offset) + 1
    return line, len(data[start:offset].decode("utf-8", "replace")) + 1, offset


def read(data: bytes, pack: Pack) -> Reading:
    """Read ``data`` in the form of ``pack``."""
    limits = pack.header.limits
    if len(data) > limits.bytes:
        problem = Problem("bytes", Place(offset=limits.bytes), f"{len(data)} > {limits.bytes}")
        return Reading(data[:0], None, (problem,))
    early = _not_xml(data) or _encoding(data)
    if early:
        return Reading(data, None, early)
    # the word is counted first: the pattern is slow, and never matches more often
    namespaces = data.count(b"xmlns")
    if namespaces > limits.namespaces and (namespaces := len(_XMLNS.findall(data))) > limits.namespaces:
        problem = Problem("namespaces", Place(), f"{namespaces} > {limits.namespaces}")
        return Reading(data, None, (problem,))
    doctype = _doctype(data)
    if doctype is not None:
        return Reading(data, None, (Problem("doctype", doctype, sort=_sort(data, doctype.offset or 0)),))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        attribute_defaults=False, collect_ids=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return Reading(data, None, (_unparsed(error, data),))
    information = root.getroottree().docinfo
    if information.internalDTD is not None or information.doctype:
        return Reading(data, None, (Problem("doctype", Place()),))
    if (information.encoding or "UTF-8").upper() != "UTF-8":
        return Reading(data, None, (Problem("not-utf8", Place(line=1, column=1, offset=0), str(information.encoding)),))
    if (information.xml_version or "1.0") != "1.0":
        problem = Problem("version", Place(line=1, column=1, offset=0), str(information.xml_version))
        return Reading(data, None, (problem,))
    document = Document(data, pack, root)
    over = _caps(document)
    if over is not None:
        return Reading(data, None, (over,))
    problems: list[Problem] = []
    declared = data.startswith((b"<?xml", _BOM + b"<?xml"))
    if _has(data, b"<!") or not declared or (_more_than_two(data, b"?") and data.rfind(b"<?") > len(_BOM)):
        problems.extend(_foreign_nodes(data, root))
    if data.startswith(_BOM):
        problems.append(Problem("bom", position_of(data, 0), ""))
    qname = etree.QName(root)
    binding = pack.binding
    if qname.localname != binding.root or (qname.namespace or "") != binding.namespace:
        seen = f"{{{qname.namespace or ''}}}{qname.localname}"[:200]
        problems.append(Problem("other-form", _at(root, data), seen))
        return Reading(data, None, tuple(problems))
    return Reading(data, document, tuple(problems))


def _at(root: etree._Element, data: bytes) -> Place:
    line, column, offset = next(positions(data), (None, None, None))
    return Place(xpath_of(root), line, column, offset)


_OTHER_FILES = (
    (b"%PDF", "PDF"), (b"PK\x03\x04", "ZIP"), (b"\x1f\x8b", "gzip"), (b"7z\xbc\xaf", "7z"), (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"), (b"0\x82", "DER (PKCS#7)"), (b"0\x80", "DER (PKCS#7)"), (b"-----BEGIN", "PEM"),
    (b"{", "JSON"), (b"[", "JSON"), (b"PD94bWwg", "base64"),
)  # fmt: skip
"""How files begin that people take for a transcript, or put one into."""


def _not_xml(data: bytes) -> tuple[Problem, ...]:
    """A file of another kind is told as what it is, not as XML with a mistake in it."""
    if data.startswith(b"<"):
        return ()
    head = data[:64].removeprefix(_BOM).lstrip()
    kind = next((name for start, name in _OTHER_FILES if head.startswith(start)), "")
    return (Problem("not-xml", Place(line=1, column=1, offset=0), kind),) if kind else ()


def _encoding(data: bytes) -> tuple[Problem, ...]:
    other = _other_unicode(data)
    declared = _DECLARED.match(data.removeprefix(_BOM))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if other:
        named = "EBCDIC" if other == "cp037" else other.upper()
        problems = [Problem("not-utf8", Place(line=1, column=1, offset=0), named)]
    elif declared and name not in ("utf-8", "utf8"):
        problems = [Problem("not-utf8", position_of(data, data.find(declared[1])), declared[1].decode("ascii"))]
        other = name if name == "utf-7" else ""
    else:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            seen = data[error.start : error.start + 4].hex(" ")
            return (Problem("invalid-utf8", position_of(data, error.start), seen),)
        return ()
    # a declaration hidden from a search of the bytes is a mistake of its own
    hidden = data.decode(other, "ignore").encode("utf-8", "ignore") if other else data
    if _DOCTYPE in hidden:
        problems.append(Problem("doctype", Place(line=1, column=1, offset=0)))
    return tuple(problems)


def _other_unicode(data: bytes) -> str:
    """UTF-16 or UTF-32 by byte order mark or by zero bytes, EBCDIC by its declaration; empty for anything else."""
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if data.startswith(_OTHER_BOMS):
        return "utf-16"
    if data[:4] == _EBCDIC:
        return "cp037"
    if data[:4] == b"<\x00\x00\x00":
        return "utf-32-le"
    if data[:4] == b"\x00\x00\x00<":
        return "utf-32-be"
    return {b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}.get(data[:2], "")


def _unparsed(error: Exception, data: bytes) -> Problem:
    message = str(error)
    line, column = getattr(error, "position", (None, None))
    lowered = message.lower()
    kind = "not-well-formed"
    if "depth" in lowered:
        kind = "depth"
    elif "huge" in lowered or "too long" in lowered or "too large" in lowered:
        kind = "bytes"
    if not line:  # an empty file has no position
        return Problem(kind, Place(line=1, column=1, offset=0), message)
    said = getattr(error, "msg", None) or message
    return Problem(kind, Place("", line, column, _offset(data, line, column)), said)


def _offset(data: bytes, line: int, column: int | None) -> int | None:
    start = 0
    for _ in range(line - 1):
        start = data.find(b"\n", start) + 1
        if not start:
            return None
    return min(start + max((column or 1) - 1, 0), len(data))


class _Over(NamedTuple):
    """Questions about the limits, compiled."""

    depth: Finder
    """Whether an element stands too deep."""
    attributes: Finder
    """Elements with too many attributes."""
    children: Finder
    """The first child past the limit of every element outside signatures, which have limits of their own."""
    any: Finder
    """Whether one of these may be passed."""
    nodes: Finder
    """How many nodes there are, texts and namespaces apart."""


@lru_cache(maxsize=8)
def _over(depth: int, attributes: int, children: int) -> _Over:
    deeper, crowded = "boolean(" + "/*" * (depth + 1) + ")", f"//*/*[{children + 1}]"
    kinds = ("*", "comment()", "processing-instruction()", "*/@*")
    return _Over(
        etree.XPath(deeper),
        etree.XPath(f"//*[@*[{attributes + 1}]]"),
        etree.XPath(f"{crowded}[not(ancestor::ds:Signature)]", namespaces={"ds": _DS}),
        etree.XPath(f"{deeper} or boolean(//@*[{attributes + 1}]) or boolean({crowded})"),
        etree.XPath(" + ".join(f"count(/*/descendant-or-self::{kind})" for kind in kinds)),
    )


def _caps(document: Document) -> Problem | None:
    root, limits = document.root, document.pack.header.limits
    over = _over(limits.depth, limits.attributes, limits.children)
    # the smallest node is <a/>, no element has an attribute or a child past the limit: nothing to count
    if len(document.data) <= 4 * limits.nodes and not over.any(root):
        return None
    if over.depth(root):
        return Problem("depth", document.place(root), f"> {limits.depth}")
    for one in over.attributes(root)[:1]:
        return Problem("attributes", document.place(one), f"{len(one.attrib)} > {limits.attributes}")
    if over.nodes(root) > limits.nodes:
        return Problem("nodes", document.place(root), f"> {limits.nodes}")
    for one in over.children(root)[:1]:
        crowded = one.getparent()
        seen = f"{etree.QName(crowded).localname}: {len(crowded)} > {limits.children}"
        return Problem("children", document.place(one), seen)
    return None
