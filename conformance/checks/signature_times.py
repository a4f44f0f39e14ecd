"""KY-012 … 014: the signed signing time, its zone, the order of the layers."""

from __future__ import annotations

from datetime import datetime

from conformance.checks.context import Context
from conformance.checks.signers import Ledger
from conformance.signature.verify import DocumentSignatures, Signature

_DANGLING = "PL1-KY-007.dangling"
_LONGEST = 60
"""Characters of a time that cannot be read that a finding shows."""


def check_times(facts: DocumentSignatures, context: Context, ledger: Ledger) -> None:
    """Judge the times. What was not hashed, or hashed and altered since, is no signed time."""
    judged = 0
    zoneless: list[Signature] = []
    trusted: list[Signature] = []
    for one in facts.signatures:
        if not one.parsed.references or any(each.own and each.good is False for each in one.references):
            continue  # PL1-KY-006, PL1-KY-007 have said what is wrong
        judged += 1
        if one.time is None:
            # a reference that finds nothing, or finds two, leaves the time unsigned
            code = ledger.codes.get(one, "")
            taken = one.time_problem == "unsigned" and bool(one.parsed.troubles)
            # … as does what was taken out with the time in it
            origin = code if taken or code == _DANGLING or code.startswith("PL1-KY-008") else ""
            place = one.node if one.time_node is None else one.time_node
            ledger.against(
                "PL1-KY-012", one.time_problem, place, signature=one, consequence_of=origin,
                seen=(place.text or "").strip()[:_LONGEST] if one.time_node is not None else "",
                expected=context.judged_at.isoformat(timespec="seconds") if one.time_problem == "unreadable" else "",
            )  # fmt: skip
            continue
        _one(one, context, ledger)
        trusted.append(one)
        if not one.time.zoned:
            zoneless.append(one)
    if judged and "PL1-KY-012" not in ledger.seen:
        ledger.found.held("PL1-KY-012")
    if zoneless and zoneless[0].time:
        seen = zoneless[0].time.raw
        ledger.against(
            "PL1-KY-013", "no-zone", zoneless[0].time.node, count=len(zoneless), seen=seen,
            expected=seen + context.pack.header.zone,
        )  # fmt: skip
    elif trusted:
        ledger.found.held("PL1-KY-013")
    _order(trusted, context, ledger)


def _one(one: Signature, context: Context, ledger: Ledger) -> None:
    assert one.time is not None
    rule, moment, node = "PL1-KY-012", one.time.moment, one.time.node
    limit = context.pack.tolerance
    zone = moment.tzinfo
    until = min(filter(None, (context.judged_at, context.received_at))) + limit
    here = datetime.fromisoformat(f"2000-01-01T00:00:00{context.pack.header.zone}").tzinfo
    if moment > until and one.time.raw.endswith("Z") and moment.replace(tzinfo=here) <= until:
        local = one.time.raw.removesuffix("Z") + context.pack.header.zone
        ledger.against(rule, "local-as-utc", node, signature=one, seen=one.time.raw, expected=local)
    elif moment > context.judged_at + limit:
        ledger.against(
            rule, "future", node, signature=one, seen=one.time.raw,
            expected=f"≤ {context.judged_at.astimezone(zone).isoformat(timespec='seconds')}",
        )  # fmt: skip
    elif context.received_at is not None and moment > context.received_at + limit:
        ledger.against(
            rule, "after-receipt", node, signature=one, seen=one.time.raw,
            expected=f"≤ {context.received_at.astimezone(zone).isoformat(timespec='seconds')}",
        )  # fmt: skip
    elif one.leaf is not None and moment < one.leaf.not_before:
        start = one.leaf.not_before.astimezone(zone).isoformat(timespec="seconds")
        ledger.against(rule, "before-validity", node, signature=one, seen=one.time.raw, expected=f"≥ {start}")
    elif one.leaf is not None and moment > one.leaf.not_after:
        end = one.leaf.not_after.astimezone(zone).isoformat(timespec="seconds")
        ledger.against(rule, "after-validity", node, signature=one, seen=one.time.raw, expected=f"≤ {end}")


def _order(trusted: list[Signature], context: Context, ledger: Ledger) -> None:
    """Claimed times in the order of the layers; the digests prove the order, clocks may differ."""
    layers = sorted({one.layer for one in trusted})
    if len(layers) < 2:
        return
    good = True
    latest: Signature | None = None
    for layer in layers:
        those = [one for one in trusted if one.layer == layer]
        for one in those:
            if latest is None or latest.time is None or one.time is None:
                continue
            if one.time.moment + context.pack.tolerance < latest.time.moment:
                good = False
                origin = ledger.codes.get(one, "") or ledger.codes.get(latest, "")
                ledger.against(
                    "PL1-KY-014", "out-of-order", one.time.node, signature=one, seen=one.time.raw,
                    expected=f"≥ {latest.time.raw}", before=ledger.binding.find(latest).who, consequence_of=origin,
                )  # fmt: skip
                break
        candidates = [each for each in (*those, *([latest] if latest else [])) if each.time]
        latest = max(candidates, key=lambda each: each.time.moment)  # type: ignore[union-attr]
    if good:
        ledger.found.held("PL1-KY-014")
