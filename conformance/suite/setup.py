"""Before the first item: services, roster, keys, space, session. The controller alone talks to ``/session``."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import conformance
from conformance.cases import Roster, build_roster
from conformance.doors.drive import Intervals
from conformance.doors.http import Answer, BadAnswer, DoorError, Http
from conformance.doors.ministry import Ministry, Space
from conformance.doors.processes import DATABASE, Service, start_ministry, start_vendor, stop_all
from conformance.doors.tls import fingerprint
from conformance.doors.vendor import Vendor, reasons_of
from conformance.events import RunInfo, Witness
from conformance.evidence import Bundle, redacted
from conformance.exchanges.offers import make_offers
from conformance.pack import Pack
from conformance.signature.pki import TestPki
from conformance.signature.trust import TrustStore
from conformance.suite.asked import (
    claimed,
    files_of,
    finished_school_year,
    given_files,
    leaders_of,
    subject_map_of,
)
from conformance.suite.credentials import RunKeys, keep_trust
from conformance.suite.plan import plan, played, selected
from conformance.suite.settings import Copy, Options, Setup
from conformance.suite.witness import Body, draw

DESK_TOKEN = "hocba-test"  # noqa: S105  # the published token of a vendor's desk; a run's own services use random ones
COPIES, MANY_EXCHANGES = 2, 40
"""Further copies of the reference vendor, and from how many exchanges on: starting one takes seconds."""


TURNS = "turns.sqlite"
"""A file beside the evidence while the run lasts (:mod:`conformance.suite.turns`)."""


@dataclass(slots=True)
class Run:
    """A run that is set up: what processes need, and what the controller must close in the end."""

    setup: Setup
    info: RunInfo
    bundle: Bundle
    services: list[Service] = field(default_factory=list)
    https: list[Http] = field(default_factory=list)
    vendor: Vendor | None = None
    notice: tuple[str, ...] = ()
    """Lines to be shown before the first item."""
    temporary: bool = False
    """Whether nobody asked to keep the evidence."""

    def close(self) -> None:
        """Close connections and the evidence, and stop the run's own services."""
        self.bundle.abandon()
        for http in self.https:
            http.close()
        stop_all(self.services)
        self._sweep()

    def _sweep(self) -> None:
        """Leave the evidence alone: neither the services' own files beside it, nor evidence nobody asked to keep."""
        folder = Path(self.setup.evidence)
        if self.temporary:
            shutil.rmtree(folder, ignore_errors=True)
            return
        for path in (*folder.glob(f"{DATABASE}*"), *folder.glob(f"{TURNS}*")):
            with contextlib.suppress(OSError):
                path.unlink()


class RealClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def open_driven(
    options: Options,
    pack: Pack,
    now: datetime,
    seed: int,
    folder: Path,
    services: list[Service],
    https: list[Http],
    body: Body | None = None,
    plugins: tuple[str, ...] = (),
) -> Run:
    """Start what the run needs of its own and begin through the test interface; ``services`` and ``https`` are filled.

    ``body``: the testing body of a witnessed run.

    Raises:
        DoorError: the software, or a service of ours, cannot be had.
        UsageProblem: the options make no sense for this software.
    """
    vendors: list[Service] = []
    if options.target == "reference":
        for _ in range(1 + (further_copies(options, pack) if body is None else 0)):
            vendors.append(start_vendor(pack.folder, options.defects))
            services.append(vendors[-1])
        target, token = vendors[0].urls["base"], vendors[0].token
    else:
        target = options.target
        token = options.token or os.environ.get(options.token_env, "") or DESK_TOKEN
    services.append(ministry_of(options, pack, folder))
    if target != options.target:
        services[0].ready()
    https.append(Http(target, token))
    https.append(Http(services[-1].urls["control"], services[-1].token))
    https += [Http(one.urls["base"], one.token) for one in vendors[1:]]
    witness: Witness | None = None
    if body is not None:
        described = Vendor(https[0], pack, RealClock()).describe()
        seed, witness = draw(body, described, options.build_hash, lambda: datetime.now(pack.timezone), plugins)
    run = begin(
        options,
        pack,
        now,
        seed,
        folder,
        https[0],
        https[1],
        lambda: [one.ready() for one in (services[-1], *vendors[1:])],
        https[2:],
    )
    seen = {"witnessed": witness is not None, "witness": witness, "tls": fingerprint(target)}
    run.info = run.info.model_copy(update=seen)
    run.services = services
    run.notice = console_notice(options, Ministry(https[1], Space(**run.setup.space)))
    return run


def ministry_of(options: Options, pack: Pack, folder: Path) -> Service:
    """The run's own mock Ministry, started to listen where the options say; wait by ``ready()``.

    Raises:
        Refused: it cannot listen there.
    """
    return start_ministry(
        folder,
        pack.folder,
        host=options.ministry_host,
        public_url=options.ministry_url,
        wanted_port=options.ministry_port,
        tls=needs_tls(options, pack),
    )


