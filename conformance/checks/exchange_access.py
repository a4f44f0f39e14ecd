"""XT: how the software reaches the service: token, certificate, redirects (appendix2.md §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.checks.exchange_record import Call, Exchange, near, seconds
from conformance.finding import Recorder


def bearer(one: Exchange, _params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-001: the token goes in the Authorization header, and nowhere else."""
    asked = [call for call in one.calls if call.operation not in ("", "token", "health")]
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
    """PL2-XT-002: after a refused token, one new token, then the work goes on.

    Counted are the tokens between the refusal and the call that then succeeds: software that asks for a token before
    every call is wasteful, but renews each refused one once, and no clause forbids it.
    """
    rule = "PL2-XT-002"
    refused = next((call for call in one.calls if call.status == 401 and call.operation != "token"), None)
    if refused is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    later = [call for call in one.calls if call.number > refused.number]
    tokens = [call for call in later if call.operation == "token"]
    again = [call for call in later if call.operation == refused.operation and call.well]
    if not tokens:
        nearest = [call for call in one.calls if call.operation == "token"]
        why = near("token-before", number=nearest[-1].number, refused=refused.number) if nearest else near("no-token")
        found.violated(rule, "not-renewed", place=one.at(refused), expected="1", seen=len(tokens), derivation=why)
    elif not again or one.final != "delivered":
        why = (
            near("not-resumed", number=tokens[-1].number, operation=refused.operation)
            if not again
            else near("resumed", number=again[-1].number, operation=refused.operation, seen=one.final)
        )
        found.violated(rule, "stopped", place=one.at(refused), expected="delivered", seen=one.final, derivation=why)
    elif len(got := _renewals(tokens, again[0])) > int(params.get("tokens", 1)):
        found.violated(
            rule,
            "hammers",
            place=one.at(got[-1]),
            expected=params.get("tokens", 1),
            seen=len(got),
            derivation=near("tokens", wait=seconds(got[-1].at - got[0].at), number=got[-1].number),
        )
    else:
        found.held(rule, str(params.get("class", "renewed")))


def _renewals(tokens: Sequence[Call], resumed: Call) -> list[Call]:
    """The tokens that were got before work went on; clients may first ask without their credentials, and be refused."""
    return [call for call in tokens if call.well and call.number < resumed.number]


def token_stops(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-002: bad credentials stop the software, and the operator is told."""
    rule = "PL2-XT-002"
    tokens = [call for call in one.calls if call.operation == "token"]
    # a token that was refused is no better at the next call
    refused = [call for call in one.calls if call.status == 401 and call.operation != "token"]
    limit = int(params.get("tokens", 3))
    many = max(tokens, refused, key=len)
    if len(many) > limit:
        found.violated(
            rule,
            "hammers",
            place=one.at(many[limit]),
            expected=limit,
            seen=len(many),
            derivation=near("tokens", wait=seconds(many[-1].at - many[0].at), number=many[-1].number),
        )
    elif not tokens:
        found.blocked(rule, "not-exercised", place=one.at())
    elif not one.told:
        found.violated(rule, "operator-not-told", place=one.at(tokens[-1]), seen=one.final)
    else:
        found.held(rule, "stopped")


def not_followed(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-004: a redirect to another origin takes neither token nor data with it."""
    rule = "PL2-XT-004"
    sent = next((call for call in one.calls if call.kind == "redirect"), None)
    if sent is None:
        found.blocked(rule, "not-exercised", place=one.at())
        return
    # of a connection without a Host nobody knows where it was meant to go
    followed = [
        call
        for call in one.calls
        if call.number > sent.number and one.origin and call.origin and not _same_origin(call.origin, one.origin)
    ]
    token = next((call for call in followed if call.bearer), None)
    data = next((call for call in followed if call.content or call.items), None)
    if token:
        found.violated(rule, "token-sent", place=one.at(token), expected=one.origin, seen=token.origin)
    elif data:
        found.violated(rule, "data-sent", place=one.at(data), expected=one.origin, seen=data.origin)
    else:
        # asking the other place without token or data gives nothing away
        found.held(rule, str(params.get("class", "not-followed")))


def certificate_checked(one: Exchange, params: Mapping[str, Any], found: Recorder) -> None:
    """PL2-XT-003: nothing is said over a connection whose certificate is not to be trusted.

    ``class``: how the certificate is bad; ``trusted``: the sound twin, over which the software must talk.
    """
    rule, bad = "PL2-XT-003", str(params["class"])
    talked = [call for call in one.calls if call.operation]
    if bad == "trusted":
        if any(call.tls == "good" and call.well for call in talked) and one.final == "delivered":
            found.held(rule, bad)
        elif talked:
            found.blocked(rule, "not-exercised", place=one.at())
        else:
            found.violated(rule, "trusted-refused", place=one.at(), expected="delivered", seen=one.final)
        return
    over = [call for call in talked if call.tls == bad]
    if not any(call.kind == "tls" and not call.operation for call in one.calls):
        found.blocked(rule, "not-exercised", place=one.at())
    elif over:
        first = over[0]
        found.violated(
            rule,
            "accepted",
            place=one.at(first),
            seen=first.operation,
            what=bad,
            derivation=near("talked", number=first.number, operation=first.operation, count=len(over)),
        )
    else:
        found.held(rule, bad)


def _same_origin(host: str, origin: str) -> bool:
    """Whether two spellings of host and port mean one: names in any case, the usual port given or left out."""
    first, second = (text.casefold().removesuffix(":80").removesuffix(":443") for text in (host, origin))
    return first == second
