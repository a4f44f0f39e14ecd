"""What bytes say of themselves, as the rules of exchanges need it: issued versions, signed values, statements."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lxml import etree

from conformance.checks import signatures
from conformance.checks.context import Context
from conformance.checks.exchange import Issued
from conformance.document import Document, read
from conformance.evidence import digest_of
from conformance.finding import Recorder
from conformance.pack import Pack
from conformance.signature.parse import Parsed, parse
from conformance.transcript.model import Leader, Levels, Outcome, Person, Subject, Value

_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def issued_of(data: bytes, pack: Pack, subject_map: Mapping[str, str] | None = None) -> Issued:
    """The facts of one issued version; of bytes that are no transcript, their digest alone."""
    document = read(data, pack).document
    if document is None:
        return Issued(digest_of(data))
    one = document.transcript
    subjects = {
        element: (subject_map or {}).get(_raw(subject.code), _raw(subject.code))
        for subject, element in zip(one.subjects, document.anchors("subject"), strict=False)
    }
    return Issued(
        digest=digest_of(data),
        record=_raw(one.record.id),
        version=one.version.number.value if one.version.number else None,
        reason=_raw(one.version.reason),
        replaces=_raw(one.version.replaces),
        owner=(_raw(one.learner.code), _raw(one.record.school_year), _raw(one.record.school_code)),
        signatures=_signatures(document, pack, subjects),
        marks={code: hashlib.sha256(_octets(element)).hexdigest() for element, code in subjects.items()},
    )


def _octets(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def _signatures(document: Document, pack: Pack, subjects: Mapping[etree._Element, str]) -> dict[str, str]:
    """Slot → SHA-256 of the signature's value; a teacher's slot names the subjects it covers and the certificate."""
    places = {value: subjects[element] for value, _, element in document.identified if element in subjects}
    found: dict[str, str] = {}
    for slot in pack.signature.slots:
        for group in document.slots(slot.name):
            for node in group.iter(_SIGNATURE):
                parsed = parse(node, pack)
                name = slot.name
                if slot.per == "subject":
                    covered = sorted(places[one.id] for one in parsed.references if one.id in places)
                    name = ":".join((name, *covered, _holder(parsed)))
                found[name] = hashlib.sha256(parsed.value).hexdigest()
    return found


def _holder(parsed: Parsed) -> str:
    """Something that tells two teachers of one subject apart: the certificate's key stays the same over versions."""
    first = next((one for one in parsed.certificates if not isinstance(one, str)), None)
    return hashlib.sha256(first.der).hexdigest()[:8] if first is not None else "-"


# ------------------------------------------------------------------------------------------------- signed values


def signed_values(data: bytes, pack: Pack) -> dict[str, Any]:
    """The content of a transcript in the words of the test interface (``ImportedTranscript``)."""
    document = read(data, pack).document
    if document is None:
        return {}
    one = document.transcript
    summary = one.summary
    year = one.record.school_year
    values = {
        "recordId": _raw(one.record.id),
        "version": one.version.number.value if one.version.number else None,
        "digest": document.digest,
        "schoolYear": _raw(year),
        "school": {"code": _raw(one.record.school_code), "name": _raw(one.school.name)},
        "learner": {
            "code": _raw(one.learner.code),
            "nationalId": _raw(one.learner.national_id),
            "passport": _raw(one.learner.passport),
            "name": _raw(one.learner.name),
            "birthDate": _raw(one.learner.birth_date),
        },
        "subjects": [_subject(subject) for subject in one.subjects],
        "learning": _levels(summary.learning),
        "conduct": _levels(summary.conduct),
        "absences": int(summary.absences.value) if summary.absences and summary.absences.value is not None else None,
        "promoted": summary.promoted.value if summary.promoted else None,
        "homeroomComment": _raw(summary.homeroom_comment),
        "homeroomTeacher": _person(summary.homeroom_teacher),
        "leader": _person(one.issue.leader),
    }
    kept: dict[str, Any] = _without_nothing(values)
    return kept


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "code": _raw(subject.code),
        "semester1": _result(subject.semester1),
        "semester2": _result(subject.semester2),
        "year": _result(subject.year),
        "reassessment": _result(subject.reassessed),
        "comment": _raw(subject.comment),
    }


def _result(value: Value[Decimal | Outcome] | None) -> str | None:
    if value is None or value.value is None:
        return None
    return value.value.value if isinstance(value.value, Outcome) else str(value.value)


def _levels(levels: Levels) -> dict[str, Any]:
    names = {"semester1": "semester1", "semester2": "semester2", "year": "year", "afterSummer": "after_summer"}
    return {
        name: level.value.value
        for name, field in names.items()
        if (level := getattr(levels, field)) is not None and level.value is not None
    }


def _person(person: Person | Leader) -> dict[str, Any]:
    return {"name": _raw(person.name), "nationalId": _raw(person.national_id)}


def _raw(value: Value[Any] | None) -> str:
    return value.raw if value is not None else ""


def _without_nothing(value: Any) -> Any:
    """Without what the document leaves out."""
    if isinstance(value, dict):
        kept = {name: _without_nothing(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in (None, "", {}, [])}
    if isinstance(value, list):
        return [_without_nothing(one) for one in value]
    return value


# ----------------------------------------------------------------------------------------------------- statements


def statement_of(data: bytes, context: Context) -> dict[str, Any]:
    """What a revocation statement names, and the cause codes of what is wrong with its signature."""
    form = context.pack.revocation
    document = read(data, form).document if form is not None else None
    if form is None or document is None:
        return {"causes": ["unreadable"]}
    one = document.transcript
    found = Recorder()
    signatures.check(document, replace(context, pack=form), found)
    must = {row.id for row in form.requirements.values() if row.level == "MUST"}
    return {
        "record": _raw(one.record.id),
        "version": _raw(one.version.number),
        "digest": _raw(one.version.replaces),
        "reason": _raw(one.version.reason),
        "causes": sorted({each.code for each in found.violations if each.is_root and each.requirement in must}),
    }
