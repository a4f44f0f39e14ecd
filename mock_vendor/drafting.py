"""From an entered case to the issued document: entering, editing, signing, issuing, printing."""

from __future__ import annotations

import copy
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mock_vendor.contents import Contents
from mock_vendor.desk import Desk
from mock_vendor.errands import Errand
from mock_vendor.habits import unsigned
from mock_vendor.reasons import Reason, Refused, missing
from mock_vendor.register import PRINCIPAL, ROLES, TEACHER, Wanted
from mock_vendor.signing import Credential
from mock_vendor.transcripts import Delivery, Transcript

log = logging.getLogger("mock_vendor")

AWHILE = 0.02
"""Real seconds for which a question about signing waits for its end."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a group signs on."""

    text: str
    contents: Contents
    group: list[Wanted]
    at: datetime


class Drafting(Desk):
    """The part of the office where transcripts are made."""

    def create(self, case: Any) -> str:
        """Enter a case; the transcript's local id."""
        self._check("Case", case)
        with self._lock:
            reasons = self.habits.impossible(case, self._register)
            reasons += self.habits.outdated(case, self._lists, self._now().date())
            if reasons:
                raise Refused(422, reasons)
            id_ = uuid.uuid4().hex
            learner = str(case["learner"]["code"])
            delivery = Delivery(id_, learner)
            one = Transcript(id_, copy.deepcopy(case), self.habits.new_record_id(), delivery, self._now().date())
            self._transcripts[id_] = one
            self._keep(one)
            return id_

    def edit(self, id_: str, changes: Any) -> None:
        """Change entered content, where nobody has signed it yet."""
        self._check("Edit", changes)
        with self._lock:
            one = self._find(id_)
            parts = [name for name in changes if name != "subjects"]
            parts += [f"subjects/{code}" for code in changes.get("subjects", {})]
            going = any(errand.transcript == id_ and not errand.over for errand in self._errands.values())
            locked = self.habits.locked(parts, one.signatures, issued=one.issued is not None or going)
            if locked:
                raise Refused(
                    409,
                    [
                        Reason("LOCKED", f"/{part}", message="đã ký hoặc đã phát hành / signed or issued already")
                        for part in locked
                    ],
                )
            one.case = self._changed(one.case, changes)
            self._keep(one)

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

    def sign(self, id_: str, request: Any) -> str:
        """Signers sign: all of the list, or nobody. Who has signed already is left as it is.

        Returns:
            Empty when everybody has signed, else what to ask about it by (:meth:`signing`).
        """
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
            groups = [unsigned([who for who in asked if who.role == role], one.signatures) for role in ROLES]
            groups = [group for group in groups if group]
            if not groups:
                return ""
            if self.settings.signing != "file":
                self._in_order(one, groups[0], wanted)
                return self._begin(Errand(uuid.uuid4().hex, id_, [who for group in groups for who in group]))
            for group in groups:
                self._in_order(one, group, wanted)
                self._add(one, self._sheet(one, group), self._credential)
            self._keep(one)
            return ""

    def _in_order(self, one: Transcript, group: list[Wanted], wanted: list[Wanted]) -> None:
        """Nobody signs before those whose signatures he covers."""
        earlier = [who for who in wanted if ROLES.index(who.role) < ROLES.index(group[0].role)]
        absent = self.habits.lacking(earlier, one.signatures)
        if absent:
            raise missing(absent)

    def _sheet(self, one: Transcript, group: list[Wanted]) -> Sheet:
        """What a group signs on, as it is now."""
        now = self._now()
        if group[0].role == PRINCIPAL:
            one.signed_on = now.date()
        contents = self._contents(one)
        return Sheet(self._text(one, contents), contents, group, now)

    def _add(self, one: Transcript, sheet: Sheet, find: Callable[[str], Credential]) -> None:
        one.signatures += self.habits.sign(sheet.text, sheet.contents, sheet.group, find, sheet.at)

    # signing that takes its time: the keys are elsewhere, and people confirm

    def _begin(self, errand: Errand) -> str:
        if any(one.transcript == errand.transcript and not one.over for one in self._errands.values()):
            raise Refused(409, [Reason("OTHER", message="đang ký / signing is going on")])
        self._errands[errand.id] = errand
        self._store.put("errand", (errand.id, errand.data()))
        self._run(errand)
        return errand.id

    def _run(self, errand: Errand) -> None:
        threading.Thread(target=self._sign_on, args=(errand,), name="vendor-signing", daemon=True).start()

    def _sign_on(self, errand: Errand) -> None:
        """Let everybody of an errand sign, group by group: what the next one covers is written then."""
        try:
            for role in ROLES if not errand.statement else ():
                with self._lock:
                    one = self._find(errand.transcript)
                    group = unsigned([who for who in errand.wanted if who.role == role], one.signatures)
                    sheet = self._sheet(one, group) if group else None
                if sheet is None:
                    continue
                desk = self._signing_desk(group)
                made = self.habits.sign(sheet.text, sheet.contents, sheet.group, desk, sheet.at)
                with self._lock:
                    if self._gone:
                        return
                    one.signatures += made
                    self._keep(one)
            if errand.statement:
                self._sign_statement(errand)
            outcome: list[Reason] = []
        except Refused as refused:
            outcome = list(refused.reasons)
        except Exception as error:
            log.exception("signing")
            outcome = [Reason("OTHER", message=f"lỗi nội bộ / internal error: {type(error).__name__}")]
        with self._lock:
            if not self._gone:
                self._store.drop("errand", [errand.id])
                if errand.statement and outcome:
                    self._unsigned_statement(errand)
                errand.end(outcome)

    def _sign_statement(self, errand: Errand) -> None:
        """Let the principal sign a statement of revocation, and send it."""
        raise NotImplementedError

    def _unsigned_statement(self, errand: Errand) -> None:
        """The principal has not signed a statement of revocation, and will not."""
        raise NotImplementedError

    def signing(self, id_: str) -> bool:
        """Whether everybody of an errand has signed.

        Raises:
            Refused: unknown, or somebody has not signed and will not.
        """
        with self._lock:
            errand = self._errands.get(id_)
        if errand is None:
            raise Refused(404, [Reason("NOT_FOUND")])
        if not errand.wait(AWHILE):
            return False
        if errand.reasons:
            raise Refused(409, errand.reasons)
        return True

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
            self._keep(one)
            self._store.put("delivery", (one.id, one.delivery.data(self.settings.clock)))

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
            if self.habits.withdrawn("print", revoked=one.revoked):
                raise Refused(
                    409, [Reason("REVOKED_RECORD", message="học bạ đã bị thu hồi / the transcript is revoked")]
                )
            return self.habits.rendition(self._contents(one), self.settings.rendition)


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
