"""The school office: sessions, transcripts, signing, issue, amendment, submission."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from mock_vendor.client import Job, Line
from mock_vendor.contents import Contents, Facts
from mock_vendor.habits import Habits, unsigned
from mock_vendor.outbox import Delivery, Outbox
from mock_vendor.reasons import Reason, Refused, missing
from mock_vendor.register import ROLES, TEACHER, Register, Wanted
from mock_vendor.settings import VendorSettings
from mock_vendor.signing import Credential
from mock_vendor.writing import Signature


@dataclass(slots=True)
class Transcript:
    """One transcript in its newest version."""

    id: str
    case: dict[str, Any]
    record_id: str
    delivery: Delivery
    created: date
    version: int = 1
    replaces: str | None = None
    reason: str | None = None
    signatures: list[Signature] = field(default_factory=list)
    signed_on: date | None = None
    """The day on which the leader signed: the date of issue that the document names."""
    issued: bytes | None = None
    written: tuple[Facts, Contents] | None = None
    """The contents as last composed, and from what: composed again only when something changed."""


class Office:
    """All state behind the test interface; one session at a time."""

    def __init__(self, settings: VendorSettings, habits: Habits) -> None:
        self.settings = settings
        self.habits = habits
        self._zone = settings.pack.timezone
        self._lock = threading.RLock()
        self._register = Register()
        self._packed: dict[str, tuple[bytes, str]] = {}
        self._credentials: dict[str, Credential] = {}
        self._transcripts: dict[str, Transcript] = {}
        self._outbox: Outbox | None = None

    def close(self) -> None:
        """Stop background work."""
        with self._lock:
            outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.close()

    def _now(self) -> datetime:
        return self.settings.clock.now().astimezone(self._zone)

    def _check(self, schema: str, data: Any) -> None:
        reasons = self.habits.malformed(schema, data)
        if reasons:
            raise Refused(422, reasons)

    def begin(self, session: Any) -> None:
        """Begin a session; forgets everything of an earlier one.

        Raises:
            Refused: malformed, or a signer's PKCS#12 is not base64.
        """
        self._check("Session", session)
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
        line = Line.open(session["ministry"], self.settings.transport, self.settings.request_timeout)
        self.close()
        with self._lock:
            self._register, self._packed, self._credentials, self._transcripts = Register(), packed, {}, {}
            self._outbox = Outbox(self.settings, self.habits, line)

    def enrol(self, roster: Any) -> None:
        """Take the schools, classes, teachers and assignments."""
        self._check("Roster", roster)
        with self._lock:
            self._register = Register.of(roster)

    def create(self, case: Any) -> str:
        """Enter a case; the transcript's local id."""
        self._check("Case", case)
        with self._lock:
            reasons = self.habits.impossible(case, self._register)
            if reasons:
                raise Refused(422, reasons)
            id_ = uuid.uuid4().hex
            learner = str(case["learner"]["code"])
            self._transcripts[id_] = Transcript(
                id_, copy.deepcopy(case), self.habits.new_record_id(), Delivery(learner, "draft"), self._now().date()
            )
            return id_

    def _find(self, id_: str) -> Transcript:
        try:
            return self._transcripts[id_]
        except KeyError:
            raise Refused(404, [Reason("NOT_FOUND")]) from None

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

    def edit(self, id_: str, changes: Any) -> None:
        """Change entered content, where nobody has signed it yet."""
        self._check("Edit", changes)
        with self._lock:
            one = self._find(id_)
            parts = [name for name in changes if name != "subjects"]
            parts += [f"subjects/{code}" for code in changes.get("subjects", {})]
            locked = self.habits.locked(parts, one.signatures, issued=one.issued is not None)
            if locked:
                raise Refused(
                    409,
                    [
                        Reason("LOCKED", f"/{part}", message="đã ký hoặc đã phát hành / signed or issued already")
                        for part in locked
                    ],
                )
            one.case = self._changed(one.case, changes)

    def _changed(self, case: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        found = copy.deepcopy(dict(case))
        by_code = {subject["code"]: index for index, subject in enumerate(found["subjects"])}
        for code, patch in changes.get("subjects", {}).items():
            if code not in by_code:
                raise Refused(422, [Reason("UNKNOWN_CODE", f"/subjects/{code}", subject=code)])
            found["subjects"][by_code[code]] = merged(found["subjects"][by_code[code]], patch)
        found = dict(merged(found, {name: value for name, value in changes.items() if name != "subjects"}))
        reasons = self.habits.malformed("Case", found) or self.habits.impossible(found, self._register)
        if reasons:
            raise Refused(422, reasons)
        return found

    def _credential(self, signer: str) -> Credential:
        if signer not in self._credentials:
            if signer not in self._packed:
                raise Refused(422, [Reason("UNKNOWN_CODE", signer=signer, message="không có khóa / no key")])
            try:
                self._credentials[signer] = Credential.load(*self._packed[signer])
            except ValueError as error:
                raise Refused(422, [Reason("INVALID_FIELD", signer=signer, message=str(error)[:200])]) from error
        return self._credentials[signer]

    def sign(self, id_: str, request: Any) -> None:
        """Signers sign: all of the list, or nobody. Who has signed already is left as it is."""
        with self._lock:
            one = self._find(id_)
            if one.issued is not None:
                raise Refused(409, [Reason("ALREADY_ISSUED")])
            asked = self._asked(request)
            wanted = self._register.wanted(one.case)
            strangers = [who for who in asked if not self.habits.is_named(who, wanted)]
            if strangers:
                raise Refused(
                    409,
                    [
                        Reason("SIGNER_MISMATCH", role=who.role, subject=who.subject, signer=who.signer)
                        for who in strangers
                    ],
                )
            for role in ROLES:
                group = unsigned([who for who in asked if who.role == role], one.signatures)
                if group:
                    self._sign(one, role, group, wanted)

    def _asked(self, request: Any) -> list[Wanted]:
        listed = request.get("signatures") if isinstance(request, dict) else None
        if not isinstance(listed, list) or not listed:
            raise Refused(422, [Reason("MISSING_FIELD", "/signatures")])
        found: list[Wanted] = []
        for index, entry in enumerate(listed):
            reasons = self.habits.malformed("Signing", entry)
            if reasons:
                raise Refused(
                    422, [Reason(x.code, f"/signatures/{index}{x.field}", message=x.message) for x in reasons]
                )
            if entry["role"] == TEACHER and not entry.get("subjects"):
                raise Refused(422, [Reason("MISSING_FIELD", f"/signatures/{index}/subjects")])
            subjects = entry["subjects"] if entry["role"] == TEACHER else [""]
            found += [Wanted(entry["role"], entry["signer"], subject) for subject in subjects]
        return list(dict.fromkeys(found))

    def _sign(self, one: Transcript, role: str, group: list[Wanted], wanted: list[Wanted]) -> None:
        earlier = [who for who in wanted if ROLES.index(who.role) < ROLES.index(role)]
        absent = self.habits.lacking(earlier, one.signatures)
        if absent:
            raise missing(absent)
        now = self._now()
        if role == ROLES[2]:
            one.signed_on = now.date()
        contents = self._contents(one)
        one.signatures += self.habits.sign(self._text(one, contents), contents, group, self._credential, now)

    def issue(self, id_: str) -> None:
        """Issue: the bytes are fixed from now on."""
        with self._lock:
            one = self._find(id_)
            if one.issued is not None:
                raise Refused(409, [Reason("ALREADY_ISSUED")])
            absent = self.habits.lacking(self._register.wanted(one.case), one.signatures)
            if absent:
                raise missing(absent)
            text = self._text(one, self._contents(one))
            one.issued = self.habits.issued_bytes(text)
            one.delivery.state = "issued"

    def document(self, id_: str) -> bytes:
        """The issued bytes."""
        with self._lock:
            one, issued = self._issued(id_)
            return self.habits.fetched_bytes(issued, delivered=one.delivery.state == "delivered")

    def rendition(self, id_: str) -> tuple[bytes, str]:
        """The printed rendition of the issued version, and its media type."""
        with self._lock:
            one, _ = self._issued(id_)
            if not self.habits.prints:
                raise Refused(404, [Reason("NOT_OFFERED")])
            return self.habits.rendition(self._contents(one), self.settings.rendition)

    def _issued(self, id_: str) -> tuple[Transcript, bytes]:
        one = self._find(id_)
        if one.issued is None:
            raise Refused(409, [Reason("NOT_ISSUED", message="chưa phát hành / not issued")])
        return one, one.issued

    def submit(self, id_: str) -> None:
        """Queue the issued bytes for the Ministry. Nothing is sent twice at the same time."""
        with self._lock:
            one = self._find(id_)
            content = self.habits.submittable(one.issued, lambda: self._draft(one))
            if content is None:
                raise Refused(409, [Reason("NOT_ISSUED", message="chưa phát hành / not issued")])
            if self._outbox is None:
                raise Refused(409, [Reason("OTHER", message="chưa bắt đầu phiên / no session")])
            if one.delivery.job is not None or one.delivery.state == "delivered":
                return
            if one.delivery.state == "refused":
                raise Refused(
                    409,
                    [Reason("LOCKED", message="đã bị từ chối, hãy sửa trước / refused; correct it first")],
                )
            self._outbox.queue(one.delivery, Job(one.record_id, one.version, content, self._now()))

    def _draft(self, one: Transcript) -> bytes:
        return self._text(one, self._contents(one)).encode()

    def amend(self, id_: str, request: Any) -> None:
        """Open the next version: after acceptance under the next number, after a refusal under the same one."""
        self._check("Amendment", request)
        with self._lock:
            one, issued = self._issued(id_)
            state = one.delivery.state
            if state not in ("delivered", "refused"):
                raise Refused(409, [Reason("LOCKED", message="chưa có kết quả tiếp nhận / its outcome is still open")])
            before = self._contents(one)
            one.case = self._changed(one.case, request["changes"])
            if state == "delivered":
                one.version += 1
                one.replaces = self.settings.pack.header.identifiers.digest(issued)
            if one.version > 1:
                one.reason = str(request["reason"])
            one.created, one.issued, one.signed_on = self._now().date(), None, None
            one.delivery = Delivery(str(one.case["learner"]["code"]), "draft")
            after = self._contents(one)
            one.signatures = [mark for mark in one.signatures if _still_holds(mark, before, after)]

    def state(self, id_: str) -> dict[str, Any]:
        """What the operator sees."""
        with self._lock:
            one = self._find(id_)
            delivery = one.delivery
            found: dict[str, Any] = {
                "id": one.id,
                "state": delivery.state,
                "version": one.version,
                "recordId": one.record_id,
                "refusals": list(delivery.refusals),
                "operatorMessages": list(delivery.messages),
            }
            if one.issued is not None:
                found["digest"] = hashlib.sha256(one.issued).hexdigest()
            if delivery.receipt:
                found["receipt"] = delivery.receipt
            return found

    def tick(self) -> None:
        """Do the background work that is due now."""
        outbox = self._outbox
        if outbox is not None:
            outbox.run(eager=True)


def merged(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def _still_holds(mark: Signature, before: Contents, after: Contents) -> bool:
    """Whether a signature of the version before is still good: a subject teacher's, of what did not change."""
    if mark.role != TEACHER or before["record"] != after["record"] or before["learner"] != after["learner"]:
        return False
    old, new = ([one for one in side["subjects"] if one["key"] == mark.subject] for side in (before, after))
    return bool(old == new)
