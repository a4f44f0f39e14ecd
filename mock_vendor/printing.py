"""The printed rendition: the issued contents as the paper form has them, as HTML or, where asked for, as PDF."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import html

from mock_vendor.contents import Composing, Contents

TEMPLATE = "rendition.html.j2"


class Printing(Composing):
    """Prints transcripts. Methods are seams that a named defect may replace."""

    @property
    def prints(self) -> bool:
        """Whether this software can print: the pack has a template for it."""
        return self.pack.path("vendor", TEMPLATE).is_file()

    def printed(self, contents: Contents) -> Contents:
        """The contents that are printed: those of the signed document."""
        return contents

    def printed_day(self, day: str) -> str:
        """A date of the document as people write it: ``20/03/2011``; incomplete ones likewise."""
        known = self.pack.binding.formats.read_partial(day)
        if known is None:
            return day
        return "/".join(f"{part:02d}" for part in reversed(known) if part is not None)

    def printed_mark(self, mark: str | None) -> str:
        """A result as it is printed: with a comma, as Vietnamese writes decimals."""
        return (mark or "").replace(self.pack.binding.formats.decimal, ",")

    def printed_level(self, level: str | None) -> str:
        """A level by its name."""
        names = {text: self.pack.texts[f"level.{meaning}"].vi for meaning, text in self.wire["level"].items()}
        return names.get(level or "", level or "")

    def page(self, contents: Contents) -> str:
        """The rendition as HTML."""
        environment = Environment(
            loader=FileSystemLoader(self.pack.path("vendor")),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        environment.filters.update(day=self.printed_day, mark=self.printed_mark, level=self.printed_level)
        text = environment.get_template(TEMPLATE).render(self.printed(contents))
        return unicodedata.normalize("NFC", text)

    def rendition(self, contents: Contents, form: str) -> tuple[bytes, str]:
        """The rendition and its media type.

        Args:
            contents: of the issued version.
            form: ``html`` or ``pdf``.

        Raises:
            ModuleNotFoundError: PDF without the extra ``pdf``.
        """
        page = self.page(contents)
        if form == "pdf":
            return self.pdf(page), "application/pdf"
        return page.encode(), "text/html; charset=utf-8"

    def pdf(self, page: str) -> bytes:
        """The same page as PDF: headings, paragraphs and tables."""
        import font_roboto
        from fpdf import FPDF

        paper = FPDF(format="A4")
        paper.add_font("text", "", font_roboto.Roboto)
        paper.add_font("text", "B", font_roboto.RobotoBold)
        paper.set_lang("vi")
        paper.add_page()
        for kind, content in _blocks(page):
            if kind == "table":
                paper.set_font("text", size=9)
                with paper.table(content, first_row_as_headings=False):
                    pass
            else:
                paper.set_font("text", "B" if kind == "h" else "", 14 if kind == "h" else 10)
                paper.multi_cell(0, text=content, new_x="LMARGIN", new_y="NEXT")
            paper.ln(2)
        return bytes(paper.output())


def _blocks(page: str) -> Iterator[tuple[str, Any]]:
    """Headings, paragraphs and tables (rows of cells, as wide as the widest) of a page, in order."""
    body = html.document_fromstring(page).find("body")
    for element in body if body is not None else ():
        if element.tag == "table":
            rows = [["".join(map(str, cell.itertext())).strip() for cell in row] for row in element.iter("tr")]
            wide = max((len(row) for row in rows), default=0)
            if rows:
                yield "table", [[*row, *[""] * (wide - len(row))] for row in rows]
        else:
            yield element.tag[:1], "\n".join(str(part).strip() for part in element.itertext() if str(part).strip())


__all__ = ["Printing"]
