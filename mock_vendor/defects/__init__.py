"""Named defects of the reference vendor: each does one thing wrong, and says which requirements must notice it."""

from __future__ import annotations

from mock_vendor.defects import (
    academic,
    amending,
    batching,
    content,
    delivery,
    derived,
    entered,
    files,
    importing,
    management,
    printing,
    restarting,
    revoking,
    signatures,
    text,
    transport,
    waiting,
)
from mock_vendor.defects.registry import DEFECTS, Defect

__all__ = [
    "DEFECTS", "Defect", "academic", "amending", "batching", "content", "delivery", "derived", "entered", "files",
    "importing", "management", "printing", "restarting", "revoking", "signatures", "text", "transport", "waiting",
]  # fmt: skip
