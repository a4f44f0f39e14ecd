"""Software that has not learnt XML Signature yet is told what it did, not that something was changed after signing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from conformance.checks.judge import judge_document
from conformance.events import Finding
from conformance.finding import Observation
from conformance.signature import algorithms
from conformance.signature import sign as signing
from conformance.signature.canonical import canonical
from conformance.signature.sign import Plan, Style, re_signed
from conformance.wording import cause_text
from tests.builders import LEADER
from tests.checks.test_signature_kills import PACK, Bench, on

PRINCIPAL = "principal"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
INVOICE = Style(c14n="inclusive", prefix="", xades=False)


@cache
def bench() -> Bench:
    return Bench()


@cache
def rsa_key() -> Bench:
    """The same with an RSA key for the principal."""
    one = Bench()
    people = {**one.signers.people, LEADER[1]: one.pki.person(LEADER[0], LEADER[1], key="rsa2048")}
    one.signers = replace(one.signers, people=people)
    one.trust = one.pki.trust_store()
    return one


def few(plan: Plan) -> Plan | None:
    """Signatures of two teachers, and of the layers above: enough to be of one software."""
    return plan if plan.subject is None or plan.number <= 2 else None


def roots(one: Bench, data: bytes) -> list[Observation]:
    """Root violations of MUST rows about signatures."""
    found = judge_document(data, one.context()).found.violations
    return [each for each in found if each.is_root and each.requirement in ("PL1-KY-006", "PL1-KY-007")]


def said(one: Observation, language: str = "en") -> str:
    return cause_text(PACK, Finding.of(one), language)


# ------------------------------------------------------------------------------------------------ what was digested


def _own(element: etree._Element, change: Callable[[bytes], bytes]) -> bytes:
    return change(canonical(element))


DIGESTED: dict[str, tuple[Callable[[etree._Element], bytes], str]] = {
    "a line end behind it, as a shell's tools write": (lambda one: canonical(one) + b"\n", 'C14N + "\\n"'),
    "an XML declaration before it": (lambda one: b'<?xml version="1.0"?>\n' + canonical(one) + b"\n", "<?xml"),
    "letters by number, as Python writes by default": (lambda one: etree.tostring(one, with_tail=False), "&#…;"),
    "the text alone": (lambda one: "".join(map(str, one.itertext())).encode(), "textContent"),
    "what is inside the element": (
        lambda one: _own(one, lambda octets: octets[octets.index(b">") + 1 : octets.rindex(b"<")]), "innerXML",
    ),
    "a byte order mark before it, as a StreamWriter of .NET writes": (
        lambda one: b"\xef\xbb\xbf" + canonical(one), "BOM + C14N",
    ),
    "another part": (lambda one: canonical(one.getroottree().getroot()[0][0]), "C14N(#record)"),
    "UTF-16": (lambda one: canonical(one).decode().encode("utf-16-le"), "UTF-16"),
    "nothing": (lambda one: b"", '""'),
}  # fmt: skip


@pytest.mark.parametrize("habit", DIGESTED)
def test_what_was_digested_instead_of_the_canonical_form_is_named(habit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, words = DIGESTED[habit]
    monkeypatch.setattr(
        signing, "_octets", lambda one, method: make(one) if method == "own" else canonical(one, method)
    )
    data = bench().signed(on(PRINCIPAL, lambda plan: re_signed(plan, octets="own", octets_of="#content")))
    (told,) = roots(bench(), data)
    assert told.code == "PL1-KY-006.not-canonical"
    assert words in said(told)
    assert words in said(told, "vi")


@pytest.mark.parametrize(
    ("spelling", "code", "words"),
    [
        ("base64-hex", "PL1-KY-006.digest-spelling", "base64(hex)"),
        ("hex", "PL1-KY-006.digest-spelling", "(hex)"),
        ("unpadded", "PL1-KY-007.base64-unpadded", "lacks the “=”"),
    ],
)
def test_a_right_digest_spelled_wrongly_is_not_called_a_change(spelling: str, code: str, words: str) -> None:
    (told,) = roots(bench(), bench().signed(few, style=Style(digest_as=spelling)))  # in every signature: still one root
    assert told.code == code
    assert words in said(told)


@pytest.mark.parametrize(
    ("how", "change", "code", "words"),
    [
        ("reversed", lambda octets: octets[::-1], "digest-spelling", "little-endian"),
        ("cut", lambda octets: octets[:16], "digest-spelling", "16 / 32 byte"),
        ("of no hash", lambda octets: b"\xff" * 20, "digest-method", "160 bit was used, sha256 (256 bit) is declared"),
    ],
)
def test_octets_that_are_not_the_digest_as_it_is(
    how: str, change: Callable[[bytes], bytes], code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spelled = signing._spelled
    monkeypatch.setattr(
        signing, "_spelled", lambda octets, wanted: spelled(change(octets) if wanted == how else octets, "")
    )
    data = bench().signed(on(PRINCIPAL, lambda plan: re_signed(plan, digest_as=how, octets_of="#content")))
    (told,) = roots(bench(), data)
    assert told.code == f"PL1-KY-006.{code}"
    assert words in said(told)


def test_a_digest_of_a_digest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    spelled, digest = signing._spelled, algorithms.digest
    monkeypatch.setattr(
        signing, "_spelled", lambda octets, how: spelled(digest("sha256", octets) if how == "twice" else octets, how)
    )
    data = bench().signed(on(PRINCIPAL, lambda plan: re_signed(plan, digest_as="twice", octets_of="#content")))
    (told,) = roots(bench(), data)
    assert told.code == "PL1-KY-006.digest-method"
    assert "sha256(sha256) was used, sha256 is declared" in said(told)


def test_where_no_digest_fits_nobody_is_accused_of_a_change() -> None:
    (told,) = roots(bench(), bench().signed(few, style=Style(octets="joined")))
    assert told.code == "PL1-KY-006.nothing-fits"
    assert "--dump-c14n" in said(told)
    assert "--dump-c14n" in said(told, "vi")


# --------------------------------------------------------------------------------------------------- what was signed


def _rsa(plan: Plan) -> rsa.RSAPrivateKey:
    assert isinstance(plan.credential.key, rsa.RSAPrivateKey)
    return plan.credential.key


def _bare_block(plan: Plan, octets: bytes) -> bytes:
    """RSA over the digest alone, without DigestInfo: ``openssl_private_encrypt``."""
    digest = algorithms.digest("sha256", octets)
    numbers = _rsa(plan).private_numbers()
    block = b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n).to_bytes(256)


def _signed(plan: Plan, octets: bytes) -> bytes:
    return _rsa(plan).sign(octets, padding.PKCS1v15(), hashes.SHA256())


def _sha1(plan: Plan, octets: bytes) -> bytes:
    return _rsa(plan).sign(octets, padding.PKCS1v15(), hashes.SHA1())


def _any_salt(plan: Plan, octets: bytes) -> bytes:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    return _rsa(plan).sign(octets, pss, hashes.SHA256())


def _without_namespaces(octets: bytes) -> bytes:
    return re.sub(rb' xmlns:ds="[^"]*"', b"", octets)


def _java_default(plan: Plan, octets: bytes) -> bytes:
    """``PSSParameterSpec.DEFAULT``: the mask by SHA-1, a salt of 20 octets."""
    return _rsa(plan).sign(octets, padding.PSS(padding.MGF1(hashes.SHA1()), 20), hashes.SHA256())


VALUES: dict[str, tuple[Callable[[Plan, bytes], bytes], dict[str, str], str, str]] = {
    "openssl_sign of PHP without its fourth argument": (_sha1, {}, "other-method", "rsa-sha1 was used"),
    "RSA without DigestInfo": (_bare_block, {}, "other-method", "– DigestInfo"),
    "PSS with another salt": (_any_salt, {"padding": "pss"}, "other-method", "salt ≠ 32"),
    "PSS as Java has it without parameters": (
        _java_default, {"padding": "pss"}, "other-method", "MGF1(sha1) was used",
    ),
    "a plug-in that signs the base64 it is given": (
        lambda plan, octets: _signed(plan, base64.b64encode(octets)), {}, "signed-other", "base64(SignedInfo)",
    ),
    "SignedInfo as a string without its namespace": (
        lambda plan, octets: _signed(plan, _without_namespaces(octets)), {}, "signed-other", "C14N – xmlns",
    ),
    "the hex text of the digest": (
        lambda plan, octets: _signed(plan, algorithms.digest("sha256", octets).hex().encode()), {},
        "signed-other", "hex(sha256(SignedInfo))",
    ),
    "CryptoAPI's order of octets": (
        lambda plan, octets: _signed(plan, octets)[::-1], {}, "value-spelling", "little-endian",
    ),
    "hex": (
        lambda plan, octets: _signed(plan, octets).hex().encode(), {}, "value-spelling", "base64(hex)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("habit", VALUES)
def test_how_a_value_was_made_instead_is_named(habit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, style, cause, words = VALUES[habit]
    one, made = rsa_key(), signing._value

    def value(plan: Plan, info: etree._Element, pack: object) -> str:
        if plan.slot != PRINCIPAL:
            return made(plan, info, PACK)
        return signing._spelled(make(plan, canonical(info)), "")

    monkeypatch.setattr(signing, "_value", value)
    data = one.signed(on(PRINCIPAL, lambda plan: re_signed(plan, **style)))
    (told,) = roots(one, data)
    assert told.code == f"PL1-KY-006.{cause}"
    assert words in said(told)
    assert words in said(told, "vi") or cause == "other-method"


def _numbers(value: bytes) -> tuple[bytes, bytes]:
    return value[:32], value[32:]


CURVES: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "the second number first": (lambda value: value[32:] + value[:32], "value-spelling", "s ‖ r"),
    "little-endian": (
        lambda value: b"".join(one[::-1] for one in _numbers(value)), "value-spelling", "little-endian",
    ),
    "BigInteger.toByteArray": (
        lambda value: b"\0".join((b"", *_numbers(value))), "value-spelling", "33 + 33 ≠ 32 + 32",
    ),
    "base64 of DER in hex": (lambda value: algorithms.to_der(value).hex().encode(), "ecdsa-der", "DER"),
}  # fmt: skip


@pytest.mark.parametrize("habit", CURVES)
def test_how_an_ecdsa_value_is_spelled_is_named(habit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, cause, words = CURVES[habit]
    monkeypatch.setattr(
        signing, "_value",
        lambda plan, info, _: signing._spelled(
            change(algorithms.sign(PACK.signature.signatures[ECDSA], plan.credential.key, canonical(info))), ""
        ),
    )  # fmt: skip
    (told,) = roots(bench(), bench().signed(few))
    assert told.code == f"PL1-KY-006.{cause}"
    assert words in said(told)


def test_a_key_of_somebody_else_is_one_root_that_names_the_person() -> None:
    one = bench()
    key = one.seal.key
    data = one.signed(lambda plan: few(replace(plan, credential=replace(plan.credential, key=key))))
    (told,) = roots(one, data)
    assert told.code == "PL1-KY-006.other-key"
    assert "made with the key of Trường Thử nghiệm Ban Mai" in said(told)


def test_one_certificate_for_everybody_is_one_root() -> None:
    one = bench()
    held = next(iter(one.signers.people.values()))
    found = judge_document(one.signed(lambda plan: replace(plan, credential=held)), one.context()).found
    told = [each for each in found.violations if each.is_root and each.code == "PL1-CTS-003.other-person"]
    assert len(told) == 1
    assert "Nguyễn Thị An" in said(told[0])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            lambda data: data.replace(b"<HocBa ", b'<HocBa xmlns:vendor="https://vendor.example/" ', 1),
            "namespace-context",
        ),
        (lambda data: data.replace(b"<HocBa ", b'<HocBa xml:space="preserve" ', 1), ""),
    ],
)
def test_what_is_put_on_the_root_after_signing_is_one_root_under_inclusive_canonicalization(
    change: Callable[[bytes], bytes], code: str
) -> None:
    told = roots(bench(), change(bench().signed(few, style=INVOICE)))
    assert [each.code for each in told] == ([f"PL1-KY-006.{code}"] if code else [])


def test_exclusive_digests_of_references_without_a_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    """signxml writes no transform for SignedProperties."""
    made = signing._signature

    def without(*given: Any) -> str:
        head, kind, rest = made(*given).partition('Type="http://uri.etsi.org/01903#SignedProperties">')
        return head + kind + re.sub("<ds:Transforms>.*?</ds:Transforms>", "", rest, count=1)

    monkeypatch.setattr(signing, "_signature", without)
    data = bench().signed(few)
    (told,) = roots(bench(), data)
    assert told.code == "PL1-KY-006.c14n-variant"
    assert "exclusive was used, inclusive (– Transforms) is declared" in said(told)


@pytest.mark.parametrize(
    ("style", "code"),
    [
        ({"value_over": "digest"}, "PL1-KY-006.signed-other"),
        ({"value_as": "cms"}, "PL1-KY-006.value-cms"),
        ({"value_as": "pem"}, "PL1-KY-007.base64-pem"),
    ],
)
def test_what_all_signatures_of_a_software_have_is_one_root(style: dict[str, str], code: str) -> None:
    made = Style(**style)  # type: ignore[arg-type]  # fields of several types
    assert [one.code for one in roots(bench(), bench().signed(few, style=made))] == [code]


# ------------------------------------------------------------------------------------- written anew, in another order


def by_the_standard_library(data: bytes) -> bytes:
    """All namespaces under invented prefixes, all declared on the root."""
    written = BytesIO()
    ElementTree.ElementTree(ElementTree.fromstring(data)).write(written, "utf-8", xml_declaration=True)
    return written.getvalue()


def under(prefix: bytes) -> Callable[[bytes], bytes]:
    """The transcript's own namespace under a prefix."""
    return lambda data: re.sub(rb"<(/?)(?=[A-Z])", rb"<\1" + prefix + b":", data).replace(
        b'xmlns="urn:vn', b"xmlns:" + prefix + b'="urn:vn'
    )


