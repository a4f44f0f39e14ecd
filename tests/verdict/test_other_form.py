"""A document that is not in the profile's form at all says nothing on line A (verdict.md)."""

from __future__ import annotations

from conformance.pack import default_pack
from conformance.verdict import Outcome, decide
from tests.reports.sample import clean_items, failure, result


def test_line_a_is_inconclusive_not_failed() -> None:
    pack = default_pack()
    items = clean_items(pack)
    found = failure("PL1-STR-001", "other-form")
    items.append(items[0].model_copy(update={"id": "other", "held": {}, "findings": (found,)}))
    verdict = decide(pack, result(pack, items))
    line = verdict.line("THCS", "appendix1", "A")
    assert line is not None
    assert line.verdict == "inconclusive"
    assert "other-form" in line.reasons
    outcome = verdict.of("PL1-STR-001", "THCS")
    assert outcome is not None
    assert outcome.outcome is Outcome.NOT_TESTABLE
    for programme, part, name in (("THPT", "appendix1", "A"), ("THCS", "appendix1", "B"), ("THCS", "appendix2", "A")):
        other = verdict.line(programme, part, name)
        assert other is not None
        assert other.verdict == "pass"


def test_a_schema_violation_in_the_profiles_form_does_fail() -> None:
    pack = default_pack()
    items = clean_items(pack)
    items.append(items[0].model_copy(update={"id": "bad", "findings": (failure("PL1-STR-001", "missing-element"),)}))
    verdict = decide(pack, result(pack, items))
    assert verdict.failed("THCS") == ("PL1-STR-001",)
    assert verdict.failed("THPT") == ()


def test_programmes_whose_cases_are_not_complete_are_not_certified() -> None:
    pack = default_pack().at("r1")
    programmes = ("THCS", "GDTX-THCS")
    verdict = decide(pack, result(pack, clean_items(pack, programmes), programmes=programmes))
    answers = {(one.programme, one.verdict) for one in verdict.lines}
    assert answers == {("THCS", "pass"), ("GDTX-THCS", "inconclusive")}
    assert verdict.exit_code == 3


def test_rules_of_continuing_education_are_marked_as_quoted() -> None:
    pack = default_pack()
    citing = {
        one.id
        for one in pack.requirements.values()
        if "GDTX-THCS" in one.programmes and any(rules.circular in one.clause for rules in pack.rules.values())
    }
    programmes = ("GDTX-THCS", "THCS")
    verdict = decide(pack, result(pack, clean_items(pack, programmes), programmes=programmes))
    marked = {one.requirement for one in verdict.outcomes if one.programme == "GDTX-THCS" and one.quoted}
    assert citing <= marked
