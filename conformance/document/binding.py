"""A pack's binding compiled into one tree walk: elements → model, and model → elements (docs: ``binding.yaml``)."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lxml import etree

from conformance.document.convert import Converter, converters
from conformance.pack import Pack, PackError
from conformance.transcript import model
from conformance.transcript.model import Transcript, Value


@dataclass(slots=True)
class _Step:
    """One element on the way: which model field or group it is, and its children."""

    fields: list[tuple[str, Converter]] = field(default_factory=list)
    group: _Group | None = None
    repeated: bool = False
    key: str = ""
    children: dict[str, _Step] = field(default_factory=dict)
    attributes: dict[str, tuple[str, Converter]] = field(default_factory=dict)
    leaf: tuple[str, Converter] | None = None
    """The one field, where the element is nothing but that: nearly all are."""


@dataclass(slots=True)
class _Group:
    """A model class and the steps below its element."""

    build: Callable[..., Any]
    steps: _Step = field(default_factory=_Step)


class Compiled:
    """The binding of one pack, ready to read documents.

    ``parts``: only these of the transcript's own fields are read (``record``, ``learner`` …); empty: all.
    """

    def __init__(self, pack: Pack, parts: frozenset[str] = frozenset()) -> None:
        self.pack = pack
        self.namespace = pack.binding.namespace
        self._convert = converters(pack)
        self._groups: dict[str, _Group] = {"": _Group(Transcript)}
        for path, where in pack.binding.groups.items():
            if _within(path, parts):
                self._add_group(path, where)
        for path, bound in pack.binding.fields.items():
            if not _within(path, parts):
                continue
            parent, _, name = path.rpartition(".")
            group = self._groups.get(parent)
            if group is None:
                raise PackError(f"binding.yaml: fields.{path}: thiếu nhóm / no such group: {parent!r}")
            if name not in {one.name for one in dataclasses.fields(group.build)}:  # type: ignore[arg-type]
                raise PackError(f"binding.yaml: fields.{path}: mô hình không có trường / no such model field")
            converter = self._convert.get(bound.convert)
            if converter is None:
                raise PackError(f"binding.yaml: fields.{path}: bộ đổi lạ / unknown converter: {bound.convert!r}")
            self._add_field(group, bound.path, name, converter)
        for group in self._groups.values():
            _find_leaves(group.steps)

    def _tag(self, name: str) -> str:
        return f"{{{self.namespace}}}{name}" if self.namespace else name

    def _walk(self, step: _Step, path: str) -> _Step:
        for part in path.split("/"):
            step = step.children.setdefault(self._tag(part), _Step())
        return step

    def _add_group(self, path: str, where: str) -> None:
        repeated = path.endswith("[]")
        parent, _, name = path.removesuffix("[]").rpartition(".")
        group = self._groups.get(parent)
        if group is None:
            raise PackError(f"binding.yaml: groups.{path}: thiếu nhóm cha / no parent group: {parent!r}")
        kind = _field_class(group.build, name)
        if kind is None:
            raise PackError(f"binding.yaml: groups.{path}: mô hình không có nhóm / no such model group")
        step = self._walk(group.steps, where)
        # several model groups may share one element: each keeps its own steps
        made = _Group(kind)
        self._groups[path] = made
        step.group, step.key, step.repeated = made, name, repeated

    def _add_field(self, group: _Group, path: str, name: str, converter: Converter) -> None:
        *way, last = path.split("/")
        step = self._walk(group.steps, "/".join(way)) if way else group.steps
        if last.startswith("@"):
            step.attributes[last[1:]] = (name, converter)
        else:
            self._walk(step, last).fields.append((name, converter))

    def read(self, root: etree._Element) -> Transcript:
        """Bind a whole document; missing parts stay ``None`` or empty."""
        bound: Transcript = self._build(self._groups[""], root)
        return bound

    def _build(self, group: _Group, element: etree._Element) -> Any:
        values: dict[str, Any] = {"node": element}
        lists: dict[str, list[Any]] = {}
        self._fill(group.steps, element, values, lists)
        for name, found in lists.items():
            values[name] = tuple(found)
        return group.build(**values)

    def _fill(self, step: _Step, element: etree._Element, values: dict[str, Any], lists: dict[str, list[Any]]) -> None:
        for attribute, (name, converter) in step.attributes.items():
            raw = element.get(attribute)
            if raw is not None and name not in values:
                values[name] = Value(raw, converter(raw), element)
        passed: set[object] = set()
        children = step.children
        for child in element:
            below = children.get(child.tag)
            if below is None:
                continue
            if below.leaf is not None:
                name, converter = below.leaf
                # the first of repeated elements counts; the schema check reports the rest
                if name not in values:
                    raw = text_of(child) if len(child) else child.text or ""
                    values[name] = Value(raw, converter(raw), child)
                continue
            for name, converter in below.fields:
                if name not in values:
                    raw = text_of(child)
                    values[name] = Value(raw, converter(raw), child)
            if below.group is not None:
                if below.repeated:
                    lists.setdefault(below.key, []).append(self._build(below.group, child))
                elif below.key not in values:
                    values[below.key] = self._build(below.group, child)
            elif (below.children or below.attributes) and child.tag not in passed:
                # as with fields: the first counts, what is repeated is the schema's and PL1-KY-008's
                passed.add(child.tag)
                self._fill(below, child, values, lists)


def _within(path: str, parts: frozenset[str]) -> bool:
    return not parts or path.partition(".")[0].removesuffix("[]") in parts


def _find_leaves(step: _Step) -> None:
    for below in step.children.values():
        if len(below.fields) == 1 and not (below.group or below.children or below.attributes):
            below.leaf = below.fields[0]
        _find_leaves(below)


def text_of(element: etree._Element) -> str:
    """An element's own text; comments and instructions in it (PL1-DOC-003 reports them) do not cut it short."""
    text = element.text or ""
    if not len(element):
        return text
    for child in element.iterchildren(etree.Comment, etree.ProcessingInstruction):
        text += child.tail or ""
    return text


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(kind, vars(model))


def _field_class(kind: Any, name: str) -> Any:
    """The model class behind a field: of ``Person``, ``Person | None`` or ``tuple[Person, ...]``."""
    hint = _hints(kind).get(name)
    candidates = [hint]
    if typing.get_origin(hint) in (typing.Union, types.UnionType, tuple):
        candidates = list(typing.get_args(hint))
    return next((one for one in candidates if dataclasses.is_dataclass(one) and one is not Value), None)


@cache
def compiled(pack: Pack, *parts: str) -> Compiled:
    """The compiled binding of a pack, or of these parts of it.

    Raises:
        PackError: the binding names what model or converters do not have.
    """
    return Compiled(pack, frozenset(parts))
