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
