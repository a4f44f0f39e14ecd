"""The command line face, ``hocba``: Vietnamese first, English beside it; ``--format json`` where a program reads it."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from conformance import __version__
from conformance.commands.attach import report_app
from conformance.commands.baseline import baseline_app
from conformance.commands.common import (
    FAILED,
    NOT_COMPLETED,
    PASSED,
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
from conformance.commands.doctor import doctor
from conformance.commands.exchange import exchange_app
from conformance.commands.explain import explain, list_requirements
from conformance.commands.init import init
from conformance.options import OPTIONS
from conformance.pack import Pack, PackError, default_pack

app = typer.Typer(
    name="hocba",
    help="Kiểm thử tuân thủ học bạ số (Công văn 115/BGDĐT-GDTrH) / conformance harness for the digital transcript.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
pack_app = typer.Typer(help="Bộ đặc tả / specification packs.", no_args_is_help=True)
app.add_typer(pack_app, name="pack")
fixtures_app = typer.Typer(
    help="Bộ tài liệu mẫu, đúng và sai / the golden corpus, right and wrong.", no_args_is_help=True
)
app.add_typer(fixtures_app, name="fixtures")
app.add_typer(exchange_app, name="exchange")
app.add_typer(report_app, name="report")
app.add_typer(baseline_app, name="baseline")

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


class CheckFormat(StrEnum):
    """How the results of ``hocba check`` are printed: all as they come; ``ndjson`` is one object a line."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


class Color(StrEnum):
    """Whether the terminal shows colours."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


def main() -> None:
    """Entry point of the ``hocba`` command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    app()


@app.command()
def version() -> None:
    """Phiên bản công cụ và bộ đặc tả / versions of tool and pack."""
    pack = default_pack()
    typer.echo(f"hocba-conformance {__version__}; {pack.name} {pack.header.revision} sha256:{pack.digest[:16]}")


class CertifyCommand(TyperCommand):
    """Its help lists the suite's options too: they are declared once, by the pytest plugin, and handed over."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The usual help, then those options."""
        super().format_help(ctx, formatter)
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        for name, settings in OPTIONS:
            if name not in ("target", "report", "results", "config", "no-config"):
                choices = settings.get("choices")
                value = settings.get("metavar") or ("|".join(choices) if choices else "N" if "type" in settings else "")
                table.add_row(f" --{name} {value}", str(settings["help"]))
        console().print(" Tùy chọn của bộ phép kiểm / options of the suite:")
        Console(highlight=False, no_color=True).print(table)
        console().print("")


