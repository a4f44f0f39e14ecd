"""Writes ``reports/kill_table.json``: ``python -m tests.mutants.table``, whenever a defect came or changed."""

from __future__ import annotations

import json

from mock_vendor.defects import DEFECTS
from reports.kills import FILE


def text() -> str:
    """The table as its file holds it. What a defect is expected to fail is what the kill tests see, or they fail."""
    rows = [
        {"name": one.name, "vi": one.vi, "en": one.en, "requirements": sorted(one.expects)} for one in DEFECTS.values()
    ]
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8", newline="\n")
