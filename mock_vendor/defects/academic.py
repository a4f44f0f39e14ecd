"""Wrong formulas: ND-003, MON, HT, RL, LL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Any

from conformance.pack import RuleSet
from mock_vendor.academics import LEVELS, Result
from mock_vendor.contents import Facts
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits


@defect(
    "averages-components-plainly",
    "Tính điểm trung bình học kì không theo hệ số",
    "Takes the semester average without weights",
    expects=["PL1-ND-003"],
    shows=["THCS:thcs-component-spread"],
)
class PlainSemester(Habits):
    """Regular, mid-term and final marks weigh the same; everything after that follows from the wrong average."""

    def semester_average(self, components: Mapping[str, Any], rules: RuleSet) -> Decimal:
        marks = [Decimal(str(one)) for one in (*components["regular"], components["midterm"], components["final"])]
        return self.rounded(sum(marks, Decimal(0)) / len(marks), rules.rounding_digits)


@defect(
    "rounds-half-to-even",
    "Làm tròn nửa về số chẵn (kiểu ngân hàng)",
    "Rounds halves to even, as banks do",
    expects=["PL1-ND-003"],
    shows=["THCS:thcs-component-tie"],
)
class BankersRounding(Habits):
    """7.25 becomes 7.2. Only semester averages can be halves (domain.md 1.1)."""

    def rounded(self, value: Decimal, digits: int) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


@defect(
    "cuts-off-instead-of-rounding",
    "Cắt bớt điểm cả năm thay vì làm tròn",
    "Cuts the year mark off instead of rounding it",
    expects=["PL1-MON-008"],
    cause="PL1-MON-008.cut-off",
    shows=["THCS:thcs-rounding-decides"],
)
class CutOff(Habits):
    """7.966… becomes 7.9; levels follow from the wrong mark, so nothing else contradicts it."""

    def year_mark(self, first: Decimal, second: Decimal, rules: RuleSet) -> Decimal:
        one, two = rules.year_weights
        exact = (first * one + second * two) / (one + two)
        return exact.quantize(Decimal(1).scaleb(-rules.rounding_digits), rounding=ROUND_DOWN)


@defect(
    "averages-semesters-plainly",
    "Tính điểm cả năm là trung bình cộng hai học kì",
    "Takes the year mark as the plain mean of the semesters",
    expects=["PL1-MON-008"],
    cause="PL1-MON-008.plain-mean",
    shows=["THCS:thcs-weights-decide"],
)
class PlainYear(Habits):
    """Semester II does not count double."""

    def year_mark(self, first: Decimal, second: Decimal, rules: RuleSet) -> Decimal:
        return self.rounded((first + second) / 2, rules.rounding_digits)


@defect(
    "comment-year-from-first-semester",
    "Lấy kết quả cả năm của môn nhận xét theo học kì I",
    "Takes the year result of comment-only subjects from semester I",
    expects=["PL1-MON-009"],
    shows=["THCS:thcs-comment-first-failed"],
)
class FirstSemesterCounts(Habits):
    """The wrong half of the year decides."""

    def year_result(self, scoring: str, first: Result, second: Result, rules: RuleSet) -> Result:
        if scoring == "comment" and first is not None:
            return first
        return super().year_result(scoring, first, second, rules)


@defect(
    "counts-one-subject-too-few",
    "Xét mức học tập với ít hơn một môn so với quy định",
    "Asks for one subject fewer than the rule when it rates learning",
    expects=["PL1-HT-001"],
    shows=["THCS:thcs-fair-sixth-at-7-9"],
)
class FiveIsEnough(Habits):
    """ "At least six subjects" read as five."""

    def plain_level(self, results: Sequence[Result], rules: RuleSet) -> str:
        eased = [one.model_copy(update={"count": one.count - 1}) for one in rules.thresholds]
        return super().plain_level(results, rules.model_copy(update={"thresholds": tuple(eased)}))


@defect(
    "forgets-adjustment",
    "Quên nâng mức khi chỉ một môn kéo xuống từ hai mức",
    "Forgets to raise the level when one subject alone pulled it down two levels",
    expects=["PL1-HT-002"],
    cause="PL1-HT-002.not-raised",
    shows=["THCS:thcs-adjust-good-to-fair", "THCS:thcs-adjust-fair-to-satisfactory"],
)
class NoAdjustment(Habits):
    """Thresholds only; promotion follows from the level as it stands."""

    def levels(self, facts: Facts) -> dict[str, str | None]:
        found, rules = super().levels(facts), self.rules_of(facts)
        for period in ("semester1", "semester2", "year"):
            if found[period]:
                found[period] = self.plain_level(self.results(facts, period), rules)
        return found


@defect(
    "ignores-reassessment",
    "Không xét lại mức học tập sau đánh giá lại",
    "Does not rate learning anew after re-assessment",
    expects=["PL1-HT-004"],
    shows=["THCS:thcs-reassessed-passes"],
)
class OldLevelStays(Habits):
    """The level of May stands as the level after the summer."""

    def levels(self, facts: Facts) -> dict[str, str | None]:
        found = super().levels(facts)
        return {**found, "after_summer": found["year"] if found["after_summer"] else None}


@defect(
    "averages-conduct",
    "Lấy rèn luyện cả năm là mức trung bình hai học kì, làm tròn xuống",
    "Takes conduct of the year as the mean of the semesters, rounded down",
    expects=["PL1-RL-001"],
    shows=["THCS:thcs-conduct-fair-good"],
)
class MeanConduct(Habits):
    """The circular has a table instead, in which semester II is decisive."""

    def conduct_year(self, first: str, second: str, rules: RuleSet) -> str:
        del rules
        return LEVELS[(LEVELS.index(first) + LEVELS.index(second) + 1) // 2]


@defect(
    "promotes-with-46-absences",
    "Cho lên lớp khi nghỉ 46 buổi",
    "Promotes a learner with 46 absences",
    expects=["PL1-LL-001"],
    cause="PL1-LL-001.promoted-absences",
    shows=["THCS:thcs-absences-46"],
)
class OneMoreAbsence(Habits):
    """The limit is off by one, for promotion only."""

    def promoted(self, conduct: str, learning: str, absences: int, rules: RuleSet) -> bool:
        return super().promoted(conduct, learning, max(0, absences - 1), rules)

    def completed(self, conduct: str, learning: str, absences: int, results: Sequence[Result], rules: RuleSet) -> bool:
        return super().promoted(conduct, learning, absences, rules) and "failed" not in results


@defect(
    "gives-unearned-title",
    "Trao danh hiệu cao nhất khi còn thiếu một môn",
    "Gives the highest title one subject short of it",
    expects=["PL1-LL-004"],
    cause="PL1-LL-004.not-earned-marks",
    shows=["THCS:thcs-title-excellent-missed"],
)
class EasyTitle(Habits):
    """Five subjects at 9.0 are taken for six."""

    def title(self, conduct: str, learning: str, results: Sequence[Result], rules: RuleSet, on: date) -> str | None:
        eased = [one.model_copy(update={"count": max(0, one.count - 1)}) for one in rules.titles]
        return super().title(conduct, learning, results, rules.model_copy(update={"titles": tuple(eased)}), on)
