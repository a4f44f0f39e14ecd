"""Files, folders, archives and lists become the same documents, in a stable order, a few at a time."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from conformance.checking import CheckingProblem, Item, items
from conformance.checking.sources import content


def names(*arguments: Path | str, lists: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in items(map(str, arguments), lists)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.xml", "a/2.xml", "a/10.xml", "a-b.xml", "a/inner/z.xml", "a/readme.txt"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "tree"


def test_a_folder_is_walked_in_the_order_of_names(tree: Path) -> None:
    found = [Path(name) for name in names(tree)]
    assert found == sorted(tree.rglob("*.xml"))
    assert len(found) == 5


def test_a_link_to_a_folder_is_not_followed(tree: Path) -> None:
    (tree / "a" / "again").symlink_to(tree)
    assert len(names(tree)) == 5


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".TAR"])
def test_a_tar_archive_gives_its_documents(tree: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"all{suffix}"
    mode = {".gz": "w:gz", "tgz": "w:gz", ".xz": "w:xz", "bz2": "w:bz2"}.get(suffix[-3:], "w")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        archive.add(tree, "school")
    found = list(items([str(path)]))
    assert sorted(one.name.removeprefix(f"{path}/school/") for one in found) == sorted(
        str(one.relative_to(tree)) for one in tree.rglob("*.xml")
    )
    assert {content(one).decode() for one in found} == {"b.xml", "a/2.xml", "a/10.xml", "a-b.xml", "a/inner/z.xml"}


def test_a_zip_archive_gives_its_documents_without_carrying_them(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(tree.rglob("*")):
            archive.write(one, str(one.relative_to(tree)))
    found = list(items([str(path)]))
    assert len(found) == 5
    assert all(one.data is None for one in found)
    assert {content(one).decode() for one in found} == {"b.xml", "a/2.xml", "a/10.xml", "a-b.xml", "a/inner/z.xml"}


def test_lists_name_files_folders_and_archives(tree: Path, tmp_path: Path) -> None:
    named = tmp_path / "list.txt"
    named.write_text(f"\ufeff{tree / 'b.xml'}\n\n  {tree / 'a'}  \n{tmp_path / 'nowhere.xml'}\n", encoding="utf-8")
    wanted = names(tree / "b.xml", tree / "a", tmp_path / "nowhere.xml")
    assert len(wanted) == 5
    assert names(f"@{named}") == wanted
    assert names(lists=(str(named),)) == wanted


def test_a_list_from_the_standard_input(tree: Path) -> None:
    code = "from conformance.checking import items\nfor one in items([], ['-']): print(one.name)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=f"{tree / 'b.xml'}\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.split() == [str(tree / "b.xml")]


def test_a_missing_list_is_wrong_use_at_once() -> None:
    with pytest.raises(CheckingProblem, match="no such list"):
        items(["@nowhere.txt"])


def test_damaged_archives_and_missing_members_are_told_and_the_rest_goes_on(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and nothing more")
    (tmp_path / "bad.tar").write_bytes(b"x" * 2000)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        archive.add(tree, "school")
    (tmp_path / "cut.tar.gz").write_bytes(whole.getvalue()[:-40])
    found = list(items([str(tmp_path / name) for name in ("bad.zip", "bad.tar", "cut.tar.gz", "none.zip")]))
    assert [bool(one.unread) for one in found if Path(one.name).name.startswith(("bad", "none"))] == [True] * 3
    assert found[-2].name.endswith("cut.tar.gz")
    assert found[-2].unread
    assert all("cannot be read" in one.unread for one in found if one.unread)
    with pytest.raises(CheckingProblem, match="cannot be read"):
        content(Item("x", str(tmp_path / "bad.zip"), "gone.xml"))


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_an_archive_cut_anywhere_is_told(tree: Path, tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"all.tar.{packing}".rstrip(".")
    with tarfile.open(path, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        archive.add(tree, "school")
    whole = path.read_bytes()
    assert not [one.unread for one in items([str(path)]) if one.unread]
    end = len(whole.rstrip(b"\0")) if not packing else len(whole)
    for cut in (1, 4, 9, 20, 40, end // 2, end - 10):
        path.write_bytes(whole[: end - cut])
        *_, last = items([str(path)])
        assert last.name == str(path), cut
        assert "cannot be read" in last.unread, cut


def test_a_damaged_member_is_an_unreadable_document(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.xml", "<a>1234567890</a>")
    path.write_bytes(path.read_bytes().replace(b"1234567890</a>", b"0987654321</a>", 1))
    (one,) = items([str(path)])
    with pytest.raises(CheckingProblem, match=r"one\.xml"):
        content(one)


def test_nothing_is_listed_ahead(tree: Path) -> None:
    found = items([str(tree), str(tree)])
    first = next(found)
    (tree / "b.xml").unlink()
    assert first.name == str(tree / "a" / "10.xml")
    assert sum(one.name.endswith("b.xml") and "a-b" not in one.name for one in found) == 1


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_name_that_stands_twice_in_an_archive_is_two_documents(tmp_path: Path, suffix: str) -> None:
    path, bodies = tmp_path / f"all{suffix}", [b"<first/>", b"<second/>"]
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for body in bodies:
                archive.writestr("one.xml", body)
    else:
        with tarfile.open(path, "w") as tar:
            for body in bodies:
                entry = tarfile.TarInfo("one.xml")
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
    found = list(items([str(path)]))
    assert [one.name for one in found] == [f"{path}/one.xml", f"{path}/one.xml#2"]
    assert [content(one) for one in found] == bodies


def test_a_member_of_a_tar_archive_that_would_unpack_without_end_is_not_stepped_over(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("bomb.bin")
    entry.size = 1 << 40
    path = tmp_path / "all.tar"
    path.write_bytes(entry.tobuf() + b"\0" * 2048)
    (one,) = items([str(path)])
    assert one.name == f"{path}/bomb.bin"
    assert "too large" in one.unread
