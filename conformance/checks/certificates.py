"""CTS: certificates, their path and status, and whether they stand for the persons the document names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from conformance.checks.context import Context
from conformance.checks.signature_integrity import EXCHANGED
from conformance.checks.signers import PRINCIPAL, SEAL, Binding, Bound, Ledger, matches
from conformance.document import Document
from conformance.signature.certificate import CertificateFacts, plain
from conformance.signature.names import folded, same, without_marks
from conformance.signature.revocation import Evidence, Gap, embedded
from conformance.signature.trust import PathResult, Status, TrustStore
from conformance.signature.verify import DocumentSignatures, Signature
from conformance.transcript.model import Leader, Person

_PERSONAL = ("id", "passport")
"""Identifiers of which a person has one."""
_WRONG_ROLE = "PL1-KY-005.wrong-role"
"""A signature in another's slot: that it is somebody else's follows."""


def check(
    document: Document,
    context: Context,
    facts: DocumentSignatures,
    binding: Binding,
    ledger: Ledger,
    proven: Mapping[Signature, datetime],
) -> None:
    """Judge PL1-CTS-001 … 006 over all signatures. ``proven``: by when a signature existed, by a sound time-stamp."""
    trusted = _paths(context, facts, ledger, proven)
    _persons(binding, ledger)
    _keys(binding, ledger)
    _authority(document, context, binding, ledger, trusted)


# ---------------------------------------------------------------------------------------------------- paths, status


def _paths(
    context: Context, facts: DocumentSignatures, ledger: Ledger, proven: Mapping[Signature, datetime]
) -> set[Signature]:  # fmt: skip
    """Paths and revocation; returns the signatures whose certificate is trusted and not revoked."""
    told: set[tuple[str, str]] = set()
    if context.trust is None:
        for one in facts.signatures:
            if one.leaf is None:
                _no_leaf(one, ledger)
        if facts.signatures:
            for rule in ("PL1-CTS-001", "PL1-CTS-002"):
                ledger.blocked(rule, "no-trust-store", facts.signatures[0].node)
        return set()
    paths = list(_good_paths(context, context.trust, facts, ledger, told))
    if facts.signatures and "PL1-CTS-001" not in ledger.seen:
        ledger.found.held("PL1-CTS-001")
    trusted: set[Signature] = set()
    unknown: dict[Gap, dict[str, Signature]] = {}
    for one, result in paths:
        if _status(one, result, context, context.trust, ledger, told, proven.get(one), unknown):
            trusted.add(one)
    for gap, those in unknown.items():
        certificate, first = next(iter(those.items()))
        ledger.blocked(
            "PL1-CTS-002", gap.value, first.node, certificate=certificate, who=ledger.binding.find(first).who,
            count=len(those),
        )  # fmt: skip
    if paths and "PL1-CTS-002" not in ledger.seen:
        ledger.found.held("PL1-CTS-002")
    return trusted


def _no_leaf(one: Signature, ledger: Ledger) -> None:
    """PL1-CTS-001 of a signature without a certificate that can be read."""
    unreadable = [each for each in one.parsed.certificates if isinstance(each, str)]
    if not one.parsed.references and not one.parsed.key_info and one in ledger.codes:
        return  # not a signature at all: PL1-KY-007 has said so
    if one.authority is not None:
        return  # told with the signature's form
    ledger.against(
        "PL1-CTS-001", "malformed" if unreadable else "no-certificate", one.node, signature=one,
        seen=unreadable[0] if unreadable else "", consequence_of=_form_code(one, ledger),
    )  # fmt: skip


def _good_paths(
    context: Context, trust: TrustStore, facts: DocumentSignatures, ledger: Ledger, told: set[tuple[str, str]]
) -> Iterator[tuple[Signature, PathResult]]:
    """PL1-CTS-001: the signatures whose certificate leads to an anchor and is meant for signing, with the path.

    ``told``: certificates (fingerprint) and what has been said of them: many signatures have one signer.
    """
    for one in facts.signatures:
        if one.leaf is None:
            _no_leaf(one, ledger)
            continue
        result = _path(one, one.leaf, context, trust, ledger)
        purposes = one.leaf.usages
        if result.good and not (purposes and set(purposes) <= set(context.pack.signature.other_usages)):
            yield one, result
            continue
        key = (one.leaf.fingerprint, "purpose" if result.good else result.problem.value)
        if key in told:
            continue
        told.add(key)
        if result.good:
            ledger.against("PL1-CTS-001", "purpose", one.node, signature=one, seen=", ".join(purposes))
        else:
            ledger.against(
                "PL1-CTS-001", result.problem.value, one.node, signature=one, seen=result.culprit,
                consequence_of=_not_the_signers(one, ledger),
            )  # fmt: skip


def _form_code(one: Signature, ledger: Ledger) -> str:
    """A signature whose algorithm needs no certificate (HMAC) or whose form is broken has its root already."""
    code = ledger.codes.get(one, "")
    return code if code.startswith(("PL1-KY-007", "PL1-KY-009")) else ""


def _not_the_signers(one: Signature, ledger: Ledger) -> str:
    """A key too small is no second mistake of its certificate; neither is what another certificate in its place is."""
    code = ledger.codes.get(one, "")
    return code if code.startswith("PL1-KY-009") or code == EXCHANGED else ""


def _moment(one: Signature, context: Context, ledger: Ledger) -> datetime:
    """The time at which the certificate is judged: the signed one, unless it is itself refused (PL1-KY-012)."""
    until = context.received_at or context.judged_at
    if one.time is None or ledger.codes.get(one, "").startswith("PL1-KY-012"):
        return until
    return one.time.moment


def _path(
    one: Signature, leaf: CertificateFacts, context: Context, trust: TrustStore, ledger: Ledger
) -> PathResult:  # fmt: skip
    extra = [each for each in one.parsed.certificates if not isinstance(each, str) and each is not leaf]
    extra.extend(one.parsed.extra)
    return trust.path(leaf, extra, _moment(one, context, ledger))


def embedded_of(one: Signature) -> Evidence | None:
    """Lists and answers that came with the signature, if any."""
    parsed = one.parsed
    return embedded(tuple(parsed.crls), tuple(parsed.answers)) if parsed.crls or parsed.answers else None


def _status(
    one: Signature,
    result: PathResult,
    context: Context,
    trust: TrustStore,
    ledger: Ledger,
    told: set[tuple[str, str]],
    proven: datetime | None,
    unknown: dict[Gap, dict[str, Signature]],
) -> bool:
    """PL1-CTS-002 of one signature: whether its certificate counts as not revoked.

    ``told``: what has been said of certificates (fingerprint) already; ``proven``: the time of a good time-stamp;
    ``unknown``: takes up the certificates whose status nothing tells, by the reason.
    """
    rule = "PL1-CTS-002"
    at, until = _moment(one, context, ledger), context.received_at or context.judged_at
    status = trust.status(
        result.path, at, max(at, proven or until), embedded=embedded_of(one), tolerance=context.pack.tolerance
    )  # fmt: skip
    if status.status is Status.GOOD:
        if proven is not None:
            ledger.found.held(rule, "time-stamped")
        return True
    key = (result.path[0].fingerprint, status.status.value)
    since = status.since.astimezone(at.tzinfo).isoformat(timespec="seconds") if status.since else ""
    new = key not in told
    told.add(key)
    if status.status in (Status.REVOKED, Status.SUSPENDED):
        if new:
            ledger.against(
                rule, status.status.value, one.node, signature=one, seen=since, expected=f"> {at.isoformat()}",
                certificate=status.subject,
            )  # fmt: skip
        return False
    who = ledger.binding.find(one).who
    if status.status is Status.REVOKED_AFTER:
        if new and proven is not None:
            stamp = proven.astimezone(at.tzinfo).isoformat(timespec="seconds")
            ledger.blocked(
                rule, "stamped-too-late", one.node, since=since, certificate=status.subject, who=who, stamp=stamp
            )
        elif new:
            ledger.blocked(rule, "not-proven", one.node, since=since, certificate=status.subject, who=who)
        return False
    unknown.setdefault(status.gap, {}).setdefault(status.subject, one)
    return True


# ----------------------------------------------------------------------------------------------------------- persons


def _identifier(person: Person | Leader) -> str:
    passport = getattr(person, "passport", None)
    value = person.national_id or passport
    return value.raw if value else ""


def _persons(binding: Binding, ledger: Ledger) -> None:
    """CTS-003, 004: the certificate's holder against the person named; CTS-006: the kind of certificate."""
    judged = named = 0
    for one in binding.bound:
        held, signature = one.holder, one.signature
        if held is None:
            continue
        judged += 1
        wanted = "organisation" if signature.slot.name == SEAL else "person"
        wrong_kind = ""
        if held.kind and held.kind != wanted:
            cause = "person-for-seal" if wanted == "organisation" else "organisation-for-person"
            wrong_kind = ledger.against("PL1-CTS-006", cause, signature.node, signature=signature, seen=held.name).code
        if one.person is None:
            continue
        named += 1
        _identity(one, one.person, ledger, wrong_kind)
    if judged and "PL1-CTS-003" not in ledger.seen:
        ledger.found.held("PL1-CTS-003")
    if named and "PL1-CTS-004" not in ledger.seen:
        ledger.found.held("PL1-CTS-004")


