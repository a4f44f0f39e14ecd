"""Runs (spaces): all of them, one of them, opening and ending one, its connection data and its trust."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from starlette.responses import Response

from conformance.signature.certificate import CertificateFacts
from mock_moet.console.visit import PREFIX, Stop, Visit, page, run_path, seen_after_post
from mock_moet.rules import State
from mock_moet.store import SpaceRow

SHOWN = 200
"""Submissions, or runs, on one page."""
_SCHOOL = re.compile(r"[A-Za-z0-9._-]{1,20}")
_LABEL = 200


@dataclass(frozen=True, slots=True)
class Brief:
    """One run among others."""

    row: SpaceRow
    counts: dict[str, int]
    exchanges: int
    faults: int

    @property
    def label(self) -> str:
        """Whose run it is, empty if nobody said."""
        return label_of(self.row)


def label_of(row: SpaceRow) -> str:
    """Whose run it is, empty if nobody said."""
    return str(row.settings.get("label") or "")


def brief(visit: Visit, row: SpaceRow, counts: dict[State, int]) -> Brief:
    """A run in numbers: submissions by state, exchanges so far, faults that are still due."""
    corner = visit.ministry.corner(row.name)
    _, last = corner.journal.after(2**62)
    due = sum(1 for one in corner.faults.listing() if one["fired"] < one.get("times", 1))
    return Brief(row, {state.value: counts.get(state, 0) for state in State}, last, due)


def overview(visit: Visit) -> Response:
    """All runs, newest first."""
    counts = visit.ministry.store.counts()
    spaces = visit.ministry.store.spaces()
    rows = [brief(visit, row, counts.get(row.name, {})) for row in spaces[:SHOWN]]
    hidden = max(0, len(spaces) - SHOWN)
    return page(visit, "overview.html.j2", runs=rows, hidden=hidden, states=[one.value for one in State])


def run(visit: Visit) -> Response:
    """One run: what was submitted, in which state it is."""
    row = visit.space
    with visit.ministry.store.read(row.name) as transaction:
        stored = transaction.everything()
    counts = {state.value: 0 for state in State}
    for one in stored:
        counts[one.known.state.value] += 1
    wanted = visit.asked("state")
    chosen = [one for one in reversed(stored) if wanted in ("", one.known.state.value)]
    return page(
        visit,
        "run.html.j2",
        run=row,
        label=label_of(row),
        counts=counts,
        total=len(stored),
        wanted=wanted,
        chosen=chosen[:SHOWN],
        hidden=max(0, len(chosen) - SHOWN),
        words=visit.ministry.wire.messages,
        report=report_of(row),
        failed=[one for one in stored if one.error],
    )


def report_of(row: SpaceRow) -> tuple[str, bool]:
    """Where the run's report is, and whether that is an address a browser may follow."""
    report = str(row.settings.get("report") or "")
    return report, report.startswith(("http://", "https://"))


def ask_new(visit: Visit) -> Response:
    """The form that opens a run."""
    return _form_new(visit, {})


def _form_new(visit: Visit, wrong: dict[str, str]) -> Response:
    return page(visit, "new.html.j2", 422 if wrong else 200, wrong=wrong, reserved=visit.ministry.pack.header.reserved)


def open_new(visit: Visit) -> Response:
    """Open a run; its secret is shown on the next page, once."""
    schools = [one for one in re.split(r"[\s,;]+", visit.sent("schools")) if one]
    wrong: dict[str, str] = {}
    if not schools or len(schools) > 1000 or not all(map(_SCHOOL.fullmatch, schools)):
        wrong["schools"] = visit.say("new.wrong.schools")
    years = [one for one in re.split(r"[\s,;]+", visit.sent("closed")) if one]
    if not all(re.fullmatch(r"20\d\d", one) for one in years):
        wrong["closed"] = visit.say("new.wrong.closed")
    if len(visit.sent("label")) > _LABEL:
        wrong["label"] = visit.say("new.wrong.label")
    if wrong:
        return _form_new(visit, wrong)
    settings: dict[str, Any] = {
        "schools": schools,
        "label": visit.sent("label"),
        "trustPem": visit.sent("trust"),
        "crlsPem": visit.sent("crls"),
        "leaders": None,
        "judging": "accept-all" if visit.sent("judging") == "accept-all" else "full",
        "closedYears": [int(one) for one in years],
        "ownPort": bool(visit.sent("port")),
    }
    try:
        row, _, secret = visit.ministry.open_space(settings)
    except ValueError as error:
        return _form_new(visit, {"trust": visit.say("new.wrong.trust", why=str(error))})
    except OSError as error:
        return _form_new(visit, {"port": visit.say("new.wrong.port", why=str(error))})
    if visit.session is not None:
        visit.session.secrets[row.name] = secret
    visit.tell("told.opened")
    return seen_after_post(run_path(row.name, "/connection"))


