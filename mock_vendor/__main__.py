"""``python -m mock_vendor``: the reference vendor on loopback, sound or with named defects."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import uvicorn

from conformance.pack import Pack, PackError, default_pack, load_pack
from mock_vendor.app import create_app
from mock_vendor.defects import DEFECTS
from mock_vendor.settings import VendorSettings

LOOPBACK = "127.0.0.1"
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
    return parser


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
    options = _parser().parse_args(arguments)
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
    settings = VendorSettings(
        pack,
        token,
        defects=frozenset(options.defect),
        takes=options.takes,
        programmes=programmes,
        rendition=options.rendition,
    )
    return _serve(settings, options.port)


class _Server(uvicorn.Server):
    """Says in one line when it is ready."""

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
        with contextlib.suppress(OSError, ValueError):
            sys.stdin.buffer.read()
        self.should_exit = True


def _serve(settings: VendorSettings, port: int) -> int:
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app, host=LOOPBACK, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3
        )
    )
    try:
        server.run()
    except SystemExit:
        sys.stderr.write(f"mock_vendor: không mở được cổng {port} / cannot open port {port}\n")
        return 2
    finally:
        app.state.office.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
