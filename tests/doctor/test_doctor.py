"""Each diagnosis, from software that really has the fault: told once, in both languages, with what to do."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from conformance.cli import app
from conformance.doctor import Diagnosis, State, exit_code, here
from conformance.doctor.examine import examine
from conformance.doctor.model import texts
from conformance.doctor.target import way_back
from conformance.doors.processes import Service
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.suite.settings import Options
from tests.doctor import running
from tests.doctor.faulty import DESCRIPTION, Faulty, served
from tests.otherpack.pack import other

OPTIONS = (
    "token", "config", "no_config", "pack", "revision", "programme", "lang", "ministry_host", "ministry_port",
    "ministry_url",
)  # fmt: skip


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration, no token, no proxy of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOCBA_TARGET_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def ministry() -> Iterator[Service]:
    """One mock Ministry for all trials."""
    with running.ministry() as service:
        yield service


def look(target: str | None, ministry: Service | None = None, **given: Any) -> dict[str, Diagnosis]:
    """The diagnoses by key; each comes once, speaks both languages, and a problem says what to do."""
    asked: dict[str, Any] = {**dict.fromkeys(OPTIONS), "target": target, "keys": "p-256", **given}
    found = list(examine(asked, "utf-8", drive=ministry is not None, ministry=ministry))
    keys = [one.key for one in found]
    assert len(keys) == len(set(keys))
    for one in found:
        for language in ("vi", "en"):
            assert one.say(language)
            assert "‹" not in one.say(language) + one.remedy(language), one.key
            assert one.remedy(language) or one.state is State.OK or one.key in ("trial", "clock.unknown"), one.key
    return {one.key: one for one in found}


def problems(found: dict[str, Diagnosis]) -> dict[str, int]:
    return {key: one.code for key, one in found.items() if one.state is State.PROBLEM}


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that is held, so that nobody else gets it, and at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def test_nothing_listens(deaf: int) -> None:
    assert problems(look(f"http://127.0.0.1:{deaf}")) == {"target.refused": 3}


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("127.0.0.1:8001", "target.options"),
        ("localhost", "target.address"),
        ("http://", "target.address"),
        ("http://127.0.0.1:8001/hocba-test/v1/", "target.prefix"),
        ("file:nowhere", "target.options"),
        (None, "target.none"),
    ],
)
def test_addresses_that_are_none(target: str | None, key: str) -> None:
    assert problems(look(target)) == {key: 2}


def test_an_operator_instead_of_an_address() -> None:
    found = look("observe:")
    assert problems(found) == {}
    assert "target.observe" in found


def test_a_host_that_does_not_exist() -> None:
    assert problems(look("http://vendor.invalid:8001")) == {"target.unknown-host": 3}


@pytest.mark.parametrize(
    ("faulty", "key"),
    [
        (Faulty(token="another"), "target.credentials"),
        (Faulty(status=302, headers={"Location": "https://sso.test/"}), "target.redirect"),
        (Faulty(status=404), "target.elsewhere"),
        (Faulty(status=500), "target.failing"),
        (Faulty(body=b"<html>It works!</html>", headers={"Content-Type": "text/html"}), "target.something-else"),
        (Faulty(body=b'{"swagger": "2.0"}'), "target.something-else"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_answers_that_are_no_description(faulty: Faulty, key: str) -> None:
    with served(faulty) as url:
        assert problems(look(url)) == {key: 3}


def test_the_right_token_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCBA_TARGET_TOKEN", "another")
    with served(Faulty(token="another")) as url:
        assert problems(look(url)) == {}


@pytest.mark.parametrize(("speaks", "key"), [(b"SSH-2.0-OpenSSH_9\r\n", "target.broken"), (b"", "target.broken")])
def test_something_that_does_not_speak_http(speaks: bytes, key: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(speaks)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert problems(look(f"http://127.0.0.1:{listener.getsockname()[1]}")) == {key: 3}
        thread.join(60)


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    pki = TestPki(datetime.now(UTC))
    credential = pki.organisation("127.0.0.1", school="9901000001", key="p256")
    pem = credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "one.pem").write_bytes(pem + credential.certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "one.pem")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert problems(look(f"https://127.0.0.1:{listener.getsockname()[1]}")) == {"target.tls": 3}
        thread.join(60)


@pytest.mark.parametrize(
    ("changes", "key", "code"),
    [
        ({"programmes": ["BAC-1"]}, "programme.none", 2),
        ({"programmes": ["GDTX-THCS"]}, "programme.later", 2),
        ({"capabilities": ["create", "sign", "issue"]}, "capability.missing", 3),
        ({"intervals": {"outboxInterval": "fast"}}, "interval.wrong", 3),
    ],
)
def test_descriptions_with_which_no_run_is_possible(changes: dict[str, Any], key: str, code: int) -> None:
    # a revision that does not score every programme yet
    given: dict[str, Any] = {"revision": "r1"} if key == "programme.later" else {}
    with served(Faulty(description={**DESCRIPTION, **changes})) as url:
        assert problems(look(url, **given))[key] == code


def test_the_wrong_pack_is_told_from_the_programmes() -> None:
    with served(Faulty()) as url:
        found = look(url, pack=str(other().folder))
    assert problems(found)["programme.none"] == 2
    assert other().name in found["programme.none"].say("vi")


def test_a_description_of_another_form_is_a_warning_with_the_place() -> None:
    with served(Faulty(description={**DESCRIPTION, "takes": "both", "buildHash": 5})) as url:
        found = look(url)
    assert problems(found) == {}
    assert "/takes: " in found["description.wrong"].say("en")


def test_a_programme_that_is_not_claimed() -> None:
    with served(Faulty()) as url:
        assert problems(look(url, programme=["THPT"])) == {"programme.unclaimed": 2}


@pytest.mark.parametrize(
    ("off", "key", "state"),
    [
        (timedelta(hours=7), "clock.off", State.PROBLEM),
        (-timedelta(minutes=6), "clock.off", State.PROBLEM),
        (timedelta(minutes=2), "clock.slightly-off", State.WARNING),
        (None, "clock.unknown", State.NOTE),
    ],
)
def test_clocks(off: timedelta | None, key: str, state: State) -> None:
    date = format_datetime(datetime.now(UTC) + off, usegmt=True) if off is not None else ""
    with served(Faulty(headers={"Date": date})) as url:
        assert look(url)[key].state is state


@pytest.mark.parametrize(
    ("behaviour", "key", "said"),
    [
        ("never", "ministry.never-called", "host.docker.internal"),
        ("wrong-secret", "ministry.refused", "clientSecret"),
        ("token", "ministry.not-submitted", "baseUrl"),
    ],
)
def test_software_that_does_not_get_through_to_the_ministry(
    behaviour: str, key: str, said: str, ministry: Service
) -> None:
    with served(Faulty(ministry=behaviour)) as url:
        found = look(url, ministry)
    assert problems(found) == {"document.other-form": 3, key: 3}
    assert said in found[key].remedy("vi")
    assert "Không gửi được" in found[key].say("vi")
    assert "Other" in found["document.other-form"].say("en")


@pytest.mark.parametrize(
    ("call", "key", "said"),
    [
        ("session", "trial.not-begun", "PUT /session"),
        ("roster", "trial.not-begun", "PUT /roster"),
        ("transcripts", "trial.stopped", "create: HTTP 501 OTHER"),
        ("submission", "trial.stopped", "submit: HTTP 501 OTHER"),
    ],
)
def test_a_call_that_is_not_there_yet_is_named(call: str, key: str, said: str, ministry: Service) -> None:
    with served(Faulty(answers={call: 501})) as url:
        found = look(url, ministry)
    assert problems(found)[key] == 3
    assert said in found[key].say("vi")


def test_sound_software_is_in_good_health(ministry: Service) -> None:
    with running.vendor() as url:
        found = look(url, ministry, programme=["THCS"])
    assert problems(found) == {}
    assert found["ministry.reached"].params["state"] == "delivered"
    assert exit_code(found.values()) == 0


def test_software_elsewhere_cannot_reach_a_loopback_address() -> None:
    assert way_back(Options(target="http://192.0.2.7:8001")) is not None
    assert way_back(Options(target="http://vendor:8001", ministry_host="0.0.0.0")) is None
    assert way_back(Options(target="http://vendor:8001", ministry_url="http://192.0.2.1:8115")) is None
    assert way_back(Options(target="http://localhost:8001")) is None
    assert way_back(Options(target="http://[::1]:8001")) is None


def test_a_port_in_use_and_an_address_of_somebody_else() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert problems(look("file:nowhere", ministry_port=port))["port.taken"] == 2
    assert problems(look("file:nowhere", ministry_host="192.0.2.1"))["host.foreign"] == 2


def test_a_pack_that_is_none(tmp_path: Path) -> None:
    assert problems(look("reference", pack=str(tmp_path))) == {"pack.wrong": 2}
    assert problems(look("reference", revision="r9")) == {"pack.wrong": 2}


def test_a_configuration_with_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "hocba.toml").write_text("\nprogramm = 1\n", encoding="utf-8")
    found = look(None)
    assert problems(found) == {"configuration.wrong": 2}
    assert "line 2" in found["configuration.wrong"].say("en")


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "hocba.toml").write_text('target = "file:."\nreport = "file/below/r.html"\n', encoding="utf-8")
    assert problems(look(None))["output"] == 2


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({}, "proxy.none"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "proxy.loopback"),
        ({"http_proxy": "http://proxy:3128", "NO_PROXY": "localhost, 127.0.0.1"}, "proxy.spared"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "*"}, "proxy.spared"),
    ],
)
def test_proxies(environ: dict[str, str], key: str) -> None:
    assert here.proxies(environ).key == key


def test_consoles_and_interpreters() -> None:
    assert [here.console(one).key for one in ("utf-8", "UTF8", "cp1252", None)] == ["console"] * 2 + [
        "console.other"
    ] * 2
    assert here.python((3, 15)).key == "python.untried"
    assert here.python((3, 12)).key == "python"


def test_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = default_pack()
    for zone, key in (("UTC", "zone.other"), ("<+07>-7", "zone")):
        monkeypatch.setenv("TZ", zone)
        if not hasattr(time, "tzset"):
            pytest.skip("this system's zone cannot be set for one process")
        time.tzset()
        found = here.zone(pack, datetime.now(UTC))
        assert found.key == key
    monkeypatch.delenv("TZ")
    time.tzset()


def test_missing_tools_are_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("HOCBA_CHROMIUM", "no-such-program")
    found = list(here.tools())
    assert [one.key for one in found] == ["tool.browser", "tool.pdf", "tool.dask"]
    assert exit_code(found) == 0


def test_waiting_for_software_that_comes_up(deaf: int) -> None:
    with served(Faulty()) as url:
        assert "target.reached" in look(url)
    done = CliRunner().invoke(app, ["doctor", f"--target=http://127.0.0.1:{deaf}", "--wait=0.1", "--lang=en"])
    assert done.exit_code == 3
    assert "Nothing listens" in done.output
    assert "→ Start the test build" in done.output


def test_every_text_has_both_languages_and_the_same_values() -> None:
    for key, parts in texts().items():
        for part in parts.values():
            assert set(part) == {"vi", "en"}, key
            assert sorted(re.findall(r"{(\w+)}", part["vi"])) == sorted(re.findall(r"{(\w+)}", part["en"])), key
