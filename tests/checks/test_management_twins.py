"""PH: for every cause an attempt that shows exactly it, and for every class one that holds."""

from __future__ import annotations

import pytest

from conformance.checks.management import JUDGES, Attempt, Reason, Signer, check
from conformance.finding import Recorder, State
from conformance.pack import Requirement, default_pack

MATHS = Signer("subject-teacher", "t-1", "TOA")
SHARED = Signer("subject-teacher", "t-2", "TOA")
HOMEROOM = Signer("homeroom-teacher", "t-9")
PRINCIPAL = Signer("principal", "l-1")


def missing(*signers: Signer) -> tuple[Reason, ...]:
    return tuple(Reason("MISSING_SIGNATURE", role=one.role, subject=one.subject, signer=one.signer) for one in signers)


LOCKED = (Reason("LOCKED", field="/subjects/TOA/comment"),)
MISMATCH = (Reason("SIGNER_MISMATCH", role="principal"),)
OTHER = (Reason("OTHER", message="no"),)
FIELD = "/subjects/3/semester1/average"

HOLDS: dict[tuple[str, str], list[Attempt]] = {
    ("PL1-PH-001", "refused-subject-teacher"): [
        Attempt("issue-incomplete", 409, missing(MATHS), (MATHS,)),
        Attempt("issue-incomplete", 409, (Reason("MISSING_SIGNATURE", subject="TOA"),), (MATHS,)),
        Attempt("issue-incomplete", 409, (Reason("MISSING_SIGNATURE", signer="t-1"),), (MATHS,)),
        Attempt("issue-incomplete", 422, (*OTHER, *missing(MATHS, HOMEROOM)), (MATHS,)),
    ],
    ("PL1-PH-001", "refused-homeroom-teacher"): [Attempt("issue-incomplete", 409, missing(HOMEROOM), (HOMEROOM,))],
    ("PL1-PH-001", "refused-principal"): [
        Attempt("issue-incomplete", 409, (Reason("MISSING_SIGNATURE", signer="l-1"),), (PRINCIPAL,))
    ],
    ("PL1-PH-001", "refused-all"): [
        Attempt(
            "issue-incomplete",
            409,
            missing(MATHS, SHARED, HOMEROOM, PRINCIPAL),
            (MATHS, SHARED, HOMEROOM, PRINCIPAL),
            detail="all",
        )
    ],
    ("PL1-PH-001", "complete-issued"): [Attempt("issue-complete", 200)],
    ("PL1-PH-002", "refused-subject-teacher"): [Attempt("sign-as-other", 409, MISMATCH, (MATHS,))],
    ("PL1-PH-002", "refused-homeroom-teacher"): [Attempt("sign-as-other", 422, MISMATCH, (HOMEROOM,))],
    ("PL1-PH-002", "refused-principal"): [Attempt("sign-as-other", 409, (*OTHER, *MISMATCH), (PRINCIPAL,))],
    ("PL1-PH-002", "right-signer-accepted"): [Attempt("sign-as-named", 200, signers=(MATHS,))],
    ("PL1-PH-003", "open-before-signing"): [Attempt("edit-open", 200)],
    ("PL1-PH-003", "after-signing"): [
        Attempt("edit-after-signing", 409, LOCKED),
        Attempt("edit-after-signing", 404, offered=False, unchanged=True),
    ],
    ("PL1-PH-003", "after-issue"): [
        Attempt("edit-after-issue", 409, (Reason("ALREADY_ISSUED"),), unchanged=True),
        Attempt("edit-after-issue", 405, offered=False, unchanged=True),
    ],
    ("PL1-PH-004", "refused-unissued"): [
        Attempt("submit-unissued", 409, (Reason("NOT_ISSUED"),)),
        Attempt("submit-unissued", 409, missing(PRINCIPAL)),
    ],
    ("PL1-PH-004", "issued-submitted"): [Attempt("submit-issued", 202)],
    ("PL1-PH-005", "impossible-refused"): [
        Attempt("impossible-input", 422, (Reason("OUT_OF_RANGE", field=FIELD),), field=FIELD),
        Attempt("impossible-input", 422, (Reason("UNKNOWN_CODE", field="/subjects/3/semester1"),), field=FIELD),
        Attempt("impossible-input", 422, (Reason("INVALID_FIELD", field=FIELD + "/0"),), field=FIELD),
    ],
    ("PL1-PH-005", "sound-accepted"): [Attempt("sound-input", 201)],
    ("PL1-PH-006", "same-bytes"): [Attempt("fetch-again", 200, unchanged=True)],
}

