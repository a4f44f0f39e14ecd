"""A run's options and what the controller sets up once for all processes of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from conformance.pack import Pack, load_pack

LOOPBACK = "127.0.0.1"


class Options(BaseModel):
    """What the person who starts the run asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    token: str = ""
    """The test interface's token; empty: the environment's, or the one for desks."""
    token_env: str = "HOCBA_TARGET_TOKEN"  # noqa: S105  # a variable's name
    """The environment variable that holds the token: replay commands take it from there."""
    configuration: str = ""
    """The configuration file whose settings are in these options."""
    seed: int | None = None
    max_examples: int = 0
    """Freshly drawn cases per programme beyond the frozen ones."""
    time_budget: float | None = None
    """Seconds after which no further item is begun."""
    programmes: tuple[str, ...] = ()
    """Empty: what the software claims and this revision certifies."""
    report: str = ""
    results: str = ""
    junit: str = ""
    sarif: str = ""
    events: str = ""
    """NDJSON stream, written while the run goes on."""
    baseline: str = ""
    """The vendor's known failures."""
    witness: str = ""
    """The testing body's list file; empty: self-declared."""
    build_hash: str = ""
    """The build that was deposited with the body."""
    evidence: str = ""
    language: Literal["vi", "en"] = "vi"
    dry_run: bool = False
    trust: tuple[str, ...] = ()
    crl: tuple[str, ...] = ()
    ocsp: tuple[str, ...] = ()
    schools: str = ""
    """File of school codes and tax codes: whose seal is whose."""
    leaders: str = ""
    subject_map: str = ""
    items: tuple[str, ...] = ()
    """Only these items (a replay); the verdict then lacks the others."""
    defects: tuple[str, ...] = ()
    """For ``reference`` only."""
    keys: Literal["rsa-2048", "p-256"] = "rsa-2048"
    school_year: int | None = None
    ministry_host: str = LOOPBACK
    ministry_url: str = ""
    ministry_tls: Literal["auto", "on", "off"] = "auto"
    ministry_port: int = 0
    """0: any free one."""
    casebook: str = "hocba-so-ca"
    """Folder of the observe door's case book."""
    observe_timeout: float = 14_400.0
    """Seconds for which arrivals are waited for."""
    observe_patience: float = 600.0
    """Seconds without a call after which nothing more of a learner is expected."""
    pack: str = ""
    """Folder of another specification pack."""
    revision: str = ""
    """Scored revision; empty: the pack's own."""

    def repeat(self) -> tuple[str, ...]:
        """The arguments that name the software, and change what an item does or how it is judged."""
        one = {"target": self.target, "pack": self.pack, "revision": self.revision, "leaders": self.leaders}
        one |= {"subject-map": self.subject_map, "schools": self.schools}
        one |= {"ministry-url": self.ministry_url, "max-examples": str(self.max_examples or "")}
        one |= {"ministry-host": self.ministry_host if self.ministry_host != LOOPBACK else ""}
        one |= {"ministry-port": str(self.ministry_port or "")}
        one |= {"ministry-tls": self.ministry_tls if self.ministry_tls != "auto" else ""}
        # the reference vendor's is drawn by the run; anybody else's stays a variable of the shell
        one |= {"token": f"${{{self.token_env}}}" if self.token and self.target != "reference" else ""}
        many = {"defect": self.defects, "trust": self.trust, "crl": self.crl, "ocsp": self.ocsp}
        given = [f"--{name}={value}" for name, value in one.items() if value]
        given += [f"--{name}={value}" for name, values in many.items() for value in values]
        return (*given, *([f"--keys={self.keys}"] if self.keys != "rsa-2048" else []))


class Copy(BaseModel):
    """A further copy of the software under test, with a session and a space of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    token: str
    space: dict[str, str]
    session: str


class Setup(BaseModel):
    """What every process of a run needs to act and to judge; made by the controller, JSON all the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    door: Literal["drive", "observe", "files"]
    pack: str
    revision: str = ""
    seed: int
    school_year: int
    programmes: tuple[str, ...]
    target: str
    token: str
    control_url: str = ""
    control_token: str = ""
    space: dict[str, str] = {}
    vendor: dict[str, Any] = {}
    trust_pem: str = ""
    crls: tuple[str, ...] = ()
    """Base64 of DER."""
    answers: tuple[str, ...] = ()
    """OCSP answers, base64 of DER."""
    tax_codes: dict[str, str] = {}
    """Tax code → school code."""
    leaders: tuple[str, ...] | None = None
    evidence: str = ""
    started: str = ""
    max_examples: int = 0
    time_budget: float | None = None
    items: tuple[str, ...] = ()
    language: str = "vi"
    files: tuple[str, ...] = ()
    subject_map: dict[str, str] = {}
    session: str = ""
    """The session as it was begun, JSON with its secrets: kept in memory only, for exchanges that begin it again."""
    offers: dict[str, dict[str, str]] = {}
    """Transcripts of another school that receiving software is offered (:mod:`conformance.exchanges.offers`)."""
    casebook: str = ""
    observe_until: str = ""
    """ISO 8601: when waiting ends."""
    observe_patience: float = 0.0
    lock: str = ""
    """Path of the file by which processes take turns at the software."""
    further: tuple[Copy, ...] = ()
    """Copies of the software beside the first."""

    repeat: tuple[str, ...] = ()
    """Arguments that a replay of one item needs beside seed, programmes and school year; the target as it was given."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in nothing that a run leaves behind."""
        held = json.loads(self.session) if self.session else {}
        passwords = (str(one.get("password", "")) for one in held.get("signers", ()))
        spaces = (one.get("client_secret", "") for one in (self.space, *(copy.space for copy in self.further)))
        tokens = (self.token, self.control_token, *(copy.token for copy in self.further))
        return tuple(one for one in (*tokens, *spaces, *passwords) if one)

    @property
    def copies(self) -> int:
        """How many copies of the software there are."""
        return 1 + len(self.further)

    def copy_at(self, number: int) -> Setup:
        """The set-up for one copy; 0: the first. Everything else is the same."""
        if not number:
            return self
        update = {**dict(self.further[number - 1]), "lock": f"{self.lock}-{number}"}
        return self.model_copy(update=update)

    def load(self) -> Pack:
        """The run's pack at its scored revision."""
        return load_pack(Path(self.pack)).at(self.revision)

    def record(self) -> bytes:
        """The set-up as evidence keeps it: nothing secret."""
        kept = {"door", "revision", "seed", "school_year", "programmes", "target", "vendor", "leaders"}
        kept |= {"started", "max_examples", "language", "files", "subject_map", "tax_codes", "run_id"}
        return json.dumps({**self.model_dump(mode="json", include=kept), "token": ""}, ensure_ascii=True).encode()
