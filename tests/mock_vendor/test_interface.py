"""The test interface: entering, signing, issuing, editing, amending."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from conformance.cases import negative_inputs
from conformance.pack import Pack
from tests.mock_vendor.conftest import Desk

Desks = Callable[..., Desk]


def reasons(answer: Any) -> list[dict[str, str]]:
    return list(answer.json()["reasons"])


def test_description_follows_its_schema(desk: Desk) -> None:
    said = desk.http.get("/").json()
    assert desk.app.state.office.habits.malformed("Description", said) == []
    assert {"create", "sign", "refuse-to-issue", "issue", "store", "submit", "follow-up", "amend"} <= set(
        said["capabilities"]
    )


def test_token_is_asked_for(desk: Desk) -> None:
    assert desk.http.get("/", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_calls_not_offered_say_so(desks: Desks) -> None:
    answer = desks(ticks=False).http.post("/tick")
    assert (answer.status_code, reasons(answer)[0]["code"]) == (404, "NOT_OFFERED")


def test_unreadable_body_is_refused_in_the_interfaces_form(desk: Desk) -> None:
    answer = desk.http.post("/transcripts", content=b"{")
    assert (answer.status_code, reasons(answer)[0]["code"]) == (422, "INVALID_FIELD")


def test_impossible_input_names_the_field(desk: Desk, pack: Pack) -> None:
    case = desk.case("thcs-plain")
    for name, data, pointer in negative_inputs(pack, "THCS", case):
        answer = desk.http.post("/transcripts", json=data)
        assert answer.status_code == 422, name
        assert pointer in [one["field"] for one in reasons(answer)], name
    desk.create(case)


def test_two_decimals_are_no_mark(desk: Desk) -> None:
    data = copy.deepcopy(desk.case("thcs-plain").data)
    data["subjects"][0]["semester1"] = {"average": "7.55"}
    answer = desk.http.post("/transcripts", json=data)
    assert [one["field"] for one in reasons(answer)] == ["/subjects/0/semester1/average"]


def test_issue_names_everybody_who_is_missing(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    answer = desk.http.post(f"/transcripts/{id_}/issue")
    assert answer.status_code == 409
    named = {(one["role"], one["signer"], one.get("subject", "")) for one in reasons(answer)}
    wanted = set()
    for one in case.signings(desk.roster):
        wanted |= {(one["role"], one["signer"], subject) for subject in one.get("subjects") or [""]}
    assert named == wanted


def test_roles_sign_in_order(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    by_role = {one["role"]: one for one in case.signings(desk.roster)}
    for role in ("homeroom-teacher", "principal", "school-seal"):
        answer = desk.sign(id_, [by_role[role]])
        assert (answer.status_code, reasons(answer)[0]["code"]) == (409, "MISSING_SIGNATURE")


def test_only_the_named_person_signs(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    first, other = case.signings(desk.roster)[:2]
    wrong = {**first, "signer": other["signer"]}
    answer = desk.sign(id_, [wrong])
    assert (answer.status_code, reasons(answer)[0]["code"]) == (409, "SIGNER_MISMATCH")
    # a list is signed as a whole or not at all
    assert desk.sign(id_, [other, wrong]).status_code == 409
    missing = reasons(desk.http.post(f"/transcripts/{id_}/issue"))
    assert other["signer"] in [one["signer"] for one in missing]


def test_content_is_locked_by_its_signer(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    signings = case.signings(desk.roster)
    code = signings[0]["subjects"][0]
    edit = {"subjects": {code: {"comment": "Khác."}}}
    assert desk.http.patch(f"/transcripts/{id_}", json=edit).status_code == 200
    desk.sign(id_, signings[:1])
    answer = desk.http.patch(f"/transcripts/{id_}", json=edit)
    assert (answer.status_code, reasons(answer)[0]["code"]) == (409, "LOCKED")
    # whom it is about is in every signature; the homeroom teacher's page is still open
    assert desk.http.patch(f"/transcripts/{id_}", json={"learner": {"name": "An"}}).status_code == 409
    assert desk.http.patch(f"/transcripts/{id_}", json={"absences": 3}).status_code == 200


def test_issued_is_final_and_the_same_at_every_fetch(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.issue(case)
    before = desk.document(id_)
    assert desk.http.patch(f"/transcripts/{id_}", json={"absences": 3}).status_code == 409
    assert desk.http.post(f"/transcripts/{id_}/issue").status_code == 409
    desk.clock.sleep(100000)
    assert desk.document(id_) == before
    assert desk.state(id_)["digest"] == hashlib.sha256(before).hexdigest()


def test_unissued_is_neither_fetched_nor_submitted(desk: Desk) -> None:
    id_ = desk.create(desk.case("thcs-plain"))
    for answer in (desk.http.get(f"/transcripts/{id_}/document"), desk.http.post(f"/transcripts/{id_}/submission")):
        assert (answer.status_code, reasons(answer)[0]["code"]) == (409, "NOT_ISSUED")
    desk.http.post("/tick")
    assert desk.ministry.requests == []


def test_document_is_valid_against_the_packs_schema(desk: Desk, pack: Pack) -> None:
    schema = etree.XMLSchema(etree.parse(pack.path("document", "schema.xsd")))
    for id_ in ("thcs-markup-in-texts", "thcs-shared-subjects", "thcs-foreign-learner", "thpt-plain"):
        schema.assertValid(etree.fromstring(desk.document(desk.issue(desk.case(id_)))))


def test_amendment_keeps_the_signatures_of_what_did_not_change(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.issue(case)
    first = desk.document(id_)
    request = {
        "reason": "Sửa nhận xét.",
        "changes": {"subjects": {case.data["subjects"][0]["code"]: {"comment": "Tốt."}}},
    }
    assert desk.http.post(f"/transcripts/{id_}/amendment", json=request).status_code == 409
    assert desk.submit(id_)["state"] == "delivered"
    assert desk.http.post(f"/transcripts/{id_}/amendment", json=request).status_code == 200
    missing = reasons(desk.http.post(f"/transcripts/{id_}/issue"))
    roles = [one["role"] for one in missing]
    assert roles.count("subject-teacher") == 1
    assert {"homeroom-teacher", "principal"} <= set(roles)
    for one in case.signings(desk.roster):
        assert desk.sign(id_, [one]).status_code == 200
    assert desk.http.post(f"/transcripts/{id_}/issue").status_code == 200
    second = desk.document(id_)
    assert hashlib.sha256(first).hexdigest().encode() in second
    assert desk.state(id_)["version"] == 2
    assert desk.submit(id_)["state"] == "delivered"
    event = desk.pack.messages["events"]["update"]
    assert event in desk.ministry.submissions[-1][1].values()


@pytest.mark.parametrize("change", [{"runId": None}, {"ministry": {}}, {"signers": [{"id": "x", "role": "teacher"}]}])
def test_malformed_sessions_are_refused(desk: Desk, change: dict[str, Any]) -> None:
    answer = desk.http.put("/session", json={**desk.session, **change})
    assert answer.status_code == 422
    assert reasons(answer)


def test_wrong_password_is_a_refusal(desks: Desks, session: dict[str, Any]) -> None:
    desk = desks()
    broken = {**session, "signers": [{**one, "password": "other"} for one in session["signers"]]}
    assert desk.http.put("/session", json=broken).status_code == 200
    assert desk.http.put("/roster", json=desk.roster.data).status_code == 200
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    assert desk.sign(id_, case.signings(desk.roster)[:1]).status_code == 422
