"""GN-008: several transcripts at once (appendix2.md §1, §2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.checks.exchange_record import WHOLE, Call, Exchange, Paper, near, seconds
from conformance.finding import Message, Recorder

RULE = "PL2-GN-008"


def batched(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-GN-008: no batch over ``limit``; each item's own result is shown; only what was refused is sent again.

    ``refused``: names of the transcripts that the service refuses, at the door or later; ``class``: what this shows.
    """
    batches = [call for call in one.calls if call.operation == "submit-batch"]
    if not batches:
        found.blocked(RULE, "not-exercised", place=one.at())
        return
    limit = int(params.get("limit", 100))
    large = next((call for call in batches if len(call.items) > limit), None)
    if large is not None:
        found.violated(
            RULE,
            "too-many",
            place=one.at(large),
            expected=limit,
            seen=len(large.items),
            derivation=near("batches", sizes=", ".join(str(len(call.items)) for call in batches)),
        )
        return
    if _sent_again(one, found):
        return
    slow = next((call for call in batches if call.late), None)
    refused = {str(name) for name in params.get("refused", ())}
    lost = [paper for paper in one.papers if paper.final != ("refused" if paper.name in refused else "delivered")]
    if lost and slow is not None:
        # it never had a chance: our own answer took longer than it waits
        found.blocked(RULE, "not-played", place=one.at(slow), seen=f"{slow.took:.1f} s")
    elif lost:
        paper = lost[0]
        expected = "refused" if paper.name in refused else "delivered"
        found.violated(
            RULE,
            "item-lost",
            place=one.at(batches[0]),
            expected=expected,
            seen=paper.final,
            what=paper.learner,
            count=len(lost),
            derivation=_nearest(one, paper),
        )
    else:
        found.held(RULE, str(params["class"]), count=len(one.papers))


def _sent_again(one: Exchange, found: Recorder) -> bool:
    """Whether an item that got its receipt, or its refusal, was sent again as it was."""
    taken: dict[str, Call] = {}
    refused: dict[str, Call] = {}
    for call in one.submits:
        for before, cause in ((taken, "accepted-again"), (refused, "refused-again")):
            first = before.get(call.content)
            if first is not None and first.number != call.number:
                found.violated(
                    RULE,
                    cause,
                    place=one.at(call),
                    expected=1,
                    seen=2,
                    what=call.record,
                    derivation=near("same-again", number=call.number, wait=seconds(call.at - first.at)),
                )
                return True
        if call.late or not call.content or (call.fault and call.kind not in WHOLE):
            continue  # what came of it was not told, or too late
        if call.receipt:
            taken.setdefault(call.content, call)
        elif 400 <= call.status < 500 and call.status not in (401, 408, 429) and call.error != "being-checked":
            refused.setdefault(call.content, call)
    return False


def _nearest(one: Exchange, paper: Paper) -> tuple[Message, ...]:
    """The item nearest to what was expected: that transcript's own last submission."""
    mine = [call for call in one.submits if paper.issued and call.content == paper.issued[-1].digest]
    if not mine:
        return near("item-unsent", what=paper.learner)
    last = mine[-1]
    return near("item", number=last.number, status=last.status, answered=last.answered or last.error or "—")
