"""The control interface: spaces, faults, scripted outcomes, journal (docs/control-api.md). Own listener, own token."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field

from mock_moet.faults import Fault, Model, Outcome
from mock_moet.hosts import is_known
from mock_moet.ministry import FaultProblem, Ministry
from mock_moet.placing import placed_authorisation, placed_record
from mock_moet.rules import State
from mock_moet.store import STORAGE_ERRORS, SpaceRow

_BODY_LIMIT = 8 * 1024 * 1024


class NewSpace(Model):
    """What a space is opened with."""

    schools: list[str] = Field(min_length=1, max_length=1000)
    trust_pem: str = ""
    crls_pem: str = ""
    leaders: list[str] | None = None
    token_lifetime: int | None = Field(None, ge=1, le=86_400)
    judging: Literal["full", "accept-all"] = "full"
    clock_offset: float = 0.0
    accept_unreserved: bool = False
    closed_years: list[int] = Field(default_factory=list)
    label: str = Field("", max_length=200)
    quota_bytes: int | None = Field(None, ge=1)
    own_port: bool = False


class NewClient(Model):
    """Another client of a space."""

    schools: list[str] = Field(min_length=1, max_length=1000)


class NewRecord(Model):
    """A transcript placed as it is, unjudged."""

    content: str
    state: Literal["accepted", "superseded", "revoked"] = "accepted"
    handed_out: bool = False


class NewAuthorisation(Model):
    """An authorisation placed by the test."""

    learner: str = Field(min_length=1, max_length=64)
    purpose: str = "transfer"
    receiver: str = Field(min_length=1, max_length=64)
    seconds: float = Field(3600.0, ge=-31_536_000, le=31_536_000)
    used: bool = False


class Report(Model):
    """Where the report of a run is to be read."""

    url: str = Field(max_length=2000)


class NewProfile(Model):
    """A fault profile to play in a space."""

    name: str
    seed: int | None = Field(None, ge=0, lt=2**32)


class Window(Model):
    """School years (first calendar year) whose window is closed."""

    closed_years: list[int]


def create_control(ministry: Ministry) -> FastAPI:
    """The control interface of ``ministry``: an ASGI application for its own listener."""
    app = FastAPI(title="Mock Ministry control", docs_url=None, redoc_url=None, openapi_url=None)
    settings = ministry.settings

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not is_known(request.headers.get("host", ""), settings.control_hosts):
            return _error(421, "tên máy chủ lạ", "unknown host")
        declared = request.headers.get("content-length") or "0"
        if not declared.isdecimal() or int(declared[:20]) > _BODY_LIMIT or "transfer-encoding" in request.headers:
            return _error(413, "nội dung quá lớn", "the body is too large")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(token.strip().encode(), settings.control_token.encode())
        if scheme.lower() != "bearer" or not right:
            return _error(401, "sai mã điều khiển", "wrong control token")
        return await call_next(request)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        return _error(422, f"{where}: dữ liệu sai: {first['msg']}", f"{where}: wrong data: {first['msg']}")

    async def unwritable(_: Request, error: Exception) -> Response:
        del error  # in the log of the operation that failed
        return _error(503, "kho dữ liệu không dùng được", "the store cannot be used")

    for kind in STORAGE_ERRORS:
        app.add_exception_handler(kind, unwritable)

    def space(name: str) -> SpaceRow:
        row = ministry.space(name)
        if row is None:
            raise HTTPException(404, "không có không gian này / no such space")
        return row

    known = Depends(space)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {
            "service": "mock-moet", "test": True, "pack": ministry.pack.name, "packDigest": ministry.pack.digest,
            "publicUrl": settings.public_url, "time": settings.clock.now().isoformat(),
            "durability": ministry.store.durability(), "caPem": ministry.authority_pem,
            "ownPorts": ministry.doors is not None,
        }  # fmt: skip

    @app.post("/spaces", status_code=201)
    def open_space(body: NewSpace) -> dict[str, str]:
        if body.own_port and ministry.doors is None:
            raise HTTPException(422, "ownPort: không có cổng riêng ở đây / no ports of their own here")
        try:
            row, client, secret = ministry.open_space(body.model_dump(by_alias=True, mode="json"))
        except OSError as error:
            raise HTTPException(503, f"ownPort: không mở được cổng / cannot open a port: {error}") from error
        except ValueError as error:
            raise HTTPException(422, f"chứng thư gốc hoặc CRL sai / wrong anchors or CRLs: {error}") from error
        base = ministry.base_url(row.name)
        paths = ministry.wire.messages["paths"]
        return {
            "space": row.name, "baseUrl": base, "tokenUrl": base + paths["token"], "clientId": client.id,
            "clientSecret": secret, "caPem": ministry.authority_pem,
        }  # fmt: skip

    @app.delete("/spaces/{name}", status_code=204)
    def drop(row: SpaceRow = known) -> None:
        ministry.drop_space(row.name)

    @app.get("/spaces/{name}/faults")
    def faults(row: SpaceRow = known) -> dict[str, Any]:
        return {"faults": ministry.corner(row.name).faults.listing()}

    @app.put("/spaces/{name}/faults", status_code=204)
    def set_faults(body: list[Fault], row: SpaceRow = known) -> None:
        _check_faults(ministry, row, body)
        ministry.set_faults(row.name, body)

    @app.post("/spaces/{name}/faults", status_code=204)
    def add_faults(body: list[Fault], row: SpaceRow = known) -> None:
        _check_faults(ministry, row, body)
        ministry.set_faults(row.name, body, beside=True)

    @app.delete("/spaces/{name}/faults", status_code=204)
    def clear_faults(row: SpaceRow = known) -> None:
        ministry.set_faults(row.name, ())

    @app.put("/spaces/{name}/profile")
    def set_profile(body: NewProfile, row: SpaceRow = known) -> dict[str, Any]:
        if body.name not in ministry.profiles:
            known_names = ", ".join(ministry.profiles)
            raise HTTPException(422, f"không có chế độ lỗi / no such fault profile: {body.name} ({known_names})")
        ministry.play(row, body.name, body.seed)
        return _profile(ministry, row)

    @app.get("/spaces/{name}/profile")
    def profile(row: SpaceRow = known) -> dict[str, Any]:
        return _profile(ministry, row)

    @app.delete("/spaces/{name}/profile", status_code=204)
    def end_profile(row: SpaceRow = known) -> None:
        ministry.play(row, "")

    @app.put("/spaces/{name}/outcomes", status_code=204)
    def set_outcomes(body: list[Outcome], row: SpaceRow = known) -> None:
        ministry.corner(row.name).outcomes.replace(body)

    @app.delete("/spaces/{name}/tokens", status_code=204)
    def drop_tokens(row: SpaceRow = known) -> None:
        ministry.store.drop_tokens(row.name)

    @app.post("/spaces/{name}/clients", status_code=201)
    def add_client(body: NewClient, row: SpaceRow = known) -> dict[str, str]:
        client, secret = ministry.add_client(row.name, body.schools)
        return {"clientId": client.id, "clientSecret": secret}

    @app.post("/spaces/{name}/records", status_code=201)
    def place_record(body: NewRecord, row: SpaceRow = known) -> dict[str, Any]:
        try:
            one = placed_record(ministry, row, body.content, State(body.state), handed_out=body.handed_out)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return {
            "receipt": one.receipt, "record": one.record, "version": one.version, "school": one.school,
            "digest": one.digest,
        }  # fmt: skip

    @app.post("/spaces/{name}/authorisations", status_code=201)
    def place_authorisation(body: NewAuthorisation, row: SpaceRow = known) -> dict[str, str]:
        try:
            code = placed_authorisation(
                ministry, row, learner_code=body.learner, purpose=body.purpose, receiver=body.receiver,
                seconds=body.seconds, used=body.used,
            )  # fmt: skip
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return {"code": code}

    @app.put("/spaces/{name}/window", status_code=204)
    def window(body: Window, row: SpaceRow = known) -> None:
        ministry.change_space(row.name, {**row.settings, "closedYears": body.closed_years})

    @app.put("/spaces/{name}/report", status_code=204)
    def report(body: Report, row: SpaceRow = known) -> None:
        ministry.change_space(row.name, {**row.settings, "report": body.url})

    @app.get("/spaces/{name}/journal")
    def journal(after: int = 0, row: SpaceRow = known) -> dict[str, Any]:
        entries, last = ministry.corner(row.name).journal.after(after)
        return {"entries": entries, "last": last}

    @app.get("/spaces/{name}/submissions")
    def submissions(row: SpaceRow = known) -> dict[str, Any]:
        with ministry.store.read(row.name) as transaction:
            stored = transaction.everything()
        return {
            "submissions": [
                {
                    "receipt": one.known.receipt, "record": one.known.record, "version": one.known.version,
                    "event": one.known.event.value, "state": one.known.state.value, "digest": one.known.digest,
                    "school": one.known.school, "receivedAt": one.received_at, "findings": one.findings,
                    "error": one.error,
                }
                for one in stored
            ]
        }  # fmt: skip

    @app.get("/spaces/{name}/submissions/{receipt}/content")
    def content(receipt: str, row: SpaceRow = known) -> Response:
        with ministry.store.read(row.name) as transaction:
            data = transaction.content(receipt)
        if data is None:
            raise HTTPException(404, "không có biên nhận này / no such receipt")
        return Response(data, media_type="application/octet-stream", headers={"x-content-type-options": "nosniff"})

    return app


def _profile(ministry: Ministry, space: SpaceRow) -> dict[str, Any]:
    corner = ministry.corner(space.name)
    if corner.playing is None:
        return {"name": "", "seed": None}
    one = corner.playing
    return {
        "name": one.name, "seed": one.seed, "title": one.profile.title.model_dump(), "calls": one.profile.calls,
        "inARow": one.profile.in_a_row, "fired": corner.faults.mixed,
    }  # fmt: skip


def _check_faults(ministry: Ministry, space: SpaceRow, faults: list[Fault]) -> None:
    try:
        ministry.check_faults(space, faults)
    except FaultProblem as problem:
        raise HTTPException(422, str(problem)) from problem


def _error(status: int, vi: str, en: str) -> JSONResponse:
    return JSONResponse({"detail": f"{vi} / {en}", "trace": secrets.token_hex(8)}, status)
