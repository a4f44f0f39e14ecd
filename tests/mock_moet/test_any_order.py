"""The whole service against a simple model: any order of calls, faults and restarts keeps what appendix 2 promises."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mock_moet.store import Store
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, SCHOOL, Client, Space, VirtualClock, statement, transcript
from tests.mock_moet.model import Code, Held, Model, Paper

SCHOOLS = (SCHOOL, OTHER_SCHOOL)
RECORDS = tuple(f"00000000-0000-4000-8000-00000000000{number}" for number in range(3))
YEARS = (2024, 2023)
PURPOSES = ("transfer", "graduation")
BEFORE: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "retryAfter": 1},
    {"kind": "reset", "phase": "before"},
    {"kind": "garbage"},
)
AFTER: tuple[dict[str, Any], ...] = ({"kind": "reset", "phase": "after"}, {"kind": "truncate", "phase": "after"})

who = st.sampled_from((0, 0, 1))
record = st.integers(0, len(RECORDS) - 1)
learner = st.integers(0, 1)
choice = st.integers(0, 1000)
seldom = st.sampled_from((False, False, False, True))
note = st.sampled_from("ab")
plan = st.sampled_from((None, None, None, None, (True, 1), (True, 2), (False, 0), (False, 1)))
"""Whether what is taken next is found good, and questions until then; ``None``: good at once."""
fault = st.sampled_from((None, None, None, None, None, None, *BEFORE, *AFTER))


@cache
def _template() -> bytes:
    """An empty store with all its tables: migrations are another test's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        Store(f"sqlite:///{path}").close()
        return path.read_bytes()


