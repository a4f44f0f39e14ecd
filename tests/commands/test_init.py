"""``hocba init``: every setting it writes means something, CI files follow the services' schemas, nothing is lost."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner as ClickRunner
from typer.testing import CliRunner, Result

from conformance.cli import app
from conformance.commands.init import CI_FILES, Ci
from conformance.suite.configuration import keys, load

SCHEMAS = {Ci.GITHUB: "github-workflows", Ci.GITLAB: "gitlab-ci", Ci.AZURE: "azure-pipelines"}


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", str(folder), *arguments])


def test_the_file_says_what_was_asked_for(tmp_path: Path) -> None:
    done = init(tmp_path, "--target", 'http://vendor:8001/"x"', "--programme", "THCS", "--lang", "en")
    assert done.exit_code == 0, done.output
    settings = load(tmp_path / "hocba.toml").settings
    assert settings["target"] == 'http://vendor:8001/"x"'
    assert settings["programme"] == ["THCS"]
    assert settings["lang"] == "en"
    assert settings["report"] == str(tmp_path / "hocba" / "report.html")


def test_every_line_that_is_commented_out_would_be_understood(tmp_path: Path) -> None:
    init(tmp_path)
    path = tmp_path / "hocba.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"^# (?=[a-z-]+ = )", "", text, flags=re.MULTILINE), encoding="utf-8")
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    load(path)
    assert {"target", "programme", "token-env", "pack", "seed", "ministry-url", "lang", "report"} <= set(found)
    assert set(found) <= set(keys())


def test_nothing_is_overwritten_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("mine: 1\n")
    done = init(tmp_path, "--ci", "gitlab")
    assert done.exit_code == 2
    assert "không ghi đè / exists, not overwritten" in done.output
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "mine: 1\n"
    assert not (tmp_path / "hocba.toml").exists()
    assert init(tmp_path, "--ci", "gitlab", "--force").exit_code == 0
    assert "hocba certify" in (tmp_path / ".gitlab-ci.yml").read_text(encoding="utf-8")


def test_wrong_use_is_named(tmp_path: Path) -> None:
    done = init(tmp_path, "--programme", "MẦM NON")
    assert done.exit_code == 2
    assert "THCS" in done.output
    (tmp_path / "file").write_text("")
    assert init(tmp_path / "file" / "below").exit_code == 2


def valid(path: Path, schema: str) -> Any:
    from check_jsonschema import main

    # the services' schemas hold patterns that only the older kind of regular expressions takes
    arguments = ["--builtin-schema", f"vendor.{schema}", "--regex-variant", "nonunicode", str(path)]
    return ClickRunner().invoke(main, arguments)


@pytest.mark.parametrize("service", list(Ci))
def test_ci_files_follow_the_schema_of_their_service(service: Ci, tmp_path: Path) -> None:
    assert init(tmp_path, "--ci", service.value).exit_code == 0
    path = tmp_path / CI_FILES[service]
    done = valid(path, SCHEMAS[service])
    assert done.exit_code == 0, done.output
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    wrong = tmp_path / "wrong.yml"
    (job,) = [one for one in content if one in ("jobs", "hocba")]
    wrong.write_text(yaml.safe_dump({**content, job: 5}), encoding="utf-8")
    assert valid(wrong, SCHEMAS[service]).exit_code == 1


@pytest.mark.parametrize("service", list(Ci))
def test_ci_files_call_commands_that_exist_and_keep_what_the_run_writes(service: Ci, tmp_path: Path) -> None:
    init(tmp_path, "--ci", service.value)
    text = (tmp_path / CI_FILES[service]).read_text(encoding="utf-8")
    called = re.findall(r"^\s*(?:- |run: |- script: )+(hocba .*)$", text, re.MULTILINE)
    assert [one.split()[1] for one in called] == ["doctor", "certify"]
    for line in called:
        _, name, *arguments = line.split()
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, name
        assert all(one in shown.output for one in arguments if one.startswith("-"))
    written = load(tmp_path / "hocba.toml").settings
    (folder,) = {Path(str(written[name])).parent for name in ("report", "results", "junit")}
    assert re.search(rf"\b{folder.name}\b", text)
    assert service is Ci.GITHUB or f"{folder.name}/{Path(str(written['junit'])).name}" in text
