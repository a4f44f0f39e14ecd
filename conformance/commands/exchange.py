"""``hocba exchange``: the exchanges of the connection service, listed, and a single one played while debugging."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.commands.common import (
    DEFECTIVE,
    FAILED,
    NOT_COMPLETED,
    PASSED,
    WRONG_USE,
    Format,
    FormatOption,
    Lang,
    LangOption,
    PackOption,
    console,
    stop,
    the_pack,
)
from conformance.pack import Pack, PackError
from conformance.visible import inert_json, one_line

if TYPE_CHECKING:
    from conformance.exchanges import ExchangeSpec

exchange_app = typer.Typer(
    help="Các cuộc trao đổi với dịch vụ của Bộ / exchanges with the service.", no_args_is_help=True
)


class Tls(StrEnum):
    """As ``--ministry-tls`` of ``hocba certify``."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


SHOWN = 200
"""Calls that are printed; JSON has them all."""


def _specs(pack: Pack) -> tuple[ExchangeSpec, ...]:
    from conformance.exchanges import load_exchanges

    try:
        return load_exchanges(pack)
    except PackError as error:
        stop(str(error), WRONG_USE)


@exchange_app.command("list")
def exchange_list(lang: LangOption = Lang.VI, output: FormatOption = Format.TEXT, pack: PackOption = None) -> None:
    """Liệt kê các cuộc trao đổi / list all exchanges."""
    specs = _specs(the_pack(pack))
    if output is Format.JSON:
        rows = [one.model_dump(mode="json", by_alias=True, exclude_defaults=True) for one in specs]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    widest = max((len(one.id) for one in specs), default=0)
    for one in specs:
        rows_ = ", ".join(name.removeprefix("PL2-") for name in one.requirements)
        typer.echo(f"{one.id:<{widest}}  {one.revision}  {rows_:<30}  {one.title.of(lang.value)}")
    typer.echo(f"{len(specs)} cuộc trao đổi / exchanges")


@exchange_app.command("play")
def exchange_play(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Tên cuộc trao đổi / which one (hocba exchange list).")],
    target: Annotated[str, typer.Option(help="Phần mềm cần kiểm / what to test: URL, reference.")],
    token: Annotated[str, typer.Option(help="Mã truy cập giao diện kiểm thử / the test interface's token.")] = "",
    programme: Annotated[str, typer.Option(help="Chương trình / programme; mặc định: mọi / all.")] = "",
    seed: Annotated[int | None, typer.Option(help="Hạt giống / seed of the drawn values.")] = None,
    defect: Annotated[list[str] | None, typer.Option(help="Chỉ với / only with --target=reference.")] = None,
    ministry_host: Annotated[str, typer.Option(help="Địa chỉ lắng nghe của Bộ giả lập / its address.")] = "127.0.0.1",
    ministry_url: Annotated[str, typer.Option(help="URL của nó mà phần mềm thấy / as the software sees it.")] = "",
    ministry_port: Annotated[int, typer.Option(help="Cổng; 0: bất kì / its port; 0: any.")] = 0,
    ministry_tls: Annotated[Tls, typer.Option(help="Bộ giả lập dùng TLS / it speaks TLS.")] = Tls.AUTO,
    lang: LangOption = Lang.VI,
    output: FormatOption = Format.TEXT,
    pack: PackOption = None,
) -> None:
    """Diễn một cuộc trao đổi và nói từng lần gọi, điều mong đợi, quy tắc nào giữ hay hỏng và vì sao.

    Play one exchange: what happened call by call, what was expected, which rule held or failed, and the near miss.
    Mã thoát / exit code: 0 mọi quy tắc giữ / all rules held, 1 hỏng / broken, 2 dùng sai / wrong use,
    3 không kết luận / inconclusive, 4 lỗi công cụ / our defect.
    """
    from conformance.doors.http import DoorError
    from conformance.doors.processes import Refused
    from conformance.exchanges.judging import OwnFailure, opinions, recorded
    from conformance.suite.asked import UsageProblem
    from conformance.suite.bench import Bench
    from conformance.suite.opening import open_run
    from conformance.suite.settings import Options

    loaded = the_pack(pack)
    specs = {one.id: one for one in _specs(loaded)}
    if name not in specs:
        stop(f"không có cuộc trao đổi / no such exchange: {one_line(name)}", WRONG_USE)
    spec = specs[name]
    options = Options(
        target=target,
        token=token,
        seed=seed,
        programmes=(programme,) if programme else (),
        defects=tuple(defect or ()),
        pack=str(loaded.folder) if pack else "",
        revision=max(spec.revision, loaded.header.revision, key=loaded.header.revisions.index),
        items=(f"exchange:{name}",),
        language=lang.value,
        ministry_host=ministry_host,
        ministry_url=ministry_url,
        ministry_port=ministry_port,
        ministry_tls=ministry_tls.value,
        # the reference vendor signs with any key: the quickest to make
        keys="p-256" if target == "reference" else "rsa-2048",
    )
    try:
        run = open_run(options)
    except (UsageProblem, Refused, PackError, ValueError, OSError) as error:
        stop(one_line(str(error)), WRONG_USE)
    except DoorError as error:
        stop(one_line(str(error)), NOT_COMPLETED)
    bench = Bench(run.setup)
    try:
        played = bench.play_exchange(name)
        said = opinions(played.spec, recorded(played, bench.driver), bench.driver.pack)
    except OwnFailure as error:
        stop(str(error), DEFECTIVE)
    finally:
        bench.close()
        run.close()
    data = _data(played, said, run.setup.load(), lang.value)
    if output is Format.JSON:
        typer.echo(inert_json(data, indent=1, default=str))
    else:
        for line in _lines(spec, data, lang.value):
            console().print(line, markup=False)
    raise typer.Exit(int(data["exitCode"]))


