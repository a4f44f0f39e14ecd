"""JSON, JUnit, terminal, replay commands and words."""

from __future__ import annotations

import inspect
import io
import json
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import reports
from conformance.events import Finding, Result, StepData
from conformance.pack import Pack, default_pack
from conformance.verdict import Outcome, decide
from conformance.visible import one_line, visible
from conformance.wording import cause_text, fill, step_text
from reports.replay import powershell, sh
from reports.schema import result_schema
from reports.schema import text as schema_text
from reports.terminal import summary
from reports.wording import WORDS, word
from tests.reports.sample import clean_items, failing, failure, result


@pytest.fixture(scope="module")
def pack() -> Pack:
    return default_pack()


def test_json_is_the_published_format_and_reads_back(pack: Pack) -> None:
    data = json.loads(reports.json_text(failing(pack), pack))
    jsonschema.validate(data, result_schema())
    again = Result.model_validate(data)
    assert reports.verdict_of(again, pack) == decide(pack, failing(pack))


def test_a_result_without_verdict_fits_the_schema_as_well(pack: Pack) -> None:
    jsonschema.validate(failing(pack).model_dump(mode="json"), result_schema())


def test_the_published_schema_is_in_step() -> None:
    published = Path(__file__).parents[2] / "docs" / "result.schema.json"
    assert published.read_text(encoding="utf-8") == schema_text()


def test_a_lone_surrogate_does_not_break_any_report(pack: Pack, tmp_path: Path) -> None:
    items = clean_items(pack)
    items.append(
        items[0].model_copy(update={"id": "s", "findings": (failure("PL1-PH-001", "no-answer", seen="\ud800"),)})
    )
    for name in ("r.html", "r.json", "r.xml"):
        reports.write(result(pack, items), pack, tmp_path / "deep" / name)
        assert (tmp_path / "deep" / name).stat().st_size > 100


def test_an_unknown_ending_is_refused(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        reports.write(failing(pack), pack, tmp_path / "report.docx")


def test_junit_holds_one_case_per_requirement_and_programme(pack: Pack) -> None:
    verdict = decide(pack, failing(pack))
    root = ET.fromstring(reports.junit(failing(pack), pack))
    suites = {str(one.get("name")): one for one in root.findall("testsuite")}
    for programme in ("THCS", "THPT"):
        cases = suites[programme].findall("testcase")
        assert len(cases) == len(pack.requirements)
        for case in cases:
            outcome = verdict.of(str(case.get("name")).split()[0], programme)
            assert outcome is not None
            assert (case.find("failure") is not None) is (outcome.outcome in (Outcome.FAIL, Outcome.KNOWN_FAILURE))
            red = case.find("failure") is not None or case.find("error") is not None
            assert red is outcome.blocks
        assert int(str(suites[programme].get("failures"))) == sum(case.find("failure") is not None for case in cases)


def test_junit_of_an_empty_run_is_not_green(pack: Pack) -> None:
    empty = result(pack, [], programmes=()).model_copy(update={"footer": None})
    root = ET.fromstring(reports.junit(empty, pack))
    assert root.findall(".//error")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_terminal_summary_fits_a_hundred_columns(pack: Pack, language: str) -> None:
    out = io.StringIO()
    run = failing(pack)
    Console(file=out, width=100, force_terminal=False, color_system=None).print(
        summary(run, decide(pack, run), pack, language)
    )
    shown = out.getvalue()
    assert max(map(len, shown.split("\n"))) <= 100
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    for wanted in (
        "PL1-PH-001.issued-incomplete",
        "PL2-GN-003",
        word("verdict.fail", language).partition(" (")[0],
        "MonHoc[3]",
    ):
        assert wanted in shown


ARGUMENTS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1), min_size=1)


@given(ARGUMENTS)
def test_commands_for_sh_split_back_into_their_arguments(arguments: list[str]) -> None:
    if not any("${HOCBA_" in one for one in arguments):
        assert shlex.split(sh(arguments)) == arguments


