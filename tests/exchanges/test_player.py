"""The player: what it does to software and service, what it puts back, and whose delay is whose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from conformance.checks.context import Context
from conformance.checks.exchange import Call, Exchange, Paper, Sample
from conformance.document import read
from conformance.doors.drive import LATE, Driver, Intervals, Meter
from conformance.doors.http import DoorError
from conformance.exchanges import load_exchanges
from conformance.exchanges.alter import altered
from conformance.exchanges.facts import issued_of, signed_values
from conformance.exchanges.judging import OwnFailure, exchange_of, judge_played, opinions, recorded
from conformance.exchanges.model import ExchangeSpec
from conformance.exchanges.offers import make_offers
from conformance.exchanges.player import Played, Unplayable, elsewhere, fault_data, play
from conformance.exchanges.steps import FaultSpec
from conformance.finding import Recorder
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.suite.plan import played as planned_exchanges
from tests.world import world

PACK = default_pack().at("r3")
SPECS = {one.id: one for one in load_exchanges(PACK)}
TEXT = {"vi": "Thử", "en": "Test"}


class SlowClock:
    """A clock by hand: every rest takes as long as it is told to."""

    def __init__(self, stretch: float = 1.0) -> None:
        self.now, self.stretch = 0.0, stretch

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds * self.stretch


def spec(**more: Any) -> ExchangeSpec:
    base = {"id": "x", "title": TEXT, "purpose": TEXT, "revision": "r3", "requirements": [], "expect": []}
    return ExchangeSpec.model_validate({**base, **more})


# -- whose delay -------------------------------------------------------------------------------------------------


def test_a_machine_that_sleeps_too_long_takes_nobodys_time() -> None:
    clock = SlowClock(stretch=50.0)
    meter = Meter(clock)
    meter.rest(2.0)
    assert clock.now == 100.0
    assert meter.spent == 2.0


def test_the_softwares_own_answers_count() -> None:
    clock = SlowClock()
    meter = Meter(clock)

    def slow() -> str:
        clock.now += 3.0
        return "answer"

    assert meter.theirs(slow) == "answer"
    assert meter.spent == 3.0


class Ministry:
    """A service whose journal lacks an answer for the first few readings."""

    def __init__(self, late: int) -> None:
        self.late, self.read = late, 0

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        self.read += 1
        answer = None if self.read <= self.late else {"status": 200, "body": {}}
        return [{"n": 1, "monotonic": 0.0, "operation": "status", "fault": None, "answer": answer}]


def driver(ministry: Any) -> Driver:
    return Driver(PACK, None, ministry, None, Intervals(), SlowClock(), datetime.now)  # type: ignore[arg-type]


@pytest.mark.parametrize("late", [0, 3])
def test_a_late_journal_is_waited_for(late: int) -> None:
    ministry = Ministry(late)
    (entry,) = driver(ministry).journal(0)
    assert entry["answer"]
    assert ministry.read == late + 1


def test_a_journal_that_stays_without_the_answer_is_waited_for_so_long_only() -> None:
    ministry = Ministry(10_000)
    (entry,) = driver(ministry).journal(0)
    assert entry["answer"] is None
    assert ministry.read == LATE


class Space:
    """What is asked of a driver whose service has failed."""

    pack = PACK
    subject_map: Mapping[str, str] = MappingProxyType({})


class Told:
    """A software and a service that only keep what they are told."""

    def __init__(self) -> None:
        self.ministry, self.stalled, self.kept = self, 0.0, []  # type: ignore[var-annotated]

    def mark(self, _after: int = 0) -> int:
        return 0

    def journal(self, _after: int) -> tuple[dict[str, Any], ...]:
        return ()

    def submissions(self) -> list[dict[str, Any]]:
        return []

    def faults(self, _faults: list[dict[str, Any]]) -> None:
        pass

    def outcomes(self, outcomes: list[dict[str, Any]]) -> None:
        self.kept.append(outcomes)


def test_the_outcome_of_one_transcript_finds_it_in_whatever_order_it_is_sent() -> None:
    cases = [SimpleNamespace(data={"learner": {"code": code}}) for code in ("9900000001", "9900000002")]
    chosen = spec(transcripts=2, steps=[{"do": "service", "outcomes": [{"paper": "2", "outcome": "refuse"}]}])
    told = Told()
    play(chosen, told, cases)  # type: ignore[arg-type]
    assert told.kept[1][0] == {"outcome": "refuse", "learner": "9900000002"}
    (scripted,) = SPECS["batch-middle-refused"].all_outcomes()
    assert (scripted.paper, scripted.nth) == ("2", None)


def test_a_failure_of_the_mock_service_is_ours() -> None:
    broken = Played(spec(), calls=(Call(7, 0.0, "submit", 500),))
    with pytest.raises(OwnFailure, match="#7"):
        exchange_of(broken, Space())  # type: ignore[arg-type]


def test_times_of_a_service_that_stood_still_prove_nothing() -> None:
    still = Played(spec(requirements=["PL2-GN-004"]), calls=(Call(1, 0.0, "submit", 503, fault=True),), stalled=30.0)
    found = Recorder()
    judge_played(still, Space(), found)  # type: ignore[arg-type]
    assert [one.code for one in found.observations] == ["PL2-GN-004.not-played"]
    assert "30 s" in found.observations[0].params["seen"]


def test_software_that_waits_longer_than_anybody_watches_is_not_said_to_wait_for_ever() -> None:
    assert Intervals(first_retry=60.0, longest_retry=600.0, attempts=5).beyond(5)
    assert not Intervals().beyond(Intervals().attempts)
    assert not Intervals(first_retry=60.0, longest_retry=600.0).beyond(1)
    unseen = Played(spec(requirements=["PL2-GN-004"], expect=[{"rule": "gives-up"}]), cut="…")
    found = Recorder()
    judge_played(unseen, Space(), found)  # type: ignore[arg-type]
    assert [one.code for one in found.observations] == ["PL2-GN-004.not-played"]


@pytest.mark.parametrize(
    ("error", "status", "says"), [("content-coding", 415, "JSON"), ("authorization-twice", 400, "Authorization")]
)
def test_what_the_service_did_not_read_and_no_requirement_forbids_is_no_failure(
    error: str, status: int, says: str
) -> None:
    chosen = spec(requirements=["PL2-GN-001", "PL2-GN-002"], expect=[{"rule": "bytes-issued"}, {"rule": "envelope"}])
    unread = Call(3, 1.0, "submit", status, error=error)
    one = Exchange("x", (unread,), (), "9900000001", "a" * 64, "r", 1, (), "final")
    told = str(opinions(chosen, one, PACK))
    assert told.startswith(f"submit #3: HTTP {status}: ")
    assert says in told
    assert not isinstance(opinions(chosen, replace(one, calls=(replace(unread, error="bad-request"),)), PACK), str)


def test_what_software_does_after_an_answer_of_ours_that_never_came_is_not_put_on_it() -> None:
    chosen = spec(requirements=["PL2-GN-009"], expect=[{"rule": "no-false-success"}])
    broken = Call(1, 0.0, "submit", 202, fault=True)
    seen = Sample(1, "receipted")
    papers = (Paper("1", "9900000001", (), (seen,)),)
    base = Exchange("x", (broken,), (seen,), "", "", "", None, (), "final", papers=papers)
    assert not isinstance(opinions(chosen, base, PACK), str)
    slow = replace(base, calls=(broken, Call(2, 1.0, "status", 200, late=9.0)))
    assert "9 times" in str(opinions(chosen, slow, PACK))


# -- what is told to the service -----------------------------------------------------------------------------------


def test_another_origin_is_the_same_service_by_another_name() -> None:
    assert elsewhere("http://127.0.0.1:8115/s/abc") == "http://localhost:8115/s/abc"
    assert elsewhere("https://localhost:9") == "https://127.0.0.1:9"
    with pytest.raises(Unplayable, match="second name"):
        elsewhere("https://moet.example/s/abc")


def test_waiting_longer_than_the_software_is_measured_by_what_it_declares() -> None:
    fault = FaultSpec.model_validate({"kind": "delay", "seconds": "timeout"})
    assert fault_data(fault, timeout=4.0)["seconds"] > 4.0
    half = FaultSpec.model_validate({"kind": "drip", "seconds": "half-timeout"})
    assert fault_data(half, timeout=4.0)["seconds"] < 4.0


def test_software_is_asked_for_what_it_offers_only() -> None:
    everything = planned_exchanges(PACK, {})
    assert {one.id for one in everything} == set(SPECS)
    few = planned_exchanges(PACK, {"capabilities": ["submit"]})
    assert {one.id for one in few} == {one.id for one in everything if not one.needs}
    first = planned_exchanges(default_pack().at("r1"), {})
    assert {one.revision for one in first} == {"r1"}


# -- bytes -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offer() -> bytes:
    now = datetime.now(PACK.timezone)
    chosen = spec(steps=[{"do": "import"}])
    return make_offers([chosen], PACK, TestPki(now, PACK), now, 2025)["x/0"].content


def test_offers_are_wrong_for_exactly_what_they_are_named_for() -> None:
    now = datetime.now(PACK.timezone)
    pki = TestPki(now, PACK)
    chosen = [SPECS["import-revoked-certificate"], SPECS["import-superseded"], SPECS["import-lifted"]]
    offers = make_offers(chosen, PACK, pki, now, 2025)
    context = Context(PACK, pki.trust_store(), now)
    from conformance.checks.judge import judge_document

    roots = {key: judge_document(one.content, context).found.roots() for key, one in offers.items()}
    assert roots == {
        "import-revoked-certificate/0": set(),
        "import-revoked-certificate/1": {"PL1-CTS-002.revoked"},
        "import-superseded/0": set(),
        "import-superseded/1": set(),
        "import-lifted/0": set(),
        "import-lifted/1": {"PL1-KY-006.lifted"},
    }
    old = offers["import-superseded/1"]
    newer = judge_document(old.newer, replace(context, previous=old.content)).found
    assert newer.roots() == set()
    assert len({one.learner for one in offers.values()}) == len(offers)


def test_other_versions_stay_readable(offer: bytes) -> None:
    first = issued_of(offer, PACK)
    same = issued_of(altered(offer, "version-taken", PACK), PACK)
    assert (same.record, same.version) == (first.record, first.version)
    assert same.digest != first.digest
    following = issued_of(altered(offer, "next-version", PACK), PACK)
    assert (following.record, following.version) == (first.record, 2)
    second = issued_of(altered(offer, "second-record", PACK), PACK)
    assert second.record != first.record
    assert second.owner == first.owner
    with pytest.raises(DoorError):
        altered(b"<x/>", "next-version", PACK)


def test_signatures_are_told_apart_by_slot_subject_and_signer(offer: bytes) -> None:
    one = issued_of(offer, PACK)
    document = read(offer, PACK).document
    assert document is not None
    assert len(one.signatures) == len(document.transcript.subjects) + 3
    assert set(one.marks) == {subject.code.raw for subject in document.transcript.subjects if subject.code}
    assert issued_of(b"no transcript", PACK).record == ""


def test_signed_values_stand_in_the_interfaces_words(offer: bytes) -> None:
    values = signed_values(offer, PACK)
    schema = PACK.test_interface["components"]["schemas"]["ImportedTranscript"]
    assert set(values) <= set(schema["properties"])
    assert set(schema["required"]) <= set(values)
    subject = schema["properties"]["subjects"]["items"]["properties"]
    assert all(set(one) <= set(subject) for one in values["subjects"])
    assert {one["semester1"] for one in values["subjects"]} >= {"passed"}


# -- in a world ------------------------------------------------------------------------------------------------------


def test_everything_is_put_back_whatever_happens() -> None:
    with world(pack=PACK, items=["exchange:processing"]) as one:
        bench, ministry = one.bench, one.bench.driver.ministry
        broken = spec(
            transcripts=1,
            steps=[
                {"do": "prepare"},
                {"do": "service", "window": "closed", "faults": [{"kind": "status", "times": 1000}]},
                {"do": "import"},
            ],
        )
        case = bench.make(bench.sound("THCS"), "x", 5999)
        with pytest.raises(KeyError):
            play(broken, bench.driver, [case], bench.props)
        control = ministry._http.expect("GET", ministry._path("/faults")).json()
        assert control["faults"] == []
        # the window is open again, and judging for real
        result = one.play("exchange:processing")
        assert result.held["PL2-GN-006"] == {"several-polls": 4}


def test_what_cannot_be_played_blocks_all_it_was_to_show() -> None:
    with world(pack=PACK, items=["exchange:redirect-at-submit"]) as one:
        space = one.bench.driver.ministry.space
        one.bench.driver.ministry._space = replace(space, base_url=space.base_url.replace("127.0.0.1", "moet.example"))
        result = one.play("exchange:redirect-at-submit")
        assert [(one.code, one.state) for one in result.findings] == [("PL2-XT-004.not-played", "blocked")]
        assert "second name" in result.findings[0].params["seen"]


@pytest.fixture(scope="module")
def told() -> tuple[Played, Any]:
    """An exchange that was played with software that does not heed Retry-After."""
    with world("ignores-retry-after", pack=PACK, items=["exchange:too-many-seconds"], factor=1.0) as one:
        played = one.bench.play_exchange("too-many-seconds")
        return played, opinions(played.spec, recorded(played, one.bench.driver), one.pack)


def test_each_rule_says_its_own(told: tuple[Played, Any]) -> None:
    _, said = told
    ((expectation, found),) = said
    assert expectation.rule == "backs-off"
    assert isinstance(found, Recorder)
    assert found.roots() == {"PL2-GN-004.before-retry-after"}


@pytest.mark.parametrize(("language", "words"), [("vi", "gần đúng nhất: Lần gọi thứ 2"), ("en", "nearest: Call 2")])
def test_a_played_exchange_is_told_call_by_call(told: tuple[Played, Any], language: str, words: str) -> None:
    from conformance.commands.exchange import _data, _lines

    played, said = told
    data = _data(played, said, PACK, language)
    assert data["exitCode"] == 1
    assert json.loads(json.dumps(data))["calls"][1]["status"] == 429
    lines = list(_lines(played.spec, data, language))
    assert any("submit new 1 → 429 too-many" in line for line in lines)
    assert any(words in line for line in lines)
    assert any(line.startswith("✗ backs-off") for line in lines)
