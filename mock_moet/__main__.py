"""``python -m mock_moet``: the mock Ministry on its own."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from threading import Thread

from sqlalchemy.exc import SQLAlchemyError

from conformance.checking.runners import collect_seldom
from conformance.pack import PackError, default_pack, load_pack
from mock_moet.ministry import Settings
from mock_moet.server import LOOPBACK, Running, Tls

_LEAST = 32
"""Characters of a control token that others than this machine may try."""
_MOST = 64
"""Processes of a kind."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hocba serve",
        description="Dịch vụ kết nối học bạ số để thử nghiệm, không phải của Bộ / "
        "Transcript connection service for tests; not the Ministry's.",
    )
    parser.add_argument("--port", type=int, default=8115, help="cổng dịch vụ / port of the service (0: any)")
    parser.add_argument("--control-port", type=int, default=8116, help="cổng điều khiển / control port (0: any)")
    parser.add_argument(
        "--control-listen", default=LOOPBACK, metavar="ADDRESS",
        help="chỉ trong container, cổng mở ra loopback của máy chủ; cần HOCBA_CONTROL_TOKEN / "
        "in containers only, published on the host's loopback; needs HOCBA_CONTROL_TOKEN",
    )  # fmt: skip
    parser.add_argument("--listen", default=LOOPBACK, help="địa chỉ lắng nghe của dịch vụ / address of the service")
    parser.add_argument("--public-url", default="", help="URL bên ngoài nhìn thấy / URL that clients see")
    parser.add_argument(
        "--control-token",
        default="",
        help="mã điều khiển / control token; trống: lấy từ HOCBA_CONTROL_TOKEN, không có thì tự sinh "
        "/ empty: from HOCBA_CONTROL_TOKEN, else drawn and printed",
    )
    parser.add_argument(
        "--profile", default="", metavar="NAME",
        help="trộn lỗi theo chế độ của bộ đặc tả: gentle, strict, hostile / mix faults by a profile of the pack",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="hạt giống của --profile (mặc định: tự sinh) / its seed")
    parser.add_argument(
        "--tls", action="store_true",
        help="dùng TLS với chứng thư tạo khi chạy / speak TLS with certificates made now (CA: control, GET /health)",
    )  # fmt: skip
    parser.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="chứng thư của người vận hành, PEM / own certificate"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="khóa của chứng thư đó, PEM / its key")
    parser.add_argument(
        "--tls-host", action="append", default=[], metavar="NAME",
        help="tên máy mà bên ngoài dùng, lặp được / a name that clients use, repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--space-ports", default="", metavar="FIRST-LAST",
        help="các cổng cấp riêng cho không gian / ports for spaces of their own (mặc định: bất kỳ / any)",
    )  # fmt: skip
    parser.add_argument("--database", default="sqlite://", help="URL SQLAlchemy (mặc định: trong bộ nhớ / in memory)")
    parser.add_argument("--pack", type=Path, help="thư mục bộ đặc tả / folder of a specification pack")
    parser.add_argument(
        "--judging", choices=("background", "inline"), default="background",
        help="kiểm tra sau khi cấp biên nhận, hay trước khi trả lời / judge after the receipt, or before the answer",
    )  # fmt: skip
    parser.add_argument(
        "--judges", type=int, default=0, metavar="N",
        help="kiểm tra bằng N tiến trình riêng / judge in N processes of their own (0: một luồng / a thread)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N",
        help="phục vụ bằng N tiến trình, cần --database là tệp hoặc PostgreSQL / serve by N processes",
    )  # fmt: skip
    return parser


def _tls(options: argparse.Namespace) -> Tls | None:
    own = (options.tls_cert, options.tls_key) if options.tls_cert else None
    return Tls(own, tuple(options.tls_host)) if options.tls or own else None


def _range(text: str) -> range | None:
    if not text:
        return None
    first, _, last = text.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not 0 < found.start < found.stop <= 65536:
        raise ValueError(text)
    return found


def _stop_at_eof(running: Running) -> None:
    """Whoever started us holds the other end: when it is gone, killed or not, so are we."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):  # not by sys.stdin, whose lock the end of the interpreter would want
            pass
    running.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted. Exit code 2: it could not start."""
    options = _parser().parse_args(arguments)
    ports = [one for one in (options.port, options.control_port) if not 0 <= one <= 65535]
    if ports:
        sys.stderr.write(f"mock_moet: cổng phải từ 0 đến 65535 / a port is from 0 to 65535: {ports[0]}\n")
        return 2
    if not 0 <= options.judges <= _MOST or not 0 <= options.workers <= _MOST:
        sys.stderr.write(f"mock_moet: --judges, --workers: từ 0 đến / from 0 to {_MOST}\n")
        return 2
    if bool(options.tls_cert) != bool(options.tls_key):
        sys.stderr.write("mock_moet: --tls-cert và --tls-key đi cùng nhau / go together\n")
        return 2
    try:
        space_ports = _range(options.space_ports)
    except ValueError:
        sys.stderr.write(f"mock_moet: --space-ports: cần FIRST-LAST / wants FIRST-LAST: {options.space_ports}\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    # by the environment, because other users of the machine can read a command line
    given = options.control_token or os.environ.get("HOCBA_CONTROL_TOKEN", "")
    if options.control_listen not in (LOOPBACK, "::1") and len(given) < _LEAST:
        sys.stderr.write(
            f"mock_moet: --control-listen {options.control_listen}: cần mã điều khiển từ {_LEAST} ký tự trong "
            f"HOCBA_CONTROL_TOKEN / needs a control token of at least {_LEAST} characters in HOCBA_CONTROL_TOKEN\n"
        )
        return 2
    try:
        running = Running.start(
            Settings(
                pack=load_pack(options.pack) if options.pack else default_pack(),
                database=options.database,
                control_token=given,
                judging=options.judging,
                profile=options.profile,
                seed=options.seed,
                judges=options.judges,
                workers=options.workers,
            ),
            host=options.listen,
            port=options.port,
            control_port=options.control_port,
            control_host=options.control_listen,
            public_url=options.public_url,
            tls=_tls(options),
            ports=space_ports,
        )
    except (OSError, PackError, SQLAlchemyError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"mock_moet: không khởi động được / cannot start: {error}\n")
        return 2
    collect_seldom()
    with running:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: running.stop())
        notice = running.ministry.wire.messages["notice"]
        shown = "" if given else f" token {running.control_token}"
        sys.stdout.write(
            f"mock_moet ready: service {running.ministry.settings.public_url} control {running.control_url}{shown}\n"
            f"{notice['vi']} / {notice['en']}\n"
        )
        if options.profile:
            profile = running.ministry.profiles[options.profile]
            sys.stdout.write(
                f"--profile={options.profile} --seed={running.ministry.seed}: {profile.title.vi} / {profile.title.en}\n"
            )
        if not os.environ.get("HOCBA_STOP_AT_EOF"):  # a person started us
            link = running.console_url()
            sys.stdout.write(f"bàn theo dõi, liên kết dùng một lần / console, one-time link: {link}\n")
        sys.stdout.flush()
        if os.environ.get("HOCBA_STOP_AT_EOF"):
            Thread(target=_stop_at_eof, args=(running,), name="parent", daemon=True).start()
        running.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
