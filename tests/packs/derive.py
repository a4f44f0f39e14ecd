"""Takes the shipped pack's manifest, texts and test interface over into the second pack of the tests.

``python -m tests.packs.derive`` after the shipped pack's requirements, texts or test interface changed. These parts are
the project's own in every pack (identifiers, cause codes, case classes, the interface): a second pack must have them,
in its own words and on its own basis. What is changed stands in ``tests/packs/other.yaml``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from conformance.pack import default_pack
from conformance.pack.data import read_yaml

FOLDER = Path(__file__).parent / "other"
HEAD = "# Derived from the shipped pack by tests/packs/derive.py; do not edit.\n"


@cache
def table() -> Mapping[str, Any]:
    """What changes."""
    found: Mapping[str, Any] = read_yaml(FOLDER.with_suffix(".yaml"))
    return found


@cache
def _words() -> re.Pattern[str]:
    ordered = sorted(table()["words"], key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, ordered)) + r")(?!\w)")


def reworded(text: str) -> str:
    """A text in the second pack's words; placeholders stay as they are."""
    return _words().sub(lambda hit: str(table()["words"][hit[0]]), text)


def _wording(row: Mapping[str, str], *, mark: bool = False) -> dict[str, str]:
    return {
        language: reworded(row[language]) + (table()["mark"][language] if mark else "") for language in ("vi", "en")
    }


def _programmes(names: list[str]) -> list[str]:
    return [table()["programmes"][name] for name in names if name in table()["programmes"]]


def _class(requirement: str, row: str | Mapping[str, Any]) -> dict[str, Any] | None:
    one: dict[str, Any] = {"name": row} if isinstance(row, str) else dict(row)
    wanted = table()["classes"].get(requirement)
    if wanted is not None and one["name"] not in wanted:
        return None
    if "programmes" in one:
        one["programmes"] = _programmes(one["programmes"])
        if not one["programmes"]:
            return None
    for programme, limits in table()["only"].items():
        if one["name"] in limits.get(requirement, ()):
            if "programmes" in one and programme not in one["programmes"]:
                return None
            one["programmes"] = [programme]
    return one


def _cause(row: Mapping[str, Any]) -> dict[str, Any]:
    return _wording(row, mark=True) | ({"remedy": _wording(row["remedy"])} if "remedy" in row else {})


def requirement(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row of the manifest; ``None`` when no programme of the second pack has it."""
    programmes = _programmes(row["programmes"])
    if not programmes:
        return None
    basis = table()["basis"][row["basis"]]
    classes = [one for each in row["classes"] if (one := _class(row["id"], each)) is not None]
    return {
        **row,
        "basis": basis["basis"],
        "clause": (basis["clause"] or row["clause"]).format(number=row["id"].rpartition("-")[2]),
        "confidence": basis["confidence"],
        "programmes": programmes,
        "revision": table()["revisions"][row["revision"]],
        "classes": classes,
        "text": {name: _wording(text, mark=name == "title") for name, text in row["text"].items()},
        "causes": {code: _cause(cause) for code, cause in row["causes"].items()},
    }


def derived() -> dict[str, str]:
    """Every derived file with its content."""
    source = default_pack().folder
    files: dict[str, str] = {}
    for path in sorted(source.glob("requirements/*.yaml")):
        rows = [one for row in read_yaml(path) if (one := requirement(row)) is not None]
        files[f"requirements/{path.name}"] = _dump(rows)
    for path in sorted(source.glob("texts/*.yaml")):
        texts = {
            key: table()["texts"].get(key) or _wording(text, mark=not key.startswith(("level.", "period.")))
            for key, text in read_yaml(path).items()
        }
        files[f"texts/{path.name}"] = _dump(texts)
    files["service/test-interface.yaml"] = HEAD + interface((source / "service/test-interface.yaml").read_text("utf-8"))
    return files


def interface(text: str) -> str:
    """The test interface: the project's own, the same for every pack but for the programmes that can be claimed."""
    listed = re.search(r"(programmes: \{type: array, items: \{enum: \[)([^\]]*)(\]\}\})", text)
    if listed is None:
        raise ValueError("test-interface.yaml: programmes")
    names = ", ".join(_programmes([name.strip() for name in listed[2].split(",")]))
    return text[: listed.start()] + listed[1] + names + listed[3] + text[listed.end() :]


def _dump(value: object) -> str:
    return HEAD + yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=118)


def main() -> int:
    """Write the derived files; those of requirements that are no more are removed."""
    files = derived()
    for folder in ("requirements", "texts"):
        for path in FOLDER.glob(f"{folder}/*.yaml"):
            if f"{folder}/{path.name}" not in files:
                path.unlink()
    for name, content in files.items():
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
