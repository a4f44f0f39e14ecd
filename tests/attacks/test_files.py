"""What is given as FILE and is none, and canonical octets written for vendors: names, bounds, contents."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import socket
from collections.abc import Callable
from http.server import HTTPServer
from pathlib import Path

import pytest

from conformance.checking import Outcome, check_files
from conformance.document import read
from conformance.signature import dump
from conformance.signature.dump import dump_document, safe_name
from tests.attacks.hostile import HOSTILE
from tests.builders import NOW
from tests.checks.test_signature_kills import PACK, Bench, on, swap, with_uri


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def checked(*paths: Path, dump: Path | None = None) -> Outcome:
    return check_files(
        PACK, list(paths), trust=[], crls=[], leaders=None, subject_map=None, judged_at=NOW, dump=dump
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------- what is no file


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.xml")
    return folder / "pipe.xml"


def loop(folder: Path) -> Path:
    (folder / "a.xml").symlink_to("b.xml")
    (folder / "b.xml").symlink_to("a.xml")
    return folder / "a.xml"


def listening(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(folder)  # the name of a socket may only be short
        try:
            one.bind("s.xml")
        finally:
            os.chdir(here)
    return folder / "s.xml"


NO_FILES: dict[str, Callable[[Path], Path]] = {
    "a pipe without a writer": pipe,
    "a loop of links": loop,
    "a socket": listening,
    "an endless device": lambda _: Path("/dev/zero"),
    "nothing": lambda folder: folder / "none.xml",
    "a name with a null": lambda folder: folder / "a\0b.xml",
    "a name of 10,000 letters": lambda folder: folder / ("x" * 10_000),
    "a link to a device": lambda folder: _linked(folder, "/dev/zero"),
}


def _linked(folder: Path, to: str) -> Path:
    (folder / "z.xml").symlink_to(to)
    return folder / "z.xml"


@pytest.mark.skipif(os.name != "posix", reason="pipes, links and devices of POSIX")
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_said_to_be_unreadable_and_nothing_else(tmp_path: Path, kind: str) -> None:
    outcome = checked(NO_FILES[kind](tmp_path))
    assert outcome.exit_code == 2
    assert outcome.files[0].unread
    assert not outcome.files[0].findings
    assert not outcome.files[0].error
    said = "\n".join(outcome.lines("vi"))
    assert "KHÔNG ĐỌC ĐƯỢC" in said
    assert "\0" not in said
    json.dumps(outcome.to_json("en"))


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_one_unreadable_file_of_a_folder_does_not_hide_the_others(tmp_path: Path, bench: Bench) -> None:
    pipe(tmp_path)
    (tmp_path / "sound.xml").write_bytes(bench.sound)
    (tmp_path / "wrong.xml").write_bytes(b"")
    (tmp_path / "again").symlink_to(tmp_path)
    outcome = checked(tmp_path)
    assert [bool(one.unread) for one in outcome.files] == [True, False, False]
    assert outcome.exit_code == 1


# ---------------------------------------------------------------------------------------------------- no network


def pointing(bench: Bench, address: str) -> dict[str, bytes]:
    """Documents that point outside in every way there is."""
    external = on("principal", lambda plan: with_uri(plan, "#content", address))
    style = f'<?xml-stylesheet type="text/xsl" href="{address}"?>'
    located = (
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{PACK.binding.namespace} {address}"'
    )
    retrieval = f'<ds:RetrievalMethod URI="{address}"/></ds:KeyInfo>'
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}"/>'
    return {
        "reference": bench.signed(external),
        "doctype": swap("<HocBa", f'<!DOCTYPE HocBa SYSTEM "{address}"><HocBa')(bench.sound),
        "entity": swap("<HocBa", f'<!DOCTYPE HocBa [<!ENTITY % x SYSTEM "{address}"> %x;]><HocBa')(bench.sound),
        "stylesheet": swap("<HocBa", f"{style}<HocBa")(bench.sound),
        "schema": swap("<HocBa ", f"<HocBa {located} ")(bench.sound),
        "retrieval": swap("</ds:KeyInfo>", retrieval)(bench.sound),
        "include": swap("<TongKet", f"{include}<TongKet")(bench.sound),
        "base": swap("<HocBa ", f'<HocBa xml:base="{address}" ')(bench.sound),
    }


def test_nothing_a_document_points_to_is_read(tmp_path: Path, bench: Bench, witness: HTTPServer) -> None:
    for name, data in pointing(bench, f"http://127.0.0.1:{witness.server_port}/x").items():
        (tmp_path / f"{name}.xml").write_bytes(data)
    (tmp_path / "secret.txt").write_text("a secret")
    for name, data in pointing(bench, (tmp_path / "secret.txt").as_uri()).items():
        (tmp_path / f"file-{name}.xml").write_bytes(data)
    outcome = checked(tmp_path)
    assert not any(one.error for one in outcome.files)
    assert len(outcome.files) == 16
    assert witness.asked == []  # type: ignore[attr-defined]
    assert "a secret" not in json.dumps(outcome.to_json("en"))
    by_name = {Path(one.name).stem: {each.code for each in one.findings} for one in outcome.files}
    assert "PL1-KY-007.external-uri" in by_name["reference"]
    assert "PL1-KY-007.external-uri" in by_name["file-reference"]
    assert by_name["doctype"] == by_name["entity"] == {"PL1-DOC-002.doctype"}


def test_judging_needs_no_socket(tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in pointing(bench, "http://127.0.0.1:9/x").items():
        (tmp_path / f"{name}.xml").write_bytes(data)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert not any(one.error for one in checked(tmp_path, dump=tmp_path / "out").files)


# ------------------------------------------------------------------------------------------------ canonical octets


def index_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "index.json").read_text("utf-8"))
    return found


def test_every_digest_of_a_sound_document_is_that_of_the_written_octets(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "học bạ ../x.xml").parent.mkdir(parents=True)
    path = tmp_path / "học bạ ../x.xml"
    path.write_bytes(bench.sound)
    outcome = checked(path, dump=tmp_path / "out")
    assert not outcome.files[0].error
    (folder,) = (tmp_path / "out").iterdir()
    index = index_of(folder)
    signatures = index["signatures"]
    assert isinstance(signatures, list)
    assert len(signatures) == 15
    octets = {}
    for one in signatures:
        info = one["signedInfo"]
        assert hashlib.sha256((folder / info["file"]).read_bytes()).hexdigest() == info["sha256"]
        assert one["valueVerifies"] is True
        for each in one["references"]:
            octets[each["file"]] = (folder / each["file"]).read_bytes()
            digest = base64.b64encode(hashlib.sha256(octets[each["file"]]).digest()).decode()
            assert digest == each["digestComputed"] == each["digestInDocument"]
            assert each["equal"] is True
    assert len(octets) < sum(len(one["references"]) for one in signatures), "each part once"
    text = (folder / "index.txt").read_text("utf-8")
    assert "KHÁC / DIFFERENT" not in text
    assert "/HocBa/NoiDung/BangDiem/MonHoc[2]" in text


def test_what_differs_is_marked_innermost_and_above(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "x.xml").write_bytes(swap("<DiemCaNam>8.3<", "<DiemCaNam>9.3<")(bench.sound))
    checked(tmp_path / "x.xml", dump=tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    signatures = index_of(folder)["signatures"]
    assert isinstance(signatures, list)
    wrong = {each["uri"] for one in signatures for each in one["references"] if each["equal"] is False}
    assert wrong == {"#subject-2", "#marks", "#content"}
    assert all(one["valueVerifies"] is True for one in signatures)


def test_names_in_documents_do_not_reach_the_file_system(tmp_path: Path, bench: Bench) -> None:
    evil = "..&#x2F;..&#x2F;evil"
    data = bench.sound.replace(b'"subject-1"', f'"{evil}"'.encode()).replace(b'#subject-1"', f'#{evil}"'.encode())
    document = read(data, PACK).document
    assert document is not None
    dump_document(document, PACK, tmp_path / "out", "../../also\0evil\x1b[31m" + "y" * 500)
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    files = [one for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert len(files) > 20
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,120}", one.name) for one in files)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", one.parent.name) for one in files)


def test_a_prefix_list_is_shown_beside_its_method(tmp_path: Path, bench: Bench) -> None:
    plain = b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
    listed = plain[:-2] + (
        b'><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs xsi"/>'
        b"</ds:Transform>"
    )
    document = read(bench.sound.replace(plain, listed, 1), PACK).document
    assert document is not None
    said = (dump_document(document, PACK, tmp_path, "x") / "index.json").read_text(encoding="utf-8")
    assert said.count(" PrefixList=") == said.count('xml-exc-c14n# PrefixList=xs xsi"') == 1
    assert said.count('xml-exc-c14n#"') > 1


@pytest.mark.parametrize("text", ["", "..", ".", "/", "CON", "a/b", "\u202e", "-" * 9, "x" * 1000])
def test_a_safe_name_is_one_piece_of_a_path(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}", safe_name(text))


def test_what_is_written_is_bounded(tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "LARGEST", 20_000)
    document = read(bench.sound, PACK).document
    assert document is not None
    folder = dump_document(document, PACK, tmp_path, "x")
    assert sum(one.stat().st_size for one in folder.glob("*.c14n")) <= 20_000
    signatures = index_of(folder)["signatures"]
    assert isinstance(signatures, list)
    assert any(each["file"] == "" and each["equal"] is True for one in signatures for each in one["references"])


@pytest.mark.parametrize(
    "name",
    [
        "60 references, each canonicalized otherwise",
        "namespaces within the limit on every level",
        "XSLT that runs for ever",
        "5,000 references",
        "an identifier of a million letters",
        "450 empty signatures",
        "RSA with the modulus 0",
    ],
)
def test_hostile_documents_are_dumped_as_far_as_they_go(tmp_path: Path, bench: Bench, name: str) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(HOSTILE[name].make(bench.sound))
    outcome = checked(path, dump=tmp_path / "out")
    assert not outcome.files[0].error
    assert sum(one.stat().st_size for one in (tmp_path / "out").rglob("*.c14n")) <= dump.LARGEST
