"""Named edits: the words in which a case is written.

A case is a base plus a short list of edits (vendor-interface.md). An edit changes the *plan* of a learner's year; what
it leaves alone is drawn from the run's seed when the plan is realised. Edits know no code, name or threshold: their
parameters come from the pack's case files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.cases.plan import Components, Drawn, Fixed, HistoryPlan, Outcome, Plan, PlanError, Result
from conformance.pack import Text

Change = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A known edit: what it does to a plan and how it reads."""

    name: str
    change: Change
    text: Text
    academic: bool
    """Whether it decides marks, levels or promotion (neutral edits never do)."""


KINDS: dict[str, Kind] = {}


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a case: its name and parameters (JSON values)."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, plan: Plan) -> None:
        """Change ``plan`` in place.

        Raises:
            PlanError: unknown edit, wrong parameters, or a subject the plan does not have.
        """
        kind = KINDS.get(self.name)
        if kind is None:
            raise PlanError(f"{self.name}: không có phép sửa này / no such edit")
        try:
            kind.change(plan, **{name.replace("-", "_"): value for name, value in self.params.items()})
        except TypeError as error:
            raise PlanError(f"{self.name}: sai tham số / wrong parameters: {error}") from error

    def text(self, language: str) -> str:
        """The edit in one line."""
        kind = KINDS[self.name]
        shown = {name: _shown(value) for name, value in self.params.items()}
        said = kind.text.of(language)
        if len(shown) == 1:
            (listed,) = shown.values()
        else:
            listed = ", ".join(f"{_word(name, language)} {value}" for name, value in shown.items())
        return f"{said}: {listed}" if listed else said

    def __str__(self) -> str:
        return self.text("en")

    def data(self) -> object:
        """As written in a pack's case file."""
        return {self.name: dict(self.params)} if self.params else self.name

    @property
    def academic(self) -> bool:
        """Whether the edit decides marks, levels or promotion."""
        return KINDS[self.name].academic


def parse(written: object) -> Edit:
    """An edit as a case file writes it: ``name`` or ``{name: {parameters}}``."""
    if isinstance(written, str):
        return Edit(written)
    if isinstance(written, Mapping) and len(written) == 1:
        name, params = next(iter(written.items()))
        if isinstance(name, str) and isinstance(params, Mapping):
            return Edit(name, dict(params))
    raise PlanError(f"{written!r}: không phải phép sửa / not an edit")


_WORDS = {
    "after-summer": Text(vi="sau rèn luyện hè", en="after summer"),
    "awards": Text(vi="khen thưởng", en="awards"),
    "competitions": Text(vi="cuộc thi", en="competitions"),
    "day": Text(vi="ngày", en="day"),
    "detail": Text(vi="chi tiết", en="detail"),
    "drop": Text(vi="bỏ", en="drop"),
    "ethnicity": Text(vi="dân tộc", en="ethnicity"),
    "father": Text(vi="cha", en="father"),
    "final": Text(vi="cuối kỳ", en="final"),
    "gender": Text(vi="giới tính", en="gender"),
    "guardian": Text(vi="người giám hộ", en="guardian"),
    "mark": Text(vi="điểm", en="mark"),
    "midterm": Text(vi="giữa kỳ", en="midterm"),
    "mother": Text(vi="mẹ", en="mother"),
    "name": Text(vi="tên", en="name"),
    "national-id": Text(vi="số định danh", en="national identifier"),
    "nationality": Text(vi="quốc tịch", en="nationality"),
    "occupation": Text(vi="nghề nghiệp", en="occupation"),
    "outcome": Text(vi="kết quả", en="outcome"),
    "posts": Text(vi="giáo viên", en="teachers"),
    "precision": Text(vi="độ đầy đủ", en="precision"),
    "register-number": Text(vi="số vào sổ", en="register number"),
    "regular": Text(vi="thường xuyên", en="regular"),
    "role": Text(vi="quan hệ", en="relation"),
    "semester": Text(vi="học kỳ", en="semester"),
    "semester1": Text(vi="HK I", en="semester 1"),
    "semester2": Text(vi="HK II", en="semester 2"),
    "semesters": Text(vi="học kỳ", en="semesters"),
    "subject": Text(vi="môn", en="subject"),
    "subjects": Text(vi="môn", en="subjects"),
    "summer-training": Text(vi="rèn luyện hè", en="summer training"),
    "take": Text(vi="chọn", en="take"),
    "text": Text(vi="lời", en="text"),
    "which": Text(vi="nơi", en="which"),
}
"""Parameters of edits in words; one without an entry stands by its name."""


