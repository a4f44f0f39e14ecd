"""The published JSON schema of the result: ``python -m reports.schema`` writes ``docs/result.schema.json`` anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from conformance.events import Result
from conformance.verdict import Verdict


def result_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of the result with its verdict."""
    schema = Result.model_json_schema(mode="serialization")
    verdict = Verdict.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    schema["$defs"].update(verdict.pop("$defs"))
    schema["$defs"]["Verdict"] = verdict
    schema["properties"]["verdict"] = {"anyOf": [{"$ref": "#/$defs/Verdict"}, {"type": "object", "maxProperties": 0}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def text() -> str:
    """The schema as the published file holds it."""
    return json.dumps(result_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/result.schema.json").write_text(text(), encoding="utf-8")
