"""GN: one submission, from the issued bytes to what the operator is shown (appendix2.md §2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.checks.exchange_record import SENDING, WHOLE, Call, Exchange, changed, misfit, near, seconds, waited
from conformance.finding import Recorder

UNREADABLE = "PL2-GN-009"
ASKING = ("status", "list")
"""Operations that tell how a submission has ended."""


def bytes_issued(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-001: what arrives is what was issued, to the byte."""
    submits = _documents(one)
    if not submits:
        found.violated("PL2-GN-001", "never-sent", place=one.at(), expected=one.document, seen=one.final)
        return
    issued = {one.document, *(version.digest for paper in one.papers for version in paper.issued)}
    readable = [call for call in submits if call.content]
    # a body nobody can read carries no issued bytes either; one among others is its own call's trouble
    other = next((call for call in readable or submits if call.content not in issued), None)
    if other:
        found.violated(
            "PL2-GN-001",
            "other-bytes",
            place=one.at(other),
            expected=one.document,
            seen=other.content or _unread(other),
        )
    else:
        found.held("PL2-GN-001", count=len(readable))


def _unread(call: Call) -> str:
    """What the service answered to a body in which it found no content."""
    return f"— (HTTP {call.status} {call.error}: {call.detail})" if call.error else "—"


def envelope(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-002: identifier, version and event of the envelope agree with the document."""
    rule = "PL2-GN-002"
    submits = _documents(one)
    if not submits:
        found.blocked(rule, "no-calls", place=one.at())
        return
    if not one.record:
        found.blocked(rule, "unreadable", place=one.at())
        return
    known = {version.digest: version for paper in one.papers for version in paper.issued}
    for call in submits:
        sent = known.get(call.content)
        record, version = (sent.record, sent.version) if sent else (one.record, one.version)
        # a new identifier on a repeated submission is GN-003's to name
        wrong = misfit(call, record if call is submits[0] else call.record, version)
        if wrong:
            cause, expected, seen = wrong
            # a body that nobody could read has no envelope either
            root = "" if call.content or call.record else "PL2-GN-001.other-bytes"
            found.violated(
                rule, f"{cause}-differs", place=one.at(call), expected=expected, seen=seen, consequence_of=root
            )
            return
    found.held(rule, count=len(submits))


def same_again(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-003: after a lost answer the same submission again; one record, one receipt.

    Of a batch whose answer was lost, every item is.
    """
    rule = "PL2-GN-003"
    lost = next((call for call in one.submits if call.fault and call.committed), None)
    if lost is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    again = [call for call in one.submits if call.number > lost.number]
    repeated = {call.record for call in again} | {call.content for call in again}
    sent = [item for item in one.submits if item.number == lost.number]
    forgotten = [item for item in sent if not {item.record, item.content} & repeated]
    if again and len(one.papers) > 1 and forgotten:
        again, lost = [], forgotten[0]
    stopped = one.act("restart")
    if not again and waited(one, lost):
        found.blocked(rule, "more-patient", place=one.at(lost))
        return
    if not again:
        found.violated(
            rule,
            "not-repeated",
            place=one.at(lost),
            seen=one.final,
            derivation=near("only-call", number=lost.number, seconds=seconds(one.watched)),
            consequence_of="PL2-GN-011.lost" if stopped is not None and stopped.well else "",
        )
        return
    if not any(changed(one, item, found) for item in sent):
        _one_receipt(one, rule, str(params.get("class", "repeated")), found)


def one_record(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-003: asked to send again what the service has accepted, the software makes no second record of it."""
    rule = "PL2-GN-003"
    accepted = next((call for call in one.calls if call.answered == "accepted"), None)
    first = next(iter(one.submits), None)
    if accepted is None or first is None:
        found.blocked(rule, "not-exercised", place=one.at())
    elif not changed(one, first, found):
        _one_receipt(one, rule, str(params.get("class", "resent")), found)


def _one_receipt(one: Exchange, rule: str, case_class: str, found: Recorder) -> None:
    given = set(one.receipts) | {row.receipt for row in one.stored if row.event == "cancel"}
    most = max(1, len(one.papers))  # each transcript of the exchange has its own
    if one.last and one.receipts and one.last.receipt and one.last.receipt not in given:
        found.violated(rule, "wrong-receipt", place=one.at(), expected=one.receipts[0], seen=one.last.receipt)
    elif len(set(one.receipts)) > most:
        found.violated(rule, "doubled", place=one.at(), expected=most, seen=len(set(one.receipts)))
    else:
        found.held(rule, case_class)


def delivered_only(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-006: it asks until the outcome is final, and shows only an accepted transcript as delivered.

    ``ends``: the state, or the states, that may be shown in the end.
    """
    rule = "PL2-GN-006"
    outcomes = list(_outcomes(one))
    for sample in one.samples:
        accepted = any(
            state == "accepted" and call.number <= sample.upto and _is_of(one, call, sample.version)
            for call, state in outcomes
        )
        if sample.state == "delivered" and not accepted:
            if one.late(sample.upto):
                found.blocked(rule, "not-played", place=one.at(), seen="journal")
                return
            asked = [call for call in one.calls if call.operation in ASKING and call.number <= sample.upto]
            why = (
                near("not-accepted", number=asked[-1].number, seen=asked[-1].answered or asked[-1].status)
                if asked
                else near("never-asked", number=sample.upto)
            )
            sent = [call.number for call in one.submits if call.number <= sample.upto]
            if sent and asked and asked[-1].answered == "accepted":  # of the version before
                why = near("receipt-unasked", number=sent[-1])
            found.violated(
                rule,
                "delivered-too-early",
                place=one.at(),
                expected="receipted",
                seen=sample.state,
                derivation=why,
                consequence_of=f"{UNREADABLE}.taken-as-success" if _unreadable(one, sample.upto) else "",
            )
            return
    polls = [call for call in one.calls if call.operation in ASKING]
    known = [state for _, state in outcomes if state in ("accepted", "refused")]
    ends = params.get("ends") or ("refused" if known[-1:] == ["refused"] else "delivered")
    wanted = [str(one_end) for one_end in (ends if isinstance(ends, list) else [ends])]
    if not any(call.committed or call.well for call in one.submits):
        found.blocked(rule, "no-receipt", place=one.at())
    elif not polls:
        found.violated(rule, "never-asks", place=one.at(), seen=one.final)
    elif one.final not in wanted:
        last = polls[-1]
        found.violated(
            rule,
            "outcome-missed",
            place=one.at(last),
            expected=" / ".join(wanted),
            seen=one.final,
            derivation=near("last-poll", count=len(polls), number=last.number, seen=last.answered or last.status),
            consequence_of=f"{UNREADABLE}.not-recovered" if _unreadable(one, last.number) else "",
        )
    else:
        found.held(rule, params.get("class", wanted[0]), count=len(polls))


def _unreadable(one: Exchange, upto: int) -> bool:
    """Whether the last answer about the outcome, up to a number, could not be read: PL2-GN-009 says what came of it."""
    asked = [call for call in one.calls if call.operation in ASKING and call.number <= upto]
    if not asked or asked[-1].kind in WHOLE:
        return False
    return asked[-1].fault and asked[-1].well and not asked[-1].answered and not asked[-1].listed


def _is_of(one: Exchange, call: Call, version: int | None) -> bool:
    """Whether an answer may be about that version: an earlier version's acceptance is not its own."""
    asked = next((row.version for row in one.stored if row.receipt == call.about), None)
    return version is None or asked is None or asked == version


def _outcomes(one: Exchange) -> Iterator[tuple[Call, str]]:
    """What the service said of the submissions, call by call: when asked, when sending, in the list of records."""
    sent = {(call.record, call.version) for call in one.submits}
    for call in sorted((*one.calls, *one.submits), key=lambda each: each.number):
        if call.operation in ("status", *SENDING):
            yield call, call.answered
        for row in call.listed:
            if (row.record, row.version) in sent:
                yield call, row.answered


def refusal_shown(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-007: a refusal and all its findings reach the operator, tied to learner and field.

    ``paper``: whose, where it was sent in a batch; ``told``: of a refusal at the door without findings it is enough
    that the operator is told in words, whatever the software calls the state in which it stops.
    """
    rule, batched = "PL2-GN-007", "paper" in params
    if batched:
        one = one.of(str(params["paper"]))
    codes = [str(code) for code in params.get("codes", ())]
    last = one.last
    if last is None or not one.submits:
        found.blocked(rule, "no-calls", place=one.at())
        return
    shown = [str(refusal.get("code", "")) for refusal in last.refusals]
    missing = [code for code in dict.fromkeys(codes) if shown.count(code) < codes.count(code)]
    if params.get("told") and one.final in ("refused", "gave-up") and any(one.told):
        found.held(rule, params.get("class", "shown"))
    elif one.final != "refused":
        # an item that shows another's result is PL2-GN-008's; delivered without an acceptance is PL2-GN-006's
        early = "PL2-GN-006.delivered-too-early" if one.final == "delivered" else ""
        root = "PL2-GN-008.item-lost" if batched else early
        found.violated(
            rule, "not-shown-as-refused", place=one.at(), expected="refused", seen=one.final, consequence_of=root
        )
    elif missing:
        found.violated(
            rule, "findings-lost", place=one.at(), expected=len(codes), seen=len(shown), missing=", ".join(missing[:10])
        )
    elif any(refusal.get("learner") != one.learner for refusal in last.refusals):
        found.violated(rule, "not-tied-to-learner", place=one.at(), expected=one.learner, seen=_learners(last.refusals))
    elif params.get("fields", True) and any(not refusal.get("field") for refusal in last.refusals):
        found.violated(rule, "not-tied-to-field", place=one.at(), seen=len(shown))
    elif broken := next((text for text in one.told for each in params.get("texts", ()) if _misread(each, text)), ""):
        found.violated(rule, "garbled", place=one.at(), seen=broken)
    else:
        found.held(rule, params.get("class", "shown"))


def _misread(sent: str, shown: str) -> bool:
    """Whether ``shown`` has the letters of ``sent`` as they look when UTF-8 is read as something else."""
    octets = sent.encode()
    garbled = {octets.decode(codec, "replace") for codec in ("latin-1", "cp1252", "ascii")} | {
        octets.decode("ascii", "replace").replace("\ufffd", "?")
    }
    return not sent.isascii() and sent not in shown and any(one in shown for one in garbled)


def no_false_success(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-009: a truncated or unreadable answer is not a success."""
    rule = "PL2-GN-009"
    broken = next((call for call in one.calls if call.fault and call.well), None)
    if broken is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    if broken.operation == "submit" and changed(one, broken, found):
        return
    for sample in one.samples:
        real = any(
            call.receipt and not call.fault and call.number <= sample.upto and call.operation in ("submit", "status")
            for call in (*one.calls, *one.submits)
        )
        if broken.operation in ASKING and sample.upto >= broken.number and sample.state == "delivered":
            real = any(state == "accepted" and call.number <= sample.upto for call, state in _outcomes(one))
        if sample.state in ("receipted", "delivered") and not real:
            if one.late(sample.upto):
                found.blocked(rule, "not-played", place=one.at(), seen="journal")
                return
            found.violated(
                rule,
                "taken-as-success",
                place=one.at(broken),
                expected="sent",
                seen=sample.state,
                derivation=near("unreadable", number=broken.number, status=broken.status),
            )
            return
    if one.final != "delivered":
        found.violated(
            rule,
            "not-recovered",
            place=one.at(broken),
            expected="delivered",
            seen=one.final,
            derivation=near("after-broken", count=len([c for c in one.calls if c.number > broken.number])),
        )
    else:
        found.held(rule, params.get("class", "recovered"))


def tolerates(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-010: what the service may add or say slowly does not throw the software off.

    ``class``: what was unusual; the exchange must still come to ``ends``, without the same submission twice.
    """
    rule = "PL2-GN-010"
    case_class, wanted = str(params["class"]), str(params.get("ends", "delivered"))
    unusual = [call for call in one.calls if call.fault]
    if not unusual:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    first = unusual[0]
    again = []
    if first.operation in SENDING and not any(call.late for call in one.submits):
        again = [call for call in one.submits if call.number > first.number]
    if one.final != wanted:
        found.violated(
            rule,
            "stumbled",
            place=one.at(first),
            expected=wanted,
            seen=one.final,
            what=case_class,
            derivation=near("after-broken", count=len([call for call in one.calls if call.number > first.number])),
        )
    elif again:
        found.violated(
            rule,
            "not-understood",
            place=one.at(again[0]),
            expected=1,
            seen=1 + len(again),
            what=case_class,
            derivation=near("same-again", number=again[0].number, wait=seconds(again[0].at - first.at)),
        )
    else:
        found.held(rule, case_class)


def window_shown(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-012: a closed window is shown to the operator.

    Shown is what names the service's code or wording (``code``, ``wording``), or one of ``words`` in the software's
    own message, or the reason WINDOW_CLOSED.
    """
    rule = "PL2-GN-012"
    closed = next((call for call in one.submits if call.error == "window-closed"), None)
    told_before = any("WINDOW_CLOSED" in act.reasons for act in one.acts)
    if closed is None and not told_before:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    place = one.at(closed)
    if one.final in ("delivered", "receipted"):
        found.violated(rule, "false-success", place=place, expected="refused", seen=one.final)
        return
    signs = [_folded(word) for word in (params.get("code"), *params.get("words", ())) if word]
    told = [_folded(text) for text in one.told]
    codes = {_folded(refusal.get("code", "")) for sample in one.samples for refusal in sample.refusals}
    if told_before or any(sign in text for sign in signs for text in (*told, *codes)):
        found.held(rule, "shown")
    else:
        nearest = one.told[-1] if one.told else "—"
        found.violated(rule, "not-shown", place=place, seen=one.final, derivation=near("told-only", seen=nearest))


def survives(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-011: a restart in the middle of a submission loses nothing and doubles nothing.

    ``ends``: the state that every transcript must come to: ``delivered``, or ``revoked`` where the restart met a
    revocation.
    """
    rule, wanted = "PL2-GN-011", str(params.get("ends", "delivered"))
    restarted = one.act("restart")
    if restarted is None or not restarted.well:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    before = [call for call in one.submits if call.number <= restarted.upto]
    if params.get("after-submit", True) and not before:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    if any(changed(one, first, found) for first in before):
        return
    given, most = set(one.receipts), max(1, len(one.papers))
    if wanted == "revoked":
        given = {row.receipt for row in one.stored if row.event == "cancel"}
    finals = [(paper.learner, paper.final) for paper in one.papers] or [(one.learner, one.final)]
    learner, final = next(((who, state) for who, state in finals if state != wanted), ("", wanted))
    if len(given) > most:
        found.violated(rule, "doubled", place=one.at(), expected=most, seen=len(given))
    elif final != wanted:
        later = [call for call in one.calls if call.number > restarted.upto]
        why = (
            near("after-restart", count=len(later), operation=later[-1].operation or "?")
            if later
            else near("silent-after-restart", seconds=seconds(one.watched))
        )
        found.violated(rule, "lost", place=one.at(), expected=wanted, seen=final, what=learner, derivation=why)
    else:
        found.held(rule, str(params.get("class", "restarted")))


def _folded(text: object) -> str:
    """As it is compared: Vietnamese letters may come composed or decomposed."""
    return unicodedata.normalize("NFC", str(text)).casefold()


def _documents(one: Exchange) -> list[Call]:
    """The submissions of documents: statements of revocation are other rules' business."""
    return [call for call in one.submits if call.event != "cancel"]


def _learners(refusals: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(refusal.get("learner", "")) for refusal in refusals}))
