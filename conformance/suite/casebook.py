"""The case book of the observer door: what an operator enters, what to do, and how to reach the mock Ministry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

import reports
from conformance.cases import Case, FrozenCase, Roster, frozen_cases, realise
from conformance.cases.components import average, plain
from conformance.doors.ministry import Space
from conformance.exchanges import ExchangeSpec, load_exchanges
from conformance.pack import Pack, PackError, Text
from conformance.pack.data import Data, read_yaml
from conformance.suite.arrivals import Asked

Action = Literal["submit", "correct", "amend"]
FILE = "observe.yaml"
PAGE, DATA, PDF, AUTHORITY, SIGNERS = "so-ca.html", "so-ca.json", "so-ca.pdf", "ca.pem", "chung-thu-so"
STOP = "xong"
"""A file of this name in the case book's folder says that nothing more will come."""


class Entry(Data):
    """One learner of the book: a frozen case, what the service does meanwhile, and what the operator does."""

    case: str
    exchange: str = ""
    action: Action = "submit"


class Book(Data):
    """The pack's case book: instructions by action, entries by programme."""

    actions: dict[Action, Text]
    programmes: dict[str, tuple[Entry, ...]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Task:
    """One entry of a run's book, realised."""

    number: int
    entry: Entry
    case: Case
    exchange: ExchangeSpec | None

    @property
    def learner(self) -> str:
        """The learner's code: what arrives is known by it."""
        return str(self.case.data["learner"]["code"])

    @property
    def asked(self) -> Asked:
        """What judging needs of it."""
        return Asked(self.case.id, self.learner, self.exchange)


def load_book(pack: Pack) -> Book | None:
    """The pack's case book; ``None`` when it has none.

    Raises:
        PackError: the file is wrong, or names a case, an exchange, an action or a programme that the pack has not.
    """
    path = pack.path("cases", FILE)
    if not path.is_file():
        return None
    try:
        book = Book.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PackError(f"cases/{FILE}: {place}: sai dữ liệu / wrong data: {first['msg']}") from error
    # those in steps need somebody who takes them
    exchanges = {one.id for one in load_exchanges(pack) if not one.steps}
    for programme, entries in book.programmes.items():
        if programme not in pack.programmes:
            raise PackError(f"cases/{FILE}: chương trình lạ / unknown programme: {programme}")
        cases = {one.id for one in frozen_cases(pack, programme)}
        for entry in entries:
            for kind, name, known in (
                ("case", entry.case, cases),
                ("exchange", entry.exchange, exchanges | {""}),
                ("action", entry.action, set(book.actions)),
            ):
                if name not in known:
                    raise PackError(f"cases/{FILE}: {programme}: {kind}: {name!r}: không có / there is none")
    return book


def tasks(pack: Pack, roster: Roster, seed: int, programmes: Iterable[str]) -> tuple[Task, ...]:
    """The run's book, numbered from 1. Exchanges are played with the first programme only.

    Raises:
        PackError: the pack has no case book, or a wrong one.
    """
    book = load_book(pack)
    if book is None:
        raise PackError(f"{pack.name}: không có sổ ca cho cửa quan sát / no case book for the observe door")
    specs = {one.id: one for one in load_exchanges(pack)}
    found: list[Task] = []
    for position, programme in enumerate(programmes):
        frozen: dict[str, FrozenCase] = {one.id: one for one in frozen_cases(pack, programme)}
        for entry in book.programmes.get(programme, ()):
            case = realise(frozen[entry.case], roster, seed, "components")
            spec = specs.get(entry.exchange) if position == 0 else None
            if spec is not None and not scored(pack, spec):
                spec = None
            found.append(Task(len(found) + 1, entry, case, spec))
    return tuple(found)


def scored(pack: Pack, spec: ExchangeSpec) -> bool:
    """Whether an exchange belongs to the pack's scored revision."""
    revisions = pack.header.revisions
    return revisions.index(spec.revision) <= revisions.index(pack.header.revision)


def write_book(
    folder: Path,
    pack: Pack,
    listed: Iterable[Task],
    roster: Roster,
    session: Mapping[str, Any],
    space: Space,
    language: str,
    minutes: float,
) -> list[Path]:
    """Write page, data, PDF (where a browser is) and the signers' PKCS#12 files; readable for their owner only.

    ``session``: as ``PUT /session`` would tell it. Returns what was written, the page first.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signers_folder = folder / SIGNERS
    signers_folder.mkdir(exist_ok=True, mode=0o700)
    (folder / STOP).unlink(missing_ok=True)
    signers = []
    for one in session["signers"]:
        name = f"{str(one['id']).replace('/', '-')}.p12"
        _private(signers_folder / name, base64.b64decode(one["pkcs12"]))
        signers.append({**{key: value for key, value in one.items() if key != "pkcs12"}, "file": f"{SIGNERS}/{name}"})
    if space.ca_pem:
        _private(folder / AUTHORITY, space.ca_pem.encode())
    book = load_book(pack)
    assert book is not None  # whoever made the tasks has read it
    data = {
        "service": {
            "baseUrl": space.base_url,
            "tokenUrl": space.token_url,
            "clientId": space.client_id,
            "clientSecret": space.client_secret,
            **({"caFile": AUTHORITY} if space.ca_pem else {}),
        },
        "reserved": session["reserved"],
        "signers": signers,
        **roster.data,
        "cases": [
            {
                "number": one.number,
                "id": one.case.id,
                "programme": one.case.programme,
                "learner": one.learner,
                "action": one.entry.action,
                "exchange": one.exchange.id if one.exchange else "",
                "signings": one.case.signings(roster),
                "averages": _averages(pack, one.case),
                "case": one.case.data,
            }
            for one in listed
        ],
    }
    _private(folder / DATA, json.dumps(data, ensure_ascii=False, indent=1).encode())
    page = reports.case_book(
        data,
        {one.case.id: one.case.title for one in listed},
        {one.case.id: one.exchange.purpose for one in listed if one.exchange},
        dict(book.actions),
        pack,
        language,
        minutes,
    )
    _private(folder / PAGE, page.encode())
    written = [folder / PAGE, folder / DATA, signers_folder]
    try:
        reports.print_pdf(page, folder / PDF)
        (folder / PDF).chmod(0o600)
        written.insert(1, folder / PDF)
    except reports.PdfError:
        # every browser prints the page, and the page says so
        pass
    return written


def _averages(pack: Pack, case: Case) -> list[dict[str, str]]:
    """Semester averages of the subjects with marks, for software that takes no component marks."""
    rules = pack.rules[pack.programmes[case.programme].rules]
    found = []
    for subject in case.data["subjects"]:
        row = {"label": str(subject.get("label") or subject["code"])}
        for semester in ("semester1", "semester2"):
            parts = (subject.get(semester) or {}).get("components")
            if parts:
                marks = [Decimal(one) for one in parts["regular"]]
                row[semester] = plain(average(marks, Decimal(parts["midterm"]), Decimal(parts["final"]), rules))
        if len(row) > 1:
            found.append(row)
    return found


def _private(path: Path, data: bytes) -> None:
    """A file with secrets in it: nobody else's to read."""
    path.unlink(missing_ok=True)
    path.touch(0o600, exist_ok=False)
    path.write_bytes(data)
