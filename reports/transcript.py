"""A transcript as people read it: a page of its own, or tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from conformance.events import FormData
from conformance.visible import visible
from reports.page import page


def form_page(form: FormData, name: str, digest: str, language: str) -> str:
    """One self-contained HTML page; texts from the document are escaped.

    Args:
        form: what is shown.
        name: of the file.
        digest: SHA-256 of the bytes (hex): what was shown.
        language: ``vi`` or ``en``.
    """
    return page("transcript.html.j2", language, form=form, name=name, digest=digest)


def form_tables(form: FormData) -> Iterator[RenderableType]:
    """Tables for the terminal."""
    for one in form.tables:
        table = Table(title=visible(one.title), title_justify="left", show_header=bool(one.columns), expand=False)
        width = max((len(row) for row in one.rows), default=0)
        for head in one.columns or ("",) * width:
            table.add_column(visible(head), overflow="fold")
        for row in one.rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        yield table
