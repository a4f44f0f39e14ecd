"""A requirement explained, from one source: ``hocba explain``, the documentation, reports and the console show this.

:func:`explain` collects, :meth:`Explanation.sections` puts it in order and words, and the writers give plain text,
Markdown or an HTML fragment; :meth:`Explanation.data` is the form for programs.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from conformance.pack.examples import (
    Example,
    ExchangeExample,
    Unshown,
    examples,
    exchange_examples,
    unshown,
)
from conformance.pack.model import Pack, Requirement
from conformance.pack.words import word

NEAR = 6
"""How many requirements are suggested for one that does not exist."""


class UnknownRequirement(LookupError):
    """There is no such requirement or cause; ``near``: ids or codes that were perhaps meant, to be listed below."""

    def __init__(self, asked: str, near: tuple[str, ...]) -> None:
        hint = "; gần giống / near:" if near else ""
        super().__init__(f"không có yêu cầu / no such requirement: {asked}{hint}")
        self.near = near


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a section: a sentence (no label), a fact, or a code with its sentence and the files that show it."""

    text: str
    label: str = ""
    code: bool = False
    """Whether the label is a code."""
    files: tuple[tuple[str, str], ...] = ()
    """(what it is, path in an exported corpus)."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an explanation; the first has no heading."""

    key: str
    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that a pack says of one requirement."""

    pack: Pack
    requirement: Requirement
    examples: tuple[Example, ...]
    unshown: tuple[Unshown, ...]
    exchanges: tuple[ExchangeExample, ...]
    cause: str = ""
    """Only this cause was asked for; empty: all."""

    def title(self, language: str) -> str:
        """What the requirement is called."""
        return self.requirement.text.title.of(language)

    def sections(self, language: str) -> tuple[Section, ...]:
        """The explanation in order: meaning, remedy, facts, ways to fail, examples, exchanges; none is empty."""
        row = self.requirement

        def say(key: str) -> str:
            return word(f"explain.{key}", language)

        found = (
            Section("meaning", "", (Row(row.text.meaning.of(language)),)),
            Section("remedy", say("remedy"), (Row(row.remedy(self.cause).of(language)),)),
            Section("facts", say("facts"), tuple(self._facts(language))),
            Section("causes", say("causes"), tuple(self._causes(language))),
            Section("examples", say("examples"), tuple(self._examples(language))),
            Section(
                "exchanges",
                say("exchanges"),
                tuple(
                    Row(f"{one.title.of(language)}. {one.purpose.of(language)}", one.id, True) for one in self.exchanges
                ),
            ),
        )
        return tuple(one for one in found if one.rows)

    def data(self, language: str) -> dict[str, Any]:
        """The explanation for programs, in one language."""
        return row_data(self.pack, self.requirement, language) | {
            "examples": [
                {
                    "code": one.code,
                    "kind": one.kind,
                    "what": one.what.of(language),
                    "document": one.document,
                    "twin": one.twin or None,
                }
                for one in self.examples
            ],
            "noExample": [{"codes": list(one.codes), "reason": one.reason.of(language)} for one in self.unshown],
            "exchanges": [
                {"id": one.id, "title": one.title.of(language), "purpose": one.purpose.of(language)}
                for one in self.exchanges
            ],
        }

    def _facts(self, language: str) -> Iterator[Row]:
        row = self.requirement

        def fact(name: str, text: str) -> Row:
            return Row(text, word(f"explain.{name}", language))

        def say(key: str) -> str:
            return word(key, language)

        def named(kind: str, code: str) -> str:
            meant = say(f"{kind}.{code}")
            return meant if meant.startswith(code) else f"{code} – {meant}"

        profile = f" ({say('explain.profile')})" if row.basis == "profile" else ""
        yield fact("level", named("level", row.level))
        yield fact("basis", f"{named('basis', row.basis)}: {row.clause}{profile}")
        yield fact("confidence", named("confidence", row.confidence))
        yield fact("line", say(f"explain.line.{row.line}"))
        yield fact("part", say(f"part.{row.part}"))
        yield fact("group", f"{row.group} – {say(f'group.{row.group}')}")
        state = "withdrawn" if row.withdrawn else "" if self.pack.scored(row) else "not-scored"
        yield fact("revision", row.revision + (f" ({say(f'explain.{state}')})" if state else ""))
        yield fact("programmes", ", ".join(row.programmes))
        yield fact("doors", "; ".join(named("door", one) for one in row.doors))
        if row.capability:
            capability = self.pack.header.capabilities.get(row.capability)
            meant = f" – {capability.name.of(language)}" if capability else ""
            yield fact("capability", row.capability + meant)
        if row.conditional:
            yield fact("conditional", say("explain.conditional.yes"))
        yield fact("classes", ", ".join(one.name for one in row.classes))

    def _causes(self, language: str) -> Iterator[Row]:
        for name, cause in self.requirement.causes.items():
            if self.cause in ("", name):
                doors = ", ".join(cause.warns)
                warns = f" ({word('explain.warns', language).format(doors=doors)})" if doors else ""
                mend = "" if cause.remedy is None or self.cause else f" → {cause.remedy.of(language)}"
                yield Row(cause.of(language) + warns + mend, f"{self.requirement.id}.{name}", True)

    def _examples(self, language: str) -> Iterator[Row]:
        wanted = f"{self.requirement.id}.{self.cause}" if self.cause else ""
        for one in self.examples:
            if wanted in ("", one.code):
                shown = [
                    (word("explain.wrong" if one.kind == "invalid" else "explain.undecided", language), one.document)
                ]
                shown += [(word("explain.right", language), one.twin)] if one.twin else []
                yield Row(one.what.of(language), one.code, True, tuple(shown))
        for each in self.unshown:
            if codes := [code for code in each.codes if wanted in ("", code)]:
                text = word("explain.no-file", language)
                yield Row(text.format(codes=", ".join(codes), reason=each.reason.of(language)))
        if self.examples:
            yield Row(word("explain.where", language))


def explain(pack: Pack, asked: str) -> Explanation:
    """Explain a requirement by its id (``PL1-KY-005``, also ``ky-005``), or one way to break it by its cause code.

    Raises:
        UnknownRequirement: there is none; the nearest are named.
        PackError: the pack's examples cannot be read.
    """
    identifier, _, cause = asked.strip().partition(".")
    row = _found(pack, identifier)
    if row is None or (cause and cause not in row.causes):
        raise UnknownRequirement(asked, near(pack, asked))
    return Explanation(pack, row, examples(pack, row.id), unshown(pack, row.id), exchange_examples(pack, row.id), cause)


def _found(pack: Pack, identifier: str) -> Requirement | None:
    wanted = identifier.upper()
    ending = [one for name, one in pack.requirements.items() if name.endswith(f"-{wanted}")]
    return pack.requirements.get(wanted) or (ending[0] if len(ending) == 1 and "-" in wanted else None)


def near(pack: Pack, asked: str) -> tuple[str, ...]:
    """Ids or cause codes that may have been meant: alike in writing, with that cause, or these words in the title."""
    identifier, _, cause = asked.strip().partition(".")
    row = _found(pack, identifier)
    if row is not None:
        close = difflib.get_close_matches(cause, row.causes, NEAR, 0.4) or list(row.causes)[:NEAR]
        return tuple(f"{row.id}.{one}" for one in close)
    wanted = _letters(identifier)
    plain = {_letters(name): name for name in pack.requirements}
    found = dict.fromkeys(plain[one] for one in difflib.get_close_matches(wanted, plain, NEAR, 0.7))
    found |= dict.fromkeys(name for one, name in plain.items() if len(wanted) > 1 and wanted in one)
    found |= dict.fromkeys(f"{name}.{asked}" for name, one in pack.requirements.items() if asked in one.causes)
    words = _folded(asked).split()
    found |= dict.fromkeys(
        name
        for name, one in pack.requirements.items()
        if any(all(each in _folded(title) for each in words) for title in (one.text.title.vi, one.text.title.en))
    )
    return tuple(found)[:NEAR]


def _letters(text: str) -> str:
    """Letters and number of an id, however it was written: ``PL1-KY-5`` and ``pl1 ky005`` are the same."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    return re.sub(r"(?<=[A-Z])[0-9]{1,2}$", lambda number: number[0].zfill(3), plain)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(one for one in plain if not unicodedata.combining(one))


