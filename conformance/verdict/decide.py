"""Decides: manifest and recorded results in, verdict out. Pure: no clock, no files, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from conformance.events import Finding, ItemResult, Result
from conformance.pack import Pack, Requirement
from conformance.verdict.baseline import Attestation, Baseline
from conformance.verdict.model import (
    Answer,
    ExitCode,
    FindingRef,
    LineVerdict,
    Outcome,
    RequirementOutcome,
    Verdict,
)

OTHER_FORM = "PL1-STR-001.other-form"
"""A document that is not in the profile's form at all: says nothing about the official requirements (verdict.md)."""


@dataclass(slots=True)
class _Seen:
    """What the evidence of one programme shows of one requirement."""

    held: Counter[str] = field(default_factory=Counter)
    roots: list[FindingRef] = field(default_factory=list)
    consequences: list[FindingRef] = field(default_factory=list)
    blocked: list[FindingRef] = field(default_factory=list)
    warned: list[FindingRef] = field(default_factory=list)
    """Blocked for a cause that at this door only warns."""
    other_form: list[FindingRef] = field(default_factory=list)
    unknown_to_baseline: int = 0
    known: dict[str, None] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        return not (self.held or self.roots or self.consequences or self.blocked or self.warned or self.other_form)


def decide(
    pack: Pack,
    result: Result,
    *,
    baseline: Baseline | None = None,
    attestations: Sequence[Attestation] = (),
    on: date | None = None,
) -> Verdict:
    """The verdict of a run.

    Every requirement of the pack's manifest gets an outcome for every claimed programme, whatever was run: what has no
    evidence is ``absent``. ``on`` is the day on which baseline entries are looked at (the day of the run by default).
    Whatever ``result`` holds, nothing is raised.
    """
    run = result.run
    revision = run.revision if run.revision in pack.header.revisions else pack.header.revision
    judged_on = on or _day(run.started)
    known = baseline or Baseline()
    reasons = _run_reasons(pack, result)
    errors = _harness_errors(pack, result.items)
    outcomes: list[RequirementOutcome] = []
    lines: list[LineVerdict] = []
    manifest = [one for one in pack.requirements.values() if not one.withdrawn]
    for programme in dict.fromkeys(run.programmes):
        items = [one for one in result.items if one.programme in ("", programme)]
        seen = _collect(pack, items, programme, revision, known, judged_on, run.door)
        errored = any(one.error for one in items)
        vouched = {one.requirement: one for one in attestations if one.programme == programme}
        mine = [
            _outcome(pack, one, programme, seen.get(one.id, _Seen()), errored, vouched.get(one.id), result, revision)
            for one in manifest
        ]
        outcomes.extend(mine)
        other_form = any(one.other_form for one in seen.values())
        lines.extend(_lines(pack, manifest, mine, programme, revision, reasons, other_form))
    codes = {finding.code for item in result.items for finding in item.findings if finding.state == "violated"}
    stale = known.stale(codes, judged_on)
    scored = [one for one in manifest if pack.scored(one, revision)]
    return Verdict(
        pack=pack.name,
        revision=revision,
        scored=len(scored),
        total=len(manifest),
        programmes=tuple(dict.fromkeys(run.programmes)),
        declined=run.declined,
        witnessed=run.witnessed,
        completed=not reasons,
        lines=tuple(lines),
        outcomes=tuple(outcomes),
        not_scored=tuple(one.id for one in manifest if not pack.scored(one, revision)),
        reasons=reasons,
        harness_errors=errors,
        baseline_errors=stale,
        exit_code=_exit_code(lines, outcomes, reasons, errors, stale),
    )


def _day(time: str) -> date:
    try:
        return datetime.fromisoformat(time).date()
    except ValueError:
        return date.max  # a run without a readable time excuses nothing that has an expiry


def _run_reasons(pack: Pack, result: Result) -> tuple[str, ...]:
    """Why the run as a whole can't be Đạt, whatever was seen."""
    run, footer = result.run, result.footer
    found: list[str] = []
    if footer is None or footer.interrupted:
        found.append("not-completed")
    if footer is not None and footer.items != len(result.items):
        found.append("items-lost")
    if set(run.planned) - {one.id for one in result.items}:
        found.append("items-missing")
    if not result.items:
        found.append("no-items")
    if run.pack != pack.name or run.pack_digest != pack.digest:
        found.append("other-pack")
    if run.revision not in pack.header.revisions:
        found.append("unknown-revision")
    before = str(run.vendor.get("buildHash", ""))
    if footer is not None and footer.build_hash_at_end and footer.build_hash_at_end != before:
        found.append("build-changed")
    if not run.programmes:
        found.append("no-programme")
    return tuple(found)


