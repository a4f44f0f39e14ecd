"""``hocba check``: judges files and shows findings; it never gives a verdict."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from conformance.checks.context import Context
from conformance.checks.judge import judge_document
from conformance.document import read
from conformance.events import Finding
from conformance.pack import Pack
from conformance.signature.dump import dump_document
from conformance.signature.given import GivenError, read_anchors, read_answers, read_crls, read_tax_codes
from conformance.signature.trust import TrustStore
from reports.visible import visible
from reports.wording import cause_text, step_text

LIMIT = 8 * 1024 * 1024
"""Bytes read of a file: past the lawful size a document is refused by PL1-DOC-004 anyway."""


class CheckingProblem(ValueError):
    """The files or options cannot be used; bilingual."""


@dataclass(slots=True)
class Checked:
    """One file's findings. ``error``: our own defect on it, never a verdict."""

    path: Path
    digest: str = ""
    programme: str = ""
    findings: list[Finding] = field(default_factory=list)
    held: int = 0
    error: str = ""
    unread: str = ""
    """Why the file could not be read; nothing is said about its content then."""


@dataclass(slots=True)
class Outcome:
    """All files' findings."""

    pack: Pack
    files: list[Checked]
    trusted: bool
    notes: tuple[str, ...] = ()
    """What should be told of the trust anchors; bilingual."""

    def blocking(self, one: Checked) -> list[Finding]:
        """Violated MUST requirements."""
        return [
            finding
            for finding in one.findings
            if finding.state == "violated" and self.pack.requirements[finding.requirement].level == "MUST"
        ]

    @property
    def exit_code(self) -> int:
        """0 no MUST violated, 1 some, 2 a file cannot be read, 4 our own defect."""
        if any(one.error for one in self.files):
            return 4
        if any(self.blocking(one) for one in self.files):
            return 1
        return 2 if any(one.unread for one in self.files) else 0

    def to_json(self, language: str) -> dict[str, Any]:
        """For programs."""
        return {
            "pack": self.pack.name,
            "verdict": None,
            "notes": list(self.notes),
            "files": [
                {
                    "file": str(one.path),
                    "sha256": one.digest,
                    "programme": one.programme,
                    "held": one.held,
                    "error": one.error,
                    "unread": one.unread,
                    "findings": [
                        {
                            **finding.model_dump(mode="json", exclude={"excerpt", "exchange", "evidence"}),
                            "code": finding.code,
                            "level": self.pack.requirements[finding.requirement].level,
                            "basis": self.pack.requirements[finding.requirement].basis,
                            "text": cause_text(self.pack, finding, language),
                        }
                        for finding in one.findings
                    ],
                }
                for one in self.files
            ],
        }

    def lines(self, language: str) -> Iterator[str]:
        """For people: worst first, each with place, text and remedy."""
        vi = language == "vi"
        for one in self.files:
            yield visible(f"{one.path}  {one.programme}  sha256:{one.digest[:16]}")
            if one.error:
                yield ("  LỖI CÔNG CỤ: " if vi else "  HARNESS ERROR: ") + visible(one.error)
                continue
            if one.unread:
                yield ("  KHÔNG ĐỌC ĐƯỢC: " if vi else "  CANNOT BE READ: ") + visible(one.unread)
                continue
            order = {
                ("violated", "MUST"): 0,
                ("violated", "SHOULD"): 1,
                ("blocked", "MUST"): 2,
                ("blocked", "SHOULD"): 3,
            }
            ranked = sorted(
                one.findings, key=lambda each: order[each.state, self.pack.requirements[each.requirement].level]
            )
            for finding in ranked:
                yield from self._finding(finding, language)
            counted = len(self.blocking(one))
            yield (
                f"  {one.held} điều giữ đúng, {counted} lỗi bắt buộc"
                if vi
                else f"  {one.held} held, {counted} MUST violated"
            )
        for note in self.notes:
            yield visible(note)
        if not self.trusted:
            yield (
                "Chưa có chứng thư gốc (--trust): không xét được đường dẫn chứng thư."
                if vi
                else "No trust anchors (--trust): certificate paths were not judged."
            )

    def _finding(self, finding: Finding, language: str) -> Iterator[str]:
        row = self.pack.requirements[finding.requirement]
        vi = language == "vi"
        cause = row.causes.get(finding.cause)
        if finding.state == "blocked" and cause is not None and "files" in cause.warns:
            mark = "! " + ("cảnh báo" if vi else "warning")
        elif finding.state == "blocked":
            mark = "? " + ("không xét được" if vi else "not judged")
        else:
            mark = "✗ " + row.level if row.level == "MUST" else "! " + row.level
        after = f" ← {finding.consequence_of}" if finding.consequence_of else ""
        yield visible(f"  {mark} {finding.code}{after}: {cause_text(self.pack, finding, language)}")
        place = finding.place
        if place is not None and (place.xpath or place.pointer or place.line is not None):
            where = place.xpath or place.pointer
            if place.line is not None:
                where += f" ({place.line}:{place.column}, byte {place.offset})"
            yield visible(f"      {where}")
        if finding.expected or finding.seen:
            words = ("cần", "thấy") if vi else ("expected", "seen")
            yield visible(f"      {words[0]}: {finding.expected}   {words[1]}: {finding.seen}"[:400])
        for step in finding.derivation:
            yield visible(f"      {step_text(self.pack, step, language)}")
        if finding.state == "violated" and not finding.consequence_of:
            yield f"      → {row.text.remedy.of(language)}"


