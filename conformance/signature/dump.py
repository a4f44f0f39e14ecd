"""Canonical octets and digests as files: what a vendor compares with its own when a digest does not fit.

One folder per document: the octets of every part that a reference covers (each once, however many signatures cover
it), of every SignedInfo, and an index in JSON and as text. Names of files are made here, never taken from a document.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from conformance.document import Document
from conformance.document.read import xpath_of
from conformance.pack import Pack
from conformance.signature import algorithms
from conformance.signature.canonical import canonical, reparsed
from conformance.signature.parse import Reference, Step
from conformance.signature.verify import Signature, verify_document

LARGEST = 64 * 1024 * 1024
"""Octets written for one document, at most: what is over is left out, and the index says so."""
INDEX = "index.json"
TEXT = "index.txt"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_SHOWN = re.compile(r"[^\x20-\x7e\u00a1-\u024f\u1e00-\u1eff]")


def safe_name(text: str) -> str:
    """A piece of a file name: ASCII letters, digits, hyphens; at most 40; never empty, hidden or a way elsewhere."""
    return _UNSAFE.sub("-", text).strip("-")[:40] or "x"


@dataclass(slots=True)
class _Folder:
    """The files of one document."""

    path: Path
    left: int
    written: dict[tuple[object, ...], tuple[str, bytes]] = field(default_factory=dict)

    def put(self, key: tuple[object, ...], name: str, octets: bytes) -> str:
        """Write the octets, once for a key; the file's name, empty when they are left out."""
        if len(octets) > self.left:
            return ""
        self.left -= len(octets)
        file = f"{len(self.written) + 1:03}-{name}.c14n"
        (self.path / file).write_bytes(octets)
        self.written[key] = file, octets
        return file


def dump_document(document: Document, pack: Pack, folder: Path, name: str) -> Path:
    """Write everything about ``document`` below ``folder``; returns the document's own folder.

    Raises:
        OSError: a file cannot be written.
    """
    own = folder / f"{safe_name(name)}-{document.digest[:16]}"
    own.mkdir(parents=True, exist_ok=True)
    files = _Folder(own, LARGEST)
    facts = verify_document(document, pack)
    entries = [_signature(one, files, pack) for one in facts.signatures]
    index = {
        "pack": pack.name,
        "document": {"name": _shown(name), "sha256": document.digest, "bytes": len(document.data)},
        "signatures": entries,
    }
    (own / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    (own / TEXT).write_text("\n".join(_lines(index)) + "\n", encoding="utf-8", newline="\n")
    return own


def _shown(text: str) -> str:
    return _SHOWN.sub("?", text)[:200]


def _signature(one: Signature, files: _Folder, pack: Pack) -> dict[str, Any]:
    parsed = one.parsed
    info: dict[str, Any] = {}
    if parsed.signed_info is not None and parsed.step is not None:
        octets = _octets(parsed.signed_info, (parsed.step,))
        info = {
            "canonicalization": _uri(parsed.step, pack),
            "file": _put(files, (parsed.signed_info, parsed.step), f"SignedInfo-{one.slot.name}-{one.number}", octets),
            "bytes": None if octets is None else len(octets),
            "sha256": None if octets is None else algorithms.digest("sha256", octets).hex(),
        }
    return {
        "slot": one.slot.name,
        "role": one.slot.role,
        "number": one.number,
        "place": xpath_of(one.node),
        "id": _shown(one.node.get(pack.binding.id_attribute) or ""),
        "certificate": _shown(one.leaf.common_name) if one.leaf else "",
        "signatureMethod": _shown(parsed.method),
        "valueVerifies": one.value_good,
        "refused": sorted({trouble.kind for trouble in parsed.troubles}),
        "signedInfo": info,
        "references": [_reference(each, files, pack) for each in parsed.references],
    }


def _reference(one: Reference, files: _Folder, pack: Pack) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "uri": _shown(one.uri),
        "place": "",
        "canonicalization": [_uri(step, pack) for step in one.steps],
        "digestMethod": one.digest_name,
        "digestInDocument": base64.b64encode(one.value[:128]).decode(),
        "digestComputed": "",
        "equal": None,
        "file": "",
        "bytes": None,
    }
    if one.target is None:
        return entry
    entry["place"] = xpath_of(one.target)
    key = (one.target, one.steps)
    known = files.written.get(key)
    octets = known[1] if known else _octets(one.target, one.steps)
    if octets is None:
        return entry
    part = etree.QName(one.target).localname
    entry["file"] = known[0] if known else _put(files, key, f"{safe_name(part)}-{safe_name(one.id)}", octets)
    entry["bytes"] = len(octets)
    if one.digest_name:
        computed = algorithms.digest(one.digest_name, octets)
        entry["digestComputed"] = base64.b64encode(computed).decode()
        entry["equal"] = computed == one.value
    return entry


def _put(files: _Folder, key: tuple[object, ...], name: str, octets: bytes | None) -> str:
    return "" if octets is None else files.put(key, name, octets)


def _octets(element: etree._Element, steps: tuple[Step, ...]) -> bytes | None:
    """The octets after all canonicalizations; ``None`` when there is no canonical form."""
    try:
        octets = canonical(element, steps[0].method, steps[0].prefixes)
        for step in steps[1:]:
            octets = canonical(reparsed(octets), step.method, step.prefixes)
    except (etree.C14NError, etree.XMLSyntaxError, IndexError):
        return None
    return octets


def _uri(step: Step, pack: Pack) -> str:
    uri = next(uri for uri, one in pack.signature.canonicalization.items() if one.method == step.method)
    return f"{uri} PrefixList={_shown(' '.join(step.prefixes))}" if step.prefixes else uri


def _lines(index: dict[str, Any]) -> list[str]:
    """The index for people: Vietnamese first, English beside it."""
    document = index["document"]
    lines = [
        f"{document['name']}  {document['bytes']} byte  sha256:{document['sha256']}",
        "Dạng chuẩn tắc của từng phần được ký; so byte và giá trị băm với phần mềm của bạn.",
        "Canonical form of every signed part; compare octets and digests with those of your software.",
    ]
    words = {True: "khớp / equal", False: "KHÁC / DIFFERENT", None: "không xét được / not judged"}
    for one in index["signatures"]:
        lines += ["", f"{one['slot']} {one['number']} ({one['role']}, {one['certificate']})  {one['place']}"]
        info = one["signedInfo"]
        if one["refused"]:
            lines.append(f"  bị từ chối / refused: {', '.join(one['refused'])}")
        if info:
            lines.append(f"  SignedInfo  {info['file']}  {info['bytes']} byte  sha256:{info['sha256']}")
            lines.append(f"    giá trị chữ ký / signature value: {words[one['valueVerifies']]}")
        for each in one["references"]:
            lines.append(f"  {each['uri']}  {each['file'] or '—'}  {each['bytes']} byte  {each['place']}")
            lines.append(
                f"    {each['digestMethod']}: {words[each['equal']]}; trong tệp / in the document"
                f" {each['digestInDocument']}, tính được / computed {each['digestComputed'] or '—'}"
            )
    return lines
