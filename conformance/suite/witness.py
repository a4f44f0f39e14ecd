"""Witnessed runs (verdict.md): carried out by a testing body, so that nothing could be chosen afterwards.

The body keeps a list file of the packs and trust stores it allows, by hash. The build hash is recorded before
the seed is drawn; the run is a process of its own with nobody else's settings or plugins; all of it is judged.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.events import Witness
from conformance.pack import Pack

Digest = str
_HEX = r"^[0-9a-f]{64}$"
OURS = frozenset(("_pytest", "pytest", "conformance", "xdist"))
"""Packages whose pytest plugins may take part in a witnessed run."""


class WitnessProblem(ValueError):
    """The run cannot be a witnessed one; bilingual."""


class BodyList(BaseModel):
    """A testing body's list file, YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body: str = Field(min_length=1)
    """The testing body's name."""
    id: str = ""
    """Its identifier or accreditation number."""
    packs: tuple[str, ...] = Field(min_length=1)
    """SHA-256 (hex) of the specification packs it allows."""
    trust: tuple[str, ...] = ()
    """SHA-256 (hex) fingerprints of trust anchors it allows beside those that a run makes for itself."""
    validity_days: int = Field(default=365, ge=1, le=3660)
    """Days a signed statement stands, if nothing ends it before."""


@dataclass(frozen=True, slots=True)
class Body:
    """A list file that was read."""

    listed: BodyList
    digest: str
    """SHA-256 (hex) of the file."""


def read_list(path: Path) -> Body:
    """Read a body's list file.

    Raises:
        WitnessProblem: it is missing or wrong; names file and field.
    """
    try:
        data = path.read_bytes()
        listed = BodyList.model_validate(yaml.safe_load(data))
    except OSError as error:
        raise WitnessProblem(f"{path}: không đọc được / cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise WitnessProblem(f"{path}: {where}: sai dữ liệu / wrong data: {first['msg']}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise WitnessProblem(f"{path}: không phải YAML / not YAML: {' '.join(str(error).split())}") from error
    return Body(listed, hashlib.sha256(data).hexdigest())


def allowed(body: Body, pack: Pack, trust: Iterable[str] = ()) -> None:
    """Whether the body allows this pack and these trust anchors.

    Raises:
        WitnessProblem: it does not.
    """
    if pack.digest not in body.listed.packs:
        raise WitnessProblem(
            f"bộ đặc tả không có trong danh sách của {body.listed.body} / the pack is not on the body's list: "
            f"{pack.name} sha256:{pack.digest}"
        )
    foreign = [one for one in trust if one.lower() not in body.listed.trust]
    if foreign:
        raise WitnessProblem(
            f"điểm tin cậy không có trong danh sách của {body.listed.body} / trust anchors not on the body's list: "
            + ", ".join(foreign)
        )


def draw(
    body: Body,
    described: Mapping[str, Any],
    deposited: str,
    now: Callable[[], datetime],
    plugins: Iterable[str] = (),
) -> tuple[int, Witness]:
    """Record the build hash, then draw the seed.

    Args:
        body: whose run it is.
        described: the software's own description.
        deposited: the hash of the build that was deposited with the body; empty: none was.
        now: the clock; asked once before and once after.
        plugins: pytest plugins that take part.

    Raises:
        WitnessProblem: the software names no build hash, or another one than was deposited.
    """
    build = str(described.get("buildHash") or "")
    if not build:
        raise WitnessProblem("phần mềm không khai mã băm bản dựng / the software names no buildHash")
    if deposited and build != deposited:
        raise WitnessProblem(
            f"--build-hash: bản dựng khác bản đã nộp / not the deposited build: {build[:64]} ≠ {deposited[:64]}"
        )
    recorded = now()
    seed = secrets.randbelow(2**32)
    return seed, Witness(
        body=body.listed.body,
        body_id=body.listed.id,
        list_digest=body.digest,
        build_hash=build,
        build_recorded=recorded.isoformat(timespec="milliseconds"),
        seed_drawn=now().isoformat(timespec="milliseconds"),
        plugins=tuple(plugins),
        validity_days=body.listed.validity_days,
    )


def plugins_of(modules: Iterable[str], *, isolated: bool) -> tuple[str, ...]:
    """The pytest plugins of a witnessed run beside pytest's own and ours.

    Raises:
        WitnessProblem: the process is not an isolated one, or somebody else's plugin takes part.
    """
    if not isolated or not sys.flags.isolated:
        raise WitnessProblem(
            "--witness: chỉ qua «hocba certify», trong tiến trình riêng / only by hocba certify, in an isolated process"
        )
    found = sorted(set(modules))
    foreign = [one for one in found if one.partition(".")[0] not in OURS]
    if foreign:
        raise WitnessProblem(f"--witness: thành phần lạ của pytest / foreign pytest plugins: {', '.join(foreign)}")
    return tuple(one for one in found if one.partition(".")[0] not in ("_pytest", "pytest", "conformance"))
