"""``python -m mock_vendor``: the reference vendor on loopback, sound or with named defects."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn

from conformance.pack import Pack, PackError, default_pack, load_pack
from mock_vendor.app import create_app
from mock_vendor.defects import DEFECTS
from mock_vendor.remote.client import RemoteDesk
from mock_vendor.remote.service import SigningService, create_signing_app
from mock_vendor.settings import SystemClock, VendorSettings

LOOPBACK = "127.0.0.1"
FOLDER, LISTENER = "HOCBA_VENDOR_FOLDER", "HOCBA_VENDOR_LISTENER"
"""Environment: folder and listening socket that a process leaves to the one that takes its place."""
DESK_TOKEN = "hocba-test"  # noqa: S105  # the published token of a vendor's desk


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hocba vendor",
        description="Phần mềm học bạ tham chiếu sau giao diện kiểm thử, có thể kèm lỗi cài sẵn / "
        "the reference vendor behind the test interface, with named defects if wanted.",
    )
    parser.add_argument("--port", type=int, default=8001, help="cổng trên máy này / port on loopback")
    parser.add_argument(
        "--token",
        default="",
        help="mã truy cập; trống: lấy từ HOCBA_VENDOR_TOKEN, nếu không có thì là mã dùng chung của bàn thử / "
        f"access token; empty: from HOCBA_VENDOR_TOKEN, else the desk's published one ({DESK_TOKEN})",
    )
    parser.add_argument(
        "--defect",
        action="append",
        default=[],
        metavar="TÊN/NAME",
        help="cài lỗi này, dùng được nhiều lần / plant this defect, repeatable",
    )
    parser.add_argument("--list-defects", action="store_true", help="liệt kê các lỗi cài sẵn / list the defects")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="dạng liệt kê / form of the list")
    parser.add_argument("--lang", choices=("vi", "en"), default="vi", help="ngôn ngữ liệt kê / language of the list")
    parser.add_argument("--pack", type=Path, help="thư mục bộ đặc tả / folder of a specification pack")
    parser.add_argument(
        "--takes",
        choices=("components", "averages"),
        default="components",
        help="nhập điểm thành phần hay điểm trung bình / component marks or semester averages are entered",
    )
    parser.add_argument(
        "--rendition",
        choices=("html", "pdf"),
        default="html",
        help="dạng bản in; pdf cần phần bổ sung hocba-conformance[pdf] / form of printed renditions; "
        "pdf wants the extra hocba-conformance[pdf]",
    )
    parser.add_argument(
        "--programme",
        action="append",
        default=[],
        help="chương trình mà phần mềm nhận, dùng được nhiều lần / claimed programme, repeatable",
    )
    parser.add_argument(
        "--signing",
        choices=("file", "token", "remote"),
        default="file",
        help="ký bằng tệp khóa; bằng token, người vận hành xác nhận; hay ký từ xa, xác nhận trên điện thoại / "
        "with key files; with tokens that an operator unlocks; or remotely, confirmed on a telephone",
    )
    parser.add_argument(
        "--confirm-after",
        type=_seconds,
        default=0.5,
        metavar="GIÂY/SECONDS",
        help="bao lâu thì có người xác nhận (token, remote) / when somebody confirms (token, remote)",
    )
    parser.add_argument(
        "--outbox-interval",
        type=_seconds,
        metavar="GIÂY/SECONDS",
        help="việc nền chạy mỗi bao nhiêu giây; thử lại theo nhịp đó / "
        "seconds between runs of the background work; retries keep that step",
    )
    parser.add_argument(
        "--no-tick", action="store_true", help="không nhận POST /tick / without POST /tick: the suite waits"
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="thư mục giữ dữ liệu qua các lần khởi động; trống: thư mục tạm / "
        "folder that outlives a restart; empty: a temporary one",
    )
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError("0-3600")
    return value


def listing(output: str, language: str) -> str:
    """The defects as text or JSON."""
    if output == "json":
        return json.dumps([one.data() for one in DEFECTS.values()], ensure_ascii=False, indent=1)
    lines = []
    for one in DEFECTS.values():
        expects = ", ".join(sorted(one.expects)) or (
            "không có: tương đương" if language == "vi" else "none: equivalent"
        )
        lines.append(f"{one.name}\n    {one.text(language)}\n    {expects}")
    return "\n".join(lines)


def _utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted. Exit code 2: wrong use, or it could not start."""
    _utf8()
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    if options.list_defects:
        sys.stdout.write(listing(options.format, options.lang) + "\n")
        return 0
    unknown = [name for name in options.defect if name not in DEFECTS]
    if unknown:
        sys.stderr.write(f"--defect: không có lỗi này / no such defect: {', '.join(unknown)}\n")
        return 2
    if not 0 <= options.port <= 65535:
        sys.stderr.write(f"--port: từ 0 đến 65535 / from 0 to 65535: {options.port}\n")
        return 2
    try:
        pack: Pack = load_pack(options.pack) if options.pack else default_pack()
    except PackError as error:
        sys.stderr.write(f"--pack: {error}\n")
        return 2
    programmes = tuple(options.programme)
    foreign = [name for name in programmes if name not in pack.programmes]
    if foreign:
        sys.stderr.write(f"--programme: không có chương trình này / no such programme: {', '.join(foreign)}\n")
        return 2
    # by the environment, because other users of the machine can read a command line
    token = options.token or os.environ.get("HOCBA_VENDOR_TOKEN", "") or DESK_TOKEN
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if options.rendition == "pdf" and not all(map(find_spec, ("fpdf", "font_roboto"))):
        sys.stderr.write(
            "--rendition pdf: cần cài hocba-conformance[pdf] / wants the extra hocba-conformance[pdf] installed\n"
        )
        return 2
    folder = options.data or Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="hocba-vendor-"))
    step = options.outbox_interval
    settings = VendorSettings(
        pack,
        token,
        defects=frozenset(options.defect),
        takes=options.takes,
        programmes=programmes,
        rendition=options.rendition,
        signing=options.signing,
        confirm_after=options.confirm_after,
        signing_time=max(30.0, 10 * options.confirm_after),
        ticks=not options.no_tick,
        folder=folder,
        **({} if step is None else outbox_every(step)),
    )
    if options.signing == "remote":
        settings = replace(settings, remote=_signing_service(options.confirm_after))
    return _serve(settings, options.port, given, None if options.data else folder)