def signatures_renamed(data: bytes) -> bytes:
    return data.replace(b"<ds:", b"<dsig:").replace(b"</ds:", b"</dsig:").replace(b"xmlns:ds=", b"xmlns:dsig=")


@pytest.mark.parametrize(
    "change", [by_the_standard_library, under(b"hb"), signatures_renamed], ids=["all", "hb", "dsig"]
)
@pytest.mark.parametrize("c14n", ["exclusive", "inclusive"])
def test_other_prefixes_after_signing_are_one_root(change: Callable[[bytes], bytes], c14n: str) -> None:
    data = change(bench().signed(few, style=Style(c14n=c14n)))
    (told,) = roots(bench(), data)
    assert told.code == "PL1-KY-006.prefix"
    assert "∅" not in said(told)


@pytest.mark.parametrize("c14n", ["exclusive", "inclusive"])
def test_a_second_default_namespace_that_importnode_of_php_renames(c14n: str) -> None:
    data = bench().signed(few, style=replace(INVOICE, c14n=c14n))
    changed = data.replace(b"<SigningTime xmlns=", b"<default:SigningTime xmlns:default=")
    assert changed != data
    (told,) = roots(bench(), changed.replace(b"</SigningTime>", b"</default:SigningTime>"))
    assert told.code == "PL1-KY-006.prefix"
    assert "from (xmlns) to default" in said(told)


