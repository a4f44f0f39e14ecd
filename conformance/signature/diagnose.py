"""Why a digest does not fit: tries what is known to happen to XML after signing, and says which one fits.

A digest cannot be turned round, but it can be asked: each likely accident is undone and the digest taken again. What
fits is what happened. All trials of one document share a budget, so that a hostile one cannot make them endless.
"""

from __future__ import annotations

import copy
import hmac
import itertools
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

from lxml import etree

from conformance.document.letters import normalized
from conformance.pack import Pack
from conformance.signature.algorithms import digest
from conformance.signature.budget import Budget
from conformance.signature.canonical import DS, XADES, canonical, rerooted
from conformance.signature.mistaken import digested_twice, not_canonical, spellings
from conformance.signature.parse import SIGNATURE, Step
from conformance.signature.rearranged import rearranged
from conformance.signature.reprefixed import under_other_prefixes
from conformance.signature.values import edited

CHANGED = "value-changed"
"""What is left when nothing known explains the digest."""
_BASE64 = tuple(f"{{{DS}}}{name}" for name in ("SignatureValue", "DigestValue", "X509Certificate"))
_WIDTHS = (0, 64, 76)
_INDENTS = ("  ", "    ", "\t", " ")
_DEPTHS = (0, 1, 2, 3)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e0fff]")
"""Characters without a shape, which an editor or a copy from a web page puts in."""
_LOOK_ALIKE = (("\u00d0\u00f0", "\u0110\u0111"), ("\u00a0", " "), ("’", "'"), ("‘", "'"))
_USUAL = {
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsd": "http://www.w3.org/2001/XMLSchema",
    "ds": DS,
    "xades": XADES,
}
"""Namespaces that serializers put on the root without need, or drop there."""
_DECLARED = re.compile(rb" xmlns:([^=\s]+)=")
_MOST_PREFIXES = 20
_LONGEST_DIGEST = 176
"""Octets of any digest there is, however spelled: a longer value is none, and comparing it thousands of times takes
long."""
_ELEMENT = 80
"""What an element costs beside its octets, or an attribute where those are more: a file of empty ones is short and
slow."""
_MOST_TOGETHER = 600_000
"""What a part may cost of which several accidents are undone at once: a whole transcript costs a fifth of that."""
_HALF = 8
"""Octets of a digest that was cut off: fewer may fit by chance."""
_MOST_ELSEWHERE = 40
"""Other parts that are tried to be what was digested."""
_COUNT = etree.XPath("count(descendant-or-self::*)")
_ATTRIBUTES = etree.XPath("count(descendant-or-self::*/@*)")
_OTHER_BASIS = ("exclusive", "inclusive")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The cause that fits, where exactly if that is known, and what the cause's text says of it."""

    cause: str
    node: etree._Element | None = None
    details: dict[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Causes of what happened to the part besides: each is an accident of its own."""


class _Case:
    """One failing digest."""

    def __init__(self, element: etree._Element, step: Step, name: str, wanted: bytes, pack: Pack, budget: Budget):
        self.element = element
        self.step = step
        self.name = name
        self.wanted = wanted
        self.pack = pack
        self.budget = budget
        self.octets = canonical(element, step.method, step.prefixes)
        parts = max(int(float(str(count(element)))) for count in (_COUNT, _ATTRIBUTES))
        self.price = 2 * len(self.octets) + _ELEMENT * parts

    def fits(self, octets: bytes) -> bool:
        return hmac.compare_digest(digest(self.name, octets), self.wanted)

    def form(self, element: etree._Element, method: str = "") -> bytes:
        method = method or self.step.method
        return canonical(element, method, self.step.prefixes if method == "exclusive" else ())

    def affordable(self) -> bool:
        """Whether one more trial of this size may be made."""
        return self.budget.forms.spend(self.price)


def why(
    element: etree._Element,
    step: Step,
    name: str,
    wanted: bytes,
    pack: Pack,
    budget: Budget | None = None,
    sound: Container[etree._Element] = (),
    hints: Sequence[str] = (),
) -> Diagnosis:
    """The accident that explains the digest ``wanted`` of ``element``; :data:`CHANGED` when nothing known does.

    ``sound``: elements that other signatures confirm, so that the change is not in them. ``hints``: names and numbers
    that a person's may have been.
    """
    if len(wanted) > _LONGEST_DIGEST:
        return Diagnosis(CHANGED)
    try:
        case = _Case(element, step, name, wanted, pack, budget or Budget())
        if not case.affordable():
            return Diagnosis(CHANGED)
        for way in (
            _digest_spelling,
            _digest_method,
            _canonicalization,
            _markup,
            _texts_as_a_whole,
            _namespaces,
            _not_xml,
        ):
            found = way(case)
            if found is not None:
                return found
        found = _inside(case, element, sound, hints) or _together(case, sound, hints)
        if found is not None:
            return found
    except etree.C14NError:  # no form to compare: PL1-KY-007 says why
        pass
    return Diagnosis(CHANGED)


def _inside(
    case: _Case, element: etree._Element, sound: Container[etree._Element], hints: Sequence[str]
) -> Diagnosis | None:
    """What happened to single elements or values; ``element``: the part, or a copy as it may have been before."""
    moved = rearranged(element, case.form, case.fits, case.budget, case.price)
    if moved:
        return Diagnosis(*moved)
    original = None if element is case.element else case.element
    value = edited(element, case.form, (case.name, case.wanted), case.pack, case.budget.guesses, sound, hints, original)
    if value is None:
        return None
    return Diagnosis("value-edited", value.node, {"before": value.before, "after": value.after})


def _together(case: _Case, sound: Container[etree._Element], hints: Sequence[str]) -> Diagnosis | None:
    """Two accidents and more: an editor wrote the part anew, and something in it was changed as well."""
    if case.price > _MOST_TOGETHER:
        return None
    ways: list[tuple[str, Callable[[etree._Element], None]]] = [
        ("reindented", _compact), ("nfd", _composed), ("decimal-sign", _pointed(case.pack)),
    ]  # fmt: skip
    own = list(case.element.iter(etree.Element))
    before = etree.tostring(case.element, with_tail=False)
    ways = [one for one in ways if _changed(case.element, one[1]) != before]
    for number in range(1, 1 << len(ways)):
        chosen = [one for bit, one in enumerate(ways) if number >> bit & 1]
        if not case.affordable():
            return None
        tried = rerooted(case.element)
        for _, change in chosen:
            change(tried)
        *others, last = (cause for cause, _ in chosen)
        if others and case.fits(case.form(tried)):
            return Diagnosis(last, None, _spelled(case) if last == "decimal-sign" else {}, tuple(others))
        copies = list(tried.iter(etree.Element))
        safe = {made for made, element in zip(copies, own, strict=True) if element in sound}
        found = _inside(case, tried, safe, hints)
        if found is not None:
            node = None if found.node is None else own[copies.index(found.node)]
            return Diagnosis(found.cause, node, found.details, tuple(cause for cause, _ in chosen))
    return None


def _changed(element: etree._Element, change: Callable[[etree._Element], None]) -> bytes:
    tried = rerooted(element)
    change(tried)
    return etree.tostring(tried)


def _composed(root: etree._Element) -> None:
    _texts(root, lambda text: normalized("NFC", text))


def _pointed(pack: Pack) -> Callable[[etree._Element], None]:
    """Numbers with the decimal sign that the form has, in the place of the other one."""
    formats = pack.binding.formats
    return lambda root: _texts(root, lambda text: formats.respelled(text) if formats.is_otherwise(text) else text)


def _spelled(case: _Case) -> dict[str, str]:
    """The first number with the other decimal sign, as it was and as it is."""
    formats = case.pack.binding.formats
    texts = (one.text or "" for one in case.element.iter(etree.Element))
    now = next((text for text in texts if formats.is_otherwise(text)), "")
    return {"was": formats.respelled(now), "now": now}


def _canonicalization(case: _Case) -> Diagnosis | None:
    """Another canonicalization than declared; under the inclusive one, namespaces that came into scope or left it."""
    element, method = case.element, case.step.method
    if method != "exclusive":
        if case.fits(etree.tostring(rerooted(element), method="c14n")):
            return Diagnosis("attribute")  # xml:* around the part: inclusive canonicalization takes it in
        if _declares_unused(element) and case.fits(canonical(element)):
            return Diagnosis("c14n-variant", None, {"seen": "exclusive", "expected": method})
        surroundings = _surroundings(case)
        if surroundings is not None:
            return surroundings
    for other in dict.fromkeys(one.method for one in case.pack.signature.canonicalization.values()):
        if other != method and case.affordable() and case.fits(canonical(element, other)):
            return Diagnosis("c14n-variant", None, {"seen": other, "expected": method})
    if case.step.prefixes and case.fits(canonical(element, method)):
        return Diagnosis("c14n-variant", None, {"seen": 'exclusive, PrefixList=""', "expected": method})
    if case.fits(canonical(element, method, case.step.prefixes, comments=True)):
        return Diagnosis("comment")
    # what lxml and libxml2 write for a part of a tree: a spurious xmlns="" among other things
    if case.affordable() and case.fits(etree.tostring(element, method="c14n", with_tail=False)):
        return Diagnosis("c14n-variant", None, {"seen": 'inclusive, xmlns=""', "expected": method})
    return None


def _declares_unused(element: etree._Element) -> bool:
    """Whether the signature in which a part stands declares namespaces around it that the part does not show.

    Its own software wrote those: that they came later explains nothing.
    """
    signature = next(element.iterancestors(SIGNATURE), None)
    if signature is None:
        return False
    box = signature.getparent()
    before = {} if box is None else box.nsmap
    rendered = canonical(element).partition(b">")[0].decode()
    own = {prefix: uri for prefix, uri in element.nsmap.items() if before.get(prefix) != uri}
    return any(f"{'xmlns:' if prefix else 'xmlns'}{prefix or ''}=" not in rendered for prefix in own)


def _surroundings(case: _Case) -> Diagnosis | None:
    seen = around(case.element, case.step.method, case.fits, case.budget)
    return Diagnosis("namespace-context", None, {"seen": seen}) if seen else None


def around(element: etree._Element, method: str, fits: Callable[[bytes], bool], budget: Budget) -> str:
    """The namespace declarations around a part that must have changed for its digest (or signature value) to fit.

    Inclusive canonicalization takes what is in scope into the part: a declaration that was added around it, dropped or
    moved breaks it. Empty: that explains nothing.
    """
    octets, exclusive = canonical(element, method), canonical(element, "exclusive")
    head, _, rest = octets.decode("utf-8").partition(">")
    rendered = {one.decode() for one in _DECLARED.findall(exclusive.partition(b">")[0])}
    outside = [prefix for prefix in element.nsmap if prefix and prefix not in rendered][:_MOST_PREFIXES]
    default = element.nsmap.get(None) if b' xmlns="' not in exclusive.partition(b">")[0] else None
    every = {prefix: f'xmlns:{prefix}="{element.nsmap[prefix]}"' for prefix in outside}
    # the default one beside each other: what is put in place late meets both at once
    alone = [(name,) for name in every.values()]
    usual = [()] if default is None else [(f'xmlns="{default}"',), ()]
    for names in (one + more for more in usual for one in ((), *alone) if one + more):
        fewer = head
        for name in names:
            fewer = fewer.replace(f" {name}", "")
        if budget.forms.spend(len(octets)) and fits(f"{fewer}>{rest}".encode()):
            return ", ".join(names)
    if outside and fits(exclusive):
        return ", ".join(every.values())
    missing = [prefix for prefix in _USUAL if prefix not in element.nsmap]
    for number in range(1, 1 << len(missing)):
        added = {prefix: _USUAL[prefix] for bit, prefix in enumerate(missing) if number >> bit & 1}
        if not budget.forms.spend(2 * len(octets)):
            break
        if fits(canonical(_with_namespaces(element, added), method)):
            return ", ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in added.items())
    return ""


def _with_namespaces(element: etree._Element, added: dict[str, str]) -> etree._Element:
    """The part inside a wrapper that declares more."""
    opening = "<w " + " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in added.items()) + ">"
    wrapped = etree.fromstring(opening.encode() + etree.tostring(rerooted(element)) + b"</w>")
    return rerooted(wrapped[0])


def _markup(case: _Case) -> Diagnosis | None:
    """Instructions and attributes stay in every canonical form: what was put in after signing breaks it."""
    if next(case.element.iter(etree.ProcessingInstruction), None) is not None and case.affordable():
        tried = rerooted(case.element)
        etree.strip_tags(tried, etree.ProcessingInstruction)
        if case.fits(case.form(tried)):
            return Diagnosis("instruction")
    known = _attributes(case.pack)
    space = f"{{{case.pack.binding.namespace}}}"
    every = (one for one in case.element.iter(etree.Element) if one.tag.startswith(space) and one.keys())
    if all(known.issuperset(map(str, one.keys())) for one in every) or not case.affordable():
        return None
    tried = rerooted(case.element)
    for one in tried.iter(etree.Element):
        if one.tag.startswith(space):
            for name in known.symmetric_difference({*known, *map(str, one.keys())}):
                del one.attrib[name]
    return Diagnosis("attribute") if case.fits(case.form(tried)) else None


@lru_cache(maxsize=16)
def _attributes(pack: Pack) -> frozenset[str]:
    """Attributes that the pack's form has."""
    paths = (one.path.rpartition("/")[2] for one in pack.binding.fields.values())
    bound = (path[1:] for path in paths if path.startswith("@"))
    return frozenset((pack.binding.id_attribute, pack.signature.role_attribute, *bound))


def _texts(root: etree._Element, change: Callable[[str], str]) -> None:
    for element in root.iter():
        if element.text:
            element.text = change(element.text)
        if element.tail and element is not root:
            element.tail = change(element.tail)


def _compact(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        if len(element):
            if element.text and not element.text.strip():
                element.text = None
            for child in element:
                if child.tail and not child.tail.strip():
                    child.tail = None


def _strip(root: etree._Element) -> None:
    for element in root.iter(etree.Element):
        if element.text:
            element.text = element.text.strip()


def _wrapped(root: etree._Element, width: int) -> None:
    """The base64 in signatures on lines of ``width``; 0: on one line."""
    for element in root.iter(*_BASE64):
        text = "".join((element.text or "").split())
        lines = [text[at : at + width] for at in range(0, len(text), width)] if width else [text]
        element.text = "\n".join(lines)


def _replacing(old: str, new: str) -> Callable[[etree._Element], None]:
    table = str.maketrans(old, new)
    return lambda root: _texts(root, lambda text: text.translate(table))


def _variants(element: etree._Element, pack: Pack) -> Iterator[tuple[str, Callable[[etree._Element], None]]]:
    yield "reindented", _compact
    yield "nfd", _composed
    yield "nfc", lambda root: _texts(root, lambda text: normalized("NFD", text))
    if any("\r" in (one.text or "") or "\r" in (one.tail or "") for one in element.iter(etree.Element)):
        yield "crlf", lambda root: _texts(root, lambda text: text.replace("\r\n", "\n").replace("\r", "\n"))
    yield "crlf", lambda root: _texts(root, lambda text: text.replace("\n", "\r\n"))
    yield "whitespace", _strip
    if next(element.iter(f"{{{DS}}}SignatureValue"), None) is not None:
        for width in _WIDTHS:
            yield "whitespace", partial(_wrapped, width=width)
    yield "decimal-sign", _pointed(pack)
    for indent in _INDENTS:
        for depth in _DEPTHS:
            yield "compacted", lambda root, indent=indent, depth=depth: etree.indent(root, indent, level=depth)  # type: ignore[misc]
    for one, other in _LOOK_ALIKE:
        yield "look-alike", _replacing(one, other)
        yield "look-alike", _replacing(other[: len(one)], one)
    yield "look-alike", lambda root: _texts(root, lambda text: _UNSEEN.sub("", text))
    yield "mojibake", lambda root: _texts(root, _mended)
    yield "escaped", lambda root: _texts(root, _unescaped)
    yield "escaped", lambda root: _texts(root, lambda text: text.replace("&", "&amp;"))


def _mended(text: str) -> str:
    """A text that was read as Windows-1252 and written in UTF-8, as it was before."""
    octets = bytearray()
    for character in text:
        try:
            octets += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 0xFF:
                return text
            octets.append(ord(character))
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return text


def _unescaped(text: str) -> str:
    for name, character in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("#39", "'"), ("amp", "&")):
        text = text.replace(f"&{name};", character)
    return text


def _texts_as_a_whole(case: _Case) -> Diagnosis | None:
    """White space, line ends, composition of letters: changed all over the part."""
    methods = tuple(dict.fromkeys((str(case.step.method), *_OTHER_BASIS)))
    before = etree.tostring(case.element, with_tail=False)
    for cause, change in _variants(case.element, case.pack):
        if not case.affordable():
            return None
        tried = rerooted(case.element)
        change(tried)
        if cause != "reindented" and etree.tostring(tried) == before:
            continue
        for method in methods:
            if case.fits(case.form(tried, method)):
                return Diagnosis(cause, None, _spelled(case) if cause == "decimal-sign" else {})
    return None


def _namespaces(case: _Case) -> Diagnosis | None:
    if not case.affordable():
        return None
    if case.fits(_bare(case.element)):
        return Diagnosis("namespace")
    for before, after, made in under_other_prefixes(case.element, inclusive=case.step.method != "exclusive"):
        if not case.affordable():
            return None
        tried = made()
        if tried is not None and case.fits(case.form(tried)):
            return Diagnosis("prefix", None, {"before": before, "after": after})
    return None


def _bare(element: etree._Element) -> bytes:
    """The part as it was before it was put under its namespaces: a signer that digests a detached fragment."""
    root = copy.deepcopy(element)
    for one in root.iter(etree.Element):
        one.tag = etree.QName(one).localname
    etree.cleanup_namespaces(root)
    return canonical(root)


def _elsewhere(case: _Case) -> list[tuple[str, bytes]]:
    """Digests of what stands around the part and of all parts with an identifier: (notation, digest). Taken once."""
    key = (case.step, case.name)
    known = case.budget.parts.get(key)
    if known is not None:
        return known
    known = case.budget.parts[key] = []
    name = case.pack.binding.id_attribute
    above = list(case.element.iterancestors(etree.Element))
    root = above[-1] if above else case.element
    parts = (one for one in root.iter(etree.Element) if next(one.iterancestors(SIGNATURE), None) is None)
    for one in itertools.islice((one for one in parts if one is root or one.get(name)), _MOST_ELSEWHERE):
        octets = case.form(one)
        identifier = one.get(name)
        notation = f"C14N({f'#{identifier}' if identifier else etree.QName(one).localname})"
        known.append((notation, digest(case.name, octets)))
        if not case.budget.others.spend(2 * len(octets)):
            break
    return known


def _digest_spelling(case: _Case) -> Diagnosis | None:
    """The right digest, but not written as base64 of its octets, all of them in their order."""
    right = digest(case.name, case.octets)
    if case.wanted == right[::-1]:
        return Diagnosis("digest-spelling", None, {"seen": "little-endian", "expected": f"base64({case.name})"})
    if len(case.wanted) >= _HALF and case.wanted != right and right.startswith(case.wanted):
        cut = f"{len(case.wanted)} / {len(right)} byte"
        return Diagnosis("digest-spelling", None, {"seen": cut, "expected": f"base64({case.name})"})
    for notation, meant in spellings(case.wanted):
        if hmac.compare_digest(meant, right):
            return Diagnosis("digest-spelling", None, {"seen": notation, "expected": f"base64({case.name})"})
    return None


def _not_xml(case: _Case) -> Diagnosis | None:
    """Octets that are no canonical form, or that of another part."""
    if not case.affordable():
        return None
    for notation, tried in not_canonical(case.element, case.octets):
        if case.fits(tried):
            return Diagnosis("not-canonical", None, {"seen": notation})
    other_part = next((notation for notation, made in _elsewhere(case) if hmac.compare_digest(made, case.wanted)), "")
    if other_part:
        return Diagnosis("not-canonical", None, {"seen": other_part})
    return None


def _digest_method(case: _Case) -> Diagnosis | None:
    """Another hash than declared; a digest of another length than the declared one's can be nothing else."""
    for other in dict.fromkeys((*case.pack.signature.digests.values(), "sha1")):
        if other != case.name and hmac.compare_digest(digest(other, case.octets), case.wanted):
            return Diagnosis("digest-method", None, {"seen": other, "expected": case.name})
    for notation, twice in digested_twice(case.name, case.octets):
        if hmac.compare_digest(twice, case.wanted):
            return Diagnosis("digest-method", None, {"seen": notation, "expected": case.name})
    length = len(digest(case.name, b""))
    if len(case.wanted) != length and not case.wanted.isalnum():  # not hex of something else
        seen, expected = (f"{8 * one} bit" for one in (len(case.wanted), length))
        return Diagnosis("digest-method", None, {"seen": seen, "expected": f"{case.name} ({expected})"})
    return None
