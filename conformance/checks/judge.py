"""One document, all checks of Appendix 1 that need nothing but the document: the single place where they are called."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    found = Recorder()
    reading = read(data, context.pack)
    form.check(reading, found)
    document = reading.document
    if document is None:
        return Judgement(found, None, None)
    structure.check(document, context, found)
    if not structure.is_digitised(document):
        codes.check(document, context, found)
        subjects.check(document, context, found)
        if _rateable(document):
            levels.check(document, context, found)
        settle(found, document)
        signatures.check(document, context, found)
        after_signing(found)
    return Judgement(found, document, structure.programme_of(document, context))


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
    absent = next((one.code for one in found.violations if one.code in _ABSENT and one.is_root), "")
    top = document.place(document.root).xpath if absent else ""
    unseen: dict[str, Message] = {}

    def settled(one: Observation) -> Observation:
        if not one.is_root or one.place is None:
            return one
        where = one.place.xpath
        if one.requirement == _SPELLING and where in blank:
            return replace(one, consequence_of=blank[where])
        if one.requirement == _SPELLING and where in named:
            unseen[where] = Message(f"spelling.{one.cause}", {"seen": one.seen})
            return replace(one, consequence_of=named[where])
        if one.code in _REPEATED and where in named:
            return replace(one, consequence_of=named[where])
        if absent and where == top and one.requirement != _SCHEMA:
            return replace(one, consequence_of=absent)
        return one

    def told(one: Observation) -> Observation:
        why = unseen.get(one.place.xpath) if one.place and one.is_root and one.requirement != _SPELLING else None
        return replace(one, derivation=(*one.derivation, why)) if why else one

    found.observations = [settled(one) for one in found.observations]
    if unseen:
        found.observations = [told(one) for one in found.observations]


_EDITED, _FUTURE = "PL1-KY-006.value-edited", "PL1-KY-012.future"
_BEFORE_SIGNED = "PL1-STR-006.issued-before-signed"
_DERIVED, _RATED = "PL1-MON-", ("PL1-HT-", "PL1-LL-")


def after_signing(found: Recorder) -> None:
    """One mistake, one root: what is wrong only because a value was edited after signing follows from that.

    That is said of the value itself, of marks of the same subject and of levels and promotion. And a signing time in
    the future makes an issue date of today look too early.
    """
    edited = [one.place.xpath for one in found.violations if one.is_root and one.code == _EDITED and one.place]
    subjects = {xpath.rpartition("/")[0] for xpath in edited}
    future = _FUTURE in found.roots()

    def settled(one: Observation) -> Observation:
        if not one.is_root or one.place is None or one.code in (_EDITED, _FUTURE):
            return one
        if future and one.code == _BEFORE_SIGNED:
            return replace(one, consequence_of=_FUTURE)
        derived = one.requirement.startswith(_DERIVED) and one.place.xpath.rpartition("/")[0] in subjects
        if edited and (one.place.xpath in edited or derived or one.requirement.startswith(_RATED)):
            return replace(one, consequence_of=_EDITED)
        return one

    found.observations = [settled(one) for one in found.observations]


def _must(requirement: str, document: Document) -> bool:
    """Whether it is of level MUST: a MUST never hides behind a SHOULD."""
    row = document.pack.requirements.get(requirement)
    return row is not None and row.level == "MUST"
