"""``hocba report``: files from a stored result, and two results compared."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from conformance.commands.common import (
    NOT_COMPLETED,
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
from conformance.events import Result
from conformance.pack import Pack
from conformance.visible import inert_json, one_line

if TYPE_CHECKING:
    from reports.compare import Change, Comparison

report_app = typer.Typer(help="Báo cáo từ kết quả đã lưu / reports from stored results.", no_args_is_help=True)

ResultArgument = Annotated[
    Path, typer.Argument(help="Kết quả JSON hoặc dòng sự kiện NDJSON / JSON result or NDJSON stream.")
]
PartialOption = Annotated[
    bool,
    typer.Option("--partial", help="Đọc cả lần chạy dở dang, kết luận khi đó là Không kết luận / a cut run as well."),
]


LARGEST_PAGE = 1 << 27
"""Bytes of an HTML report that are printed."""


class Kind(StrEnum):
    """Published schemas."""

    RESULT = "result"
    EVENTS = "events"


def read(path: Path, *, partial: bool = False) -> Result:
    """The stored result; stops the command when it cannot be read or is not whole."""
    from reports.stream import Incomplete, ReadingError, read_result

    try:
        return read_result(path, partial=partial)
    except Incomplete as error:
        stop(str(error), NOT_COMPLETED)
    except ReadingError as error:
        stop(str(error), WRONG_USE)


def pack_for(result: Result, folder: Path | None) -> Pack:
    """The pack whose texts the report uses; says so when it is not the one the run was judged with.

    Stops the command when it is, and decides otherwise than the result says: somebody altered it.
    """
    pack = the_pack(folder)
    at_revision = pack.at(result.run.revision) if result.run.revision in pack.header.revisions else pack
    if result.run.pack_digest != pack.digest:
        note = (
            f"bộ đặc tả khác với lần chạy / not the pack of the run: {pack.name} sha256:{pack.digest[:16]} ≠ "
            f"{result.run.pack} sha256:{result.run.pack_digest[:16]} (--pack)"
        )
        typer.echo(one_line(note), err=True)
    else:
        _follows(result, at_revision)
    return at_revision


def _follows(result: Result, pack: Pack) -> None:
    from reports.files import verdict_follows

    if verdict_follows(result, pack):
        return
    said = (
        f"{result.run.run_id}: kết luận ghi trong kết quả không phải điều suy ra từ chính nó: đã bị sửa, hoặc do bản "
        f"{result.run.tool_version} của công cụ ghi; hãy xét lại chứng cứ / the stored verdict is not what follows "
        f"from the result: altered, or written by version {result.run.tool_version} of the tool; judge the evidence "
        "anew (hocba report rejudge)"
    )
    stop(one_line(said, 600), WRONG_USE)


def _write(result: Path, out: Path, lang: Lang, pack: Path | None, *, partial: bool, kind: str) -> None:
    import reports

    loaded = read(result, partial=partial)
    try:
        text = getattr(reports, kind)(loaded, pack_for(loaded, pack), lang.value)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        stop(f"không ghi được / cannot write: {out}: {error.strerror or error}", WRONG_USE)
    typer.echo(f"→ {out}")


@report_app.command("html")
def report_html(
    result: ResultArgument,
    out: Annotated[Path, typer.Argument(help="Tệp HTML / HTML file.")],
    lang: LangOption = Lang.VI,
    partial: PartialOption = False,
    pack: PackOption = None,
) -> None:
    """Báo cáo HTML một tệp, không cần mạng / the HTML report: one file, no network."""
    _write(result, out, lang, pack, partial=partial, kind="html")


@report_app.command("junit")
def report_junit(
    result: ResultArgument,
    out: Annotated[Path, typer.Argument(help="Tệp XML / XML file.")],
    lang: LangOption = Lang.VI,
    partial: PartialOption = False,
    pack: PackOption = None,
) -> None:
    """JUnit XML, mỗi yêu cầu một ca / JUnit XML, one test case per requirement."""
    _write(result, out, lang, pack, partial=partial, kind="junit")


@report_app.command("sarif")
def report_sarif(
    result: ResultArgument,
    out: Annotated[Path, typer.Argument(help="Tệp SARIF / SARIF file.")],
    lang: LangOption = Lang.VI,
    partial: PartialOption = False,
    pack: PackOption = None,
) -> None:
    """SARIF 2.1.0 cho công cụ quét mã / for code scanning."""
    _write(result, out, lang, pack, partial=partial, kind="sarif")


@report_app.command("json")
def report_json(
    result: ResultArgument,
    out: Annotated[Path, typer.Argument(help="Tệp JSON / JSON file.")],
    partial: PartialOption = False,
    pack: PackOption = None,
) -> None:
    """Kết quả JSON từ dòng sự kiện / the JSON result from an NDJSON stream."""
    import reports

    loaded = read(result, partial=partial)
    try:
        out.write_text(reports.json_text(loaded, pack_for(loaded, pack)), encoding="utf-8", newline="\n")
    except OSError as error:
        stop(f"không ghi được / cannot write: {out}: {error.strerror or error}", WRONG_USE)
    typer.echo(f"→ {out}")


@report_app.command("pdf")
def report_pdf(
    source: Annotated[Path, typer.Argument(help="Báo cáo HTML, kết quả JSON hay NDJSON / HTML report or result.")],
    out: Annotated[Path, typer.Argument(help="Tệp PDF / PDF file.")],
    lang: LangOption = Lang.VI,
    partial: PartialOption = False,
    pack: PackOption = None,
    seconds: Annotated[float, typer.Option(min=1, help="Giới hạn, giây / limit in seconds.")] = 120.0,
) -> None:
    """Báo cáo PDF khổ A4, in bằng Chromium, Chrome hay Edge đã cài / A4 PDF by an installed browser."""
    import reports
    from reports.pdf import PdfError, print_pdf

    if source.suffix.lower() in (".html", ".htm"):
        if source.exists() and (not source.is_file() or source.stat().st_size > LARGEST_PAGE):
            stop(f"{source}: không phải tệp thường, hoặc quá lớn / not a regular file, or too large", WRONG_USE)
        try:
            page = source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            stop(f"không đọc được / cannot be read: {source}: {error}", WRONG_USE)
    else:
        result = read(source, partial=partial)
        page = reports.html(result, pack_for(result, pack), lang.value)
    try:
        print_pdf(page, out, seconds)
    except PdfError as error:
        stop(str(error), WRONG_USE)
    typer.echo(f"→ {out}")


@report_app.command("schema")
def report_schema(kind: Annotated[Kind, typer.Argument(help="Lược đồ nào / which schema.")] = Kind.RESULT) -> None:
    """In lược đồ JSON của kết quả hay của dòng sự kiện / print the JSON schema of results or of the stream."""
    from reports.schema import text

    typer.echo(text(kind.value), nl=False)


@report_app.command("compare")
def report_compare(
    before: Annotated[Path, typer.Argument(help="Kết quả trước / the result before.")],
    after: Annotated[Path, typer.Argument(help="Kết quả sau / the result after.")],
    lang: LangOption = Lang.VI,
    output: FormatOption = Format.TEXT,
    pack: PackOption = None,
) -> None:
    """So sánh hai kết quả: điều gì tốt lên, xấu đi / compare two results: what got better or worse.

    Mã thoát / exit code: 0 không có gì xấu đi / nothing got worse, 1 có / something did,
    2 không đọc được / unreadable, 3 lần chạy dở dang / a run that was not completed.
    Chương trình không còn được khai là xấu đi / a programme that is claimed no more is worse.
    """
    from reports.compare import compare

    first, second = read(before), read(after)
    loaded = pack_for(second, pack)
    if first.run.pack_digest == loaded.digest:
        _follows(first, loaded.at(first.run.revision) if first.run.revision in loaded.header.revisions else loaded)
    made = compare(first, second, loaded)
    show_comparison(made, loaded, lang, output)
    raise typer.Exit(made.exit_code)


def show_comparison(made: Comparison, loaded: Pack, lang: Lang, output: Format) -> None:
    """Print what differs between two results."""
    from reports.wording import word

    if output is Format.JSON:
        typer.echo(inert_json(made.data(), indent=1))
        return
    out = console()

    def t(key: str, **params: object) -> str:
        return word(key, lang.value, **params)

    def shown(outcome: str) -> str:
        return t(f"outcome.{outcome}") if outcome else "–"

    def table(changes: tuple[Change, ...], style: str) -> Table:
        rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), width=100)
        rows.add_column(t("col.requirement"), no_wrap=True)
        rows.add_column(t("col.programme"), no_wrap=True)
        rows.add_column(t("cmp.outcome"))
        rows.add_column(t("col.title"), ratio=1)
        for one in changes:
            known = loaded.requirements.get(one.requirement)
            title = known.text.title.of(lang.value) if known else ""
            causes = [*(f"+ {code}" for code in one.appeared), *(f"− {code}" for code in one.gone)]
            outcome = f"{shown(one.before)} → {shown(one.after)}" if one.before != one.after else shown(one.after)
            rows.add_row(
                Text(one_line(one.requirement), style=style),
                Text(one_line(one.programme)),
                Text(outcome),
                Text("\n".join(map(one_line, [title, *causes]))),
            )
        return rows

    for key, (old, new) in made.circumstances.items():
        note = t("cmp.circumstance", name=t(f"cmp.{key}"), old=one_line(str(old), 80), new=one_line(str(new), 80))
        out.print(f"! {note}", markup=False)
    for programme, part, line, old, new in made.lines:
        answers = " → ".join(t(f"verdict.{one}") if one else "–" for one in (old, new))
        name = t(f"part.{part}").partition(" (")[0]
        out.print(one_line(f"{programme} {name} {t(f'line.{line}')}: {answers}"), markup=False, style="bold")
    for programme in made.vanished:
        gone = sum(one.programme == programme for one in made.of("worse"))
        out.print(one_line(t("cmp.vanished", programme=programme, n=gone)), markup=False, style="bold red")
    for kind, style in (("worse", "bold red"), ("better", "green"), ("changed", "yellow")):
        listed = made.of(kind)  # type: ignore[arg-type]  # the three kinds there are
        changes = tuple(one for one in listed if one.programme not in made.vanished)
        if changes:
            out.print(f"\n{t(f'cmp.{kind}')} ({len(changes)})", style="bold", markup=False)
            out.print(table(changes, style))
    out.print("\n" + t("cmp.equal", n=made.equal), markup=False)