def _identity(one: Bound, person: Person | Leader, ledger: Ledger, wrong_kind: str) -> None:
    held, signature = one.holder, one.signature
    assert held is not None
    name = person.name.raw if person.name else ""
    equal = matches(person, held)
    same_name = same(name, held.name)
    code = ledger.codes.get(signature, "")
    exchanged = code if code in (EXCHANGED, _WRONG_ROLE) else ""
    origin = wrong_kind = wrong_kind or exchanged or _unusable(_identifier(person), ledger)
    # whom the document does not identify, no certificate can be compared with
    nameless = "" if _identifier(person) else _told(ledger, "PL1-STR-001.missing-element")
    double = next((group for group in _PERSONAL if held.others.get(group)), "")
    if double:
        origin = ledger.against(
            "PL1-CTS-003", "several-identifiers", signature.node, signature=signature, expected=_identifier(person),
            seen=", ".join(held.values(double)), holder=held.name, consequence_of=wrong_kind,
        ).code  # fmt: skip
        origin = wrong_kind or origin
    elif equal is False:
        said = held.identifiers.get("id") or held.identifiers.get("passport") or ""
        origin = ledger.against(
            "PL1-CTS-003", "homonym" if same_name else "other-person", signature.node, signature=signature,
            expected=_identifier(person), seen=said, holder=held.name, consequence_of=wrong_kind,
        ).code  # fmt: skip
        origin = wrong_kind or origin
    elif equal is None:
        ledger.against(
            "PL1-CTS-004", "name-only", signature.node, signature=signature, expected=_identifier(person),
            seen=held.name, consequence_of=wrong_kind or nameless,
        )  # fmt: skip
    elif "passport" in held.identifiers:
        ledger.found.held("PL1-CTS-004", "passport")
    if not same_name:
        cause = "name-unmarked" if without_marks(held.name, name) else "name-differs"
        ledger.against(
            "PL1-CTS-004", cause, signature.node, signature=signature, expected=name, seen=held.name,
            consequence_of=origin or ("" if name.strip() else "PL1-STR-001.empty"),
        )  # fmt: skip


