"""Runs of made-up vendors for the console to show: accepted, refused, edited after signing, hostile."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, sign_document
from tests.builders import LEADER, NOW, subject, valid_values
from tests.mock_moet.helpers import Client, Space

HOSTILE = '<script>alert(1)</script>\u202e"]]>&amp;<b onclick=x>' + "Ẩ" * 3000
"""A pupil's name as a malicious vendor would have it: markup, a bidi control, without end."""
_CRL = "-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n"


@cache
def _pki() -> TestPki:
    return TestPki(NOW)


def _crls() -> str:
    return "".join(_CRL.format(base64.encodebytes(one).decode().strip()) for one in _pki().crls())


def signed(change: Callable[[dict[str, Any]], None] | None = None) -> tuple[str, bytes]:
    """A signed transcript of a record of its own; the record and the bytes."""
    values = valid_values()
    values["record"]["id"] = record = str(uuid.uuid4())
    if change is not None:
        change(values)
    pack = default_pack()
    unsigned = write(values, pack)
    return record, sign_document(unsigned, pack, Signers.of(unsigned, pack, _pki()), at=NOW)


@dataclass
class Vendor:
    """A vendor's run and its client."""

    space: Space
    client: Client

    def send(self, data: bytes) -> str:
        """Submit; the receipt."""
        return self.client.receipt(self.client.submit(data))


def settings(label: str) -> dict[str, Any]:
    """What a run is opened with."""
    return {
        "schools": ["9901000001"],
        "label": label,
        "trustPem": _pki().anchors_pem().decode(),
        "crlsPem": _crls(),
        "leaders": [LEADER[1]],
    }


def _wrong_mark(values: dict[str, Any]) -> None:
    subject(values, "TOA")["year"] = "9.9"


def _hostile(values: dict[str, Any]) -> None:
    values["learner"]["name"] = HOSTILE
    values["learner"]["national_id"] = "001213990077"


def _other(number: int) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        values["learner"]["national_id"] = f"0012139901{number:02}"
        values["learner"]["code"] = f"99000001{number:02}"

    return change


def good(vendor: Vendor, number: int) -> str:
    """A transcript that is accepted; its receipt."""
    return vendor.send(signed(_other(number))[1])


def wrong(vendor: Vendor, number: int) -> str:
    """A transcript whose year mark does not follow from its semesters; its receipt."""

    def change(values: dict[str, Any]) -> None:
        _other(number)(values)
        _wrong_mark(values)

    return vendor.send(signed(change)[1])


def tampered(vendor: Vendor, number: int) -> str:
    """A transcript edited after signing; its receipt."""
    _, data = signed(_other(number))
    edited = data.replace(b"<DiemHocKy1>8<", b"<DiemHocKy1>9<", 1)
    assert edited != data
    return vendor.send(edited)


def hostile(vendor: Vendor) -> str:
    """A transcript of a pupil called :data:`HOSTILE`; its receipt."""
    return vendor.send(signed(_hostile)[1])
