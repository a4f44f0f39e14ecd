"""GN-004, GN-005: what is tried again, when, and what is not (appendix2.md §2)."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.checks.exchange_record import DATE_SLACK, SLACK, Call, Exchange, changed, near, seconds, waited
from conformance.finding import Recorder

FINAL_REFUSALS = (400, 403, 409, 413, 422)
"""Answers that nothing but another submission changes (RFC 9110 §15.5)."""
_BACKS_OFF = "PL2-GN-004"
_SHOWN = 10
"""Waits that a finding shows."""


def backs_off(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-004: retries with growing waits, never before ``Retry-After``, and comes through.

    ``operation``: the calls it is about, where they are no submissions.
    """
    rule, asked = _BACKS_OFF, str(params.get("operation") or "")
    submits = [call for call in one.calls if call.operation == asked] if asked else one.submits
    failed = [call for call in submits if call.fault]
    if not failed:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    if not asked and changed(one, failed[0], found):
        return
    submits = submits[submits.index(failed[0]) :] if asked else submits
    if len(submits) == 1 and waited(one, failed[0]):
        found.blocked(rule, "more-patient", place=one.at(failed[0]))
        return
    if len(submits) == 1:
        found.violated(
            rule,
            "no-retry",
            place=one.at(failed[0]),
            seen=one.final,
            derivation=near("only-call", number=failed[0].number, seconds=seconds(one.watched)),
        )
        return
    waits = _waits(submits)
    for nth, (call, following) in enumerate(itertools.pairwise(submits), 2):
        if _asks_too_early(call, following):
            _too_early(one, call, following, nth, found)
            return
    if params.get("ends", "delivered") == "delivered" and one.final != "delivered":
        found.violated(
            rule,
            "gave-up-early",
            place=one.at(submits[-1]),
            expected="delivered",
            seen=one.final,
            derivation=near("last-try", nth=len(submits), number=submits[-1].number, status=_answer(submits[-1])),
        )
    elif len(waits) >= 3 and not _grow(waits):
        shown = ", ".join(f"{wait:.1f}" for wait in waits[:_SHOWN]) + ", …" * (len(waits) > _SHOWN)
        found.violated(
            rule,
            "waits-do-not-grow",
            place=one.at(submits[-1]),
            expected="w1 < w2 < …",
            seen=f"{shown} s",
            derivation=near(
                "flat",
                first=seconds(statistics.median(waits[: len(waits) // 2])),
                later=seconds(statistics.median(waits[-(len(waits) // 2) :])),
            ),
        )
    elif params.get("class") == "growing" and (len(waits) < 2 or not _grow(waits)):
        # too few tries to tell flat waits from growing ones
        found.blocked(rule, "not-exercised", place=one.at(submits[-1]))
    else:
        found.held(rule, params.get("class", "recovered"))


def asks_later(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-004: a question that the service wants to hear later is asked again then, and not before."""
    rule = _BACKS_OFF
    asked = [call for call in one.calls if call.operation == "status"]
    refused = next((call for call in asked if call.fault and call.retry_after is not None), None)
    if refused is None or refused.retry_after is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    following = next((c for c in asked if c.number > refused.number and c.about == refused.about), None)
    if following is not None and _asks_too_early(refused, following):
        early = [one for one in asked if refused.number < one.number and _asks_too_early(refused, one)]
        _too_early(one, refused, following, 1 + len(early), found)
    elif one.final != "delivered":
        last = following or refused
        found.violated(
            rule,
            "gave-up-early" if following else "no-retry",
            place=one.at(last),
            expected="delivered",
            seen=one.final,
            derivation=near("last-try", nth=len(asked), number=last.number, status=_answer(last)),
        )
    else:
        found.held(rule, str(params.get("class", "retry-after")))


def _asks_too_early(refused: Call, following: Call) -> bool:
    """Whether a call came before the time that ``Retry-After`` of an earlier answer named."""
    if refused.retry_after is None:
        return False
    return following.at - refused.done < refused.retry_after - (DATE_SLACK if refused.retry_date else SLACK)


def _too_early(one: Exchange, refused: Call, following: Call, nth: int, found: Recorder) -> None:
    """What is said of the ``nth`` try that came too early."""
    wait, asked = following.at - refused.done, refused.retry_after or 0.0
    found.violated(
        _BACKS_OFF,
        "before-retry-after",
        place=one.at(following),
        expected=f"≥ {asked:.1f} s",
        seen=f"{wait:.1f} s",
        derivation=near("too-early", nth=nth, number=following.number, wait=seconds(wait), asked=seconds(asked)),
    )


def gives_up(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-004: with no end to the trouble it gives up and says so."""
    rule = _BACKS_OFF
    submits = one.submits
    if not any(call.fault for call in submits):
        found.blocked(rule, "not-exercised", place=one.at())
        return
    last = submits[-1]
    tries = near("last-try", nth=len(submits), number=last.number, status=_answer(last))
    if one.final in ("delivered", "receipted"):
        found.violated(rule, "false-success", place=one.at(last), expected="gave-up", seen=one.final, derivation=tries)
    elif one.final != "gave-up":
        found.violated(rule, "never-gives-up", place=one.at(last), expected="gave-up", seen=one.final, derivation=tries)
    elif not (one.last and one.last.messages):
        found.violated(rule, "gave-up-silently", place=one.at(last), seen=one.final, derivation=tries)
    else:
        found.held(rule, "gave-up")


def not_repeated(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-005: a submission that was refused for good is not sent again unchanged.

    ``error``: only a refusal with this error counts; ``recovers``: another way out may be found; ``class``: the class
    it shows, ``status-NNN`` where none is named.
    """
    rule = "PL2-GN-005"
    wanted = params.get("error")
    final = next(
        (call for call in one.submits if call.status in (400, 403, 409, 422) and (not wanted or call.error == wanted)),
        None,
    )
    if final is None:
        # what was refused before it was sent is not sent again either: other exchanges show this requirement
        if one.submits or not any("WINDOW_CLOSED" in act.reasons for act in one.acts):
            found.blocked(rule, "not-exercised", place=one.at())
        return
    again = [call for call in one.submits if call.number > final.number and call.content == final.content]
    if params.get("recovers", False):
        # the same bytes as another record, version or event are no repetition: PL2-SD-003 says what they are
        again = [call for call in again if _envelope(call) == _envelope(final)]
    if again:
        found.violated(
            rule,
            "repeated",
            place=one.at(again[0]),
            expected=1,
            seen=1 + len(again),
            status=final.status,
            derivation=near("same-again", number=again[0].number, wait=seconds(again[0].at - final.at)),
        )
    elif one.final in ("delivered", "receipted") and not params.get("recovers", False):
        found.violated(
            rule, "false-success", place=one.at(final), expected="refused", seen=one.final, status=final.status
        )
    else:
        found.held(rule, str(params.get("class", f"status-{final.status}")))


def _answer(call: Call) -> str:
    """The status that the software saw: none where the connection broke, or the answer was held back on purpose."""
    return "–" if call.fault and call.kind in ("reset", "refuse", "delay") else str(call.status)


def _envelope(call: Call) -> tuple[str, int | None, str]:
    return call.record, call.version, call.event


def _grow(waits: Sequence[float]) -> bool:
    """Whether the later half of the waits is clearly longer: random parts of a wait, and one slow moment, even out."""
    half = len(waits) // 2
    first, later = statistics.median(waits[:half]), statistics.median(waits[-half:])
    # what takes milliseconds is no wait, and differs by chance
    return later >= max(1.3 * first, first + SLACK / 2)


def _waits(calls: Sequence[Call]) -> list[float]:
    return [later.at - earlier.done for earlier, later in itertools.pairwise(calls)]
