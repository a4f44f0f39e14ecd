"""PH: issue and manage. Judges what the software answered when it was asked to do right and wrong things.

A refusal counts only for its expected reason, and only beside its twin: the same transcript, completed, is issued.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from conformance.finding import Place, Recorder


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the software refused: a code of the test interface's closed list, and what it names."""

    code: str
    field: str = ""
    role: str = ""
    subject: str = ""
    signer: str = ""
    message: str = ""

    def __str__(self) -> str:
        named = [part for part in (self.field, self.role, self.subject, self.signer) if part]
        return f"{self.code}({', '.join(named)})" if named else self.code


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who has to sign: the role, and for a subject teacher the subject."""

    role: str
    signer: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.role} {self.subject}".strip() + f" ({self.signer})"

    def named_by(self, reason: Reason) -> bool:
        """Whether a reason names this signer: by role and, for subject teachers, by subject or person.

        A reason that names another person does not, whatever else it says.
        """
        if (reason.role and reason.role != self.role) or (reason.signer and reason.signer != self.signer):
            return False
        if self.subject:
            return self.subject == reason.subject or (not reason.subject and self.signer == reason.signer)
        return self.role == reason.role or self.signer == reason.signer


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing the software was asked to do, and its answer.

    ``kind`` is one of the keys of :data:`JUDGES`; ``signers`` whom the attempt is about (left out, or replaced);
    ``field`` the JSON pointer a refusal must name; ``offered`` whether the software has such a call at all;
    ``unchanged`` whether the bytes or content asked for afterwards were the same as before (``None``: not looked at).
    """

    kind: str
    status: int
    reasons: tuple[Reason, ...] = ()
    signers: tuple[Signer, ...] = ()
    field: str = ""
    detail: str = ""
    offered: bool = True
    unchanged: bool | None = None
    pointer: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the software did as asked."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether it refused in an orderly way (a crash is no refusal)."""
        return 400 <= self.status < 500 and self.offered

    @property
    def shown(self) -> str:
        """The answer in short."""
        return f"HTTP {self.status} {', '.join(map(str, self.reasons))}".strip()

    @property
    def place(self) -> Place:
        """The call it was seen in."""
        return Place(pointer=self.pointer)


Judge = Callable[[Attempt, Recorder], None]

MISSING = "MISSING_SIGNATURE"
MISMATCH = "SIGNER_MISMATCH"
LOCKED = ("LOCKED", "ALREADY_ISSUED")
NOT_ISSUED = ("NOT_ISSUED", MISSING)
INPUT = ("OUT_OF_RANGE", "UNKNOWN_CODE", "MISSING_FIELD", "INVALID_FIELD")


def check(attempts: Iterable[Attempt], found: Recorder) -> None:
    """Judge attempts: PL1-PH-001 … PL1-PH-006.

    Raises:
        KeyError: an attempt of an unknown kind (our own mistake).
    """
    for attempt in attempts:
        JUDGES[attempt.kind](attempt, found)


def _incomplete(one: Attempt, found: Recorder) -> None:
    rule = "PL1-PH-001"
    left_out = ", ".join(map(str, one.signers))
    wanted = f"{MISSING}: {left_out}"
    if one.accepted:
        found.violated(rule, "issued-incomplete", place=one.place, expected=wanted, seen=one.shown, missing=left_out)
    elif not one.refused:
        found.blocked(rule, "no-answer", place=one.place, seen=one.shown)
    elif not any(reason.code == MISSING for reason in one.reasons):
        found.violated(rule, "other-reason", place=one.place, expected=wanted, seen=one.shown, missing=left_out)
    else:
        unnamed = [
            signer
            for signer in one.signers
            if not any(reason.code == MISSING and signer.named_by(reason) for reason in one.reasons)
        ]
        if unnamed:
            found.violated(
                rule,
                "not-named",
                place=one.place,
                expected=wanted,
                seen=one.shown,
                missing=", ".join(map(str, unnamed)),
            )
        else:
            found.held(rule, "refused-all" if one.detail == "all" else f"refused-{one.signers[0].role}")


def _complete(one: Attempt, found: Recorder) -> None:
    _accepts("PL1-PH-001", one, found, held="complete-issued", refused="complete-refused", expected="HTTP 200")


def _accepts(rule: str, one: Attempt, found: Recorder, *, held: str, refused: str, expected: str) -> None:
    """What must be taken: ``held`` is the case class if it is, ``refused`` the cause if not."""
    if one.accepted:
        found.held(rule, held)
    elif one.status >= 500:
        found.blocked(rule, "no-answer", place=one.place, seen=one.shown)
    else:
        found.violated(rule, refused, place=one.place, expected=expected, seen=one.shown)


def _other_signer(one: Attempt, found: Recorder) -> None:
    rule = "PL1-PH-002"
    who = ", ".join(map(str, one.signers))
    if one.accepted:
        found.violated(rule, "other-signer-accepted", place=one.place, expected=MISMATCH, seen=one.shown, signer=who)
    elif not one.refused:
        found.blocked(rule, "no-answer", place=one.place, seen=one.shown)
    elif any(reason.code == MISMATCH for reason in one.reasons):
        found.held(rule, f"refused-{one.signers[0].role}")
    else:
        found.violated(rule, "other-reason", place=one.place, expected=MISMATCH, seen=one.shown, signer=who)


