"""Who may use the console: one-time links, the control token, sessions, forms of its own, hosts of this machine."""

from __future__ import annotations

import httpx
import pytest

from mock_moet.console import PREFIX, Sessions, create_console
from mock_moet.console.sessions import ATTEMPTS, ATTEMPTS_IN, LINK_LIFETIME, SESSION_LIFETIME, Attempts
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Ministry, Settings
from tests.mock_moet.console.sample import Bench, Desk
from tests.mock_moet.helpers import CONTROL, VirtualClock


@pytest.fixture
def stranger(bench: Bench) -> Desk:
    """A browser that has not signed in."""
    return bench.stranger()


def test_a_link_signs_in_once(bench: Bench, stranger: Desk) -> None:
    link = bench.running.console_url()
    assert CONTROL not in link
    answer = stranger.http.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PREFIX}/")
    cookie = answer.headers["set-cookie"]
    assert all(one in cookie for one in ("HttpOnly", "SameSite=strict", f"Path={PREFIX}"))
    assert stranger.get(f"{PREFIX}/").status_code == 200
    other = httpx.get(link, trust_env=False)
    assert other.status_code == 403
    assert "set-cookie" not in other.headers


def test_links_and_sessions_end(bench: Bench) -> None:
    clock = VirtualClock()
    sessions = Sessions(clock)
    link, late = sessions.link(), sessions.link()
    value = sessions.redeem(link)
    assert sessions.of(value) is not None
    assert sessions.redeem(link) == ""
    assert sessions.of("") is None
    clock.sleep(LINK_LIFETIME)
    assert sessions.redeem(late) == ""
    clock.sleep(SESSION_LIFETIME - LINK_LIFETIME)
    assert sessions.of(value) is None


def test_a_new_link_needs_the_control_token(bench: Bench, stranger: Desk) -> None:
    assert stranger.http.post(f"{PREFIX}/links").status_code == 401
    assert stranger.http.post(f"{PREFIX}/links", headers={"Authorization": "Bearer wrong"}).status_code == 401
    url = bench.control.http.post(f"{PREFIX}/links").json()["url"]
    assert stranger.http.get(url).status_code == 303


def test_the_control_token_signs_in_and_stands_in_no_address(stranger: Desk) -> None:
    wrong = stranger.http.post(f"{PREFIX}/sign-in", data={"token": "nope"})
    assert wrong.status_code == 403
    assert "Mã điều khiển không đúng" in wrong.text
    assert "nope" not in wrong.text
    right = stranger.http.post(f"{PREFIX}/sign-in", data={"token": CONTROL, "next": f"{PREFIX}/codes"})
    assert (right.status_code, right.headers["location"]) == (303, f"{PREFIX}/codes")
    assert CONTROL not in str(right.headers)
    assert stranger.get(f"{PREFIX}/codes").status_code == 200


def test_who_guesses_has_to_wait() -> None:
    clock = VirtualClock()
    ministry = Ministry(Settings(clock=clock, control_token=CONTROL))
    sessions = Sessions(clock)
    transport = InProcessTransport(create_console(ministry, sessions), clock)
    with httpx.Client(transport=transport, base_url="http://127.0.0.1:1") as http:
        page = f"{PREFIX}/sign-in"
        for _ in range(ATTEMPTS):
            assert http.post(page, data={"token": "guess"}).status_code == 403
        # the right token is not looked at either: an answer would tell
        for token, language, words in (
            ("guess", "vi", "Sai quá nhiều lần"),
            (CONTROL, "en", "Too many wrong attempts"),
        ):
            answer = http.post(page, data={"token": token}, params={"lang": language})
            assert answer.status_code == 429
            assert words in answer.text
            assert 0 < int(answer.headers["retry-after"]) <= ATTEMPTS_IN
        assert http.get(f"{PREFIX}/enter", params={"code": "guess"}).status_code == 429
        assert http.get(f"{PREFIX}/enter", params={"code": sessions.link()}).status_code == 303
        clock.sleep(ATTEMPTS_IN)
        assert http.post(page, data={"token": CONTROL}).status_code == 303
    transport.close()
    ministry.close()


