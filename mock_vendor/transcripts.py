"""One transcript as the software keeps it, and what becomes of its submissions; both as JSON for the store."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from mock_vendor.contents import Contents, Facts
from mock_vendor.settings import Clock
from mock_vendor.writing import Signature


@dataclass(slots=True)
class Job:
    """One submission on its way. What is sent is fixed when it is queued."""

    record: str
    version: int
    content: bytes
    queued: datetime
    event: str = ""
    """The pack's key; empty: ``new`` for the first version, else ``update``."""
    batch: str = ""
    """Not empty: goes with the others of this batch, in one call."""
    attempts: int = 0
    troubles: int = 0
    """Failed polls in a row."""
    due: float = 0.0
    """On the clock, the earliest moment of the next step."""
    imposed: bool = False
    """Whether the wait until then is a retry's: ``tick`` does ordinary work at once, but never shortens such a wait."""
    receipt: str = ""

    def data(self, clock: Clock) -> dict[str, Any]:
        """As JSON; the clock's seconds become a time of day, which a restart does not set back."""
        found = asdict(self)
        found["content"] = base64.b64encode(self.content).decode()
        found["queued"] = self.queued.isoformat()
        found["due"] = (clock.now() + timedelta(seconds=self.due - clock.monotonic())).isoformat()
        return found

    @classmethod
    def of(cls, data: Mapping[str, Any], clock: Clock) -> Job:
        """From JSON."""
        left = (datetime.fromisoformat(data["due"]) - clock.now()).total_seconds()
        return cls(
            **{
                **data,
                "content": base64.b64decode(data["content"]),
                "queued": datetime.fromisoformat(data["queued"]),
                "due": clock.monotonic() + max(0.0, left),
            }
        )


@dataclass(slots=True)
class Delivery:
    """What the operator is shown about one submission's way to the Ministry."""

    owner: str
    """Local id of the transcript, ``#revocation`` behind it for the statement that revokes it."""
    learner: str
    state: str = "draft"
    receipt: str = ""
    refusals: list[dict[str, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    job: Job | None = None
    """The submission on its way; ``None`` once its outcome is final."""
    newest: dict[str, Any] | None = None
    """Version and digest that the Ministry holds, fetched after a conflict."""
    again: bool = False
    """Whether what was refused may be sent unchanged when the operator says so: the window was closed."""

    def data(self, clock: Clock) -> dict[str, Any]:
        """As JSON."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "job": self.job.data(clock) if self.job else None}

    @classmethod
    def of(cls, data: Mapping[str, Any], clock: Clock) -> Delivery:
        """From JSON."""
        return cls(**{**data, "job": Job.of(data["job"], clock) if data["job"] else None})


@dataclass(slots=True)
class Transcript:
    """One transcript in its newest version."""

    id: str
    case: dict[str, Any]
    record_id: str
    delivery: Delivery
    created: date
    version: int = 1
    replaces: str | None = None
    reason: str | None = None
    signatures: list[Signature] = field(default_factory=list)
    signed_on: date | None = None
    """The day on which the leader signed: the date of issue that the document names."""
    issued: bytes | None = None
    revocation: Delivery | None = None
    revoked_because: str = ""
    """The reason that the statement gives, once a revocation was asked for."""
    written: tuple[Facts, Contents] | None = None
    """The contents as last composed, and from what: composed again only when something changed."""

    @property
    def revoked(self) -> bool:
        """Whether it is revoked, or about to be: nothing else may be done with it."""
        asked = self.revocation is not None and self.revocation.state not in ("refused", "gave-up")
        return asked or self.delivery.state == "revoked"

    def data(self) -> dict[str, Any]:
        """As JSON, without the deliveries: they change at other times."""
        return {
            "id": self.id,
            "case": self.case,
            "record_id": self.record_id,
            "created": self.created.isoformat(),
            "version": self.version,
            "replaces": self.replaces,
            "reason": self.reason,
            "signatures": [asdict(one) for one in self.signatures],
            "signed_on": self.signed_on.isoformat() if self.signed_on else None,
            "issued": base64.b64encode(self.issued).decode() if self.issued is not None else None,
            "revoked_because": self.revoked_because,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any], delivery: Delivery, revocation: Delivery | None) -> Transcript:
        """From JSON."""
        return cls(
            **{
                **data,
                "delivery": delivery,
                "revocation": revocation,
                "created": date.fromisoformat(data["created"]),
                "signed_on": date.fromisoformat(data["signed_on"]) if data["signed_on"] else None,
                "issued": base64.b64decode(data["issued"]) if data["issued"] is not None else None,
                "signatures": [Signature(**one) for one in data["signatures"]],
            }
        )
