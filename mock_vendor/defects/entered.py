"""More wrong contents: not what was entered, or more than that. ND, MA, STR, MON-004."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from mock_vendor.contents import Contents, Facts
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits

PLAIN = ["THCS:thcs-plain"]


@defect(
    "cuts-long-names",
    "Cắt họ tên dài",
    "Cuts long names off",
    expects=["PL1-ND-001"],
    shows=["THCS:thcs-long-name-guardian"],
)
class ShortNames(Habits):
    """A column of forty characters."""

    def learner(self, entered: Mapping[str, Any]) -> Contents:
        return super().learner({**entered, "name": entered["name"][:40].rstrip()})


@defect(
    "drops-apostrophes",
    "Bỏ dấu nháy trong họ tên",
    "Drops apostrophes from names",
    expects=["PL1-ND-001"],
    shows=["THCS:thcs-conduct-fair-fair"],
)
class NoApostrophes(Habits):
    """As somebody did against injections once."""

    def learner(self, entered: Mapping[str, Any]) -> Contents:
        return super().learner({**entered, "name": entered["name"].replace("'", "")})


@defect(
    "writes-names-in-capitals",
    "Ghi họ tên bằng chữ in hoa",
    "Writes names in capitals",
    expects=["PL1-ND-001"],
    shows=PLAIN,
)
class Capitals(Habits):
    """As on certificates on paper."""

    def learner(self, entered: Mapping[str, Any]) -> Contents:
        return super().learner({**entered, "name": entered["name"].upper()})


@defect(
    "swaps-father-and-mother",
    "Đổi chỗ cha và mẹ",
    "Swaps father and mother",
    expects=["PL1-ND-001"],
    shows=PLAIN,
)
class Swapped(Habits):
    """Two columns of one import."""

    def profile(self, entered: Mapping[str, Any]) -> Contents:
        found = super().profile(entered)
        return {**found, "father": found["mother"], "mother": found["father"]}


@defect(
    "loses-subject-comments",
    "Bỏ mất nhận xét môn học",
    "Loses the subject comments",
    expects=["PL1-ND-001"],
    shows=PLAIN,
)
class NoSubjectComments(Habits):
    """The field is optional in the schema."""

    def subjects(self, facts: Facts) -> list[Contents]:
        return [{**one, "comment": None} for one in super().subjects(facts)]


@defect(
    "cuts-comments-at-255",
    "Cắt nhận xét ở 255 kí tự",
    "Cuts comments off at 255 characters",
    expects=["PL1-ND-001"],
    shows=["THCS:thcs-long-name-guardian"],
)
class ShortComments(Habits):
    """A column of a database."""

    def summary(self, facts: Facts) -> Contents:
        found = super().summary(facts)
        return {**found, "homeroom_comment": found["homeroom_comment"][:255].rstrip()}


@defect(
    "swaps-two-subjects-marks",
    "Đổi chỗ điểm của hai môn",
    "Swaps the marks of two subjects",
    expects=["PL1-ND-001"],
    shows=["THCS:thcs-zero-and-ten"],
)
class NextRow(Habits):
    """Rows in another order than names."""

    def contents(self, facts: Facts) -> Contents:
        first, second, *rest = reversed([one for one in facts.case["subjects"] if one["scoring"] == "marks"])
        names = {first["code"]: second, second["code"]: first, **{one["code"]: one for one in rest}}
        subjects = [
            {**one, **{half: names[one["code"]][half] for half in ("semester1", "semester2")}}
            if one["code"] in names
            else one
            for one in facts.case["subjects"]
        ]
        return super().contents(dataclasses.replace(facts, case={**facts.case, "subjects": subjects}))


@defect(
    "loses-the-study-history",
    "Bỏ mất quá trình học tập",
    "Loses the study history",
    expects=["PL1-ND-001"],
    shows=["THCS:thcs-transferred"],
)
class NoHistory(Habits):
    """Only this school's year is kept."""

    def contents(self, facts: Facts) -> Contents:
        return {**super().contents(facts), "history": []}


@defect(
    "swaps-conduct-of-semesters",
    "Đổi chỗ rèn luyện của hai học kì",
    "Swaps the conduct of the two semesters",
    expects=["PL1-ND-001"],
    shows=["THCS:thcs-conduct-good-satisfactory"],
)
class ConductSwapped(Habits):
    """Everything that follows is computed from the swapped levels."""

    def contents(self, facts: Facts) -> Contents:
        said = facts.case["conduct"]
        conduct = {**said, "semester1": said["semester2"], "semester2": said["semester1"]}
        return super().contents(dataclasses.replace(facts, case={**facts.case, "conduct": conduct}))


@defect(
    "adds-a-guardian",
    "Tự thêm người giám hộ từ thông tin của mẹ",
    "Adds a guardian from what is known of the mother",
    expects=["PL1-ND-002"],
    shows=PLAIN,
)
class AddedGuardian(Habits):
    """Nobody entered one."""

    def profile(self, entered: Mapping[str, Any]) -> Contents:
        found = super().profile(entered)
        return {**found, "guardian": found["guardian"] or found["mother"]}


@defect(
    "pads-the-ethnicity-code",
    "Ghi mã dân tộc ba chữ số",
    "Pads the code of the ethnicity to three digits",
    expects=["PL1-MA-001", "PL1-ND-001"],
    shows=PLAIN,
)
class PaddedEthnicity(Habits):
    """As wide as the dictionary's column."""

    def profile(self, entered: Mapping[str, Any]) -> Contents:
        return {**super().profile(entered), "ethnicity": "0" + entered["ethnicity"]["code"]}


@defect(
    "invents-a-subject-code",
    "Dùng mã môn riêng, không có trong danh mục",
    "Uses a subject code of its own",
    expects=["PL1-MA-003"],
    shows=PLAIN,
)
class OwnCode(Habits):
    """One that no list knows, and no mapping file translates."""

    def subjects(self, facts: Facts) -> list[Contents]:
        found = super().subjects(facts)
        return [{**found[0], "code": "Q1Z"}, *found[1:]]


@defect(
    "mixes-up-the-department",
    "Ghi tên Sở không khớp mã Sở",
    "Writes a department's name that is not its code's",
    expects=["PL1-MA-004"],
    shows=PLAIN,
)
class OtherDepartment(Habits):
    """The name of one, the code of another."""

    def contents(self, facts: Facts) -> Contents:
        found = super().contents(facts)
        own = found["school"]["department_code"]
        other = next(one.name for one in self.pack.codes["departments"] if one.code != own)
        return {**found, "school": {**found["school"], "department_name": other}}


@defect(
    "dates-creation-ahead",
    "Ghi ngày tạo trong tương lai",
    "Dates the creation in the future",
    expects=["PL1-STR-006"],
    shows=PLAIN,
)
class CreatedTomorrow(Habits):
    """A clock on another date."""

    def contents(self, facts: Facts) -> Contents:
        found = super().contents(facts)
        ahead = date.fromisoformat(found["version"]["created"]) + timedelta(days=3)
        return {**found, "version": {**found["version"], "created": ahead.isoformat()}}


@defect(
    "scores-every-subject",
    "Ghi mọi môn là đánh giá bằng điểm số",
    "Says of every subject that it carries marks",
    expects=["PL1-MON-004"],
    cause="PL1-MON-004.scoring",
    shows=PLAIN,
)
class AllScored(Habits):
    """One value for all rows."""

    def subjects(self, facts: Facts) -> list[Contents]:
        return [{**one, "scoring": self.wire["scoring"]["marks"]} for one in super().subjects(facts)]
