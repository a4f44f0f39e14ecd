"""The summary that ends a run in the terminal; fits 100 columns, and no vendor text reaches the terminal as it is."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.events import Result
from conformance.pack import Pack
from conformance.verdict import Outcome, Verdict
from conformance.visible import one_line
from reports.view import FailureView, build
from reports.wording import word

SHOWN = 20
_STYLE = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}


def summary(result: Result, verdict: Verdict, pack: Pack, language: str = "vi") -> RenderableType:
    """Verdict lines, what blocks, failures with their first finding, and the exit code."""
    language = "en" if language == "en" else "vi"
    view = build(result, verdict, pack, language)

    def t(key: str, **params: object) -> str:
        return word(key, language, **params)

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(t("col.programme"), no_wrap=True)
    table.add_column(t("col.overall"))
    for part, line in view.columns:
        table.add_column(f"{t(f'part.{part}').partition(' (')[0]} {line}")
    for one in view.programmes:
        cells = [Text(one_line(one.name)), Text(t(f"verdict.{one.overall}"), style=_STYLE[one.overall])]
        for key in view.columns:
            found = one.lines.get(key)
            cells.append(
                Text(f"{t(f'verdict.{found.verdict}')} {found.passed}/{found.scored}", style=_STYLE[found.verdict])
                if found
                else Text("")
            )
        table.add_row(*cells)
    counted = {"revision": verdict.revision, "scored": verdict.scored, "total": verdict.total}
    parts: list[RenderableType] = [table, Text(t("t.scored", **counted))]
    reasons = dict.fromkeys((*verdict.reasons, *(reason for one in verdict.lines for reason in one.reasons)))
    parts.extend(Text(f"• {t(f'reason.{reason}')}", style="yellow") for reason in reasons)
    parts.extend(
        Text(f"• {t('h.harness')}: {one_line(text, 300)}", style="bold red") for text in verdict.harness_errors[:SHOWN]
    )
    if view.failures:
        parts.append(Text(t("t.failures"), style="bold"))
        parts.extend(_failure(one) for one in view.failures[:SHOWN])
        if len(view.failures) > SHOWN:
            parts.append(Text("  " + t("t.more", n=len(view.failures) - SHOWN)))
    others = [row for row in view.blockers if row[0].outcome is not Outcome.FAIL]
    if result.run.selection:
        # of what was left out by choice the number says enough
        unseen = [row for row in others if row[0].outcome in (Outcome.ABSENT, Outcome.INSUFFICIENT)]
        others = [row for row in others if row not in unseen]
        parts.extend([Text(t("t.selection", n=len(unseen)), style="yellow")] if unseen else [])
    if others:
        parts.append(Text(t("t.blockers"), style="bold"))
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, style="yellow")
        grid.add_column(style="yellow")
        for outcome, requirement, programmes in others[:SHOWN]:
            shown = f"[{', '.join(programmes)}] {t(f'outcome.{outcome.outcome}')}: "
            grid.add_row(requirement.id, one_line(shown + requirement.text.title.of(language), 200))
        parts.append(Padding(grid, (0, 0, 0, 2)))
        if len(others) > SHOWN:
            parts.append(Text("  " + t("t.more", n=len(others) - SHOWN)))
    if view.warnings:
        ids = ", ".join(one.requirement.id for one in view.warnings)
        parts.append(Text(f"{t('t.warnings', n=len(view.warnings))}: {ids}"))
    parts.append(Text(t("witnessed" if verdict.witnessed else "self-declared")))
    parts.append(Text(t("s.exit", code=verdict.exit_code)))
    return Group(*parts)


def _failure(one: FailureView) -> RenderableType:
    parts: list[RenderableType] = []
    for code, sentence, number in one.causes[:3]:
        place = next((f.finding.place for f in one.findings if f.finding.code == code), None)
        where = (place.xpath or place.pointer) if place else ""
        parts.append(Text(f"  {one_line(code)} ×{number}", style="bold red"))
        parts.append(Padding(Text(one_line(sentence, 300)), (0, 0, 0, 4)))
        if where:
            at = f":{place.line}:{place.column}" if place and place.line is not None else ""
            parts.append(Padding(Text(f"{one_line(where, 200)}{at}", style="dim"), (0, 0, 0, 4)))
    return Group(*parts)
