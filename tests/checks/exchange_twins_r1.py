"""Twins of the first revision's rules (XT-001, XT-002, GN): right, wrong, not exercised."""

from __future__ import annotations

from dataclasses import replace

from conformance.checks.exchange import Call, Item, Sample
from tests.checks.exchange_twins import (
    ACCEPTED,
    BROKEN,
    DOWN,
    LOST,
    OTHER,
    POLL,
    RECEIPT,
    RECORD,
    REFUSED,
    SMOOTH,
    SUBMIT,
    TOKEN,
    Row,
    exchange,
    refusals,
    told,
)

ASKED_LATER = replace(POLL, status=429, fault=True, receipt="", answered="", retry_after=3.0, about=RECEIPT)
AGAIN = replace(ACCEPTED, about=RECEIPT)


def listing(state: str, record: str = RECORD, version: int = 1) -> Call:
    return Call(
        0, 0.0, "list", 200, listed=(Item("other", 1, answered="accepted"), Item(record, version, answered=state))
    )


HOLDS: dict[tuple[str, str], list[Row]] = {
    ("PL2-XT-001", "checked"): [("bearer", {}, exchange(SMOOTH))],
    ("PL2-XT-002", "renewed"): [
        # a client that gives its credentials only when it is asked for them
        (
            "token-renewed",
            {},
            exchange([TOKEN, replace(DOWN, status=401), replace(TOKEN, status=401), TOKEN, SUBMIT, ACCEPTED]),
        ),
        ("token-renewed", {}, exchange([TOKEN, replace(DOWN, status=401), TOKEN, SUBMIT, ACCEPTED])),
        ("token-renewed", {}, exchange([TOKEN, SUBMIT, replace(POLL, status=401, fault=True), TOKEN, ACCEPTED])),
        # a token for every call is wasteful, and no second renewal of the refused one
        (
            "token-renewed",
            {},
            exchange([TOKEN, replace(DOWN, status=401), TOKEN, SUBMIT, TOKEN, POLL, TOKEN, ACCEPTED]),
        ),
    ],
    ("PL2-XT-002", "stopped"): [
        ("token-stops", {}, exchange([replace(TOKEN, status=401)] * 3, [told("gave-up", "sai mật khẩu")])),
        # told once is told, even when the message is gone in the end
        ("token-stops", {}, exchange([replace(TOKEN, status=401)], [told("sent", "sai mật khẩu"), told("gave-up")])),
    ],
    ("PL2-GN-001", "checked"): [
        ("bytes-issued", {}, exchange(SMOOTH)),
        # one body among several that could not be read
        ("bytes-issued", {}, exchange([replace(DOWN, content=""), SUBMIT, ACCEPTED])),
    ],
    ("PL2-GN-002", "checked"): [
        ("envelope", {}, exchange(SMOOTH)),
        ("envelope", {}, exchange([replace(SUBMIT, version=2, event="update"), ACCEPTED], version=2)),
    ],
    ("PL2-GN-003", "reset"): [("same-again", {"class": "reset"}, exchange([LOST, SUBMIT, ACCEPTED]))],
    ("PL2-GN-003", "timeout"): [
        ("same-again", {"class": "timeout"}, exchange([LOST, SUBMIT, ACCEPTED], [Sample(0, "delivered", RECEIPT)]))
    ],
    ("PL2-GN-004", "unavailable"): [
        ("backs-off", {"class": "unavailable"}, exchange([DOWN, DOWN, SUBMIT, ACCEPTED], times=[0, 2, 6, 7]))
    ],
    ("PL2-GN-004", "reset"): [
        ("backs-off", {"class": "reset"}, exchange([replace(DOWN, status=0), SUBMIT, ACCEPTED], times=[0, 2, 3]))
    ],
    ("PL2-GN-004", "timeout"): [
        ("backs-off", {"class": "timeout"}, exchange([replace(DOWN, status=0), SUBMIT, ACCEPTED], times=[0, 9, 10]))
    ],
    ("PL2-GN-004", "retry-after"): [
        ("backs-off", {"class": "retry-after"}, exchange([replace(DOWN, retry_after=3.0), SUBMIT], times=[0, 2.95])),
        ("asks-later", {"class": "retry-after"}, exchange([SUBMIT, ASKED_LATER, AGAIN], times=[0, 1, 4])),
        # another receipt may be asked about meanwhile
        (
            "asks-later",
            {"class": "retry-after"},
            exchange([SUBMIT, ASKED_LATER, replace(POLL, about="r-2"), AGAIN], times=[0, 1, 2, 4]),
        ),
    ],
    ("PL2-GN-004", "retry-after-date"): [
        (
            "backs-off",
            {"class": "retry-after-date"},
            exchange([replace(DOWN, retry_after=5.0, retry_date=True), SUBMIT], times=[0, 4.2]),
        )
    ],
    ("PL2-GN-004", "growing"): [
        (
            "backs-off",
            {"class": "growing", "ends": "gave-up"},
            exchange([DOWN] * 5, [told("gave-up", "…")], times=[0, 1, 3, 7, 15]),
        ),
        (
            "backs-off",
            {"class": "growing", "ends": "gave-up"},
            exchange([DOWN] * 3, [told("gave-up", "…")], times=[0, 1, 3]),
        ),
        # the cap of the waits may be reached, growing once is enough
        (
            "backs-off",
            {"class": "growing", "ends": "gave-up"},
            exchange([DOWN] * 5, [told("gave-up", "…")], times=[0, 1, 3, 5, 7]),
        ),
    ],
    ("PL2-GN-004", "gave-up"): [("gives-up", {}, exchange([DOWN] * 5, [told("gave-up", "dịch vụ không trả lời")]))],
    **{
        ("PL2-GN-005", f"status-{status}"): [
            ("not-repeated", {}, exchange([replace(DOWN, status=status)], ["sent", "refused"])),
            # sent again with other bytes: corrected, not repeated
            (
                "not-repeated",
                {},
                exchange([replace(DOWN, status=status), replace(DOWN, status=status, content=OTHER)], ["refused"]),
            ),
        ]
        for status in (400, 403, 409, 422)
    },
    ("PL2-GN-006", "delivered"): [
        ("delivered-only", {}, exchange(SMOOTH)),
        # the outcome is read in the list of records
        ("delivered-only", {}, exchange([TOKEN, SUBMIT, listing("received"), listing("accepted")])),
    ],
    ("PL2-GN-006", "several-polls"): [
        ("delivered-only", {"class": "several-polls"}, exchange([SUBMIT, POLL, POLL, POLL, ACCEPTED]))
    ],
    ("PL2-GN-006", "refused"): [
        ("delivered-only", {"class": "refused", "ends": "refused"}, exchange([SUBMIT, REFUSED], [refusals("A")])),
        ("delivered-only", {}, exchange([SUBMIT, REFUSED], [refusals("A")])),
    ],
    ("PL2-GN-007", "one"): [
        ("refusal-shown", {"codes": ["A"], "class": "one"}, exchange([SUBMIT, REFUSED], [refusals("A")])),
        # in the software's own words, or in the service's
        *(
            (
                "refusal-shown",
                {"codes": ["A"], "texts": ["Điểm sai"], "class": "one"},
                exchange([SUBMIT, REFUSED], [replace(refusals("A"), messages=(words,))]),
            )
            for words in ("Một lỗi?", "Bộ: Điểm sai")
        ),
        # at the door, without findings: told in words
        *(
            ("refusal-shown", {"told": True, "class": "one"}, exchange([replace(DOWN, status=400)], [shown]))
            for shown in (refusals("HTTP 400"), told("gave-up", "HTTP 400"), told("refused", "HTTP 400"))
        ),
    ],
    ("PL2-GN-007", "many"): [
        (
            "refusal-shown",
            {"codes": ["A", "B", "B"], "class": "many"},
            exchange([SUBMIT, REFUSED], [refusals("B", "A", "B", "C")]),
        )
    ],
    ("PL2-GN-009", "truncated"): [
        (
            "no-false-success",
            {"class": "truncated"},
            exchange([BROKEN, SUBMIT, ACCEPTED], [Sample(1, "sent"), "delivered"]),
        )
    ],
    ("PL2-GN-009", "garbage"): [
        (
            "no-false-success",
            {"class": "garbage"},
            exchange([replace(BROKEN, committed=False), SUBMIT, ACCEPTED], ["delivered"]),
        )
    ],
    ("PL2-GN-009", "garbage-status"): [
        (
            "no-false-success",
            {"class": "garbage-status"},
            exchange(
                [SUBMIT, replace(POLL, fault=True, receipt="", answered=""), ACCEPTED],
                [Sample(2, "receipted"), "delivered"],
            ),
        )
    ],
}

