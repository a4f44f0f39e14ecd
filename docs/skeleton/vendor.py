"""Khung giao diện kiểm thử, chỉ dùng thư viện chuẩn của Python: điền vào các chỗ TODO.
A skeleton of the test interface, nothing but Python's standard library: fill in what says TODO.

    python docs/skeleton/vendor.py --port 8001
    hocba doctor  --target=http://127.0.0.1:8001
    hocba certify --target=http://127.0.0.1:8001

Các lời gọi đầu tiên của docs/test-interface.md. Chỗ nào chưa làm thì trả 501 và nói rõ còn thiếu gì; làm xong lời gọi
nào thì khai khả năng tương ứng trong CAPABILITIES. / The first calls of docs/test-interface.md. What is not made yet
answers 501 and says what is missing; list a capability in CAPABILITIES once its calls work.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

PREFIX = "/hocba-test/v1"
LARGEST = 4 * 1024 * 1024

# TODO: thêm từng khả năng khi lời gọi của nó chạy được / add each one when its calls work:
# "create", "sign", "refuse-to-issue", "issue", "store", "submit", "follow-up", "amend" là bắt buộc / are mandatory
CAPABILITIES: list[str] = []


class Refused(Exception):
    """Một lời từ chối có lí do / a refusal with reasons."""

    def __init__(self, status: int, *reasons: dict[str, str]) -> None:
        super().__init__(status)
        self.status, self.reasons = status, list(reasons)


def not_yet(what: str) -> Refused:
    """Lời gọi chưa làm / a call that is not made yet."""
    return Refused(501, {"code": "NOT_OFFERED", "message": f"TODO: {what}"})


class Software:
    """Thay các hàm dưới đây bằng lời gọi vào phần mềm của bạn. / Let these call your own software."""

    def __init__(self) -> None:
        self.session: dict[str, Any] = {}
        self.roster: dict[str, Any] = {}
        self.cases: dict[str, dict[str, Any]] = {}

    def describe(self) -> dict[str, Any]:
        """1. GET /"""
        return {
            "vendor": "TODO: tên đơn vị / your name",
            "product": "TODO: tên sản phẩm / your product",
            "version": "0.0.0",
            # TODO: băm của chính bản dựng được kiểm / of the very build under test
            "buildHash": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
            "programmes": ["THCS"],
            "capabilities": CAPABILITIES,
            "intervals": {"outboxInterval": 2, "pollInterval": 2},
            "takes": "components",
            "signingPath": "file",
        }

    def begin(self, session: dict[str, Any]) -> None:
        """2. PUT /session: quên lần chạy trước, nhớ địa chỉ Bộ giả lập, tài khoản và khóa của người ký."""
        self.cases.clear()
        self.session = session
        # TODO: session["ministry"]: baseUrl, tokenUrl, clientId, clientSecret → cấu hình việc gửi / where to submit to
        # TODO: session["signers"]: id, role, name, pkcs12 (base64), password → kho khóa / keys of the run's signers

    def enrol(self, roster: dict[str, Any]) -> None:
        """3. PUT /roster: trường, lớp, giáo viên, phân công."""
        self.roster = roster
        # TODO: tạo trong phần mềm / create them in your software

    def create(self, case: dict[str, Any]) -> str:
        """4. POST /transcripts: nhập một ca; sai thì từ chối, nêu đúng trường bằng JSON pointer."""
        # TODO: nhập qua phần mềm như giáo viên nhập, với mọi phép soát; trả về id và giữ self.cases[id] = case
        #       enter it as teachers do, with every check they meet; return its id and keep self.cases[id] = case
        #       dữ liệu vô lý / impossible input: Refused(422, …) như dưới đây / as below
        if not case.get("subjects"):
            raise Refused(422, {"code": "MISSING_FIELD", "field": "/subjects"})
        raise not_yet(f"nhập ca {case.get('caseId')} / enter the case")

    def sign(self, local: str, signatures: list[dict[str, Any]]) -> None:
        """5. POST /transcripts/{id}/signatures: từng người trong danh sách ký phần của mình."""
        self._known(local)
        signers = ", ".join(str(one["signer"]) for one in signatures)
        raise not_yet(
            f"{signers}: ký bằng PKCS#12 của người ký (docs/signing-recipes.md) / sign with the signers' PKCS#12"
        )

    def issue(self, local: str) -> None:
        """6. POST /transcripts/{id}/issue: đủ chữ ký mới phát hành, thiếu thì 409 MISSING_SIGNATURE cho từng chữ ký."""
        self._known(local)
        raise not_yet("phát hành / issue")

    def document(self, local: str) -> bytes:
        """6. GET /transcripts/{id}/document: đúng các byte đã phát hành (docs/document.md)."""
        self._known(local)
        raise not_yet("trả tệp XML đã phát hành / give the issued XML")

    def _known(self, local: str) -> dict[str, Any]:
        if local not in self.cases:
            raise Refused(404, {"code": "NOT_FOUND"})
        return self.cases[local]


class Handler(BaseHTTPRequestHandler):
    """HTTP và JSON; không cần sửa / HTTP and JSON; nothing to change here."""

    protocol_version = "HTTP/1.1"
    software: Software
    token: str
    lock = Lock()  # mỗi lúc một lời gọi / one call at a time

    def _call(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
            if length > LARGEST:
                self.close_connection = True
                raise Refused(413, {"code": "OUT_OF_RANGE"})
            data = self.rfile.read(length)  # luôn đọc hết, kể cả khi từ chối / always read it, refused or not
            given = self.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                raise Refused(401, {"code": "OTHER", "message": "sai mã / wrong token"})
            try:
                body = json.loads(data) if data else None
            except ValueError:
                raise Refused(422, {"code": "INVALID_FIELD", "message": "không phải JSON / not JSON"}) from None
            with self.lock:
                self._answer(*self._dispatch(body))
        except Refused as refused:
            self._answer(refused.status, {"reasons": refused.reasons})

    def _dispatch(self, body: Any) -> tuple[int, Any]:
        software = self.software
        path = self.path.removeprefix(PREFIX).rstrip("/") or "/"
        inside = re.fullmatch(r"/transcripts/([^/]+)(?:/(signatures|issue|document))?", path)
        match (self.command, path, inside and inside[2]):
            case ("GET", "/", _):
                return 200, software.describe()
            case ("PUT", "/session", _):
                software.begin(body)
                return 200, {}
            case ("PUT", "/roster", _):
                software.enrol(body)
                return 200, {}
            case ("POST", "/transcripts", _):
                return 201, {"id": software.create(body)}
            case ("POST", _, "signatures") if inside:
                software.sign(inside[1], body["signatures"])
                return 200, {}
            case ("POST", _, "issue") if inside:
                software.issue(inside[1])
                return 200, {}
            case ("GET", _, "document") if inside:
                return 200, software.document(inside[1])
        raise not_yet(f"{self.command} {path}")

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _call

    def _answer(self, status: int, body: Any) -> None:
        xml = isinstance(body, bytes)
        data = body if xml else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml" if xml else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Chỉ lắng nghe trên máy này / listens on this machine only."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8001)
    options = parser.parse_args()
    Handler.software = Software()
    Handler.token = os.environ.get("HOCBA_TARGET_TOKEN") or "hocba-test"
    with ThreadingHTTPServer(("127.0.0.1", options.port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
