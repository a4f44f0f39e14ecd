"""Signed transcripts for measuring: RSA-2048 for everybody, the learners of a school, each with marks of his own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from conformance.checking import Plan
from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, Style, sign_document
from tests.builders import NOW
from tests.cases import issued

PACK = default_pack()


def documents(number: int) -> tuple[list[bytes], Plan]:
    """So many transcripts, half of each level, and the plan to judge them by: trust, revocation lists, leaders.

    The same teachers sign for all learners of a level, as they do in a school; nothing else is the same twice.
    """
    pki = TestPki(NOW)
    found: list[bytes] = []
    leaders: set[str] = set()
    for programme in ("THCS", "THPT"):
        school = Signers({})
        for case in issued.realised(programme, 1, "averages")[: (number + 1) // 2]:
            values = _shared(issued.contents(case, PACK))
            unsigned = write(values, PACK)
            if not {*_signers(values)} <= {*school.people}:
                named = Signers.of(unsigned, PACK, pki, key="rsa2048")
                school = Signers({**named.people, **school.people}, school.seal or named.seal)
            leaders.add(values["issue"]["leader"]["national_id"])
            found.append(sign_document(unsigned, PACK, school, at=NOW, style=Style()))
    plan = Plan(
        pack=str(PACK.folder),
        judged_at=NOW + timedelta(minutes=1),
        anchors=pki.anchors_pem(),
        crls=tuple(pki.crls()),
        leaders=tuple(sorted(leaders)),
    )
    return found[:number], plan


_SHARED = 3
"""Subjects that two teachers share, as natural sciences or arts are: with the seal's there are 18 signatures then."""


def _shared(values: dict[str, Any]) -> dict[str, Any]:
    """The same contents, where some subjects are also taught by the teacher of the next one."""
    subjects = values["subjects"]
    for subject, following in pairwise(subjects[: _SHARED + 1]):
        subject["teachers"] = [*subject["teachers"], following["teachers"][0]]
    return values


def _signers(values: dict[str, Any]) -> Iterator[str]:
    """Identifiers of everybody who signs."""
    for subject in values["subjects"]:
        for teacher in subject["teachers"]:
            yield teacher["national_id"] or teacher["passport"]
    yield values["summary"]["homeroom_teacher"]["national_id"]
    yield values["issue"]["leader"]["national_id"]


def files(data: Sequence[bytes], folder: Path) -> list[Path]:
    """The documents as files, for programs of other people."""
    paths = [folder / f"{at:04}.xml" for at in range(len(data))]
    for path, one in zip(paths, data, strict=True):
        path.write_bytes(one)
    return paths
