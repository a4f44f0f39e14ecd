"""The steps of an exchange, and what the service is told: one model a step, all of it data (docs/exchanges.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from conformance.pack import Text
from conformance.pack.data import Data

ALL: Literal["all"] = "all"
"""Every transcript of the exchange."""
ENDLESS = 1000
"""Times that mean "without end": the control interface allows no more."""

Until = tuple[str, ...]
ENDS: Until = ("delivered", "refused", "gave-up")


class FindingSpec(Data):
    """A finding of a scripted refusal, as the service will tell it."""

    code: str
    requirement: str = ""
    place: str = ""
    text: str = ""


class FindingsSpec(Data):
    """So many findings alike: ``{n}`` in code and text is the number, two digits at least."""

    count: int = Field(ge=1, le=1000)
    code: str = "MA_LOI_{n}"
    requirement: str = "PL1-MON-008"
    place: str = "/"
    text: str = "Lỗi thử số {n}"

    def expand(self) -> list[FindingSpec]:
        """The single findings."""
        numbers = [f"{number:02}" for number in range(1, self.count + 1)]
        return [
            FindingSpec(
                code=self.code.replace("{n}", number),
                requirement=self.requirement,
                place=self.place,
                text=self.text.replace("{n}", number),
            )
            for number in numbers
        ]


class FaultSpec(Data):
    """A fault of the control interface (docs/control-api.md), which clears by itself."""

    kind: str
    """What is done to the answer: ``status``, ``delay``, ``reset``, ``truncate``, ``garbage``, ``redirect`` …"""
    operation: str = "*"
    """``operationId`` of the calls it is for. One for ``submit`` is set for ``submit-batch`` too."""
    record: str | None = None
    nth: int = Field(1, ge=1)
    times: int = Field(1, ge=1, le=ENDLESS)
    phase: Literal["before", "after"] = "before"
    status: int | None = None
    error: str = ""
    """Key of the pack's errors, for ``status``."""
    retry_after: int | None = None
    retry_after_date: bool = False
    seconds: float | Literal["timeout", "half-timeout"] = 0.0
    """``timeout``: longer than the software waits, by its declared timeout; ``half-timeout``: half as long."""
    body: str | dict[str, Any] | None = None
    content_type: str = ""
    location: Literal["", "elsewhere"] = ""
    """Of ``redirect``: the same service under another name, which is another origin."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Of ``merge``: fields added to the answer."""
    omit: tuple[str, ...] = ()
    """Of ``omit``: what is taken out of the answer, by JSON pointer."""
    size: int = 0
    """Bytes, of ``endless`` and ``large-headers``."""
    variant: str = ""
    """Of ``tls``: how the certificate is bad."""
    name: str = ""


class OutcomeSpec(Data):
    """A scripted outcome of judging (docs/control-api.md)."""

    record: str | None = None
    paper: str = ""
    """Only for this transcript of the exchange, in whatever order the software sends; empty: for any."""
    nth: int | None = Field(None, ge=1)
    times: int = Field(1, ge=1, le=ENDLESS)
    polls: int = Field(0, ge=0, le=1000)
    outcome: Literal["accept", "refuse", "judge"] = "judge"
    findings: FindingsSpec | tuple[FindingSpec, ...] = ()

    @property
    def listed(self) -> list[FindingSpec]:
        """The findings one by one."""
        return self.findings.expand() if isinstance(self.findings, FindingsSpec) else list(self.findings)


class Watching(Data):
    """How long the software is given, in units of the intervals that it declares."""

    until: Until = ENDS
    """States that end the watching."""
    attempts: int = 1
    """How many failed tries the software needs to be given time for; 0: as many as it declares before it gives up."""
    retry_after: float = 0.0
    """Seconds the service asks to wait for, all told: added to the time limit."""
    linger: bool = False
    """Watch on after the end, for calls that must not come."""


class Prepare(Data):
    """Enter, sign and issue transcripts, and fetch their bytes."""

    do: Literal["prepare"]
    papers: tuple[str, ...] | Literal["all"] = ALL


class Tell(Data):
    """Tell the service what to do: faults, outcomes, the window of the run's school year, tokens."""

    do: Literal["service"]
    faults: tuple[FaultSpec, ...] | None = None
    """Instead of those there are; none: left as they are."""
    outcomes: tuple[OutcomeSpec, ...] | None = None
    window: Literal["", "closed", "open"] = ""
    tokens: Literal["", "revoked"] = ""


