"""Refusals of the test interface: a status and a closed list of reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mock_vendor.register import Wanted


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused. ``field``: JSON pointer into the request."""

    code: str
    field: str = ""
    role: str = ""
    subject: str = ""
    signer: str = ""
    message: str = ""

    def data(self) -> dict[str, str]:
        """As JSON, without empty members."""
        parts = {name: getattr(self, name) for name in ("code", "field", "role", "subject", "signer", "message")}
        return {name: value for name, value in parts.items() if value}


class Refused(Exception):
    """The software says no, orderly: HTTP ``status`` and the reasons."""

    def __init__(self, status: int, reasons: Iterable[Reason]) -> None:
        self.status = status
        self.reasons = tuple(reasons)
        super().__init__(f"{status}: " + ", ".join(one.code for one in self.reasons))


def missing(wanted: Iterable[Wanted]) -> Refused:
    """Refused because signatures are missing; names each."""
    return Refused(
        409,
        [
            Reason(
                "MISSING_SIGNATURE",
                role=one.role,
                subject=one.subject,
                signer=one.signer,
                message="còn thiếu chữ ký số / signature missing",
            )
            for one in wanted
        ],
    )
