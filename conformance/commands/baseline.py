"""``hocba baseline``: the file of known failures, kept in step with results; nothing is excused silently."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from conformance.commands.common import FAILED, PASSED, WRONG_USE, PackOption, stop
from conformance.commands.report import ResultArgument, pack_for, read
from conformance.events import Result
from conformance.pack import Pack
from conformance.verdict import Baseline, BaselineError, Outcome, Verdict
from conformance.visible import one_line

baseline_app = typer.Typer(help="Danh sách lỗi đã biết / the file of known failures.", no_args_is_help=True)

_NAMED = re.compile(r"([A-Z0-9]+-[A-Z]+-[0-9]+\.[a-z0-9-]+)=(.*)", re.DOTALL)
FileOption = Annotated[Path, typer.Option("--file", help="Tệp danh sách / the baseline file.")]
DEFAULT = Path("hocba-baseline.yaml")


def _baseline(path: Path, *, may_lack: bool) -> Baseline:
    if may_lack and not path.exists():
        return Baseline()
    try:
        return Baseline.parse(path.read_text(encoding="utf-8"))
    except (BaselineError, OSError, UnicodeDecodeError) as error:
        stop(f"{path}: {error}", WRONG_USE)


def _codes(result: Result, verdict: Verdict) -> list[str]:
    findings = {item.id: item.findings for item in result.items}
    return list(
        dict.fromkeys(
            findings[at.item][at.index].code
            for one in verdict.outcomes
            if one.outcome in (Outcome.FAIL, Outcome.KNOWN_FAILURE)
            for at in one.roots
            if at.index < len(findings.get(at.item, ()))
        )
    )


def _seen(result: Result) -> set[str]:
    return {one.code for item in result.items for one in item.findings if one.state == "violated"}


def _whole(result: Result, pack: Pack) -> Verdict:
    from reports import verdict_of

    verdict = verdict_of(result, pack)
    if result.run.selection or not verdict.completed:
        stop(
            "kết quả không của toàn bộ phép kiểm: không biết lỗi nào không còn / not a result of the whole suite: "
            "it cannot tell which failures are gone",
            WRONG_USE,
        )
    return verdict


@baseline_app.command("update")
def baseline_update(
    result: ResultArgument,
    file: FileOption = DEFAULT,
    reason: Annotated[
        list[str] | None,
        typer.Option(help="Lí do cho lỗi mới: MÃ=lí do, hoặc một lí do cho tất cả / CODE=reason, or one for all."),
    ] = None,
    expires: Annotated[str, typer.Option(help="Ngày cuối cho lỗi mới, YYYY-MM-DD / last day of new entries.")] = "",
    pack: PackOption = None,
) -> None:
    """Cập nhật danh sách theo một kết quả: bỏ mục không còn gặp, thêm lỗi mới có lí do.

    Bring the file up to date: entries not seen any more go, new failures come in with the reason given for each.
    Mã thoát / exit code: 0 xong / done, 1 còn lỗi chưa có lí do, tệp không đổi / failures without a reason.
    """
    loaded = read(result)
    verdict = _whole(loaded, pack_for(loaded, pack))
    known = _baseline(file, may_lack=True)
    reasons: dict[str, str] = {}
    for one in reason or []:
        named = _NAMED.fullmatch(one)
        reasons[named[1] if named else ""] = named[2] if named else one
    try:
        until = date.fromisoformat(expires) if expires else None
    except ValueError:
        stop(f"--expires: cần ngày YYYY-MM-DD / wants a day: {expires!r}", WRONG_USE)
    today = date.today()  # noqa: DTZ011  # the day of whoever decides, where he is
    if until is not None and until < today:
        stop(f"--expires: đã qua / has passed: {expires}", WRONG_USE)
    made = known.update(_codes(loaded, verdict), _seen(loaded), today, reasons, until)
    strange = sorted(set(reasons) - {"", *made.added})
    if strange:
        stop(f"--reason: không phải lỗi mới / not a new failure: {', '.join(strange)}", WRONG_USE)
    if made.unexplained:
        for code in made.unexplained:
            typer.echo(f"? {one_line(code)}")
        stop(
            f"{len(made.unexplained)} lỗi mới hoặc hết hạn chưa có lí do, {file} không đổi / new or expired failures "
            f"without a reason, {file} is unchanged: --reason CODE=…",
            FAILED,
        )
    try:
        file.write_text(made.baseline.text(), encoding="utf-8", newline="\n")
    except OSError as error:
        stop(f"không ghi được / cannot write: {file}: {error.strerror or error}", WRONG_USE)
    for sign, codes in (("+", made.added), ("−", made.dropped)):
        for code in codes:
            typer.echo(f"{sign} {code}")
    typer.echo(f"→ {file}: {len(made.baseline.entries)} lỗi đã biết / known failures")


@baseline_app.command("check")
def baseline_check(result: ResultArgument, file: FileOption = DEFAULT, pack: PackOption = None) -> None:
    """Soát danh sách theo một kết quả: mục đã cũ hay hết hạn là lỗi / stale and expired entries are errors.

    Mã thoát / exit code: 0 mọi mục còn đúng / all entries stand, 1 có mục cũ / stale entries, 2 dùng sai / wrong use.
    """
    loaded = read(result)
    _whole(loaded, pack_for(loaded, pack))
    known = _baseline(file, may_lack=False)
    stale = set(known.stale(_seen(loaded), date.today()))  # noqa: DTZ011  # as above
    for one in known.entries:
        until = f" (→ {one.expires.isoformat()})" if one.expires else ""
        typer.echo(one_line(f"{'✗' if one.cause in stale else '✓'} {one.cause}{until}: {one.reason}"))
    if stale:
        stop(f"{len(stale)} mục đã cũ hoặc hết hạn / stale or expired entries", FAILED)
    raise typer.Exit(PASSED)
