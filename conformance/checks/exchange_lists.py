"""DM: code lists (appendix2.md §2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.checks.exchange_record import Exchange, near, seconds
from conformance.finding import Recorder

REFRESHED = "PL2-DM-001"


def refreshed(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-DM-001: a list that is known already is asked for with its tag."""
    asked = [call for call in one.calls if call.operation == "code-lists"]
    known: dict[str, int] = {}
    again = 0
    for call in asked:
        if call.about in known:
            again += 1
            if call.conditional and call.status == 200 and not call.fault:
                # nothing changes here while an exchange is played: the tag was not the one that was given
                found.violated(
                    REFRESHED,
                    "tag-not-known",
                    place=one.at(call),
                    list=call.about,
                    derivation=near("known-since", number=call.number, first=known[call.about]),
                )
                return
            if not call.conditional:
                found.violated(
                    REFRESHED,
                    "unconditional",
                    place=one.at(call),
                    list=call.about,
                    derivation=near("known-since", number=call.number, first=known[call.about]),
                )
                return
        if call.status == 200 and not call.fault:
            known.setdefault(call.about, call.number)
    if again:
        found.held(REFRESHED, str(params.get("class", "refreshed")), count=again)
    else:
        found.blocked(REFRESHED, "not-exercised", place=one.at(), seen=seconds(one.watched))
