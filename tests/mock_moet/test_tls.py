"""TLS: certificates made per run, and the bad ones shown on purpose."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mock_moet.api import create_service
from mock_moet.certificates import VARIANTS, CertificateProblem
from mock_moet.inprocess import InProcessTransport
from mock_moet.ministry import Settings
from mock_moet.server import Running, Tls
from tests.mock_moet.helpers import CONTROL, PATIENCE, Client, Control, Space, never_mind, transcript

WHY = {
    "unknown-ca": ("unable to get local issuer certificate", "self-signed certificate in certificate chain",
                   "signature failure"),
    "self-signed": ("self-signed certificate",),
    "wrong-host": ("IP address mismatch",),
    "expired": ("certificate has expired",),
    "not-yet-valid": ("certificate is not yet valid",),
}  # fmt: skip


def control_of(running: Running) -> Control:
    headers = {"Authorization": f"Bearer {CONTROL}"}
    return Control(httpx.Client(base_url=running.control_url, headers=headers, trust_env=False, timeout=PATIENCE))


class Secure(Client):
    """A client that trusts the run's authority, or takes anything."""

    def __init__(self, space: Space, authority: str = "", *, careless: bool = False, tls12: bool = False) -> None:
        super().__init__(space)
        self.http.close()
        context = ssl.create_default_context(cadata=authority or space.caPem)
        if careless:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.http = httpx.Client(verify=context, trust_env=False, timeout=PATIENCE)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running.start(Settings(control_token=CONTROL, judge=never_mind, judging="inline"), tls=Tls()) as one:
        yield one


@pytest.fixture
def control(running: Running) -> Iterator[Control]:
    made = control_of(running)
    yield made
    made.http.close()


