"""Wrong contents: ND, STR, MA, MON-005."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from mock_vendor.academics import LEVELS
from mock_vendor.contents import Contents, Facts
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits


def _plain(case: Mapping[str, Any]) -> bool:
    """Whether every subject has both semesters and nothing special follows from its marks."""
    learner = case["learner"]
    special = learner.get("notAssessed") or learner.get("individualPlan")
    return not special and all(
        one.get("semester1") and one.get("semester2") and not one.get("reassessment") for one in case["subjects"]
    )


@defect(
    "swaps-two-pupils-marks",
    "Ghi điểm của học sinh nhập trước vào học bạ của học sinh nhập sau",
    "Writes the marks of the pupil entered before into the next pupil's transcript",
    expects=["PL1-ND-001"],
    cause="PL1-ND-001.marks-of-another-learner",
    shows=["THCS:thcs-plain", "THCS:thcs-level-good"],
)
class OtherPupilsMarks(Habits):
    """Marks of the other pupil with the same subjects; year marks, levels and promotion follow from them."""

    def contents(self, facts: Facts) -> Contents:
        seen: list[Mapping[str, Any]] = self.__dict__.setdefault("_seen", [])
        own = facts.case["learner"]["code"]
        if not _plain(facts.case):
            return super().contents(facts)
        if own not in [one["learner"]["code"] for one in seen]:
            seen.append(facts.case)
        codes = [one["code"] for one in facts.case["subjects"]]
        index = [one["learner"]["code"] for one in seen].index(own)
        same = [one for one in seen[:index] if [subject["code"] for subject in one["subjects"]] == codes]
        if not same:
            return super().contents(facts)
        swapped = [
            {**mine, "semester1": theirs["semester1"], "semester2": theirs["semester2"]}
            for mine, theirs in zip(facts.case["subjects"], same[-1]["subjects"], strict=True)
        ]
        return super().contents(dataclasses.replace(facts, case={**facts.case, "subjects": swapped}))


@defect(
    "drops-absences",
    "Bỏ mất số buổi nghỉ",
    "Drops the absences",
    expects=["PL1-ND-001"],
    cause="PL1-ND-001.absences-dropped",
    shows=["THCS:thcs-absences-45"],
)
class NoAbsences(Habits):
    """Promotion is decided as if there were none."""

    def contents(self, facts: Facts) -> Contents:
        return super().contents(dataclasses.replace(facts, case={**facts.case, "absences": 0}))


@defect(
    "loses-a-day-of-birth",
    "Lệch ngày sinh một ngày vì múi giờ",
    "Is a day off in the date of birth because of the time zone",
    expects=["PL1-ND-001"],
    cause="PL1-ND-001.birth-date-differs",
    shows=["THCS:thcs-plain", "THCS:thcs-level-good", "THCS:thcs-level-satisfactory"],
)
class DayBefore(Habits):
    """Midnight in Vietnam is the day before in UTC. Births on the first of a month are left alone: one fault only."""

    def learner(self, entered: Mapping[str, Any]) -> Contents:
        text = str(entered["birthDate"])
        if len(text) == 10 and not text.endswith("-01"):
            entered = {**entered, "birthDate": (date.fromisoformat(text) - timedelta(days=1)).isoformat()}
        return super().learner(entered)


@defect(
    "fills-empty-fields",
    "Tự điền chữ vào ô khen thưởng để trống",
    "Fills an awards field that was left empty",
    expects=["PL1-ND-002"],
    cause="PL1-ND-002.value-added",
    shows=["THCS:thcs-plain"],
)
class FilledIn(Habits):
    """What nobody entered stands in the document."""

    def summary(self, facts: Facts) -> Contents:
        found = super().summary(facts)
        found["awards"] = found["awards"] or "Không"
        return found


@defect(
    "numbers-instead-of-uuids",
    "Mã định danh học bạ không phải UUID",
    "Identifies transcripts by something other than a UUID",
    expects=["PL1-STR-003"],
    shows=["THCS:thcs-plain"],
)
class OwnNumbers(Habits):
    """The vendor's own key instead of the identifier that the dictionary asks for."""

    def new_record_id(self) -> str:
        return "HB-" + super().new_record_id().replace("-", "")[:20]