def _word(name: str, language: str) -> str:
    known = _WORDS.get(name)
    return known.of(language) if known else name


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_shown(one)}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(_shown, value))
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def edit(name: str, vi: str, en: str, *, academic: bool = False) -> Callable[[Change], Change]:
    """Register an edit under ``name``."""

    def keep(change: Change) -> Change:
        KINDS[name] = Kind(name, change, Text(vi=vi, en=en), academic)
        return change

    return keep


# ------------------------------------------------------------------------------------------------- marks and levels


@edit("grade", "lớp", "grade", academic=True)
def _grade(plan: Plan, grade: int) -> None:
    plan.grade = grade


@edit("subjects", "danh sách môn", "subjects taken", academic=True)
def _subjects(plan: Plan, take: Sequence[str] = (), drop: Sequence[str] = ()) -> None:
    for code in drop:
        plan.subject(code)
        del plan.subjects[code]
    for code in take:
        plan.take(code)


@edit("band", "điểm bốc thăm trong khoảng", "marks drawn inside a band", academic=True)
def _band(
    plan: Plan,
    band: str,
    subjects: Sequence[str] = (),
    semesters: Sequence[int] = (1, 2),
) -> None:
    for code in subjects or plan.scored():
        for semester in semesters:
            plan.subject(code).set(semester, Drawn(*plan.band(band)))


@edit("mark", "điểm trung bình môn", "semester averages", academic=True)
def _mark(plan: Plan, subjects: Sequence[str] = (), semester1: str | None = None, semester2: str | None = None) -> None:
    for code in subjects or plan.scored():
        for semester, value in ((1, semester1), (2, semester2)):
            if value is not None:
                plan.subject(code).set(semester, Fixed(value))


@edit("components", "điểm thành phần", "component marks", academic=True)
def _components(plan: Plan, subject: str, semester: int, regular: Sequence[str], midterm: str, final: str) -> None:
    plan.subject(subject).set(semester, Components(tuple(regular), midterm, final))


@edit("outcome", "môn đánh giá bằng nhận xét", "comment-only results", academic=True)
def _outcome(plan: Plan, subjects: Sequence[str], semester1: str | None = None, semester2: str | None = None) -> None:
    for code in subjects:
        for semester, value in ((1, semester1), (2, semester2)):
            if value is not None:
                plan.subject(code).set(semester, Outcome(value))


@edit("exempt", "được miễn", "exempt", academic=True)
def _exempt(plan: Plan, subjects: Sequence[str], semesters: Sequence[int] = (1, 2)) -> None:
    for code in subjects:
        for semester in semesters:
            plan.subject(code).set(semester, Outcome("exempt"))


@edit("no-result", "không có kết quả", "no result", academic=True)
def _no_result(plan: Plan, semesters: Sequence[int], subjects: Sequence[str] = ()) -> None:
    for code in subjects or tuple(plan.subjects):
        for semester in semesters:
            plan.subject(code).set(semester, None)


@edit("reassessed", "kết quả kiểm tra, đánh giá lại trong hè", "re-assessed in summer", academic=True)
def _reassessed(plan: Plan, subject: str, mark: str | None = None, outcome: str | None = None) -> None:
    result: Result = Fixed(mark) if mark is not None else Outcome(str(outcome))
    plan.subject(subject).reassessment = result


@edit("conduct", "kết quả rèn luyện", "conduct", academic=True)
def _conduct(plan: Plan, semester1: str, semester2: str, after_summer: str | None = None) -> None:
    plan.conduct = {"semester1": semester1, "semester2": semester2}
    if after_summer is not None:
        plan.conduct["afterSummer"] = after_summer


@edit("absences", "số buổi nghỉ", "absences", academic=True)
def _absences(plan: Plan, sessions: int) -> None:
    plan.absences = sessions


@edit("withhold-title", "không trao danh hiệu dù đủ điều kiện", "earned title not given", academic=True)
def _withhold(plan: Plan) -> None:
    plan.extra["withholdTitle"] = True


@edit("not-assessed", "khuyết tật, không đánh giá", "disabled, not assessed", academic=True)
def _not_assessed(plan: Plan) -> None:
    plan.learner["notAssessed"] = True
    for subject in plan.subjects.values():
        subject.set(1, None)
        subject.set(2, None)


@edit("individual-plan", "học theo kế hoạch giáo dục cá nhân", "individual education plan", academic=True)
def _individual_plan(plan: Plan) -> None:
    plan.learner["individualPlan"] = True


# ---------------------------------------------------------------------------------------------------------- learner


