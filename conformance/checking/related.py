"""Files judged against those given before them: in the parent, from small facts that come with each result."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import astuple, fields

from conformance.checking.files import CheckingProblem
from conformance.checking.judging import Checked
from conformance.checks.relations import Facts, compare
from conformance.events import Finding
from conformance.finding import Recorder

_COLUMNS = [one.name for one in fields(Facts)]
_AT_MOST = 4
"""Earlier files that a file is compared with in each kind of relation: one says as much as a thousand."""
_DIFFERS = "(learner <> :learner or school_year <> :school_year or school <> :school)"
_LEARNER = "learner = :learner and school_year = :school_year and school = :school"
_LINKS = ("replaces = :digest and replaces <> '' order by rowid", "digest = :replaces order by rowid")
# Each is answered from an index by its first rows: thousands of copies of one record must not make a run slow.
_OTHERS = (
    "record = :record and version = :version order by rowid",
    "record = :record and version = :version - 1 order by rowid",
    "record = :record and version = :version + 1 order by rowid",
    f"first = 1 and record = :record and version < :version and {_DIFFERS}",
    f"first = 1 and record = :record and version > :version and {_DIFFERS}",
    f"first = 1 and {_LEARNER} and record < :record",
    f"first = 1 and {_LEARNER} and record > :record",
)
_SCHEMA = f"""
pragma journal_mode = off;
pragma synchronous = off;
create table seen (name, first, {", ".join(_COLUMNS)});
create index by_digest on seen (digest);
create index by_replaced on seen (replaces) where replaces <> '';
create index by_version on seen (record, version);
create index by_identity on seen (record, version, learner, school_year, school) where first = 1;
create index by_learner on seen (learner, school_year, school, record) where first = 1;
"""
_FIRST = f"first = 1 and record = :record and version = :version and {_LEARNER}"


def related(results: Iterable[Checked], *, together: bool) -> Iterator[Checked]:
    """The same results, in the same order; a file's findings against earlier ones are added to its own.

    Facts are held in a temporary database, which SQLite keeps in some megabytes of memory and beyond that on disk.
    The very same bytes again are a note (:attr:`Checked.same_as`), not a finding.

    Args:
        results: what was found in each file alone, in the order of the files.
        together: whether all files are of one register (:func:`conformance.checks.relations.compare`).

    Raises:
        CheckingProblem: the temporary database cannot grow.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as base:
        base.executescript(_SCHEMA)
        for one in results:
            if one.facts is not None:
                try:
                    _add(base, one, one.facts, together)
                except sqlite3.Error as error:
                    raise CheckingProblem(f"thư mục tạm / temporary folder: {error}") from error
            yield one


def _add(base: sqlite3.Connection, one: Checked, facts: Facts, together: bool) -> None:
    same = base.execute("select name from seen where digest = ? order by rowid limit 1", (facts.digest,)).fetchone()
    if same is not None:
        one.same_as = str(same[0])
        return
    named = dict(zip(_COLUMNS, astuple(facts), strict=True))
    earlier: dict[int, tuple[str, Facts]] = {}
    for query in (*_LINKS, *_OTHERS) if together else _LINKS:
        rows = base.execute(f"select rowid, * from seen where {query} limit {_AT_MOST}", named)  # noqa: S608  # ours
        earlier |= {row[0]: (row[1], Facts(*row[3:])) for row in rows}
    told: set[tuple[str, str]] = set()
    for _, (name, before) in sorted(earlier.items()):
        found = Recorder()
        compare(facts, before, name, found, together=together)
        for observation in found.observations:
            key = (observation.cause, str(observation.params.get("what", "")))
            if key not in told:  # the first file that contradicts is named
                told.add(key)
                one.findings.append(Finding.of(observation))
    first = base.execute(f"select 1 from seen where {_FIRST}", named).fetchone() is None  # noqa: S608  # ours
    row = (one.name, int(first), *astuple(facts))
    base.execute(f"insert into seen values ({', '.join('?' * len(row))})", row)  # noqa: S608  # only question marks
