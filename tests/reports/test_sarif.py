"""SARIF 2.1.0: what the standard demands of the parts we write (its official schema is not ours to copy)."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

import reports
from conformance.events import Finding, ItemResult, PlaceData
from conformance.pack import Pack, default_pack
from tests.reports.sample import DIGEST, HOSTILE, clean_items, failing, result

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LOG = {
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},  # 3.13.2
        "runs": {
            "items": {
                "required": ["tool", "results", "invocations"],  # 3.14.6
                "properties": {
                    "columnKind": {"const": "unicodeCodePoints"},  # 3.14.17: expat counts characters
                    "language": {"pattern": "^[a-z]{2}$"},  # 3.14.7
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {"required": ["id"], "properties": {"shortDescription": TEXT}},
                                    }
                                },
                            }
                        },
                    },
                    "invocations": {"items": {"required": ["executionSuccessful"]}},  # 3.20.14
                    "results": {
                        "items": {
                            "required": ["message", "ruleId", "ruleIndex", "locations"],
                            "properties": {
                                "message": TEXT,
                                "level": {"enum": ["none", "note", "warning", "error"]},  # 3.27.10
                                "kind": {"const": "fail"},  # 3.27.9: a level other than none wants it
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                                "locations": {
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "required": ["uri"],
                                                        "properties": {"uri": {"pattern": r"^[A-Za-z0-9%/._~-]+$"}},
                                                    },
                                                    "region": {
                                                        "properties": {
                                                            "startLine": {"minimum": 1},
                                                            "startColumn": {"minimum": 1},
                                                            "byteOffset": {"minimum": 0},
                                                        }
                                                    },
                                                },
                                            }
                                        }
                                    }
                                },
                            },
                        }
                    },
                },
            }
        },
    },
}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return default_pack()


def log(pack: Pack, run: Any = None, language: str = "vi") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(reports.sarif(run or failing(pack), pack, language))
    jsonschema.validate(data, LOG)
    (made,) = data["runs"]
    return dict(made)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_violation_is_a_result_with_its_rule_and_place(pack: Pack, language: str) -> None:
    made = log(pack, language=language)
    rules = made["tool"]["driver"]["rules"]
    findings = [one for item in failing(pack).items for one in item.findings if one.state == "violated"]
    assert len(made["results"]) == len(findings)
    for shown, finding in zip(made["results"], findings, strict=True):
        assert rules[shown["ruleIndex"]]["id"] == shown["ruleId"] == finding.requirement
        assert shown["level"] == ("note" if finding.consequence_of else "error")
        assert finding.code in shown["message"]["text"]
    place = made["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 41, "startColumn": 9, "byteOffset": 3104, "byteLength": 0}
    assert place["artifactLocation"] == {"uri": f"bytes/{DIGEST}", "uriBaseId": "EVIDENCE"}
    assert place["artifactLocation"]["uriBaseId"] in made["originalUriBaseIds"]
    title = pack.requirements["PL1-PH-001"].text.title.of(language)
    assert title in [one["shortDescription"]["text"] for one in rules]


def test_vendor_text_is_made_visible(pack: Pack) -> None:
    text = reports.sarif(failing(pack), pack)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert HOSTILE not in json.loads(text)["runs"][0]["results"][0]["properties"]["seen"]


def test_a_checked_file_is_named_by_its_path_and_the_same_finding_keeps_its_fingerprint(pack: Pack) -> None:
    finding = Finding(
        requirement="PL1-MON-008",
        state="violated",
        cause="cut-off",
        place=PlaceData(xpath="/HocBa/X", line=3, column=2),
    )
    item = ItemResult(id="document:lớp 8/An.xml", kind="document", programme="THCS", findings=(finding,))
    run = result(pack, [*clean_items(pack), item], door="files")
    (shown,) = log(pack, run)["results"]
    artifact = shown["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "l%E1%BB%9Bp%208/An.xml"}
    later = run.model_copy(update={"run": run.run.model_copy(update={"run_id": "run-2", "seed": 7})})
    assert log(pack, later)["results"][0]["partialFingerprints"] == shown["partialFingerprints"]


def test_a_run_that_did_not_complete_is_not_a_successful_execution(pack: Pack) -> None:
    assert log(pack)["invocations"][0]["executionSuccessful"] is True
    cut = failing(pack).model_copy(update={"footer": None})
    (invocation,) = log(pack, cut)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"]
