"""Trust anchors and evidence as files: every usual kind is taken, everything else is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import NameOID

from conformance.checking import CheckingProblem, check_files
from conformance.pack import default_pack
from conformance.signature.certificate import CertificateFacts, load
from conformance.signature.given import GivenError, read_anchors, read_answers, read_crls, read_tax_codes
from conformance.signature.pki import Credential, TestPki
from conformance.signature.responders import ocsp_answer
from conformance.signature.trust import PathProblem, TrustStore

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WHO = ("Lê Thử An", "001099990001")


@pytest.fixture(scope="module")
def pki() -> TestPki:
    return TestPki(NOW)


def facts(credential: Credential) -> CertificateFacts:
    loaded = load(credential.der)
    assert isinstance(loaded, CertificateFacts)
    return loaded


def trusts(pem: bytes, credential: Credential) -> bool:
    return TrustStore.from_pem(pem).path(facts(credential), [], NOW).good


def p7(pki: TestPki, encoding: Encoding) -> bytes:
    return pkcs7.serialize_certificates(list(pki.authorities()), encoding)


KINDS: dict[str, Callable[[TestPki], dict[str, bytes]]] = {
    "one PEM with several": lambda p: {"ca.pem": p.anchors_pem()},
    "text around PEM": lambda p: {"ca.pem": b"# bundle\n\n" + p.anchors_pem() + b"\nend\n"},
    "DER, one a file": lambda p: {
        f"{number}.cer": one.public_bytes(Encoding.DER) for number, one in enumerate(p.authorities())
    },
    "PKCS#7 in DER": lambda p: {"ca.p7b": p7(p, Encoding.DER)},
    "PKCS#7 in PEM": lambda p: {"ca.p7b": p7(p, Encoding.PEM)},
    "with the lists": lambda p: {
        "ca.pem": p.anchors_pem()
        + x509.load_der_x509_crl(p.crls()[0]).public_bytes(Encoding.PEM)
    },
}  # fmt: skip


@pytest.mark.parametrize("as_folder", [False, True], ids=["files", "folder"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_usual_kind_is_taken(pki: TestPki, tmp_path: Path, kind: str, as_folder: bool) -> None:
    paths = []
    for name, data in KINDS[kind](pki).items():
        (tmp_path / name).write_bytes(data)
        paths.append(tmp_path / name)
    (tmp_path / "README.txt").write_text("not looked at", encoding="utf-8")
    anchors = read_anchors([tmp_path] if as_folder else paths, NOW)
    assert anchors.notes == ()
    assert trusts(anchors.pem, pki.person(*WHO))
    assert not trusts(anchors.pem, TestPki(NOW).person(*WHO))
    # the root is the one anchor, whatever else was given
    assert len(TrustStore.from_pem(anchors.pem).fingerprints()) == 1


def test_an_issuing_authority_may_be_given_alone(pki: TestPki, tmp_path: Path) -> None:
    """Its issuer is not among those given, so it is trusted itself: beside another vendor's root too."""
    other = TestPki(NOW)
    (tmp_path / "issuing.pem").write_bytes(pki.persons.credential.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "other.pem").write_bytes(other.anchors_pem())
    anchors = read_anchors([tmp_path], NOW)
    assert trusts(anchors.pem, pki.person(*WHO))
    assert trusts(anchors.pem, other.person(*WHO))
    assert not trusts(anchors.pem, pki.organisation("Trường Thử", school="99000001")), "issued by another one"


def version_1_root(pki: TestPki) -> bytes:
    """A root without any extension, as old authorities have it; only the version tells."""
    from asn1crypto import x509 as asn1
    from cryptography.hazmat.primitives.asymmetric import ec

    root = pki.root.credential
    made = asn1.Certificate.load(root.der)
    body = made["tbs_certificate"].copy()
    body["version"] = "v1"
    del body["extensions"]
    assert isinstance(root.key, ec.EllipticCurvePrivateKey)
    signature = root.key.sign(body.dump(force=True), ec.ECDSA(hashes.SHA256()))
    done: bytes = asn1.Certificate(
        {"tbs_certificate": body, "signature_algorithm": made["signature_algorithm"], "signature_value": signature}
    ).dump()
    return done


