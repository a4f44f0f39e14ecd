"""The files a run leaves: claimed before it begins, put in place whole when it ends."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, BinaryIO

from conformance.events import ItemResult, RunFinished, RunInfo
from reports.stream import StreamWriter


class Outputs:
    """The report files of one run. Nothing of an earlier run, and no half of this one, can be taken for its result."""

    def __init__(self, *paths: str) -> None:
        self._paths = tuple(Path(path) for path in paths if path)
        self.written: list[str] = []

    def claim(self) -> None:
        """Make sure that every file can be written, and remove what an earlier run left there.

        Raises:
            OSError: one cannot be written; better said now than after the run.
        """
        for path in self._paths:
            try:
                self._claim(path)
            except OSError as error:
                raise OSError(f"không ghi được / cannot write: {path}: {error.strerror or error}") from error

    def _claim(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            if path.is_dir():
                raise IsADirectoryError(f"là thư mục / is a folder: {path}")
            return  # a pipe or terminal: written to as it is
        with path.open("ab"):
            pass
        path.unlink()

    def write(self, path: str, text: str) -> None:
        """Write one file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        target = Path(path)
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8", newline="\n")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f"{target.name}.part")
            try:
                part.write_text(text, encoding="utf-8", newline="\n")
                part.replace(target)
            except OSError:
                with contextlib.suppress(OSError):
                    part.unlink()
                raise
        self.written.append(path)


class EventFile:
    """The NDJSON stream of one run, if it was asked for: written while it goes on, whole only with its footer."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._writer: StreamWriter | None = None
        self._trouble: OSError | None = None

    def open(self) -> None:
        """Open it.

        Raises:
            OSError: it cannot be written.
        """
        if not self._path:
            return
        path = Path(self._path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise OSError(f"không ghi được / cannot write: {path}: {error.strerror or error}") from error
        self._writer = StreamWriter(self._file)

    def begin(self, run: RunInfo) -> None:
        """The first line."""
        if self._writer is not None:
            self._writer.begin(run)

    def item(self, item: ItemResult) -> None:
        """An item. A full disk does not end the run: the stream stays without its footer, and :meth:`end` says so."""
        if self._writer is not None and self._trouble is None:
            try:
                self._writer.item(item)
            except OSError as error:
                self._trouble = error

    def end(self, footer: RunFinished, verdict: dict[str, Any]) -> None:
        """The last line.

        Raises:
            OSError: some line could not be written.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._writer is not None:
            self._writer.end(footer, verdict)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
