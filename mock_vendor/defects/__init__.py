"""Named defects."""

from __future__ import annotations

from mock_vendor.defects.registry import DEFECTS, Defect

__all__ = ["DEFECTS", "Defect"]
