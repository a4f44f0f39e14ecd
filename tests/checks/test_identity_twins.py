"""CTS-001 and CTS-003 … 006: whom a certificate stands for, by every way in which authorities write it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conformance.document import write
from conformance.finding import Recorder, State
from conformance.signature.certificate import CertificateFacts, holder, load
from conformance.signature.names import folded, same, without_marks
from conformance.signature.pki import Credential, Extras
from conformance.signature.sign import Plan, Signers, sign_document
from tests.builders import HOMEROOM, LEADER, NOW, TEACHERS, subject, valid_values
from tests.checks.test_signature_kills import DAY, MATHS, PACK, TEACHER, Bench, on, roots

UID, SERIAL, ORGANISATION = NameOID.USER_ID, NameOID.SERIAL_NUMBER, NameOID.ORGANIZATION_IDENTIFIER
NAME, NUMBER = HOMEROOM
SCHOOL = valid_values()["record"]["school_code"]
TAX = "0100109106"


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def codes(found: Recorder) -> set[str]:
    """Root causes of the identity rules, and what could not be judged."""
    mine = [one for one in found.observations if one.requirement.startswith("PL1-CTS")]
    return {one.code for one in mine if one.state is State.BLOCKED or one.is_root}


def homeroom(bench: Bench, credential: Credential, **context: Any) -> set[str]:
    signed = bench.signed(on("homeroom-teacher", lambda plan: replace(plan, credential=credential)))
    return codes(bench.judge(signed, **context))


def plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", name).replace("Đ", "D").replace("đ", "d")
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def person(bench: Bench, *attributes: tuple[x509.ObjectIdentifier, str], name: str = NAME, **how: Any) -> Credential:
    alternative = how.pop("alternative", ())
    return bench.pki.person(name, extras=Extras(attributes=attributes, alternative=alternative), **how)


def directory(*attributes: tuple[x509.ObjectIdentifier, str]) -> tuple[x509.GeneralName, ...]:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    return (x509.DirectoryName(name), x509.RFC822Name("an@truong.invalid"))


# ------------------------------------------------------------------------------------------------ how it is written

SAME_PERSON: dict[str, tuple[tuple[x509.ObjectIdentifier, str], ...]] = {
    "UID": ((UID, f"CCCD:{NUMBER}"),),
    "UID, small letters": ((UID, f"cccd:{NUMBER}"),),
    "UID with a space": ((UID, f"CCCD: {NUMBER}"),),
    "UID by the card's older name": ((UID, f"CMND:{NUMBER}"),),
    "UID by the card's newest name": ((UID, f"CC:{NUMBER}"),),
    "the number alone": ((UID, NUMBER),),
    "serialNumber": ((SERIAL, f"CCCD:{NUMBER}"),),
    "serialNumber, the number alone": ((SERIAL, NUMBER),),
    "the ETSI way": ((SERIAL, f"IDCVN-{NUMBER}"),),
    "the tax code of a person": ((UID, f"MST:{NUMBER}"),),
    "both attributes": ((UID, f"CCCD:{NUMBER}"), (SERIAL, NUMBER)),
    "beside the old card": ((UID, "CMND:012345678"), (SERIAL, f"CCCD:{NUMBER}")),
    "beside the employer's tax code": ((UID, f"CCCD:{NUMBER}"), (UID, f"MST:{TAX}")),
    "the employer's tax code first": ((UID, f"MST:{TAX}"), (UID, f"CCCD:{NUMBER}")),
}


@pytest.mark.parametrize("way", SAME_PERSON)
def test_every_way_of_writing_the_identifier(bench: Bench, way: str) -> None:
    assert homeroom(bench, person(bench, *SAME_PERSON[way])) == set()


@pytest.mark.parametrize("way", SAME_PERSON)
def test_every_way_tells_another_person(bench: Bench, way: str) -> None:
    """The twin: the same with another number in it."""
    changed = tuple((oid, value.replace(NUMBER, "001099990777")) for oid, value in SAME_PERSON[way])
    assert homeroom(bench, person(bench, *changed)) == {"PL1-CTS-003.homonym"}
    assert homeroom(bench, person(bench, *changed, name="Hồ Thử Lạ")) == {"PL1-CTS-003.other-person"}


def test_a_leader_is_looked_at_where_the_homeroom_teacher_did_not_sign(bench: Bench) -> None:
    stranger = bench.pki.person("Hồ Thử Lạ", "001099990777")

    def adjust(plan: Plan) -> Plan | None:
        changed = {"homeroom-teacher": None, "principal": replace(plan, credential=stranger)}
        return changed.get(plan.slot, plan)

    found = bench.judge(bench.signed(adjust))
    assert {"PL1-CTS-003.other-person", "PL1-KY-002.missing"} <= {one.code for one in found.violations}


def test_the_identifier_may_be_an_alternative_name(bench: Bench) -> None:
    assert homeroom(bench, person(bench, alternative=directory((UID, f"CCCD:{NUMBER}")))) == set()
    other = person(bench, alternative=directory((UID, "CCCD:001099990777")))
    assert homeroom(bench, other) == {"PL1-CTS-003.homonym"}


@pytest.mark.parametrize(
    "attributes",
    [
        (),
        ((UID, "CMND:012345678"),),
        ((SERIAL, "12345"),),
        ((UID, "HC:X9900001"),),
        ((NameOID.EMAIL_ADDRESS, f"CCCD:{NUMBER}"),),
    ],
    ids=["none", "old card only", "a number of the authority's", "a passport only", "another attribute"],
)
def test_what_cannot_be_compared_is_identity_by_name_only(
    bench: Bench, attributes: tuple[tuple[x509.ObjectIdentifier, str], ...]
) -> None:
    assert homeroom(bench, person(bench, *attributes)) == {"PL1-CTS-004.name-only"}


def test_a_certificate_that_contradicts_itself(bench: Bench) -> None:
    for attributes, alternative in (
        (((UID, f"CCCD:{NUMBER}"), (SERIAL, "001099990777")), ()),
        (((SERIAL, "001099990777"), (UID, f"CCCD:{NUMBER}")), ()),
        (((UID, f"CCCD:{NUMBER}"),), directory((UID, "CCCD:001099990777"))),
    ):
        assert homeroom(bench, person(bench, *attributes, alternative=alternative)) == {
            "PL1-CTS-003.several-identifiers"
        }
    said = load(person(bench, (UID, f"CCCD:{NUMBER}"), (SERIAL, NUMBER)).der)
    assert isinstance(said, CertificateFacts)
    assert holder(said, PACK).others == {}


# --------------------------------------------------------------------------------------------------- foreign teachers


def abroad(bench: Bench, passport: str, credential: Credential) -> set[str]:
    values = valid_values()
    name = "Test Teacher Abroad"
    subject(values, "ANH")["teachers"] = [{"name": name, "passport": passport}]
    people = {**bench.signers.people, passport: credential}
    data = sign_document(write(values, PACK), PACK, replace(bench.signers, people=people), at=NOW)
    return codes(bench.judge(data))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ((UID, "HC:X9900001"), set()),
        ((UID, "HC:x9900001"), set()),
        ((UID, "HC:X 990 0001"), set()),
        ((UID, "PASSPORT:X9900001"), set()),
        ((SERIAL, "PASGB-X9900001"), set()),
        ((UID, "HC:X9900002"), {"PL1-CTS-003.homonym"}),
        ((UID, "CCCD:001099990777"), {"PL1-CTS-004.name-only"}),
        ((UID, "MAY:X9900001"), {"PL1-CTS-004.name-only"}),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else ", ".join(sorted(value)) or "same",
)
def test_a_foreign_teachers_passport(
    bench: Bench, written: tuple[x509.ObjectIdentifier, str], expected: set[str]
) -> None:
    assert abroad(bench, "X9900001", person(bench, written, name="Test Teacher Abroad")) == expected


def test_a_passport_is_compared_as_written_by_either_side(bench: Bench) -> None:
    credential = person(bench, (UID, "HC:X9900001"), name="Test Teacher Abroad")
    assert abroad(bench, "X990 0001", credential) == set()
    assert abroad(bench, "X9900003", credential) == {"PL1-CTS-003.homonym"}


# -------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (NAME, set()),
        (NAME.upper(), set()),
        (f"  {NAME.replace(' ', '  ')} ", set()),
        (plain(NAME), {"PL1-CTS-004.name-unmarked"}),
        (plain(NAME).upper(), {"PL1-CTS-004.name-unmarked"}),
        ("Lê Thị Khác", {"PL1-CTS-004.name-differs"}),
    ],
)
def test_the_name_in_the_certificate(bench: Bench, written: str, expected: set[str]) -> None:
    assert homeroom(bench, bench.pki.person(written, NUMBER)) == expected


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("H'Hen Niê", "H’Hen Niê", True),
        ("H'Hen Niê", "H' Hen Niê", True),
        ("H'Hen Niê", "HHen Niê", True),
        ("H'Hen Niê", "H Hen Niê", False),
        ("Hoà", "Hòa", True),
        ("Thuỷ", "Thủy", True),
        ("Khoẻ", "Khỏe", True),
        ("Hoà", "Hóa", False),
        ("Y Moan Êban", "Y Moan Eban", False),
        ("Đỗ", "Do", False),
        ("Nguyễn Thị Hà", "Nguyễn Thị Hà Anh", False),
        ("Bùi", "BÙI", True),
    ],
)
def test_what_one_name_is(one: str, other: str, equal: bool) -> None:
    assert same(one, other) is equal
    assert (folded(one) == folded(other)) is equal


def test_plain_letters_are_told_from_another_name() -> None:
    assert without_marks("NGUYEN THI DO", "Nguyễn Thị Đỗ")
    assert not without_marks("NGUYEN THI DO", "Nguyễn Thị Đào")
    assert not without_marks("Nguyễn Thi Do", "Nguyễn Thị Đỗ"), "some marks are there, others are wrong"


def test_homonyms_are_told_apart_by_number(bench: Bench) -> None:
    """Two teachers of one name: each signature goes to the one whose number its certificate has."""
    values = valid_values()
    name = TEACHERS["TOA"][0]
    subject(values, "NVA")["teachers"] = [{"name": name, "national_id": "001099990555"}]
    people = {**bench.signers.people, "001099990555": bench.pki.person(name, "001099990555")}
    signers = replace(bench.signers, people=people)
    assert codes(bench.judge(sign_document(write(values, PACK), PACK, signers, at=NOW))) == set()
    swapped = {"001099990555": people[TEACHERS["TOA"][1]], TEACHERS["TOA"][1]: people["001099990555"]}
    wrong = replace(signers, people={**people, **swapped})
    found = bench.judge(sign_document(write(values, PACK), PACK, wrong, at=NOW))
    assert codes(found) == {"PL1-CTS-003.homonym"}


# --------------------------------------------------------------------------------------------------------------- keys


def test_several_keys_of_one_person_are_no_fault(bench: Bench) -> None:
    """A teacher of two subjects who got a new certificate in between."""
    values = valid_values()
    teacher = TEACHERS["TOA"]
    subject(values, "NVA")["teachers"] = [{"name": teacher[0], "national_id": teacher[1]}]
    unsigned = write(values, PACK)
    signers = Signers.of(unsigned, PACK, bench.pki)
    renewed = bench.pki.person(*teacher)
    data = sign_document(
        unsigned, PACK, signers, at=NOW, adjust=on(TEACHER, lambda plan: replace(plan, credential=renewed), MATHS)
    )
    found = bench.judge(data)
    assert codes(found) == set()
    assert found.held_counts["PL1-CTS-006", "checked"] == 1


def test_one_key_in_two_persons_certificates(bench: Bench) -> None:
    key = bench.signers.people[TEACHERS["TOA"][1]].key
    assert homeroom(bench, bench.pki.person(*HOMEROOM, key=key)) == {"PL1-CTS-006.shared-key"}


def test_one_key_of_two_persons_without_identifiers(bench: Bench) -> None:
    """Where the document names nobody's number, the names tell persons apart."""
    values = valid_values()
    first, second = values["subjects"][0], values["subjects"][1]
    for one, name in ((first, "Hồ Thử Một"), (second, "Hồ Thử Hai")):
        one["teachers"] = [{"name": name, "national_id": ""}]
    credential = bench.pki.person("Hồ Thử Một")
    people = {**bench.signers.people, "": credential}
    other = bench.pki.person("Hồ Thử Hai", key=credential.key)

    def judge(second_signer: Credential) -> set[str]:
        data = sign_document(
            write(values, PACK), PACK, replace(bench.signers, people=people), at=NOW,
            adjust=on(TEACHER, lambda plan: replace(plan, credential=second_signer), 2),
        )  # fmt: skip
        return {one for one in codes(bench.judge(data)) if one.startswith("PL1-CTS-006")}

    assert judge(other) == {"PL1-CTS-006.shared-key"}
    assert judge(bench.pki.person("Hồ Thử Hai")) == set()