class AnyOrder(RuleBasedStateMachine):
    """Two schools in one space and the first of them in another one; three records, two learners, two school years."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        (Path(self.folder.name) / "store.db").write_bytes(_template())
        self.clock = VirtualClock()
        self.setup = self._start()
        first, other = (self.setup.control.open(judging="accept-all", tokenLifetime=86_400) for _ in range(2))
        self.models = {first.space: Model(), other.space: Model()}
        self.spaces = (first, first.client(OTHER_SCHOOL), other)
        self.clients = self._connected()
        self.written: dict[Paper, bytes] = {}
        for client in self.clients[0], self.clients[2]:
            self._submit(client, Paper(0, 1, 0, 0, 0, "a"), "new")

    def _start(self) -> Setup:
        return Setup(self.clock, database=f"sqlite:///{Path(self.folder.name) / 'store.db'}", migrate=False)

    def _connected(self) -> tuple[Client, ...]:
        made = []
        for space in self.spaces:
            rest = (space.space, space.baseUrl, space.tokenUrl, space.clientId, space.clientSecret)
            client = Client(Space(self.setup.control, *rest), self.setup.transport)
            self.setup.clients.append(client)
            assert client.authenticate().status_code == 200
            made.append(client)
        return tuple(made)

    def teardown(self) -> None:
        """Close what the last restart opened."""
        if hasattr(self, "setup"):
            self.setup.close()
            self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def model(self, client: Client) -> Model:
        return self.models[client.space.space]

    def school(self, client: Client) -> int:
        return int(client is self.clients[1])

    def bytes_of(self, paper: Paper) -> bytes:
        """The document: one for each paper, for ever."""
        if paper not in self.written:
            name, school = RECORDS[paper.record], SCHOOLS[paper.school]
            identifiers = self.clients[0].pack.header.identifiers
            digest = None if paper.replaces is None else identifiers.digest(self.bytes_of(paper.replaces))
            if paper.revokes:
                made = statement(name, digest or "", paper.version, school=school, reason=f"Nhập nhầm {paper.note}")
            else:
                made = transcript(
                    name, paper.version, school=school, learner=f"00131399000{paper.learner}",
                    code=f"990000000{paper.learner}", note=paper.note, replaces=digest,
                    year=f"{YEARS[paper.year]}-{YEARS[paper.year] + 1}",
                )  # fmt: skip
            self.written[paper] = made
        return self.written[paper]

    # what happens

    @rule()
    def restart(self) -> None:
        self.setup.close()
        self.setup = self._start()
        self.clients = self._connected()
        for model in self.models.values():
            model.resume()

    @rule(client=who, record=record, learner=learner, late=seldom, note=note, fault=fault, plan=plan, elsewhere=seldom)
    def submit(
        self, client: int, record: int, learner: int, late: bool, note: str, fault: Any, plan: Any, elsewhere: bool
    ) -> None:
        one = self.clients[2 if elsewhere else client]
        self._submit(one, Paper(record, 1, self.school(one), learner, int(late), note), "new", fault, plan)

    @rule(choice=choice, year=st.integers(0, 1))
    def submit_too_late(self, choice: int, year: int) -> None:
        """Something new or old, while the window of a school year is closed."""
        self._close({year})
        one, before = self._some(choice)
        self._submit(one, replace(before, version=before.version + 1, replaces=before), "update")
        self._submit(one, before, "new" if before.version == 1 else "update")
        self._close(set())

    def _close(self, years: set[int]) -> None:
        client = self.clients[0]
        self.setup.control.put(f"/spaces/{client.space.space}/window", {"closedYears": [YEARS[one] for one in years]})
        self.model(client).closed = years

    @rule(
        choice=choice, note=note, fault=fault, plan=plan,
        twist=st.sampled_from(("", "", "again", "ahead", "blind", "other", "anew")),
    )  # fmt: skip
    def amend(self, choice: int, note: str, fault: Any, plan: Any, twist: str) -> None:
        """The next version of something; ``blind``: it does not say what it replaces; ``other``: of another learner."""
        one, before = self._some(choice)
        paper = Paper(
            before.record, before.version + {"again": 0, "ahead": 2}.get(twist, 1), before.school,
            before.learner ^ (twist == "other"), before.year, note, None if twist == "blind" else before,
        )  # fmt: skip
        self._submit(one, paper, "new" if twist == "anew" else "update", fault, plan)

    @rule(learner=learner, note=note)
    def two_at_once(self, learner: int, note: str) -> None:
        """Two records of one learner and year, neither in force when the other is sent."""
        one = self.clients[2]
        for number in (1, 2):
            self._submit(one, Paper(number, 1, 0, learner, 1, note), "new", plan=(True, 1))
        for _ in range(4):
            self._ask(0)

    @rule(
        choice=choice, step=st.sampled_from((0, 0, 0, 0, 1, -1)), wrong=seldom, note=note, fault=fault, plan=plan
    )  # fmt: skip
    def revoke(self, choice: int, step: int, wrong: bool, note: str, fault: Any, plan: Any) -> None:
        one, before = self._some(choice)
        said = Paper(before.record, 1, before.school, 0, 0, "never sent") if wrong else before
        paper = Paper(before.record, max(1, before.version + step), before.school, 0, 0, note, said, revokes=True)
        self._submit(one, paper, "cancel", fault, plan)

    def _some(self, choice: int) -> tuple[Client, Paper]:
        """The newest version of some record that was taken, in the first space; where there is none, one unknown."""
        model = self.model(self.clients[0])
        found = [
            taken[-1].paper for school in (0, 1) for one in range(len(RECORDS)) if (taken := model.taken(school, one))
        ]
        paper = found[choice % len(found)] if found else Paper(0, 1, 0, 0, 0, "a")
        return self.clients[paper.school], paper

    @rule(choice=choice, client=who)
    def send_again(self, choice: int, client: int) -> None:
        """Anything that was ever sent, by anybody: the same receipt, or what a stranger is told."""
        if self.written:
            paper = list(self.written)[choice % len(self.written)]
            event = "cancel" if paper.revokes else "new" if paper.version == 1 else "update"
            self._submit(self.clients[client], paper, event)

    @rule(what=st.lists(st.tuples(record, learner, st.sampled_from("ab"), st.integers(0, 1)), min_size=2, max_size=4))
    def batch(self, what: list[tuple[int, int, str, int]]) -> None:
        client = self.clients[0]
        papers = [Paper(one, 1, school, person, 0, note) for one, person, note, school in what]
        items = [client.envelope(self.bytes_of(one)) for one in papers]
        results = client.field("batch", "results", client.call("submit-batch", json=client.body("batch", items=items)))
        assert len(results) == len(papers)
        for paper, result in zip(papers, results, strict=True):
            known = self._expected(client, paper, "new")
            if isinstance(known, str):
                assert client.key_of(client.said("batch-result", "problem", result)) == known
            else:
                self._told(client, known, client.said("batch-result", "id", result))

    def _expected(self, client: Client, paper: Paper, event: str) -> Held | str:
        return self.model(client).submit(self.school(client), paper, event)

    def _submit(self, client: Client, paper: Paper, event: str, fault: Any = None, plan: Any = None) -> None:
        data = self.bytes_of(paper)
        if plan is not None:
            good, polls = self.model(client).plan = plan
            client.space.outcomes({"outcome": "accept" if good else "refuse", "polls": polls})
        if fault is not None:
            client.space.faults({**fault, "operation": "submit"})
            if fault in AFTER:
                self._expected(client, paper, event)
            assert self._answer(client, data, event) is None
            client.space.faults()
            # taken or not, before anybody repeats it
            self.all_that_got_a_receipt_is_kept_once_and_in_its_state()
        known = self._expected(client, paper, event)
        answer = self._answer(client, data, event)
        assert answer is not None
        if isinstance(known, str):
            assert client.error(answer) == known
            return
        assert answer.status_code == 202, answer.text
        self._told(client, known, client.receipt(answer))
        assert client.word("states", client.field("receipt", "state", answer)) in (known.state, "received")
        self._read(client, paper.record, None)
        self._hand_over(client, known.learner, PURPOSES[0], 24)

    @staticmethod
    def _answer(client: Client, data: bytes, event: str) -> httpx.Response | None:
        """What a client can make something of."""
        try:
            answer = client.submit(data, event)
            answer.json()
        except (httpx.TransportError, ValueError):
            return None
        return None if answer.status_code in (429, 503) else answer

    def _told(self, client: Client, known: Held, receipt: str) -> None:
        others = {one.receipt for model in self.models.values() for one in model.held if one is not known}
        assert receipt not in others
        assert receipt
        assert known.receipt in ("", receipt)
        known.receipt = receipt

    # what is to be seen

    @rule(
        choice=choice, client=st.sampled_from((0, 0, 1, 2)), record=record, version=st.sampled_from((None, 1, 2)),
        state=st.sampled_from((None, "accepted", "revoked", "refused")),
    )  # fmt: skip
    def look(self, choice: int, client: int, record: int, version: int | None, state: str | None) -> None:
        one = self.clients[client]
        self._ask(choice)
        self._read(one, record, version)
        self._list(one, state)
        # what is no transcript, or does not say what its envelope says, is refused at the door
        assert one.error(one.submit(b"<x/>", record=RECORDS[record], version=1)) == "not-a-transcript"
        lying = one.submit(self.bytes_of(Paper(record, 1, self.school(one), 0, 0, "a")), version=2)
        assert one.error(lying) == "envelope-mismatch"

    def _ask(self, choice: int) -> None:
        for client in self.clients:
            model = self.model(client)
            if not model.held:
                continue
            waiting = [one for one in model.held if one.pending] or model.held
            one = waiting[choice % len(waiting)]
            answer = client.call("status", one.receipt)
            if one.paper.school != self.school(client):
                assert client.error(answer) == "not-found"
                continue
            assert client.word("states", client.field("status", "state", answer)) == model.ask(one)
            assert client.field("status", "version", answer) == one.paper.version
            for stranger in self.clients:
                if stranger.space.space != client.space.space:
                    assert stranger.error(stranger.call("status", one.receipt)) == "not-found"

    def _read(self, one: Client, record: int, version: int | None) -> None:
        model, school = self.model(one), self.school(one)
        query = {} if version is None else {one.pack.messages["query"]["version"]: version}
        answer = one.call("fetch", RECORDS[record], params=query)
        found = [held for held in model.taken(school, record) if version in (None, held.paper.version)]
        if found:
            assert answer.content == self.bytes_of(found[-1].paper)
            assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
        else:
            assert one.error(answer) == "not-found"
        taken = model.taken(school, record)
        self._is_in_force(one, one.call("in-force", RECORDS[record]), taken[-1] if taken else "not-found")

    def _is_in_force(self, client: Client, answer: httpx.Response, known: Held | str) -> None:
        if isinstance(known, str):
            assert client.error(answer) == known
            return
        assert client.field("in-force", "version", answer) == known.paper.version
        assert client.field("in-force", "revoked", answer) is (known.state == "revoked")
        assert client.word("states", client.field("in-force", "state", answer)) == known.state
        assert client.field("in-force", "digest", answer) == hashlib.sha256(self.bytes_of(known.paper)).hexdigest()

    def _hand_over(self, one: Client, learner: int, purpose: str, hours: float) -> None:
        """What is in force goes to the receiver that the holder names; what was revoked or replaced, to nobody."""
        until = self.clock.now() + timedelta(hours=hours)
        wanted = one.body(
            "authorisation-request", learner=f"990000000{learner}", receiver=SCHOOLS[1 - self.school(one)],
            purpose=one.pack.messages["purposes"][purpose], until=until.isoformat(),
        )  # fmt: skip
        answer = one.call("authorise", json=wanted)
        if not self.model(one).in_force(self.school(one), learner):
            assert one.error(answer) == "not-found"
            return
        made = Code(
            one.field("authorisation", "code", answer), self.school(one), 1 - self.school(one), learner, purpose,
            until.timestamp(),
        )  # fmt: skip
        if one is not self.clients[2]:
            self.model(one).codes.append(made)
            self._retrieve(self.clients[made.receiver], made, purpose)

    @rule(
        client=st.sampled_from((0, 1, 1, 2)), choice=choice, record=record, purpose=st.sampled_from((None, *PURPOSES)),
        hours=st.sampled_from((0.2, 24)), wait=st.sampled_from((0, 0, 590, 700)),
    )  # fmt: skip
    def use(self, client: int, choice: int, record: int, purpose: str | None, hours: float, wait: int) -> None:
        """An authorisation that was used before, by whoever it is, and later than it may be."""
        holder, _ = self._some(choice)
        self._hand_over(holder, choice % 2, PURPOSES[choice % 3 % 2], hours)
        self.clock.sleep(wait)
        codes = self.model(self.clients[0]).codes
        if not codes:
            return
        code, one = codes[choice % len(codes)], self.clients[client]
        self._retrieve(one, code, purpose)
        header = {one.pack.messages["headers"]["authorisation"]: code.text}
        answer = one.call("in-force", RECORDS[record], headers=header)
        if client == 2:
            assert one.error(answer) == "authorisation-unknown"
        else:
            self._is_in_force(one, answer, self.model(one).told(code, self.school(one), record, self.now))

    def _retrieve(self, client: Client, code: Code, purpose: str | None) -> None:
        word = {} if purpose is None else {"purpose": client.pack.messages["purposes"][purpose]}
        answer = client.call("retrieve", json=client.body("retrieval-request", code=code.text, **word))
        if client is self.clients[2]:
            assert client.error(answer) == "authorisation-unknown"
            return
        known = self.model(client).retrieve(code, self.school(client), purpose, self.now)
        if isinstance(known, str):
            assert client.error(answer) == known
            return
        items = client.field("retrieval", "items", answer)
        handed = [base64.b64decode(client.said("retrieval-item", "content", one)) for one in items]
        assert handed == [self.bytes_of(one.paper) for one in known]

    def _list(self, one: Client, state: str | None) -> None:
        query = {} if state is None else {one.pack.messages["query"]["state"]: one.pack.messages["states"][state]}
        items = one.field("list", "items", one.call("list", params=query))
        model = self.model(one)
        spoken = [model.speaking(self.school(one), number) for number in range(len(RECORDS))]
        wanted = [held for held in spoken if held is not None and state in (None, held.state)]
        # a list asks about what it names
        assert {
            (
                one.said("list-item", "record", item), one.said("list-item", "version", item),
                one.said("list-item", "school", item), one.word("states", one.said("list-item", "state", item)),
            )
            for item in items
        } == {
            (RECORDS[held.paper.record], held.paper.version, SCHOOLS[held.paper.school], model.ask(held))
            for held in wanted
        }  # fmt: skip
        assert len(items) == len(wanted)

    @invariant()
    def all_that_got_a_receipt_is_kept_once_and_in_its_state(self) -> None:
        for space, model in getattr(self, "models", {}).items():
            with self.setup.ministry.store.read(space) as transaction:
                kept = [one.known for one in transaction.everything()]
            assert [(RECORDS.index(one.record), one.version, one.state.value) for one in kept] == [
                (one.paper.record, one.paper.version, one.state) for one in model.held
            ]
            assert all(held.receipt in ("", one.receipt) for one, held in zip(kept, model.held, strict=True))


TestAnyOrder = pytest.mark.filterwarnings("ignore::ResourceWarning")(AnyOrder.TestCase)
TestAnyOrder.settings = settings(
    max_examples=8, stateful_step_count=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
