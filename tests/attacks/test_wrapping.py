"""Signature wrapping (XSW), each variant adapted to the transcript: what is verified must be what is read.

The variants are those of the literature, numbered as there: what is signed is a forged twin's original, moved to where
a verifier still finds it by its Id while a reader, going by place, finds the forgery. Here the signed part is a
subject (innermost) or the whole content (outermost).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from conformance.checks.judge import judge_document
from tests.checks.test_signature_kills import PACK, Bench, signature_of

NAMESPACE = PACK.binding.namespace
SUBJECT = rb"<MonHoc .*?</MonHoc>"
CONTENT = rb"<NoiDung .*?</NoiDung>"


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def codes(bench: Bench, data: bytes) -> set[str]:
    found = judge_document(data, bench.context()).found
    return {one for one in found.roots() if PACK.requirements[one.partition(".")[0]].level == "MUST"}


def taken(data: bytes, pattern: bytes) -> bytes:
    found = re.search(pattern, data, re.DOTALL)
    assert found is not None
    return found[0]


def alone(part: bytes) -> bytes:
    """A part that keeps its namespace wherever it is put."""
    return re.sub(rb"^<(\w+) ", rb'<\1 xmlns="' + NAMESPACE.encode() + rb'" ', part)


def better(part: bytes, new_id: str | None) -> bytes:
    """The forgery: a better comment (which no other rule contradicts); under another Id, or the same."""
    forged = re.sub(rb"<NxetMonHoc>[^<]*<", "<NxetMonHoc>Xuất sắc.<".encode(), part, count=1)
    assert forged != part
    return forged if new_id is None else re.sub(rb'Id="[^"]*"', f'Id="{new_id}"'.encode(), forged, count=1)


def swapped(data: bytes, part: bytes, forged: bytes) -> bytes:
    return data.replace(part, forged, 1)


def into_signature(data: bytes, name: str, put: bytes) -> bytes:
    """An Object with ``put`` at the end of a signature."""
    one = signature_of(data, name)
    closing = b"</ds:Signature>"
    return data.replace(one, one[: -len(closing)] + b"<ds:Object>" + put + b"</ds:Object>" + closing)


def xsw1(data: bytes) -> bytes:
    """Forged content is the root's, the original with everything stands as a child of the signature (enveloping)."""
    content = taken(data, CONTENT)
    forged = re.sub(rb'Id="(\w[\w-]*)"', rb'Id="z\1"', better(content, "forged"))
    return into_signature(swapped(data, content, forged), "sig-principal-1", alone(content))


def xsw2(data: bytes) -> bytes:
    """The original beside the content, before the signatures (detached)."""
    content = taken(data, CONTENT)
    forged = re.sub(rb'Id="(\w[\w-]*)"', rb'Id="z\1"', better(content, "forged"))
    return swapped(data, content, forged + content)


def xsw3(data: bytes) -> bytes:
    """The forged subject before the original, both in the table."""
    subject = taken(data, SUBJECT)
    return swapped(data, subject, better(subject, "forged") + subject)


def xsw4(data: bytes) -> bytes:
    """The forged subject holds the original."""
    subject = taken(data, SUBJECT)
    return swapped(data, subject, better(subject, "forged").replace(b"</MonHoc>", subject + b"</MonHoc>"))


def xsw5(data: bytes) -> bytes:
    """The original at the very end of the document."""
    subject = taken(data, SUBJECT)
    return swapped(data, subject, better(subject, "forged")).replace(b"</HocBa>", subject + b"</HocBa>")


def xsw6(data: bytes) -> bytes:
    """The original inside the Object of its own signature."""
    subject = taken(data, SUBJECT)
    return into_signature(swapped(data, subject, better(subject, "forged")), "sig-subject-teacher-1", alone(subject))


def xsw7(data: bytes) -> bytes:
    """The original in an extension element, which a lax schema lets through."""
    subject = taken(data, SUBJECT)
    lax = b"<MoRong xmlns='urn:x'>" + alone(subject) + b"</MoRong>"
    return swapped(data, subject, better(subject, "forged")).replace(b"<DSChuKy>", lax + b"<DSChuKy>")


