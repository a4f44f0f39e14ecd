"""RSASSA-PSS with its parameters beside the method: what the JDK writes is accepted, anything else told in full."""

from __future__ import annotations

import pytest
from lxml import etree

from conformance.pack import default_pack
from conformance.signature.canonical import DS
from conformance.signature.parameters import with_parameters

PACK = default_pack()
MORE = "http://www.w3.org/2007/05/xmldsig-more#"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"


def method(inside: str | None) -> etree._Element:
    params = "" if inside is None else f"<p:RSAPSSParams>{inside}</p:RSAPSSParams>"
    return etree.fromstring(f'<SignatureMethod xmlns="{DS}" xmlns:p="{MORE}">{params}</SignatureMethod>')


def digest(uri: str) -> str:
    return f'<DigestMethod Algorithm="{uri}"/>'


def mask(uri: str, function: str = f"{MORE}MGF1") -> str:
    return f'<p:MaskGenerationFunction Algorithm="{function}">{digest(uri)}</p:MaskGenerationFunction>'


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (None, "sha256"),
        ("", "sha256"),
        (digest(SHA512), "sha512"),  # the mask by the same hash, as the JDK reads it
        (digest(SHA512) + mask(SHA512) + "<p:SaltLength>64</p:SaltLength><p:TrailerField>1</p:TrailerField>", "sha512"),
        ("<p:SaltLength> 32 </p:SaltLength>", "sha256"),
    ],
)
def test_parameters_of_an_allowed_method(inside: str | None, expected: str) -> None:
    algorithm, _, _ = with_parameters(method(inside), PACK)
    assert algorithm is not None
    assert (algorithm.key, algorithm.padding, algorithm.hash) == ("rsa", "pss", expected)


@pytest.mark.parametrize(
    ("inside", "seen"),
    [
        ("<p:SaltLength>20</p:SaltLength>", "sha256, MGF1(sha256), SaltLength 20, TrailerField 1"),
        ("<p:TrailerField>2</p:TrailerField>", "sha256, MGF1(sha256), SaltLength 32, TrailerField 2"),
        (mask(SHA1), "sha256, MGF1(sha1), SaltLength 32, TrailerField 1"),
        (digest(SHA512) + mask(SHA256), "sha512, MGF1(sha256), SaltLength 64, TrailerField 1"),
        (mask(SHA256, "urn:other#mask"), "sha256, mask(sha256), SaltLength 32, TrailerField 1"),
    ],
)
def test_other_parameters_are_told_beside_the_right_ones(inside: str, seen: str) -> None:
    algorithm, said, expected = with_parameters(method(inside), PACK)
    assert algorithm is None
    assert said == seen
    assert expected.endswith("TrailerField 1")
    assert expected != said


def test_a_hash_that_is_not_allowed_is_named_by_its_uri() -> None:
    assert with_parameters(method(digest(SHA1)), PACK) == (None, SHA1, "")


def test_what_is_no_parameter() -> None:
    assert with_parameters(method("<x/>"), PACK)[0] is None
    stray = etree.fromstring(f'<SignatureMethod xmlns="{DS}"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>')
    assert with_parameters(stray, PACK) == (None, "HMACOutputLength", "RSAPSSParams")
