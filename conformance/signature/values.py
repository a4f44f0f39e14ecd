"""Which single value was edited: each is replaced by what it may have been, and the digest asked.

What a value may have been follows from its converter in the pack's binding: a mark, a level, a date, a code. Texts
of people cannot be guessed, but their usual accidents can (spaces, case).
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from xml.sax.saxutils import escape

from lxml import etree

from conformance.pack import Pack
from conformance.signature.algorithms import digest
from conformance.signature.budget import Purse
from conformance.signature.canonical import rerooted
from conformance.signature.rearranged import Form

_DAYS = 400
_MOST_ABSENCES = 400
_MOST_LEAVES = 2_000
"""Values of a part that are tried; a transcript has some three hundred."""
_MOST_ELEMENTS = 10_000
_MOST_RESULTS = 3
"""Results of one subject beside the year's; a part with more is no single subject."""
_LONGEST = 4_000
"""Characters of a text that is tried."""
_GRADES = range(2, 14)
_OF_PERSONS = (".name", ".national_id", ".passport", ".school_code")
"""Fields that say who somebody is: the certificates say it as well."""
_YEAR = "subjects[].year"
"""The model's mark of the year: one of a semester is edited together with it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A value that was another one at signing."""

    node: etree._Element
    before: str
    after: str


@lru_cache(maxsize=16)
def _bound(pack: Pack) -> dict[tuple[str, ...], tuple[str, str]]:
    """Element path below the root → converter and model path."""
    ways: dict[str, tuple[str, ...]] = {"": ()}
    for path, where in pack.binding.groups.items():
        parent = path.removesuffix("[]").rpartition(".")[0]
        ways[path] = (*ways.get(parent, ()), *where.split("/"))
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for path, bound in pack.binding.fields.items():
        parent = path.rpartition(".")[0]
        found[(*ways.get(parent, ()), *bound.path.split("/"))] = bound.convert, path
    return found


def _path(element: etree._Element) -> tuple[str, ...]:
    """Element names below the root of the tree in which it stands."""
    above = [etree.QName(one).localname for one in element.iterancestors()]
    return (*reversed(above[:-1]), etree.QName(element).localname)


@lru_cache(maxsize=16)
def _results(pack: Pack) -> tuple[str, ...]:
    """Every result a subject can have, in its usual spellings."""
    marks = [f"{tenth // 10}.{tenth % 10}" for tenth in range(101)]
    plain = [mark.removesuffix(".0") for mark in marks]
    comma = [mark.replace(".", ",") for mark in plain if "." in mark]
    return tuple(dict.fromkeys((*plain, *_listed(pack, "outcome"), "", *marks, *comma)))


def _listed(pack: Pack, name: str) -> tuple[str, ...]:
    return tuple(str(one) for one in pack.binding.values.get(name, {}))


def _dates(now: str) -> Iterator[str]:
    try:
        day = date.fromisoformat(now)
    except ValueError:
        parts = now.replace("-", "/").replace(".", "/").split("/")
        if len(parts) == 3 and len(parts[2]) == 4:
            yield f"{parts[2]}-{parts[1]:0>2}-{parts[0]:0>2}"
        return
    yield f"{day.day:02}/{day.month:02}/{day.year}"
    yield f"{day.day}/{day.month}/{day.year}"
    for distance in range(1, _DAYS):
        for sign in (1, -1):
            try:
                yield (day + timedelta(days=sign * distance)).isoformat()
            except OverflowError:
                return


def _years(now: str) -> Iterator[str]:
    head = now[:4]
    if head.isascii() and head.isdigit():
        for distance in (-1, 1, -2, 2, -3, 3, -4, 4):
            yield f"{int(head) + distance}-{int(head) + distance + 1}"


@lru_cache(maxsize=16)
def _known(pack: Pack) -> dict[str, tuple[str, ...]]:
    """What texts the pack lists for a field: circulars, codes and their names, titles, wordings."""
    rules, codes = pack.rules.values(), pack.codes

    def named(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.name for entry in codes[name])) if name in codes else ()

    wordings = [text for one in rules for texts in one.wordings.values() for text in texts]
    graded = [text.replace("{next}", str(grade)) for text in wordings for grade in _GRADES if "{next}" in text]
    behind = [f"{text} {grade}" for text in wordings for grade in _GRADES if "{next}" not in text]
    said = tuple(dict.fromkeys((*wordings, *graded, *behind)))
    return {
        "record.circular": tuple(one.circular for one in rules),
        "subjects[].code": tuple(dict.fromkeys(one.code for one in codes.get("subjects", ()))),
        "subjects[].name": named("subjects"),
        "school.province_name": named("provinces"),
        "school.department_name": named("departments"),
        "record.programme": tuple(dict.fromkeys(one.programme for one in pack.programmes.values())),
        "profile.nationality": _listed(pack, "home"),
        "summary.title": tuple(dict.fromkeys(title.title for one in rules for title in one.titles)),
        "summary.promotion_text": said,
        "summary.completion_text": said,
        "issue.leader.title": tuple(
            title for one in pack.signature.titles.values() for title in (*one.principal, *one.deputy)
        ),
    }


