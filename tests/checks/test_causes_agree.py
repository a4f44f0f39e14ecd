"""Causes in code and causes in the pack are the same ones.

The code is read as a syntax tree. A call ``found.violated(requirement, cause, …)`` whose two first arguments can be
worked out where they stand must name a cause of the pack; and every cause of a requirement that is scored now must be
written, or be put together from something written, in the checks.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import conformance.checks
from conformance.exchanges.model import load_exchanges
from conformance.pack import default_pack
from conformance.suite.judge import PROBED

FOLDER = Path(conformance.checks.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
HELPERS = [
    path for name in ("signature", "transcript", "suite") for path in sorted((FOLDER.parent / name).glob("*.py"))
]
"""What gives the checks facts that bear a cause's name, or reports one itself."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> Iterator[Function]:
    """The outermost functions and methods: what is local to one holds for those inside it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef):
            yield from (one for one in node.body if isinstance(one, Function))


def constants(path: Path) -> dict[str, set[str]]:
    return assigned([one for one in tree(path).body if isinstance(one, ast.Assign)])


def assigned(body: list[ast.stmt]) -> dict[str, set[str]]:
    """Names that are given strings, and nothing else, by plain assignments in these statements."""
    found: dict[str, set[str]] = {}
    unknown: set[str] = set()
    for node in itertools.chain.from_iterable(ast.walk(statement) for statement in body):
        if isinstance(node, ast.Assign):
            for target, value in pairs(node):
                values = strings(value, {})
                found.setdefault(target, set()).update(values)
                if not values:
                    unknown.add(target)
        elif isinstance(node, ast.For | ast.comprehension | ast.AugAssign | ast.NamedExpr):
            unknown |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
    return {name: values for name, values in found.items() if name not in unknown}


def pairs(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """(name, value) of an assignment, that of several names at once included."""
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value] * len(target.elts)
            for one, value in zip(target.elts, values, strict=False):
                if isinstance(one, ast.Name):
                    yield one.id, value if isinstance(node.value, ast.Tuple) else ast.Constant(None)


def strings(node: ast.expr, names: dict[str, set[str]]) -> set[str]:
    """The strings an expression can be; empty when that cannot be told."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.Name):
        return names.get(node.id, set())
    if isinstance(node, ast.IfExp):
        one, other = strings(node.body, names), strings(node.orelse, names)
        return one | other if one and other else set()
    return set()


def reported(path: Path) -> Iterator[tuple[set[str], str, int]]:
    """(requirements it may be, cause, line) of every call where both can be told."""
    outer = constants(path)
    for function in functions(path):
        parameters = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
        names = {name: values for name, values in outer.items() if name not in parameters} | assigned(function.body)
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("violated", "blocked")
                and len(node.args) > 1
            ):
                requirements = strings(node.args[0], names)
                for cause in strings(node.args[1], names) if requirements else ():
                    if cause:
                        yield requirements, cause, node.lineno


@cache
def written() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """All strings in the checks, and patterns of those that are put together from parts."""
    plain: set[str] = {_cause(str(word)) for word in default_pack().signature.refused.values()}
    patterns: set[str] = set()
    for path in (*MODULES, *HELPERS):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain |= {node.value, node.value.rpartition(".")[2]}
                if re.fullmatch(r"[a-z0-9-]+-", node.value):
                    patterns.add(node.value + "[a-z0-9-]+")
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(str(one.value)) if isinstance(one, ast.Constant) else "[a-z0-9-]+" for one in node.values
                ]
                fixed = "".join(str(one.value) for one in node.values if isinstance(one, ast.Constant))
                # of a pattern that is all holes nothing follows
                if re.fullmatch(r"[a-z0-9-]{3,}", fixed):
                    patterns.add("".join(parts))
    return frozenset(plain), tuple(re.compile(one) for one in sorted(patterns))


def _cause(word: str) -> str:
    """The cause that is named after an algorithm of the pack."""
    return word.lower().replace(" ", "-")


ROWS = [one for one in default_pack().requirements.values() if default_pack().scored(one)]


REPORTING = [*MODULES, FOLDER.parent / "suite" / "bench.py"]


@pytest.mark.parametrize("path", REPORTING, ids=[path.stem for path in REPORTING])
def test_every_cause_in_the_code_is_in_the_pack(path: Path) -> None:
    requirements = default_pack().requirements
    unknown = [
        f"{path.name}:{line}: {sorted(named)}.{cause}"
        for named, cause, line in reported(path)
        if not named <= set(requirements) or not any(cause in requirements[one].causes for one in named)
    ]
    assert unknown == []


@pytest.mark.parametrize("requirement", [one.id for one in ROWS])
def test_every_cause_in_the_pack_can_be_reported(requirement: str) -> None:
    plain, patterns = written()
    row = default_pack().requirements[requirement]
    missing = [
        cause
        for cause in row.causes
        if cause not in plain and not any(pattern.fullmatch(cause) for pattern in patterns)
    ]
    assert missing == []
    assert requirement in plain


def test_the_scan_sees_most_of_what_is_reported() -> None:
    seen = {f"{one}.{cause}" for path in MODULES for named, cause, _ in reported(path) for one in named}
    every = {f"{row.id}.{cause}" for row in ROWS for cause in row.causes}
    # the rest is put together at run time, and is shown by the twins
    assert len(seen & every) > len(every) / 3
    assert {"PL1-MON-008.missing", "PL1-STR-003.not-uuid", "PL2-GN-006.never-asks"} <= seen


def test_a_cause_that_is_not_in_the_pack_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(
        'def check(found):\n    rule = "PL1-STR-003"\n    found.violated(rule, "no-such" if x else "not-uuid")\n'
    )
    assert {cause for named, cause, _ in reported(path) if named == {"PL1-STR-003"}} == {"no-such", "not-uuid"}


def test_what_could_not_be_played_or_tried_has_its_text() -> None:
    requirements = default_pack().requirements
    for spec in load_exchanges(default_pack()):
        for one in spec.requirements:
            assert "not-played" in requirements[one].causes
    for one in PROBED.values():
        assert "no-answer" in requirements[one].causes
