"""A hard stop loses nothing and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from mock_vendor.app import create_app
from mock_vendor.store import FILE, Store
from tests.mock_vendor.conftest import Desk

Desks = Callable[..., Desk]


def restart(desk: Desk) -> None:
    assert desk.http.post("/restart").status_code == 202


def test_what_was_queued_is_sent_once(desk: Desk) -> None:
    id_ = desk.issue(desk.case("thcs-plain"))
    before = desk.document(id_)
    assert desk.http.post(f"/transcripts/{id_}/submission").status_code == 202
    restart(desk)
    assert desk.document(id_) == before
    assert desk.submit(id_)["state"] == "delivered"
    assert len(desk.ministry.submissions) == 1
    assert desk.ministry.content() == before


def test_an_unanswered_submission_is_repeated_as_it_was(desk: Desk) -> None:
    id_ = desk.issue(desk.case("thcs-plain"))
    desk.ministry.script = [httpx.ReadTimeout("late")]
    desk.http.post(f"/transcripts/{id_}/submission")
    desk.http.post("/tick")
    desk.clock.sleep(0.1)
    restart(desk)
    assert desk.submit(id_)["state"] == "delivered"
    (first, one), (second, two) = desk.ministry.submissions
    assert one == two
    # what it was asked to wait for, or had set itself, is kept
    assert second - first >= 0.39


def test_a_receipt_is_kept(desk: Desk) -> None:
    id_ = desk.issue(desk.case("thcs-plain"))
    desk.ministry.polls = ["received", "checking"]
    desk.http.post(f"/transcripts/{id_}/submission")
    desk.http.post("/tick")
    assert desk.state(id_)["state"] == "receipted"
    restart(desk)
    assert (desk.state(id_)["state"], desk.state(id_)["receipt"]) == ("receipted", "R-1")
    assert desk.submit(id_)["state"] == "delivered"
    assert len(desk.ministry.submissions) == 1


def test_drafts_and_their_signatures_are_kept(desk: Desk) -> None:
    case = desk.case("thcs-plain")
    id_ = desk.create(case)
    first, *others = case.signings(desk.roster)
    desk.sign(id_, [first])
    restart(desk)
    for one in others:
        assert desk.sign(id_, [one]).status_code == 200
    assert desk.http.post(f"/transcripts/{id_}/issue").status_code == 200


def test_the_store_on_disk_outlives_the_process(desks: Desks, tmp_path: Path) -> None:
    desk = desks(folder=tmp_path)
    id_ = desk.issue(desk.case("thcs-plain"))
    desk.http.post(f"/transcripts/{id_}/submission")
    # no tidying up: another process opens the file as it is
    again = create_app(desk.app.state.office.settings)
    assert again.state.office.state(id_)["state"] == "queued"
    again.state.office.tick()
    again.state.office.tick()
    assert again.state.office.state(id_)["state"] == "delivered"
    again.state.close()
    assert (tmp_path / FILE).stat().st_size


def test_a_new_session_forgets(desk: Desk) -> None:
    id_ = desk.issue(desk.case("thcs-plain"))
    assert desk.http.put("/session", json=desk.session).status_code == 200
    restart(desk)
    assert desk.http.get(f"/transcripts/{id_}").status_code == 404


def test_rows_keep_their_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("k", ("b", 1), ("a", 2))
    store.put("k", ("b", 3))
    assert list(store.all("k")) == [("b", 3), ("a", 2)]
    store.close()
    store = Store(tmp_path)
    assert store.get("k", "b") == 3
    store.drop("k", ["b"])
    assert store.get("k", "b") is None
    store.close()
