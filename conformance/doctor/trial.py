"""One case through the software: does it begin a run, and does what it sends reach the mock Ministry?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from lxml import etree

from conformance.cases import frozen_cases
from conformance.doctor.model import NOT_COMPLETED, WRONG_USE, Diagnosis, ok, problem
from conformance.document import read
from conformance.doors.drive import Episode
from conformance.doors.http import DoorError, Http
from conformance.doors.processes import Refused, Service
from conformance.doors.vendor import reasons_of
from conformance.pack import Pack
from conformance.suite.asked import UsageProblem
from conformance.suite.bench import Bench
from conformance.suite.settings import Options
from conformance.suite.setup import begin, ministry_of

SHOWN = 300


def trial(options: Options, pack: Pack, http: Http, ministry: Service | None = None) -> Iterator[Diagnosis]:
    """Begin a run and take the first case through the software; ends with its submission or where it stopped.

    ``ministry``: one that runs already; else one is started for this.
    """
    with tempfile.TemporaryDirectory(prefix="hocba-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            service = ministry or ministry_of(options, pack, folder).ready()
        except (Refused, DoorError) as error:
            yield problem("ministry.not-started", WRONG_USE, error=error)
            return
        control = Http(service.urls["control"], service.token)
        try:
            yield from _tried(options, pack, folder, http, control)
        finally:
            control.close()
            if ministry is None:
                service.stop()


def _tried(options: Options, pack: Pack, folder: Path, http: Http, control: Http) -> Iterator[Diagnosis]:
    quick = options.model_copy(update={"keys": "p-256"} if options.target == "reference" else {})
    try:
        run = begin(quick, pack, datetime.now(pack.timezone), options.seed or 1, folder, http, control)
    except UsageProblem as error:
        yield problem("trial.wrong", WRONG_USE, error=error)
        return
    except DoorError as error:
        yield problem("trial.not-begun", NOT_COMPLETED, error=error)
        return
    bench = Bench(run.setup, vendor_http=http, control_http=control)
    try:
        frozen = next(case for programme in run.setup.programmes for case in frozen_cases(pack, programme))
        episode = bench.driver.case(bench.make(frozen))
        yield from _told(episode, bench, pack)
    except DoorError as error:
        yield problem("trial.stopped", NOT_COMPLETED, call="–", answer=error)
    finally:
        bench.close()
        run.bundle.close()


def _told(episode: Episode, bench: Bench, pack: Pack) -> Iterator[Diagnosis]:
    if episode.document is not None and read(episode.document, pack).document is None:
        yield problem(
            "document.other-form", NOT_COMPLETED, seen=_root(episode.document), wanted=pack.binding.root, pack=pack.name
        )
    if episode.trouble:
        yield problem("trial.stopped", NOT_COMPLETED, call="–", answer=episode.trouble[:SHOWN])
        return
    if episode.stopped:
        call, answer = [one for one in episode.answers if one[0] == episode.stopped][-1]
        reasons = "; ".join(f"{one.code} {one.field} {one.message}".strip() for one in reasons_of(answer))
        body = reasons or answer.body[:SHOWN].decode("utf-8", "replace")
        yield problem("trial.stopped", NOT_COMPLETED, call=call, answer=f"HTTP {answer.status} {body}"[: 2 * SHOWN])
        return
    last = episode.samples[-1] if episode.samples else None
    state = last.state if last else "–"
    space = bench.setup.space
    params = {
        "url": space["base_url"],
        "state": state,
        "said": " | ".join(last.messages if last else ())[:SHOWN] or "–",
    }
    sent = [one for one in episode.calls if one.operation == "submit"]
    refused = [one for one in episode.calls if one.status in (400, 401, 403)]
    if sent and any(one.status < 300 for one in sent):
        yield ok("ministry.reached", calls=len(episode.calls), state=state)
    elif refused:
        one = refused[0]
        yield problem("ministry.refused", NOT_COMPLETED, operation=one.operation, status=one.status, **params)
    elif episode.calls:
        listed = ", ".join(f"{one.operation} {one.status}" for one in episode.calls[:5])
        yield problem("ministry.not-submitted", NOT_COMPLETED, calls=listed, **params)
    else:
        yield problem("ministry.never-called", NOT_COMPLETED, **params)


def _root(data: bytes) -> str:
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        return str(etree.fromstring(data[:4_000_000], parser).tag)[:SHOWN]
    except (etree.XMLSyntaxError, ValueError):
        return data[:60].decode("utf-8", "replace")