def _harness_errors(pack: Pack, items: Iterable[ItemResult]) -> tuple[str, ...]:
    """Defects of ours: errors of items, and observations of requirements that the manifest does not know."""
    found: dict[str, None] = {}
    for item in items:
        if item.error:
            found[f"{item.id}: {item.error}"] = None
        for name in (*item.held, *(one.requirement for one in item.findings)):
            if name not in pack.requirements:
                found[f"{item.id}: {name}: không có trong danh mục / not in the manifest"] = None
    return tuple(found)


def _collect(
    pack: Pack,
    items: Iterable[ItemResult],
    programme: str,
    revision: str,
    baseline: Baseline,
    on: date,
    door: str,
) -> dict[str, _Seen]:
    seen: dict[str, _Seen] = {}
    for item in items:
        for name, classes in item.held.items():
            for case_class, count in classes.items():
                if count > 0:
                    seen.setdefault(name, _Seen()).held[case_class] += count
        sound = _blocking_roots(pack, item, programme, revision)
        parents = {
            one.code: one.consequence_of for one in item.findings if one.state == "violated" and one.consequence_of
        }
        for index, finding in enumerate(item.findings):
            mine = seen.setdefault(finding.requirement, _Seen())
            reference = FindingRef(item=item.id, index=index)
            if finding.state == "blocked":
                (mine.warned if _warns(pack, finding, door) else mine.blocked).append(reference)
            elif finding.code == OTHER_FORM:
                mine.other_form.append(reference)
            elif finding.consequence_of and _leads_to(finding.consequence_of, parents, sound):
                mine.consequences.append(reference)
            else:
                mine.roots.append(reference)
                if baseline.covers(finding.code, on):
                    mine.known[finding.code] = None
                else:
                    mine.unknown_to_baseline += 1
    return seen


def _warns(pack: Pack, finding: Finding, door: str) -> bool:
    requirement = pack.requirements.get(finding.requirement)
    cause = requirement.causes.get(finding.cause) if requirement else None
    return cause is not None and door in cause.warns


def _blocking_roots(pack: Pack, item: ItemResult, programme: str, revision: str) -> set[str]:
    """Full cause codes of the item's roots that block by themselves: only these excuse a consequence.

    A MUST must never disappear behind a SHOULD, a row of another programme or one that is not scored.
    """
    found: set[str] = set()
    for finding in item.findings:
        requirement = pack.requirements.get(finding.requirement)
        if (
            finding.state == "violated"
            and not finding.consequence_of
            and requirement is not None
            and requirement.level == "MUST"
            and programme in requirement.programmes
            and pack.scored(requirement, revision)
        ):
            found.add(finding.code)
    return found


def _leads_to(cause: str, parents: dict[str, str], roots: set[str]) -> bool:
    """Whether ``cause`` is a root, or follows from one over others; a circle leads nowhere."""
    passed: set[str] = set()
    while cause not in roots:
        if cause in passed or cause not in parents:
            return False
        passed.add(cause)
        cause = parents[cause]
    return True


def _outcome(
    pack: Pack,
    requirement: Requirement,
    programme: str,
    seen: _Seen,
    errored: bool,
    vouched: Attestation | None,
    result: Result,
    revision: str,
) -> RequirementOutcome:
    wanted = requirement.classes_for(programme, result.run.door)
    missing = tuple(name for name in wanted if not seen.held[name])
    outcome, reason = _judge(pack, requirement, programme, seen, missing, errored, result, revision)
    if vouched is not None and outcome in (Outcome.ABSENT, Outcome.NOT_TESTABLE, Outcome.INSUFFICIENT):
        outcome, reason = Outcome.ATTESTED, reason
    return RequirementOutcome(
        requirement=requirement.id,
        programme=programme,
        part=requirement.part,
        line=requirement.line,
        level=requirement.level,
        outcome=outcome,
        blocks=outcome.blocks(requirement.level),
        reason=reason,
        held=dict(sorted(seen.held.items())),
        missing=missing,
        roots=(*seen.roots, *seen.other_form),
        consequences=tuple(seen.consequences),
        blocked=(*seen.blocked, *seen.warned),
        known=tuple(seen.known),
        quoted=_quoted(pack, requirement, programme),
        attested_by=f"{vouched.name}, {vouched.day.isoformat()}" if outcome is Outcome.ATTESTED and vouched else "",
    )


