"""Mutants inside functions need no fresh import: the code of the mutated function takes the old one's place."""

from __future__ import annotations

import ast
import functools
import importlib
import sys
import types
import warnings
from collections.abc import Iterator


def inside_function(source: str, line: int) -> bool:
    """Whether ``line`` stands in the body of a function, so that it runs when the function is called."""
    return any(
        node.body[0].lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    )


def transplant(name: str, source: str) -> bool:
    """Give the functions of the loaded module ``name`` the code that ``source`` gives them; whether all could be.

    Raises:
        SyntaxError: the compiler warns of it.
    """
    module = importlib.import_module(name)
    fresh = types.ModuleType(name)
    fresh.__dict__.update({"__file__": module.__file__, "__package__": module.__package__, "__name__": name})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as when tests import it: ``is`` with a literal is an error then
        code = compile(source, str(module.__file__), "exec")
    exec(code, fresh.__dict__)
    new = dict(_functions(fresh.__dict__, name))
    old = dict(_functions(module.__dict__, name))
    if set(new) != set(old):
        return False
    for key, function in new.items():
        old[key].__code__ = function.__code__
        old[key].__defaults__ = function.__defaults__
        old[key].__kwdefaults__ = function.__kwdefaults__
    return True


def _functions(names: dict[str, object], module: str, within: str = "") -> Iterator[tuple[str, types.FunctionType]]:
    for name, value in list(names.items()):
        if isinstance(value, type):
            if value.__module__ == module:
                yield from _functions(dict(value.__dict__), module, f"{within}{name}.")
            continue
        bare: object = value
        if isinstance(value, property):
            bare = value.fget
        elif isinstance(value, functools.cached_property):
            bare = value.func
        elif isinstance(value, staticmethod | classmethod):
            bare = value.__func__
        bare = getattr(bare, "__wrapped__", bare)
        # what dataclasses write for themselves has another file name
        if isinstance(bare, types.FunctionType) and bare.__code__.co_filename == sys.modules[module].__file__:
            yield f"{within}{name}", bare
