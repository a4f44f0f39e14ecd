"""Receiving software over the golden corpus: sound documents are taken, spoilt ones refused for their reason."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.pack import Pack
from mock_vendor.habits import Habits
from mock_vendor.reasons import Refused
from mock_vendor.settings import SystemClock
from mock_vendor.trusting import Trust

CORPUS = Path(__file__).parents[2] / "fixtures"
CRLS = ("crl-persons.crl", "crl-organisations.crl", "crl-root.crl")
VALID = ("small", "foreigner", "foreign-teacher", "rsa-pss", "sha3-p384", "key-value", "with-chain", "line-ends")
WARNED = ("PL1-KY-004.missing", "PL1-KY-010.pkcs1v15", "PL1-KY-011.plain", "PL1-KY-016.leaf-not-first")
"""With findings that do not make them unusable."""
REFUSED = {
    "PL1-DOC-002.doctype/bomb": "INVALID_DOCUMENT",
    "PL1-DOC-003.comment": "INVALID_DOCUMENT",
    "PL1-DOC-005.not-nfc": "INVALID_DOCUMENT",
    "PL1-STR-001.element/order": "INVALID_DOCUMENT",
    "PL1-STR-001.other-form/invoice": "INVALID_DOCUMENT",
    "PL1-STR-002.duplicate": "WRAPPED",
    "PL1-KY-008.signed-in-object": "WRAPPED",
    "PL1-KY-006.value-changed/mark": "BAD_DIGEST",
    "PL1-KY-006.reindented": "BAD_SIGNATURE",
    "PL1-KY-006.lifted": "BAD_DIGEST",
    "PL1-KY-007.xslt": "BAD_SIGNATURE",
    "PL1-KY-007.external-uri/file": "INVALID_DOCUMENT",
    "PL1-KY-009.sha-1": "BAD_SIGNATURE",
    "PL1-KY-009.rsa-too-short": "BAD_SIGNATURE",
    "PL1-KY-001.missing": "MISSING_SIGNATURE",
    "PL1-KY-002.missing": "MISSING_SIGNATURE",
    "PL1-KY-003.missing": "MISSING_SIGNATURE",
    "PL1-KY-003.title": "SIGNER_MISMATCH",
    "PL1-KY-012.after-validity": "EXPIRED_CERT",
    "PL1-CTS-001.self-signed": "UNTRUSTED",
    "PL1-CTS-001.bad-issuer-signature/foreign": "UNTRUSTED",
    "PL1-CTS-001.key-usage": "UNTRUSTED",
    "PL1-CTS-001.path-length": "UNTRUSTED",
    "PL1-CTS-002.revoked/teacher": "REVOKED_CERT",
    "PL1-CTS-003.other-person": "SIGNER_MISMATCH",
    "PL1-CTS-005.seal-of-other-school": "SIGNER_MISMATCH",
    "PL1-CTS-006.shared-key": "SIGNER_MISMATCH",
}


@pytest.fixture(scope="module")
def habits(pack: Pack) -> Habits:
    return Habits(pack, SystemClock())


@pytest.fixture(scope="module")
def trust() -> Trust:
    crls = [base64.b64encode((CORPUS / "trust" / name).read_bytes()).decode() for name in CRLS]
    return Trust.of({"trust": {"anchorsPem": (CORPUS / "trust" / "ca.pem").read_text("utf-8"), "crls": crls}})


@pytest.fixture(scope="module")
def corpus() -> dict[str, tuple[bytes, datetime]]:
    found = {}
    for path in (CORPUS / "documents").rglob("*.json"):
        row: Any = json.loads(path.read_text("utf-8"))
        if isinstance(row, dict) and row.get("id") in {*VALID, *WARNED, *REFUSED}:
            when = datetime.fromisoformat(row.get("judgedAt") or "2026-06-15T10:00:00+07:00")
            found[row["id"]] = path.with_name(row["document"]).read_bytes(), when
    return found


@pytest.mark.parametrize("name", [*VALID, *WARNED])
def test_the_sound_is_taken(
    name: str, habits: Habits, trust: Trust, corpus: dict[str, tuple[bytes, datetime]], pack: Pack
) -> None:
    data, when = corpus[name]
    reasons, content = habits.verified(data, trust, when)
    assert reasons == []
    assert content is not None
    found = habits.imported(content)
    assert found["recordId"].encode() in data
    assert found["learner"]["name"].encode() in data
    assert all(one["teachers"] for one in found["subjects"])
    schema = {"$ref": "#/components/schemas/ImportedTranscript", "components": pack.test_interface["components"]}
    Draft202012Validator(schema).validate({**found, "digest": "0" * 64})


@pytest.mark.parametrize("name", REFUSED)
def test_the_spoilt_is_refused_for_its_reason(
    name: str, habits: Habits, trust: Trust, corpus: dict[str, tuple[bytes, datetime]]
) -> None:
    data, when = corpus[name]
    reasons, content = habits.verified(data, trust, when)
    assert content is None
    assert reasons[0].code == REFUSED[name]


def test_marks_are_read_as_they_were_signed(
    habits: Habits, trust: Trust, corpus: dict[str, tuple[bytes, datetime]]
) -> None:
    _, content = habits.verified(*corpus["small"][:1], trust, corpus["small"][1])
    assert content is not None
    found = habits.imported(content)
    assert found["schoolYear"].count("-") == 1
    assert {one["code"] for one in found["subjects"]} == {"NVA", "TOA", "TIN", "GDP"}
    assert found["conduct"]["year"] in ("good", "fair", "satisfactory", "unsatisfactory")


def test_without_anchors_nothing_is_believed() -> None:
    with pytest.raises(Refused, match="UNTRUSTED"):
        Trust.of({})
