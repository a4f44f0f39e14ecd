"""What the HTML report shows, collected from result, verdict and pack: plain data for the template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conformance.events import Finding, FormData, FormTable, ItemResult, Result
from conformance.pack import Pack, Requirement
from conformance.verdict import FindingRef, LineVerdict, Outcome, RequirementOutcome, Verdict
from conformance.wording import cause_text, named, step_text
from reports.entered import case_tables
from reports.kills import Kill, kill_table, unkilled
from reports.replay import powershell, sh
from reports.sequence import Call, calls, curl
from reports.wording import word

PER_CAUSE = 2
"""Findings written out for one cause of a requirement."""
PER_REQUIREMENT = 6
EXCERPT_LINES = 15
EXCHANGE_LINES = 40
CONSEQUENCES = 10


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with everything a reader needs to see it and repeat it."""

    finding: Finding
    item: ItemResult
    text: str
    expected: str
    steps: tuple[str, ...]
    exchange: tuple[Call, ...]
    curl: str
    """The call in question as a command for sh; empty where there is none."""
    consequences: tuple[str, ...]
    more_consequences: int
    sh: str
    powershell: str
    form: FormData | None
    """The transcript as people read it: once for each item."""
    entered: tuple[FormTable, ...]
    """The smallest case that fails, as it was entered."""


@dataclass(frozen=True, slots=True)
class FailureView:
    """A failed, known-failed or warned requirement."""

    requirement: Requirement
    outcomes: tuple[RequirementOutcome, ...]
    causes: tuple[tuple[str, str, int], ...]
    """Full cause code, sentence of its first finding, how often."""
    remedies: tuple[str, ...]
    """How to mend what was found: one text for each way, mostly the requirement's own."""
    findings: tuple[FindingView, ...]
    hidden: int
    """Findings not written out."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a chart: outcome, number, start and width in percent."""

    outcome: str
    number: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class ProgrammeView:
    """One row of the verdict table."""

    name: str
    title: str
    lines: Mapping[tuple[str, str], LineVerdict]
    overall: str
    bars: tuple[Bar, ...]
    counts: Mapping[str, int]


@dataclass(slots=True)
class View:
    """The whole report."""

    programmes: list[ProgrammeView] = field(default_factory=list)
    columns: list[tuple[str, str]] = field(default_factory=list)
    groups: list[tuple[str, list[tuple[Requirement, dict[str, RequirementOutcome]]]]] = field(default_factory=list)
    failures: list[FailureView] = field(default_factory=list)
    known: list[FailureView] = field(default_factory=list)
    warnings: list[FailureView] = field(default_factory=list)
    blockers: list[tuple[RequirementOutcome, Requirement, list[str]]] = field(default_factory=list)
    rest: list[tuple[Requirement, RequirementOutcome, list[str], str]] = field(default_factory=list)
    """Not shown or not applicable: requirement, outcome, programmes, why."""
    not_scored: list[Requirement] = field(default_factory=list)
    unclaimed: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    quoted: bool = False
    kills: tuple[Kill, ...] = ()
    """The kill table of the suite."""
    unkilled: tuple[str, ...] = ()
    filters: dict[str, int] = field(default_factory=dict)
    """Key of :data:`FILTERS` -> rows of the matrix that it shows."""

    def shown_by(self, outcomes: Mapping[str, RequirementOutcome]) -> list[str]:
        """The filters of the matrix that keep a row."""
        return [key for key, wanted in FILTERS.items() if any(one.outcome in wanted for one in outcomes.values())]


FILTERS: Mapping[str, frozenset[Outcome]] = {
    "fail": frozenset((Outcome.FAIL, Outcome.KNOWN_FAILURE, Outcome.HARNESS_ERROR)),
    "unshown": frozenset((Outcome.ABSENT, Outcome.NOT_TESTABLE, Outcome.INSUFFICIENT)),
    "warn": frozenset((Outcome.WARN, Outcome.ATTESTED)),
    "outside": frozenset((Outcome.NOT_EXERCISED, Outcome.NOT_APPLICABLE, Outcome.NOT_SCORED)),
    "pass": frozenset((Outcome.PASS,)),
}
"""What the matrix can be narrowed to, without script."""


