"""This machine: Python, packs, ports, clock, console, environment, optional tools."""

from __future__ import annotations

import errno
import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from conformance import __version__
from conformance.doctor.model import NOT_COMPLETED, WRONG_USE, Diagnosis, note, ok, problem, warning
from conformance.doors.processes import free_port
from conformance.pack import Pack, PackError, default_pack, load_pack
from conformance.suite.settings import LOOPBACK, Options
from reports.pdf import PdfError, browser

TESTED = ((3, 11), (3, 13))
"""First and last version of Python with which this is tried."""
DESK_PORTS = (8115, 8116)
"""Where ``hocba serve`` listens unless told otherwise."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
OWN = ("127.0.0.1", "localhost")
ROOM = 200 * 1024 * 1024
"""Bytes of temporary space below which a long run may fail."""


def python(version: tuple[int, int] = sys.version_info[:2]) -> Diagnosis:
    """The interpreter."""
    params = {"version": platform.python_version(), "system": platform.system(), "tool": __version__}
    if TESTED[0] <= version <= TESTED[1]:
        return ok("python", **params)
    return warning("python.untried", **{**params, "version": ".".join(map(str, version)), "last": "3.13"})


def pack(folder: str, revision: str) -> tuple[Pack | None, Diagnosis]:
    """The specification pack at its scored revision."""
    try:
        loaded = (load_pack(Path(folder)) if folder else default_pack()).at(revision)
    except PackError as error:
        return None, problem("pack.wrong", WRONG_USE, error=error)
    return loaded, ok("pack", name=loaded.name, revision=loaded.header.revision, digest=loaded.digest[:16])


def zone(loaded: Pack, now: datetime) -> Diagnosis:
    """Whether the machine's time zone is the text's: times without a zone are read in the latter."""
    here, there = now.astimezone().utcoffset() or timedelta(), loaded.timezone.utcoffset(now) or timedelta()
    params = {"here": _offset(here), "wanted": loaded.header.zone}
    return ok("zone", **params) if here == there else warning("zone.other", **params)


def _offset(one: timedelta) -> str:
    minutes = round(one.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def proxies(environ: Mapping[str, str]) -> Diagnosis:
    """Whether what is started from this environment would send loopback traffic to a proxy."""
    lowered = {name.lower(): value for name, value in environ.items()}
    there = [name for name in PROXIES if lowered.get(name)]
    spared = {one.strip() for one in lowered.get("no_proxy", "").split(",")}
    if not there:
        return ok("proxy.none")
    if "*" in spared or set(OWN) <= spared:
        return ok("proxy.spared", names=", ".join(there))
    return warning("proxy.loopback", names=", ".join(there))


def console(encoding: str | None) -> Diagnosis:
    """Whether Vietnamese can be shown: the encoding that the console had before it was asked for UTF-8."""
    name = (encoding or "").lower().replace("_", "-")
    return ok("console") if name in ("utf-8", "utf8") else warning("console.other", encoding=encoding or "?")


def tools() -> Iterator[Diagnosis]:
    """Optional programs and libraries."""
    try:
        browser()
    except PdfError:
        yield note("tool.browser")
    if not all(map(importlib.util.find_spec, ("fpdf", "font_roboto"))):
        yield note("tool.pdf")
    if importlib.util.find_spec("distributed") is None:
        yield note("tool.dask")


def ports(options: Options) -> Iterator[Diagnosis]:
    """Whether the mock Ministry can listen: the run's own, and ``hocba serve``'s usual ports."""
    host, port = options.ministry_host, options.ministry_port
    try:
        free_port(host, port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE or getattr(error, "winerror", 0) in (10013, 10048)
        key = "port.taken" if taken else "host.foreign"
        yield problem(key, WRONG_USE, host=host, port=port, error=error.strerror or error)
    else:
        yield ok("port", host=host, port=port or "*")
    for one in DESK_PORTS:
        if one != port:
            try:
                free_port(LOOPBACK, one)
            except OSError:
                yield note("port.desk", port=one)


def files(options: Options) -> Iterator[Diagnosis]:
    """Whether results and temporary files can be written."""
    for path in filter(None, (options.report, options.results, options.junit)):
        folder = next(one for one in Path(path).resolve().parents if one.exists())
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            yield problem("output", WRONG_USE, path=path, error=error.strerror or error)
    try:
        room = shutil.disk_usage(tempfile.gettempdir()).free
    except OSError as error:
        yield problem("temporary", NOT_COMPLETED, path=tempfile.gettempdir(), error=error.strerror or error)
    else:
        if room < ROOM:
            yield warning("room", path=tempfile.gettempdir(), free=room // (1024 * 1024))
