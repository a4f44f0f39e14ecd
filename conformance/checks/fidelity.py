"""ND: the document against what was entered (dispatch 1b). Shown by driving the software only.

PL1-ND-001 compares every entered value with the one at its place: texts letter by letter after NFC, codes as they are,
marks and levels by meaning. A value that cannot be read as its type, names that belong to codes, and text not in NFC
are found by the requirements that name them and not once more here. PL1-ND-002 looks for what nobody entered and
nothing derives, PL1-ND-003 for semester averages that do not follow from the component marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from conformance.checks.context import Context
from conformance.checks.entered import Data, WrongMark, components, exact_average, meaning, refuted
from conformance.document import Document
from conformance.document.letters import normalized
from conformance.finding import Message, Recorder
from conformance.pack import RuleSet
from conformance.transcript.academics import common_mistake, semester_average
from conformance.transcript.model import Address, HistoryYear, Person, Relative, Subject, Transcript, Value

STANDS, NOTHING_ELSE, AVERAGES = "PL1-ND-001", "PL1-ND-002", "PL1-ND-003"
OTHER_LEARNER = "PL1-ND-001.other-learner"
SEMESTERS = ("semester1", "semester2")
PERSONS, TEACHERS, MARKS, COMMENTS = "persons", "teachers", "marks", "comments"
CONDUCT, ABSENCES, DECISIONS, HISTORY = "conduct", "absences", "decisions", "history"

_HALF = Decimal("0.5")
_PERIODS = {name: f"{{period.{name}}}" for name in SEMESTERS}
_CONDUCT = {"semester1": "semester1", "semester2": "semester2", "afterSummer": "after_summer"}
_NOT_ETH = str.maketrans({"Ð": "Đ", "ð": "đ"})
"""Eth for crossed D is PL1-DOC-005's, not a changed letter here."""


def check_fidelity(
    case: Data,
    roster: Data,
    document: Document,
    context: Context,
    found: Recorder,
    others: Iterable[Data] = (),
) -> None:
    """Judge a document against the case it was made from: PL1-ND-001, PL1-ND-002, PL1-ND-003.

    Args:
        case: what was entered (JSON of the test interface's ``Case``).
        roster: the run's schools (JSON of ``Roster``).
        document: what was issued.
        context: its subject mapping translates the software's own subject codes.
        found: where observations go.
        others: other cases entered in the same run, to recognise another learner's marks; looked at only when marks
            differ.
    """
    _Comparison(case, _Roster(roster), document, context, found, others).run()


class _Roster:
    def __init__(self, data: Data) -> None:
        self.schools = {one["code"]: one for one in data["schools"]}
        self.classes = {one["id"]: one for one in data["classes"]}
        self.teachers = {one["id"]: one for one in data["teachers"]}
        self.assigned = {(one["class"], one["subject"]): one["teachers"] for one in data["assignments"]}

    def teachers_of(self, case: Data, subject: Data) -> Sequence[str]:
        own = subject.get("teachers")
        return list(own if own is not None else self.assigned.get((case["class"], subject["code"]), ()))


