"""One request to the console on its way through a view, and the pages that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from conformance.visible import visible
from conformance.wording import Words
from mock_moet.console.live import mark
from mock_moet.console.sessions import Session
from mock_moet.ministry import Ministry
from mock_moet.store import SpaceRow

PREFIX = "/console"
WORDS = Words(Path(__file__).parent / "texts.yaml")
LONGEST = 4000
"""Characters of one text from outside that a page shows."""


class Stop(Exception):
    """A view ends with an error page: status and the key of its text."""

    def __init__(self, status: int, key: str, **params: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.params = params


@dataclass(slots=True)
class Visit:
    """One request. ``form``: the fields of a sent form, first value each."""

    ministry: Ministry
    request: Request
    session: Session | None
    language: str
    form: Mapping[str, str] = field(default_factory=dict)

    def asked(self, name: str) -> str:
        """A query parameter's value, empty if there is none."""
        return self.request.query_params.get(name, "").strip()

    def all_asked(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return self.request.query_params.getlist(name)

    def sent(self, name: str) -> str:
        """A form field's value, empty if there is none."""
        return self.form.get(name, "").strip()

    @property
    def space(self) -> SpaceRow:
        """The run that the address names.

        Raises:
            Stop: there is none.
        """
        row = self.ministry.space(str(self.request.path_params["space"]))
        if row is None:
            raise Stop(404, "error.no-run")
        return row

    def mark(self) -> str:
        """The present mark of the run that the address names."""
        return mark(self.ministry, self.space.name)

    def say(self, key: str, /, **params: object) -> str:
        """One of the console's texts in the reader's language."""
        return WORDS.of(key, self.language, **params)

    def tell(self, key: str, /, **params: object) -> None:
        """A message for the next page of this session."""
        if self.session is not None:
            self.session.told.append((key, {name: str(value) for name, value in params.items()}))

    def when(self, moment: str | datetime | None) -> Markup:
        """A time as people write it, in the pack's zone; the exact one stays readable for programs."""
        if moment is None:
            return Markup("–")
        value = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        local = value.astimezone(self.ministry.pack.timezone)
        text = Markup('<time datetime="{}">{} <span class="nowrap">{}</span></time>')
        return text.format(value.isoformat(), local.strftime("%d/%m/%Y"), local.strftime("%H:%M:%S"))

    def with_query(self, **changes: str) -> str:
        """This page's address with some query parameters changed; an empty value takes one out."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name not in changes]
        kept += [(name, value) for name, value in changes.items() if value]
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")


def run_path(name: str, rest: str = "") -> str:
    """Address of a run's page."""
    return f"{PREFIX}/runs/{name}{rest}"


def seen_after_post(path: str) -> Response:
    """The answer to a form: a redirect to the page that shows what it did."""
    return RedirectResponse(path, 303)


def _shown(value: Any) -> Any:
    # trusted markup is left alone; everything else is made visible here and escaped by Jinja right after
    return value if value is None or isinstance(value, Markup | int | float) else visible(str(value), LONGEST)


@cache
def _environment() -> Environment:
    folders = [PackageLoader(name, "templates") for name in ("mock_moet.console", "conformance")]
    return Environment(
        loader=ChoiceLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """A page from a template; everything from outside is made visible and escaped."""
    session = visit.session
    told = []
    if session is not None:
        told, session.told = session.told, []
    text = (
        _environment()
        .get_template(template)
        .render(
            visit=visit,
            lang=visit.language,
            t=visit.say,
            when=visit.when,
            base=PREFIX,
            csrf=session.csrf if session is not None else "",
            notice=visit.ministry.wire.messages["notice"][visit.language],
            told=[visit.say(key, **params) for key, params in told],
            **values,
        )
    )
    return HTMLResponse(text, status)
