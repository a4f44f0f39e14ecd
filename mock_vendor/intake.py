"""Looks at what is entered before it is taken: impossible input is refused with its field named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from conformance.pack import RuleSet
from mock_vendor.reasons import Reason
from mock_vendor.register import Register
from mock_vendor.signing import Signing

_KINDS = {
    "required": "MISSING_FIELD",
    "minItems": "MISSING_FIELD",
    "enum": "UNKNOWN_CODE",
    "minimum": "OUT_OF_RANGE",
    "maximum": "OUT_OF_RANGE",
}
_MARK = re.compile(r"-?[0-9]+(\.(?P<decimals>[0-9]+))?")
_PARTIAL_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
MOST_REASONS = 20


def pointer(*parts: object) -> str:
    """A JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def possible_date(text: str) -> bool:
    """Whether ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD`` is a date of the calendar."""
    if not _PARTIAL_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    except ValueError:
        return False
    return True


class Intake(Signing):
    """Checks requests. Methods are seams that a named defect may replace."""

    @cached_property
    def _validators(self) -> dict[str, Draft202012Validator]:
        interface = self.pack.test_interface
        parts = interface["components"]
        return {
            name: Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": parts})
            for name in parts["schemas"]
        }

    def malformed(self, schema: str, data: Any) -> list[Reason]:
        """What the test interface's own schema finds."""
        found = []
        for error in self._validators[schema].iter_errors(data):
            found += [_reason(one) for one in _leaves(error)]
        return found[:MOST_REASONS]

    def impossible(self, case: Mapping[str, Any], register: Register) -> list[Reason]:
        """What cannot be, in a case that is well-formed."""
        room = register.classes.get(case["class"])
        if room is None:
            return [Reason("UNKNOWN_CODE", "/class", message="không có lớp này / no such class")]
        programme = room["programme"]
        rules = self.pack.rules[self.pack.programmes[programme].rules]
        found = []
        if case["schoolYear"] != room["schoolYear"]:
            found.append(Reason("INVALID_FIELD", "/schoolYear", message="khác năm học của lớp / not the class's year"))
        if case.get("leader", "") and case["leader"] not in register.persons:
            found.append(Reason("UNKNOWN_CODE", "/leader", message="không có người này / no such person"))
        found += self._learner(case["learner"])
        seen: set[str] = set()
        for index, subject in enumerate(case["subjects"]):
            if subject["code"] in seen:
                found.append(Reason("INVALID_FIELD", pointer("subjects", index, "code"), message="lặp lại / repeated"))
            seen.add(subject["code"])
            found += self._subject(pointer("subjects", index), subject, programme, rules)
            found += self._teachers(pointer("subjects", index, "teachers"), case, subject, register)
        return found[:MOST_REASONS]

    def _learner(self, learner: Mapping[str, Any]) -> Iterator[Reason]:
        if not learner["name"].strip():
            yield Reason("MISSING_FIELD", "/learner/name", message="thiếu họ tên / name missing")
        if not possible_date(learner["birthDate"]):
            yield Reason("INVALID_FIELD", "/learner/birthDate", message="ngày sinh không có / no such date")
        if not learner.get("nationalId") and not learner.get("passport"):
            yield Reason("MISSING_FIELD", "/learner/nationalId", message="thiếu số định danh / identifier missing")
        for field, codes in (("gender", "genders"), ("ethnicity", "ethnicities"), ("nationality", "nationalities")):
            listed = self.pack.codes.get(codes)
            if listed is not None and listed.find(learner[field]["code"]) is None:
                yield Reason("UNKNOWN_CODE", pointer("learner", field, "code"), message="mã không có / unknown code")

    def _subject(self, at: str, subject: Mapping[str, Any], programme: str, rules: RuleSet) -> Iterator[Reason]:
        entry = self.pack.codes["subjects"].find(subject["code"])
        here = entry.data["programmes"].get(programme) if entry else None
        if entry is None or here is None:
            yield Reason("UNKNOWN_CODE", f"{at}/code", subject=subject["code"], message="môn lạ / unknown subject")
            return
        if subject["scoring"] != here["scoring"]:
            yield Reason(
                "INVALID_FIELD", f"{at}/scoring", subject=subject["code"], message="sai hình thức / not its scoring"
            )
        for period in ("semester1", "semester2", "reassessment"):
            result = subject.get(period)
            if result:
                yield from self._result(f"{at}/{period}", result, subject["scoring"], rules)

    def _result(self, at: str, result: Mapping[str, Any], scoring: str, rules: RuleSet) -> Iterator[Reason]:
        if "outcome" in result:
            if scoring == "marks" and result["outcome"] != "exempt":
                yield Reason("INVALID_FIELD", f"{at}/outcome", message="môn này cho điểm số / this subject has marks")
            return
        if scoring == "comment":
            yield Reason("INVALID_FIELD", at, message="môn này chỉ nhận xét / this subject has no marks")
        if "average" in result:
            yield from self.mark(f"{at}/average", result["average"], rules)
        elif "components" in result:
            parts = result["components"]
            for index, mark in enumerate(parts["regular"]):
                yield from self.mark(f"{at}/components/regular/{index}", mark, rules)
            for name in ("midterm", "final"):
                yield from self.mark(f"{at}/components/{name}", parts[name], rules)
        else:
            yield Reason("MISSING_FIELD", at, message="thiếu kết quả / result missing")

    def mark(self, at: str, text: str, rules: RuleSet) -> Iterator[Reason]:
        """A mark must be a number inside the scale, with no more decimals than the rules round to."""
        try:
            found = _MARK.fullmatch(text)
            exact = found is not None and len(found["decimals"] or "") <= rules.rounding_digits
            value = Decimal(text) if exact else None
        except InvalidOperation:
            value = None
        if value is None:
            yield Reason("INVALID_FIELD", at, message="không phải điểm / not a mark")
        elif not rules.mark_minimum <= value <= rules.mark_maximum:
            yield Reason("OUT_OF_RANGE", at, message="ngoài thang điểm / outside the scale")

    def _teachers(
        self, at: str, case: Mapping[str, Any], subject: Mapping[str, Any], register: Register
    ) -> Iterator[Reason]:
        teachers = register.teachers_of(case, subject)
        if not teachers:
            yield Reason("MISSING_FIELD", at, subject=subject["code"], message="thiếu giáo viên / teacher missing")
        for one in teachers:
            if one not in register.persons:
                yield Reason("UNKNOWN_CODE", at, signer=one, message="không có người này / no such person")


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    if not error.context:
        yield error
    for one in error.context or ():
        yield from _leaves(one)


def _reason(error: ValidationError) -> Reason:
    path = list(error.absolute_path)
    if error.validator == "required":
        wanted = error.validator_value if isinstance(error.validator_value, list) else []
        held: Any = error.instance
        path.append(next((name for name in wanted if name not in held), ""))
    code = _KINDS.get(str(error.validator), "INVALID_FIELD")
    return Reason(code, pointer(*path), message=error.message[:200])
