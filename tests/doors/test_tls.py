"""The certificate that the software shows is recorded by its fingerprint."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from conformance.doors.tls import fingerprint


def test_the_fingerprint_is_the_servers_certificates(tmp_path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    (tmp_path / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)

        def serve() -> None:
            plain, _ = listening.accept()
            plain.settimeout(60)
            context.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        seen = fingerprint(f"https://127.0.0.1:{listening.getsockname()[1]}/x")
        thread.join(60)
    assert seen == certificate.fingerprint(hashes.SHA256()).hex()


def test_without_tls_or_without_a_server_there_is_none() -> None:
    with socket.socket() as deaf:  # held, but nobody listens
        deaf.bind(("127.0.0.1", 0))
        assert fingerprint(f"https://127.0.0.1:{deaf.getsockname()[1]}") == ""
    assert fingerprint("http://127.0.0.1:1") == fingerprint("reference") == ""
