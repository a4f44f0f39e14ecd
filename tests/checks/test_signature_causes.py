"""KY and CTS: causes by name, one document each, for what the kill table tells by requirement only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from conformance.document import write
from conformance.signature.sign import Plan, re_signed, sign_document
from tests.builders import HOMEROOM, LEADER, NOW, valid_values
from tests.checks.test_signature_kills import MATHS, PACK, TEACHER, Bench, on, plain, roots, styled, with_uri

DS = "http://www.w3.org/2000/09/xmldsig#"


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def codes(bench: Bench, data: bytes, **changes: Any) -> set[str]:
    """Full codes of the root violations."""
    return {one for one in bench.judge(data, **changes).roots() if one.startswith(("PL1-KY", "PL1-CTS"))}


def principal(change: Callable[[Plan], Any]) -> Callable[[Plan], Any]:
    return on("principal", change)


PLANNED: dict[str, Callable[[Bench], Callable[[Plan], Any]]] = {
    "PL1-CTS-002.suspended": lambda b: lambda p: p,
    "PL1-KY-005.wrong-role": lambda b: principal(plain(role="GVBM")),
    "PL1-KY-006.signed-later": lambda b: on(TEACHER, plain(layer=9, at=NOW + timedelta(seconds=9)), MATHS),
    "PL1-KY-006.slot-changed": lambda b: on(TEACHER, plain(layer=9), MATHS),
    "PL1-KY-007.xpointer": lambda b: principal(lambda p: with_uri(p, "#content", "#xpointer(/)")),
    "PL1-KY-007.xpath": lambda b: principal(styled(transforms=("http://www.w3.org/TR/1999/REC-xpath-19991116",))),
    "PL1-KY-007.unknown-transform": lambda b: principal(styled(transforms=("urn:x",))),
    "PL1-KY-007.not-idle": lambda b: principal(lambda p: replace(p, uris=(*p.uris, "#slot-principal"))),
    "PL1-KY-007.too-many-transforms": lambda b: principal(
        styled(transforms=("http://www.w3.org/2000/09/xmldsig#enveloped-signature",) * 9)
    ),
    "PL1-KY-007.too-many-references": lambda b: principal(lambda p: replace(p, uris=p.uris * 40)),
    "PL1-KY-008.in-object": lambda b: principal(
        plain(objects=f'<ds:Object><NoiDung xmlns="{PACK.binding.namespace}"/></ds:Object>')
    ),
    "PL1-KY-009.md5": lambda b: principal(styled(digest="http://www.w3.org/2001/04/xmldsig-more#md5")),
    "PL1-KY-009.dsa": lambda b: principal(styled(method="http://www.w3.org/2000/09/xmldsig#dsa-sha1")),
    "PL1-KY-009.unknown": lambda b: principal(styled(method="urn:x")),
    "PL1-KY-009.key-mismatch": lambda b: principal(
        styled(method="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
    ),
    "PL1-KY-011.target": lambda b: principal(styled(target="#elsewhere")),
    "PL1-CTS-001.critical-extension": lambda b: principal(lambda p: replace(p, credential=_critical(b))),
    "PL1-CTS-001.unknown-issuer": lambda b: principal(
        lambda p: re_signed(replace(p, credential=b.pki.person(*LEADER, ca=_stranger(b))), chain=False)
    ),
    "PL1-CTS-003.homonym": lambda b: principal(
        lambda p: replace(p, credential=b.pki.person(LEADER[0], "001099990779"))
    ),
    "PL1-CTS-005.seal-of-other-school": lambda b: on(
        "school-seal", lambda p: replace(p, credential=b.pki.organisation("Trường khác", school="9901000002"))
    ),
}  # fmt: skip


def _stranger(bench: Bench) -> Any:
    """A self-signed issuer that nobody trusts."""
    return bench.pki.person("Nơi cấp lạ", "001099990780", ca="self")


def _critical(bench: Bench) -> Any:
    """The principal's certificate once more, with a critical extension that nobody knows."""
    plain_one = bench.signers.people[LEADER[1]]
    old, issuer = plain_one.certificate, bench.pki.persons.credential
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\0"), True)
    )
    return replace(plain_one, certificate=builder.sign(issuer.key, hashes.SHA256()))


@pytest.mark.parametrize("code", PLANNED)
def test_signed_so(bench: Bench, code: str) -> None:
    if code == "PL1-CTS-002.suspended":
        held = bench.pki.person(*LEADER)
        bench.pki.revoke(held, NOW - timedelta(days=1), x509.ReasonFlags.certificate_hold)
        data = bench.signed(principal(plain(credential=held)))
        assert codes(bench, data, trust=bench.pki.trust_store()) == {code}
        return
    found = codes(bench, bench.signed(PLANNED[code](bench)))
    assert code in found
    # advice may come along (an unknown digest fits no certificate reference); what refuses is one requirement
    rules = {one.partition(".")[0] for one in found}
    assert {one for one in rules if PACK.requirements[one].level == "MUST"} <= {code.partition(".")[0]}