def check_files(
    pack: Pack,
    files: Sequence[Path],
    *,
    trust: Iterable[Path],
    crls: Iterable[Path],
    answers: Iterable[Path] = (),
    schools: Path | None = None,
    leaders: Path | None,
    subject_map: Path | None,
    judged_at: datetime | None,
    dump: Path | None = None,
) -> Outcome:
    """Judge files, and the ``.xml`` files of folders.

    ``dump``: folder for the canonical octets and digests of every signature (:mod:`conformance.signature.dump`).

    Raises:
        CheckingProblem: an option's file cannot be used, or there is nothing to check.
    """
    when = judged_at or datetime.now(pack.timezone)
    when = when if when.tzinfo else when.replace(tzinfo=pack.timezone)
    store: TrustStore | None = None
    try:
        anchors = read_anchors(trust, when)
        lists, spoken = read_crls(crls), read_answers(answers)
        tax_codes = {} if schools is None else read_tax_codes(schools)
        if anchors.pem:
            store = TrustStore.from_pem(anchors.pem, lists, answers=spoken)
        elif lists or spoken:
            raise CheckingProblem("--crl, --ocsp: cần --trust / want --trust")
    except GivenError as error:
        raise CheckingProblem(str(error)) from error
    context = Context(
        pack=pack,
        trust=store,
        judged_at=when,
        tax_codes=tax_codes,
        leaders=None
        if leaders is None
        else frozenset(line.strip() for line in read_file(leaders).decode().splitlines() if line.strip()),
        subject_map={} if subject_map is None else _mapping(subject_map),
    )
    paths = [path for one in files for path in (sorted(one.rglob("*.xml")) if _is_folder(one) else [one])]
    if not paths:
        raise CheckingProblem("không có tệp nào để kiểm / no file to check")
    outcome = Outcome(pack, [_one(path, context) for path in paths], store is not None, anchors.notes)
    if dump is not None:
        _dump(outcome, dump)
    return outcome


def _is_folder(path: Path) -> bool:
    """Whether it is a folder; a name that no file can have is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _dump(outcome: Outcome, folder: Path) -> None:
    for one in outcome.files:
        if not one.digest:
            continue  # not a document in the pack's form: its finding says why
        try:
            document = read(read_file(one.path, LIMIT), outcome.pack).document
            if document is not None:
                dump_document(document, outcome.pack, folder, one.path.stem)
        except OSError as error:
            raise CheckingProblem(f"--dump-c14n: {error}") from error


def _one(path: Path, context: Context) -> Checked:
    checked = Checked(path)
    try:
        data = read_file(path, LIMIT)
    except CheckingProblem as problem:
        checked.unread = str(problem)
        return checked
    try:
        judgement = judge_document(data, context)
        checked.programme = judgement.programme or ""
        checked.held = sum(judgement.found.held_counts.values())
        for one in judgement.found.observations:
            checked.findings.append(Finding.of(one))
        if judgement.document is not None:
            checked.digest = judgement.document.digest
    except Exception as error:
        checked.error = f"{type(error).__name__}: {error}"
    return checked


def read_file(path: Path, limit: int | None = None) -> bytes:
    """The bytes of a regular file, at most ``limit``, and of nothing else: a pipe or a device may have no end.

    Raises:
        CheckingProblem: it cannot be read.
    """
    try:
        # a named pipe would make even opening it wait
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise CheckingProblem(f"không phải tệp thường / not a regular file: {path}")
            return file.read() if limit is None else file.read(limit)
    except (OSError, ValueError) as error:
        if isinstance(error, CheckingProblem):
            raise
        raise CheckingProblem(f"không đọc được / cannot be read: {path}: {error}") from error


def _mapping(path: Path) -> dict[str, str]:
    try:
        data = json.loads(read_file(path))
    except ValueError as error:
        raise CheckingProblem(f"--subject-map: {path}: {error}") from error
    if not isinstance(data, dict):
        raise CheckingProblem(f"--subject-map: {path}: cần đối tượng JSON / wants a JSON object")
    return {str(key): str(value) for key, value in data.items()}
