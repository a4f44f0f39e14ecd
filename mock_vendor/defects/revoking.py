"""Wrong revocations: SD-002."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from conformance.pack.pointer import put
from mock_vendor.client import Answer, Line
from mock_vendor.defects.registry import defect
from mock_vendor.defects.signatures import self_signed
from mock_vendor.habits import Habits
from mock_vendor.register import Wanted
from mock_vendor.signing import Credential
from mock_vendor.transcripts import Job
from mock_vendor.writing import Signature


@defect(
    "revokes-without-a-signature",
    "Gửi văn bản thu hồi không có chữ ký",
    "Sends an unsigned statement of revocation",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.unsigned",
    shows=["exchange:revocation"],
)
class Unsigned(Habits):
    """The principal is asked, and his signature left out of the file."""

    def statement_signatures(self, made: Signature) -> list[Signature]:
        del made
        return []


@defect(
    "revokes-with-its-own-certificate",
    "Văn bản thu hồi được ký bằng chứng thư tự tạo",
    "Signs statements of revocation with a certificate of its own making",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.unsigned",
    shows=["exchange:revocation"],
)
class SignsItself(Habits):
    """In the principal's name, but nobody vouches for it."""

    def statement(
        self, facts: Mapping[str, Any], leader: Wanted, find: Callable[[str], Credential], at: datetime
    ) -> bytes:
        return super().statement(facts, leader, lambda signer: self_signed(find(signer)), at)


@defect(
    "revokes-without-a-reason",
    "Thu hồi mà không nói vì sao",
    "Gives no reason for a revocation",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.no-reason",
    shows=["exchange:revocation"],
)
class Unexplained(Habits):
    """The field is there, and empty."""

    def statement_reason(self, reason: str) -> str:
        del reason
        return ""


@defect(
    "names-other-bytes-when-revoking",
    "Văn bản thu hồi nêu sai mã băm của học bạ",
    "Names other bytes in a statement of revocation",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.names-other",
    shows=["exchange:revocation"],
)
class OtherBytes(Habits):
    """The digest of the identifier: nothing that was ever accepted."""

    def statement(
        self, facts: Mapping[str, Any], leader: Wanted, find: Callable[[str], Credential], at: datetime
    ) -> bytes:
        other = self.pack.header.identifiers.digest(str(facts["record"]["id"]).encode())
        version = {**facts["version"], "replaces": other}
        return super().statement({**facts, "version": version}, leader, find, at)


@defect(
    "keeps-revocations-to-itself",
    "Chỉ đánh dấu thu hồi trong phần mềm, không gửi lên Bộ",
    "Marks a transcript as revoked and never tells the Ministry",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.not-sent",
    shows=["exchange:revocation"],
)
class Secretive(Habits):
    """Everybody else goes on believing the transcript."""

    def tells_of_revocation(self) -> bool:
        return False


@defect(
    "shows-revoked-as-delivered",
    "Vẫn hiện là đã nộp sau khi thu hồi",
    "Shows a revoked transcript as delivered",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.not-shown",
    shows=["exchange:revocation"],
)
class StillDelivered(Habits):
    """The statement was accepted; the operator is not told what that means."""

    def state_after_revocation(self) -> str:
        return "delivered"


@defect(
    "amends-what-is-revoked",
    "Sửa đổi học bạ đã thu hồi",
    "Amends a revoked transcript",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.used-again",
    shows=["exchange:amendment-after-revocation"],
)
class AmendsRevoked(Habits):
    """Revocation is a state among others to it."""

    def withdrawn(self, use: str, *, revoked: bool) -> bool:
        return use != "amend" and super().withdrawn(use, revoked=revoked)

    def amendable(self, state: str) -> bool:
        return super().amendable(state) or state == "revoked"


@defect(
    "prints-what-is-revoked",
    "In học bạ đã thu hồi như bản còn hiệu lực",
    "Prints a revoked transcript as if it were valid",
    expects=["PL2-SD-002"],
    cause="PL2-SD-002.used-again",
    shows=["exchange:revocation"],
)
class PrintsRevoked(Habits):
    """The printer does not ask."""

    def withdrawn(self, use: str, *, revoked: bool) -> bool:
        return use != "print" and super().withdrawn(use, revoked=revoked)


@defect(
    "revokes-twice",
    "Gửi văn bản thu hồi thứ hai cho học bạ đã thu hồi",
    "Sends a second statement for a revoked transcript",
    expects=["PL2-SD-002"],
    shows=["exchange:revocation-twice"],
)
class RevokesTwice(Habits):
    """Whenever it is asked to."""

    def withdrawn(self, use: str, *, revoked: bool) -> bool:
        return use != "revoke" and super().withdrawn(use, revoked=revoked)


@defect(
    "writes-the-statement-anew-when-it-sends-again",
    "Mất câu trả lời thì lập văn bản thu hồi khác rồi gửi",
    "Makes another statement of revocation when the answer to the first was lost",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.other-bytes",
    shows=["exchange:revocation-lost-answer"],
)
class StatesAnew(Habits):
    """The statement is written out anew for every try."""

    def sent_bytes(self, job: Job) -> bytes:
        return super().sent_bytes(job) + b"\n" * (job.attempts - 1 if job.event == "cancel" else 0)


@defect(
    "takes-a-receipt-for-a-revocation",
    "Gửi văn bản thu hồi xong là hiện đã thu hồi, không hỏi kết quả",
    "Shows a transcript as revoked as soon as the statement was received, and never asks for the outcome",
    expects=["PL2-GN-006"],
    cause="PL2-GN-006.outcome-missed",
    shows=["exchange:revocation-refused"],
)
class RevokedAtTheDoor(Habits):
    """What was asked for has happened."""

    def ask(self, line: Line, now: float, job: Job) -> Answer:
        if job.event != "cancel":
            return super().ask(line, now, job)
        message: dict[str, Any] = {}
        put(message, self.pack.messages["status"]["state"], self.pack.messages["states"]["accepted"])
        return Answer(200, message)


@defect(
    "revokes-the-first-version",
    "Văn bản thu hồi luôn nêu phiên bản 1, dù phiên bản khác đang có hiệu lực",
    "Names version 1 in the statement whichever version is in force",
    expects=["PL2-SD-002"],
    shows=["exchange:revocation-of-amended"],
)
class RevokesTheFirst(Habits):
    """Right for every transcript that was never amended."""

    def statement(
        self, facts: Mapping[str, Any], leader: Wanted, find: Callable[[str], Credential], at: datetime
    ) -> bytes:
        return super().statement({**facts, "version": {**facts["version"], "number": "1"}}, leader, find, at)
