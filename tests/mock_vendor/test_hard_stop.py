"""A real process, really replaced: what it had taken on is done once, after the restart."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from conformance.doors.http import Http
from conformance.doors.processes import start_vendor
from conformance.pack import default_pack
from conformance.suite.bench import Bench
from conformance.suite.plan import plan
from conformance.suite.settings import Options
from conformance.suite.setup import begin
from mock_moet.ministry import Settings
from mock_moet.server import Running

ITEM = "exchange:killed-before-answer"


@pytest.mark.skipif("os.name == 'nt'", reason="there a process cannot be replaced: the office starts anew in this one")
def test_killed_before_the_answer_it_sends_the_same_once_more(tmp_path: Path) -> None:
    pack = default_pack().at("r3")
    with Running.start(Settings(pack=pack, control_token="control", judging="inline")) as running:
        vendor = start_vendor(pack.folder).ready()
        http = Http(vendor.urls["base"], vendor.token)
        control = Http(running.control_url, "control")
        try:
            options = Options(
                target=vendor.urls["base"], programmes=("THCS",), keys="p-256", revision="r3", items=(ITEM,)
            )
            run = begin(options, pack, datetime.now(pack.timezone), 1, tmp_path, http, control)
            bench = Bench(run.setup, vendor_http=http, control_http=control)
            try:
                planned = next(one for one in plan(pack, run.setup) if one.id == ITEM)
                result = bench.run(planned)
            finally:
                bench.close()
                run.bundle.close()
        finally:
            http.close()
            control.close()
            vendor.stop()
    assert not result.error
    assert [one.code for one in result.findings if one.state in ("violated", "blocked")] == []
    assert {"PL2-GN-011", "PL2-GN-003"} <= set(result.held)