@app.command(cls=CertifyCommand, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def certify(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Option(help="Phần mềm cần kiểm: URL, reference, file:DIR; trống: theo hocba.toml / what to test."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Báo cáo HTML / HTML report [hocba-report.html].")] = None,
    results: Annotated[Path | None, typer.Option(help="Kết quả JSON / JSON results [hocba-results.json].")] = None,
    config: Annotated[str, typer.Option(help="Tệp cấu hình / configuration file [hocba.toml].")] = "",
    no_config: Annotated[bool, typer.Option("--no-config", help="Không đọc hocba.toml / read no such file.")] = False,
    processes: Annotated[str, typer.Option("-n", help="Số tiến trình / processes (pytest-xdist).")] = "0",
    color: Annotated[
        Color, typer.Option("--color", help="Màu; NO_COLOR cũng tắt màu / colours; NO_COLOR turns them off too.")
    ] = Color.AUTO,
) -> None:
    """Chạy toàn bộ phép kiểm và lập báo cáo / run the whole suite and write the report.

    Mã thoát / exit code: 0 Đạt, 1 Không đạt, 2 dùng sai / wrong use, 3 Không kết luận hoặc chưa chạy hết /
    inconclusive or not completed, 4 lỗi công cụ / our defect, 5 chỉ có lỗi đã biết / only known failures.
    """
    from conformance.suite.configuration import TARGET_OF_FILE, ConfigurationError, find

    try:
        # a testing body's run takes no settings that merely lie around
        witnessed = any(one.partition("=")[0] in ("--witness", "--hocba-witness") for one in context.args)
        file = find(config, ignore=no_config or (witnessed and not config))
    except ConfigurationError as error:
        stop(str(error), WRONG_USE)
    if target is None and not file.settings.get("target"):
        where = file.path or "--target"
        stop(f"{where}: không biết kiểm phần mềm nào / what to test is not said (--target=URL, hocba init)", WRONG_USE)
    given = {
        "report": str(report or file.settings.get("report") or "hocba-report.html"),
        "results": str(results or file.settings.get("results") or "hocba-results.json"),
        "target": TARGET_OF_FILE if target is None else target,
    }
    chosen = [f"--config={file.path}"] if file.path else ["--no-config"]
    command = [sys.executable, "-I", "-m", "conformance.suite.isolated", *chosen]
    command += [f"--{name}={value}" for name, value in given.items()]
    command += ["-p", "no:randomly", "-n", processes, "-qq", "--no-summary", f"--color={color}", *context.args]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONUTF8": "1"})
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())  # who ends us ends the run, not only its window
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:  # it was told as well, and still writes down what it saw
            continue
    raise typer.Exit(code if code >= 0 else NOT_COMPLETED)


@app.command()
def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Tệp XML, thư mục, zip, tar, @danh-sách / XML files, folders, archives, @list."),
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(
            help="Chứng thư nơi cấp được tin cậy: PEM, DER, PKCS#7, thư mục; cả nơi cấp dấu thời gian / trusted "
            "authorities, those of time-stamps too: PEM, DER, PKCS#7, folder."
        ),
    ] = None,
    crl: Annotated[list[Path] | None, typer.Option(help="Danh sách thu hồi / revocation lists (DER, PEM).")] = None,
    ocsp: Annotated[
        list[Path] | None,
        typer.Option(help="Câu trả lời OCSP đã lấy / OCSP answers obtained before (DER); không hỏi mạng / no network."),
    ] = None,
    schools: Annotated[
        Path | None,
        typer.Option(help="Dòng «mã trường, mã số thuế» / lines of school code, tax code: con dấu / whose seal."),
    ] = None,
    leaders: Annotated[Path | None, typer.Option(help="Số định danh người đứng đầu trường / school leaders.")] = None,
    subject_map: Annotated[
        Path | None, typer.Option(help="JSON: mã môn của phần mềm → mã bộ đặc tả / subjects.")
    ] = None,
    at: Annotated[str, typer.Option(help="Thời điểm xét, ISO 8601 / judging time; mặc định/default: now.")] = "",
    dump_c14n: Annotated[
        Path | None, typer.Option(help="Thư mục ghi dạng chuẩn tắc và giá trị băm / folder for canonical octets.")
    ] = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="Các tệp thuộc cùng một sổ: xét cả với nhau (phiên bản, hai học bạ của một học sinh) / files of one "
            "register: judged against each other too (versions, two records of a learner).",
        ),
    ] = False,
    files_from: Annotated[
        list[str] | None,
        typer.Option("--files-from", help="Danh sách, mỗi dòng một tệp; -: đầu vào chuẩn / list, one a line; - stdin."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Số tiến trình; 0: mọi lõi / 0: every core.")] = 1,
    dask: Annotated[
        str, typer.Option(help="Cụm Dask: tcp://máy:cổng hoặc local / a Dask cluster, or local workers (--jobs).")
    ] = "",
    lang: LangOption = Lang.VI,
    output: Annotated[CheckFormat, typer.Option("--format", help="Dạng in / output format.")] = CheckFormat.TEXT,
    pack: PackOption = None,
) -> None:
    """Kiểm tệp học bạ số: nêu lỗi, không kết luận / check transcript files: findings, no verdict.

    Mã thoát / exit code: 0 không có lỗi bắt buộc / no MUST violated, 1 có / some,
    2 dùng sai hay có tệp không đọc được / wrong use or an unreadable file,
    3 bị ngắt / interrupted, 4 lỗi công cụ / our defect.
    """
    from conformance.checking import CheckingProblem, Plan, Tally, fitted, items, run, written
    from conformance.progress import shown

    loaded = the_pack(pack)
    try:
        plan = Plan.of(
            loaded,
            trust=trust or [],
            crls=crl or [],
            answers=ocsp or [],
            schools=schools,
            leaders=leaders,
            subject_map=subject_map,
            judged_at=_moment(at) if at else None,
            dump=dump_c14n,
            together=together,
        )
        tally = Tally(loaded, bool(plan.anchors), notes=plan.notes)
        found = items(files or [], files_from or [])
        results = shown(run(plan, found, jobs=jobs or os.cpu_count() or 1, dask=dask))
        width = shutil.get_terminal_size().columns if output.value == "text" and sys.stdout.isatty() else 0
        for line in fitted(written(results, tally, output.value, lang.value), width):
            typer.echo(line)
    except KeyboardInterrupt:  # while a line was being written: without its footer a result is not whole either
        raise typer.Exit(NOT_COMPLETED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has seen enough
        raise typer.Exit(NOT_COMPLETED) from None
    except (CheckingProblem, ValueError) as error:
        stop(str(error), WRONG_USE)
    if not tally.files and not tally.interrupted:
        stop("không có tệp nào để kiểm / no file to check", WRONG_USE)
    raise typer.Exit(tally.exit_code)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Tệp XML / XML file.")],
    html: Annotated[Path | None, typer.Option("--html", help="Ghi trang HTML / write an HTML page.")] = None,
    lang: LangOption = Lang.VI,
    output: FormatOption = Format.TEXT,
    pack: PackOption = None,
) -> None:
    """Trình bày học bạ như biểu mẫu để người đọc / show a transcript as people read it; gives no verdict."""
    from conformance.checking import LIMIT, CheckingProblem, read_file
    from conformance.document import read
    from conformance.showing import readable
    from reports.transcript import form_page, form_tables

    loaded = the_pack(pack)
    try:
        document = read(read_file(file, LIMIT), loaded).document
        if document is None:
            stop(
                f"{file}: không phải học bạ theo bộ đặc tả hoặc vượt giới hạn; hocba check nêu lý do / "
                "not a transcript of this pack, or past its limits; hocba check says why",
                FAILED,
            )
        form = readable(document, lang.value)
        if html is not None:
            html.write_text(form_page(form, file.name, document.digest, lang.value), encoding="utf-8", newline="\n")
            typer.echo(f"→ {html}")
            return
    except (CheckingProblem, PackError, OSError) as error:
        stop(str(error), WRONG_USE)
    if output is Format.JSON:
        typer.echo(form.model_dump_json(indent=1))
        return
    for table in form_tables(form):
        console().print(table)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        stop(f"--at: cần thời điểm ISO 8601 / wants a time in ISO 8601: {text!r}", WRONG_USE)


@app.command(context_settings=PASS_THROUGH)
def serve(context: typer.Context) -> None:
    """Chạy Bộ giả lập / run the mock Ministry (``hocba serve --help``)."""
    _hand_over("mock_moet", context.args)


@app.command(context_settings=PASS_THROUGH)
def vendor(context: typer.Context) -> None:
    """Chạy phần mềm tham chiếu, có thể kèm lỗi cài sẵn / run the reference vendor (``hocba vendor --help``)."""
    _hand_over("mock_vendor", context.args)


def _hand_over(module: str, arguments: list[str]) -> None:
    # by name: nothing of the harness imports a service
    raise typer.Exit(importlib.import_module(f"{module}.__main__").main(arguments))


@app.command()
def pki(
    folder: Annotated[Path, typer.Argument(help="Thư mục mới / a new folder.")],
    password: Annotated[str, typer.Option(help="Mật khẩu PKCS#12 / password; trống: tự sinh / empty: drawn.")] = "",
    pack: PackOption = None,
) -> None:
    """Tạo PKI thử cho bàn làm việc: gốc, CRL, OCSP, PKCS#12, dấu thời gian / make a test PKI for a vendor's desk."""
    from conformance.signature.desk import write_desk

    try:
        written = write_desk(folder, password=password or None, pack=the_pack(pack))
    except OSError as error:
        stop(f"{folder}: {error}", WRONG_USE)
    for line in written:
        typer.echo(line)


app.command()(init)
app.command()(doctor)
app.command("list")(list_requirements)
app.command()(explain)


@pack_app.command("lint")
def pack_lint(
    folder: Annotated[Path | None, typer.Argument(help="Thư mục bộ đặc tả / pack folder.")] = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Soát bộ đặc tả / lint a specification pack."""
    from conformance.exchanges import load_exchanges
    from conformance.pack.lint import lint
    from conformance.suite.casebook import load_book
    from conformance.transcript.model import Transcript

    pack = the_pack(folder)
    problems = [(one.file, one.place, one.text.vi, one.text.en) for one in lint(pack, Transcript)]
    try:
        load_exchanges(pack)
        load_book(pack)
    except PackError as error:
        problems.append(("exchanges", "", str(error), str(error)))
    if pack.path("fixtures").is_dir():
        problems += _fixture_problems(pack)
    if output is Format.JSON:
        typer.echo(
            json.dumps(
                [dict(zip(("file", "place", "vi", "en"), one, strict=True)) for one in problems], ensure_ascii=False
            )
        )
    else:
        for file, place, vi, en in problems:
            typer.echo(f"{file}: {place}: {vi} / {en}")
        typer.echo(f"{pack.name}: {len(pack.requirements)} yêu cầu / requirements, {len(problems)} lỗi / problems")
    raise typer.Exit(FAILED if problems else PASSED)


def _fixture_problems(pack: Pack) -> list[tuple[str, str, str, str]]:
    from conformance.fixtures.define import load_definitions, uncovered

    try:
        missing, stale = uncovered(load_definitions(pack), pack)
    except PackError as error:
        return [("fixtures", "", str(error), str(error))]
    return [
        *(
            ("fixtures", code, "không có tài liệu mẫu, cũng không có lí do", "no document of the corpus, and no reason")
            for code in missing
        ),
        *(("fixtures/exceptions.yaml", code, "lí do đã thừa", "an exception that is none any more") for code in stale),
    ]


@fixtures_app.command("build")
def fixtures_build(
    folder: Annotated[Path, typer.Argument(help="Thư mục / folder.")] = Path("fixtures"),
    pack: PackOption = None,
) -> None:
    """Tạo lại bộ tài liệu mẫu bằng khóa mới / build the golden corpus anew, with new keys."""
    _built(folder, pack, page=False)


@fixtures_app.command("export")
def fixtures_export(
    folder: Annotated[Path, typer.Argument(help="Thư mục mới / a new folder.")],
    pack: PackOption = None,
) -> None:
    """Cấp cho đơn vị một bản kèm trang mục lục / give vendors a copy with an index page."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        stop(f"{folder}: phải là thư mục mới hoặc trống / must be new or empty", WRONG_USE)
    _built(folder, pack, page=True)


def _built(folder: Path, pack: Path | None, *, page: bool) -> None:
    from conformance.fixtures.build import exceptions, write_corpus
    from conformance.fixtures.define import load_definitions
    from conformance.fixtures.page import render_index

    loaded = the_pack(pack)
    try:
        made = write_corpus(folder, loaded)
        if page:
            listed = exceptions(load_definitions(loaded))
            (folder / "index.html").write_text(render_index(made, listed, loaded), encoding="utf-8", newline="\n")
    except (PackError, OSError) as error:
        stop(str(error), WRONG_USE)
    kinds = [one.definition.kind for one in made]
    console().print(
        f"{folder}: {kinds.count('valid')} đúng / right, {kinds.count('invalid')} sai / wrong, "
        f"{kinds.count('undecided')} chưa quyết định được / undecided",
        markup=False,
    )


@fixtures_app.command("check", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def fixtures_check(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Thư mục của bộ mẫu / the corpus's folder.")],
    seconds: Annotated[float, typer.Option(help="Giới hạn mỗi tài liệu, giây / limit per document.")] = 60.0,
    output: FormatOption = Format.TEXT,
    pack: PackOption = None,
) -> None:
    """Thử phần mềm kiểm tra của bạn trên bộ mẫu / try your own validator on the corpus.

    hocba fixtures check DIR -- COMMAND --ca {trust} --at {at} {file}: mã thoát 0 là chấp nhận / exit code 0 accepts.
    Không có COMMAND: dùng phép kiểm của công cụ / without COMMAND: our own checks.
    """
    from conformance.fixtures.stored import CorpusProblem, disagreement, load_stored, try_command

    loaded = the_pack(pack)
    wrong: list[dict[str, str]] = []
    try:
        stored = load_stored(folder)
        if context.args:
            for trial in try_command(stored, context.args, seconds=seconds):
                if trial.agrees is False:
                    said = "accept" if trial.accepted else "refuse"
                    wrong.append({"id": trial.stored.id, "expect": trial.stored.sidecar["expect"], "seen": said}
                                 | {"file": str(trial.stored.path), "note": trial.note})  # fmt: skip
        else:
            notes = ((one, disagreement(one, loaded)) for one in stored)
            wrong.extend(
                {"id": one.id, "expect": one.sidecar["expect"], "seen": "", "file": str(one.path), "note": note}
                for one, note in notes
                if note
            )
    except (CorpusProblem, OSError) as error:
        stop(str(error), WRONG_USE)
    if output is Format.JSON:
        typer.echo(json.dumps({"documents": len(stored), "disagreements": wrong}, ensure_ascii=False, indent=1))
    else:
        for line in wrong:
            console().print(f"✗ {line['id']}: {line['expect']} ≠ {line['seen']} ({line['note']})", markup=False)
            console().print(f"    {line['file']}", markup=False)
        console().print(f"{len(stored)} tài liệu / documents, {len(wrong)} khác / disagree", markup=False)
    raise typer.Exit(FAILED if wrong else PASSED)


if __name__ == "__main__":
    main()
