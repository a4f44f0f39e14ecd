"""One document, all checks of Appendix 1 that need nothing but the document: the single place where they are called."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lxml import etree

from conformance.checks import codes, form, levels, signatures, structure, subjects
from conformance.checks.context import Context
from conformance.document import Document, read
from conformance.finding import Message, Observation, Recorder


@dataclass(slots=True)
class Judgement:
    """What was observed; the document when the bytes are one in the pack's form; its programme when it names one."""

    found: Recorder
    document: Document | None
    programme: str | None


def judge_document(data: bytes, context: Context) -> Judgement:
    """Judge the bytes of one transcript. Bad bytes are findings; an exception is a defect of ours."""
    found, document = _judged(data, context)
    if document is None:
        return Judgement(found, None, None)
    if not structure.is_digitised(document):
        after_signing(found, document, context)
    return Judgement(found, document, structure.programme_of(document, context))


def _judged(data: bytes, context: Context) -> tuple[Recorder, Document | None]:
    found = Recorder()
    reading = read(data, context.pack)
    form.check(reading, found)
    document = reading.document
    if document is None:
        return found, None
    structure.check(document, context, found)
    if not structure.is_digitised(document):
        codes.check(document, context, found)
        subjects.check(document, context, found)
        if _rateable(document):
            levels.check(document, context, found)
        settle(found, document)
        signatures.check(document, context, found)
    return found, document


def judge_statement(data: bytes, context: Context) -> Judgement:
    """Judge the bytes of a revocation statement: form, schema, signature and signer; not what it is about.

    ``context.pack`` is the pack in the statement's form (:attr:`conformance.pack.Pack.revocation`).
    """
    found = Recorder()
    reading = read(data, context.pack)
    form.check(reading, found)
    if reading.document is not None:
        structure.check_form(reading.document, context, found)
        signatures.check(reading.document, context, found)
    return Judgement(found, reading.document, None)


def _rateable(document: Document) -> bool:
    """Whether levels can be looked at: with more subjects than the list has codes, some are doubled or unknown.

    Those are findings already, and the adjustment of levels tries every subject: a hostile file must not make it slow.
    """
    listed = document.pack.codes.get("subjects")
    return listed is None or len(document.transcript.subjects) <= max(len(listed.entries), 1)


_REPEATED = frozenset(f"PL1-STR-001.{cause}" for cause in ("too-long", "attribute-missing", "attribute-unknown"))
_SPELLING, _SCHEMA, _EMPTY = "PL1-DOC-006", "PL1-STR-001", "PL1-STR-001.empty"
_ELEMENT, _DUPLICATE = "PL1-STR-001.element", "PL1-STR-002.duplicate"
_UNREAD = ("PL1-LL-005.not-a-flag", "PL1-LL-006.not-a-year")
"""What a stray space makes unreadable, of rules that only warn, as the rule on spaces does."""
_ABSENT = ("PL1-STR-001.element", "PL1-STR-001.missing-element")