@pytest.mark.parametrize("usage", ["signing", "digital-signature", "non-repudiation", "none"])
def test_key_usages_that_may_sign(bench: Bench, usage: Any) -> None:
    assert homeroom(bench, bench.pki.person(*HOMEROOM, usage=usage)) == set()


def test_a_key_usage_that_may_not(bench: Bench) -> None:
    assert homeroom(bench, bench.pki.person(*HOMEROOM, usage="encipherment")) == {"PL1-CTS-001.key-usage"}


@pytest.mark.parametrize("critical", [False, True], ids=["plain", "critical"])
@pytest.mark.parametrize(
    ("purposes", "expected"),
    [
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), set()),
        ((ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH), set()),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), set()),
        ((x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),), set()),
        ((ExtendedKeyUsageOID.SERVER_AUTH,), {"PL1-CTS-001.purpose"}),
        ((ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING), {"PL1-CTS-001.purpose"}),
        ((ExtendedKeyUsageOID.OCSP_SIGNING,), {"PL1-CTS-001.purpose"}),
    ],
    ids=["mail", "client and server", "any", "documents", "server", "code and time-stamps", "OCSP"],
)
def test_extended_key_usage(
    bench: Bench, purposes: tuple[x509.ObjectIdentifier, ...], expected: set[str], critical: bool
) -> None:
    credential = bench.pki.person(*HOMEROOM, extras=Extras(purposes=purposes, critical=critical))
    assert homeroom(bench, credential) == expected


