"""Findings written as they come: for people, as one JSON object, or as one JSON object a line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.checking.judging import Checked
from conformance.events import Finding
from conformance.pack import Pack
from conformance.visible import inert_json, visible
from conformance.wording import cause_text, named, step_text

_RANK = {("violated", "MUST"): 0, ("violated", "SHOULD"): 1, ("blocked", "MUST"): 2, ("blocked", "SHOULD"): 3}
_SHOWN_OF_ROOT = 5
"""What follows from one cause is printed so often: it is mended with its root, and hides other roots."""


@dataclass(slots=True)
class Tally:
    """What is remembered of all files: counts, nothing else."""

    pack: Pack
    trusted: bool
    files: int = 0
    failing: int = 0
    """Files with a violated MUST requirement."""
    errors: int = 0
    unread: int = 0
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    def count(self, one: Checked) -> None:
        """Count a file."""
        self.files += 1
        self.failing += bool(blocking(one, self.pack))
        self.errors += bool(one.error)
        self.unread += bool(one.unread)

    @property
    def exit_code(self) -> int:
        """0 no MUST violated, 1 some, 2 a file cannot be read, 3 not completed, 4 our own defect."""
        if self.interrupted:
            return 3
        if self.errors:
            return 4
        return 1 if self.failing else 2 if self.unread else 0

    def to_json(self) -> dict[str, Any]:
        """The footer: without ``complete`` a result must not be read as whole."""
        return {
            "complete": not self.interrupted,
            "checked": self.files,
            "failing": self.failing,
            "errors": self.errors,
            "unread": self.unread,
            "trusted": self.trusted,
        }


def blocking(one: Checked, pack: Pack) -> list[Finding]:
    """Violated MUST requirements."""
    return [
        finding
        for finding in one.findings
        if finding.state == "violated" and pack.requirements[finding.requirement].level == "MUST"
    ]


def written(results: Iterable[Checked], tally: Tally, form: str, language: str) -> Iterator[str]:
    """The lines of a whole run, each as soon as it is known; ``form``: one of :data:`FORMATS`.

    The tally is kept on the way. An interruption from the keyboard ends the run; what was written then says so.
    """
    return FORMATS[form](_counted(results, tally), tally, language)


def fitted(lines: Iterable[str], width: int) -> Iterator[str]:
    """The lines broken between words where a terminal is narrower; what goes on is set in. 0: as they are."""
    for line in lines:
        if len(line) <= width or not width:
            yield line
            continue
        text = line.lstrip()
        indent = " " * (len(line) - len(text))
        yield from textwrap.wrap(
            text, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False,
            break_on_hyphens=False, replace_whitespace=False,
        )  # fmt: skip


def _counted(results: Iterable[Checked], tally: Tally) -> Iterator[Checked]:
    try:
        for one in results:
            tally.count(one)
            yield one
    except KeyboardInterrupt:
        tally.interrupted = True


def to_json(one: Checked, pack: Pack, language: str) -> dict[str, Any]:
    """One file, for programs."""
    return {
        "file": one.name,
        "sha256": one.digest,
        "programme": one.programme,
        "held": one.held,
        "error": one.error,
        "unread": one.unread,
        "same_as": one.same_as,
        "findings": [
            {
                **finding.model_dump(mode="json", exclude={"excerpt", "exchange", "evidence"}),
                "expected": named(pack, finding.expected, language),
                "code": finding.code,
                "level": pack.requirements[finding.requirement].level,
                "basis": pack.requirements[finding.requirement].basis,
                "clause": pack.requirements[finding.requirement].clause,
                "text": cause_text(pack, finding, language),
                "steps": [step_text(pack, step, language) for step in finding.derivation],
                "remedy": pack.requirements[finding.requirement].remedy(finding.cause).of(language),
            }
            for finding in one.findings
        ],
    }


def _json(results: Iterable[Checked], tally: Tally, language: str) -> Iterator[str]:
    """One object; its list of files grows while the run goes on."""
    head = inert_json({"pack": tally.pack.name, "verdict": None, "notes": list(tally.notes)})
    yield f'{head[:-1]}, "files": ['
    comma = ""
    for one in results:
        yield comma + inert_json(to_json(one, tally.pack, language))
        comma = ","
    yield f"], {json.dumps(tally.to_json())[1:]}"


def _ndjson(results: Iterable[Checked], tally: Tally, language: str) -> Iterator[str]:
    """One object a line and file; the last line is the footer."""
    for one in results:
        yield inert_json(to_json(one, tally.pack, language))
    footer = {"pack": tally.pack.name, "verdict": None, "notes": list(tally.notes), **tally.to_json()}
    yield inert_json(footer)


def _text(results: Iterable[Checked], tally: Tally, language: str) -> Iterator[str]:
    """For people: worst first, each with place, text and remedy."""
    vi = language == "vi"
    for one in results:
        yield from _file(one, tally.pack, language)
    for note in tally.notes:
        yield visible(note)
    if not tally.trusted:
        yield (
            "Chưa có chứng thư gốc (--trust): không xét được đường dẫn chứng thư."
            if vi
            else "No trust anchors (--trust): certificate paths were not judged."
        )
    if tally.interrupted:
        yield (
            f"Bị ngắt giữa chừng: mới kiểm {tally.files} tệp."
            if vi
            else f"Interrupted: only {tally.files} files were checked."
        )
    elif tally.files > 1:
        yield (
            f"{tally.files} tệp: {tally.failing} có lỗi bắt buộc, {tally.unread} không đọc được, "
            f"{tally.errors} lỗi công cụ"
            if vi
            else f"{tally.files} files: {tally.failing} with a MUST violated, {tally.unread} cannot be read, "
            f"{tally.errors} harness errors"
        )


def _file(one: Checked, pack: Pack, language: str) -> Iterator[str]:
    vi = language == "vi"
    yield visible(
        "  ".join(part for part in (one.name, one.programme, one.digest and f"sha256:{one.digest[:16]}") if part)
    )
    if one.error:
        yield ("  LỖI CÔNG CỤ: " if vi else "  HARNESS ERROR: ") + visible(one.error)
        return
    if one.unread:
        yield ("  KHÔNG ĐỌC ĐƯỢC: " if vi else "  CANNOT BE READ: ") + visible(one.unread)
        return
    if one.same_as:
        yield ("  cùng từng byte với " if vi else "  the very same bytes as ") + visible(one.same_as)
    for root, findings in _by_root(one.findings, pack):
        for finding in findings if not root else findings[:_SHOWN_OF_ROOT]:
            yield from _finding(finding, pack, language)
        more = len(findings) - _SHOWN_OF_ROOT if root else 0
        if more > 0:
            yield visible(
                f"  … và {more} hệ quả nữa của {root} (--format json nêu đủ)"
                if vi
                else f"  … and {more} more that follow from {root} (--format json names all)"
            )
    wrong = blocking(one, pack)
    counted = sum(not finding.consequence_of for finding in wrong)
    follow = len(wrong) - counted
    roots = sum(finding.state == "violated" and not finding.consequence_of for finding in one.findings)
    advice = roots - counted
    if vi:
        yield (
            f"  {one.held} điều giữ đúng, {counted} lỗi bắt buộc"
            + (f" và {follow} hệ quả" if follow else "")
            + (f", {advice} cảnh báo" if advice else "")
        )
    else:
        yield (
            f"  {one.held} held, {counted} MUST violated"
            + (f", {follow} more follow" if follow else "")
            + (f", {advice} SHOULD violated" if advice else "")
        )


def _by_root(findings: Sequence[Finding], pack: Pack) -> Iterator[tuple[str, list[Finding]]]:
    """Roots by rank, those of one cause together (``""``), each cause followed by what follows from it (the cause).

    What follows from something that follows itself stands with the root of both.
    """
    ranked = sorted(findings, key=lambda each: _RANK[each.state, pack.requirements[each.requirement].level])
    above = {each.code: each.consequence_of for each in ranked if each.consequence_of}
    follow: dict[str, list[Finding]] = {}
    for each in ranked:
        root, passed = each.consequence_of, {each.code}
        while root in above and root not in passed:
            passed.add(root)
            root = above[root]
        if root:
            follow.setdefault(root, []).append(each)
    for code in dict.fromkeys(each.code for each in ranked if not each.consequence_of):
        yield "", [each for each in ranked if each.code == code and not each.consequence_of]
        if code in follow:
            yield code, follow.pop(code)
    yield from follow.items()


def _finding(finding: Finding, pack: Pack, language: str) -> Iterator[str]:
    row = pack.requirements[finding.requirement]
    vi = language == "vi"
    cause = row.causes.get(finding.cause)
    if finding.state == "blocked" and cause is not None and "files" in cause.warns:
        mark = "! " + ("cảnh báo" if vi else "warning")
    elif finding.state == "blocked":
        mark = "? " + ("không xét được" if vi else "not judged")
    else:
        mark = "✗ " + row.level if row.level == "MUST" else "! " + row.level
    after = f" ← {finding.consequence_of}" if finding.consequence_of else ""
    yield visible(f"  {mark} {finding.code}{after}: {cause_text(pack, finding, language)}")
    place = finding.place
    if place is not None and (place.xpath or place.pointer or place.line is not None):
        where = place.xpath or place.pointer
        if place.line is not None:
            line, column = ("dòng", "cột") if vi else ("line", "column")
            where += f" ({line} {place.line}, {column} {place.column}, byte {place.offset})"
        yield visible(f"      {where.strip()}")
    words = ("cần", "thấy") if vi else ("expected", "seen")
    told = zip(words, (named(pack, finding.expected, language), finding.seen), strict=True)
    shown = "   ".join(f"{word}: {one}" for word, one in told if one)
    if shown:
        yield visible(f"      {shown}"[:400])
    for step in finding.derivation:
        yield visible(f"      {step_text(pack, step, language)}")
    if finding.state == "violated" and not finding.consequence_of:
        yield f"      → {row.remedy(finding.cause).of(language)}"


FORMATS: dict[str, Callable[[Iterable[Checked], Tally, str], Iterator[str]]] = {
    "text": _text,
    "json": _json,
    "ndjson": _ndjson,
}


@dataclass(slots=True)
class Outcome:
    """All files' findings at once: for few files, and for programs that use this as a library."""

    pack: Pack
    files: list[Checked]
    trusted: bool
    notes: tuple[str, ...] = ()

    def lines(self, language: str, form: str = "text") -> Iterator[str]:
        """As :func:`written`."""
        return written(self.files, Tally(self.pack, self.trusted, notes=self.notes), form, language)

    def to_json(self, language: str) -> dict[str, Any]:
        """What ``--format json`` prints."""
        whole: dict[str, Any] = json.loads("".join(self.lines(language, "json")))
        return whole

    @property
    def exit_code(self) -> int:
        """As :attr:`Tally.exit_code`."""
        tally = Tally(self.pack, self.trusted)
        for one in self.files:
            tally.count(one)
        return tally.exit_code
