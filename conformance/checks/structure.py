"""STR: schema, identifiers, versions, dates, rule set (PL1-STR-001 … 008)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, date, datetime, tzinfo
from datetime import time as time_of_day
from functools import lru_cache
from typing import Any

from lxml import etree

from conformance.checks.context import Context
from conformance.checks.limited import Limited
from conformance.checks.schema import schema_errors
from conformance.document import Document, read
from conformance.finding import Recorder
from conformance.pack import Pack, RuleSet, Slot
from conformance.transcript.model import Transcript, Value

# signing times outside are nonsense that PL1-KY-012 reports; arithmetic on them could overflow
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_SCHEMA = "PL1-STR-001"
_ELSEWHEN = ("PL1-STR-006.born-after-creation", "PL1-STR-006.before-school-year")
"""Another year than the one meant, of birth or of school: the age is no second mistake."""


def programme_of(document: Document, context: Context) -> str | None:
    """The programme the document names, by level and programme code."""
    known = document.worked_out.get("programme")
    if known is None or known[0] is not context.pack:
        record = document.transcript.record
        found = context.pack.programme_of(_read(record.level), _read(record.programme))
        known = document.worked_out["programme"] = context.pack, found
    programme: str | None = known[1]
    return programme


def rules_of(document: Document, context: Context) -> RuleSet | None:
    """The rule set that the document's circular chooses.

    ``None`` when it names none of the pack's, or one that is not its programme's: PL1-STR-007 says so, and to judge by
    the wrong rules would only find that mistake again and again.
    """
    wanted = _read(document.transcript.record.circular)
    rules = next((one for one in context.pack.rules.values() if one.circular == wanted), None)
    programme = programme_of(document, context)
    if rules is not None and programme is not None and context.pack.programmes[programme].rules != rules.id:
        return None
    return rules


def is_digitised(document: Document) -> bool:
    """Whether the record was digitised from paper: recognised, reported, not judged further in this revision."""
    value = document.transcript.version.digitised
    return value is not None and value.value is True


def check(document: Document, context: Context, found: Recorder) -> None:
    """Judge the structure."""
    transcript = document.transcript
    _valid(document, context, found)
    _identifiers(document, context, found)
    _record_id(document, transcript, context, found)
    _version(document, transcript, context, found)
    _school_year(document, transcript, context, found)
    _dates(document, transcript, context, found)
    _circular(document, transcript, context, found)
    _age(document, transcript, context, found)


def check_form(document: Document, context: Context, found: Recorder) -> None:
    """Judge only what holds for every form: the schema, and identifiers."""
    _valid(document, context, found)
    _identifiers(document, context, found)


def _read(value: Value[str] | None) -> str | None:
    return value.value.strip() if value and value.value else None


def _valid(document: Document, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-001"
    said, wanted = document.transcript.spec_version, context.pack.header.spec_version
    good = said is None or said.raw == wanted
    if said is not None and not good:
        found.violated(rule, "spec-version", place=document.place(said), expected=wanted, seen=said.raw[:40])
    filled = _filled(document, context.pack, found)
    filled = _named_once(document, found) and filled
    errors = list(schema_errors(document, context.pack))
    for cause, place, details in errors:
        found.violated(rule, cause, place=place, **details)
    if errors:
        return
    if good and filled:
        found.held(rule)
    if is_digitised(document):
        found.blocked(rule, "digitised", place=document.place(document.transcript.version.digitised))


def _filled(document: Document, pack: Pack, found: Recorder) -> bool:
    """Whether everything that must hold something does; a missing element is the schema's business."""
    limited = Limited(document, found)
    for way in _ways(pack):
        for value in _values(document.transcript, way):
            if not value.raw.strip():
                limited.violated("PL1-STR-001", "empty", value, name=_local(value.node))
    return not limited.any("PL1-STR-001")


def _named_once(document: Document, found: Recorder) -> bool:
    """Whether no subject names a teacher twice: nobody could tell whose the second signature would be."""
    limited = Limited(document, found)
    for subject in document.transcript.subjects:
        if len(subject.teachers) < 2:
            continue
        named: set[tuple[str, ...]] = set()
        for one in subject.teachers:
            number, passport, name = (_read(value) or "" for value in (one.national_id, one.passport, one.name))
            who = number, passport, name.casefold()
            if (number or passport) and who in named:
                said = (subject.name.raw if subject.name else "")[:100]
                limited.violated(_SCHEMA, "named-twice", one, seen=number or passport, name=name[:100], subject=said)
            named.add(who)
    return not limited.any(_SCHEMA)


def _local(node: object) -> str:
    return etree.QName(node).localname if isinstance(node, etree._Element) else ""


