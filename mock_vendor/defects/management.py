"""Wrong issue and management: PH."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from conformance.pack import RuleSet
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits, unsigned
from mock_vendor.reasons import Reason
from mock_vendor.register import TEACHER, Wanted
from mock_vendor.writing import Signature


@defect(
    "issues-without-one-teacher",
    "Phát hành khi còn thiếu chữ ký của một giáo viên",
    "Issues although one teacher has not signed",
    expects=["PL1-PH-001"],
    cause="PL1-PH-001.issued-incomplete",
    shows=["THCS:probe:one-missing"],
)
class OneShort(Habits):
    """One missing subject teacher is overlooked; two are noticed."""

    def lacking(self, wanted: Sequence[Wanted], signatures: Sequence[Signature]) -> list[Wanted]:
        found = unsigned(wanted, signatures)
        return [] if len(found) == 1 and found[0].role == TEACHER else found


@defect(
    "lets-another-teacher-sign",
    "Cho giáo viên khác ký thay môn học",
    "Lets another teacher sign a subject",
    expects=["PL1-PH-002"],
    cause="PL1-PH-002.other-signer-accepted",
    shows=["THCS:probe:other-signers"],
)
class AnyTeacher(Habits):
    """Whoever holds a teacher's key may sign any subject."""

    def is_named(self, one: Wanted, wanted: Collection[Wanted]) -> bool:
        return one.role == TEACHER or super().is_named(one, wanted)


@defect(
    "edits-after-issue",
    "Cho sửa học bạ đã phát hành",
    "Lets an issued transcript be edited",
    expects=["PL1-PH-003"],
    cause="PL1-PH-003.accepted-after-issue",
    shows=["THCS:probe:locked"],
)
class OpenAfterIssue(Habits):
    """Locked while it is being signed, open again once it is issued."""

    def locked(self, parts: Iterable[str], signatures: Sequence[Signature], *, issued: bool) -> list[str]:
        return [] if issued else super().locked(parts, signatures, issued=issued)


@defect(
    "submits-drafts",
    "Gửi học bạ chưa phát hành lên Bộ",
    "Submits a transcript that was not issued",
    expects=["PL1-PH-004"],
    cause="PL1-PH-004.submitted-unissued",
    shows=["THCS:probe:unissued"],
)
class DraftSent(Habits):
    """What there is so far is sent."""

    def submittable(self, issued: bytes | None, draft: Callable[[], bytes]) -> bytes | None:
        return issued if issued is not None else draft()


@defect(
    "takes-impossible-marks",
    "Nhận điểm ngoài thang điểm",
    "Takes marks outside the scale",
    expects=["PL1-PH-005"],
    cause="PL1-PH-005.impossible-accepted",
    shows=["THCS:probe:impossible"],
)
class AnyMark(Habits):
    """10.5 is a number, and that is all this software asks."""

    def mark(self, at: str, text: str, rules: RuleSet) -> Iterator[Reason]:
        return (one for one in super().mark(at, text, rules) if one.code != "OUT_OF_RANGE")


@defect(
    "changes-bytes-on-refetch",
    "Xuất lại tệp khác khi lấy học bạ đã nộp",
    "Writes the file anew when a delivered transcript is fetched again",
    expects=["PL1-PH-006"],
    cause="PL1-PH-006.other-bytes",
    shows=["THCS:thcs-plain"],
)
class Rewritten(Habits):
    """A line break more at the end: valid, and not what was issued."""

    def fetched_bytes(self, issued: bytes, *, delivered: bool) -> bytes:
        return issued + b"\n" if delivered else issued
