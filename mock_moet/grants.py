"""The rules of authorisations without I/O: one learner, one purpose, one receiver, one use, an end (appendix 2 §1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grant:
    """An authorisation as kept. Times are seconds since 1970; ``schools`` are those whose records it opens."""

    learner: str
    learner_code: str
    schools: frozenset[str]
    purpose: str
    """A key of the pack's purposes."""
    receiver: str
    """Code of the one school or unit that may use it."""
    until: float
    used_by: str = ""
    """Client that retrieved with it first."""
    used_at: float = 0.0


def refusal_to_retrieve(
    grant: Grant | None, *, client: str, schools: Collection[str], now: float, again: float, purpose: str | None = None
) -> str:
    """Why ``client`` may not retrieve with this authorisation: a key of the pack's errors; empty: it may.

    ``schools`` are the codes the client stands for; ``purpose`` the one it says it wants, if it says one. The client
    that used it first may repeat within ``again`` seconds, because its answer may have been lost.
    """
    if grant is None:
        return "authorisation-unknown"
    if grant.receiver not in schools:
        return "authorisation-foreign"
    if now >= grant.until:
        return "authorisation-expired"
    if purpose is not None and purpose != grant.purpose:
        return "authorisation-purpose"
    if grant.used_by and (grant.used_by != client or now - grant.used_at > again):
        return "authorisation-used"
    return ""


def refusal_to_ask(grant: Grant | None, *, client: str, schools: Collection[str], now: float) -> str:
    """Why ``client`` may not ask what is in force with this authorisation; empty: it may, as often as it likes."""
    if grant is None:
        return "authorisation-unknown"
    if grant.receiver not in schools:
        return "authorisation-foreign"
    if now >= grant.until:
        return "authorisation-expired"
    if grant.used_by and grant.used_by != client:
        return "authorisation-used"
    return ""
