"""A document as people read it, with who signed it: for ``hocba show`` and as evidence in reports. Never a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.document import Document
from conformance.document.form import tables_of
from conformance.events import FormData, FormTable
from conformance.pack import Pack
from conformance.signature.verify import Signature, SigningTime, verify_document


def readable(document: Document, language: str) -> FormData:
    """The form of a document and the list of its signatures.

    Whether a signature verifies is shown; whether its certificate may be trusted is ``hocba check``'s to say.

    Raises:
        PackError: the pack describes no form.
    """
    form = tables_of(document, language)
    said: Mapping[str, Any] = document.pack.form["signatures"]
    signed = FormTable(
        title=said["title"][language],
        columns=tuple(one[language] for one in said["columns"].values()),
        rows=tuple(
            (
                said["roles"].get(one.slot.name, {}).get(language, one.slot.role),
                one.leaf.common_name if one.leaf else "",
                _moment(one.time, document.pack),
                said["states"][_state(one)][language],
            )
            for one in verify_document(document, document.pack).signatures
        ),
    )
    return FormData(title=form.title, tables=(*form.tables, signed))


def _moment(time: SigningTime | None, pack: Pack) -> str:
    """A claimed time as people write it, with its zone where it has one."""
    if time is None:
        return ""
    at = time.moment
    day = str(pack.form["spellings"]["date"]).format(day=at.day, month=at.month, year=at.year)
    zone = at.isoformat(timespec="seconds")[19:]
    return f"{day} {at:%H:%M:%S}" + (f" {zone}" if time.zoned else "")


def _state(one: Signature) -> str:
    digests = [reference.good for reference in one.references]
    if one.value_good is False or False in digests:
        return "bad"
    return "good" if one.value_good and all(digests) else "unknown"