def test_what_is_not_understood_follows_from_what_is() -> None:
    (told,) = roots(bench(), by_the_standard_library(bench().signed(few, style=INVOICE)))
    assert told.code == "PL1-KY-006.prefix"


@pytest.mark.parametrize(
    ("pattern", "new", "code"),
    [
        ("(<ds:KeyInfo>.*</ds:KeyInfo>)(<ds:Object>.*</ds:Object>)", r"\2\1", "PL1-KY-007.order"),
        ("(<ds:SignatureValue>.*</ds:SignatureValue>)(<ds:KeyInfo>.*</ds:KeyInfo>)", r"\2\1", "PL1-KY-007.order"),
        ("(<ds:KeyInfo>.*</ds:KeyInfo>)", r"\1\1", "PL1-KY-007.malformed"),
        ("<ds:KeyInfo>", '<x xmlns=""/><ds:KeyInfo>', "PL1-KY-007.malformed"),
    ],
)
def test_the_parts_of_a_signature_stand_in_the_order_of_its_schema(
    pattern: str, new: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = signing._signature

    def changed(plan: Plan, *rest: object) -> str:
        text = made(plan, *rest)  # type: ignore[arg-type]  # the rest is passed on as it came
        return re.sub(pattern, new, text, flags=re.DOTALL) if plan.slot == "school-seal" else text

    monkeypatch.setattr(signing, "_signature", changed)
    (told,) = roots(bench(), bench().signed(few))
    assert told.code == code