class Send(Watching):
    """Ask the software to submit, and watch what comes of it."""

    do: Literal["send"]
    papers: tuple[str, ...] | Literal["all"] = ALL
    batch: bool = False
    """All in one call of the test interface."""
    wait: bool = True
    """Whether to watch; without it, the next step follows at once."""


class Watch(Watching):
    """Watch on."""

    do: Literal["watch"]


class Await(Data):
    """Wait until the service has seen so many calls of an operation since the exchange began."""

    do: Literal["await-call"]
    operation: str
    times: int = 1
    answered: bool = True
    """Count only calls whose answer the journal holds, or that were broken on purpose."""


class Amend(Data):
    """Open the next version of a transcript with another comment in one subject; sign what changed, issue, fetch."""

    do: Literal["amend"]
    paper: str = "1"
    reason: str = "Sửa nhận xét môn học theo biên bản rà soát"


class Revoke(Data):
    """Revoke a transcript with a reason."""

    do: Literal["revoke"]
    paper: str = "1"
    reason: str = "Cấp nhầm học bạ"
    wait: bool = True
    """Whether to watch until it is revoked; without it, the next step follows at once."""


class Print(Data):
    """Ask for the rendition, where the software has one, and look for words that say the transcript is revoked."""

    do: Literal["print"]
    paper: str = "1"
    words: tuple[str, ...] = ()


class Place(Data):
    """Place a record at the service, as if another computer of the school had sent it.

    ``version-taken``: the transcript's own identifier and version with other content; ``next-version``: its next
    version; ``second-record``: another identifier for the same learner and year.
    """

    do: Literal["place"]
    paper: str = "1"
    what: Literal["version-taken", "next-version", "second-record"]
    times: int = Field(1, ge=1, le=200)
    """How many; several make sense of second records only."""


class Authorisation(Data):
    """The authorisation that a receiver is given. ``seconds`` of validity; negative: expired already."""

    purpose: str = "transfer"
    """Key of the pack's purposes."""
    asked: str = ""
    """The purpose that the receiver says it imports for; empty: it is not told one."""
    receiver: Literal["own", "other"] = "own"
    seconds: int = 3600
    used: bool = False


class Companion(Data):
    """The same learner's transcript of the school year before, which the same authorisation hands out as well."""

    document: str = "small"
    expect: tuple[str, ...] = ()
    """Reasons that may be given because of it; empty: it is sound."""


class Import(Data):
    """Offer a transcript of another school to the receiving software.

    The transcript is one of the pack's golden corpus (``fixtures/*.yaml``), made anew for the run: another learner, the
    run's school year, signed under the run's own authorities.
    """

    do: Literal["import"]
    document: str = "small"
    """Id of the corpus's definition."""
    state: Literal["accepted", "superseded", "revoked"] = "accepted"
    """What the service holds it for; otherwise than accepted it is handed out all the same, as if it had changed on
    the way. A superseded one has its next version in force."""
    authorisation: Authorisation = Authorisation()
    expect: tuple[str, ...] = ()
    """Reasons of the test interface that may be given; empty: it is sound and must be imported."""
    companion: Companion | None = None
    """One of the two that is bad: the import is refused for its reason, and neither is taken over."""
    again: bool = False
    """The same code as in the import before, if that did not succeed; else the step is passed over."""
    what: Text | None = None


class Transfer(Data):
    """The software, as the school that holds the transcript, authorises; then it receives by the code it was given."""

    do: Literal["transfer"]
    paper: str = "1"
    purpose: str = "transfer"
    """A purpose of the test interface."""


class Restart(Data):
    """Stop the software hard and wait until it is up again."""

    do: Literal["restart"]


class Refresh(Data):
    """Ask the software to refresh its code lists."""

    do: Literal["refresh"]
    times: int = 1


class Records(Data):
    """Ask the software what the Ministry's list says of its own records, over all pages.

    ``add``: while it reads, a record of this transcript's learner is added, as by another computer of the school.
    """

    do: Literal["records"]
    add: str = ""


class Clock(Data):
    """Begin a session of its own in which the software's clock is off; the usual one is begun again at the end."""

    do: Literal["clock"]
    offset: float
    """Seconds; positive: the software's clock is fast."""


Step = Annotated[
    Prepare
    | Tell
    | Send
    | Watch
    | Await
    | Amend
    | Revoke
    | Print
    | Place
    | Import
    | Transfer
    | Restart
    | Refresh
    | Records
    | Clock,
    Field(discriminator="do"),
]
