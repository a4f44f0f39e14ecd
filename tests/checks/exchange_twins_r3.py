"""Twins of the third revision's rules: redirects, certificates, batches, restarts, versions, imports, code lists."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

from conformance.checks.exchange import Act, Call, Exchange, Issued, Item, Paper, Sample, Stored
from tests.checks.exchange_twins import (
    ACCEPTED,
    DOCUMENT,
    DOWN,
    LEARNER,
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

ORIGIN, ELSEWHERE = "127.0.0.1:8115", "localhost:8115"
MOVED = replace(DOWN, status=307, kind="redirect", origin=ORIGIN)
CLOSED = replace(SUBMIT, status=403, committed=False, receipt="", error="window-closed")
SECOND = "5e" * 32
"""Digest of version 2."""
CONFLICT = replace(SUBMIT, status=409, committed=False, receipt="", error="version-taken")
FETCH = Call(0, 0.0, "fetch", 200, about=RECORD)
UNUSUAL = replace(SUBMIT, fault=True, kind="merge")
KINDS = {"edited": "BAD_DIGEST", "wrapped": "WRAPPED"}


def here(*calls: Call) -> list[Call]:
    return [replace(call, origin=call.origin or ORIGIN) for call in calls]


def redirected(*calls: Call, **more: Any) -> Exchange:
    return exchange(here(*calls), origin=ORIGIN, **more)


def shaken(variant: str) -> Call:
    """A connection that was shown a bad certificate."""
    return Call(0, 0.0, "", 0, fault=True, kind="tls", tls=variant)


def safe(call: Call) -> Call:
    return replace(call, tls="good")


# -- batches -----------------------------------------------------------------------------------------------------


def digest(number: int) -> str:
    return f"{number:064x}"


def item(number: int, **more: Any) -> Item:
    made = Item(f"rec-{number}", 1, "new", digest(number), 202, f"r-{number}", "received")
    return replace(made, **more)


def bad(number: int) -> Item:
    return item(number, status=409, receipt="", answered="", error="second-record")


def batch(*items: Item, **more: Any) -> Call:
    return replace(Call(0, 0.0, "submit-batch", 202, committed=True, items=items), **more)


def papers(*states: str) -> tuple[Paper, ...]:
    return tuple(
        Paper(str(number), f"99{number:08}", (Issued(digest(number), f"rec-{number}", 1),), (Sample(0, state),))
        for number, state in enumerate(states)
    )


def batches(calls: list[Call], *states: str, **more: Any) -> Exchange:
    return exchange(calls, papers=papers(*states), **more)


def unanswered(number: int) -> Item:
    """An item of which the answer says nothing."""
    return item(number, status=0, receipt="", answered="")


SOUND_THREE = ("delivered",) * 3
THREE = batch(bad(0), item(1), item(2))
SHOWN = ("refused", "delivered", "delivered")

# -- versions ----------------------------------------------------------------------------------------------------

SIGNED = {"subject-teacher:TOA:t1": "a1", "subject-teacher:NVA:t2": "b1", "homeroom-teacher": "c1", "principal": "d1"}
FIRST = Issued(
    DOCUMENT, RECORD, 1, owner=(LEARNER, "2024-2025", "99"), signatures=SIGNED, marks={"TOA": "m1", "NVA": "n1"}
)
NEXT = replace(
    FIRST,
    digest=SECOND,
    version=2,
    reason="Sửa nhận xét",
    replaces=DOCUMENT,
    signatures={**SIGNED, "subject-teacher:TOA:t1": "a2", "homeroom-teacher": "c2", "principal": "d2"},
    marks={"TOA": "m2", "NVA": "n1"},
)
AMEND = Act("amend", "one", 200, upto=4, facts={"subject": "TOA", "reason": "Sửa nhận xét", "replaces": DOCUMENT})
LAST = replace(NEXT, digest=OTHER, version=3, replaces=SECOND, marks={"TOA": "m1", "NVA": "n3"})
"""Version 3 with another change, and without that of version 2."""
AGAIN_AMENDED = replace(AMEND, facts={"subject": "NVA", "reason": "Sửa nhận xét", "replaces": SECOND})
UPDATE = replace(SUBMIT, version=2, event="update", content=SECOND, receipt="r-2")


def versions(*issued: Issued, act: Act | None = AMEND, final: str = "delivered", sent: bool = True) -> Exchange:
    calls = [*SMOOTH, *([UPDATE, replace(ACCEPTED, receipt="r-2")] if sent else [])]
    return exchange(
        calls, [final], papers=(Paper("one", LEARNER, issued, (Sample(9, final),)),), acts=(act,) if act else ()
    )


def second(**changes: Any) -> Exchange:
    return versions(FIRST, replace(NEXT, **changes))


PLACED = Act("place", "one", upto=4)
HELD = replace(PLACED, facts={"record": RECORD, "version": 2, "digest": OTHER})
OVER = Act("sent", "one", facts={"version": 3, "replaces": OTHER.upper()})
THIRD = replace(UPDATE, version=3, content="7d" * 32)
CANCEL = replace(SUBMIT, event="cancel", content=OTHER, receipt="r-9")
REVOKE = Act("revoke", "one", 202, upto=4)
STATEMENT = Act("statement", facts={"record": RECORD, "version": "1", "digest": DOCUMENT, "reason": "Cấp nhầm"})


def revocation(*acts: Act, calls: tuple[Call, ...] = (CANCEL,), final: str = "revoked") -> Exchange:
    return exchange([*SMOOTH, *calls], [final], papers=(Paper("one", LEARNER, (FIRST,)),), acts=acts)


def stated(**facts: Any) -> Act:
    return replace(STATEMENT, facts={**STATEMENT.facts, **facts})


AFTER = 9
"""A journal number after everything that such an exchange holds."""

# -- imports -----------------------------------------------------------------------------------------------------

SIGNED_VALUES: dict[str, Any] = {
    "recordId": RECORD,
    "version": 1,
    "learner": {"code": LEARNER, "name": "Phạm Đức Minh"},
    "subjects": [{"code": "TOA", "semester1": "8.0", "year": "8.3", "comment": "Tốt"}],
}
TAKEN: dict[str, Any] = {
    "version": 1,
    "recordId": RECORD,
    "learner": {"code": LEARNER, "name": "Phạm Đức Minh"},
    "subjects": [{"code": "TOA", "semester1": "8", "year": "8.3"}],
}
SOUND = Act("import", status=200, facts={"offer": "sound", "expected": (), "signed": SIGNED_VALUES, "imported": TAKEN})


def offered(expected: str, status: int, *reasons: str) -> Act:
    return Act("import", status=status, reasons=reasons, facts={"offer": "spoilt", "expected": (expected,)})


def imports(*acts: Act, calls: tuple[Call, ...] = ()) -> Exchange:
    return exchange(calls, [], acts=acts)


def taken(**changes: Any) -> Exchange:
    return imports(replace(SOUND, facts={**SOUND.facts, "imported": {**TAKEN, **changes}}))


RETRIEVE = Call(0, 0.0, "retrieve", 200)
LOST_RETRIEVE = replace(RETRIEVE, status=0, fault=True, kind="reset")
LIST = Call(0, 0.0, "code-lists", 200, about="provinces")
AGAIN = replace(LIST, status=304, conditional=True)

WORDS = {"code": "HET_HAN_NOP", "words": ["hạn"], "class": "shown"}
TOO_LATE = Act("submit", status=409, reasons=("WINDOW_CLOSED",))
RESTART = Act("restart", status=202, upto=2)

TABLE_TC001 = [
    "edited", "reindented", "signature-missing", "principal-missing", "lifted", "wrapped", "duplicate-id",
    "superseded", "revoked-record", "foreign-trust", "self-signed", "revoked-certificate", "expired-certificate",
    "other-person", "weak-algorithm", "in-force-unknown", "one-of-two", "sound",
]  # fmt: skip

LOST_BATCH = batch(*map(unanswered, range(2)), status=0, fault=True)
CANCEL = replace(SUBMIT, event="cancel", content=OTHER, receipt="r-c")
LOST_CANCEL = replace(CANCEL, status=0, fault=True, receipt="")
BUSY_TOKEN = replace(TOKEN, status=429, fault=True, retry_after=2.0)

STATED = replace(SUBMIT, event="cancel", content=OTHER, receipt="r-c")

HOLDS: dict[tuple[str, str], list[Row]] = {
    ("PL2-GN-006", "refused"): [
        (
            "delivered-only",
            {"ends": ["refused", "delivered"], "class": "refused"},
            exchange([*SMOOTH, STATED, replace(REFUSED, receipt="r-c")], ["delivered", "receipted", shown]),
        )
        # what was not revoked is still delivered: both can be said
        for shown in ("refused", "delivered")
    ],
    ("PL2-GN-003", "reset"): [
        (
            "same-again",
            {"class": "reset"},
            batches([LOST_BATCH, batch(item(0), item(1))], *SOUND_THREE[:2], receipts=("r-0", "r-1")),
        ),
        # one by one is as good
        (
            "same-again",
            {"class": "reset"},
            batches([LOST_BATCH, batch(item(1)), batch(item(0))], *SOUND_THREE[:2], receipts=("r-0", "r-1")),
        ),
        (
            "same-again",
            {"class": "reset"},
            exchange(
                [*SMOOTH, LOST_CANCEL, CANCEL],
                [Sample(0, "revoked", "r-c")],
                stored=(Stored("r-c", RECORD, 1, "cancel", "accepted"),),
            ),
        ),
    ],
    ("PL2-GN-004", "retry-after"): [
        (
            "backs-off",
            {"class": "retry-after", "operation": "token"},
            exchange([TOKEN, BUSY_TOKEN, TOKEN, SUBMIT, ACCEPTED], times=[0, 0.1, 2.1, 3, 4]),
        )
    ],
    **{
        ("PL2-XT-003", name): [
            ("certificate-checked", {"class": name}, exchange([shaken(name), *map(safe, SMOOTH)])),
            ("certificate-checked", {"class": name}, exchange([shaken(name)], ["gave-up"])),
        ]
        for name in ("unknown-ca", "wrong-host", "expired")
    },
    ("PL2-XT-003", "trusted"): [("certificate-checked", {"class": "trusted"}, exchange(map(safe, SMOOTH)))],
    ("PL2-XT-004", "submission"): [
        ("not-followed", {"class": "submission"}, redirected(TOKEN, MOVED, SUBMIT, ACCEPTED)),
        # asked without token or data: nothing was given away
        (
            "not-followed",
            {"class": "submission"},
            redirected(MOVED, Call(0, 0.0, "submit", 401, bearer=False, origin=ELSEWHERE)),
        ),
        # the same place in another spelling, and a connection that says nothing of where it goes
        (
            "not-followed",
            {"class": "submission"},
            exchange(
                [
                    replace(MOVED, origin="Bo.example:443"),
                    replace(SUBMIT, origin="bo.example"),
                    Call(0, 0.0, "", 0),
                    replace(ACCEPTED, origin="bo.example"),
                ],
                origin="Bo.example:443",
            ),
        ),
    ],
    ("PL2-XT-004", "credentials"): [
        (
            "not-followed",
            {"class": "credentials"},
            redirected(replace(TOKEN, status=307, fault=True, kind="redirect"), TOKEN, SUBMIT, ACCEPTED),
        )
    ],
    ("PL2-XT-004", "question"): [
        ("not-followed", {"class": "question"}, redirected(SUBMIT, replace(MOVED, operation="status"), ACCEPTED))
    ],
    **{
        ("PL2-GN-008", name): [
            ("batched", {"class": name, "refused": ["0"]}, batches([TOKEN, THREE], *SHOWN)),
            # corrected: other bytes
            (
                "batched",
                {"class": name, "refused": ["0"]},
                batches([THREE, batch(replace(bad(0), content=digest(77)))], *SHOWN),
            ),
        ]
        for name in ("first", "middle", "last", "all")
    },
    ("PL2-GN-008", "limit"): [
        # our own service was too slow for the client's patience: it rightly sends the batch again
        (
            "batched",
            {"class": "limit"},
            batches([batch(*map(item, range(3)), late=2.0), batch(*map(item, range(3)))], *["delivered"] * 3),
        ),
        (
            "batched",
            {"class": "limit"},
            batches([batch(*map(item, range(100))), batch(item(100))], *["delivered"] * 101),
        ),
    ],
    ("PL2-GN-008", "token-refused"): [
        (
            "batched",
            {"class": "token-refused"},
            batches([batch(item(0), status=401, fault=True, committed=False), TOKEN, batch(item(0))], "delivered"),
        )
    ],
    ("PL2-GN-008", "no-result"): [
        (
            "batched",
            {"class": "no-result"},
            batches([batch(item(0), unanswered(1), item(2), fault=True, kind="omit"), batch(item(1))], *SOUND_THREE),
        )
    ],
    **{
        ("PL2-GN-010", name): [("tolerates", {"class": name}, exchange([UNUSUAL, ACCEPTED]))]
        for name in ("unknown-fields", "unknown-code", "chunked", "slow")
    },
    ("PL2-GN-011", "after-receipt"): [
        ("survives", {"class": "after-receipt"}, exchange(SMOOTH, acts=(RESTART,))),
    ],
    ("PL2-GN-011", "before-answer"): [
        ("survives", {"class": "before-answer"}, exchange([TOKEN, LOST, SUBMIT, ACCEPTED], acts=(RESTART,))),
        (
            "survives",
            {"class": "before-answer"},
            batches([LOST_BATCH, batch(item(0), item(1))], *SOUND_THREE[:2], acts=(RESTART,), receipts=("r-0", "r-1")),
        ),
        (
            "survives",
            {"class": "before-answer", "ends": "revoked"},
            exchange([SUBMIT, LOST_CANCEL, CANCEL], ["revoked"], acts=(RESTART,)),
        ),
    ],
    ("PL2-GN-012", "shown"): [
        ("window-shown", WORDS, exchange([CLOSED], [told("refused", "Đã quá HẠN nộp")])),
        ("window-shown", WORDS, exchange([CLOSED], [told("refused", unicodedata.normalize("NFD", "Quá hạn nộp"))])),
        ("window-shown", WORDS, exchange([CLOSED], [refusals("HET_HAN_NOP")])),
        # refused before anything was sent
        (
            "window-shown",
            WORDS,
            exchange([], ["issued"], acts=(Act("submit", status=409, reasons=("WINDOW_CLOSED",)),)),
        ),
    ],
    ("PL2-GN-003", "resent"): [
        ("one-record", {"class": "resent"}, exchange([*SMOOTH, SUBMIT], acts=(Act("submit", status=202),))),
        ("one-record", {"class": "resent"}, exchange(SMOOTH, acts=(Act("submit", status=409),))),
    ],
    ("PL2-SD-001", "amended"): [("amended", {"class": "amended"}, versions(FIRST, NEXT))],
    ("PL2-SD-001", "corrected"): [
        ("amended", {"class": "corrected", "step": 0}, second(version=1, reason="", replaces=""))
    ],
    ("PL2-SD-002", "revoked"): [
        ("revoked", {"class": "revoked"}, revocation(REVOKE, STATEMENT)),
        (
            "revoked",
            {"class": "revoked"},
            revocation(
                REVOKE,
                STATEMENT,
                Act("amend", status=409, upto=AFTER),
                Act("print", status=200, upto=AFTER, facts={"marked": True}),
            ),
        ),
        # the digest's spelling is no other digest
        ("revoked", {}, revocation(REVOKE, stated(digest=DOCUMENT.upper()))),
    ],
    ("PL2-SD-002", "twice"): [
        ("revoked", {"class": "twice"}, revocation(REVOKE, STATEMENT, calls=(CANCEL, replace(CANCEL)))),
    ],
    ("PL2-SD-003", "version-taken"): [
        ("resolved", {"class": "version-taken"}, exchange([CONFLICT, FETCH], [told("refused", "đã có bản khác")]))
    ],
    ("PL2-SD-003", "stale"): [
        ("resolved", {"class": "stale"}, exchange([replace(CONFLICT, error="version-order"), FETCH, UPDATE, ACCEPTED])),
        # it looks before it sends: amends the newest version, or refuses to amend an old one
        ("resolved", {"class": "stale"}, exchange([*SMOOTH, FETCH, UPDATE, ACCEPTED], acts=(PLACED, AMEND))),
        (
            "resolved",
            {"class": "stale"},
            exchange([*SMOOTH, FETCH], [told("delivered", "đã có bản 2")], acts=(PLACED, replace(AMEND, status=409))),
        ),
        # what comes next follows the version that was fetched
        ("resolved", {"class": "stale"}, exchange([*SMOOTH, CONFLICT, FETCH, THIRD], acts=(HELD, OVER))),
    ],
    ("PL2-SD-003", "being-checked"): [
        # the software refuses the amendment, holds the next version back, or tries once and waits
        ("waits-for-outcome", {}, exchange([SUBMIT, POLL, ACCEPTED], acts=(replace(AMEND, status=409),))),
        ("waits-for-outcome", {}, exchange([SUBMIT, POLL, ACCEPTED, UPDATE], acts=(AMEND,))),
        (
            "waits-for-outcome",
            {},
            exchange([SUBMIT, replace(UPDATE, status=409, error="being-checked"), ACCEPTED, UPDATE], acts=(AMEND,)),
        ),
    ],
    **{
        ("PL2-TC-001", name): [
            ("import-verified", {"class": name}, imports(SOUND, offered("BAD_DIGEST", 409, "BAD_DIGEST", "OTHER")))
        ]
        for name in TABLE_TC001
    },
    ("PL2-TC-002", "imported"): [
        ("imported-equal", {}, imports(SOUND)),
        ("imported-equal", {}, imports(SOUND, SOUND)),
        # a digest in capitals is no other digest
        (
            "imported-equal",
            {},
            imports(
                replace(
                    SOUND,
                    facts={
                        **SOUND.facts,
                        "signed": {**SIGNED_VALUES, "digest": DOCUMENT},
                        "imported": {**TAKEN, "digest": DOCUMENT.upper()},
                    },
                )
            ),
        ),
    ],
    **{
        ("PL2-TC-003", name): [
            ("authorisation-refused", {"class": name}, imports(SOUND, offered("AUTH_EXPIRED", 409, "AUTH_EXPIRED")))
        ]
        for name in ("expired", "foreign", "used", "purpose")
    },
    ("PL2-TC-003", "lost-answer"): [
        ("retrieval-repeated", {"class": "lost-answer"}, imports(SOUND, calls=(LOST_RETRIEVE, RETRIEVE)))
    ],
    ("PL2-DM-001", "refreshed"): [("refreshed", {}, exchange([LIST, replace(LIST, about="ethnicities"), AGAIN]))],
}

FAILS: dict[str, list[Row]] = {
    # what is shown of version 2 rests on version 1's acceptance
    "PL2-GN-006.delivered-too-early": [
        (
            "delivered-only",
            {},
            exchange(
                [SUBMIT, asked, UPDATE, asked],
                [Sample(2, "delivered", RECEIPT, 1), Sample(4, "delivered", RECEIPT, 2)],
                stored=(Stored(RECEIPT, RECORD, 1, "new", "accepted"),),
            ),
        )
        for asked in [replace(ACCEPTED, about=RECEIPT)]
    ],
    "PL2-GN-006.outcome-missed": [
        ("delivered-only", {"ends": ["refused", "delivered"]}, exchange([*SMOOTH, STATED], ["delivered", "revoked"])),
    ],
    "PL2-GN-003.not-repeated": [
        ("same-again", {}, batches([LOST_BATCH, batch(item(0))], "delivered", "sent", receipts=("r-0", "r-1"))),
    ],
    "PL2-GN-003.other-bytes": [
        ("same-again", {}, exchange([*SMOOTH, LOST_CANCEL, replace(CANCEL, content="ee" * 32)], ["refused"])),
    ],
    "PL2-GN-004.before-retry-after": [
        (
            "backs-off",
            {"operation": "token"},
            exchange([BUSY_TOKEN, TOKEN, SUBMIT, ACCEPTED], times=[0, 1.0, 3, 4]),
        )
    ],
    "PL2-XT-003.accepted": [
        ("certificate-checked", {"class": "expired"}, exchange([shaken("expired"), replace(TOKEN, tls="expired")])),
    ],
    "PL2-XT-003.trusted-refused": [("certificate-checked", {"class": "trusted"}, exchange([], ["gave-up"]))],
    "PL2-XT-004.token-sent": [
        # with the credentials themselves
        (
            "not-followed",
            {"class": "credentials"},
            redirected(replace(TOKEN, status=307, fault=True, kind="redirect"), replace(TOKEN, origin=ELSEWHERE)),
        ),
        ("not-followed", {"class": "submission"}, redirected(MOVED, replace(SUBMIT, origin=ELSEWHERE), ACCEPTED)),
    ],
    "PL2-XT-004.data-sent": [
        (
            "not-followed",
            {"class": "submission"},
            redirected(MOVED, replace(SUBMIT, origin=ELSEWHERE, bearer=False, status=401), ACCEPTED),
        ),
    ],
    "PL2-GN-003.doubled": [
        ("one-record", {"class": "resent"}, exchange([*SMOOTH, SUBMIT], receipts=(RECEIPT, "r-2"))),
    ],
    "PL2-GN-003.new-identifier": [
        ("one-record", {"class": "resent"}, exchange([*SMOOTH, replace(SUBMIT, record="X")])),
    ],
    "PL2-GN-008.too-many": [
        ("batched", {"class": "limit"}, batches([batch(*map(item, range(101)))], *["delivered"] * 101))
    ],
    "PL2-GN-008.accepted-again": [
        ("batched", {"class": "first", "refused": ["0"]}, batches([THREE, batch(item(1))], *SHOWN)),
        # alone, after the batch
        (
            "batched",
            {"class": "first", "refused": ["0"]},
            batches([THREE, replace(SUBMIT, content=digest(2), record="rec-2")], *SHOWN),
        ),
        # with the one that got no result
        (
            "batched",
            {"class": "no-result"},
            batches(
                [batch(item(0), unanswered(1), fault=True, kind="omit"), batch(item(0), item(1))], *SOUND_THREE[:2]
            ),
        ),
    ],
    "PL2-GN-008.refused-again": [
        ("batched", {"class": "first", "refused": ["0"]}, batches([THREE, batch(bad(0))], *SHOWN)),
    ],
    "PL2-GN-008.item-lost": [
        ("batched", {"class": "first", "refused": ["0"]}, batches([THREE], "delivered", "delivered", "delivered")),
        ("batched", {"class": "first", "refused": ["0"]}, batches([THREE], "refused", "delivered", "queued")),
        ("batched", {"class": "all", "refused": ["0"]}, batches([THREE], "refused", "refused", "refused")),
        # the answer said nothing of it, and nobody asked again
        (
            "batched",
            {"class": "no-result"},
            batches([batch(item(0), unanswered(1), fault=True, kind="omit")], "delivered", "receipted"),
        ),
        # never sent at all
        ("batched", {"class": "limit"}, batches([batch(item(0))], "delivered", "queued")),
    ],
    "PL2-GN-010.stumbled": [("tolerates", {"class": "slow"}, exchange([UNUSUAL, ACCEPTED], ["gave-up"]))],
    "PL2-GN-010.not-understood": [("tolerates", {"class": "slow"}, exchange([UNUSUAL, SUBMIT, ACCEPTED]))],
    "PL2-GN-011.lost": [
        ("survives", {}, exchange([TOKEN, SUBMIT], ["queued"], acts=(RESTART,))),
        ("survives", {}, exchange([TOKEN, SUBMIT, POLL], ["receipted"], acts=(RESTART,))),
        ("survives", {"ends": "revoked"}, exchange([SUBMIT, CANCEL], ["delivered"], acts=(RESTART,))),
        # of a batch every item counts, not the first alone
        (
            "survives",
            {},
            batches([LOST_BATCH, batch(item(0))], "delivered", "issued", acts=(RESTART,), receipts=("r-0",)),
        ),
    ],
    "PL2-GN-011.doubled": [
        ("survives", {}, exchange(SMOOTH, acts=(RESTART,), receipts=(RECEIPT, "r-2"))),
        (
            "survives",
            {"ends": "revoked"},
            exchange(
                [SUBMIT, CANCEL],
                ["revoked"],
                acts=(RESTART,),
                stored=tuple(Stored(receipt, RECORD, 1, "cancel", "accepted") for receipt in ("r-c", "r-d")),
            ),
        ),
    ],
    "PL2-GN-012.not-shown": [
        ("window-shown", WORDS, exchange([CLOSED], ["refused"])),
        ("window-shown", WORDS, exchange([CLOSED], [told("refused", "HTTP 403")])),
    ],
    "PL2-GN-012.false-success": [("window-shown", WORDS, exchange([CLOSED], ["delivered"]))],
    "PL2-SD-001.not-amended": [
        ("amended", {}, versions(FIRST, act=replace(AMEND, status=409, reasons=("LOCKED",)))),
        ("amended", {}, versions(FIRST)),
    ],
    "PL2-SD-001.new-identifier": [("amended", {}, second(record="X"))],
    "PL2-SD-001.wrong-version": [
        ("amended", {}, second(version=3)),
        ("amended", {"step": 0}, second(version=2)),
    ],
    "PL2-SD-001.other-owner": [("amended", {}, second(owner=(LEARNER, "2025-2026", "99")))],
    "PL2-SD-001.no-reason": [("amended", {}, second(reason=" "))],
    "PL2-SD-001.wrong-digest": [("amended", {}, second(replaces=OTHER))],
    "PL2-SD-001.change-lost": [("amended", {}, second(marks=FIRST.marks))],
    "PL2-SD-001.earlier-change-lost": [("amended", {}, versions(FIRST, NEXT, LAST, act=AGAIN_AMENDED))],
    "PL2-SD-001.not-signed-anew": [
        # dropped instead of made anew
        *(
            (
                "amended",
                {},
                second(signatures={slot: value for slot, value in NEXT.signatures.items() if slot != dropped}),
            )
            for dropped in ("principal", "homeroom-teacher", "subject-teacher:TOA:t1")
        ),
        ("amended", {}, second(signatures=SIGNED)),
        ("amended", {}, second(signatures={**NEXT.signatures, "principal": "d1"})),
        ("amended", {}, second(signatures={**NEXT.signatures, "subject-teacher:TOA:t1": "a1"})),
    ],
    "PL2-SD-001.not-delivered": [
        ("amended", {}, versions(FIRST, NEXT, final="queued")),
        ("amended", {}, versions(FIRST, NEXT, final="queued", sent=False)),
        # shown is what came of version 1
        ("amended", {}, versions(FIRST, NEXT, sent=False)),
    ],
    "PL2-SD-002.not-revoked": [("revoked", {}, revocation(replace(REVOKE, status=409, reasons=("OTHER",))))],
    "PL2-SD-002.not-sent": [("revoked", {}, revocation(REVOKE, calls=()))],
    "PL2-SD-002.unsigned": [("revoked", {}, revocation(REVOKE, stated(causes=["PL1-KY-003.missing"])))],
    "PL2-SD-002.no-reason": [("revoked", {}, revocation(REVOKE, stated(reason="")))],
    "PL2-SD-002.names-other": [
        ("revoked", {}, revocation(REVOKE, stated(record="X"))),
        ("revoked", {}, revocation(REVOKE, stated(version="2"))),
        ("revoked", {}, revocation(REVOKE, stated(digest=OTHER))),
        # the service refuses it at the door for that
        ("revoked", {}, revocation(REVOKE, calls=(replace(CANCEL, version=2, status=409, error="version-order"),))),
    ],
    "PL2-SD-002.not-shown": [("revoked", {}, revocation(REVOKE, STATEMENT, final="delivered"))],
    "PL2-SD-002.statement-refused": [
        ("revoked", {}, revocation(REVOKE, calls=(replace(CANCEL, status=422, receipt=""),), final="refused"))
    ],
    "PL2-SD-002.used-again": [
        ("revoked", {}, revocation(REVOKE, STATEMENT, Act("amend", status=200, upto=AFTER))),
        ("revoked", {}, revocation(REVOKE, STATEMENT, Act("print", status=200, upto=AFTER))),
        # with the pictures that it always had
        (
            "revoked",
            {},
            revocation(
                Act("issue", status=200, upto=1),
                Act("print", status=200, upto=1, facts={"drawn": "a"}),
                REVOKE,
                STATEMENT,
                Act("print", status=200, upto=AFTER, facts={"drawn": "a"}),
            ),
        ),
        ("revoked", {}, revocation(REVOKE, STATEMENT, calls=(CANCEL, UPDATE))),
    ],
    "PL2-SD-002.revoked-twice": [
        ("revoked", {}, revocation(REVOKE, STATEMENT, calls=(CANCEL, replace(CANCEL, content=SECOND)))),
    ],
    "PL2-SD-003.overwrites": [
        ("resolved", {"class": "stale"}, exchange([CONFLICT, UPDATE, ACCEPTED])),
        ("resolved", {"class": "stale"}, exchange([CONFLICT, replace(SUBMIT, record="X"), FETCH])),
        # fetched, and the same bytes pressed on under the next number
        (
            "resolved",
            {"class": "stale"},
            exchange([CONFLICT, FETCH, replace(CONFLICT, version=2)], [told("refused", "xung đột")]),
        ),
    ],
    "PL2-SD-003.not-fetched": [
        ("resolved", {"class": "stale"}, exchange([CONFLICT], [told("refused", "xung đột")])),
        ("resolved", {"class": "stale"}, exchange([CONFLICT, replace(FETCH, status=404)], ["refused"])),
    ],
    "PL2-SD-003.stuck": [
        ("resolved", {"class": "stale"}, exchange([CONFLICT, FETCH], ["refused"])),
        (
            "waits-for-outcome",
            {},
            exchange([SUBMIT, POLL], acts=(AMEND,), papers=(Paper("one", LEARNER, (), (Sample(2, "sent"),)),)),
        ),
    ],
    "PL2-SD-003.not-built-on": [
        (
            "resolved",
            {"class": "stale"},
            exchange([*SMOOTH, CONFLICT, FETCH, THIRD], acts=(HELD, replace(OVER, facts=own))),
        )
        # the version that it had itself, or none
        for own in ({"version": 3, "replaces": DOCUMENT}, {"version": 3, "replaces": ""})
    ],
    "PL2-SD-003.presses-on": [
        (
            "waits-for-outcome",
            {},
            exchange([SUBMIT, *[replace(UPDATE, status=409, error="being-checked")] * 2], acts=(AMEND,)),
        ),
        ("waits-for-outcome", {}, exchange([SUBMIT, UPDATE, ACCEPTED], acts=(AMEND,))),
    ],
    "PL2-TC-001.imported-bad": [("import-verified", {"class": "edited"}, imports(SOUND, offered("BAD_DIGEST", 200)))],
    "PL2-TC-001.imported-in-part": [
        (
            "import-verified",
            {"class": "one-of-two"},
            imports(
                SOUND, Act("import", status=200, facts={"offer": "spoilt", "expected": ("BAD_DIGEST",), "others": 1})
            ),
        )
    ],
    "PL2-TC-001.other-reason": [
        ("import-verified", {"class": "edited"}, imports(SOUND, offered("BAD_DIGEST", 409, "OTHER"))),
        ("import-verified", {"class": "edited"}, imports(SOUND, offered("OTHER", 409, "OTHER"))),
        ("import-verified", {"class": "edited"}, imports(SOUND, offered("BAD_DIGEST", 409, "UNTRUSTED"))),
    ],
    "PL2-TC-001.sound-refused": [
        (
            "import-verified",
            {"class": "edited"},
            imports(replace(SOUND, status=409, reasons=("UNTRUSTED",)), offered("BAD_DIGEST", 409, "BAD_DIGEST")),
        )
    ],
    "PL2-TC-002.value-differs": [
        ("imported-equal", {}, taken(subjects=[{"code": "TOA", "semester1": "8.5", "year": "8.3"}])),
        ("imported-equal", {}, taken(learner={"code": LEARNER, "name": "Phạm Đức Mạnh"})),
    ],
    "PL2-TC-002.value-missing": [
        ("imported-equal", {}, taken(subjects=[{"code": "TOA", "semester1": "8"}])),
        # the second of two
        ("imported-equal", {}, imports(SOUND, replace(SOUND, facts={**SOUND.facts, "imported": {}}))),
        ("imported-equal", {}, imports(replace(SOUND, facts={**SOUND.facts, "imported": {}}))),
    ],
    "PL2-TC-002.value-invented": [
        ("imported-equal", {}, taken(subjects=[*TAKEN["subjects"], {"code": "NVA", "year": "9"}])),
    ],
    "PL2-TC-003.imported": [("authorisation-refused", {"class": "used"}, imports(SOUND, offered("AUTH_USED", 200)))],
    "PL2-TC-003.not-reported": [
        ("authorisation-refused", {"class": "used"}, imports(SOUND, offered("AUTH_USED", 409, "OTHER")))
    ],
    "PL2-TC-003.given-up": [
        (
            "retrieval-repeated",
            {"class": "lost-answer"},
            imports(replace(SOUND, status=409, reasons=("UNAVAILABLE",)), calls=(LOST_RETRIEVE,)),
        ),
        (
            "retrieval-repeated",
            {"class": "lost-answer"},
            imports(replace(SOUND, status=409), calls=(LOST_RETRIEVE, RETRIEVE)),
        ),
    ],
    "PL2-DM-001.unconditional": [("refreshed", {}, exchange([LIST, LIST]))],
    "PL2-DM-001.tag-not-known": [("refreshed", {}, exchange([LIST, replace(LIST, conditional=True)]))],
}

BLOCKED: dict[str, list[Row]] = {
    "PL2-XT-003.not-exercised": [
        ("certificate-checked", {"class": "expired"}, exchange([], ["queued"])),
        # the run has no TLS
        ("certificate-checked", {"class": "expired"}, exchange(SMOOTH)),
        ("certificate-checked", {"class": "trusted"}, exchange(SMOOTH)),
    ],
    "PL2-XT-004.not-exercised": [("not-followed", {"class": "submission"}, redirected(*SMOOTH))],
    "PL2-GN-003.not-exercised": [("one-record", {"class": "resent"}, exchange([SUBMIT, POLL]))],
    "PL2-GN-008.not-exercised": [("batched", {"class": "first"}, batches(list(SMOOTH), "delivered"))],
    "PL2-GN-010.not-exercised": [("tolerates", {"class": "slow"}, exchange(SMOOTH))],
    "PL2-GN-011.not-exercised": [
        ("survives", {}, exchange(SMOOTH)),
        ("survives", {}, exchange(SMOOTH, acts=(replace(RESTART, upto=0),))),
        ("survives", {}, exchange(SMOOTH, acts=(replace(RESTART, status=404),))),
    ],
    "PL2-GN-012.not-exercised": [("window-shown", WORDS, exchange(SMOOTH))],
    "PL2-SD-001.not-exercised": [("amended", {}, versions(act=None))],
    "PL2-SD-002.not-exercised": [("revoked", {}, revocation())],
    "PL2-SD-002.statement-unread": [("revoked", {}, revocation(REVOKE))],
    "PL2-SD-002.print-unread": [
        # no text at all, or pictures that were not there before, or of which nobody knows
        ("revoked", {}, revocation(*before, REVOKE, STATEMENT, Act("print", status=200, upto=AFTER, facts=facts)))
        for before, facts in (
            ((), {"unread": "no-text"}),
            ((Act("print", status=200, facts={"drawn": "a"}),), {"drawn": "b"}),
            ((), {"drawn": "b"}),
        )
    ],
    "PL2-SD-003.not-exercised": [
        ("resolved", {"class": "stale"}, exchange(SMOOTH)),
        # fetched, and nothing came of it; never fetched
        ("resolved", {"class": "stale"}, exchange([*SMOOTH, FETCH], acts=(PLACED, AMEND))),
        ("resolved", {"class": "stale"}, exchange(SMOOTH, acts=(PLACED, replace(AMEND, status=409)))),
        ("waits-for-outcome", {}, exchange(SMOOTH)),
    ],
    "PL2-TC-001.not-exercised": [
        ("import-verified", {"class": "edited"}, imports(offered("BAD_DIGEST", 409, "BAD_DIGEST"))),
    ],
    "PL2-TC-002.not-exercised": [
        ("imported-equal", {}, imports(replace(SOUND, status=409))),
        ("imported-equal", {}, imports(SOUND, replace(SOUND, status=409))),
    ],
    "PL2-TC-003.not-exercised": [
        ("authorisation-refused", {"class": "used"}, imports(offered("AUTH_USED", 409, "AUTH_USED"))),
        ("authorisation-refused", {"class": "used"}, imports(SOUND)),
        ("retrieval-repeated", {"class": "lost-answer"}, imports(SOUND, calls=(RETRIEVE,))),
    ],
    "PL2-DM-001.not-exercised": [
        ("refreshed", {}, exchange([LIST])),
    ],
}
