"""What every part of the school office works with: settings, habits, books, store, and the session's line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from mock_vendor.client import Line
from mock_vendor.contents import Contents, Facts
from mock_vendor.errands import Errand
from mock_vendor.habits import Habits
from mock_vendor.inquiring import KnownList
from mock_vendor.outbox import Outbox
from mock_vendor.reasons import Reason, Refused
from mock_vendor.register import ROLES, Register, Wanted
from mock_vendor.settings import VendorSettings
from mock_vendor.signing import Credential
from mock_vendor.store import Store
from mock_vendor.transcripts import Transcript


class Desk:
    """State and what it takes to find one's way in it. Methods are called with the lock held."""

    def __init__(self, settings: VendorSettings, habits: Habits, store: Store) -> None:
        self.settings = settings
        self.habits = habits
        self._store = store
        self._zone = settings.pack.timezone
        self._lock = threading.RLock()
        self._register = Register()
        self._packed: dict[str, tuple[bytes, str]] = {}
        self._credentials: dict[str, Credential] = {}
        self._transcripts: dict[str, Transcript] = {}
        self._outbox: Outbox | None = None
        self._line: Line | None = None
        self._session: dict[str, Any] = {}
        self._errands: dict[str, Errand] = {}
        self._lists: dict[str, KnownList] = {}
        """The Ministry's code lists, once they were fetched."""
        self._gone = False
        """Stopped, hard or not: whoever still works in another thread leaves everything as it is."""

    def _now(self) -> datetime:
        offset = timedelta(seconds=self.habits.clock_offset)
        return (self.settings.clock.now() + offset).astimezone(self._zone)

    def _check(self, schema: str, data: Any) -> None:
        reasons = self.habits.malformed(schema, data)
        if reasons:
            raise Refused(422, reasons)

    def _find(self, id_: str) -> Transcript:
        try:
            return self._transcripts[id_]
        except KeyError:
            raise Refused(404, [Reason("NOT_FOUND")]) from None

    def _issued(self, id_: str) -> tuple[Transcript, bytes]:
        one = self._find(id_)
        if one.issued is None:
            raise Refused(409, [Reason("NOT_ISSUED", message="chưa phát hành / not issued")])
        return one, one.issued

    def _keep(self, one: Transcript) -> None:
        """Write a transcript to the store; its deliveries are the outbox's."""
        if self._gone:
            raise Refused(503, [Reason("OTHER", message="đang khởi động lại / restarting")])
        self._store.put("transcript", (one.id, one.data()))

    def _sending(self) -> Outbox:
        if self._outbox is None:
            raise Refused(409, [Reason("OTHER", message="chưa bắt đầu phiên / no session")])
        return self._outbox

    def _connected(self) -> Line:
        if self._line is None:
            raise Refused(409, [Reason("OTHER", message="chưa bắt đầu phiên / no session")])
        return self._line

    def _facts(self, one: Transcript) -> Facts:
        signed_on = one.signed_on or self._now().date()
        return Facts(
            one.case, self._register, one.record_id, one.version, one.created, signed_on, one.replaces, one.reason
        )

    def _contents(self, one: Transcript) -> Contents:
        facts = self._facts(one)
        if one.written is None or one.written[0] != facts:
            one.written = facts, self.habits.contents(facts)
        return one.written[1]

    def _text(self, one: Transcript, contents: Contents) -> str:
        sealed = any(wanted.role == ROLES[-1] for wanted in self._register.wanted(one.case))
        return self.habits.text(contents, one.signatures, sealed=sealed)

    def _signing_desk(self, wanted: Sequence[Wanted]) -> Callable[[str], Credential]:
        """Where a list of signers signs when it takes its time."""
        raise NotImplementedError

    def _credential(self, signer: str) -> Credential:
        if signer not in self._credentials:
            if signer not in self._packed:
                raise Refused(422, [Reason("UNKNOWN_CODE", signer=signer, message="không có khóa / no key")])
            try:
                self._credentials[signer] = Credential.load(*self._packed[signer])
            except ValueError as error:
                raise Refused(422, [Reason("INVALID_FIELD", signer=signer, message=str(error)[:200])]) from error
        return self._credentials[signer]
