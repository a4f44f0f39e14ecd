"""XT and GN: what the software does on the wire while it submits (appendix2.md §2).

Pure rules over a recorded exchange. An exchange file names the rules that apply to it with their parameters
(:data:`RULES`); nothing here knows a fault or opens a connection. Order is judged by journal numbers and by one clock,
the service's own, so that no two machines' clocks are ever compared.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.finding import Place, Recorder

SLACK = 0.1
"""Seconds by which a wait may look shorter than it was: journal times are taken on arrival."""
DATE_SLACK = 1.0
"""Seconds: an HTTP date has no fractions."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the service saw it. ``at``: seconds on the service's clock, taken on arrival.

    ``answered``: the state word in the answer (``accepted`` …, the pack's key, not the wire's word), empty if there was
    none or it was not delivered whole. ``fault``: the answer was made wrong on purpose.
    """

    number: int
    at: float
    operation: str
    status: int
    fault: bool = False
    committed: bool = False
    record: str = ""
    version: int | None = None
    event: str = ""
    """The pack's key of the event (``new``, ``update``, ``cancel``), or the wire's word where it is none of them."""
    content: str = ""
    """SHA-256 (hex) of the decoded content."""
    receipt: str = ""
    answered: str = ""
    bearer: bool = True
    """Whether a bearer token came in the header (for ``token``: HTTP Basic)."""
    secret_in_url: bool = False
    retry_after: float | None = None
    """Seconds from arrival until the moment the answer asked to wait for."""
    retry_date: bool = False

    @property
    def well(self) -> bool:
        """Whether the status said success; a call that was never answered has status 0."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Sample:
    """What the software showed its operator, and the journal number that was reached right after it was read."""

    upto: int
    state: str
    receipt: str = ""
    version: int | None = None
    messages: tuple[str, ...] = ()
    refusals: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange as it went."""

    id: str
    calls: tuple[Call, ...]
    samples: tuple[Sample, ...]
    learner: str
    document: str
    """SHA-256 (hex) of the bytes the software said it issued."""
    record: str
    """The identifier in those bytes."""
    version: int | None
    receipts: tuple[str, ...]
    """Receipts the service holds for the learner's transcript, by whatever identifier, in order."""
    ended: str
    """Why watching ended: ``final``, ``limit``."""

    @property
    def submits(self) -> list[Call]:
        """The submissions."""
        return [call for call in self.calls if call.operation == "submit"]

    @property
    def last(self) -> Sample | None:
        """What the operator saw in the end."""
        return self.samples[-1] if self.samples else None

    @property
    def final(self) -> str:
        """The state in the end."""
        return self.last.state if self.last else ""

    def at(self, call: Call | None = None) -> Place:
        """The place of a call in this exchange."""
        return Place(pointer=f"{self.id}#{call.number}" if call else self.id)


Rule = Callable[[Exchange, Mapping[str, Any], Recorder], None]


def check(exchange: Exchange, rule: str, params: Mapping[str, Any], found: Recorder) -> None:
    """Apply one named rule.

    Raises:
        KeyError: no rule of that name (a mistake in the exchange file; ``hocba pack lint`` finds it).
    """
    RULES[rule](exchange, params, found)