def _data(played: Any, said: Any, pack: Pack, language: str) -> dict[str, Any]:
    """What happened and what the rules say, as plain data."""
    first = played.calls[0].at if played.calls else 0.0
    began = {one.get("n"): one.get("at", "") for one in played.journal}
    calls = [
        {
            "number": call.number,
            "seconds": round(call.at - first, 3),
            "at": str(began.get(call.number, "")),
            "operation": call.operation,
            "status": call.status,
            "answered": call.answered or call.error,
            "event": call.event,
            "version": call.version,
            "items": len(call.items),
            "fault": call.kind or call.fault,
        }
        for call in played.calls
    ]
    states = {
        name: [
            {"upto": one.upto, "state": one.state, "messages": list(one.messages)} for one in _changes(episode.samples)
        ]
        for name, episode in played.papers.items()
    }
    acts = [
        {"step": act.step, "paper": act.paper, "status": act.status, "reasons": list(act.reasons), "after": act.upto}
        for act in played.acts
    ]
    rules, code = _rules(said, pack, language)
    return {
        "exchange": played.spec.id,
        "calls": calls,
        "acts": acts,
        "states": states,
        "watched": round(played.watched, 1),
        "rules": rules,
        "notPlayed": said if isinstance(said, str) else "",
        "exitCode": code,
    }


def _changes(samples: Any) -> Iterator[Any]:
    """The samples at which the shown state changed."""
    before = None
    for one in samples:
        if (one.state, one.messages) != before:
            before = (one.state, one.messages)
            yield one


def _rules(said: Any, pack: Pack, language: str) -> tuple[list[dict[str, Any]], int]:
    """Each rule with what it says, and the exit code."""
    from conformance.events import Finding
    from conformance.wording import cause_text, step_text

    if isinstance(said, str):
        return [], NOT_COMPLETED
    rules, code = [], PASSED
    for expectation, found in said:
        findings = [Finding.of(one) for one in found.observations]
        for one in findings:
            must = pack.requirements[one.requirement].level == "MUST"
            if one.state == "violated" and must:
                code = FAILED
            elif code == PASSED and must:
                code = NOT_COMPLETED
        rules.append(
            {
                "rule": expectation.rule,
                "held": sorted(f"{requirement} ({case_class})" for requirement, case_class in found.held_counts),
                "findings": [
                    {
                        "code": one.code,
                        "state": one.state,
                        "place": one.place.pointer if one.place else "",
                        "text": cause_text(pack, one, language),
                        "nearest": [step_text(pack, step, language) for step in one.derivation],
                    }
                    for one in findings
                ],
            }
        )
    return rules, code


def _lines(spec: ExchangeSpec, data: dict[str, Any], language: str) -> Iterator[str]:
    """The same for people."""

    def word(vi: str, en: str) -> str:
        return en if language == "en" else vi

    yield f"{spec.id}: {spec.title.of(language)}"
    yield spec.purpose.of(language)
    yield ", ".join(spec.requirements)
    yield ""
    yield word("Từng lần gọi (giây kể từ lần đầu):", "Call by call (seconds from the first):")
    acts = [(act["after"], act) for act in data["acts"]]
    for call in data["calls"][:SHOWN]:
        while acts and acts[0][0] < call["number"]:
            yield _act_line(acts.pop(0)[1])
        fault = f"  [{word('lỗi cố ý', 'fault')}: {call['fault']}]" if call["fault"] else ""
        what = " ".join(str(part) for part in (call["event"], call["version"]) if part)
        items = f" ×{call['items']}" if call["items"] else ""
        answer = f"{call['status'] or '—'} {call['answered']}".strip()
        asked = f"{call['operation'] or 'TLS'}{items} {what}".rstrip()
        yield f"  #{call['number']:<4} {call['seconds']:>8.3f}  {asked} → {answer}{fault}"
    if len(data["calls"]) > SHOWN:
        yield f"  … +{len(data['calls']) - SHOWN}"
    for _, act in acts:
        yield _act_line(act)
    for name, states in list(data["states"].items())[:5]:
        shown = " → ".join(one_line(one["state"]) for one in states)
        yield f"  {word('hiển thị', 'shown')} [{name}]: {shown}"
        for message in states[-1]["messages"] if states else ():
            yield f"    “{one_line(message)}”"
    yield ""
    if data["notPlayed"]:
        yield f"{word('không diễn được', 'not played')}: {one_line(data['notPlayed'])}"
    for rule in data["rules"]:
        mark = "✓" if not rule["findings"] else "✗" if rule["findings"][0]["state"] == "violated" else "?"
        yield f"{mark} {rule['rule']}: {', '.join(rule['held'])}".rstrip(": ")
        for finding in rule["findings"]:
            yield f"    {finding['code']} ({finding['place']}): {finding['text']}"
            for nearest in finding["nearest"]:
                yield f"      {word('gần đúng nhất', 'nearest')}: {nearest}"


def _act_line(act: dict[str, Any]) -> str:
    paper = f" [{act['paper']}]" if act["paper"] else ""
    answer = " ".join([str(act["status"] or ""), *map(one_line, act["reasons"])]).strip()
    return f"  · {act['step']}{paper} → {answer}".rstrip(" →")