@defect(
    "shortens-the-school-year",
    "Ghi tắt năm học, ví dụ 2024-25",
    "Shortens the school year, as in 2024-25",
    expects=["PL1-STR-005"],
    cause="PL1-STR-005.not-a-year",
    shows=["THCS:thcs-plain"],
)
class ShortYear(Habits):
    """Two digits for the second year."""

    def contents(self, facts: Facts) -> Contents:
        found = super().contents(facts)
        year = found["record"]["school_year"]
        found["record"]["school_year"] = year[:5] + year[7:]
        return found


@defect(
    "dates-the-issue-before-signing",
    "Ghi ngày phát hành trước ngày hiệu trưởng ký",
    "Dates the issue before the principal signed",
    expects=["PL1-STR-006"],
    shows=["THCS:thcs-plain"],
)
class IssuedYesterday(Habits):
    """The date of issue is a day early."""

    def contents(self, facts: Facts) -> Contents:
        found = super().contents(facts)
        found["issue"]["signed_on"] = self.day_text((facts.signed_on - timedelta(days=1)).isoformat())
        return found


@defect(
    "names-the-wrong-circular",
    "Ghi thông tư của chương trình khác",
    "Names the circular of another programme",
    expects=["PL1-STR-007"],
    shows=["THCS:thcs-plain"],
)
class OtherCircular(Habits):
    """The rules that were applied are the right ones; the document names others."""

    def contents(self, facts: Facts) -> Contents:
        found, own = super().contents(facts), self.rules_of(facts)
        others = [one.circular for one in self.pack.rules.values() if one.family != own.family]
        found["record"]["circular"] = others[0]
        return found


@defect(
    "numbers-the-levels",
    "Ghi mức kết quả bằng số 1-4",
    "Writes levels as numbers 1-4",
    expects=["PL1-MA-009"],
    cause="PL1-MA-009.mixed",
    shows=["THCS:thcs-plain"],
)
class NumberedLevels(Habits):
    """The other encoding of the same dictionary."""

    def level_text(self, level: str | None) -> str:
        return self.wire["foreign-level"][level] if level in LEVELS else ""


@defect(
    "renames-a-subject",
    "Ghi tên môn học không khớp với mã môn",
    "Writes a subject name that does not belong to the code",
    expects=["PL1-MA-004"],
    cause="PL1-MA-004.subject",
    shows=["THCS:thcs-plain"],
)
class RenamedSubject(Habits):
    """The first two subjects have each other's names."""

    def subjects(self, facts: Facts) -> list[Contents]:
        found = super().subjects(facts)
        if len(found) > 1:
            found[0]["name"], found[1]["name"] = found[1]["name"], found[0]["name"]
        return found


@defect(
    "keeps-the-old-province",
    "Ghi trường vào tỉnh đã được sắp xếp lại, mã không còn hiệu lực",
    "Puts the school in a province that no longer exists",
    expects=["PL1-MA-005", "PL1-ND-001"],
    cause="PL1-MA-005.not-any-more",
    shows=["THCS:thcs-plain"],
)
class OldProvince(Habits):
    """The province list was never renewed; what was entered is overwritten from it."""

    def province_of(self, school: Mapping[str, Any]) -> Mapping[str, str]:
        today = self.clock.now().date()
        for entry in self.pack.codes["provinces"]:
            if self.pack.codes["provinces"].find(entry.code, today) is None:
                return {"code": entry.code, "label": entry.name}
        return super().province_of(school)


@defect(
    "writes-decimal-commas",
    "Ghi điểm với dấu phẩy thập phân",
    "Writes marks with a decimal comma",
    expects=["PL1-MON-005"],
    cause="PL1-MON-005.comma",
    shows=["THCS:thcs-plain"],
)
class Commas(Habits):
    """As people write marks, and as no program reads them."""

    def mark_text(self, mark: Decimal) -> str:
        return super().mark_text(mark).replace(".", ",")
