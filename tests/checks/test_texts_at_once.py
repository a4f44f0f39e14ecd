"""The quick look at all texts at once finds nothing only where nothing is to be found in any of them."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from conformance.checks import form
from conformance.document import read, write
from conformance.finding import Recorder
from conformance.pack import default_pack
from tests.builders import valid_values

PACK = default_pack()
SOUND = write(valid_values(), PACK).decode()
NAME = "Phạm Đức Minh"
TEXTS = [
    NAME, "A&#x301;n", "A&#x300;", "&amp;", "An &amp; Bình", " An", "An ", "An  Bình", "An\tBình", "An\nBình", "\n",
    " ", "&#xA0;", "A&#xAD;n", "Ðức", "Đức", "An&#x200B;", "Αn", "An\u0323\u0302", "A<![CDATA[\u0301]]>n",
    "A<!-- -->\u0301n", "A<?x?>\u0301n", "<x/>", " <x/>", "An<x> </x>", "A&#13;n", "An\r\n", "\u0301An", "",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("indented", [False, True])
def test_all_at_once_is_as_one_by_one(text: str, indented: bool) -> None:
    assert f">{NAME}<" in SOUND
    data = SOUND.replace(f">{NAME}<", f">{text}<")
    reading = read((data.replace("><", ">\n <") if indented else data).encode(), PACK)
    assert reading.document is not None
    found, wanted = Recorder(), Recorder()
    form.check(reading, found)
    with patch.object(form, "_all_sound", lambda _: False):
        form.check(reading, wanted)
    assert found.observations == wanted.observations
    assert found.held_counts == wanted.held_counts


def test_a_sound_document_is_not_looked_at_text_by_text() -> None:
    document = read(SOUND.encode(), PACK).document
    assert document is not None
    assert form._all_sound(document)
    eth = read(SOUND.replace("Đ", "Ð").encode(), PACK).document
    assert eth is not None
    assert not form._all_sound(eth)
