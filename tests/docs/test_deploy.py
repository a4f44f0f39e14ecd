"""The container files: what they name exists, what they run starts, and no secret stands in them."""

from __future__ import annotations

import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_moet import __main__ as service
from mock_moet import healthcheck
from mock_moet.ministry import Settings
from mock_moet.server import Running

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+):(?P<kind>[-?])(?P<rest>[^}]*)\}")
TOKEN = "a-token-of-thirty-two-characters"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def test_the_command_is_one_the_service_takes(compose: dict[str, Any]) -> None:
    first, *options = compose["services"]["ministry"]["command"]
    assert first == "serve"
    filled = [VARIABLE.sub(lambda hit: hit["rest"], one) for one in options]
    parsed = service._parser().parse_args(filled)
    assert (parsed.listen, parsed.control_listen) == ("0.0.0.0", "0.0.0.0")
    assert parsed.public_url == "http://127.0.0.1:8115"
    published = {str(VARIABLE.sub(lambda hit: hit["rest"], one)) for one in compose["services"]["ministry"]["ports"]}
    assert published == {f"127.0.0.1:{port}:{port}" for port in (parsed.port, parsed.control_port)}
    database = re.fullmatch(r"postgresql\+psycopg://(\w+)@(\w+)/(\w+)", parsed.database)
    assert database is not None
    assert database[2] in compose["services"]
    settings = compose["services"][database[2]]["environment"]
    assert (settings["POSTGRES_USER"], settings["POSTGRES_DB"]) == (database[1], database[3])
    assert "ports" not in compose["services"][database[2]]


def test_secrets_come_from_the_environment_and_are_demanded(compose: dict[str, Any]) -> None:
    said = {
        name: value
        for one in compose["services"].values()
        for name, value in one.get("environment", {}).items()
        if "TOKEN" in name or "PASSWORD" in name
    }
    assert len(said) == 3
    for value in said.values():
        hit = VARIABLE.fullmatch(value)
        assert hit is not None
        assert hit["kind"] == "?"
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in {hit["name"] for hit in VARIABLE.finditer((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))}:
        assert f"`{name}`" in text


def test_the_image_copies_what_there_is_and_starts_what_it_installs() -> None:
    kinds = {kind for kind, _ in instructions()}
    assert kinds <= {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    sources = {
        source
        for kind, rest in instructions()
        if kind == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    }
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
    kept = [line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    for source in sources:
        assert any(fnmatch(source, pattern) for pattern in kept), source
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = next(rest for kind, rest in instructions() if kind == "RUN" and "uv pip install" in rest)
    extras = re.search(r'"\.\[([a-z,]+)\]"', run)
    assert extras is not None
    assert set(extras[1].split(",")) <= set(project["optional-dependencies"])
    entry = yaml.safe_load(next(rest for kind, rest in instructions() if kind == "ENTRYPOINT"))
    assert entry[0] in project["scripts"]
    first, *options = yaml.safe_load(next(rest for kind, rest in instructions() if kind == "CMD"))
    assert first == "serve"
    service._parser().parse_args(options)
    assert next(rest for kind, rest in instructions() if kind == "USER") != "root"


def test_the_health_check_tells_an_answering_service_from_none(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program, python, flag, module, url = compose["services"]["ministry"]["healthcheck"]["test"]
    assert (program, python, flag, module) == ("CMD", "python", "-m", healthcheck.__name__)
    assert url == "http://127.0.0.1:8116"
    with Running.start(Settings(control_token=TOKEN)) as running:
        monkeypatch.setenv("HOCBA_CONTROL_TOKEN", TOKEN)
        assert healthcheck.main([running.control_url]) == 0
        monkeypatch.setenv("HOCBA_CONTROL_TOKEN", "another")
        assert healthcheck.main([running.control_url]) == 1
        gone = running.control_url
    assert healthcheck.main([gone]) == 1


def test_a_control_interface_off_loopback_needs_a_long_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for token in ("", "short"):
        monkeypatch.setenv("HOCBA_CONTROL_TOKEN", token)
        assert service.main(["--port=0", "--control-port=0", "--control-listen=0.0.0.0"]) == 2
        assert "HOCBA_CONTROL_TOKEN" in capsys.readouterr().err