def outbox_every(seconds: float) -> dict[str, Any]:
    """Settings of software whose background work runs every so many seconds: nothing happens in between."""
    return {
        "outbox_interval": seconds,
        "poll_interval": seconds,
        "first_retry": seconds,
        "longest_retry": 4 * seconds,
    }


def _signing_service(confirm_after: float) -> RemoteDesk:
    """Start the mock signing service in a thread of its own, on loopback."""
    secret = secrets.token_urlsafe(24)
    app = create_signing_app(SigningService(SystemClock(), secret, confirm_after))
    listening = socket.create_server((LOOPBACK, 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    Thread(target=server.run, args=([listening],), name="remote-signing", daemon=True).start()
    address = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    return RemoteDesk(address, secret, patience=10 * confirm_after + 30.0, poll=min(1.0, confirm_after / 4 + 0.05))


class _Server(uvicorn.Server):
    """Says in one line when it is ready, and leaves no temporary folder behind."""

    temporary: Path | None = None

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().shutdown(sockets)  # type: ignore[arg-type]
        # here, since a signal ends the process as soon as the server has stopped
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            sys.stdout.write(f"mock_vendor ready: http://{LOOPBACK}:{port}\n")
            sys.stdout.flush()
            if os.environ.get("HOCBA_STOP_AT_EOF"):
                Thread(target=self._stop_at_eof, name="parent", daemon=True).start()

    def _stop_at_eof(self) -> None:
        """Whoever started us holds the other end: when it is gone, killed or not, so are we."""
        with contextlib.suppress(OSError):
            while os.read(0, 4096):  # not by sys.stdin, whose lock the end of the interpreter would want
                pass
        self.should_exit = True


def _replaced(given: list[str], listening: Callable[[], int], folder: Path | None) -> Callable[[], None]:
    """How this process is replaced by a fresh one: at once, with nothing tidied up, on the same port.

    The listening socket is handed on: nobody else gets the port meanwhile.
    """

    def replace_process() -> None:
        number = listening()
        os.set_inheritable(number, True)
        os.environ |= {FOLDER: str(folder), LISTENER: str(number)}
        arguments = [sys.executable, "-m", "mock_vendor", *given]
        os.execv(sys.executable, arguments)  # noqa: S606  # no shell, and ourselves

    return replace_process


def _serve(settings: VendorSettings, port: int, given: list[str], temporary: Path | None) -> int:
    def taken() -> int:
        return int(server.servers[0].sockets[0].fileno())

    if os.name != "nt":  # there a process cannot be replaced; the office starts anew in this one
        settings = replace(settings, restart=_replaced(given, taken, settings.folder))
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app, host=LOOPBACK, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3
        )
    )
    server.temporary = temporary
    left = os.environ.pop(LISTENER, "")
    try:
        server.run([socket.socket(fileno=int(left))] if left else None)
    except SystemExit:
        sys.stderr.write(f"mock_vendor: không mở được cổng {port} / cannot open port {port}\n")
        return 2
    finally:
        app.state.close()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
