"""Lanes play exchanges beside the run and hand over what they found, item by item."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from conformance.events import ItemResult
from conformance.evidence import Entry
from conformance.pack import default_pack
from conformance.suite import lanes
from conformance.suite.lanes import Lanes
from conformance.suite.plan import Planned
from conformance.suite.settings import Copy, Options, Setup
from conformance.suite.setup import COPIES, further_copies

WAIT = 60.0


def planned(name: str, signatures: int = 18, kind: Any = "exchange") -> Planned:
    return Planned(f"{kind}:{name}", kind, "", name, name, signatures)


def setup(copies: int = 3) -> Setup:
    further = tuple(
        Copy(
            target=f"http://127.0.0.1:{n}",
            token=f"token-of-{n}",
            space={"client_secret": f"secret-of-{n}"},
            session="{}",
        )
        for n in range(1, copies)
    )
    return Setup(
        run_id="r",
        door="drive",
        pack=str(default_pack().folder),
        seed=1,
        school_year=2024,
        programmes=("THCS",),
        target="http://127.0.0.1:80",
        token="token-of-0",
        lock="turns",
        further=further,
    )


class Bench:
    """Says which copy of the software played what; ``hold`` lets a test stop it in the middle."""

    hold: Callable[[Planned], None] = staticmethod(lambda _: None)
    made: list[Bench]

    def __init__(self, setup: Setup) -> None:
        self.setup, self.entries, self.closed = setup, list[Entry](), False
        Bench.made.append(self)

    def run(self, item: Planned) -> ItemResult:
        Bench.hold(item)
        self.entries.append(Entry("record", item.id, self.setup.token))
        return ItemResult(id=item.id, kind="exchange", programme="", title=self.setup.target)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    Bench.made = []
    monkeypatch.setattr(Bench, "hold", staticmethod(lambda _: None))
    monkeypatch.setattr(lanes, "Bench", Bench)


def test_each_lane_has_its_own_copy_and_all_keep_the_runs_secrets() -> None:
    run = setup()
    assert run.copies == 3
    copies = [run.copy_at(number) for number in range(3)]
    assert [one.target for one in copies] == ["http://127.0.0.1:80", "http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert len({one.lock for one in copies}) == 3
    for one in copies:
        assert {"token-of-1", "secret-of-1", "token-of-2", "secret-of-2", one.token} <= set(one.secrets)
    assert "token-of-0" in run.secrets


def test_what_lanes_found_is_handed_over_once_with_its_evidence() -> None:
    items = [planned(f"x{number}") for number in range(20)]
    made = Lanes(setup())
    made.start([*items, planned("a case", kind="case")])
    found: dict[str, tuple[ItemResult, list[Entry]]] = {}
    for item in items:
        result = made.result(item)
        if result is not None:
            found[item.id] = result
    made.close()
    assert made.result(planned("a case", kind="case")) is None
    for name, (one, entries) in found.items():
        assert one.id == name
        assert [entry.item for entry in entries] == [name]
        assert one.title.endswith(entries[0].digest.removeprefix("token-of-"))
    assert not any(made.result(item) for item in items)
    assert all(bench.closed for bench in Bench.made)


def test_the_longest_are_begun_first_and_nobody_plays_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    go = threading.Event()

    def hold(item: Planned) -> None:
        begun.append(item.name)
        assert go.wait(WAIT)

    monkeypatch.setattr(Bench, "hold", staticmethod(hold))
    made = Lanes(setup(copies=2))
    items = [planned("short"), planned("longest", 1800), planned("long", 54)]
    made.start(items)
    # one that no lane has begun is the asker's own, and is begun by none afterwards
    assert made.result(planned("short")) is None
    go.set()
    assert made.result(items[1]) is not None
    assert made.result(items[2]) is not None
    made.close()
    assert begun == ["longest", "long"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lane_that_broke_down_is_waited_for_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def hold(_: Planned) -> None:
        begun.set()
        raise MemoryError

    monkeypatch.setattr(Bench, "hold", staticmethod(hold))
    made = Lanes(setup(copies=2))
    made.start([planned("x")])
    assert begun.wait(WAIT)
    assert made.result(planned("x")) is None
    made.close()


def test_only_long_runs_have_further_copies() -> None:
    pack = default_pack()
    options = Options(target="reference")
    assert further_copies(options, pack.at("r3")) == COPIES
    assert further_copies(options, pack.at("r1")) == 0
    assert further_copies(Options(target="reference", items=("exchange:processing",)), pack.at("r3")) == 0
