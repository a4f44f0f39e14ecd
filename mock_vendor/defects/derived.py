"""More wrong derivations: MON-008, HT, RL, LL. Each is one slip in one formula; everything else follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from conformance.pack import RuleSet
from mock_vendor.academics import LEVELS, Result, worse
from mock_vendor.contents import Contents, Facts
from mock_vendor.defects.registry import defect
from mock_vendor.habits import Habits


@defect(
    "doubles-the-first-semester",
    "Nhân đôi học kì I thay vì học kì II",
    "Gives semester I the double weight",
    expects=["PL1-MON-008"],
    cause="PL1-MON-008.weights-swapped",
    shows=["THCS:thcs-weights-decide"],
)
class FirstDoubled(Habits):
    """The two columns in the wrong order."""

    def year_mark(self, first: Decimal, second: Decimal, rules: RuleSet) -> Decimal:
        return super().year_mark(second, first, rules)


@defect(
    "copies-semester-two-as-year",
    "Lấy điểm học kì II làm điểm cả năm",
    "Takes the mark of semester II as that of the year",
    expects=["PL1-MON-008"],
    cause="PL1-MON-008.semester2-copied",
    shows=["THCS:thcs-semesters-apart"],
)
class SecondCopied(Habits):
    """As is right for comment-only subjects only."""

    def year_mark(self, first: Decimal, second: Decimal, rules: RuleSet) -> Decimal:
        del first
        return self.rounded(second, rules.rounding_digits)


@defect(
    "rounds-year-marks-to-halves",
    "Làm tròn điểm cả năm đến 0,5",
    "Rounds year marks to halves",
    expects=["PL1-MON-008"],
    shows=["THCS:thcs-cut-off-shows"],
)
class Halves(Habits):
    """A habit of older mark books."""

    def year_mark(self, first: Decimal, second: Decimal, rules: RuleSet) -> Decimal:
        return self.rounded(super().year_mark(first, second, rules) * 2, 0) / 2


@defect(
    "forgets-one-year-mark",
    "Bỏ trống điểm cả năm của một môn",
    "Leaves the year mark of one subject empty",
    expects=["PL1-MON-008"],
    cause="PL1-MON-008.missing",
    shows=["THCS:thcs-plain"],
)
class OneForgotten(Habits):
    """The loop ends one row too early."""

    def subjects(self, facts: Facts) -> list[Contents]:
        found = super().subjects(facts)
        return [{**found[0], "year": None}, *found[1:]]


@defect(
    "overlooks-comment-only-subjects",
    "Không xét môn nhận xét chưa đạt khi xếp mức học tập",
    "Overlooks failed comment-only subjects when it rates",
    expects=["PL1-HT-001"],
    cause="PL1-HT-001.comments-ignored",
    shows=["THCS:thcs-comment-two-failed"],
)
class MarksOnly(Habits):
    """Only numbers are compared."""

    def plain_level(self, results: Sequence[Result], rules: RuleSet) -> str:
        return super().plain_level([one for one in results if one != "failed"], rules)


@defect(
    "excludes-the-threshold",
    "Điểm đúng bằng ngưỡng không được tính",
    "Does not count a mark exactly on the threshold",
    expects=["PL1-HT-001"],
    cause="PL1-HT-001.limit-excluded",
    shows=["THCS:thcs-good-six-at-8-0"],
)
class Strictly(Habits):
    """Greater where greater or equal is meant."""

    def plain_level(self, results: Sequence[Result], rules: RuleSet) -> str:
        hair = Decimal("0.01")
        return super().plain_level([one - hair if isinstance(one, Decimal) else one for one in results], rules)


@defect(
    "raises-all-the-way",
    "Điều chỉnh lên hẳn mức lẽ ra đạt, không chỉ một mức",
    "Raises to the level that would have been, not by one step",
    expects=["PL1-HT-002"],
    cause="PL1-HT-002.raised-too-far",
    shows=["THCS:thcs-adjust-good-to-fair"],
)
class AllTheWay(Habits):
    """The article says: the next level."""

    def raised_level(self, results: Sequence[Result], level: str, rules: RuleSet) -> str:
        if super().raised_level(results, level, rules) == level:
            return level
        rest = ([*results[:at], *results[at + 1 :]] for at in range(len(results)))
        return min((self.plain_level(one, rules) for one in rest), key=LEVELS.index)


@defect(
    "raises-for-two-subjects",
    "Điều chỉnh cả khi hai môn kéo xuống",
    "Raises although two subjects pull down",
    expects=["PL1-HT-001"],
    shows=["THCS:thcs-no-adjust-two-subjects"],
)
class ForTwo(Habits):
    """The lowest two marks are left out."""

    def raised_level(self, results: Sequence[Result], level: str, rules: RuleSet) -> str:
        marks = sorted(one for one in results if isinstance(one, Decimal))
        would = self.plain_level(marks[2:], rules)
        if would in rules.adjustable and worse(level, would) >= rules.adjustment_levels:
            return LEVELS[LEVELS.index(level) - 1]
        return level


@defect(
    "takes-the-better-conduct",
    "Lấy mức rèn luyện tốt hơn trong hai học kì làm cả năm",
    "Takes the better conduct of the two semesters for the year",
    expects=["PL1-RL-001"],
    shows=["THCS:thcs-conduct-good-satisfactory"],
)
class BetterConduct(Habits):
    """Kind, and wrong."""

    def conduct_year(self, first: str, second: str, rules: RuleSet) -> str:
        del rules
        return min(first, second, key=LEVELS.index)


@defect(
    "copies-conduct-of-semester-two",
    "Lấy rèn luyện học kì II làm cả năm",
    "Takes the conduct of semester II for the year",
    expects=["PL1-RL-001"],
    cause="PL1-RL-001.semester2-copied",
    shows=["THCS:thcs-conduct-good-satisfactory"],
)
class SecondConduct(Habits):
    """Nearly right: the second semester weighs more, but does not decide alone."""

    def conduct_year(self, first: str, second: str, rules: RuleSet) -> str:
        del first, rules
        return second


@defect(
    "promotes-whatever-was-learned",
    "Cho lên lớp dù học tập ở mức thấp nhất",
    "Promotes although learning is at the lowest level",
    expects=["PL1-LL-001"],
    shows=["THCS:thcs-level-unsatisfactory"],
)
class WithoutLearning(Habits):
    """Conduct and absences alone."""

    def promoted(self, conduct: str, learning: str, absences: int, rules: RuleSet) -> bool:
        del learning
        return super().promoted(conduct, rules.promotion_learning, absences, rules)


@defect(
    "promotes-whatever-the-conduct",
    "Cho lên lớp dù rèn luyện ở mức thấp nhất",
    "Promotes although conduct is at the lowest level",
    expects=["PL1-LL-001"],
    shows=["THCS:thcs-conduct-good-unsatisfactory"],
)
class WithoutConduct(Habits):
    """Learning and absences alone."""

    def promoted(self, conduct: str, learning: str, absences: int, rules: RuleSet) -> bool:
        del conduct
        return super().promoted(rules.promotion_conduct, learning, absences, rules)


@defect(
    "retains-at-45-absences",
    "Không cho lên lớp khi nghỉ đúng 45 buổi",
    "Retains at exactly 45 absences",
    expects=["PL1-LL-001"],
    shows=["THCS:thcs-absences-45"],
)
class AtTheLimit(Habits):
    """Less than, where not more than is meant."""

    def promoted(self, conduct: str, learning: str, absences: int, rules: RuleSet) -> bool:
        return super().promoted(conduct, learning, absences + 1, rules)


@defect(
    "forgets-summer-training",
    "Xét lên lớp theo rèn luyện cả năm, bỏ qua kết quả rèn luyện trong hè",
    "Decides promotion by the year's conduct, not by that after the summer",
    expects=["PL1-LL-001"],
    shows=["THCS:thcs-conduct-fair-unsatisfactory"],
)
class BeforeSummer(Habits):
    """The new level stands in the document, and is not used."""

    def outcome(self, facts: Facts, conduct: str, learning: str | None) -> Contents:
        entered = facts.case["conduct"]
        conduct = self.conduct_year(entered["semester1"], entered["semester2"], self.rules_of(facts))
        return super().outcome(facts, conduct, learning)


@defect(
    "gives-titles-whatever-the-conduct",
    "Trao danh hiệu dù rèn luyện chỉ Khá",
    "Gives titles although conduct is only Khá",
    expects=["PL1-LL-004"],
    shows=["THCS:thcs-title-lost-by-conduct"],
)
class TitleByMarks(Habits):
    """Marks alone."""

    def title(self, conduct: str, learning: str, results: Sequence[Result], rules: RuleSet, on: date) -> str | None:
        del conduct
        return super().title(LEVELS[0], learning, results, rules, on)
