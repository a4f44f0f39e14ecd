"""The event stream as NDJSON: written while a run goes on, read back only when it is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from conformance.events import (
    Event,
    ItemFinished,
    ItemResult,
    Result,
    RunEnded,
    RunFinished,
    RunInfo,
    RunStarted,
    StreamEvent,
)
from conformance.strict import loads
from conformance.verdict import Verdict
from conformance.visible import inert_json

LARGEST = 1 << 30
"""Bytes of a result or stream that are read."""

_EVENT: TypeAdapter[RunStarted | ItemFinished | RunEnded] = TypeAdapter(StreamEvent)


class ReadingError(ValueError):
    """A result or stream cannot be read; names file and line, in Vietnamese and English."""


class Incomplete(ReadingError):
    """It was cut, or the run never came to its end: not to be taken for a result."""


class StreamWriter:
    """Writes one event a line and flushes it; :meth:`end` writes the footer without which nobody may read it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lines = 0
        self._chain = hashlib.sha256()

    def begin(self, run: RunInfo) -> None:
        """The first line."""
        self._write(RunStarted(run=run))

    def item(self, item: ItemResult) -> None:
        """An item is finished."""
        self._write(ItemFinished(item=item))

    def end(self, footer: RunFinished, verdict: dict[str, Any]) -> None:
        """The last line."""
        self._write(RunEnded(footer=footer, verdict=verdict, lines=self._lines, sha256=self._chain.hexdigest()))

    def _write(self, event: Event) -> None:
        line = encoded(event.model_dump(mode="json")) + b"\n"
        self._out.write(line)
        self._out.flush()
        self._chain.update(line)
        self._lines += 1


def encoded(data: Any) -> bytes:
    """JSON on one line in UTF-8; what a terminal would obey is an escape."""
    return inert_json(data, separators=(",", ":")).encode()


def read_stream(data: bytes, name: str = "", *, partial: bool = False) -> Result:
    """The result that a stream tells.

    With ``partial``, a stream without its footer becomes a result without one, whose verdict says that the run was not
    completed; a broken line in its middle is refused all the same.

    Raises:
        Incomplete: the footer is missing, or what stands before it is not what was written.
        ReadingError: a line is no event.
    """
    lines = data.splitlines(keepends=True)
    run: RunInfo | None = None
    items: list[ItemResult] = []
    chain = hashlib.sha256()
    for number, line in enumerate(lines, 1):
        whole = line.endswith(b"\n")
        if not whole and partial and number == len(lines):
            break  # the line that was being written when it was cut
        event = _event(line, f"{name}:{number}", whole=whole)
        if isinstance(event, RunEnded):
            return _ended(event, run, items, chain.hexdigest(), f"{name}:{number}", len(lines), number)
        if isinstance(event, RunStarted) is not (number == 1):
            raise ReadingError(f"{name}:{number}: sự kiện không đúng chỗ / an event out of place: {event.event}")
        if isinstance(event, RunStarted):
            run = event.run
        else:
            items.append(event.item)
        chain.update(line)
    if run is None:
        raise ReadingError(f"{name}: không có dòng mở đầu / no opening line")
    if not partial:
        raise Incomplete(
            f"{name}: thiếu dòng kết «run-finished»: lần chạy chưa hoàn tất, không phải kết quả"
            " / no run-finished footer: the run was not completed, this is no result"
        )
    return Result(run=run, items=tuple(items), footer=None)


def _event(line: bytes, place: str, *, whole: bool) -> RunStarted | ItemFinished | RunEnded:
    try:
        return _EVENT.validate_python(loads(line))  # a lone surrogate is nothing for pydantic's own JSON reader
    except ValueError as error:
        if not whole:
            raise Incomplete(f"{place}: dòng bị cắt / the line was cut") from error
        if not isinstance(error, ValidationError):
            raise ReadingError(f"{place}: không phải JSON / not JSON: {error}") from error
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ReadingError(f"{place}: không phải sự kiện / not an event: {where}: {first['msg']}") from error


def _ended(
    event: RunEnded, run: RunInfo | None, items: list[ItemResult], chain: str, place: str, total: int, number: int
) -> Result:
    if run is None:
        raise ReadingError(f"{place}: không có dòng mở đầu / no opening line")
    if number != total:
        raise ReadingError(f"{place}: có dòng sau dòng kết / lines after the footer")
    if event.lines != number - 1 or event.sha256 != chain or event.footer.items != len(items):
        raise Incomplete(
            f"{place}: nội dung không khớp dòng kết: thiếu dòng hoặc đã bị sửa"
            " / the content does not match the footer: lines are missing or were altered"
        )
    _whole_verdict(event.verdict, place)
    ordered = tuple(sorted(items, key=lambda one: one.id))
    return Result(run=run, items=ordered, footer=event.footer, verdict=event.verdict)


def _whole_verdict(verdict: dict[str, Any], place: str) -> None:
    try:
        if verdict:
            Verdict.model_validate(verdict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, ("verdict", *first["loc"])))
        raise ReadingError(f"{place}: không phải kết luận / not a verdict: {where}: {first['msg']}") from error


def read_result(path: Path, *, partial: bool = False) -> Result:
    """A result from the JSON file or the NDJSON stream of a run.

    Raises:
        Incomplete: not a whole run, unless ``partial``.
        ReadingError: not a result.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ReadingError(f"{path}: không phải tệp thường / not a regular file")
        if path.stat().st_size > LARGEST:
            raise ReadingError(f"{path}: quá {LARGEST} byte / larger than {LARGEST} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise ReadingError(f"{path}: không đọc được / cannot be read: {error.strerror or error}") from error
    if data.startswith((b'{"event":', b'{"event" :')):
        return read_stream(data, str(path), partial=partial)
    try:
        result = Result.model_validate(loads(data))
    except ValueError as error:
        if not isinstance(error, ValidationError):
            raise ReadingError(f"{path}: không phải JSON / not JSON: {error}") from error
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ReadingError(
            f"{path}: không phải kết quả của hocba / not a result of hocba: {where}: {first['msg']}"
        ) from error
    _whole_verdict(result.verdict, str(path))
    if result.footer is None and not partial:
        raise Incomplete(f"{path}: không có dòng kết: lần chạy chưa hoàn tất / no footer: the run was not completed")
    return result
