"""Reports: a run's result in, files out. They read; they never run a check and never decide."""

from reports.files import html, json_text, junit, sarif, verdict_of, with_verdict, write

__all__ = ["html", "json_text", "junit", "sarif", "verdict_of", "with_verdict", "write"]