def _told(ledger: Ledger, code: str) -> str:
    """``code`` where it was found, else nothing."""
    return code if any(one.code == code for one in ledger.found.violations) else ""


def _key_to(person: Person | Leader) -> str:
    """What tells one person from another: the identifier, else the name."""
    return plain(_identifier(person)) or folded(person.name.raw if person.name else "")


def _unusable(identifier: str, ledger: Ledger) -> str:
    """The code of the finding that this identifier of a signer is none: nothing can be compared with it."""
    return next(
        (
            one.code
            for one in ledger.found.violations
            if one.requirement == "PL1-MA-007" and one.cause.startswith("signer-") and one.seen == identifier[:40]
        ),
        "",
    )


def _keys(binding: Binding, ledger: Ledger) -> None:
    """CTS-006: one key does not stand for two persons."""
    rule = "PL1-CTS-006"
    users: dict[str, dict[str, Bound]] = {}
    for one in binding.bound:
        if one.signature.leaf is not None:
            who = _key_to(one.person) if one.person is not None else one.signature.slot.name
            users.setdefault(one.signature.leaf.key_id, {}).setdefault(who, one)
    for those in users.values():
        if len(those) < 2:
            continue
        first, second, *_ = those.values()
        origin = _blamed(those.values(), ledger)
        ledger.against(
            rule, "shared-key", second.signature.node, signature=second.signature, consequence_of=origin,
            first=first.who, second=second.who,
        )  # fmt: skip
    if binding.bound and rule not in ledger.seen:
        ledger.found.held(rule)


