"""The same on a Dask cluster of this machine, also when a worker is killed in the middle of the work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.checking import CheckingProblem, Item, items, run
from tests.checking.helpers import PLAN, folder_of
from tests.checks.test_signature_kills import Bench

distributed = pytest.importorskip("distributed", reason="pip install 'hocba-conformance[dask]'; make test-dask runs it")
# Dask's own shutdown leaves sockets to the collector and warns of slow machines
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(Bench(), tmp_path_factory.mktemp("checked") / "all", copies=30)


def test_a_local_cluster_gives_the_same(folder: Path) -> None:
    assert list(run(PLAN, items([str(folder)]), dask="local", jobs=2)) == list(run(PLAN, items([str(folder)])))


def test_a_worker_killed_in_the_middle_loses_nothing(folder: Path) -> None:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, worker_dashboard_address=None
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://127.0.0.1:")
        victim = next(iter(cluster.workers.values())).pid

        def slowly() -> Iterator[Item]:
            for number, one in enumerate(items([str(folder)])):
                if number == 60:
                    os.kill(victim, signal.SIGKILL)
                if number > 60:
                    time.sleep(0.002)
                yield one

        results = list(run(PLAN, slowly(), dask=cluster.scheduler_address))
    assert results == list(run(PLAN, items([str(folder)])))


def test_no_scheduler_is_wrong_use() -> None:
    with pytest.raises(CheckingProblem, match="--dask"):
        next(run(PLAN, iter(()), dask="nonsense://127.0.0.1:1"))
