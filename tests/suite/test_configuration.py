"""``hocba.toml``: what it sets, what counts before it, and errors that name line and key in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conformance.cli import app
from conformance.options import OPTIONS
from conformance.suite.configuration import (
    NAME,
    NOT_IN_FILE,
    PATHS,
    Configuration,
    ConfigurationError,
    find,
    keys,
    load,
)
from conformance.suite.running import options_of
from conformance.suite.settings import Options


class Given:
    """Stands for pytest's configuration: what was given on the command line."""

    def __init__(self, **given: Any) -> None:
        self.given = given

    def getoption(self, name: str) -> Any:
        return self.given.get(name.removeprefix("hocba_"))


def options(**given: Any) -> Options:
    return options_of(Given(**given))  # type: ignore[arg-type]


def write(folder: Path, text: str) -> Path:
    path = folder / NAME
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert options(target="reference") == Options(target="reference")
    assert find("") == Configuration()


def test_command_line_before_file_before_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 'target = "http://127.0.0.1:9"\nlang = "en"\nprogramme = ["THPT"]\nseed = 5\nmax-examples = 3\n')
    found = options(target="config:", lang="vi", programme=["THCS"])
    assert (found.target, found.language, found.programmes) == ("http://127.0.0.1:9", "vi", ("THCS",))
    assert (found.seed, found.max_examples, found.keys) == (5, 3, "rsa-2048")
    assert options(target="reference").target == "reference"
    assert options(target="reference", no_config=True).seed is None


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'target = "file:documents"\nreport = "out/r.html"\ntrust = ["ca.pem"]\n')
    found = options(target="config:", config=str(path))
    assert found.report == str(tmp_path / "out" / "r.html")
    assert found.trust == (str(tmp_path / "ca.pem"),)
    assert found.target == f"file:{tmp_path / 'documents'}"


def test_the_token_comes_from_the_variable_that_the_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, 'target = "http://127.0.0.1:9"\ntoken-env = "VENDOR_TOKEN"\n')
    monkeypatch.delenv("VENDOR_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match="VENDOR_TOKEN không có giá trị / the environment variable"):
        options(target="config:", config=str(path))
    monkeypatch.setenv("VENDOR_TOKEN", "s3cret")
    found = options(target="config:", config=str(path))
    assert found.token == "s3cret"
    assert "--token=${VENDOR_TOKEN}" in found.repeat()
    assert options(target="config:", config=str(path), token="other").token == "other"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("seed = 1\n\nprogrammes = []\n", 3, "programmes: khóa lạ / unknown key (programme?)"),
        ('\nseed = "one"\n', 2, "seed: cần một số nguyên / wants a whole number: 'one'"),
        ("seed = true\n", 1, "seed: cần một số nguyên"),
        ('lang = "fr"\n', 1, "lang: 'fr' (vi, en)"),
        ("programme = [1]\n", 1, "programme: cần một chuỗi hoặc danh sách chuỗi"),
        ('# secret\ntoken = "x"\n', 2, "token: không đặt được trong tệp / cannot be set in the file"),
        ("seed = 1\n[report]\nhtml = 1\n", 2, "report: cần một chuỗi / wants a string"),
        ("seed = 1\nseed = 2\n", 2, "không phải TOML / not TOML"),
        ('token-env = "not a name"\n', 1, "token-env: cần tên biến môi trường"),
    ],
)
def test_errors_name_line_and_key(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(write(tmp_path, text))
    assert NAME in str(caught.value)
    assert f"dòng {line}" in str(caught.value)
    assert f"line {line}" in str(caught.value)
    assert said in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="không có tệp / no such file"):
        load(tmp_path / NAME)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationError, match="không đọc được / cannot be read"):
        load(tmp_path / "folder")
    (tmp_path / NAME).write_bytes("lang = 'vi' # Bộ".encode("utf-16"))
    with pytest.raises(ConfigurationError, match="không phải UTF-8 / not UTF-8"):
        load(tmp_path / NAME)


def test_a_mark_of_windows_editors_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xef\xbb\xbfseed = 4\r\n")
    assert load(tmp_path / NAME).settings == {"seed": 4}


def test_a_target_must_be_named_somewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="không có target / names no target"):
        options(target="config:", config=str(write(tmp_path, "seed = 1\n")))


def test_the_table_of_options_and_the_keys_fit_together() -> None:
    names = {name for name, _ in OPTIONS}
    assert set(keys()) == names - set(NOT_IN_FILE) | {"token-env"}
    assert {name for name, one in OPTIONS if one.get("metavar") in ("FILE", "DIR")} - set(NOT_IN_FILE) <= PATHS


def test_a_witnessed_run_reads_no_file_that_lies_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "this is no TOML")
    started: list[list[str]] = []

    class Done:
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)

        def wait(self) -> int:
            return 3

    monkeypatch.setattr("conformance.cli.subprocess.Popen", Done)
    run = CliRunner().invoke
    assert run(app, ["certify", "--target=http://127.0.0.1:9"]).exit_code == 2
    assert started == []
    assert run(app, ["certify", "--target=http://127.0.0.1:9", "--witness=list.yaml"]).exit_code == 3
    assert "--no-config" in started[0]
    assert "--witness=list.yaml" in started[0]
