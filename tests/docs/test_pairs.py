"""The recorded requests and answers are what the reference vendor says today, and hold no secret."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.docs.pairs import FOLDER, TITLES, page, record, requests, shape


@pytest.fixture(scope="module")
def now() -> dict[str, dict[str, Any]]:
    return record()


def stored() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (FOLDER / "pairs").glob("*.json")}


def test_they_are_of_the_shape_that_is_spoken_today(now: dict[str, dict[str, Any]]) -> None:
    kept = stored()
    assert set(kept) == set(now) == set(TITLES)
    for name, one in now.items():
        assert shape(kept[name]) == shape(one), f"{name}: python -m tests.docs.pairs"
        assert kept[name]["response"]["status"] == one["response"]["status"], name
        said = [[reason["code"] for reason in each["response"]["body"].get("reasons", [])]
                for each in (kept[name], one) if isinstance(each["response"]["body"], dict)]  # fmt: skip
        assert len({str(codes) for codes in said}) <= 1, name


def test_page_and_editor_file_are_made_of_them() -> None:
    kept = {name: stored()[name] for name in TITLES}
    assert (FOLDER / "pairs.md").read_text(encoding="utf-8") == page(kept)
    assert (FOLDER / "requests.http").read_text(encoding="utf-8") == requests(kept)


def test_no_secret_and_no_key_is_in_them() -> None:
    for path in (*(FOLDER / "pairs").glob("*.json"), FOLDER / "pairs.md", FOLDER / "requests.http"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[A-Za-z0-9+/]{80}", text), path.name
        for secret in re.findall(r'"(?:password|clientSecret)": "([^"]*)"', text):
            assert secret == "…", path.name
