"""What the shipped pack calls things that the second pack calls otherwise, and where Python says such a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import conformance
from conformance.pack import Pack

ROOT = Path(conformance.__file__).resolve().parent.parent
SOURCES = ("conformance", "mock_moet", "mock_vendor", "reports")
DISTINCTIVE, CAPITALS = 5, 4
"""From these lengths on a name, or one in capitals, is looked for inside longer literals too; a shorter one must be the
whole literal, and one of a single plain letter or digit is no name at all."""


def leaves(value: Any) -> Iterator[str]:
    """Every text in nested data, keys left out."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, str):
        yield value


def properties(part: Any) -> Iterator[str]:
    """Names of the fields that an OpenAPI description speaks of, and its constants."""
    if isinstance(part, Mapping):
        named = part.get("properties")
        if isinstance(named, Mapping):
            yield from named
        if isinstance(part.get("enum"), list):
            yield from (str(one) for one in part["enum"])
        for one in part.values():
            yield from properties(one)
    elif isinstance(part, list):
        for one in part:
            yield from properties(one)


def names_of(pack: Pack) -> Iterator[tuple[str, str]]:
    """(kind, name): what the document's and the service's form call things, and the values they take."""
    binding, policy = pack.binding, pack.signature
    yield "namespace", binding.namespace
    yield "root", binding.root
    yield "identifier", binding.id_attribute
    for path in (*binding.anchors.values(), *binding.groups.values(), *(one.path for one in binding.fields.values())):
        yield from (("element or attribute", part.removeprefix("@")) for part in path.split("/"))
    for kind, values in binding.values.items():
        yield from ((f"value: {kind}", str(value)) for value in values)
    for slot in policy.slots:
        yield from (("slot", part) for part in slot.path.split("/"))
        yield "role", slot.role
    yield from (("signature", one) for one in (policy.container, policy.box, policy.role_attribute))
    for listed in policy.titles.values():
        yield from (("leader's title", one) for one in (*listed.principal, *listed.deputy))
    for name, codes in pack.codes.items():
        yield from ((f"code: {name}", entry.code) for entry in codes)
        yield from ((f"name: {name}", one) for entry in codes for one in (entry.name, *entry.names))
    for rules in pack.rules.values():
        yield "circular", rules.circular
        yield "rule set", rules.id
        yield from (("title of the year", one.title) for one in rules.titles)
        yield from (("wording", one) for listed in rules.wordings.values() for one in listed)
        yield from (("article", one) for one in rules.articles.values())
    # an operation's name is the project's own in every pack
    operations = {one["operationId"] for item in pack.service["paths"].values() for one in item.values()}
    for path in pack.service["paths"]:
        yield from (("path", part) for part in path.split("/") if part and part not in operations)
    yield from (("message field or word", one) for one in properties(pack.service))
    for section in ("states", "events", "query"):
        yield from ((section, word) for word in leaves(pack.messages[section]))
    yield from (("error code", str(row["code"])) for row in pack.messages["errors"].values())
    yield from (("error code", str(row["code"])) for row in pack.messages["findings"].values())
    for name, programme in pack.programmes.items():
        yield from (("programme", one) for one in (name, programme.family, programme.programme, programme.level))
    yield from (("revision", name) for name in pack.header.revisions)
    yield from (("pack", one) for one in (pack.header.id, pack.name))


def texts_of(pack: Pack) -> Iterator[str]:
    """Sentences: of requirements, causes, derivations, errors, capabilities."""
    for one in pack.requirements.values():
        for text in (one.text.title, one.text.meaning, one.text.remedy):
            yield from (text.vi, text.en)
        for cause in one.causes.values():
            yield from (cause.vi, cause.en)
    yield from (wording for text in pack.texts.values() for wording in (text.vi, text.en))
    for section in ("errors", "findings"):
        yield from (str(row[language]) for row in pack.messages[section].values() for language in ("vi", "en"))


@dataclass(frozen=True, order=True)
class Hit:
    """A literal that says a name of the shipped pack."""

    file: str
    line: int
    kind: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """What the list of allowed ones goes by."""
        return self.file, self.name


def sources() -> list[Path]:
    """The program: everything but data."""
    return sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """String literals with their lines, also those inside f-strings; docstrings are for people."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def is_distinctive(name: str) -> bool:
    """Whether a name may be looked for inside longer literals: long, and not a plain word of any language."""
    length = CAPITALS if re.fullmatch(r"[A-Z]+", name) else DISTINCTIVE
    return len(name) >= length and re.fullmatch(r"[a-z]+", name) is None


def is_name(name: str) -> bool:
    """Whether a literal that equals it says anything: not so ``0``, ``T``, ``02`` or ``v1``."""
    return re.fullmatch(r"[A-Za-z]?|v?[0-9]{0,2}", name) is None


@cache
def inside(names: tuple[str, ...]) -> re.Pattern[str]:
    """Any of ``names`` as whole words, the longest first."""
    ordered = sorted(names, key=len, reverse=True)
    return re.compile(r"(?<![\w])(?:" + "|".join(map(re.escape, ordered)) + r")(?![\w])")


def hits(names: Mapping[str, str], texts: frozenset[str]) -> list[Hit]:
    """Every literal of the program that says one of ``names`` (name → kind) or one of ``texts``."""
    pattern = inside(tuple(sorted(name for name in names if is_distinctive(name))))
    found: list[Hit] = []
    for path in sources():
        file = path.relative_to(ROOT).as_posix()
        for line, value in literals(path):
            said = {value} & names.keys()
            said |= {match[0] for match in pattern.finditer(value)}
            found.extend(Hit(file, line, names[name], name) for name in said)
            if value in texts:
                found.append(Hit(file, line, "text", value))
    return sorted(found)


def numbers_of(pack: Pack) -> Iterator[str]:
    """Thresholds and limits that are no everyday numbers, as Python would write them."""
    for rules in pack.rules.values():
        yield from (str(one) for level in rules.thresholds for one in (level.every, level.counted))
        yield from (str(title.counted) for title in rules.titles if title.counted is not None)
        yield from (str(rules.promotion_absences), str(rules.reassessment_below))
    limits, reserved = pack.header.limits, pack.header.reserved
    yield from (str(one) for one in (limits.bytes, *reserved.national_id_serial))


def numerals(path: Path) -> Iterator[tuple[int, str]]:
    """Whole numbers, and strings that are numbers, with their lines (marks are never floats)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | str) and node.value is not True:
            text = str(node.value)
            if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
                yield node.lineno, text
