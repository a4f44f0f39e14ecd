"""A mock of a remote signing service: keys that never leave it, and people who confirm on their telephones.

The calls are those of the Cloud Signature Consortium's API v2 that server-side software needs (``info``,
``credentials/list``, ``credentials/info``, ``credentials/authorize`` and ``authorizeCheck``, ``signatures/signHash``).
One client credential of the software reaches the credentials of all its schools. Not of the API: ``PUT`` of a
credential, by which a test gives the service its keys.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from mock_vendor.settings import Clock
from mock_vendor.signing import Credential

PREFIX = "/csc/v2"
SAD_LASTS = 300.0
"""Seconds for which a confirmation is good."""

HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
PSS = "1.2.840.113549.1.1.10"
PKCS1 = frozenset({"1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"})
ECDSA = frozenset({"1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"})


@dataclass(slots=True)
class Authorisation:
    """A confirmation that was asked for."""

    credential: str
    left: int
    """Signatures that may still be made with it."""
    asked: float
    sad: str = ""
    lasts: float = 0.0


@dataclass(slots=True)
class SigningService:
    """The service's state. Times in seconds of ``clock``."""

    clock: Clock
    secret: str
    confirm_after: float
    """Seconds until somebody confirms."""
    decline: frozenset[str] = frozenset()
    """Credentials whose holders decline."""
    credentials: dict[str, Credential] = field(default_factory=dict)
    authorisations: dict[str, Authorisation] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def credential(self, name: Any) -> Credential:
        """One credential by its identifier."""
        if name not in self.credentials:
            raise _problem("invalid_request", "Invalid parameter credentialID")
        return self.credentials[str(name)]

    def check(self, handle: Any) -> dict[str, Any] | None:
        """A confirmation's signature activation data; ``None`` while nobody has confirmed."""
        one = self.authorisations.get(str(handle))
        if one is None:
            raise _problem("invalid_request", "Invalid parameter handle")
        now = self.clock.monotonic()
        if now < one.asked + self.confirm_after:
            return None
        if one.credential in self.decline:
            raise _problem("access_denied", "The holder of the credential declined")
        if not one.sad:
            one.sad, one.lasts = secrets.token_urlsafe(24), now + SAD_LASTS
        return {"SAD": one.sad, "expiresIn": int(one.lasts - now)}

    def spend(self, sad: Any, credential: str, count: int) -> None:
        """Use a confirmation for some signatures."""
        now = self.clock.monotonic()
        with self.lock:
            for one in self.authorisations.values():
                if one.sad and one.sad == sad and one.credential == credential and now < one.lasts:
                    if one.left < count:
                        raise _problem("invalid_request", "More signatures than were authorised")
                    one.left -= count
                    return
        raise _problem("invalid_request", "Invalid parameter SAD")


def _problem(error: str, description: str) -> HTTPException:
    return HTTPException(400, {"error": error, "error_description": description})


def _hash(data: Any) -> bytes:
    try:
        return base64.b64decode(str(data), validate=True)
    except binascii.Error as error:
        raise _problem("invalid_request", "Invalid Base64 hashes string parameter") from error


def signed(key: Any, digest: bytes, algorithm: str, hash_oid: str) -> bytes:
    """One signature value over a digest; ECDSA as DER."""
    named = HASHES.get(hash_oid)
    if named is None or len(digest) != named.digest_size:
        raise _problem("invalid_request", "Invalid parameter hashAlgorithmOID")
    known = Prehashed(named)
    if isinstance(key, ec.EllipticCurvePrivateKey) and algorithm in ECDSA:
        return key.sign(digest, ec.ECDSA(known))
    if isinstance(key, rsa.RSAPrivateKey) and algorithm == PSS:
        return key.sign(digest, padding.PSS(padding.MGF1(named), named.digest_size), known)
    if isinstance(key, rsa.RSAPrivateKey) and algorithm in PKCS1:
        return key.sign(digest, padding.PKCS1v15(), known)
    raise _problem("invalid_request", "Invalid parameter signAlgo")


