"""What is remembered of one SignedInfo must never stand for another that says something else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from conformance.pack import default_pack
from conformance.signature import parse as module
from conformance.signature.parse import SIGNATURE, Parsed, parse

PACK = default_pack()
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "documents"
DATA = (FIXTURES / "valid" / "thcs.xml").read_bytes()


def first(data: bytes) -> etree._Element:
    return next(etree.fromstring(data).iter(SIGNATURE))


def told(found: Parsed) -> tuple[object, ...]:
    """Everything that is read from SignedInfo."""
    references = [
        (
            each.number,
            each.uri,
            each.kind,
            each.steps,
            each.digest_name,
            each.value,
            each.enveloped,
            each.node.get("URI"),
        )
        for each in found.references
    ]
    troubles = [(each.kind, each.seen, each.expected, each.params) for each in found.troubles]
    return found.step, found.method, found.algorithm, references, troubles, set(found.portability)


def fresh(node: etree._Element) -> Parsed:
    module._outlines.cache_clear()
    return parse(node, PACK)


def changed(pattern: bytes, new: bytes) -> bytes:
    """The document with the first place in a SignedInfo that fits changed."""
    start = DATA.index(b"SignedInfo>")
    found = re.compile(pattern).search(DATA, start)
    assert found is not None
    return DATA[: found.start()] + new + DATA[found.end() :]


def test_what_is_remembered_says_the_same_as_reading() -> None:
    nodes = list(etree.fromstring(DATA).iter(SIGNATURE))
    read = [told(fresh(node)) for node in nodes]
    for _ in range(2):
        assert [told(parse(node, PACK)) for node in nodes] == read
    known = module._outlines(PACK)
    assert 0 < len(known) < len(nodes), "signatures of one software are alike"
    assert len({one.references for one in known.values()}) > 1


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (rb' URI="#[^"]+"', b' URI="#other"'),
        (rb' URI="#[^"]+"', b' URI="#xpointer(/)"'),
        (rb' URI="#[^"]+"', b' URI="#a&amp;b"'),
        (rb' URI="#[^"]+"', b' URI="#"'),
        (rb' URI="#[^"]+"', b' URI=""'),
        (rb' URI="#[^"]+"', b' URI="http://127.0.0.1/"'),
        (rb' URI="#[^"]+"', b""),
        (rb"DigestValue>[^<]+<", b"DigestValue>AAAA<"),
        (rb"DigestValue>[^<]+<", b"DigestValue>A<"),
        (rb"DigestValue>[^<]+<", b"DigestValue>AAA=A<"),
        (rb"DigestValue>[^<]+<", b"DigestValue>A A\nAA<"),
        (rb"DigestValue>[^<]+<", b"DigestValue>!!!!<"),
        (rb"DigestValue>[^<]+<", b"DigestValue><"),
        (rb"DigestValue>[^<]+<", b"DigestValue>AA<!-- -->AA<"),
        (rb"DigestValue>[^<]+<", b"DigestValue>AA<?x?>AA<"),
        (rb"xmlenc#sha256", b"xmlenc#sha512"),
        (rb"xmlenc#sha256", b"xmldsig#sha1"),
        (rb"xml-exc-c14n#", b"xml-exc-c14n#WithComments"),
        (rb"<ds:Transforms>.*?</ds:Transforms>", b""),
    ],
)
def test_what_differs_is_never_taken_for_what_was_read(pattern: bytes, new: bytes) -> None:
    node = first(changed(pattern, new))
    wanted = told(fresh(node))
    parse(first(DATA), PACK)
    assert told(parse(node, PACK)) == wanted
    # and the other way round: what was odd is not remembered as usual
    assert told(parse(first(DATA), PACK)) == told(fresh(first(DATA)))


def test_the_octets_that_are_kept_are_those_that_were_signed() -> None:
    usual = parse(first(DATA), PACK)
    assert usual.signed_info is not None
    assert usual.octets == etree.tostring(usual.signed_info, method="c14n", exclusive=True, with_tail=False)
    noted = parse(first(changed(rb"<ds:CanonicalizationMethod", b"<!-- --><ds:CanonicalizationMethod")), PACK)
    assert noted.octets == b"", "with a comment in it they are not"


@pytest.mark.parametrize(
    ("pattern", "new", "first_allowed"),
    [
        (rb"xmlenc#sha256", b"xmldsig#sha1", "sha256, sha384, sha512"),
        (rb'(SignatureMethod Algorithm=")[^"]+', b'SignatureMethod Algorithm="urn:x', "rsa-sha256, rsa-sha384"),
    ],
)
def test_a_refused_algorithm_is_told_with_the_allowed_ones(pattern: bytes, new: bytes, first_allowed: str) -> None:
    trouble = next(one for one in fresh(first(changed(pattern, new))).troubles if one.kind.startswith("algorithm."))
    assert trouble.expected.startswith(first_allowed)
    assert len(trouble.expected) < 200


def test_strange_files_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    long = first(changed(rb' URI="#', b' Type="' + b"x" * 17_000 + b'" URI="#'))
    wanted = told(fresh(long))
    assert not module._outlines(PACK), "too long to be remembered"
    assert told(parse(long, PACK)) == wanted
    monkeypatch.setattr(module, "_MOST_OUTLINES", 2)
    for at in range(5):
        parse(first(changed(rb' URI="#', b' Type="%d" URI="#' % at)), PACK)
        assert 1 <= len(module._outlines(PACK)) <= 2


def test_what_a_trouble_shows_is_short() -> None:
    one = Parsed(first(DATA))
    one.against("form.malformed", seen="s" * 300, expected="e" * 300)
    assert (len(one.troubles[0].seen), len(one.troubles[0].expected)) == (200, 200)
