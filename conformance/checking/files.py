"""Files that are given to ``hocba check``: read whole or not at all, and told in both languages when they cannot be."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

LIMIT = 8 * 1024 * 1024
"""Bytes read of a document: past the lawful size it is refused by PL1-DOC-004 anyway."""


class CheckingProblem(ValueError):
    """The files or options cannot be used; bilingual."""


def read_file(path: Path, limit: int | None = None) -> bytes:
    """The bytes of a regular file, at most ``limit``, and of nothing else: a pipe or a device may have no end.

    Raises:
        CheckingProblem: it cannot be read.
    """
    try:
        # a named pipe would make even opening it wait
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise CheckingProblem(f"không phải tệp thường / not a regular file: {path}")
            return file.read() if limit is None else file.read(limit)
    except (OSError, ValueError) as error:
        if isinstance(error, CheckingProblem):
            raise
        raise CheckingProblem(f"không đọc được / cannot be read: {path}: {error}") from error


def mapping_of(path: Path) -> dict[str, str]:
    try:
        data = json.loads(read_file(path))
    except ValueError as error:
        raise CheckingProblem(f"--subject-map: {path}: {error}") from error
    if not isinstance(data, dict):
        raise CheckingProblem(f"--subject-map: {path}: cần đối tượng JSON / wants a JSON object")
    return {str(key): str(value) for key, value in data.items()}