def _blamed(those: Iterable[Bound], ledger: Ledger) -> str:
    codes = [ledger.codes.get(one.signature, "") for one in those]
    return next((code for code in codes if code.startswith(("PL1-CTS-003", "PL1-CTS-006", EXCHANGED))), "")


# --------------------------------------------------------------------------------------------------------- authority


def _authority(document: Document, context: Context, binding: Binding, ledger: Ledger, trusted: set[Signature]) -> None:
    """CTS-005: the leader is on the run's list, or the school's own seal is there."""
    rule = "PL1-CTS-005"
    leader = next(iter(binding.of(PRINCIPAL)), None)
    seal = next(iter(binding.of(SEAL)), None)
    sealed = seal is not None and _own_seal(document, context, seal, ledger, trusted)
    if rule in ledger.seen or leader is None or leader.person is None:
        return
    if sealed:
        ledger.found.held(rule)
        ledger.found.held(rule, "sealed")
        return
    said = leader.holder.identifiers.get("id", "") if leader.holder else ""
    identifier = said or _identifier(leader.person)
    tax = _unknown_tax_code(context, seal, trusted)
    if context.leaders is not None and identifier in context.leaders:
        ledger.found.held(rule)
    elif tax:
        ledger.blocked(rule, "seal-not-known", leader.signature.node, who=leader.who, seen=tax)
    elif context.leaders is None:
        ledger.blocked(rule, "not-proven", leader.signature.node, who=leader.who)
    else:
        code = ledger.codes.get(leader.signature, "")
        ledger.against(
            rule, "not-a-leader", leader.signature.node, signature=leader.signature, seen=identifier,
            consequence_of=code if code.startswith(("PL1-CTS-", _WRONG_ROLE)) else "",
        )  # fmt: skip


def _own_seal(
    document: Document, context: Context, seal: Bound, ledger: Ledger, trusted: set[Signature]
) -> bool:  # fmt: skip
    """Whether the seal proves authority: sound, trusted, and bound to this school by a code, never by name.

    The code is the school's own, or a tax code of which the run knows whose it is.
    """
    code = document.transcript.record.school_code
    if seal.holder is None or code is None:
        return False
    schools = {one: one for one in seal.holder.values("school")}
    schools |= {one: context.tax_codes[one] for one in seal.holder.values("tax") if one in context.tax_codes}
    other = next((said for said, school in schools.items() if school != code.raw), "")
    if other:
        ledger.against(
            "PL1-CTS-005", "seal-of-other-school", seal.signature.node, signature=seal.signature, expected=code.raw,
            seen=other, holder=seal.holder.name,
        )  # fmt: skip
        return False
    return bool(schools) and _sound(seal, trusted)


def _sound(seal: Bound, trusted: set[Signature]) -> bool:
    good = seal.signature.value_good is True and all(each.good for each in seal.signature.references)
    return good and seal.signature in trusted


def _unknown_tax_code(context: Context, seal: Bound | None, trusted: set[Signature]) -> str:
    """The tax code of a sound seal of which the run does not know whose it is; empty: there is none."""
    if seal is None or seal.holder is None or not _sound(seal, trusted):
        return ""
    return next((one for one in seal.holder.values("tax") if one not in context.tax_codes), "")
