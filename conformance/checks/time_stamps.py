"""KY-015: time-stamps, if present, verify and agree with the signature; what sound ones prove is handed on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from conformance.checks.certificates import embedded_of
from conformance.checks.context import Context
from conformance.checks.signers import Ledger
from conformance.signature.stamps import Stamp, time_stamps
from conformance.signature.verify import DocumentSignatures, Signature

RULE = "PL1-KY-015"
_IMPRINTS = ("imprint", "imprint-other-form", "imprint-octets")


def check_stamps(facts: DocumentSignatures, context: Context, ledger: Ledger) -> Mapping[Signature, datetime]:
    """Judge the time-stamps; returns by when each signature with a sound one existed (the earliest counts)."""
    until = context.received_at or context.judged_at
    proven: dict[Signature, datetime] = {}
    told: dict[str, list[tuple[Signature, Stamp, str]]] = {}
    judged = 0
    for one in facts.signatures:
        for stamp in time_stamps(one.parsed, context.pack, context.trust, embedded_of(one), until):
            judged += 1
            problem, seen = (stamp.problem, stamp.seen) if stamp.problem else _times(one, stamp, context)
            if problem:
                told.setdefault(problem, []).append((one, stamp, seen))
            elif stamp.latest is not None:
                proven[one] = min(stamp.latest, proven.get(one, stamp.latest))
    for problem, those in told.items():
        _tell(problem, those, ledger)
    if judged and RULE not in ledger.seen:
        ledger.found.held(RULE)
    return proven


def _tell(problem: str, those: list[tuple[Signature, Stamp, str]], ledger: Ledger) -> None:
    one, stamp, seen = those[0]
    who = ledger.binding.find(one).who
    if problem == "no-trust-store":
        ledger.blocked(RULE, problem, stamp.node, who=who)
        return
    # the imprint is of a value that was changed since: told there
    broken = ledger.codes.get(one, "") if problem in _IMPRINTS and not one.value_good else ""
    ledger.against(
        RULE, problem, stamp.node, signature=one, seen=seen, authority=stamp.authority or "?", count=len(those),
        consequence_of=broken,
    )  # fmt: skip


def _times(one: Signature, stamp: Stamp, context: Context) -> tuple[str, str]:
    """How a verified time-stamp disagrees with the signature; empty: it does not."""
    assert stamp.moment is not None
    assert stamp.latest is not None
    limit, zone = context.pack.tolerance, context.judged_at.tzinfo
    seen = stamp.moment.astimezone(zone).isoformat(timespec="seconds")
    if stamp.moment > (context.received_at or context.judged_at) + limit:
        return "after-receipt", seen
    if one.time is not None and stamp.latest + limit < one.time.moment:
        return "before-signing", seen
    if one.leaf is not None and stamp.moment > one.leaf.not_after:
        return "after-certificate", seen
    return "", ""
