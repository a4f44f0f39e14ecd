"""The standing of a testing body's signature: time-stamp and revocation, with a clear answer for each case."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from conformance.cli import app
from conformance.signature.pki import Credential, TestPki
from conformance.signature.responders import Stamping, TimeStampAuthority, ocsp_answer, ocsp_failure
from conformance.visible import alphabets
from reports.signing.beside import Beside
from reports.signing.jws import sign
from reports.signing.keys import FileKey, KeyProblem
from reports.signing.manifest import FORMAT, canonical
from reports.signing.standing import Given, beside
from reports.signing.verify import verify_signed
from reports.wording import WORDS

BODY = "Trung tâm Kiểm định Mẫu"
SIGNED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW = SIGNED + timedelta(days=100)
BEFORE, AFTER = SIGNED - timedelta(days=1), SIGNED + timedelta(days=30)


@dataclass
class Room:
    """A testing body under a test authority, and a manifest that it signed."""

    pki: TestPki
    body: Credential
    tsa: TimeStampAuthority
    manifest: Path

    @property
    def key(self) -> FileKey:
        return FileKey((self.body.certificate, self.pki.organisations.credential.certificate), self.body.key)

    def signed(self, **statement: Any) -> None:
        stated = {"body": {"name": BODY}, "validity": {"until": "2027-03-02"}, **statement}
        data = canonical({"format": FORMAT, "signedAt": SIGNED.isoformat(), "statement": stated})
        self.manifest.write_bytes(data)
        beside(self.manifest, "jws").write_text(sign(data, self.key), encoding="ascii")

    def stamped(self, at: datetime, how: Stamping | None = None) -> None:
        token = self.tsa.token(beside(self.manifest, "jws").read_bytes(), at, how or Stamping())
        beside(self.manifest, "tst").write_bytes(token)

    def trusting(self, tsa: tuple[x509.Certificate, ...] | None = None, **more: Any) -> Given:
        return Given((self.pki.root.credential.certificate,), self.pki.authorities() if tsa is None else tsa, **more)

    def found(self, given: Given | None = None, now: datetime = NOW) -> dict[str, str]:
        """State by key, of what is said about the signature."""
        checks = verify_signed(self.manifest, given or self.trusting(), None, now).checks
        for one in checks:
            assert f"verify.{one.key}" in WORDS, one
        about_files = ("results", "report", "evidence", "validity", "expired")
        return {one.key: one.state for one in checks if not one.key.startswith(about_files)}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    pki = TestPki(SIGNED - timedelta(days=2))
    body = pki.organisation(BODY, tax="0100109106")
    made = Room(pki, body, TimeStampAuthority(pki), tmp_path / "r.signed.json")
    made.signed()
    return made


def test_without_stamp_and_status_both_are_told(room: Room) -> None:
    assert room.found() == {"signature": "good", "no-stamp": "note", "status-not-looked-at": "note"}


def test_a_time_stamp_proves_when_and_a_list_or_answer_that_nothing_was_revoked(room: Room) -> None:
    room.stamped(SIGNED + timedelta(minutes=1))
    crl = room.found(room.trusting(crls=room.pki.crls()))
    assert crl == {"signature": "good", "stamp": "good", "status": "good"}
    answer = ocsp_answer(room.pki, room.body, this_update=AFTER)
    assert room.found(room.trusting(answers=[answer])) == crl
    Beside(room.pki.crls(), answer).write(room.manifest)
    assert room.found() == crl
    assert room.found(room.trusting(tsa=())) == {"signature": "good", "stamp-untrusted": "note", "status": "good"}


@pytest.mark.parametrize("how", ["crl", "ocsp"])
@pytest.mark.parametrize(
    ("revoked", "stamped", "key", "state"),
    [
        (BEFORE, None, "key-revoked", "bad"),
        (BEFORE, SIGNED, "key-revoked", "bad"),
        (AFTER, None, "revoked-not-proven", "unknown"),
        (AFTER, SIGNED, "revoked-after", "note"),
        (AFTER, AFTER + timedelta(days=1), "revoked-not-proven", "unknown"),  # a thief stamps too, but later
    ],
)
def test_a_revocation_counts_by_what_is_proven_of_the_time(
    room: Room, how: str, revoked: datetime, stamped: datetime | None, key: str, state: str
) -> None:
    room.pki.revoke(room.body, revoked)
    if stamped:
        room.stamped(stamped)
    status: dict[str, Any] = (
        {"crls": room.pki.crls()} if how == "crl" else {"answers": [ocsp_answer(room.pki, room.body)]}
    )
    assert room.found(room.trusting(**status))[key] == state


def test_a_revocation_counts_where_the_certificate_itself_is_named_and_from_above(room: Room) -> None:
    room.pki.revoke(room.pki.organisations.credential, BEFORE)
    assert room.found(room.trusting(crls=room.pki.crls()))["key-revoked"] == "bad"
    room.pki.restore(room.pki.organisations.credential)
    room.pki.revoke(room.body, BEFORE)
    assert room.found(Given((room.body.certificate,), (), room.pki.crls()))["key-revoked"] == "bad"


def test_status_that_proves_nothing_says_why(room: Room) -> None:
    old = room.pki.crls(this_update=SIGNED - timedelta(days=9), next_update=SIGNED - timedelta(days=2))
    forged = TestPki(SIGNED).crls()  # of the same names, by other keys
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"crls": old}, "status-too-old"),
        ({"crls": forged}, "status-wrong-signer"),
        ({"answers": [ocsp_failure()]}, "ocsp-failed"),
        ({"answers": [ocsp_answer(room.pki, room.body, unknown=True)]}, "ocsp-unknown"),
        ({"crls": room.pki.crls()[:1]}, "status-other-certificate"),
    )
    for status, gap in cases:
        assert room.found(room.trusting(**status))[f"status-gap.{gap}"] == "unknown"
    beside(room.manifest, "crl").write_bytes(b"x")
    assert room.found()["status-broken"] == "unknown"


@pytest.mark.parametrize(
    ("how", "key"),
    [
        (Stamping(of_other=True), "imprint"),
        (Stamping(tampered=True), "bad-signature"),
        (Stamping(imprint="sha1"), "weak-digest"),
        (Stamping(certificate=False), "certificate-missing"),
        (Stamping(reference="other"), "certificate-mismatch"),
    ],
)
def test_a_wrong_time_stamp_is_said_to_be_one(room: Room, how: Stamping, key: str) -> None:
    room.stamped(SIGNED, how)
    assert room.found()[f"stamp-wrong.{key}"] == "bad"


def test_a_time_stamp_of_the_wrong_time_authority_or_shape_is_told(room: Room) -> None:
    room.stamped(SIGNED - timedelta(hours=1))
    assert room.found()["stamp-before"] == "bad"
    room.stamped(NOW + timedelta(days=1))
    assert room.found()["stamp-future"] == "bad"
    room.stamped(SIGNED)
    assert room.found(room.trusting(tsa=TestPki(SIGNED).authorities()[:1]))["stamp-untrusted"] == "unknown"
    room.tsa = TimeStampAuthority(room.pki, purposes=())
    room.stamped(SIGNED)
    assert room.found()["stamp-wrong.usage-missing"] == "bad"
    beside(room.manifest, "tst").write_bytes(b"\x30\x03")
    assert room.found()["stamp-wrong.unreadable"] == "bad"
    beside(room.manifest, "tst").unlink()
    beside(room.manifest, "tst").symlink_to("/dev/zero")
    assert room.found()["stamp-wrong.unreadable"] == "bad"


def test_a_stamp_after_the_certificates_end_and_a_signature_of_the_future_are_refused(room: Room) -> None:
    room.body = room.pki.organisation(BODY, tax="0100109106", not_after=AFTER)
    room.signed()
    room.stamped(AFTER + timedelta(days=1))
    assert room.found()["key-not-valid"] == "bad"
    assert room.found(now=SIGNED - timedelta(days=1))["signed-in-future"] == "bad"


def test_names_of_several_alphabets_are_pointed_out(room: Room) -> None:
    room.signed(software={"vendor": "Công ty Mẫu", "product": "S\u043e điểm"})
    assert room.found()["look-alike"] == "note"
    assert alphabets("Trung tâm Kiểm định Mẫu 3.2 – Ơ Đ ữ") == ["Latin"]
    assert alphabets("Mẫu \u0410") == ["Cyrillic", "Latin"]


def test_a_revoked_certificate_or_anothers_status_is_not_put_beside(room: Room) -> None:
    chain = room.key.certificates
    Beside(room.pki.crls()).check(chain, SIGNED)
    with pytest.raises(KeyProblem, match="says nothing of the certificate"):
        Beside(TestPki(SIGNED).crls()).check(chain, SIGNED)
    with pytest.raises(KeyProblem, match="issuer is not known"):
        Beside(room.pki.crls()).check(chain[:1], SIGNED)
    room.pki.revoke(room.body, BEFORE)
    with pytest.raises(KeyProblem, match="was revoked"):
        Beside(room.pki.crls()).check(chain, SIGNED)


def attach(room: Room, *more: object) -> Any:
    return CliRunner().invoke(app, ["report", "attach", str(room.manifest), *map(str, more)])


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_answers_the_request_and_verifies_what_was_attached(room: Room, tmp_path: Path) -> None:
    """The second opinion on both: OpenSSL's time-stamp authority, and its verification."""
    private = room.tsa.credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tsa.pem").write_bytes(room.tsa.credential.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "tsa.key").write_bytes(private)
    (tmp_path / "ca.pem").write_bytes(room.pki.anchors_pem())
    (tmp_path / "ts.cnf").write_text(
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4\ndigests = sha256\n"
        "signer_digest = sha256\ness_cert_id_alg = sha256\n",
        encoding="utf-8",
    )
    done = attach(room, "--request", tmp_path / "r.tsq")
    assert done.exit_code == 0, done.output

    def openssl(*arguments: str) -> str:
        run = subprocess.run(
            ["openssl", "ts", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        return run.stdout + run.stderr

    asked = ("-config", "ts.cnf", "-queryfile", "r.tsq", "-signer", "tsa.pem", "-inkey", "tsa.key")
    told = openssl("-reply", *asked, "-out", "r.tsr")
    done = attach(room, "--stamp", tmp_path / "r.tsr", "--tsa", tmp_path / "ca.pem")
    assert done.exit_code == 0, told + done.output
    assert "Cấp dấu thời gian" in done.output
    stored = ("-in", "r.signed.json.tst", "-token_in", "-data", "r.signed.json.jws")
    assert "Verification: OK" in openssl("-verify", *stored, "-CAfile", "ca.pem")
    beside(room.manifest, "jws").write_text(sign(room.manifest.read_bytes(), room.key), encoding="ascii")
    done = attach(room, "--stamp", tmp_path / "r.tsr", "--tsa", tmp_path / "ca.pem")
    assert done.exit_code == 2
    assert "not a sound time-stamp of this signature" in done.output


def test_attach_wants_something_and_a_signature(room: Room, tmp_path: Path) -> None:
    assert "wants --request" in attach(room).output
    (tmp_path / "x.crl").write_bytes(b"x")
    assert "--crl" in attach(room, "--crl", tmp_path / "x.crl").output
    room.manifest.write_bytes(room.manifest.read_bytes() + b" ")
    assert attach(room, "--request", tmp_path / "r.tsq").exit_code == 2
    beside(room.manifest, "jws").unlink()
    assert "r.signed.json.jws" in attach(room, "--request", tmp_path / "r.tsq").output
