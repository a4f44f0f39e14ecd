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

    def amendable(self, state: str) -> bool:
        """Whether the next version may be opened: the outcome of the one before is known."""
        return state in ("delivered", "refused")

    def takes_number(self, state: str) -> bool:
        """Whether the version before has taken its number: a refused one is corrected under the same."""
        return state == "delivered"

    def amended_case(self, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        """What is entered for the next version."""
        del before
        return after

    def withdrawn(self, use: str, *, revoked: bool) -> bool:
        """Whether a transcript may not be used any more, since it is revoked.

        ``use``: ``amend``, ``authorise``, ``print``, ``revoke`` or ``submit``.
        """
        del use
        return revoked

    def tells_of_revocation(self) -> bool:
        """Whether a revocation goes to the Ministry."""
        return True

    def state_after_revocation(self) -> str:
        """What the operator sees once the Ministry has accepted it."""
        return "revoked"
