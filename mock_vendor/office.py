"""The school office: sessions, and the way back after a hard stop."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from mock_vendor.client import Line
from mock_vendor.errands import Errand
from mock_vendor.inquiring import KnownList
from mock_vendor.outbox import Outbox
from mock_vendor.reasons import Reason, Refused
from mock_vendor.receiving import Receiving
from mock_vendor.register import Register, Wanted
from mock_vendor.signing import Credential
from mock_vendor.transcripts import Delivery, Transcript


class Office(Receiving):
    """All state behind the test interface; one session at a time."""

    def close(self) -> None:
        """Stop background work."""
        with self._lock:
            outbox, self._outbox, self._gone = self._outbox, None, True
        if outbox is not None:
            outbox.close()

    def kill(self) -> None:
        """Stop hard: what goes on in other threads ends without another word to the store."""
        with self._lock:
            self._gone = True
            if self._outbox is not None:
                self._outbox.kill()

    def begin(self, session: Any) -> None:
        """Begin a session; forgets everything of an earlier one.

        Raises:
            Refused: malformed, or a signer's PKCS#12 is not base64.
        """
        self._check("Session", session)
        packed = self._keys(session)
        line = self._open(session)
        self.close()
        with self._lock:
            self._store.clear()
            self._store.put("session", ("session", session))
            self._gone, self._register, self._credentials, self._transcripts = False, Register(), {}, {}
            self._errands, self._lists = {}, {}
            self._enter(session, packed, line)
            self._sending().start()

    def _keys(self, session: Any) -> dict[str, tuple[bytes, str]]:
        packed: dict[str, tuple[bytes, str]] = {}
        for index, one in enumerate(session["signers"]):
            if one.get("enrol") or not one.get("pkcs12"):
                reason = Reason("NOT_OFFERED", f"/signers/{index}/enrol", message="cần PKCS#12 / wants PKCS#12")
                raise Refused(422, [reason])
            try:
                packed[one["id"]] = (base64.b64decode(one["pkcs12"], validate=True), one.get("password", ""))
            except binascii.Error as error:
                reason = Reason("INVALID_FIELD", f"/signers/{index}/pkcs12", message="không phải base64 / not base64")
                raise Refused(422, [reason]) from error
        return packed

    def _open(self, session: Any) -> Line:
        settings = self.settings
        try:
            return Line.open(session["ministry"], self.habits, settings.transport, settings.request_timeout)
        except ssl.SSLError as error:
            reason = Reason("INVALID_FIELD", "/ministry/caPem", message=f"không phải PEM / not PEM: {error.reason}")
            raise Refused(422, [reason]) from error

    def _enter(self, session: Any, packed: dict[str, tuple[bytes, str]], line: Line) -> None:
        self._session, self._packed, self._line = session, packed, line
        self.habits.clock_offset = float(session.get("clockOffsetSeconds") or 0.0)
        self._outbox = Outbox(self.settings, self.habits, line, self._store)
        if self.settings.remote is not None:
            self.settings.remote.enrol(packed)

    def enrol(self, roster: Any) -> None:
        """Take the schools, classes, teachers and assignments."""
        self._check("Roster", roster)
        with self._lock:
            self._register = Register.of(roster)
            self._store.put("roster", ("roster", roster))

    def resume(self) -> None:
        """Go on after a hard stop, from what the store says."""
        session = self._store.get("session", "session")
        if session is None:
            return
        with self._lock:
            self._enter(session, self._keys(session), self._open(session))
            roster = self._store.get("roster", "roster")
            if roster is not None:
                self._register = Register.of(roster)
            clock = self.settings.clock
            deliveries = {name: Delivery.of(data, clock) for name, data in self._store.all("delivery")}
            self._transcripts = {
                id_: Transcript.of(
                    data,
                    deliveries.get(id_) or Delivery(id_, str(data["case"]["learner"]["code"])),
                    deliveries.get(f"{id_}#revocation"),
                )
                for id_, data in self._store.all("transcript")
            }
            for one in deliveries.values():
                if one.job is not None:
                    one.job = self.habits.resumed(one.job)
                    if one.job is None:
                        one.state = "issued"
            outbox = self._sending()
            outbox.resume(deliveries.values())
            outbox.start()
            self._lists = {name: KnownList(**data) for name, data in self._store.all("code-list")}
            self._errands = {name: Errand.of(data) for name, data in self._store.all("errand")}
            for errand in self._errands.values():
                self._run(errand)

    def tick(self) -> None:
        """Do the background work that is due now."""
        outbox = self._outbox
        if outbox is not None:
            outbox.run(eager=True)

    def _signing_desk(self, wanted: Sequence[Wanted]) -> Callable[[str], Credential]:
        """Where a list of signers signs, once they have confirmed."""
        if self.settings.remote is not None:
            return self.settings.remote.desk(wanted, self.settings.clock, lambda: self._gone)
        self.settings.clock.sleep(self.settings.confirm_after)
        return self._credential
