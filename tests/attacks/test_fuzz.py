"""Thousands of damaged documents: no exception, and never a pass when something that is signed has changed.

The oracle knows nothing of the verifier: by places alone it compares what signatures cover in the damaged document, in
canonical form, with the sound one's.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from conformance import checking
from conformance.checks.judge import judge_document
from conformance.document import read
from tests.attacks.hostile import HOSTILE, rsa_certificate, with_certificate
from tests.builders import NOW
from tests.checks.test_signature_kills import PACK, Bench

BYTES, TREES, CERTIFICATES = 200, 120, 80
"""Documents of each kind in a run of the tests; ``python -m tests.attacks.fuzz`` makes thousands."""
_BATCHES = 4
_INNER = ("NoiDung", "DSChuKy/{*}CksGiaoVien", "DSChuKy/{*}CksChuNhiem")
_PRINCIPAL, _SEAL = "DSChuKy/{*}CksHieuTruong", "DSChuKy/{*}CksNhaTruong"
_TOKENS = [
    b"<", b">", b"&", b'"', b"'", b"/", b"\0", b"\xff", b"\xc3", b"&#0;", b"&#13;", b"]]>", b"<!--", b"-->", b"<?",
    b"?>", b"<![CDATA[", b"<!DOCTYPE a>", b" xmlns=''", b" xmlns:a='b'", b" Id='content'", b"10", b"-1", b"1e9",
    b"NaN", b"\r\n", "\u0301".encode(), "\u202e".encode(), b"A" * 5000, b"<a/>", b"</a>", b"URI=''", b"#content", b"==",
]  # fmt: skip


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def refused(bench: Bench, data: bytes) -> bool:
    """Whether a MUST is violated; what cannot be judged is no pass either."""
    found = judge_document(data, bench.context()).found
    return any(PACK.requirements[one.requirement].level == "MUST" for one in found.observations)


@dataclass(frozen=True)
class Signed:
    """What signatures cover, as canonical octets: each part by what covers it."""

    inner: tuple[bytes, ...]
    """Content, the teachers' slot and the homeroom teacher's: the principal covers them, whether sealed or not."""
    principal: tuple[bytes, ...]
    """The principal's signature without its KeyInfo: covers itself."""
    principal_slot: tuple[bytes, ...]
    """All of the principal's slot: only the seal covers it."""
    seal: tuple[bytes, ...]
    """The seal's signature without its KeyInfo, which nothing covers."""

    def unchanged(self, sound: Signed) -> bool:
        """Whether everything that is still covered is as it was; the seal may be missing (PL1-KY-004 is a SHOULD)."""
        if (self.inner, self.principal) != (sound.inner, sound.principal):
            return False
        return not self.seal or (self.principal_slot, self.seal) == (sound.principal_slot, sound.seal)


