"""The service over real sockets, and killed."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mock_moet.ministry import Settings
from mock_moet.server import Running
from tests.mock_moet.helpers import CONTROL, PATIENCE, Client, Control, Space, never_mind, transcript


def control_of(url: str) -> Control:
    headers = {"Authorization": f"Bearer {CONTROL}"}
    return Control(httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=PATIENCE))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running.start(Settings(control_token=CONTROL, judge=never_mind)) as one:
        yield one


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    control = control_of(running.control_url)
    one = Client(control.open())
    one.authenticate()
    yield one
    one.http.close()
    control.http.close()


def final(client: Client, receipt: str) -> str:
    """The outcome, waited for with a bound."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        state = client.state(receipt)
        if state != "checking":
            return state
        time.sleep(0.02)
    raise AssertionError("never judged")


def test_judged_in_the_background(client: Client) -> None:
    assert final(client, client.receipt(client.submit(transcript()))) == "accepted"


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_reset_really_resets(client: Client, phase: str) -> None:
    client.space.faults({"kind": "reset", "operation": "submit", "phase": phase})
    data = transcript()
    with pytest.raises(httpx.ReadError) as caught:
        client.submit(data)
    assert "reset" in str(caught.value).lower()
    assert len(client.space.submissions()) == (phase == "after")
    client.receipt(client.submit(data))


def test_a_truncated_answer_promises_more_than_it_brings(client: Client) -> None:
    client.space.faults({"kind": "truncate", "operation": "submit", "phase": "after"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.submit(transcript())
    assert len(client.space.submissions()) == 1


BROKEN = ("reset-body", "cut-headers", "bad-chunk", "empty", "noise", "endless", "large-headers")


@pytest.mark.parametrize("own_port", [True, False])
@pytest.mark.parametrize("kind", BROKEN)
def test_an_answer_broken_below_http_is_an_error_to_a_real_client(
    running: Running, kind: str, *, own_port: bool
) -> None:
    control = control_of(running.control_url)
    client = Client(control.open(ownPort=own_port))
    client.authenticate()
    client.space.faults({"kind": kind, "operation": "submit", "size": 200_000, "phase": "after"})
    data = transcript()
    try:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.submit(data)
        assert len(client.space.submissions()) == 1
        client.receipt(client.submit(data))
        assert client.space.journal()[1]["fault"]["kind"] == kind
    finally:
        client.http.close()
        control.http.close()


def test_headers_that_drip_arrive(client: Client) -> None:
    client.space.faults({"kind": "drip-headers", "operation": "health", "seconds": 0.05})
    answer = client.call("health")
    assert answer.json()
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("how", ["time", "cleared"])
def test_a_port_that_nobody_listens_at_and_that_comes_back(running: Running, how: str) -> None:
    control = control_of(running.control_url)
    client = Client(control.open(ownPort=True))
    client.authenticate()
    client.space.faults({"kind": "refuse", "operation": "submit", "seconds": 0.3 if how == "time" else 300})
    data = transcript()
    try:
        with pytest.raises(httpx.ReadError):
            client.submit(data)
        if how == "cleared":
            with pytest.raises(httpx.ConnectError):
                client.submit(data)
            client.space.faults()
        client.http.close()
        client.http = httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False, timeout=60)
        client.receipt(client.submit(data))
        assert len(client.space.submissions()) == 1
        shared = control.open()
        put = control.http.put(f"/spaces/{shared.space}/faults", json=[{"kind": "refuse", "seconds": 1}])
        assert put.status_code == 422, "it would refuse everybody"
    finally:
        client.http.close()
        control.http.close()


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_client_that_stops_waiting_commits_nothing_later(client: Client, phase: str) -> None:
    client.space.faults({"kind": "delay", "operation": "submit", "phase": phase, "seconds": 20})
    client.http.timeout = httpx.Timeout(PATIENCE, read=0.3)
    with pytest.raises(httpx.ReadTimeout):
        client.submit(transcript())
    # what was on its way when the client went is done a moment later
    wanted = int(phase == "after")
    until = time.monotonic() + PATIENCE
    while len(client.space.submissions()) < wanted and time.monotonic() < until:
        time.sleep(0.02)
    assert len(client.space.submissions()) == wanted


def test_one_submission_sent_by_many_at_once_is_one(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'moet.sqlite'}"
    data = transcript()
    with Running.start(Settings(control_token=CONTROL, judge=never_mind, database=database)) as running:
        control = control_of(running.control_url)
        space = control.open()

        def send(_: int) -> str:
            client = Client(space)
            try:
                client.authenticate()
                return client.receipt(client.submit(data))
            finally:
                client.http.close()

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(send, range(8)))) == 1
        assert len(space.submissions()) == 1
        assert control.http.get("/health").json()["durability"] == "wal/2"
        control.http.close()


