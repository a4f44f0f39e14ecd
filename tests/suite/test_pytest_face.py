"""``pytest --target=…`` as vendors run it: any directory, foreign settings, selections; no pass without evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.suite.face import FAILING, FILES, QUICK, Inside, inside, results, run

__all__ = ["inside"]


def test_a_failure_is_named_with_its_place_and_smallest_case(inside: Inside) -> None:
    code, printed = inside(*QUICK, *FAILING, "--results=r.json", "--report=r.html", "--junit=j.xml", "--evidence=e")
    assert code == 1, printed
    assert "PL1-MON-008.cut-off" in printed
    data = results(Path("r.json"))
    assert data["footer"]["items"] == 1
    (item,) = data["items"]
    assert {one["requirement"] for one in item["findings"] if not one["consequence_of"]} == {"PL1-MON-008"}
    finding = item["findings"][0]
    assert finding["place"]["xpath"].endswith("DiemCaNam")
    assert finding["place"]["line"] is not None
    assert any(line["marked"] for line in finding["excerpt"])
    assert item["smallest"]["case"]["subjects"]
    assert "--item=THCS:thcs-rounding-decides" in item["replay"]
    # what changes the software or its judging is repeated too
    assert {"--defect=cuts-off-instead-of-rounding", "--keys=p-256"} <= set(item["replay"])
    assert item["replay"][0] == "pytest"
    assert "→ pytest --target=reference" in printed
    assert sorted(one.name for one in Path("e").iterdir()) == ["bytes", "index.ndjson"]
    assert Path("e", "index.ndjson").read_text(encoding="utf-8").splitlines()[-1].startswith('{"footer"')
    assert "PL1-MON-008" in Path("r.html").read_text(encoding="utf-8")
    assert "PL1-MON-008" in Path("j.xml").read_text(encoding="utf-8")

    # the replay command works as it stands
    code, again = inside(*item["replay"][1:], "-p", "no:randomly", "--results=again.json")
    assert code == 1, again
    (repeated,) = results(Path("again.json"))["items"]
    assert [one["cause"] for one in repeated["findings"]] == [one["cause"] for one in item["findings"]]
    assert repeated["smallest"] == item["smallest"]
    assert json.dumps(finding["place"]) == json.dumps(repeated["findings"][0]["place"])


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("-k", "nothing"), {}),
        ((), {"PYTEST_ADDOPTS": "-k nothing"}),
        (("--collect-only",), {}),
        (("--setup-only",), {}),
    ],
    ids=["-k", "PYTEST_ADDOPTS", "--collect-only", "--setup-only"],
)
def test_what_was_not_run_is_absent_never_passed(
    inside: Inside, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    code, printed = inside(*FILES, "--results=r.json", *arguments, **environment)
    assert code == 3, printed
    verdict = results(Path("r.json"))["verdict"]
    assert "pass" not in {line["verdict"] for line in verdict["lines"]}


def test_a_dry_run_prints_the_budget_and_tests_nothing(inside: Inside) -> None:
    code, printed = inside("--target=http://127.0.0.1:9", "--dry-run", "--programme=THPT")
    assert code == 3, printed
    assert "THPT:thpt-plain" in printed
    assert "chữ ký / signatures" in printed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--target=ftp://x",), 2),
        (("--target=reference", "--programme=MẦM NON"), 2),
        (("--target=file:nowhere",), 2),
        (("--target=observe:", "--observe-timeout=0"), 2),
        (("--target=reference", "--revision=r9"), 2),
        (("--target=reference", "--keys=p-256", "--item=no:such"), 2),
        (("--target=http://127.0.0.1:9",), 3),
    ],
)
def test_wrong_use_and_unreachable_software(inside: Inside, arguments: tuple[str, ...], code: int) -> None:
    found, printed = inside(*arguments)
    assert found == code, printed
    assert "/" in printed  # both languages


def test_without_a_target_the_plugin_stays_out_of_the_way(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    code, printed = run(tmp_path, "-q")
    assert code == 0, printed
    assert "1 passed" in printed


def test_files_are_judged_but_a_file_cannot_show_everything(inside: Inside) -> None:
    code, printed = inside(*FILES, "--results=r.json")
    assert code == 1, printed  # unsigned
    (item,) = results(Path("r.json"))["items"]
    assert "PL1-KY-001" in {one["requirement"] for one in item["findings"]}
    assert item["held"]["PL1-MON-008"]