def _described(credential: Credential) -> dict[str, Any]:
    public = credential.chain[0].public_key()
    is_rsa = isinstance(public, rsa.RSAPublicKey)
    key: dict[str, Any] = {"status": "enabled", "algo": sorted({PSS, *PKCS1} if is_rsa else ECDSA)}
    key["len"] = public.key_size if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
    listed = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in credential.chain]
    leaf: x509.Certificate = credential.chain[0]
    return {
        "key": key,
        "cert": {"status": "valid", "certificates": listed, "subjectDN": leaf.subject.rfc4514_string()},
        "auth": {"mode": "explicit"},
        "SCAL": "1",
        "multisign": 100,
    }


def create_signing_app(service: SigningService) -> FastAPI:
    """The service as an ASGI application."""
    app = FastAPI(title="mock remote signing", openapi_url=None, docs_url=None, redoc_url=None)

    async def body(request: Request) -> dict[str, Any]:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {service.secret}".encode()):
            raise HTTPException(401, {"error": "invalid_token", "error_description": "Invalid access token"})
        found = await request.json()
        return found if isinstance(found, dict) else {}

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(error.detail, error.status_code)

    @app.put("/credentials/{name:path}", status_code=204)
    async def enrol(name: str, request: Request) -> None:
        given = await body(request)
        loaded = Credential.load(base64.b64decode(given["pkcs12"]), given["password"])
        service.credentials[name] = loaded

    @app.post(f"{PREFIX}/info")
    async def info() -> dict[str, Any]:
        methods = [
            "info", "credentials/list", "credentials/info", "credentials/authorize", "credentials/authorizeCheck",
            "signatures/signHash",
        ]  # fmt: skip
        return {"specs": "2.0.0.0", "name": "mock", "lang": "vi-VN", "authType": ["oauth2client"],
                "methods": methods, "description": "mock remote signing service; test keys only"}  # fmt: skip

    @app.post(f"{PREFIX}/credentials/list")
    async def listed(request: Request) -> dict[str, Any]:
        await body(request)
        return {"credentialIDs": sorted(service.credentials)}

    @app.post(f"{PREFIX}/credentials/info")
    async def described(request: Request) -> dict[str, Any]:
        given = await body(request)
        return _described(service.credential(given.get("credentialID")))

    @app.post(f"{PREFIX}/credentials/authorize")
    async def authorise(request: Request) -> JSONResponse:
        given = await body(request)
        name, count = given.get("credentialID"), given.get("numSignatures")
        service.credential(name)
        if not isinstance(count, int) or not 1 <= count <= 100:
            raise _problem("invalid_request", "Invalid parameter numSignatures")
        handle = secrets.token_urlsafe(16)
        service.authorisations[handle] = Authorisation(str(name), count, service.clock.monotonic())
        return JSONResponse({"handle": handle, "expiresIn": int(SAD_LASTS)}, 202)

    @app.post(f"{PREFIX}/credentials/authorizeCheck")
    async def check(request: Request) -> JSONResponse:
        given = await body(request)
        found = service.check(given.get("handle"))
        return JSONResponse({"handle": given.get("handle")}, 202) if found is None else JSONResponse(found)

    @app.post(f"{PREFIX}/signatures/signHash")
    async def sign(request: Request) -> dict[str, Any]:
        given = await body(request)
        name = str(given.get("credentialID"))
        key = service.credential(name).key
        asked = given.get("hashes")
        if not isinstance(asked, list) or not asked:
            raise _problem("invalid_request", "Missing (or invalid type) array parameter hashes")
        service.spend(given.get("SAD"), name, len(asked))
        algorithm, hash_oid = str(given.get("signAlgo")), str(given.get("hashAlgorithmOID"))
        values = [signed(key, _hash(one), algorithm, hash_oid) for one in asked]
        return {"signatures": [base64.b64encode(one).decode() for one in values]}

    return app
