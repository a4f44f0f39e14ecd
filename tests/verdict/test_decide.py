"""The verdict follows from the manifest (verdict.md), whatever was run."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.events import ItemResult, Result
from conformance.verdict import Attestation, Baseline, BaselineError, ExitCode, Outcome, Verdict, decide
from tests.verdict.helpers import HELD, broken, clean, item, run, stuck, tiny


def outcome(verdict: Verdict, requirement: str) -> Outcome:
    found = verdict.of(requirement, "LOWER")
    assert found is not None
    return found.outcome


def answers(verdict: Verdict) -> dict[tuple[str, str], str]:
    return {(one.part, one.line): one.verdict for one in verdict.lines}


def test_everything_held_is_a_pass() -> None:
    verdict = decide(tiny(), run(clean()))
    assert verdict.exit_code == ExitCode.PASS
    assert answers(verdict) == {("appendix1", "A"): "pass", ("appendix1", "B"): "pass", ("appendix2", "A"): "pass"}
    assert (verdict.scored, verdict.total) == (4, 4)


def test_a_violated_must_fails_its_line_only() -> None:
    verdict = decide(tiny(), run(clean(), item(broken("PL1-KY-001", "missing"))))
    assert outcome(verdict, "PL1-KY-001") is Outcome.FAIL
    assert verdict.exit_code == ExitCode.FAIL
    assert answers(verdict)["appendix1", "A"] == "pass"  # a profile failure alone never harms line A
    assert answers(verdict)["appendix1", "B"] == "fail"
    assert verdict.failed() == ("PL1-KY-001",)


def test_a_violated_should_is_a_warning() -> None:
    verdict = decide(tiny(), run(clean(), item(broken("PL1-KY-002", "untidy"))))
    assert outcome(verdict, "PL1-KY-002") is Outcome.WARN
    assert verdict.exit_code == ExitCode.PASS


@pytest.mark.parametrize("missing", list(HELD))
def test_no_evidence_is_absent(missing: str) -> None:
    held = {name: classes for name, classes in HELD.items() if name != missing}
    verdict = decide(tiny(), run(item(held=held)))
    assert outcome(verdict, missing) is Outcome.ABSENT
    assert verdict.exit_code == (ExitCode.PASS if missing == "PL1-KY-002" else ExitCode.INCONCLUSIVE)


def test_fewer_classes_than_the_manifest_names_are_insufficient() -> None:
    verdict = decide(tiny(), run(item(held={**HELD, "PL1-KY-001": {"one": 9, "other": 9}})))
    found = verdict.of("PL1-KY-001", "LOWER")
    assert found is not None
    assert (found.outcome, found.missing, found.blocks) == (Outcome.INSUFFICIENT, ("two",), True)
    assert verdict.exit_code == ExitCode.INCONCLUSIVE


def test_a_class_counted_zero_times_was_not_seen() -> None:
    verdict = decide(tiny(), run(item(held={**HELD, "PL1-DOC-001": {"checked": 0}})))
    assert outcome(verdict, "PL1-DOC-001") is Outcome.ABSENT


def test_classes_add_up_over_items() -> None:
    first = item(held={**HELD, "PL1-KY-001": {"one": 1}}, name="a")
    verdict = decide(tiny(), run(first, item(held={"PL1-KY-001": {"two": 1}}, name="b")))
    assert outcome(verdict, "PL1-KY-001") is Outcome.PASS


def test_evidence_without_programme_counts_for_every_programme_and_other_programmes_for_none() -> None:
    everywhere = item(held={"PL2-GN-001": {"checked": 1}}, programme="", name="x")
    rest = {name: classes for name, classes in HELD.items() if name != "PL2-GN-001"}
    assert decide(tiny(), run(item(held=rest), everywhere)).exit_code == ExitCode.PASS
    elsewhere = everywhere.model_copy(update={"programme": "UPPER"})
    assert outcome(decide(tiny(), run(item(held=rest), elsewhere)), "PL2-GN-001") is Outcome.ABSENT


def test_blocked_is_not_testable_even_beside_held_ones() -> None:
    verdict = decide(tiny(), run(clean(), item(stuck("PL1-DOC-001"))))
    assert outcome(verdict, "PL1-DOC-001") is Outcome.NOT_TESTABLE
    assert verdict.exit_code == ExitCode.INCONCLUSIVE


def test_violated_is_worse_than_blocked() -> None:
    verdict = decide(tiny(), run(clean(), item(stuck("PL1-DOC-001"), broken("PL1-DOC-001", "broken"))))
    assert outcome(verdict, "PL1-DOC-001") is Outcome.FAIL


def test_a_consequence_does_not_fail_but_cannot_pass() -> None:
    root, follower = broken("PL1-DOC-001", "broken"), broken("PL1-KY-001", "follows", "PL1-DOC-001.broken")
    verdict = decide(tiny(), run(clean(), item(root, follower)))
    assert verdict.failed() == ("PL1-DOC-001",)
    assert outcome(verdict, "PL1-KY-001") is Outcome.NOT_TESTABLE


def test_a_consequence_of_a_consequence_leads_to_the_root() -> None:
    chain = (
        broken("PL1-DOC-001", "broken"),
        broken("PL1-KY-001", "follows", "PL1-DOC-001.broken"),
        broken("PL2-GN-001", "other", "PL1-KY-001.follows"),
    )
    assert decide(tiny(), run(clean(), item(*chain))).failed() == ("PL1-DOC-001",)


@pytest.mark.parametrize(
    "findings",
    [
        (broken("PL1-KY-001", "follows", "PL1-DOC-001.broken"),),
        (broken("PL1-KY-001", "follows", "PL1-KY-001.follows"),),
        (broken("PL1-KY-001", "follows", "PL1-KY-001.missing"), broken("PL1-KY-001", "missing", "PL1-KY-001.follows")),
        (broken("PL1-KY-001", "follows", "PL1-KY-002.untidy"), broken("PL1-KY-002", "untidy")),
        (broken("PL1-KY-001", "follows", "PL9-XX-001.unknown"), broken("PL9-XX-001", "unknown")),
    ],
    ids=["root-missing", "of-itself", "circle", "behind-a-should", "behind-an-unknown-row"],
)
def test_nothing_hides_behind_a_root_that_does_not_block(findings: tuple[Any, ...]) -> None:
    verdict = decide(tiny(), run(clean(), item(*findings)))
    assert "PL1-KY-001" in verdict.failed()
    assert verdict.exit_code == ExitCode.FAIL


def test_a_root_in_another_item_does_not_excuse() -> None:
    result = run(
        clean(),
        item(broken("PL1-DOC-001", "broken"), name="a"),
        item(broken("PL1-KY-001", "follows", "PL1-DOC-001.broken"), name="b"),
    )
    assert set(decide(tiny(), result).failed()) == {"PL1-DOC-001", "PL1-KY-001"}


def test_a_door_that_cannot_show_it_is_not_testable() -> None:
    held = {name: classes for name, classes in HELD.items() if name != "PL2-GN-001"}
    verdict = decide(tiny(), run(item(held=held), door="files"))
    found = verdict.of("PL2-GN-001", "LOWER")
    assert found is not None
    assert (found.outcome, found.reason) == (Outcome.NOT_TESTABLE, "door")
    assert answers(verdict)["appendix1", "A"] == "pass"
    assert verdict.exit_code == ExitCode.INCONCLUSIVE


def test_declining_a_mandatory_capability_blocks() -> None:
    held = {name: classes for name, classes in HELD.items() if name != "PL2-GN-001"}
    verdict = decide(tiny(), run(item(held=held), declined=("send",)))
    assert outcome(verdict, "PL2-GN-001") is Outcome.NOT_TESTABLE
    assert verdict.exit_code == ExitCode.INCONCLUSIVE
    assert verdict.declined == ("send",)


def test_declining_what_may_be_declined_does_not_block() -> None:
    pack = tiny()
    row = pack.requirements["PL2-GN-001"].model_copy(update={"capability": "print"})
    changed = type(pack)(
        pack.folder, pack.header, [*(one for one in pack.requirements.values() if one.id != row.id), row],
        pack.codes, pack.rules, pack.binding, pack.signature, pack.texts, pack.digest,
    )  # fmt: skip
    held = {name: classes for name, classes in HELD.items() if name != "PL2-GN-001"}
    verdict = decide(changed, run(item(held=held), declined=("print",)))
    assert outcome(verdict, "PL2-GN-001") is Outcome.NOT_APPLICABLE
    assert answers(verdict)["appendix2", "A"] == "inconclusive"  # nothing at all was shown there


def test_outside_the_scored_revision_nothing_counts() -> None:
    verdict = decide(tiny(), run(clean(), item(broken("PL1-KY-001", "missing")), revision="e1"))
    assert outcome(verdict, "PL1-KY-001") is Outcome.NOT_SCORED
    assert verdict.not_scored == ("PL1-KY-001",)
    assert (verdict.scored, verdict.total, verdict.exit_code) == (3, 4, ExitCode.PASS)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (run(clean(), footer=False), "not-completed"),
        (run(clean(), interrupted="Ctrl-C"), "not-completed"),
        (run(clean(), planned=("clean", "dropped")), "items-missing"),
        (run(clean(), pack_digest="0" * 64), "other-pack"),
        (run(clean(), revision="r99"), "unknown-revision"),
        (run(clean(), vendor={"buildHash": "before"}), "build-changed"),
        (run(clean(), programmes=()), "no-programme"),
        (run(), "no-items"),
        (run(clean()).model_copy(update={"items": ()}), "items-lost"),
    ],
)
def test_what_concerns_the_whole_run_keeps_it_from_passing(result: Result, reason: str) -> None:
    verdict = decide(tiny(), result)
    assert reason in verdict.reasons
    assert not verdict.completed
    assert verdict.exit_code == ExitCode.INCONCLUSIVE
    assert all(one.verdict == "inconclusive" for one in verdict.lines)


def test_a_failure_stays_a_failure_in_an_interrupted_run() -> None:
    assert decide(tiny(), run(item(broken("PL1-DOC-001", "broken")), footer=False)).exit_code == ExitCode.FAIL


def test_our_own_defect_is_never_a_verdict_on_the_vendor() -> None:
    held = {name: classes for name, classes in HELD.items() if name != "PL1-KY-001"}
    verdict = decide(tiny(), run(item(held=held, name="a"), item(error="KeyError: x", name="b")))
    assert outcome(verdict, "PL1-KY-001") is Outcome.HARNESS_ERROR
    assert outcome(verdict, "PL1-DOC-001") is Outcome.PASS
    assert verdict.exit_code == ExitCode.HARNESS


def test_an_error_beside_full_evidence_still_shows_in_the_exit_code() -> None:
    assert decide(tiny(), run(clean(), item(error="x", name="b"))).exit_code == ExitCode.HARNESS


def test_an_observation_of_an_unknown_requirement_is_our_defect() -> None:
    verdict = decide(tiny(), run(clean(), item(held={"PL1-ZZ-999": {"checked": 1}}, name="b")))
    assert "PL1-ZZ-999" in verdict.harness_errors[0]
    assert verdict.exit_code == ExitCode.HARNESS


BASELINE = Baseline.of([{"cause": "PL1-KY-001.missing", "reason": "sửa ở bản sau", "expires": date(2030, 12, 31)}])


def test_only_known_failures() -> None:
    result = run(clean(), item(broken("PL1-KY-001", "missing")))
    verdict = decide(tiny(), result, baseline=BASELINE)
    assert outcome(verdict, "PL1-KY-001") is Outcome.KNOWN_FAILURE
    assert answers(verdict)["appendix1", "B"] == "inconclusive"
    assert verdict.exit_code == ExitCode.KNOWN_FAILURES


def test_an_expired_entry_excuses_nothing_and_is_an_error() -> None:
    result = run(clean(), item(broken("PL1-KY-001", "missing")))
    verdict = decide(tiny(), result, baseline=BASELINE, on=date(2031, 1, 1))
    assert verdict.exit_code == ExitCode.FAIL
    assert verdict.baseline_errors == ("PL1-KY-001.missing",)


def test_another_cause_of_the_same_requirement_is_not_excused() -> None:
    result = run(clean(), item(broken("PL1-KY-001", "missing"), broken("PL1-KY-001", "follows")))
    assert decide(tiny(), result, baseline=BASELINE).exit_code == ExitCode.FAIL


def test_a_stale_entry_is_an_error() -> None:
    assert decide(tiny(), run(clean()), baseline=BASELINE).exit_code == ExitCode.WRONG_USE


@pytest.mark.parametrize("entries", [{}, "x", [{"cause": "x"}], [{"cause": "x", "reason": "y", "extra": 1}], [3]])
def test_a_wrong_baseline_is_named(entries: object) -> None:
    with pytest.raises(BaselineError):
        Baseline.of(entries)


def test_attested_does_not_block_and_is_no_pass() -> None:
    held = {name: classes for name, classes in HELD.items() if name != "PL1-KY-001"}
    vouched = Attestation(
        requirement="PL1-KY-001", programme="LOWER", name="Trần Thị B", day=date(2030, 6, 2), evidence="a" * 64
    )
    verdict = decide(tiny(), run(item(held=held)), attestations=[vouched])
    found = verdict.of("PL1-KY-001", "LOWER")
    assert found is not None
    assert (found.outcome, found.attested_by) == (Outcome.ATTESTED, "Trần Thị B, 2030-06-02")
    line = verdict.line("LOWER", "appendix1", "B")
    assert line is not None
    assert (line.verdict, line.passed) == ("pass", 1)


def test_nobody_can_vouch_a_failure_away() -> None:
    vouched = Attestation(requirement="PL1-KY-001", programme="LOWER", name="X", day=date(2030, 6, 2), evidence="a")
    result = run(clean(), item(broken("PL1-KY-001", "missing")))
    assert decide(tiny(), result, attestations=[vouched]).exit_code == ExitCode.FAIL


def test_a_row_on_a_quoted_source_says_so() -> None:
    verdict = decide(tiny(), run(clean()))
    assert {one.requirement for one in verdict.outcomes if one.quoted} == {"PL1-KY-002"}


def test_a_verdict_reads_back_from_json() -> None:
    verdict = decide(tiny(), run(clean(), item(broken("PL1-KY-001", "missing"), stuck("PL2-GN-001"))))
    assert Verdict.model_validate(json.loads(json.dumps(verdict.to_json()))) == verdict


FINDINGS = st.one_of(
    st.sampled_from(["PL1-DOC-001", "PL1-KY-001", "PL1-KY-002", "PL2-GN-001", "PL0-NO-000"]).flatmap(
        lambda name: st.builds(
            lambda cause, of: broken(name, cause, of),
            st.sampled_from(["missing", "follows", "broken"]),
            st.sampled_from(["", "PL1-DOC-001.broken", "PL1-KY-001.missing", "nothing"]),
        )
    ),
    st.sampled_from(list(HELD)).map(stuck),
)
ITEMS = st.lists(
    st.builds(
        lambda findings, held, programme, error: item(*findings, held=held, programme=programme, error=error),
        st.lists(FINDINGS, max_size=3),
        st.dictionaries(st.sampled_from(list(HELD)), st.just({"checked": 1, "one": 1, "two": 1})),
        st.sampled_from(["", "LOWER", "UPPER"]),
        st.sampled_from(["", "", "", "boom"]),
    ),
    max_size=4,
)


@given(ITEMS)
def test_a_pass_always_means_that_everything_was_shown_and_nothing_was_broken(items: list[ItemResult]) -> None:
    verdict = decide(tiny(), run(*items))
    mine = [one for one in items if one.programme in ("", "LOWER")]
    roots = {
        finding.requirement
        for one in mine
        for finding in one.findings
        if finding.state == "violated" and not finding.consequence_of
    }
    must = set(HELD) - {"PL1-KY-002"}
    if verdict.exit_code == ExitCode.PASS:
        assert not roots & must
        assert not any(one.error for one in items)
        assert must <= {name for one in mine for name in one.held}
    if roots & must:
        assert verdict.exit_code == ExitCode.FAIL


@given(ITEMS, ITEMS)
def test_more_evidence_never_heals_a_failure(first: list[ItemResult], more: list[ItemResult]) -> None:
    before = set(decide(tiny(), run(*first)).failed())
    assert before <= set(decide(tiny(), run(*first, *more)).failed())
