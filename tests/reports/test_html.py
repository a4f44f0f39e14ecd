"""The HTML report: self-contained, safe with hostile text, complete, and readable by machines for people."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from lxml import html as lxml_html

import reports
from conformance.events import Finding, ItemResult, PlaceData, Witness
from conformance.pack import Pack, default_pack
from conformance.verdict import Outcome, decide
from reports.kills import kill_table, unkilled
from reports.wording import word
from tests.reports.sample import HOSTILE, clean_items, failing, failure, result


@pytest.fixture(scope="module")
def pack() -> Pack:
    return default_pack()


@pytest.fixture(scope="module", params=["vi", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def page(pack: Pack, language: str) -> str:
    return reports.html(failing(pack), pack, language)


@pytest.fixture(scope="module")
def tree(page: str) -> Any:
    return lxml_html.document_fromstring(page)


def text(tree: Any) -> str:
    return " ".join("".join(tree.itertext()).split())


def test_nothing_is_fetched_and_no_script_runs(page: str, tree: Any) -> None:
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not tree.xpath("//script | //link | //img | //iframe | //object | //form | //@onload | //@onclick | //base")
    assert all(target.startswith("#") for target in tree.xpath("//@href"))
    assert not re.search(r"url\(|@import", page)


def test_hostile_text_is_shown_not_obeyed(page: str, tree: Any) -> None:
    assert HOSTILE not in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]", page)
    assert "⟨U+202E⟩" in page
    assert "<script>alert(1)</script>⟨U+202E⟩" in text(tree)


def test_every_requirement_is_in_the_matrix_with_its_outcome(pack: Pack, tree: Any, language: str) -> None:
    verdict = decide(pack, failing(pack))
    for requirement in pack.requirements:
        (row,) = tree.xpath(f"//tr[@id='m-{requirement}']")
        cells = [" ".join("".join(cell.itertext()).split()) for cell in row.xpath("td")][-2:]
        for programme, cell in zip(("THCS", "THPT"), cells, strict=True):
            outcome = verdict.of(requirement, programme)
            assert outcome is not None
            assert cell.rstrip("†") == word(f"outcome.{outcome.outcome}", language)


def test_page_one_says_what_a_reader_must_know(tree: Any, language: str, pack: Pack) -> None:
    shown = text(tree)
    assert word("self-declared", language) in shown
    assert pack.header.about.standing.of(language) in shown
    assert pack.header.about.text.of(language) in shown
    assert pack.header.later_texts[0] in shown
    assert pack.digest in shown
    assert "20250820" in shown
    for programme in ("THCS", "THPT"):
        assert programme in shown
    for key in ("verdict.fail", "verdict.pass"):
        assert word(key, language) in shown
    assert pack.header.capabilities["revoke"].name.of(language) in shown


def test_a_failure_is_told_in_full(tree: Any, pack: Pack, language: str) -> None:
    (article,) = tree.xpath("//article[@id='f-PL1-PH-001']")
    shown = text(article)
    requirement = pack.requirements["PL1-PH-001"]
    for wanted in (
        requirement.text.title.of(language),
        requirement.text.meaning.of(language),
        requirement.text.remedy.of(language),
        requirement.clause,
        "PL1-PH-001.issued-incomplete",
        "giáo viên môn Toán (Giàng A Páo)",
        "/HocBa/NoiDung/BangDiem/MonHoc[3]/DiemCaNam",
        "3104",
        "H'Hen Niê",
        "leave-out-signature",
        '"${HOCBA_TOKEN}"',
        "${env:HOCBA_TOKEN}",
        "PL1-PH-004",
    ):
        assert wanted in shown, wanted
    assert len(article.xpath(".//tr[@class='marked']")) == 2  # one for each finding written out
    (wire,) = tree.xpath("//article[@id='f-PL2-GN-004']")
    assert "status 503" in text(wire)
    assert "Retry-After: 2" in text(wire)


def test_what_was_not_scored_and_not_shown_is_listed(tree: Any, pack: Pack) -> None:
    section = tree.xpath("//section[@aria-labelledby='h-untested']")[0]
    shown = text(section)
    for name, requirement in pack.requirements.items():
        if not pack.scored(requirement):
            assert name in shown
    assert "PL1-PH-006" in shown
    assert "GDTX-THPT" in shown


def test_the_page_is_built_for_readers_of_all_kinds(tree: Any, language: str) -> None:
    assert tree.get("lang") == language
    assert len(tree.xpath("//h1")) == 1
    assert tree.xpath("//main[@id='main']")
    assert tree.xpath("//a[@class='skip' and @href='#main']")
    assert all(cell.get("scope") for cell in tree.xpath("//th"))
    assert all(one.get("aria-label") for one in tree.xpath("//svg[@role='img']"))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in tree.xpath("//a/@href")} <= set(ids)
    levels = [int(one.tag[1]) for one in tree.iter("h1", "h2", "h3", "h4")]
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_no_placeholder_and_no_bare_key_is_left(tree: Any) -> None:
    shown = text(tree)
    assert "‹" not in shown
    assert not re.search(r"\b(outcome|reason|verdict|kv|col|group)\.[a-zA-Z-]+", shown)


def test_a_clean_run_has_no_failures_and_says_so(pack: Pack) -> None:
    page = reports.html(result(pack, clean_items(pack)), pack)
    assert "<article" not in page
    assert word("no-blockers", "vi") in page


def test_an_empty_interrupted_run_can_be_reported(pack: Pack) -> None:
    empty = result(pack, [], programmes=()).model_copy(update={"footer": None})
    page = reports.html(empty, pack, "en")
    assert word("reason.not-completed", "en") in page
    assert word("reason.no-items", "en") in page
    assert "Pass (Đạt)" not in page


def test_thirty_failures_with_many_findings_stay_small(pack: Pack) -> None:
    items = clean_items(pack)
    causes = [
        (one.id, cause)
        for one in pack.requirements.values()
        if pack.scored(one) and one.level == "MUST"
        for cause in list(one.causes)[:1]
    ][:30]
    findings = tuple(failure(name, cause, seen="x" * 5000) for name, cause in causes for _ in range(40))
    items.append(
        items[0].model_copy(update={"id": "bad", "findings": findings, "smallest": {"case": {"a": "b" * 9000}}})
    )
    many = result(pack, items)
    page = reports.html(many, pack)
    expected = sum(one.outcome is Outcome.FAIL and one.programme == "THCS" for one in decide(pack, many).outcomes)
    assert page.count("<article") == expected
    assert len(page.encode()) < 3_000_000


def test_a_vendor_that_describes_itself_in_strange_types_does_not_break_the_page(pack: Pack) -> None:
    strange = {"vendor": ["<b>", {"x": None}], "product": 7, "version": {"a": [1, {}]}, "buildHash": None}
    page = reports.html(result(pack, clean_items(pack), vendor=strange, options={"a": {"b": [1, None, True]}}), pack)
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


@pytest.mark.parametrize(("door", "shown"), [("files", True), ("drive", False)])
def test_what_only_warns_at_a_door_is_among_the_warnings_with_its_words(
    pack: Pack, language: str, door: str, shown: bool
) -> None:
    finding = Finding(
        requirement="PL1-CTS-002", state="blocked", cause="status-too-old",
        params={"certificate": "Lê Thử An", "who": "Lê Thử An", "count": "3"},
    )  # fmt: skip
    item = ItemResult(id="one.xml", kind="document", programme="THCS", findings=(finding,))
    made = result(pack, [*clean_items(pack), item], door=door)
    outcome = next(
        one for one in decide(pack, made).outcomes if (one.requirement, one.programme) == ("PL1-CTS-002", "THCS")
    )
    assert (outcome.outcome is Outcome.WARN) is shown
    tree = lxml_html.document_fromstring(reports.html(made, pack, language))
    words = pack.requirements["PL1-CTS-002"].causes["status-too-old"].of(language)
    said = words.format(certificate="Lê Thử An", who="Lê Thử An", count="3")
    sections = "PL1-CTS-002.status-too-old" in text(tree)
    assert sections is shown
    assert said in text(tree)


def test_an_exchange_is_a_sequence_with_times_and_a_curl_line(pack: Pack) -> None:
    request: dict[str, Any] = {
        "bearer": True,
        "basic": False,
        "bodySize": 10,
        "bodySha256": "ab" * 32,
        "envelope": {"Id": HOSTILE},
    }
    request["headers"] = {
        "host": "127.0.0.1:9",
        "authorization": "Bearer sha256:1234",
        "content-type": "application/json",
    }

    def line(number: int, monotonic: float, **more: Any) -> dict[str, Any]:
        made = {"n": number, "at": f"2026-11-28T05:53:16.{number}00+00:00", "monotonic": monotonic, "query": ""}
        made |= {"operation": "submit", "method": "POST", "path": "/s/ab/v1/x?<i>", "delivered": True, "fault": None}
        answer = {"status": 429, "headers": {"retry-after": "2"}, "body": {"detail": "chờ"}}
        return made | {"request": request, "answer": answer} | more

    journal = (line(4, 10.0), line(5, 10.25, fault={"kind": "reset", "phase": "after", "body": ""}, delivered=False))
    finding = failure("PL2-GN-004", "no-retry", place=PlaceData(pointer="too-many#5"), exchange=journal)
    item = ItemResult(id="exchange:too-many", kind="exchange", title="429", findings=(finding,))
    tree: Any = lxml_html.document_fromstring(reports.html(result(pack, [*clean_items(pack), item]), pack, "en"))
    first, second = tree.xpath("//ol[@class='sequence']/li")
    assert "+0.000 s" in text(first)
    assert "retry-after: 2" in text(first)
    assert first.get("class") is None
    assert "+0.250 s" in text(second)
    assert "kind: reset, phase: after" in text(second)
    assert word("x.lost", "en") in text(second)
    assert second.get("class") == "marked"
    (command,) = tree.xpath("//article//pre[starts-with(., 'curl')]")
    assert "http://127.0.0.1:9/s/ab/v1/x?<i>'" in text(command)
    assert 'Authorization: Bearer \'"${HOCBA_ACCESS_TOKEN}"' in text(command)
    assert "sha256:1234" not in text(command)


def test_a_strange_journal_does_not_break_the_page(pack: Pack) -> None:
    strange: tuple[dict[str, Any], ...] = (
        {},
        {"at": 7, "request": "x", "answer": [1], "fault": "y", "n": None, "monotonic": "z"},
        {"method": 1, "path": {}},
    )
    finding = failure("PL2-GN-004", "no-retry", place=PlaceData(pointer="#"), exchange=strange)
    item = ItemResult(id="e", kind="exchange", findings=(finding,), smallest={"case": [1, {"a": None}]})
    tree: Any = lxml_html.document_fromstring(reports.html(result(pack, [*clean_items(pack), item]), pack))
    assert len(tree.xpath("//ol[@class='sequence']/li")) == 3


def test_the_smallest_case_reads_as_a_form(tree: Any, language: str) -> None:
    (article,) = tree.xpath("//article[@id='f-PL1-PH-001']")
    (table,) = article.xpath(".//table[@class='entered']")
    heads = [text(one) for one in table.xpath(".//thead//th")]
    assert heads[0] == word("case.code", language)
    assert f"{word('case.semester1', language)} · {word('case.average', language)}" in heads
    assert [text(one) for one in table.xpath(".//tbody//td")] == ["7.4", "8.1"]
    labels = [text(one) for one in article.xpath(".//dl[@class='entered']/dt")]
    assert word("case.birthDate", language) in labels


def test_the_kill_table_of_the_suite_is_in_the_appendix(tree: Any, pack: Pack, language: str) -> None:
    rows = tree.xpath("//table[@class='kills']/tbody/tr")
    assert len(rows) == len(kill_table()) > 100
    assert kill_table()[0].text[language] in text(rows[0])
    section = text(tree.xpath("//section[@aria-labelledby='h-kills']")[0])
    for name in unkilled(pack):
        assert name in section


def test_a_vendor_cannot_break_out_of_the_style(pack: Pack) -> None:
    run = result(pack, clean_items(pack), run_id='x"; } </style><b>\n\\')
    page = reports.html(run, pack)
    style = page[page.index("<style>") : page.index("</style>")]
    (content,) = re.findall(r"@top-right { content: (.*?); } @bottom", style)
    assert re.fullmatch(r'"(?:[A-Za-z0-9]|\\[0-9a-f]+ )*"', content)
    assert page.count("</style>") == 1
    assert "<b>" not in page


def test_only_a_run_that_says_how_it_was_witnessed_is_shown_as_witnessed(pack: Pack, language: str) -> None:
    claimed = reports.html(result(pack, clean_items(pack), witnessed=True), pack, language)
    assert word("self-declared", language) in claimed
    assert word("witnessed", language) not in claimed
    witness = Witness(
        body="Trung tâm Kiểm định Mẫu", list_digest="aa" * 32, build_hash="cd" * 32,
        build_recorded="2026-11-24T08:00:00+07:00", seed_drawn="2026-11-24T08:00:01+07:00",
    )  # fmt: skip
    shown = reports.html(result(pack, clean_items(pack), witnessed=True, witness=witness), pack, language)
    assert word("witnessed", language) in shown
    assert "Trung tâm Kiểm định Mẫu" in shown
    assert word("spot-check.none", language) in shown
    assert word("s.nobody", language) in shown