FAILS: dict[str, list[Attempt]] = {
    "PL1-PH-001.issued-incomplete": [Attempt("issue-incomplete", 200, signers=(MATHS,))],
    "PL1-PH-001.other-reason": [
        Attempt("issue-incomplete", 409, OTHER, (MATHS,)),
        Attempt("issue-incomplete", 409, (), (MATHS,)),
        Attempt("issue-incomplete", 404, (), (PRINCIPAL,)),
    ],
    "PL1-PH-001.not-named": [
        Attempt("issue-incomplete", 409, (Reason("MISSING_SIGNATURE"),), (HOMEROOM,)),
        Attempt("issue-incomplete", 409, missing(HOMEROOM), (PRINCIPAL,)),
        Attempt("issue-incomplete", 409, (Reason("MISSING_SIGNATURE", role="subject-teacher"),), (MATHS,)),
        # one of all is left unnamed
        Attempt("issue-incomplete", 409, missing(MATHS, HOMEROOM), (MATHS, HOMEROOM, PRINCIPAL), detail="all"),
        # the right subject, the wrong one of its two teachers
        Attempt("issue-incomplete", 409, missing(SHARED), (MATHS,)),
        # the name stands beside another reason's code
        Attempt(
            "issue-incomplete",
            409,
            (Reason("MISSING_SIGNATURE", role="principal"), Reason("OTHER", role="homeroom-teacher")),
            (HOMEROOM,),
        ),
    ],
    "PL1-PH-001.complete-refused": [Attempt("issue-complete", 409, missing(PRINCIPAL))],
    "PL1-PH-002.other-signer-accepted": [Attempt("sign-as-other", 200, signers=(PRINCIPAL,))],
    "PL1-PH-002.other-reason": [Attempt("sign-as-other", 409, OTHER, (MATHS,))],
    "PL1-PH-002.right-signer-refused": [Attempt("sign-as-named", 409, MISMATCH, (MATHS,))],
    "PL1-PH-003.accepted-after-signing": [Attempt("edit-after-signing", 200, detail="TOA.comment")],
    "PL1-PH-003.changed-after-signing": [
        Attempt("edit-after-signing", 404, offered=False, unchanged=False),
        Attempt("edit-after-signing", 409, LOCKED, unchanged=False),
    ],
    "PL1-PH-003.accepted-after-issue": [Attempt("edit-after-issue", 200, unchanged=True)],
    "PL1-PH-003.changed-after-issue": [Attempt("edit-after-issue", 409, LOCKED, unchanged=False)],
    "PL1-PH-003.other-reason": [
        Attempt("edit-after-signing", 409, OTHER),
        Attempt("edit-after-issue", 422, (Reason("INVALID_FIELD"),), unchanged=True),
    ],
    "PL1-PH-003.locked-too-early": [Attempt("edit-open", 409, LOCKED)],
    "PL1-PH-004.submitted-unissued": [
        Attempt("submit-unissued", 202),
        # it said no, and sent it all the same
        Attempt("submit-unissued", 409, (Reason("NOT_ISSUED"),), unchanged=False),
    ],
    "PL1-PH-004.other-reason": [Attempt("submit-unissued", 409, OTHER)],
    "PL1-PH-004.issued-refused": [Attempt("submit-issued", 409, (Reason("NOT_ISSUED"),))],
    "PL1-PH-005.impossible-accepted": [Attempt("impossible-input", 201, field=FIELD)],
    "PL1-PH-005.crashed": [
        Attempt("impossible-input", 500, field=FIELD),
        Attempt("impossible-input", 302, field=FIELD),
    ],
    "PL1-PH-005.field-not-named": [
        Attempt("impossible-input", 422, OTHER, field=FIELD),
        Attempt("impossible-input", 422, (Reason("OUT_OF_RANGE"),), field=FIELD),
        Attempt("impossible-input", 422, (Reason("OUT_OF_RANGE", field="/subjects/4/semester1/average"),), field=FIELD),
        Attempt("impossible-input", 422, (Reason("OUT_OF_RANGE", field="/subjects/3/semester2"),), field=FIELD),
    ],
    "PL1-PH-005.sound-refused": [Attempt("sound-input", 422, (Reason("UNKNOWN_CODE", field="/subjects/0/code"),))],
    "PL1-PH-006.not-kept": [Attempt("fetch-again", 404)],
    "PL1-PH-006.other-bytes": [
        Attempt("fetch-again", 200, unchanged=False, facts={"before": "aa", "after": "bb"}),
        Attempt("fetch-again", 200),
    ],
}

