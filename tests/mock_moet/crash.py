"""The service killed (``kill -9``) again and again under load: nothing acknowledged is lost, nothing is doubled.

``make crash`` (hundreds of kills on both stores); ``test_crash.py`` is the short form. A process that has everything
loaded forks the service, so that a new one answers within milliseconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import httpx

from conformance.document import read
from conformance.evidence import digest_of
from mock_moet.rules import PENDING, Event, State
from mock_moet.store import Store
from tests import postgres
from tests.mock_moet.helpers import SCHOOL, Client, Control, Space, statement, transcript

CLIENTS = 4
MOST_ACKNOWLEDGED = 12
"""Submissions acknowledged between two kills, at most."""
PATIENCE = 120.0


# ------------------------------------------------------------------------------------------------- the forking process


POINTS = ("", "before-commit", "after-commit", "judging", "settling")
"""Where a service kills itself: nowhere (the test kills it at any time), or at the n-th time it comes there."""


def _trap(point: str, passes: int) -> None:
    """Have this process killed when it comes to ``point`` for the ``passes``-th time."""
    from mock_moet import judges, submissions
    from mock_moet.transaction import Transaction

    owner, name, after = {
        "before-commit": (Transaction, "add", True),
        "after-commit": (submissions, "_keep_all", True),
        "judging": (judges, "opinion_of", False),
        "settling": (Transaction, "settle", True),
    }[point]
    real, left = getattr(owner, name), itertools.count(passes, -1)

    def watched(*arguments: Any, **named: Any) -> Any:
        last = next(left) <= 0
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, watched)


def _fork_for_ever(database: str, port: int, seed: int, judges: int) -> None:
    """Print space and credentials, then run the service in forked processes, a new one for each that was killed."""
    import asyncio

    from mock_moet.api import create_service
    from mock_moet.listening import Server, configured_service
    from mock_moet.ministry import Ministry, Settings
    from mock_moet.server import bind

    url = f"http://127.0.0.1:{port}"
    ministry = Ministry(Settings(database=database, public_url=url))
    row, client, secret = ministry.open_space({"schools": [SCHOOL], "judging": "accept-all", "acceptUnreserved": True})
    told = {"space": row.name, "baseUrl": ministry.base_url(row.name), "clientId": client.id, "clientSecret": secret}
    told["tokenUrl"] = told["baseUrl"] + ministry.wire.messages["paths"]["token"]
    ministry.close()
    listening = bind("127.0.0.1", port)
    listening.listen(128)
    told = {key: value.replace(url, f"http://127.0.0.1:{listening.getsockname()[1]}") for key, value in told.items()}
    sys.stdout.write(json.dumps(told) + "\n")
    dice, child = random.Random(seed), 0

    def kill(*_: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)

    while True:
        dice.random()
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        child = os.fork()
        if child == 0:
            point = dice.choice(POINTS)
            if point:
                _trap(point, dice.randint(1, MOST_ACKNOWLEDGED))
            ministry = Ministry(Settings(database=database, judges=judges))
            server = Server(configured_service(ministry, create_service(ministry)))
            asyncio.run(server.serve(sockets=[listening]))
            os._exit(0)
        signal.signal(signal.SIGUSR1, kill)
        sys.stdout.write(".")
        sys.stdout.flush()
        # its number is nobody else's until it is waited for
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        died, child = child, 0
        _, status = os.waitpid(died, 0)
        if not os.WIFSIGNALED(status):
            return


# -------------------------------------------------------------------------------------------------------- the test


@dataclass
class Load:
    """Clients that submit without rest, and what they were told."""

    space: Space
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Digest of the bytes → receipt."""
    wrong: list[str] = field(default_factory=list)
    unsure: int = 0
    """Submissions that were repeated because an answer was lost."""
    stopping: bool = False
    news: Condition = field(default_factory=Condition)

    def run(self, number: int) -> None:
        """One client: repeats what was not answered until it is, then goes on."""
        client = Client(self.space)
        try:
            made = 0
            while not self.stopping:
                made += 1
                batch = [transcript(learner=f"00131{number}{990000 + made * 3 + item}") for item in range(1 + made % 3)]
                self._insist(client, batch)
                if made % 2:
                    self._revoke(client, batch[0])
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            client.http.close()

    def _revoke(self, client: Client, data: bytes) -> None:
        """Revoke what was acknowledged, once it is accepted."""
        document = read(data, client.pack).document
        assert document is not None
        record = document.transcript.record.id
        assert record is not None
        receipt = self.acknowledged[document.digest]
        for _ in range(int(PATIENCE * 20)):
            if self.stopping:
                return
            try:
                if client.state(receipt) == "accepted":
                    break
            except httpx.TransportError:
                continue
        self._insist(client, [statement(record.raw, client.pack.header.identifiers.digest(data))], "cancel")

    def _insist(self, client: Client, batch: list[bytes], event: str = "new") -> None:
        for attempt in range(10_000):
            if attempt == 1:
                self.unsure += 1
            try:
                if not client.token:
                    client.authenticate()
                body = client.body("batch", items=[client.envelope(one, event) for one in batch])
                answer = client.call("submit-batch", json=body)
            except httpx.TransportError:
                continue
            if answer.status_code == 202:
                for data, result in zip(batch, client.field("batch", "results", answer), strict=True):
                    self._note(client, data, result)
                return
            if answer.status_code != 503:
                raise AssertionError(answer.text)
        raise AssertionError("the service never came back")

    def _note(self, client: Client, data: bytes, result: dict[str, Any]) -> None:
        receipt = client.said("batch-result", "id", result)
        assert receipt, result
        digest = client.pack.header.identifiers.digest(data)
        with self.news:
            known = self.acknowledged.setdefault(digest, receipt)
            if known != receipt:
                self.wrong.append(f"two receipts for {digest}: {known}, {receipt}")
            self.news.notify_all()

    def wait_for(self, count: int) -> None:
        """Until so many submissions more have been acknowledged."""
        with self.news:
            wanted = len(self.acknowledged) + count
            came = self.news.wait_for(lambda: len(self.acknowledged) >= wanted or bool(self.wrong), PATIENCE)
        assert came, "nothing is acknowledged any more"
        assert not self.wrong, self.wrong