Way = tuple[tuple[str, bool], ...]
"""A model path: field by field, with whether it is a repeated group."""


@lru_cache(maxsize=16)
def _ways(pack: Pack) -> tuple[Way, ...]:
    """The paths of everything that must hold something."""
    parts = (path.split(".") for path in pack.binding.filled)
    return tuple(tuple((part.removesuffix("[]"), part.endswith("[]")) for part in each) for each in parts)


def _values(top: Transcript, way: Way) -> list[Value[Any]]:
    """The values at a model path, of every member of a repeated group."""
    found: list[Any] = [top]
    for name, repeated in way:
        found = [below for one in found if (below := getattr(one, name)) is not None]
        if repeated:
            found = [member for group in found for member in group]
    return found


def _identifiers(document: Document, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-002"
    limited = Limited(document, found)
    seen: dict[str, etree._Element] = {}
    told: set[str] = set()
    pack = context.pack
    anchored = {one for name in pack.binding.anchors if document.doubled for one in document.anchors(name)}
    for value, spelling, element in document.identified if document.doubled else ():
        first = seen.setdefault(value, element)
        if first is not element:
            # what has no identifier in the form is the intruder, whichever stands first
            other, second = (element, first) if element in anchored and first not in anchored else (first, element)
            limited.violated(
                rule,
                "duplicate",
                second,
                seen=f'{spelling}="{value[:60]}"',
                first=document.xpath(other),
                # software that writes one value again and again makes one mistake
                consequence_of=f"{rule}.duplicate" if value in told else "",
            )
            told.add(value)
    attribute = pack.binding.id_attribute
    for element in (element for path in _signed_paths(pack) for element in document.at(path)):
        if not element.get(attribute):
            others = [name for name in pack.binding.id_spellings if element.get(name)]
            seen_instead = f': {others[0]}="{element.get(others[0])}"' if others else ""
            limited.violated(rule, "missing", element, expected=attribute, seen=seen_instead)
    limited.hold_unless_violated(rule)


@lru_cache(maxsize=16)
def _signed_paths(pack: Pack) -> tuple[str, ...]:
    """Where the parts stand that some slot's signatures cover: anchors, then slots."""
    covered = {name for slot in pack.signature.slots for name in slot.covers}
    anchors = [path for name, path in pack.binding.anchors.items() if name in covered]
    return *anchors, *(slot.path for slot in pack.signature.slots if f"slot:{slot.name}" in covered)


def _record_id(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    value = transcript.record.id
    if value is None:
        return
    if context.pack.header.identifiers.record_pattern.fullmatch(value.raw):
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
        if version.replaces is not None and version.replaces.raw.strip():
            found.violated(rule, "first-replaces", place=document.place(version.replaces), seen=version.replaces.raw)
        else:
            found.held(rule)
        return
    good = True
    if version.reason is None or not version.reason.raw.strip():
        good = False
        found.violated(rule, "no-reason", place=document.place(version.reason or version))
    if version.replaces is None or not _is_digest(version.replaces.raw, context):
        good = False
        seen = version.replaces.raw if version.replaces else ""
        found.violated(rule, "no-predecessor", place=document.place(version.replaces or version), seen=seen)
    elif context.previous is not None:
        good = _amends(document, transcript, context.previous, context, found) and good
    if good:
        found.held(rule, "amended")


def _is_digest(raw: str, context: Context) -> bool:
    length = len(context.pack.header.identifiers.digest(b""))
    return re.fullmatch(rf"[0-9a-f]{{{length}}}", raw) is not None


def _amends(document: Document, transcript: Transcript, previous: bytes, context: Context, found: Recorder) -> bool:
    rule = "PL1-STR-004"
    digest = context.pack.header.identifiers.digest(previous)
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
                rule,
                "identity-changed",
                place=document.place(now),
                expected=was.raw,
                seen=now.raw,
                what=f"{{identity.{what}}}",
            )
    before_that, number = old.version.number, transcript.version.number
    if before_that and before_that.value and number and number.value and number.value != before_that.value + 1:
        good = False
        found.violated(rule, "not-next", place=document.place(number), expected=before_that.value + 1, seen=number.raw)
    return good


def _school_year(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-005"
    value = transcript.record.school_year
    if value is None:
        return
    first, formats = context.pack.header.first_school_year, context.pack.binding.formats
    if value.value is None:
        found.violated(
            rule, "not-a-year", place=document.place(value), expected=formats.shown_school_year, seen=value.raw
        )
    elif value.value < first:
        found.violated(
            rule,
            "before-pilot",
            place=document.place(value),
            expected=f"≥ {formats.write_school_year(first)}",
            seen=value.raw,
        )
    else:
        found.held(rule)


def _dates(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-006"
    zone = context.pack.timezone
    today = ((context.received_at or context.judged_at) + context.pack.tolerance).astimezone(zone).date()
    limited = Limited(document, found)
    born, created, signed = transcript.learner.birth_date, transcript.version.created, transcript.issue.signed_on
    transfers = [year.transferred_on for year in transcript.history if year.transferred_on and year.transferred_on.raw]
    for value in (born, created, signed, *transfers):
        if value is not None and value.value is None:
            limited.violated(rule, "not-a-date", value, expected=context.pack.binding.formats.date, seen=value.raw[:40])
    future = False
    for one in (created, signed):
        if one and one.value and one.value > today:
            future = True
            limited.violated(rule, "in-the-future", one, expected=f"≤ {today}", seen=one.raw)
    for moved in transfers:
        # a document tells what was, on its own day
        last = signed if signed and signed.value and signed.value < today and not future else None
        if moved.value and moved.value > ((last.value if last else None) or today):
            limited.violated(rule, "in-the-future", moved, expected=f"≤ {last.raw if last else today}", seen=moved.raw)
    if born and born.value and created and created.value:
        year, month, day = born.value
        if date(year, month or 1, day or 1) >= created.value:
            limited.violated(rule, "born-after-creation", born, expected=f"< {created.raw}", seen=born.raw)
    times = list(signing_times(document, context.pack))
    backwards = bool(created and created.value and signed and signed.value and signed.value < created.value)
    begins = _begins(transcript, context)
    if signed and signed.value and begins and signed.value < begins and not future and not backwards:
        said = transcript.record.school_year.raw if transcript.record.school_year else ""
        limited.violated(rule, "before-school-year", signed, expected=f"≥ {begins}", seen=signed.raw, year=said)
    if created and created.value and not future:
        if backwards and signed:
            limited.violated(rule, "issued-before-creation", signed, expected=f"≥ {created.raw}", seen=signed.raw)
        _signing_after_creation(created, context, zone, limited, times)
    if signed and signed.value and not future and not backwards:
        for slot, _, time in times:
            if slot.requirement != "PL1-KY-003":
                continue
            day_signed = (time - context.pack.tolerance).astimezone(zone).date()
            if signed.value < day_signed:
                limited.violated(rule, "issued-before-signed", signed, expected=f"≥ {day_signed}", seen=signed.raw)
                break
    limited.hold_unless_violated(rule)


def _begins(transcript: Transcript, context: Context) -> date | None:
    """The first day of the month in which the document's school year begins."""
    year = transcript.record.school_year
    if year is None or year.value is None or not context.pack.header.first_school_year <= year.value < MAXYEAR:
        return None
    return date(year.value, context.pack.header.school_year_begins, 1)


def _signing_after_creation(
    created: Value[date],
    context: Context,
    zone: tzinfo,
    limited: Limited,
    times: Sequence[tuple[Slot, etree._Element, datetime]],
) -> None:
    assert created.value is not None
    begin = datetime.combine(created.value, time_of_day(), zone)
    for _, element, time in times:
        if time + context.pack.tolerance < begin:
            limited.violated(
                "PL1-STR-006", "signed-before-creation", element, expected=created.raw, seen=time.isoformat()
            )
            return


def signing_times(document: Document, pack: Pack) -> Iterator[tuple[Slot, etree._Element, datetime]]:
    """Claimed signing times in the slots, those that can be read; aware."""
    for slot in pack.signature.slots:
        for group in document.slots(slot.name):
            for element in group.iter("{*}SigningTime"):
                try:
                    time = datetime.fromisoformat((element.text or "").strip())
                except ValueError:
                    continue
                if _FIRST_YEAR <= time.year <= _LAST_YEAR:
                    yield slot, element, time if time.tzinfo else time.replace(tzinfo=pack.timezone)


def _circular(document: Document, transcript: Transcript, context: Context, found: Recorder) -> None:
    rule = "PL1-STR-007"
    value = transcript.record.circular
    if value is None:
        return
    rules = next((one for one in context.pack.rules.values() if one.circular == _read(value)), None)
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
        early = year.value < context.pack.header.first_school_year
        found.violated(
            rule,
            "not-yet",
            place=document.place(value),
            expected=f"≥ {rules.valid_from_school_year}",
            seen=year.raw,
            consequence_of="PL1-STR-005.before-pilot" if early else "",
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
            rule, "implausible", place=document.place(born), expected=f"{lowest}-{highest}", seen=age, born=born.raw,
            consequence_of=next((one.code for one in found.violations if one.code in _ELSEWHEN), ""),
        )  # fmt: skip