@pytest.mark.parametrize(
    ("argument", "posix", "windows"),
    [
        ("--seed", "--seed", "--seed"),
        ("a b", "'a b'", "'a b'"),
        ("it's", "'it'\"'\"'s'", "'it''s'"),
        ("it’s", "'it’s'", "'it’’s'"),
        ("$(rm -rf ~)", "'$(rm -rf ~)'", "'$(rm -rf ~)'"),
        ("${HOCBA_TOKEN}", '"${HOCBA_TOKEN}"', '"${env:HOCBA_TOKEN}"'),
        ("t=${HOCBA_TOKEN}`$x", "t="'"${HOCBA_TOKEN}"'"'`$x'", '"t=${env:HOCBA_TOKEN}```$x"'),
        ("${PATH}", "'${PATH}'", "'${PATH}'"),
        ("a,b", "a,b", "'a,b'"),
        ("", "''", "''"),
    ],
)  # fmt: skip
def test_quoting(argument: str, posix: str, windows: str) -> None:
    assert sh([argument]) == posix
    assert powershell(["hocba", argument]) == f"hocba {windows}"


def test_a_command_with_spaces_is_called_in_powershell() -> None:
    assert powershell(["C:\\a b\\hocba.exe", "list"]) == "& 'C:\\a b\\hocba.exe' list"


@given(st.text())
def test_nothing_that_steers_a_terminal_survives(text: str) -> None:
    shown = visible(text)
    assert not any(ord(one) < 32 and one not in "\n\t" for one in shown)
    assert not set(shown) & set("\x7f\x9b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\u200f\u2028\ufeff")
    assert "\n" not in one_line(text)
    shown.encode()


def test_ordinary_text_in_every_language_stays_as_it_is() -> None:
    for text in ("Nguyễn Thị Hoà – H'Hen Niê", "Y Moan Êban\n\tlớp 6A", "«ngoặc» ≥ 8.0 …", ""):
        assert visible(text) == text
    assert visible("a" * 20, 5) == "aaaaa … (+15)"


@given(st.dictionaries(st.sampled_from(["seen", "expected", "missing", "other"]), st.text()))
def test_no_param_breaks_a_text(params: dict[str, str]) -> None:
    pack = default_pack()
    for cause in pack.requirements["PL1-PH-001"].causes:
        finding = Finding(requirement="PL1-PH-001", state="violated", cause=cause, params=params, seen="{0.__class__}")
        assert cause_text(pack, finding, "vi")


def test_words_are_filled_by_plain_look_up() -> None:
    assert fill("{a} {b} {a.x} {0} {{a}}", {"a": "{b}"}) == "{b} ‹b› {a.x} {0} {{b}}"


def test_unknown_causes_steps_and_words_still_show(pack: Pack) -> None:
    assert cause_text(pack, failure("PL1-ZZ-001", "odd"), "vi") == "PL1-ZZ-001.odd"
    assert cause_text(pack, failure("PL1-PH-001", "odd"), "en") == "PL1-PH-001.odd"
    assert step_text(pack, StepData(key="none", params={"a": "1"}), "vi") == "none: a = 1"
    assert word("reason.brand-new", "vi") == "brand-new"


def test_every_word_is_there_in_both_languages_with_the_same_parameters() -> None:
    for key in WORDS:
        text = WORDS[key]
        found: list[Any] = [set(re.findall(r"{(\w+)}", text[language])) for language in ("vi", "en")]
        assert found[0] == found[1], key
        assert text["vi"].strip(), key
        assert text["en"].strip(), key


def test_every_outcome_and_reason_has_its_words(pack: Pack) -> None:
    known = set(WORDS)
    assert {f"outcome.{one.value}" for one in Outcome} <= known
    source = Path(inspect.getfile(decide)).read_text(encoding="utf-8")
    reasons = set(re.findall(r'append\("([a-z-]+)"\)', source))
    reasons |= set(re.findall(r'Outcome\.[A-Z_]+\)?, "([a-z-]+)"', source))
    assert len(reasons) > 10
    assert {f"reason.{one}" for one in reasons} <= known
