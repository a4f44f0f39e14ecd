"""One document, all checks of Appendix 1 that need nothing but the document: the single place where they are called."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.checks import codes, form, levels, signatures, structure, subjects
from conformance.checks.context import Context
from conformance.document import Document, read
from conformance.finding import Recorder


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
    codes.check(document, context, found)
    if not structure.is_digitised(document):
        subjects.check(document, context, found)
        levels.check(document, context, found)
    signatures.check(document, context, found)
    return Judgement(found, document, structure.programme_of(document, context))
