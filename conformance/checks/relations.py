"""What documents that are given together say against each other (PL1-STR-004); pure, from few facts of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.checks.structure import is_digitised
from conformance.document import Document
from conformance.document.read import xpath_of
from conformance.finding import Place, Recorder

RULE = "PL1-STR-004"
_LONGEST = 100
"""Characters kept of a value; of a longer one the start and its digest."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is remembered of a document; strings, empty where the document does not say. A few hundred bytes."""

    digest: str
    """Of the bytes, as the pack's digests are written."""
    record: str
    version: int
    """0: none that can be read."""
    replaces: str
    learner: str
    school_year: str
    school: str
    number_at: str = ""
    """XPath of the version's number, of the record below."""
    record_at: str = ""

    @classmethod
    def of(cls, document: Document) -> Facts | None:
        """The facts of a document; ``None`` for one without identifier and for records digitised from paper."""
        transcript = document.transcript
        record, number = transcript.record, transcript.version.number
        if is_digitised(document) or record.id is None or not record.id.raw.strip():
            return None
        value = number.value if number is not None else None
        return cls(
            digest=document.digest_by(document.pack.header.identifiers.predecessor),
            record=_small(record.id).lower(),  # RFC 9562: letters of either case are the same UUID
            version=value if value is not None and 0 < value < 1 << 31 else 0,
            replaces=_small(transcript.version.replaces),
            learner=_small(transcript.learner.code),
            school_year=_small(record.school_year),
            school=_small(record.school_code),
            number_at=_at(number),
            record_at=_at(record.id),
        )


def _small(value: object) -> str:
    text = "" if value is None else str(value).strip()
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}…{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _at(value: object) -> str:
    node = getattr(value, "node", None)
    return "" if node is None else xpath_of(node)


def linked(one: Facts, other: Facts) -> bool:
    """Whether one of them says that it replaces the other's very bytes."""
    return one.replaces == other.digest or other.replaces == one.digest


def compare(now: Facts, before: Facts, earlier: str, found: Recorder, *, together: bool) -> None:
    """What two documents with different bytes say against each other; a relation has no direction.

    Args:
        now: the document of which it is told.
        before: a document that was given earlier, of any version.
        earlier: what that one is called.
        found: takes violations of PL1-STR-004.
        together: whether both are of one register. If not, only what they say of each other themselves is judged:
            documents of different registers (examples, tests) may bear one identifier by right.
    """
    tied = linked(now, before)
    if tied or (together and now.record == before.record):
        if now.version == before.version and now.record == before.record:
            if now.version:
                found.violated(
                    RULE, "version-twice", place=Place(now.number_at), expected=before.digest, seen=now.digest,
                    version=now.version, file=earlier,
                )  # fmt: skip
            return
        for what, was, is_now in _identities(now, before):
            if was and is_now and was != is_now:
                found.violated(
                    RULE, "identity-differs", place=Place(now.record_at), expected=was, seen=is_now,
                    what=f"{{identity.{what}}}", file=earlier,
                )  # fmt: skip
        old, new = (now, before) if _follows(before, now, tied) else (before, now)
        if tied and old.version > 0 and 0 < new.version != old.version + 1:
            found.violated(
                RULE, "not-before", place=Place(now.number_at), expected=old.version + 1, seen=new.version, file=earlier
            )
        if not tied and old.version and old.version + 1 == new.version and new.replaces:
            found.violated(
                RULE, "other-bytes-replaced", place=Place(now.number_at), expected=old.digest, seen=new.replaces,
                version=new.version, file=earlier,
            )  # fmt: skip
    elif together and _same_place(now, before):
        found.violated(
            RULE, "second-record", place=Place(now.record_at), expected=before.record, seen=now.record,
            learner=now.learner, year=now.school_year, file=earlier,
        )  # fmt: skip


def _follows(one: Facts, other: Facts, tied: bool) -> bool:
    """Whether ``one`` is the later version: it says so by what it replaces, otherwise by its number."""
    return one.replaces == other.digest if tied else one.version > other.version


def _identities(now: Facts, before: Facts) -> Iterator[tuple[str, str, str]]:
    yield "record", before.record, now.record
    yield "learner", before.learner, now.learner
    yield "school-year", before.school_year, now.school_year
    yield "school", before.school, now.school


def _same_place(now: Facts, before: Facts) -> bool:
    here = (now.learner, now.school_year, now.school)
    return all(here) and here == (before.learner, before.school_year, before.school)
