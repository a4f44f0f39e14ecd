"""``hocba init``: a commented ``hocba.toml``, and files for the usual CI services. Nothing is overwritten unasked."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from conformance.commands.common import WRONG_USE, Lang, LangOption, PackOption, console, stop, the_pack
from conformance.pack import Pack

STARTERS = Path(__file__).with_name("starters")


class Ci(StrEnum):
    """A CI service."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"


CI_FILES = {Ci.GITHUB: ".github/workflows/hocba.yml", Ci.GITLAB: ".gitlab-ci.yml", Ci.AZURE: "azure-pipelines.yml"}
"""Where each service looks for its file."""


def init(
    folder: Annotated[Path, typer.Argument(help="Thư mục của phần mềm / folder of your software.")] = Path(),
    target: Annotated[str, typer.Option(help="Địa chỉ bản thử / the test build's address.")] = "http://127.0.0.1:8001",
    programme: Annotated[list[str] | None, typer.Option(help="Chương trình, lặp được / programme, repeatable.")] = None,
    ci: Annotated[
        list[Ci] | None, typer.Option(help="Kèm tệp cho dịch vụ CI, lặp được / with a file for a CI service.")
    ] = None,
    lang: LangOption = Lang.VI,
    force: Annotated[bool, typer.Option("--force", help="Ghi đè tệp đã có / overwrite existing files.")] = False,
    pack: PackOption = None,
) -> None:
    """Tạo hocba.toml có chú giải và tệp CI / write a commented hocba.toml, and CI files if wanted.

    Mã thoát / exit code: 0 đã ghi / written, 2 dùng sai hoặc tệp đã có / wrong use, or a file exists.
    """
    loaded = the_pack(pack)
    for one in programme or []:
        if one not in loaded.programmes:
            known = ", ".join(loaded.programmes)
            stop(f"--programme: không có chương trình / no such programme: {one!r} ({known})", WRONG_USE)
    wanted = {"hocba.toml": configuration(target, programme or [], lang.value, loaded)}
    wanted |= {CI_FILES[one]: (STARTERS / f"{one.value}.yml").read_text(encoding="utf-8") for one in ci or []}
    existing = [name for name in wanted if (folder / name).exists()]
    if existing and not force:
        listed = ", ".join(str(folder / name) for name in existing)
        stop(f"đã có tệp, không ghi đè / exists, not overwritten: {listed} (--force)", WRONG_USE)
    try:
        for name, text in wanted.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            console().print(f"→ {path}", markup=False)
    except OSError as error:
        stop(f"không ghi được / cannot write: {error.filename}: {error.strerror}", WRONG_USE)
    if ci:
        console().print(
            "Sửa trong tệp CI: lệnh chạy bản thử. / Edit in the CI file: what starts your test build.", markup=False
        )
    console().print("Tiếp theo / next: hocba doctor, hocba certify", markup=False)


def configuration(target: str, programmes: list[str], lang: str, pack: Pack) -> str:
    """The text of a new ``hocba.toml``."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("conformance.commands", "starters"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # TOML, not HTML: values are written as JSON strings, which TOML reads
    )
    return environment.get_template("hocba.toml.j2").render(
        target=json.dumps(target),
        programmes=", ".join(map(json.dumps, programmes)),
        all_programmes=", ".join(map(json.dumps, pack.programmes)),
        lang=lang,
        revision=pack.header.revision,
    )