def rewritten(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """The content rewritten after signing, the signatures left alone."""

    def edit(data: bytes) -> bytes:
        content = re.search(r"<NoiDung.*</NoiDung>", data.decode(), re.DOTALL)
        assert content is not None
        return data.decode().replace(content[0], change(content[0])).encode()

    return edit


AFTER: dict[str, Callable[[bytes], bytes]] = {
    "reindented": rewritten(lambda text: text.replace("><", ">\n<")),
    "nfd": rewritten(lambda text: unicodedata.normalize("NFD", text)),
    "whitespace": rewritten(lambda text: text.replace("Học tốt môn Toán.", " Học tốt môn Toán. ")),
    "value-changed": rewritten(lambda text: text.replace("<DiemHocKy2>8.4<", "<DiemHocKy2>9.4<")),
}


@pytest.mark.parametrize("cause", AFTER)
def test_what_happened_after_signing_is_named(bench: Bench, cause: str) -> None:
    assert codes(bench, AFTER[cause](bench.sound)) == {f"PL1-KY-006.{cause}"}


def signed_then(bench: Bench, before: Callable[[str], str]) -> bytes:
    """A document signed in another form than the one that is handed over."""
    changed = before(bench.unsigned.decode()).encode()
    data = sign_document(changed, PACK, bench.signers, at=NOW)
    content = re.search(rb"<NoiDung.*</NoiDung>", bench.unsigned, re.DOTALL)
    signed = re.search(rb"<NoiDung.*</NoiDung>", data, re.DOTALL)
    assert content is not None
    assert signed is not None
    return data.replace(signed[0], content[0])


@pytest.mark.parametrize(
    ("cause", "before"),
    [
        ("nfc", lambda text: unicodedata.normalize("NFD", text)),
        ("compacted", lambda text: text.replace("<DiemHocKy1>", "\n  <DiemHocKy1>")),
    ],
)
def test_the_form_that_was_signed_is_told(bench: Bench, cause: str, before: Callable[[str], str]) -> None:
    found = codes(bench, signed_then(bench, before))
    assert {one.partition(".")[0] for one in found} == {"PL1-KY-006"}
    if cause == "nfc":
        assert f"PL1-KY-006.{cause}" in found


def test_a_signature_of_another_learner_is_lifted(bench: Bench) -> None:
    values = valid_values()
    values["learner"].update(name="Phạm Đức Long", code="9900000002", national_id="001213990002")
    other = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)

    def box(data: bytes) -> bytes:
        found = re.search(rb'<Cks Id="box-subject-teacher-2".*?</Cks>', data, re.DOTALL)
        assert found is not None
        return found[0]

    data = bench.sound.replace(box(bench.sound), box(other))
    assert codes(bench, data) == {"PL1-KY-006.lifted"}


def test_every_shared_teacher_is_told_once_for_a_bad_certificate(bench: Bench) -> None:
    weak = bench.pki.person(*HOMEROOM, ca="self")
    found = bench.judge(bench.signed(on("homeroom-teacher", plain(credential=weak))))
    assert [one.code for one in found.violations if one.is_root] == ["PL1-CTS-001.self-signed"]


@pytest.mark.parametrize(
    ("cause", "pattern", "text"),
    [
        ("unreadable", r"<xades:SigningTime>[^<]*<", "<xades:SigningTime>15/06/2026 09:00<"),
        ("missing", r"<xades:SigningTime>[^<]*</xades:SigningTime>", ""),
    ],
)
def test_signing_times_that_are_none(bench: Bench, cause: str, pattern: str, text: str) -> None:
    """Altered properties are PL1-KY-006's; what a signer hashed that way is PL1-KY-012's."""
    altered = re.sub(pattern, text, bench.sound.decode(), count=1).encode()
    assert roots(bench.judge(altered)) == {"PL1-KY-006"}
    if cause == "missing":
        data = bench.signed(principal(styled(signing_time=False)))
        assert codes(bench, data) == {"PL1-KY-012.missing"}


def test_a_time_stamp_is_never_claimed_to_verify(bench: Bench) -> None:
    stamp = (
        '<ds:Object><xades:UnsignedProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#">'
        "<xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>AAAA"
        "</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties>"
        "</xades:UnsignedProperties></ds:Object>"
    )
    found = bench.judge(bench.signed(principal(plain(objects=stamp))))
    assert roots(found) == set()
    assert [one.code for one in found.observations if one.state == "blocked"] == ["PL1-KY-015.not-verified"]
    assert ("PL1-KY-015", "checked") not in found.held_counts


@pytest.mark.parametrize(
    ("cause", "edit"),
    [
        ("several-x509data", lambda text: text.replace("</ds:X509Data>", "</ds:X509Data><ds:X509Data/>", 1)),
        ("xml-attributes", lambda text: text.replace("<HocBa ", '<HocBa xml:lang="vi" ', 1)),
    ],
)
def test_forms_that_are_not_portable(bench: Bench, cause: str, edit: Callable[[str], str]) -> None:
    # on the outermost layer nothing else is disturbed
    head, tail = bench.sound.decode().rsplit("<CksNhaTruong", 1)
    data = edit(head) + "<CksNhaTruong" + tail if cause == "xml-attributes" else head + "<CksNhaTruong" + edit(tail)
    assert codes(bench, data.encode()) == {f"PL1-KY-016.{cause}"}
