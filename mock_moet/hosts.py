"""Which ``Host`` headers are answered by what only this machine may reach."""

from __future__ import annotations

from collections.abc import Collection


def is_known(host: str, names: Collection[str]) -> bool:
    """Whether a ``Host`` header names one of ``names``, with or without a port.

    A page in a browser could otherwise reach us under a name of its own (DNS rebinding).
    """
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return name in names