FAILS: dict[str, list[Row]] = {
    "PL2-XT-001.token-in-url": [
        ("bearer", {}, exchange([TOKEN, SUBMIT, replace(POLL, secret_in_url=True), ACCEPTED])),
        ("bearer", {}, exchange([replace(TOKEN, secret_in_url=True), SUBMIT, ACCEPTED])),
    ],
    "PL2-XT-001.no-bearer": [("bearer", {}, exchange([TOKEN, replace(SUBMIT, bearer=False, status=401), SUBMIT]))],
    "PL2-XT-002.not-renewed": [
        ("token-renewed", {}, exchange([TOKEN, replace(DOWN, status=401), SUBMIT, ACCEPTED])),
        ("token-renewed", {}, exchange([replace(DOWN, status=401), SUBMIT, ACCEPTED])),
    ],
    "PL2-XT-002.stopped": [
        ("token-renewed", {}, exchange([TOKEN, replace(DOWN, status=401), TOKEN], ["gave-up"])),
        ("token-renewed", {}, exchange([TOKEN, replace(DOWN, status=401), TOKEN, SUBMIT], ["gave-up"])),
        # the repeated call itself was never answered
        ("token-renewed", {}, exchange([TOKEN, replace(DOWN, status=401), TOKEN, replace(SUBMIT, status=0)])),
    ],
    "PL2-XT-002.hammers": [
        ("token-renewed", {}, exchange([TOKEN, replace(DOWN, status=401), TOKEN, TOKEN, SUBMIT, ACCEPTED])),
        ("token-stops", {}, exchange([replace(TOKEN, status=401)] * 4, [told("gave-up", "…")])),
        # the refused token over and over, with and without asking for another one
        ("token-stops", {}, exchange([TOKEN, *[replace(DOWN, status=401)] * 4], [told("gave-up", "…")])),
        ("token-stops", {}, exchange([replace(DOWN, status=401)] * 4, [told("gave-up", "…")])),
    ],
    "PL2-XT-002.operator-not-told": [("token-stops", {}, exchange([replace(TOKEN, status=401)], ["gave-up"]))],
    "PL2-GN-001.never-sent": [("bytes-issued", {}, exchange([TOKEN], ["queued"]))],
    "PL2-GN-001.other-bytes": [
        ("bytes-issued", {}, exchange([replace(SUBMIT, content=OTHER), ACCEPTED])),
        ("bytes-issued", {}, exchange([LOST, replace(SUBMIT, content=OTHER), ACCEPTED])),
        # nothing readable ever came
        ("bytes-issued", {}, exchange([replace(DOWN, status=400, content="")], ["refused"])),
    ],
    "PL2-GN-002.record-differs": [("envelope", {}, exchange([replace(SUBMIT, record="X"), ACCEPTED]))],
    "PL2-GN-002.version-differs": [
        ("envelope", {}, exchange([replace(SUBMIT, version=2), ACCEPTED])),
        ("envelope", {}, exchange([replace(SUBMIT, version=None), ACCEPTED])),
    ],
    "PL2-GN-002.event-differs": [
        ("envelope", {}, exchange([replace(SUBMIT, event="update"), ACCEPTED])),
        ("envelope", {}, exchange([replace(SUBMIT, version=2, event="new"), ACCEPTED], version=2)),
    ],
    "PL2-GN-003.not-repeated": [("same-again", {}, exchange([LOST], ["sent"]))],
    "PL2-GN-003.new-identifier": [("same-again", {}, exchange([LOST, replace(SUBMIT, record="X"), ACCEPTED]))],
    "PL2-GN-003.new-version": [("same-again", {}, exchange([LOST, replace(SUBMIT, version=2), ACCEPTED]))],
    "PL2-GN-003.other-bytes": [("same-again", {}, exchange([LOST, replace(SUBMIT, content=OTHER), ACCEPTED]))],
    "PL2-GN-003.wrong-receipt": [
        ("same-again", {}, exchange([LOST, SUBMIT, ACCEPTED], [Sample(0, "delivered", "made-up")]))
    ],
    "PL2-GN-003.doubled": [("same-again", {}, exchange([LOST, SUBMIT, ACCEPTED], receipts=(RECEIPT, "r-2")))],
    "PL2-GN-004.no-retry": [
        ("backs-off", {}, exchange([DOWN], ["gave-up"])),
        ("asks-later", {}, exchange([SUBMIT, ASKED_LATER], ["receipted"])),
    ],
    "PL2-GN-004.before-retry-after": [
        ("backs-off", {}, exchange([replace(DOWN, retry_after=3.0), SUBMIT, ACCEPTED], times=[0, 2.5, 3])),
        (
            "backs-off",
            {},
            exchange([replace(DOWN, retry_after=5.0, retry_date=True), SUBMIT, ACCEPTED], times=[0, 3.5, 4]),
        ),
        ("asks-later", {}, exchange([SUBMIT, ASKED_LATER, AGAIN, AGAIN], times=[0, 1, 1.1, 1.2])),
    ],
    "PL2-GN-004.gave-up-early": [
        ("backs-off", {}, exchange([DOWN, DOWN], ["gave-up"])),
        (
            "asks-later",
            {},
            exchange([SUBMIT, ASKED_LATER, replace(AGAIN, answered="received")], ["gave-up"], times=[0, 1, 5]),
        ),
    ],
    "PL2-GN-004.waits-do-not-grow": [
        (
            "backs-off",
            {"ends": "gave-up"},
            exchange([DOWN] * 4, [told("gave-up", "…")], times=[0, 2, 4, 6]),
        ),
        # milliseconds that differ by chance are no waits
        (
            "backs-off",
            {"ends": "gave-up"},
            exchange([DOWN] * 5, [told("gave-up", "…")], times=[0, 0.004, 0.009, 0.018, 0.03]),
        ),
    ],
    "PL2-GN-004.never-gives-up": [("gives-up", {}, exchange([DOWN] * 9, ["sent"], ended="limit"))],
    "PL2-GN-004.gave-up-silently": [("gives-up", {}, exchange([DOWN] * 5, ["gave-up"]))],
    "PL2-GN-004.false-success": [
        ("gives-up", {}, exchange([DOWN] * 5, ["delivered"])),
        ("gives-up", {}, exchange([DOWN] * 5, ["receipted"])),
    ],
    "PL2-GN-005.repeated": [
        ("not-repeated", {}, exchange([replace(DOWN, status=409), replace(DOWN, status=409)], ["refused"])),
    ],
    "PL2-GN-005.false-success": [("not-repeated", {}, exchange([replace(DOWN, status=422)], ["receipted"]))],
    "PL2-GN-006.delivered-too-early": [
        ("delivered-only", {}, exchange(SMOOTH, [Sample(3, "delivered"), "delivered"])),
        ("delivered-only", {}, exchange([SUBMIT, POLL], ["delivered"])),
        ("delivered-only", {}, exchange([SUBMIT], ["delivered"])),
        # what a list says of another record
        ("delivered-only", {}, exchange([SUBMIT, listing("accepted", record="X")], ["delivered"])),
        ("delivered-only", {}, exchange([SUBMIT, listing("accepted", version=2)], ["delivered"])),
        ("delivered-only", {"ends": "refused"}, exchange([SUBMIT, REFUSED], ["delivered"])),
    ],
    "PL2-GN-006.never-asks": [("delivered-only", {}, exchange([SUBMIT], ["receipted"], ended="limit"))],
    "PL2-GN-006.outcome-missed": [
        ("delivered-only", {}, exchange(SMOOTH, ["receipted"], ended="limit")),
        ("delivered-only", {}, exchange([SUBMIT, POLL], ["receipted"], ended="limit")),
        ("delivered-only", {"ends": "refused"}, exchange([SUBMIT, REFUSED], ["gave-up"])),
    ],
    "PL2-GN-007.not-shown-as-refused": [
        ("refusal-shown", {"codes": ["A"]}, exchange([SUBMIT, REFUSED], [replace(refusals("A"), state="gave-up")])),
        *(
            ("refusal-shown", {"told": True}, exchange([replace(DOWN, status=400)], [shown]))
            for shown in (told("queued", "HTTP 400"), "gave-up", "queued")
        ),
    ],
    "PL2-GN-007.findings-lost": [
        ("refusal-shown", {"codes": ["A", "B"]}, exchange([SUBMIT, REFUSED], [refusals("A")])),
        ("refusal-shown", {"codes": ["A", "A"]}, exchange([SUBMIT, REFUSED], [refusals("A")])),
        ("refusal-shown", {"codes": ["A"]}, exchange([SUBMIT, REFUSED], ["refused"])),
    ],
    "PL2-GN-007.not-tied-to-learner": [
        ("refusal-shown", {"codes": ["A"]}, exchange([SUBMIT, REFUSED], [refusals("A", learner="9900000002")])),
        ("refusal-shown", {"codes": ["A"]}, exchange([SUBMIT, REFUSED], [refusals("A", learner="")])),
    ],
    "PL2-GN-007.not-tied-to-field": [
        ("refusal-shown", {"codes": ["A"]}, exchange([SUBMIT, REFUSED], [refusals("A", field="")]))
    ],
    "PL2-GN-007.garbled": [
        (
            "refusal-shown",
            {"codes": ["A"], "texts": ["Điểm sai"]},
            exchange([SUBMIT, REFUSED], [replace(refusals("A"), messages=(f"1 lỗi: {shown}",))]),
        )
        for shown in ("Điểm sai".encode().decode("latin-1"), "??i???m sai")
    ],
    "PL2-GN-009.taken-as-success": [
        ("no-false-success", {}, exchange([BROKEN, SUBMIT, ACCEPTED], [Sample(1, "receipted"), "delivered"])),
        ("no-false-success", {}, exchange([BROKEN], ["delivered"])),
    ],
    "PL2-GN-009.not-recovered": [("no-false-success", {}, exchange([BROKEN], ["sent"], ended="limit"))],
}

