"""Secrets of a run stand in nothing that it leaves behind, whoever says them: report, results, evidence, screen."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from conformance.doors.http import BadAnswer, Http
from conformance.pack import default_pack
from conformance.suite.settings import Options
from conformance.suite.setup import begin
from mock_moet.control import create_control
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from mock_vendor.app import create_app
from mock_vendor.settings import VendorSettings
from tests.attacks.hostile_vendor import with_json
from tests.world import ScaledClock

TOKEN = "a-token-of-the-test-interface"
LIMIT = 400
"""Seconds for a whole run, on a busy machine."""
Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Parrot:
    """The reference vendor, whose operator is shown every secret that it was ever told."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.secrets: set[str] = {TOKEN}

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        body, begun = bytearray(), scope["type"] == "http" and scope["path"].endswith("/session")

        async def listening() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            if begun and not message.get("more_body") and body:
                self._learn(json.loads(bytes(body)))
            return message

        started: list[Message] = []

        async def talking(message: Message) -> None:
            told = scope["type"] == "http" and scope["method"] == "GET"
            if not told:
                await send(message)
            elif message["type"] == "http.response.start":
                started.append(message)
            else:
                await self._repeat(started, message, send)

        await self._app(scope, listening, talking)

    def _learn(self, session: Any) -> None:
        self.secrets |= {one["password"] for one in session["signers"]} | {session["ministry"]["clientSecret"]}

    async def _repeat(
        self, started: list[Message], message: Message, send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if started:
            whole = message.get("body", b"")
            try:
                value = json.loads(whole)
                if isinstance(value, dict):
                    value["operatorMessages"] = [*value.get("operatorMessages", []), *sorted(self.secrets)]
                    value["product"] = f"parrot {TOKEN}"
                    whole = json.dumps(value).encode()
            except ValueError:
                pass
            kept = [one for one in started[0]["headers"] if one[0].lower() != b"content-length"]
            length = (b"content-length", str(len(whole)).encode())
            await send({**started.pop(), "headers": [*kept, length]})
            message = {**message, "body": whole}
        await send(message)


def test_no_output_of_a_run_holds_a_secret(tmp_path: Path) -> None:
    pack = default_pack()
    app = create_app(
        VendorSettings(pack, TOKEN, programmes=("THCS",), defects=frozenset({"resubmits-under-new-identifier"}))
    )
    parrot = Parrot(app)
    config = uvicorn.Config(parrot, host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        for _ in range(1200):
            if server.started:
                break
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        command = [
            sys.executable, "-I", "-m", "conformance.suite.isolated", f"--target=http://127.0.0.1:{port}",
            f"--token={TOKEN}", "--programme=THCS", "--keys=p-256", "--item=exchange:reset-after",
            "--item=exchange:refusal-one", "--report=r.html", "--results=r.json", "--junit=r.xml", "--sarif=r.sarif",
            "--events=r.ndjson", "--evidence=evidence", "-p", "no:randomly",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=LIMIT, check=False)
    finally:
        server.should_exit = True
        thread.join(60)
        app.state.close()
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed.decode("utf-8", "replace")
    assert len(parrot.secrets) > 10
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        data = path.read_bytes()
        for secret in parrot.secrets:
            forms = (secret.encode(), base64.b64encode(secret.encode()))
            assert not any(form in data for form in forms), path.name
    for secret in parrot.secrets:
        assert secret.encode() not in printed
    # and yet the run was about something: the finding is there, the words around the secrets too
    result = (tmp_path / "r.json").read_bytes()
    assert b'"new-identifier"' in result
    assert b"parrot ***" in result


def test_a_refused_session_is_told_without_what_was_sent(tmp_path: Path) -> None:
    """Frameworks answer with the input that they did not like."""
    pack = default_pack()
    clock = ScaledClock()
    ministry = Ministry(Settings(pack=pack, clock=clock, control_token="control-token-of-this-test"))
    app = create_app(VendorSettings(pack, TOKEN, programmes=("THCS",), background=False))
    sent: list[dict[str, Any]] = []
    with InProcessTransport(create_control(ministry)) as control, InProcessTransport(app) as inner:

        class Echo(httpx.BaseTransport):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                if request.url.path.endswith("/session"):
                    sent.append(json.loads(request.read()))
                    return with_json(httpx.Response(422, request=request), {"detail": [{"input": sent[-1]}]})
                return inner.handle_request(request)

        vendor_http = Http("http://127.0.0.1", TOKEN, transport=Echo())
        control_http = Http("http://127.0.0.1", "control-token-of-this-test", transport=control)
        options = Options(
            target="http://127.0.0.1", programmes=("THCS",), keys="p-256", items=("exchange:reset-after",)
        )
        try:
            with pytest.raises(BadAnswer) as caught:
                begin(options, pack, clock.now(), 1, tmp_path, vendor_http, control_http)
        finally:
            for http in (vendor_http, control_http):
                http.close()
            app.state.close()
            ministry.close()
    said = str(caught.value)
    assert "PUT /session" in said
    session = sent[0]
    for one in (session["ministry"]["clientSecret"], *(signer["password"] for signer in session["signers"])):
        assert one not in said
    assert not any(signer["pkcs12"][:40] in said for signer in session["signers"])
