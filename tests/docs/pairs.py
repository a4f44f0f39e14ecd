"""Records requests and answers of the test interface from the reference vendor: ``python -m tests.docs.pairs``.

Writes ``docs/test-interface/``: one JSON file a pair, ``requests.http`` for editors, and the page that lists them.
Keys, passwords and what differs in every run stand as placeholders.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from conformance.cases import Case, frozen_cases
from conformance.doors.http import Answer, Http
from conformance.doors.vendor import PREFIX
from tests.world import World, world

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "test-interface"
HIDDEN: dict[str, Any] = {
    "pkcs12": "MII… (PKCS#12, base64)",
    "password": "…",
    "clientSecret": "…",
    "caPem": "-----BEGIN CERTIFICATE-----…",
    "anchorsPem": "-----BEGIN CERTIFICATE-----…",
    "crls": ["MII… (CRL, DER, base64)"],
    "ocsp": ["MII… (OCSP, DER, base64)"],
}
SHORT = 2
"""Elements of a long list that are kept."""
TITLES = {
    "01-describe": ("Phần mềm là ai", "Who the software is"),
    "02-session": ("Bắt đầu lần chạy", "Begin a run"),
    "03-roster": ("Trường, lớp, giáo viên, phân công", "Schools, classes, teachers, assignments"),
    "04-create": ("Nhập một ca", "Enter one case"),
    "04-create-refused": ("Dữ liệu vô lý: điểm 10,5", "Impossible input: a mark of 10.5"),
    "05-sign": ("Một giáo viên ký các môn của mình", "A teacher signs the subjects taught"),
    "05-sign-mismatch": ("Người khác ký thay", "Somebody else signs"),
    "06-issue-refused": ("Phát hành khi thiếu chữ ký", "Issue while signatures are missing"),
    "06-issue": ("Phát hành khi đủ chữ ký", "Issue when all have signed"),
    "07-document": ("Tệp đã phát hành", "The issued document"),
    "07-document-refused": ("Chưa phát hành", "Not issued"),
    "08-submission": ("Gửi", "Submit"),
    "09-state": ("Trạng thái sau khi Bộ chấp nhận", "The state once accepted"),
    "10-edit-refused": ("Sửa sau khi ký", "An edit after signing"),
    "11-tick": ("Làm việc nền ngay", "Background work at once"),
    "12-wrong-token": ("Sai mã truy cập", "A wrong token"),
}


HEAD = """# Yêu cầu và trả lời thật / Real requests and answers

Ghi từ phần mềm tham chiếu bằng `python -m tests.docs.pairs`; phép thử giữ cho chúng khớp với giao diện. Khóa, mật khẩu
được che; danh sách dài được cắt còn hai phần tử (trừ các môn của ca đúng). Tệp cho trình soạn thảo (VS Code, IntelliJ,
Visual Studio): [requests.http](requests.http).