def settle(found: Recorder, document: Document) -> None:
    """One mistake, one root: what the schema says too follows from the requirement that names the mistake.

    An over-long mark is a wrong mark first (PL1-MON-005), an anchor without identifier is PL1-STR-002's. A stray space
    or a foreign letter that makes a value unreadable follows too, and is named there: nobody sees it. What is missed
    for want of an element that the schema misses (placed at the root: there is no better place) follows from it.
    """
    named = {
        one.place.xpath: one.code
        for one in found.violations
        if one.is_root and one.place and one.requirement != _SCHEMA and _must(one.requirement, document)
    }
    blank = {one.place.xpath: one.code for one in found.violations if one.code == _EMPTY and one.place}
    named |= {one.params["first"]: one.code for one in found.violations if one.is_root and one.code == _DUPLICATE}
    broken = {one.place.xpath.rpartition("/")[0] for one in found.violations if one.code == _ELEMENT and one.place}
    absent = next((one.code for one in found.violations if one.code in _ABSENT and one.is_root), "")
    top = document.place(document.root).xpath if absent else ""
    spelled = named | {one.place.xpath: one.code for one in found.violations if one.code in _UNREAD and one.place}
    long = {
        one.place.xpath: one.code for one in found.violations if one.code in _REPEATED and one.is_root and one.place
    }
    unseen: dict[str, Message] = {}

    def settled(one: Observation) -> Observation:
        if not one.is_root or one.place is None:
            return one
        where = one.place.xpath
        if one.requirement == _SPELLING and where in blank:
            return replace(one, consequence_of=blank[where])
        if one.requirement == _SPELLING and where in spelled:
            unseen[where] = Message(f"spelling.{one.cause}", {"seen": one.seen})
            return replace(one, consequence_of=spelled[where])
        if one.code in _REPEATED and where in named:
            return replace(one, consequence_of=named[where])
        if where in long and where not in named and not _must(one.requirement, document):
            return replace(one, consequence_of=long[where])
        if one.code == _ELEMENT and named.get(where) == _DUPLICATE:
            return replace(one, consequence_of=_DUPLICATE)  # a copy where the form has no place for it
        if absent and where == top and one.requirement != _SCHEMA:
            return replace(one, consequence_of=absent)
        if one.requirement.startswith(_DERIVED) and where.rpartition("/")[0] in broken:
            return replace(one, consequence_of=_ELEMENT)  # a value of the same subject that cannot be read
        return one

    def told(one: Observation) -> Observation:
        why = unseen.get(one.place.xpath) if one.place and one.is_root and one.requirement != _SPELLING else None
        return replace(one, derivation=(*one.derivation, why)) if why else one

    found.observations = [settled(one) for one in found.observations]
    if unseen:
        found.observations = [told(one) for one in found.observations]


_EDITED, _FUTURE = "PL1-KY-006.value-edited", ("PL1-KY-012.future", "PL1-KY-012.local-as-utc")
_BEFORE_SIGNED = "PL1-STR-006.issued-before-signed"
_INSERTED = "PL1-KY-006.inserted"
_NOT_ASKED = ("PL1-DOC-", "PL1-KY-006")
"""What the document written anew cannot answer: how the octets were written, and what verifies."""
_DANGLING, _NO_SUBJECT = "PL1-KY-007.dangling", "PL1-MON-001.missing"
_LETTERS = ("PL1-DOC-005", "PL1-DOC-006")
_ALL_OVER = {
    "PL1-KY-006.look-alike": _LETTERS, "PL1-KY-006.mojibake": _LETTERS, "PL1-KY-006.decimal-sign": ("PL1-MON-005",),
}  # fmt: skip
"""What was changed all over a part, and the rules that it breaks there."""
_CHANGED, _TAKEN_OUT = "PL1-KY-006.value-changed", ("PL1-MON-008.missing", "PL1-MON-009.missing")
"""A result that a subject lacks which was changed after signing was taken out then."""
_REORDERED = "PL1-KY-006.reordered"
_TWICE, _NAMELESS = "PL1-MON-001.twice", "PL1-STR-002.missing"
_DERIVED, _RATED = "PL1-MON-", ("PL1-HT-", "PL1-LL-")