@edit("name", "họ và tên", "name")
def _name(plan: Plan, name: str, gender: str = "female", ethnicity: str | None = None) -> None:
    plan.name = name
    plan.gender = gender
    if ethnicity is not None:
        plan.ethnicity = ethnicity


@edit("gender", "giới tính", "gender")
def _gender(plan: Plan, gender: str) -> None:
    plan.gender = gender


@edit("ethnicity", "dân tộc", "ethnicity")
def _ethnicity(plan: Plan, ethnicity: str) -> None:
    plan.ethnicity = ethnicity


@edit("birth", "ngày sinh", "birth date")
def _birth(plan: Plan, precision: str = "day", day: str = "", older: int = 0) -> None:
    if precision not in {"day", "month", "year"}:
        raise PlanError(f"birth: precision {precision!r}")
    plan.birth_precision, plan.birth_day, plan.older = precision, day, plan.older + older


@edit("foreign-learner", "học sinh nước ngoài", "foreign learner")
def _foreign(
    plan: Plan, name: str, nationality: str, ethnicity: str, gender: str = "female", national_id: bool = False
) -> None:
    plan.name, plan.gender, plan.ethnicity, plan.nationality = name, gender, ethnicity, nationality
    plan.passport = not national_id


@edit("family", "cha mẹ, người giám hộ", "parents and guardian")
def _family(plan: Plan, father: str = "drawn", mother: str = "drawn", guardian: str = "none") -> None:
    for role, how in (("father", father), ("mother", mother), ("guardian", guardian)):
        if how not in {"drawn", "name-only", "none"}:
            raise PlanError(f"family: {role} {how!r}")
    plan.family = {"father": father, "mother": mother, "guardian": guardian}


@edit("relative", "người thân", "relative")
def _relative(plan: Plan, role: str, name: str, occupation: str = "") -> None:
    plan.family[role] = "given"
    plan.learner[role] = {"name": name, **({"occupation": occupation} if occupation else {})}


@edit("policy", "đối tượng chính sách", "policy category")
def _policy(plan: Plan, category: str) -> None:
    plan.learner["policyCategory"] = category


@edit("place", "nơi sinh, quê quán, nơi ở", "birthplace, home place, residence")
def _place(plan: Plan, which: str, detail: str, bare: bool = True) -> None:
    plan.places[which] = (detail, bare)


# ---------------------------------------------------------------------------------------------------------- history


@edit("history", "quá trình học tập", "study history")
def _history(plan: Plan, years: Sequence[Mapping[str, Any]]) -> None:
    plan.history = [
        HistoryPlan(
            int(one["back"]),
            int(one["grade"]),
            int(one.get("school", 0)),
            str(one.get("transferred", "")),
        )
        for one in years
    ]


# ------------------------------------------------------------------------------------------------------ school staff


@edit("teachers", "giáo viên môn học", "subject teachers")
def _teachers(plan: Plan, subject: str, posts: Sequence[str]) -> None:
    plan.subject(subject).posts = tuple(posts)


@edit("leader", "người ký thay hiệu trưởng", "signs as leader")
def _leader(plan: Plan, post: str) -> None:
    plan.leader = post


# ------------------------------------------------------------------------------------------------------------- texts


@edit("comment", "nhận xét môn học", "subject comment")
def _comment(plan: Plan, subject: str, text: str) -> None:
    plan.subject(subject).comment = text


@edit("no-comments", "không nhận xét môn học", "no subject comments")
def _no_comments(plan: Plan, subjects: Sequence[str] = ()) -> None:
    for code in subjects or tuple(plan.subjects):
        plan.subject(code).comment = ""


@edit("homeroom-comment", "nhận xét của giáo viên chủ nhiệm", "homeroom comment")
def _homeroom_comment(plan: Plan, text: str) -> None:
    plan.extra["homeroomComment"] = text


@edit("long-comment", "nhận xét dài", "long comment")
def _long_comment(plan: Plan, length: int) -> None:
    plan.long_comment = length


@edit("certificates", "chứng chỉ", "certificates")
def _certificates(plan: Plan, certificates: Sequence[Mapping[str, str]]) -> None:
    plan.extra["certificates"] = [dict(one) for one in certificates]


@edit("decisions", "kết quả khác trong năm", "other results of the year")
def _decisions(
    plan: Plan,
    competitions: str = "",
    awards: str = "",
    summer_training: str = "",
    register_number: str = "",
) -> None:
    given = {
        "competitions": competitions,
        "awards": awards,
        "summerTraining": summer_training,
        "registerNumber": register_number,
    }
    plan.extra.update({name: value for name, value in given.items() if value})