@dataclass(slots=True)
class _Comparison:
    case: Data
    roster: _Roster
    document: Document
    context: Context
    found: Recorder
    others: Iterable[Data]
    compared: set[str] = field(default_factory=set)
    differing: set[str] = field(default_factory=set)
    added: bool = False
    right: list[Data] = field(default_factory=list)
    """Component marks whose average the document states rightly."""

    @property
    def transcript(self) -> Transcript:
        return self.document.transcript

    def run(self) -> None:
        self.frame()
        self.learner()
        self.history()
        subjects = self.matched()
        self.marks(subjects)
        for entered, subject in subjects:
            self.comment(entered, subject)
            self.subject_teachers(entered, subject)
        self.summary()
        if OTHER_LEARNER in self.found.roots():
            # a whole document of somebody else: nothing in it is a mistake of its own
            self.found.mark_consequences(OTHER_LEARNER, (STANDS, NOTHING_ELSE, AVERAGES))
        for kind in sorted(self.compared - self.differing):
            self.found.held(STANDS, kind)
        if not self.added:
            self.found.held(NOTHING_ELSE)

    # -- reporting -------------------------------------------------------------------------------------------------

    def differs(self, kind: str, cause: str, node: object, expected: object, seen: object, **params: Any) -> None:
        self.differing.add(kind)
        if "field" in params:
            params["field"] = self.wire(params["field"])
        place = self.document.place(node)
        self.found.violated(STANDS, cause, place=place, expected=expected, seen=seen, **params)

    def not_entered(self, cause: str, node: object, seen: object, **params: Any) -> None:
        self.added = True
        if "field" in params:
            params["field"] = self.wire(params["field"])
        self.found.violated(NOTHING_ELSE, cause, place=self.document.place(node), seen=seen, **params)

    def near(self, group: str) -> object:
        """The element that holds a repeated group."""
        path = self.context.pack.binding.groups[group].rpartition("/")[0]
        return next(iter(self.document.at(path)), None) if path else None

    def wire(self, anchor: str) -> str:
        """A model field as the document calls it, with its group: what a reader finds in either language."""
        binding = self.context.pack.binding
        bound = binding.fields.get(anchor)
        if bound is None:
            return anchor
        path = bound.path
        group = binding.groups.get(anchor.rpartition(".")[0], "")
        return "/".join([*group.split("/")[-1:], path]) if group else path

    def text(
        self, kind: str, cause: str, entered: str | None, value: Value[Any] | None, near: object, **params: Any
    ) -> None:
        """Compare a text; one that nobody entered must not be there. What the pack's form has no place for is left."""
        if params["field"] not in self.context.pack.binding.fields:
            return
        if not entered:
            if value is not None and value.raw.strip():
                self.not_entered("value-added", value, value.raw, **params)
            return
        self.compared.add(kind)
        if value is None or not value.raw.strip():
            self.differs(kind, "value-missing", near if value is None else value, entered, "", **params)
        elif _letters(value.raw) != _letters(entered):
            if _letters(value.raw).split() == _letters(entered).split():
                cause = "spacing-changed"
            self.differs(kind, cause, value, entered, value.raw, **params)

    def school_year(self, entered: str) -> str:
        """A school year of the test interface (``2024-2025``) as the document writes it."""
        return self.context.pack.binding.formats.write_school_year(int(entered[:4]))

    def day(self, entered: str | None) -> str | None:
        """A date of the test interface (``2013-03-04``, ``2013-03``, ``2013``) as the document writes it."""
        if not entered:
            return entered
        year, month, day = (*map(int, entered.split("-")), None, None)[:3]
        return self.context.pack.binding.formats.write_partial((year or 0, month, day))

    # -- frame: record, school, class, leader ------------------------------------------------------------------------

    def frame(self) -> None:
        one = self.transcript
        room = self.roster.classes[self.case["class"]]
        school = self.roster.schools[room["school"]]
        record, address = one.record, school["address"]
        self.text(PERSONS, "school-differs", school["code"], record.school_code, record, field="record.school_code")
        if record.school_year is not None and record.school_year.value is not None:
            self.text(
                PERSONS,
                "class-differs",
                self.school_year(self.case["schoolYear"]),
                record.school_year,
                record,
                field="record.school_year",
            )
        if record.grade is not None and record.grade.value not in (None, int(room["grade"])):
            self.differs(PERSONS, "class-differs", record.grade, room["grade"], record.grade.raw, field="record.grade")
        self.text(PERSONS, "class-differs", room["name"], one.class_name, one, field="class_name")
        here = one.school
        for what, entered, value in (
            ("department_code", school["department"]["code"], here.department_code),
            ("name", school["name"], here.name),
            ("commune_name", address["commune"]["label"], here.commune_name),
            ("commune_code", address["commune"].get("code"), here.commune_code),
            ("district_name", address.get("district"), here.district_name),
            ("province_code", address["province"]["code"], here.province_code),
        ):
            self.text(PERSONS, "school-differs", entered, value, here, field=f"school.{what}")
        self.text(PERSONS, "school-differs", school["placeOfIssue"], one.issue.place, one.issue, field="issue.place")
        self.text(
            DECISIONS,
            "decision-differs",
            self.case.get("registerNumber"),
            one.issue.register_number,
            one.issue,
            field="issue.register_number",
        )
        leader = self.roster.teachers[self.case.get("leader") or school["leader"]]
        said = one.issue.leader
        for what, entered, value in (
            ("name", leader["name"], said.name),
            ("national_id", leader.get("nationalId"), said.national_id),
            ("title", leader.get("title"), said.title),
        ):
            self.text(TEACHERS, "leader-differs", entered, value, said, field=f"issue.leader.{what}")

    # -- learner -----------------------------------------------------------------------------------------------------

    def learner(self) -> None:
        entered, said, profile = self.case["learner"], self.transcript.learner, self.transcript.profile
        if self.other_learner(entered):
            return
        for cause, what, key, value in (
            ("identifier-differs", "learner.code", "code", said.code),
            ("identifier-differs", "learner.national_id", "nationalId", said.national_id),
            ("identifier-differs", "learner.passport", "passport", said.passport),
            ("name-differs", "learner.name", "name", said.name),
            ("profile-differs", "profile.policy_category", "policyCategory", profile.policy_category),
        ):
            self.text(PERSONS, cause, entered.get(key), value, said, field=what)
        born = self.day(entered.get("birthDate"))
        self.text(PERSONS, "birth-date-differs", born, said.birth_date, said, field="learner.birth_date")
        for what, value in (
            ("gender", profile.gender),
            ("ethnicity", profile.ethnicity),
            ("nationality", profile.nationality),
        ):
            self.text(PERSONS, "profile-differs", entered[what]["code"], value, profile, field=f"profile.{what}")
        for key, what, flag in (
            ("notAssessed", "profile.not_assessed", profile.not_assessed),
            ("individualPlan", "profile.individual_plan", profile.individual_plan),
        ):
            wanted = bool(entered.get(key))
            seen = bool(flag.value) if flag is not None else False
            if seen != wanted and (flag is None or flag.value is not None):
                self.differs(PERSONS, "profile-differs", flag or profile, wanted, flag.raw if flag else "", field=what)
        for what, address in (
            ("birthplace", profile.birthplace),
            ("hometown", profile.hometown),
            ("residence", profile.residence),
        ):
            self.address(what, entered[what], address, profile)
        for what, relative in (
            ("father", profile.father),
            ("mother", profile.mother),
            ("guardian", profile.guardian),
        ):
            self.relative(what, entered.get(what), relative, profile)

    def other_learner(self, entered: Data) -> bool:
        """Whether the document is about somebody else altogether: one finding, not one for each field."""
        said = self.transcript.learner
        identifier = str(entered.get("nationalId") or entered.get("passport"))
        pairs: tuple[tuple[str, Value[str] | None], ...] = (
            (str(entered["code"]), said.code),
            (str(entered["name"]), said.name),
            (identifier, said.national_id or said.passport),
        )
        if any(value is None or _letters(value.raw) == _letters(wanted) for wanted, value in pairs):
            return False
        seen = " ".join(value.raw for _, value in pairs if value is not None)
        wanted = " ".join(wanted for wanted, _ in pairs)
        self.differs(PERSONS, "other-learner", said, wanted, seen)
        return True

    def address(self, what: str, entered: Data, value: Address | None, near: object) -> None:
        said, near = value or Address(), value or near
        self.text(PERSONS, "place-differs", entered["detail"], said.detail, near, field=f"profile.{what}.detail")
        for key, code in (("commune", said.commune_code), ("province", said.province_code)):
            wanted = entered.get(key, {}).get("code")
            self.text(PERSONS, "place-differs", wanted, code, near, field=f"profile.{what}.{key}_code")

    def relative(self, what: str, entered: Data | None, value: Relative | None, near: object) -> None:
        for key, said in (("name", value.name if value else None), ("occupation", value.occupation if value else None)):
            wanted = (entered or {}).get(key)
            self.text(PERSONS, "relative-differs", wanted, said, value or near, field=f"profile.{what}.{key}")

    # -- history -----------------------------------------------------------------------------------------------------

    def history(self) -> None:
        left = list(self.transcript.history)
        entered = self.case.get("history", [])
        for one in entered:
            self.compared.add(HISTORY)
            match = self.history_line(one, left)
            if match is None:
                shown = f"{one['schoolYear']} {one['class']} {one['school']}"
                self.differs(HISTORY, "history-missing", self.near("history[]"), shown, "", year=one["schoolYear"])
                continue
            left.remove(match)
            for what, wanted, value in (
                ("class_name", one["class"], match.class_name),
                ("school_name", one["school"], match.school_name),
                ("province_name", one["province"], match.province_name),
                ("transferred_on", self.day(one.get("transferredOn")), match.transferred_on),
            ):
                self.text(HISTORY, "history-differs", wanted, value, match, field=f"history[].{what}")
        for line in left:
            seen = " ".join(value.raw for value in (line.school_year, line.class_name, line.school_name) if value)
            self.not_entered("history-added", line, seen)

    def history_line(self, entered: Data, lines: Sequence[HistoryYear]) -> HistoryYear | None:
        wanted = self.school_year(entered["schoolYear"])
        same = [line for line in lines if line.school_year is not None and line.school_year.raw == wanted]

        def likeness(line: HistoryYear) -> int:
            pairs = ((entered["school"], line.school_name), (entered["class"], line.class_name))
            return sum(value is not None and _letters(value.raw) == _letters(wanted) for wanted, value in pairs)

        return max(same, key=likeness, default=None)

    # -- subjects ----------------------------------------------------------------------------------------------------

    def matched(self) -> list[tuple[Data, Subject]]:
        """Entered subjects with their elements; what has no partner is reported.

        A subject under a wrong code is known by its name: PL1-MA-003 and 004 report the code, and nothing else follows.
        """
        by_code: dict[str, Subject] = {}
        for subject in self.transcript.subjects:
            raw = subject.code.raw if subject.code is not None else ""
            by_code.setdefault(self.context.subject_map.get(raw, raw), subject)
        pairs = []
        known = {entered["code"] for entered in self.case["subjects"]}
        named = {
            _letters(subject.name.raw): code
            for code, subject in by_code.items()
            if code not in known and subject.name is not None
        }
        for entered in self.case["subjects"]:
            match = by_code.pop(entered["code"], None) or by_code.pop(named.get(_letters(entered["label"]), ""), None)
            if match is None:
                self.differs(
                    MARKS, "subject-missing", self.near("subjects[]"), entered["label"], "", subject=entered["label"]
                )
            else:
                pairs.append((entered, match))
        for code, subject in by_code.items():
            self.not_entered("subject-added", subject, subject.name.raw if subject.name else code)
        return pairs

    def comment(self, entered: Data, subject: Subject) -> None:
        self.text(
            COMMENTS,
            "comment-differs",
            entered.get("comment"),
            subject.comment,
            subject,
            field="subjects[].comment",
            subject=entered["label"],
        )

    def subject_teachers(self, entered: Data, subject: Subject) -> None:
        left = list(subject.teachers)
        wanted = [self.roster.teachers[one] for one in self.roster.teachers_of(self.case, entered)]
        for person in wanted:
            self.compared.add(TEACHERS)
            match = next((one for one in left if _is(person, one)), None)
            if match is not None:
                left.remove(match)
        if wanted and len(left) == 0 and len(subject.teachers) == len(wanted):
            return
        missing = [one for one in wanted if not any(_is(one, said) for said in subject.teachers)]
        for person in missing:
            if left:
                said = left.pop(0)
                self.differs(TEACHERS, "teacher-differs", said, _named(person), _person(said), subject=entered["label"])
            else:
                self.differs(TEACHERS, "teacher-missing", subject, _named(person), "", subject=entered["label"])
        for said in left:
            self.not_entered("teacher-added", said, _person(said), subject=entered["label"])

    # -- marks -------------------------------------------------------------------------------------------------------

    def marks(self, subjects: Sequence[tuple[Data, Subject]]) -> None:
        wrong: list[WrongMark] = []
        for entered, subject in subjects:
            for semester in SEMESTERS:
                value: Value[Any] | None = getattr(subject, semester)
                mark = self.mark(entered, semester, entered.get(semester), subject, value)
                if mark is not None:
                    wrong.append(mark)
            self.reassessed(entered, subject)
        if wrong:
            self.report(wrong, subjects)

    def rules(self) -> RuleSet:
        room = self.roster.classes[self.case["class"]]
        pack = self.context.pack
        return pack.rules[pack.programmes[room["programme"]].rules]

    def mark(
        self, entered: Data, semester: str, result: Data | None, subject: Subject, value: Value[Any] | None
    ) -> WrongMark | None:
        """A mark that is not the one entered; ``None`` when it is, or when it cannot be compared."""
        label = entered["label"]
        if result is None:
            if value is not None and value.raw.strip():
                self.not_entered("mark-invented", value, value.raw, subject=label, period=_PERIODS[semester])
            return None
        parts = result.get("components")
        if not parts:
            self.compared.add(MARKS)
        if value is None or not value.raw.strip():
            missing = meaning(result, self.rules())
            self.differs(MARKS, "mark-missing", value or subject, missing, "", subject=label, period=_PERIODS[semester])
            return None
        if value.value is None:
            # unreadable: PL1-MON-005 says so
            self.differing.add(MARKS)
            return None
        wanted = meaning(result, self.rules())
        if value.value == wanted:
            if parts:
                self.right.append(parts)
                self.found.held(AVERAGES, "components")
            return None
        return WrongMark(entered, semester, subject, value, wanted, parts)

    def reassessed(self, entered: Data, subject: Subject) -> None:
        again, value = entered.get("reassessment"), subject.reassessed
        label = entered["label"]
        if again is None:
            if value is not None and value.raw.strip():
                self.not_entered("reassessment-invented", value, value.raw, subject=label)
            return
        self.compared.add(DECISIONS)
        wanted = meaning(again, self.rules())
        if value is None or not value.raw.strip():
            self.differs(DECISIONS, "reassessment-missing", value or subject, wanted, "", subject=label)
        elif value.value is not None and value.value != wanted:
            self.differs(DECISIONS, "reassessment-differs", value, wanted, value.raw, subject=label)

    def report(self, wrong: Sequence[WrongMark], subjects: Sequence[tuple[Data, Subject]]) -> None:
        """Another learner's marks are one mistake; averages may be miscalculated; the rest was changed on the way."""
        other = self.whose(subjects)
        if other is not None:
            first = wrong[0]
            learner = other["learner"]
            self.differs(
                MARKS,
                "marks-of-another-learner",
                self.transcript.subjects[0],
                self.case["learner"]["code"],
                learner["code"],
                subject=first.label,
                other=f"{learner['name']} ({learner['code']})",
            )
            return
        rules = self.rules()
        mistakes = [one.mistakes(rules) for one in wrong if one.parts]
        innocent = frozenset().union(*(refuted(parts, rules) for parts in self.right))
        # a mark that no calculation from its components can give: then the others are no miscalculations either
        calculated = all(mistakes)
        # software makes one mistake: what explains some of the averages only, fits them by chance
        # of two that fit, the one that would not have spoilt the right averages as well
        likely = [[each for each in one[:-1] if each not in innocent] or one for one in mistakes]
        mistake = common_mistake(likely) or common_mistake(mistakes) if mistakes and calculated else ""
        for one in wrong:
            params = {"subject": one.label, "period": _PERIODS[one.semester]}
            if mistake and one.parts:
                derived = semester_average(*components(one.parts), rules)
                exact, steps = exact_average(one.parts, rules), derived.steps
                # a mistake in the calculation was found, so there is an exact average
                if exact - one.wanted == -_HALF.scaleb(-rules.rounding_digits):  # type: ignore[operator]
                    steps = (*steps, Message("academics.exact-half", {"exact": str(exact)}))
                self.found.violated(
                    AVERAGES,
                    mistake,
                    place=self.document.place(one.value),
                    expected=one.wanted,
                    seen=one.value.raw,
                    derivation=steps,
                    **params,
                )
                continue
            mirrored = next((other for other in wrong if other is not one and other.swapped_with(one)), None)
            cause = "semesters-swapped" if mirrored is not None else "mark-differs"
            self.differs(MARKS, cause, one.value, one.wanted, one.value.raw, **params)

    def whose(self, subjects: Sequence[tuple[Data, Subject]]) -> Data | None:
        """The other case whose results the document carries, if there is one."""
        rules = self.rules()
        carried = {
            (entered["code"], semester): value.value
            for entered, subject in subjects
            for semester in SEMESTERS
            if (value := getattr(subject, semester)) is not None and isinstance(value.value, Decimal)
        }
        for other in self.others:
            if other["learner"]["code"] == self.case["learner"]["code"]:
                continue
            theirs = {
                (one["code"], semester): meaning(one[semester], rules)
                for one in other["subjects"]
                for semester in SEMESTERS
                if semester in one and "outcome" not in one[semester]
            }
            if carried and theirs == carried:
                return other
        return None

    # -- the year as a whole -------------------------------------------------------------------------------------------

    def summary(self) -> None:
        said, case = self.transcript.summary, self.case
        for key, value in (
            ("semester1", said.conduct.semester1),
            ("semester2", said.conduct.semester2),
            ("afterSummer", said.conduct.after_summer),
        ):
            self.conduct(key, case["conduct"].get(key), value)
        self.absences()
        for key, what, text in (
            ("competitions", "competitions", said.competitions),
            ("awards", "awards", said.awards),
            ("summerTraining", "summer_training", said.summer_training),
        ):
            self.text(DECISIONS, "decision-differs", case.get(key), text, said, field=f"summary.{what}")
        self.text(
            COMMENTS,
            "comment-differs",
            case.get("homeroomComment"),
            said.homeroom_comment,
            said,
            field="summary.homeroom_comment",
        )
        self.certificates()
        if case.get("withholdTitle"):
            self.compared.add(DECISIONS)
            if said.title is not None and said.title.raw.strip():
                self.differs(DECISIONS, "title-given", said.title, "", said.title.raw)
        teacher = self.roster.teachers[self.roster.classes[case["class"]]["homeroomTeacher"]]
        self.compared.add(TEACHERS)
        if not _is(teacher, said.homeroom_teacher):
            node = said.homeroom_teacher if said.homeroom_teacher.node is not None else said
            seen = _person(said.homeroom_teacher)
            self.differs(TEACHERS, "homeroom-teacher-differs", node, _named(teacher), seen)

    def conduct(self, key: str, entered: str | None, value: Value[Any] | None) -> None:
        said = self.transcript.summary.conduct
        near = said if said.node is not None else self.transcript.summary
        if entered is None:
            if value is not None and value.raw.strip():
                self.not_entered("value-added", value, value.raw, field=f"summary.conduct.{_CONDUCT[key]}")
            return
        self.compared.add(CONDUCT)
        wanted, field = f"{{level.{entered}}}", f"summary.conduct.{_CONDUCT[key]}"
        if value is None or not value.raw.strip():
            self.differs(CONDUCT, "conduct-differs", value or near, wanted, "", field=field)
        elif value.value is not None and value.value.value != entered:
            self.differs(CONDUCT, "conduct-differs", value, wanted, value.raw, field=field)

    def absences(self) -> None:
        said = self.transcript.summary
        entered = int(self.case.get("absences", 0))
        value = said.absences
        if value is None or not value.raw.strip():
            if entered:
                self.differs(ABSENCES, "absences-dropped", value or said, entered, "")
        elif value.value is not None and value.value != entered:
            cause = "absences-dropped" if value.value == 0 else "absences-differ"
            self.differs(ABSENCES, cause, value, entered, value.raw)
        if entered:
            self.compared.add(ABSENCES)

    def certificates(self) -> None:
        said = self.transcript.summary.certificates
        entered = self.case.get("certificates", [])
        for number, one in enumerate(entered):
            self.compared.add(DECISIONS)
            if number >= len(said):
                shown = " ".join(one.get(key, "") for key in ("name", "kind")).strip()
                self.differs(
                    DECISIONS, "value-missing", self.transcript.summary, shown, "", field="summary.certificates[].name"
                )
                continue
            for key, value in (("name", said[number].name), ("kind", said[number].kind)):
                self.text(
                    DECISIONS,
                    "decision-differs",
                    one.get(key),
                    value,
                    said[number],
                    field=f"summary.certificates[].{key}",
                )
        for certificate in said[len(entered) :]:
            seen = certificate.name.raw if certificate.name is not None else ""
            self.not_entered("value-added", certificate, seen, field="summary.certificates[].name")


def _letters(text: str) -> str:
    return normalized("NFC", text).translate(_NOT_ETH)


def _is(wanted: Data, said: Person) -> bool:
    """Whether a named person is the one wanted: name and identifier."""
    name = said.name is not None and _letters(said.name.raw) == _letters(wanted["name"])
    return name and all(
        (value.raw if value is not None else "") == wanted.get(key, "")
        for key, value in (("nationalId", said.national_id), ("passport", said.passport))
    )


def _named(person: Data) -> str:
    return f"{person['name']} ({person.get('nationalId') or person.get('passport', '')})"


def _person(said: Person) -> str:
    identifier = said.national_id or said.passport
    return f"{said.name.raw if said.name else ''} ({identifier.raw if identifier else ''})"


__all__ = ["check_fidelity"]
