"""What a run was asked for: the options, checked, and the files that they name."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from conformance.pack import Pack, default_pack, load_pack
from conformance.signature.given import Anchors, GivenError, read_anchors, read_answers, read_crls, read_tax_codes
from conformance.suite.settings import Options
from conformance.suite.witness import Body, WitnessProblem, allowed, read_list

OBSERVE = "observe:"
MOST_OBSERVED = 7 * 86_400.0
"""Seconds: a week."""


class UsageProblem(ValueError):
    """The run cannot begin because of how it was asked for; bilingual. Exit code 2."""


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


def evidence_folder(options: Options) -> Path:
    """The folder of the run's evidence, a temporary one if none was named.

    Raises:
        UsageProblem: it cannot be written to.
    """
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
            f"the software claims no programme that this pack certifies: programmes = {listed!r:.200}"
        )
    return found


@dataclass(frozen=True, slots=True)
class Given:
    """What the options name files of."""

    anchors: Anchors
    crls: list[bytes]
    answers: list[bytes]
    tax_codes: dict[str, str]


def given_files(options: Options, now: datetime) -> Given:
    """Trust anchors and evidence of a run over files.

    Raises:
        UsageProblem: a file cannot be used for what it was given for.
    """
    try:
        given = Given(
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