def connection(visit: Visit) -> Response:
    """What a client needs to connect. The secret is shown once, right after the run was opened here."""
    row = visit.space
    ministry = visit.ministry
    base = ministry.base_url(row.name)
    secret = visit.session.secrets.pop(row.name, "") if visit.session is not None else ""
    operations = [(one.name, one.method, base + one.path) for one in ministry.wire.operations.values()]
    return page(
        visit,
        "connection.html.j2",
        run=row,
        label=label_of(row),
        client=next((one.id for one in ministry.store.clients(row.name)), ""),
        base_url=base,
        token_url=base + ministry.wire.messages["paths"]["token"],
        secret=secret,
        operations=operations,
        lifetime=row.settings.get("tokenLifetime") or ministry.settings.token_lifetime,
    )


def drop_tokens(visit: Visit) -> Response:
    """Make all tokens of the run unknown: its client has to ask for a new one."""
    row = visit.space
    visit.ministry.store.drop_tokens(row.name)
    visit.tell("told.tokens")
    return seen_after_post(run_path(row.name, "/connection"))


def window(visit: Visit) -> Response:
    """Close or open the submission window of school years."""
    row = visit.space
    years = [one for one in re.split(r"[\s,;]+", visit.sent("closed")) if one]
    if not all(re.fullmatch(r"20\d\d", one) for one in years):
        raise Stop(422, "new.wrong.closed")
    visit.ministry.change_space(row.name, {**row.settings, "closedYears": [int(one) for one in years]})
    visit.tell("told.window")
    return seen_after_post(run_path(row.name, "/connection"))


def ask_delete(visit: Visit) -> Response:
    """Whether the run shall really be forgotten."""
    row = visit.space
    return page(visit, "delete.html.j2", run=row, label=label_of(row))


def delete(visit: Visit) -> Response:
    """Forget a run and all that is in it."""
    visit.ministry.drop_space(visit.space.name)
    visit.tell("told.deleted")
    return seen_after_post(f"{PREFIX}/")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A certificate of the run's trust."""

    facts: CertificateFacts
    kind: str
    """``anchor`` or ``intermediate``."""
    state: str
    """``valid``, ``expired`` or ``early`` at the run's time."""

    @property
    def subject(self) -> str:
        """Its subject (RFC 4514)."""
        return self.facts.certificate.subject.rfc4514_string()

    @property
    def issuer(self) -> str:
        """Its issuer (RFC 4514)."""
        return self.facts.certificate.issuer.rfc4514_string()


def state_at(facts: CertificateFacts, moment: datetime) -> str:
    """Whether a certificate is ``valid``, ``expired`` or not yet valid (``early``) at a time."""
    if facts.valid_at(moment):
        return "valid"
    return "expired" if moment > facts.not_after else "early"


_LIST = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)


def trust(visit: Visit) -> Response:
    """What the run trusts: anchors, helping intermediates, revocation lists, known leaders."""
    row = visit.space
    now = visit.ministry.now(row)
    store = visit.ministry.trust(row)
    anchors = [] if store is None else [
        *(Anchor(one, "anchor", state_at(one, now)) for one in store.anchors),
        *(Anchor(one, "intermediate", state_at(one, now)) for one in store.intermediates),
    ]  # fmt: skip
    pem = "\n".join(str(row.settings.get(name) or "") for name in ("trustPem", "crlsPem")).encode()
    lists = [x509.load_pem_x509_crl(one) for one in _LIST.findall(pem)] if store is not None else []
    return page(
        visit, "trust.html.j2", run=row, label=label_of(row), anchors=anchors, lists=lists, now=now,
        leaders=row.settings.get("leaders"),
    )  # fmt: skip