def after_signing(found: Recorder, document: Document | None = None, context: Context | None = None) -> None:
    """One mistake, one root: what is wrong only because a value was edited after signing follows from that.

    Where the value at signing is known, ``document`` is judged with it put back: what is not found then follows from
    the edit, and so do marks of the same subject, levels and promotion, of which more than one value may have been
    edited. A letter that was changed all over a part is no mistake of its own. A signing time in the future makes an
    issue date of today look too early. ``None``: nothing is judged again.
    """
    edits = [one for one in found.violations if one.is_root and one.code in (_EDITED, _INSERTED) and one.place]
    edited = [one.place.xpath for one in edits if one.place and one.code == _EDITED]
    _copied(found)
    all_over = {f"{one.place.xpath}/": one.code for one in found.violations if one.code in _ALL_OVER and one.place}
    moved = {
        one.place.xpath.rpartition("/")[0]
        for one in found.violations
        if one.is_root and one.code == _REORDERED and one.place
    }
    subjects = {xpath.rpartition("/")[0] for xpath in edited}
    changed = {one.place.xpath for one in found.violations if one.is_root and one.code == _CHANGED and one.place}
    future = next((code for code in _FUTURE if code in found.roots()), "")
    # as many subjects are missed as signatures point to nothing: they were taken out after signing
    taken_out = found.told[_NO_SUBJECT] <= found.told[_DANGLING]
    before = _restored(edits, document, context) if edits and document is not None and context is not None else None
    cause = edits[0].code if edits else ""

    def settled(one: Observation) -> Observation:
        if not one.is_root or one.place is None or one.code in (_EDITED, _INSERTED, *_FUTURE):
            return one
        where = f"{one.place.xpath}/"
        root = next((code for part, code in all_over.items() if where.startswith(part)), "")
        if one.requirement in _ALL_OVER.get(root, ()):
            return replace(one, consequence_of=root)
        if one.code == _ELEMENT and one.place.xpath.rpartition("/")[0] in moved:
            return replace(one, consequence_of=_REORDERED)
        if taken_out and one.code == _NO_SUBJECT:
            return replace(one, consequence_of=_DANGLING)
        if one.code in _TAKEN_OUT and one.place.xpath in changed:
            return replace(one, consequence_of=_CHANGED)
        if future and one.code == _BEFORE_SIGNED:
            return replace(one, consequence_of=future)
        derived = one.requirement.startswith(_DERIVED) and one.place.xpath.rpartition("/")[0] in subjects
        if edited and (one.place.xpath in edited or derived or one.requirement.startswith(_RATED)):
            return replace(one, consequence_of=_EDITED)
        asked = before is not None and not one.requirement.startswith(_NOT_ASKED)
        if asked and (one.code, one.place.xpath) not in (before or ()):
            return replace(one, consequence_of=cause)
        return one

    found.observations = [settled(one) for one in found.observations]


def _copied(found: Recorder) -> None:
    """A subject that stands beside its copy: that the two share an identifier, or one has none, is the root.

    So is the identifier, where the other spelling of it is taken for none.
    """
    doubled = {
        where: one.code
        for one in reversed(found.violations)
        if one.is_root and one.code in (_NAMELESS, _DUPLICATE) and one.place
        for where in (one.place.xpath, one.params.get("first", ""))
    }
    rows: dict[str, str] = {}
    for one in found.violations if doubled else ():
        if one.code == _TWICE and one.place:
            both = one.place.xpath, one.params.get("first", "")
            code = next((doubled[where] for where in both if where in doubled), "")
            rows |= dict.fromkeys(both, code) if code else {}

    def settled(one: Observation) -> Observation:
        if not one.is_root or one.place is None:
            return one
        where = one.place.xpath
        if one.code == _NAMELESS and doubled[where] == _DUPLICATE:
            return replace(one, consequence_of=_DUPLICATE)
        if one.requirement.startswith(_DERIVED) and (where in rows or where.rpartition("/")[0] in rows):
            return replace(one, consequence_of=rows.get(where) or rows[where.rpartition("/")[0]])
        return one

    if doubled:
        found.observations = [settled(one) for one in found.observations]


def _restored(edits: Sequence[Observation], document: Document, context: Context) -> set[tuple[str, str]] | None:
    """What would be found, with its place, had nothing been edited and nothing been put in; ``None``: unknown."""
    root = copy.deepcopy(document.root)
    found_again = [(one, _at(root, one.place.xpath)) for one in edits if one.place]
    for edit, again in found_again:
        above = None if again is None else again.getparent()
        if again is None or above is None:
            continue
        if edit.code == _INSERTED:
            above.remove(again)
        elif not len(again):
            again.text = edit.expected
    found, again_read = _judged(etree.tostring(root, encoding="utf-8"), context)
    if again_read is None:
        return None
    return {(one.code, one.place.xpath) for one in found.violations if one.is_root and one.place}


def _at(root: etree._Element, xpath: str) -> etree._Element | None:
    """The element at a place's path; ``None``: there is none."""
    element = root
    for step in xpath.split("/")[2:]:
        name, _, number = step.rstrip("]").partition("[")
        beside = itertools.islice(element.iterchildren(f"{{*}}{name}"), int(number or 1) - 1, None)
        below = next(beside, None)
        if below is None:
            return None
        element = below
    return element


def _must(requirement: str, document: Document) -> bool:
    """Whether it is of level MUST: a MUST never hides behind a SHOULD."""
    row = document.pack.requirements.get(requirement)
    return row is not None and row.level == "MUST"
