"""The service killed (``kill -9``) again and again under load: nothing acknowledged is lost, nothing is doubled.

``make crash`` (hundreds of kills on both stores); ``test_crash.py`` is the short form. A process that has everything
loaded forks the service, so that a new one answers within milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import httpx

from conformance.evidence import digest_of
from mock_moet.rules import PENDING
from mock_moet.store import Store
from tests import postgres
from tests.mock_moet.helpers import SCHOOL, Client, Control, Space, transcript

CLIENTS = 4
MOST_ACKNOWLEDGED = 12
"""Submissions acknowledged between two kills, at most."""
PATIENCE = 120.0


# ------------------------------------------------------------------------------------------------- the forking process


def _fork_for_ever(database: str, port: int) -> None:
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
    while True:
        child = os.fork()
        if child == 0:
            ministry = Ministry(Settings(database=database))
            server = Server(configured_service(ministry, create_service(ministry)))
            asyncio.run(server.serve(sockets=[listening]))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
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
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            client.http.close()

    def _insist(self, client: Client, batch: list[bytes]) -> None:
        for attempt in range(10_000):
            if attempt == 1:
                self.unsure += 1
            try:
                if not client.token:
                    client.authenticate()
                body = client.body("batch", items=[client.envelope(one) for one in batch])
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
def _forker(database: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    arguments = [sys.executable, "-m", "tests.mock_moet.crash", "--serve", database]
    root = Path(__file__).parents[2]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=root, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def play(database: str, kills: int, seed: int) -> str:
    """Kill the service ``kills`` times under load, and compare; returns a line with figures.

    Raises:
        AssertionError: something acknowledged was lost, or something is there twice.
    """
    dice = random.Random(seed)
    with _forker(database) as (process, told):
        assert process.stdout is not None
        load = Load(Space(Control(httpx.Client()), **told))
        clients = [Thread(target=load.run, args=(number,)) for number in range(CLIENTS)]
        child = int(process.stdout.readline())
        for one in clients:
            one.start()
        try:
            for _ in range(kills):
                load.wait_for(dice.randint(1, MOST_ACKNOWLEDGED))
                os.kill(child, signal.SIGKILL)
                child = int(process.stdout.readline())
            load.wait_for(1)
        finally:
            load.stopping = True
            for one in clients:
                one.join(PATIENCE)
        assert not load.wrong, load.wrong
        _settled(load)
    store = Store(database)
    try:
        with store.read(told["space"]) as transaction:
            kept = transaction.everything()
            by_digest = {one.known.digest: one.known.receipt for one in kept}
            lost = {digest for digest, receipt in load.acknowledged.items() if by_digest.get(digest) != receipt}
            assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged are lost"
            doubled = [record for record, count in Counter(one.known.record for one in kept).items() if count > 1]
            assert not doubled, doubled
            assert not [one for one in kept if one.known.state in PENDING]
            for sample in dice.sample(kept, min(20, len(kept))):
                assert digest_of(transaction.content(sample.known.receipt) or b"") == sample.known.digest
    finally:
        store.close()
    return f"{kills} kills, {len(load.acknowledged)} acknowledged, {load.unsure} lost answers repeated, seed {seed}"


def _settled(load: Load) -> None:
    """Until everything acknowledged has its outcome: what a killed service left is taken up."""
    client = Client(load.space)
    try:
        client.authenticate()
        for receipt in load.acknowledged.values():
            for _ in range(int(PATIENCE * 20)):
                if client.state(receipt) == "accepted":
                    break
            else:
                raise AssertionError(f"{receipt} is never judged")
    finally:
        client.http.close()


def main() -> None:
    """``make crash``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    if options.serve:
        _fork_for_ever(options.serve, 0)
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(f"SQLite: {play(f'sqlite:///{folder}/store.db', options.kills, options.seed)}\n")
    with postgres.server() as url:
        sys.stdout.write(f"PostgreSQL: {play(url, options.kills, options.seed)}\n")


if __name__ == "__main__":
    main()
