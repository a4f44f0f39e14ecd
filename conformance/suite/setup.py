"""Before the first item: services, roster, keys, space, session. The controller alone talks to ``/session``."""

from __future__ import annotations

import base64
import json
import os
import platform
import secrets
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import conformance
from conformance.cases import Roster, build_roster
from conformance.doors.drive import Intervals
from conformance.doors.http import Answer, BadAnswer, DoorError, Http
from conformance.doors.ministry import Ministry, Space
from conformance.doors.processes import Service, start_ministry, start_vendor, stop_all
from conformance.doors.tls import fingerprint
from conformance.doors.vendor import Vendor, reasons_of
from conformance.events import RunInfo, Witness
from conformance.evidence import Bundle, redacted
from conformance.exchanges.offers import make_offers
from conformance.pack import Pack, default_pack, load_pack
from conformance.signature.given import Anchors, GivenError, read_anchors, read_answers, read_crls, read_tax_codes
from conformance.signature.pki import Credential, TestPki
from conformance.signature.responders import ocsp_answer, ocsp_delegate
from conformance.suite.plan import plan, played, selected
from conformance.suite.settings import Options, Setup
from conformance.suite.witness import Body, WitnessProblem, allowed, draw, read_list

DESK_TOKEN = "hocba-test"  # noqa: S105  # the published token of a vendor's desk; a run's own services use random ones


OBSERVE = "observe:"
MOST_OBSERVED = 7 * 86_400.0
"""Seconds: a week."""


class UsageProblem(ValueError):
    """The run cannot begin because of how it was asked for; bilingual. Exit code 2."""


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

    def close(self) -> None:
        """Close connections and stop the run's own services."""
        for http in self.https:
            http.close()
        stop_all(self.services)


class RealClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds since some start."""
        import time

        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        import time

        time.sleep(seconds)


def pack_of(options: Options) -> Pack:
    """The pack asked for, or the default one, at the scored revision asked for.

    Raises:
        PackError: there is no such pack, or it has no such revision.
    """
    pack = load_pack(Path(options.pack)) if options.pack else default_pack()
    return pack.at(options.revision)


def finished_school_year(pack: Pack, today: datetime) -> int:
    """First calendar year of the school year that ended last ; never before the pack's first."""
    ended = today.year - 1 if today.month > pack.header.school_year_ends else today.year - 2
    return max(pack.header.first_school_year, ended)


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
    folder = _evidence_folder(options)
    if options.target.startswith("file:"):
        return _files(options, pack, now, seed, folder)
    run: list[Service] = []
    https: list[Http] = []
    try:
        if options.target == OBSERVE:
            from conformance.suite.observing import open_observed

            return open_observed(options, pack, now, seed, folder, run, https)
        if body is None:
            return _drive(options, pack, now, seed, folder, run, https)
        return _drive(options, pack, now, seed, folder, run, https, body, plugins)
    except BaseException:
        for http in https:
            http.close()
        stop_all(run)
        raise


def sensible(options: Options, pack: Pack) -> None:
    """Whether a run can be begun at all, as far as the options alone tell.

    Raises:
        UsageProblem: it cannot; said before any process is started.
    """
    target = options.target
    if target == OBSERVE:
        for option, value in (("timeout", options.observe_timeout), ("patience", options.observe_patience)):
            if not 0 < value <= MOST_OBSERVED:
                most = f"{MOST_OBSERVED:.0f}"
                raise UsageProblem(f"--observe-{option}: từ 0 đến {most} giây / from 0 to {most} seconds: {value}")
    elif target != "reference" and not target.startswith(("http://", "https://", "file:")):
        raise UsageProblem(
            "--target: cần http(s)://…, reference, observe: hoặc file:DIR / "
            f"wants http(s)://…, reference, observe: or file:DIR: {target!r}"
        )
    for one in options.programmes:
        if one not in pack.programmes:
            known = ", ".join(pack.programmes)
            raise UsageProblem(f"--programme: không có chương trình / no such programme: {one!r} ({known})")
    if options.defects and target != "reference":
        raise UsageProblem("--defect chỉ dùng với --target=reference / --defect goes with --target=reference only")
    if options.max_examples < 0:
        raise UsageProblem(f"--max-examples: không được âm / must not be negative: {options.max_examples}")
    if options.time_budget is not None and not options.time_budget > 0:
        raise UsageProblem(f"--time-budget: phải lớn hơn 0 / must be more than 0: {options.time_budget}")
    if not 0 <= options.ministry_port <= 65535:
        raise UsageProblem(f"--ministry-port: từ 0 đến 65535 / from 0 to 65535: {options.ministry_port}")
    first, last = pack.header.first_school_year, datetime.now(pack.timezone).year
    if options.school_year is not None and not first <= options.school_year <= last:
        raise UsageProblem(f"--school-year: từ {first} đến {last} / from {first} to {last}: {options.school_year}")