@contextmanager
def _forker(database: str, seed: int, judges: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    arguments = [
        sys.executable, "-m", "tests.mock_moet.crash", "--serve", database, "--seed", str(seed),
        "--judges", str(judges),
    ]  # fmt: skip
    root = Path(__file__).parents[2]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=root, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def play(database: str, kills: int, seed: int, judges: int = 0) -> str:
    """Have the service killed ``kills`` times or more under load, and compare; returns a line with figures.

    Some it is killed by us at any time, some it kills itself within a batch, between commit and answer, while judging
    or between the two writes of a revocation (:data:`POINTS`). ``judges``: processes that judge.

    Raises:
        AssertionError: something acknowledged was lost, or something is there twice.
    """
    dice = random.Random(seed)
    with _forker(database, seed, judges) as (process, told):
        assert process.stdout is not None
        load = Load(Space(Control(httpx.Client()), **told))
        clients = [Thread(target=load.run, args=(number,)) for number in range(CLIENTS)]
        for one in clients:
            one.start()
        try:
            for _ in range(kills):
                load.wait_for(dice.randint(1, MOST_ACKNOWLEDGED))
                process.send_signal(signal.SIGUSR1)
            load.wait_for(1)
        finally:
            load.stopping = True
            for one in clients:
                one.join(PATIENCE)
        assert not load.wrong, load.wrong
        _settled(load)
        os.killpg(process.pid, signal.SIGKILL)
        deaths = process.stdout.read().count(".")
    store = Store(database)
    try:
        with store.read(told["space"]) as transaction:
            kept = transaction.everything()
            by_digest = {one.known.digest: one.known.receipt for one in kept}
            lost = {digest for digest, receipt in load.acknowledged.items() if by_digest.get(digest) != receipt}
            assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged are lost"
            events = Counter((one.known.record, one.known.event) for one in kept)
            assert not [one for one, number in events.items() if number > 1], events.most_common(5)
            # a revocation is there with what it did, or not at all
            states = {(one.known.record, one.known.event): one.known.state for one in kept}
            for (record, event), state in states.items():
                revoked = states.get((record, Event.CANCEL)) is State.ACCEPTED
                expected = State.REVOKED if revoked and event is Event.NEW else State.ACCEPTED
                assert state is expected, (record, event, state)
            assert not [one for one in kept if one.known.state in PENDING]
            for sample in dice.sample(kept, min(20, len(kept))):
                assert digest_of(transaction.content(sample.known.receipt) or b"") == sample.known.digest
    finally:
        store.close()
    return f"{deaths} deaths, {len(load.acknowledged)} acknowledged, {load.unsure} lost answers repeated, seed {seed}"


def _settled(load: Load) -> None:
    """Until everything acknowledged has its outcome: what a killed service left is taken up."""
    client = Client(load.space)
    waiting = [*load.acknowledged.values()]
    try:
        for _ in range(int(PATIENCE * 20)):
            try:
                if not client.token:
                    client.authenticate()
                while waiting and client.state(waiting[-1]) in ("accepted", "revoked"):
                    waiting.pop()
            except httpx.TransportError:
                continue
            if not waiting:
                return
            time.sleep(0.02)
        raise AssertionError(f"never judged: {waiting}")
    finally:
        client.http.close()


def main() -> None:
    """``make crash``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--judges", type=int, default=0)
    options = parser.parse_args()
    if options.serve:
        _fork_for_ever(options.serve, 0, options.seed, options.judges)
        return
    # a judging process takes a second to start: fewer kills with them
    for judges, kills in ((options.judges, options.kills), *(() if options.judges else ((1, options.kills // 20),))):
        shown = f", {judges} judges" if judges else ""
        with tempfile.TemporaryDirectory() as folder:
            told = play(f"sqlite:///{folder}/store.db", kills, options.seed, judges)
            sys.stdout.write(f"SQLite{shown}: {told}\n")
        with postgres.server() as url:
            sys.stdout.write(f"PostgreSQL{shown}: {play(url, kills, options.seed, judges)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
