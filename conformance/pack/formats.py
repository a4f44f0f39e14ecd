"""How dates, school years, grades and marks are spelled on the wire: the pack's ``formats``, read and written.

In a pattern ``YYYY``, ``MM`` and ``DD`` stand for the digits of a date, ``{first}`` and ``{second}`` for the calendar
years of a school year; everything else stands for itself.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from functools import cached_property

from pydantic import Field, field_validator

from conformance.pack.data import Data

PartialDate = tuple[int, int | None, int | None]
"""Year, month and day as far as they are known."""

_TOKENS = {"YYYY": r"(?P<year>[0-9]{4})", "MM": r"(?P<month>[0-9]{2})", "DD": r"(?P<day>[0-9]{2})"}
_SHOWN_YEARS = {"first": "YYYY", "second": "YYYY"}


class Formats(Data):
    """The spellings of one pack (``formats`` of ``document/binding.yaml``)."""

    date: str
    month: str
    """A date known to the month."""
    year: str
    """A date known to the year."""
    school_year: str
    grade_digits: int = Field(ge=1, le=4)
    """Digits of a grade, filled with zeros; 1: as many as it has, without zeros in front."""
    decimal: str = Field(min_length=1, max_length=1)
    """What stands before the decimals of a mark."""

    @field_validator("date", "month", "year")
    @classmethod
    def _of_tokens(cls, value: str) -> str:
        if value.count("YYYY") != 1 or any(value.count(token) > 1 for token in _TOKENS):
            raise ValueError("cần YYYY, MM, DD mỗi thứ nhiều nhất một lần / wants YYYY, and MM and DD once at most")
        return value

    @field_validator("school_year")
    @classmethod
    def _of_years(cls, value: str) -> str:
        if value.count("{first}") != 1 or value.count("{second}") > 1:
            raise ValueError("cần {first}, {second} / wants {first} and, once at most, {second}")
        return value

    @cached_property
    def _dates(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_pattern(one) for one in (self.date, self.month, self.year))

    @cached_property
    def _school_year(self) -> re.Pattern[str]:
        text = re.escape(self.school_year)
        for name in _SHOWN_YEARS:
            text = text.replace(re.escape(f"{{{name}}}"), rf"(?P<{name}>[0-9]{{4}})")
        return re.compile(text)

    @cached_property
    def _mark(self) -> re.Pattern[str]:
        return re.compile(rf"[0-9]{{1,3}}({re.escape(self.decimal)}[0-9]{{1,2}})?")

    @cached_property
    def _number(self) -> re.Pattern[str]:
        return re.compile(rf"(-(?=[0-9.,]*[1-9]))?[0-9]{{1,9}}({re.escape(self.decimal)}[0-9]{{1,9}})?")

    @cached_property
    def _plain(self) -> re.Pattern[str]:
        return re.compile(rf"(0|[1-9][0-9]*)({re.escape(self.decimal)}[0-9]*[1-9])?")

    @cached_property
    def _otherwise(self) -> re.Pattern[str]:
        return re.compile(rf"[0-9]+[{re.escape('.,'.replace(self.decimal, ''))}][0-9]+")

    def read_partial(self, raw: str) -> PartialDate | None:
        """A date known to the day, the month or the year; ``None``: not spelled as one, or no such date exists."""
        for pattern in self._dates:
            if (found := pattern.fullmatch(raw)) is not None:
                named = found.groupdict()
                year, month, day = int(found["year"]), named.get("month"), named.get("day")
                try:
                    datetime.date(year, int(month or 1), int(day or 1))
                except ValueError:
                    return None
                return year, int(month) if month else None, int(day) if day else None
        return None

    def read_date(self, raw: str) -> datetime.date | None:
        """A day that exists; ``None``: anything else."""
        found = self._dates[0].fullmatch(raw)
        try:
            return datetime.date(int(found["year"]), int(found["month"]), int(found["day"])) if found else None
        except ValueError:
            return None

    def read_school_year(self, raw: str) -> int | None:
        """The first calendar year; the second must follow it."""
        found = self._school_year.fullmatch(raw)
        if found is None:
            return None
        first = int(found["first"])
        return first if int(found.groupdict().get("second") or first + 1) == first + 1 else None

    def read_mark(self, raw: str) -> Decimal | None:
        """A mark in any readable spelling (``8``, ``8.0``, ``08``); its range is not looked at."""
        return Decimal(raw.replace(self.decimal, ".")) if self._mark.fullmatch(raw) else None

    def read_number(self, raw: str) -> Decimal | None:
        """Any number, however large, below zero too: what can be said to lie outside the scale."""
        return Decimal(raw.replace(self.decimal, ".")) if self._number.fullmatch(raw) else None

    def decimals(self, raw: str) -> int:
        """Decimals that a number is written with."""
        return len(raw.partition(self.decimal)[2])

    def is_plain(self, raw: str) -> bool:
        """Whether a mark has no zeros that say nothing."""
        return self._plain.fullmatch(raw) is not None

    def is_otherwise(self, raw: str) -> bool:
        """Whether it would be a number with the other decimal sign."""
        return self._otherwise.fullmatch(raw) is not None

    def respelled(self, raw: str) -> str:
        """A number written with the other decimal sign, as it must be written."""
        return "".join(one if one.isdigit() else self.decimal for one in raw)

    def is_grade(self, raw: str) -> bool:
        """Whether a grade has the digits it must have."""
        return raw.isdigit() and len(raw) == len(self.write_grade(int(raw)))

    def write_date(self, day: datetime.date) -> str:
        """A day."""
        return self.write_partial((day.year, day.month, day.day))

    def write_partial(self, known: PartialDate) -> str:
        """A date as far as it is known."""
        year, month, day = known
        text = self.year if month is None else self.month if day is None else self.date
        return text.replace("YYYY", f"{year:04d}").replace("MM", f"{month or 0:02d}").replace("DD", f"{day or 0:02d}")

    def write_school_year(self, first: int) -> str:
        """The school year that begins in ``first``."""
        return self.school_year.format(first=first, second=first + 1)

    def write_grade(self, grade: int) -> str:
        """A grade."""
        return f"{grade:0{self.grade_digits}d}"

    def write_mark(self, plain: str) -> str:
        """A mark given with a point."""
        return plain.replace(".", self.decimal)

    @property
    def shown_school_year(self) -> str:
        """The form of a school year for a reader: ``YYYY-YYYY``."""
        return self.school_year.format(**_SHOWN_YEARS)


def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text)
    for token, pattern in _TOKENS.items():
        escaped = escaped.replace(token, pattern)
    return re.compile(escaped)
