"""Sends prepared requests over HTTP/1.1: as fast as some connections go, or at a constant rate (open loop).

At a constant rate a request is due at its moment, whether or not the ones before it have been answered, and its time is
counted from that moment. A service that stands still for a second is then seen to have kept everybody waiting; a closed
loop (wrk, hey) would have stood still with it and counted one slow answer (coordinated omission).

It runs on the same cores as the service, so it does as little as can be: whole requests are handed to the kernel, and
of an answer only status and length are read. What it takes itself is measured, too.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

PATIENCE = 60.0
"""Seconds until an answer is given up."""
MOST_CONNECTIONS = 256
"""Open at the same time, at a constant rate."""
_BUFFER = 1 << 20
Request = tuple[bytes, bytes]
"""Head and body."""


@dataclass
class Sent:
    """What came of the requests. Times in seconds."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    """0: no answer."""
    seconds: float = 0.0
    """From the first request to the last answer."""
    late: float = 0.0
    """How much later than it was due a request left at worst: the sender's own delay, part of that request's time."""
    processor: float = 0.0
    """Seconds of processor time of the sender itself."""

    def add(self, other: Sent) -> None:
        """What was sent after it."""
        self.times += other.times
        self.statuses += other.statuses
        self.seconds += other.seconds
        self.late = max(self.late, other.late)
        self.processor += other.processor

    def percentile(self, which: float) -> float:
        """The time that so many percent of the requests did not exceed."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * which / 100))] if ordered else 0.0

    def shown(self) -> str:
        """The usual percentiles in milliseconds."""
        return " ".join(f"p{which:g} {self.percentile(which) * 1000:.0f}" for which in (50, 90, 99, 99.9)) + " ms"


class _Connection:
    """One kept connection, and the request it carries."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self.socket.setblocking(False)
        self.left: list[memoryview] = []
        self.answer = b""
        self.due = 0.0
        self.request: Request = (b"", b"")
        self.stuck = False
        """The kernel takes no more for now."""
        self.used = False
        """It has carried a request before: the service may have closed it meanwhile."""

    def begin(self, request: Request, due: float) -> None:
        self.request, self.due, self.answer = request, due, b""
        self.left = [memoryview(one) for one in request if one]

    def push(self) -> bool:
        """Hand on what the kernel takes; whether all is on its way."""
        while self.left:
            try:
                sent = self.socket.sendmsg(self.left)
            except BlockingIOError:
                return False
            while self.left and sent >= len(self.left[0]):
                sent -= len(self.left.pop(0))
            if sent:
                self.left[0] = self.left[0][sent:]
        return True

    def pull(self) -> int | None:
        """The status once the whole answer is here, 0 when the connection ended before; ``None``: not yet."""
        try:
            piece = self.socket.recv(65536)
        except BlockingIOError:
            return None
        if not piece:
            return 0
        self.answer += piece
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return None
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return int(head.split(b" ", 2)[1]) if len(body) >= length else None


class _Sender:
    def __init__(self, address: tuple[str, int], requests: Iterator[Request], rate: float | None, most: int) -> None:
        self.sent = Sent()
        self._address, self._requests, self._rate, self._most = address, requests, rate, most
        self._selector = selectors.DefaultSelector()
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._overdue: deque[tuple[Request, float]] = deque()

    def run(self) -> Sent:
        begin, used, at, more = time.perf_counter(), time.process_time(), 0, True
        while more or self._busy or self._overdue:
            now = time.perf_counter()
            while more and self._due(begin, at) <= now:
                if self._rate is None and len(self._busy) >= self._most:
                    break
                request = next(self._requests, None)
                if request is None:
                    more = False
                    break
                due = now if self._rate is None else self._due(begin, at)
                self._overdue.append((request, due))
                at += 1
                self._start()
            until = self._due(begin, at) - time.perf_counter() if more and self._rate is not None else 1.0
            for key, events in self._selector.select(max(0.0, min(1.0, until))):
                self._look(key.data, events)
            self._give_up()
        self.sent.seconds, self.sent.processor = time.perf_counter() - begin, time.process_time() - used
        for one in self._idle:
            one.socket.close()
        self._selector.close()
        return self.sent

    def _due(self, begin: float, at: int) -> float:
        return begin if self._rate is None else begin + at / self._rate

    def _start(self) -> None:
        """Send what is due, as far as there are connections; the one used last is used next."""
        while self._overdue and len(self._busy) < self._most:
            request, due = self._overdue.popleft()
            connection = self._idle.pop() if self._idle else self._connect()
            if connection is None:
                self._done(0, due)
                continue
            self.sent.late = max(self.sent.late, time.perf_counter() - due)
            self._carry(connection, request, due)

    def _connect(self) -> _Connection | None:
        try:
            made = _Connection(self._address)
        except OSError:
            return None
        self._selector.register(made.socket, selectors.EVENT_READ, made)
        return made

    def _carry(self, connection: _Connection, request: Request, due: float) -> None:
        self._busy.add(connection)
        connection.begin(request, due)
        self._look(connection, selectors.EVENT_WRITE)

    def _look(self, connection: _Connection, events: int) -> None:
        if connection not in self._busy:  # closed by the service while nobody used it
            self._drop(connection)
            return
        status: int | None = None
        try:
            if events & selectors.EVENT_WRITE and connection.push() is connection.stuck:
                connection.stuck = not connection.stuck
                both = selectors.EVENT_READ | selectors.EVENT_WRITE
                self._selector.modify(connection.socket, both if connection.stuck else selectors.EVENT_READ, connection)
            if events & selectors.EVENT_READ:
                status = connection.pull()
        except OSError:
            status = 0
        if status is None:
            return
        self._busy.discard(connection)
        if status == 0:
            self._drop(connection)
            again = self._connect() if connection.used and not connection.answer else None
            if again is not None:  # it was closed meanwhile: as any client does
                self._carry(again, connection.request, connection.due)
                return
        else:
            connection.used = True
            self._idle.append(connection)
        self._done(status, connection.due)
        self._start()

    def _drop(self, connection: _Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _done(self, status: int, due: float) -> None:
        self.sent.statuses[status] += 1
        self.sent.times.append(time.perf_counter() - due)

    def _give_up(self) -> None:
        late = time.perf_counter() - PATIENCE
        for one in [one for one in self._busy if one.due < late]:
            self._busy.discard(one)
            self._drop(one)
            self._done(0, one.due)


def send(
    address: tuple[str, int], requests: Iterable[Request], *, rate: float | None = None, connections: int = 16,
    count: int | None = None,
) -> Sent:  # fmt: skip
    """Send at most ``count`` requests; ``rate``: so many a second, ``None``: as fast as ``connections`` go."""
    most = connections if rate is None else MOST_CONNECTIONS
    return _Sender(address, islice(iter(requests), count), rate, most).run()