def _candidates(kind: str, now: str, pack: Pack, model: str = "", hints: Sequence[str] = ()) -> Iterator[str]:
    yield from _known(pack).get(model, ())
    if model.endswith(_OF_PERSONS):
        yield from hints
    if kind == "result":
        yield from _results(pack)
    elif kind in ("flag", "level", "scoring"):
        yield from _listed(pack, kind)
    elif kind in ("whole-number", "grade", "count"):
        yield from map(str, range(_MOST_ABSENCES))
        yield from (f"{number:02}" for number in range(13))
    elif kind in ("date", "partial-date"):
        yield from _dates(now)
    elif kind == "school-year":
        yield from _years(now)
    elif len(now) <= 2 and now.isascii():
        yield from (f"{number:02}" for number in range(100))
        yield from map(str, range(10))
    yield from (f"{now} ", f" {now}", f"{now}\n", now.strip(), " ".join(now.split()))
    yield from (now.upper(), now.lower(), now.title(), now.capitalize(), "")


def edited(
    element: etree._Element,
    form: Form,
    wanted: tuple[str, bytes],
    pack: Pack,
    purse: Purse,
    sound: Container[etree._Element] = (),
    hints: Sequence[str] = (),
    original: etree._Element | None = None,
) -> Edit | None:
    """The one value (or mark with the year's mark) below ``element`` that, otherwise, gives the wanted digest.

    ``wanted``: digest method and value. ``sound``: parts in which nothing is looked for. ``hints``: what
    names and numbers of persons may have been. ``original``: the part in its document, of which ``element`` is a copy.
    """
    above = () if original is None else _path(original)
    elements = list(itertools.islice(_outside(element, sound), _MOST_ELEMENTS + 1))
    leaves = [
        one for one in elements
        if not len(one) and len(one.text or "") <= _LONGEST and one.tag.startswith(f"{{{pack.binding.namespace}}}")
    ]  # fmt: skip
    if len(elements) > _MOST_ELEMENTS or len(leaves) > _MOST_LEAVES:
        return None
    pieces = _pieces(element, leaves, form)
    if pieces is None:
        return None
    bound = _bound(pack)
    ask = _Ask(pieces, [escape(one.text or "").replace("\r", "&#xD;") for one in leaves], wanted, purse)
    results: list[int] = []
    year = -1
    for number, leaf in enumerate(leaves):
        kind, model = bound.get((*above, *_path(leaf)), ("text", ""))
        if model == _YEAR:
            year = number
        elif kind == "result":
            results.append(number)
        now = leaf.text or ""
        for before in dict.fromkeys(_candidates(kind, now, pack, model, hints)):
            if before == now:
                continue
            answer = ask(((number, before),))
            if answer is None:
                return None
            if answer:
                return Edit(leaf, before, now)
    if year < 0 or len(results) > _MOST_RESULTS:
        return None
    return _pair(leaves, results, year, ask, pack)


def _outside(element: etree._Element, sound: Container[etree._Element]) -> Iterator[etree._Element]:
    """The elements at and below ``element``, sound parts left out."""
    yield element
    for child in element.iterchildren(etree.Element):
        if child not in sound:
            yield from _outside(child, sound)


def _pair(
    leaves: Sequence[etree._Element], results: Sequence[int], year: int, ask: _Ask, pack: Pack
) -> Edit | None:  # fmt: skip
    """A semester's mark edited, and the year's with it so that it follows."""
    marks = _results(pack)[:101]
    for one in results:
        for before, also in itertools.product(marks, marks):
            answer = ask(((one, before), (year, also)))
            if answer is None:
                return None
            if answer:
                return Edit(leaves[one], before, leaves[one].text or "")
    return None


def _pieces(element: etree._Element, leaves: Sequence[etree._Element], form: Form) -> list[bytes] | None:
    """The canonical octets cut at the text of every leaf."""
    if not leaves:
        return None
    chosen = set(leaves)
    numbers = [number for number, one in enumerate(element.iter(etree.Element)) if one in chosen]
    copy = rerooted(element)
    every = list(copy.iter(etree.Element))
    cut = "\ue000hb\ue001"
    for number in numbers:
        every[number].text = cut
    pieces = form(copy).split(cut.encode())
    return pieces if len(pieces) == len(leaves) + 1 else None


class _Ask:
    """Digests of the part with some of its values replaced; what stands before the first one is hashed once."""

    def __init__(self, pieces: list[bytes], texts: list[str], wanted: tuple[str, bytes], purse: Purse) -> None:
        self.name, self.wanted = wanted
        self.purse = purse
        self.parts = [pieces[0]]
        for text, piece in zip(texts, pieces[1:], strict=True):
            self.parts += [text.encode(), piece]
        self.size = sum(map(len, self.parts))
        self._at = -1
        self._head = hashlib.sha256()
        self._tail = b""

    def __call__(self, changes: tuple[tuple[int, str], ...]) -> bool | None:
        """Whether the changed part has the digest; ``None``: there is nothing left to pay with."""
        if not self.purse.hashed(self.size):
            return None
        if self.name == "sha256" and len(changes) == 1:
            number, text = changes[0]
            if number != self._at:
                self._at = number
                self._head = hashlib.sha256(b"".join(self.parts[: 2 * number + 1]))
                self._tail = b"".join(self.parts[2 * number + 2 :])
            state = self._head.copy()
            state.update(escape(text).encode() + self._tail)
            return hmac.compare_digest(state.digest(), self.wanted)
        parts = list(self.parts)
        for number, text in changes:
            parts[2 * number + 1] = escape(text).encode()
        return hmac.compare_digest(digest(self.name, b"".join(parts)), self.wanted)
