"""Another pack's names for the same service: nothing in Python may know the first one's."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.pack import default_pack, load_pack
from tests.mock_moet.conftest import Setup
from tests.mock_moet.helpers import Client, transcript


def words_of_the_service() -> set[str]:
    """Every wire word of the default pack's service: fields, states, events, error codes, path segments."""
    pack = default_pack()
    text = pack.path("service", "messages.yaml").read_text(encoding="utf-8")
    pointers = re.findall(r"/([A-Za-z]+)(?=[,}\s])", text)
    codes = re.findall(r"code: ([A-Z_]+)", text)
    states = pack.messages["states"].values()
    paths = [part for path in pack.service["paths"] for part in re.findall(r"[A-Za-z-]+", path)]
    return {*pointers, *codes, *states, *paths, *pack.messages["events"].values(), *pack.messages["query"].values()} - {
        "token", "oauth", "v", "type", "title", "status", "detail", "detailEn",
    }  # fmt: skip


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "other"
    shutil.copytree(default_pack().folder, folder)
    words = sorted(words_of_the_service(), key=len, reverse=True)
    pattern = re.compile(rf"(?<![A-Za-z_-])({'|'.join(map(re.escape, words))})(?![A-Za-z_-])")
    for name in ("messages.yaml", "openapi.yaml"):
        path = folder / "service" / name
        path.write_text(pattern.sub(lambda found: f"x{found[1]}", path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def test_the_service_speaks_another_pack(setups: Callable[..., Setup], renamed: Path) -> None:
    pack = load_pack(renamed)
    assert pack.messages["states"]["accepted"] == "xCHAP_NHAN"
    setup = setups(pack=pack)
    client = Client(setup.control.open(), setup.transport, pack)
    setup.clients.append(client)
    assert client.authenticate().status_code == 200
    data = transcript()
    answer = client.submit(data)
    receipt = client.receipt(answer)
    assert client.state(receipt) == "accepted"
    assert client.error(client.submit(transcript(), "update")) == "record-unknown"
    assert client.error(client.submit(b"<x/>", record="r", version=1)) == "not-a-transcript"
    assert client.call("health").status_code == 200
    assert client.call("code-lists", next(iter(pack.codes))).status_code == 200
    assert setup.ministry.base_url("s") == "http://127.0.0.1:8115/s/s"


def test_no_wire_word_stands_in_the_code() -> None:
    import mock_moet

    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(mock_moet.__file__).parent.glob("*.py"))
    found = {word for word in words_of_the_service() if re.search(rf"[\"'/]{re.escape(word)}[\"'/]", code)}
    assert not found
