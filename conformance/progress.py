"""Progress of a long run, on the error stream: never in the results, never for a short one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

T = TypeVar("T")
QUIET = 3.0
"""Seconds without a word: most runs are over by then."""
ON_SCREEN, IN_A_LOG = 0.5, 60.0
"""Seconds between two lines where one overwrites the other, and where each stays."""


def shown(results: Iterable[T], stream: TextIO | None = None, quiet: float = QUIET) -> Iterator[T]:
    """Hand on ``results``, telling now and then how many there were and how fast they come."""
    out = sys.stderr if stream is None else stream
    screen = out.isatty()
    began = time.monotonic()
    due, told = began + quiet, False
    for number, one in enumerate(results, 1):
        yield one
        now = time.monotonic()
        if now >= due:
            due, told = now + (ON_SCREEN if screen else IN_A_LOG), True
            text = f"{number} tệp / files, {number / (now - began):.0f}/s"
            out.write(f"\r{text}\x1b[K" if screen else f"{text}\n")
            out.flush()
    if told and screen:
        out.write("\r\x1b[K")
        out.flush()
