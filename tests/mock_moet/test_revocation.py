"""Revocation: a statement signed by the school's leader, about the newest accepted version, and final."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conformance.pack import Pack, default_pack, load_pack
from conformance.signature.pki import Credential, TestPki
from conformance.signature.sign import Signers, Style, sign_document
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import OTHER_SCHOOL, Client, VirtualClock, statement, transcript

LEADER, DEPUTY, STRANGER = "001174990009", "001174990010", "001174990011"


def digest_of(data: bytes, pack: Pack | None = None) -> str:
    return (pack or default_pack()).header.identifiers.digest(data)


class School:
    """A client with an accepted transcript, and people who can sign about it."""

    def __init__(self, setup: Setup, clock: VirtualClock, pki: TestPki, **settings: Any) -> None:
        self.clock = clock
        self.pki = pki
        self.people = {
            LEADER: pki.person("Đặng Thử Giang", LEADER),
            STRANGER: pki.person("Đặng Thử Giang", STRANGER),
        }
        trust = pki.anchors_pem().decode()
        self.client = setup.client(trustPem=trust, **{"leaders": [LEADER], **settings})
        self.record = str(uuid.uuid4())
        self.data = transcript(self.record)
        self.receipt = self.client.receipt(self.client.submit(self.data))

    def signed(self, by: str = LEADER, **more: Any) -> bytes:
        form = default_pack().revocation
        assert form is not None
        made = statement(self.record, more.pop("digest", digest_of(self.data)), **more)
        people: dict[str, Credential] = {more.get("leader", LEADER): self.people[by]}
        return sign_document(made, form, Signers(people), at=self.clock.now() - timedelta(seconds=30))

    def findings(self, receipt: str) -> set[str]:
        answer = self.client.call("status", receipt)
        return {self.client.said("finding", "code", one) for one in self.client.field("status", "findings", answer)}


@pytest.fixture(scope="module")
def pki() -> TestPki:
    return TestPki(datetime(2025, 6, 1, 8, 0, tzinfo=UTC), default_pack())


@pytest.fixture
def school(setup: Setup, clock: VirtualClock, pki: TestPki) -> School:
    return School(setup, clock, pki)


def test_a_revoked_record_is_final_and_says_so_everywhere(school: School) -> None:
    client, data = school.client, school.signed()
    receipt = client.receipt(client.submit(data, "cancel"))
    assert client.state(receipt) == "accepted"
    assert client.state(school.receipt) == "revoked"
    # the same statement again is the same receipt; another one, an amendment or the record anew is refused
    assert client.receipt(client.submit(data, "cancel")) == receipt
    assert client.error(client.submit(school.signed(reason="khác"), "cancel")) == "record-revoked"
    amended = transcript(school.record, 2, replaces=digest_of(school.data))
    assert client.error(client.submit(amended, "update")) == "record-revoked"
    again = client.submit(school.data)
    assert client.receipt(again) == school.receipt
    assert client.field("receipt", "state", again) == client.pack.messages["states"]["revoked"]
    # the learner may have another record then
    assert client.state(client.receipt(client.submit(transcript()))) == "accepted"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda one: one.signed(digest="0" * 64), "THU_HOI_SAI_BAN"),
        (lambda one: one.signed(reason=" "), "THU_HOI_KHONG_LY_DO"),
        (lambda one: one.signed(STRANGER), "PL1-CTS-003.homonym"),
        (lambda one: one.signed(STRANGER, leader=STRANGER), "PL1-CTS-005.not-a-leader"),
        (lambda one: one.signed().replace("Nhập nhầm".encode(), "Nhập thừa".encode()), "PL1-KY-006.value-changed"),
        (lambda one: statement(one.record, digest_of(one.data)), "PL1-KY-003.missing"),
        (lambda one: one.signed().replace(b"<NgayThuHoi>", b"<LyDo>x</LyDo><NgayThuHoi>"), "PL1-STR-001.element"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_statement_refuses_it_and_revokes_nothing(
    school: School, change: Callable[[School], bytes], code: str
) -> None:
    receipt = school.client.receipt(school.client.submit(change(school), "cancel"))
    assert school.client.state(receipt) == "refused"
    assert code in school.findings(receipt)
    assert school.client.state(school.receipt) == "accepted"
    # a refused one may be sent again, corrected
    assert school.client.state(school.client.receipt(school.client.submit(school.signed(), "cancel"))) == "accepted"


def test_the_revocation_of_an_unknown_ca_is_refused(setup: Setup, clock: VirtualClock, school: School) -> None:
    foreign = School(setup, clock, TestPki(datetime(2025, 6, 1, 8, 0, tzinfo=UTC), default_pack()))
    school.people = foreign.people
    receipt = school.client.receipt(school.client.submit(school.signed(), "cancel"))
    assert school.client.state(receipt) == "refused"
    assert any(code.startswith("PL1-CTS-001.") for code in school.findings(receipt))


def test_without_a_list_only_who_signed_the_transcript_may_revoke(
    setup: Setup, clock: VirtualClock, pki: TestPki
) -> None:
    school = School(setup, clock, pki, leaders=None)
    receipt = school.client.receipt(school.client.submit(school.signed(), "cancel"))
    assert school.client.state(receipt) == "refused"
    assert "THU_HOI_SAI_NGUOI_KY" in school.findings(receipt)


def test_the_door_refuses_what_is_no_statement_or_about_something_else(school: School) -> None:
    client = school.client
    digest = digest_of(school.data)
    assert (
        client.error(client.submit(transcript(school.record), "cancel", record=school.record, version=1))
        == "not-a-statement"
    )
    assert client.error(client.submit(school.signed(), "cancel", version=2)) == "envelope-mismatch"
    assert client.error(client.submit(statement(school.record, digest, 2), "cancel")) == "version-order"
    assert client.error(client.submit(statement(str(uuid.uuid4()), digest), "cancel")) == "record-unknown"
    foreign = statement(school.record, digest, school=OTHER_SCHOOL)
    assert client.error(client.submit(foreign, "cancel")) == "forbidden-school"


def test_a_record_of_another_school_cannot_be_revoked(setup: Setup, school: School) -> None:
    other = Client(school.client.space.client(OTHER_SCHOOL), setup.transport)
    setup.clients.append(other)
    other.authenticate()
    mine = statement(school.record, digest_of(school.data), school=OTHER_SCHOOL)
    assert other.error(other.submit(mine, "cancel")) == "record-unknown"
    assert school.client.state(school.receipt) == "accepted"


def test_the_newest_version_is_revoked_and_older_ones_stay_superseded(school: School) -> None:
    client = school.client
    second = transcript(school.record, 2, replaces=digest_of(school.data))
    newest = client.receipt(client.submit(second, "update"))
    assert client.error(client.submit(school.signed(), "cancel")) == "version-order"
    receipt = client.receipt(client.submit(school.signed(digest=digest_of(second), version=2), "cancel"))
    assert [client.state(one) for one in (receipt, newest, school.receipt)] == ["accepted", "revoked", "superseded"]


def test_a_closed_window_does_not_keep_a_wrong_record_in_force(school: School) -> None:
    school.client.space.control.put(f"/spaces/{school.client.space.space}/window", {"closedYears": [2024]})
    assert school.client.state(school.client.receipt(school.client.submit(school.signed(), "cancel"))) == "accepted"


def test_another_pack_has_its_own_form(setups: Callable[..., Setup], clock: VirtualClock) -> None:
    pack = load_pack(Path(__file__).parents[1] / "packs" / "other")
    form = pack.revocation
    assert form is not None
    own = TestPki(clock.now(), pack)
    setup = setups(pack=pack)
    school = pack.header.reserved.school_code_prefix + "001"
    leader = pack.header.identifiers.national_id_form.format(place="001", sex="1", year="74", serial="990009")
    space = setup.control.open(
        schools=[school], trustPem=own.anchors_pem().decode(), leaders=[leader], acceptUnreserved=True
    )
    client = Client(space, setup.transport, pack)
    setup.clients.append(client)
    client.authenticate()
    record = pack.header.identifiers.record_form.format(uuid=uuid.UUID(int=7), hex=uuid.UUID(int=7).hex.upper())
    data = transcript(record, school=school, year="2024/2025", pack=pack)
    receipt = client.receipt(client.submit(data))
    made = statement(record, digest_of(data, pack), school=school, leader=leader, pack=pack)
    people = {leader: own.person("Đặng Thử Giang", leader)}
    style = Style(digest="sha512", hash="sha384")
    signed = sign_document(made, form, Signers(people), at=clock.now() - timedelta(seconds=30), style=style)
    assert b"<giay-huy" in signed
    revocation = client.receipt(client.submit(signed, "cancel"))
    assert client.state(revocation) == "accepted", client.call("status", revocation).text
    assert client.state(receipt) == "revoked"
