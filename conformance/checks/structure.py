"""STR: schema, identifiers, versions, dates, rule set (PL1-STR-001 … 008)."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import cache

from lxml import etree

from conformance.checks.context import Context
from conformance.document import Document, read, xpath_of
from conformance.finding import Place, Recorder
from conformance.pack import Pack, RuleSet
from conformance.transcript.model import Transcript, Value

_UUID = re.compile(r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
_DIGEST = re.compile(r"^[0-9a-f]{64}$")
_MOST_SCHEMA_ERRORS = 20


@cache
def _schema(pack: Pack) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
    return etree.XMLSchema(etree.parse(str(pack.path("document", "schema.xsd")), parser))


def programme_of(document: Document, context: Context) -> str | None:
    """The programme the document names, by level and programme code."""
    record = document.transcript.record
    return context.pack.programme_of(_raw(record.level), _raw(record.programme))


def rules_of(document: Document, context: Context) -> RuleSet | None:
    """The rule set that the document's circular chooses; ``None`` when it names none of the pack's."""
    circular = document.transcript.record.circular
    wanted = circular.value if circular else None
    return next((one for one in context.pack.rules.values() if one.circular == wanted), None)


def is_digitised(document: Document) -> bool:
    """Whether the record was digitised from paper: recognised, reported, not judged further in this revision."""
    value = document.transcript.version.digitised
    return value is not None and value.value is True


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge the structure."""
    transcript = document.transcript
    _valid(document, context, found)
    _identifiers(document, context, found)
    _uuid(document, transcript, found)
    _version(document, transcript, context, found)
    _school_year(document, transcript, context, found)
    _dates(document, transcript, context, found)
    _circular(document, transcript, context, found)
    _age(document, transcript, context, found)


def _raw(value: Value[str] | None) -> str | None:
    return value.raw if value else None


def _valid(document: Document, context: Context, found: Recorder) -> None:
    schema = _schema(context.pack)
    if schema.validate(document.root):
        if is_digitised(document):
            found.held("PL1-STR-001", "digitised")
        found.held("PL1-STR-001")
        return
    lines: set[tuple[int, str]] = set()
    for error in schema.error_log:
        message = error.message.replace(f"{{{context.pack.binding.namespace}}}", "")
        if (error.line, message) in lines or len(lines) >= _MOST_SCHEMA_ERRORS:
            continue
        lines.add((error.line, message))
        cause = {
            "SCHEMAV_ELEMENT_CONTENT": "element",
            "SCHEMAV_CVC_MAXLENGTH_VALID": "too-long",
            "SCHEMAV_CVC_COMPLEX_TYPE_4": "attribute-missing",
            "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute-unknown",
            "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute-unknown",
        }.get(error.type_name, "invalid")
        if error.type_name == "SCHEMAV_CVC_DATATYPE_VALID_1_1_1" or error.type_name == "SCHEMAV_CVC_TYPE_3_1_3":
            continue
        found.violated("PL1-STR-001", cause, place=_schema_place(document, error.path, error.line), seen=message[:400])
    if not lines:
        found.violated("PL1-STR-001", "invalid", place=Place("/"), seen=str(schema.error_log.last_error))


def _schema_place(document: Document, path: str | None, line: int) -> Place:
    if path:
        try:
            hits = document.root.getroottree().xpath(path)
        except etree.XPathError:
            hits = []
        if isinstance(hits, list) and hits and isinstance(hits[0], etree._Element):
            return document.place(hits[0])
    return Place("/", line)


