"""Several processes serve one address: what one took, all know; one that is killed is replaced and loses nothing."""

from __future__ import annotations

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mock_moet.console import PREFIX
from mock_moet.ministry import Settings
from mock_moet.server import Running, Tls
from tests.mock_moet.helpers import CONTROL, Client, Control, transcript
from tests.mock_moet.test_batches import learner
from tests.mock_moet.test_tls import Secure

LONGEST = 120.0
"""Seconds for an outcome, and for a worker to come back, at most."""


def settled(client: Client, receipt: str) -> str:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        state = client.state(receipt)
        if state not in ("received", "checking"):
            return state
    return "never"


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
def test_two_workers_are_one_service(tmp_path: Path) -> None:
    settings = Settings(control_token=CONTROL, database=f"sqlite:///{tmp_path / 'store.db'}", workers=2)
    with Running.start(settings, tls=Tls()) as running:
        http = httpx.Client(base_url=running.control_url, headers={"Authorization": f"Bearer {CONTROL}"}, timeout=60)
        with http:
            space = Control(http).open(judging="accept-all")
            client = Secure(space)
            assert client.authenticate().status_code == 200
            space.faults({"kind": "status", "operation": "submit", "status": 503, "times": 2})

            def insist(number: int) -> tuple[str, int]:
                own = Secure(space)
                own.token = client.token
                data, tries = transcript(learner=learner(number)), 1
                while (answer := own.submit(data)).status_code != 202:
                    tries += 1
                own.http.close()
                return own.receipt(answer), tries

            with ThreadPoolExecutor(6) as threads:
                taken = list(threads.map(insist, range(12)))
            # two calls met the fault, whichever worker they came to
            assert sum(tries for _, tries in taken) == 14
            assert {settled(client, receipt) for receipt, _ in taken} == {"accepted"}
            numbers = [one["n"] for one in space.journal()]
            assert numbers == list(range(1, len(numbers) + 1))
            # the console stands in the first process and sees what the workers wrote
            with httpx.Client(base_url=running.control_url, follow_redirects=True, timeout=60) as browser:
                assert browser.get(running.console_url()).status_code == 200
                run = f"{PREFIX}/runs/{space.space}"
                assert taken[0][0] in browser.get(f"{run}/submissions/{taken[0][0]}").text
                assert browser.get(f"{run}/journal/{numbers[-1]}").status_code == 200
                token = re.search('name="csrf" value="([^"]+)"', browser.get(f"{run}/faults").text)
                assert token is not None
                fault = {"csrf": token[1], "kind": "status", "operation": "health", "status": "503", "times": "1"}
                assert browser.post(f"{run}/faults", data=fault).status_code == 200
            statuses = [client.call("health").status_code for _ in range(4)]
            assert sorted(statuses) == [200, 200, 200, 503]
            assert running._crew is not None
            victim = running._crew.processes[0]
            os.kill(victim, signal.SIGKILL)
            again = Secure(space)
            again.token = client.token
            for receipt, _ in taken:
                until = time.monotonic() + LONGEST
                while True:
                    try:
                        assert again.state(receipt) == "accepted"
                        break
                    except httpx.TransportError:
                        assert time.monotonic() < until
            again.http.close()
            client.http.close()


def test_workers_need_something_to_share() -> None:
    with pytest.raises(ValueError, match="--workers"):
        Running.start(Settings(workers=2))
