"""Signed transcripts for measuring: RSA-2048 for everybody, one class of one school, made anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from conformance.checking import Plan
from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, Style, sign_document
from tests.builders import LEADER, NOW, valid_values

PACK = default_pack()


def documents(number: int) -> tuple[list[bytes], Plan]:
    """So many transcripts, half of each level, and the plan to judge them by: trust, revocation lists, leaders."""
    pki = TestPki(NOW)
    found: list[bytes] = []
    for programme in ("THCS", "THPT"):
        values = valid_values(programme)
        signers = Signers.of(write(values, PACK), PACK, pki, key="rsa2048")
        for at in range((number + 1) // 2):
            values["learner"]["code"] = f"99000{at:05}"
            found.append(sign_document(write(values, PACK), PACK, signers, at=NOW, style=Style()))
    plan = Plan(
        pack=str(PACK.folder),
        judged_at=NOW + timedelta(minutes=1),
        anchors=pki.anchors_pem(),
        crls=tuple(pki.crls()),
        leaders=(LEADER[1],),
    )
    return found[:number], plan


def files(data: Sequence[bytes], folder: Path) -> list[Path]:
    """The documents as files, for programs of other people."""
    paths = [folder / f"{at:04}.xml" for at in range(len(data))]
    for path, one in zip(paths, data, strict=True):
        path.write_bytes(one)
    return paths
