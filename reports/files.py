"""The files a result becomes: HTML for people, JSON, JUnit and SARIF for programs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from conformance.events import Result
from conformance.pack import Pack
from conformance.verdict import Baseline, BaselineError, Verdict, decide
from conformance.visible import inert_json


def verdict_of(result: Result, pack: Pack) -> Verdict:
    """The verdict stored in the result; decided anew from the manifest where there is none."""
    return Verdict.model_validate(result.verdict) if result.verdict else decide(pack, result)


def verdict_follows(result: Result, pack: Pack) -> bool:
    """Whether the verdict stored in the result is what ``pack``, the run's own at its revision, decides.

    The run's baseline is not in a result: what the verdict says was known counts as known, and can make no pass of it.
    """
    if not result.verdict:
        return True
    stored = Verdict.model_validate(result.verdict)
    seen = {one.code for item in result.items for one in item.findings if one.state == "violated"}
    entries: list[dict[str, object]] = [
        {"cause": code, "reason": "-"} for code in dict.fromkeys(code for one in stored.outcomes for code in one.known)
    ]
    entries += [
        {"cause": code, "reason": "-", "expires": date.min if code in seen else None} for code in stored.baseline_errors
    ]
    try:
        return decide(pack, result, baseline=Baseline.of(entries)).to_json() == stored.to_json()
    except BaselineError:
        return False


def with_verdict(result: Result, pack: Pack) -> Result:
    """The result together with its verdict."""
    return result.model_copy(update={"verdict": verdict_of(result, pack).to_json()})


def html(result: Result, pack: Pack, language: str = "vi") -> str:
    """The certification report: one self-contained page without script."""
    from reports.page import render

    return render(result, verdict_of(result, pack), pack, language)


def json_text(result: Result, pack: Pack) -> str:
    """The result with its verdict as JSON: the format of ``docs/result.schema.json``."""
    data = with_verdict(result, pack).model_dump(mode="json")
    return inert_json(data, indent=1) + "\n"


def junit(result: Result, pack: Pack, language: str = "vi") -> str:
    """JUnit XML: one test case per requirement and claimed programme."""
    from reports.junit_xml import render

    return render(result, verdict_of(result, pack), pack, language)


def sarif(result: Result, pack: Pack, language: str = "vi") -> str:
    """SARIF 2.1.0: one result per finding, with line and column in the XML."""
    from reports.sarif_json import render

    return render(result, verdict_of(result, pack), pack, language)


def write(result: Result, pack: Pack, out: Path, language: str = "vi") -> None:
    """Write the report whose kind ``out``'s ending names: ``.html``, ``.sarif``, ``.json``, ``.xml`` (JUnit).

    Raises:
        ValueError: another ending.
    """
    suffix = out.suffix.lower()
    if suffix in (".html", ".htm"):
        text = html(result, pack, language)
    elif suffix == ".sarif" or out.name.lower().endswith(".sarif.json"):
        text = sarif(result, pack, language)
    elif suffix == ".json":
        text = json_text(result, pack)
    elif suffix == ".xml":
        text = junit(result, pack, language)
    else:
        raise ValueError(
            f"{out.name}: không biết loại báo cáo, hãy dùng .html, .json, .sarif hoặc .xml"
            " / unknown kind of report: use .html, .json, .sarif or .xml"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8", newline="\n")
