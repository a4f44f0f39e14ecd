"""Rules over recorded exchanges (appendix2.md §2): the registry, and the names that others need.

Pure functions over a recorded exchange. An exchange file names the rules that apply to it with their parameters
(:data:`RULES`); nothing here knows a fault or opens a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.checks import (
    exchange_access,
    exchange_batches,
    exchange_delivery,
    exchange_imports,
    exchange_lists,
    exchange_retries,
    exchange_versions,
)
from conformance.checks.exchange_record import (
    SENDING,
    Act,
    Call,
    Exchange,
    Issued,
    Item,
    Paper,
    Rule,
    Sample,
    Stored,
)
from conformance.finding import Recorder

RULES: dict[str, Rule] = {
    "bearer": exchange_access.bearer,
    "token-renewed": exchange_access.token_renewed,
    "token-stops": exchange_access.token_stops,
    "not-followed": exchange_access.not_followed,
    "certificate-checked": exchange_access.certificate_checked,
    "bytes-issued": exchange_delivery.bytes_issued,
    "envelope": exchange_delivery.envelope,
    "same-again": exchange_delivery.same_again,
    "one-record": exchange_delivery.one_record,
    "delivered-only": exchange_delivery.delivered_only,
    "refusal-shown": exchange_delivery.refusal_shown,
    "no-false-success": exchange_delivery.no_false_success,
    "tolerates": exchange_delivery.tolerates,
    "window-shown": exchange_delivery.window_shown,
    "survives": exchange_delivery.survives,
    "backs-off": exchange_retries.backs_off,
    "asks-later": exchange_retries.asks_later,
    "gives-up": exchange_retries.gives_up,
    "not-repeated": exchange_retries.not_repeated,
    "batched": exchange_batches.batched,
    "amended": exchange_versions.amended,
    "revoked": exchange_versions.revoked,
    "resolved": exchange_versions.resolved,
    "waits-for-outcome": exchange_versions.waits_for_outcome,
    "import-verified": exchange_imports.import_verified,
    "imported-equal": exchange_imports.imported_equal,
    "authorisation-refused": exchange_imports.authorisation_refused,
    "retrieval-repeated": exchange_imports.retrieval_repeated,
    "refreshed": exchange_lists.refreshed,
}
"""Rule name in exchange files → what judges it."""


def check(exchange: Exchange, rule: str, params: Mapping[str, Any], found: Recorder) -> None:
    """Apply one named rule.

    Raises:
        KeyError: no rule of that name (a mistake in the exchange file; ``hocba pack lint`` finds it).
    """
    RULES[rule](exchange, params, found)


__all__ = [
    "RULES",
    "SENDING",
    "Act",
    "Call",
    "Exchange",
    "Issued",
    "Item",
    "Paper",
    "Rule",
    "Sample",
    "Stored",
    "check",
]
