"""Commands of the pages: those marked ``<!-- run: CODE -->`` are run as they stand; all exist with their options."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from conformance.cli import app
from conformance.options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "CHANGELOG.md"})
MARKED = re.compile(r"<!-- run(?:: (\d))? -->\n```sh\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"```(?:sh|powershell|console)?\n(.*?)```", re.DOTALL)


def commands(text: str) -> list[str]:
    """The lines that call ``hocba``, continuation lines joined, without comments."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = (re.sub(r"\s+#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if re.match(r"(?:\S*[\\/])?hocba ", line)]


GROUPS = {one.name or (one.typer_instance.info.name if one.typer_instance else "") for one in app.registered_groups}

COMMAND: Any = get_command(app)

RUN = [
    (path.relative_to(ROOT).as_posix(), int(code or 0), block)
    for path in PAGES
    for code, block in MARKED.findall(path.read_text(encoding="utf-8"))
]


ONCE = {block: (page, code) for page, code, block in reversed(RUN)}
"""Pages in two languages share commands: run once."""


@pytest.mark.parametrize(
    ("block", "page", "code"), [(block, *told) for block, told in ONCE.items()], ids=range(len(ONCE))
)
def test_marked_commands_do_what_the_page_says(
    page: str, code: int, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("documents/invalid/PL1-MON-008", "documents/valid", "trust"):
        if f"fixtures/{name}" in block:
            shutil.copytree(ROOT / "fixtures" / name, tmp_path / "fixtures" / name)
    monkeypatch.chdir(tmp_path)
    lines = commands(block)
    assert lines, page
    codes = []
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert not done.exception or isinstance(done.exception, SystemExit), f"{line}: {done.exception!r}"
        codes.append(done.exit_code)
    # of several commands, the one that finds something says so
    assert max(codes) == code, (page, lines, codes)


def test_the_tutorials_are_run() -> None:
    for language in ("vi", "en"):
        assert len([page for page, *_ in RUN if page == f"docs/{language}/tutorial.md"]) >= 5


def options_of(names: tuple[str, ...]) -> set[str]:
    """The options of a command; of one that hands over to a program of its own, those that its help names."""
    one = COMMAND
    for name in names:
        one = one.commands[name]
    if one.context_settings.get("help_option_names") == []:
        return set(re.findall(r"--[a-z0-9-]+", CliRunner().invoke(app, [*names, "--help"]).output))
    return {option for each in one.params for option in (*each.opts, *each.secondary_opts)}


def test_all_commands_on_all_pages_exist_with_their_options() -> None:
    suite = {f"--{name}" for name, _ in OPTIONS}
    known: dict[tuple[str, ...], set[str]] = {}
    for path in PAGES:
        for block in BLOCK.findall(path.read_text(encoding="utf-8")):
            for line in commands(block):
                words = re.split(r"\s+--\s", line.partition(" ")[2])[0].split()
                names = tuple(words[: 2 if words[0] in GROUPS else 1])
                if names not in known:
                    known[names] = options_of(names)
                allowed = known[names] | {"--help"} | (suite if names == ("certify",) else set())
                given = {word.partition("=")[0] for word in words if word.startswith("--")}
                assert given <= allowed, (path.name, line, given - allowed)
    assert {("certify",), ("doctor",), ("init",), ("explain",), ("check",), ("fixtures", "export")} <= set(known)