def xsw8(data: bytes) -> bytes:
    """The original in an Object that also holds an element of the extension."""
    subject = taken(data, SUBJECT)
    lax = b"<MoRong xmlns='urn:x'><a>" + alone(subject) + b"</a></MoRong>"
    return into_signature(swapped(data, subject, better(subject, "forged")), "sig-school-seal-1", lax)


def sibling(data: bytes) -> bytes:
    """The original as a sibling of its signature, in the box."""
    subject = taken(data, SUBJECT)
    forged = swapped(data, subject, better(subject, "forged"))
    one = signature_of(forged, "sig-subject-teacher-1")
    return forged.replace(one, one + subject)


def second_table(data: bytes) -> bytes:
    """A whole second table of marks behind the first."""
    table = taken(data, rb"<BangDiem .*?</BangDiem>")
    forged = re.sub(rb'Id="(\w[\w-]*)"', rb'Id="z\1"', better(table, "forged"))
    return swapped(data, table, forged + table)


def same_id(spelling: str) -> Callable[[bytes], bytes]:
    """Two elements of one identifier, the forged one first, the original's spelled otherwise."""

    def change(data: bytes) -> bytes:
        subject = taken(data, SUBJECT)
        original = subject.replace(b' Id="', f' {spelling}="'.encode(), 1)
        return swapped(data, subject, better(subject, None)).replace(b"<DSChuKy>", original + b"<DSChuKy>")

    return change


def other_spelling(spelling: str) -> Callable[[bytes], bytes]:
    """The forged subject answers to the same name by another attribute, beside its own Id."""

    def change(data: bytes) -> bytes:
        subject = taken(data, SUBJECT)
        forged = better(subject, "forged").replace(b"<MonHoc ", f'<MonHoc {spelling}="subject-1" '.encode(), 1)
        return swapped(data, subject, forged).replace(b"<DSChuKy>", subject + b"<DSChuKy>")

    return change


def transcript_in_object(data: bytes) -> bytes:
    """A whole other transcript inside a signature."""
    whole = re.sub(rb'Id="', b'Id="z', data[data.index(b"<HocBa") :])
    return into_signature(data, "sig-school-seal-1", whole)


WRAPPING: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "XSW1": (xsw1, {"PL1-KY-008.signed-in-object"}),
    "XSW2": (xsw2, {"PL1-KY-008.signed-copy"}),
    "XSW3": (xsw3, set()),
    "XSW4": (xsw4, set()),
    "XSW5": (xsw5, {"PL1-KY-008.signed-copy"}),
    "XSW6": (xsw6, {"PL1-KY-008.signed-in-object"}),
    "XSW7": (xsw7, {"PL1-KY-008.signed-copy"}),
    "XSW8": (xsw8, {"PL1-KY-008.signed-in-object"}),
    "sibling of the signature": (sibling, {"PL1-KY-008.signed-copy"}),
    "a second table of marks": (second_table, {"PL1-KY-008.signed-copy"}),
    "a transcript in an Object": (transcript_in_object, {"PL1-KY-008.in-object"}),
    "Id twice": (same_id("Id"), {"PL1-KY-008.copy"}),
    "Id and ID": (same_id("ID"), {"PL1-KY-008.copy"}),
    "Id and id": (same_id("id"), {"PL1-KY-008.copy"}),
    "Id and xml:id": (same_id("xml:id"), {"PL1-KY-008.copy"}),
    "Id and another's ID": (other_spelling("ID"), {"PL1-KY-008.copy"}),
    "Id and another's id": (other_spelling("id"), {"PL1-KY-008.copy"}),
    "Id and another's xml:id": (other_spelling("xml:id"), {"PL1-KY-008.copy"}),
}


@pytest.mark.parametrize("variant", WRAPPING)
def test_a_wrapped_document_never_passes_and_its_cause_is_named(bench: Bench, variant: str) -> None:
    change, expected = WRAPPING[variant]
    data = change(bench.sound)
    assert data != bench.sound
    assert codes(bench, bench.sound) == set()
    found = codes(bench, data)
    assert found
    assert expected <= found
    assert found == expected or not expected, found
