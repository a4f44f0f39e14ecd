"""A document's signatures in the order of signing: who, in which role, when, covering what, and what is wrong.

Facts come from the verifier and the run's trust; what a finding says of a signature is the service's own, as stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from conformance.checks.signers import bind
from conformance.document import Document
from conformance.pack import Pack
from conformance.signature.certificate import CertificateFacts
from conformance.signature.trust import Status, TrustStore
from conformance.signature.verify import Signature, verify_document


@dataclass(frozen=True, slots=True)
class Entry:
    """One signature on the timeline. Words are keys of the console's texts unless said otherwise."""

    role: str
    """In words of the pack, else the role as written."""
    who: str
    """The person the document names for it, empty for a seal or when nobody could be told."""
    time: str
    """As signed, empty when there is no readable signed time."""
    moment: datetime | None
    certificate: CertificateFacts | None
    covers: tuple[str, ...]
    """What it covers, as people call it."""
    missing: tuple[str, ...]
    """What its slot asks for and it does not cover."""
    integrity: str
    """``good``, ``bad`` or ``unknown``."""
    path: str
    """``good``, a problem of the path, ``none`` (no trust anchors) or empty (no certificate)."""
    culprit: str
    """The certificate that has the problem of the path."""
    revocation: str
    """Status on the path, empty where there is no good path."""
    xpath: str
    findings: tuple[int, ...] = ()
    """Numbers (from 1) of the submission's findings about this signature."""

    @property
    def sound(self) -> str:
        """All in one: ``good``, ``bad`` or ``unknown``."""
        if self.findings or self.integrity == "bad" or self.path not in ("good", "none", ""):
            return "bad"
        if self.revocation in (Status.REVOKED.value, Status.SUSPENDED.value):
            return "bad"
        return "good" if self.integrity == "good" and self.path == "good" else "unknown"


def timeline(
    document: Document,
    trust: TrustStore | None,
    received: datetime,
    findings: Sequence[Mapping[str, Any]],
    language: str,
) -> list[Entry]:
    """The signatures of ``document``, earliest first; those without a time last. Layers keep their order."""
    pack = document.pack
    facts = verify_document(document, pack)
    binding = bind(document, pack, facts)
    made = []
    for one in facts.signatures:
        bound = binding.find(one)
        entry = _entry(one, document, trust, received, language)
        who = "" if bound.person is None else bound.who
        about = tuple(
            number for number, finding in enumerate(findings, 1) if _within(str(finding["place"]), entry.xpath)
        )
        made.append((one.layer, replace(entry, who=who, findings=about)))
    last = datetime.max.replace(tzinfo=UTC)
    return [entry for _, entry in sorted(made, key=lambda pair: (pair[1].moment or last, pair[0]))]


def _within(place: str, xpath: str) -> bool:
    return place == xpath or place.startswith(f"{xpath}/")


def _entry(
    one: Signature, document: Document, trust: TrustStore | None, received: datetime, language: str
) -> Entry:  # fmt: skip
    pack = document.pack
    roles: Mapping[str, Any] = pack.form["signatures"]["roles"] if pack.form else {}
    moment = one.time.moment if one.time else None
    path, culprit, revocation = _path(one, trust, moment or received, received, pack)
    return Entry(
        role=roles.get(one.slot.name, {}).get(language, one.slot.role),
        who="",
        time=one.time.raw if one.time else "",
        moment=moment,
        certificate=one.leaf,
        covers=tuple(_called(name, elements, document) for name, elements in one.covered.items()),
        missing=tuple(_local_name(name, pack) for name in one.slot.covers if name not in one.covered),
        integrity=_integrity(one),
        path=path,
        culprit=culprit,
        revocation=revocation,
        xpath=document.place(one.box).xpath,
    )


def _integrity(one: Signature) -> str:
    digests = [reference.good for reference in one.references]
    if one.value_good is False or False in digests:
        return "bad"
    return "good" if one.value_good and all(digests) else "unknown"


def _path(
    one: Signature, trust: TrustStore | None, at: datetime, until: datetime, pack: Pack
) -> tuple[str, str, str]:  # fmt: skip
    if one.leaf is None:
        return "", "", ""
    if trust is None:
        return "none", "", ""
    extra = [each for each in one.parsed.certificates if not isinstance(each, str) and each is not one.leaf]
    result = trust.path(one.leaf, [*extra, *one.parsed.extra], at)
    if not result.good:
        return result.problem.value, result.culprit, ""
    status = trust.status(result.path, at, max(at, until), tolerance=pack.tolerance)
    return "good", "", status.status.value


def _called(name: str, elements: Sequence[etree._Element], document: Document) -> str:
    """An anchor or slot as the document calls it, subjects with their names."""
    if name != "subject":
        return _local_name(name, document.pack)
    names = {id(subject.node): subject.name.raw for subject in document.transcript.subjects if subject.name}
    told = [names[id(element)] for element in elements if id(element) in names]
    called = _local_name(name, document.pack)
    return f"{called} ({', '.join(told)})" if told else called


def _local_name(name: str, pack: Pack) -> str:
    kind, _, slot = name.partition(":")
    if slot:
        return next((one.path for one in pack.signature.slots if one.name == slot), slot).rpartition("/")[2]
    return pack.binding.anchors.get(kind, kind).rpartition("/")[2]
