"""``python -m mock_moet``: the mock Ministry on its own."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from conformance.pack import PackError, default_pack, load_pack
from mock_moet.ministry import Settings
from mock_moet.server import LOOPBACK, Running


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mock_moet",
        description="Dịch vụ kết nối học bạ số để thử nghiệm, không phải của Bộ / "
        "Transcript connection service for tests; not the Ministry's.",
    )
    parser.add_argument("--port", type=int, default=8115, help="cổng dịch vụ / port of the service (0: any)")
    parser.add_argument("--control-port", type=int, default=8116, help="cổng điều khiển / control port (0: any)")
    parser.add_argument("--listen", default=LOOPBACK, help="địa chỉ lắng nghe của dịch vụ / address of the service")
    parser.add_argument("--public-url", default="", help="URL bên ngoài nhìn thấy / URL that clients see")
    parser.add_argument(
        "--control-token",
        default="",
        help="mã điều khiển / control token; trống: lấy từ HOCBA_CONTROL_TOKEN, không có thì tự sinh "
        "/ empty: from HOCBA_CONTROL_TOKEN, else drawn and printed",
    )
    parser.add_argument("--database", default="sqlite://", help="URL SQLAlchemy (mặc định: trong bộ nhớ / in memory)")
    parser.add_argument("--pack", type=Path, help="thư mục bộ đặc tả / folder of a specification pack")
    parser.add_argument(
        "--judging", choices=("background", "inline"), default="background",
        help="kiểm tra sau khi cấp biên nhận, hay trước khi trả lời / judge after the receipt, or before the answer",
    )  # fmt: skip
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted. Exit code 2: it could not start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    # by the environment, because other users of the machine can read a command line
    given = options.control_token or os.environ.get("HOCBA_CONTROL_TOKEN", "")
    try:
        running = Running.start(
            Settings(
                pack=load_pack(options.pack) if options.pack else default_pack(),
                database=options.database,
                control_token=given,
                judging=options.judging,
            ),
            host=options.listen,
            port=options.port,
            control_port=options.control_port,
            public_url=options.public_url,
        )
    except (OSError, PackError, SQLAlchemyError, RuntimeError) as error:
        sys.stderr.write(f"mock_moet: không khởi động được / cannot start: {error}\n")
        return 2
    with running:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: running.stop())
        notice = running.ministry.wire.messages["notice"]
        shown = "" if given else f" token {running.control_token}"
        sys.stdout.write(
            f"mock_moet ready: service {running.ministry.settings.public_url} control {running.control_url}{shown}\n"
            f"{notice['vi']} / {notice['en']}\n"
        )
        sys.stdout.flush()
        running.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