LATE = replace(SUBMIT, fault=True, kind="delay")
"""The answer came, later than the software says that it waits."""

BLOCKED: dict[str, list[Row]] = {
    "PL2-GN-003.more-patient": [("same-again", {}, exchange([LATE, replace(ACCEPTED, about=RECEIPT)]))],
    "PL2-GN-004.more-patient": [("backs-off", {}, exchange([LATE, replace(ACCEPTED, about=RECEIPT)]))],
    "PL2-XT-001.no-calls": [("bearer", {}, exchange([TOKEN, Call(0, 0.0, "health", 200)]))],
    "PL2-XT-002.not-exercised": [("token-renewed", {}, exchange(SMOOTH)), ("token-stops", {}, exchange([SUBMIT]))],
    "PL2-GN-002.no-calls": [("envelope", {}, exchange([TOKEN]))],
    "PL2-GN-002.unreadable": [("envelope", {}, exchange(SMOOTH, record="", version=None))],
    "PL2-GN-003.not-exercised": [("same-again", {}, exchange(SMOOTH)), ("same-again", {}, exchange([DOWN, SUBMIT]))],
    "PL2-GN-004.not-exercised": [
        ("backs-off", {}, exchange(SMOOTH)),
        ("gives-up", {}, exchange(SMOOTH)),
        ("asks-later", {}, exchange(SMOOTH)),
        # one wait, or two alike, show no growth
        *(
            (
                "backs-off",
                {"class": "growing", "ends": "gave-up"},
                exchange([DOWN] * tries, [told("gave-up", "…")], times=[0, 2, 4]),
            )
            for tries in (2, 3)
        ),
    ],
    "PL2-GN-005.not-exercised": [("not-repeated", {}, exchange(SMOOTH))],
    "PL2-GN-006.no-receipt": [("delivered-only", {}, exchange([DOWN, DOWN], ["gave-up"]))],
    "PL2-GN-007.no-calls": [
        ("refusal-shown", {"codes": ["A"]}, exchange([TOKEN], ["gave-up"])),
        ("refusal-shown", {"codes": ["A"]}, exchange(SMOOTH, [])),
    ],
    "PL2-GN-009.not-exercised": [
        ("no-false-success", {}, exchange(SMOOTH)),
        # a reset is no answer at all, so nothing that could be mistaken for a success
        ("no-false-success", {}, exchange([LOST, SUBMIT, ACCEPTED])),
    ],
}