def _identifiers(document: Document, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-002"
    seen: dict[str, etree._Element] = {}
    good = True
    for value, spelling, element in document.identified:
        first = seen.setdefault(value, element)
        if first is not element:
            good = False
            found.violated(
                rule, "duplicate", place=document.place(element), seen=f"{spelling}={value}", first=xpath_of(first)
            )
    attribute = context.pack.binding.id_attribute
    for name in context.pack.binding.anchors:
        for element in document.anchors(name):
            if not element.get(attribute):
                good = False
                found.violated(rule, "missing", place=document.place(element), expected=attribute, seen="")
    if good:
        found.held(rule)


def _uuid(document: Document, transcript: Transcript, found: Recorder) -> None:
    value = transcript.record.id
    if value is None:
        return
    if _UUID.match(value.raw):
        found.held("PL1-STR-003")
    else:
        found.violated("PL1-STR-003", "not-uuid", place=document.place(value), seen=value.raw[:80])


def _version(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-004"
    version = transcript.version
    number = version.number
    if number is None:
        return
    if number.value is None or number.value < 1:
        found.violated(rule, "not-a-version", place=document.place(number), expected="≥ 1", seen=number.raw)
        return
    if number.value == 1:
        if version.replaces is not None:
            found.violated(rule, "first-replaces", place=document.place(version.replaces), seen=version.replaces.raw)
        else:
            found.held(rule)
        return
    good = True
    if version.reason is None or not version.reason.raw.strip():
        good = False
        found.violated(rule, "no-reason", place=document.place(version.reason or version))
    if version.replaces is None or not _DIGEST.match(version.replaces.raw):
        good = False
        seen = version.replaces.raw if version.replaces else ""
        found.violated(rule, "no-predecessor", place=document.place(version.replaces or version), seen=seen)
    elif context.previous is not None:
        good = _amends(document, transcript, context.previous, context, found) and good
    if good:
        found.held(rule, "amended")


def _amends(document: Document, transcript: Transcript, previous: bytes, context: Context, found: Recorder) -> bool:
    rule = "PL1-STR-004"
    digest = hashlib.sha256(previous).hexdigest()
    replaces = transcript.version.replaces
    good = True
    if replaces is not None and replaces.raw != digest:
        good = False
        found.violated(rule, "other-predecessor", place=document.place(replaces), expected=digest, seen=replaces.raw)
    before = read(previous, context.pack).document
    if before is None:
        return good
    old = before.transcript
    pairs = (
        ("record", old.record.id, transcript.record.id),
        ("learner", old.learner.code, transcript.learner.code),
        ("school-year", old.record.school_year, transcript.record.school_year),
        ("school", old.record.school_code, transcript.record.school_code),
    )
    for what, was, now in pairs:
        if was is not None and now is not None and was.raw != now.raw:
            good = False
            found.violated(
                rule, "identity-changed", place=document.place(now), expected=was.raw, seen=now.raw, what=what
            )
    return good


def _school_year(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-005"
    value = transcript.record.school_year
    if value is None:
        return
    first = context.pack.header.first_school_year
    if value.value is None:
        found.violated(rule, "not-a-year", place=document.place(value), expected="YYYY-YYYY", seen=value.raw)
    elif value.value < first:
        found.violated(
            rule, "before-pilot", place=document.place(value), expected=f"≥ {first}-{first + 1}", seen=value.raw
        )
    else:
        found.held(rule)


def _dates(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-006"
    good = True
    born, created, signed = transcript.learner.birth_date, transcript.version.created, transcript.issue.signed_on
    limit = (context.received_at or context.judged_at) + context.pack.tolerance
    for value in (born, created, signed):
        if value is not None and value.value is None:
            good = False
            found.violated(rule, "not-a-date", place=document.place(value), seen=value.raw)
    if born and born.value and created and created.value:
        year, month, number = born.value
        if date(year, month or 1, number or 1) >= created.value:
            good = False
            found.violated(
                rule, "born-after-creation", place=document.place(born), expected=f"< {created.raw}", seen=born.raw
            )
    for value in (created, signed):
        if value and value.value and value.value > limit.date():
            good = False
            found.violated(
                rule, "in-the-future", place=document.place(value), expected=f"≤ {limit.date()}", seen=value.raw
            )
    if created and created.value and signed and signed.value and signed.value < created.value:
        good = False
        found.violated(
            rule, "issued-before-creation", place=document.place(signed), expected=f"≥ {created.raw}", seen=signed.raw
        )
    if good:
        found.held(rule)


def _circular(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-007"
    value = transcript.record.circular
    if value is None:
        return
    rules = rules_of(document, context)
    programme = programme_of(document, context)
    if rules is None:
        known = ", ".join(one.circular for one in context.pack.rules.values())
        found.violated(rule, "unknown", place=document.place(value), expected=known, seen=value.raw)
        return
    if programme is not None and context.pack.programmes[programme].rules != rules.id:
        wanted = context.pack.rules[context.pack.programmes[programme].rules].circular
        found.violated(rule, "other-programme", place=document.place(value), expected=wanted, seen=value.raw)
        return
    year = transcript.record.school_year
    if year and year.value is not None and year.value < rules.valid_from_school_year:
        found.violated(
            rule, "not-yet", place=document.place(value), expected=f"≥ {rules.valid_from_school_year}", seen=year.raw
        )
        return
    found.held(rule)


def _age(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-008"
    born, year = transcript.learner.birth_date, transcript.record.school_year
    programme = programme_of(document, context)
    if not (born and born.value and year and year.value is not None and programme):
        return
    lowest, highest = context.pack.header.ages[context.pack.programmes[programme].family]
    age = year.value - born.value[0]
    if lowest <= age <= highest:
        found.held(rule)
    else:
        found.violated(
            rule, "implausible", place=document.place(born), expected=f"{lowest}-{highest}", seen=age, born=born.raw
        )
