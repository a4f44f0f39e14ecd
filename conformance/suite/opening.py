"""A run is opened: what it is driven through decides how it is set up."""

from __future__ import annotations

import secrets
import shutil
from datetime import datetime

from conformance.doors.http import Http
from conformance.doors.processes import Service, stop_all
from conformance.suite.asked import OBSERVE, evidence_folder, pack_of, sensible, witnessing
from conformance.suite.observing import open_observed
from conformance.suite.settings import Options
from conformance.suite.setup import Run, open_driven, open_files


def open_run(options: Options, plugins: tuple[str, ...] = ()) -> Run:
    """Set a run up. ``plugins``: what beside pytest and the suite takes part in a witnessed one.

    Raises:
        UsageProblem: the options make no sense.
        DoorError: the software, or a service of ours, cannot be had.
    """
    pack = pack_of(options)
    sensible(options, pack)
    now = datetime.now(pack.timezone)
    body = witnessing(options, pack) if options.witness else None
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    folder = evidence_folder(options)
    services: list[Service] = []
    https: list[Http] = []
    try:
        if options.target.startswith("file:"):
            run = open_files(options, pack, now, seed, folder)
        elif options.target == OBSERVE:
            run = open_observed(options, pack, now, seed, folder, services, https)
        elif body is None:
            run = open_driven(options, pack, now, seed, folder, services, https)
        else:
            run = open_driven(options, pack, now, seed, folder, services, https, body, plugins)
    except BaseException:
        for http in https:
            http.close()
        stop_all(services)
        if not options.evidence:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    run.temporary = not options.evidence
    return run
