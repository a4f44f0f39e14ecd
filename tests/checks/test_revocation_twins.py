"""CTS-002: the status of a signer's certificate by every cause, and how much an unknown one weighs at which door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.checking import Checked, Outcome
from conformance.events import Finding, ItemResult, Result, RunFinished, RunInfo
from conformance.finding import Recorder, State
from conformance.signature.responders import ocsp_answer, ocsp_delegate, ocsp_failure
from conformance.signature.trust import TrustStore
from conformance.verdict.decide import decide
from tests.builders import LEADER, NOW
from tests.checks.test_signature_kills import DAY, PACK, Bench, roots

RULE = "PL1-CTS-002"
Evidence = Callable[[Bench], tuple[list[bytes], list[bytes]]]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def told(found: Recorder) -> set[tuple[State, str]]:
    return {(one.state, one.cause) for one in found.observations if one.requirement == RULE}


def judged(bench: Bench, evidence: Evidence, **context: object) -> Recorder:
    """The sound document with everybody's good status known by answers, but the leader's by ``evidence`` alone."""
    root, _, organisations = bench.pki.crls()
    lists, answers = evidence(bench)
    leader = bench.signers.people[LEADER[1]]
    answers += [ocsp_answer(bench.pki, one) for one in bench.signers.people.values() if one is not leader]
    trust = TrustStore.from_pem(bench.pki.anchors_pem(), [root, organisations, *lists], answers=answers)
    return bench.judge(bench.sound, trust=trust, received_at=NOW + DAY, judged_at=NOW + DAY, **context)


def of_leader(bench: Bench, **how: object) -> bytes:
    leader = bench.signers.people[LEADER[1]]
    return ocsp_answer(bench.pki, leader, signer=ocsp_delegate(bench.pki, leader), **how)  # type: ignore[arg-type]


def old(bench: Bench) -> list[bytes]:
    return [bench.pki.crls(this_update=NOW - 20 * DAY, next_update=NOW - 10 * DAY)[1]]


def delta(bench: Bench) -> bytes:
    issuer = bench.pki.persons.credential
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(NOW).next_update(NOW + DAY).add_extension(x509.DeltaCRLIndicator(1), critical=True)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


UNKNOWN: dict[str, tuple[Evidence, str]] = {
    "nothing about it": (lambda b: ([], []), "status-other-certificate"),
    "another person's answer": (
        lambda b: ([], [ocsp_answer(b.pki, b.pki.person("Hồ Thử Lạ", "001099990777"))]), "status-other-certificate",
    ),
    "signed by somebody": (
        lambda b: ([], [ocsp_answer(b.pki, b.signers.people[LEADER[1]], signer=b.seal)]), "status-wrong-signer",
    ),
    "an old list": (lambda b: (old(b), []), "status-too-old"),
    "an old answer": (
        lambda b: ([], [of_leader(b, this_update=NOW - 2 * DAY, next_update=NOW - DAY)]), "status-too-old",
    ),
    "a delta list": (lambda b: ([delta(b)], []), "status-not-supported"),
    "unknown": (lambda b: ([], [of_leader(b, unknown=True)]), "ocsp-unknown"),
    "no answer": (lambda b: ([], [ocsp_failure()]), "ocsp-failed"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_status_says_why(bench: Bench, case: str) -> None:
    evidence, cause = UNKNOWN[case]
    found = judged(bench, evidence)
    assert told(found) == {(State.BLOCKED, cause)}
    assert roots(found) == set()
    assert (RULE, "checked") not in found.held_counts
    # the twin: the same, and sound evidence beside it
    good = judged(bench, lambda b: (evidence(b)[0], [*evidence(b)[1], of_leader(b, this_update=NOW + DAY / 2)]))
    assert told(good) == set()
    assert good.held_counts[RULE, "checked"] == 1


def test_no_evidence_at_all(bench: Bench) -> None:
    found = bench.judge(bench.sound, trust=bench.pki.trust_store(crls=[]))
    assert told(found) == {(State.BLOCKED, "status-unknown")}


@pytest.mark.parametrize(
    ("since", "reason", "expected"),
    [
        (-DAY, x509.ReasonFlags.key_compromise, (State.VIOLATED, "revoked")),
        (-DAY, x509.ReasonFlags.certificate_hold, (State.VIOLATED, "suspended")),
        (timedelta(hours=1), x509.ReasonFlags.superseded, (State.BLOCKED, "not-proven")),
        (timedelta(hours=1), x509.ReasonFlags.certificate_hold, (State.BLOCKED, "not-proven")),
    ],
    ids=["revoked", "suspended", "revoked between", "suspended between"],
)
def test_revoked_and_suspended(
    bench: Bench, since: timedelta, reason: x509.ReasonFlags, expected: tuple[State, str]
) -> None:
    bench.pki.revoke(bench.signers.people[LEADER[1]], NOW + since, reason)
    assert told(judged(bench, lambda b: ([], [of_leader(b)]))) == {expected}


def test_a_suspension_that_ended_before_signing_holds(bench: Bench) -> None:
    leader = bench.signers.people[LEADER[1]]
    bench.pki.revoke(leader, NOW - 3 * DAY, x509.ReasonFlags.certificate_hold)
    held = of_leader(bench, this_update=NOW - 2 * DAY)
    bench.pki.restore(leader)
    assert (
        told(judged(bench, lambda b: ([], [held, of_leader(b, this_update=NOW - DAY, next_update=NOW + DAY)]))) == set()
    )


def test_every_unknown_status_warns_at_the_files_door_and_nothing_else_does() -> None:
    causes = PACK.requirements[RULE].causes
    warning = {name for name, cause in causes.items() if cause.warns == ("files",)}
    assert warning == {cause for _, cause in UNKNOWN.values()} | {"status-unknown"}
    others = [cause for row in PACK.requirements.values() if row.id != RULE for cause in row.causes.values()]
    assert not any(cause.warns for cause in others)


@pytest.mark.parametrize(
    ("door", "cause", "outcome", "blocks"),
    [
        ("files", "status-too-old", "warn", False),
        ("drive", "status-too-old", "not-testable", True),
        ("files", "not-proven", "not-testable", True),
        ("drive", "not-proven", "not-testable", True),
    ],
)
def test_what_an_unknown_status_weighs(door: Literal["files", "drive"], cause: str, outcome: str, blocks: bool) -> None:
    item = ItemResult(
        id="one",
        kind="document",
        programme="THCS",
        held={RULE: {"checked": 1}},
        findings=(Finding(requirement=RULE, state="blocked", cause=cause),),
    )
    run = RunInfo(
        run_id="r", tool_version="0", pack=PACK.name, pack_digest=PACK.digest, revision=PACK.header.revision, door=door,
        target="t", programmes=("THCS",), seed=1, started=NOW.isoformat(),
    )  # fmt: skip
    verdict = decide(PACK, Result(run=run, items=(item,), footer=RunFinished(items=1, finished=NOW.isoformat())))
    one = next(each for each in verdict.outcomes if each.requirement == RULE)
    assert (one.outcome.value, one.blocks) == (outcome, blocks)
    assert len(one.blocked) == 1


@pytest.mark.parametrize(("language", "mark"), [("vi", "! cảnh báo"), ("en", "! warning")])
def test_the_command_line_shows_a_warning(bench: Bench, language: str, mark: str) -> None:
    found = bench.judge(bench.sound, trust=bench.pki.trust_store(crls=[]))
    checked = Checked("one.xml", findings=[Finding.of(one) for one in found.observations])
    outcome = Outcome(PACK, [checked], trusted=True)
    lines = [line for line in outcome.lines(language) if RULE in line]
    assert len(lines) == 1
    assert lines[0].strip().startswith(mark)
    assert outcome.exit_code == 0
