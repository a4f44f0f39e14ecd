"""``hocba report sign | verify``: a testing body's signature over a witnessed result, and its verification offline."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.commands.common import (
    FAILED,
    PASSED,
    WRONG_USE,
    Format,
    FormatOption,
    Lang,
    LangOption,
    PackOption,
    stop,
    the_pack,
)
from conformance.commands.report import read, report_app
from conformance.visible import inert_json, one_line

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["report_app"]

CrlOption = Annotated[list[Path] | None, typer.Option(help="CRL, DER hay PEM / revocation lists.")]
OcspOption = Annotated[Path | None, typer.Option(help="Câu trả lời OCSP, DER / an OCSP answer.")]

PASSWORD = "HOCBA_SIGN_PASSWORD"  # noqa: S105  # a variable's name


@report_app.command("sign")
def report_sign(
    results: Annotated[
        Path, typer.Argument(help="Kết quả JSON của lần chạy có chứng kiến / result of a witnessed run.")
    ],
    report: Annotated[Path, typer.Option(help="Báo cáo HTML của kết quả / its HTML report.")],
    evidence: Annotated[Path, typer.Option(help="Thư mục chứng cứ / evidence bundle.")],
    body_list: Annotated[Path, typer.Option("--list", help="Danh sách của bên kiểm định / the body's list file.")],
    key: Annotated[Path | None, typer.Option(help=f"Tệp khóa PKCS#12, PEM; mật khẩu: {PASSWORD} / key file.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Chứng thư của khóa, nếu không nằm cùng / the key's certificates.")
    ] = None,
    pkcs11: Annotated[Path | None, typer.Option(help=f"Thư viện PKCS#11; mã PIN: {PASSWORD} / PKCS#11 module.")] = None,
    token: Annotated[str, typer.Option(help="Tên token / token label.")] = "",
    label: Annotated[str, typer.Option(help="Tên khóa trên token / label of the key.")] = "",
    spot_check: Annotated[
        Path | None, typer.Option(help="Kết quả đối chứng qua cửa quan sát / result of a spot check (observe door).")
    ] = None,
    crl: CrlOption = None,
    ocsp: OcspOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Bản kê [KẾT-QUẢ.signed.json] / the manifest.")] = None,
    pack: PackOption = None,
) -> None:
    """Ký tách rời một kết quả có chứng kiến / sign a witnessed result: a manifest of digests and a detached JWS.

    Kết quả tự công bố, dở dang, bị sửa hoặc không khớp báo cáo thì không ký / a self-declared, incomplete or altered
    result, or one that is not the report's, is not signed (exit code 1).
    Dấu thời gian, và trạng thái chứng thư về sau / a time-stamp, and later status: hocba report attach.
    """
    from conformance.signature.given import GivenError
    from reports.signing.beside import Beside, clear
    from reports.signing.jws import JwsError, sign
    from reports.signing.keys import KeyProblem, file_key, token_key, valid_at
    from reports.signing.manifest import NotSignable, make

    if (key is None) == (pkcs11 is None):
        stop("cần --key hoặc --pkcs11 / wants --key or --pkcs11", WRONG_USE)
    loaded = the_pack(pack)
    secret = os.environ.get(PASSWORD, "")
    target = out or results.with_name(f"{results.stem}.signed.json")
    try:
        used = (
            file_key(key, secret, certificate)
            if key
            else token_key(Path(pkcs11 or ""), token, label, secret, certificate)
        )
        now = datetime.now(loaded.timezone)
        valid_at(used.certificates[0], now)
        status = Beside.read(crl or [], ocsp)
        status.check(used.certificates, now)
        data = make(results, report, evidence, body_list, loaded, now, spot_check)
        beside = (results, report, target, *([spot_check] if spot_check else []))
        if len({path.resolve().parent for path in beside}) > 1:
            raise NotSignable("bản kê, kết quả và báo cáo phải cùng thư mục / manifest, result and report: one folder")
        signature = sign(data, used)
        target.write_bytes(data)
        target.with_name(f"{target.name}.jws").write_text(signature, encoding="ascii", newline="")
        clear(target)
        written = status.write(target)
    except NotSignable as error:
        stop(str(error), FAILED)
    except (KeyProblem, JwsError, GivenError, OSError) as error:
        stop(str(error), WRONG_USE)
    for one in (target, target.with_name(f"{target.name}.jws"), *written):
        typer.echo(f"→ {one}")


@report_app.command("verify")
def report_verify(
    manifest: Annotated[Path, typer.Argument(help="Bản kê đã ký / the signed manifest.")],
    body: Annotated[
        list[Path] | None, typer.Option(help="Chứng thư của bên kiểm định hoặc nơi cấp / the body's certificate or CA.")
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="Thư mục chứng cứ / evidence bundle.")] = None,
    tsa: Annotated[
        list[Path] | None, typer.Option(help="Chứng thư nơi cấp dấu thời gian / the time-stamp authority's or its CA.")
    ] = None,
    crl: CrlOption = None,
    ocsp: Annotated[list[Path] | None, typer.Option(help="Câu trả lời OCSP của bạn / your OCSP answers.")] = None,
    lang: LangOption = Lang.VI,
    output: FormatOption = Format.TEXT,
) -> None:
    """Kiểm tra kết quả đã ký, không cần mạng / verify a signed result offline: signature, key, files, evidence.

    Dấu thời gian, CRL, OCSP đặt cạnh bản kê (.tst, .crl, .ocsp) được dùng cùng --crl, --ocsp của bạn /
    time-stamp, CRL and OCSP beside the manifest count together with yours.

    Mã thoát / exit code: 0 đúng như đã ký / as it was signed, 1 không / not, 2 dùng sai / wrong use.
    """
    from conformance.signature.given import GivenError, read_answers, read_crls
    from reports.signing.keys import KeyProblem, read_certificates
    from reports.signing.standing import Given
    from reports.signing.verify import verify_signed
    from reports.wording import word

    def certificates(paths: list[Path] | None) -> tuple[x509.Certificate, ...]:
        return tuple(one for path in paths or [] for one in read_certificates(path))

    try:
        given = Given(certificates(body), certificates(tsa), read_crls(crl or []), read_answers(ocsp or []))
    except (KeyProblem, GivenError) as error:
        stop(str(error), WRONG_USE)
    if not manifest.is_file():
        stop(f"không có tệp / no such file: {manifest}", WRONG_USE)
    found = verify_signed(manifest, given, evidence, datetime.now().astimezone())

    def t(name: str, **params: object) -> str:
        return word(name, lang.value, **params)

    if output is Format.JSON:
        checks = [{"check": one.key, "state": one.state, "detail": one.detail} for one in found.checks]
        data = {"good": found.good, "checks": checks, "statement": found.statement}
        typer.echo(inert_json(data, indent=1))
        raise typer.Exit(PASSED if found.good else FAILED)
    marks = {"good": "✓", "bad": "✗", "unknown": "?", "note": "·"}
    typer.echo(t("verify.good" if found.good else "verify.bad"))
    for one in found.checks:
        typer.echo(one_line(f"{marks[one.state]} {t(f'verify.{one.key}', detail=one.detail)}"))
    if found.good:
        software = {key: one_line(str(value), 200) for key, value in found.statement.get("software", {}).items()}
        typer.echo(one_line("  " + t("verify.software", **software)))
    lines = found.statement.get("verdict") if found.good else None
    for line in lines if isinstance(lines, list) else []:
        said = {**line, "verdict": t(f"verdict.{line['verdict']}"), "part": t(f"part.{line['part']}")}
        typer.echo(one_line("  " + t("verify.verdict", **said)))
    if found.good:
        typer.echo("  " + t("s.nobody"))
    raise typer.Exit(PASSED if found.good else FAILED)


@report_app.command("rejudge")
def report_rejudge(
    evidence: Annotated[Path, typer.Argument(help="Thư mục chứng cứ / evidence bundle.")],
    before: Annotated[Path, typer.Argument(metavar="RESULT", help="Kết quả của lần chạy / the run's result.")],
    out: Annotated[Path | None, typer.Option("--out", help="Kết quả mới, JSON / the new result.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Báo cáo mới / the new report.")] = None,
    lang: LangOption = Lang.VI,
    output: FormatOption = Format.TEXT,
    pack: PackOption = None,
) -> None:
    """Xét lại chứng cứ đã lưu, không cần phần mềm hay mạng / judge stored evidence anew: no software, no network.

    Nêu điều gì khác trước và vì sao: bộ đặc tả khác, hay bộ kiểm thử khác. Mã thoát là của kết luận mới / tells what
    differs and why: another pack, or another suite; the exit code is the new verdict's.
    """
    import reports
    from conformance.commands.report import show_comparison
    from conformance.evidence import EvidenceError, StoredBundle
    from conformance.suite.rejudge import NotRejudgeable, rejudge
    from conformance.verdict import BaselineError
    from reports.compare import compare

    first, loaded = read(before), the_pack(pack)
    try:
        second = rejudge(StoredBundle(evidence), first, loaded)
        if out is not None:
            out.write_text(reports.json_text(second, loaded), encoding="utf-8", newline="\n")
        if html is not None:
            page = reports.html(second, loaded.at(second.run.revision), lang.value)
            html.write_text(page, encoding="utf-8", newline="\n")
    except (EvidenceError, NotRejudgeable, BaselineError) as error:
        stop(str(error), WRONG_USE)
    except OSError as error:
        stop(f"{error.filename or evidence}: {error.strerror or error}", WRONG_USE)
    show_comparison(compare(first, second, loaded), loaded, lang, output)
    raise typer.Exit(int(second.verdict["exit_code"]))
