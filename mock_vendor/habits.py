"""How this software does things: every step a named defect can do differently."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence

from conformance.pack import Pack
from mock_vendor.amending import Amending
from mock_vendor.inquiring import Inquiring
from mock_vendor.printing import Printing
from mock_vendor.register import TEACHER, Wanted
from mock_vendor.settings import Clock
from mock_vendor.stating import Stating
from mock_vendor.transcripts import Job
from mock_vendor.verifying import Verifying
from mock_vendor.writing import Signature


def unsigned(wanted: Sequence[Wanted], signatures: Sequence[Signature]) -> list[Wanted]:
    """Those of ``wanted`` who have not signed."""
    made = {(one.role, one.signer, one.subject) for one in signatures}
    return [one for one in wanted if (one.role, one.signer, one.subject) not in made]


class Habits(Printing, Inquiring, Amending, Stating, Verifying):
    """The sound habits, from formulas to retries. A defect is a mixin that overrides one of them."""

    def __init__(self, pack: Pack, clock: Clock) -> None:
        self.pack = pack
        self.clock = clock

    def is_named(self, one: Wanted, wanted: Collection[Wanted]) -> bool:
        """Whether the record names this signer in this role."""
        return one in wanted

    def lacking(self, wanted: Sequence[Wanted], signatures: Sequence[Signature]) -> list[Wanted]:
        """Signatures without which nobody later signs, and the transcript is not issued."""
        return unsigned(wanted, signatures)

    def new_record_id(self) -> str:
        """Identifier of a new transcript."""
        made = uuid.uuid4()
        return self.pack.header.identifiers.record_form.format(uuid=made, hex=made.hex.upper())

    def fetched_bytes(self, issued: bytes, *, delivered: bool) -> bytes:
        """An issued document when it is fetched: as it was issued, delivered or not."""
        del delivered
        return issued

    def submittable(self, issued: bytes | None, draft: Callable[[], bytes]) -> bytes | None:
        """What may be sent to the Ministry: issued bytes only. ``draft`` writes what there is so far."""
        del draft
        return issued

    def resumed(self, job: Job) -> Job | None:
        """A submission that was on its way when the software was stopped: it goes on as it is."""
        return job

    def locked(self, parts: Iterable[str], signatures: Sequence[Signature], *, issued: bool) -> list[str]:
        """Which parts may no longer be edited.

        Args:
            parts: top-level fields of the case, subjects as ``subjects/CODE``.
            signatures: made so far.
            issued: after issue nothing may.
        """
        signed = {one.subject for one in signatures if one.role == TEACHER}
        others = any(one.role != TEACHER for one in signatures)
        found = []
        for part in parts:
            name, _, code = part.partition("/")
            # who the transcript is about is in every signature
            of_all = name == "learner" and bool(signatures)
            if issued or others or of_all or (name == "subjects" and code in signed):
                found.append(part)
        return found


def with_defects(mixins: Sequence[type[Habits]], pack: Pack, clock: Clock) -> Habits:
    """Habits with some of them replaced."""
    made: type[Habits] = type("DefectiveHabits", (*mixins, Habits), {}) if mixins else Habits
    return made(pack, clock)
