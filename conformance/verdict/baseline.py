"""Known failures (the vendor's baseline, by cause code) and attestations (a person vouches)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pydantic import BaseModel, ConfigDict


class BaselineError(ValueError):
    """The baseline cannot be read; bilingual message."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaselineEntry(_Data):
    """A failure the vendor knows of: full cause code, why it is tolerated, and until when (last day) if limited."""

    cause: str
    reason: str
    expires: date | None = None

    def covers(self, code: str, on: date) -> bool:
        """Whether the entry excuses the full cause ``code`` on a day."""
        return self.cause == code and (self.expires is None or on <= self.expires)


class Baseline(_Data):
    """The vendor's baseline. An entry that matches nothing or has expired is an error of the baseline."""

    entries: tuple[BaselineEntry, ...] = ()

    def covers(self, code: str, on: date) -> bool:
        """Whether some entry excuses ``code`` on a day."""
        return any(one.covers(code, on) for one in self.entries)

    def stale(self, seen: Iterable[str], on: date) -> tuple[str, ...]:
        """Cause codes of entries that have expired or whose cause was not seen."""
        found = set(seen)
        return tuple(
            one.cause
            for one in self.entries
            if one.cause not in found or (one.expires is not None and on > one.expires)
        )

    @classmethod
    def of(cls, entries: object) -> Baseline:
        """A baseline from loaded data: a list of mappings.

        Raises:
            BaselineError: wrong data; the message names the entry.
        """
        if not isinstance(entries, list):
            raise BaselineError("danh sách lỗi đã biết phải là một danh sách / a baseline is a list")
        read: list[BaselineEntry] = []
        for number, one in enumerate(entries, 1):
            try:
                read.append(BaselineEntry.model_validate(one))
            except ValueError as error:
                raise BaselineError(f"mục {number} sai / entry {number} is wrong: {error}") from error
        return cls(entries=tuple(read))


class Attestation(_Data):
    """A person vouches that a requirement holds where the run could not show it; counted apart, never a pass."""

    requirement: str
    programme: str
    name: str
    day: date
    evidence: str
    """SHA-256 (hex) of what the person looked at."""
