"""The test interface over HTTP (``service/test-interface.yaml``): routes by ``operationId``, made from the pack."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

import mock_vendor
from mock_vendor.defects import DEFECTS
from mock_vendor.habits import with_defects
from mock_vendor.office import Office
from mock_vendor.printing import TEMPLATE
from mock_vendor.reasons import Reason, Refused
from mock_vendor.settings import VendorSettings
from mock_vendor.store import Store

PREFIX = "/hocba-test/v1"
BODY_LIMIT = 4 * 1024 * 1024
METHODS = ("get", "put", "post", "patch", "delete")
CAPABILITIES = (
    "create", "sign", "refuse-to-issue", "issue", "store", "submit", "follow-up", "amend", "receive", "batch",
    "restart", "clock", "seal",
)  # fmt: skip
RESTART_TIME = 60.0
"""Seconds within which a fresh process answers."""

Handler = Callable[[Office, str, Any], Response]


def _json(data: Any, status: int = 200) -> Response:
    return JSONResponse(data, status)


def build_hash(settings: VendorSettings) -> str:
    """SHA-256 over the sources, the pack and the chosen defects: another build behaves otherwise."""
    found = hashlib.sha256(settings.pack.digest.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    found.update(" ".join(sorted(settings.defects)).encode())
    return found.hexdigest()


def description(settings: VendorSettings) -> dict[str, Any]:
    """The test interface's ``Description``."""
    offered = {
        "rendition": settings.pack.path("vendor", TEMPLATE).is_file(),
        "revoke": settings.pack.revocation is not None,
        "tick": settings.ticks,
    }
    return {
        "vendor": "Dự án học bạ số mở",
        "product": "Phần mềm học bạ tham chiếu / reference vendor",
        "version": mock_vendor.__version__,
        "buildHash": build_hash(settings),
        "programmes": list(settings.programmes or settings.pack.programmes),
        "capabilities": [*CAPABILITIES, *(name for name, has in offered.items() if has)],
        "intervals": {
            "outboxInterval": settings.outbox_interval,
            "pollInterval": settings.poll_interval,
            "firstRetry": settings.first_retry,
            "longestRetry": settings.longest_retry,
            "attempts": settings.attempts,
            "requestTimeout": settings.request_timeout,
            "signingTime": settings.signing_time,
            "restartTime": RESTART_TIME,
        },
        "takes": settings.takes,
        "signingPath": settings.signing,
        "concurrency": 1,
    }


def _rendition(office: Office, id_: str, _body: Any) -> Response:
    content, media_type = office.rendition(id_)
    return Response(content, media_type=media_type)


def _sign(office: Office, id_: str, body: Any) -> Response:
    return _signing(office.sign(id_, body), office.settings)


def _signing(errand: str, settings: VendorSettings) -> Response:
    """200 when all have signed, else where to ask again and what is waited for."""
    if not errand:
        return _json({})
    waits = "phone-confirmation" if settings.signing == "remote" else "operator-action"
    said = {"waitsFor": waits, "message": "chờ người ký xác nhận / waiting for the signers to confirm"}
    return JSONResponse(said, 202, headers={"Location": f"{PREFIX}/signings/{errand}"})


def _how_signing_goes(office: Office, id_: str, _body: Any) -> Response:
    return _signing("" if office.signing(id_) else id_, office.settings)


def _records(office: Office, _id: str, body: Any) -> Response:
    return _json(office.records(body.get("schoolYear"), body.get("school")))


def _handlers(settings: VendorSettings) -> dict[str, Handler]:
    said = description(settings)

    def done(act: Callable[[Office, str, Any], None], status: int = 200) -> Handler:
        def handle(office: Office, id_: str, body: Any) -> Response:
            act(office, id_, body)
            return _json({}, status)

        return handle

    return {
        "describe": lambda _office, _id, _body: _json(said),
        "begin": done(lambda office, _, body: office.begin(body)),
        "enrol": done(lambda office, _, body: office.enrol(body)),
        "create": lambda office, _, body: _json({"id": office.create(body)}, 201),
        "state": lambda office, id_, _: _json(office.state(id_)),
        "edit": done(lambda office, id_, body: office.edit(id_, body)),
        "sign": _sign,
        "signing": _how_signing_goes,
        "issue": done(lambda office, id_, _: office.issue(id_)),
        "document": lambda office, id_, _: Response(office.document(id_), media_type="application/xml"),
        "rendition": _rendition,
        "submit": done(lambda office, id_, _: office.submit(id_), 202),
        "amend": done(lambda office, id_, body: office.amend(id_, body)),
        "submit-batch": done(lambda office, _id, body: office.submit_batch(body), 202),
        "revoke": done(lambda office, id_, body: office.revoke(id_, body), 202),
        "authorise": lambda office, id_, body: _json(office.authorise(id_, body), 201),
        "import": lambda office, _id, body: _json(office.import_(body)),
        "records": _records,
        "refresh": done(lambda office, _id, _body: office.refresh()),
        **({"tick": done(lambda office, _id, _body: office.tick())} if settings.ticks else {}),
    }


def create_app(settings: VendorSettings) -> FastAPI:
    """The reference vendor as an ASGI application; its state is ``app.state.office`` (``app.state.close()`` when done).

    Raises:
        KeyError: a defect of that name does not exist.
    """
    habits = with_defects([DEFECTS[name].mixin for name in sorted(settings.defects)], settings.pack, settings.clock)
    store = Store(settings.folder)

    def fresh() -> Office:
        office = Office(settings, habits, store)
        office.resume()
        return office

    def restart() -> None:
        """Stop hard and start again."""
        if settings.restart is not None:
            settings.restart()
        else:
            app.state.office.kill()
            app.state.office = fresh()

    def close() -> None:
        app.state.office.close()
        store.close()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_sync(close)

    app = FastAPI(title="hocba mock vendor", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.office = fresh()
    app.state.close = close
    handlers = _handlers(settings)
    handlers["restart"] = lambda _office, _id, _body: JSONResponse({}, 202, background=BackgroundTask(restart))
    for path, operations in settings.pack.test_interface["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                endpoint = _endpoint(settings, app, handlers.get(operation["operationId"]))
                address = PREFIX if path == "/" else PREFIX + path
                app.add_api_route(address, endpoint, methods=[method.upper()], include_in_schema=False)
                if path == "/":
                    app.add_api_route(f"{PREFIX}/", endpoint, methods=[method.upper()], include_in_schema=False)
    return app


def _endpoint(
    settings: VendorSettings, app: FastAPI, handler: Handler | None
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            _authorise(request.headers, settings.token)
            if handler is None:
                raise Refused(404, [Reason("NOT_OFFERED")])
            body = dict(request.query_params) if request.method == "GET" else await _body(request)
            return await run_sync(handler, app.state.office, str(request.path_params.get("id", "")), body)
        except Refused as refused:
            return _json({"reasons": [one.data() for one in refused.reasons]}, refused.status)

    return endpoint


def _authorise(headers: Mapping[str, str], token: str) -> None:
    given = headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise Refused(401, [Reason("OTHER", message="thiếu hoặc sai mã truy cập / token missing or wrong")])


async def _body(request: Request) -> Any:
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > BODY_LIMIT:
            raise Refused(413, [Reason("OUT_OF_RANGE", message="quá lớn / too large")])
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refused(422, [Reason("INVALID_FIELD", message="không phải JSON / not JSON")]) from None