Connect = Callable[..., Secure]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients of a space that are closed again."""
    made: list[Secure] = []

    def one(space: Space, **more: Any) -> Secure:
        made.append(Secure(space, **more))
        return made[-1]

    yield one
    for client in made:
        client.http.close()


def authority(control: Control) -> str:
    return str(control.http.get("/health").json()["caPem"])


@pytest.fixture
def space(control: Control) -> Space:
    return control.open(ownPort=True)


@pytest.mark.parametrize("own_port", [True, False])
def test_a_careful_client_works_over_tls(control: Control, connect: Connect, *, own_port: bool) -> None:
    client = connect(control.open(ownPort=own_port))
    assert client.space.baseUrl.startswith("https://127.0.0.1:")
    assert ("/s/" in client.space.baseUrl) is not own_port
    assert client.authenticate().status_code == 200
    client.receipt(client.submit(transcript()))
    entries = client.space.journal()
    assert [one["operation"] for one in entries] == ["token", "submit"]
    assert {one["tls"] for one in entries} == {"good"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_bad_certificate_is_bad_in_one_way_and_clears(space: Space, connect: Connect, variant: str) -> None:
    client = connect(space)
    client.authenticate()  # a kept connection must not hide the certificate
    space.faults({"kind": "tls", "variant": variant, "times": 2})
    for _ in range(2):
        with pytest.raises(httpx.ConnectError) as caught:
            client.submit(transcript())
        assert any(text in str(caught.value) for text in WHY[variant]), caught.value
    client.receipt(client.submit(transcript()))
    entries = space.journal()[1:]
    assert [(one["method"], one["operation"]) for one in entries] == [("TLS", "")] * 2 + [("POST", "submit")]
    assert [(one["fault"] or {}).get("variant") for one in entries] == [variant] * 2 + [None]
    assert len(space.submissions()) == 1


@pytest.mark.parametrize("tls12", [True, False])
def test_who_takes_any_certificate_is_seen(space: Space, connect: Connect, *, tls12: bool) -> None:
    client = connect(space, careless=True, tls12=tls12)
    client.authenticate()
    space.faults({"kind": "tls", "variant": "wrong-host"})
    client.receipt(client.submit(transcript()))
    client.call("health")
    shown, call, next_call = space.journal()[1:]
    assert shown["method"] == "TLS"
    assert (call["operation"], call["tls"], call["fault"]["variant"]) == ("submit", "wrong-host", "wrong-host")
    assert next_call["tls"] == "wrong-host", "the connection was kept"
    space.faults()
    client.call("health")
    assert space.journal()[-1]["tls"] == "good"


def test_a_session_is_not_resumed_past_a_bad_certificate(control: Control, space: Space) -> None:
    """Resumption shows no certificate; a client that offers an old session must see the bad one all the same."""
    context = ssl.create_default_context(cadata=authority(control))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    url = httpx.URL(space.baseUrl)

    def shake(session: ssl.SSLSession | None) -> ssl.SSLSession | None:
        import socket

        with (
            socket.create_connection((url.host, url.port), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=url.host, session=session) as one,
        ):
            return one.session

    session = shake(None)
    space.faults({"kind": "tls", "variant": "expired"})
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake(session)


def test_spaces_do_not_share_faults_or_ports(control: Control, connect: Connect) -> None:
    one, other = control.open(ownPort=True), control.open(ownPort=True)
    one.faults({"kind": "tls", "variant": "expired", "times": 100})
    client = connect(other)
    assert client.authenticate().status_code == 200
    # another space's credentials open nothing here
    stranger = connect(one, careless=True)
    stranger.token = client.token
    assert stranger.call("status", "x").status_code == 401
    control.http.delete(f"/spaces/{other.space}")
    with pytest.raises(httpx.TransportError):
        connect(other).authenticate()


@pytest.mark.parametrize(
    "more", [{}, {"variant": "odd"}, {"variant": "expired", "operation": "submit"},
             {"variant": "expired", "phase": "after"}],
)  # fmt: skip
def test_wrong_tls_faults_are_refused(space: Space, more: dict[str, Any]) -> None:
    answer = space.control.http.put(f"/spaces/{space.space}/faults", json=[{"kind": "tls", **more}])
    assert answer.status_code == 422, answer.text


def test_a_shared_port_shows_no_bad_certificate(control: Control) -> None:
    """It would be shown to everybody."""
    shared = control.open()
    answer = control.http.put(f"/spaces/{shared.space}/faults", json=[{"kind": "tls", "variant": "expired"}])
    assert answer.status_code == 422


def test_ports_of_their_own_without_tls() -> None:
    with Running.start(Settings(control_token=CONTROL, judge=never_mind)) as running:
        control = control_of(running)
        space = control.open(ownPort=True)
        client = Client(space)
        assert space.baseUrl != running.service_url
        assert client.authenticate().status_code == 200
        assert client.call("health").status_code == 200
        # a reset below works at this door too
        space.faults({"kind": "reset", "operation": "health"})
        with pytest.raises(httpx.ReadError):
            client.call("health")
        for one in (client.http, control.http):
            one.close()


def test_a_port_is_the_same_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(control_token=CONTROL, judge=never_mind, database=f"sqlite:///{tmp_path / 'moet.sqlite'}")
    with Running.start(settings) as running:
        control = control_of(running)
        space = control.open(ownPort=True)
        control.http.close()
    with Running.start(settings):
        client = Client(space)
        assert client.authenticate().status_code == 200
        client.http.close()


def own_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


def test_the_operators_own_certificate(tmp_path: Path) -> None:
    paths = own_certificate(tmp_path)
    settings = Settings(control_token=CONTROL, judge=never_mind)
    with Running.start(settings, tls=Tls(paths), public_url="https://localhost") as running:
        control = control_of(running)
        space = control.open(ownPort=True)
        assert authority(control) == ""
        client = Secure(space, paths[0].read_text())
        assert client.authenticate().status_code == 200
        put = control.http.put
        answer = put(f"/spaces/{space.space}/faults", json=[{"kind": "tls", "variant": "expired"}])
        assert answer.status_code == 422, "nobody can make an expired one of a foreign authority"
        space.faults({"kind": "tls", "variant": "unknown-ca"})
        with pytest.raises(httpx.ConnectError):
            client.authenticate()
        for one in (client.http, control.http):
            one.close()
    paths[1].write_text("no key")
    with pytest.raises(CertificateProblem):
        Running.start(settings, tls=Tls(paths))


def test_played_in_process(setups: Any) -> None:
    setup = setups(public_url="https://127.0.0.1:8115")
    client = setup.client()
    client.space.faults({"kind": "tls", "variant": "expired", "times": 2})
    with pytest.raises(httpx.ConnectError, match="expired"):
        client.submit(transcript())
    with InProcessTransport(create_service(setup.ministry), verify=False) as transport:
        careless = Client(client.space, transport)
        assert careless.authenticate().status_code == 200
        careless.http.close()
    client.receipt(client.submit(transcript()))
    entries = client.space.journal()[1:]
    assert [(one["method"], one["tls"] if one["operation"] else "") for one in entries] == [
        ("TLS", ""), ("TLS", ""), ("POST", "expired"), ("POST", "good"),
    ]  # fmt: skip