def build(result: Result, verdict: Verdict, pack: Pack, language: str) -> View:
    """Collect the view."""
    reader = _Reader(result, pack, language)
    by_requirement: dict[str, dict[str, RequirementOutcome]] = {}
    for one in verdict.outcomes:
        if one.requirement in pack.requirements:
            by_requirement.setdefault(one.requirement, {})[one.programme] = one
    view = View()
    view.programmes = [_programme(name, verdict, pack, language) for name in verdict.programmes]
    view.columns = list(dict.fromkeys((str(one.part), str(one.line)) for one in verdict.lines))
    groups: dict[str, list[tuple[Requirement, dict[str, RequirementOutcome]]]] = {}
    for name, requirement in pack.requirements.items():
        if name in by_requirement:
            groups.setdefault(requirement.group, []).append((requirement, by_requirement[name]))
    view.groups = sorted(groups.items(), key=lambda pair: _group_order(pair[0], pair[1][0][0]))
    for rows in groups.values():
        rows.sort(key=lambda row: row[0].id)
    ordered = [row for _, rows in view.groups for row in rows]
    for wanted, into in (
        (Outcome.FAIL, view.failures),
        (Outcome.KNOWN_FAILURE, view.known),
        (Outcome.WARN, view.warnings),
    ):
        for requirement, outcomes in ordered:
            mine = tuple(one for one in outcomes.values() if one.outcome is wanted)
            if mine:
                into.append(reader.failure(requirement, mine))
    for requirement, outcomes in ordered:
        _rest(view, reader, requirement, outcomes)
    view.blockers.sort(key=lambda row: row[0].outcome.severity)
    view.not_scored = [pack.requirements[one] for one in verdict.not_scored if one in pack.requirements]
    view.unclaimed = [name for name in pack.programmes if name not in verdict.programmes]
    run = {item.id for item in result.items}
    view.not_run = [name for name in result.run.planned if name not in run]
    view.quoted = any(one.quoted for one in verdict.outcomes)
    view.kills, view.unkilled = kill_table(), unkilled(pack)
    view.filters = {key: sum(key in view.shown_by(outcomes) for _, outcomes in ordered) for key in FILTERS}
    return view


def _group_order(group: str, first: Requirement) -> tuple[str, int]:
    known = ("ND", "PH", "DOC", "STR", "MA", "MON", "HT", "RL", "LL", "KY", "CTS", "IN", "XT", "GN", "SD", "TC", "DM")
    return first.part, known.index(group) if group in known else len(known)


def _programme(name: str, verdict: Verdict, pack: Pack, language: str) -> ProgrammeView:
    lines: dict[tuple[str, str], LineVerdict] = {
        (one.part, one.line): one for one in verdict.lines if one.programme == name
    }
    answers = {one.verdict for one in lines.values()}
    overall = "fail" if "fail" in answers else "pass" if answers == {"pass"} else "inconclusive"
    counts: dict[str, int] = {}
    for outcome in Outcome:
        number = sum(one.counts.get(outcome.value, 0) for one in lines.values())
        if number:
            counts[outcome.value] = number
    total = sum(counts.values()) or 1
    bars: list[Bar] = []
    start = 0.0
    for outcome_name, number in counts.items():
        width = 100 * number / total
        bars.append(Bar(outcome_name, number, round(start, 3), round(width, 3)))
        start += width
    title = pack.programmes[name].name.of(language) if name in pack.programmes else ""
    return ProgrammeView(name, title, lines, overall, tuple(bars), counts)


def _rest(view: View, reader: _Reader, requirement: Requirement, outcomes: dict[str, RequirementOutcome]) -> None:
    grouped: dict[tuple[Outcome, str, str], tuple[RequirementOutcome, list[str]]] = {}
    for programme, one in outcomes.items():
        if one.outcome in (Outcome.PASS, Outcome.WARN, Outcome.NOT_SCORED):
            continue
        why = reader.why(one)
        grouped.setdefault((one.outcome, one.reason, why), (one, []))[1].append(programme)
    for (outcome, _, why), (one, programmes) in grouped.items():
        if one.blocks:
            view.blockers.append((one, requirement, programmes))
        if outcome not in (Outcome.FAIL, Outcome.KNOWN_FAILURE):
            view.rest.append((requirement, one, programmes, why))


