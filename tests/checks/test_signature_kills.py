"""KY and CTS as a kill table: one accident with a signed document, and the requirements whose *root* it is, no other.

The table knows nothing of how the verifier works: documents are made by the text signer and by editing bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from conformance.checks import signatures
from conformance.checks.context import Context
from conformance.document import read, write
from conformance.finding import Recorder
from conformance.pack import default_pack
from conformance.signature.pki import TestPki
from conformance.signature.sign import Plan, Signers, Style, re_signed, sign_document
from tests.builders import HOMEROOM, LEADER, NOW, TEACHERS, subject, valid_values

PACK = default_pack()
DAY = timedelta(days=1)
PLAIN = Style()
TEACHER = "subject-teacher"
MATHS = 2
"""Number of the mathematics teacher's signature in its slot."""


class Bench:
    """One PKI, one unsigned document, everybody's credentials."""

    def __init__(self) -> None:
        self.pki = TestPki(NOW)
        self.values = valid_values()
        self.unsigned = write(self.values, PACK)
        self.signers = Signers.of(self.unsigned, PACK, self.pki)
        assert self.signers.seal is not None
        self.seal = self.signers.seal
        self.trust = self.pki.trust_store()
        self.sound = self.signed()

    def signed(self, adjust: Callable[[Plan], Any] | None = None, style: Style = PLAIN, **signers: Any) -> bytes:
        used = replace(self.signers, **signers)
        return sign_document(self.unsigned, PACK, used, at=NOW, style=style, adjust=adjust)

    def context(self, **changes: Any) -> Context:
        usual = Context(PACK, self.trust, NOW + timedelta(minutes=1), leaders=frozenset({LEADER[1]}))
        return replace(usual, **changes)

    def judge(self, data: bytes, **changes: Any) -> Recorder:
        document = read(data, PACK).document
        assert document is not None
        found = Recorder()
        signatures.check(document, self.context(**changes), found)
        return found


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def on(slot: str, change: Callable[[Plan], Any], number: int = 1) -> Callable[[Plan], Any]:
    """An ``adjust`` that changes one signature and leaves the others."""
    return lambda plan: change(plan) if (plan.slot, plan.number) == (slot, number) else plan


def roots(found: Recorder, *, must: bool = False) -> set[str]:
    """The requirements with a root violation, of this part's groups."""
    ids = {one for one in found.root_requirements() if one.startswith(("PL1-KY", "PL1-CTS"))}
    return {one for one in ids if PACK.requirements[one].level == "MUST"} if must else ids


def _words(value: Any) -> str:
    """A name of a case that is the same in every worker: sets have no order of their own."""
    if isinstance(value, Style):
        plain = PLAIN
        changed = {field.name: getattr(value, field.name) for field in fields(value)}
        return ", ".join(f"{name}={one}" for name, one in changed.items() if one != getattr(plain, name))
    return ", ".join(sorted(value)) or "nothing"


