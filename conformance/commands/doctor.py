"""``hocba doctor``: what would keep a run from beginning or from meaning anything, each with what to do."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.text import Text

from conformance.commands.common import Format, FormatOption, Lang, console
from conformance.doctor import Diagnosis, State, exit_code
from conformance.visible import inert_json, one_line

MARKS = {State.OK: "✓", State.NOTE: "·", State.WARNING: "!", State.PROBLEM: "✗"}
COLOURS = {State.OK: "green", State.NOTE: "default", State.WARNING: "yellow", State.PROBLEM: "red"}
SUMMARY = {
    0: ("Bắt đầu được: hocba certify", "A run can begin: hocba certify"),
    2: ("Chưa chạy được: sửa các mục ✗ (dùng sai)", "Not yet: mend what is marked ✗ (wrong use)"),
    3: ("Chưa kết luận được: sửa các mục ✗", "No conclusion yet: mend what is marked ✗"),
}


def doctor(
    target: Annotated[str | None, typer.Option(help="Phần mềm cần kiểm / what to test [hocba.toml].")] = None,
    token: Annotated[str | None, typer.Option(help="Mã của giao diện kiểm thử / its token.")] = None,
    config: Annotated[str, typer.Option(help="Tệp cấu hình / configuration file [hocba.toml].")] = "",
    no_config: Annotated[bool, typer.Option("--no-config", help="Không đọc hocba.toml / read no such file.")] = False,
    pack: Annotated[str | None, typer.Option(help="Thư mục bộ đặc tả khác / folder of another pack.")] = None,
    revision: Annotated[str | None, typer.Option(help="Đợt chấm / scored revision.")] = None,
    programme: Annotated[list[str] | None, typer.Option(help="Chương trình / programme.")] = None,
    ministry_host: Annotated[str | None, typer.Option(help="Địa chỉ lắng nghe của Bộ giả lập / its address.")] = None,
    ministry_port: Annotated[int | None, typer.Option(help="Cổng của Bộ giả lập / its port.")] = None,
    ministry_url: Annotated[str | None, typer.Option(help="URL của Bộ giả lập từ phía phần mềm / its URL.")] = None,
    wait: Annotated[
        float, typer.Option(min=0, max=600, help="Chờ phần mềm khởi động, giây / wait for the software, seconds.")
    ] = 0,
    trial: Annotated[
        bool, typer.Option(help="Đưa một ca qua phần mềm để xem có tới Bộ giả lập không / take one case through it.")
    ] = True,
    lang: Annotated[Lang | None, typer.Option("--lang", help="Ngôn ngữ / language [hocba.toml, vi].")] = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Soát mọi điều kiện trước khi kiểm, mỗi trở ngại kèm cách xử lý / look whether a run can begin, and what to mend.

    Mã thoát / exit code: 0 bắt đầu được / can begin, 2 dùng sai / wrong use, 3 chưa kết luận được / no conclusion yet.
    """
    given: dict[str, Any] = {
        "target": target,
        "token": token,
        "config": config,
        "no_config": no_config,
        "pack": pack,
        "revision": revision,
        "programme": programme or None,
        "ministry_host": ministry_host,
        "ministry_port": ministry_port,
        "ministry_url": ministry_url,
        "lang": lang.value if lang else None,
    }
    from conformance.doctor.examine import examine

    found: list[Diagnosis] = []
    language = lang.value if lang else "vi"
    for one in examine(given, ENCODING, wait=wait, drive=trial):
        found.append(one)
        if one.key == "configuration" and lang is None:
            language = one.params.get("lang", language)
        if output is Format.TEXT:
            _show(one, language)
    code = exit_code(found)
    if output is Format.JSON:
        rows = [one.data(language) for one in found]
        typer.echo(inert_json({"exitCode": code, "diagnoses": rows}, indent=1))
    else:
        console().print(SUMMARY[code][language == "en"], style="bold" if not code else "bold red", markup=False)
    raise typer.Exit(code)


def _show(one: Diagnosis, language: str) -> None:
    text = Text(f"{MARKS[one.state]} {one_line(one.say(language), 1000)}", style=COLOURS[one.state])
    console().print(text)
    if remedy := one.remedy(language):
        console().print(Text(f"    → {one_line(remedy, 1500)}"))


ENCODING = sys.stdout.encoding
"""The console's own encoding: as it was before ``hocba`` asked for UTF-8."""