def meaning(data: bytes) -> Signed | None:
    """What is signed, found by places; ``None`` when it is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
        parts = [_forms(root.findall(f"{{*}}{path}")) for path in _INNER]
        slot = _forms(root.findall(f"{{*}}{_PRINCIPAL}"))
        for one in root.findall("{*}DSChuKy//{*}Signature"):
            for child in one.findall("{*}KeyInfo"):
                one.remove(child)
            for value in one.findall("{*}SignatureValue"):
                value.text = "".join((value.text or "").split())
        principal, seal = (_forms(root.findall(f"{{*}}{path}//{{*}}Signature")) for path in (_PRINCIPAL, _SEAL))
        return Signed(tuple(one for part in parts for one in part), principal, slot, seal)
    except (etree.XMLSyntaxError, etree.C14NError, ValueError):
        return None


def verdict(bench: Bench, data: bytes, sound: Signed) -> tuple[bool, bool]:
    """Whether the document is refused, and whether everything covered is as it was."""
    now = meaning(data)
    return refused(bench, data), now is not None and now.unchanged(sound)


def _forms(elements: list[etree._Element]) -> tuple[bytes, ...]:
    return tuple(
        etree.tostring(one, method="c14n", exclusive=True, with_comments=True, with_tail=False) for one in elements
    )


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One to three byte-wise accidents."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(data))
        match chance.randrange(7):
            case 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + chance.randrange(1, 60) :]
            case 2:
                data = data[:at] + chance.choice(_TOKENS) + data[at:]
            case 3:
                size = chance.randrange(1, 400)
                other = chance.randrange(len(data))
                data = data[:other] + data[at : at + size] + data[other:]
            case 4:
                data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
            case 5:
                data = data[: chance.randrange(len(data))] + data[at:]
            case _:
                digit = chance.choice(b"0123456789")
                places = [place for place, one in enumerate(data) if one in b"0123456789"]
                where = chance.choice(places)
                data = data[:where] + bytes([digit]) + data[where + 1 :]
        if not data:
            return b"<"
    return data


def rearranged(data: bytes, chance: random.Random) -> bytes:
    """One to three accidents with elements and attributes: moved, copied, dropped, renamed, emptied, exchanged."""
    root = etree.fromstring(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        every = [one for one in root.iter(etree.Element) if one is not root]
        one, other = chance.choice(every), chance.choice(every)
        match chance.randrange(8):
            case 0:
                above = one.getparent()
                if above is not None:
                    above.remove(one)
            case 1:
                if one not in list(other.iterancestors()) and one is not other:
                    other.append(one)
            case 2:
                one.addnext(etree.fromstring(etree.tostring(other, with_tail=False)))
            case 3:
                one.text, other.text = other.text, one.text
            case 4:
                names = [*one.attrib] or ["Id"]
                one.set(chance.choice(names), chance.choice(["content", "record", "#content", "", "x" * 3000]))
            case 5:
                for name in list(one.attrib)[:1]:
                    del one.attrib[name]
            case 6:
                one.tag = other.tag
            case _:
                one.text = (one.text or "") + chance.choice([" ", "0", "\n", "\u0301", "<", "9" * 4000])
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


@pytest.mark.parametrize("batch", range(_BATCHES))
@pytest.mark.parametrize(("way", "number"), [(damaged, BYTES), (rearranged, TREES)], ids=["bytes", "tree"])
def test_nothing_damaged_passes_and_nothing_raises(
    bench: Bench, way: Callable[[bytes, random.Random], bytes], number: int, batch: int
) -> None:
    sound = meaning(bench.sound)
    assert sound is not None
    assert len(sound.inner) == 3
    assert not refused(bench, bench.sound)
    changed = 0
    for seed in range(batch, number, _BATCHES):
        data = way(bench.sound, random.Random(f"{way.__name__} {seed}"))  # no secret
        bad, same = verdict(bench, data, sound)
        changed += not same
        assert bad or same, f"{way.__name__} {seed}: changed and not refused"
    assert changed > number // _BATCHES // 2


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_random_certificates_are_facts_and_never_exceptions(bench: Bench, batch: int) -> None:
    der = next(bench.signers.people[who].der for who in sorted(bench.signers.people))
    exotic = rsa_certificate((1 << 2047) | 1, 65537)
    for seed in range(batch, CERTIFICATES, _BATCHES):
        chance = random.Random(f"der {seed}")
        octets = bytearray(chance.choice((der, exotic)))
        for _ in range(chance.choice((1, 2, 3, 8))):
            at = chance.randrange(len(octets))
            match chance.randrange(4):
                case 0:
                    octets[at] ^= 1 << chance.randrange(8)
                case 1:
                    octets[at] = chance.choice((0, 1, 0x7F, 0x80, 0x84, 0xFF))
                case 2:
                    del octets[at : at + chance.randrange(1, 20)]
                case _:
                    octets[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        assert refused(bench, with_certificate(bytes(octets))(bench.sound))


def test_an_exception_of_ours_is_a_harness_error_and_never_a_pass(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(bench.sound)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    def outcome() -> checking.Outcome:
        return checking.check_files(
            PACK, [path], trust=[], crls=[], leaders=None, subject_map=None, judged_at=NOW
        )  # fmt: skip

    assert outcome().exit_code == 0
    for part in ("structure", "signatures", "levels", "codes"):
        with monkeypatch.context() as patched:
            patched.setattr(f"conformance.checks.judge.{part}.check", broken)
            one = outcome()
        assert one.exit_code == 4
        assert one.files[0].error == "ZeroDivisionError: ours"
        assert one.files[0].findings == []
        assert any("LỖI CÔNG CỤ" in line for line in one.lines("vi"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_for_their_own_cause(bench: Bench, name: str) -> None:
    hostile = HOSTILE[name]
    data = hostile.make(bench.sound)[: checking.LIMIT]
    reading = read(data, PACK)
    assert len(reading.problems) <= 40
    found = judge_document(data, bench.context()).found
    assert len(found.observations) < 2_000
    assert not hostile.causes or found.roots() & set(hostile.causes)
