"""Stored evidence judged anew: the bundle is enough, no software, no network, no clock (verdict.md, "Evidence").

Another pack gives another verdict, with its reasons; the same pack and another version of the suite shows what the
harness itself does differently. What an exchange's calls mean was read with the run's own pack when it was recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

import conformance
from conformance.checks.context import Context
from conformance.events import ItemResult, Result, RunInfo
from conformance.evidence import Entry, EvidenceError, StoredBundle
from conformance.exchanges import ExchangeSpec, load_exchanges
from conformance.finding import Recorder
from conformance.pack import Pack
from conformance.signature.trust import TrustStore
from conformance.strict import loads
from conformance.suite.arrivals import SIGHT, Asked, judge_sight
from conformance.suite.bench import finding_of
from conformance.suite.judge import CASE, EXCHANGE, PROBE, Judge, held_of
from conformance.suite.plan import plan
from conformance.suite.settings import Setup
from conformance.verdict import Baseline, decide


class NotRejudgeable(ValueError):
    """The evidence cannot be judged anew; says why, in Vietnamese and English."""


def rejudge(bundle: StoredBundle, before: Result, pack: Pack) -> Result:
    """The result of a run, judged anew from its evidence by ``pack`` at the run's revision (or the pack's own).

    A rejudged result is self-declared, whatever the run was: a testing body looks at what differs and decides.

    Raises:
        EvidenceError: altered or incomplete evidence.
        NotRejudgeable: the evidence is of another run, or was recorded by a suite that kept no records.
    """
    footer = before.footer
    if footer is None or footer.evidence_digest != bundle.footer["digest"]:
        raise NotRejudgeable("chứng cứ của lần chạy khác / the evidence of another run")
    revision = before.run.revision if before.run.revision in pack.header.revisions else pack.header.revision
    at_revision = pack.at(revision)
    work = _Work(bundle, before, at_revision)
    run = _run(before.run, at_revision, revision, work.setup)
    items = tuple(one for one in map(work.item, before.items) if one is not None)
    result = Result(run=run, items=items, footer=footer.model_copy(update={"items": len(items)}))
    return result.model_copy(update={"verdict": decide(at_revision, result, baseline=_baseline(bundle)).to_json()})


def _baseline(bundle: StoredBundle) -> Baseline:
    for entry in bundle.of("baseline"):
        return Baseline.parse(bundle.read(entry).decode("utf-8", "replace"))
    return Baseline()


def _run(run: RunInfo, pack: Pack, revision: str, setup: Mapping[str, Any]) -> RunInfo:
    planned = run.planned
    if run.pack_digest != pack.digest and run.door == "drive":
        try:
            offered = Setup.model_validate({**setup, "pack": str(pack.folder)})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise NotRejudgeable(f"setup: {where}: sai dữ liệu / wrong data: {first['msg']}") from error
        known = tuple(one for one in offered.programmes if one in pack.programmes)
        planned = tuple(one.id for one in plan(pack, offered.model_copy(update={"programmes": known})))
    rejudged = {"pack": run.pack_digest, "tool": run.tool_version, "witnessed": run.witnessed}
    return run.model_copy(
        update={
            "pack": pack.name,
            "pack_digest": pack.digest,
            "revision": revision,
            "tool_version": conformance.__version__,
            "witnessed": False,
            "witness": None,
            "planned": planned,
            "options": {**run.options, "rejudged": rejudged},
        }
    )


@dataclass
class _Work:
    """What judging needs, out of the bundle."""

    bundle: StoredBundle
    before: Result
    pack: Pack
    _entries: dict[str, list[Entry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.bundle.entries:
            self._entries.setdefault(entry.item, []).append(entry)

    @cached_property
    def setup(self) -> dict[str, Any]:
        """How the run was set up."""
        for entry in self.bundle.of("setup"):
            try:
                return dict(loads(self.bundle.read(entry)))
            except (TypeError, ValueError) as error:
                if isinstance(error, EvidenceError):
                    raise
                raise NotRejudgeable(f"bytes/{entry.digest}: setup: hỏng / garbled: {error}") from error
        raise NotRejudgeable(
            "chứng cứ do bản cũ của bộ kiểm thử ghi, không xét lại được / recorded by an older suite that kept "
            "nothing to judge by"
        )

    def _all(self, kind: str) -> list[bytes]:
        return [self.bundle.read(entry) for entry in self.bundle.of(kind)]

    @cached_property
    def judge(self) -> Judge:
        """Judges by the pack that was asked for."""
        rosters = self._all("roster")
        return Judge(self.pack, self._context, json.loads(rosters[0]) if rosters else {}, self._peers)

    @cached_property
    def _trust(self) -> TrustStore | None:
        anchors = self._all("trust")
        return TrustStore.from_pem(anchors[0], crls=self._all("crl"), answers=self._all("ocsp")) if anchors else None

    def _context(self, received_at: datetime | None, judged_at: datetime) -> Context:
        leaders = self.setup.get("leaders")
        return Context(
            pack=self.pack,
            trust=self._trust,
            judged_at=judged_at,
            received_at=received_at,
            leaders=None if leaders is None else frozenset(leaders),
            door=self.before.run.door,
            subject_map=self.setup.get("subject_map") or {},
            tax_codes=self.setup.get("tax_codes") or {},
        )

    def _peers(self, programme: str) -> Iterable[Mapping[str, Any]]:
        """All cases that the run entered for a programme."""
        for item in self.before.items:
            if item.kind == "case" and item.programme == programme:
                for entry in self._entries.get(item.id, ()):
                    if entry.kind == "case":
                        yield json.loads(self.bundle.read(entry))

    def _one(self, item: str, kind: str) -> bytes:
        for entry in self._entries.get(item, ()):
            if entry.kind == kind:
                return self.bundle.read(entry)
        raise NotRejudgeable(f"{item}: chứng cứ thiếu / the evidence lacks: {kind}")

    def item(self, one: ItemResult) -> ItemResult | None:
        """An item judged anew; ``None`` where the pack no longer has it. Our own error becomes the item's."""
        if one.error or one.kind == "explore":
            # drawn cases are shrunk while the software answers: what was seen of them stands
            return one
        try:
            return self._judged(one)
        except (NotRejudgeable, EvidenceError):
            raise
        except Exception as error:
            return one.model_copy(
                update={"error": f"{type(error).__name__}: {error}"[:2000], "held": {}, "findings": ()}
            )

    def _judged(self, one: ItemResult) -> ItemResult | None:
        found, document = Recorder(), b""
        programme = one.programme
        if self.before.run.door == "observe":
            record = SIGHT.validate_json(self._one(one.id, "record"))
            spec = self._spec(record.exchange)
            if record.kind == "watched" and spec is None:
                return None
            kept = {entry.digest: entry for entry in self._entries.get(one.id, ()) if entry.kind == "document"}
            sight = record.sight(lambda digest: self._of(one.id, kept.get(digest)), self._journal(one))
            asked = Asked(record.case, record.learner, spec)
            judge_sight(record, asked, sight, found, self._context, self.pack)
            document = sight.arrived[-1].content if sight.arrived else b""
        elif one.kind == "document":
            entry = next(entry for entry in self._entries.get(one.id, ()) if entry.kind == "document")
            document = self.bundle.read(entry)
            found, programme = self.judge.document(document, datetime.fromisoformat(entry.facts["judged_at"]))
        elif one.kind == "case":
            case = CASE.validate_json(self._one(one.id, "record"))
            document = self._one(one.id, "document") if case.document else b""
            self.judge.case(case, document if case.document else None, found)
        elif one.kind == "probe":
            self.judge.probe(PROBE.validate_json(self._one(one.id, "record")), found)
        else:
            exchange = EXCHANGE.validate_json(self._one(one.id, "record"))
            spec = self._spec(exchange.name)
            if spec is None:
                return None
            self.judge.exchange(spec, exchange, found)
        journal = self._journal(one)
        findings = tuple(finding_of(seen, one.evidence, document, journal) for seen in found.observations)
        return one.model_copy(update={"programme": programme, "held": held_of(found), "findings": findings})

    def _journal(self, one: ItemResult) -> tuple[dict[str, Any], ...]:
        return tuple(json.loads(self._one(one.id, "journal"))) if "journal" in one.evidence else ()

    def _spec(self, name: str) -> ExchangeSpec | None:
        return next((spec for spec in load_exchanges(self.pack) if spec.id == name), None)

    def _of(self, item: str, entry: Entry | None) -> bytes:
        if entry is None:
            raise NotRejudgeable(f"{item}: chứng cứ thiếu / the evidence lacks: document")
        return self.bundle.read(entry)
