"""The published JSON schema of an exchange file: ``python -m conformance.exchanges.schema`` writes it anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from conformance.exchanges.model import ExchangeSpec

NAME = "exchange.schema.json"


def exchange_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of an exchange file, as YAML or JSON data."""
    schema = ExchangeSpec.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def text() -> str:
    """The schema as the published file holds it."""
    return json.dumps(exchange_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    (folder / NAME).write_text(text(), encoding="utf-8", newline="\n")
