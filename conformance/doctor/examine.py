"""All diagnoses in order: this machine, the configuration, the software's address, its description, one case."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from conformance.doctor import here, target
from conformance.doctor.model import NOT_COMPLETED, WRONG_USE, Diagnosis, note, ok, problem
from conformance.doctor.trial import trial
from conformance.doors.http import DoorError, Http
from conformance.doors.processes import Service, start_vendor
from conformance.pack import Pack
from conformance.suite.asked import OBSERVE, UsageProblem, files_of, sensible
from conformance.suite.configuration import ConfigurationError, chosen, find
from conformance.suite.settings import Options
from conformance.suite.setup import DESK_TOKEN


def examine(
    given: Mapping[str, Any],
    encoding: str | None,
    *,
    wait: float = 0,
    drive: bool = True,
    ministry: Service | None = None,
) -> Iterator[Diagnosis]:
    """All diagnoses as they are made; later ones are left out where an earlier one makes them meaningless.

    ``given``: options of the command line by name with underscores, ``None`` where not given. ``encoding``: the
    console's own. ``wait``: seconds for the software to come up. ``drive``: take one case through it. ``ministry``: one
    that runs already.
    """

    yield here.python()
    yield here.console(encoding)
    yield here.proxies(os.environ)
    yield from here.tools()
    try:
        file = find(given["config"], ignore=given["no_config"])
        wanted = given["target"] or file.settings.get("target", "")
        options = chosen({**given, "target": wanted or "reference"}.get)
    except (ConfigurationError, ValueError) as error:
        yield problem("configuration.wrong", WRONG_USE, error=error)
        return
    yield (ok("configuration", path=file.path, lang=options.language) if file.path else note("configuration.none"))
    loaded, said = here.pack(options.pack, options.revision)
    yield said
    yield from here.files(options)
    yield from here.ports(options)
    if loaded is None:
        return
    yield here.zone(loaded, datetime.now(UTC))
    if not wanted:
        yield problem("target.none", WRONG_USE)
        return
    yield from _software(options, loaded, wait, drive, ministry)


def _software(options: Options, pack: Pack, wait: float, drive: bool, ministry: Service | None) -> Iterator[Diagnosis]:

    if options.target.startswith(("http:", "https:")) or (":" not in options.target and options.target != "reference"):
        wrong = target.address(options.target)
        if wrong is not None:
            yield wrong
            return
    try:
        sensible(options, pack)
        if options.target.startswith("file:"):
            yield ok("target.files", number=len(files_of(options.target)))
            return
        if options.target == OBSERVE:
            yield ok("target.observe", folder=options.casebook)
            return
    except UsageProblem as error:
        yield problem("target.options", WRONG_USE, error=error)
        return
    service = None
    try:
        if options.target == "reference":
            service = start_vendor(pack.folder, options.defects).ready()
            http = Http(service.urls["base"], service.token)
        else:
            token = options.token or os.environ.get(options.token_env, "") or DESK_TOKEN
            http = Http(options.target, token)
    except DoorError as error:
        yield problem("trial.not-begun", NOT_COMPLETED, error=error)
        return
    try:
        answer, said = target.reached(http, wait)
        yield said
        if answer is None:
            return
        data, said = target.description(answer)
        yield said
        if data is None:
            return
        claims = list(target.claims(data, pack, options))
        yield from claims
        yield target.clock(answer, datetime.now(UTC), pack)
        back = None if service is not None else target.way_back(options)
        if back is not None:
            yield back
        elif drive and not any(one.code == WRONG_USE for one in claims):
            yield note("trial")
            yield from trial(options, pack, http, ministry)
    finally:
        http.close()
        if service is not None:
            service.stop()
