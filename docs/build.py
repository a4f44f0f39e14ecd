"""Lays out the source of the documentation's site: ``python docs/build.py FOLDER``, then MkDocs (``make docs``).

Pages of the repository keep their places, so that their links hold. A page for every requirement is made from the pack,
in both languages, with the documents of the golden corpus that it names.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

import yaml

from conformance.document.excerpt import excerpt
from conformance.finding import Place
from conformance.pack import Pack, Requirement, default_pack
from conformance.pack.explain import Explanation, as_html, explain
from conformance.pack.words import word

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "docs",
    "tests/interop",
    "conformance/packs/cv115-2025-1.0/service",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
)
"""What pages are, or link to."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "build.py", "mkdocs.yml", "*.pyc")
SHOWN = 3
"""Documents a requirement whose marked place is shown on its page; the others are linked."""
SAYS = {
    "vi": {
        "title": "Các yêu cầu", "group": "Nhóm", "level": "Mức", "basis": "Căn cứ", "from": "Đợt", "what": "Yêu cầu",
        "intro": "Mọi yêu cầu của bộ đặc tả {pack}. Căn cứ «profile» là quy ước của dự án, không phải văn bản của Bộ.",
        "look": "Nhìn vào chỗ sai", "seen": "Công cụ nói", "other": "English",
    },
    "en": {
        "title": "Requirements", "group": "Group", "level": "Level", "basis": "Basis", "from": "From", "what": "Title",
        "intro": "All requirements of the pack {pack}. The basis “profile” is this project's, not the Ministry's text.",
        "look": "A look at what is wrong", "seen": "The tool says", "other": "Tiếng Việt",
    },
}  # fmt: skip


def lay_out(folder: Path, pack: Pack) -> None:
    """Write ``mkdocs.yml`` and ``pages/`` into a new or emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    for name in COPIED:
        source, target = ROOT / name, pages / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=LEFT_OUT)
        else:
            shutil.copyfile(source, target)
    _write(pages / "index.md", (ROOT / "docs" / "home.md").read_text(encoding="utf-8").replace("](", "](docs/"))
    explained = [explain(pack, name) for name in pack.requirements]
    for language in SAYS:
        for one in explained:
            _write(pages / language / "requirements" / f"{one.requirement.id}.md", requirement_page(one, language))
        _write(pages / language / "requirements" / "index.md", requirements_index(pack, language))
    for path in sorted(
        {path for one in explained for example in one.examples for path in (example.document, example.twin)}
    ):
        for named in filter(None, (path, path.replace(".xml", ".json") if path else "")):
            target = pages / "fixtures" / named
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / "fixtures" / named, target)
    settings = yaml.safe_load((ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"))
    decisions = [f"docs/decisions/{path.name}" for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    settings["nav"].append({"Quyết định / Decisions": decisions})
    listed = json.dumps(settings["nav"])
    rest = [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")) if f"docs/{path.name}" not in listed]
    if more := [one for one in rest if one != "docs/home.md"]:
        settings["nav"].append({"Trang khác / More": more})
    _write(
        folder / "mkdocs.yml", yaml.safe_dump({**settings, "docs_dir": "pages"}, allow_unicode=True, sort_keys=False)
    )


def requirement_page(one: Explanation, language: str) -> str:
    """The page of one requirement, in Markdown around the explanation that every face of the tool shows."""
    row = one.requirement
    other = "en" if language == "vi" else "vi"
    parts = [
        f"# {row.id} {_plain(one.title(language))}\n",
        f"[{SAYS[language]['other']}](../../{other}/requirements/{row.id}.md)"
        f" · [{SAYS[language]['title']}](index.md) · `hocba explain {row.id}`\n",
        str(as_html(one, language, heading=1, files="../../../fixtures/", own_heading=False)),
    ]
    looks = [text for example in one.examples[:SHOWN] if (text := look(example.document, language))]
    if looks:
        parts += [f"\n## {SAYS[language]['look']}\n", *looks]
    return "\n".join(parts)


def look(document: str, language: str) -> str:
    """The place that is wrong in a document of the corpus, marked, and what the tool says of it; empty: no place."""
    path = ROOT / "fixtures" / document
    told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    places = [one for one in told["places"] if one]
    if not places:
        return ""
    lines = excerpt(path.read_bytes(), Place(xpath=places[0]))
    shown = "\n".join(f"<mark>{escape(line.text)}</mark>" if line.marked else escape(line.text) for line in lines)
    what = f"<code>{escape(path.stem)}</code>: {escape(told['what'][language])}"
    said = f"{SAYS[language]['seen']}: {escape(told['explanation'][language])}"
    return f"<p>{what}<br>{said}</p>\n<pre><code>{shown}</code></pre>\n"


def requirements_index(pack: Pack, language: str) -> str:
    """All requirements by group."""
    says = SAYS[language]
    lines = [f"# {says['title']}\n", says["intro"].format(pack=f"{pack.name} ({pack.header.revision})") + "\n"]
    for group, rows in _by_group(pack.requirements.values()).items():
        lines += [f"\n## {group} – {word(f'group.{group}', language)}\n"]
        lines += [f"| | {says['level']} | {says['basis']} | {says['from']} | {says['what']} |", "|---|---|---|---|---|"]
        lines += [
            f"| [{row.id}]({row.id}.md) | {row.level} | {row.basis} | {row.revision} "
            f"| {_plain(row.text.title.of(language))} |"
            for row in rows
        ]
    return "\n".join(lines) + "\n"


def _by_group(rows: Iterable[Requirement]) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for row in sorted(rows, key=lambda one: (one.part, one.group, one.id)):
        found.setdefault(row.group, []).append(row)
    return found


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), default_pack())
