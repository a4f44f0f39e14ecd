"""The service's state: settings, store, and per space the faults, scripted outcomes, journal, clock and trust."""

from __future__ import annotations

import logging
import queue
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Any, Literal, Protocol

from conformance.checks.judge import judge_document
from conformance.pack import Pack, default_pack
from conformance.signature.trust import TrustStore
from mock_moet.certificates import VARIANTS, Variant
from mock_moet.clock import Clock, SystemClock
from mock_moet.faults import BELOW, Fault, FaultBook, OutcomeBook
from mock_moet.journal import LIMIT, Journal
from mock_moet.judging import JudgeFunction, Opinion, judge, own_finding, trust_of
from mock_moet.profiles import Profile, load_profiles
from mock_moet.rules import PENDING, Event, State, settle
from mock_moet.store import SpaceRow, Store, Stored, hashed
from mock_moet.wire import Wire

_log = logging.getLogger("mock_moet")


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
    body_deadline: float = 30.0
    """Seconds a client may take to send a body."""


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
    """What belongs to one space and lives in memory."""

    faults: FaultBook = field(default_factory=FaultBook)
    outcomes: OutcomeBook = field(default_factory=OutcomeBook)
    journal: Journal = field(default_factory=Journal)
    trust: TrustStore | None = None
    trust_known: bool = False
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
    """Everything the service's two faces (:mod:`mock_moet.api`, :mod:`mock_moet.control`) share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = replace(settings, control_token=settings.control_token or secrets.token_urlsafe(32))
        self.pack = settings.pack
        self.wire = Wire(settings.pack)
        self.profiles = load_profiles(settings.pack)
        if settings.profile and settings.profile not in self.profiles:
            known = ", ".join(self.profiles)
            raise ValueError(f"không có chế độ lỗi / no such fault profile: {settings.profile} ({known})")
        self.seed = secrets.randbelow(2**32) if settings.seed is None else settings.seed
        """Of fault profiles, where nobody names another."""
        self.store = Store(settings.database)
        self.doors: Doors | None = None
        """Set by whoever runs real listeners."""
        self._corners: dict[str, Corner] = {}
        self._spaces: dict[str, SpaceRow] = {}
        self._lock = Lock()
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self._worker: Thread | None = None
        # what a killed service had acknowledged but not judged
        for one in self.store.pending():
            if one.hold == 0:
                self.expect_judging(one.space, one.known.receipt)

    def close(self) -> None:
        """Stop judging and close the store. Submissions not yet judged are judged after the next start."""
        with self._lock:
            worker = self._worker
        if worker is not None:
            self._queue.put(None)
            worker.join(timeout=10)
        self.store.close()

    # time

    def now(self, space: SpaceRow) -> datetime:
        """The space's time of day."""
        return self.settings.clock.now() + timedelta(seconds=float(space.settings.get("clockOffset", 0)))

    # spaces

    def space(self, name: str) -> SpaceRow | None:
        """A space by name. Remembered: every call asks for it, and only :meth:`change_space` and its end change it."""
        with self._lock:
            row = self._spaces.get(name)
            if row is None and (row := self.store.space(name)) is not None:
                self._spaces[name] = row
            return row

    def change_space(self, name: str, settings: dict[str, Any]) -> None:
        """Replace a space's settings."""
        with self._lock:
            self.store.change_space(name, settings)
            self._spaces.pop(name, None)

    def open_space(self, settings: dict[str, Any]) -> tuple[SpaceRow, str]:
        """A new space and its client secret, which is kept as a hash only."""
        secret = secrets.token_urlsafe(32)
        created = self.settings.clock.now().isoformat()
        row = SpaceRow(secrets.token_hex(8), f"test-{secrets.token_hex(6)}", hashed(secret), settings, created)
        trust = trust_of(settings, row.name)  # wrong PEM is the caller's mistake, now and not at the first judging
        self.store.open_space(row, created)
        corner = self.corner(row.name)
        corner.trust, corner.trust_known = trust, True
        if settings.get("ownPort") and self.doors is not None:
            try:
                port = self.doors.open(row.name)
            except OSError:
                self.drop_space(row.name)
                raise
            self.change_space(row.name, {**settings, "port": port})
        if self.settings.profile:
            self.play(row, self.settings.profile)
        return row, secret

    def drop_space(self, name: str) -> None:
        """Forget a space."""
        if self.doors is not None:
            self.doors.close(name)
        with self._lock:
            self.store.drop_space(name)
            self._corners.pop(name, None)
            self._spaces.pop(name, None)

    def corner(self, name: str) -> Corner:
        """The part of a space that lives in memory. Only for spaces that exist."""
        with self._lock:
            corner = self._corners.get(name)
            if corner is None:
                corner = self._corners[name] = Corner(journal=Journal(self.settings.journal_limit))
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

        def mix(operation: str) -> list[Fault | None]:
            drawn = profile.mix(made.name, made.seed, operation)
            # what cannot be done here is left out, so that all the rest stays what the seed says
            return [one if one is None or self.possible(space, one) else None for one in drawn]

        corner.faults.mix(mix)
        return made

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

    # judging

    def expect_judging(self, space: str, receipt: str) -> None:
        """Judge a submission in the background."""
        with self._lock:
            if self._worker is None:
                self._worker = Thread(target=self._work, name="mock-moet-judge", daemon=True)
                self._worker.start()
        self._queue.put((space, receipt))

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                self.judge(*job)
            except Exception:
                # the submission stays pending and is judged after the next start; the service goes on
                _log.exception("judging failed")

    def judge(self, space_name: str, receipt: str) -> None:
        """Judge a pending submission and settle it. A failing check leaves it pending, with the error kept."""
        space = self.space(space_name)
        if space is None:
            return
        with self.store.read(space_name) as transaction:
            one = transaction.by_receipt(receipt)
            content = transaction.content(receipt)
        if one is None or content is None or one.known.state not in PENDING:
            return
        try:
            opinion = self._opinion(space, one, content)
        except Exception as error:
            _log.exception("the harness failed on submission %s", receipt)
            with self.store.write(space_name) as transaction:
                transaction.change(receipt, error=f"{type(error).__name__}: {error}"[:400], state=State.CHECKING)
            return
        previous = self._before(one)
        with self.store.write(space_name) as transaction:
            fresh = transaction.by_receipt(receipt)
            if fresh is None or fresh.known.state not in PENDING:
                return
            known = [other.known for other in transaction.of_record(fresh.known.record)]
            settlement = settle(
                fresh.known,
                opinion.good,
                known,
                replaces=fresh.replaces,
                predecessor=self.pack.header.identifiers.digest(previous) if previous is not None else "",
                rival=transaction.rival(fresh.known.learner, fresh.known.school_year, fresh.known.record),
            )
            rows = self.wire.messages["findings"]
            own = [own_finding(rows[key]) for key in settlement.findings]
            seen = {finding["requirement"] for finding in opinion.findings}
            own = [finding for finding in own if not finding["requirement"] or finding["requirement"] not in seen]
            for changed, state in settlement.states.items():
                transaction.change(changed, state=state)
            transaction.change(receipt, findings=[*opinion.findings, *own])

    def _opinion(self, space: SpaceRow, one: Stored, content: bytes) -> Opinion:
        outcome = one.plan.get("outcome", "judge")
        if outcome == "accept":
            return Opinion(good=True)
        if outcome == "refuse":
            findings = tuple(
                {
                    "code": row["code"],
                    "requirement": row["requirement"],
                    "place": row["place"],
                    "vi": row["text"],
                    "en": row["text"],
                }
                for row in one.plan.get("findings", [])
            )
            return Opinion(good=False, findings=findings)
        if one.known.event is Event.CANCEL:
            raise NotImplementedError("revocation statements are not judged in this revision")
        return judge(
            content,
            self.pack,
            space.settings,
            self.trust(space),
            judged_at=self.now(space),
            received_at=datetime.fromisoformat(one.received_at),
            previous=self._before(one),
            function=self.settings.judge,
        )

    def _before(self, one: Stored) -> bytes | None:
        """The accepted bytes that an amendment follows."""
        if one.known.event is not Event.UPDATE:
            return None
        with self.store.read(one.space) as transaction:
            for other in transaction.of_record(one.known.record):
                if other.known.state is State.ACCEPTED and other.known.event is not Event.CANCEL:
                    return transaction.content(other.known.receipt)
        return None

    def trust(self, space: SpaceRow) -> TrustStore | None:
        """What a space trusts; ``None``: it was opened without anchors."""
        corner = self.corner(space.name)
        if not corner.trust_known:
            corner.trust, corner.trust_known = trust_of(space.settings, space.name), True
        return corner.trust
