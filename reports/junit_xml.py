"""JUnit XML for continuous integration: one test case per requirement and claimed programme, from the manifest."""

from __future__ import annotations

from xml.etree import ElementTree as ET  # written only, never read

from conformance.events import Finding, Result
from conformance.pack import Pack
from conformance.verdict import Outcome, RequirementOutcome, Verdict
from conformance.visible import one_line, visible
from conformance.wording import cause_text
from reports.wording import word

SHOWN = 20
"""Findings written out per test case."""


def render(result: Result, verdict: Verdict, pack: Pack, language: str) -> str:
    """The JUnit document as text.

    What failed is a ``failure``; what blocks without being a failure of the software is an ``error``; what does not
    block and was not shown is ``skipped``. Run-level obstacles are test cases of their own, so that a run without
    items is never green.
    """
    findings = {item.id: item.findings for item in result.items}
    root = ET.Element("testsuites", name=one_line(f"{verdict.pack} {verdict.revision}"))
    _suite(root, "run", [_run_case(key, language) for key in verdict.reasons] + _error_cases(verdict))
    for programme in verdict.programmes:
        cases = [
            _case(one, findings, pack, language)
            for one in verdict.outcomes
            if one.programme == programme and one.requirement in pack.requirements
        ]
        lines = [one for one in verdict.lines if one.programme == programme]
        own = dict.fromkeys(key for line in lines for key in line.reasons if key not in verdict.reasons)
        cases.extend(_run_case(key, language, programme) for key in own)
        _suite(root, programme, cases)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, name: str, cases: list[ET.Element]) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=one_line(name),
        tests=str(len(cases)),
        failures=str(sum(one.find("failure") is not None for one in cases)),
        errors=str(sum(one.find("error") is not None for one in cases)),
        skipped=str(sum(one.find("skipped") is not None for one in cases)),
    )
    suite.extend(cases)


def _run_case(key: str, language: str, programme: str = "run") -> ET.Element:
    case = ET.Element("testcase", classname=one_line(programme), name=key)
    ET.SubElement(case, "error", type=key, message=word(f"reason.{key}", language))
    return case


def _error_cases(verdict: Verdict) -> list[ET.Element]:
    cases = []
    for number, text in enumerate(verdict.harness_errors, 1):
        case = ET.Element("testcase", classname="run", name=f"harness-error-{number}")
        ET.SubElement(case, "error", type="harness-error", message=one_line(text, 500))
        cases.append(case)
    return cases


def _case(one: RequirementOutcome, findings: dict[str, tuple[Finding, ...]], pack: Pack, language: str) -> ET.Element:
    requirement = pack.requirements[one.requirement]
    case = ET.Element(
        "testcase",
        classname=one_line(f"{one.programme}.{one.part}.{requirement.group}"),
        name=one_line(f"{one.requirement} {requirement.text.title.of(language)}"),
    )
    seen = [findings[at.item][at.index] for at in one.roots if at.index < len(findings.get(at.item, ()))]
    texts = [
        one_line(f"[{finding.code}] {cause_text(pack, finding, language)} {_place(finding)}".rstrip())
        for finding in seen
    ]
    summary = word(f"outcome.{one.outcome}", language)
    if one.reason:
        summary += f": {word(f'reason.{one.reason}', language)}"
    if one.missing and one.outcome in (Outcome.INSUFFICIENT, Outcome.HARNESS_ERROR, Outcome.NOT_EXERCISED):
        summary += f" ({', '.join(one.missing)})"
    body = "\n".join(texts[:SHOWN]) + (f"\n… (+{len(texts) - SHOWN})" if len(texts) > SHOWN else "")
    if one.outcome in (Outcome.FAIL, Outcome.KNOWN_FAILURE):
        failure = ET.SubElement(
            case, "failure", type=seen[0].code if seen else str(one.outcome), message=texts[0] if texts else summary
        )
        failure.text = visible(body)
    elif one.blocks:
        ET.SubElement(case, "error", type=str(one.outcome), message=one_line(summary))
    elif one.outcome is Outcome.WARN:
        ET.SubElement(case, "system-out").text = visible(f"{summary}\n{body}")
    elif one.outcome is not Outcome.PASS:
        ET.SubElement(case, "skipped", message=one_line(summary))
    return case


def _place(finding: Finding) -> str:
    if finding.place is None:
        return ""
    where = finding.place.xpath or finding.place.pointer
    return f"@ {where}" + (f" {finding.place.line}:{finding.place.column}" if finding.place.line is not None else "")
