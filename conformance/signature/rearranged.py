"""Whether a part fits its digest with its elements in another order, or without one of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from lxml import etree

from conformance.signature.budget import Budget
from conformance.signature.canonical import rerooted

_MARK = "hb-cut"
_CUT = f"<?{_MARK}?>".encode()
_MOST_TAKEN_OUT = 400
"""Children of one element that are tried to be the one put in."""
_MOST = 40
"""Children of one element that are tried in other orders."""


Form = Callable[[etree._Element], bytes]
Found = tuple[str, etree._Element, dict[str, str]]


def rearranged(
    element: etree._Element, form: Form, fits: Callable[[bytes], bool], budget: Budget, price: int
) -> Found | None:
    """(cause, element, details): ``reordered`` or ``inserted``; ``None`` when neither explains the digest.

    ``price``: octets that one new canonical form of the part counts for.
    """
    for position, container in enumerate(element.iter(etree.Element)):
        children = list(container.iterchildren(etree.Element))
        if not children or len(children) > _MOST_TAKEN_OUT:
            continue
        if not budget.forms.spend(price):
            return None
        parts = pieces(element, position, form)
        if len(parts) != len(children) + 2:
            return None
        head, *inner, tail = parts
        whole = sum(map(len, parts))
        for number, child in enumerate(children):
            if not budget.guesses.hashed(whole):
                return None
            if fits(head + b"".join(inner[:number] + inner[number + 1 :]) + tail):
                return "inserted", child, {"name": etree.QName(child).localname}
        for number, other in _beside(children):
            rest = [at for at in range(len(children)) if at not in (number, other)]
            for to in range(len(rest) + 1):
                if not budget.guesses.hashed(whole):
                    return None
                if fits(head + b"".join(inner[at] for at in (*rest[:to], other, *rest[to:])) + tail):
                    return "inserted", children[number], {"name": etree.QName(children[number]).localname}
        if len(children) < 2 or len(children) > _MOST:
            continue
        for order in _orders(children):
            if not budget.guesses.hashed(whole):
                return None
            if fits(head + b"".join(inner[number] for number in order) + tail):
                first = next(at for at, number in enumerate(order) if at != number)
                return "reordered", children[first], {"name": etree.QName(children[first]).localname}
    return None


def _beside(children: Sequence[etree._Element]) -> Iterator[tuple[int, int]]:
    """Pairs that begin alike, as a copy and its original do: one may have been put in, and the other moved for it."""
    begins = [(child.tag, child[0].text) if len(child) else None for child in children[:_MOST]]
    for number, other in itertools.permutations(range(len(begins)), 2):
        if begins[number] is not None and begins[number] == begins[other]:
            yield number, other


def pieces(element: etree._Element, position: int, form: Form) -> list[bytes]:
    """The canonical octets cut before the first, between and after the last child of one element of the part."""
    copy = rerooted(element)
    container = next(itertools.islice(copy.iter(etree.Element), position, None))
    for child in list(container.iterchildren(etree.Element)):
        child.addprevious(etree.ProcessingInstruction(_MARK))
    last = etree.ProcessingInstruction(_MARK)
    last.tail, container[-1].tail = container[-1].tail, None
    container.append(last)
    return form(copy).split(_CUT)


def _orders(children: Sequence[etree._Element]) -> Iterator[tuple[int, ...]]:
    """Likely orders before: sorted by identifier or content, reversed, two exchanged, one moved."""
    size = len(children)
    usual = tuple(range(size))
    seen = {usual}
    keys: tuple[Callable[[int], object], ...] = (
        lambda number: _natural(" ".join(str(one) for one in children[number].attrib.values())),
        lambda number: _natural("".join(str(one) for one in children[number].itertext())),
        lambda number: -number,
    )
    for key in keys:
        order = tuple(sorted(usual, key=key))  # type: ignore[arg-type]
        if order not in seen:
            seen.add(order)
            yield order
    for one, other in itertools.combinations(usual, 2):
        swapped = list(usual)
        swapped[one], swapped[other] = other, one
        if tuple(swapped) not in seen:
            seen.add(tuple(swapped))
            yield tuple(swapped)
    for one, to in itertools.product(usual, usual):
        moved = [number for number in usual if number != one]
        moved.insert(to, one)
        if tuple(moved) not in seen:
            seen.add(tuple(moved))
            yield tuple(moved)


def _natural(text: str) -> list[tuple[int, str]]:
    """Numbers in a text by their value."""
    return [
        (int(part), "") if part.isascii() and part.isdigit() and len(part) < 19 else (-1, part)
        for part in re.split(r"([0-9]+)", text[:200])
    ]
