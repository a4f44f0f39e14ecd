"""The event stream of a run: what producers emit and reporters read. Its JSON form is the published result format.

A run's events are ``run-started``, one ``item-finished`` per case, exchange or document, and the mandatory
``run-finished`` footer. A stream without footer must never be read as complete (:mod:`reports.stream`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from conformance.finding import Message, Observation, Place


class Event(BaseModel):
    """Immutable; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlaceData(Event):
    """See :class:`conformance.finding.Place`."""

    xpath: str = ""
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    pointer: str = ""


class StepData(Event):
    """One step of a derivation: text key in the pack, and parameters."""

    key: str
    params: dict[str, str] = Field(default_factory=dict)


class ExcerptLine(Event):
    """One line of a displayed copy of the evidence; ``marked`` when it holds the place."""

    number: int
    text: str
    marked: bool = False


class Finding(Event):
    """One violated or blocked observation with what a reader needs to see it, understand it and repeat it."""

    requirement: str
    state: Literal["violated", "blocked"]
    cause: str
    place: PlaceData | None = None
    expected: str = ""
    seen: str = ""
    derivation: tuple[StepData, ...] = ()
    params: dict[str, str] = Field(default_factory=dict)
    consequence_of: str = ""
    evidence: str = ""
    """SHA-256 (hex) of the bytes it was seen in."""
    excerpt: tuple[ExcerptLine, ...] = ()
    exchange: tuple[dict[str, Any], ...] = ()
    """Journal lines (redacted) when it was seen in an exchange: at, operation, request, answer, fault."""

    @property
    def code(self) -> str:
        """The full cause code."""
        return f"{self.requirement}.{self.cause}" if self.cause else self.requirement

    @classmethod
    def of(cls, one: Observation, *, evidence: str = "", **more: Any) -> Finding:
        """A finding from a violated or blocked observation."""
        place = one.place
        return cls(
            requirement=one.requirement,
            state="violated" if one.state.value == "violated" else "blocked",
            cause=one.cause,
            place=None if place is None else _place(place),
            expected=one.expected,
            seen=one.seen,
            derivation=tuple(_step(step) for step in one.derivation),
            params=dict(one.params),
            consequence_of=one.consequence_of,
            evidence=evidence,
            **more,
        )


def _place(place: Place) -> PlaceData:
    return PlaceData(
        xpath=place.xpath, line=place.line, column=place.column, offset=place.offset, pointer=place.pointer
    )


def _step(step: Message) -> StepData:
    return StepData(key=step.key, params=dict(step.params))


class FormTable(Event):
    """A titled table of the form: column heads, or none for labels and values, and rows of texts."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class FormData(Event):
    """A transcript as people read it, made from its signed XML; never taken from a vendor's rendition."""

    title: str
    tables: tuple[FormTable, ...] = ()


class ItemResult(Event):
    """One test item: a case, an exchange or a document, and all that was observed on its evidence."""

    id: str
    """Stable id of the case or exchange; never a position."""
    kind: Literal["case", "probe", "exchange", "explore", "document"]
    programme: str = ""
    """Empty: the evidence counts for every claimed programme (behaviour of the client as such)."""
    title: str = ""
    seconds: float = 0.0
    held: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Requirement -> case class -> how often it was seen to hold."""
    findings: tuple[Finding, ...] = ()
    error: str = ""
    """Not empty: our defect on this evidence (type and message, no traceback of the vendor's data)."""
    smallest: dict[str, Any] = Field(default_factory=dict)
    """For a failed case: base, the edits that are needed to fail, and the case as entered (readable)."""
    form: FormData | None = None
    """The document as people read it, where something is wrong with it."""
    evidence: dict[str, str] = Field(default_factory=dict)
    """What was recorded: kind or name -> SHA-256 (hex)."""
    replay: tuple[str, ...] = ()
    """The replay command, word by word; reports quote them for sh and PowerShell. Secrets stand as variables."""


class Witness(Event):
    """What makes a run a witnessed one (verdict.md): who carried it out, and that nothing was chosen afterwards."""

    body: str
    """The testing body, as its list names it."""
    body_id: str = ""
    """Its identifier or accreditation number, as its list says."""
    list_digest: str
    """SHA-256 (hex) of the body's list of allowed packs and trust stores."""
    build_hash: str
    """The software's build hash, recorded before the seed was drawn."""
    build_recorded: str
    seed_drawn: str
    """When, ISO 8601 with zone: never before ``build_recorded``."""
    isolated: bool = True
    """Nobody else's conftest, settings or plugins took part."""
    plugins: tuple[str, ...] = ()
    """The plugins that took part."""
    validity_days: int = 365


class RunInfo(Event):
    """What was tested, against which text, by whom, how."""

    run_id: str
    tool_version: str
    pack: str
    pack_digest: str
    revision: str
    door: Literal["drive", "observe", "files"]
    target: str
    tls: str = ""
    """SHA-256 (hex) of the certificate that the target showed when the run began; empty without TLS."""
    programmes: tuple[str, ...]
    """The claimed programmes that this run judges."""
    seed: int
    started: str
    """ISO 8601 with zone, as are all times here."""
    vendor: dict[str, Any] = Field(default_factory=dict)
    """The software's own description (data, never trusted): vendor, product, version, buildHash, capabilities …"""
    declined: tuple[str, ...] = ()
    witnessed: bool = False
    witness: Witness | None = None
    """How it was witnessed; a run that is ``witnessed`` without it counts as self-declared."""
    options: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    trust: tuple[str, ...] = ()
    """SHA-256 fingerprints of the trust anchors."""
    selection: str = ""
    """Not empty: only part of the suite was asked for, and how."""
    planned: tuple[str, ...] = ()
    """Ids of all items of this run, before any selection."""


class RunFinished(Event):
    """The footer: a result without it is incomplete."""

    finished: str
    items: int
    evidence_digest: str = ""
    build_hash_at_end: str = ""
    interrupted: str = ""
    """Not empty: why the run did not complete."""


class Result(Event):
    """A whole run, as the JSON result file holds it (together with the verdict)."""

    format: Literal["hocba-result/1"] = "hocba-result/1"
    run: RunInfo
    items: tuple[ItemResult, ...]
    footer: RunFinished | None
    verdict: dict[str, Any] = Field(default_factory=dict)
    """:func:`conformance.verdict.Verdict.to_json`."""


class RunStarted(Event):
    """First line of the stream."""

    event: Literal["run-started"] = "run-started"
    format: Literal["hocba-events/1"] = "hocba-events/1"
    run: RunInfo


class ItemFinished(Event):
    """One line for every item, in the order in which they finished."""

    event: Literal["item-finished"] = "item-finished"
    item: ItemResult


class RunEnded(Event):
    """Last line of the stream; without it the run is not complete."""

    event: Literal["run-finished"] = "run-finished"
    footer: RunFinished
    verdict: dict[str, Any] = Field(default_factory=dict)
    lines: int
    """Lines before this one."""
    sha256: str
    """SHA-256 (hex) over the bytes of all lines before this one, line ends included."""


StreamEvent = Annotated[RunStarted | ItemFinished | RunEnded, Field(discriminator="event")]
