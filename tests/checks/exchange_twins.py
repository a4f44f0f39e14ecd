"""Hand-made exchanges for twins: calls in order, what the operator was shown, what a rule says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.checks.exchange import Call, Exchange, Sample, check
from conformance.finding import Recorder

DOCUMENT = "d0" * 32
OTHER = "0d" * 32
RECORD = "3f2b8c1e-5d4a-4b6f-9c7d-0a1b2c3d4e5f"
LEARNER = "9900000001"
RECEIPT = "r-1"

TOKEN = Call(0, 0.0, "token", 200)
SUBMIT = Call(
    0, 0.0, "submit", 202, committed=True, record=RECORD, version=1, event="new", content=DOCUMENT, receipt=RECEIPT
)
LOST = replace(SUBMIT, status=0, fault=True, receipt="")
"""Committed, the answer lost."""
DOWN = replace(SUBMIT, status=503, fault=True, committed=False, receipt="")
POLL = Call(0, 0.0, "status", 200, receipt=RECEIPT, answered="received")
ACCEPTED = replace(POLL, answered="accepted")
REFUSED = replace(POLL, answered="refused")
BROKEN = replace(SUBMIT, fault=True, receipt="")
"""202 with a body that cannot be read."""


def exchange(
    calls: Iterable[Call],
    shown: Iterable[str | Sample] = ("sent", "receipted", "delivered"),
    *,
    times: Iterable[float] = (),
    receipts: tuple[str, ...] = (RECEIPT,),
    **more: Any,
) -> Exchange:
    """Calls numbered from 1, at ``times`` or a second apart; the operator's view is read after the last of them."""
    moments = list(times)
    numbered = tuple(
        replace(call, number=place, at=moments[place - 1] if place <= len(moments) else float(place))
        for place, call in enumerate(calls, 1)
    )
    samples = tuple(
        replace(one, upto=one.upto or len(numbered)) if isinstance(one, Sample) else Sample(len(numbered), one)
        for one in shown
    )
    return Exchange(
        **{
            "id": "twin",
            "calls": numbered,
            "samples": samples,
            "learner": LEARNER,
            "document": DOCUMENT,
            "record": RECORD,
            "version": 1,
            "receipts": receipts,
            "ended": "final",
            **more,
        }
    )


def told(state: str, *messages: str) -> Sample:
    return Sample(0, state, messages=messages)


def refusals(*codes: str, learner: str = LEARNER, field: str = "/subjects/0/year") -> Sample:
    return Sample(
        0,
        "refused",
        refusals=tuple({"code": code, "learner": learner, "field": field, "message": "…"} for code in codes),
    )


SMOOTH = (TOKEN, SUBMIT, POLL, ACCEPTED)
Row = tuple[str, Mapping[str, Any], Exchange]


def judged(row: Row) -> Recorder:
    rule, params, one = row
    found = Recorder()
    check(one, rule, params, found)
    return found
