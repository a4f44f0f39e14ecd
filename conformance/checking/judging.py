"""One item judged; and all that is needed to judge it in another process."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from conformance.checking.files import CheckingProblem, mapping_of, read_file
from conformance.checking.sources import Item, content
from conformance.checks.context import Context
from conformance.checks.judge import judge_document
from conformance.checks.relations import Facts
from conformance.events import Finding
from conformance.pack import Pack, default_pack, load_pack
from conformance.signature.dump import dump_document
from conformance.signature.given import GivenError, read_anchors, read_answers, read_crls, read_tax_codes
from conformance.signature.trust import TrustStore

BATCH = 16
"""Items sent at once: some tenths of a second of work. Sending costs little, and an interruption waits little."""
AHEAD = 3
"""Batches in flight for each process: enough to keep it busy, few enough that memory stays flat."""


@dataclass(slots=True)
class Checked:
    """One file's findings. ``error``: our own defect on it, never a verdict."""

    name: str
    digest: str = ""
    programme: str = ""
    findings: list[Finding] = field(default_factory=list)
    held: int = 0
    error: str = ""
    unread: str = ""
    """Why the file could not be read; nothing is said about its content then."""
    same_as: str = ""
    """An earlier file with the very same bytes, where there is one."""
    facts: Facts | None = None
    """What later files are judged against (:mod:`.related`)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How documents are judged, in a form that can be sent to another process or machine."""

    pack: str
    """Folder of the pack."""
    judged_at: datetime
    """Aware: every file is judged at the same moment."""
    anchors: bytes = b""
    """Trust anchors in PEM; empty: none were given."""
    crls: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()
    """OCSP answers in DER."""
    leaders: tuple[str, ...] | None = None
    subjects: tuple[tuple[str, str], ...] = ()
    tax_codes: tuple[tuple[str, str], ...] = ()
    dump: str = ""
    """Folder for the canonical octets and digests of every signature (:mod:`conformance.signature.dump`)."""
    notes: tuple[str, ...] = ()
    """What should be told about the trust anchors."""
    together: bool = False
    """Whether all files are of one register and must agree with each other (:mod:`.related`)."""

    @classmethod
    def of(
        cls,
        pack: Pack,
        *,
        trust: Iterable[Path] = (),
        crls: Iterable[Path] = (),
        answers: Iterable[Path] = (),
        schools: Path | None = None,
        leaders: Path | None = None,
        subject_map: Path | None = None,
        judged_at: datetime | None = None,
        dump: Path | None = None,
        together: bool = False,
    ) -> Plan:
        """The plan that the options of the command ask for.

        Raises:
            CheckingProblem: an option's file cannot be used.
        """
        when = judged_at or datetime.now(pack.timezone)
        when = when if when.tzinfo else when.replace(tzinfo=pack.timezone)
        try:
            anchors = read_anchors(trust, when)
            lists, spoken = tuple(read_crls(crls)), tuple(read_answers(answers))
            tax_codes = {} if schools is None else read_tax_codes(schools)
        except GivenError as error:
            raise CheckingProblem(str(error)) from error
        if not anchors.pem and (lists or spoken):
            raise CheckingProblem("--crl, --ocsp: cần --trust / want --trust")
        if dump is not None:
            try:
                dump.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CheckingProblem(f"--dump-c14n: {error}") from error
        numbers = () if leaders is None else read_file(leaders).decode().splitlines()
        plan = cls(
            pack=str(pack.folder),
            judged_at=when,
            anchors=anchors.pem,
            crls=lists,
            answers=spoken,
            leaders=None if leaders is None else tuple(line.strip() for line in numbers if line.strip()),
            subjects=() if subject_map is None else tuple(mapping_of(subject_map).items()),
            tax_codes=tuple(tax_codes.items()),
            dump="" if dump is None else str(dump),
            notes=anchors.notes,
            together=together,
        )
        context_of(plan)
        return plan


@lru_cache(maxsize=1)
def context_of(plan: Plan) -> Context:
    """What the checks are given; made once in each process, so that its caches live as long as the process.

    Raises:
        CheckingProblem: trust anchors or evidence of revocation cannot be read.
    """
    store: TrustStore | None = None
    if plan.anchors:
        try:
            store = TrustStore.from_pem(plan.anchors, plan.crls, answers=plan.answers)
        except ValueError as error:
            raise CheckingProblem(f"--trust, --crl, --ocsp: {error}") from error
    usual = default_pack()
    return Context(
        pack=usual if plan.pack == str(usual.folder) else load_pack(Path(plan.pack)),
        trust=store,
        judged_at=plan.judged_at,
        tax_codes=dict(plan.tax_codes),
        leaders=None if plan.leaders is None else frozenset(plan.leaders),
        subject_map=dict(plan.subjects),
    )


def judge_one(item: Item, plan: Plan) -> Checked:
    """Judge one item. Never raises: what cannot be read and what we cannot judge is an error of this file alone."""
    checked = Checked(item.name, unread=item.unread)
    if item.unread:
        return checked
    try:
        data = content(item)
    except CheckingProblem as problem:
        checked.unread = str(problem)
        return checked
    try:
        context = context_of(plan)
        judgement = judge_document(data, context)
        checked.programme = judgement.programme or ""
        checked.held = sum(judgement.found.held_counts.values())
        checked.findings = [Finding.of(one) for one in judgement.found.observations]
        if judgement.document is not None:
            checked.digest = judgement.document.digest
            checked.facts = Facts.of(judgement.document)
            if plan.dump:
                dump_document(judgement.document, context.pack, Path(plan.dump), Path(item.name).stem)
    except Exception as error:
        checked.error = f"{type(error).__name__}: {error}"
    return checked


def batches(items: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    """The items in groups of :data:`BATCH`."""
    rest = iter(items)
    while batch := tuple(itertools.islice(rest, BATCH)):
        yield batch


def judge_all(plan: Plan, items: Sequence[Item]) -> list[Checked]:
    """Judge some items in this process: what is sent to workers."""
    return [judge_one(item, plan) for item in items]


def lost(item: Item) -> Checked:
    """What is said of an item on which a worker process died."""
    return Checked(item.name, error="tiến trình kiểm bị dừng đột ngột / the checking process died on this file")