def _right_signer(one: Attempt, found: Recorder) -> None:
    if one.accepted:
        found.held("PL1-PH-002", "right-signer-accepted")
    elif one.status >= 500:
        found.blocked("PL1-PH-002", "no-answer", place=one.place, seen=one.shown)
    else:
        who = ", ".join(map(str, one.signers))
        found.violated(
            "PL1-PH-002", "right-signer-refused", place=one.place, expected="HTTP 200", seen=one.shown, signer=who
        )


def _edit(rule_class: str) -> Judge:
    def judge(one: Attempt, found: Recorder) -> None:
        rule = "PL1-PH-003"
        if one.unchanged is False:
            found.violated(
                rule, f"changed-{rule_class}", place=one.place, expected="LOCKED", seen=one.shown, what=one.detail
            )
        elif not one.offered:
            # no such function at all: the issued bytes show that nothing changed
            if one.unchanged:
                found.held(rule, rule_class)
            else:
                found.blocked(rule, "not-shown", place=one.place, seen=one.shown)
        elif one.accepted:
            found.violated(
                rule, f"accepted-{rule_class}", place=one.place, expected="LOCKED", seen=one.shown, what=one.detail
            )
        elif not one.refused:
            found.blocked(rule, "no-answer", place=one.place, seen=one.shown)
        elif any(reason.code in LOCKED for reason in one.reasons):
            found.held(rule, rule_class)
        else:
            found.violated(rule, "other-reason", place=one.place, expected="LOCKED", seen=one.shown, what=one.detail)

    return judge


def _edit_open(one: Attempt, found: Recorder) -> None:
    # the twin: before anybody has signed, content can be changed (where the software can change it at all)
    if one.accepted:
        found.held("PL1-PH-003", "open-before-signing")
    elif one.offered and one.refused:
        found.violated(
            "PL1-PH-003", "locked-too-early", place=one.place, expected="HTTP 200", seen=one.shown, what=one.detail
        )


def _unissued(one: Attempt, found: Recorder) -> None:
    rule = "PL1-PH-004"
    if one.accepted or one.unchanged is False:
        found.violated(rule, "submitted-unissued", place=one.place, expected="NOT_ISSUED", seen=one.shown)
    elif not one.refused:
        found.blocked(rule, "no-answer", place=one.place, seen=one.shown)
    elif any(reason.code in NOT_ISSUED for reason in one.reasons):
        found.held(rule, "refused-unissued")
    else:
        found.violated(rule, "other-reason", place=one.place, expected="NOT_ISSUED", seen=one.shown)


def _issued_submits(one: Attempt, found: Recorder) -> None:
    _accepts("PL1-PH-004", one, found, held="issued-submitted", refused="issued-refused", expected="HTTP 202")


def _impossible(one: Attempt, found: Recorder) -> None:
    rule = "PL1-PH-005"
    wanted = f"HTTP 422 {one.field}"
    if not one.offered:
        found.blocked(rule, "no-answer", place=one.place, seen=one.shown)
    elif one.accepted:
        found.violated(
            rule,
            "impossible-accepted",
            place=one.place,
            expected=wanted,
            seen=one.shown,
            what=one.detail,
            field=one.field,
        )
    elif not one.refused:
        found.violated(
            rule,
            "crashed",
            place=one.place,
            expected=wanted,
            seen=one.shown,
            what=one.detail,
            field=one.field,
        )
    elif any(reason.code in INPUT and _names(reason.field, one.field) for reason in one.reasons):
        found.held(rule, "impossible-refused")
    else:
        found.violated(
            rule,
            "field-not-named",
            place=one.place,
            expected=wanted,
            seen=one.shown,
            what=one.detail,
            field=one.field,
        )


def _names(said: str, wanted: str) -> bool:
    """Whether a JSON pointer names the wanted place, or something inside it, or its immediate parent."""
    return said == wanted or said.startswith(wanted + "/") or (said != "" and said == wanted.rpartition("/")[0])


def _sound(one: Attempt, found: Recorder) -> None:
    if one.accepted:
        found.held("PL1-PH-005", "sound-accepted")
    elif one.status >= 500:
        found.blocked("PL1-PH-005", "no-answer", place=one.place, seen=one.shown)
    else:
        found.violated(
            "PL1-PH-005",
            "sound-refused",
            place=one.place,
            expected="HTTP 201",
            seen=one.shown,
            what=one.detail,
            field=one.field,
        )


def _again(one: Attempt, found: Recorder) -> None:
    rule = "PL1-PH-006"
    if one.status != 200:
        found.violated(rule, "not-kept", place=one.place, expected="HTTP 200", seen=one.shown)
    elif one.unchanged:
        found.held(rule, "same-bytes")
    else:
        found.violated(
            rule,
            "other-bytes",
            place=one.place,
            expected=one.facts.get("before", ""),
            seen=one.facts.get("after", ""),
        )


JUDGES: dict[str, Judge] = {
    "issue-incomplete": _incomplete,
    "issue-complete": _complete,
    "sign-as-other": _other_signer,
    "sign-as-named": _right_signer,
    "edit-open": _edit_open,
    "edit-after-signing": _edit("after-signing"),
    "edit-after-issue": _edit("after-issue"),
    "submit-unissued": _unissued,
    "submit-issued": _issued_submits,
    "impossible-input": _impossible,
    "sound-input": _sound,
    "fetch-again": _again,
}
