"""What this project signs verifies on every platform; what a platform does not know is listed with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.signature.sign import Style
from tests.interop.desk import Desk
from tests.interop.test_signers import VERIFIERS
from tests.interop.tools import ready, verify

RSA_STYLES = {
    "portable": Style(),
    "invoice": Style(c14n="inclusive", prefix="", xades=False, zone=False, key_value=True),
    "no transform": Style(reference_c14n="", prefix=""),
    "enveloped": Style(
        c14n="inclusive", prefix="", transforms=("http://www.w3.org/2000/09/xmldsig#enveloped-signature",), wrap=76
    ),
}
UNKNOWN: dict[tuple[str, str], str] = {
    ("dotnet", "ecdsa"): "SignedXml of Mono knows no ECDSA",
    ("xml-crypto", "ecdsa"): "xml-crypto knows no ECDSA",
    ("go", "ecdsa"): "goxmldsig 1.2 knows RSA only",
    ("dotnet", "pss"): "SignedXml knows no RSASSA-PSS",
    ("xmlsec1", "pss"): "xmlsec1 1.2 knows no RSASSA-PSS",
    ("go", "pss"): "goxmldsig 1.2 knows PKCS#1 v1.5 only",
    ("xmlseclibs", "ecdsa"): "xmlseclibs 3.1 knows RSA only",
    ("perl", "ecdsa"): "Crypt::OpenSSL::RSA knows RSA only",
    ("php", "pss"): "openssl_verify of PHP 8.2 knows no RSASSA-PSS",
    ("xmlseclibs", "pss"): "xmlseclibs 3.1 knows PKCS#1 v1.5 only",
    ("perl", "pss"): "the program uses PKCS#1 v1.5 only",
    ("santuario", "pss"): "Santuario 2.1.7 knows no RSASSA-PSS",
}
"""Platform and algorithm → why the signatures cannot be verified there."""


def _said(desk: Desk, verifier: str, documents: dict[str, bytes]) -> dict[str, dict[str, str]]:
    tool = ready(verifier)
    files: dict[str, Path] = {}
    for name, data in documents.items():
        files[name] = desk.folder / f"ours-{verifier}-{name.replace(' ', '-')}.xml"
        files[name].write_bytes(data)
    said = verify(tool, list(files.values()))
    return {name: said[path] for name, path in files.items()}


def _all(desk: Desk, verdict: str = "ok") -> dict[str, str]:
    return {plan.id: verdict for plan in desk.plans}


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_our_documents_verify_on_the_platform(desk: Desk, verifier: str) -> None:
    documents = {name: desk.ours(style) for name, style in RSA_STYLES.items()}
    for name, said in _said(desk, verifier, documents).items():
        assert said == _all(desk), name


@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize("algorithm", ["ecdsa", "pss"])
def test_what_the_platform_does_not_know_is_listed(desk: Desk, curve_desk: Desk, verifier: str, algorithm: str) -> None:
    used, style = (curve_desk, Style()) if algorithm == "ecdsa" else (desk, Style(padding="pss"))
    said = _said(used, verifier, {algorithm: used.ours(style)})[algorithm]
    unknown = (verifier, algorithm) in UNKNOWN
    assert {verdict == "ok" for verdict in said.values()} == {not unknown}, said
    assert set(said) == set(_all(used))


LITERAL = {"xmlsec1"}
"""By the letter of the standard, enveloped-signature leaves nothing of a part of the signature itself."""


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_the_enveloped_transform_on_an_own_object_divides_the_engines(desk: Desk, verifier: str) -> None:
    data = desk.ours(Style(own_transforms=("http://www.w3.org/2000/09/xmldsig#enveloped-signature",)))
    assert "PL1-KY-016.enveloped-own" in desk.findings(data)
    said = _said(desk, verifier, {"enveloped own": data})["enveloped own"]
    assert {verdict == "ok" for verdict in said.values()} == {verifier not in LITERAL}, said
