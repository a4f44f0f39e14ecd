"""Reports: a run's result in, files out. They read; they never run a check and never decide."""

from reports.casebook import case_book
from reports.files import html, json_text, junit, sarif, verdict_of, with_verdict, write
from reports.pdf import PdfError, print_pdf

__all__ = [
    "PdfError",
    "case_book",
    "html",
    "json_text",
    "junit",
    "print_pdf",
    "sarif",
    "verdict_of",
    "with_verdict",
    "write",
]
