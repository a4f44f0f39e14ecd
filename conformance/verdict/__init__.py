"""The verdict: computed from the manifest and the recorded results, never from what a test runner happened to run."""

from conformance.verdict.baseline import Attestation, Baseline, BaselineEntry, BaselineError, Update
from conformance.verdict.decide import decide
from conformance.verdict.model import ExitCode, FindingRef, Line, LineVerdict, Outcome, RequirementOutcome, Verdict

__all__ = [
    "Attestation", "Baseline", "BaselineEntry", "BaselineError", "ExitCode", "FindingRef", "Line", "LineVerdict",
    "Outcome", "RequirementOutcome", "Update", "Verdict", "decide",
]  # fmt: skip
