"""Evidence: recorded bytes and answers, kept so that every check can be repeated without a network or a clock.

A bundle is a folder: content-addressed files under ``bytes/`` (named by their SHA-256) and an append-only index
``index.ndjson`` whose last line is a mandatory footer. A bundle without its footer is incomplete and says so.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.strict import loads

REDACTED = "***"
LARGEST = 1 << 28
"""Bytes of one file of a bundle that are read."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
SHORTEST = 12
"""Characters: shorter ones are words of a language, chosen for a desk; a run's own are longer."""


class EvidenceError(ValueError):
    """The bundle cannot be read, is incomplete, or was altered; names file and line in Vietnamese and English."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the index.

    ``kind`` says what it is (``case``, ``document``, ``answer``, ``state``, ``journal``, ``trust``, ``crl``, ``ocsp``,
    ``session``); ``item`` the test item it belongs to; ``digest`` the SHA-256 (hex) of its bytes; ``facts`` what was
    known when it was recorded (programme, version, times …; never a secret).
    """

    kind: str
    item: str
    digest: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The line as JSON data."""
        return {"kind": self.kind, "item": self.item, "digest": self.digest, "facts": dict(self.facts)}


def redacted(text: str, secrets: Iterable[str]) -> str:
    """A text without a run's secrets, whoever put them there: software may answer with what it was sent."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, REDACTED)
    return text


def digest_of(data: bytes) -> str:
    """SHA-256 as lower-case hex: the name of the bytes everywhere."""
    return hashlib.sha256(data).hexdigest()


def keep_bytes(folder: Path, kind: str, data: bytes, secrets: tuple[bytes, ...] = ()) -> str:
    """Store ``data`` under its digest in the bundle at ``folder`` and return the digest.

    Documents are kept to the byte; in everything else the run's secrets are replaced first. Safe for several processes.
    """
    if kind != "document":
        for secret in secrets:
            data = data.replace(secret, REDACTED.encode())
    digest = digest_of(data)
    path = folder / "bytes" / digest
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return digest


class Bundle:
    """Writes a bundle. Secrets given to it are replaced before anything reaches the disk."""

    def __init__(self, folder: Path, secrets: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._secrets = tuple(one.encode() for one in secrets if one)
        self._count = 0
        (folder / "bytes").mkdir(parents=True, exist_ok=True)
        self._index = (folder / "index.ndjson").open("w", encoding="utf-8", newline="\n")
        self._chain = hashlib.sha256()

    def add(self, kind: str, item: str, data: bytes, **facts: Any) -> Entry:
        """Record ``data`` and return its index entry."""
        entry = Entry(kind, item, keep_bytes(self.folder, kind, data, self._secrets), facts)
        self.enter(entry)
        return entry

    def enter(self, entry: Entry) -> None:
        """Index bytes that another process of the same run has already stored with :func:`keep_bytes`."""
        self._line(entry.to_json())

    def close(self, **facts: Any) -> str:
        """Write the footer and return the bundle's digest (SHA-256 over all lines before the footer)."""
        digest = self._chain.hexdigest()
        self._index.write(json.dumps({"footer": {"entries": self._count, "digest": digest, **facts}}) + "\n")
        self._index.close()
        return digest

    def abandon(self) -> None:
        """Close the index without its footer, if it is still open: the bundle stays incomplete, and says so."""
        self._index.close()

    def _line(self, data: dict[str, Any]) -> None:
        line = json.dumps(data, ensure_ascii=False, sort_keys=True)
        if any(0xD800 <= ord(one) <= 0xDFFF for one in line):  # a lone surrogate out of a vendor's JSON
            line = json.dumps(data, sort_keys=True)
        for secret in self._secrets:
            line = line.replace(secret.decode(), REDACTED)
        self._index.write(line + "\n")
        self._index.flush()
        self._chain.update(line.encode() + b"\n")
        self._count += 1


class StoredBundle:
    """Reads a bundle; every altered byte or missing footer is an :class:`EvidenceError`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self.footer: dict[str, Any] = {}
        chain = hashlib.sha256()
        try:
            text = self._file("index.ndjson").decode()
        except OSError as error:
            raise EvidenceError(f"{folder}: không có chứng cứ / no evidence: {error}") from error
        except UnicodeDecodeError as error:
            raise EvidenceError(f"index.ndjson: không phải UTF-8 / not UTF-8: {error}") from error
        # only line feeds end a line: a vendor's texts may hold U+2028 and its kind
        lines = text.removesuffix("\n").split("\n") if text else []
        for number, line in enumerate(lines, 1):
            try:
                data = loads(line)
                if "footer" in data:
                    self.footer = dict(data["footer"])
                    if number != len(lines):
                        raise EvidenceError(f"index.ndjson:{number}: có dòng sau dòng kết / lines after the footer")
                    break
                if not _DIGEST.fullmatch(data["digest"]):  # names a file: nothing outside the bundle
                    raise ValueError("digest")
                self.entries.append(Entry(str(data["kind"]), str(data["item"]), data["digest"], dict(data["facts"])))
            except EvidenceError:
                raise
            except (KeyError, TypeError, ValueError) as error:
                raise EvidenceError(f"index.ndjson:{number}: dòng hỏng / broken line: {error}") from error
            chain.update(line.encode() + b"\n")
        if not self.footer:
            raise EvidenceError(f"{folder}: thiếu dòng kết, chứng cứ chưa đầy đủ / no footer: the bundle is incomplete")
        if self.footer.get("digest") != chain.hexdigest():
            raise EvidenceError(f"{folder}: mục lục đã bị sửa / the index was altered")

    def read(self, entry: Entry) -> bytes:
        """The bytes of an entry, checked against its digest."""
        data = self._file("bytes", entry.digest)
        if digest_of(data) != entry.digest:
            raise EvidenceError(f"bytes/{entry.digest}: nội dung đã bị sửa / altered bytes")
        return data

    def _file(self, *names: str) -> bytes:
        """A file of the bundle: a regular one of a bounded size, never what a link points to."""
        path = self.folder.joinpath(*names)
        name = "/".join(names)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise EvidenceError(f"{name}: không phải tệp thường / not a regular file")
        if path.stat().st_size > LARGEST:
            raise EvidenceError(f"{name}: quá {LARGEST} byte / larger than {LARGEST} bytes")
        return path.read_bytes()

    def strangers(self) -> list[str]:
        """Files and folders that the index does not name, relative to the bundle: no part of the evidence.

        Raises:
            OSError: the folder cannot be listed.
        """
        named = {entry.digest for entry in self.entries}
        kept = self.folder / "bytes"
        above = [one.name for one in self.folder.iterdir() if one.name not in ("index.ndjson", "bytes")]
        within = [f"bytes/{one.name}" for one in (kept.iterdir() if kept.is_dir() else ()) if one.name not in named]
        return sorted(above) + sorted(within)

    def of(self, kind: str) -> Iterator[Entry]:
        """The entries of one kind, in order."""
        return (entry for entry in self.entries if entry.kind == kind)
