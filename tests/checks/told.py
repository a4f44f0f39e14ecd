"""What a document is told, for tests that read findings as a vendor does."""

from __future__ import annotations

from conformance.checks.judge import judge_document
from conformance.events import Finding
from conformance.finding import Observation
from conformance.wording import cause_text
from tests.checks.test_signature_kills import PACK, Bench


def must_roots(bench: Bench, data: bytes) -> list[Observation]:
    """The root violations of requirements of level MUST."""
    found = judge_document(data, bench.context()).found.violations
    return [one for one in found if one.is_root and PACK.requirements[one.requirement].level == "MUST"]


def said(one: Observation) -> str:
    """The text of a finding, in English."""
    return cause_text(PACK, Finding.of(one), "en")