def test_a_root_of_version_1_is_taken(pki: TestPki, tmp_path: Path) -> None:
    (tmp_path / "old.cer").write_bytes(version_1_root(pki))
    anchors = read_anchors([tmp_path / "old.cer"], NOW)
    issuer = load(pki.persons.credential.der)
    assert isinstance(issuer, CertificateFacts)
    assert TrustStore.from_pem(anchors.pem).path(facts(pki.person(*WHO)), [issuer], NOW).good


def request(pki: TestPki) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    key = pki.person(*WHO).key
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256()).public_bytes(
        Encoding.PEM
    )  # fmt: skip


def key_pem(pki: TestPki) -> bytes:
    return pki.person(*WHO).key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


WRONG: dict[str, tuple[Callable[[TestPki], bytes], str]] = {
    "empty": (lambda p: b"\n", "the file is empty"),
    "rubbish": (lambda p: b"not a certificate", "unreadable certificate"),
    "a broken certificate": (
        lambda p: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "unreadable certificate",
    ),
    "a person's certificate": (
        lambda p: p.person(*WHO).certificate.public_bytes(Encoding.PEM), "Lê Thử An.*is no authority's",
    ),
    "a person's certificate in DER": (lambda p: p.person(*WHO).der, "is no authority's"),
    "a person's beside the root": (
        lambda p: p.root_pem() + p.person(*WHO).certificate.public_bytes(Encoding.PEM), "is no authority's",
    ),
    "a self-signed person": (lambda p: p.person(*WHO, ca="self").der, "is no authority's"),
    "a key": (key_pem, "holds a private key"),
    "a key beside the root": (lambda p: p.root_pem() + key_pem(p), "holds a private key"),
    "a request": (request, "this is a certificate request"),
    "a list": (lambda p: p.crls()[0], r"this is a revocation list \(CRL\) \(--crl\)"),
    "a list in PEM": (
        lambda p: x509.load_der_x509_crl(p.crls()[0]).public_bytes(Encoding.PEM), "this is a revocation list",
    ),
    "an OCSP answer": (lambda p: ocsp_answer(p, p.person(*WHO)), r"this is an OCSP answer \(--ocsp\)"),
    "PKCS#12": (lambda p: p.person(*WHO).pkcs12("x"), r"this is a PKCS#12 file"),
    "a document": (lambda p: b'<?xml version="1.0"?><HocBa/>', "this is an XML file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_everything_else_is_refused_by_name(pki: TestPki, tmp_path: Path, kind: str) -> None:
    make, text = WRONG[kind]
    path = tmp_path / "given.pem"
    path.write_bytes(make(pki))
    with pytest.raises(GivenError, match=text) as told:
        read_anchors([path], NOW)
    assert str(path) in str(told.value)
    assert " / " in str(told.value)


def test_folders_without_certificates_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GivenError, match="no certificate files"):
        read_anchors([tmp_path], NOW)
    with pytest.raises(GivenError, match="cannot be read"):
        read_anchors([tmp_path / "missing.pem"], NOW)


def test_given_twice_is_noted_and_harmless(pki: TestPki, tmp_path: Path) -> None:
    for name in ("one.pem", "two.pem"):
        (tmp_path / name).write_bytes(pki.root_pem())
    anchors = read_anchors([tmp_path], NOW)
    assert len(anchors.notes) == 1
    assert "two.pem" in anchors.notes[0]
    assert "given before" in anchors.notes[0]
    assert anchors.pem == pki.root_pem()


@pytest.mark.parametrize(
    ("years", "text"), [(13, "expired on 2038"), (-7, "is valid from 2020"), (0, "")], ids=["late", "early", "now"]
)
def test_validity_of_an_anchor_is_noted(pki: TestPki, tmp_path: Path, years: int, text: str) -> None:
    (tmp_path / "ca.pem").write_bytes(pki.root_pem())
    notes = read_anchors([tmp_path], NOW + timedelta(days=365 * years)).notes
    assert len(notes) == bool(text)
    assert all(text in note for note in notes)
    # what was signed while it was valid still rests on it; what was signed later does not
    store = TrustStore.from_pem(pki.anchors_pem())
    one = facts(pki.person(*WHO))
    assert store.path(one, [], NOW).good
    assert store.path(one, [], NOW + timedelta(days=365 * 13)).problem is PathProblem.AUTHORITY_NOT_VALID


def test_evidence_files(pki: TestPki, tmp_path: Path) -> None:
    lists, one = pki.crls(), pki.person(*WHO)
    pem = b"".join(x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in lists)
    (tmp_path / "all.pem").write_bytes(pem)
    (tmp_path / "one.crl").write_bytes(lists[0])
    (tmp_path / "one.ocsp").write_bytes(ocsp_answer(pki, one))
    assert read_crls([tmp_path / "all.pem", tmp_path / "one.crl"]) == [*lists, lists[0]]
    assert len(read_answers([tmp_path / "one.ocsp"])) == 1
    with pytest.raises(GivenError, match=r"this is an OCSP answer \(--ocsp\)"):
        read_crls([tmp_path / "one.ocsp"])
    with pytest.raises(GivenError, match=r"this is a revocation list \(CRL\) \(--crl\)"):
        read_answers([tmp_path / "one.crl"])
    (tmp_path / "ca.pem").write_bytes(pki.root_pem())
    for reader in (read_crls, read_answers):
        with pytest.raises(GivenError, match=r"this is a certificate \(--trust\)"):
            reader([tmp_path / "ca.pem"])
    (tmp_path / "rubbish").write_bytes(b"rubbish")
    with pytest.raises(GivenError, match="unreadable revocation list"):
        read_crls([tmp_path / "rubbish"])
    with pytest.raises(GivenError, match="unreadable OCSP answer"):
        read_answers([tmp_path / "rubbish"])


def test_caches_belong_to_one_store_and_to_the_time(pki: TestPki) -> None:
    """The same certificate, asked again and again of two vendors' stores at several times."""
    other = TestPki(NOW)
    mine, theirs = pki.trust_store(), other.trust_store()
    one = facts(pki.person(*WHO))
    late = NOW + timedelta(days=365 * 13)
    for _ in range(2):
        assert mine.path(one, [], NOW).good
        assert not theirs.path(one, [], NOW).good
        assert mine.path(one, [], late).problem is PathProblem.AUTHORITY_NOT_VALID
        assert not theirs.path(one, [facts(pki.persons.credential), facts(pki.root.credential)], NOW).good


def test_options_that_cannot_be_used_are_told(pki: TestPki, tmp_path: Path) -> None:
    (tmp_path / "x.crl").write_bytes(pki.crls()[0])
    (tmp_path / "a.xml").write_bytes(b"<a/>")

    def check(**options: object) -> None:
        usual: dict[str, object] = {"trust": [], "crls": [], "leaders": None, "subject_map": None, "judged_at": NOW}
        check_files(default_pack(), [tmp_path / "a.xml"], **{**usual, **options})

    check()
    with pytest.raises(CheckingProblem, match="want --trust"):
        check(crls=[tmp_path / "x.crl"])
    with pytest.raises(CheckingProblem, match="this is a revocation list"):
        check(trust=[tmp_path / "x.crl"])


def test_whose_tax_code_is_whose(tmp_path: Path) -> None:
    path = tmp_path / "schools.txt"
    path.write_text("# trường, thuế\n99000001, 0100109106\n99000002;0100109107-001\n\n99000001\t0100109108\n", "utf-8")
    assert read_tax_codes(path) == {
        "0100109106": "99000001",
        "0100109107-001": "99000002",
        "0100109108": "99000001",
    }
    for bad in ("99000001", "a b c", "99000001 1\n99000002 1", "\xff\xff"):
        path.write_bytes(bad.encode("latin-1"))
        with pytest.raises(GivenError, match=r"schools\.txt"):
            read_tax_codes(path)
