"""XT, GN, SD, TC, DM: for every cause an exchange that shows exactly it, and for every class one that holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.checks.exchange import RULES, Act, Call, Sample
from conformance.finding import State
from conformance.pack import Requirement, default_pack
from tests.checks import exchange_twins_r1, exchange_twins_r3
from tests.checks.exchange_twins import ACCEPTED, DOCUMENT, DOWN, POLL, REFUSED, SUBMIT, Row, exchange, judged

TABLES = (exchange_twins_r1, exchange_twins_r3)
HOLDS: dict[tuple[str, str], list[Row]] = {}
FAILS: dict[str, list[Row]] = {}
BLOCKED: dict[str, list[Row]] = {}
for table in TABLES:
    for key, several in table.HOLDS.items():
        HOLDS.setdefault(key, []).extend(several)
    for cause, several in table.FAILS.items():
        FAILS.setdefault(cause, []).extend(several)
    for cause, several in table.BLOCKED.items():
        BLOCKED.setdefault(cause, []).extend(several)
UNREAD = replace(POLL, fault=True, receipt="", answered="")
GROUPS = ("XT", "GN", "SD", "TC", "DM")


@pytest.mark.parametrize(
    ("requirement", "case_class", "row"),
    [(*key, row) for key, several in HOLDS.items() for row in several],
)
def test_what_is_right_holds(requirement: str, case_class: str, row: Row) -> None:
    found = judged(row)
    assert found.observations == []
    assert set(found.held_counts) == {(requirement, case_class)}


@pytest.mark.parametrize(("cause", "row"), [(key, row) for key, several in FAILS.items() for row in several])
def test_each_misbehaviour_has_exactly_its_root(cause: str, row: Row) -> None:
    found = judged(row)
    assert found.roots() == {cause}
    assert len(found.observations) == 1
    assert not found.held_counts


@pytest.mark.parametrize(("cause", "row"), [(key, row) for key, several in BLOCKED.items() for row in several])
def test_what_was_not_exercised_is_blocked(cause: str, row: Row) -> None:
    found = judged(row)
    assert [(one.state, one.code) for one in found.observations] == [(State.BLOCKED, cause)]
    assert not found.held_counts


def test_a_version_built_on_another_says_on_what() -> None:
    said = [judged(row).observations[0] for row in FAILS["PL2-SD-003.not-built-on"]]
    assert [one.seen for one in said] == [DOCUMENT, "—"]


def test_a_refusal_shown_as_delivered_is_one_mistake() -> None:
    one = exchange([SUBMIT, REFUSED], ["delivered"])
    found = judged(("refusal-shown", {"codes": ["A"]}, one))
    found.absorb(judged(("delivered-only", {"ends": "refused"}, one)))
    assert found.roots() == {"PL2-GN-006.delivered-too-early"}


@pytest.mark.parametrize(
    ("calls", "final", "root"),
    [([SUBMIT, UNREAD], "delivered", "taken-as-success"), ([SUBMIT, UNREAD], "refused", "not-recovered")],
)
def test_an_unreadable_outcome_is_one_mistake(calls: list[Call], final: str, root: str) -> None:
    one = exchange(calls, ["receipted", final])
    found = judged(("no-false-success", {}, one))
    found.absorb(judged(("delivered-only", {}, one)))
    assert found.roots() == {f"PL2-GN-009.{root}"}


@pytest.mark.parametrize(
    ("sent", "root"),
    [
        ({"event": "new", "status": 409, "receipt": ""}, "PL2-GN-002.event-differs"),
        # the old file under the new number
        ({"content": DOCUMENT, "status": 422, "receipt": ""}, "PL2-GN-002.version-differs"),
    ],
)
def test_an_amendment_in_a_wrong_envelope_is_one_mistake(sent: dict[str, Any], root: str) -> None:
    twins = exchange_twins_r3
    made = twins.versions(twins.FIRST, twins.NEXT, final="refused")
    calls = tuple(replace(call, **sent) if call.version == 2 else call for call in made.calls)
    one = replace(made, calls=calls[:-1])
    found = judged(("amended", {}, one))
    assert [each.code for each in found.violations] == ["PL2-SD-001.not-delivered"]
    found.absorb(judged(("envelope", {}, one)))
    assert found.roots() == {root}


def test_other_bytes_or_another_envelope_are_no_repetition() -> None:
    refused = replace(SUBMIT, status=409, receipt="", error="version-taken")
    for again in (replace(refused, record="X"), replace(refused, event="cancel"), replace(refused, version=2)):
        one = exchange([refused, again], ["refused"])
        assert not judged(("not-repeated", {"error": "version-taken", "recovers": True}, one)).observations
        # without another way out, what is sent under a new name was refused all the same
        assert judged(("not-repeated", {}, one)).roots() == {"PL2-GN-005.repeated"}


def test_an_acceptance_told_in_a_batch_is_one() -> None:
    known = exchange_twins_r3.batch(exchange_twins_r3.item(0, answered="accepted"))
    assert not judged(("delivered-only", {}, exchange([SUBMIT, POLL, known], ["delivered"]))).observations


def test_what_was_refused_before_it_was_sent_cannot_be_repeated() -> None:
    refused = Act("submit", status=409, reasons=("WINDOW_CLOSED",))
    found = judged(("not-repeated", {"error": "window-closed"}, exchange([], ["issued"], acts=(refused,))))
    assert (found.observations, dict(found.held_counts)) == ([], {})


def test_an_answer_that_the_journal_lacks_is_nobodys_mistake() -> None:
    late = replace(ACCEPTED, status=0, answered="", waiting=True)
    found = judged(("delivered-only", {}, exchange([SUBMIT, POLL, late], [Sample(3, "delivered"), "delivered"])))
    assert [one.code for one in found.observations] == ["PL2-GN-006.not-played"]
    # before the late call it was wrong all the same
    early = judged(("delivered-only", {}, exchange([SUBMIT, POLL, late], [Sample(2, "delivered"), "delivered"])))
    assert early.roots() == {"PL2-GN-006.delivered-too-early"}


def test_software_that_gave_up_on_our_slow_batches_lost_nothing() -> None:
    slow = exchange_twins_r3.batch(exchange_twins_r3.item(0), late=9.0)
    found = judged(("batched", {"class": "limit"}, exchange_twins_r3.batches([slow], "gave-up")))
    assert [one.code for one in found.observations] == ["PL2-GN-008.not-played"]


def test_a_finding_tells_the_nearest_call_and_why_it_does_not_count() -> None:
    pack = default_pack()
    told = 0
    for several in FAILS.values():
        for row in several:
            for step in judged(row).observations[0].derivation:
                text = pack.texts[step.key]
                assert text.vi.format_map(step.params) != text.en.format_map(step.params)
                told += 1
    assert told >= 40


def test_what_was_answered_last_is_told() -> None:
    found = judged(("delivered-only", {}, exchange([SUBMIT, POLL], ["delivered"])))
    assert found.observations[0].derivation[0].params == {"number": "2", "seen": POLL.answered}


def test_the_wait_that_was_too_short_is_told_with_both_figures() -> None:
    row, *_ = FAILS["PL2-GN-004.before-retry-after"]
    (step,) = judged(row).observations[0].derivation
    assert default_pack().texts[step.key].en.format_map(step.params) == (
        "Call 2 (number 2) came after 2.5 s, before the 3.0 s of Retry-After"
    )


def test_every_near_miss_is_used() -> None:
    seen = [judged(row).observations[0] for several in FAILS.values() for row in several]
    used = {step.key for one in seen for step in one.derivation}
    assert used == {key for key in default_pack().texts if key.startswith("near.")}


def test_every_class_that_a_run_must_show_can_be_shown() -> None:
    wanted = {(row.id, one.name) for row in rows() for one in row.classes}
    assert wanted | {("PL2-GN-003", "resent")} == set(HOLDS)


def test_every_cause_has_its_twin() -> None:
    causes = {f"{row.id}.{cause}" for row in rows() for cause in row.causes if cause != "not-played"}
    assert causes == {*FAILS, *BLOCKED}


def test_every_rule_is_exercised_both_ways() -> None:
    for table in (HOLDS.values(), FAILS.values()):
        assert {row[0] for several in table for row in several} == set(RULES)


@pytest.mark.parametrize("cause", [*FAILS, *BLOCKED])
def test_texts_can_be_filled(cause: str) -> None:
    requirement, _, key = cause.rpartition(".")
    text = default_pack().requirements[requirement].causes[key]
    for row in (*FAILS.get(cause, []), *BLOCKED.get(cause, [])):
        (seen,) = judged(row).observations
        filling = {"expected": seen.expected, "seen": seen.seen, **seen.params}
        for wording in (text.vi, text.en):
            assert wording.format_map(filling)


def rows() -> list[Requirement]:
    return [row for row in default_pack().requirements.values() if row.group in GROUPS]


def test_the_services_own_delay_is_nobodys_wait() -> None:
    """What it took us to answer neither hides a call that came too early nor makes growing waits look flat."""
    slow = replace(DOWN, retry_after=3.0, took=2.0)
    early = judged(("backs-off", {}, exchange([slow, SUBMIT, ACCEPTED], times=[0, 4.5, 5])))
    assert early.roots() == {"PL2-GN-004.before-retry-after"}
    assert not judged(("backs-off", {}, exchange([slow, SUBMIT, ACCEPTED], times=[0, 5.5, 6]))).roots()
    # waits of 1, 2, 4 seconds, after answers that took 6, 3 and 0
    tries = [replace(DOWN, took=6.0), replace(DOWN, took=3.0), DOWN, SUBMIT, ACCEPTED]
    assert not judged(("backs-off", {}, exchange(tries, times=[0, 7, 12, 16, 17]))).roots()