def console_notice(options: Options, ministry: Ministry) -> tuple[str, ...]:
    """Where a browser may look on: the console of the run's mock Ministry, which ends with it; it names the report.

    A service without a console is as good: nothing rests on it.
    """
    try:
        report = options.report or options.results
        if report:
            ministry.report(str(Path(report).resolve()))
        link = ministry.console_link()
    except (DoorError, KeyError, TypeError):
        return ()
    return (f"bàn theo dõi trong lúc chạy, liên kết dùng một lần / console while it runs, one-time link: {link}",)


def needs_tls(options: Options, pack: Pack) -> bool:
    """Whether the run's mock Ministry speaks TLS: when an exchange shows certificates, unless it is told not to.

    Under a public address of the operator's, TLS is theirs too.
    """
    if options.ministry_url or options.ministry_tls == "off":
        return False
    return options.ministry_tls == "on" or any(
        fault.kind == "tls" for spec in played(pack, {}) for fault in spec.all_faults()
    )


def further_copies(options: Options, pack: Pack) -> int:
    """How many copies of the reference vendor a run has beside the first: some, where it plays many exchanges."""
    exchanges = [one for one in played(pack, {}) if not options.items or f"exchange:{one.id}" in options.items]
    return COPIES if len(exchanges) >= MANY_EXCHANGES else 0


def begin(
    options: Options,
    pack: Pack,
    now: datetime,
    seed: int,
    folder: Path,
    vendor_http: Http,
    control_http: Http,
    ready: Callable[[], object] = lambda: None,
    further: Sequence[Http] = (),
) -> Run:
    """Begin a run with a software under test that answers: space, keys, session, roster.

    ``ready``: waits until everything else answers too, which is needed only when the keys have been made.
    ``further``: more copies of the same software, each of which gets a session and a space of its own.

    Raises:
        UsageProblem: the software claims nothing that can be certified.
        DoorError: it does not take session or roster.
    """
    vendor = Vendor(vendor_http, pack, RealClock())
    described = _mapping(json.loads(_without(json.dumps(vendor.describe()), (vendor_http.token,))))
    programmes = claimed(options, pack, described)
    Intervals.of(_mapping(described.get("intervals")))
    school_year = options.school_year or finished_school_year(pack, now)
    capabilities = described.get("capabilities")
    offered = {str(one) for one in capabilities} if isinstance(capabilities, list) else set()
    roster = build_roster(pack, programmes, str(seed), school_year, seals="seal" in offered)
    pki = TestPki(now, pack)
    # before the lists: some of what is offered was signed with a revoked certificate
    wanted = [one for one in played(pack, described) if not options.items or f"exchange:{one.id}" in options.items]
    offers = make_offers(wanted, pack, pki, now, school_year)
    keys = RunKeys.make(pki, roster, options.keys)
    ready()
    run_id = secrets.token_hex(8)
    session: dict[str, Any] = {
        "runId": run_id,
        "signers": list(keys.signers),
        "reserved": pack.header.reserved.model_dump(mode="json"),
        "trust": keys.trust(),
    }

    def copy(http: Http) -> Copy:
        space = keys.open(Ministry(control_http), roster, _label(described))
        return _begun(http, space, session, roster, pack)

    with ThreadPoolExecutor() as pool:
        others = [pool.submit(copy, one) for one in further]
        first = copy(vendor_http)
    setup = Setup(
        **common(options, pack, now, seed, folder),
        **keys.for_setup(),
        run_id=run_id,
        door="drive",
        school_year=school_year,
        programmes=programmes,
        **dict(first),
        further=tuple(one.result() for one in others),
        control_url=control_http.base_url,
        control_token=control_http.token,
        vendor=_bounded(described),
        max_examples=options.max_examples,
        offers={key: one.data() for key, one in offers.items()},
        lock=str(folder / TURNS),
    )
    declined = tuple(one for one in pack.header.capabilities if one not in offered)
    info = info_of(options, pack, setup, now, declined=declined)
    bundle = Bundle(folder, (*setup.secrets, *keys.secrets))
    keys.keep(bundle)
    bundle.add("session", "", json.dumps(described, ensure_ascii=False).encode())
    bundle.add("roster", "", json.dumps(roster.data, ensure_ascii=False).encode())
    return Run(setup, info, bundle, https=[vendor_http, control_http, *further], vendor=vendor)


def _begun(http: Http, space: Space, session: Mapping[str, Any], roster: Roster, pack: Pack) -> Copy:
    """A copy of the software whose session was begun, bound to its space."""
    told = {
        "baseUrl": space.base_url,
        "tokenUrl": space.token_url,
        "clientId": space.client_id,
        "clientSecret": space.client_secret,
        **({"caPem": space.ca_pem} if space.ca_pem else {}),
    }
    begun = {**session, "ministry": told}
    begin_session(Vendor(http, pack, RealClock()), begun, roster)
    text = json.dumps(begun, ensure_ascii=False)
    return Copy(target=http.base_url, token=http.token, space=asdict(space), session=text)


