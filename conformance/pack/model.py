"""A specification pack as typed objects.

Everything that an official text could change is data in a pack: names of elements, code lists, thresholds, paths,
message fields, and the requirements themselves with their texts in two languages.
"""

from __future__ import annotations

import copy
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from conformance.pack.data import Data, PackError, read_yaml, typed
from conformance.pack.formats import Formats

Language = Literal["vi", "en"]
Basis = Literal["dispatch", "regulation", "dictionary", "standard", "profile"]
Confidence = Literal["high", "quoted", "medium", "low"]
Door = Literal["drive", "observe", "files"]


class Text(Data):
    """A wording in both languages."""

    vi: str
    en: str

    def of(self, language: str) -> str:
        """The wording in ``language`` (``vi`` unless ``en``)."""
        return self.en if language == "en" else self.vi


class Cause(Data):
    """One way to break a requirement. ``{expected}``, ``{seen}`` and parameters fill the text."""

    vi: str
    en: str
    warns: tuple[Door, ...] = ()
    """Doors at which a requirement that cannot be judged for this cause is a warning and does not block."""
    remedy: Text | None = None
    """How to mend this one; ``None``: as the requirement says."""

    def of(self, language: str) -> str:
        """The wording in ``language``."""
        return self.en if language == "en" else self.vi


class CaseClass(Data):
    """A class of cases that must have been seen to hold before the requirement can pass."""

    name: str
    programmes: tuple[str, ...] = ()
    """Empty: all programmes of the requirement."""
    doors: tuple[Door, ...] = ()
    """Empty: every door that can show the requirement."""


class RequirementText(Data):
    """What a requirement is called, what it means, and how to mend a failure."""

    title: Text
    meaning: Text
    remedy: Text


class Requirement(Data):
    """One row of the manifest."""

    id: str
    level: Literal["MUST", "SHOULD"]
    basis: Basis
    clause: str
    confidence: Confidence
    part: Literal["appendix1", "appendix2"]
    group: str
    programmes: tuple[str, ...]
    doors: tuple[Door, ...]
    revision: str
    """First scored revision."""
    conditional: bool = False
    """The condition may never occur in a run: then `not-exercised`, which does not block."""
    capability: str = ""
    """The vendor capability it needs; declined: `not-applicable` when the pack lets it be declined."""
    classes: tuple[CaseClass, ...]
    text: RequirementText
    causes: dict[str, Cause]
    withdrawn: bool = False

    @field_validator("classes", mode="before")
    @classmethod
    def _short_classes(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"name": one} if isinstance(one, str) else one for one in value]
        return value

    @property
    def line(self) -> Literal["A", "B"]:
        """A: official or standard basis; B: the project's own profile (verdict.md)."""
        return "B" if self.basis == "profile" else "A"

    def remedy(self, cause: str) -> Text:
        """How to mend a failure of this cause."""
        known = self.causes.get(cause)
        return (known.remedy if known is not None else None) or self.text.remedy

    def classes_for(self, programme: str, door: str) -> tuple[str, ...]:
        """Names of the case classes that ``programme`` must have shown through ``door``."""
        return tuple(
            one.name
            for one in self.classes
            if (not one.programmes or programme in one.programmes) and (not one.doors or door in one.doors)
        )


class CodeEntry(Data):
    """One code of a list with its name and validity; ``data`` holds what else the list says of it."""

    code: str
    name: str
    names: tuple[str, ...] = ()
    """Other accepted spellings of the name."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day on which the code is valid."""
    data: dict[str, Any] = Field(default_factory=dict)

    def valid_on(self, day: date | None) -> bool:
        """Whether the code is valid on ``day`` (always, when no day is given)."""
        if day is None:
            return True
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def is_called(self, name: str) -> bool:
        """Whether ``name`` is the entry's name or one of its accepted spellings.

        Case, spaces, punctuation, ``&`` for “và” and where the tone stands (``Hoà`` = ``Hòa``) aside.
        """
        return _folded(name) in self._called

    @cached_property
    def _called(self) -> frozenset[str]:
        return frozenset(map(_folded, (self.name, *self.names)))


