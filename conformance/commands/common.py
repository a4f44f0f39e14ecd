"""What all commands share: exit codes, languages, formats, the pack, and how they stop."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from conformance.pack import Pack, PackError, default_pack, load_pack

PASSED, FAILED, WRONG_USE, NOT_COMPLETED, DEFECTIVE = range(5)


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


class Lang(StrEnum):
    """Language of texts."""

    VI = "vi"
    EN = "en"


LangOption = Annotated[Lang, typer.Option("--lang", help="Ngôn ngữ / language.")]
FormatOption = Annotated[Format, typer.Option("--format", help="Dạng in / output format.")]
PackOption = Annotated[Path | None, typer.Option("--pack", help="Thư mục bộ đặc tả khác / folder of another pack.")]


def the_pack(folder: Path | None) -> Pack:
    """The pack asked for, or the default one; stops the command when it cannot be had."""
    try:
        return load_pack(folder) if folder else default_pack()
    except PackError as error:
        stop(str(error), WRONG_USE)


def stop(text: str, code: int) -> NoReturn:
    """Say why on the error stream, and end with ``code``."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)
    raise typer.Exit(code)


def console() -> Console:
    """Plain output that wraps nothing by itself and honours ``NO_COLOR``."""
    return Console(highlight=False, no_color="NO_COLOR" in os.environ, soft_wrap=True)
