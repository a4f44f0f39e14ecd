"""Renders the HTML report: one file, no script, nothing fetched; text from outside is escaped and made visible."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from conformance.events import Result
from conformance.pack import Pack
from conformance.verdict import Outcome, Verdict
from conformance.visible import visible
from reports.plain import short
from reports.view import EXCERPT_LINES, FILTERS, build
from reports.wording import word

LONGEST = 4000
"""Characters of one text from outside."""


def _shown(value: Any) -> Any:
    # trusted markup is left alone; everything else is made visible here and escaped by Jinja right after
    return value if value is None or isinstance(value, (Markup, int, float)) else visible(str(value), LONGEST)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("reports", "templates"), PackageLoader("conformance", "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["short"] = short
    environment.filters["css"] = css_string
    return environment


def css_string(value: str) -> Markup:
    """Text from outside as a string of CSS: all but letters and digits as code points, so that nothing ends it."""
    text = visible(str(value), 120)
    inside = "".join(one if one.isascii() and one.isalnum() else f"\\{ord(one):x} " for one in text)
    return Markup(f'"{inside}"')  # noqa: S704  # only letters, digits and escapes


def page(template: str, language: str, **values: Any) -> str:
    """A template as a self-contained page; everything from outside is made visible and escaped."""
    environment = _environment()
    source, _, _ = environment.loader.get_source(environment, "report.css")  # type: ignore[union-attr]  # it is set above

    def t(key: str, **params: object) -> str:
        return word(key, language, **params)

    return environment.get_template(template).render(
        lang=language,
        t=t,
        css=Markup(source),  # noqa: S704  # our own file
        **values,
    )


def render(result: Result, verdict: Verdict, pack: Pack, language: str) -> str:
    """The page as text."""
    language = "en" if language == "en" else "vi"

    def capability(name: str) -> str:
        known = pack.header.capabilities.get(name)
        return known.name.of(language) if known else name

    return page(
        "report.html.j2",
        language,
        result=result,
        run=result.run,
        footer=result.footer,
        verdict=verdict,
        pack=pack,
        declined=", ".join(map(capability, verdict.declined)),
        view=build(result, verdict, pack, language),
        outcomes=[one.value for one in Outcome],
        excerpt_lines=EXCERPT_LINES,
        filters=FILTERS,
        witnessed=verdict.witnessed and result.run.witness is not None,
        unchecked=bool(result.verdict) and result.run.pack_digest != pack.digest,
        with_pack=f"{pack.name}, SHA-256 {pack.digest[:16]}…",
    )
