"""What a document is judged with: pack, trust, times. All is given: a check reads no clock and opens no socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from conformance.pack import Pack
from conformance.signature.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of judging; all times are aware."""

    pack: Pack
    trust: TrustStore | None
    """Trust anchors and CRLs of the run; ``None``: none were given."""
    judged_at: datetime
    received_at: datetime | None = None
    """When the document was received (drive door)."""
    leaders: frozenset[str] | None = None
    """Identifiers of school leaders known to the run (PL1-CTS-005); ``None``: no list."""
    door: str = "files"
    subject_map: Mapping[str, str] = field(default_factory=dict)
    """A vendor's subject codes → the pack's."""
    previous: bytes | None = None
    """The accepted bytes of the version before, where known (PL1-STR-004)."""
    tax_codes: Mapping[str, str] = field(default_factory=dict)
    """Tax code → school code, where the run knows it: whose seal a certificate with a tax code is."""
