"""The service's state: settings, store, and per space the faults, scripted outcomes, journal, clock and trust."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Literal, Protocol

from conformance.checks.judge import judge_document
from conformance.pack import Pack, default_pack
from conformance.signature.trust import TrustStore
from mock_moet.certificates import VARIANTS, Variant
from mock_moet.clock import Clock, SystemClock
from mock_moet.deadlines import Deadlines
from mock_moet.faults import BELOW, Fault, FaultBook, Mix, OutcomeBook
from mock_moet.gathering import Gathering
from mock_moet.journal import LIMIT, Journal
from mock_moet.judges import Judges, trust_for
from mock_moet.judging import JudgeFunction
from mock_moet.profiles import Profile, load_profiles
from mock_moet.shared import SharedFaults, SharedJournal, SharedOutcomes
from mock_moet.store import ClientRow, SpaceRow, Store
from mock_moet.tables import hashed
from mock_moet.wire import Wire

_DESKS = 40
"""Spaces whose submissions are taken at the same time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run the service.

    ``judging``: ``background`` judges in a thread after the receipt was given; ``inline`` before the answer leaves, so
    that the first question about the outcome is answered for good (for tests in process).
    """

    pack: Pack = field(default_factory=default_pack)
    database: str = "sqlite://"
    clock: Clock = field(default_factory=SystemClock)
    control_token: str = ""
    """Empty: one is drawn."""
    public_url: str = "http://127.0.0.1:8115"
    """What clients put before ``/s/SPACE``."""
    control_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    judging: Literal["background", "inline"] = "background"
    judge: JudgeFunction = judge_document
    token_lifetime: int = 3600
    """Seconds, unless a space says otherwise."""
    journal_limit: int = LIMIT
    profile: str = ""
    """Fault profile of every space that is opened; empty: none."""
    seed: int | None = None
    """Of the profile's mixes; ``None``: one is drawn."""
    deadlines: Deadlines | None = None
    """Of requests and connections; ``None``: the pack's."""
    judges: int = 0
    """Processes that judge in the background; 0: a thread of the service does. Only with the usual ``judge``."""
    workers: int = 0
    """Processes that serve it beside this one; 0: this one does."""
    take_up: bool = True
    """Judge what an earlier process left unjudged."""
    shared: bool = False
    """Faults, scripted outcomes and journal live in the database, because several workers serve it."""
    quota: int = 1024 * 1024 * 1024
    """Bytes of content that a space may keep, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Playing:
    """A fault profile in use."""

    name: str
    seed: int
    profile: Profile


class FaultProblem(ValueError):
    """A fault cannot be set; ``field`` says what of it is wrong."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(slots=True)
class Corner:
    """What belongs to one space beside its records: in memory, or in the store where several workers share it."""

    faults: FaultBook
    outcomes: OutcomeBook
    journal: Journal
    desk: Gathering[Any, Any] = field(default_factory=Gathering)
    """Submissions that wait to be taken."""
    playing: Playing | None = None
    """The fault profile of the space."""
    refused_until: float = 0.0
    """In process: the moment on the clock until which nobody listens."""


class Doors(Protocol):
    """Ports of spaces' own, where there are real ones (:mod:`mock_moet.doors`). Called from any thread but theirs."""

    @property
    def authority_pem(self) -> str:
        """The authority behind the listeners' certificates; empty without TLS or with the operator's certificate."""

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The bad certificates that a port can show; none without TLS."""

    def open(self, space: str, port: int = 0) -> int:
        """Open a port of the space's own; which one it is. Raises OSError when it cannot be had."""

    def url(self, space: str) -> str:
        """Base URL at the space's own port; empty when it has none."""

    async def refuse(self, space: str, seconds: float) -> None:
        """Take no connections at the space's own port for some time. To be called in the loop of the listeners."""

    def renew(self, space: str) -> None:
        """End the connections at the space's own port, each when its call is answered; take new ones."""

    def close(self, space: str) -> None:
        """Close the space's port."""