def row_data(pack: Pack, row: Requirement, language: str) -> dict[str, Any]:
    """A row of the manifest for programs, in one language."""
    return {
        "id": row.id,
        "level": row.level,
        "basis": row.basis,
        "line": row.line,
        "clause": row.clause,
        "confidence": row.confidence,
        "part": row.part,
        "group": row.group,
        "programmes": list(row.programmes),
        "doors": list(row.doors),
        "revision": row.revision,
        "scored": pack.scored(row),
        "title": row.text.title.of(language),
        "meaning": row.text.meaning.of(language),
        "remedy": row.text.remedy.of(language),
        "classes": [case_class.name for case_class in row.classes],
        "causes": {f"{row.id}.{name}": cause.of(language) for name, cause in row.causes.items()},
    }


def as_text(one: Explanation, language: str) -> list[str]:
    """Lines for a terminal."""
    lines = [f"{one.requirement.id}  {one.title(language)}"]
    for section in one.sections(language):
        lines += ["", *([f"{section.heading}:"] if section.heading else [])]
        for row in section.rows:
            indent = "  " if section.heading else ""
            lines.append(f"{indent}{row.label}: {row.text}" if row.label else f"{indent}{row.text}")
            lines += [f"{indent}    {what}: {path}" for what, path in row.files]
    return lines


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("conformance.pack", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def as_html(one: Explanation, language: str, *, heading: int = 2, files: str = "", own_heading: bool = True) -> Markup:
    """An HTML fragment, escaped, without classes that need a style or a script.

    ``heading``: level of the requirement's heading (1 to 5); its sections are one deeper. ``files``: address of an
    exported corpus, ending in ``/``, to link the examples to; empty: they are named without a link.
    """
    template = _environment().get_template("explain.html.j2")
    return Markup(  # noqa: S704  # rendered with autoescape
        template.render(
            one=one,
            language=language,
            level=heading,
            files=files,
            own_heading=own_heading,
            sections=one.sections(language),
        )
    )


def as_page(one: Explanation, language: str) -> str:
    """A self-contained HTML page: nothing fetched, no script."""
    template = _environment().get_template("explain-page.html.j2")
    return template.render(one=one, language=language, body=as_html(one, language, heading=1))
