"""What a pack holds to show a requirement by: documents of the golden corpus, and exchanges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from conformance.pack.data import read_yaml
from conformance.pack.model import Pack, Text

Kind = Literal["valid", "invalid", "undecided"]

SHARED = ("base", "valid", "exceptions", "texts")
"""Files of ``fixtures/`` that define no wrong documents."""


def document_path(identifier: str, kind: Kind) -> str:
    """Where a document of the corpus lies under ``documents/``, without its suffix.

    ``identifier``: a name of its own (valid), else the full cause code, with ``/variant`` where there are several.
    """
    if kind == "valid":
        return f"valid/{identifier}"
    code, _, variant = identifier.partition("/")
    requirement, _, cause = code.partition(".")
    return f"{kind}/{requirement}/{cause}" + (f"--{variant}" if variant else "")


@dataclass(frozen=True, slots=True)
class Example:
    """A document that breaks a requirement in one way, and its right twin. Paths are those of an exported corpus."""

    code: str
    """Full cause code."""
    kind: Kind
    what: Text
    document: str
    twin: str
    """The right document from which it differs in one thing; empty: none."""


@dataclass(frozen=True, slots=True)
class Unshown:
    """Causes that no single document can show, and why."""

    codes: tuple[str, ...]
    reason: Text


@dataclass(frozen=True, slots=True)
class ExchangeExample:
    """An exchange of the suite that exercises a requirement."""

    id: str
    title: Text
    purpose: Text


def examples(pack: Pack, requirement: str) -> tuple[Example, ...]:
    """The documents that break ``requirement``, in the order of the pack.

    Raises:
        PackError: a definition cannot be read.
    """
    return tuple(one for one in _documents(pack) if one.code.partition(".")[0] == requirement)


def unshown(pack: Pack, requirement: str) -> tuple[Unshown, ...]:
    """The causes of ``requirement`` that no document shows, with the reasons that the pack gives."""
    prefix = f"{requirement}."
    return tuple(
        Unshown(codes, one.reason)
        for one in _exceptions(pack)
        if (codes := tuple(code for code in one.codes if code.startswith(prefix)))
    )


def exchange_examples(pack: Pack, requirement: str) -> tuple[ExchangeExample, ...]:
    """The exchanges that exercise ``requirement``."""
    return tuple(one for one, requirements in _exchanges(pack) if requirement in requirements)


@cache
def _documents(pack: Pack) -> tuple[Example, ...]:
    found = []
    for path in sorted(pack.path("fixtures").glob("*.yaml")):
        content: Any = read_yaml(path)
        if path.stem in SHARED or not isinstance(content, dict):
            continue
        for one in content.get("documents", []):
            kind: Kind = "undecided" if one.get("undecided") else "invalid"
            base = str(one.get("base", content.get("base", "")))
            found.append(
                Example(
                    str(one["id"]).partition("/")[0],
                    kind,
                    Text.model_validate(one["what"]),
                    f"documents/{document_path(str(one['id']), kind)}.xml",
                    f"documents/{document_path(base, 'valid')}.xml" if kind == "invalid" and base else "",
                )
            )
    return tuple(found)


@cache
def _exceptions(pack: Pack) -> tuple[Unshown, ...]:
    path = pack.path("fixtures", "exceptions.yaml")
    rows = read_yaml(path) or [] if path.is_file() else []
    return tuple(Unshown(tuple(row["codes"]), Text.model_validate(row["reason"])) for row in rows)


@cache
def _exchanges(pack: Pack) -> tuple[tuple[ExchangeExample, tuple[str, ...]], ...]:
    found = []
    for path in sorted(pack.path("exchanges").glob("*.yaml")):
        row = read_yaml(path)
        one = ExchangeExample(row["id"], Text.model_validate(row["title"]), Text.model_validate(row["purpose"]))
        found.append((one, tuple(row["requirements"])))
    return tuple(found)
