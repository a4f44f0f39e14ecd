"""Plays one exchange: sets its faults, lets the software submit one transcript, and records what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.cases import Case
from conformance.checks.exchange import Exchange
from conformance.checks.exchange import check as judge
from conformance.document import read
from conformance.doors.drive import Driver, Episode
from conformance.doors.http import DoorError
from conformance.evidence import digest_of
from conformance.exchanges.model import ExchangeSpec
from conformance.finding import Recorder

SETTLE = 60.0
"""Seconds the software is given after an exchange to come to rest, so that it does not spoil the next one."""


def play(spec: ExchangeSpec, driver: Driver, case: Case) -> Episode:
    """Play ``spec`` with ``case``. The faults are always cleared again, whatever happens."""
    episode = Episode(case)
    try:
        episode = driver.enter(case)
        if not episode.stopped:
            driver.issue(episode)
        if episode.stopped:
            return episode
        failures = spec.attempts or driver.intervals.attempts
        # the document's content is judged elsewhere: here it must not decide how the exchange ends
        driver.ministry.outcomes(spec.outcomes or [{"outcome": "accept", "times": 1000}])
        driver.ministry.faults([timed(fault, driver) for fault in spec.faults])
        try:
            driver.send(
                episode,
                until=spec.until,
                limit=driver.intervals.limit(failures, spec.retry_after),
                linger=driver.intervals.limit(1) / 8 if spec.linger else 0.0,
            )
        finally:
            driver.ministry.faults([])
            driver.ministry.outcomes([])
        if episode.ended == "limit":
            _settle(driver, episode)
    except DoorError as error:
        episode.trouble = str(error)
    return episode


def timed(fault: Mapping[str, Any], driver: Driver) -> dict[str, Any]:
    """A fault whose ``seconds`` say ``timeout`` waits longer than the software does, by its declared timeout."""
    if fault.get("seconds") != "timeout":
        return dict(fault)
    return {**fault, "seconds": min(290.0, driver.intervals.request_timeout * 1.5 + 0.5)}


def _settle(driver: Driver, episode: Episode) -> None:
    began = driver.clock.monotonic()
    while driver.clock.monotonic() - began < min(SETTLE, driver.intervals.limit(1)):
        if driver.ticks:
            driver.vendor.tick()
        if driver.vendor.state(episode.local).get("state") in ("delivered", "refused", "gave-up"):
            return
        driver.clock.sleep(0.2)


def exchange_of(spec_id: str, episode: Episode, driver: Driver) -> Exchange | None:
    """What the rules judge; ``None`` when the software never came to submit anything readable."""
    if episode.document is None or episode.stopped:
        return None
    reading = read(episode.document, driver.pack)
    transcript = reading.document.transcript if reading.document else None
    record = transcript.record.id.raw if transcript and transcript.record.id else ""
    version = transcript.version.number.value if transcript and transcript.version.number else None
    return Exchange(
        spec_id,
        episode.calls,
        episode.samples,
        str(episode.case.data["learner"]["code"]),
        digest_of(episode.document),
        record,
        version,
        episode.receipts,
        episode.ended,
    )


def judge_exchange(spec: ExchangeSpec, exchange: Exchange, found: Recorder) -> None:
    """Apply the exchange's rules."""
    for expectation in spec.expect:
        judge(exchange, expectation.rule, expectation.params, found)
