"""Results as they were entered, and the likely miscalculations of an average (for PL1-ND)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from conformance.pack import RuleSet
from conformance.transcript.academics import semester_average
from conformance.transcript.model import Subject, Value

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class WrongMark:
    """A semester result that is not the entered one."""

    entered: Data
    semester: str
    subject: Subject
    value: Value[Any]
    wanted: object
    parts: Data | None

    @property
    def label(self) -> str:
        return str(self.entered["label"])

    def swapped_with(self, other: WrongMark) -> bool:
        return self.subject is other.subject and self.value.value == other.wanted and other.value.value == self.wanted

    def mistakes(self, rules: RuleSet) -> tuple[str, ...]:
        """The miscalculations that give the document's average, likeliest first; none when nothing calculated can.

        The last one says only that the average differs.
        """
        seen = self.value.value
        if self.parts is None or not isinstance(seen, Decimal):
            return ()
        found = tuple(cause for cause, values in _miscalculated(self.parts, rules) if seen in values)
        regular, midterm, final = components(self.parts)
        everything = [*regular, midterm, final]
        return (*found, "average-differs") if found or min(everything) <= seen <= max(everything) else ()


def refuted(parts: Data, rules: RuleSet) -> frozenset[str]:
    """The miscalculations that would have given another average than the right one: software that got it right makes
    none of them."""
    right = semester_average(*components(parts), rules).value
    return frozenset(cause for cause, values in _miscalculated(parts, rules) if right not in values)


def exact_average(parts: Data, rules: RuleSet) -> Decimal:
    """The average before it is rounded."""
    regular, midterm, final = components(parts)
    weights = rules.component_weights
    total = sum(regular, Decimal(0)) * weights["regular"] + midterm * weights["midterm"] + final * weights["final"]
    return total / (len(regular) * weights["regular"] + weights["midterm"] + weights["final"])


def _miscalculated(parts: Data, rules: RuleSet) -> Iterator[tuple[str, set[Decimal]]]:
    """The likely mistakes, likeliest first, with the averages they give."""
    regular, midterm, final = components(parts)
    weights, exact = rules.component_weights, exact_average(parts, rules)
    unit = Decimal(1).scaleb(-rules.rounding_digits)
    plain = (sum(regular, Decimal(0)) + midterm + final) / (len(regular) + 2)
    swapped = sum(regular, Decimal(0)) * weights["regular"] + midterm * weights["final"] + final * weights["midterm"]
    swapped /= len(regular) * weights["regular"] + weights["midterm"] + weights["final"]
    yield "cut-off", {exact.quantize(unit, ROUND_DOWN)}
    yield "tie-to-even", {exact.quantize(unit, ROUND_HALF_EVEN), exact.quantize(unit, ROUND_HALF_DOWN)}
    yield "not-rounded", {exact}
    yield "rounded-twice", {_half_up(_half_up(exact, unit / 10), unit)}
    yield "whole-marks", {_half_up(exact, Decimal(1)), _half_up(exact * 2, Decimal(1)) / 2}
    yield "plain-mean", {_half_up(plain, unit)}
    yield "weights-swapped", {_half_up(swapped, unit)}


def _half_up(value: Decimal, unit: Decimal) -> Decimal:
    return value.quantize(unit, "ROUND_HALF_UP")


def components(parts: Data | None) -> tuple[list[Decimal], Decimal, Decimal]:
    said = parts or {}
    return [Decimal(one) for one in said["regular"]], Decimal(said["midterm"]), Decimal(said["final"])


def meaning(result: Data, rules: RuleSet) -> object:
    """What an entered result must read as: a mark, or the name of an outcome."""
    if "outcome" in result:
        return result["outcome"]
    if "average" in result:
        try:
            return Decimal(result["average"])
        except InvalidOperation:
            return result["average"]
    return semester_average(*components(result["components"]), rules).value
