"""Wrong printed renditions: IN."""

from __future__ import annotations

import copy
import unicodedata

from mock_vendor.contents import Contents
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits

SHOWS = ["THCS:thcs-semesters-apart"]


@defect(
    "prints-semester-two-as-year",
    "Bản in ghi điểm học kì II vào cột cả năm",
    "The rendition shows the marks of semester II as those of the year",
    expects=["PL1-IN-001"],
    cause="PL1-IN-001.value-differs",
    shows=SHOWS,
)
class SecondAsYear(Habits):
    """Another column of the same table."""

    def printed(self, contents: Contents) -> Contents:
        other = copy.deepcopy(contents)
        for subject in other["subjects"]:
            subject["year"] = subject["semester2"]
        return other


@defect(
    "prints-another-level",
    "Bản in ghi mức rèn luyện cả năm khác với XML đã ký",
    "The rendition shows another conduct of the year than the signed XML",
    expects=["PL1-IN-001"],
    cause="PL1-IN-001.value-differs",
    shows=SHOWS,
)
class AnotherLevel(Habits):
    """Semester I's learning level where the conduct of the year belongs."""

    def printed(self, contents: Contents) -> Contents:
        other = copy.deepcopy(contents)
        other["summary"]["conduct"]["year"] = other["summary"]["learning"]["semester1"]
        return other


@defect(
    "prints-without-marks-of-tone",
    "Bản in mất dấu tiếng Việt",
    "The rendition loses the marks of Vietnamese letters",
    expects=["PL1-IN-001"],
    shows=SHOWS,
)
class WithoutTones(Habits):
    """A font without Vietnamese, helped out by plain letters."""

    def page(self, contents: Contents) -> str:
        apart = unicodedata.normalize("NFD", super().page(contents))
        return "".join(one for one in apart if not unicodedata.combining(one)).replace("đ", "d").replace("Đ", "D")


@defect(
    "prints-without-comments",
    "Bản in bỏ nhận xét của giáo viên",
    "The rendition leaves the teachers' comments out",
    expects=["PL1-IN-001"],
    cause="PL1-IN-001.value-missing",
    shows=SHOWS,
)
class WithoutComments(Habits):
    """To save a page."""

    def printed(self, contents: Contents) -> Contents:
        other = copy.deepcopy(contents)
        for subject in other["subjects"]:
            subject["comment"] = None
        return other


@defect(
    "prints-an-image",
    "Bản in là ảnh, không có văn bản trích xuất được",
    "The rendition is an image without text",
    expects=["PL1-IN-001"],
    cause="PL1-IN-001.no-text",
    shows=SHOWS,
)
class AnImage(Habits):
    """A scan says nothing to a program."""

    def page(self, contents: Contents) -> str:
        del contents
        dot = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
        return f'<!doctype html><html lang="vi"><body><img src="data:image/gif;base64,{dot}" alt=""></body></html>'