_PUNCTUATION = str.maketrans({**dict.fromkeys(",.-–()", " "), "&": " và "})
TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
"""The marks of Vietnamese tones: huyền, sắc, ngã, hỏi, nặng."""
_LONGEST_NAME = 300
"""Characters; no list has a longer name."""


@lru_cache(maxsize=8192)
def _folded(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        return name
    words = unicodedata.normalize("NFD", name.translate(_PUNCTUATION).casefold()).split()
    return " ".join("".join(sorted(word, key=TONES.__contains__)) for word in words)


class CodeList(Data):
    """A code list. A code may have several entries with different validity."""

    name: str
    title: Text
    basis: Basis
    source: str
    confidence: Confidence
    entries: tuple[CodeEntry, ...]

    @cached_property
    def _by_code(self) -> Mapping[str, tuple[CodeEntry, ...]]:
        found: dict[str, list[CodeEntry]] = {}
        for entry in self.entries:
            found.setdefault(entry.code, []).append(entry)
        return {code: tuple(entries) for code, entries in found.items()}

    def find(self, code: str, on: date | None = None) -> CodeEntry | None:
        """The entry of ``code`` valid on a day, or ``None``."""
        for entry in self._by_code.get(code, ()):
            if on is None or entry.valid_on(on):
                return entry
        return None

    def all_of(self, code: str) -> tuple[CodeEntry, ...]:
        """Every entry of ``code``, whatever its validity."""
        return self._by_code.get(code, ())

    def __iter__(self) -> Iterator[CodeEntry]:  # type: ignore[override]  # a list of entries, not of fields
        return iter(self.entries)


class Threshold(Data):
    """One learning level: every scored subject at least ``every``, at least ``count`` of them at least ``counted``."""

    level: str
    every: Decimal
    counted: Decimal
    count: int
    comment_failures: int
    """How many comment-only subjects may be failed."""


class TitleRule(Data):
    """A title of the year: needs both levels, and ``count`` scored subjects at least ``counted``."""

    title: str
    conduct: str
    learning: str
    counted: Decimal | None = None
    count: int = 0
    article: str
    valid_from: date | None = None
    valid_to: date | None = None


class CompletionRule(Data):
    """What completing a level asks for beyond the conditions of promotion, in some grades and from a day on."""

    grades: tuple[int, ...]
    every_subject: bool = False
    """No comment-only subject may be failed."""
    oldest: int | None = None
    """Age in years at most, on the document's date."""
    article: str
    valid_from: date | None = None
    valid_to: date | None = None


class RuleSet(Data):
    """The academic rules of one circular (thresholds, tables, dates): TT 22/2021, TT 43/2021."""

    id: str
    circular: str
    """What the document's circular field says."""
    family: str
    valid_from_school_year: int
    confidence: Confidence
    mark_minimum: Decimal
    mark_maximum: Decimal
    year_weights: tuple[int, int]
    """Weights of semester I and II in the year mark."""
    component_weights: dict[str, int]
    """Weights of regular, mid-term and final marks in a semester average."""
    rounding_digits: int
    comment_only: bool
    """Whether the rule set knows comment-only subjects."""
    thresholds: tuple[Threshold, ...]
    """Best level first; the lowest level is what is left."""
    adjustment_levels: int
    """How many levels lower than deserved a single subject must have pulled the result, for the one-step rise."""
    adjustable: tuple[str, ...]
    """Levels whose conditions the adjustment starts from."""
    conduct: dict[str, dict[str, str]]
    """Semester II level -> semester I level -> year level."""
    promotion_conduct: str
    promotion_learning: str
    promotion_absences: int
    promotion_grades: tuple[int, ...]
    completion_grades: tuple[int, ...]
    reassessment_conduct: str
    reassessment_below: Decimal
    completion: tuple[CompletionRule, ...] = ()
    titles: tuple[TitleRule, ...]
    articles: dict[str, str]
    """Key of a rule -> the article to cite for it."""
    study_history: bool = True
    """Whether the study history is judged (PL1-LL-006)."""
    electives: int = 0
    """How many electives a learner takes, where the programme has any."""
    cluster: str = ""
    """How the name of a topic cluster begins: it is not a subject of its own."""
    wordings: dict[str, tuple[str, ...]]
    """Accepted beginnings of the wording fields: ``promoted``, ``retained``, ``completed``, ``not-completed``;
    ``{next}`` stands for the next grade."""
    regular_marks: tuple[tuple[int, int], ...]
    """(periods a year up to and including, number of regular marks a semester), ascending."""

    def __hash__(self) -> int:
        """By identity: a rule set is loaded once, and what follows from it is remembered by it."""
        return id(self)


class Programme(Data):
    """One of the four programmes, claimed and certified separately (dispatch, point 1)."""

    name: Text
    family: str
    level: str
    programme: str
    grades: tuple[int, ...]
    rules: str
    certified_from: str
    """First scored revision in which the programme's cases are complete."""


class Limits(Data):
    """PL1-DOC-004."""

    bytes: int
    depth: int
    attributes: int
    namespaces: int
    nodes: int
    children: int
    """Of one element, outside signatures."""


class FieldBinding(Data):
    """Where a model field stands, and its converter."""

    path: str
    convert: str = Field("text", alias="as")
    departs: str = ""


class Binding(Data):
    """Model paths to element paths: see ``document/binding.yaml`` of a pack."""

    namespace: str
    root: str
    id_attribute: str
    id_spellings: tuple[str, ...]
    anchors: dict[str, str]
    groups: dict[str, str]
    fields: dict[str, FieldBinding]
    values: dict[str, dict[str, Any]]
    formats: Formats
    filled: tuple[str, ...] = ()
    """Model fields that must hold something (PL1-STR-001)."""


class Slot(Data):
    """A place for signatures: who signs there and what the signature must cover."""

    name: str
    path: str
    role: str
    per: Literal["subject", "document"]
    required: bool
    covers: tuple[str, ...]
    requirement: str


class SignatureAlgorithm(Data):
    """A signature method: key type, padding, hash."""

    key: Literal["rsa", "ec"]
    padding: Literal["pkcs1v15", "pss", "none"]
    hash: str


class Canonicalization(Data):
    """A canonicalization method; ``portable`` is the one the profile recommends."""

    method: Literal["exclusive", "inclusive", "inclusive-1.1"]
    portable: bool


class Titles(Data):
    """Titles with which a leader signs."""

    principal: tuple[str, ...]
    deputy: tuple[str, ...]


class Identity(Data):
    """How a certificate says whom it stands for: patterns with groups ``id``, ``passport``, ``old``, ``tax``,
    ``school``."""

    person: tuple[str, ...]
    organisation: tuple[str, ...]
    person_policies: tuple[str, ...]
    organisation_policies: tuple[str, ...]
    attributes: tuple[str, ...]
    """Object identifiers of the name attributes in which an identifier may stand (UID, serialNumber …)."""
    forms: dict[str, str] = Field(default_factory=dict)
    """Group name -> how a test certificate writes that identifier (``{}`` stands for it)."""


class SignaturePolicy(Data):
    """Slots, algorithms and identity rules: ``signature.yaml`` of a pack."""

    container: str
    box: str
    role_attribute: str
    slots: tuple[Slot, ...]
    titles: dict[str, Titles]
    canonicalization: dict[str, Canonicalization]
    idle_transforms: tuple[str, ...]
    digests: dict[str, str]
    signatures: dict[str, SignatureAlgorithm]
    with_parameters: tuple[str, ...] = ()
    """RSASSA-PSS whose hash, mask and salt stand beside the method; they must be those of one of ``signatures``."""
    refused: dict[str, str]
    min_rsa_bits: int
    max_rsa_bits: int
    min_ec_bits: int
    max_references: int
    prefixes: dict[str, str]
    identity: Identity
    other_usages: tuple[str, ...] = ()
    """Object identifiers of extended key usages that are not for signing documents."""


class StatementSlots(Data):
    """Slots of another form than the transcript's: ``revocation/signature.yaml``."""

    container: str
    box: str
    role_attribute: str
    slots: tuple[Slot, ...]


class Reserved(Data):
    """Numbers set apart for synthetic persons."""

    national_id_serial: tuple[str, str]
    learner_code_prefix: str
    school_code_prefix: str


class Sex(Data):
    """What the digit for sex and century in a personal identifier says."""

    gender: str
    century: int
    """Of the year of birth: 20 for 2000-2099."""


class Identifiers(Data):
    """Forms of identifiers (PL1-STR-003, PL1-MA-007, PL1-MA-008). Patterns must match the whole text."""

    record: str
    record_form: str
    """How a new one is made: ``{uuid}`` and ``{hex}`` stand for a random UUID, with hyphens or in capital digits."""
    national_id: str
    """May name the groups ``place``, ``sex`` and ``year`` (two digits), which PL1-MA-008 then compares."""
    national_id_form: str
    """How one is put together: ``{place}{sex}{year}{serial}``."""
    passport: str
    predecessor: Literal["sha256", "sha384", "sha512"]
    """Digest by which an amended version names the one before (PL1-STR-004), in lower-case hexadecimal digits."""
    sexes: dict[str, Sex]
    """The group ``sex`` of a personal identifier."""

    @cached_property
    def record_pattern(self) -> re.Pattern[str]:
        """Compiled."""
        return re.compile(self.record)

    @cached_property
    def national_id_pattern(self) -> re.Pattern[str]:
        """Compiled."""
        return re.compile(self.national_id)

    @cached_property
    def passport_pattern(self) -> re.Pattern[str]:
        """Compiled."""
        return re.compile(self.passport)

    def digest(self, data: bytes) -> str:
        """How an amended version names the version with these bytes."""
        return hashlib.new(self.predecessor, data).hexdigest()

    def sex_of(self, gender: str, year: int) -> str:
        """The digit for somebody of a gender born in a year.

        Raises:
            PackError: the pack has none.
        """
        for digit, one in self.sexes.items():
            if (one.gender, one.century) == (gender, year // 100):
                return digit
        raise PackError(f"pack.yaml: identifiers.sexes: không có / none for {gender} {year}")


class Capability(Data):
    """Something the software may be able to do (vendor-interface.md)."""

    name: Text
    may_be_declined: bool
    """Declining it then leaves its requirements ``not-applicable``; else they are ``not-testable``, which blocks."""


class About(Data):
    """What a report says of the text it tests against."""

    subject: Text
    """Whose conformance is tested: the line under the report's title."""
    text: Text
    """The text, as it stands in "tested against …"."""
    standing: Text
    """Whose text it is and whose it is not."""


class PackHeader(Data):
    """``pack.yaml``."""

    id: str
    version: str
    title: Text
    about: About
    spec_version: str
    valid_from: date
    valid_to: date | None
    first_school_year: int
    school_year_begins: int = Field(ge=1, le=12)
    """Month in which a school year begins."""
    school_year_ends: int = Field(ge=1, le=12)
    """Last month of a school year, in its second calendar year."""
    zone: str
    later_texts: tuple[str, ...]
    revision: str
    revisions: tuple[str, ...]
    programmes: dict[str, Programme]
    limits: Limits
    clock_tolerance: int
    ages: dict[str, tuple[int, int]]
    reserved: Reserved
    identifiers: Identifiers
    capabilities: dict[str, Capability] = Field(default_factory=dict)
    """By name, as the test interface's description lists them."""


class Pack:
    """A loaded specification pack."""

    def __init__(
        self,
        folder: Path,
        header: PackHeader,
        requirements: Iterable[Requirement],
        codes: Mapping[str, CodeList],
        rules: Mapping[str, RuleSet],
        binding: Binding,
        signature: SignaturePolicy,
        texts: Mapping[str, Text],
        digest: str,
    ) -> None:
        self.folder = folder
        self.header = header
        self.requirements: dict[str, Requirement] = {one.id: one for one in requirements}
        self.codes = codes
        self.rules = rules
        self.binding = binding
        self.signature = signature
        self.texts = texts
        """Wording of derivation steps and other messages, by key."""
        self.digest = digest
        """SHA-256 (hex) over the pack's files."""
        self.form_folder = "document"
        """Where this form's schema and binding stand in :attr:`folder`."""
        self._at: dict[str, Pack] = {}

    def __copy__(self) -> Pack:
        """As usual, but what was remembered of other revisions stays behind: a copy is made to be changed."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _at={})
        return other

    @property
    def name(self) -> str:
        """``id/version``, as the documents say it."""
        return f"{self.header.id}/{self.header.version}"

    @property
    def programmes(self) -> Mapping[str, Programme]:
        """The programmes by name."""
        return self.header.programmes

    def at(self, revision: str) -> Pack:
        """The same pack with another scored revision; empty: its own.

        Always the same object for a revision, since much is remembered by the pack that it was worked out from.

        Raises:
            PackError: the pack has no such revision.
        """
        if revision in ("", self.header.revision):
            return self
        if revision not in self.header.revisions:
            known = ", ".join(self.header.revisions)
            raise PackError(f"không có đợt / no such revision: {revision} ({known})")
        if revision not in self._at:
            other = copy.copy(self)
            other.header = self.header.model_copy(update={"revision": revision})
            self._at.setdefault(revision, other)  # two threads may come here at once
        return self._at[revision]

    @cached_property
    def tolerance(self) -> timedelta:
        """How far clocks may differ."""
        return timedelta(seconds=self.header.clock_tolerance)

    @cached_property
    def timezone(self) -> tzinfo:
        """The pack's zone: what a time without one is read in, and whose days are meant by dates."""
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{self.header.zone}").tzinfo
        if zone is None:
            raise PackError(f"pack.yaml: zone: {self.header.zone!r}: cần độ lệch giờ / wants an offset from UTC")
        return zone

    def scored(self, requirement: Requirement, revision: str | None = None) -> bool:
        """Whether the requirement is scored in ``revision`` (the pack's own by default)."""
        order = self.header.revisions
        return not requirement.withdrawn and order.index(requirement.revision) <= order.index(
            revision or self.header.revision
        )

    def certified(self, revision: str | None = None) -> tuple[str, ...]:
        """Programmes whose cases are complete in ``revision``."""
        order = self.header.revisions
        limit = order.index(revision or self.header.revision)
        return tuple(name for name, one in self.programmes.items() if order.index(one.certified_from) <= limit)

    def programme_of(self, level: str | None, programme: str | None) -> str | None:
        """The programme's name for a document's level and programme codes."""
        for name, one in self.programmes.items():
            if one.level == level and one.programme == programme:
                return name
        return None

    def path(self, *parts: str) -> Path:
        """A file of the pack."""
        return self.folder.joinpath(*parts)

    @property
    def schema(self) -> Path:
        """The XML schema of the form."""
        return self.path(self.form_folder, "schema.xsd")

    @cached_property
    def revocation(self) -> Pack | None:
        """The same pack in the form of its revocation statement (``revocation/``); ``None`` when it has none.

        Binding, schema and signature slots are the statement's; algorithms, identity rules, limits and requirements the
        pack's own. So whatever reads, verifies or judges a document does so with a statement.

        Raises:
            PackError: the files are not usable.
        """
        folder = self.path("revocation")
        if not folder.is_dir():
            return None
        path = folder / "signature.yaml"
        slots = typed(StatementSlots, read_yaml(path), path)
        form = copy.copy(self)
        form.form_folder = folder.name
        # values and formats are spelled alike in both forms unless the statement says otherwise
        shared = read_yaml(self.path("document", "binding.yaml"))
        binding = folder / "binding.yaml"
        usual = {name: shared[name] for name in ("values", "formats")}
        form.binding = typed(Binding, {**usual, **read_yaml(binding)}, binding)
        form.signature = self.signature.model_copy(
            update={name: getattr(slots, name) for name in StatementSlots.model_fields}
        )
        return form

    @cached_property
    def service(self) -> dict[str, Any]:
        """OpenAPI 3.1 description of the connection service (appendix2.md §1)."""
        return self._yaml("service", "openapi.yaml")

    @cached_property
    def messages(self) -> dict[str, Any]:
        """Message fields of the service by JSON pointer, states, events, errors: ``service/messages.yaml``."""
        return self._yaml("service", "messages.yaml")

    @cached_property
    def test_interface(self) -> dict[str, Any]:
        """OpenAPI 3.1 description of the test interface (vendor-interface.md)."""
        return self._yaml("service", "test-interface.yaml")

    @cached_property
    def form(self) -> dict[str, Any]:
        """The transcript as people read it: ``document/form.yaml``; empty when the pack has none."""
        return self._yaml("document", "form.yaml") if self.path("document", "form.yaml").is_file() else {}

    def _yaml(self, *parts: str) -> dict[str, Any]:
        loaded: dict[str, Any] = read_yaml(self.path(*parts))
        return loaded
