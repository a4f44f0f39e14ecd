"""``hocba check``: judges files and shows findings, one after the other; it never gives a verdict.

Inputs become items (:mod:`.sources`), items become findings here, in other processes or on other machines
(:mod:`.judging`, :mod:`.runners`, :mod:`.cluster`), findings are written as they come (:mod:`.showing`): memory does
not grow with the number of files.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.checking.files import LIMIT, CheckingProblem, read_file
from conformance.checking.judging import Checked, Plan
from conformance.checking.runners import run
from conformance.checking.showing import FORMATS, Outcome, Tally, fitted, written
from conformance.checking.sources import Item, items
from conformance.pack import Pack

__all__ = [
    "FORMATS", "LIMIT", "Checked", "CheckingProblem", "Item", "Outcome", "Plan", "Tally", "check_files", "fitted",
    "items", "read_file", "run", "written",
]  # fmt: skip


def check_files(pack: Pack, files: Sequence[Path], **options: Any) -> Outcome:
    """Judge files, folders and archives, all results at once; ``options`` as for :meth:`Plan.of`.

    Raises:
        CheckingProblem: an option's file cannot be used, or there is nothing to check.
    """
    plan = Plan.of(pack, **options)
    outcome = Outcome(pack, list(run(plan, items(map(str, files)))), bool(plan.anchors), plan.notes)
    if not outcome.files:
        raise CheckingProblem("không có tệp nào để kiểm / no file to check")
    return outcome