class Ministry:
    """Everything the service's two faces (:mod:`mock_moet.api`, :mod:`mock_moet.control`) share.

    ``migrate``: bring the database up to date first (a worker finds that done).
    """

    def __init__(self, settings: Settings, *, migrate: bool = True) -> None:
        self.settings = replace(settings, control_token=settings.control_token or secrets.token_urlsafe(32))
        self.pack = settings.pack
        self.wire = Wire(settings.pack)
        self.deadlines = settings.deadlines or Deadlines(**self.wire.messages.get("deadlines", {}))
        self.profiles = load_profiles(settings.pack)
        if settings.profile and settings.profile not in self.profiles:
            known = ", ".join(self.profiles)
            raise ValueError(f"không có chế độ lỗi / no such fault profile: {settings.profile} ({known})")
        self.seed = secrets.randbelow(2**32) if settings.seed is None else settings.seed
        """Of fault profiles, where nobody names another."""
        self.store = Store(settings.database, migrate=migrate, alone=not settings.shared)
        self.doors: Doors | None = None
        """Set by whoever runs real listeners."""
        self._corners: dict[str, Corner] = {}
        self._spaces: dict[str, SpaceRow] = {}
        self._changes = 0
        self._lock = Lock()
        self.reading = Lock()
        """Held while a body is read: threads that take turns at it need not fight for the interpreter's lock."""
        self.threads = ThreadPoolExecutor(_DESKS, "mock-moet-desk")
        """Where submissions are taken, those of one space in one thread at a time."""
        self.judges = Judges(self, settings.judges)
        try:
            self.judges.start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop judging and close the store. Submissions not yet judged are judged after the next start."""
        self.threads.shutdown()
        self.judges.close()
        self.store.close()

    # time

    def now(self, space: SpaceRow) -> datetime:
        """The space's time of day."""
        return self.settings.clock.now() + timedelta(seconds=float(space.settings.get("clockOffset", 0)))

    # spaces

    def space(self, name: str) -> SpaceRow | None:
        """A space by name. Remembered, unless other workers may change it: every call asks for it."""
        if self.settings.shared:
            return self.store.space(name)
        with self._lock:
            row, changes = self._spaces.get(name), self._changes
        # never the store with the lock held: who holds the store may want the lock
        if row is None and (row := self.store.space(name)) is not None:
            with self._lock:
                if self._changes == changes:
                    self._spaces[name] = row
        return row

    def _forget(self, name: str) -> None:
        with self._lock:
            self._changes += 1
            self._spaces.pop(name, None)

    def change_space(self, name: str, settings: dict[str, Any]) -> None:
        """Replace a space's settings."""
        self.store.change_space(name, settings)
        self._forget(name)

    def open_space(self, settings: dict[str, Any]) -> tuple[SpaceRow, ClientRow, str]:
        """A new space with its first client and that client's secret, which is kept as a hash only.

        Raises:
            ValueError: anchors or revocation lists cannot be read.
            OSError: it cannot have a port of its own.
        """
        row = SpaceRow(secrets.token_hex(8), settings, self.settings.clock.now().isoformat())
        trust_for(row.name, settings)  # wrong PEM is the caller's mistake, now and not at the first judging
        client, secret = _new_client(row.name, row.schools)
        self.store.open_space(row, client)
        if settings.get("ownPort") and self.doors is not None:
            try:
                port = self.doors.open(row.name)
            except OSError:
                self.drop_space(row.name)
                raise
            self.change_space(row.name, {**settings, "port": port})
        if self.settings.profile:
            self.play(row, self.settings.profile)
        return row, client, secret

    def add_client(self, space: str, schools: Collection[str]) -> tuple[ClientRow, str]:
        """Another client of a space, and its secret."""
        client, secret = _new_client(space, frozenset(schools))
        self.store.add_client(client)
        return client, secret

    def drop_space(self, name: str) -> None:
        """Forget a space."""
        if self.doors is not None:
            self.doors.close(name)
        self.store.drop_space(name)
        self._forget(name)
        with self._lock:
            self._corners.pop(name, None)

    def corner(self, name: str) -> Corner:
        """A space's faults, scripted outcomes and journal. Only for spaces that exist."""
        limit = self.settings.journal_limit
        with self._lock:
            corner = self._corners.get(name)
            if corner is None:
                corner = self._corners[name] = (
                    Corner(
                        SharedFaults(self.store, name, partial(self._mix_again, name)),
                        SharedOutcomes(self.store, name),
                        SharedJournal(self.store, name, limit),
                    )
                    if self.settings.shared
                    else Corner(FaultBook(), OutcomeBook(), Journal(limit))
                )
            return corner

    def base_url(self, name: str) -> str:
        """A space's base URL: at its own port if it has one, else under its path."""
        if self.doors is not None and (own := self.doors.url(name)):
            return own
        return f"{self.settings.public_url.rstrip('/')}/s/{name}"

    # faults

    def set_faults(self, name: str, faults: Sequence[Fault], *, beside: bool = False) -> None:
        """Set a space's faults instead of the others, or beside them."""
        corner = self.corner(name)
        before = corner.faults.below()
        (corner.faults.add if beside else corner.faults.replace)(faults)
        if before or corner.faults.below() or corner.playing is not None:
            self._open_again(name)

    def _open_again(self, name: str) -> None:
        """Begin with new connections: a kept one would show no certificate any more, or has shown a bad one."""
        self.corner(name).refused_until = 0.0
        if self.doors is not None:
            self.doors.renew(name)

    def play(self, space: SpaceRow, name: str, seed: int | None = None) -> Playing | None:
        """Mix a profile's faults into a space's calls from now on; an empty name ends that.

        Raises:
            KeyError: no such profile.
        """
        corner = self.corner(space.name)
        if not name:
            corner.playing = None
            corner.faults.mix(None)
            self._open_again(space.name)
            return None
        profile = self.profiles[name]
        made = corner.playing = Playing(name, self.seed if seed is None else seed, profile)

        corner.faults.mix(self._mix_of(space, made.name, made.seed), made.name, made.seed)
        return made

    def _mix_of(self, space: SpaceRow, name: str, seed: int) -> Mix:
        """A profile's mix for one space."""
        profile = self.profiles[name]

        def mix(operation: str) -> list[Fault | None]:
            drawn = profile.mix(name, seed, operation)
            # what cannot be done here is left out, so that all the rest stays what the seed says
            return [one if one is None or self.possible(space, one) else None for one in drawn]

        return mix

    def _mix_again(self, name: str, profile: str, seed: int) -> Mix | None:
        space = self.space(name)
        return self._mix_of(space, profile, seed) if space is not None and profile in self.profiles else None

    def check_faults(self, space: SpaceRow, faults: Sequence[Fault]) -> None:
        """Whether these faults can be set in a space.

        Raises:
            FaultProblem: one of them cannot; bilingual.
        """
        errors = self.wire.messages["errors"]
        for one in faults:
            if one.operation != "*" and one.operation not in self.wire.operations:
                raise FaultProblem("operation", f"không có thao tác / no such operation: {one.operation}")
            if one.error and one.error not in errors:
                raise FaultProblem("error", f"không có lỗi / no such error: {one.error}")
            if not self.possible(space, one):
                raise FaultProblem(
                    "kind",
                    f"{one.kind}: cần cổng riêng của không gian, và TLS với chứng thư tạo khi chạy / "
                    "needs a port of the space's own, and TLS with certificates made for the run",
                )

    def take_fault(self, name: str, number: int) -> None:
        """Take one fault of a space back."""
        corner = self.corner(name)
        before = corner.faults.below()
        if corner.faults.remove(number) and before:
            self._open_again(name)

    def possible(self, space: SpaceRow, fault: Fault) -> bool:
        """Whether a fault can be made in a space."""
        if fault.kind == "tls":
            return fault.variant in self.variants(space)
        return fault.kind not in BELOW or self.has_port(space)

    def has_port(self, space: SpaceRow) -> bool:
        """Whether faults that concern a port can be set for a space; in process they are played."""
        return self.doors is None or bool(self.doors.url(space.name))

    def variants(self, space: SpaceRow) -> tuple[Variant, ...]:
        """The bad certificates that a fault can show to a space's clients."""
        if self.doors is None:  # in process TLS is only played
            return VARIANTS if self.settings.public_url.startswith("https:") else ()
        return self.doors.variants if self.doors.url(space.name) else ()

    @property
    def authority_pem(self) -> str:
        """The authority that clients must trust; empty without TLS or with the operator's certificate."""
        return "" if self.doors is None else self.doors.authority_pem

    def trust(self, space: SpaceRow) -> TrustStore | None:
        """Whom a space trusts."""
        return trust_for(space.name, space.settings)


def _new_client(space: str, schools: frozenset[str]) -> tuple[ClientRow, str]:
    secret = secrets.token_urlsafe(32)
    return ClientRow(f"test-{secrets.token_hex(6)}", space, hashed(secret), schools), secret
