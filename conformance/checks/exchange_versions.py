"""SD: amendment, revocation, conflicts (appendix2.md §2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.checks.exchange_record import Act, Call, Exchange, Issued, misfit, near, seconds
from conformance.finding import Message, Recorder

AMENDED, REVOKED, RESOLVED = "PL2-SD-001", "PL2-SD-002", "PL2-SD-003"
CONFLICTS = ("version-taken", "version-order", "record-exists", "record-unknown")
"""Errors (the pack's keys) that say: the service holds something newer or other than the software thinks."""


def amended(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-SD-001: same identifier, next version, reason, digest of the one before; what changed is signed anew.

    ``step``: how many the version grows by: 1 after an acceptance, 0 for the correction of a refused version;
    ``class``: what this shows. The act ``amend`` tells the subject that was changed and the reason that was given.
    """
    act = one.act("amend")
    if act is None or not one.issued:
        found.blocked(AMENDED, "not-exercised", place=one.at())
        return
    if not act.well or len(one.issued) < 2:
        seen = ", ".join(act.reasons) or f"HTTP {act.status}"
        found.violated(AMENDED, "not-amended", place=one.at(), expected="HTTP 200", seen=seen)
        return
    first, second = one.issued[-2], one.issued[-1]
    step = int(params.get("step", 1))
    wanted = (first.version or 0) + step
    subject = str(act.facts.get("subject", ""))
    stale = _not_signed_anew(first, second, subject)
    sent = [call for call in one.submits if call.content == second.digest]
    # whether its bytes are those that were issued is PL2-GN-001's to say
    after = any(call.number > act.upto and call.event != "cancel" for call in one.submits)
    if second.record != first.record:
        found.violated(AMENDED, "new-identifier", place=one.at(), expected=first.record, seen=second.record)
    elif second.version != wanted:
        found.violated(
            AMENDED,
            "wrong-version",
            place=one.at(),
            expected=wanted,
            seen=second.version,
            consequence_of=_thought_accepted(one, first, act.upto) if step == 0 else "",
        )
    elif second.owner != first.owner:
        found.violated(
            AMENDED, "other-owner", place=one.at(), expected=" ".join(first.owner), seen=" ".join(second.owner)
        )
    elif wanted > 1 and not second.reason.strip():
        found.violated(AMENDED, "no-reason", place=one.at(), expected=act.facts.get("reason", ""))
    elif wanted > 1 and second.replaces != act.facts.get("replaces", second.replaces):
        found.violated(
            AMENDED, "wrong-digest", place=one.at(), expected=act.facts.get("replaces"), seen=second.replaces
        )
    elif subject and second.marks.get(subject) == first.marks.get(subject):
        found.violated(AMENDED, "change-lost", place=one.at(), what=subject)
    elif undone := _undone(one.issued):
        found.violated(AMENDED, "earlier-change-lost", place=one.at(), what=", ".join(undone), seen=second.version)
    elif stale:
        found.violated(AMENDED, "not-signed-anew", place=one.at(), what=", ".join(stale))
    elif one.final != str(params.get("ends", "delivered")) or not after:
        # "delivered" of a version that never went out is what was shown of the one before
        found.violated(
            AMENDED,
            "not-delivered",
            place=one.at(*sent[-1:]),
            expected=params.get("ends", "delivered"),
            seen=one.final,
            derivation=_followed(one, sent[-1]) if sent else near("item-unsent", what=second.record),
            consequence_of=_misaddressed(one, act.upto),
        )
    else:
        found.held(AMENDED, str(params.get("class", "amended")))


def _thought_accepted(one: Exchange, first: Issued, upto: int) -> str:
    """The cause of PL2-GN-006 for which software numbers a correction like an amendment; empty: none."""
    shown = any(
        sample.state == "delivered" and sample.version == first.version for sample in one.samples if sample.upto <= upto
    )
    return "PL2-GN-006.delivered-too-early" if shown else ""


def _misaddressed(one: Exchange, upto: int) -> str:
    """The cause of PL2-GN-002 for which what was sent after an amendment could not arrive; empty: none."""
    known = {version.digest: version for version in one.issued}
    for call in one.submits:
        sent = known.get(call.content)
        if (
            call.number > upto
            and call.event != "cancel"
            and sent
            and (wrong := misfit(call, sent.record, sent.version))
        ):
            return f"PL2-GN-002.{wrong[0]}-differs"
    return ""


def _followed(one: Exchange, sent: Call) -> tuple[Message, ...]:
    """What came of the submission of a version, or that its own receipt was never asked about."""
    asked = any(call.about == sent.receipt or call.listed for call in one.calls if call.number > sent.number)
    return _item(sent) if asked or not sent.receipt else near("receipt-unasked", number=sent.number)


def _item(call: Call) -> tuple[Message, ...]:
    return near("item", number=call.number, status=call.status, answered=call.answered or call.error or "—")


def _undone(issued: Sequence[Issued]) -> list[str]:
    """Subjects that are again as they were before the amendment before the last one."""
    if len(issued) < 3:
        return []
    before, between, after = (version.marks for version in issued[-3:])
    return [
        code for code, marks in before.items() if after.get(code) == marks and between.get(code) not in (marks, None)
    ]


def _not_signed_anew(first: Issued, second: Issued, subject: str) -> list[str]:
    """Slots that had to sign the new version and carry the old signature, or none although they had signed before."""
    due = [
        slot
        for slot in second.signatures
        if not slot.startswith("subject-teacher") or (subject and _covers(slot, subject))
    ]
    kept = [slot for slot in due if first.signatures.get(slot) == second.signatures[slot]]
    # a changed subject that was signed before and is signed by nobody now
    before, now = (any(_covers(slot, subject) for slot in one.signatures) for one in (first, second))
    dropped = [slot for slot in ("homeroom-teacher", "principal") if slot in {*first.signatures} - {*second.signatures}]
    return [*kept, *dropped, *([f"subject-teacher:{subject}"] if subject and before and not now else [])]


def _covers(slot: str, subject: str) -> bool:
    """Whether a slot is a subject teacher's that covers the subject."""
    return slot.startswith("subject-teacher") and f":{subject}:" in slot + ":"


def revoked(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-SD-002: a signed statement with reason goes to the service; afterwards the transcript is of no use.

    The act ``revoke`` asks for it, the act ``statement`` tells what its bytes show; later acts ``amend``, ``submit``,
    ``print`` try to use the transcript. ``class``: what this shows.
    """
    act = one.act("revoke")
    if act is None:
        found.blocked(REVOKED, "not-exercised", place=one.at())
        return
    if not act.well:
        seen = ", ".join(act.reasons) or f"HTTP {act.status}"
        found.violated(REVOKED, "not-revoked", place=one.at(), expected="HTTP 202", seen=seen)
        return
    sent = [call for call in one.submits if call.event == "cancel"]
    if not sent:
        found.violated(
            REVOKED,
            "not-sent",
            place=one.at(),
            expected="revoked",
            seen=one.final,
            derivation=near("nothing-after", number=act.upto, seconds=seconds(one.watched)),
        )
        return
    if _bad_statement(one, sent[0], found):
        return
    if _used_again(one, sent, found):
        return
    if one.final != "revoked":
        found.violated(
            REVOKED,
            "not-shown",
            place=one.at(sent[-1]),
            expected="revoked",
            seen=one.final,
            derivation=_item(sent[-1]),
        )
        return
    found.held(REVOKED, str(params.get("class", "revoked")))


def _bad_statement(one: Exchange, sent: Call, found: Recorder) -> bool:
    statement, newest = one.act("statement"), _in_force(one, sent)
    refused = statement is None and 400 <= sent.status < 500 and sent.version is not None
    if refused and newest is not None and newest.record == sent.record and newest.version != sent.version:
        found.violated(
            REVOKED, "names-other", place=one.at(sent), expected=newest.version, seen=sent.version, what="version"
        )
        return True
    if statement is None and 400 <= sent.status < 500 and not sent.fault and sent.status not in (401, 408, 429):
        found.violated(
            REVOKED,
            "statement-refused",
            place=one.at(sent),
            seen=f"HTTP {sent.status} {sent.error}".strip(),
            derivation=_item(sent),
        )
        return True
    if statement is None:
        found.blocked(REVOKED, "statement-unread", place=one.at(sent))
        return True
    facts = statement.facts
    causes = [str(cause) for cause in facts.get("causes", ())]
    for name, wanted in (
        ("record", newest.record if newest else one.record),
        ("version", str(newest.version) if newest else str(one.version)),
        ("digest", newest.digest if newest else one.document),
    ):
        if str(facts.get(name, "")).casefold() != str(wanted).casefold():
            found.violated(
                REVOKED, "names-other", place=one.at(sent), expected=wanted, seen=facts.get(name, ""), what=name
            )
            return True
    if not str(facts.get("reason", "")).strip():
        found.violated(REVOKED, "no-reason", place=one.at(sent))
    elif causes:
        found.violated(REVOKED, "unsigned", place=one.at(sent), seen=", ".join(causes[:5]))
    else:
        return False
    return True


def _in_force(one: Exchange, statement: Call) -> Issued | None:
    """The version accepted last before the statement; what was issued later, or refused, is not what it could name."""
    refused = {row.digest for row in one.stored if row.state == "refused"}
    before = [call.content for call in one.submits if call.number < statement.number and call.event != "cancel"]
    before = [content for content in before if content not in refused]
    sent = [version for version in one.issued if version.digest in before[-1:]]
    return (sent or [*one.issued])[-1] if one.issued else None


def _used_again(one: Exchange, sent: list[Call], found: Recorder) -> bool:
    """Whether the revoked transcript was amended, printed as valid or sent again."""
    accepted = next((call for call in one.submits if call.event == "cancel" and call.well), sent[0])
    later = [call for call in one.submits if call.number > accepted.number and call.event != "cancel"]
    amend, printed = one.act("amend"), one.act("print")
    if later:
        what, place = f"{later[0].operation} {later[0].event}", one.at(later[0])
    elif amend is not None and amend.upto >= accepted.number and amend.well:
        what, place = "amendment", one.at()
    elif printed is not None and printed.upto >= accepted.number and printed.well and not printed.facts.get("marked"):
        if _perhaps_marked(one, printed):
            found.blocked(REVOKED, "print-unread", place=one.at(), seen=printed.facts.get("unread") or "no-text")
            return True
        what, place = "rendition", one.at()
    else:
        cancels = {call.content for call in one.submits if call.event == "cancel" and call.content}
        if len(cancels) > 1:
            found.violated(REVOKED, "revoked-twice", place=one.at(sent[-1]), expected=1, seen=len(cancels))
            return True
        return False
    found.violated(REVOKED, "used-again", place=place, what=what)
    return True


def _perhaps_marked(one: Exchange, printed: Act) -> bool:
    """Whether the mark may stand where nobody reads it: in a picture, or in a rendition without any text.

    One that is drawn as it was before the revocation has no new mark in its pictures.
    """
    if printed.facts.get("unread"):
        return True
    before = next((act for act in one.acts if act.step == "print" and act.well and act is not printed), None)
    drawn = printed.facts.get("drawn", "")
    return bool(drawn) and (before is None or before.facts.get("drawn", "") != drawn)


def resolved(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-SD-003: after a conflict the newest version is fetched before anything else of the record is sent.

    Software that looks before it sends, and so never runs into the conflict, has resolved it as well.
    ``class``: the conflict that this shows.
    """
    conflict = next((call for call in one.submits if call.error in CONFLICTS), None)
    if conflict is None and _looked_first(one):
        if not _not_built_on(one, found):
            found.held(RESOLVED, str(params["class"]))
        return
    if conflict is None:
        found.blocked(RESOLVED, "not-exercised", place=one.at())
        return
    later = [call for call in one.calls if call.number > conflict.number]
    fetched = next((call for call in later if call.operation == "fetch" and call.well), None)
    # what the operator amends afterwards is another attempt, not the way out of this conflict
    amended = next((act.upto for act in one.acts if act.step == "amend" and act.upto >= conflict.number), None)
    ends = min(fetched.number if fetched else math.inf, math.inf if amended is None else amended)
    again = next((call for call in one.submits if conflict.number < call.number <= ends), None)
    if again is not None:
        found.violated(
            RESOLVED,
            "overwrites",
            place=one.at(again),
            seen=again.version,
            what=again.record,
            derivation=near("no-fetch-before", number=again.number, conflict=conflict.number),
        )
    elif fetched is None:
        tried = next((call for call in later if call.operation == "fetch"), None)
        why = (
            near("fetch-failed", number=tried.number, status=tried.status)
            if tried
            else near("no-fetch", conflict=conflict.number, seconds=seconds(one.watched))
        )
        found.violated(RESOLVED, "not-fetched", place=one.at(conflict), seen=one.final, derivation=why)
    elif (pressed := _pressed_on(one, conflict)) is not None:
        found.violated(
            RESOLVED,
            "overwrites",
            place=one.at(pressed),
            seen=pressed.version,
            what=pressed.record,
            derivation=near("same-again", number=pressed.number, wait=seconds(pressed.at - conflict.at)),
        )
    elif _not_built_on(one, found):
        return
    elif one.final != "delivered" and not one.told:
        found.violated(RESOLVED, "stuck", place=one.at(fetched), seen=one.final)
    else:
        found.held(RESOLVED, str(params["class"]))


def _pressed_on(one: Exchange, conflict: Call) -> Call | None:
    """The very bytes that met the conflict, sent under another number, identifier or event."""
    for call in one.submits:
        envelope = (call.record, call.version, call.event)
        first = (conflict.record, conflict.version, conflict.event)
        if call.number > conflict.number and call.content == conflict.content and envelope != first:
            return call
    return None


def _not_built_on(one: Exchange, found: Recorder) -> bool:
    """Whether a version was sent over the one that the service held, as if that were not there.

    The act ``place`` tells version and digest of what the service held, each act ``sent`` what a version sent after it
    says that it replaces.
    """
    placed = one.act("place")
    if placed is None or not placed.facts.get("version"):
        return False
    newest, digest = int(placed.facts["version"]), str(placed.facts.get("digest", ""))
    for act in one.acts:
        if act.step != "sent" or act.facts.get("version") != newest + 1:
            continue
        replaces = str(act.facts.get("replaces", ""))
        if replaces.casefold() != digest.casefold():
            found.violated(
                RESOLVED, "not-built-on", place=one.at(), expected=digest, seen=replaces or "—", version=newest + 1
            )
            return True
    return False


def _looked_first(one: Exchange) -> bool:
    """Whether the other version was fetched first, and then built upon, or the amendment refused because of it."""
    placed, amend = one.act("place"), one.act("amend")
    if placed is None or amend is None:
        return False
    later = [call for call in one.calls if call.number > placed.upto]
    fetched = next((call for call in later if call.operation == "fetch" and call.well), None)
    if fetched is None:
        return False
    sent = [call for call in one.submits if call.number > placed.upto]
    if not sent:
        return amend.status == 409
    return all(call.number > fetched.number for call in sent) and any(call.well for call in sent)


def waits_for_outcome(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-SD-003: while a version is being checked, nothing else of the record is pressed on the service.

    Software may refuse the amendment, or hold the next version back until the outcome is there.
    """
    act = one.act("amend")
    first = next(iter(one.submits), None)
    if act is None or first is None:
        found.blocked(RESOLVED, "not-exercised", place=one.at())
        return
    known = next((call for call in one.calls if call.answered in ("accepted", "refused")), None)
    early = [
        call
        for call in one.submits
        if call.content != first.content and (known is None or call.number < known.number) and not call.fault
    ]
    refused = [call for call in early if call.error == "being-checked"]
    if len(refused) > 1 or any(call not in refused for call in early):
        call = (refused[1:] or early)[0]
        found.violated(
            RESOLVED,
            "presses-on",
            place=one.at(call),
            seen=call.version,
            derivation=near("outcome-open", number=call.number, first=first.number),
        )
    elif one.papers and one.papers[0].final not in ("delivered", "refused"):
        found.violated(RESOLVED, "stuck", place=one.at(first), seen=one.final)
    else:
        found.held(RESOLVED, str(params.get("class", "being-checked")))
