"""Next versions and revocation statements: what they carry, and whose signatures they keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_vendor.contents import Contents
from mock_vendor.register import TEACHER
from mock_vendor.signing import Signing
from mock_vendor.writing import Signature


@dataclass(frozen=True, slots=True)
class Following:
    """What the next version is called, and what it follows."""

    record: str
    version: int
    replaces: str


class Amending(Signing):
    """How the software amends and revokes. Methods are seams that a named defect may replace."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        """What follows the version that the Ministry holds: same identifier, next number, its digest."""
        return Following(record, int(newest["version"]) + 1, str(newest["digest"]))

    def amendment_reason(self, reason: str) -> str | None:
        """The reason that the document gives."""
        return reason

    def still_holds(self, mark: Signature, before: Contents, after: Contents) -> bool:
        """Whether a signature of the version before is still good: a subject teacher's, of what did not change."""
        if mark.role != TEACHER or before["record"] != after["record"] or before["learner"] != after["learner"]:
            return False
        old, new = ([one for one in side["subjects"] if one["key"] == mark.subject] for side in (before, after))
        return bool(old == new)

    def withdrawn(self, *, revoked: bool) -> bool:
        """Whether nothing more may be done with a transcript: it is revoked."""
        return revoked