def _evidence_folder(options: Options) -> Path:
    if not options.evidence:
        return Path(tempfile.mkdtemp(prefix="hocba-"))
    folder = Path(options.evidence)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageProblem(f"--evidence: không ghi được / cannot write: {folder}: {error.strerror}") from error
    return folder


def witnessing(options: Options, pack: Pack) -> Body:
    """The testing body of a witnessed run.

    Raises:
        WitnessProblem: its list cannot be used, or does not allow what was asked for.
    """
    body = read_list(Path(options.witness))
    allowed(body, pack)
    if options.target.startswith(("file:", OBSERVE)):
        raise WitnessProblem("--witness: cần phần mềm đang chạy / wants running software: --target=URL")
    chosen = {"--seed": options.seed is not None, "--item": options.items, "--time-budget": options.time_budget}
    named = [name for name, given in chosen.items() if given]
    if named:
        raise WitnessProblem(f"--witness: không chọn trước được / nothing may be chosen: {', '.join(named)}")
    return body


def _drive(
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
    if options.target == "reference":
        services.append(start_vendor(pack.folder, options.defects))
        target, token = services[-1].urls["base"], services[-1].token
    else:
        target = options.target
        token = options.token or os.environ.get(options.token_env, "") or DESK_TOKEN
    services.append(ministry_of(options, pack, folder))
    if target != options.target:
        services[0].ready()
    https.append(Http(target, token))
    https.append(Http(services[-1].urls["control"], services[-1].token))
    witness: Witness | None = None
    if body is not None:
        described = Vendor(https[0], pack, RealClock()).describe()
        seed, witness = draw(body, described, options.build_hash, lambda: datetime.now(pack.timezone), plugins)
    run = begin(options, pack, now, seed, folder, https[0], https[1], services[-1].ready)
    seen = {"witnessed": witness is not None, "witness": witness, "tls": fingerprint(target)}
    run.info = run.info.model_copy(update=seen)
    run.services = services
    run.notice = console_notice(options, Ministry(https[-1], Space(**run.setup.space)))
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


def begin(
    options: Options,
    pack: Pack,
    now: datetime,
    seed: int,
    folder: Path,
    vendor_http: Http,
    control_http: Http,
    ready: Callable[[], object] = lambda: None,
) -> Run:
    """Begin a run with a software under test that answers: space, keys, session, roster.

    ``ready``: waits until the mock Ministry answers too, which is needed only when the keys have been made.

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
    ministry = Ministry(control_http)
    # before the lists: some of what is offered was signed with a revoked certificate
    wanted = [one for one in played(pack, described) if not options.items or f"exchange:{one.id}" in options.items]
    offers = make_offers(wanted, pack, pki, now, school_year)
    crls = pki.crls()
    session, hidden, leaders, signers = session_of(run_id := secrets.token_hex(8), pki, roster, options.keys, pack)
    answers = answers_of(pki, signers)
    ready()
    space = ministry.open(
        schools=[school["code"] for school in roster.data["schools"]],
        label=_label(described),
        trustPem=pki.anchors_pem().decode(),
        crlsPem=pem_of(crls),
        leaders=sorted(leaders),
    )
    session["ministry"] = {
        "baseUrl": space.base_url,
        "tokenUrl": space.token_url,
        "clientId": space.client_id,
        "clientSecret": space.client_secret,
        **({"caPem": space.ca_pem} if space.ca_pem else {}),
    }
    session["trust"] = {
        "anchorsPem": pki.anchors_pem().decode(),
        "crls": [base64.b64encode(one).decode() for one in crls],
    }
    begin_session(vendor, session, roster)
    setup = Setup(
        run_id=run_id,
        door="drive",
        pack=str(pack.folder),
        revision=pack.header.revision,
        repeat=options.repeat(),
        seed=seed,
        school_year=school_year,
        programmes=programmes,
        target=vendor_http.base_url,
        token=vendor_http.token,
        control_url=control_http.base_url,
        control_token=control_http.token,
        space={
            "name": space.name,
            "base_url": space.base_url,
            "token_url": space.token_url,
            "client_id": space.client_id,
            "client_secret": space.client_secret,
        },
        vendor=_bounded(described),
        trust_pem=pki.anchors_pem().decode(),
        crls=tuple(base64.b64encode(one).decode() for one in crls),
        answers=tuple(base64.b64encode(one).decode() for one in answers),
        leaders=tuple(sorted(leaders)),
        evidence=str(folder),
        started=now.isoformat(timespec="seconds"),
        max_examples=options.max_examples,
        time_budget=options.time_budget,
        items=options.items,
        language=options.language,
        session=json.dumps(session, ensure_ascii=False),
        offers={key: one.data() for key, one in offers.items()},
        lock=str(folder / "turns.sqlite"),
    )
    bundle = Bundle(folder, (vendor_http.token, control_http.token, space.client_secret, *hidden))
    bundle.add("trust", "", pki.anchors_pem())
    for one in crls:
        bundle.add("crl", "", one)
    for one in answers:
        bundle.add("ocsp", "", one)
    bundle.add("session", "", json.dumps(described, ensure_ascii=False).encode())
    bundle.add("roster", "", json.dumps(roster.data, ensure_ascii=False).encode())
    declined = tuple(one for one in pack.header.capabilities if one not in offered)
    info = info_of(options, pack, setup, now, declined=declined)
    return Run(setup, info, bundle, https=[vendor_http, control_http], vendor=vendor)


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


def _files(options: Options, pack: Pack, now: datetime, seed: int, folder: Path) -> Run:
    files = files_of(options.target)
    given = _given(options, now)
    setup = Setup(
        run_id=secrets.token_hex(8),
        door="files",
        pack=str(pack.folder),
        revision=pack.header.revision,
        repeat=options.repeat(),
        seed=seed,
        school_year=options.school_year or finished_school_year(pack, now),
        programmes=options.programmes or pack.certified(),
        target=options.target,
        token="",
        trust_pem=given.anchors.pem.decode(),
        crls=tuple(base64.b64encode(one).decode() for one in given.crls),
        answers=tuple(base64.b64encode(one).decode() for one in given.answers),
        tax_codes=given.tax_codes,
        leaders=leaders_of(options.leaders),
        evidence=str(folder),
        started=now.isoformat(timespec="seconds"),
        time_budget=options.time_budget,
        items=options.items,
        language=options.language,
        files=files,
        subject_map=subject_map_of(options.subject_map),
    )
    bundle = Bundle(folder)
    if given.anchors.pem:
        bundle.add("trust", "", given.anchors.pem)
    for kind, octets in (("crl", given.crls), ("ocsp", given.answers)):
        for one in octets:
            bundle.add(kind, "", one)
    return Run(setup, info_of(options, pack, setup, now, declined=()), bundle)


@dataclass(frozen=True, slots=True)
class _Given:
    """What the options name files of."""

    anchors: Anchors
    crls: list[bytes]
    answers: list[bytes]
    tax_codes: dict[str, str]


def _given(options: Options, now: datetime) -> _Given:
    """Trust anchors and evidence of a run over files.

    Raises:
        UsageProblem: a file cannot be used for what it was given for.
    """
    try:
        given = _Given(
            read_anchors(map(Path, options.trust), now),
            read_crls(map(Path, options.crl)),
            read_answers(map(Path, options.ocsp)),
            read_tax_codes(Path(options.schools)) if options.schools else {},
        )
    except GivenError as error:
        raise UsageProblem(str(error)) from error
    if (given.crls or given.answers) and not given.anchors.pem:
        raise UsageProblem("--crl, --ocsp: cần --trust / want --trust")
    return given


def files_of(target: str) -> tuple[str, ...]:
    """The documents of ``file:DIR``, in order.

    Raises:
        UsageProblem: there is none.
    """
    source = Path(target.removeprefix("file:"))
    if not source.is_dir():
        raise UsageProblem(f"không có thư mục / no such folder: {source}")
    files = tuple(str(path) for path in sorted(source.rglob("*.xml")))
    if not files:
        raise UsageProblem(f"không có tệp .xml nào trong / no .xml file in: {source}")
    return files


def info_of(options: Options, pack: Pack, setup: Setup, now: datetime, *, declined: tuple[str, ...]) -> RunInfo:
    """What the report says of the run.

    Raises:
        ValueError: an item was asked for that does not exist.
    """
    from conformance.signature.trust import TrustStore

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


def claimed(options: Options, pack: Pack, described: Mapping[str, Any]) -> tuple[str, ...]:
    """The programmes of the run: those asked for, else what the software claims and the revision certifies.

    Raises:
        UsageProblem: none is left, or one that was asked for is not claimed.
    """
    listed = described.get("programmes")
    said = [str(one) for one in listed] if isinstance(listed, list) else []
    foreign = [one for one in options.programmes if said and one not in said]
    if foreign:
        raise UsageProblem(
            f"--programme: phần mềm không nhận chương trình này / the software does not claim: {', '.join(foreign)}"
        )
    found = options.programmes or tuple(one for one in pack.certified() if one in said)
    if not found:
        raise UsageProblem(
            "phần mềm không nhận chương trình nào mà bộ đặc tả này kiểm được / "
            f"the software claims no programme that this pack certifies: {said!r}"
        )
    return found


def session_of(
    run_id: str, pki: TestPki, roster: Roster, keys: str, pack: Pack
) -> tuple[dict[str, Any], list[str], set[str], list[Credential]]:
    """The session to begin, its secrets, the identifiers of school leaders, and the signers' credentials."""
    signers, hidden, leaders, credentials = [], [], set(), []
    for one in roster.signers():
        password = secrets.token_urlsafe(12)
        credential = credential_of(pki, one, keys)
        hidden.append(password)
        credentials.append(credential)
        entry = {key: one[key] for key in ("id", "role", "name", "nationalId", "passport", "title") if one.get(key)}
        packed = base64.b64encode(credential.pkcs12(password.encode())).decode()
        signers.append({**entry, "pkcs12": packed, "password": password})
        if one["role"] == "leader" and one.get("nationalId"):
            leaders.add(str(one["nationalId"]))
    reserved = pack.header.reserved.model_dump(mode="json")
    return {"runId": run_id, "signers": signers, "reserved": reserved}, hidden, leaders, credentials


def answers_of(pki: TestPki, signers: Iterable[Credential]) -> list[bytes]:
    """What the run's own OCSP responders say of every signer when the session begins, in DER: good for a week."""
    delegates: dict[bytes, Credential] = {}
    answers: list[bytes] = []
    for one in signers:
        issuer = one.certificate.issuer.public_bytes()
        if issuer not in delegates:
            delegates[issuer] = ocsp_delegate(pki, one)
        answers.append(ocsp_answer(pki, one, signer=delegates[issuer], next_update=pki.now + timedelta(days=7)))
    return answers


def credential_of(pki: TestPki, signer: Mapping[str, Any], keys: str) -> Credential:
    """A certificate for a signer of the roster: person, or the school's seal."""
    key = keys.replace("-", "")
    if signer["role"] == "seal":
        return pki.organisation(str(signer["name"]), school=str(signer["schoolCode"]), key=key)
    return pki.person(
        str(signer["name"]), national_id=signer.get("nationalId"), passport=signer.get("passport"), key=key
    )


def pem_of(crls: Iterable[bytes]) -> str:
    """Revocation lists in DER as one PEM text."""
    return "".join(_crl_pem(one) for one in crls)


def _crl_pem(der: bytes) -> str:
    lines = base64.encodebytes(der).decode().strip()
    return f"-----BEGIN X509 CRL-----\n{lines}\n-----END X509 CRL-----\n"


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


def read_text(path: str, option: str) -> str:
    """A text file named by an option.

    Raises:
        UsageProblem: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{option}: không đọc được / cannot be read: {path}: {error}") from error


def leaders_of(path: str) -> tuple[str, ...] | None:
    """Identifiers of school leaders from a file, one a line; ``None`` without a file."""
    return tuple(line.strip() for line in read_text(path, "--leaders").splitlines() if line.strip()) if path else None


def subject_map_of(path: str) -> dict[str, str]:
    """A vendor's subject codes → the pack's, from a JSON object in a file.

    Raises:
        UsageProblem: not such an object.
    """
    if not path:
        return {}
    try:
        data = json.loads(read_text(path, "--subject-map"))
    except ValueError as error:
        raise UsageProblem(f"--subject-map: {path}: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise UsageProblem(f"--subject-map: {path}: cần một đối tượng mã → mã / wants an object of code → code")
    return {str(key): value for key, value in data.items()}


__all__ = ["DoorError", "Run", "UsageProblem", "open_run"]
