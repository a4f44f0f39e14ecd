"""Named defects of the reference vendor: each does one thing wrong, and says which requirements must notice it."""

from __future__ import annotations

from mock_vendor.defects import (
    academic,
    content,
    delivery,
    derived,
    entered,
    files,
    management,
    printing,
    signatures,
    text,
)
from mock_vendor.defects.registry import DEFECTS, Defect

__all__ = [
    "DEFECTS", "Defect", "academic", "content", "delivery", "derived", "entered", "files", "management", "printing",
    "signatures", "text",
]  # fmt: skip
