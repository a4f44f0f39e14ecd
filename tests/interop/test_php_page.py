"""The router on the page for PHP vendors runs as it stands, with a desk that has nothing yet."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conformance.doors.http import Http
from conformance.doors.vendor import PREFIX
from tests.interop.tools import lacking

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "php.md"
SIGNING = PAGE.parents[1] / "signing-recipes.md"
DESK = """
class Desk {
    public function describe(): array { return ['vendor' => 'Thử', 'capabilities' => []]; }
    public function begin(array $session): void {}
    public function enrol(array $roster): void {}
    public function create(array $case): string {
        if (!isset($case['learner'])) throw new Refused(422, [['code' => 'MISSING_FIELD', 'field' => '/learner']]);
        return 'hb 1/é';
    }
    public function sign(string $id, array $signatures): void {
        throw new Refused(409, [['code' => 'SIGNER_MISMATCH', 'signer' => $signatures[0]['signer'], 'message' => $id]]);
    }
    public function issue(string $id): void {}
    public function document(string $id): string { return "<x>$id</x>"; }
}
"""
LIMIT = 60.0


@pytest.fixture
def php(tmp_path: Path) -> Iterator[Http]:
    """The page's router, served by PHP's own server."""
    program = shutil.which("php")
    if program is None:
        lacking("PHP")
    (code,) = re.findall(r"```php\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "router.php").write_text(code + DESK, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HOCBA_")}
    command = [str(program), "-d", "display_errors=0", "-S", f"127.0.0.1:{port}", "router.php"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
        http = Http(f"http://127.0.0.1:{port}", "hocba-test")
        try:
            until = time.monotonic() + LIMIT
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, "PHP ended"
                assert time.monotonic() < until, "PHP does not listen"
                time.sleep(0.05)
            yield http
        finally:
            http.close()
            process.terminate()


def test_the_router_of_the_page_answers_as_the_interface_wants(php: Http) -> None:
    assert php.call("GET", f"{PREFIX}/").json()["vendor"] == "Thử"
    assert php.call("PUT", f"{PREFIX}/session", {"runId": "r"}).json() == {}
    assert php.call("PUT", f"{PREFIX}/roster", {"schools": []}).status == 200
    created = php.call("POST", f"{PREFIX}/transcripts", {"learner": {"name": "Đỗ"}})
    assert (created.status, created.json()) == (201, {"id": "hb 1/é"})
    refused = php.call("POST", f"{PREFIX}/transcripts", {})
    assert (refused.status, refused.json()["reasons"][0]["field"]) == (422, "/learner")
    at = f"{PREFIX}/transcripts/hb%201%2F%C3%A9"
    signed = php.call("POST", f"{at}/signatures", {"signatures": [{"signer": "thcs/toan"}]})
    assert signed.status == 409
    assert signed.json()["reasons"][0]["message"] == "hb 1/é"
    assert php.call("POST", f"{at}/issue").status == 200
    document = php.call("GET", f"{at}/document")
    assert document.headers["content-type"].startswith("application/xml")
    assert document.body == "<x>hb 1/é</x>".encode()
    assert php.call("POST", f"{PREFIX}/tick").json()["reasons"][0]["code"] == "NOT_OFFERED"
    wrong = httpx.get(f"{php.base_url}{PREFIX}/", headers={"Authorization": "Bearer no"}, trust_env=False, timeout=30)
    assert wrong.status_code == 401


def test_the_code_on_the_signing_page_is_the_code_that_signs_in_the_tests() -> None:
    sources = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "php").glob("*.php"))]
    lines = ["\n".join(map(str.strip, text.splitlines())) for text in sources]
    blocks = re.findall(r"```php\n(.*?)```", SIGNING.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        shown = "\n".join(map(str.strip, block.strip().splitlines()))
        assert any(shown in text for text in lines), shown[:80]