def bearer(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-001: the token goes in the Authorization header, and nowhere else."""
    asked = [call for call in one.calls if call.operation not in ("token", "health")]
    if not asked:
        found.blocked("PL2-XT-001", "no-calls", place=one.at())
        return
    in_url = next((call for call in one.calls if call.secret_in_url), None)
    without = next((call for call in asked if not call.bearer), None)
    if in_url:
        found.violated("PL2-XT-001", "token-in-url", place=one.at(in_url), seen=in_url.operation)
    elif without:
        found.violated("PL2-XT-001", "no-bearer", place=one.at(without), seen=without.operation)
    else:
        found.held("PL2-XT-001", count=len(asked))


def token_renewed(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-002: after a refused token, one new token, then the work goes on."""
    rule = "PL2-XT-002"
    refused = next((call for call in one.calls if call.status == 401 and call.operation != "token"), None)
    if refused is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    later = [call for call in one.calls if call.number > refused.number]
    tokens = [call for call in later if call.operation == "token"]
    again = [call for call in later if call.operation == refused.operation and call.well]
    if not tokens:
        found.violated(rule, "not-renewed", place=one.at(refused), expected="1", seen=len(tokens))
    elif not again or one.final != "delivered":
        found.violated(rule, "stopped", place=one.at(refused), expected="delivered", seen=one.final)
    elif len(tokens) > int(params.get("tokens", 1)):
        found.violated(rule, "hammers", place=one.at(tokens[-1]), expected=params.get("tokens", 1), seen=len(tokens))
    else:
        found.held(rule, "renewed")


def token_stops(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-002: bad credentials stop the software, and the operator is told."""
    rule = "PL2-XT-002"
    tokens = [call for call in one.calls if call.operation == "token"]
    limit = int(params.get("tokens", 3))
    if not tokens:
        found.blocked(rule, "not-exercised", place=one.at())
    elif len(tokens) > limit:
        found.violated(rule, "hammers", place=one.at(tokens[limit]), expected=limit, seen=len(tokens))
    elif not any(sample.messages for sample in one.samples):
        found.violated(rule, "operator-not-told", place=one.at(tokens[-1]), seen=one.final)
    else:
        found.held(rule, "stopped")


def bytes_issued(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-001: what arrives is what was issued, to the byte."""
    if not one.submits:
        found.violated("PL2-GN-001", "never-sent", place=one.at(), expected=one.document, seen=one.final)
        return
    readable = [call for call in one.submits if call.content]
    # a body nobody can read carries no issued bytes either; one among others is its own call's trouble
    other = next((call for call in readable or one.submits if call.content != one.document), None)
    if other:
        found.violated("PL2-GN-001", "other-bytes", place=one.at(other), expected=one.document, seen=other.content)
    else:
        found.held("PL2-GN-001", count=len(readable))


def envelope(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-002: identifier, version and event of the envelope agree with the document."""
    rule = "PL2-GN-002"
    if not one.submits:
        found.blocked(rule, "no-calls", place=one.at())
        return
    if not one.record:
        found.blocked(rule, "unreadable", place=one.at())
        return
    for call in one.submits:
        event = "new" if one.version == 1 else "update"
        for cause, expected, seen in (
            ("record", one.record, call.record),
            ("version", one.version, call.version),
            ("event", event, call.event),
        ):
            if expected != seen:
                # a new identifier on a repeated submission is GN-003's to name
                if cause == "record" and call is not one.submits[0]:
                    continue
                found.violated(rule, f"{cause}-differs", place=one.at(call), expected=expected, seen=seen)
                return
    found.held(rule, count=len(one.submits))


def same_again(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-003: after a lost answer the same submission again; one record, one receipt."""
    rule = "PL2-GN-003"
    lost = next((call for call in one.submits if call.fault and call.committed), None)
    if lost is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    again = [call for call in one.submits if call.number > lost.number]
    if not again:
        found.violated(rule, "not-repeated", place=one.at(lost), seen=one.final)
        return
    if _changed(one, lost, found):
        return
    if one.last and one.receipts and one.last.receipt and one.last.receipt not in one.receipts:
        found.violated(rule, "wrong-receipt", place=one.at(), expected=one.receipts[0], seen=one.last.receipt)
    elif len(set(one.receipts)) > 1:
        found.violated(rule, "doubled", place=one.at(), expected=1, seen=len(set(one.receipts)))
    else:
        found.held(rule, params.get("class", "repeated"))


def _changed(one: Exchange, first: Call, found: Recorder) -> bool:
    """Whether a repetition is another submission than ``first``: PL2-GN-003 says so, and nothing else can be said."""
    for call in one.submits:
        if call.number <= first.number:
            continue
        for cause, expected, seen in (
            ("new-identifier", first.record, call.record),
            ("new-version", first.version, call.version),
            ("other-bytes", first.content, call.content),
        ):
            if expected != seen:
                found.violated("PL2-GN-003", cause, place=one.at(call), expected=expected, seen=seen)
                return True
    return False


def backs_off(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-004: retries with growing waits, never before ``Retry-After``, and comes through."""
    rule = "PL2-GN-004"
    failed = [call for call in one.submits if call.fault]
    if not failed:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    if _changed(one, failed[0], found):
        return
    if len(one.submits) == 1:
        found.violated(rule, "no-retry", place=one.at(failed[0]), seen=one.final)
        return
    waits = _waits(one.submits)
    for call, following in zip(one.submits, one.submits[1:], strict=False):
        if call.retry_after is not None:
            slack = DATE_SLACK if call.retry_date else SLACK
            wait = following.at - call.at
            if wait < call.retry_after - slack:
                found.violated(
                    rule,
                    "before-retry-after",
                    place=one.at(following),
                    expected=f"≥ {call.retry_after:.1f} s",
                    seen=f"{wait:.1f} s",
                )
                return
    if params.get("ends", "delivered") == "delivered" and one.final != "delivered":
        found.violated(rule, "gave-up-early", place=one.at(one.submits[-1]), expected="delivered", seen=one.final)
    elif len(waits) >= 3 and not _grow(waits):
        shown = ", ".join(f"{wait:.1f}" for wait in waits)
        found.violated(
            rule, "waits-do-not-grow", place=one.at(one.submits[-1]), expected="w1 < w2 < …", seen=f"{shown} s"
        )
    else:
        found.held(rule, params.get("class", "recovered"))


def gives_up(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-004: with no end to the trouble it gives up and says so."""
    rule = "PL2-GN-004"
    if not any(call.fault for call in one.submits):
        found.blocked(rule, "not-exercised", place=one.at())
        return
    last = one.submits[-1]
    if one.final in ("delivered", "receipted"):
        found.violated(rule, "false-success", place=one.at(last), expected="gave-up", seen=one.final)
    elif one.final != "gave-up":
        found.violated(rule, "never-gives-up", place=one.at(last), expected="gave-up", seen=one.final)
    elif not (one.last and one.last.messages):
        found.violated(rule, "gave-up-silently", place=one.at(last), seen=one.final)
    else:
        found.held(rule, "gave-up")


def not_repeated(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-005: a submission that was refused for good is not sent again unchanged."""
    rule = "PL2-GN-005"
    final = next((call for call in one.submits if call.status in (400, 403, 409, 422)), None)
    if final is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    again = [call for call in one.submits if call.number > final.number and call.content == final.content]
    if again:
        found.violated(rule, "repeated", place=one.at(again[0]), expected=1, seen=1 + len(again), status=final.status)
    elif one.final in ("delivered", "receipted"):
        found.violated(
            rule, "false-success", place=one.at(final), expected="refused", seen=one.final, status=final.status
        )
    else:
        found.held(rule, f"status-{final.status}")


def delivered_only(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-006: it asks until the outcome is final, and shows only an accepted transcript as delivered."""
    rule = "PL2-GN-006"
    for sample in one.samples:
        accepted = any(
            call.answered == "accepted" and call.operation in ("status", "submit") and call.number <= sample.upto
            for call in one.calls
        )
        if sample.state == "delivered" and not accepted:
            found.violated(rule, "delivered-too-early", place=one.at(), expected="receipted", seen=sample.state)
            return
    polls = [call for call in one.calls if call.operation == "status"]
    outcomes = [call.answered for call in one.calls if call.answered in ("accepted", "refused")]
    wanted = str(params.get("ends") or ("refused" if outcomes[-1:] == ["refused"] else "delivered"))
    if not any(call.committed or call.well for call in one.submits):
        found.blocked(rule, "no-receipt", place=one.at())
    elif not polls:
        found.violated(rule, "never-asks", place=one.at(), seen=one.final)
    elif one.final != wanted:
        found.violated(rule, "outcome-missed", place=one.at(polls[-1]), expected=wanted, seen=one.final)
    else:
        found.held(rule, params.get("class", wanted), count=len(polls))


def refusal_shown(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-007: a refusal and all its findings reach the operator, tied to learner and field."""
    rule = "PL2-GN-007"
    codes = [str(code) for code in params.get("codes", ())]
    last = one.last
    if last is None or not one.submits:
        found.blocked(rule, "no-calls", place=one.at())
        return
    shown = [str(refusal.get("code", "")) for refusal in last.refusals]
    missing = [code for code in dict.fromkeys(codes) if shown.count(code) < codes.count(code)]
    if one.final != "refused":
        # shown as delivered without an acceptance: PL2-GN-006 names that
        root = "PL2-GN-006.delivered-too-early" if one.final == "delivered" else ""
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
    else:
        found.held(rule, params.get("class", "shown"))


def no_false_success(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-009: a truncated or unreadable answer is not a success."""
    rule = "PL2-GN-009"
    broken = next((call for call in one.calls if call.fault and call.well), None)
    if broken is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    if broken.operation == "submit" and _changed(one, broken, found):
        return
    for sample in one.samples:
        real = any(
            call.receipt and not call.fault and call.number <= sample.upto and call.operation in ("submit", "status")
            for call in one.calls
        )
        if sample.state in ("receipted", "delivered") and not real:
            found.violated(rule, "taken-as-success", place=one.at(broken), expected="sent", seen=sample.state)
            return
    if one.final != "delivered":
        found.violated(rule, "not-recovered", place=one.at(broken), expected="delivered", seen=one.final)
    else:
        found.held(rule, params.get("class", "recovered"))


def _grow(waits: Sequence[float]) -> bool:
    """Whether the later half of the waits is clearly longer: random parts of a wait, and one slow moment, even out."""
    half = len(waits) // 2
    return statistics.median(waits[-half:]) >= 1.3 * statistics.median(waits[:half])


def _waits(calls: Sequence[Call]) -> list[float]:
    return [later.at - earlier.at for earlier, later in itertools.pairwise(calls)]


def _learners(refusals: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(refusal.get("learner", "")) for refusal in refusals}))


RULES: dict[str, Rule] = {
    "bearer": bearer,
    "token-renewed": token_renewed,
    "token-stops": token_stops,
    "bytes-issued": bytes_issued,
    "envelope": envelope,
    "same-again": same_again,
    "backs-off": backs_off,
    "gives-up": gives_up,
    "not-repeated": not_repeated,
    "delivered-only": delivered_only,
    "refusal-shown": refusal_shown,
    "no-false-success": no_false_success,
}
