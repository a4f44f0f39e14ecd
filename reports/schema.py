"""The published JSON schemas: ``python -m reports.schema`` writes those of ``docs/`` anew; ``hocba report schema``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from conformance.events import Result, StreamEvent
from conformance.verdict import Verdict

NAMES = ("result", "events")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def result_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of the result with its verdict."""
    schema = Result.model_json_schema(mode="serialization")
    schema["properties"]["verdict"] = _verdict(schema)
    return {"$schema": _DIALECT, **schema}


def events_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of one line of the NDJSON stream."""
    schema = TypeAdapter(StreamEvent).json_schema(mode="serialization")
    schema["$defs"]["RunEnded"]["properties"]["verdict"] = _verdict(schema)
    return {"$schema": _DIALECT, "title": "Event", **schema}


def _verdict(schema: dict[str, Any]) -> dict[str, Any]:
    verdict = Verdict.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    schema["$defs"].update(verdict.pop("$defs"))
    schema["$defs"]["Verdict"] = verdict
    return {"anyOf": [{"$ref": "#/$defs/Verdict"}, {"type": "object", "maxProperties": 0}]}


def text(name: str = "result") -> str:
    """A schema as the published file holds it."""
    schema = events_schema() if name == "events" else result_schema()
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for one in NAMES:
        (folder / f"{one}.schema.json").write_text(text(one), encoding="utf-8", newline="\n")
