"""``hocba list`` and ``hocba explain``: the manifest as people and programs read it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from conformance.commands.common import (
    WRONG_USE,
    Format,
    FormatOption,
    Lang,
    LangOption,
    PackOption,
    console,
    stop,
    the_pack,
)
from conformance.pack import PackError


class ExplainFormat(StrEnum):
    """How an explanation is printed; ``html`` is a page that stands by itself."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def list_requirements(
    lang: LangOption = Lang.VI,
    output: FormatOption = Format.TEXT,
    group: Annotated[str, typer.Option(help="Chỉ một nhóm / one group only: ND, PH, KY …")] = "",
    pack: PackOption = None,
) -> None:
    """Liệt kê mọi yêu cầu / list all requirements."""
    from conformance.pack.explain import row_data

    loaded = the_pack(pack)
    rows = [one for one in loaded.requirements.values() if not group or one.group == group.upper()]
    if not rows:
        stop(f"không có nhóm / no such group: {group}", WRONG_USE)
    if output is Format.JSON:
        typer.echo(json.dumps([row_data(loaded, one, lang.value) for one in rows], ensure_ascii=False, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    vi = lang is Lang.VI
    for heading in ("ID", *(("Mức", "Căn cứ", "Bản", "Yêu cầu") if vi else ("Level", "Basis", "From", "Requirement"))):
        table.add_column(heading, no_wrap=heading == "ID")
    for one in rows:
        scored = one.revision if loaded.scored(one) else f"({one.revision})"
        table.add_row(one.id, one.level, one.basis, scored, one.text.title.of(lang.value))
    Console(highlight=False, width=max(100, Console().width)).print(table)


def explain(
    requirement: Annotated[str, typer.Argument(help="Mã yêu cầu hoặc mã lỗi / id or cause code: PL1-KY-005.")],
    lang: LangOption = Lang.VI,
    output: Annotated[ExplainFormat, typer.Option("--format", help="Dạng in / output format.")] = ExplainFormat.TEXT,
    pack: PackOption = None,
) -> None:
    """Giải thích một yêu cầu / explain one requirement: meaning, basis, remedy, ways to fail, examples."""
    from conformance.pack.explain import UnknownRequirement, as_page, as_text
    from conformance.pack.explain import explain as explained

    loaded = the_pack(pack)
    try:
        one = explained(loaded, requirement)
    except UnknownRequirement as error:
        titles = {name: row.text.title.of(lang.value) for name, row in loaded.requirements.items()}
        near = (f"\n  {name}  {titles.get(name, '')}".rstrip() for name in error.near)
        stop("".join([str(error), *near, "\n→ hocba list"]), WRONG_USE)
    except PackError as error:
        stop(str(error), WRONG_USE)
    if output is ExplainFormat.JSON:
        typer.echo(json.dumps(one.data(lang.value), ensure_ascii=False, indent=1))
    elif output is ExplainFormat.HTML:
        typer.echo(as_page(one, lang.value))
    else:
        for line in as_text(one, lang.value):
            console().print(line, markup=False)
