"""``hocba.toml``: a run's settings, kept beside the software under test.

Its keys are the suite's options by name (:data:`conformance.options.OPTIONS`), and ``token-env``. What is said on the
command line counts first, then the file, then the option's default. Secrets never stand in the file: ``token-env``
names the environment variable that holds the test interface's token. Paths are relative to the file's folder.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.options import OPTIONS
from conformance.suite.settings import Options

NAME = "hocba.toml"
TOKEN = "HOCBA_TARGET_TOKEN"  # noqa: S105  # a variable's name
TARGET_OF_FILE = "config:"
"""``--target`` without a value: the file's target."""

NOT_IN_FILE = {
    "token": f"đặt mã vào biến môi trường {TOKEN} (hoặc tên khác: token-env) / put it into the environment variable "
    f"{TOKEN} (or another one: token-env)",
    "config": "",
    "no-config": "",
    "explore": "dùng max-examples / use max-examples",
    "dry-run": "chỉ dùng trên dòng lệnh / on the command line only",
    "witness": "chỉ dùng trên dòng lệnh / on the command line only",
    "build-hash": "chỉ dùng trên dòng lệnh / on the command line only",
    "item": "chỉ dùng trên dòng lệnh / on the command line only",
}
"""Options that a file cannot set, and what to do instead."""

PATHS = frozenset(
    {"report", "results", "junit", "evidence", "trust", "crl", "ocsp", "schools", "leaders", "subject-map", "pack"}
    | {"baseline", "sarif", "ndjson", "events", "casebook"}
)
"""Options that name files or folders."""

_OTHERWISE = {"programme": "programmes", "lang": "language", "item": "items", "defect": "defects"}
"""Options that the run knows by another name."""

_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "một số nguyên / a whole number"),
    "float": ((int, float), "một số / a number"),
    "list": ((list, str), "một chuỗi hoặc danh sách chuỗi / a string or a list of strings"),
    "bool": ((bool,), "true hoặc false / true or false"),
    "str": ((str,), "một chuỗi / a string"),
}


class ConfigurationError(ValueError):
    """The configuration file cannot be used; bilingual, names file, line and key. Exit code 2."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file says: options by name, with paths resolved, and the variable that holds the token."""

    path: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    token_env: str = TOKEN


def keys() -> dict[str, str]:
    """The keys that a file may have, with their kind: ``str``, ``int``, ``float``, ``bool`` or ``list``."""
    return {name: _kind(settings) for name, settings in OPTIONS if name not in NOT_IN_FILE} | {"token-env": "str"}


def find(given: str | None, *, ignore: bool = False, folder: Path | None = None) -> Configuration:
    """The configuration that applies: the file named, else ``hocba.toml`` of the current folder if there is one.

    Raises:
        ConfigurationError: the file is missing, unreadable or wrong.
    """
    if ignore:
        return Configuration()
    if given:
        return load(Path(given))
    usual = (folder or Path.cwd()) / NAME
    return load(usual) if usual.is_file() else Configuration()


def chosen(given: Callable[[str], Any]) -> Options:
    """A run's options: what was given, else what the configuration file says, else the defaults.

    ``given``: the value of an option by name with underscores; ``None``: it was not given.

    Raises:
        ConfigurationError: the file cannot be used, or names no target and none was given.
    """
    file = find(given("config"), ignore=bool(given("no_config")))
    known = dict(OPTIONS)

    def value(name: str) -> Any:
        asked = given(name)
        if asked is not None:
            return asked
        option = name.replace("_", "-")
        absent: Any = [] if known[option].get("action") == "append" else False if option == "dry-run" else None
        return file.settings.get(option, known[option].get("default", absent))

    target, token = value("target"), value("token")
    if target == TARGET_OF_FILE:
        target = file.settings.get("target", "")
        if not target:
            where = file.path or NAME
            raise ConfigurationError(f"--target: {where}: không có target / names no target (hocba init)")
    if not token and file.token_env != TOKEN:
        token = os.environ.get(file.token_env, "")
        if not token:
            raise ConfigurationError(
                f"{file.path}: token-env: biến môi trường {file.token_env} không có giá trị / the environment variable "
                f"{file.token_env} is not set"
            )
    said = {field: tuple(found) if isinstance(found := value(name), list) else found for name, field in _fields()}
    more = {"target": target, "token": token, "token_env": file.token_env, "configuration": str(file.path or "")}
    return Options(**{**said, **more})


def _fields() -> Iterator[tuple[str, str]]:
    """Names of options with underscores, and the fields of :class:`Options` that take them."""
    for option, _ in OPTIONS:
        name = option.replace("-", "_")
        if name not in ("config", "no_config", "explore"):
            yield name, _OTHERWISE.get(name, name)


def load(path: Path) -> Configuration:
    """Read and check one file.

    Raises:
        ConfigurationError: it is missing, unreadable, no TOML, or has a key or value that means nothing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows editors begin files with a mark
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: không có tệp / no such file (hocba init)") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: không phải UTF-8 / not UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: không đọc được / cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+), column (\d+)", str(error))
        where = f"dòng {at[1]}, cột {at[2]} / line {at[1]}, column {at[2]}: " if at else ""
        raise ConfigurationError(f"{path}: {where}không phải TOML / not TOML: {error}") from None
    allowed = keys()
    settings: dict[str, Any] = {}
    for key, value in data.items():
        where = f"{path}: dòng {(line := _line(text, key))} / line {line}: {key}"
        if key in NOT_IN_FILE:
            raise ConfigurationError(
                f"{where}: không đặt được trong tệp / cannot be set in the file; {NOT_IN_FILE[key]}"
            )
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, 3, 0.5)
            hint = f" ({', '.join(near)}?)" if near else f" ({', '.join(allowed)})"
            raise ConfigurationError(f"{where}: khóa lạ / unknown key{hint}")
        settings[key] = _value(key, value, allowed[key], where, path.parent)
    token_env = settings.pop("token-env", TOKEN)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", token_env):
        raise ConfigurationError(
            f"{path}: dòng {(line := _line(text, 'token-env'))} / line {line}: token-env: cần tên biến môi trường, "
            "không phải mã / wants the name of an environment variable, not the token"
        )
    return Configuration(path, settings, token_env)


def _kind(settings: Mapping[str, Any]) -> str:
    if settings.get("action") == "append":
        return "list"
    if settings.get("action") == "store_true":
        return "bool"
    return getattr(settings.get("type"), "__name__", "str")


def _value(key: str, value: Any, kind: str, where: str, folder: Path) -> Any:
    types, wanted = _KINDS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        raise ConfigurationError(f"{where}: cần {wanted.replace(' / ', ' / wants ')}: {value!r:.60}")
    if kind == "list":
        value = [value] if isinstance(value, str) else value
        if not all(isinstance(one, str) for one in value):
            raise ConfigurationError(f"{where}: cần {wanted.replace(' / ', ' / wants ')}: {value!r:.60}")
    choices = dict(OPTIONS).get(key, {}).get("choices")
    if choices and value not in choices:
        raise ConfigurationError(f"{where}: {value!r:.60} ({', '.join(choices)})")
    if key in PATHS:
        return [str(folder / one) for one in value] if kind == "list" else str(folder / value) if value else value
    if key == "target" and value.startswith("file:"):
        return f"file:{folder / value.removeprefix('file:')}"
    return value


def _line(text: str, key: str) -> int:
    """The line on which a key of the top level, or a table, begins; 1 when it is written in some rarer way."""
    pattern = re.compile(rf"""^\s*(?:\[+\s*)?["']?{re.escape(key)}["']?\s*(?:=|\]|\.)""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 1)
