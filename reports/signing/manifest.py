"""The manifest of a signed result: what the testing body states, and the digests of all that it rests on.

Canonical JSON (keys sorted, no white space, UTF-8, no fractions), so that its bytes say one thing only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import reports
from conformance.events import Result, Witness
from conformance.evidence import EvidenceError, StoredBundle
from conformance.pack import Pack
from conformance.verdict import Baseline, BaselineError, Outcome, Verdict, decide
from reports.stream import ReadingError, read_result
from reports.wording import word

FORMAT = "hocba-signed/1"


class NotSignable(ValueError):
    """The result must not be signed; says why, in Vietnamese and English."""


def canonical(data: Any) -> bytes:
    """Canonical JSON: equal to RFC 8785 for data without fractions."""
    return json.dumps(_plain(data), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def digest_of_file(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file, read in pieces."""
    chain, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            chain.update(piece)
            size += len(piece)
    return chain.hexdigest(), size


def baseline_of(bundle: StoredBundle) -> Baseline:
    """The known failures that a run was given, out of its evidence."""
    for entry in bundle.of("baseline"):
        return Baseline.parse(bundle.read(entry).decode("utf-8", "replace"))
    return Baseline()


def witness_of(result: Result) -> Witness:
    """How the run was witnessed.

    Raises:
        NotSignable: it was not, or did not come to its end.
    """
    if not result.run.witnessed or result.run.witness is None:
        raise NotSignable(
            "kết quả tự công bố không ký được: chỉ ký lần chạy có chứng kiến / a self-declared result cannot be "
            "signed: only a witnessed run can (hocba certify --witness)"
        )
    if result.footer is None or result.footer.interrupted or result.run.selection:
        raise NotSignable("lần chạy chưa hoàn tất / the run was not completed")
    if result.run.witness.build_recorded > result.run.witness.seed_drawn:
        raise NotSignable("hạt giống có trước mã băm bản dựng / the seed is older than the build hash")
    return result.run.witness