def begin_session(vendor: Vendor, session: Mapping[str, Any], roster: Roster, clock_offset: float = 0.0) -> None:
    """Begin a session and give the roster; the software's clock may be put off (capability ``clock``).

    Raises:
        DoorError: the software does not take one of them.
    """
    clock = {"clockOffsetSeconds": clock_offset} if clock_offset else {}
    hidden = [str(one["password"]) for one in session["signers"]]
    hidden += [str(one["pkcs12"]) for one in session["signers"]] + [str(session["ministry"]["clientSecret"])]
    _taken("PUT /session", vendor.begin({**session, **clock}), hidden)
    _taken("PUT /roster", vendor.enrol(roster.data), hidden)


def open_files(options: Options, pack: Pack, now: datetime, seed: int, folder: Path) -> Run:
    """A run over files that are there already (``file:``): nothing is started, nothing is driven.

    Raises:
        UsageProblem: there are none, or what is given with them cannot be used.
    """
    files = files_of(options.target)
    given = given_files(options, now)
    setup = Setup(
        **common(options, pack, now, seed, folder),
        run_id=secrets.token_hex(8),
        door="files",
        school_year=options.school_year or finished_school_year(pack, now),
        programmes=options.programmes or pack.certified(),
        target=options.target,
        token="",
        trust_pem=given.anchors.pem.decode(),
        crls=tuple(base64.b64encode(one).decode() for one in given.crls),
        answers=tuple(base64.b64encode(one).decode() for one in given.answers),
        tax_codes=given.tax_codes,
        leaders=leaders_of(options.leaders),
        files=files,
        subject_map=subject_map_of(options.subject_map),
    )
    info = info_of(options, pack, setup, now, declined=())
    bundle = Bundle(folder)
    keep_trust(bundle, given.anchors.pem, given.crls, given.answers)
    return Run(setup, info, bundle)


def common(options: Options, pack: Pack, now: datetime, seed: int, folder: Path) -> dict[str, Any]:
    """What the set-up of a run says whatever its door."""
    return {
        "pack": str(pack.folder),
        "revision": pack.header.revision,
        "repeat": options.repeat(),
        "seed": seed,
        "evidence": str(folder),
        "started": now.isoformat(timespec="seconds"),
        "time_budget": options.time_budget,
        "items": options.items,
        "language": options.language,
    }


def info_of(options: Options, pack: Pack, setup: Setup, now: datetime, *, declined: tuple[str, ...]) -> RunInfo:
    """What the report says of the run.

    Raises:
        ValueError: an item was asked for that does not exist.
    """
    planned = plan(pack, setup)
    selected(planned, setup.items)
    trust = TrustStore.from_pem(setup.trust_pem.encode()) if setup.trust_pem else None
    shown = {
        key: value
        for key, value in options.model_dump(mode="json", exclude={"token"}).items()
        if value not in (None, "", (), [], 0, False)
    }
    return RunInfo(
        run_id=setup.run_id,
        tool_version=conformance.__version__,
        pack=pack.name,
        pack_digest=pack.digest,
        revision=pack.header.revision,
        door=setup.door,
        target=options.target,
        programmes=setup.programmes,
        seed=setup.seed,
        started=now.isoformat(timespec="seconds"),
        vendor=setup.vendor,
        declined=declined,
        options=shown,
        environment={"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()},
        trust=trust.fingerprints() if trust else (),
        selection=", ".join(setup.items),
        planned=tuple(one.id for one in planned),
    )


def _taken(call: str, answer: Answer, hidden: Iterable[str]) -> None:
    if answer.status not in (200, 201, 204):
        # many frameworks answer with the input that they did not like
        said = redacted(answer.body.decode("utf-8", "replace"), hidden)[:300]
        reasons = redacted(", ".join(map(str, reasons_of(answer))), hidden)[:1000] or said
        raise BadAnswer(f"{call}: HTTP {answer.status}: {reasons}")


def _without(text: str, hidden: Iterable[str]) -> str:
    return redacted(text, (one for one in hidden if one != DESK_TOKEN))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _bounded(described: Mapping[str, Any]) -> dict[str, Any]:
    """The description without anything outsized: it stands on page one of the report."""
    kept: dict[str, Any] = {}
    for key, value in list(described.items())[:40]:
        text = json.dumps(value, ensure_ascii=False)
        kept[str(key)[:60]] = value if len(text) <= 2000 else text[:2000] + "…"
    return kept


def _label(described: Mapping[str, Any]) -> str:
    """Whose run it is, for the mock Ministry's console."""
    said = (described.get(name) for name in ("vendor", "product", "version"))
    return " ".join(one for one in said if isinstance(one, str))[:200]