BLOCKED: dict[str, list[Attempt]] = {
    "PL1-PH-001.no-answer": [
        Attempt("issue-incomplete", 500, signers=(MATHS,)),
        Attempt("issue-complete", 503),
    ],
    "PL1-PH-002.no-answer": [
        Attempt("sign-as-other", 500, signers=(MATHS,)),
        Attempt("sign-as-named", 502, signers=(MATHS,)),
    ],
    "PL1-PH-003.no-answer": [Attempt("edit-after-signing", 500), Attempt("edit-after-issue", 500, unchanged=True)],
    "PL1-PH-003.not-shown": [Attempt("edit-after-signing", 404, offered=False)],
    "PL1-PH-004.no-answer": [Attempt("submit-unissued", 500), Attempt("submit-issued", 500)],
    "PL1-PH-005.no-answer": [Attempt("sound-input", 500)],
}


def judged(attempt: Attempt) -> Recorder:
    found = Recorder()
    check([attempt], found)
    return found


@pytest.mark.parametrize(
    ("rule", "case_class", "attempt"),
    [(*key, one) for key, attempts in HOLDS.items() for one in attempts],
)
def test_what_is_right_holds(rule: str, case_class: str, attempt: Attempt) -> None:
    found = judged(attempt)
    assert found.observations == []
    assert dict(found.held_counts) == {(rule, case_class): 1}


@pytest.mark.parametrize(("cause", "attempt"), [(key, one) for key, attempts in FAILS.items() for one in attempts])
def test_each_misbehaviour_has_exactly_its_root(cause: str, attempt: Attempt) -> None:
    found = judged(attempt)
    assert found.roots() == {cause}
    assert len(found.observations) == 1
    assert not found.held_counts


@pytest.mark.parametrize(("cause", "attempt"), [(key, one) for key, attempts in BLOCKED.items() for one in attempts])
def test_a_crash_is_neither_refusal_nor_violation(cause: str, attempt: Attempt) -> None:
    found = judged(attempt)
    assert [(one.state, one.code) for one in found.observations] == [(State.BLOCKED, cause)]
    assert not found.held_counts


def test_software_without_editing_is_not_blamed_for_being_closed() -> None:
    found = judged(Attempt("edit-open", 404, offered=False))
    assert not found.observations
    assert not found.held_counts


def test_every_class_that_a_run_must_show_can_be_shown() -> None:
    wanted = {(row.id, one.name) for row in rows() for one in row.classes}
    assert wanted <= set(HOLDS)


def test_every_cause_has_its_twin() -> None:
    causes = {f"{row.id}.{cause}" for row in rows() for cause in row.causes if cause != "no-transcript"}
    assert causes == {*FAILS, *BLOCKED}


def test_every_kind_of_attempt_is_judged_here() -> None:
    tables = (*HOLDS.values(), *FAILS.values(), *BLOCKED.values())
    assert {one.kind for attempts in tables for one in attempts} == set(JUDGES)


@pytest.mark.parametrize("cause", [*FAILS, *BLOCKED])
def test_texts_can_be_filled(cause: str) -> None:
    requirement, _, key = cause.rpartition(".")
    text = default_pack().requirements[requirement].causes[key]
    for attempt in (*FAILS.get(cause, []), *BLOCKED.get(cause, [])):
        (seen,) = judged(attempt).observations
        filling = {"expected": seen.expected, "seen": seen.seen, **seen.params}
        for wording in (text.vi, text.en):
            assert wording.format_map(filling)


def rows() -> list[Requirement]:
    return [row for row in default_pack().requirements.values() if row.group == "PH"]


@pytest.mark.parametrize(
    ("signer", "reason", "named"),
    [
        (Signer("homeroom-teacher", "0123"), Reason("x", role="homeroom-teacher"), True),
        (Signer("homeroom-teacher", "0123"), Reason("x", signer="".join(["01", "23"])), True),
        (Signer("homeroom-teacher", "0123"), Reason("x", role="homeroom-teacher", signer="0124"), False),
        (Signer("homeroom-teacher", "0123"), Reason("x", role="principal", signer="0123"), False),
        (Signer("homeroom-teacher", "0123"), Reason("x"), False),
        (Signer("subject-teacher", "0123", "TOAN"), Reason("x", subject="TOAN"), True),
        (Signer("subject-teacher", "0123", "TOAN"), Reason("x", subject="VAN", signer="0123"), False),
        (Signer("subject-teacher", "0123", "TOAN"), Reason("x", signer="".join(["01", "23"])), True),
        (Signer("subject-teacher", "0123", "TOAN"), Reason("x", role="subject-teacher"), False),
    ],
)
def test_whom_a_reason_names(signer: Signer, reason: Reason, named: bool) -> None:
    assert signer.named_by(reason) is named
