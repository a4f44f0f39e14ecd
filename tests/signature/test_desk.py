"""``hocba pki``: what is on disk can be used, is private, and is never overwritten."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from conformance.pack import default_pack
from conformance.signature.certificate import CertificateFacts, holder, load
from conformance.signature.desk import write_desk
from conformance.signature.trust import Status, TrustStore

NOW = datetime(2028, 2, 29, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desks") / "desk"
    assert write_desk(folder, "mật khẩu", now=NOW)
    return folder


def test_every_file_opens_and_stands_for_whom_the_list_says(desk: Path) -> None:
    listed = json.loads((desk / "signers.json").read_text(encoding="utf-8"))
    assert {one["role"] for one in listed} == {"teacher", "homeroom", "leader", "seal"}
    for one in listed:
        data = (desk / one["file"]).read_bytes()
        key, certificate, others = pkcs12.load_key_and_certificates(data, "mật khẩu".encode())
        assert key is not None
        assert certificate is not None
        assert others
        loaded = load(certificate.public_bytes(Encoding.DER))
        assert isinstance(loaded, CertificateFacts)
        said = holder(loaded, default_pack())
        assert said.name == one["name"]
        assert set(said.identifiers.values()) == {
            one[key] for key in ("nationalId", "passport", "schoolCode") if key in one
        }


def test_good_ones_are_good_and_spoiled_ones_are_spoiled(desk: Path) -> None:
    crls = [path.read_bytes() for path in sorted(desk.glob("*.crl"))]
    assert len(crls) == 3
    store = TrustStore.from_pem((desk / "authorities.pem").read_bytes(), crls)
    for path in (one for one in desk.glob("*.p12") if one.stem != "tsa"):
        _, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), "mật khẩu".encode())
        assert certificate is not None
        loaded = load(certificate.public_bytes(Encoding.DER))
        assert isinstance(loaded, CertificateFacts)
        found = store.path(loaded, [], NOW)
        assert found.good
        revoked = store.status(found.path, NOW, NOW).status is Status.REVOKED
        assert revoked is (path.stem == "revoked")
        assert loaded.valid_at(NOW) is (path.stem != "expired")


def test_the_answers_say_who_was_revoked(desk: Path) -> None:
    """By OCSP alone: the lists of the issuing authorities are not given."""
    answers = [path.read_bytes() for path in sorted(desk.glob("*.ocsp"))]
    store = TrustStore.from_pem(
        (desk / "authorities.pem").read_bytes(), [(desk / "crl-root.crl").read_bytes()], answers=answers
    )
    listed = json.loads((desk / "signers.json").read_text(encoding="utf-8"))
    assert {(desk / one["ocsp"]).read_bytes() for one in listed} == set(answers)
    for one in listed:
        loaded = load(base64.b64decode(one["certificate"]))
        assert isinstance(loaded, CertificateFacts)
        path = store.path(loaded, [], NOW).path
        expected = Status.REVOKED if one.get("state") == "revoked" else Status.GOOD
        assert store.status(path, NOW, NOW).status is expected


def test_the_sample_is_stamped_by_the_desks_authority(desk: Path) -> None:
    answer = decode_timestamp_response((desk / "sample.tsr").read_bytes())
    authorities = x509.load_pem_x509_certificates((desk / "authorities.pem").read_bytes())
    _, certificate, _ = pkcs12.load_key_and_certificates((desk / "tsa.p12").read_bytes(), "mật khẩu".encode())
    verifier = VerifierBuilder(
        roots=authorities[:1], intermediates=authorities[1:], tsa_certificate=certificate
    ).build()
    assert verifier.verify_message(answer, (desk / "sample.txt").read_bytes())


def test_keys_and_password_are_for_the_owner_only(desk: Path) -> None:
    for path in (*desk.glob("*.p12"), desk / "password.txt"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_password_is_drawn_when_none_is_given_and_not_printed(tmp_path: Path) -> None:
    lines = write_desk(tmp_path / "desk", None, now=NOW)
    password = (tmp_path / "desk" / "password.txt").read_text(encoding="utf-8").strip()
    assert len(password) >= 12
    assert not any(password in line for line in lines)


def test_an_existing_desk_is_never_overwritten(desk: Path) -> None:
    before = {path: path.read_bytes() for path in desk.iterdir()}
    with pytest.raises(OSError, match="not empty"):
        write_desk(desk, None, now=NOW)
    assert {path: path.read_bytes() for path in desk.iterdir()} == before