def make(
    results: Path,
    report: Path,
    evidence: Path,
    body_list: Path,
    pack: Pack,
    at: datetime,
    spot: Path | None = None,
) -> bytes:
    """The manifest's bytes for a result, after everything was looked at that can be looked at.

    ``spot``: the result of a spot check of the same build through the observe door, if one was made.

    Raises:
        NotSignable: self-declared, incomplete, altered, judged otherwise than the pack decides, or not of this body.
    """
    try:
        result = read_result(results)
        bundle = StoredBundle(evidence)
        for entry in bundle.entries:
            bundle.read(entry)
        known = baseline_of(bundle)
    except (ReadingError, EvidenceError, BaselineError, OSError) as error:
        raise NotSignable(str(error)) from error
    witness = witness_of(result)
    footer = result.footer
    assert footer is not None  # witness_of saw to it
    if footer.evidence_digest != bundle.footer["digest"]:
        raise NotSignable(f"{evidence}: chứng cứ của lần chạy khác / the evidence of another run")
    listed = _read(body_list)
    if hashlib.sha256(listed).hexdigest() != witness.list_digest:
        raise NotSignable(f"{body_list}: không phải danh sách của lần chạy / not the list of the run")
    at_revision = pack.at(result.run.revision) if result.run.revision in pack.header.revisions else pack
    verdict = decide(at_revision, result, baseline=known)
    if result.verdict != verdict.to_json():
        raise NotSignable(f"{results}: kết luận ghi trong tệp khác kết luận tính lại / not the verdict that follows")
    if "other-pack" in verdict.reasons:
        raise NotSignable(f"bộ đặc tả khác với lần chạy / not the pack of the run: {pack.name}")
    shown = _read(report)
    if not any(shown == reports.html(result, at_revision, language).encode() for language in ("vi", "en")):
        raise NotSignable(f"{report}: không phải báo cáo của kết quả này / not the report of this result")
    index, _ = digest_of_file(evidence / "index.ndjson")
    files = {"results": results, "report": report, **({"spotCheck": spot} if spot else {})}
    described = {}
    for role, path in files.items():
        digest, size = digest_of_file(path)
        described[role] = {"name": path.name, "sha256": digest, "size": size}
    manifest = {
        "format": FORMAT,
        "signedAt": at.isoformat(timespec="seconds"),
        "statement": statement(result, verdict, at_revision, witness, at.date(), spot_check(spot, result, at_revision)),
        "files": described,
        "evidence": {"index": index, "digest": bundle.footer["digest"], "entries": len(bundle.entries)},
    }
    return canonical(manifest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotSignable(f"{path}: không đọc được / cannot be read: {error.strerror or error}") from error


def spot_check(path: Path | None, result: Result, pack: Pack) -> dict[str, Any] | None:
    """What a spot check through the observe door showed: software in ordinary use, entered by an operator.

    Raises:
        NotSignable: not a whole run through that door by the same pack after the witnessed one began, or it failed.
    """
    if path is None:
        return None
    try:
        seen = read_result(path)
    except ReadingError as error:
        raise NotSignable(str(error)) from error
    if seen.run.door != "observe" or seen.run.pack_digest != result.run.pack_digest:
        raise NotSignable(
            f"{path}: không phải lần quan sát theo cùng bộ đặc tả / not a run through the observe door by the same pack"
        )
    if seen.run.started < result.run.started or not seen.items:
        raise NotSignable(f"{path}: có trước lần chạy, hoặc không thấy gì / older than the run, or nothing was seen")
    verdict = decide(pack, seen)
    if verdict.failed():
        raise NotSignable(f"{path}: đối chứng không đạt / the spot check failed: {', '.join(verdict.failed())}")
    shown = sorted({one.requirement for one in verdict.outcomes if one.outcome is Outcome.PASS})
    return {"run": seen.run.run_id, "started": seen.run.started, "items": len(seen.items), "shown": shown}


def statement(
    result: Result, verdict: Verdict, pack: Pack, witness: Witness, on: date, spot: dict[str, Any] | None
) -> dict[str, Any]:
    """What the body states: the fields of a certificate (verdict.md)."""
    run, footer = result.run, result.footer
    software = {key: run.vendor.get(key) for key in ("vendor", "product", "version", "signingPath", "takes")}
    return {
        "body": {"name": witness.body, "id": witness.body_id, "list": witness.list_digest},
        "software": {
            **software,
            "buildHash": witness.build_hash,
            "buildHashAtEnd": footer.build_hash_at_end if footer else "",
            "declined": list(run.declined),
        },
        "text": {
            "pack": pack.name,
            "sha256": run.pack_digest,
            "revision": verdict.revision,
            "title": {"vi": pack.header.title.of("vi"), "en": pack.header.title.of("en")},
            "notCovered": list(pack.header.later_texts),
            "requirements": {"scored": verdict.scored, "total": verdict.total},
        },
        "verdict": [
            {
                key: getattr(line, key)
                for key in ("programme", "part", "line", "verdict", "passed", "scored", "counts", "blockers", "reasons")
            }
            for line in verdict.lines
        ],
        "exitCode": verdict.exit_code,
        "run": {
            "id": run.run_id,
            "tool": run.tool_version,
            "door": run.door,
            "target": run.target,
            "tlsFingerprint": run.tls or None,
            "trust": list(run.trust),
            "seed": run.seed,
            "buildRecorded": witness.build_recorded,
            "seedDrawn": witness.seed_drawn,
            "isolated": witness.isolated,
            "plugins": list(witness.plugins),
            "spotCheck": spot,
            "options": run.options,
            "environment": run.environment,
            "started": run.started,
            "finished": footer.finished if footer else "",
            "items": len(result.items),
        },
        "decisionRule": {language: word("s.rule", language) for language in ("vi", "en")},
        "validity": {
            "from": on.isoformat(),
            "until": (on + timedelta(days=witness.validity_days)).isoformat(),
            "ends": {language: word("s.validity", language) for language in ("vi", "en")},
        },
        "notTheMinistry": {language: word("s.nobody", language) for language in ("vi", "en")},
    }
