"""A slot of signatures as it was when an outer layer signed it too early: what was not there yet is told apart.

A digest cannot say who signed first, but it fits the slot as it was then: without some of the signatures, with boxes
still empty, with signature values not filled in, without the unsigned properties that were added afterwards.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from lxml import etree

from conformance.signature.budget import Budget
from conformance.signature.canonical import DS
from conformance.signature.rearranged import Form, pieces

_MOST = 64
"""Boxes of a slot in which what was missing is looked for; a class has some twenty teachers."""
_MOST_PAIRED = 16
_VALUE = re.compile(rb"(<(?:[^\s<>/:]+:)?SignatureValue(?: [^<>]*)?>)[^<]*")
_UNSIGNED = re.compile(rb"<((?:[^\s<>/:]+:)?UnsignedProperties)[ >].*?</\1>", re.DOTALL)
_SIGNATURE = f"{{{DS}}}Signature"


def _absent(_: bytes) -> bytes:
    return b""


def _emptied(box: bytes) -> bytes:
    return box[: box.index(b">") + 1] + box[box.rindex(b"</") :]


_BEFORE: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("signed-later", _absent),
    ("signed-later", _emptied),
    ("value-later", lambda box: _VALUE.sub(rb"\1", box)),
    ("unsigned-later", lambda box: _UNSIGNED.sub(b"", box)),
)
"""Cause, and what the canonical octets of a box were before."""


def unfinished(
    slot: etree._Element, form: Form, fits: Callable[[bytes], bool], budget: Budget
) -> tuple[str, list[etree._Element]] | None:
    """(cause, boxes) of what came into ``slot`` after its digest was taken; ``None``: that does not explain it.

    Causes: ``signed-later``, ``value-later``, ``unsigned-later``.
    """
    boxes = list(slot.iterchildren(etree.Element))
    signed = [number for number, box in enumerate(boxes) if box.find(_SIGNATURE) is not None]
    if not signed or len(boxes) > _MOST:
        return None
    parts = pieces(slot, 0, form)
    if len(parts) != len(boxes) + 2:
        return None
    head, *inner, tail = parts
    ends = dict.fromkeys((tail, tail[tail.rindex(b"</") :]))  # white space of a slot that was one empty element
    price = sum(map(len, parts))
    for chosen in _subsets(signed):
        for cause, before in _BEFORE:
            tried = list(inner)
            for number in chosen:
                tried[number] = before(inner[number])
            changed = [number for number in chosen if tried[number] != inner[number]]
            if not changed:
                continue
            for end in ends if not any(tried) else (tail,):
                if not budget.slots.hashed(price):
                    return None
                if fits(head + b"".join(tried) + end):
                    return cause, [boxes[number] for number in changed]
    return None


def _subsets(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Which ones may have come later: all, each, the last ones, the first ones, two of them."""
    yield numbers
    if len(numbers) > 1:
        yield from ((one,) for one in numbers)
    for count in range(2, len(numbers)):
        yield numbers[-count:]
        yield numbers[:count]
    if len(numbers) <= _MOST_PAIRED:
        yield from itertools.combinations(numbers, 2)