class _Reader:
    """Looks findings up and puts them into words."""

    def __init__(self, result: Result, pack: Pack, language: str) -> None:
        self._items = {item.id: item for item in result.items}
        self._pack = pack
        self._language = language
        self._formed: set[str] = set()

    def found(self, references: Iterable[FindingRef]) -> list[tuple[ItemResult, Finding]]:
        """The findings behind references; those of a result that was cut are left out."""
        return [
            (self._items[at.item], self._items[at.item].findings[at.index])
            for at in references
            if at.item in self._items and at.index < len(self._items[at.item].findings)
        ]

    def why(self, one: RequirementOutcome) -> str:
        """Why an outcome is as it is, in a few words."""
        parts: list[str] = []
        if one.outcome is Outcome.ATTESTED:
            parts.append(one.attested_by)
        elif one.reason:
            parts.append(word(f"reason.{one.reason}", self._language))
        if one.outcome in (Outcome.INSUFFICIENT, Outcome.HARNESS_ERROR) and one.missing:
            parts.append(word("f.missing", self._language, names=", ".join(one.missing)))
        if one.reason in ("blocked", "warned"):
            texts = {cause_text(self._pack, finding, self._language): None for _, finding in self.found(one.blocked)}
            parts.extend(list(texts)[:2])
        return " · ".join(parts)

    def failure(self, requirement: Requirement, outcomes: tuple[RequirementOutcome, ...]) -> FailureView:
        # a warning without a violation is of what could not be judged
        references = dict.fromkeys(
            at for one in outcomes for at in (one.roots or (one.blocked if one.outcome is Outcome.WARN else ()))
        )
        found = self.found(references)
        causes: dict[str, list[tuple[ItemResult, Finding]]] = {}
        for item, finding in found:
            causes.setdefault(finding.code, []).append((item, finding))
        for pairs in causes.values():
            pairs.sort(key=lambda pair: _size(pair[0]))  # stable: the smallest case first, else in the order of the run
        shown = [pair for pairs in causes.values() for pair in pairs[:PER_CAUSE]][:PER_REQUIREMENT]
        return FailureView(
            requirement,
            outcomes,
            tuple(
                (code, cause_text(self._pack, pairs[0][1], self._language), len(pairs))
                for code, pairs in causes.items()
            ),
            tuple(dict.fromkeys(requirement.remedy(one.cause).of(self._language) for _, one in found)),
            tuple(self._finding(item, finding) for item, finding in shown),
            len(found) - len(shown),
        )

    def _finding(self, item: ItemResult, finding: Finding) -> FindingView:
        pointer = finding.place.pointer if finding.place else ""
        following = [
            f"{one.requirement}: {cause_text(self._pack, one, self._language)}"
            for one in item.findings
            if one.consequence_of == finding.code
        ]
        return FindingView(
            finding,
            item,
            cause_text(self._pack, finding, self._language),
            named(self._pack, finding.expected, self._language),
            tuple(step_text(self._pack, step, self._language) for step in finding.derivation),
            calls(finding.exchange[:EXCHANGE_LINES], pointer),
            sh(curl(finding.exchange, pointer)),
            tuple(following[:CONSEQUENCES]),
            max(0, len(following) - CONSEQUENCES),
            sh(item.replay),
            powershell(item.replay),
            self._form(item),
            case_tables(item.smallest.get("case", item.smallest), self._language),
        )

    def _form(self, item: ItemResult) -> FormData | None:
        if item.id in self._formed:
            return None
        self._formed.add(item.id)
        return item.form


def _size(item: ItemResult) -> int:
    """How much of a case is left of it: edits of the smallest case that fails; many where there is none."""
    edits = item.smallest.get("edits")
    return len(edits) if isinstance(edits, list | tuple) else 1000
