"""Wrong next versions, and wrong ways out of a conflict: SD-001, SD-003."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mock_vendor.amending import Following
from mock_vendor.client import Line
from mock_vendor.contents import Contents
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits
from mock_vendor.transcripts import Job
from mock_vendor.writing import Signature


@defect(
    "amends-under-a-new-identifier",
    "Sửa đổi dưới một mã định danh mới",
    "Amends under a new identifier",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.new-identifier",
    shows=["exchange:amendment"],
)
class NewRecord(Habits):
    """To the service it is another transcript, and the first one stays in force."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        return replace(super().next_version(record, newest), record=self.new_record_id())


@defect(
    "amends-without-a-reason",
    "Phiên bản sửa đổi không nêu lý do",
    "Gives no reason for an amendment",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.no-reason",
    shows=["exchange:amendment"],
)
class NoReason(Habits):
    """The reason is asked for, kept in its own books, and not written into the document."""

    def amendment_reason(self, reason: str) -> str | None:
        del reason
        return None


@defect(
    "names-a-wrong-digest-when-amending",
    "Ghi sai mã băm của phiên bản bị thay thế",
    "Names a wrong digest of the version before",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.wrong-digest",
    shows=["exchange:amendment"],
)
class WrongDigest(Habits):
    """A digest of the identifier instead of the bytes."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        return replace(super().next_version(record, newest), replaces=hashlib.sha256(record.encode()).hexdigest())


@defect(
    "skips-a-version",
    "Tăng số phiên bản thêm hai mỗi lần sửa đổi",
    "Raises the version by two at every amendment",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.wrong-version",
    shows=["exchange:amendment"],
)
class Skipping(Habits):
    """Somewhere a counter is raised twice."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        found = super().next_version(record, newest)
        return replace(found, version=found.version + 1)


@defect(
    "keeps-all-signatures-when-amending",
    "Giữ nguyên mọi chữ ký cũ khi sửa đổi",
    "Keeps all old signatures when it amends",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.not-signed-anew",
    shows=["exchange:amendment"],
)
class OldSignatures(Habits):
    """Nobody is asked to sign what was changed."""

    def still_holds(self, mark: Signature, before: Contents, after: Contents) -> bool:
        del mark, before, after
        return True


@defect(
    "loses-the-change-it-was-asked-for",
    "Tạo phiên bản mới nhưng không đưa nội dung sửa vào",
    "Makes a new version without the change that was asked for",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.change-lost",
    shows=["exchange:amendment"],
)
class LostChange(Habits):
    """A new number on the old content."""

    def amended_case(self, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        del after
        return dict(before)


@defect(
    "counts-refused-versions",
    "Sửa bản bị từ chối thì tăng số phiên bản",
    "Corrects a refused version under the next number",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.wrong-version",
    shows=["exchange:correction-of-refused"],
)
class CountsRefused(Habits):
    """Every try to send is a version to it."""

    def takes_number(self, state: str) -> bool:
        del state
        return True


@defect(
    "overwrites-on-a-conflict",
    "Gặp xung đột phiên bản thì gửi lại với số phiên bản cao hơn",
    "Meets a conflict by sending again under a higher version",
    expects=["PL2-SD-003"],
    cause="PL2-SD-003.overwrites",
    shows=["exchange:amendment-stale"],
)
class Overwriting(Habits):
    """What the Ministry holds is never looked at."""

    def resolve(self, line: Line, now: float, job: Job) -> tuple[dict[str, Any] | None, Job | None]:
        del line, now
        return None, replace(job, version=job.version + 1) if job.version < 4 else None


@defect(
    "does-not-fetch-on-a-conflict",
    "Gặp xung đột phiên bản thì báo lỗi mà không tải bản mới nhất",
    "Reports a conflict and never fetches the newest version",
    expects=["PL2-SD-003"],
    cause="PL2-SD-003.not-fetched",
    shows=["exchange:amendment-stale", "exchange:version-taken"],
)
class NeverFetching(Habits):
    """The operator is left to find out what the Ministry holds."""

    def resolve(self, line: Line, now: float, job: Job) -> tuple[dict[str, Any] | None, Job | None]:
        del line, now, job
        return None, None


@defect(
    "builds-on-its-own-version",
    "Tải bản mới nhất nhưng vẫn sửa đổi từ bản cũ của mình",
    "Fetches the newest version and amends its own old one all the same",
    expects=["PL2-SD-003"],
    cause="PL2-SD-003.not-built-on",
    shows=["exchange:amendment-stale"],
)
class BuildsOnItsOwn(Habits):
    """Of what was fetched it takes over the number only: it fits then."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        found = super().next_version(record, newest)
        kept = self.__dict__.setdefault("_own", {}).setdefault(record, found.replaces)
        return replace(found, replaces=kept)


@defect(
    "presses-on-while-being-checked",
    "Gửi phiên bản kế tiếp khi bản trước còn đang được kiểm tra",
    "Sends the next version while the one before is still being checked",
    expects=["PL2-SD-003"],
    cause="PL2-SD-003.presses-on",
    shows=["exchange:amendment-while-checked"],
)
class PressingOn(Habits):
    """A receipt is enough for it to go on."""

    def amendable(self, state: str) -> bool:
        return state != "draft"

    def takes_number(self, state: str) -> bool:
        return state != "refused"


@defect(
    "amends-under-the-same-version",
    "Sửa đổi bản đã được chấp nhận mà giữ nguyên số phiên bản",
    "Amends an accepted version under its own number",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.wrong-version",
    shows=["exchange:amendment"],
)
class SameVersion(Habits):
    """A row is updated, and its number is part of the key."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        return replace(super().next_version(record, newest), version=int(newest["version"]))


@defect(
    "always-replaces-the-first-version",
    "Phiên bản sửa đổi nào cũng ghi mã băm của phiên bản đầu",
    "Names the digest of the first version in every amendment",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.wrong-digest",
    shows=["exchange:amendment-twice"],
)
class ReplacesTheFirst(Habits):
    """The digest was noted at the first acceptance. One amendment shows nothing of it."""

    def next_version(self, record: str, newest: Mapping[str, Any]) -> Following:
        noted = self.__dict__.setdefault("noted", {}).setdefault(record, str(newest["digest"]))
        return replace(super().next_version(record, newest), replaces=noted)


@defect(
    "amends-what-was-first-entered",
    "Lần sửa đổi sau lấy lại dữ liệu nhập ban đầu, mất điều đã sửa lần trước",
    "Takes the next amendment from what was first entered, and loses the one before",
    expects=["PL2-SD-001"],
    cause="PL2-SD-001.earlier-change-lost",
    shows=["exchange:amendment-twice"],
)
class FromTheFirst(Habits):
    """Amendments are kept beside the entry and never merged into it."""

    def amended_case(self, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        entered = self.__dict__.setdefault("entered", {}).setdefault(before["learner"]["code"], before["subjects"])
        kept = [
            first if now == then else now
            for first, then, now in zip(entered, before["subjects"], after["subjects"], strict=True)
        ]
        return {**after, "subjects": kept}
