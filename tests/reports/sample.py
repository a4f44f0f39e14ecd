"""A made-up result with passes, failures, warnings and hostile vendor text, computed from the pack's own manifest."""

from __future__ import annotations

from typing import Any

from conformance.events import (
    ExcerptLine,
    Finding,
    ItemResult,
    PlaceData,
    Result,
    RunFinished,
    RunInfo,
    StepData,
)
from conformance.pack import Pack

HOSTILE = '<script>alert(1)</script>\u202e"]]>&amp;\x1b[31m'
DIGEST = "ab" * 32


def run_info(pack: Pack, programmes: tuple[str, ...] = ("THCS", "THPT"), **more: Any) -> RunInfo:
    """A run of the given programmes through the drive door."""
    values: dict[str, Any] = {
        "run_id": "run-1",
        "tool_version": "0.1.0",
        "pack": pack.name,
        "pack_digest": pack.digest,
        "revision": pack.header.revision,
        "door": "drive",
        "target": "http://127.0.0.1:8001",
        "programmes": programmes,
        "seed": 20250820,
        "started": "2026-11-24T08:00:00+07:00",
        "vendor": {
            "vendor": "Công ty Mẫu",
            "product": "Sổ điểm mẫu",
            "version": "3.2",
            "buildHash": "cd" * 32,
            "signingPath": "file",
            "takes": "components",
        },
        "trust": ("ef" * 32,),
    }
    return RunInfo(**{**values, **more})


def clean_items(pack: Pack, programmes: tuple[str, ...] = ("THCS", "THPT"), door: str = "drive") -> list[ItemResult]:
    """One item per programme in which every scored requirement was seen to hold in all of its classes."""
    items = []
    for programme in programmes:
        held: dict[str, dict[str, int]] = {}
        for one in pack.requirements.values():
            if programme in one.programmes and pack.scored(one):
                held[one.id] = dict.fromkeys((*one.classes_for(programme, door), "checked"), 3)
        items.append(ItemResult(id=f"case-{programme}", kind="case", programme=programme, title="Ca cơ sở", held=held))
    return items


def result(pack: Pack, items: list[ItemResult], **more: Any) -> Result:
    """A complete result with a footer that fits."""
    run = run_info(pack, **more)
    footer = RunFinished(
        finished="2026-11-24T08:01:10+07:00",
        items=len(items),
        evidence_digest=DIGEST,
        build_hash_at_end=str(run.vendor.get("buildHash", "")),
    )
    return Result(
        run=run.model_copy(update={"planned": tuple(one.id for one in items)}), items=tuple(items), footer=footer
    )


def failure(requirement: str, cause: str, **more: Any) -> Finding:
    """A root violation."""
    return Finding(requirement=requirement, state="violated", cause=cause, **more)


def failing(pack: Pack) -> Result:
    """Failures on both parts, a warning, a consequence, a blocked row, an item error and hostile texts."""
    items = clean_items(pack)
    mark = failure(
        "PL1-PH-001",
        "issued-incomplete",
        expected="MISSING_SIGNATURE",
        seen=HOSTILE,
        params={"missing": "giáo viên môn Toán (Giàng A Páo)"},
        place=PlaceData(xpath="/HocBa/NoiDung/BangDiem/MonHoc[3]/DiemCaNam", line=41, column=9, offset=3104),
        evidence=DIGEST,
        derivation=(StepData(key="unknown.step", params={"hk1": "7.4", "hk2": "8.1"}),),
        excerpt=tuple(
            ExcerptLine(
                number=39 + n, text=f"      <DiemHocKy{n}>{HOSTILE if n == 3 else '7.4'}</DiemHocKy{n}>", marked=n == 2
            )
            for n in range(5)
        ),
    )
    wire = failure(
        "PL2-GN-004",
        "before-retry-after",
        expected="≥ 2.0 s",
        seen="0.1 s",
        place=PlaceData(pointer="retry-after#4"),
        exchange=(
            {
                "at": "08:00:01.200",
                "operation": "submit",
                "request": {"record": "x"},
                "answer": {"status": 503, "Retry-After": "2"},
                "fault": "status 503",
            },
            {"at": "08:00:01.300", "operation": "submit", "request": {"record": "x"}, "answer": {"status": 202}},
        ),
    )
    same = failure("PL2-GN-003", "new-identifier", expected="9f1c", seen="77aa")
    follows = failure(
        "PL1-PH-004", "submitted-unissued", seen="HTTP 202", consequence_of="PL1-PH-001.issued-incomplete"
    )
    items.append(
        ItemResult(
            id="thcs-ky-thieu-gv",
            kind="case",
            programme="THCS",
            title=f"Thiếu chữ ký {HOSTILE}",
            findings=(mark, mark, mark, follows, Finding(requirement="PL1-PH-006", state="blocked", cause="not-kept")),
            smallest={
                "base": "thcs-base",
                "edits": [{"name": "leave-out-signature", "subject": "TOA"}],
                "case": {
                    "learner": {"name": "H'Hen Niê", "birthDate": "2012-03-04"},
                    "subjects": [{"code": "TOA", "semester1": {"average": "7.4"}, "semester2": {"average": "8.1"}}],
                },
            },
            replay=(
                "hocba",
                "certify",
                "--target",
                "http://127.0.0.1:8001",
                "--token",
                "${HOCBA_TOKEN}",
                "--case",
                "it's $HOME",
            ),
        )
    )
    items.append(
        ItemResult(id="exchange-retry-after", kind="exchange", title="503 với Retry-After", findings=(wire, same))
    )
    return result(pack, items, declined=("revoke", "batch"))
