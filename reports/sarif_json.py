"""SARIF 2.1.0 (OASIS Standard) for code scanning: one result per finding, with line and column in the XML.

Paragraph numbers are those of the standard. An artifact is named by its digest, as evidence names it, or by its path
where a file of the vendor was checked.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from conformance.events import Finding, ItemResult, Result
from conformance.pack import Pack, Requirement
from conformance.verdict import Verdict
from conformance.visible import one_line, visible
from conformance.wording import cause_text, named
from reports.replay import sh
from reports.wording import word

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
EVIDENCE = "EVIDENCE"
"""Base of artifact addresses: the folder of the evidence bundle (§3.4.4)."""


def render(result: Result, verdict: Verdict, pack: Pack, language: str) -> str:
    """The log as JSON text. A run that did not complete says so (``executionSuccessful``, §3.20.14)."""
    found = [(item, finding) for item in result.items for finding in item.findings if finding.state == "violated"]
    rules = {name: number for number, name in enumerate(dict.fromkeys(finding.requirement for _, finding in found))}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "hocba-conformance",
                "version": one_line(result.run.tool_version),
                "rules": [_rule(name, pack, language) for name in rules],
            }
        },
        "automationDetails": {"id": one_line(f"{result.run.pack}/{result.run.revision}/{result.run.run_id}")},
        "columnKind": "unicodeCodePoints",
        "language": "en" if language == "en" else "vi",
        "originalUriBaseIds": {EVIDENCE: {"description": {"text": word("f.evidence", language)}}},
        "invocations": [
            {
                "executionSuccessful": verdict.completed and not verdict.harness_errors,
                "exitCode": verdict.exit_code,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": text}} for text in _troubles(verdict, language)
                ],
            }
        ],
        "results": [_result(item, finding, rules, pack, language) for item, finding in found],
        "properties": {
            "verdict": [line.model_dump(mode="json", exclude={"counts"}) for line in verdict.lines],
            "witnessed": verdict.witnessed,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _troubles(verdict: Verdict, language: str) -> list[str]:
    return [
        *(word(f"reason.{key}", language) for key in verdict.reasons),
        *(one_line(text, 500) for text in verdict.harness_errors),
    ]


def _rule(name: str, pack: Pack, language: str) -> dict[str, Any]:
    requirement = pack.requirements.get(name)
    if requirement is None:
        return {"id": one_line(name)}
    text = requirement.text
    return {
        "id": requirement.id,
        "shortDescription": {"text": text.title.of(language)},
        "fullDescription": {"text": text.meaning.of(language)},
        "help": {"text": f"{text.remedy.of(language)}\n\n{requirement.clause}"},
        "defaultConfiguration": {"level": "error" if requirement.level == "MUST" else "warning"},
        "properties": {
            "tags": [requirement.part, requirement.group, requirement.basis, f"line-{requirement.line}"],
            "level": requirement.level,
        },
    }


def _level(finding: Finding, requirement: Requirement | None) -> str:
    if finding.consequence_of:
        return "note"
    return "error" if requirement is None or requirement.level == "MUST" else "warning"


def _result(item: ItemResult, finding: Finding, rules: dict[str, int], pack: Pack, language: str) -> dict[str, Any]:
    requirement = pack.requirements.get(finding.requirement)
    place = finding.place
    where = (place.xpath or place.pointer) if place else ""
    made: dict[str, Any] = {
        "ruleId": one_line(finding.requirement),
        "ruleIndex": rules[finding.requirement],
        "level": _level(finding, requirement),
        "kind": "fail",
        "message": {"text": visible(f"[{finding.code}] {cause_text(pack, finding, language)}", 2000)},
        "locations": [_location(item, finding, where)],
        # by what is wrong and where, never by run or by position: the same finding of two runs is one (§3.27.17)
        "partialFingerprints": {"hocba/1": one_line(f"{item.id}|{finding.code}|{where}")},
        "properties": {
            "item": one_line(item.id),
            "programme": item.programme,
            "cause": one_line(finding.code),
            "expected": visible(named(pack, finding.expected, language), 2000),
            "seen": visible(finding.seen, 2000),
        },
    }
    if finding.consequence_of:
        made["properties"]["consequenceOf"] = one_line(finding.consequence_of)
    if item.replay:
        made["properties"]["replay"] = visible(sh(item.replay))
    return made


def _location(item: ItemResult, finding: Finding, where: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    artifact = _artifact(item, finding)
    if artifact:
        physical: dict[str, Any] = {"artifactLocation": artifact}
        place = finding.place
        if place is not None and place.line is not None:
            region: dict[str, Any] = {"startLine": max(1, place.line), "startColumn": max(1, place.column or 1)}
            if place.offset is not None:
                region |= {"byteOffset": max(0, place.offset), "byteLength": 0}
            physical["region"] = region
        made["physicalLocation"] = physical
    made["logicalLocations"] = [{"fullyQualifiedName": one_line(where or item.id), "kind": "element"}]
    return made


def _artifact(item: ItemResult, finding: Finding) -> dict[str, Any]:
    if item.kind == "document":
        return {"uri": quote(item.id.removeprefix("document:").encode("utf-8", "replace"), safe="/")}
    if finding.evidence:
        return {"uri": f"bytes/{quote(finding.evidence)}", "uriBaseId": EVIDENCE}
    return {}
