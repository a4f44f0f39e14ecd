"""Every page of the console without a script: what it says, in both languages, whatever vendors send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import mock_moet.console as console
from conformance.doors import ministry as doors
from conformance.doors.http import Http
from conformance.pack import load_pack
from conformance.suite.settings import Options
from conformance.suite.setup import console_notice
from mock_moet.console import PREFIX
from mock_moet.console.live import mark
from mock_moet.console.submissions import WHOLE, pieces
from mock_moet.console.visit import WORDS
from mock_moet.ministry import Settings
from mock_moet.server import Running
from tests.mock_moet.console.sample import Bench, Desk, revoked, settings, signed, text, wrong
from tests.mock_moet.helpers import CONTROL

OTHER_PACK = Path(__file__).parents[2] / "packs" / "other"
_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")


def paths(bench: Bench) -> list[str]:
    """Every page there is."""
    run = bench.run()
    return [
        *(PREFIX + one for one in ("/", "/runs/new", "/codes", "/codes/subjects", "/requirements")),
        f"{PREFIX}/requirements/PL1-KY-005",
        f"{PREFIX}/compare?run={bench.first.space.space}&run={bench.second.space.space}",
        *(run + one for one in ("", "?state=refused", "/journal", "/journal/2", "/faults", "/connection", "/trust")),
        *(f"{bench.submission(name)}{rest}" for name in bench.receipts for rest in ("", "/xml")),
        f"{run}/delete",
        bench.run(bench.second),
    ]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_says_what_it_is_and_fetches_nothing_from_elsewhere(
    bench: Bench, desk: Desk, language: str
) -> None:  # fmt: skip
    notice = bench.first.client.pack.messages["notice"][language]
    for path in paths(bench):
        answer = desk.get(path, params={"lang": language} if "?" not in path else None)
        assert answer.status_code == 200, path
        assert not _CONTROLS.search(answer.text), path
        assert "<script>alert" not in answer.text, path
        assert "style=" not in answer.text, path
        tree = desk.page(path)
        assert tree.get("lang") == language
        assert text(tree).count(notice) == 2, path
        assert len(tree.xpath("//h1")) == 1, path
        for address in tree.xpath("//@href | //@src | //@action"):
            assert address.startswith((PREFIX, "#", "?")) or address == "", (path, address)
        assert {str(one) for one in tree.xpath("//script/@src")} <= {f"{PREFIX}/static/console.js"}
        assert not tree.xpath("//script[not(@src)] | //style | //@onclick | //@onload")
        ids = tree.xpath("//@id")
        assert len(ids) == len(set(ids)), path
        assert set(tree.xpath("//@aria-labelledby | //@aria-describedby | //@for")) <= set(ids), path


def test_secrets_stand_on_no_page(bench: Bench, desk: Desk) -> None:
    client = bench.first.client
    numbers = [one["n"] for one in bench.first.space.journal()]
    for path in (*paths(bench), *(f"{bench.run()}/journal/{number}" for number in numbers)):
        page = desk.get(path).text
        assert client.space.clientSecret not in page, path
        assert client.token not in page, path
        assert "control-token" not in page, path


def test_hostile_names_are_shown_and_not_obeyed(bench: Bench, desk: Desk) -> None:
    tree = desk.page(bench.submission("hostile"))
    assert "<script>alert(1)</script>⟨U+202E⟩" in tree.xpath("string(//h1)")
    assert "(+" in tree.xpath("string(//h1)")
    assert tree.xpath("//nav[@aria-label='Vị trí']//span[contains(., '<script>')]")
    assert "<script>alert(1)</script>⟨U+202E⟩" in text(desk.page(f"{PREFIX}/"))
    journal = bench.first.space.journal()
    number = next(one["n"] for one in journal if one["operation"] == "health")
    assert "<script>alert(2)</script>" in text(desk.page(f"{bench.run()}/journal/{number}"))


def test_a_refusal_names_requirement_place_and_line(bench: Bench, desk: Desk) -> None:
    tree = desk.page(bench.submission("wrong"))
    (finding,) = tree.xpath("//article[@id='f1']")
    assert "Môn Toán: cả năm 9.9" in finding.xpath("string(h3)")
    assert finding.xpath(f".//a[@href='{PREFIX}/requirements/PL1-MON-008']")
    assert "9.9" in finding.xpath("string(.//tr[@class='marked'])")
    assert "Cách sửa" in text(finding)
    tree = desk.page(f"{bench.submission('wrong')}/xml")
    (marked,) = tree.xpath("//tr[@class='marked']")
    assert "9.9" in marked.xpath("string(td/code)")
    assert marked.xpath("td//a[@id='m1']")
    english = desk.get(bench.submission("wrong"), params={"lang": "en"}).text
    assert "Meaning and remedy" in english
    assert "Từ chối" not in english


def test_signatures_are_told_one_by_one(bench: Bench, desk: Desk) -> None:
    good = desk.page(bench.submission("good")).xpath("//ol[@class='timeline']/li")
    assert len(good) == 15
    assert {one.get("class") for one in good} == {"v-good"}
    assert "Nguyễn Thị Bình (Toán)" in text(good[1])
    assert "MonHoc (Toán)" in text(good[1])
    assert "Người đứng đầu trường" in text(good[13])
    edited = desk.page(bench.submission("tampered")).xpath("//ol[@class='timeline']/li")
    broken = [text(one) for one in edited if one.get("class") == "v-bad"]
    # the mathematics teacher, and everybody who signed over the marks
    assert len(broken) == 4
    assert "Nguyễn Thị Bình (Toán)" in broken[0]
    assert all("chữ ký không khớp nội dung" in one for one in broken)


def test_a_revocation_is_shown_as_what_it_is(bench: Bench, desk: Desk) -> None:
    vendor = bench.vendor("Thu hồi")
    receipt = revoked(vendor, 80)
    tree = desk.page(f"{bench.run(vendor)}/submissions/{receipt}")
    assert tree.xpath("string(//h1)") == "Văn bản thu hồi học bạ"
    assert "Nhập nhầm <em>học sinh</em>" in text(tree)
    assert len(tree.xpath("//ol[@class='timeline']/li")) == 1
    assert "Đã thu hồi" in text(tree)


def test_levels_are_called_by_name(bench: Bench, desk: Desk) -> None:
    vendor = bench.vendor("Mức")

    def change(values: dict[str, Any]) -> None:
        for period in ("semester1", "semester2", "year"):
            values["summary"]["learning"][period] = "K"

    receipt = vendor.send(signed(change)[1])
    (section,) = desk.page(f"{bench.run(vendor)}/submissions/{receipt}").xpath("//section[@aria-labelledby='findings']")
    assert "PL1-HT-" in text(section)
    assert "{" not in text(section)


def test_the_form_is_shown_as_on_paper(bench: Bench, desk: Desk) -> None:
    (paper,) = desk.page(bench.submission("good")).xpath("//div[@class='paper']")
    assert "HỌC BẠ SỐ" in text(paper)
    row = paper.xpath(".//tr[th='Toán']")[0]
    assert [cell.text_content() for cell in row][1:4] == ["8", "8.5", "8.3"]


def test_the_bytes_are_given_as_sent(bench: Bench, desk: Desk) -> None:
    receipt = bench.receipts["tampered"]
    sent = bench.control.http.get(f"/spaces/{bench.first.space.space}/submissions/{receipt}/content").content
    answer = desk.get(f"{bench.submission('tampered')}/content")
    assert answer.content == sent
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"


def test_the_journal_marks_what_was_broken_on_purpose(bench: Bench, desk: Desk) -> None:
    run = bench.run()
    rows = desk.page(f"{run}/journal?kind=fault").xpath("//table//tbody/tr")
    assert [row.get("class") for row in rows] == ["k-fault"] * 3
    assert "Hai lần 503" in text(rows[-1])
    assert len(desk.page(f"{run}/journal?operation=token").xpath("//table//tbody/tr")) == 1
    record = bench.first.space.submissions()[0]["record"]
    assert len(desk.page(f"{run}/journal?record={record}").xpath("//table//tbody/tr")) == 2
    assert "Không có lượt nào" in text(desk.page(f"{run}/journal?kind=open"))
    number = int(rows[-1].xpath("string(th)"))
    shown = text(desk.page(f"{run}/journal/{number}"))
    assert "Câu trả lời này bị cố ý làm sai" in shown
    assert "sha256:" in shown


def test_a_long_journal_has_pages(bench: Bench, desk: Desk) -> None:
    vendor = bench.vendor("Dài")
    for _ in range(210):
        vendor.client.call("health")
    first = desk.page(f"{bench.run(vendor)}/journal")
    assert len(first.xpath("//table//tbody/tr")) == 200
    older = desk.page(first.xpath("string(//a[contains(@href, 'before=')]/@href)"))
    assert len(older.xpath("//table//tbody/tr")) == 11


def test_faults_are_switched_on_and_off(bench: Bench, desk: Desk) -> None:
    vendor = bench.vendor("Sự cố")
    faults = f"{bench.run(vendor)}/faults"
    answer = desk.send(faults, kind="status", operation="health", status="429", retryAfter="7", times="1")
    assert (answer.status_code, answer.headers["location"]) == (303, faults)
    assert "Đã bật sự cố" in text(desk.page(faults))
    assert "Đã bật sự cố" not in text(desk.page(faults))
    hit = vendor.client.call("health")
    assert (hit.status_code, hit.headers["retry-after"]) == (429, "7")
    assert "1/1" in text(desk.page(faults))
    desk.send(f"{faults}/scripted", exchange="unavailable-twice")
    desk.send(faults, kind="garbage", operation="health")
    numbers = desk.page(faults).xpath("//input[@name='number']/@value")
    assert len(numbers) == 3
    desk.send(f"{faults}/off", number=str(numbers[-1]))
    assert vendor.client.call("health").json()
    desk.send(f"{faults}/off")
    assert not vendor.client.space.control.http.get(f"/spaces/{vendor.space.space}/faults").json()["faults"]


def test_a_profile_is_mixed_in_by_its_seed(bench: Bench, desk: Desk) -> None:
    vendor = bench.vendor("Trộn")
    faults = f"{bench.run(vendor)}/faults"
    desk.send(f"{faults}/profile", profile="gentle", seed="20250110")
    assert "20250110" in text(desk.page(faults))
    desk.send(f"{faults}/profile")
    assert "20250110" not in text(desk.page(faults))
    for fields in ({"profile": "nothing"}, {"profile": "gentle", "seed": "-1"}):
        assert desk.send(f"{faults}/profile", **fields).status_code == 422


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"kind": "redirect"}, "location"),
        ({"kind": "explode"}, "kind"),
        ({"kind": "status", "status": "99"}, "status"),
        ({"kind": "status", "times": "many"}, "times"),
        ({"kind": "status", "operation": "nothing"}, "operation"),
        ({"kind": "tls", "variant": "expired"}, "kind"),
    ],
)
def test_a_wrong_fault_is_explained_at_its_field(
    bench: Bench, desk: Desk, fields: dict[str, str], place: str
) -> None:  # fmt: skip
    vendor = bench.second
    answer = desk.send(f"{bench.run(vendor)}/faults", **fields)
    assert answer.status_code == 422
    assert f'href="#f-{place}"' in answer.text
    assert f'id="f-{place}"' in answer.text
    assert not vendor.space.control.http.get(f"/spaces/{vendor.space.space}/faults").json()["faults"]


def test_a_run_is_opened_used_and_deleted(bench: Bench, desk: Desk) -> None:
    given = {**settings(""), "label": "Mở từ trang"}
    answer = desk.send(
        f"{PREFIX}/runs/new", schools="9901000001, 9901000002", label=given["label"], trust=given["trustPem"],
        crls=given["crlsPem"], judging="full", closed="2024",
    )  # fmt: skip
    assert answer.status_code == 303
    connection = answer.headers["location"]
    tree = desk.page(connection)
    secret = tree.xpath("string(//code[@id='secret'])")
    name = connection.split("/")[3]
    row = bench.running.ministry.space(name)
    assert row is not None
    assert row.schools == {"9901000001", "9901000002"}
    assert row.settings["closedYears"] == [2024]
    base, token_url, client_id = (one.text_content() for one in tree.xpath("//table[1]//td/code")[:3])
    space = type(bench.first.space)(bench.control, name, base, token_url, client_id, secret)
    client = type(bench.first.client)(space)
    bench.opened.append(client.http)
    assert client.authenticate().status_code == 200
    assert secret not in desk.get(connection).text
    desk.send(f"{connection}/tokens")
    assert client.call("status", "x").status_code == 401
    desk.send(f"{PREFIX}/runs/{name}/window", closed="")
    assert desk.send(f"{PREFIX}/runs/{name}/window", closed="soon").status_code == 422
    assert "Chứng thư gốc" in text(desk.page(f"{PREFIX}/runs/{name}/trust"))
    assert desk.send(f"{PREFIX}/runs/{name}/delete").status_code == 303
    assert desk.get(f"{PREFIX}/runs/{name}").status_code == 404
    assert bench.running.ministry.space(name) is None


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"schools": ""}, "schools"),
        ({"schools": "99 <b>"}, "schools"),
        ({"schools": "99", "closed": "last"}, "closed"),
        ({"schools": "99", "label": "x" * 201}, "label"),
        ({"schools": "99", "trust": "not PEM"}, "trust"),
    ],
)
def test_a_wrong_run_is_explained_at_its_field(desk: Desk, fields: dict[str, str], place: str) -> None:
    answer = desk.send(f"{PREFIX}/runs/new", **fields)
    assert answer.status_code == 422
    assert f'href="#f-{place}"' in answer.text
    assert f'id="wrong-{place}"' in answer.text


def test_vendors_stand_side_by_side(bench: Bench, desk: Desk) -> None:
    names = [bench.first.space.space, bench.second.space.space]
    tree = desk.page(f"{PREFIX}/compare?run={names[0]}&run={names[1]}&run=nothing")

    def row(head: str) -> list[str]:
        (found,) = tree.xpath(f"//table[contains(@class, 'compare')]//tr[contains(th, '{head}')]")
        return [cell.text_content() for cell in found.xpath("td")]

    assert row("Chấp nhận") == ["2", "1"]
    assert row("Từ chối") == ["3", "2"]
    assert row("PL1-MON-008") == ["1", "2"]
    assert row("PL1-KY-006") == ["1", "0"]
    (link,) = tree.xpath("//tr[contains(th, 'PL1-KY-006')]/td/a/@href")
    assert link == bench.submission("tampered")


def test_the_report_of_a_run_is_linked_only_where_a_browser_may_go(bench: Bench, desk: Desk) -> None:
    vendor = bench.vendor("Báo cáo")
    for url, linked in (("https://example.test/r.html", True), ("javascript:alert(1)", False), ("/srv/r.html", False)):
        bench.control.put(f"/spaces/{vendor.space.space}/report", {"url": url})
        tree = desk.page(bench.run(vendor))
        assert bool(tree.xpath(f"//a[@href='{url}']")) is linked
        assert (url in text(tree)) is not linked


def test_a_run_of_the_suite_opens_the_console_and_names_its_report_there(bench: Bench, tmp_path: Path) -> None:
    space = bench.vendor("Lần chạy").space
    wired = doors.Space(space.space, space.baseUrl, space.tokenUrl, space.clientId, space.clientSecret)
    http = Http(bench.running.control_url, CONTROL)
    report = tmp_path / "r.html"
    (line,) = console_notice(Options(target="x", report=str(report)), doors.Ministry(http, wired))
    http.close()
    browser = bench.stranger()
    assert browser.get(line.rpartition(bench.running.control_url)[2]).status_code == 303
    shown = text(browser.page(f"{PREFIX}/runs/{space.space}"))
    assert str(report) in shown
    assert "có khi lần chạy kết thúc" in shown


def test_unknown_things_are_told_politely(bench: Bench, desk: Desk) -> None:
    run = bench.run()
    for path in ("/nothing", "/runs/nothing", "/codes/nothing", "/requirements/XX-1"):
        answer = desk.get(PREFIX + path)
        assert answer.status_code == 404
        assert "<h1>" in answer.text
    for path in ("/submissions/nothing", "/submissions/nothing/xml", "/journal/99999", "/journal/x"):
        assert desk.get(run + path).status_code == 404
    assert desk.get(f"{run}/faults/off").status_code == 405
    assert desk.send(f"{run}/journal").status_code == 405


def test_the_language_is_kept(desk: Desk) -> None:
    assert desk.page(f"{PREFIX}/").get("lang") == "vi"
    desk.get(f"{PREFIX}/", params={"lang": "en"})
    assert desk.page(f"{PREFIX}/codes").get("lang") == "en"
    switch = desk.page(f"{PREFIX}/codes/subjects?q=a&lang=en").xpath("string(//a[@hreflang='vi']/@href)")
    assert switch == f"{PREFIX}/codes/subjects?q=a&lang=vi"
    assert desk.page(switch).get("lang") == "vi"


def test_the_mark_of_a_run_changes_with_what_its_pages_show(bench: Bench) -> None:
    vendor = bench.vendor("Dấu")
    ministry, name = bench.running.ministry, vendor.space.space
    seen = [mark(ministry, name)]
    vendor.client.call("health")
    seen.append(mark(ministry, name))
    wrong(vendor, 60)
    seen.append(mark(ministry, name))
    vendor.space.faults({"kind": "garbage"})
    seen.append(mark(ministry, name))
    assert len(set(seen)) == 4
    assert mark(ministry, name) == seen[-1]


def test_a_long_document_is_shown_around_its_marks() -> None:
    lines = [f"line {number}" for number in range(1, WHOLE * 3)]
    whole = pieces(lines[:WHOLE], {7: [1]})
    assert [len(one.lines) for one in whole] == [WHOLE]
    assert whole[0].lines[6] == (7, "line 7", [1])
    cut = pieces(lines, {9000: [1], 9010: [2], 100: [3]})
    assert [(one.lines[0][0], one.lines[-1][0]) for one in cut] == [(75, 125), (8975, 9035)]
    assert pieces(lines, {})[0].lines[0][0] == 1


def test_every_word_is_there_in_both_languages_and_used() -> None:
    folder = Path(console.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".j2", ".py"))
    for key in WORDS:
        assert set(re.findall(r"{(\w+)}", WORDS[key]["vi"])) == set(re.findall(r"{(\w+)}", WORDS[key]["en"])), key
        stem = key.rpartition(".")[0]
        assert f'"{key}"' in source or f'"{stem}." ~' in source or f'"{stem}.' in source, key
    for call in (r'\bt\("([a-z.-]+[a-z])"[,)]', r'(?:say\(|tell\(|Stop\(\d+, )"([a-z.-]+)"'):
        assert set(re.findall(call, source)) <= set(WORDS)


def test_another_pack_shows_itself_without_a_word_of_ours() -> None:
    pack = load_pack(OTHER_PACK)
    with Running.start(Settings(pack=pack, control_token="x" * 20)) as running:
        bench = Bench(running, None, None, None, {})  # type: ignore[arg-type]  # no vendors
        try:
            desk = bench.browser()
            row, _, _ = running.ministry.open_space({"schools": ["1"], "label": "x"})
            shown: list[Any] = [
                desk.page(PREFIX + path)
                for path in ("/", "/codes", "/requirements", f"/runs/{row.name}", f"/runs/{row.name}/faults")
            ]
            assert pack.name in text(shown[0])
            title = next(iter(pack.codes.values())).title.vi
            assert title in text(shown[1])
            assert shown[4].xpath("//ul[@class='scripts']/li")
        finally:
            bench.close()
