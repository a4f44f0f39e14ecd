"""What is remembered of one signature must never stand for another that says something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from conformance.document import Document, read
from conformance.pack import default_pack
from conformance.signature import alike
from conformance.signature.alike import Reader
from conformance.signature.canonical import canonical
from conformance.signature.parse import SIGNATURE, Parsed, parse
from tests.signature.variants import mutated, signed

PACK = default_pack()
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "documents"
DATA = (FIXTURES / "valid" / "thcs.xml").read_bytes()


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    alike._outlines.cache_clear()
    yield
    alike._outlines.cache_clear()


def test_what_was_learnt_under_one_declaration_is_kept_beside_another() -> None:
    other = DATA.replace(b" xmlns=", b' xmlns:unused="urn:unused" xmlns=', 1)
    assert other != DATA
    for data in (DATA, other):
        agrees(data)
    assert len(alike._outlines(PACK)) == 2


def document(data: bytes) -> Document | None:
    return read(data, PACK).document


def told(found: Parsed) -> dict[str, Any]:
    """Everything that was read, elements by identity."""
    fields = {name: getattr(found, name) for name in Parsed.__slots__ if not name.endswith("octets")}
    fields["references"] = [
        (*(getattr(each, name) for name in each.__slots__), each.node.get("URI")) for each in found.references
    ]
    fields["troubles"] = [(each.kind, each.node, each.seen, each.expected, each.params) for each in found.troubles]
    return {**fields, "certificates": list(found.certificates)}


def agrees(data: bytes, most: int = 3) -> int:
    """Compare what is remembered of the first signatures with the strict reading; how many were read from memory."""
    found = document(data)
    if found is None:
        return 0
    reader, remembered = Reader(found, PACK), 0
    for node in list(found.root.iter(SIGNATURE))[:most]:
        strictly, quickly = parse(node, PACK), reader.read(node)
        assert told(quickly) == told(strictly)
        if quickly.octets:
            remembered += 1
            assert quickly.octets == canonical(node[0])
            assert quickly.properties_octets == b"".join(map(canonical, quickly.properties))
    return remembered


def changed(pattern: bytes, new: bytes, number: int = 1) -> bytes:
    """The document with a place in its second signature changed."""
    start = [each.start() for each in re.finditer(rb"<ds:Signature ", DATA)][number]
    found = re.compile(pattern).search(DATA, start)
    assert found is not None
    return DATA[: found.start()] + found.expand(new) + DATA[found.end() :]


def test_signatures_of_one_software_are_read_from_memory() -> None:
    number = DATA.count(b"<ds:Signature ")
    assert agrees(DATA, number) > number // 2
    assert agrees(DATA, number) == number, "the second document is like the first"
    (outlines,) = alike._outlines(PACK).values()
    assert 0 < len(outlines) < number


@pytest.mark.parametrize("style", ["portable", "property", "no transform", "wrapped", "default namespace"])
def test_every_form_is_read_alike(style: str) -> None:
    data = signed(style)
    agrees(data, 9)
    assert agrees(data, 9) == len(re.findall(rb"<(?:\w+:)?Signature ", data))


CHANGES = [
    (rb' URI="#[^"]+"', b' URI="#other"'),
    (rb' URI="#[^"]+"', b' URI="#xpointer(/)"'),
    (rb' URI="#[^"]+"', b' URI="#a&amp;b"'),
    (rb' URI="#[^"]+"', b' URI="#a>b"'),
    (rb' URI="#[^"]+"', b' URI="#a\tb"'),
    (rb' URI="#[^"]+"', b' URI="#a\nb"'),
    (rb' URI="#[^"]+"', b' URI="##a"'),
    (rb' URI="#[^"]+"', b" URI='#a\"b'"),
    (rb' URI="#[^"]+"', b' URI = "#other"'),
    (rb' URI="#[^"]+"', b' URI="#"'),
    (rb' URI="#[^"]+"', b' URI=""'),
    (rb' URI="#[^"]+"', b' URI="http://127.0.0.1/"'),
    (rb' URI="#[^"]+"', b""),
    (rb"DigestValue>[^<]+<", b"DigestValue>AAAA<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>A<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>AAA=A<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>A A\nAA<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>AA&#13;AA<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>!!!!<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>AA\"'>AA<"),
    (rb"DigestValue>[^<]+<", b"DigestValue><"),
    (rb"DigestValue>[^<]+<", b"DigestValue>AA<!-- -->AA<"),
    (rb"DigestValue>[^<]+<", b"DigestValue>AA<?x?>AA<"),
    (rb"SignatureValue>[^<]+<", b"SignatureValue>AAAA<x/><"),
    (rb"SignatureValue>[^<]+<", b"SignatureValue>?<"),
    (rb"SignatureValue>[^<]+<", b"SignatureValue>AA AA<"),
    (rb"(X509Certificate>)[^<]+<", rb"\1AAAA<"),
    (rb"(X509Certificate>)[^<]+<", rb"\1?<"),
    (rb"(SigningTime>)[^<]+<", rb"\1soon<"),
    (rb"(SigningTime>)[^<]+<", rb"\1<"),
    (rb"(SigningTime>)([^<]+<)", rb"\1 \n\2"),
    (rb"SigningTime", b"SigningTimes"),
    (rb"</xades:SigningTime>", b"</xades:SigningTime><xades:SigningTime>2026-06-15T09:00:00+07:00</xades:SigningTime>"),
    (rb'(<ds:Signature [^>]*)Id="[^"]*"', rb'\1Id="else"'),
    (rb' Target="#', b' Target="'),
    (rb' Target="#[^"]*"', b' Target="#else"'),
    (rb"SigningCertificateV2", b"SigningCertificate"),
    (rb"xmlenc#sha256", b"xmlenc#sha512"),
    (rb"xmlenc#sha256", b"xmldsig#sha1"),
    (rb"xml-exc-c14n#", b"xml-exc-c14n#WithComments"),
    (rb"<ds:Transforms>.*?</ds:Transforms>", b""),
    (rb"<ds:SignedInfo>", b"<ds:SignedInfo >"),
    (rb"<ds:KeyInfo>", b"<ds:KeyInfo><ds:KeyName>a</ds:KeyName>"),
    (rb"</ds:Object>", b"</ds:Object><ds:Object>text</ds:Object>"),
    (rb"<ds:Signature ", b"<ds:Signature\n"),
    (rb"<Cks ", b'<Cks xmlns:xades="urn:other" '),
    (rb"<Cks ", b'<Cks xmlns:q="urn:q" '),
    (rb"<Cks ", b'<Cks xmlns:q="relative" '),
    (rb"</ds:Signature>", b"</ds:Signature >"),
]


@pytest.mark.parametrize(("pattern", "new"), CHANGES)
def test_what_differs_is_never_taken_for_what_was_read(pattern: bytes, new: bytes) -> None:
    data = changed(pattern, new)
    agrees(data)  # nothing is known yet: the odd one may be the first that is met
    agrees(DATA)
    agrees(data)
    alike._outlines.cache_clear()
    agrees(DATA)
    agrees(data)
    agrees(DATA)


def test_random_changes_are_read_as_strictly() -> None:
    remembered = agrees(signed("portable"))
    for _, data in mutated("portable", 40):
        remembered += agrees(data)
    assert remembered > 40


def test_other_namespaces_around_are_another_outline() -> None:
    """The same octets mean something else where prefixes stand for other names."""
    bare = DATA.replace(b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', b"")
    ours = re.sub(rb"<HocBa ", b'<HocBa xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ', bare, count=1)
    other = re.sub(rb"<HocBa ", b'<HocBa xmlns:ds="urn:other" ', bare, count=1)
    for _ in range(2):
        assert agrees(ours)
        assert agrees(other) == 0


def test_strange_files_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_MOST", 3)
    monkeypatch.setattr(alike, "_MOST_SCOPES", 2)
    long = changed(rb' URI="#', b' Type="' + b"x" * alike._LONGEST + b'" URI="#', 0)
    agrees(long)
    agrees(long)
    for at in range(6):
        agrees(changed(rb' URI="#', b' Type="%d" URI="#' % at, 0))
        (outlines,) = alike._outlines(PACK).values()
        assert len(outlines) <= alike._MOST
    for at in range(5):
        agrees(changed(rb"<Cks ", b'<Cks xmlns:q="urn:%d" ' % at, 0))
    assert len(alike._outlines(PACK)) <= alike._MOST_SCOPES


@pytest.mark.parametrize(
    ("pattern", "new", "first_allowed"),
    [
        (rb"xmlenc#sha256", b"xmldsig#sha1", "sha256, sha384, sha512"),
        (rb'(SignatureMethod Algorithm=")[^"]+', rb"\1urn:x", "rsa-sha256, rsa-sha384"),
    ],
)
def test_a_refused_algorithm_is_told_with_the_allowed_ones(pattern: bytes, new: bytes, first_allowed: str) -> None:
    node = next(etree.fromstring(changed(pattern, new, 0)).iter(SIGNATURE))
    trouble = next(one for one in parse(node, PACK).troubles if one.kind.startswith("algorithm."))
    assert trouble.expected.startswith(first_allowed)
    assert len(trouble.expected) < 200


def test_what_a_trouble_shows_is_short() -> None:
    one = Parsed(next(etree.fromstring(DATA).iter(SIGNATURE)))
    one.against("form.malformed", seen="s" * 300, expected="e" * 300)
    assert (len(one.troubles[0].seen), len(one.troubles[0].expected)) == (200, 200)


def test_where_signatures_begin_is_what_a_fresh_look_at_the_bytes_finds() -> None:
    found, fresh = document(DATA), document(DATA)
    assert found is not None
    assert fresh is not None
    Reader(found, PACK)
    known, looked_up = list(found.root.iter(SIGNATURE)), list(fresh.root.iter(SIGNATURE))
    assert set(known) == set(found.begins)
    assert [found.place(one) for one in known] == [fresh.place(one) for one in looked_up]
