"""Signing that goes on after the call: who is to sign what, and how it ended."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mock_vendor.reasons import Reason
from mock_vendor.register import Wanted


@dataclass(slots=True)
class Errand:
    """A list of signers on its way through the signing service. A restart begins it anew."""

    id: str
    transcript: str
    wanted: list[Wanted]
    statement: str = ""
    """Not empty: what is signed is the statement that revokes the transcript, for this reason."""
    reasons: list[Reason] = field(default_factory=list)
    """Why it ended without all signatures."""
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after so many real seconds at most."""
        return self._ended.wait(seconds)

    def end(self, reasons: Sequence[Reason]) -> None:
        """It ended: well without reasons."""
        self.reasons = list(reasons)
        self._ended.set()

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "transcript": self.transcript,
            "wanted": [asdict(one) for one in self.wanted],
            "statement": self.statement,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Errand:
        """From JSON."""
        return cls(data["id"], data["transcript"], [Wanted(**one) for one in data["wanted"]], data["statement"])