*Recorded from the reference vendor by `python -m tests.docs.pairs`; a test keeps them true to the interface. Keys and
passwords are hidden, long lists cut to two elements (but for the subjects of the sound case). For editors:
[requests.http](requests.http).*
"""


class Recorder:
    """Stands between the harness and its client, and remembers the last call of each kind."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any, Answer]] = []

    def recording(self, http: Http, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        answer = ORIGINAL(http, method, path, body, **more)
        if path.startswith(PREFIX):
            self.calls.append((method, path, copy.deepcopy(body), answer))
        return answer


ORIGINAL = Http.call


def record() -> dict[str, dict[str, Any]]:
    """All pairs by name."""
    recorder = Recorder()

    def call(http: Http, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return recorder.recording(http, method, path, body, **more)

    with patch.object(Http, "call", call), world() as one:
        begun = {path: (method, path, body, answer) for method, path, body, answer in recorder.calls}
        found = {
            "01-describe": begun[f"{PREFIX}/"],
            "02-session": begun[f"{PREFIX}/session"],
            "03-roster": begun[f"{PREFIX}/roster"],
        }
        for name in _play(one):
            found[name] = recorder.calls[-1]
        address = one.bench.driver.vendor._http
        wrong = Http(address.base_url, "wrong", transport=address._client._transport)
        wrong.call("GET", f"{PREFIX}/")
        found["12-wrong-token"] = recorder.calls[-1]
    return {name: pair(*found[name], token="wrong" if name.startswith("12") else "hocba-test") for name in TITLES}


def _play(one: World) -> Iterator[str]:
    """Makes the calls; each name is that of the call just made."""
    bench, vendor = one.bench, one.bench.driver.vendor
    plain: Case = bench.make(frozen_cases(one.pack, "THCS")[0])
    impossible = copy.deepcopy(dict(plain.data))
    marked = next(subject for subject in impossible["subjects"] if "components" in subject["semester1"])
    marked["semester1"]["components"]["final"] = "10.5"
    vendor.create(impossible)
    yield "04-create-refused"
    local = str(vendor.create(plain.data).json()["id"])
    yield "04-create"
    vendor.document(local)
    yield "07-document-refused"
    signings = bench.driver.signings(plain)
    by_role = {
        role: [one for one in signings if one["role"] == role] for role in {str(one["role"]) for one in signings}
    }
    vendor.sign(local, [{**by_role["subject-teacher"][0], "signer": by_role["principal"][0]["signer"]}], limit=60)
    yield "05-sign-mismatch"
    vendor.sign(local, by_role["subject-teacher"][:1], limit=60)
    yield "05-sign"
    vendor.edit(local, {"subjects": {by_role["subject-teacher"][0]["subjects"][0]: {"comment": "Tiến bộ."}}})
    yield "10-edit-refused"
    vendor.issue(local)
    yield "06-issue-refused"
    vendor.sign(local, by_role["subject-teacher"][1:], limit=60)
    for role in ("homeroom-teacher", "principal", "school-seal"):
        vendor.sign(local, by_role[role], limit=60)
    vendor.issue(local)
    yield "06-issue"
    vendor.document(local)
    yield "07-document"
    vendor.submit(local)
    yield "08-submission"
    vendor.tick()
    yield "11-tick"
    for _ in range(200):
        if vendor.state(local)["state"] == "delivered":
            break
        vendor.tick()
        bench.driver.clock.sleep(0.2)
    yield "09-state"


def pair(method: str, path: str, body: Any, answer: Answer, *, token: str) -> dict[str, Any]:
    """One request with its answer, as it is kept."""
    xml = "xml" in answer.headers.get("content-type", "")
    request: dict[str, Any] = {
        "method": method,
        "path": path,
        "headers": {"Authorization": f"Bearer {token}"}
        | ({"Content-Type": "application/json"} if body is not None else {}),
    }
    if body is not None:
        request["body"] = shown(body, whole=answer.status == 201)
    content = answer.body[:240].decode("utf-8", "ignore") + "…" if xml else shown(answer.json())
    kind = answer.headers.get("content-type", "")
    return {"request": request, "response": {"status": answer.status, "contentType": kind, "body": content}}


def shown(value: Any, key: str = "", *, whole: bool = False) -> Any:
    """A value without secrets, long lists cut unless ``whole``."""
    if key in HIDDEN:
        return HIDDEN[key]
    if key == "buildHash":
        return "…"
    if isinstance(value, dict):
        return {name: shown(one, name, whole=whole) for name, one in value.items()}
    if isinstance(value, list):
        kept = value if whole or key in ("capabilities", "programmes", "regular") else value[:SHORT]
        return [shown(one, whole=whole) for one in kept]
    return value


def shape(value: Any) -> Any:
    """Names and kinds of what a value holds; of a list the different shapes of its elements."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(one), sort_keys=True) for one in value})
    return type(value).__name__


def page(pairs: dict[str, dict[str, Any]]) -> str:
    """The page that lists them."""
    lines = [HEAD]
    for name, one in pairs.items():
        request, response = one["request"], one["response"]
        lines += [f"## {name[:2]} {TITLES[name][0]} / {TITLES[name][1]}", "", f"[{name}.json](pairs/{name}.json)", ""]
        lines += ["```http", f"{request['method']} {request['path']}"]
        lines += [f"{header}: {value}" for header, value in request["headers"].items()]
        if "body" in request:
            lines += ["", json.dumps(request["body"], ensure_ascii=False, indent=1)]
        body = response["body"]
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=1)
        lines += [
            "```",
            "",
            "```http",
            f"HTTP/1.1 {response['status']}",
            f"Content-Type: {response['contentType']}",
            "",
            text,
        ]
        lines += ["```", ""]
    return "\n".join(lines)


def requests(pairs: dict[str, dict[str, Any]]) -> str:
    """A ``.http`` file of the requests, to be sent from an editor."""
    lines = ["@host = http://127.0.0.1:8001", "@token = hocba-test", "@id = ", ""]
    for name, one in pairs.items():
        request = one["request"]
        path = re.sub(r"(?<=/transcripts/)[^/]+", "{{id}}", request["path"])
        lines += [f"### {name}: {TITLES[name][0]} / {TITLES[name][1]}", f"{request['method']} {{{{host}}}}{path}"]
        lines += [
            f"{header}: {value.replace('hocba-test', '{{token}}')}" for header, value in request["headers"].items()
        ]
        if "body" in request:
            lines += ["", json.dumps(request["body"], ensure_ascii=False, indent=1)]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Write everything anew."""
    pairs = record()
    (FOLDER / "pairs").mkdir(parents=True, exist_ok=True)
    for name, one in pairs.items():
        text = json.dumps(one, ensure_ascii=False, indent=1) + "\n"
        (FOLDER / "pairs" / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")
    (FOLDER / "pairs.md").write_text(page(pairs), encoding="utf-8", newline="\n")
    (FOLDER / "requests.http").write_text(requests(pairs), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
