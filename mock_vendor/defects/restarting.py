"""Wrong ways back after a hard stop: GN-011, GN-003."""

from __future__ import annotations

import uuid
from dataclasses import replace

from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.transcripts import Job


@defect(
    "loses-its-outbox-on-restart",
    "Khởi động lại thì quên những gì đang gửi dở",
    "Forgets what was on its way when it is restarted",
    expects=["PL2-GN-011"],
    cause="PL2-GN-011.lost",
    shows=["exchange:killed-after-receipt"],
)
class InMemory(Habits):
    """The outbox is a list, and lists do not survive."""

    def resumed(self, job: Job) -> Job | None:
        del job
        return None


@defect(
    "sends-anew-after-a-restart",
    "Khởi động lại thì gửi lại dưới mã định danh mới",
    "Sends what was on its way under a new identifier after a restart",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.new-identifier",
    shows=["exchange:killed-after-receipt"],
)
class BeginsAgain(Habits):
    """Everything that is not finished begins again, identifier included."""

    def resumed(self, job: Job) -> Job | None:
        return replace(job, record=str(uuid.uuid4()), receipt="")


@defect(
    "forgets-its-receipts-on-restart",
    "Khởi động lại thì quên biên nhận và gửi lại đúng như cũ (tương đương: dịch vụ trả lại biên nhận cũ)",
    "Forgets its receipts on a restart and sends the same again (equivalent: the service gives the same receipt)",
    expects=[],
    shows=["exchange:killed-after-receipt", "exchange:killed-before-answer"],
)
class ForgetsReceipts(Habits):
    """Allowed: same version and same bytes are the same submission."""

    def resumed(self, job: Job) -> Job | None:
        return replace(job, receipt="")


@defect(
    "forgets-a-batch-on-restart",
    "Dừng giữa lúc gửi lô thì quên cả lô",
    "Forgets a batch that was on its way when it is restarted",
    expects=["PL2-GN-011"],
    cause="PL2-GN-011.lost",
    shows=["exchange:killed-in-batch"],
)
class BatchInMemory(Habits):
    """Single submissions are in the store, batches in a list."""

    def resumed(self, job: Job) -> Job | None:
        return None if job.batch and not job.receipt else job


@defect(
    "numbers-a-batch-anew-after-a-restart",
    "Dừng giữa lúc gửi lô thì gửi lại từng bản dưới mã định danh mới",
    "Sends the items of a broken-off batch under new identifiers after a restart",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.new-identifier",
    shows=["exchange:killed-in-batch"],
)
class BatchAnew(Habits):
    """A batch is made anew, and so are its items."""

    def resumed(self, job: Job) -> Job | None:
        return replace(job, record=str(uuid.uuid4())) if job.batch and not job.receipt else job


@defect(
    "forgets-a-revocation-on-restart",
    "Dừng giữa lúc thu hồi thì quên việc thu hồi",
    "Forgets a revocation that was on its way when it is restarted",
    expects=["PL2-GN-011"],
    cause="PL2-GN-011.lost",
    shows=["exchange:killed-in-revocation"],
)
class RevocationInMemory(Habits):
    """What was submitted is in the store, what was revoked is not."""

    def resumed(self, job: Job) -> Job | None:
        return None if job.event == "cancel" else job


@defect(
    "writes-another-statement-after-a-restart",
    "Dừng giữa lúc thu hồi thì gửi một văn bản thu hồi khác",
    "Sends another statement after a restart in the middle of a revocation",
    expects=["PL2-GN-003"],
    cause="PL2-GN-003.other-bytes",
    shows=["exchange:killed-in-revocation"],
)
class AnotherStatement(Habits):
    """The statement is written anew from the books, not taken from the store."""

    def resumed(self, job: Job) -> Job | None:
        return replace(job, content=job.content + b"\n") if job.event == "cancel" else job
