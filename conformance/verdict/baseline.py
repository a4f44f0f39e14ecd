"""Known failures (the vendor's baseline, by cause code) and attestations (a person vouches)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class BaselineError(ValueError):
    """The baseline cannot be read; bilingual message."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaselineEntry(_Data):
    """A failure the vendor knows of: full cause code, why it is tolerated, and until when (last day) if limited."""

    cause: str = Field(pattern=r"^[A-Z0-9]+-[A-Z]+-[0-9]+\.[a-z0-9-]+$")
    reason: str = Field(pattern=r"\S")
    expires: date | None = None

    def covers(self, code: str, on: date) -> bool:
        """Whether the entry excuses the full cause ``code`` on a day."""
        return self.cause == code and (self.expires is None or on <= self.expires)


class Baseline(_Data):
    """The vendor's baseline. An entry that matches nothing or has expired is an error of the baseline."""

    entries: tuple[BaselineEntry, ...] = ()

    def covers(self, code: str, on: date) -> bool:
        """Whether some entry excuses ``code`` on a day."""
        return any(one.covers(code, on) for one in self.entries)

    def stale(self, seen: Iterable[str], on: date) -> tuple[str, ...]:
        """Cause codes of entries that have expired or whose cause was not seen."""
        found = set(seen)
        return tuple(
            one.cause
            for one in self.entries
            if one.cause not in found or (one.expires is not None and on > one.expires)
        )

    @classmethod
    def of(cls, entries: object) -> Baseline:
        """A baseline from loaded data: a list of mappings.

        Raises:
            BaselineError: wrong data; the message names the entry.
        """
        if not isinstance(entries, list):
            raise BaselineError("danh sách lỗi đã biết phải là một danh sách / a baseline is a list")
        read: dict[str, BaselineEntry] = {}
        for number, one in enumerate(entries, 1):
            try:
                entry = BaselineEntry.model_validate(one)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"])) or "-"
                raise BaselineError(f"mục {number} sai / entry {number} is wrong: {where}: {first['msg']}") from error
            if entry.cause in read:
                raise BaselineError(f"mục {number}: nêu hai lần / entry {number}: listed twice: {entry.cause}")
            read[entry.cause] = entry
        return cls(entries=tuple(read.values()))

    @classmethod
    def parse(cls, text: str) -> Baseline:
        """A baseline from its file: YAML (or JSON), a list of ``cause``, ``reason`` and, if limited, ``expires``.

        Raises:
            BaselineError: not such a file.
        """
        try:
            loaded = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:
            raise BaselineError(f"không phải YAML / not YAML: {' '.join(str(error).split())}") from error
        except RecursionError as error:
            raise BaselineError("lồng quá sâu / nested too deep") from error
        return cls.of([] if loaded is None else loaded)

    def text(self) -> str:
        """The baseline as its file holds it."""
        entries = [one.model_dump(mode="python", exclude_none=True) for one in self.entries]
        dumped = yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=110) if entries else "[]\n"
        return _HEAD + dumped

    def update(
        self, failing: Iterable[str], seen: Iterable[str], on: date, reasons: Mapping[str, str], expires: date | None
    ) -> Update:
        """What the baseline becomes after a run.

        Args:
            failing: full cause codes that keep the verdict from being Đạt.
            seen: all full cause codes that were violated; an entry outside them is dropped.
            on: the day; entries that have expired need a new reason as new ones do.
            reasons: cause code → reason for new or expired entries; ``""`` holds one for all of them.
            expires: last day of new or renewed entries.
        """
        found, wanted = set(seen), dict.fromkeys(failing)
        kept: list[BaselineEntry] = []
        dropped: list[str] = []
        added: list[str] = []
        unexplained: list[str] = []
        known: set[str] = set()

        def excuse(code: str, else_keep: BaselineEntry | None) -> None:
            reason = reasons.get(code) or reasons.get("", "")
            if reason.strip():
                kept.append(BaselineEntry(cause=code, reason=reason, expires=expires))
                added.append(code)
            else:
                unexplained.append(code)
                if else_keep is not None:
                    kept.append(else_keep)

        for one in self.entries:
            known.add(one.cause)
            if one.cause not in found:
                dropped.append(one.cause)
            elif one.expires is not None and on > one.expires:
                excuse(one.cause, one)
            else:
                kept.append(one)
        for code in wanted:
            if code not in known:
                excuse(code, None)
        return Update(Baseline(entries=tuple(kept)), tuple(added), tuple(dropped), tuple(unexplained))


_HEAD = """\
# Lỗi đã biết: mã nguyên nhân, lí do chấp nhận, ngày cuối cùng còn hiệu lực (không bắt buộc).
# Known failures: cause code, why it is tolerated, last day on which it is (optional).
"""


@dataclass(frozen=True, slots=True)
class Update:
    """A baseline brought up to date with a run."""

    baseline: Baseline
    added: tuple[str, ...]
    """Cause codes that are new or were renewed."""
    dropped: tuple[str, ...]
    """Cause codes that were not seen any more."""
    unexplained: tuple[str, ...]
    """Cause codes that fail, and nobody gave a reason for: not excused."""


class Attestation(_Data):
    """A person vouches that a requirement holds where the run could not show it; counted apart, never a pass."""

    requirement: str
    programme: str
    name: str
    day: date
    evidence: str
    """SHA-256 (hex) of what the person looked at."""
