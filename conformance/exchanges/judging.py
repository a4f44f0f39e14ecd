"""From an exchange as it went to what its rules say of it. A defect of ours is never put on the software."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from conformance.checks.exchange import Call, Exchange, Paper, Stored
from conformance.checks.exchange import check as judge
from conformance.checks.exchange_retries import FINAL_REFUSALS
from conformance.doors.drive import Driver, Episode
from conformance.evidence import digest_of
from conformance.exchanges.facts import issued_of
from conformance.exchanges.model import ExchangeSpec, Expectation
from conformance.exchanges.player import Played
from conformance.exchanges.steps import Import, Place
from conformance.finding import Place as Where
from conformance.finding import Recorder
from conformance.pack import Pack

STALLED = 5.0
"""Real seconds: a service that answers us so late was standing still, and the order of its times means nothing."""


UNREAD = ("content-coding", "authorization-twice")
"""Errors (the pack's keys) of calls that the service did not read, and that no requirement speaks of."""
OVERDUE = 3.0
"""Times the client's declared patience: what it does after such an answer of ours is not put on it."""


class OwnFailure(RuntimeError):
    """The mock Ministry failed by itself: nothing that followed can be told from it."""


def exchange_of(played: Played, driver: Driver) -> Exchange:
    """What the rules judge.

    Raises:
        OwnFailure: the service answered with an error of its own.
    """
    own = own_failure(played.calls)
    if own:
        raise OwnFailure(own)
    papers = tuple(
        Paper(
            name,
            str(episode.case.data["learner"]["code"]),
            tuple(issued_of(one, driver.pack, driver.subject_map) for one in played.documents.get(name, ())),
            episode.samples,
        )
        for name, episode in played.papers.items()
    )
    first = papers[0] if papers else None
    issued = first.issued[0] if first and first.issued else None
    episode = played.first
    records = {one.record for paper in papers for one in paper.issued} | _sent_records(played.calls)
    placed = {str(act.facts.get("record")) for act in played.acts if act.step == "place"}
    stored = tuple(
        Stored(
            str(one["receipt"]),
            str(one["record"]),
            int(one["version"]),
            str(one["event"]),
            str(one["state"]),
            str(one.get("digest", "")),
        )
        for one in played.stored
        if str(one["record"]) in records
    )
    return Exchange(
        played.spec.id,
        played.calls,
        episode.samples if episode else (),
        first.learner if first else "",
        issued.digest if issued else "",
        issued.record if issued else "",
        issued.version if issued else None,
        tuple(one.receipt for one in stored if one.event != "cancel" and one.record not in placed),
        episode.ended if episode else "final",
        papers=papers,
        acts=tuple(played.acts),
        stored=stored,
        origin=_origin(driver.ministry.space.base_url),
        watched=played.watched,
    )


def own_failure(calls: Iterable[Call]) -> str:
    """What the mock service did wrong by itself; empty: nothing."""
    own = next(
        # a version of HTTP that it does not speak is the caller's choice
        (
            one
            for one in calls
            if one.status >= 500 and one.status != HTTPStatus.HTTP_VERSION_NOT_SUPPORTED and not one.fault
        ),
        None,
    )
    if own is None:
        return ""
    where = f"{own.operation} #{own.number}: HTTP {own.status}"
    return f"dịch vụ mô phỏng tự hỏng / the mock service failed by itself: {where}"


def unread(calls: Iterable[Call], pack: Pack) -> str:
    """Why the service did not read a call, where no requirement forbids such a call; empty: it read them all."""
    one = next((call for call in calls if call.error in UNREAD), None)
    if one is None:
        return ""
    told = pack.messages["errors"][one.error]
    return f"{one.operation} #{one.number}: HTTP {one.status}: {told['vi']} / {told['en']}"


def _sent_records(calls: tuple[Call, ...]) -> set[str]:
    return {item.record for call in calls for item in (call.items or (call,)) if item.record}


def _origin(url: str) -> str:
    return url.partition("//")[2].partition("/")[0]


def judge_played(played: Played, driver: Driver, found: Recorder) -> None:
    """Apply the exchange's rules; all its requirements are blocked when it could not be played."""
    judge_exchange(played.spec, recorded(played, driver), driver.pack, found)


def recorded(played: Played, driver: Driver) -> Exchange | str:
    """What the rules judge, or why the exchange could not be played.

    Raises:
        OwnFailure: the service answered with an error of its own.
    """
    if played.stalled >= STALLED:
        return (
            f"dịch vụ mô phỏng đứng yên {played.stalled:.0f} giây, giờ ghi được không dùng được / the mock service "
            f"stood still for {played.stalled:.0f} s, its times cannot be used"
        )
    return played.trouble or played.stopped or played.cut or exchange_of(played, driver)


def judge_exchange(spec: ExchangeSpec, exchange: Exchange | str, pack: Pack, found: Recorder) -> None:
    """Apply the rules to what was recorded; all requirements are blocked when it could not be played."""
    said = opinions(spec, exchange, pack)
    if isinstance(said, str):
        for requirement in spec.requirements:
            found.blocked(requirement, "not-played", place=Where(pointer=spec.id), seen=said[:500])
        return
    for _, one in said:
        found.absorb(one)


def opinions(spec: ExchangeSpec, exchange: Exchange | str, pack: Pack) -> list[tuple[Expectation, Recorder]] | str:
    """What each rule says by itself, or why the exchange could not be played."""
    if isinstance(exchange, str):
        return exchange
    unusable = unread(exchange.calls, pack) or _unusable(spec, exchange)
    if unusable:
        return unusable
    said = []
    for expectation in spec.expect:
        found = Recorder()
        judge(exchange, expectation.rule, spec.params(expectation, pack), found)
        said.append((expectation, found))
    slow = max((call.late for call in exchange.calls), default=0.0)
    if slow >= OVERDUE and any(found.violations for _, found in said):
        return (
            f"câu trả lời của dịch vụ mô phỏng lâu gấp {slow:.0f} lần thời gian chờ mà phần mềm khai / "
            f"an answer of the mock service took {slow:.0f} times as long as the software waits"
        )
    return said


def _unusable(spec: ExchangeSpec, exchange: Exchange) -> str:
    """Refused as it stands, without a fault or a conflict of ours: other requirements say why; this shows nothing."""
    if any(step.window or step.tokens for step in spec.told()):
        return ""
    if any(isinstance(step, Place) for step in spec.acts):
        return ""
    if not exchange.papers and not any(isinstance(step, Import) for step in spec.acts):
        return ""
    for call in exchange.submits:
        # of the first version only: what is wrong with a later one is what such an exchange shows
        issued = {one.digest: one for paper in exchange.papers for one in paper.issued[:1]}
        mine = issued.get(call.content)
        if (
            call.status in FINAL_REFUSALS
            and not call.fault
            and call.error != "batch-too-long"  # which is about the batch, and no transcript's own
            and mine is not None
            and mine.version == 1
            and (call.record, call.version) == (mine.record, mine.version)
        ):
            return f"{call.operation} #{call.number}: HTTP {call.status} {call.error}: {call.detail}".rstrip(": ")
    return ""


def disturbed(spec: ExchangeSpec, played: Played, seen: Exchange | str, pack: Pack) -> bool:
    """Whether delays of our own service may have had a part in what cannot be told or looks wrong.

    It is played again then: a machine that is busy elsewhere is nobody's mistake.
    """
    if played.stalled >= STALLED:
        return True
    if isinstance(seen, str) or not any(call.late for call in seen.calls):
        return False
    said = opinions(spec, seen, pack)
    return isinstance(said, str) or any(found.observations for _, found in said)


def exchange_of_episode(name: str, episode: Episode, driver: Driver) -> Exchange | None:
    """What the rules judge of an ordinary case; ``None`` when nothing was ever submitted."""
    if episode.document is None or episode.stopped:
        return None
    issued = issued_of(episode.document, driver.pack, driver.subject_map)
    learner = str(episode.case.data["learner"]["code"])
    return Exchange(
        name,
        episode.calls,
        episode.samples,
        learner,
        digest_of(episode.document),
        issued.record,
        issued.version,
        episode.receipts,
        episode.ended,
        papers=(Paper(name, learner, (issued,), episode.samples),),
        origin=_origin(driver.ministry.space.base_url),
    )
