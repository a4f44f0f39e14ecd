"""``hocba report attach``: a time-stamp and the certificate's status beside a signed manifest."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from conformance.commands.common import WRONG_USE, stop
from conformance.commands.sign import CrlOption, OcspOption, report_app

__all__ = ["report_app"]


@report_app.command("attach")
def report_attach(
    manifest: Annotated[Path, typer.Argument(help="Bản kê đã ký / the signed manifest.")],
    request: Annotated[
        Path | None, typer.Option(help="Ghi yêu cầu dấu thời gian (.tsq) vào đây / write the time-stamp request here.")
    ] = None,
    stamp: Annotated[
        Path | None, typer.Option(help="Câu trả lời của nơi cấp dấu thời gian (.tsr) / the authority's answer.")
    ] = None,
    tsa: Annotated[
        list[Path] | None, typer.Option(help="Chứng thư nơi cấp dấu thời gian / the time-stamp authority's or its CA.")
    ] = None,
    crl: CrlOption = None,
    ocsp: OcspOption = None,
) -> None:
    """Kèm bằng chứng vào kết quả đã ký / put proof beside a signed result: RFC 3161 time-stamp, CRL, OCSP.

    Công cụ không hỏi mạng: --request ghi yêu cầu, bạn gửi nó cho nơi cấp dấu thời gian, --stamp nhận câu trả lời /
    the tool asks no network: --request writes the request, you send it, --stamp takes the answer.
    """
    from conformance.signature.given import GivenError
    from conformance.signature.stamps import request_over
    from reports.signing.beside import Beside, attach_stamp
    from reports.signing.jws import JwsError, verify
    from reports.signing.keys import KeyProblem, read_certificates

    if not (request or stamp or crl or ocsp):
        stop("cần --request, --stamp, --crl hoặc --ocsp / wants --request, --stamp, --crl or --ocsp", WRONG_USE)
    signature = manifest.with_name(f"{manifest.name}.jws")
    now = datetime.now().astimezone()
    try:
        octets = signature.read_bytes()
        signed = verify(manifest.read_bytes(), octets.decode("ascii", "replace"))
        if request is not None:
            request.write_bytes(request_over(octets))
            typer.echo(f"→ {request}")
        if stamp is not None:
            trusted = [one for path in tsa or [] for one in read_certificates(path)]
            path, said = attach_stamp(manifest, stamp.read_bytes(), trusted, now)
            typer.echo(f"→ {path}: {said}")
        given = Beside.read(crl or [], ocsp)
        given.check(signed.certificates, now)
        for path in given.write(manifest):
            typer.echo(f"→ {path}")
    except (KeyProblem, JwsError, GivenError) as error:
        stop(str(error), WRONG_USE)
    except OSError as error:
        stop(f"{error.filename or manifest}: {error.strerror or error}", WRONG_USE)
