"""Learners and school years: the run's roster, the frozen corpus, live generation, shrinking, coverage."""

from conformance.cases.case import (
    Case,
    FrozenCase,
    Takes,
    frozen_cases,
    generated,
    realise,
    shrink,
)
from conformance.cases.coverage import Coverage, classes_of, coverage
from conformance.cases.edits import KINDS, Edit, parse
from conformance.cases.negative import negative_inputs
from conformance.cases.plan import PlanError
from conformance.cases.roster import Roster, build_roster

__all__ = [
    "KINDS", "Case", "Coverage", "Edit", "FrozenCase", "PlanError", "Roster", "Takes", "build_roster", "classes_of",
    "coverage", "frozen_cases", "generated", "negative_inputs", "parse", "realise", "shrink",
]  # fmt: skip