def test_wrong_attempts_are_kept_of_so_many_addresses_only() -> None:
    attempts = Attempts(VirtualClock())
    for number in range(5000):
        attempts.failed(f"192.0.2.{number}")
    assert len(attempts._wrong) <= 500


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_no_other_site_signs_a_browser_in(stranger: Desk, headers: dict[str, str]) -> None:
    answer = stranger.http.post(f"{PREFIX}/sign-in", data={"token": CONTROL}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example/console/", f"{PREFIX}/\\evil", "/health", ""]
)
def test_signing_in_leads_nowhere_else(stranger: Desk, path: str) -> None:
    answer = stranger.http.post(f"{PREFIX}/sign-in", data={"token": CONTROL, "next": path})
    assert answer.headers["location"] == f"{PREFIX}/"


def test_without_a_session_nothing_is_shown_or_done(bench: Bench, stranger: Desk) -> None:
    run = bench.run()
    for path in ("/", "/runs/new", "/compare", "/codes", "/requirements"):
        assert stranger.get(PREFIX + path).headers["location"].startswith(f"{PREFIX}/sign-in?next=")
    for path in ("", "/journal", "/faults", "/connection", "/trust", "/journal/1", "/delete"):
        assert stranger.get(run + path).status_code == 303
    for path in ("", "/xml", "/content"):
        assert stranger.get(bench.submission("good") + path).status_code == 303
    assert stranger.get(f"{run}/events").status_code == 404
    assert stranger.http.post(f"{run}/delete").status_code in (303, 415)
    assert stranger.http.post(f"{run}/delete", data={"csrf": ""}).status_code == 303
    assert bench.running.ministry.space(bench.first.space.space) is not None


def test_a_form_of_another_session_does_nothing(bench: Bench, desk: Desk) -> None:
    foreign = bench.browser().page(f"{PREFIX}/").xpath("string(//input[@name='csrf']/@value)")
    for token in (foreign, "", "x"):
        answer = desk.http.post(f"{bench.run()}/faults", data={"csrf": token, "kind": "reset"})
        assert answer.status_code == 403
    assert "reset" not in str(bench.running.ministry.corner(bench.first.space.space).faults.listing())


def test_a_session_is_no_control_token(desk: Desk) -> None:
    assert desk.get("/health").status_code == 401


def test_signing_out_ends_the_session(desk: Desk) -> None:
    kept = dict(desk.http.cookies)
    assert desk.send(f"{PREFIX}/sign-out").status_code == 303
    desk.http.cookies.update(kept)
    assert desk.get(f"{PREFIX}/").status_code == 303


def test_a_foreign_host_name_is_not_answered(desk: Desk) -> None:
    answer = desk.get(f"{PREFIX}/", headers={"Host": "moet.example"})
    assert answer.status_code == 421
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_every_answer_carries_the_policy(bench: Bench, desk: Desk, stranger: Desk) -> None:
    paths = (f"{PREFIX}/", f"{PREFIX}/nothing", f"{PREFIX}/static/console.css", f"{PREFIX}/codes/nothing", bench.run())
    answers = [*map(desk.get, paths), stranger.get(f"{PREFIX}/sign-in"), stranger.get(bench.run()), stranger.get("/")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert desk.get(f"{PREFIX}/").headers["cache-control"] == "no-store"


def test_static_files_are_ours_only(desk: Desk) -> None:
    first = desk.get(f"{PREFIX}/static/console.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = desk.get(f"{PREFIX}/static/console.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    for name in ("..%2fapp.py", "texts.yaml", "%2e%2e", "nothing.css"):
        assert desk.get(f"{PREFIX}/static/{name}").status_code == 404


def test_bodies_that_are_no_form_are_refused(desk: Desk) -> None:
    path = f"{PREFIX}/runs/new"
    assert desk.http.post(path, json={}).status_code == 415
    fields = "&".join(f"a{number}=1" for number in range(200))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert desk.http.post(path, content=fields, headers=kind).status_code == 400
    assert desk.http.post(path, content=b"a=\xff", headers=kind).status_code == 400
    assert desk.http.post(path, content=b"a=" + b"x" * (5 * 1024 * 1024), headers=kind).status_code == 413
