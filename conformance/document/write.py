"""Writes an unsigned transcript from plain values: for tests and fixtures. Text first, parsed never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from conformance.pack import Pack


@dataclass(slots=True)
class _Node:
    """An element in document order: a leaf with a field's name, a group, or mere structure."""

    name: str
    leaf: str = ""
    group: str = ""
    repeated: bool = False
    anchor: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Node] = field(default_factory=list)

    def child(self, name: str, *, group: str = "") -> _Node:
        for one in self.children:
            if one.name == name and one.group == group:
                return one
        self.children.append(_Node(name, group=group))
        return self.children[-1]


@cache
def _template(pack: Pack) -> _Node:
    """The binding as a tree; the order of its fields is the document's."""
    binding = pack.binding
    root = _Node(binding.root)
    nodes: dict[str, _Node] = {"": root}

    def group(path: str) -> _Node:
        if path not in nodes:
            repeated = path.endswith("[]")
            parent, _, name = path.removesuffix("[]").rpartition(".")
            node = group(parent)
            *way, last = binding.groups[path].split("/")
            for part in way:
                node = node.child(part)
            made = node.child(last, group=name)
            made.repeated = repeated
            nodes[path] = made
        return nodes[path]

    for path, bound in binding.fields.items():
        parent, _, name = path.rpartition(".")
        node = group(parent)
        *way, last = bound.path.split("/")
        for part in way:
            node = node.child(part)
        if last.startswith("@"):
            node.attributes[last[1:]] = name
        else:
            node.child(last).leaf = name
    for anchor, where in binding.anchors.items():
        node = root
        for part in where.split("/"):
            node = next(one for one in node.children if one.name == part)
        node.anchor = anchor
    return root


def write(values: Mapping[str, Any], pack: Pack) -> bytes:
    """The document for nested values by model names (``{"record": {"id": …}, "subjects": [{…}]}``), unsigned.

    Texts are written as they are (wire values); ``None`` or a missing key leaves the element out. Signature slots are
    empty. Identifiers are the anchors' names, numbered where an anchor repeats.
    """
    numbers: dict[str, int] = {}
    parts: list[str] = []
    namespace = pack.binding.namespace

    def emit(node: _Node, scope: Mapping[str, Any], extra: str = "") -> None:
        attributes = extra
        if node.anchor:
            numbers[node.anchor] = numbers.get(node.anchor, 0) + 1
            number = f"-{numbers[node.anchor]}" if node.repeated else ""
            attributes += f" {pack.binding.id_attribute}={quoteattr(node.anchor + number)}"
        for attribute, name in node.attributes.items():
            if scope.get(name) is not None:
                attributes += f" {attribute}={quoteattr(str(scope[name]))}"
        if node.leaf:
            parts.append(f"<{node.name}{attributes}>{escape(str(scope[node.leaf]))}</{node.name}>")
            return
        parts.append(f"<{node.name}{attributes}>")
        for child in node.children:
            below(child, scope)
        if node is root:
            slots()
        parts.append(f"</{node.name}>")

    def below(child: _Node, scope: Mapping[str, Any]) -> None:
        if child.leaf:
            if scope.get(child.leaf) is not None:
                emit(child, scope)
        elif child.group and child.repeated:
            for one in scope.get(child.group) or ():
                emit(child, one)
        elif child.group:
            if scope.get(child.group) is not None:
                emit(child, scope[child.group])
        else:
            emit(child, scope)

    def slots() -> None:
        policy = pack.signature
        parts.append(f"<{policy.container}>")
        for slot in policy.slots:
            if slot.required:
                name = slot.path.removeprefix(policy.container + "/")
                parts.append(f"<{name} {pack.binding.id_attribute}={quoteattr('slot-' + slot.name)}/>")
        parts.append(f"</{policy.container}>")

    root = _template(pack)
    emit(root, values, f" xmlns={quoteattr(namespace)}" if namespace else "")
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + "".join(parts)).encode()
