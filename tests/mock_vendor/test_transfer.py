"""Transfer and admission between two schools' software through the Ministry (dispatch 1đ), end to end in process."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from conformance.cases import Roster, build_roster, frozen_cases, realise
from conformance.pack import Pack
from conformance.signature.pki import TestPki
from mock_moet.api import create_service
from mock_moet.control import create_control
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from mock_vendor.app import PREFIX, create_app
from mock_vendor.settings import VendorSettings
from tests.mock_moet.helpers import VirtualClock

CONTROL, TOKEN = "control", "vendor"
REASON = "Sửa nhận xét theo biên bản"


class School:
    """One school's software in a session, with credentials of its own."""

    def __init__(
        self, pack: Pack, clock: VirtualClock, service: InProcessTransport, session: dict[str, Any], roster: Roster
    ) -> None:
        self.roster = roster
        settings = VendorSettings(pack, TOKEN, clock=clock, transport=service, background=False)
        self.app = create_app(settings)
        self.transport = InProcessTransport(self.app)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(transport=self.transport, base_url=f"http://127.0.0.1:1{PREFIX}", headers=headers)
        self.clock, self.pack = clock, pack
        assert self.http.put("/session", json=session).status_code == 200
        assert self.http.put("/roster", json=roster.data).status_code == 200

    def close(self) -> None:
        self.http.close()
        self.transport.close()
        self.app.state.close()

    def issued(self, id_: str) -> None:
        """Sign what is lacking, and issue."""
        case = self.case()
        for one in case.signings(self.roster):
            assert self.http.post(f"/transcripts/{id_}/signatures", json={"signatures": [one]}).status_code == 200
        assert self.http.post(f"/transcripts/{id_}/issue").status_code == 200

    def case(self) -> Any:
        frozen = next(one for one in frozen_cases(self.pack, "THCS") if one.id == "thcs-plain")
        return realise(frozen, self.roster, "11", "components")

    def settled(self, id_: str, *states: str) -> dict[str, Any]:
        """Tick until one of the states is shown."""
        for _ in range(40):
            self.http.post("/tick")
            state: dict[str, Any] = self.http.get(f"/transcripts/{id_}").json()
            if state["state"] in states:
                return state
            self.clock.sleep(1.0)
        raise AssertionError(state)

    def delivered(self) -> str:
        """A transcript that the Ministry has accepted."""
        id_ = str(self.http.post("/transcripts", json=self.case().data).json()["id"])
        self.issued(id_)
        assert self.http.post(f"/transcripts/{id_}/submission").status_code == 202
        self.settled(id_, "delivered")
        return id_

    def authorise(self, id_: str, receiver: str, purpose: str = "upper-secondary") -> httpx.Response:
        return self.http.post(f"/transcripts/{id_}/authorisation", json={"purpose": purpose, "receiver": receiver})

    def receive(self, code: str, **more: str) -> httpx.Response:
        return self.http.post("/imports", json={"authorisation": code, **more})


