"""What keeps a stranger's answer within bounds below HTTP: a deadline over a whole call, and decoding that stops.

The timeouts of a client hold for one read each: headers that drip for ever, or interim answers without an end, meet
none of them. Here every read of a call has only the time that is left of the whole.
"""

from __future__ import annotations

import ssl
import threading
import time
import typing
import zlib
from collections.abc import Iterable, Iterator

import httpcore
import httpx

_IDENTITY = ("", "identity")
_ZIPPED = ("gzip", "x-gzip", "deflate")


class Undecodable(ValueError):
    """A content coding that nobody asked for, or octets that do not fit it; bilingual."""


class Deadline(threading.local):
    """The moment at which the calling thread's call ends."""

    until: float | None = None

    def left(self, wanted: float | None) -> float:
        """Seconds for the next step.

        Raises:
            httpcore.ReadTimeout: none are left.
        """
        if self.until is None:
            return 30.0 if wanted is None else wanted
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole call is over")
        return left if wanted is None else min(wanted, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> typing.Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        made = self._inner.connect_tcp(
            host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return _Stream(made, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class BoundedTransport(httpx.HTTPTransport):
    """HTTP/1.1 whose reads and writes end at ``deadline``."""

    def __init__(self, deadline: Deadline, verify: ssl.SSLContext | str | bool = True) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(verify=verify, trust_env=False),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=_Backend(deadline),
        )


def decoded(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """The body in pieces, a zipped one unpacked: never more than ``limit`` octets and one, whatever it swells to.

    Raises:
        Undecodable: a coding that was not asked for, or octets that do not fit it.
    """
    if response.is_stream_consumed:  # came whole, from a transport in process
        yield response.content
        return
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in _IDENTITY:
        yield from response.iter_raw()
        return
    if coding not in _ZIPPED:
        raise Undecodable(f"Content-Encoding: không nhận / not taken: {coding[:40]!r}")
    inflate, count = zlib.decompressobj(zlib.MAX_WBITS | 32), 0
    for chunk in response.iter_raw():
        try:
            data = inflate.decompress(chunk, limit + 1 - count)
        except zlib.error as error:
            raise Undecodable(f"Content-Encoding: {coding}: {error}") from error
        count += len(data)
        yield data
        if count > limit:
            return
