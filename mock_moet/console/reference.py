"""What a run is judged by: the pack's code lists and requirements."""

from __future__ import annotations

from itertools import groupby

from starlette.responses import Response

from conformance.pack.explain import UnknownRequirement, as_html, explain
from mock_moet.console.visit import Stop, Visit, page

SHOWN = 500
"""Codes of a list on one page."""


def code_lists(visit: Visit) -> Response:
    """All code lists."""
    return page(visit, "codes.html.j2", lists=list(visit.ministry.pack.codes.items()))


def code_list(visit: Visit) -> Response:
    """One code list, searched by code or name."""
    name = str(visit.request.path_params["name"])
    found = visit.ministry.pack.codes.get(name)
    if found is None:
        raise Stop(404, "error.no-list")
    wanted = visit.asked("q").casefold()
    entries = [
        one
        for one in found
        if wanted in one.code.casefold() or any(wanted in each.casefold() for each in (one.name, *one.names))
    ]
    return page(
        visit, "code-list.html.j2", name=name, codes=found, entries=entries[:SHOWN], total=len(entries),
        q=visit.asked("q"),
    )  # fmt: skip


def requirements(visit: Visit) -> Response:
    """All requirements by group."""
    pack = visit.ministry.pack
    rows = list(pack.requirements.values())
    groups = [(name, list(those)) for name, those in groupby(rows, key=lambda one: one.group)]
    groups.sort(key=lambda pair: pair[1][0].part)
    return page(visit, "requirements.html.j2", groups=groups, pack=pack)


def requirement(visit: Visit) -> Response:
    """One requirement, as everywhere it is explained."""
    asked = str(visit.request.path_params["id"])
    try:
        found = explain(visit.ministry.pack, asked)
    except UnknownRequirement:
        raise Stop(404, "error.no-requirement") from None
    body = as_html(found, visit.language, heading=1)
    return page(visit, "requirement.html.j2", one=found.requirement, title=found.title(visit.language), body=body)