class Country:
    """A Ministry, a lower secondary school that sends and an upper secondary one that receives."""

    def __init__(self, pack: Pack) -> None:
        self.clock = VirtualClock()
        roster = build_roster(pack, ["THCS", "THPT"], "11", 2024)
        pki = TestPki(self.clock.now(), pack)
        self.ministry = Ministry(Settings(pack=pack, clock=self.clock, control_token=CONTROL, judging="inline"))
        self.service = InProcessTransport(create_service(self.ministry), self.clock)
        self.door = InProcessTransport(create_control(self.ministry), self.clock)
        control = httpx.Client(
            transport=self.door, base_url="http://127.0.0.1", headers={"Authorization": f"Bearer {CONTROL}"}
        )
        codes = [str(one["code"]) for one in roster.data["schools"]]
        self.holder, self.receiver = codes
        signers, leaders = [], []
        for one in roster.signers():
            if one["role"] == "seal":
                credential = pki.organisation(one["name"], school=one["schoolCode"])
            else:
                credential = pki.person(one["name"], national_id=one.get("nationalId"), passport=one.get("passport"))
            packed = base64.b64encode(credential.pkcs12("pw")).decode()
            shown = {name: one[name] for name in ("id", "role", "name") if one.get(name)}
            signers.append({**shown, "pkcs12": packed, "password": "pw"})
            leaders += [one["nationalId"]] if one["role"] == "leader" else []
        anchors = pki.anchors_pem().decode()
        opened = control.post("/spaces", json={"schools": [self.holder], "trustPem": anchors, "leaders": leaders})
        space = opened.json()
        self.space = str(space["space"])
        other = control.post(f"/spaces/{space['space']}/clients", json={"schools": [self.receiver]}).json()
        crls = [base64.b64encode(one).decode() for one in pki.crls()]

        def session(client: dict[str, Any]) -> dict[str, Any]:
            ministry = {"baseUrl": space["baseUrl"], "tokenUrl": space["tokenUrl"]}
            ministry |= {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
            trust = {"anchorsPem": anchors, "crls": crls}
            return {"runId": "r", "ministry": ministry, "signers": signers, "trust": trust}

        self.sending = School(pack, self.clock, self.service, session(space), roster)
        self.receiving = School(pack, self.clock, self.service, session(other), roster)
        control.close()

    def close(self) -> None:
        self.sending.close()
        self.receiving.close()
        self.service.close()
        self.door.close()
        self.ministry.close()


@pytest.fixture
def country(pack: Pack) -> Iterator[Country]:
    made = Country(pack)
    yield made
    made.close()


def reasons(answer: httpx.Response) -> list[str]:
    return [one["code"] for one in answer.json()["reasons"]]


def test_a_pupil_is_admitted_with_what_was_signed(country: Country) -> None:
    id_ = country.sending.delivered()
    given = country.sending.authorise(id_, country.receiver)
    assert given.status_code == 201
    code = given.json()["authorisation"]
    answer = country.receiving.receive(code, purpose="upper-secondary")
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["transcripts"]
    case = country.sending.case().data
    assert one["learner"]["name"] == case["learner"]["name"]
    assert one["learner"]["birthDate"] == case["learner"]["birthDate"]
    assert [row["code"] for row in one["subjects"]] == [row["code"] for row in case["subjects"]]
    assert [row.get("comment", "") for row in one["subjects"]] == [row.get("comment", "") for row in case["subjects"]]
    assert one["conduct"]["semester1"] == case["conduct"]["semester1"]
    shown = country.sending.http.get(f"/transcripts/{id_}").json()
    assert (one["recordId"], one["version"], one["digest"]) == (shown["recordId"], 1, shown["digest"])
    # a lost answer may be asked for again, a used code not
    assert country.receiving.receive(code).status_code == 200
    country.clock.sleep(3600)
    assert reasons(country.receiving.receive(code)) == ["AUTH_USED"]


def test_whose_and_what_for_an_authorisation_is(country: Country) -> None:
    id_ = country.sending.delivered()
    for_itself = country.sending.authorise(id_, country.holder).json()["authorisation"]
    assert reasons(country.receiving.receive(for_itself)) == ["AUTH_FOREIGN"]
    transfer = country.sending.authorise(id_, country.receiver, "transfer").json()["authorisation"]
    assert reasons(country.receiving.receive(transfer, purpose="graduation")) == ["AUTH_PURPOSE"]
    assert reasons(country.receiving.receive("no-such-code")) == ["NOT_FOUND"]
    past = {"purpose": "transfer", "receiver": country.receiver, "expires": "2020-01-01T00:00:00+07:00"}
    answer = country.sending.http.post(f"/transcripts/{id_}/authorisation", json=past)
    assert reasons(answer) == ["OUT_OF_RANGE"]
    assert country.receiving.receive(transfer, purpose="transfer").status_code == 200


def test_an_amendment_is_what_is_received_then_and_nothing_after_a_revocation(country: Country) -> None:
    school = country.sending
    id_ = school.delivered()
    subject = school.case().data["subjects"][0]["code"]
    change = {"reason": REASON, "changes": {"subjects": {subject: {"comment": "Tiến bộ rõ."}}}}
    assert school.http.post(f"/transcripts/{id_}/amendment", json=change).status_code == 200
    school.issued(id_)
    assert school.http.post(f"/transcripts/{id_}/submission").status_code == 202
    assert school.settled(id_, "delivered", "refused")["state"] == "delivered"
    code = school.authorise(id_, country.receiver).json()["authorisation"]
    (one,) = country.receiving.receive(code).json()["transcripts"]
    assert one["version"] == 2
    assert one["subjects"][0]["comment"] == "Tiến bộ rõ."

    assert school.http.post(f"/transcripts/{id_}/revocation", json={"reason": "Cấp nhầm"}).status_code == 202
    state = school.settled(id_, "revoked", "refused")
    assert (state["state"], state["revocation"]["reason"]) == ("revoked", "Cấp nhầm")
    for answer in (
        school.http.post(f"/transcripts/{id_}/amendment", json=change),
        school.http.post(f"/transcripts/{id_}/submission"),
        school.http.post(f"/transcripts/{id_}/revocation", json={"reason": "Nữa"}),
        school.http.get(f"/transcripts/{id_}/rendition"),
        school.authorise(id_, country.receiver),
    ):
        assert (answer.status_code, reasons(answer)) == (409, ["REVOKED_RECORD"])
    (record,) = school.http.get("/records").json()["records"]
    assert (record["recordId"], record["state"]) == (state["recordId"], "revoked")
    assert country.receiving.http.get("/records").json() == {"records": []}


def test_code_lists_are_refreshed_conditionally(country: Country) -> None:
    for _ in range(2):
        assert country.sending.http.post("/code-lists").status_code == 200
    entries, _ = country.ministry.corner(country.space).journal.after(0)
    asked = [one for one in entries if one["operation"] == "code-lists"]
    statuses = [one["answer"]["status"] for one in asked]
    assert statuses == [200] * (len(asked) // 2) + [304] * (len(asked) // 2)
    # what stands in no list of the Ministry's is not taken any more
    case = country.sending.case().data
    assert country.sending.http.post("/transcripts", json=case).status_code == 201
    lists = country.sending.app.state.office._lists
    lists["ethnicities"].entries[:] = [{**one, "valid-to": "2020-01-01"} for one in lists["ethnicities"].entries]
    answer = country.sending.http.post("/transcripts", json=case)
    assert (answer.status_code, answer.json()["reasons"][0]["field"]) == (422, "/learner/ethnicity/code")


def test_several_transcripts_go_in_one_call(country: Country) -> None:
    school = country.sending
    ids = []
    for number in range(3):
        case = school.case().data
        learner = {**case["learner"], "code": f"990000010{number}", "nationalId": f"00121399010{number}"}
        ids.append(str(school.http.post("/transcripts", json={**case, "learner": learner}).json()["id"]))
        school.issued(ids[-1])
    unknown = school.http.post("/submissions", json={"transcripts": [*ids, "nobody"]})
    assert (unknown.status_code, unknown.json()["reasons"][0]["field"]) == (409, "/transcripts/3")
    assert school.http.post("/submissions", json={"transcripts": ids}).status_code == 202
    assert {school.settled(one, "delivered", "refused")["state"] for one in ids} == {"delivered"}
    assert len(school.http.get("/records").json()["records"]) == 3
