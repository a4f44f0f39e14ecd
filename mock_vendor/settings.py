"""What the reference vendor is started with, and the clock it lives by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx

from conformance.pack import Pack

if TYPE_CHECKING:
    from mock_vendor.register import Wanted
    from mock_vendor.signing import Credential


class Clock(Protocol):
    """Time: real, or scaled in tests. Nothing in this package asks the machine directly."""

    def now(self) -> datetime:
        """The time of day, aware."""

    def monotonic(self) -> float:
        """Seconds since some start."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class RemoteSigning(Protocol):
    """A remote signing service: the keys never leave it."""

    def enrol(self, packed: Mapping[str, tuple[bytes, str]]) -> None:
        """Give it the session's keys: PKCS#12 and password by signer."""

    def desk(self, wanted: Sequence[Wanted], clock: Clock, gone: Callable[[], bool]) -> Callable[[str], Credential]:
        """Credentials of signers, by signer, once each has confirmed as many signatures as are wanted of him.

        Raises:
            Refused: somebody does not confirm.
        """


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """Settings of one reference vendor. Times in seconds of ``clock``."""

    pack: Pack
    token: str
    clock: Clock = field(default_factory=SystemClock)
    transport: httpx.BaseTransport | None = None
    """Towards the Ministry; ``None``: the network, with certificates checked."""
    defects: frozenset[str] = frozenset()
    """Names from :data:`mock_vendor.defects.DEFECTS`."""
    outbox_interval: float = 0.2
    poll_interval: float = 0.2
    first_retry: float = 0.4
    longest_retry: float = 2.4
    attempts: int = 5
    request_timeout: float = 1.0
    takes: str = "components"
    """Whether component marks or semester averages are entered."""
    rendition: str = "html"
    """Form of printed renditions: ``html`` or ``pdf``."""
    programmes: tuple[str, ...] = ()
    """Programmes the description claims (empty: all of the pack); others work as soon as a roster has them."""
    signing: str = "file"
    """Signing path: ``file``; or ``remote`` and ``token``, which answer 202 and take their time."""
    confirm_after: float = 0.5
    """Seconds until whoever has to confirm a list of signatures has done so; not for ``file``."""
    signing_time: float = 120.0
    """Seconds within which one list of signers has signed."""
    remote: RemoteSigning | None = None
    """The remote signing service, where signing is ``remote``."""
    ticks: bool = True
    """Whether ``POST /tick`` is offered."""
    folder: Path | None = None
    """Where everything that survives a hard stop is kept; ``None``: in memory, for restarts within the process."""
    restart: Callable[[], None] | None = None
    """How the process is replaced by a fresh one; ``None``: only the office is."""
    background: bool = True
    """Whether a thread does the background work; without it only ``POST /tick`` does."""
