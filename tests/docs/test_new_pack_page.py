"""The page on new packs names files, operations and commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from conformance.cli import app
from conformance.pack import default_pack
from mock_moet.operations import OPERATIONS
from mock_vendor.defects import DEFECTS
from tests.otherpack.pack import other

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "new-pack.md").read_text(encoding="utf-8")


def test_every_file_of_a_pack_has_its_row() -> None:
    rows = [line.split("|")[2] for line in PAGE.splitlines() if re.match(r"\| (\d+|–) \|", line)]
    patterns = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    folders = {"wording.yaml": "vendor/", "rendition.html.j2": "vendor/"}
    patterns = [folders.get(one, "") + one for one in patterns]
    for pack in (default_pack(), other()):
        named = {path for pattern in patterns for path in pack.folder.glob(pattern)}
        assert named == {path for path in pack.folder.rglob("*") if path.is_file()}


def test_the_operations_to_keep_are_those_that_are_served() -> None:
    (row,) = [line for line in PAGE.splitlines() if "`operationId`" in line]
    assert set(re.findall(r"`([a-z-]+)`", row.split("|")[3])) == set(OPERATIONS)


def test_the_commands_exist() -> None:
    runner = CliRunner()
    for name in sorted(set(re.findall(r"^hocba ([a-z]+)", PAGE, re.MULTILINE))):
        assert runner.invoke(app, [name, "--help"]).exit_code == 0, name
    code = runner.invoke(app, ["pack", "lint", str(other().folder)])
    assert code.exit_code == 0, code.output
    assert "--defect TÊN" in PAGE
    assert DEFECTS


def test_requirements_named_on_the_page_exist() -> None:
    assert set(re.findall(r"PL[12]-[A-Z]+-[0-9]{3}", PAGE)) <= set(default_pack().requirements)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (Path(__file__).resolve().parents[2] / "docs" / target).exists(), target
