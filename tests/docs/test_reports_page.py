"""The page on reports names commands, options and files that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer.main
import yaml

from conformance.cli import app
from conformance.options import OPTIONS
from conformance.suite.witness import BodyList
from conformance.verdict import Baseline

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reports.md").read_text(encoding="utf-8")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("sh", "yaml")}


def test_commands_and_their_options_exist() -> None:
    lines = "\n".join(BLOCKS["sh"]).replace("\\\n", " ").splitlines()
    commands = [line.partition("#")[0].partition("hocba ")[2].split() for line in lines if "hocba " in line]
    assert len(commands) >= 9
    root = typer.main.get_command(app)
    for words in commands:
        command: Any = root
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for one in command.params for option in one.opts} | {f"--{name}" for name, _ in OPTIONS}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, words


def test_files_and_examples_are_right() -> None:
    for name in re.findall(r"\]\(([a-z.-]+)\)", PAGE):
        assert (DOCS / name).is_file()
    baseline, body = BLOCKS["yaml"]
    assert Baseline.parse(baseline).entries
    assert BodyList.model_validate(yaml.safe_load(body)).validity_days
