"""Synthetic persons: names, identifiers, addresses and families drawn from the pack's lists."""

from __future__ import annotations

import calendar
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from conformance.pack import Pack
from conformance.pack.data import read_yaml


@lru_cache(maxsize=32)
def _read(path: Path) -> Any:
    return read_yaml(path)


def case_data(pack: Pack, name: str) -> Any:
    """A file of the pack's ``cases`` folder (shared: never change it).

    Raises:
        PackError: the file is missing or unreadable.
    """
    return _read(pack.path("cases", f"{name}.yaml"))


def stream(*parts: object) -> random.Random:
    """A stream of draws of its own for every named thing, so that leaving one edit out moves no other draw."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311  # synthetic data, repeatable on purpose


def number(*parts: object, below: int) -> int:
    """A stable number in ``range(below)`` from a name."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


@dataclass(frozen=True, slots=True)
class People:
    """Draws from the pack's ``cases/people.yaml``."""

    pack: Pack

    @property
    def lists(self) -> Mapping[str, Any]:
        """The raw lists."""
        found: Mapping[str, Any] = case_data(self.pack, "people")
        return found

    def gender(self, draw: random.Random) -> str:
        """``male`` or ``female``, as the lists know them."""
        return str(draw.choice(sorted(self.lists["genders"])))

    def name(self, draw: random.Random, gender: str) -> str:
        """A full name of two to four words."""
        lists = self.lists
        middle = draw.choice(lists["middles"][gender])
        given = draw.choice(lists["given"][gender])
        family = draw.choice(lists["surnames"])
        if draw.random() < 0.25:
            second = draw.choice(lists["given"][gender])
            if second not in (middle, given):
                return f"{family} {middle} {second} {given}"
        return f"{family} {middle} {given}"

    def province(self, draw: random.Random) -> str:
        """A province code."""
        return str(draw.choice(sorted(self.lists["provinces"])))

    def place(self, draw: random.Random, province: str) -> dict[str, Any]:
        """An address with its province (test interface: ``Place``)."""
        lists = self.lists
        label = lists["provinces"][province]
        street = draw.choice(lists["streets"]).format(n=draw.randint(1, 96))
        commune = draw.choice(lists["communes"][province])
        return {
            "detail": lists["address"].format(street=street, commune=commune, province=label),
            "province": {"code": province, "label": label},
        }

    def coded(self, plural: str, code: str) -> dict[str, str]:
        """A code with its label."""
        return {"code": code, "label": self.lists[plural][code]}

    def identifier(self, province: str, gender: str, born: int, serial: int) -> str:
        """A personal identifier whose last six digits lie in the range reserved for synthetic persons.

        Args:
            province: code of the province where the birth was registered.
            gender: ``male`` or ``female``.
            born: year of birth.
            serial: position inside the reserved range; taken modulo its size.
        """
        first, last = self.pack.header.reserved.national_id_serial
        size = int(last) - int(first) + 1
        identifiers = self.pack.header.identifiers
        return identifiers.national_id_form.format(
            place=self.lists["identifier-place"].format(province=province),
            sex=identifiers.sex_of(gender, born),
            year=f"{born % 100:02d}",
            serial=f"{int(first) + serial % size:0{len(first)}d}",
        )

    def passport(self, draw: random.Random) -> str:
        """A passport number no real document has the form of."""
        return str(self.lists["passport"].format(number=f"{draw.randint(0, 99_999_999):08d}"))

    def birthday(self, draw: random.Random, year: int, day: str = "") -> date:
        """A day of ``year``, or the day ``MM-DD`` of it (29 February: of the last leap year up to then)."""
        if not day:
            return date(year, draw.randint(1, 12), draw.randint(1, 28))
        month, number_ = map(int, day.split("-"))
        if (month, number_) == (2, 29):
            while not calendar.isleap(year):
                year -= 1
        return date(year, month, number_)
