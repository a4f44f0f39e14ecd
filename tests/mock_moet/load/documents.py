"""Signed transcripts for the load, made at run time."""

from __future__ import annotations

import multiprocessing
import uuid
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, Style, sign_document
from tests.builders import NOW, valid_values


@dataclass(frozen=True)
class Files:
    """Documents, and what they are judged by (PEM)."""

    documents: list[bytes]
    anchors: bytes
    crls: list[bytes]
    """DER."""

    @classmethod
    def make(cls, number: int) -> Files:
        """So many, each of another learner, signed by the same persons."""
        pack, pki = default_pack(), TestPki(NOW)
        signers = Signers.of(write(valid_values("THCS"), pack), pack, pki)
        # a fork has the keys
        with ProcessPoolExecutor(2, multiprocessing.get_context("fork"), _keep, (signers,)) as pool:
            return cls(list(pool.map(_signed, range(number), chunksize=10)), pki.anchors_pem(), list(pki.crls()))


_signers: list[Signers] = []


def _keep(signers: Signers) -> None:
    _signers.append(signers)


def _signed(at: int) -> bytes:
    pack, values = default_pack(), valid_values("THCS")
    values["record"]["id"] = str(uuid.UUID(int=at + 1))
    values["learner"]["code"] = f"99000{at:05}"
    known = str(values["learner"]["national_id"])
    values["learner"]["national_id"] = f"{known[:6]}{990000 + at}"
    return sign_document(write(values, pack), pack, _signers[0], at=NOW, style=Style())
