"""The observe door: a case book for an operator, and what watching can show."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import frozen_cases
from conformance.doors.drive import by_role
from conformance.doors.http import Http
from conformance.doors.vendor import Vendor
from conformance.events import ItemResult, Result, RunFinished
from conformance.evidence import Bundle, StoredBundle
from conformance.exchanges import load_exchanges
from conformance.pack import Pack, default_pack, load_pack
from conformance.suite.asked import UsageProblem, sensible
from conformance.suite.bench import Bench
from conformance.suite.casebook import DATA, PAGE, SIGNERS, STOP, load_book
from conformance.suite.observing import begin_observed, strangers_of
from conformance.suite.plan import plan
from conformance.suite.rejudge import rejudge
from conformance.suite.settings import Options
from conformance.suite.setup import Run
from conformance.verdict import Outcome, decide
from mock_moet.api import create_service
from mock_moet.control import create_control
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from mock_vendor.app import create_app
from mock_vendor.settings import VendorSettings
from tests.world import ScaledClock

PACK = default_pack()
OTHER = load_pack(Path(__file__).parents[1] / "packs" / "other")


class Desk:
    """A run of the observe door in process, and the reference vendor on an operator's desk."""

    def __init__(self, folder: Path, *, defects: tuple[str, ...] = (), pack: Pack = PACK, **options: Any) -> None:
        self.pack = pack
        self.folder = folder / "book"
        self.clock = ScaledClock(5.0, datetime.now(pack.timezone))
        self.ministry = Ministry(Settings(pack=pack, clock=self.clock, control_token="control", judging="inline"))
        self.service = InProcessTransport(create_service(self.ministry), self.clock)
        self.control = InProcessTransport(create_control(self.ministry), self.clock)
        self.control_http = Http("http://127.0.0.1", "control", transport=self.control)
        chosen = {"programmes": (pack.certified()[0],), "observe_patience": 600.0, **options}
        self.options = Options(target="observe:", keys="p-256", casebook=str(self.folder), **chosen)
        self.run: Run = begin_observed(self.options, pack, self.clock.now(), 7, folder / "evidence", self.control_http)
        self.bench = Bench(self.run.setup, control_http=self.control_http, clock=self.clock, now=self.clock.now)
        self.said: list[str] = []
        self.bench.say = self.said.append
        self.book: dict[str, Any] = json.loads((self.folder / DATA).read_text(encoding="utf-8"))
        self.app = create_app(
            VendorSettings(
                pack=pack, token="vendor", clock=self.clock, transport=self.service, defects=frozenset(defects),
                programmes=self.run.setup.programmes, background=False,
            )
        )  # fmt: skip
        self.vendor_transport = InProcessTransport(self.app, self.clock)
        self.vendor_http = Http("http://127.0.0.1", "vendor", transport=self.vendor_transport)
        self.vendor = Vendor(self.vendor_http, pack, self.clock)

    def settle(self) -> None:
        """Set the software up from the case book alone."""
        session = {
            "runId": "by-hand",
            "ministry": {key: self.book["service"][key] for key in ("baseUrl", "tokenUrl", "clientId", "clientSecret")},
            "reserved": self.book["reserved"],
            "signers": [
                {
                    **{key: value for key, value in one.items() if key != "file"},
                    "pkcs12": base64.b64encode((self.folder / one["file"]).read_bytes()).decode(),
                }
                for one in self.book["signers"]
            ],
        }
        assert self.vendor.begin(session).status == 200
        roster = {key: self.book[key] for key in ("schools", "classes", "teachers", "assignments")}
        assert self.vendor.enrol(roster).status == 200

    def do(self, row: dict[str, Any], *, until: tuple[str, ...] = ("delivered", "refused", "gave-up")) -> str:
        """One case as the book says: enter, sign, issue, submit, wait."""
        local = str(self.vendor.create(row["case"]).json()["id"])
        self._send(local, row)
        if row["action"] == "correct":
            assert self._wait(local, until) == "refused"
            self._send(str(self.vendor.create(row["case"]).json()["id"]), row)
        return self._wait(local, until)

    def _send(self, local: str, row: dict[str, Any]) -> None:
        for group in by_role(row["signings"]):
            assert self.vendor.sign(local, group, limit=60).status == 200
        assert self.vendor.issue(local).status == 200
        assert self.vendor.submit(local).status in (200, 202)

    def _wait(self, local: str, until: tuple[str, ...]) -> str:
        for _ in range(6000):
            self.vendor.tick()
            state = str(self.vendor.state(local).get("state"))
            if state in until:
                return state
            self.clock.sleep(0.1)
        raise AssertionError("no end")

    def case(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.book["cases"] if one["id"] == name)
        return found

    def items(self, *names: str) -> list[ItemResult]:
        planned = {one.id: one for one in plan(self.pack, self.run.setup)}
        return [self.bench.run(planned[name]) for name in names]

    def stop(self) -> None:
        (self.folder / STOP).touch()

    def close(self) -> None:
        self.bench.close()
        self.run.bundle.close()
        for http in (self.control_http, self.vendor_http):
            http.close()
        for transport in (self.vendor_transport, self.control, self.service):
            transport.close()
        self.app.state.close()
        self.ministry.close()


