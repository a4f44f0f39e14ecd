"""No line of the program says a name, code, word, number or sentence of the shipped pack that another text may change.

The second pack differs wherever a text may; so whatever differs must not stand in a literal. What stands there for
another reason is listed with that reason, and an entry that matches nothing is an error.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest

import reports
from conformance.pack import default_pack
from tests.otherpack import names
from tests.otherpack.names import Hit, hits, is_distinctive, is_name, names_of, numbers_of, numerals, texts_of
from tests.otherpack.pack import other

ALLOWED: Mapping[tuple[str, str], str] = {
    ("conformance/checks/fidelity.py", "Đ"): "the letter, against Icelandic eth (PL1-DOC-005)",
    ("conformance/document/convert.py", "Đ"): "the letter, against Icelandic eth (PL1-DOC-005)",
    ("conformance/pack/lint.py", "Id"): "XML-DSig's own attribute",
    ("conformance/pack/load.py", "cv115-2025"): "which pack is the default one",
    ("conformance/signature/alike.py", "Id"): "XML-DSig's own attribute",
    ("conformance/signature/parse.py", "Id"): "XML-DSig's own attribute",
    ("conformance/signature/pki.py", "VN"): "country of the authorities of the test PKI (X.520)",
    ("conformance/signature/sign.py", "Id"): "XML-DSig's own attribute",
    ("mock_vendor/defects/*.py", "THCS"): "the kill table's items, which are cases of the shipped pack",
    ("mock_vendor/defects/files.py", "Đ"): "the letter, written as Icelandic eth",
    ("mock_vendor/defects/printing.py", "Đ"): "the letter, taken off its stroke",
    ("mock_vendor/signing.py", "Id"): "XML-DSig's own attribute",
    ("mock_vendor/verifying.py", "Id"): "XML-DSig's own attribute",
    ("reports/view.py", "HT"): "a group of requirements",
    ("conformance/visible.py", "Co"): "a category of Unicode",
}
"""(file, name) → why it stands there."""

ALLOWED_NUMBERS: Mapping[tuple[str, str], str] = {("mock_moet/api.py", "999999"): "microseconds, to round up"}
"""(file, number) → why it is not the pack's."""


def unexpected(found: list[Hit], allowed: Mapping[tuple[str, str], str]) -> list[Hit]:
    return [hit for hit in found if not any(fnmatch(hit.file, file) and hit.name == name for file, name in allowed)]


def stale(found: list[Hit], allowed: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    return [key for key in allowed if not any(fnmatch(hit.file, key[0]) and hit.name == key[1] for hit in found)]


def different() -> dict[str, str]:
    """Name → kind, of everything that only the shipped pack says. ISO's codes are no text of the Ministry's."""
    own = {name for _, name in names_of(other())}
    return {
        name: kind
        for kind, name in names_of(default_pack())
        if name not in own and is_name(name) and not (kind.endswith(": nationalities") and name != "VN")
    }


def test_there_is_much_to_look_for() -> None:
    assert len(different()) > 400
    assert sum(is_distinctive(name) for name in different()) > 250
    assert {
        "HocBa",
        "CHAP_NHAN",
        "hoc-ba",
        "IdBanGhi",
        "GDPT",
        "tt22-2021",
        "Hiệu trưởng",
        "GVBM",
    } <= different().keys()


def test_no_name_code_word_or_sentence_is_hard_coded() -> None:
    sentences = frozenset(set(texts_of(default_pack())) - set(texts_of(other())))
    assert len(sentences) > 1000
    found = hits(different(), sentences)
    assert unexpected(found, ALLOWED) == []
    assert stale(found, ALLOWED) == []


def test_no_threshold_is_hard_coded() -> None:
    wanted = set(numbers_of(default_pack())) - set(numbers_of(other()))
    assert {"45", "6.5", "2097152", "990000"} <= wanted
    found = [
        Hit(path.relative_to(names.ROOT).as_posix(), line, "number", number)
        for path in names.sources()
        for line, number in numerals(path)
        if number in wanted
    ]
    assert unexpected(found, ALLOWED_NUMBERS) == []
    assert stale(found, ALLOWED_NUMBERS) == []


def test_templates_and_texts_of_reports_know_no_wire_name() -> None:
    folder = Path(reports.__file__).parent
    pages = [*folder.rglob("*.j2"), *folder.rglob("*.yaml"), *folder.rglob("*.css")]
    assert len(pages) >= 3
    spoken = ("name: ", "article", "title of the year", "leader's title", "wording")
    wanted = tuple(
        sorted(name for name, kind in different().items() if is_distinctive(name) and not kind.startswith(spoken))
    )
    found = {(path.name, hit[0]) for path in pages for hit in names.inside(wanted).finditer(path.read_text("utf-8"))}
    assert found == set()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ('tag = "HocBa"', "HocBa"),
        ('path = f"/hoc-ba/v1/{x}"', "hoc-ba"),
        ('if state == "CHAP_NHAN": pass', "CHAP_NHAN"),
        ('x = "/NoiDung/BangDiem/MonHoc"', "BangDiem"),
        ('def f():\n    return {"03": 1}', ""),
        ('"""HocBa"""', ""),
        ("# HocBa", ""),
        ('x = "HocBang"', ""),
    ],
)
def test_the_search_finds_literals_and_leaves_prose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, name: str
) -> None:
    ast.parse(code)
    (tmp_path / "mock_moet").mkdir()
    (tmp_path / "mock_moet" / "planted.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(names, "ROOT", tmp_path)
    found = {hit.name for hit in hits(different(), frozenset())}
    assert (name in found) if name else found == set()
