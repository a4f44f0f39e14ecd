"""What is to be checked: files, folders, zip and tar archives, and lists of these, as a stream of small items."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from conformance.checking.files import LIMIT, CheckingProblem, read_file

_SUFFIX = ".xml"
_ZIP = ".zip"
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_CHUNK = 1 << 16
_ENCRYPTED = 1
"""The flag of a zip entry that a password protects."""
_LARGEST = 1 << 30
"""Octets that a member of a tar archive may have: to step over it, all of them are unpacked."""
_TOO_LARGE = "quá lớn, phần sau của kho không được đọc / too large, what follows in the archive is not read"


@dataclass(frozen=True, slots=True)
class Item:
    """One document to be checked; small, so that it can be sent to another process."""

    name: str
    """How results call it: the path; inside an archive ``archive.zip/inner/path.xml``."""
    path: str = ""
    """The file, or the zip archive."""
    member: str = ""
    """The name inside the zip archive."""
    number: int = -1
    """Which of the zip archive's entries it is, from 0: a name can stand twice. Negative: the last one of that name."""
    data: bytes | None = None
    """The bytes, where they cannot be read again at will (tar archives)."""
    unread: str = ""
    """Not empty: why it could not even be listed; bilingual."""


def items(arguments: Iterable[str], lists: Iterable[str] = ()) -> Iterator[Item]:
    """The documents behind the arguments, in a stable order; nothing is read ahead.

    Args:
        arguments: files, folders (their ``.xml`` files, sorted by name), zip and tar archives (their ``.xml`` members,
            in the archive's order), and ``@list.txt``: a list as below.
        lists: text files with one file, folder or archive a line, in UTF-8; ``-`` is the standard input.

    What is not there is an item that cannot be read: a long run does not stop for it.

    Raises:
        CheckingProblem: at once, when a list is not there.
    """
    named = list(arguments)
    listed = [*(one[1:] for one in named if one.startswith("@")), *lists]
    for one in listed:
        if one != "-" and not Path(one).is_file():
            raise CheckingProblem(f"không đọc được danh sách / no such list: {one}")
    return _all([one for one in named if not one.startswith("@")], listed)


def _all(direct: Iterable[str], listed: Iterable[str]) -> Iterator[Item]:
    for one in direct:
        yield from _of(one)
    for one in listed:
        for line in _lines(one):
            yield from _of(line)


def _missing(name: str, why: object) -> Item:
    return Item(name, unread=f"không đọc được / cannot be read: {name}: {why}")


def _lines(name: str) -> Iterator[str]:
    with open(0 if name == "-" else name, encoding="utf-8-sig", errors="replace", closefd=name != "-") as file:
        for line in file:
            if line.strip():
                yield line.strip()


def _is_folder(name: str) -> bool:
    """Whether it is a folder; a name that no file can have is none."""
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):
        return False


def _of(name: str) -> Iterator[Item]:
    if _is_folder(name):
        yield from _folder(name)
    elif name.lower().endswith(_ZIP):
        yield from _zip(name)
    elif name.lower().endswith(_TAR):
        yield from _tar(name)
    else:
        yield Item(name, name)


def _folder(name: str) -> Iterator[Item]:
    """Folder by folder, so that only one folder's names are held."""
    try:
        with os.scandir(name) as found:
            entries = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in found)
    except OSError as error:
        yield _missing(name, error.strerror)
        return
    for entry, inner in entries:
        path = str(Path(name) / entry)
        if inner:
            yield from _folder(path)
        elif entry.endswith(_SUFFIX):
            yield Item(path, path)


def _zip(name: str) -> Iterator[Item]:
    try:
        entries = [(number, one.filename) for number, one in enumerate(_archive(name).infolist())]
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        yield _missing(name, error)
        return
    times: Counter[str] = Counter()
    for number, member in entries:
        if member.lower().endswith(_SUFFIX):
            yield Item(f"{name}/{member}{_again(times[member])}", name, member, number)
            times[member] += 1


def _again(before: int) -> str:
    """What tells entries of one name apart."""
    return f"#{before + 1}" if before else ""


@lru_cache(maxsize=2)
def _archive(path: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _tar(name: str) -> Iterator[Item]:
    """A compressed tar can only be read from front to back: its bytes travel with the item.

    The modules of each compression open it, not :mod:`tarfile`, whose streams end silently where a cut file ends.
    """
    times: Counter[str] = Counter()
    try:
        with _opened(name) as unpacked:
            stream = _Tail(unpacked)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
                for member in archive:
                    if member.size > _LARGEST:
                        yield _missing(f"{name}/{member.name}", _TOO_LARGE)
                        return
                    file = archive.extractfile(member) if member.isfile() else None
                    if file is not None and member.name.lower().endswith(_SUFFIX):
                        yield Item(f"{name}/{member.name}{_again(times[member.name])}", data=file.read(LIMIT))
                        times[member.name] += 1
            while stream.read(_CHUNK):
                pass
        if stream.last.strip(b"\0") or len(stream.last) < tarfile.BLOCKSIZE:
            yield _missing(name, "bị cắt cụt / cut off: it has no end mark")
    except (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError) as error:
        yield _missing(name, error)


def _opened(name: str) -> IO[bytes]:
    with Path(name).open("rb") as file:
        start = file.read(6)
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(name))
    if start.startswith(b"BZh"):
        return bz2.open(name)
    if start.startswith(b"\xfd7zXZ"):
        return lzma.open(name)
    return Path(name).open("rb")


class _Tail:
    """A stream that remembers its last block: a tar archive ends with empty ones."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.last = (self.last + data)[-tarfile.BLOCKSIZE :]
        return data


def content(item: Item) -> bytes:
    """The item's bytes, cut off past :data:`LIMIT`.

    Raises:
        CheckingProblem: it cannot be read (encrypted, damaged …).
    """
    if item.data is not None:
        return item.data
    if item.member:
        try:
            archive = _archive(item.path)
            entry = archive.getinfo(item.member) if item.number < 0 else archive.infolist()[item.number]
            if entry.flag_bits & _ENCRYPTED:
                raise CheckingProblem("có mật khẩu / it is encrypted")
            with archive.open(entry) as member:
                return member.read(LIMIT)
        except Exception as error:  # zipfile raises what its codecs raise
            raise CheckingProblem(f"không đọc được / cannot be read: {item.name}: {error}") from error
    return read_file(Path(item.path), LIMIT)