# ---------------------------------------------------------------------------------------------------- seal, authority


def sealed(bench: Bench, *attributes: tuple[x509.ObjectIdentifier, str], **context: Any) -> set[str]:
    credential = bench.pki.organisation("Trường THCS Ban Mai", extras=Extras(attributes=attributes))
    signed = bench.signed(on("school-seal", lambda plan: replace(plan, credential=credential)))
    return codes(bench.judge(signed, **{"leaders": None, **context}))


MINE, OTHERS = {TAX: SCHOOL}, {TAX: "99000777"}
SEALS: dict[str, tuple[tuple[tuple[x509.ObjectIdentifier, str], ...], dict[str, str], set[str]]] = {
    "school code": (((UID, f"MT:{SCHOOL}"),), {}, set()),
    "tax code": (((UID, f"MST:{TAX}"),), MINE, set()),
    "tax code of a branch": (((UID, f"MST:{TAX}-001"),), {f"{TAX}-001": SCHOOL}, set()),
    "tax code the ETSI way": (((ORGANISATION, f"VATVN-{TAX}"),), MINE, set()),
    "tax code in serialNumber": (((SERIAL, f"MST:{TAX}"),), MINE, set()),
    "both": (((UID, f"MST:{TAX}"), (UID, f"MT:{SCHOOL}")), MINE, set()),
    "school code beside a tax code nobody knows": (((UID, f"MST:{TAX}"), (UID, f"MT:{SCHOOL}")), {}, set()),
    "another school's code": (((UID, "MT:99000777"),), {}, {"PL1-CTS-005.seal-of-other-school"}),
    "another school's tax code": (((UID, f"MST:{TAX}"),), OTHERS, {"PL1-CTS-005.seal-of-other-school"}),
    "own code, another school's tax code": (
        ((UID, f"MST:{TAX}"), (UID, f"MT:{SCHOOL}")), OTHERS, {"PL1-CTS-005.seal-of-other-school"},
    ),
    "a tax code nobody knows": (((UID, f"MST:{TAX}"),), {}, {"PL1-CTS-005.seal-not-known"}),
    "a branch is not its head": (((UID, f"MST:{TAX}-001"),), MINE, {"PL1-CTS-005.seal-not-known"}),
    "a name only": ((), {}, {"PL1-CTS-005.not-proven"}),
}  # fmt: skip