def test_a_slow_body_is_chunked_and_whole(client: Client) -> None:
    client.space.faults({"kind": "drip", "operation": "health", "seconds": 0.05})
    answer = client.call("health")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.json()


def test_a_redirect_and_garbage_over_the_wire(client: Client) -> None:
    client.space.faults({"kind": "redirect", "location": "http://other.invalid/"}, {"kind": "garbage", "nth": 2})
    assert client.call("health").is_redirect
    assert client.call("health").text.startswith("<html>")
    assert client.call("health").status_code == 200


def test_a_taken_address_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r".*"):
            Running.start(Settings(), port=taken.getsockname()[1])


class Process:
    """``python -m mock_moet`` on a database file."""

    def __init__(self, database: Path) -> None:
        command = [
            sys.executable, "-m", "mock_moet", "--port", "0", "--control-port", "0", "--control-token", CONTROL,
            "--database", f"sqlite:///{database}",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=dict(os.environ))
        assert self.process.stdout is not None
        try:
            assert select.select([self.process.stdout], [], [], 60)[0], "not ready in time"
            words = self.process.stdout.readline().split()
            assert words[:2] == ["mock_moet", "ready:"]
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        self.service, self.control = words[3], words[5]

    def end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_service_knows_every_receipt_it_gave(tmp_path: Path) -> None:
    database = tmp_path / "moet.sqlite"
    sent: list[tuple[bytes, str]] = []
    with Process(database) as first:
        control = control_of(first.control)
        space = control.open(judging="accept-all")
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(keep_submitting, space, worker, sent) for worker in range(4)]
            while len(sent) < 20 and not any(one.done() for one in futures):
                time.sleep(0.01)
            assert first.end(signal.SIGKILL) == -signal.SIGKILL
            for one in futures:
                one.result(timeout=PATIENCE)
        control.http.close()
    assert len(sent) >= 20

    with Process(database) as second:
        moved = Space(
            control_of(second.control),
            space.space,
            f"{second.service}/s/{space.space}",
            space.tokenUrl.replace(first.service, second.service),
            space.clientId,
            space.clientSecret,
        )
        client = Client(moved)
        try:
            client.authenticate()
            for data, receipt in sent:
                assert client.receipt(client.submit(data)) == receipt
                assert final(client, receipt) == "accepted"
            rows = moved.submissions()
            assert {receipt for _, receipt in sent} <= {row["receipt"] for row in rows}
            assert len({row["record"] for row in rows}) == len(rows)
        finally:
            client.http.close()
            moved.control.http.close()
        assert second.end(signal.SIGTERM) == 0


def keep_submitting(space: Space, worker: int, sent: list[tuple[bytes, str]]) -> None:
    """Submit one learner after the other until the service is gone; note what got a receipt."""
    client = Client(space)
    try:
        client.authenticate()
        for number in range(10_000):
            data = transcript(learner=f"00131{worker}99{number:04d}")
            sent.append((data, client.receipt(client.submit(data))))
    except httpx.HTTPError:
        pass
    finally:
        client.http.close()


def test_wrong_settings_are_an_error_in_both_languages() -> None:
    command = [sys.executable, "-m", "mock_moet", "--port", "0", "--control-port", "0", "--pack", "/nowhere"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 2
    assert "không" in done.stderr
    assert "cannot start" in done.stderr
