"""Signed results: what is not signed, what verifies, and a clear answer for everything that was tampered with."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner
from typer.testing import Result as Done

import reports
from conformance.cli import app
from conformance.commands.sign import PASSWORD
from conformance.events import Result, Witness
from conformance.evidence import Bundle
from conformance.pack import default_pack
from conformance.verdict import decide
from reports.signing.jws import JwsError, sign, verify
from reports.signing.keys import FileKey, KeyProblem, file_key
from tests.interop.tools import lacking
from tests.reports.sample import clean_items, failing, result

NOW = datetime.now(UTC)
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certificate(
    key: PrivateKey,
    name: str,
    issuer: tuple[PrivateKey, x509.Certificate] | None = None,
    *,
    ca: bool = False,
    days: int = 30,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = NOW - timedelta(days=10)
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(issuer[1].subject if issuer else subject).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return builder.sign(issuer[0] if issuer else key, hashes.SHA256())


@dataclasses.dataclass
class Desk:
    """A testing body: authority, key and list; and a signed result."""

    folder: Path
    ca: x509.Certificate
    leaf: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def manifest(self) -> Path:
        return self.folder / "r.signed.json"

    def sign(self, *more: str) -> Done:
        arguments = ["report", "sign", str(self.folder / "r.json"), "--report", str(self.folder / "r.html")]
        arguments += ["--evidence", str(self.folder / "evidence"), "--list", str(self.folder / "body.yaml")]
        keyed = [] if "--pkcs11" in more else ["--key", str(self.folder / "key.p12")]
        return CliRunner().invoke(app, [*arguments, *keyed, *more], env={PASSWORD: "mật khẩu"})

    def verify(self, *more: str, evidence: bool = True, body: str = "ca.pem") -> Done:
        arguments = ["report", "verify", str(self.manifest), "--lang", "en", *more]
        arguments += ["--evidence", str(self.folder / "evidence")] if evidence else []
        return CliRunner().invoke(app, [*arguments, *(["--body", str(self.folder / body)] if body else [])])


def witnessed(run: Result, list_digest: str, digest: str) -> Result:
    build = str(run.run.vendor["buildHash"])
    witness = Witness(
        body="Trung tâm Kiểm định Mẫu", body_id="VILAS 0000", list_digest=list_digest, build_hash=build,
        build_recorded="2026-11-24T08:00:00.000+07:00", seed_drawn="2026-11-24T08:00:00.001+07:00",
    )  # fmt: skip
    assert run.footer is not None
    footer = run.footer.model_copy(update={"evidence_digest": digest})
    made = run.model_copy(
        update={"run": run.run.model_copy(update={"witnessed": True, "witness": witness}), "footer": footer}
    )
    return made.model_copy(update={"verdict": decide(default_pack(), made).to_json()})


def write(folder: Path, run: Result) -> None:
    pack = default_pack()
    (folder / "r.json").write_text(reports.json_text(run, pack), encoding="utf-8")
    (folder / "r.html").write_text(reports.html(run, pack, "en"), encoding="utf-8")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("signed")
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate(authority, "CA of bodies", ca=True)
    leaf = certificate(key, "Trung tâm Kiểm định Mẫu", (authority, ca))
    secret = BestAvailableEncryption("mật khẩu".encode())
    (folder / "key.p12").write_bytes(pkcs12.serialize_key_and_certificates(b"body", key, leaf, None, secret))
    (folder / "ca.pem").write_bytes(ca.public_bytes(Encoding.PEM))
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "other.pem").write_bytes(certificate(key, "CA of bodies", ca=True).public_bytes(Encoding.PEM))
    listed = f"body: Trung tâm Kiểm định Mẫu\npacks: [{default_pack().digest}]\n".encode()
    (folder / "body.yaml").write_bytes(listed)
    bundle = Bundle(folder / "evidence")
    bundle.add("document", "case-THCS", b"<HocBa/>")
    bundle.add("journal", "case-THCS", b"[]")
    digest = bundle.close()
    run = witnessed(failing(default_pack()), hashlib.sha256(listed).hexdigest(), digest)
    write(folder, run)
    desk = Desk(folder, ca, leaf, key)
    done = desk.sign()
    assert done.exit_code == 0, done.output
    return desk


@pytest.fixture
def desk(signed: Desk, tmp_path: Path) -> Desk:
    """A copy to tamper with."""
    shutil.copytree(signed.folder, tmp_path / "copy")
    return dataclasses.replace(signed, folder=tmp_path / "copy")


def test_what_was_signed_verifies_offline_with_authority_or_certificate(signed: Desk) -> None:
    for body in ("ca.pem", "leaf.pem"):
        done = signed.verify(body=body)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("AS IT WAS SIGNED")
        assert done.output.count("✓") == 5
    done = signed.verify("--format", "json", evidence=False)
    data = json.loads(done.output)
    assert data["good"] is True
    assert [one["state"] for one in data["checks"]] == ["good", "note", "note", "good", "good", "note", "good"]


def test_the_statement_names_the_fields_of_a_certificate_and_no_ministry(signed: Desk) -> None:
    data = json.loads(signed.manifest.read_bytes())
    stated = data["statement"]
    assert stated["body"]["name"] == "Trung tâm Kiểm định Mẫu"
    assert stated["software"]["buildHash"] == stated["software"]["buildHashAtEnd"] == "cd" * 32
    assert stated["text"]["sha256"] == default_pack().digest
    assert stated["text"]["notCovered"]
    assert {line["verdict"] for line in stated["verdict"]} >= {"fail"}
    assert stated["run"]["seed"] == 20250820
    assert stated["run"]["spotCheck"] is None
    assert stated["run"]["buildRecorded"] < stated["run"]["seedDrawn"]
    assert stated["validity"]["until"] > stated["validity"]["from"]
    assert "does not say that the Ministry" in stated["notTheMinistry"]["en"]


def altered(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def first_bytes(folder: Path) -> Path:
    return min((folder / "evidence" / "bytes").iterdir())


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "report": (lambda at: altered(at / "r.html", b"Fail", b"Pass"), "The report was altered: r.html"),
    "result": (lambda at: altered(at / "r.json", b'"fail"', b'"pass"'), "The result was altered: r.json"),
    "no report": (lambda at: (at / "r.html").unlink(), "The report file is missing: r.html"),
    "manifest": (lambda at: altered(at / "r.signed.json", b'"THCS"', b'"THPT"'), "Signature wrong, or the manifest"),
    "manifest ambiguous": (lambda at: altered(at / "r.signed.json", b"{", b'{"format":1,'), "a key listed twice"),
    "white space": (lambda at: altered(at / "r.signed.json", b":", b": "), "Signature wrong, or the manifest"),
    "signature": (lambda at: altered(at / "r.signed.json.jws", b"..", b"..AA"), "Signature wrong, or the manifest"),
    "no signature": (lambda at: (at / "r.signed.json.jws").unlink(), "No signature beside the manifest"),
    "evidence": (lambda at: first_bytes(at).write_bytes(b"x"), "The evidence was altered: bytes/"),
    "index": (lambda at: altered(at / "evidence/index.ndjson", b"journal", b"jovrnal"), "The evidence was altered"),
    "evidence gone": (lambda at: first_bytes(at).unlink(), "Evidence is missing"),
    "other evidence": (lambda at: Bundle(at / "evidence").close(), "The evidence was altered: index.ndjson"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_was_tampered_with_is_named(desk: Desk, what: str) -> None:
    change, said = TAMPERED[what]
    change(desk.folder)
    done = desk.verify()
    assert done.exit_code == 1
    assert done.output.startswith("NOT TO BE RELIED ON")
    assert said in done.output
    assert "✗" in done.output or "?" in done.output


def test_files_that_the_index_does_not_name_are_told(desk: Desk) -> None:
    (desk.folder / "evidence" / "bytes" / ("ab" * 32)).write_bytes(b"<HocBa/>")
    (desk.folder / "evidence" / "more.xml").write_bytes(b"<HocBa/>")
    done = desk.verify()
    assert done.exit_code == 0, done.output
    assert f"for which nobody answers: more.xml, bytes/{'ab' * 32}" in done.output


@pytest.mark.parametrize("body", ["", "other.pem"])
def test_an_unknown_key_is_said_to_be_unknown(signed: Desk, body: str) -> None:
    done = signed.verify(body=body)
    assert done.exit_code == 1
    assert "nobody knows whose key it is" in done.output
    assert signed.leaf.fingerprint(hashes.SHA256()).hex() in done.output


def test_a_forger_with_a_certificate_of_his_own_is_unknown(desk: Desk) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    own = FileKey((certificate(key, "Trung tâm Kiểm định Mẫu"), desk.ca), key)
    (desk.folder / "r.signed.json.jws").write_text(sign(desk.manifest.read_bytes(), own))
    assert "nobody knows whose key it is" in desk.verify().output
    # issued by the body itself, which is no authority
    child = FileKey((certificate(key, "x", (desk.key, desk.leaf)), desk.leaf), key)
    (desk.folder / "r.signed.json.jws").write_text(sign(desk.manifest.read_bytes(), child))
    assert desk.verify().exit_code == 1
    assert desk.verify(body="leaf.pem").exit_code == 1


def test_another_customer_of_the_same_authority_is_not_the_body(desk: Desk) -> None:
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate(authority, "CA of everybody", ca=True)
    (desk.folder / "public.pem").write_bytes(ca.public_bytes(Encoding.PEM))
    vendor, body = (certificate(key, name, (authority, ca)) for name in ("Công ty Mẫu", "TRUNG TÂM  KIỂM ĐỊNH MẪU"))
    for leaf, code in ((vendor, 1), (body, 0)):
        (desk.folder / "r.signed.json.jws").write_text(sign(desk.manifest.read_bytes(), FileKey((leaf,), key)))
        done = desk.verify(body="public.pem")
        assert done.exit_code == code, done.output
        assert ("to another name than the testing body's" in done.output) is (code == 1)
    (desk.folder / "r.signed.json.jws").write_text(sign(desk.manifest.read_bytes(), FileKey((vendor,), key)))
    (desk.folder / "vendor.pem").write_bytes(vendor.public_bytes(Encoding.PEM))
    assert desk.verify(body="vendor.pem").exit_code == 0  # whoever names that very certificate knows whose it is


def test_an_expired_certificate_neither_signs_nor_verifies(desk: Desk) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    expired = certificate(key, "Trung tâm Kiểm định Mẫu", days=5)
    (desk.folder / "expired.pem").write_bytes(expired.public_bytes(Encoding.PEM))
    secret = BestAvailableEncryption("mật khẩu".encode())
    (desk.folder / "key.p12").write_bytes(pkcs12.serialize_key_and_certificates(b"body", key, expired, None, secret))
    before = desk.manifest.read_bytes()
    done = desk.sign()
    assert done.exit_code == 2
    assert "the certificate is not valid now" in done.output
    assert desk.manifest.read_bytes() == before
    (desk.folder / "r.signed.json.jws").write_text(sign(before, FileKey((expired,), key)))
    done = desk.verify(body="expired.pem")
    assert done.exit_code == 1
    assert "was not valid when it signed" in done.output


def test_a_self_declared_result_is_neither_signed_nor_verified(desk: Desk) -> None:
    write(desk.folder, failing(default_pack()))
    done = desk.sign()
    assert done.exit_code == 1
    assert "self-declared" in done.output
    done = CliRunner().invoke(app, ["report", "verify", str(desk.folder / "r.json"), "--lang", "en"])
    assert done.exit_code == 1
    assert "Self-declared result of run run-1" in done.output


REFUSED: dict[str, tuple[Callable[[Result], Result], str]] = {
    "claimed only": (
        lambda run: run.model_copy(update={"run": run.run.model_copy(update={"witness": None})}), "self-declared"
    ),
    "a part": (
        lambda run: run.model_copy(update={"run": run.run.model_copy(update={"selection": "x"})}), "not completed"
    ),
    "cut": (lambda run: run.model_copy(update={"footer": None}), "not completed"),
    "verdict": (lambda run: run.model_copy(update={"verdict": {**run.verdict, "exit_code": 0}}), "not the verdict"),
    "findings": (lambda run: run.model_copy(update={"items": run.items[:-1]}), "not the verdict"),
    "evidence": (
        lambda run: run.model_copy(
            update={"footer": run.footer.model_copy(update={"evidence_digest": "00" * 32}) if run.footer else None}
        ),
        "the evidence of another run",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_must_not_be_signed_is_not(desk: Desk, what: str) -> None:
    change, said = REFUSED[what]
    from reports.stream import read_result

    run = change(read_result(desk.folder / "r.json"))
    (desk.folder / "r.json").write_text(run.model_dump_json(), encoding="utf-8")
    desk.manifest.unlink()
    done = desk.sign()
    assert done.exit_code == 1, done.output
    assert said in done.output
    assert not desk.manifest.exists()


@pytest.mark.parametrize("name", ["r.html", "body.yaml"])
def test_another_report_or_list_is_not_signed(desk: Desk, name: str) -> None:
    with (desk.folder / name).open("a") as file:
        file.write("\n")
    assert desk.sign().exit_code == 1


def test_a_wrong_password_is_said_without_it(desk: Desk) -> None:
    with pytest.raises(KeyProblem, match="wrong password") as caught:
        file_key(desk.folder / "key.p12", "sai")
    assert "sai" not in str(caught.value).split(":", 1)[1].replace("sai mật khẩu", "")


def test_a_key_that_is_not_the_certificates_is_refused(desk: Desk) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (desk.folder / "other.key").write_bytes(pem)
    with pytest.raises(KeyProblem, match="not the certificate's"):
        file_key(desk.folder / "other.key", "", desk.folder / "leaf.pem")
    with pytest.raises(KeyProblem, match="certificate is missing"):
        file_key(desk.folder / "other.key", "")


@pytest.mark.parametrize("kind", ["ES256", "ES384", "PS256"])
def test_signatures_are_those_of_the_standard(kind: str, tmp_path: Path) -> None:
    key: PrivateKey
    if kind == "PS256":
        key = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1() if kind == "ES256" else ec.SECP384R1())
    signer = FileKey((certificate(key, "Thử"),), key)
    text = sign(b"nothing", signer)
    assert verify(b"nothing", text).algorithm == kind
    for payload, changed in ((b"nothink", text), (b"nothing", text.replace("..", ".bm90aGluZw."))):
        with pytest.raises(JwsError):
            verify(payload, changed)
    header, _, value = text.split(".")
    said = json.loads(base64.urlsafe_b64decode(header + "=="))
    assert said["alg"] == kind
    for forged in ({**said, "alg": "none"}, {**said, "alg": "HS256"}, {**said, "crit": ["b64"]}, {**said, "x5c": []}):
        other = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
        with pytest.raises(JwsError):
            verify(b"nothing", f"{other}..{value}")
    _second_opinion(key, header, value, kind, tmp_path)


def _second_opinion(key: PrivateKey, header: str, value: str, kind: str, folder: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        lacking("OpenSSL")
    assert openssl is not None
    raw = base64.urlsafe_b64decode(value + "==")
    if kind != "PS256":
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        half = len(raw) // 2
        raw = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
    (folder / "key.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (folder / "value").write_bytes(raw)
    payload = base64.urlsafe_b64encode(b"nothing").rstrip(b"=").decode()
    (folder / "data").write_text(f"{header}.{payload}")
    digest = "-sha384" if kind == "ES384" else "-sha256"
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if kind == "PS256" else []
    command = [openssl, "dgst", digest, *pss, "-verify", "key.pem", "-signature", "value", "data"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert "Verified OK" in done.stdout, done.stderr


MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
)


@pytest.mark.parametrize("kind", ["p-256", "rsa"])
def test_a_key_on_a_token_signs(desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: a PKCS#11 module reads its configuration once."""
    util = shutil.which("softhsm2-util")
    module = next(filter(os.path.exists, MODULES), None)
    if util is None or module is None:
        lacking("SoftHSM2")
    assert util is not None
    assert module is not None
    pytest.importorskip("pkcs11", reason="python-pkcs11 (extra pkcs11)")
    tokens = desk.folder / "tokens"
    tokens.mkdir()
    (desk.folder / "softhsm.conf").write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    environment = {**os.environ, "SOFTHSM2_CONF": str(desk.folder / "softhsm.conf"), PASSWORD: "1234"}
    key: PrivateKey = desk.key if kind == "p-256" else rsa.generate_private_key(65537, 2048)
    leaf = desk.leaf if kind == "p-256" else certificate(key, "RSA")
    (desk.folder / "body.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (desk.folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def run(*command: str) -> str:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(util, "--init-token", "--free", "--label", "body", "--so-pin", "5678", "--pin", "1234")
    run(
        util, "--import", str(desk.folder / "key.pem"), "--token", "body", "--label", "k", "--id", "01", "--pin", "1234"
    )
    script = (
        "import sys; from pathlib import Path; from reports.signing.keys import token_key\n"
        "from reports.signing.jws import sign\n"
        "key = token_key(Path(sys.argv[1]), 'body', 'k', '1234', Path(sys.argv[2]))\n"
        "sys.stdout.write(sign(Path(sys.argv[3]).read_bytes(), key))"
    )
    text = run(sys.executable, "-c", script, module, str(desk.folder / "body.pem"), str(desk.manifest))
    assert verify(desk.manifest.read_bytes(), text).certificates == (leaf,)
    (desk.folder / "r.signed.json.jws").write_text(text)
    monkeypatch.chdir(desk.folder)
    assert desk.verify(body="body.pem").exit_code == 0


def test_a_clean_result_can_be_signed_too(desk: Desk) -> None:
    from reports.stream import read_result

    before = read_result(desk.folder / "r.json")
    assert before.run.witness is not None
    assert before.footer is not None
    clean: Any = result(default_pack(), clean_items(default_pack()))
    write(desk.folder, witnessed(clean, before.run.witness.list_digest, before.footer.evidence_digest))
    assert desk.sign().exit_code == 0
    done = desk.verify()
    assert done.exit_code == 0
    assert "THCS, Appendix 1 (the document), line A: Pass" in done.output


def observed(folder: Path, **more: Any) -> None:
    values: dict[str, Any] = {"door": "observe", "run_id": "seen-1", "started": "2026-11-24T10:00:00+07:00", **more}
    items = more.pop("items", clean_items(default_pack()))
    values.pop("items", None)
    run = result(default_pack(), items, **values)
    (folder / "seen.json").write_text(reports.json_text(run, default_pack()), encoding="utf-8")


def test_a_spot_check_through_the_observe_door_is_stated_and_covered(desk: Desk) -> None:
    observed(desk.folder)
    done = desk.sign("--spot-check", str(desk.folder / "seen.json"))
    assert done.exit_code == 0, done.output
    stated = json.loads(desk.manifest.read_bytes())["statement"]["run"]["spotCheck"]
    assert stated["run"] == "seen-1"
    assert "PL1-DOC-001" in stated["shown"]
    assert "Spot check intact: seen.json" in desk.verify().output
    altered(desk.folder / "seen.json", b"seen-1", b"seen-2")
    done = desk.verify()
    assert done.exit_code == 1
    assert "The spot check was altered: seen.json" in done.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"door": "drive"}, "not a run through the observe door"),
        ({"pack_digest": "00" * 32}, "not a run through the observe door"),
        ({"started": "2026-11-23T08:00:00+07:00"}, "older than the run"),
        ({"items": []}, "nothing was seen"),
        ({"items": failing(default_pack()).items}, "the spot check failed: PL"),
    ],
)
def test_a_spot_check_that_shows_nothing_or_failed_is_not_signed(desk: Desk, more: dict[str, Any], said: str) -> None:
    observed(desk.folder, **more)
    done = desk.sign("--spot-check", str(desk.folder / "seen.json"))
    assert done.exit_code == 1
    assert said in done.output
