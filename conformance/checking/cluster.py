"""``--dask``: the same judging on a Dask cluster; workers may come and go while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from conformance.checking.files import CheckingProblem
from conformance.checking.judging import AHEAD, Checked, Plan, batches, judge_all, lost
from conformance.checking.sources import Item

RETRIES = 3
"""How often a batch may lose its worker before its files are tried one by one."""


def on_cluster(plan: Plan, items: Iterable[Item], *, address: str, workers: int) -> Iterator[Checked]:
    """Judge on the cluster at ``address`` (``tcp://host:port``), or on one of ``workers`` local processes (``local``).

    What a lost worker had in hand is judged by another one. Files that workers die on again and again are errors of
    those files. Only :data:`AHEAD` batches for each thread of the cluster are in flight. Workers must have this
    distribution installed and see the files under the same names; members of tar archives travel with the task.

    Raises:
        CheckingProblem: Dask is not installed, or the scheduler cannot be reached.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise CheckingProblem("--dask: cần / needs: pip install 'hocba-conformance[dask]'") from error
    dask.config.set({"distributed.scheduler.allowed-failures": RETRIES})
    cluster: Any = None
    try:
        if address == "local":
            # nothing but this machine can reach it, and there is no page to be reached
            cluster = LocalCluster(
                n_workers=max(workers, 1), threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                worker_dashboard_address=None,
            )  # fmt: skip
        client = Client(cluster or address, timeout="20s")
    except (OSError, ValueError, TimeoutError) as error:
        if cluster is not None:
            cluster.close()
        raise CheckingProblem(f"--dask: {address}: {error}") from error
    return _judged(plan, items, client, cluster)


def _judged(plan: Plan, items: Iterable[Item], client: Any, cluster: Any) -> Iterator[Checked]:
    from distributed.scheduler import KilledWorker

    try:
        # a task, not scattered data: it is made again when the worker that held it is lost
        shared = client.submit(_itself, plan, pure=False)

        def sent(batch: Sequence[Item]) -> Any:
            return client.submit(judge_all, shared, batch, pure=False)

        def landed(batch: Sequence[Item], future: Any) -> Iterator[Checked]:
            try:
                yield from future.result()
            except KilledWorker:
                if len(batch) == 1:
                    yield lost(batch[0])
                    return
                for item in batch:
                    yield from landed((item,), sent((item,)))

        flight: deque[tuple[Sequence[Item], Any]] = deque()
        for batch in batches(items):
            flight.append((batch, sent(batch)))
            # asked anew each time: workers come and go
            while len(flight) >= AHEAD * max(sum(client.nthreads().values()), 1):
                yield from landed(*flight.popleft())
        while flight:
            yield from landed(*flight.popleft())
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def _itself(plan: Plan) -> Plan:
    return plan