def _judge(
    pack: Pack,
    requirement: Requirement,
    programme: str,
    seen: _Seen,
    missing: tuple[str, ...],
    errored: bool,
    result: Result,
    revision: str,
) -> tuple[Outcome, str]:
    """Outcome and reason, worst first."""
    must = requirement.level == "MUST"
    if not pack.scored(requirement, revision):
        return Outcome.NOT_SCORED, "revision"
    if programme not in requirement.programmes:
        return Outcome.NOT_APPLICABLE, "programme"
    if must and seen.unknown_to_baseline:
        return Outcome.FAIL, ""
    unsatisfied = bool(missing) or (seen.nothing and not requirement.conditional)
    declined = bool(requirement.capability) and requirement.capability in result.run.declined
    shown = result.run.door in requirement.doors
    if errored and unsatisfied and shown and not declined:
        return Outcome.HARNESS_ERROR, "error"
    if seen.roots and not must:
        return Outcome.WARN, ""
    if declined and not seen.roots:
        capability = pack.header.capabilities.get(requirement.capability)
        may = capability is not None and capability.may_be_declined
        return (Outcome.NOT_APPLICABLE if may else Outcome.NOT_TESTABLE), "declined"
    if not shown and not seen.roots:
        return Outcome.NOT_TESTABLE, "door"
    if seen.nothing:
        return (Outcome.NOT_EXERCISED, "condition") if requirement.conditional else (Outcome.ABSENT, "")
    for found, reason in (
        (seen.other_form, "other-form"),
        (seen.blocked, "blocked"),
        (seen.consequences, "consequence"),
    ):
        if found:
            return Outcome.NOT_TESTABLE, reason
    # what was violated and is known need not have been seen to hold as well
    if seen.roots:
        return Outcome.KNOWN_FAILURE, "baseline"
    if missing:
        # of a conditional row, only what was met is asked for
        return (Outcome.NOT_EXERCISED, "condition") if requirement.conditional else (Outcome.INSUFFICIENT, "")
    if seen.warned:
        return Outcome.WARN, "warned"
    return Outcome.PASS, ""


def _quoted(pack: Pack, requirement: Requirement, programme: str) -> bool:
    """Whether the row rests on a quoted source: its own, or that of the programme's rule set that its clause cites."""
    if requirement.confidence != "high":
        return True
    rules = pack.rules.get(pack.programmes[programme].rules) if programme in pack.programmes else None
    return (
        rules is not None
        and rules.confidence != "high"
        and any(one.circular in requirement.clause for one in pack.rules.values())
    )


def _lines(
    pack: Pack,
    manifest: Sequence[Requirement],
    outcomes: Sequence[RequirementOutcome],
    programme: str,
    revision: str,
    reasons: tuple[str, ...],
    other_form: bool,
) -> list[LineVerdict]:
    found: list[LineVerdict] = []
    for part in ("appendix1", "appendix2"):
        for line in ("A", "B"):
            if not any(one.part == part and one.line == line for one in manifest):
                continue  # the manifest says nothing here: no line, rather than an empty promise
            mine = [one for one in outcomes if one.part == part and one.line == line]
            own = list(reasons)
            if programme not in pack.certified(revision):
                own.append("programme-not-certified")
            if other_form and part == "appendix1" and line == "A":
                own.append("other-form")
            shown = (Outcome.PASS, Outcome.WARN, Outcome.ATTESTED)
            if not any(one.outcome in shown for one in mine):
                own.append("nothing-shown")
            blockers = sorted((one for one in mine if one.blocks), key=lambda one: one.outcome.severity)
            answer: Answer = "pass"
            if any(one.outcome is Outcome.FAIL for one in mine):
                answer = "fail"
            elif blockers or own:
                answer = "inconclusive"
            applies = [one for one in mine if one.outcome not in (Outcome.NOT_SCORED, Outcome.NOT_APPLICABLE)]
            found.append(
                LineVerdict(
                    programme=programme,
                    part=part,
                    line=line,
                    verdict=answer,
                    scored=len(applies),
                    passed=sum(one.outcome is Outcome.PASS for one in mine),
                    counts=dict(
                        Counter(one.outcome.value for one in sorted(mine, key=lambda one: one.outcome.severity))
                    ),
                    blockers=tuple(one.requirement for one in blockers),
                    reasons=tuple(own),
                )
            )
    return found


def _exit_code(
    lines: Sequence[LineVerdict],
    outcomes: Sequence[RequirementOutcome],
    reasons: tuple[str, ...],
    errors: tuple[str, ...],
    stale: tuple[str, ...],
) -> ExitCode:
    """A proven failure of the vendor stands whatever else went wrong; then our own defects; then the rest."""
    if any(one.verdict == "fail" for one in lines):
        return ExitCode.FAIL
    if errors:
        return ExitCode.HARNESS
    if lines and all(one.verdict == "pass" for one in lines):
        return ExitCode.WRONG_USE if stale else ExitCode.PASS
    blocking = [one for one in outcomes if one.blocks]
    only_requirements = not reasons and not any(one.reasons for one in lines)
    if blocking and only_requirements and all(one.outcome is Outcome.KNOWN_FAILURE for one in blocking):
        return ExitCode.WRONG_USE if stale else ExitCode.KNOWN_FAILURES
    return ExitCode.INCONCLUSIVE
