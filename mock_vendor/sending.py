"""After issue: submitting one by one or in batches, amending, revoking, authorising a receiver."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from mock_vendor.contents import person_of
from mock_vendor.drafting import Drafting
from mock_vendor.errands import Errand
from mock_vendor.inquiring import KnownList
from mock_vendor.reasons import Reason, Refused
from mock_vendor.register import PRINCIPAL, Wanted
from mock_vendor.signing import Credential
from mock_vendor.transcripts import Delivery, Job, Transcript

AUTHORISED_FOR = timedelta(days=30)


class Sending(Drafting):
    """The part of the office that deals with the Ministry."""

    def submit(self, id_: str) -> None:
        """Queue the issued bytes for the Ministry. Nothing is sent twice at the same time."""
        with self._lock:
            one = self._find(id_)
            job = self._job(one)
            if job is not None:
                self._sending().queue((one.delivery, job))

    def _job(self, one: Transcript) -> Job | None:
        """What is to be sent of a transcript; ``None`` when it is on its way or there already.

        Raises:
            Refused: not issued, revoked, or refused and not corrected yet.
        """
        content = self.habits.submittable(one.issued, lambda: self._draft(one))
        if content is None:
            raise Refused(409, [Reason("NOT_ISSUED", message="chưa phát hành / not issued")])
        self._sending()
        if self.habits.withdrawn("submit", revoked=one.revoked):
            raise Refused(409, [Reason("REVOKED_RECORD", message="học bạ đã bị thu hồi / the transcript is revoked")])
        if one.delivery.job is not None or (one.delivery.state == "delivered" and not one.revoked):
            return None
        if one.delivery.state == "refused" and not one.delivery.again:
            raise Refused(
                409,
                [Reason("LOCKED", message="đã bị từ chối, hãy sửa trước / refused; correct it first")],
            )
        return Job(one.record_id, one.version, content, self._now())

    def submit_batch(self, request: Any) -> None:
        """Queue several issued transcripts, in as many batches as it takes: all of them or none.

        Raises:
            Refused: malformed, or one cannot be sent; names each.
        """
        self._check("Batch", request)
        with self._lock:
            reasons: list[Reason] = []
            taken: list[tuple[Delivery, Job]] = []
            for index, id_ in enumerate(dict.fromkeys(request["transcripts"])):
                try:
                    one = self._find(id_)
                    job = self._job(one)
                except Refused as refused:
                    reasons += [Reason(x.code, f"/transcripts/{index}", message=x.message) for x in refused.reasons]
                    continue
                if job is not None:
                    taken.append((one.delivery, job))
            if reasons:
                raise Refused(409, reasons)
            self._into_batches([job for _, job in taken])
            if taken:
                self._sending().queue(*taken)

    def _into_batches(self, jobs: list[Job]) -> None:
        most, size = self.habits.batch_limit(), self.habits.batch_bytes()
        name, count, octets = "", 0, 0
        for job in jobs:
            # base64, and the message around it
            weight = len(job.content) * 4 // 3 + 1024
            if not name or count == most or octets + weight > size:
                name, count, octets = uuid.uuid4().hex, 0, 0
            job.batch, count, octets = name, count + 1, octets + weight

    def _draft(self, one: Transcript) -> bytes:
        return self._text(one, self._contents(one)).encode()

    def amend(self, id_: str, request: Any) -> None:
        """Open the next version: after acceptance under the next number, after a refusal under the same one.

        After a conflict the next version follows the one that the Ministry holds.
        """
        self._check("Amendment", request)
        with self._lock:
            one, issued = self._issued(id_)
            if self.habits.withdrawn("amend", revoked=one.revoked):
                raise Refused(
                    409, [Reason("REVOKED_RECORD", message="học bạ đã bị thu hồi / the transcript is revoked")]
                )
            state = one.delivery.state
            if not self.habits.amendable(state):
                raise Refused(409, [Reason("LOCKED", message="chưa có kết quả tiếp nhận / its outcome is still open")])
            before = self._contents(one)
            one.case = self.habits.amended_case(one.case, self._changed(one.case, request["changes"]))
            newest = one.delivery.newest
            if self.habits.takes_number(state):
                newest = {"version": one.version, "digest": self.settings.pack.header.identifiers.digest(issued)}
            if newest is not None:
                follows = self.habits.next_version(one.record_id, newest)
                one.record_id, one.version, one.replaces = follows.record, follows.version, follows.replaces
            if one.version > 1:
                one.reason = self.habits.amendment_reason(str(request["reason"]))
            one.created, one.issued, one.signed_on = self._now().date(), None, None
            one.delivery, one.revocation = Delivery(one.id, str(one.case["learner"]["code"])), None
            after = self._contents(one)
            one.signatures = [mark for mark in one.signatures if self.habits.still_holds(mark, before, after)]
            self._keep(one)
            self._store.put("delivery", (one.id, one.delivery.data(self.settings.clock)))
            self._store.drop("delivery", [f"{one.id}#revocation"])

    # revocation

    def revoke(self, id_: str, request: Any) -> None:
        """Revoke the newest accepted version: the principal signs a statement, which is sent."""
        self._check("Revocation", request)
        with self._lock:
            one, issued = self._issued(id_)
            outbox = self._sending()
            if self.habits.withdrawn("revoke", revoked=one.revoked):
                raise Refused(409, [Reason("REVOKED_RECORD", message="đã thu hồi / revoked already")])
            if one.delivery.state != "delivered":
                raise Refused(409, [Reason("LOCKED", message="chưa được tiếp nhận / not accepted yet")])
            if not self.habits.revokes:
                raise Refused(404, [Reason("NOT_OFFERED")])
            reason = str(request["reason"])
            one.revoked_because = reason
            one.revocation = Delivery(f"{one.id}#revocation", one.delivery.learner, "queued")
            self._keep(one)
            outbox.keep(one.revocation)
            leader = Wanted(PRINCIPAL, self._register.leader_of(one.case))
            if self.settings.signing == "file":
                self._send_statement(one, issued, reason, self._credential)
            else:
                errand = Errand(uuid.uuid4().hex, id_, [leader], reason)
                self._errands[errand.id] = errand
                self._store.put("errand", (errand.id, errand.data()))
                self._run(errand)

    def _send_statement(self, one: Transcript, issued: bytes, reason: str, find: Callable[[str], Credential]) -> None:
        leader = Wanted(PRINCIPAL, self._register.leader_of(one.case))
        now = self._now()
        digest = self.settings.pack.header.identifiers.digest(issued)
        facts = {
            "record": {"id": one.record_id, "school_code": self._register.school_of(one.case)["code"]},
            "version": {
                "number": str(one.version),
                "replaces": digest,
                "reason": self.habits.statement_reason(reason),
            },
            "issue": {
                "leader": person_of(self._register, leader.signer),
                "signed_on": self.habits.day_text(now.date().isoformat()),
            },
        }
        statement = self.habits.statement(facts, leader, find, now)
        assert one.revocation is not None  # it is why we are here
        if not self.habits.tells_of_revocation():
            one.revocation.state = "revoked"
            self._sending().keep(one.revocation)
            return
        job = Job(one.record_id, one.version, statement, now, event="cancel")
        self._sending().queue((one.revocation, job))

    def _sign_statement(self, errand: Errand) -> None:
        with self._lock:
            one, issued = self._issued(errand.transcript)
            if one.revocation is not None and one.revocation.job is not None:
                return  # signed before a restart
        find = self._signing_desk(errand.wanted)
        credential: Credential = find(errand.wanted[0].signer)
        with self._lock:
            if not self._gone:
                self._send_statement(one, issued, errand.statement, lambda _: credential)

    def _unsigned_statement(self, errand: Errand) -> None:
        delivery = self._find(errand.transcript).revocation
        if delivery is not None and delivery.job is None:
            delivery.state = "gave-up"
            delivery.messages.append(
                "Người đứng đầu chưa ký văn bản thu hồi / the principal has not signed the statement"
            )
            self._sending().keep(delivery)

    # what else is asked of the Ministry

    def authorise(self, id_: str, request: Any) -> dict[str, str]:
        """Authorise a receiver to retrieve the learner's transcripts (dispatch 1đ)."""
        self._check("Authorisation", request)
        with self._lock:
            one, _ = self._issued(id_)
            if self.habits.withdrawn("authorise", revoked=one.revoked):
                raise Refused(
                    409, [Reason("REVOKED_RECORD", message="học bạ đã bị thu hồi / the transcript is revoked")]
                )
            if one.delivery.state != "delivered":
                raise Refused(409, [Reason("LOCKED", message="chưa được tiếp nhận / not accepted yet")])
            line, learner = self._connected(), str(one.case["learner"]["code"])
            try:
                until = datetime.fromisoformat(request["expires"]) if "expires" in request else None
            except ValueError as error:
                raise Refused(422, [Reason("INVALID_FIELD", "/expires", message=str(error))]) from error
            until = until or self._now() + AUTHORISED_FOR
        code, expires = self.habits.authorisation(line, learner, request["purpose"], request["receiver"], until)
        return {"authorisation": code, "expires": expires or until.isoformat(timespec="seconds")}

    def records(self, school_year: str | None, school: str | None) -> dict[str, Any]:
        """What the Ministry's list says of this software's records."""
        with self._lock:
            line = self._connected()
        year = self.habits.school_year_text(school_year) if school_year else None
        return {"records": self.habits.records(line, year, school)}

    def refresh(self) -> None:
        """Refresh the code lists."""
        with self._lock:
            line = self._connected()
        for name in self.habits.refreshable():
            found = self.habits.refreshed(line, self._lists.get(name, KnownList(name)))
            with self._lock:
                self._lists[name] = found
                self._store.put("code-list", (name, asdict(found)))

    def state(self, id_: str) -> dict[str, Any]:
        """What the operator sees."""
        with self._lock:
            one = self._find(id_)
            shown = one.revocation or one.delivery
            found: dict[str, Any] = {
                "id": one.id,
                "state": shown.state,
                "version": one.version,
                "recordId": one.record_id,
                "refusals": list(shown.refusals),
                "operatorMessages": list(shown.messages),
            }
            if one.issued is not None:
                found["digest"] = hashlib.sha256(one.issued).hexdigest()
            if one.delivery.receipt:
                found["receipt"] = one.delivery.receipt
            if one.delivery.newest:
                found["ministry"] = one.delivery.newest
            if one.revocation is not None:
                found["revocation"] = {"reason": one.revoked_because}
                if one.revocation.receipt:
                    found["revocation"]["receipt"] = one.revocation.receipt
            return found