@pytest.mark.parametrize("case", SEALS)
def test_whose_seal_it_is(bench: Bench, case: str) -> None:
    attributes, tax_codes, expected = SEALS[case]
    assert sealed(bench, *attributes, tax_codes=tax_codes) == expected


def test_the_list_of_leaders_proves_beside_a_seal_nobody_knows(bench: Bench) -> None:
    unknown = (UID, f"MST:{TAX}")
    assert sealed(bench, unknown, leaders=frozenset({LEADER[1]})) == set()
    # not on the list, but the seal may be the school's: not proven, not refused
    assert sealed(bench, unknown, leaders=frozenset({"001099990888"})) == {"PL1-CTS-005.seal-not-known"}
    assert sealed(bench, leaders=frozenset({"001099990888"})) == {"PL1-CTS-005.not-a-leader"}


def test_a_seal_that_does_not_hold_proves_nothing(bench: Bench) -> None:
    def change(plan: Plan) -> Plan:
        return replace(plan, credential=bench.pki.organisation("Trường", school=SCHOOL, ca="self"))

    found = bench.judge(bench.signed(on("school-seal", change)), leaders=None)
    assert codes(found) == {"PL1-CTS-001.self-signed", "PL1-CTS-005.not-proven"}


def test_a_revoked_seal_proves_nothing() -> None:
    bench = Bench()
    bench.pki.revoke(bench.seal, NOW - DAY)
    found = bench.judge(bench.sound, trust=bench.pki.trust_store(), leaders=None, judged_at=NOW + timedelta(hours=1))
    assert codes(found) == {"PL1-CTS-002.revoked", "PL1-CTS-005.not-proven"}


KINDS: dict[str, tuple[Callable[[Bench], Callable[[Plan], Any]], set[str]]] = {
    "a person's certificate as seal": (
        lambda b: on("school-seal", lambda p: replace(p, credential=b.pki.person("Hồ Thử Lạ", "001099990777"))),
        {"PL1-CTS-006.person-for-seal"},
    ),
    "the seal in the homeroom teacher's place": (
        lambda b: on("homeroom-teacher", lambda p: replace(p, credential=b.pki.organisation(NAME, tax=TAX))),
        {"PL1-CTS-006.organisation-for-person"},
    ),
    "a person of an organisation": (
        lambda b: on("homeroom-teacher", lambda p: replace(
            p, credential=person(b, (UID, f"MST:{TAX}"), (UID, f"CCCD:{NUMBER}")))),
        set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KINDS)
def test_the_kind_of_certificate(bench: Bench, case: str) -> None:
    adjust, expected = KINDS[case]
    found = bench.judge(bench.signed(adjust(bench)))
    assert codes(found) == expected
    assert roots(found, must=True) == {one.partition(".")[0] for one in expected}
