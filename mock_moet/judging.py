"""What the service thinks of a document: the project's own checks, and the rule about synthetic numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conformance.checks.context import Context
from conformance.checks.judge import Judgement, judge_document, judge_statement
from conformance.document import Document, read
from conformance.document.binding import compiled
from conformance.events import Finding
from conformance.finding import Observation, State
from conformance.pack import Pack
from conformance.signature.trust import TrustStore
from conformance.transcript.model import Person, Transcript, Value
from conformance.wording import cause_text
from mock_moet.rules import Identity

JudgeFunction = Callable[[bytes, Context], Judgement]

_IDENTIFYING = ("record", "learner", "version")
"""Parts of a transcript that say what it is: the rest is read when it is judged."""
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----.+?-----END [A-Z0-9 ]+-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opinion:
    """Whether a document is good, and the findings that say why not (``code requirement place vi en``)."""

    good: bool
    findings: tuple[dict[str, str], ...] = ()


def identify(data: bytes, pack: Pack) -> Identity | None:
    """What the document says of itself; ``None`` when it is not a readable transcript."""
    document = read(data, pack).document
    if document is None:
        return None
    one = compiled(pack, *_IDENTIFYING).read(document.root)
    school = _text(one.record.school_code)
    person = _text(one.learner.national_id) or _text(one.learner.passport)
    learner = person or (f"{school}/{_text(one.learner.code)}" if one.learner.code else "")
    return Identity(
        record=_text(one.record.id),
        version=one.version.number.value if one.version.number else None,
        school=school,
        learner=learner,
        school_year=one.record.school_year.value if one.record.school_year else None,
        replaces=_text(one.version.replaces)[:128],
        learner_code=_text(one.learner.code)[:64],
    )


def leader_of(data: bytes, pack: Pack) -> str:
    """The identifier of the leader a document names; empty when it names none."""
    document = read(data, pack).document
    return _text(document.transcript.issue.leader.national_id) if document is not None else ""


def _text(value: Value[str] | None) -> str:
    return value.raw if value is not None else ""


def trust_of(settings: dict[str, Any], name: str) -> TrustStore | None:
    """The trust store of a space, from the PEM texts it was opened with; ``None`` when it was given none."""
    anchors = settings.get("trustPem") or ""
    if not anchors:
        return None
    crls = _PEM.findall((settings.get("crlsPem") or "").encode())
    return TrustStore.from_pem(anchors.encode(), crls=crls, name=name)


def judge(
    data: bytes,
    pack: Pack,
    settings: dict[str, Any],
    trust: TrustStore | None,
    *,
    judged_at: datetime,
    received_at: datetime,
    previous: bytes | None = None,
    function: JudgeFunction = judge_document,
) -> Opinion:
    """Judge a document: every violated MUST refuses it, everything else does not.

    An unexpected error of a check is the service's own and passes through.
    """
    if settings.get("judging") == "accept-all":
        return Opinion(good=True)
    leaders = settings.get("leaders")
    judgement = function(
        data,
        Context(
            pack=pack,
            trust=trust,
            judged_at=judged_at,
            received_at=received_at,
            leaders=None if leaders is None else frozenset(leaders),
            previous=previous,
        ),
    )
    findings = [_finding(one, pack) for one in judgement.found.violations if _refuses(one, pack)]
    if judgement.document is not None and not settings.get("acceptUnreserved"):
        findings.extend(unreserved(judgement.document, pack))
    return Opinion(good=not findings, findings=tuple(findings))


def _refuses(one: Observation, pack: Pack) -> bool:
    requirement = pack.requirements.get(one.requirement)
    return one.state is State.VIOLATED and one.is_root and (requirement is None or requirement.level == "MUST")


def judge_revocation(
    data: bytes,
    form: Pack,
    settings: dict[str, Any],
    trust: TrustStore | None,
    *,
    judged_at: datetime,
    received_at: datetime,
    leader: str,
) -> Opinion:
    """Judge a revocation statement; ``form`` is the pack in the statement's form.

    ``leader`` signed the transcript: without a list of leaders nobody else is known to have the authority.
    """
    if settings.get("judging") == "accept-all":
        return Opinion(good=True)
    opinion = judge(data, form, settings, trust, judged_at=judged_at, received_at=received_at, function=judge_statement)
    rows = form.messages["findings"]
    found = list(opinion.findings)
    document = read(data, form).document
    if document is not None:
        said = document.transcript
        if not _text(said.version.reason).strip():
            where = document.place(said.version.reason or said.version).xpath
            found.append(own_finding(rows["revocation-without-reason"], place=where))
        if settings.get("leaders") is None and _text(said.issue.leader.national_id) != leader:
            where = document.place(said.issue.leader.national_id or said.issue.leader).xpath
            found.append(own_finding(rows["revoked-by-other"], place=where))
    return Opinion(good=not found, findings=tuple(found))


def _finding(one: Observation, pack: Pack) -> dict[str, str]:
    told = Finding.of(one)
    return {
        "code": one.code,
        "requirement": one.requirement,
        "place": one.place.xpath or one.place.pointer if one.place else "",
        "vi": cause_text(pack, told, "vi"),
        "en": cause_text(pack, told, "en"),
    }


def unreserved(document: Document, pack: Pack) -> Iterator[dict[str, str]]:
    """Findings about numbers outside the range that the pack reserves for synthetic persons."""
    reserved = pack.header.reserved
    first, last = reserved.national_id_serial
    one = document.transcript
    suspects = [value for value in _national_ids(one) if not first <= value.raw[-len(first) :] <= last]
    for value, prefix in (
        (one.learner.code, reserved.learner_code_prefix),
        (one.record.school_code, reserved.school_code_prefix),
    ):
        if value is not None and not value.raw.startswith(prefix):
            suspects.append(value)
    row = pack.messages["findings"]["not-reserved"]
    for value in suspects:
        yield own_finding(row, place=document.place(value).xpath, seen=value.raw[:40])


def _national_ids(one: Transcript) -> Iterator[Value[str]]:
    persons: list[Person] = [teacher for subject in one.subjects for teacher in subject.teachers]
    persons.append(one.summary.homeroom_teacher)
    for value in (one.learner.national_id, one.issue.leader.national_id, *(person.national_id for person in persons)):
        if value is not None and value.raw:
            yield value


def own_finding(row: dict[str, str], *, place: str = "", seen: str = "") -> dict[str, str]:
    """A finding of the service itself from its row in the pack's messages."""
    return {
        "code": row["code"],
        "requirement": row["requirement"],
        "place": place,
        "vi": row["vi"].format(seen=seen),
        "en": row["en"].format(seen=seen),
    }
