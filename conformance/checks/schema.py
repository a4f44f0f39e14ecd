"""What libxml2 says of a document against the pack's schema, as causes of PL1-STR-001 with their details."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from threading import get_ident
from typing import Any

from lxml import etree

from conformance.document import MOST, Document
from conformance.finding import Place
from conformance.pack import Pack
from conformance.pack.schemas import read_schema
from conformance.signature.canonical import DS

_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^)]*) \)")
_NAMED = re.compile(r"'([^']*)'")
_NUMBERS = re.compile(r"'([0-9]+)'")
_PREFIX = re.compile(r"/([^/:\[\]*]+):")
_PREFIXES = {
    "http://www.w3.org/XML/1998/namespace": "xml",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi",
}
# libxml2's name of a schema error → cause; empty: it only repeats another one
_SCHEMA_CAUSES = {
    "SCHEMAV_ELEMENT_CONTENT": "element",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "too-long",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "stray-text",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "attribute-missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute-unknown",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute-unknown",
    "SCHEMAV_CVC_TYPE_3_1_1": "attribute-unknown",
    "SCHEMAV_CVC_ELT_3_1": "attribute-unknown",
    "SCHEMAV_CVC_ELT_4_3": "attribute-unknown",
    "SCHEMAV_CVC_TYPE_3_1_2": "element",
    "SCHEMAV_CVC_DATATYPE_VALID_1_1_1": "",
    "SCHEMAV_CVC_TYPE_3_1_3": "",
}


@lru_cache(maxsize=64)
def _schema(pack: Pack, thread: int) -> etree.XMLSchema:
    # one for each thread: lxml keeps the errors of a validation in the schema object
    assert thread == get_ident()
    return read_schema(pack.schema)


def schema_errors(document: Document, pack: Pack) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """Cause, place and details of each way in which the document is not valid; at most ten."""
    errors = _errors(document, pack)
    seen: set[tuple[str, str]] = set()
    for error in errors:
        if not _SCHEMA_CAUSES.get(error.type_name, "invalid") and len(errors) > 1:
            continue
        key = (str(error.path), error.message)
        if key in seen or len(seen) >= MOST:
            continue
        seen.add(key)
        node = _node(document, error)
        cause, details = _explained(error, node, pack)
        yield cause, document.place(node) if node is not None else Place("/", error.line), details


def _errors(document: Document, pack: Pack) -> list[Any]:
    """libxml2's errors (``type_name``, ``message``, ``path``, ``line``); empty for a valid document."""
    schema = _schema(pack, get_ident())
    if schema.validate(document.root):
        return []
    log: Any = schema.error_log
    return list(log)


def _explained(error: Any, node: etree._Element | None, pack: Pack) -> tuple[str, dict[str, Any]]:
    """Cause and details of one of libxml2's errors; its own English words only where it is of no known kind."""
    cause = _SCHEMA_CAUSES.get(error.type_name, "invalid") or "invalid"
    named = [one.replace("\\'", "'") for one in _NAMED.findall(error.message)]
    space, _, name = named[0].rpartition("}") if named else ("", "", "")
    details: dict[str, Any] = {"name": name, "expected": "", "seen": error.message[:400]}
    match cause:
        case "element":
            expected = _EXPECTED.search(error.message)
            wanted = expected[1].split() if expected else []
            shown = [one.replace(f"{{{pack.binding.namespace}}}", "").rstrip(",") for one in wanted]
            shown = [one.replace(f"{{{DS}}}*", "ds:Signature") for one in shown]
            parent = node.getparent() if node is not None else None
            end = f"</{etree.QName(parent).localname}>" if parent is not None else ""
            details |= {"expected": ", ".join(shown) or end, "seen": name}
            if "Missing child" in error.message:
                cause = "missing-element"
            elif error.type_name == "SCHEMAV_CVC_TYPE_3_1_2" and node is not None:
                child = next(node.iterchildren(etree.Element), None)
                inside = etree.QName(child).localname if child is not None else ""
                details |= {"name": inside or name, "expected": f"</{name}>", "seen": inside}
            elif name in shown and space.removeprefix("{") != pack.binding.namespace:
                cause = "namespace"
                details |= {"expected": pack.binding.namespace, "seen": space.removeprefix("{") or '""'}
            elif shown == ["ds:Signature"] and name == "Signature":
                cause = "namespace"
                details |= {"expected": DS, "seen": space.removeprefix("{") or '""'}
        case "too-long":
            numbers = _NUMBERS.findall(error.message)
            details |= {"seen": numbers[0], "expected": numbers[-1]} if len(numbers) > 1 else {}
        case "stray-text":
            texts = [node.text, *(child.tail for child in node)] if node is not None else []
            details["seen"] = next((text.strip()[:60] for text in texts if text and text.strip()), "")
        case "attribute-missing":
            details |= {"expected": named[-1], "seen": ""}
        case "attribute-unknown":
            details["seen"] = _attribute(named[1] if len(named) > 1 and "attribute" in error.message else "xsi:nil")
    return cause, details


def _attribute(name: str) -> str:
    """An attribute as it is written, where its namespace has a usual prefix."""
    space, _, local = name.rpartition("}")
    prefix = _PREFIXES.get(space.removeprefix("{"), "")
    return f"{prefix}:{local}" if prefix else name


def _node(document: Document, error: Any) -> etree._Element | None:
    """The element that an error of the schema is about; libxml2's path has the prefixes that the document has."""
    wanted = set(_PREFIX.findall(error.path or ""))
    every = (item for one in document.elements for item in one.nsmap.items()) if wanted else ()
    prefixes = {prefix: space for prefix, space in every if prefix and prefix in wanted}
    own = _PREFIX.match("/" + (error.path or "").rpartition("/")[2])
    if own is not None:  # the same prefix may stand for something else elsewhere; the message says what it is here
        prefixes[own[1]] = next(iter(_NAMED.findall(error.message)), "").rpartition("}")[0].removeprefix("{")
    prefixes = {prefix: space for prefix, space in prefixes.items() if space}
    try:
        hits = document.root.getroottree().xpath(error.path or "/", namespaces=prefixes)
    except (etree.XPathError, ValueError):
        return None
    first = hits[0] if isinstance(hits, list) and hits else None
    return first if isinstance(first, etree._Element) else None