@contextmanager
def operating(desk: Desk, work: Callable[[], object]) -> Iterator[None]:
    """Somebody works at the desk meanwhile; what goes wrong there fails the test."""
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            desk.settle()
            work()
        except BaseException as error:
            trouble.append(error)
            desk.stop()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(300)
        assert not thread.is_alive()
        if trouble:
            raise trouble[0]


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    monkeypatch.setenv("HOCBA_CHROMIUM", "no-such-browser")  # printing is tested with the reports
    made: list[Desk] = []

    def make(**settings: Any) -> Desk:
        made.append(Desk(tmp_path, **settings))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


def verdict_of(desk: Desk, items: list[ItemResult]) -> dict[str, tuple[Outcome, str]]:
    footer = RunFinished(finished=desk.run.info.started, items=len(items), evidence_digest="0" * 64)
    verdict = decide(desk.pack, Result(run=desk.run.info, items=tuple(items), footer=footer))
    return {one.requirement: (one.outcome, one.reason) for one in verdict.outcomes}


def judged_anew(desk: Desk, items: list[ItemResult], folder: Path) -> tuple[ItemResult, ...]:
    """The items once more, from nothing but the evidence that the run kept."""
    source = Path(desk.run.setup.evidence)
    bundle = Bundle(folder)
    lines = map(json.loads, (source / "index.ndjson").read_text(encoding="utf-8").splitlines())
    recorded = [(one["kind"], one["item"], one["digest"], one["facts"]) for one in lines]
    recorded += [(one.kind, one.item, one.digest, dict(one.facts)) for one in desk.bench.entries]
    for kind, item, digest, facts in recorded:
        bundle.add(kind, item, (source / "bytes" / digest).read_bytes(), **facts)
    bundle.add("setup", "", desk.run.setup.record())
    footer = RunFinished(finished=desk.run.info.started, items=len(items), evidence_digest=bundle.close())
    return rejudge(StoredBundle(folder), Result(run=desk.run.info, items=tuple(items), footer=footer), desk.pack).items


def the_same_is_found_anew(desk: Desk, items: list[ItemResult], folder: Path) -> None:
    for old, new in zip(items, judged_anew(desk, items, folder), strict=True):
        assert not new.error, new.error
        assert new.held == old.held
        assert new.findings == old.findings