def test_the_sound_document_has_no_finding(bench: Bench) -> None:
    found = bench.judge(bench.sound)
    assert [one.code for one in found.observations] == []
    held = {requirement for requirement, _ in found.held_counts}
    assert {f"PL1-KY-{n:03}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 16)} <= held
    assert {f"PL1-CTS-{n:03}" for n in range(1, 7)} <= held


@pytest.mark.parametrize(
    ("style", "advised"),
    [
        (Style(prefix=""), {"016"}),
        (Style(c14n="inclusive"), {"016"}),
        (Style(c14n="inclusive", prefix=""), {"016"}),
        (Style(c14n="inclusive-1.1", prefix=""), {"016"}),
        (Style(reference_c14n=""), {"016"}),
        (Style(c14n="inclusive", prefix="", xades=False), {"011", "016"}),
        (Style(xades=False), {"011"}),
        (Style(certificate_reference="v1"), {"011"}),
        (Style(certificate_reference=""), {"011"}),
        (Style(certificate_reference="wrong"), {"011"}),
        (Style(zone=False), {"013"}),
        (Style(transforms=("http://www.w3.org/2000/09/xmldsig#enveloped-signature",)), set()),
        (Style(own_transforms=("http://www.w3.org/2000/09/xmldsig#enveloped-signature",)), {"016"}),
        (Style(wrap=76, line_end="&#13;\n"), {"016"}),
        (Style(digest="sha512", hash="sha512"), set()),
        (Style(digest="sha3-256"), set()),
        (Style(digest="shake256"), set()),
        (Style(digest="sha512-256", hash="sha384"), set()),
        (Style(wrap=76), set()),
        (Style(key_value=True), set()),
        (Style(chain=False), set()),
    ],
    ids=_words,
)
def test_every_allowed_form_verifies(bench: Bench, style: Style, advised: set[str]) -> None:
    found = bench.judge(bench.signed(style=style))
    assert roots(found) == {f"PL1-KY-{one}" for one in advised}
    assert roots(found, must=True) == set()


@pytest.mark.parametrize(("padding", "advised"), [("pkcs1v15", {"PL1-KY-010"}), ("pss", set())])
def test_rsa_verifies_and_its_old_padding_is_reported(bench: Bench, padding: str, advised: set[str]) -> None:
    leader = bench.pki.person(LEADER[0], LEADER[1], key="rsa2048")
    adjust = on("principal", lambda plan: re_signed(replace(plan, credential=leader), padding=padding))
    assert roots(bench.judge(bench.signed(adjust))) == advised


def plain(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, **changes)


def styled(**changes: Any) -> Callable[[Plan], Plan]:
    return lambda plan: re_signed(plan, **changes)


def with_uri(plan: Plan, old: str, *new: str) -> Plan:
    """The references of a plan with one of them replaced."""
    assert old in plan.uris
    return replace(plan, uris=tuple(uri for one in plan.uris for uri in (new if one == old else (one,))))


SIGNED: dict[str, tuple[Callable[[Bench], Callable[[Plan], Any]], set[str]]] = {
    # who signed
    "a teacher is missing": (lambda b: on(TEACHER, lambda p: None, MATHS), {"KY-001"}),
    "all teachers are missing": (lambda b: lambda p: None if p.slot == TEACHER else p, {"KY-001"}),
    "one signature for two subjects": (
        lambda b: lambda p: (
            None if (p.slot, p.number) == (TEACHER, MATHS)
            else replace(p, uris=(*p.uris, "#subject-2")) if (p.slot, p.number) == (TEACHER, 1)
            else p
        ), {"KY-001"},
    ),
    "the homeroom teacher is missing": (lambda b: on("homeroom-teacher", lambda p: None), {"KY-002"}),
    "the principal is missing": (lambda b: on("principal", lambda p: None), {"KY-003"}),
    "the seal is missing": (lambda b: on("school-seal", lambda p: None), {"KY-004"}),
    "somebody nobody named signs too": (
        lambda b: on("principal", lambda p: [
            p, replace(p, number=2, credential=b.pki.person("Hồ Thử Lạ", "001099990777")),
        ]), {"KY-005"},
    ),
    # what is covered
    "a teacher leaves the learner out": (
        lambda b: on(TEACHER, lambda p: with_uri(p, "#learner"), MATHS), {"KY-005"},
    ),
    "a teacher leaves the record out": (lambda b: on(TEACHER, lambda p: with_uri(p, "#record"), MATHS), {"KY-005"}),
    "the homeroom teacher leaves the teachers' signatures out": (
        lambda b: on("homeroom-teacher", lambda p: with_uri(p, "#slot-subject-teacher")), {"KY-005"},
    ),
    "the principal signs the marks only": (
        lambda b: on("principal", lambda p: with_uri(p, "#content", "#marks")), {"KY-005"},
    ),
    "a reference to nothing": (
        lambda b: on("principal", lambda p: with_uri(p, "#content", "#nowhere")), {"KY-007"},
    ),
    # forms
    "URI empty": (lambda b: on("principal", lambda p: with_uri(p, "#content", "")), {"KY-007"}),
    "URI external": (
        lambda b: on("principal", lambda p: with_uri(p, "#content", "http://hb.example/x.xml")), {"KY-007"},
    ),
    "URI a file": (lambda b: on("principal", lambda p: with_uri(p, "#content", "file:///etc/hosts")), {"KY-007"}),
    "XSLT": (
        lambda b: on("principal", styled(transforms=("http://www.w3.org/TR/1999/REC-xslt-19991116",))), {"KY-007"},
    ),
    "base64 transform": (
        lambda b: on("principal", styled(transforms=("http://www.w3.org/2000/09/xmldsig#base64",))), {"KY-007"},
    ),
    "canonicalization with comments": (
        lambda b: on("principal", styled(c14n="http://www.w3.org/2001/10/xml-exc-c14n#WithComments")), {"KY-007"},
    ),
    "a copy of the content in an Object is what is signed": (
        lambda b: on("principal", lambda p: replace(
            with_uri(p, "#content", "#copy"),
            objects=f'<ds:Object><NoiDung xmlns="{PACK.binding.namespace}" Id="copy"/></ds:Object>',
        )), {"KY-008"},
    ),
    # algorithms
    "SHA-1 digest": (
        lambda b: on("principal", styled(digest="http://www.w3.org/2000/09/xmldsig#sha1")), {"KY-009"},
    ),
    "SHA-1 signature": (
        lambda b: on("principal", styled(method="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1")), {"KY-009"},
    ),
    "HMAC with the public key": (
        lambda b: on("principal", styled(
            method="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", hmac=True,
        )), {"KY-009"},
    ),
    "RSA of 1024 bits": (
        lambda b: on("principal", lambda p: re_signed(
            replace(p, credential=b.pki.person(*LEADER, key="rsa1024")), padding="pss",
        )), {"KY-009"},
    ),
    "an ECDSA value in DER": (lambda b: on("principal", styled(der=True)), {"KY-006"}),
    # times
    "no signing time": (lambda b: on("principal", styled(signing_time=False)), {"KY-012"}),
    "no signing time, plain XML-DSig": (
        lambda b: on("principal", styled(signing_time=False, xades=False)), {"KY-011", "KY-012"},
    ),
    "signed in the future": (lambda b: on("school-seal", plain(at=NOW + DAY)), {"KY-012"}),
    "signed with an expired certificate": (
        lambda b: on("principal", lambda p: replace(
            p, credential=b.pki.person(*LEADER, not_after=NOW - DAY))), {"KY-012"},
    ),
    "signed with a certificate that is not valid yet": (
        lambda b: on("principal", lambda p: replace(
            p, credential=b.pki.person(*LEADER, not_before=NOW + DAY))), {"KY-012"},
    ),
    "the principal claims a time before the teachers": (
        lambda b: on("principal", plain(at=NOW - DAY)), {"KY-014"},
    ),
    # certificates
    "no certificate": (lambda b: on("principal", styled(certificate=False)), {"CTS-001"}),
    "self-signed": (
        lambda b: on("principal", lambda p: replace(p, credential=b.pki.person(*LEADER, ca="self"))), {"CTS-001"},
    ),
    "another authority": (
        lambda b: on("principal", lambda p: replace(p, credential=TestPki(NOW).person(*LEADER))), {"CTS-001"},
    ),
    "issued by a person": (
        lambda b: on("principal", lambda p: replace(
            p, credential=b.pki.person(*LEADER, ca=b.signers.people[HOMEROOM[1]]))), {"CTS-001"},
    ),
    "a certificate for encipherment": (
        lambda b: on("principal", lambda p: replace(
            p, credential=b.pki.person(*LEADER, usage="encipherment"))), {"CTS-001"},
    ),
    "another person's certificate": (
        lambda b: on(TEACHER, lambda p: replace(
            p, credential=b.pki.person("Hồ Thử Lạ", "001099990777")), MATHS), {"CTS-003"},
    ),
    "the homeroom teacher signs for the principal": (
        lambda b: on("principal", lambda p: replace(p, credential=b.signers.people[HOMEROOM[1]])), {"CTS-003"},
    ),
    "another name, same identifier": (
        lambda b: on("principal", lambda p: replace(p, credential=b.pki.person("Lê Thị Khác", LEADER[1]))), {"CTS-004"},
    ),
    "no identifier in the certificate": (
        lambda b: on("homeroom-teacher", lambda p: replace(p, credential=b.pki.person(HOMEROOM[0]))), {"CTS-004"},
    ),
    "one key for two persons": (
        lambda b: on("homeroom-teacher", lambda p: replace(p, credential=b.pki.person(
            *HOMEROOM, key=b.signers.people[TEACHERS["TOA"][1]].key))), {"CTS-006"},
    ),
    "the school's seal in a teacher's place": (
        lambda b: on(TEACHER, lambda p: replace(p, credential=b.seal), MATHS), {"CTS-006"},
    ),
    "a person's certificate as seal": (
        lambda b: on("school-seal", lambda p: replace(
            p, credential=b.pki.person("Hồ Thử Lạ", "001099990777"))), {"CTS-006"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("accident", SIGNED)
def test_signed_wrongly(bench: Bench, accident: str) -> None:
    adjust, expected = SIGNED[accident]
    assert roots(bench.judge(bench.signed(adjust(bench)))) == {f"PL1-{one}" for one in expected}


def swap(old: str, new: str, count: int = 1) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode(), count)

    return edit


def signature_of(data: bytes, name: str) -> bytes:
    found = re.search(rb'<ds:Signature [^>]*Id="' + name.encode() + rb'">.*?</ds:Signature>', data, re.DOTALL)
    assert found is not None
    return found[0]


def box_of(data: bytes, name: str) -> bytes:
    found = re.search(rb'<Cks Id="' + name.encode() + rb'"[^>]*>.*?</Cks>', data, re.DOTALL)
    assert found is not None
    return found[0]


def flipped(data: bytes, name: str) -> bytes:
    """One signature's value changed in one character of its middle."""
    one = signature_of(data, name)
    value = re.search(rb"<ds:SignatureValue>(.*?)</ds:SignatureValue>", one, re.DOTALL)
    assert value is not None
    at = value.start(1) + 20
    changed = one[:at] + (b"A" if one[at : at + 1] != b"A" else b"B") + one[at + 1 :]
    return data.replace(one, changed)


def swapped_boxes(data: bytes) -> bytes:
    first, second = box_of(data, "box-subject-teacher-1"), box_of(data, "box-subject-teacher-2")
    return data.replace(first, b"\0").replace(second, first).replace(b"\0", second)


EDITED: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "a mark": (swap("<DiemCaNam>8.3<", "<DiemCaNam>9.3<"), {"KY-006"}),
    "the learner's name": (swap("Phạm Đức Minh", "Phạm Đức Mạnh"), {"KY-006"}),
    "the homeroom teacher's comment": (swap("Chăm ngoan", "Rất ngoan"), {"KY-006"}),
    "the school's name": (swap("Ban Mai", "Ban Chiều"), {"KY-006"}),
    "indented": (swap("<BangDiem", "\n  <BangDiem"), {"KY-006"}),
    "decomposed": (swap("Phạm Đức Minh", "Pha\u0323m Đức Minh"), {"KY-006"}),
    "a signature's value": (lambda data: flipped(data, "sig-subject-teacher-2"), {"KY-006"}),
    "the outermost value": (lambda data: flipped(data, "sig-school-seal-1"), {"KY-006"}),
    "a signing time": (swap("2026-06-15T09:00:03+07:00", "2026-06-15T09:00:04+07:00"), {"KY-006"}),
    "a teacher's signature taken away": (
        lambda data: data.replace(box_of(data, "box-subject-teacher-2"), b""), {"KY-001"},
    ),
    "two teachers' boxes swapped": (swapped_boxes, {"KY-006"}),
    "a wrapped copy of the content": (
        lambda data: data.replace(
            b"</DSChuKy>", re.search(rb"<NoiDung.*</NoiDung>", data, re.DOTALL)[0] + b"</DSChuKy>"  # type: ignore[index]
        ), {"KY-008"},
    ),
    "a stray signature": (
        lambda data: data.replace(
            b"</DSChuKy>", signature_of(data, "sig-school-seal-1").replace(b'Id="', b'Id="z') + b"</DSChuKy>"
        ), {"KY-005"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("accident", EDITED)
def test_changed_after_signing(bench: Bench, accident: str) -> None:
    edit, expected = EDITED[accident]
    assert roots(bench.judge(edit(bench.sound))) == {f"PL1-{one}" for one in expected}


def test_a_change_of_a_mark_is_one_root_at_the_innermost_signature(bench: Bench) -> None:
    found = bench.judge(swap("<DiemCaNam>8.3<", "<DiemCaNam>9.3<")(bench.sound))
    root = [one for one in found.violations if one.is_root]
    assert len(root) == 1
    assert root[0].place is not None
    assert "subject-teacher" in bench.sound.decode()  # the slots' identifiers
    followers = [one for one in found.violations if not one.is_root and one.requirement == "PL1-KY-006"]
    assert followers
    assert {one.consequence_of for one in followers} == {root[0].code}


def test_a_signature_made_after_the_outer_one_is_told_as_such(bench: Bench) -> None:
    late = bench.signed(lambda p: replace(p, layer=9) if (p.slot, p.number) == (TEACHER, MATHS) else p)
    assert roots(bench.judge(late), must=True) == {"PL1-KY-006"}


@pytest.mark.parametrize(
    ("revoked", "state", "blocked"),
    [(-DAY, {"PL1-CTS-002"}, False), (timedelta(hours=1), set(), True), (9 * DAY, set(), False)],
)
def test_revocation(revoked: timedelta, state: set[str], blocked: bool) -> None:
    bench = Bench()
    bench.pki.revoke(bench.signers.people[LEADER[1]], NOW + revoked)
    later = NOW + DAY
    found = bench.judge(bench.sound, trust=bench.pki.trust_store(), received_at=later, judged_at=later)
    assert roots(found) == state
    told = {one.requirement for one in found.observations if one.state == "blocked"}
    assert ("PL1-CTS-002" in told) is blocked


def test_without_lists_the_status_is_not_claimed(bench: Bench) -> None:
    found = bench.judge(bench.sound, trust=bench.pki.trust_store(crls=[]), door="drive", received_at=NOW + DAY / 24)
    assert ("PL1-CTS-002", "checked") not in found.held_counts
    assert {one.requirement for one in found.observations if one.state == "blocked"} == {"PL1-CTS-002"}
    assert roots(found, must=True) == set()


def test_without_trust_paths_are_not_claimed(bench: Bench) -> None:
    found = bench.judge(bench.sound, trust=None)
    assert "PL1-CTS-001" in {one.requirement for one in found.observations if one.state == "blocked"}
    assert not any(requirement == "PL1-CTS-001" for requirement, _ in found.held_counts)
    assert roots(found, must=True) == set()


def test_one_vendors_authority_is_not_trusted_for_another(bench: Bench) -> None:
    assert roots(bench.judge(bench.sound)) == set()
    assert "PL1-CTS-001" in roots(bench.judge(bench.sound, trust=TestPki(NOW).trust_store()))
    assert roots(bench.judge(bench.sound)) == set()


def test_signed_after_it_was_received(bench: Bench) -> None:
    found = bench.judge(bench.sound, received_at=NOW - DAY)
    assert roots(found) == {"PL1-KY-012"}


@pytest.mark.parametrize(
    ("leaders", "seal", "expected"),
    [
        (frozenset({LEADER[1]}), True, set()),
        (frozenset({LEADER[1]}), False, {"PL1-KY-004"}),
        (frozenset({"001099990888"}), True, set()),
        (frozenset({"001099990888"}), False, {"PL1-KY-004", "PL1-CTS-005"}),
        (None, True, set()),
    ],
)
def test_the_principals_authority(bench: Bench, leaders: frozenset[str] | None, seal: bool, expected: set[str]) -> None:
    data = bench.sound if seal else bench.signed(seal=None)
    assert roots(bench.judge(data, leaders=leaders)) == expected


def test_authority_that_cannot_be_known_is_blocked(bench: Bench) -> None:
    found = bench.judge(bench.signed(seal=None), leaders=None)
    assert "PL1-CTS-005" in {one.requirement for one in found.observations if one.state == "blocked"}


def test_a_title_that_is_no_leaders(bench: Bench) -> None:
    values = valid_values()
    values["issue"]["leader"]["title"] = "Văn thư"
    data = sign_document(write(values, PACK), PACK, bench.signers, at=NOW)
    assert roots(bench.judge(data)) == {"PL1-KY-003"}


def test_two_teachers_of_one_subject_sign_each(bench: Bench) -> None:
    values = valid_values()
    second = ("Phan Thử Hai", "001099990778")
    subject(values, "TOA")["teachers"].append({"name": second[0], "national_id": second[1]})
    people = {**bench.signers.people, second[1]: bench.pki.person(*second)}
    signers = replace(bench.signers, people=people)
    data = sign_document(write(values, PACK), PACK, signers, at=NOW)
    assert roots(bench.judge(data)) == set()
    without = on(TEACHER, lambda plan: None, MATHS + 1)
    found = bench.judge(sign_document(write(values, PACK), PACK, signers, at=NOW, adjust=without))
    assert roots(found) == {"PL1-KY-001"}
    assert any(second[0] in " ".join((one.expected, one.seen, *one.params.values())) for one in found.violations)


@pytest.mark.parametrize("told", ["Hoà", "HÒA", "Hòa  "])
def test_names_are_compared_as_people_write_them(bench: Bench, told: str) -> None:
    person = bench.pki.person(HOMEROOM[0].replace("Hòa", told), HOMEROOM[1])
    adjust = on("homeroom-teacher", lambda plan: replace(plan, credential=person))
    assert roots(bench.judge(bench.signed(adjust))) == set()


@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue", "X509Certificate", "SigningTime", "SignedInfo"])
@pytest.mark.parametrize("text", ["", "!!!", "AAAA", "\u0110"])
def test_broken_parts_are_findings_and_never_exceptions(bench: Bench, name: str, text: str) -> None:
    pattern = rf"(<(?:ds|xades):{name}>).*?(</(?:ds|xades):{name}>)"
    data = re.sub(pattern, rf"\g<1>{text}\g<2>", bench.sound.decode(), count=1, flags=re.DOTALL)
    assert roots(bench.judge(data.encode()), must=True)


def test_a_broken_signature_hides_nothing_of_those_after_it(bench: Bench) -> None:
    timeless = bench.signed(on("principal", lambda plan: replace(plan, style=replace(plan.style, signing_time=False))))
    empty = re.sub(r"(<ds:SignedInfo>).*?(</ds:SignedInfo>)", r"\1\2", timeless.decode(), count=1, flags=re.DOTALL)
    assert "PL1-KY-012.missing" in bench.judge(empty.encode()).roots()


def test_every_cause_that_is_told_is_in_the_pack(bench: Bench) -> None:
    for accident, (adjust, _) in SIGNED.items():
        for one in bench.judge(bench.signed(adjust(bench))).observations:
            assert one.cause in PACK.requirements[one.requirement].causes, (accident, one.code)
    for accident, (edit, _) in EDITED.items():
        for one in bench.judge(edit(bench.sound)).observations:
            assert one.cause in PACK.requirements[one.requirement].causes, (accident, one.code)
