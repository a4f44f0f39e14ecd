"""The NDJSON stream: one event a line, and whatever was cut or altered is no result."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest

import reports
from conformance.events import Result
from conformance.pack import Pack, default_pack
from conformance.verdict import decide
from reports.schema import events_schema
from reports.stream import Incomplete, ReadingError, StreamWriter, read_result, read_stream
from tests.reports.sample import clean_items, failing, failure, result


@pytest.fixture(scope="module")
def pack() -> Pack:
    return default_pack()


def written(run: Result, pack: Pack) -> bytes:
    out = io.BytesIO()
    writer = StreamWriter(out)
    writer.begin(run.run)
    for item in run.items:
        writer.item(item)
    assert run.footer is not None
    writer.end(run.footer, decide(pack, run).to_json())
    return out.getvalue()


@pytest.fixture(scope="module")
def stream(pack: Pack) -> bytes:
    return written(failing(pack), pack)


def test_every_line_is_an_event_of_the_published_schema(stream: bytes) -> None:
    validator = jsonschema.validators.validator_for(events_schema())(events_schema())
    lines = stream.splitlines()
    for line in lines:
        validator.validate(json.loads(line))
    assert [json.loads(line)["event"] for line in (lines[0], lines[1], lines[-1])] == [
        "run-started",
        "item-finished",
        "run-finished",
    ]


def test_a_whole_stream_is_the_result(stream: bytes, pack: Pack) -> None:
    run = failing(pack)
    again = read_stream(stream)
    assert again.run == run.run
    assert {one.id: one for one in again.items} == {one.id: one for one in run.items}
    assert reports.verdict_of(again, pack) == decide(pack, run)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.97])
def test_a_cut_stream_is_refused_and_readable_only_as_incomplete(stream: bytes, pack: Pack, kept: float) -> None:
    cut = stream[: int(len(stream) * kept)]
    with pytest.raises(ReadingError):
        read_stream(cut, "s")
    if b"\n" in cut:
        partial = read_stream(cut, "s", partial=True)
        assert partial.footer is None
        assert "not-completed" in decide(pack, partial).reasons


def test_without_its_footer_only_it_is_incomplete(stream: bytes) -> None:
    lines = stream.splitlines(keepends=True)
    with pytest.raises(Incomplete, match="run-finished"):
        read_stream(b"".join(lines[:-1]), "s")


@pytest.mark.parametrize("change", ["drop", "swap", "alter", "after"])
def test_an_altered_stream_is_refused_even_as_a_part(stream: bytes, change: str) -> None:
    lines = stream.splitlines(keepends=True)
    if change == "drop":
        del lines[2]
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif change == "alter":
        lines[1] = lines[1].replace(b'"checked":3', b'"checked":4', 1)
    else:
        lines.append(lines[1])
    for partial in (False, True):
        with pytest.raises(ReadingError):
            read_stream(b"".join(lines), "s", partial=partial)


def test_a_stray_line_is_named(stream: bytes) -> None:
    lines = stream.splitlines(keepends=True)
    lines.insert(2, b'{"event": "item-finished"}\n')
    with pytest.raises(ReadingError, match=r"s:3: .*item"):
        read_stream(b"".join(lines), "s")
    with pytest.raises(ReadingError, match="s:1: "):
        read_stream(b"".join(lines[1:]), "s")


def test_a_lone_surrogate_keeps_its_line(pack: Pack) -> None:
    items = clean_items(pack)
    items[0] = items[0].model_copy(update={"findings": (failure("PL1-PH-001", "no-answer", seen="\ud800"),)})
    again = read_stream(written(result(pack, items), pack))
    assert any(one.seen == "\ud800" for item in again.items for one in item.findings)


def test_files_are_told_apart_by_their_content(stream: bytes, pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(stream)
    (tmp_path / "r").write_text(reports.json_text(failing(pack), pack), encoding="utf-8")
    assert read_result(tmp_path / "s").run == read_result(tmp_path / "r").run
    (tmp_path / "cut").write_text(
        reports.json_text(failing(pack).model_copy(update={"footer": None}), pack), encoding="utf-8"
    )
    with pytest.raises(Incomplete):
        read_result(tmp_path / "cut")
    assert read_result(tmp_path / "cut", partial=True).footer is None
    for name, content in (("other", b"[]"), ("half", (tmp_path / "r").read_bytes()[:200])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ReadingError, match=str(tmp_path / name)):
            read_result(tmp_path / name)
