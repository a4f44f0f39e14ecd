"""One submission: the transcript as people read it, its signatures, what was found, the XML with lines marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from conformance.document import Document, read
from conformance.document.excerpt import Line, excerpt, marked_copy
from conformance.document.form import tables_of
from conformance.events import FormData
from conformance.finding import Place
from conformance.pack import Pack, PackError, Requirement
from conformance.visible import one_line
from mock_moet.console.runs import label_of
from mock_moet.console.timeline import timeline
from mock_moet.console.visit import Stop, Visit, page
from mock_moet.rules import Event
from mock_moet.transaction import Stored

AROUND = 25
"""Lines around each marked one that a long document's page shows."""
WHOLE = 4000
"""Lines up to which a document is shown whole."""
EXCERPTS = 40
"""Findings that are shown with their lines; a hostile document may have thousands."""
FINDINGS = 200
NAME = 120
"""Characters of a learner's name in headings."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding as the page shows it."""

    number: int
    finding: Mapping[str, Any]
    text: str
    requirement: Requirement | None
    lines: tuple[Line, ...]


def _found(visit: Visit) -> tuple[Stored, bytes]:
    receipt = str(visit.request.path_params["receipt"])
    with visit.ministry.store.read(visit.space.name) as transaction:
        one = transaction.by_receipt(receipt)
        data = transaction.content(receipt)
    if one is None or data is None:
        raise Stop(404, "error.no-submission")
    return one, data


def submission(visit: Visit) -> Response:
    """The submission with everything about it on one page, which prints."""
    row = visit.space
    one, data = _found(visit)
    ministry = visit.ministry
    document = _document(one, data, ministry.pack)
    received = datetime.fromisoformat(one.received_at)
    signatures = []
    if document is not None:
        signatures = timeline(document, ministry.trust(row), received, one.findings, visit.language)
    with ministry.store.read(row.name) as transaction:
        versions = transaction.of_record(one.known.record)
    return page(
        visit,
        "submission.html.j2",
        run=row,
        label=label_of(row),
        one=one,
        words=ministry.wire.messages,
        size=len(data),
        received=received,
        shown=shown(one.findings[:FINDINGS], data, ministry.pack, visit.language),
        hidden=max(0, len(one.findings) - FINDINGS),
        form=_form(document, visit.language),
        who=_who(document),
        reason=_reason(document),
        signatures=signatures,
        versions=versions,
        exchanges=_exchanges(visit, one),
    )


def shown(findings: Sequence[Mapping[str, Any]], data: bytes, pack: Pack, language: str) -> list[Shown]:
    """The findings with requirement and, for the first ones, the lines around the place."""
    made = []
    for number, finding in enumerate(findings, 1):
        place = str(finding["place"])
        lines = excerpt(data, Place(xpath=place)) if place.startswith("/") and number <= EXCERPTS else ()
        text = str(finding["en" if language == "en" else "vi"])
        made.append(Shown(number, finding, text, pack.requirements.get(str(finding["requirement"])), lines))
    return made


def _form(document: Document | None, language: str) -> FormData | None:
    if document is None:
        return None
    try:
        return tables_of(document, language)
    except PackError:  # the pack describes no form: nothing to show, no reason to fail
        return None


def _document(one: Stored, data: bytes, pack: Pack) -> Document | None:
    """The submission in its own form: a transcript, or a statement that revokes one."""
    revokes = one.known.event is Event.CANCEL
    return read(data, pack.revocation if revokes and pack.revocation is not None else pack).document


def _reason(document: Document | None) -> str:
    """Why a version amends or revokes, in its own words."""
    reason = document.transcript.version.reason if document is not None else None
    return reason.raw if reason is not None else ""


def _who(document: Document | None) -> str:
    name = document.transcript.learner.name if document is not None else None
    return one_line(name.raw, NAME) if name is not None else ""


def _exchanges(visit: Visit, one: Stored) -> list[dict[str, Any]]:
    """The exchanges of the journal in which this submission took part."""
    entries, _ = visit.ministry.corner(one.space).journal.after(0)
    return [entry for entry in entries if entry["facts"].get("receipt") == one.known.receipt]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of the copy that follow each other: number of the first, lines, numbers of findings by line."""

    lines: list[tuple[int, str, list[int]]]


def xml(visit: Visit) -> Response:
    """The document as an indented copy with the lines of all findings marked."""
    row = visit.space
    one, data = _found(visit)
    places = [Place(xpath=place if (place := str(each["place"])).startswith("/") else "") for each in one.findings]
    copy = marked_copy(data, places[:FINDINGS])
    marks: dict[int, list[int]] = {}
    for number, line in enumerate(copy.places, 1):
        if line is not None:
            marks.setdefault(line, []).append(number)
    return page(
        visit,
        "xml.html.j2",
        run=row,
        label=label_of(row),
        one=one,
        pieces=pieces(copy.lines, marks),
        total=len(copy.lines),
        marked=sorted(marks),
        who=_who(_document(one, data, visit.ministry.pack)),
    )


def pieces(lines: Sequence[str], marks: Mapping[int, list[int]]) -> list[Piece]:
    """The whole copy as one piece, or of a long one the lines around the marks (its beginning, if there are none)."""
    wanted = range(1, len(lines) + 1)
    chosen = list(wanted)
    if len(lines) > WHOLE:
        near = {number for line in marks or (1,) for number in range(line - AROUND, line + AROUND + 1)}
        chosen = sorted(number for number in near if number in wanted)[:WHOLE]
    found: list[Piece] = []
    for number in chosen:
        if not found or found[-1].lines[-1][0] != number - 1:
            found.append(Piece([]))
        found[-1].lines.append((number, lines[number - 1], marks.get(number, [])))
    return found


def content(visit: Visit) -> Response:
    """The bytes that were submitted, to keep: never shown by the browser as a document of ours."""
    one, data = _found(visit)
    name = re.sub(r"[^A-Za-z0-9-]", "", one.known.record)[:60] or "ban-nop"
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"content-disposition": f'attachment; filename="{name}-{one.known.version}.xml"'},
    )
