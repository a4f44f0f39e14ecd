"""The files a run leaves: claimed before it begins, put in place whole when it ends."""

from __future__ import annotations

import contextlib
from pathlib import Path


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
        with path.open("a", encoding="utf-8"):
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
