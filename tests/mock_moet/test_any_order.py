"""The whole service against a simple model: any order of calls, faults and restarts keeps what appendix 2 promises."""

from __future__ import annotations

import base64
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mock_moet.rules import Event, State
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, SCHOOL, Client, Space, VirtualClock, statement, transcript

SCHOOLS = (SCHOOL, OTHER_SCHOOL)
RECORDS = tuple(f"00000000-0000-4000-8000-00000000000{number}" for number in range(3))
FAULTS = (
    {"kind": "status", "status": 503, "operation": "submit"},
    {"kind": "reset", "operation": "submit", "phase": "before"},
    {"kind": "reset", "operation": "submit", "phase": "after"},
    {"kind": "truncate", "operation": "submit", "phase": "after"},
    {"kind": "garbage", "operation": "submit"},
)


class AnyOrder(RuleBasedStateMachine):
    """Two schools, three records that either of them may claim, and a service that is restarted at will."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = VirtualClock()
        self.setup = self._start()
        first = self.setup.control.open(judging="accept-all")
        self.spaces = (first, first.client(OTHER_SCHOOL))
        self.clients = self._connected()
        self.given: dict[str, tuple[int, bytes, str]] = {}
        """Receipt → whose, for which bytes, for which event."""
        self.newest: dict[str, int] = defaultdict(int)
        self.sent: dict[tuple[str, int, int], bytes] = {}

    def _start(self) -> Setup:
        return Setup(self.clock, database=f"sqlite:///{Path(self.folder.name) / 'store.db'}")

    def _connected(self) -> tuple[Client, ...]:
        made = []
        for space in self.spaces:
            client = Client(Space(self.setup.control, *_rest(space)), self.setup.transport)
            self.setup.clients.append(client)
            assert client.authenticate().status_code == 200
            made.append(client)
        return tuple(made)

    def teardown(self) -> None:
        """Close what the last restart opened."""
        if hasattr(self, "setup"):
            self.setup.close()
            self.folder.cleanup()

    @rule()
    def restart(self) -> None:
        self.setup.close()
        self.setup = self._start()
        self.clients = self._connected()
        # a restart clears the faults: whoever repeats now is told what he was told before
        for receipt, (who, data, event) in self.given.items():
            assert self.clients[who].receipt(self.clients[who].submit(data, event)) == receipt

    @rule(fault=st.sampled_from(FAULTS))
    def break_something(self, fault: dict[str, object]) -> None:
        self.clients[0].space.faults(fault)

    @rule(refuse=st.booleans())
    def script(self, refuse: bool) -> None:
        self.clients[0].space.outcomes(*([{"outcome": "refuse", "findings": []}] if refuse else []))

    @rule(who=st.integers(0, 1), record=st.sampled_from(RECORDS), version=st.integers(1, 3), note=st.sampled_from("ab"))
    def submit(self, who: int, record: str, version: int, note: str) -> None:
        before = self.sent.get((record, who, version - 1))
        digest = self.clients[who].pack.header.identifiers.digest(before) if before is not None else None
        number = RECORDS.index(record)
        data = transcript(
            record, version, school=SCHOOLS[who], learner=f"00131399000{number}", code=f"990000000{number}", note=note,
            replaces=digest,
        )  # fmt: skip
        self._send(who, data, "new" if version == 1 else "update", (record, who, version))

    @rule(
        who=st.integers(0, 1), record=st.sampled_from(RECORDS), version=st.integers(1, 3), soundly=st.booleans()
    )  # fmt: skip
    def revoke(self, who: int, record: str, version: int, soundly: bool) -> None:
        held = [key for key in self.sent if key[0] == record]
        if soundly and held:
            _, who, version = max(held, key=lambda key: key[2])
        revoked = self.sent.get((record, who, version), b"")
        digest = self.clients[who].pack.header.identifiers.digest(revoked)
        self._send(who, statement(record, digest, version, school=SCHOOLS[who]), "cancel", None)
        self.hand_over(who, record)

    @rule(who=st.integers(0, 1), record=st.sampled_from(RECORDS))
    def hand_over(self, who: int, record: str) -> None:
        """What is in force goes to the receiver that the holder names; what was revoked or replaced, to nobody."""
        holder, receiver = self.clients[who], self.clients[1 - who]
        with self.setup.ministry.store.read(self.spaces[0].space) as transaction:
            in_force = [
                transaction.content(one.known.receipt)
                for one in transaction.of_record(record)
                if (one.known.state, one.known.school) == (State.ACCEPTED, SCHOOLS[who])
                and one.known.event is not Event.CANCEL
            ]
        wanted = holder.body(
            "authorisation-request", learner=f"990000000{RECORDS.index(record)}", receiver=SCHOOLS[1 - who],
            purpose=holder.pack.messages["purposes"]["transfer"],
            until=(self.clock.now() + timedelta(days=1)).isoformat(),
        )  # fmt: skip
        answer = holder.call("authorise", json=wanted)
        if not in_force:
            assert holder.error(answer) == "not-found"
            return
        code = holder.field("authorisation", "code", answer)
        asked = receiver.call("retrieve", json=receiver.body("retrieval-request", code=code))
        items = receiver.field("retrieval", "items", asked)
        assert [base64.b64decode(receiver.said("retrieval-item", "content", one)) for one in items] == in_force

    def _send(self, who: int, data: bytes, event: str, key: tuple[str, int, int] | None) -> None:
        client = self.clients[who]
        try:
            answer = client.submit(data, event)
            receipt = client.receipt(answer) if answer.status_code == 202 else ""
        except (httpx.TransportError, ValueError):
            return
        if not receipt:
            return
        assert self.given.setdefault(receipt, (who, data, event)) == (who, data, event)
        if key is not None and client.state(receipt) == "accepted":
            self.sent[key] = data

    @invariant()
    def no_receipt_is_lost_or_seen_by_another(self) -> None:
        for receipt, (who, _, _) in getattr(self, "given", {}).items():
            assert self.clients[who].call("status", receipt).status_code == 200
            assert self.clients[1 - who].call("status", receipt).status_code == 404

    @invariant()
    def one_version_of_a_record_is_in_force_and_versions_only_grow(self) -> None:
        if not hasattr(self, "setup"):
            return
        with self.setup.ministry.store.read(self.spaces[0].space) as transaction:
            kept = [one.known for one in transaction.everything()]
        for record in RECORDS:
            own = [one for one in kept if one.record == record and one.event is not Event.CANCEL]
            taken = [one for one in own if one.state in (State.ACCEPTED, State.SUPERSEDED, State.REVOKED)]
            assert len({one.school for one in taken}) <= 1
            assert sum(one.state is State.ACCEPTED for one in own) <= 1
            assert sorted(one.version for one in taken) == list(range(1, len(taken) + 1))
            assert len(taken) >= self.newest[record]
            self.newest[record] = len(taken)
            if any(one.state is State.REVOKED for one in taken):
                assert not [one for one in own if one.state is State.ACCEPTED]

    @invariant()
    def nobody_lists_anothers_records(self) -> None:
        for who, client in enumerate(getattr(self, "clients", ())):
            answer = client.call("list")
            for one in client.field("list", "items", answer):
                assert client.said("list-item", "school", one) == SCHOOLS[who]


def _rest(space: Space) -> tuple[str, str, str, str, str]:
    return space.space, space.baseUrl, space.tokenUrl, space.clientId, space.clientSecret


TestAnyOrder = pytest.mark.filterwarnings("ignore::ResourceWarning")(AnyOrder.TestCase)
TestAnyOrder.settings = settings(
    max_examples=6, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
