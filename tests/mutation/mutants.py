"""Which mutants there are, by cosmic-ray's operators, and a sample of them spread evenly over the modules."""

from __future__ import annotations

import ast
import difflib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

_UNSUITED = ("NoOp", "VariableReplacer", "VariableInserter")
_CACHES = ("cache", "lru_cache", "cached_property")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one line: ``line`` counts from 1, ``diff`` holds the lines as they were and as they are."""

    module: str
    line: int
    operator: str
    occurrence: int
    diff: str = ""

    def applied(self, source: str) -> str | None:
        """The mutated source; nothing, if the operator leaves it as it was or makes it no Python."""
        try:
            changed: str | None = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        except AttributeError:  # cosmic-ray cannot replace an exception with dots in its name
            return None
        if changed is None or changed == source:
            return None
        try:
            ast.parse(changed)
        except SyntaxError:
            return None
        return changed


def changed_lines(before: str, after: str) -> str:
    """The differing lines of two sources, with ``-`` and ``+``: what a mutant is known by when lines move."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def sites(source: str, module: str) -> dict[tuple[int, int, str], list[Mutant]]:
    """Mutants of a source by (line, column, family of operator): one site counts once, however many replacements fit.

    Left out: annotations, which nobody evaluates, decorators that only remember results, and whether a dataclass is
    frozen or has slots.
    """
    nodes = list(ast_nodes(get_ast(source)))
    idle = list(_idle(source))
    found: dict[tuple[int, int, str], list[Mutant]] = defaultdict(list)
    for name in operator_names():
        short = name.partition("/")[2]
        if short in _UNSUITED or get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        positions = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, stop) in enumerate(positions):
            if not any(first <= start and stop <= last for first, last in idle):
                found[(*start, short.partition("_")[0])].append(Mutant(module, start[0], name, occurrence))
    return found


def _idle(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.ClassDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call):
                    parts += [word.value for word in call.keywords if word.arg in ("frozen", "slots")]
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts.append(node.annotation)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts.append(node.returns)
            parts += [one for one in node.decorator_list if any(word in ast.unparse(one) for word in _CACHES)]
        for part in filter(None, parts):
            assert part.end_lineno is not None
            assert part.end_col_offset is not None
            # A decorator's "@" stands one column before it, its line ends where the next one begins.
            whole = part in getattr(node, "decorator_list", ())
            last = (part.end_lineno + 1, 0) if whole else (part.end_lineno, part.end_col_offset)
            yield (part.lineno, part.col_offset - whole), last


def sample(root: Path, modules: Iterable[str], number: int, seed: int) -> list[Mutant]:
    """``number`` mutants, each module in proportion to its sites, one replacement drawn for each site drawn."""
    draw = random.Random(seed)
    places = {module: sites((root / module).read_text(encoding="utf-8"), module) for module in sorted(modules)}
    total = sum(map(len, places.values()))
    chosen: list[Mutant] = []
    for module, here in places.items():
        source = (root / module).read_text(encoding="utf-8")
        quota = max(1, round(number * len(here) / total)) if here else 0
        for site in draw.sample(sorted(here), len(here)):
            if quota == 0:
                break
            mutant = draw.choice(here[site])
            changed = mutant.applied(source)
            if changed is not None:
                chosen.append(with_diff(mutant, source, changed))
                quota -= 1
    draw.shuffle(chosen)
    return chosen


def with_diff(mutant: Mutant, source: str, changed: str) -> Mutant:
    """The mutant that knows its lines."""
    return Mutant(
        mutant.module, mutant.line, mutant.operator, mutant.occurrence, changed_lines(source, changed)
    )  # fmt: skip


def found_again(root: Path, wanted: Mutant) -> Mutant | None:
    """The same change in today's source, wherever its line has moved to; nothing if the line is no more."""
    source = (root / wanted.module).read_text(encoding="utf-8")
    candidates = [one for group in sites(source, wanted.module).values() for one in group]
    candidates = [one for one in candidates if one.operator == wanted.operator]
    for one in sorted(candidates, key=lambda each: abs(each.line - wanted.line)):
        changed = one.applied(source)
        if changed is not None and changed_lines(source, changed) == wanted.diff:
            return with_diff(one, source, changed)
    return None
