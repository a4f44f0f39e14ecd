"""Runs of made-up vendors for the console to show: accepted, refused, edited after signing, hostile."""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import httpx
from lxml import html

from conformance.document import write
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Signers, sign_document
from mock_moet.console import PREFIX
from mock_moet.ministry import Settings
from mock_moet.server import Running
from tests.builders import LEADER, NOW, subject, valid_values
from tests.mock_moet.helpers import CONTROL, Client, Control, Space, statement

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


def revoked(vendor: Vendor, number: int) -> str:
    """A transcript that is accepted and revoked; the receipt of the statement."""
    record, data = signed(_other(number))
    vendor.send(data)
    pack = default_pack()
    form = pack.revocation
    assert form is not None
    digest = pack.header.identifiers.digest(data)
    made = statement(record, digest, school="9901000001", leader=LEADER[1], reason="Nhập nhầm <em>học sinh</em>")
    people = {LEADER[1]: _pki().person("Đặng Thử Giang", LEADER[1])}
    signed_statement = sign_document(made, form, Signers(people), at=NOW)
    return vendor.client.receipt(vendor.client.submit(signed_statement, "cancel"))


def hostile(vendor: Vendor) -> str:
    """A transcript of a pupil called :data:`HOSTILE`; its receipt."""
    return vendor.send(signed(_hostile)[1])


class Clock:
    """Real time that began a minute after the documents were signed."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        return NOW + timedelta(minutes=1, seconds=time.monotonic() - self._began)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def async_sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Bench:
    """A running service with the runs of two vendors, and what they have sent by name."""

    running: Running
    control: Control
    first: Vendor
    second: Vendor
    receipts: dict[str, str]
    opened: list[httpx.Client] = field(default_factory=list)

    def close(self) -> None:
        """End the service and all connections to it."""
        for one in self.opened:
            one.close()
        self.running.close()

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.running.control_url + PREFIX

    def vendor(self, label: str, **more: Any) -> Vendor:
        """A vendor with a run of its own."""
        space = self.control.open(**{**settings(label), **more})
        client = Client(space)
        self.opened.append(client.http)
        client.http.timeout = httpx.Timeout(60)
        client.authenticate()
        return Vendor(space, client)

    def run(self, vendor: Vendor | None = None) -> str:
        """Address of a run's pages."""
        return f"{PREFIX}/runs/{(vendor or self.first).space.space}"

    def submission(self, name: str) -> str:
        """Address of the page of a submission of the first vendor."""
        return f"{self.run()}/submissions/{self.receipts[name]}"

    def stranger(self) -> Desk:
        """A browser without script that has not signed in."""
        self.opened.append(httpx.Client(base_url=self.running.control_url, trust_env=False, timeout=60))
        return Desk(self.opened[-1])

    def browser(self) -> Desk:
        """A browser without script, signed in."""
        desk = self.stranger()
        assert desk.get(self.running.console_url().removeprefix(self.running.control_url)).status_code == 303
        return desk


@dataclass
class Desk:
    """A browser without script: pages are got, forms are sent with the token that the page holds."""

    http: httpx.Client

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def page(self, path: str) -> Any:
        """A page's tree."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        return html.document_fromstring(answer.text)

    def send(self, path: str, at: str = "", **fields: str) -> httpx.Response:
        """Send a form to ``path`` with the token of the page ``at``."""
        token = self.page(at or f"{PREFIX}/").xpath("string(//input[@name='csrf']/@value)")
        return self.http.post(path, data={"csrf": token, **fields})


def text(tree: Any) -> str:
    """All words of a page."""
    return " ".join(tree.text_content().split())


def start() -> Bench:
    """The service with its runs."""
    running = Running.start(Settings(control_token=CONTROL, judging="inline", clock=Clock()))
    http = httpx.Client(
        base_url=running.control_url, headers={"Authorization": f"Bearer {CONTROL}"}, trust_env=False, timeout=60
    )
    bench = Bench(running, Control(http), None, None, {}, [http])  # type: ignore[arg-type]  # filled right below
    bench.first = first = bench.vendor("Công ty Sổ điểm Mẫu – Học bạ 3.2")
    bench.second = second = bench.vendor(HOSTILE[:200])
    bench.receipts = {
        "good": good(first, 1),
        "wrong": wrong(first, 2),
        "tampered": tampered(first, 3),
        "hostile": hostile(first),
    }
    first.space.faults({"kind": "status", "operation": "submit", "times": 2, "retryAfter": 2, "name": "Hai lần 503"})
    again = signed(_other(4))[1]
    for _ in range(3):
        first.client.submit(again)
    first.space.faults({"kind": "garbage", "operation": "health", "times": 3})
    first.client.call("health", headers={"User-Agent": "phần mềm <script>alert(2)</script>".encode()})
    for receipt in bench.receipts.values():
        first.client.state(receipt)
    good(second, 5)
    wrong(second, 6)
    wrong(second, 7)
    return bench
