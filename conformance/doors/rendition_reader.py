"""Reads text out of a vendor's printed rendition, in a process of its own with little memory and no files to write.

Run as ``python -I -m conformance.doors.rendition_reader``: one JSON line in (``{"data": base64}``), one JSON line out
(``{"kind", "text", "problem"}``). The bytes come from outside and are parsed by large libraries: whatever they do
here, the harness does not crash, hang or fill the memory with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

MEMORY = 768 * 1024 * 1024
"""Bytes of address space: twice what the largest transcript needs."""
MOST_PAGES = 60
PAGE = "\u2042"
"""Stands between pages: what wraps around a page has the rest of its row, headers and footers in between."""
_UNPRINTED = {"head", "script", "style", "template", "noscript"}
_PICTURES = ("img", "svg", "canvas", "object", "embed", "picture")
MOST_TEXT = 2_000_000
"""Characters: a transcript has some thousands."""


def read(data: bytes) -> dict[str, str]:
    """Kind of the bytes (``html``, ``pdf``, ``unknown``), their text, and a problem: ``unreadable`` or ``no-text``.

    ``drawn`` stands for what is drawn beside the text, in which nobody here reads: two renditions with the same have
    the same pictures. Empty: there is none.
    """
    kind = "pdf" if data[:1024].lstrip().startswith(b"%PDF-") else "html" if b"<" in data[:4096] else "unknown"
    try:
        text, drawn = {"pdf": _pdf, "html": _html}.get(kind, lambda _: ("", ""))(data)
    except Exception as error:  # anything a foreign file can make a parser raise
        return {"kind": kind, "text": "", "problem": "unreadable", "detail": f"{type(error).__name__}: {error}"[:200]}
    text = text[:MOST_TEXT]
    if kind == "unknown":
        return {"kind": kind, "text": "", "problem": "unreadable", "detail": ""}
    return {"kind": kind, "text": text, "problem": "" if text.strip() else "no-text", "detail": "", "drawn": drawn}


def _pdf(data: bytes) -> tuple[str, str]:
    import pypdfium2

    found, drawn = [], []
    document = pypdfium2.PdfDocument(data)
    try:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            textpage = page.get_textpage()
            found.append(textpage.get_text_bounded())
            textpage.close()
            kinds = [one.type for one in page.get_objects(max_depth=2) if one.type != pypdfium2.raw.FPDF_PAGEOBJ_TEXT]
            drawn.append(",".join(f"{kind}:{kinds.count(kind)}" for kind in sorted(set(kinds))))
            page.close()
    finally:
        document.close()
    return f"\n{PAGE}\n".join(found), ";".join(drawn).strip(";")


def _html(data: bytes) -> tuple[str, str]:
    from lxml import etree

    root = etree.fromstring(data, etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False))
    pictures = [etree.tostring(one, with_tail=False) for one in root.iter(*_PICTURES)]
    styles = (one.get("style") or "" for one in root.iter("*"))
    pictures += [style.encode() for style in styles if "url(" in style]
    # a style sheet can write words and draw pictures
    pictures += [text.encode() for one in root.iter("style") if "url(" in (text := one.text or "") or "content" in text]
    drawn = hashlib.sha256(b"\n".join(pictures)).hexdigest() if pictures else ""
    return "\n".join(part for part in _texts(root) if part.strip()), drawn


def _texts(element: Any) -> Iterator[str]:
    """The texts that are printed, in order; what is hidden is not."""
    style = element.get("style", "").replace(" ", "")
    if element.tag in _UNPRINTED or "hidden" in element.attrib or "display:none" in style:
        return
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _texts(child)
        yield child.tail or ""


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows knows no such limits; the caller's deadline holds there too
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer lines until the input ends."""
    import pypdfium2
    from lxml import etree  # before the limits: libraries map much and use little

    del pypdfium2, etree
    _limit()
    for line in sys.stdin.buffer:
        question: dict[str, Any] = json.loads(line)
        answer = read(base64.b64decode(question["data"]))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