def test_an_operator_follows_the_book_and_is_judged(desks: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desks()
    names = ["thcs-plain", "thcs-adjust-good-to-fair", "thcs-conduct-fair-fair"]

    def work() -> None:
        for name in reversed(names):  # in any order
            assert desk.do(desk.case(name)) in ("delivered", "refused")

    with operating(desk, work):
        items = desk.items(*(f"observe:THCS:{name}" for name in names), "observe:exchange:reset-after")
    for item in items:
        assert not item.error, item.error
        assert [one.code for one in item.findings] == []
    *documents, lost = items
    assert lost.held["PL2-GN-003"] == {"reset": 1}
    assert all(one.held["PL2-GN-002"] and one.held["PL2-XT-001"] for one in documents)
    # a refused transcript that was corrected: both are judged
    assert documents[2].held["PL2-GN-002"]["checked"] == 2
    assert desk.said
    found = verdict_of(desk, items)
    assert found["PL2-GN-002"] == (Outcome.PASS, "")
    assert found["PL1-DOC-001"] == (Outcome.PASS, "")
    # what watching cannot show is no pass, and says why
    for hidden in ("PL2-GN-001", "PL2-GN-004", "PL2-GN-007", "PL1-PH-001", "PL1-ND-001"):
        assert found[hidden] == (Outcome.NOT_TESTABLE, "door"), hidden
    assert found["PL2-GN-003"][0] is Outcome.INSUFFICIENT, "the timeout was not watched"
    the_same_is_found_anew(desk, items, tmp_path / "kept")


def test_what_is_wrong_is_found_by_watching(desks: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desks(defects=("resubmits-under-new-identifier",))
    with operating(desk, lambda: desk.do(desk.case("thcs-adjust-good-to-fair"))):
        (lost,) = desk.items("observe:exchange:reset-after")
    assert "PL2-GN-003.new-identifier" in {one.code for one in lost.findings}
    assert verdict_of(desk, [lost])["PL2-GN-003"][0] is Outcome.FAIL
    the_same_is_found_anew(desk, [lost], tmp_path / "kept")


def test_what_never_arrives_is_told_and_blocks_a_pass(desks: Callable[..., Desk]) -> None:
    desk = desks()
    desk.stop()
    case, exchange = desk.items("observe:THCS:thcs-plain", "observe:exchange:reset-after")
    for item in (case, exchange):
        assert "document" not in item.evidence
        assert {one.state for one in item.findings} == {"blocked"}
    assert desk.case("thcs-plain")["learner"] in str(case.findings[0].params["seen"])
    assert verdict_of(desk, [case, exchange])["PL2-GN-002"] == (Outcome.NOT_TESTABLE, "blocked")


def test_waiting_ends_in_time_and_strangers_are_told(desks: Callable[..., Desk]) -> None:
    desk = desks(observe_timeout=5.0)
    row = desk.case("thcs-plain")
    stranger = {**row, "case": {**row["case"], "learner": {**row["case"]["learner"], "code": "9900000999"}}}
    desk.settle()
    desk.do(stranger)
    (item,) = desk.items("observe:THCS:thcs-level-good")
    assert item.findings[0].state == "blocked"
    assert strangers_of(desk.control_http, desk.run.setup) == ("9900000999",)


def test_the_book_says_what_an_operator_needs_and_keeps_it_to_its_owner(desks: Callable[..., Desk]) -> None:
    desk = desks()
    page = (desk.folder / PAGE).read_text(encoding="utf-8")
    service = desk.book["service"]
    for text in (*service.values(), *(one["learner"] for one in desk.book["cases"])):
        assert text in page
    for one in desk.book["signers"]:
        assert one["password"] in page
        assert (desk.folder / one["file"]).is_file()
    for label in ("Ngữ văn", "Số buổi nghỉ", "hiệu trưởng", "Không làm gì thêm"):
        assert label in page
    for path in (desk.folder / PAGE, desk.folder / DATA, *(desk.folder / SIGNERS).iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # what is shown on the screen, which others read too, holds no secret
    assert service["clientId"] in "\n".join(desk.run.notice)
    assert service["clientSecret"] not in "\n".join(desk.run.notice)
    assert not any(service["clientSecret"] in line for line in desk.run.notice)


@pytest.mark.parametrize("pack", [PACK, OTHER], ids=["shipped", "other"])
def test_every_pack_has_a_book_that_fits_it(pack: Pack) -> None:
    book = load_book(pack)
    assert book is not None
    exchanges = {one.id: one for one in load_exchanges(pack)}
    for programme, entries in book.programmes.items():
        known = {one.id for one in frozen_cases(pack, programme)}
        assert {one.case for one in entries} <= known
        assert len({one.case for one in entries}) == len(entries)
        played = [one.exchange for one in entries if one.exchange]
        assert len(set(played)) == len(played)
        # troubles are chosen by the learner: one that hits everybody would spoil the other cases
        for name in played:
            assert not exchanges[name].steps
            assert all(one.operation != "token" and one.kind != "tls" for one in exchanges[name].faults)


def test_a_foolish_wait_is_refused() -> None:
    for timeout, patience in ((0.0, 1.0), (1.0, -1.0), (1e9, 1.0)):
        with pytest.raises(UsageProblem):
            sensible(Options(target="observe:", observe_timeout=timeout, observe_patience=patience), PACK)
