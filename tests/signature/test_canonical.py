"""Canonicalization of parts: against lxml on whole documents, and the cases where engines are known to disagree."""

from __future__ import annotations

import pytest
from lxml import etree

from conformance.signature.canonical import canonical

DOCUMENT = b"""<r xmlns="urn:a" xmlns:p="urn:p" xml:lang="vi"><x b="2" a="1"><p:y/><z xmlns="">t</z></x>tail</r>"""


def part(name: str) -> etree._Element:
    return next(one for one in etree.fromstring(DOCUMENT).iter(etree.Element) if etree.QName(one).localname == name)


def test_exclusive_renders_only_what_is_used() -> None:
    expected = b'<x xmlns="urn:a" a="1" b="2"><p:y xmlns:p="urn:p"></p:y><z xmlns="">t</z></x>'
    assert canonical(part("x")) == expected


def test_inclusive_inherits_namespaces_and_xml_attributes_and_writes_no_spurious_declaration() -> None:
    expected = b'<x xmlns="urn:a" xmlns:p="urn:p" a="1" b="2" xml:lang="vi"><p:y></p:y><z xmlns="">t</z></x>'
    assert canonical(part("x"), "inclusive") == expected


def test_an_undeclared_default_namespace_stays_undeclared() -> None:
    assert canonical(part("z"), "inclusive") == b'<z xmlns:p="urn:p" xml:lang="vi">t</z>'
    assert canonical(part("z")) == b"<z>t</z>"


def test_a_prefix_list_renders_prefixes_that_are_not_used() -> None:
    assert canonical(part("z"), "exclusive", ["p"]) == b'<z xmlns:p="urn:p">t</z>'


def test_the_nearest_declaration_wins() -> None:
    root = etree.fromstring(b'<a xmlns="urn:1"><b xmlns="urn:2"><c xmlns:q="urn:q"><d/></c></b></a>')
    inner = root[0][0][0]
    assert canonical(inner, "inclusive") == b'<d xmlns="urn:2" xmlns:q="urn:q"></d>'


def test_xml_id_is_inherited_in_1_0_only() -> None:
    root = etree.fromstring(b'<a xml:id="one" xml:space="preserve"><b/></a>')
    assert canonical(root[0], "inclusive") == b'<b xml:id="one" xml:space="preserve"></b>'
    assert canonical(root[0], "inclusive-1.1") == b'<b xml:space="preserve"></b>'


@pytest.mark.parametrize("method", ["exclusive", "inclusive", "inclusive-1.1"])
def test_comments_count_only_when_asked(method: str) -> None:
    root = etree.fromstring(b"<a>8<!-- x -->.5</a>")
    assert canonical(root, method) == b"<a>8.5</a>"
    assert canonical(root, method, comments=True) == b"<a>8<!-- x -->.5</a>"


@pytest.mark.parametrize("method", ["exclusive", "inclusive"])
def test_the_whole_document_is_as_lxml_says(method: str) -> None:
    root = etree.fromstring(DOCUMENT)
    assert canonical(root, method) == etree.tostring(root, method="c14n", exclusive=method == "exclusive")
