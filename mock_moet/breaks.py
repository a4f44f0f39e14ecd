"""How an answer can fail to arrive, as exceptions: where there is no connection to break (in process)."""

from __future__ import annotations

DEADLINE = "hocba.deadline"
"""Scope extension of in-process clients: the moment (``clock.monotonic()``) at which they stop waiting."""

CONNECTION = "hocba.connection"
"""Scope extension: the :class:`mock_moet.faults.Fault` that this connection began with, if any."""

VERIFIES = "hocba.verifies"
"""Scope extension of in-process clients: whether they check certificates. Present where TLS is only played."""


class Untrusted(Exception):
    """The client does not take the service's certificate."""


class Refused(Exception):
    """Nobody listens."""


class ConnectionReset(Exception):  # not an error of the service: a fault it was told to make
    """The client sees its connection reset."""


class ClientGone(Exception):
    """The client has stopped waiting."""


class AnswerCut(Exception):
    """The connection broke in the middle of the answer."""
